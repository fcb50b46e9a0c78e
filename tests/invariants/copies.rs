//! I4: a snapshot and the feed from its cursor equal the records. A truncated snapshot is refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use passerelle::kernel::read::keyed::hex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{rounds, seed};
use crate::feed::Follower;
use crate::on_both_databases;
use crate::push::{batch, org, partner, push_input};
use crate::support::records::{import, organization, source};
use crate::support::server::TestServer;
use crate::support::{found, until};

/// Reads a snapshot as the contract tells clients to. Returns its cursor and the revisions of all records, or `None`
/// if it is incomplete.
fn taken(bytes: &[u8]) -> Option<(String, BTreeMap<String, i64>)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (before, last) = text.rsplit_once('\n')?;
    let last: Value = serde_json::from_str(last).ok()?;
    if last["sha256"] != json!(hex(&Sha256::digest(format!("{before}\n")))) {
        return None;
    }
    let mut lines = before.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let cursor = lines.next()?["cursor"].as_str()?.to_owned();
    let records: BTreeMap<String, i64> = lines
        .map(|line| (line["recordId"].as_str().unwrap().to_owned(), line["revision"].as_i64().unwrap()))
        .collect();
    let counted: i64 = last["counts"].as_object()?.values().filter_map(Value::as_i64).sum();
    assert_eq!(i64::try_from(records.len()).unwrap(), counted);
    Some((cursor, records))
}

async fn copy(server: &TestServer) -> Follower {
    let bytes = server.get("/sync/snapshot").await.bytes().await.expect("the snapshot is complete");
    let (cursor, records) = taken(&bytes).expect("the snapshot is complete");
    Follower { after: Some(cursor), records, ..Follower::new(json!({})) }
}

/// Creates, changes, hides and deletes records at random until `done`.
async fn write(server: &TestServer, number: usize, seed: u64, done: &AtomicBool) {
    let mut random = StdRng::seed_from_u64(seed);
    let region = ["wallonie", "flandre"][number % 2];
    while !done.load(Ordering::Relaxed) {
        let one = |random: &mut StdRng| {
            let slug = format!("{region}-{}", random.random_range(0..60));
            let level = ["PUBLIC", "PUBLIC", "MEMBERS", "PRIVATE"][random.random_range(0..4)];
            let fields = json!({"name": format!("{}", random.random::<u32>()), "visibility": level});
            let mut record = org(region, &slug, fields, json!({"overwrite": true}));
            if random.random_range(0..6) == 0 {
                record["organization"] = json!({});
                record["delete"] = json!(true);
            }
            record
        };
        // A batch contains a record only once.
        let mut records: BTreeMap<String, Value> = BTreeMap::new();
        for _ in 0..random.random_range(1..6) {
            let record = one(&mut random);
            records.insert(record["externalId"].as_str().unwrap().to_owned(), record);
        }
        let records: Vec<Value> = records.into_values().collect();
        // Confirm any number of deletions.
        let more = json!({"confirmDeletes": records.iter().filter(|record| record["delete"] == json!(true)).count()});
        let answer = push_input(server, batch(region, &records, more)).await;
        assert_eq!(answer["userErrors"], json!([]));
        server.pass(200_000);
    }
}

on_both_databases! {
    async fn while_others_write(server) {
        let seed = seed();
        let many: Vec<Value> = ["wallonie", "flandre"].iter().flat_map(|region| {
            (0..60).map(move |n| organization(region, &format!("{region}-{n}"), json!({})))
        }).collect();
        import(&server, &many).await;
        let own = server.beside(partner(&["wallonie", "flandre"])).await;
        let members = server.beside(crate::feed::member()).await;
        let done = AtomicBool::new(false);
        let mut random = StdRng::seed_from_u64(seed);
        let take = async {
            let mut followers = Vec::new();
            for _ in 0..rounds(2) {
                for (of, server) in [&server, &members, &own].into_iter().enumerate() {
                    let mut follower = copy(server).await;
                    // Some readers follow the feed for a while before the writers end.
                    for _ in 0..random.random_range(0..3) {
                        follower.step(server).await;
                    }
                    followers.push((of, follower));
                }
            }
            done.store(true, Ordering::Relaxed);
            followers
        };
        let writers = (0..2).map(|n| write(&own, n, seed + n as u64, &done));
        let (followers, _) = tokio::join!(take, futures::future::join_all(writers));
        for (of, mut follower) in followers {
            let server = [&server, &members, &own][of];
            follower.catch_up(server).await;
            let mut fresh = Follower::new(json!({}));
            fresh.catch_up(server).await;
            assert_eq!(follower.records, fresh.records);
            assert_eq!(fresh.records, copy(server).await.records);
            let data = server.data("{ syncDigest { count } }").await;
            assert_eq!(data["syncDigest"]["count"], json!(fresh.records.len()));
        }
    }
}

/// The bytes of a snapshot up to `length`, then closes the connection. Retries while the server still counts earlier
/// connections, as a client may have one at a time.
async fn cut_after(server: &TestServer, length: usize) -> Vec<u8> {
    found("a copy, when those that nobody reads have ended", async || {
        let bytes = cut_once(server, length).await;
        (!bytes.starts_with(b"HTTP/1.1 429")).then_some(bytes)
    })
    .await
}

async fn cut_once(server: &TestServer, length: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let request = "GET /sync/snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match stream.read(&mut bytes[read..]).await.expect("it answers") {
            0 => break,
            some => read += some,
        }
    }
    bytes.truncate(read);
    bytes
}

on_both_databases! {
    async fn cut_at_any_byte(server) {
        let mut random = StdRng::seed_from_u64(seed());
        let many: Vec<Value> = (0..230).map(|n| organization("wallonie", &format!("o{n}"), json!({}))).collect();
        import(&server, &many).await;
        let bytes = server.get("/sync/snapshot").await.bytes().await.expect("the snapshot is complete");
        assert_eq!(taken(&bytes).expect("the snapshot is complete").1.len(), 230);
        // No prefix is a snapshot: cut at each of the last bytes, and at random places.
        let places = (bytes.len() - 300..bytes.len()).chain((0..200).map(|_| random.random_range(0..bytes.len())));
        for place in places {
            assert_eq!(taken(&bytes[..place]), None, "cut at {place}");
        }
        let whole = cut_after(&server, usize::MAX >> 40).await;
        for _ in 0..rounds(8) {
            let length = random.random_range(200..whole.len());
            let part = cut_after(&server, length).await;
            assert_eq!(part.len(), length);
            // The raw response lacks the last chunk, which marks its end.
            assert!(!part.ends_with(b"\r\n0\r\n\r\n"));
        }
        // The server notices the closed connections and frees their places.
        until("a copy can be made", async || {
            let response = server.get("/sync/snapshot").await;
            response.status() == 200 && response.bytes().await.is_ok()
        }).await;
        import(&server, &[json!({"source": source("wallonie"), "externalId": "org-o0", "delete": true, "organization": {}})]).await;
        assert_eq!(copy(&server).await.records.len(), 229);
    }
}
