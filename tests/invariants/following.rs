//! I2 and I3: followers miss nothing, revisions never decrease, and the log has no gaps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use passerelle::kernel::id;
use passerelle::kernel::read::Database;
use passerelle::records::changes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Stored, Writer, checked, rounds, seed};
use crate::support::place::{PUSH, Partner, Place};
use crate::support::proxy::Proxy;
use crate::support::records::{ndjson, organization};
use crate::support::server::Backend;
use crate::support::{HOPELESS, run, until};

const PAGE: &str = "query($after: ChangeCursor, $wait: Int) { changes(after: $after, first: 40, waitSeconds: $wait) {
    cursor hasMore changes { operation recordId revision record { ... on Organization { id revision } } } } }";

/// A client that follows over HTTP, and retries without a response.
#[derive(Debug, Default)]
struct Follower {
    after: Option<String>,
    records: BTreeMap<String, i64>,
}

impl Follower {
    /// Takes a page. Returns whether there may be more.
    async fn step(&mut self, partner: &Partner, wait: u32) -> bool {
        let answer = partner.ask(PAGE, json!({"after": self.after, "wait": wait})).await;
        let Ok(answer) = answer else { return true };
        let feed = &answer["data"]["changes"];
        if let Some(error) = answer["errors"].get(0) {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            assert!(!code.starts_with("CURSOR_"), "every cursor from the server is valid: {error}");
            return true;
        }
        for change in feed["changes"].as_array().expect("changes") {
            assert_eq!(change["operation"], "UPSERT");
            let (id, revision) = (change["recordId"].as_str().unwrap(), change["revision"].as_i64().unwrap());
            assert_eq!(
                change["record"],
                json!({"id": id, "revision": revision}),
                "the record matches its entry"
            );
            let before = self.records.insert(id.to_owned(), revision).unwrap_or(0);
            assert!(revision > before, "revisions increase: {change}");
        }
        self.after = feed["cursor"].as_str().map(str::to_owned);
        feed["hasMore"] == json!(true)
    }

    /// Takes pages until `done`, and then all remaining ones.
    async fn run(mut self, partner: Partner, done: &AtomicBool) -> BTreeMap<String, i64> {
        while !done.load(Ordering::Relaxed) {
            self.step(&partner, 1).await;
        }
        while self.step(&partner, 0).await {}
        self.records
    }
}

/// Reads the log directly from the database. At each moment it must be a prefix without gaps.
async fn read_along(db: &Arc<Database>, done: &AtomicBool) -> BTreeMap<Uuid, i32> {
    let (mut last, mut revisions) = (0, BTreeMap::new());
    loop {
        let finished = done.load(Ordering::Relaxed);
        let page = changes::after(db, last, 50).await.expect("the log");
        for entry in &page {
            assert_eq!(entry.seq, last + 1, "the log has no gaps");
            last = entry.seq;
            let before = revisions.insert(entry.record_id, entry.revision).unwrap_or(0);
            assert_eq!(entry.revision, before + 1, "revisions of a record increase by one");
        }
        if page.is_empty() {
            if finished {
                return revisions;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Sends transactions that are rolled back, and batches without effect.
async fn roll_back(partner: &Partner, source: &str, done: &AtomicBool) {
    for round in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let record = |slug: &str, more: Value| {
            let mut line = organization("wallonie", &format!("{source}-{slug}"), more);
            line.as_object_mut().unwrap().remove("source");
            line
        };
        let bad = record("bad", json!({"kind": "there is none such"}));
        let mut never = record("never", json!({}));
        never["baseRevision"] = json!(7);
        let (records, more) = match round % 3 {
            0 => (vec![record("dry", json!({}))], json!({"dryRun": true})),
            1 => (vec![record("good", json!({})), bad], json!({"mode": "ALL_OR_NOTHING"})),
            _ => (vec![never], json!({})),
        };
        let mut input =
            json!({"source": source, "idempotencyKey": format!("{source}-{round}"), "records": records});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let _ = partner.ask(PUSH, json!({ "input": input })).await;
    }
}

/// Lets a writer do `steps` steps, each repeated until it is acknowledged. Returns the number of failures.
async fn write(writer: &mut Writer, partner: &Partner, steps: usize) -> u32 {
    let mut failures = 0;
    for _ in 0..steps {
        let end = Instant::now() + HOPELESS;
        while !writer.step(partner).await {
            failures += 1;
            assert!(Instant::now() < end, "{:?} is not taken", writer.open);
        }
    }
    failures
}

/// The records of a follower that has everything.
fn whole(stored: &BTreeMap<String, Stored>) -> BTreeMap<String, i64> {
    stored.values().map(|one| (id::encode("organization", one.id), i64::from(one.revision))).collect()
}

async fn digest(partner: &Partner) -> Value {
    let mut data = partner.data("{ syncDigest { count buckets } }", json!({})).await;
    data["syncDigest"].take()
}

/// The result of `during`, with readers beside the writers that must have everything in the end.
async fn followed<T>(
    db: &Arc<Database>,
    partners: &[Partner],
    writers: &mut [Writer],
    during: impl AsyncFnOnce(&mut [Writer]) -> T,
) -> T {
    let done = AtomicBool::new(false);
    let write = async {
        let result = during(&mut *writers).await;
        done.store(true, Ordering::Relaxed);
        result
    };
    let follow = partners.iter().map(|partner| Follower::default().run(partner.clone(), &done));
    let follow = futures::future::join_all(follow);
    let noise = partners.iter().enumerate().map(|(n, partner)| {
        let (source, done) = (format!("noise-{n}"), &done);
        async move { roll_back(partner, &source, done).await }
    });
    let noise = futures::future::join_all(noise);
    let (result, followed, read, _) = tokio::join!(write, follow, read_along(db, &done), noise);
    let stored = checked(db, writers).await;
    for records in followed {
        assert_eq!(records, whole(&stored), "followers have all records");
    }
    assert_eq!(read, stored.values().map(|one| (one.id, one.revision)).collect());
    let digests = futures::future::join_all(partners.iter().map(digest)).await;
    assert_eq!(digests[0]["count"], json!(stored.len()));
    assert!(digests.iter().all(|other| *other == digests[0]));
    result
}

fn sources(writers: usize) -> Vec<String> {
    (0..writers).map(|n| format!("w{n}")).chain((0..2).map(|n| format!("noise-{n}"))).collect()
}

/// The number of statement time-outs in the logs of these places.
fn timeouts(places: &[&Place]) -> usize {
    let logs = places.iter().map(|place| std::fs::read_to_string(place.folder.path().join("log")));
    logs.map(|log| log.expect("a log").matches("statement timeout").count()).sum()
}

#[test]
fn two_processes_whose_messages_wait_and_time_out() {
    const WRITERS: usize = 32;
    run(async {
        let Some(place) = Place::new(Backend::Postgres).await else { return };
        let seed = seed();
        let names = sources(WRITERS);
        let key = place.key(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut writers: Vec<Writer> =
            (seed..).zip(&names[..WRITERS]).map(|(seed, name)| Writer::new(name, name, seed)).collect();
        let (db, proxy, other) =
            (place.open().await, Proxy::start(&place.url, seed).await, Place::at(&place.url));
        let servers = [place.serve_with(&proxy.url, &[]), other.serve_with(&proxy.url, &[])];
        let partners = servers.each_ref().map(|server| Partner::new(server.address(), Some(&key)));
        let longest = std::env::var("DELAY").map_or(8, |delay| delay.parse().expect("milliseconds"));
        proxy.delay(Duration::from_millis(longest));
        let write_all = async |writers: &mut [Writer], steps: usize| -> u32 {
            let each = writers.iter_mut().enumerate();
            let each = each.map(|(n, writer)| write(writer, &partners[n % 2], steps));
            futures::future::join_all(each).await.into_iter().sum()
        };
        followed(&db, &partners, &mut writers, async |writers| write_all(writers, rounds(2)).await).await;

        // I3: waiting for the counter row times out. Both programs must reconnect to get the new limit.
        let name = place.url.rsplit('/').next().expect("a name").to_owned();
        let limit = async |setting: &str| {
            super::rows(&db, &format!("ALTER DATABASE {name} {setting}")).await;
            proxy.cut_all();
        };
        let failures = followed(&db, &partners, &mut writers, async |writers| {
            limit("SET statement_timeout = '25ms'").await;
            let over = AtomicBool::new(false);
            let given_up = async {
                until("statements time out", async || timeouts(&[&place, &other]) >= WRITERS).await;
                limit("RESET statement_timeout").await;
                over.store(true, Ordering::Relaxed);
            };
            // All write until then, and at least this many steps.
            let each = writers.iter_mut().enumerate().map(async |(n, writer)| {
                let mut failures = write(writer, &partners[n % 2], rounds(2)).await;
                while !over.load(Ordering::Relaxed) {
                    failures += write(writer, &partners[n % 2], 1).await;
                }
                failures
            });
            let (failures, ()) = tokio::join!(futures::future::join_all(each), given_up);
            failures.into_iter().sum::<u32>()
        })
        .await;
        assert!(failures > 0, "no request failed by a time-out");
        db.close().await;
    });
}

#[test]
fn a_server_and_imports_beside_it_on_one_file() {
    const WRITERS: usize = 16;
    run(async {
        let seed = seed();
        let place = Place::new(Backend::Sqlite).await.expect("SQLite is always there");
        let names = sources(WRITERS);
        let key = place.key(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut writers: Vec<Writer> =
            (seed..).zip(&names[..WRITERS]).map(|(seed, name)| Writer::new(name, name, seed)).collect();
        let (db, server) = (place.open().await, place.serve());
        let partners = [Partner::new(server.address(), Some(&key))];
        // One more writer stands for the records of the imports.
        writers.push(Writer::new("file", "test-wallonie", seed));
        followed(&db, &partners, &mut writers, async |writers| {
            let (of_files, writers) = writers.split_last_mut().expect("there are writers");
            let import = async {
                for round in 0..rounds(2) {
                    let slugs: Vec<String> = (0..100).map(|n| format!("file-{}", n + 50 * round)).collect();
                    let name = json!({"name": format!("in {round}")});
                    let lines: Vec<Value> =
                        slugs.iter().map(|slug| organization("wallonie", slug, name.clone())).collect();
                    let file = place.folder.path().join("lines.ndjson");
                    std::fs::write(&file, ndjson(&lines)).expect("a file");
                    let mut command = place.command(&["import", "--create-source", "lines.ndjson"]);
                    let ran = tokio::task::spawn_blocking(move || command.output()).await;
                    let ran = ran.expect("no panic").expect("the program runs");
                    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
                    for slug in slugs {
                        *of_files.acknowledged.entry(slug).or_insert(0) += 1;
                    }
                }
            };
            let write = writers.iter_mut().map(|writer| write(writer, &partners[0], rounds(3)));
            tokio::join!(import, futures::future::join_all(write));
        })
        .await;
        db.close().await;
    });
}
