//! I7: a batch is applied once, however often, in whatever order and by however many it is sent.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{abandoned, consistent, rounds, seed};
use crate::mutations::{logged, number};
use crate::on_both_databases;
use crate::push::{batch, org, partner, push_input, refused, sources, statuses};
use crate::support::place::{Partner, Place};
use crate::support::proxy::{Cut, Proxy};
use crate::support::run;
use crate::support::server::Backend;

/// Records of a batch.
const RECORDS: usize = 25;

/// The batch that makes records, or gives them another name; they have this revision before.
fn records(prefix: &str, revision: i32) -> Vec<Value> {
    let base = (revision > 0).then_some(revision);
    let one = |n| {
        let name = json!({"name": format!("name {revision}")});
        org("wallonie", &format!("{prefix}-{n}"), name, json!({ "baseRevision": base }))
    };
    (0..RECORDS).map(one).collect()
}

#[test]
fn cut_before_each_message_and_sent_again() {
    run(async {
        let Some(place) = Place::new(Backend::Postgres).await else { return };
        let key = place.key(&["w"]).await;
        let seed = seed();
        let mut random = StdRng::seed_from_u64(seed);
        let (db, proxy) = (place.open().await, Proxy::start(&place.url, seed).await);
        let server = place.serve_with(&proxy.url, &[]);
        let partner = Partner::new(server.address(), Some(&key));
        // One batch with all messages: statements are prepared, and not again when it is sent again.
        partner.push("w", "first", &records("r", 0)).await;
        let (mut revision, mut uncut, mut message) = (1, 0, 0);
        loop {
            // A short run leaves some out, others each time.
            message += if rounds(1) > 1 { 1 } else { random.random_range(1..4) };
            let (key, records) = (format!("at {message}"), records("r", revision));
            let cuts = proxy.cuts();
            proxy.cut(Cut::At(message));
            let first = partner.try_push("w", &key, &records).await;
            proxy.cut(Cut::Never);
            let stored = consistent(&db).await;
            let done = stored.values().filter(|stored| stored.revision == revision + 1).count();
            assert!(done == 0 || done == RECORDS, "message {message}: a part of the batch is done");
            assert!(first.is_none() || done == RECORDS, "message {message}: acknowledged and not there");
            let again = partner.push("w", &key, &records).await;
            assert_eq!(statuses(&again), ["UPDATED"; RECORDS], "message {message}");
            assert_eq!(again["replayed"], json!(done == RECORDS), "message {message}");
            revision += 1;
            let stored = consistent(&db).await;
            assert!(
                stored.values().all(|stored| stored.revision == revision),
                "message {message}: done once"
            );
            // Other transactions than the batch's are counted too: only a few in a row without a cut are the end.
            uncut = if proxy.cuts() == cuts { uncut + 1 } else { 0 };
            if uncut == 3 {
                assert!(message > 15, "a batch has more messages than {message}");
                break;
            }
        }
        db.close().await;
    });
}

on_both_databases! {
    async fn killed_while_a_batch_runs(place: Place) {
        let mut random = StdRng::seed_from_u64(seed());
        let key = place.key(&["w"]).await;
        let (db, mut server) = (place.open().await, place.serve());
        for round in 0..rounds(2) {
            let (prefix, records) = (format!("r{round}"), records(&format!("r{round}"), 0));
            let here = Partner::new(server.address(), Some(&key));
            let wait = Duration::from_millis(random.random_range(0..150));
            let kill = async {
                tokio::time::sleep(wait).await;
                server.kill();
            };
            let (first, ()) = tokio::join!(here.try_push("w", &prefix, &records), kill);
            abandoned(&db).await;
            let done = consistent(&db).await.keys().filter(|slug| slug.starts_with(&prefix)).count();
            assert!(done == 0 && first.is_none() || done == RECORDS, "{done} of {RECORDS} after {wait:?}");
            server = place.serve();
            let here = Partner::new(server.address(), Some(&key));
            let again = futures::future::join_all((0..4).map(|_| here.push("w", &prefix, &records))).await;
            for answer in &again {
                assert_eq!(
                    (statuses(answer), &answer["results"]),
                    (vec!["CREATED"; RECORDS], &again[0]["results"])
                );
            }
            let applied = again.iter().filter(|answer| answer["replayed"] == json!(false)).count();
            assert_eq!(applied, usize::from(done == 0));
            assert!(consistent(&db).await.values().all(|stored| stored.revision == 1));
        }
        db.close().await;
    }
}

on_both_databases! {
    async fn in_any_order_by_many(server) {
        let mut random = StdRng::seed_from_u64(seed());
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        for round in 0..rounds(1) {
            let prefix = format!("r{round}");
            // Each changes what the one before has made: it is a conflict until that is there.
            let steps: Vec<Value> = (0..4).map(|revision| {
                batch("wallonie", &records(&prefix, revision)[..5], json!({"idempotencyKey": format!("{prefix} {revision}")}))
            }).collect();
            let before = logged(&server).await;
            let mut open: Vec<usize> = (0..4).collect();
            for turn in 0.. {
                if open.is_empty() {
                    break;
                }
                assert!(turn < 100, "{open:?} are not taken");
                // So many a minute are taken.
                server.pass(2_000_000);
                let mut sent: Vec<usize> = (0..4).flat_map(|step| [step; 3]).collect();
                sent.shuffle(&mut random);
                let answers = sent.iter().map(|step| push_input(&own, steps[*step].clone()));
                let answers = futures::future::join_all(answers).await;
                for (step, answer) in sent.iter().zip(&answers) {
                    match answer["results"].as_array().map(Vec::len) {
                        Some(0) => assert!(refused(answer)[0].starts_with("NOT_ALLOWED_IN_STATE/"), "{answer}"),
                        _ if statuses(answer) == ["CONFLICT"; 5] => assert!(open.contains(step), "{answer}"),
                        _ => {
                            let expected = if *step == 0 { "CREATED" } else { "UPDATED" };
                            assert_eq!(statuses(answer), [expected; 5]);
                            let revisions = answer["results"].as_array().unwrap().iter();
                            assert!(revisions.map(|result| result["currentRevision"].as_u64()).all(|is| is == Some(*step as u64 + 1)));
                            open.retain(|other| other != step);
                        }
                    }
                }
            }
            assert_eq!(logged(&server).await - before, 4 * 5, "each step once");
            let sql = format!("SELECT COUNT(*) FROM organization WHERE slug LIKE '{prefix}-%' AND revision = 4");
            assert_eq!(number(&server, &sql).await, 5);
        }
    }
}
