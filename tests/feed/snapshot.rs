//! Snapshots of all that a viewer may follow, and their digests.

use std::collections::BTreeMap;

use passerelle::kernel::policy::Viewer;
use passerelle::kernel::read::keyed::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Follower, editor, member, some};
use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization, partnership, source, talent};
use crate::support::server::{Backend, Setup, TestServer};

/// A snapshot: its header, its records and its footer. Checks its hash.
async fn copy(server: &TestServer, query: &str) -> (Value, Vec<Value>, Value) {
    let response = server.get(&format!("/sync/snapshot{query}")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.expect("the snapshot is complete");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.pop().expect("a last line");
    let before = &text[..=text.trim_end().rfind('\n').unwrap()];
    assert_eq!(last["sha256"], hex(&Sha256::digest(before)));
    let first = lines.remove(0);
    (first, lines, last)
}

/// A follower that begins with a snapshot.
async fn begin(server: &TestServer) -> Follower {
    let (first, records, _) = copy(server, "").await;
    let records = records
        .iter()
        .map(|line| (line["recordId"].as_str().unwrap().to_owned(), line["revision"].as_i64().unwrap()));
    let after = Some(first["cursor"].as_str().unwrap().to_owned());
    Follower { after, records: records.collect(), ..Follower::new(json!({})) }
}

on_both_databases! {
    async fn a_copy_and_what_follows_it_are_what_is_there(server) {
        import(&server, &some()).await;
        import(&server, &[organization("flandre", "secret", json!({"visibility": "PRIVATE"})),
            organization("wallonie", "inside", json!({"visibility": "MEMBERS", "name": "canary-inside"})),
            partnership("wallonie", "duo", &["halo", "klank"], json!({}))]).await;
        let members = server.beside(member()).await;
        let staff = server.beside(editor("flandre")).await;
        let mut followers = Vec::new();
        for (server, expected) in [(&server, 5), (&members, 6), (&staff, 7)] {
            let (first, records, last) = copy(server, "").await;
            assert_eq!(records.len(), expected);
            let counted: i64 = last["counts"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
            assert_eq!(usize::try_from(counted).unwrap(), expected);
            assert_eq!(first["schemaVersion"], 1);
            assert!(first["views"].as_array().unwrap().contains(&json!({"region": "flandre", "visibility": "PUBLIC"})));
            let mut fresh = Follower::new(json!({}));
            fresh.catch_up(server).await;
            let follower = begin(server).await;
            assert_eq!(follower.records, fresh.records);
            followers.push((server, follower));
        }
        let (_, records, _) = copy(&server, "").await;
        let types: Vec<&str> = records.iter().map(|line| line["recordType"].as_str().unwrap()).collect();
        assert_eq!(types, ["ORGANIZATION", "ORGANIZATION", "TALENT", "AFFILIATION", "PARTNERSHIP"], "references come first");
        let ada = &records[2]["record"];
        assert_eq!((&ada["displayName"], &ada["email"]), (&json!("ada"), &Value::Null), "contact data are hidden as elsewhere");
        assert_eq!(records[4]["record"]["parties"].as_array().unwrap().len(), 2);
        // A client that begins with a snapshot continues with the feed.
        import(&server, &[organization("wallonie", "halo", json!({"visibility": "PRIVATE"})), talent("wallonie", "eve", json!({}))]).await;
        import(&server, &[affiliation("wallonie", "eve", "klank", json!({}))]).await;
        import(&server, &[json!({"source": source("wallonie"), "externalId": "par-duo", "delete": true, "overwrite": true, "partnership": {}})]).await;
        for (server, follower) in &mut followers {
            follower.catch_up(server).await;
            assert_eq!(follower.records, begin(server).await.records);
        }
        let (_, records, _) = copy(&server, "?types=TALENT,ORGANIZATION&regions=wallonie").await;
        assert_eq!(records.len(), 2);
        let refused = server.get("/sync/snapshot?types=TALENTS").await;
        assert_eq!(refused.status(), 400);
        assert!(refused.text().await.unwrap().contains("AFFILIATION"));
        assert_eq!(server.get("/sync/snapshot?regions=walonie").await.status(), 400);
    }
}

/// The digest of a client's records, computed as the schema describes it.
fn digest(held: &BTreeMap<String, (String, i64, String)>) -> Vec<String> {
    let mut buckets = vec![0_u64; 256];
    for (id, (of, revision, hash)) in held {
        let bucket = usize::from(Sha256::digest(id)[0]);
        let sum = Sha256::digest(format!("{of}\n{id}\n{revision}\n{hash}"));
        buckets[bucket] = buckets[bucket].wrapping_add(u64::from_be_bytes(sum[..8].try_into().unwrap()));
    }
    buckets.iter().map(|sum| format!("{sum:016x}")).collect()
}

on_both_databases! {
    async fn whoever_has_followed_has_the_same_digest(server) {
        import(&server, &some()).await;
        import(&server, &[organization("flandre", "secret", json!({"visibility": "PRIVATE"})), talent("flandre", "bob", json!({"visibility": "MEMBERS"}))]).await;
        for (viewer, count) in [(Viewer::anonymous(), 4), (member(), 5), (editor("flandre"), 6)] {
            let server = server.beside(viewer).await;
            let mut follower = Follower::new(json!({}));
            let changes = follower.catch_up(&server).await;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let held = changes.iter().map(|change| {
                let fields = (text(&change["recordType"]), change["revision"].as_i64().unwrap(), text(&change["contentHash"]));
                (text(&change["recordId"]), fields)
            });
            let held: BTreeMap<String, (String, i64, String)> = held.collect();
            let data = server.data("{ syncDigest { cursor count buckets } }").await;
            assert_eq!(data["syncDigest"]["count"], count);
            assert_eq!(data["syncDigest"]["buckets"], json!(digest(&held)));
            assert_eq!(data["syncDigest"]["cursor"].as_str(), follower.after.as_deref(), "the digest is at the same position");
            // The records of one bucket.
            let (id, (of, revision, hash)) = held.iter().next().unwrap();
            let bucket = Sha256::digest(id)[0];
            let query = format!("{{ syncBucket(bucket: {bucket}) {{ recordType recordId revision contentHash }} }}");
            let found = server.data(&query).await;
            let hash = if hash.is_empty() { Value::Null } else { json!(hash) };
            let expected = json!({"recordType": of, "recordId": id, "revision": revision, "contentHash": hash});
            assert!(found["syncBucket"].as_array().unwrap().contains(&expected), "{found}");
        }
        assert_eq!(server.code("{ syncBucket(bucket: 256) { recordId } }").await, "BAD_USER_INPUT");
    }
}

#[test]
fn a_copy_tells_all_that_the_schema_has() {
    // Connections, whose nodes are records of their own. Texts in one language where all are included. Fields derived
    // from others.
    const NOT_TOLD: &[&str] = &[
        "affiliations",
        "applications",
        "awards",
        "partnerships",
        "members",
        "predecessors",
        "description",
        "biography",
        "headline",
        "title",
        "editions",
        "parts",
        "consents",
        "fieldVisibility",
        // Registrations live on one deployment alone.
        "attendees",
        "delegation",
        "registrations",
        "seatsLeft",
    ];
    crate::support::run(async {
        let server =
            TestServer::with(Backend::Sqlite, Setup::default()).await.expect("SQLite is always there");
        // The last fragment is that of claims, shared by all types.
        let fragments: Vec<&str> =
            passerelle::exchange::sync::snapshot::DOCUMENT.split("\nfragment ").skip(1).collect();
        assert!(fragments.len() > 4, "{fragments:?}");
        for fragment in &fragments[..fragments.len() - 1] {
            let (_, of) = fragment.split_once(" on ").expect("the name of a type");
            let (of, fragment) = of.split_once(" {").expect("fields");
            let words: Vec<&str> = fragment.split(|c: char| !c.is_alphanumeric()).collect();
            let data = server.data(&format!("{{ __type(name: \"{of}\") {{ fields {{ name }} }} }}")).await;
            for field in data["__type"]["fields"].as_array().unwrap() {
                let name = field["name"].as_str().unwrap();
                assert!(words.contains(&name) || NOT_TOLD.contains(&name), "{of}.{name} is in no copy");
            }
        }
    });
}

#[test]
fn without_the_public_feed_only_members_follow() {
    crate::support::run(async {
        let server = TestServer::spawn(Backend::Sqlite).await.expect("SQLite is always there");
        let closed = server.closed().await;
        assert_eq!(closed.get("/sync/snapshot").await.status(), 401);
        assert_eq!(closed.code("{ syncDigest { count } }").await, "UNAUTHENTICATED");
        assert_eq!(closed.code("{ changes { hasMore } }").await, "UNAUTHENTICATED");
    });
}
