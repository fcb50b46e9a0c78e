//! I7: a batch is applied once, however often, in whatever order and by however many clients it is sent.

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

/// The number of records of a batch.
const RECORDS: usize = 25;

/// A batch that creates records, or renames them from this revision.
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
        // A first batch prepares all statements. Later batches do not prepare them again.
        partner.push("w", "first", &records("r", 0)).await;
        let (mut revision, mut uncut, mut message) = (1, 0, 0);
        loop {
            // A short run skips messages at random.
            message += if rounds(1) > 1 { 1 } else { random.random_range(1..4) };
            let (key, records) = (format!("at {message}"), records("r", revision));
            let cuts = proxy.cuts();
            proxy.cut(Cut::At(message));
            let first = partner.try_push("w", &key, &records).await;
            proxy.cut(Cut::Never);
            let stored = consistent(&db).await;
            let done = stored.values().filter(|stored| stored.revision == revision + 1).count();
            assert!(done == 0 || done == RECORDS, "message {message}: the batch is applied in part");
            assert!(first.is_none() || done == RECORDS, "message {message}: acknowledged but not stored");
            let again = partner.push("w", &key, &records).await;
            assert_eq!(statuses(&again), ["UPDATED"; RECORDS], "message {message}");
            assert_eq!(again["replayed"], json!(done == RECORDS), "message {message}");
            revision += 1;
            let stored = consistent(&db).await;
            assert!(
                stored.values().all(|stored| stored.revision == revision),
                "message {message}: done once"
            );
            // Messages of other transactions count too, so only three rounds in a row without a cut mark the end.
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

/// The number of steps. Each changes the records of the one before, and conflicts until that is applied.
const STEPS: usize = 4;
/// The number of records of a step.
const RECORDS_OF_A_STEP: usize = 5;

/// The refusals of a batch while another batch of its source, or the same one, is running.
const BUSY: [&str; 2] = [
    "NOT_ALLOWED_IN_STATE/PUSH_BUSY input.source",
    "NOT_ALLOWED_IN_STATE/IDEMPOTENCY_IN_PROGRESS input.idempotencyKey",
];

/// The stored part of a batch's results: records are reduced to their ids.
fn stored_results(answer: &Value) -> Value {
    let mut results = answer["results"].clone();
    for result in results.as_array_mut().expect("results") {
        let id = result["record"]["id"].take();
        result["record"] = id;
    }
    results
}

/// A number that all results of a batch must share, as a step is applied as a whole.
fn common(answer: &Value, pointer: &str) -> usize {
    let numbers = answer["results"].as_array().expect("results").iter().map(|result| result.pointer(pointer));
    let numbers: Vec<Option<u64>> = numbers.map(|number| number.and_then(Value::as_u64)).collect();
    assert_eq!(numbers, vec![numbers[0]; RECORDS_OF_A_STEP], "{pointer} of {answer}");
    usize::try_from(numbers[0].expect(pointer)).expect("a small number")
}

/// Checks the responses to steps that were sent at once, each with its step. Their order is unknown, but all ran
/// after those sent before. `done` has the results of the applied steps, in order.
fn judge(answers: &[(usize, Value)], done: &mut Vec<Value>) {
    let before = done.len();
    let mut shown = Vec::new();
    for step in 0..STEPS {
        let (mut results, mut applied) = (Vec::new(), 0);
        for (_, answer) in answers.iter().filter(|(of, _)| *of == step) {
            if answer["results"] == json!([]) {
                assert!(step >= before, "an applied step is always replayed: {answer}");
                let told = refused(answer);
                assert!(told.len() == 1 && BUSY.contains(&told[0].as_str()), "{answer}");
            } else if statuses(answer).contains(&"CONFLICT") {
                assert_eq!(statuses(answer), ["CONFLICT"; RECORDS_OF_A_STEP]);
                assert_eq!(answer["replayed"], json!(false), "a conflict is not stored");
                // It ran before the step that it depends on, and after those applied in earlier turns.
                assert!(step > before, "the next step cannot conflict: {answer}");
                let revision = common(answer, "/conflict/currentRevision");
                assert!((before..step).contains(&revision) && revision <= done.len(), "{answer}");
            } else {
                let expected = if step == 0 { "CREATED" } else { "UPDATED" };
                assert_eq!(statuses(answer), [expected; RECORDS_OF_A_STEP]);
                assert_eq!(common(answer, "/currentRevision"), step + 1);
                applied += usize::from(answer["replayed"] == json!(false));
                results.push(stored_results(answer));
                shown.push((step + 1, answer));
            }
        }
        if step == done.len() && !results.is_empty() {
            done.push(results[0].clone());
            assert_eq!(applied, 1, "step {step} is applied once, and replayed to all others");
        } else {
            assert_eq!(applied, 0, "step {step} is applied again, or too early");
        }
        assert!(results.iter().all(|result| done.get(step) == Some(result)), "step {step}: {results:?}");
    }
    // The records in responses are in their present state.
    for (least, answer) in shown {
        let revision = common(answer, "/record/revision");
        assert!((least..=done.len()).contains(&revision), "{answer}");
        let name = json!(format!("name {}", revision - 1));
        assert!(
            answer["results"].as_array().into_iter().flatten().all(|result| result["record"]["name"] == name)
        );
    }
}

on_both_databases! {
    async fn in_any_order_by_many(server) {
        let mut random = StdRng::seed_from_u64(seed());
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        for round in 0..rounds(1) {
            let prefix = format!("r{round}");
            let steps: Vec<Value> = (0_i32..).take(STEPS).map(|revision| {
                let records = &records(&prefix, revision)[..RECORDS_OF_A_STEP];
                batch("wallonie", records, json!({"idempotencyKey": format!("{prefix} {revision}")}))
            }).collect();
            let before = logged(&server).await;
            let mut done = Vec::new();
            for turn in 0.. {
                assert!(turn < 100, "{} of {STEPS} steps are taken", done.len());
                // Stay within the rate limit.
                server.pass(2_000_000);
                // When all are applied, send all once more.
                let is_last = done.len() == STEPS;
                let mut sent: Vec<usize> = (0..STEPS).flat_map(|step| [step; 3]).collect();
                sent.shuffle(&mut random);
                let answers = sent.iter().map(|step| push_input(&own, steps[*step].clone()));
                let answers = futures::future::join_all(answers).await;
                let answers: Vec<(usize, Value)> = sent.into_iter().zip(answers).collect();
                judge(&answers, &mut done);
                if is_last {
                    break;
                }
            }
            assert_eq!(logged(&server).await - before, 4 * 5, "each step once");
            let sql = format!("SELECT COUNT(*) FROM organization WHERE slug LIKE '{prefix}-%' AND revision = 4");
            assert_eq!(number(&server, &sql).await, 5);
        }
    }
}
