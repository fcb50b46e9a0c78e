//! The change feed, as partner systems follow it.

use std::collections::BTreeMap;
use std::time::Duration;

use passerelle::exchange::import::file;
use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::{Told, affiliation, import, ndjson, options, organization, source, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

pub(crate) mod clients;
mod continuity;
mod erasures;
mod example;
mod history;
mod limits;
mod snapshot;
mod watch;

const PAGE: &str = "query($after: ChangeCursor, $first: Int, $types: [RecordType!], $regions: [String!], $wait: Int, \
    $exclude: String) { changes(after: $after, first: $first, types: $types, regions: $regions, waitSeconds: $wait, \
    excludeOrigin: $exclude) { cursor hasMore head instanceId pending schemaVersion vocabularyHash changes { cursor \
    recordType recordId operation reason revision region { slug } origin externalId { source id } contentHash \
    lastOfTransaction record { __typename ... on Record { id slug revision } ... on Talent { email } \
    ... on Affiliation { id revision } } } } }";

/// A client that follows the feed and keeps its records.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(crate) variables: Value,
    pub(crate) after: Option<String>,
    /// The revisions of records by id.
    pub(crate) records: BTreeMap<String, i64>,
}

impl Follower {
    pub(crate) fn new(variables: Value) -> Self {
        Self { variables, after: None, records: BTreeMap::new() }
    }

    pub(crate) async fn ask(&self, server: &TestServer) -> Value {
        let mut variables = json!({"first": 100});
        variables.as_object_mut().unwrap().extend(self.variables.as_object().unwrap().clone());
        variables["after"] = json!(self.after);
        server.query_with(PAGE, variables).await
    }

    /// Takes the next page. Returns its changes, and whether there is more.
    pub(crate) async fn step(&mut self, server: &TestServer) -> (Vec<Value>, bool) {
        let answer = self.ask(server).await;
        let feed = &answer["data"]["changes"];
        assert!(answer.get("errors").is_none(), "{answer}");
        let changes = feed["changes"].as_array().unwrap().clone();
        for change in &changes {
            let (id, revision) = (change["recordId"].as_str().unwrap(), change["revision"].as_i64().unwrap());
            if change["operation"] == "UPSERT" {
                assert_eq!(change["record"]["id"], id, "{change}");
                assert_eq!(
                    change["record"]["revision"], revision,
                    "the record is as its entry says: {change}"
                );
                let before = self.records.insert(id.to_owned(), revision).unwrap_or(0);
                assert!(revision >= before, "revisions never decrease: {change}");
            } else {
                assert_eq!(change["record"], Value::Null);
                self.records.remove(id);
            }
        }
        self.after = Some(feed["cursor"].as_str().unwrap().to_owned());
        (changes, feed["hasMore"].as_bool().unwrap())
    }

    /// Takes all pages, and returns their changes.
    pub(crate) async fn catch_up(&mut self, server: &TestServer) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let (changes, more) = self.step(server).await;
            all.extend(changes);
            if !more {
                return all;
            }
        }
    }
}

/// Each change in short: operation, reason and revision.
pub(crate) fn told(changes: &[Value]) -> Vec<String> {
    let told = changes.iter().map(|change| {
        let (operation, reason) = (change["operation"].as_str().unwrap(), change["reason"].as_str().unwrap());
        format!("{operation} {reason} {}", change["revision"])
    });
    told.collect()
}

pub(crate) fn code(answer: &Value) -> (String, String) {
    let extensions = &answer["errors"][0]["extensions"];
    let text = |name: &str| extensions[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("recovery"))
}

pub(crate) fn member() -> Viewer {
    Viewer { signed_in: true, ..Viewer::default() }
}

pub(crate) fn editor(region: &str) -> Viewer {
    Viewer { staff_of: [region.to_owned()].into(), writes: [region.to_owned()].into(), ..member() }
}

fn some() -> Vec<Value> {
    vec![
        organization("wallonie", "halo", json!({})),
        organization("flandre", "klank", json!({})),
        talent("wallonie", "ada", json!({"email": "ada@example.org"})),
        affiliation("wallonie", "ada", "halo", json!({})),
    ]
}

on_both_databases! {
    async fn a_first_crawl_lists_every_record_once(server) {
        import(&server, &some()).await;
        import(&server, &[organization("wallonie", "halo", json!({"name": "Halo Films"}))]).await;
        import(&server, &[organization("flandre", "gone", json!({}))]).await;
        import(&server, &[json!({"source": source("flandre"), "externalId": "org-gone", "delete": true, "organization": {}})]).await;
        for first in [1, 2, 3, 500] {
            let mut follower = Follower::new(json!({"first": first}));
            let changes = follower.catch_up(&server).await;
            let ids: Vec<&str> = changes.iter().map(|change| change["recordId"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), 4, "each record once, and no past entries: {changes:?}");
            assert_eq!(follower.records.len(), 4);
            assert!(changes.iter().all(|change| change["origin"].as_str().unwrap().starts_with("test-")));
            assert!(changes.iter().any(|change| change["externalId"] == json!({"source": "test-wallonie", "id": "tal-ada"})));
            assert_eq!(follower.step(&server).await, (vec![], false), "no more changes");
        }
        let page = Follower::new(json!({"first": 1})).ask(&server).await;
        let feed = &page["data"]["changes"];
        assert_eq!(feed["pending"], 3);
        assert_eq!(feed["changes"][0]["contentHash"], Value::Null, "only writers of the records see hashes");
        assert_eq!(feed["schemaVersion"], 1);
        assert_eq!(feed["vocabularyHash"].as_str().unwrap().len(), 64);
    }
}

on_both_databases! {
    async fn what_happens_to_a_record_is_told_to_who_sees_it(server) {
        let (members, staff) = (server.beside(member()).await, server.beside(editor("wallonie")).await);
        import(&server, &some()).await;
        let (mut anyone, mut signed_in, mut own) = (Follower::new(json!({})), Follower::new(json!({})), Follower::new(json!({})));
        anyone.catch_up(&server).await;
        signed_in.catch_up(&members).await;
        own.catch_up(&staff).await;

        let halo = |more| organization("wallonie", "halo", more);
        import(&server, &[halo(json!({"visibility": "MEMBERS"}))]).await;
        // An affiliation is in the strictest view of its parts.
        assert_eq!(told(&anyone.catch_up(&server).await), ["DELETE OUT_OF_VIEW 2", "DELETE OUT_OF_VIEW 2"]);
        let changes = signed_in.catch_up(&members).await;
        assert_eq!(told(&changes), ["UPSERT CHANGED 2", "UPSERT CHANGED 2"], "only the entry of the new view is shown");
        assert_eq!(changes[0]["lastOfTransaction"], false);
        assert_eq!(changes[1]["lastOfTransaction"], true);

        import(&server, &[halo(json!({"visibility": "PRIVATE", "name": "Secret"}))]).await;
        assert_eq!(anyone.catch_up(&server).await, [] as [Value; 0], "nothing is revealed to those who did not see it");
        assert_eq!(told(&signed_in.catch_up(&members).await), ["DELETE OUT_OF_VIEW 3", "DELETE OUT_OF_VIEW 3"]);
        let changes = own.catch_up(&staff).await;
        assert_eq!(told(&changes), ["UPSERT CHANGED 3", "UPSERT CHANGED 3"]);
        assert_eq!(changes[0]["contentHash"].as_str().unwrap().len(), 64, "writers see the hash");

        import(&server, &[halo(json!({"visibility": "PUBLIC"}))]).await;
        assert_eq!(told(&anyone.catch_up(&server).await), ["UPSERT CHANGED 4", "UPSERT CHANGED 4"]);

        let delete = |kind: &str, id: &str| json!({"source": source("wallonie"), "externalId": id, "delete": true, "overwrite": true, kind: {}});
        import(&server, &[delete("affiliation", "aff-ada-halo"), delete("talent", "tal-ada"), delete("organization", "org-halo")]).await;
        let changes = anyone.catch_up(&server).await;
        assert_eq!(told(&changes), ["DELETE DELETED 5", "DELETE DELETED 2", "DELETE DELETED 5"]);
        let external: Vec<&Value> = changes.iter().map(|change| &change["externalId"]["id"]).collect();
        assert_eq!(external, [&Value::Null, &Value::Null, &json!("org-halo")], "the external id of a talent is removed too");
        for (follower, server) in [(&mut signed_in, &members), (&mut own, &staff)] {
            follower.catch_up(server).await;
            assert_eq!(follower.records, anyone.records);
        }
    }
}

on_both_databases! {
    async fn types_regions_and_origins_can_be_chosen(server) {
        import(&server, &some()).await;
        let count = async |variables: Value| {
            let mut follower = Follower::new(variables);
            follower.catch_up(&server).await;
            follower.records.len()
        };
        assert_eq!(count(json!({"types": ["ORGANIZATION"]})).await, 2);
        assert_eq!(count(json!({"types": ["ORGANIZATION", "TALENT"], "regions": ["wallonie"]})).await, 2);
        assert_eq!(count(json!({"types": ["PARTNERSHIP"], "first": 1})).await, 0);
        assert_eq!(count(json!({"exclude": source("wallonie")})).await, 1);
        assert_eq!(count(json!({"regions": ["region-sud"]})).await, 0);
    }
}

on_both_databases! {
    async fn cursors_that_do_not_fit_say_what_to_do(server) {
        import(&server, &some()).await;
        let mut follower = Follower::new(json!({}));
        follower.catch_up(&server).await;
        let at = |after: &str| Follower { after: Some(after.to_owned()), ..Follower::new(json!({})) };
        let good = follower.after.clone().unwrap();
        for bad in ["", "abc", "!", &good[1..], &good[..good.len() - 4]] {
            assert_eq!(code(&at(bad).ask(&server).await), ("CURSOR_INVALID".into(), "SNAPSHOT".into()), "{bad:?}");
        }
        let cursor = passerelle::records::changes::ChangeCursor::read(&good).unwrap();
        let changed = |change: &dyn Fn(&mut passerelle::records::changes::ChangeCursor)| {
            let mut cursor = cursor.clone();
            change(&mut cursor);
            at(&cursor.text())
        };
        let other = changed(&|cursor| cursor.feed_id = uuid::Uuid::max());
        assert_eq!(code(&other.ask(&server).await).0, "CURSOR_INVALID");
        let ahead = changed(&|cursor| cursor.seq += 1);
        assert_eq!(code(&ahead.ask(&server).await), ("CURSOR_AHEAD".into(), "SNAPSHOT_AND_ALARM".into()));
        let forked = changed(&|cursor| cursor.tag ^= 1);
        assert_eq!(code(&forked.ask(&server).await).0, "CURSOR_FORKED");
        let negative = changed(&|cursor| cursor.seq = -1);
        assert_eq!(code(&negative.ask(&server).await).0, "CURSOR_INVALID");

        // Changed grants, regions or types.
        let answer = follower.ask(&server.beside(member()).await).await;
        assert_eq!(code(&answer), ("CURSOR_VIEWS_CHANGED".into(), "RESUME".into()));
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["removedViews"], json!([]));
        assert!(extensions["addedViews"].as_array().unwrap().contains(&json!({"region": "wallonie", "visibility": "MEMBERS"})));
        let resumed = Follower { after: Some(extensions["resumeCursor"].as_str().unwrap().to_owned()), ..follower.clone() };
        assert!(resumed.ask(&server.beside(member()).await).await.get("errors").is_none());
        let narrower = Follower { variables: json!({"types": ["TALENT"], "regions": ["wallonie"]}), ..follower.clone() };
        let answer = narrower.ask(&server).await;
        assert_eq!(code(&answer).0, "CURSOR_VIEWS_CHANGED");
        assert_eq!(answer["errors"][0]["extensions"]["removedTypes"], json!(["ORGANIZATION", "AFFILIATION", "CALL", "EVENT", "PARTNERSHIP"]));

        for (variables, argument) in [
            (json!({"first": 0}), "first"), (json!({"first": 501}), "first"), (json!({"wait": 51}), "waitSeconds"),
            (json!({"wait": -1}), "waitSeconds"), (json!({"regions": ["walonie"]}), "regions"),
        ] {
            let answer = Follower::new(variables).ask(&server).await;
            assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
        }
    }
}

/// Waits until somebody waits for a change, having read a page and found nothing.
pub(crate) async fn somebody_waits(server: &TestServer) {
    until("somebody waits for a change", async || server.app.heads.waiting() > 0).await;
}

/// The time limit of requests, which waiting adds to.
const LIMIT: Duration = Duration::from_secs(1);

on_both_databases! {
    with Setup::default().time_limit(LIMIT);
    async fn who_waits_is_answered_when_something_happens(server) {
        import(&server, &some()).await;
        let mut follower = Follower::new(json!({"types": ["ORGANIZATION"], "wait": 50}));
        follower.catch_up(&server).await;
        let write = async {
            somebody_waits(&server).await;
            // A talent does not match the filter. The request waits for longer than the time limit of others.
            import(&server, &[talent("wallonie", "bob", json!({}))]).await;
            tokio::time::sleep(LIMIT).await;
            import(&server, &[organization("wallonie", "new", json!({}))]).await;
        };
        let ((), (changes, _)) = tokio::join!(write, follower.step(&server));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0]["record"]["slug"], "new");
        // A write by another program on the same database.
        let replica = server.replica().await;
        let write = async {
            somebody_waits(&server).await;
            let text = ndjson(&[organization("wallonie", "newer", json!({}))]);
            let input = Box::new(std::io::Cursor::new(text.into_bytes()));
            file::run(&replica, input, &options(), &mut Told::default()).await.expect("the import runs");
        };
        let ((), (changes, _)) = tokio::join!(write, follower.step(&server));
        assert_eq!(changes[0]["record"]["slug"], "newer");
        // Without a change, the wait ends.
        follower.variables["wait"] = json!(1);
        assert_eq!(follower.step(&server).await, (vec![], false));
    }
}

on_both_databases! {
    async fn a_page_costs_the_same_whatever_is_on_it(server) {
        let many: Vec<Value> = (0..40).map(|n| organization("wallonie", &format!("o{n}"), json!({}))).collect();
        import(&server, &many).await;
        let quiet = server.quiet().await;
        let cost = async |first: i32| {
            let before = quiet.app.db.statements();
            Follower::new(json!({"first": first})).step(&quiet).await;
            quiet.app.db.statements() - before
        };
        cost(1).await;
        let one = cost(1).await;
        assert_eq!(cost(30).await, one);
        // The state of the log, a page of it, the organizations, and the number of pending entries.
        assert_eq!(one, 4);
    }
}
