//! Repeated batches and their idempotency keys.

use passerelle::kernel::policy::Viewer;
use passerelle::kernel::read::Dialect;
use passerelle::kernel::read::keyed::hex;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{batch, item, org, partner, push_input, push_patiently, refused, rows, sources, statuses};
use crate::mutations::{delete, editor, logged, number, update};
use crate::on_both_databases;
use crate::support::FOR_LONG;
use crate::support::records::{import, organization, talent};

on_both_databases! {
    async fn the_same_batch_again_gives_the_stored_outcome(server) {
        import(&server, &[organization("wallonie", "there", json!({}))]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let records = [
            org("wallonie", "a", json!({}), json!({})),
            org("wallonie", "there", json!({"name": "Elsewhere"}), json!({"baseRevision": 7})),
            org("wallonie", "canary", json!({"name": "canary", "kind": "canary", "slug": "there"}), json!({})),
            org("wallonie", "b", json!({}), json!({})),
        ];
        let input = batch("wallonie", &records, json!({}));
        let first = push_input(&own, input.clone()).await;
        assert_eq!((statuses(&first), &first["replayed"]), (vec!["CREATED", "CONFLICT", "REJECTED", "CREATED"], &json!(false)));
        let log = logged(&server).await;
        let mut again = push_input(&own, input.clone()).await;
        assert_eq!(again["replayed"], json!(true));
        assert_eq!(refused(&again["results"][2]), refused(&first["results"][2]));
        assert!(again["results"][2]["userErrors"][0]["message"].as_str().unwrap().contains("UNKNOWN_TERM"));
        // Except for the messages of refusals, which are not stored, the response is the same.
        for answer in [&mut again, &mut first.clone()] {
            answer["replayed"] = json!(null);
            for result in answer["results"].as_array_mut().unwrap() {
                result["userErrors"].as_array_mut().unwrap().iter_mut().for_each(|error| error["message"] = json!(null));
            }
        }
        assert_eq!((again["results"][0].clone(), again["results"][1]["conflict"].clone()), (first["results"][0].clone(), first["results"][1]["conflict"].clone()));
        assert_eq!(logged(&server).await, log);
        // Statuses, ids and revisions are the stored ones. The records are the present ones.
        let a = first["results"][0]["record"]["id"].as_str().unwrap();
        update(&desk, "organization", a, None, json!({"name": "Later"}), "id").await;
        delete(&desk, "organization", first["results"][3]["record"]["id"].as_str().unwrap(), None).await;
        let later = push_input(&own, input.clone()).await;
        assert_eq!((&later["results"][0]["status"], &later["results"][0]["currentRevision"], &later["results"][0]["record"]["name"]), (&json!("CREATED"), &json!(1), &json!("Later")));
        assert_eq!((&later["results"][3]["status"], &later["results"][3]["record"]), (&json!("CREATED"), &Value::Null));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM idempotency WHERE outcome IS NOT NULL AND outcome NOT LIKE '%canary%'").await, 1);
        // Another request with the same key is a conflict, even another mutation.
        let mut other = input.clone();
        other["records"][0]["organization"]["name"] = json!("Other");
        let refusal = push_input(&own, other).await;
        assert_eq!((refused(&refusal), &refusal["results"]), (vec!["CONFLICT/IDEMPOTENCY_MISMATCH input.idempotencyKey".to_owned()], &json!([])));
        let created = own.query_with("mutation($key: String!) { createOrganization(input: {name: \"x\", kind: \"fund\", region: \"wallonie\"}, idempotencyKey: $key) { userErrors { code reason path message } } }", json!({"key": input["idempotencyKey"]})).await;
        assert_eq!(refused(&created["data"]["createOrganization"]), ["CONFLICT/IDEMPOTENCY_MISMATCH idempotencyKey"]);
        // Keys belong to a caller.
        let colleague = server.beside(Viewer { account: Some(Uuid::from_u128(78)), ..partner(&["wallonie"]) }).await;
        assert_eq!(push_input(&colleague, input.clone()).await["replayed"], json!(false));
        // After a week the key is free again.
        server.set_clock("2026-11-29T10:00:00Z");
        let new = push_input(&own, input).await;
        assert_eq!((statuses(&new), &new["replayed"]), (vec!["CONFLICT", "CONFLICT", "REJECTED", "UNCHANGED"], &json!(false)));
    }
}

on_both_databases! {
    async fn a_refusal_before_any_write_stores_nothing(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let before = rows(&server).await;
        let bad = batch("wallonie", &[org("wallonie", "a", json!({"kind": "none"}), json!({}))], json!({}));
        for _ in 0..2 {
            let answer = push_input(&own, bad.clone()).await;
            assert_eq!((statuses(&answer), &answer["replayed"]), (vec!["REJECTED"], &json!(false)));
            assert_eq!(rows(&server).await, before);
        }
        let mut right = bad;
        right["records"] = json!([org("wallonie", "a", json!({}), json!({}))]);
        assert_eq!(statuses(&push_input(&own, right).await), ["CREATED"]);
    }
}

on_both_databases! {
    async fn sixteen_equal_batches_at_once_are_applied_once(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let records: Vec<Value> = (0..50).map(|n| org("wallonie", &format!("o{n}"), json!({}), json!({}))).collect();
        for round in 0..3 {
            let records: Vec<Value> = records.iter().map(|record| {
                let mut record = record.clone();
                record["organization"]["acronym"] = json!(format!("r{round}"));
                record["baseRevision"] = json!(round);
                record
            }).collect();
            let input = batch("wallonie", &records, json!({}));
            let answers = futures::future::join_all((0..16).map(|_| push_patiently(&own, input.clone()))).await;
            assert_eq!(answers.iter().filter(|answer| answer["replayed"] == json!(false)).count(), 1);
            for answer in &answers {
                assert_eq!(answer["results"], answers[0]["results"]);
                assert_eq!(statuses(answer), [if round == 0 { "CREATED" } else { "UPDATED" }; 50]);
            }
            assert_eq!(logged(&server).await, 50 * (i64::from(round) + 1));
        }
    }
}

on_both_databases! {
    async fn a_key_that_somebody_else_holds_is_waited_for(server) {
        if server.app.db.dialect() == Dialect::Sqlite {
            // SQLite has only one server. The unit tests cover how its requests wait.
            return;
        }
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let input = batch("wallonie", &[org("wallonie", "a", json!({}), json!({}))], json!({}));
        let held = server.app.db.begin().await.unwrap();
        held.execute_unprepared(FOR_LONG).await.unwrap();
        held.execute_unprepared("LOCK TABLE idempotency IN EXCLUSIVE MODE").await.unwrap();
        let answer = push_input(&own, input.clone()).await;
        assert_eq!((refused(&answer), &answer["results"]), (vec!["NOT_ALLOWED_IN_STATE/IDEMPOTENCY_IN_PROGRESS input.idempotencyKey".to_owned()], &json!([])));
        assert!(answer["userErrors"][0]["retryAfterMs"].as_i64().unwrap() > 0);
        held.rollback().await.unwrap();
        assert_eq!(statuses(&push_input(&own, input).await), ["CREATED"]);
    }
}

on_both_databases! {
    async fn a_caller_who_goes_away_leaves_a_whole_batch_or_nothing(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let records: Vec<Value> = (0..100).map(|n| org("wallonie", &format!("o{n}"), json!({}), json!({}))).collect();
        for round in 0..12_u64 {
            let input = batch("wallonie", &records, json!({"idempotencyKey": "k"}));
            let _ = tokio::time::timeout(std::time::Duration::from_millis(round * 4), push_input(&own, input)).await;
        }
        let input = batch("wallonie", &records, json!({"idempotencyKey": "k"}));
        assert_eq!(statuses(&push_patiently(&own, input).await), ["CREATED"; 100]);
        assert_eq!((logged(&server).await, number(&server, "SELECT COUNT(*) FROM sync_record").await), (100, 100));
    }
}

on_both_databases! {
    async fn nothing_of_a_person_is_kept_with_a_key(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let person = |kind: &str| item(talent("wallonie", "kanarievogel", json!({"displayName": "kanarievogel", "email": "kanarievogel@example.org", "occupations": [kind]})), json!({}));
        let second = item(talent("wallonie", "kanarievogel-2", json!({"slug": "kanarievogel"})), json!({}));
        let input = batch("wallonie", &[person("monteur"), second, json!({"externalId": "kanarievogel", "organization": {}, "talent": {}})], json!({}));
        let full = own.data("mutation { beginFullPush(source: \"test-wallonie\") { fullPush { id } } }").await;
        let mut input = input;
        input["fullPush"] = full["beginFullPush"]["fullPush"]["id"].clone();
        assert_eq!(statuses(&push_input(&own, input).await), ["CREATED", "REJECTED", "REJECTED"]);
        let erase = json!({"externalId": "tal-kanarievogel", "erase": true, "talent": {}});
        assert_eq!(statuses(&push_input(&own, batch("wallonie", &[erase], json!({}))).await), ["UPDATED"]);
        let dump = crate::matrix::world::dump(&server).await;
        assert!(!dump.contains("kanarievogel"), "{}", dump.lines().find(|line| line.contains("kanarievogel")).unwrap_or_default());
        assert!(!dump.to_lowercase().contains(&hex(b"kanarievogel")));
    }
}
