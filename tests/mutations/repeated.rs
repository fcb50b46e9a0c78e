//! Idempotency keys: a repeated request gets the first response.

use serde_json::{Value, json};

use super::{call, delete, editor, logged, made, member, number, reason, studio, told};
use crate::on_both_databases;
use crate::support::server::TestServer;

/// Creates an organization with an idempotency key.
async fn with_key(server: &TestServer, key: &str, input: Value) -> Value {
    let arguments = [("input", "OrganizationInput!", input), ("idempotencyKey", "String", json!(key))];
    call(server, "createOrganization", "organization { id name revision }", &arguments).await
}

on_both_databases! {
    async fn the_same_key_gives_the_first_answer_and_another_input_is_a_conflict(server) {
        let one = server.beside(editor(&["wallonie"])).await;
        let other = server.beside(passerelle::kernel::policy::Viewer { writes: ["wallonie".to_owned()].into(), ..member(9) }).await;
        let input = json!({"name": "A", "kind": "fund", "region": "wallonie"});
        let first = with_key(&one, "k", input.clone()).await;
        assert_eq!(first["userErrors"], json!([]));
        let again = with_key(&one, "k", json!({"region": "wallonie", "kind": "fund", "name": "A"})).await;
        assert_eq!(again, first);
        let answer = with_key(&one, "k", json!({"name": "B", "kind": "fund", "region": "wallonie"})).await;
        assert_eq!((told(&answer), reason(&answer), &answer["organization"]), (vec!["CONFLICT idempotencyKey".to_owned()], "IDEMPOTENCY_MISMATCH", &Value::Null));
        let talent = [("input", "TalentInput!", json!({"displayName": "A", "region": "wallonie"})), ("idempotencyKey", "String", json!("k"))];
        assert_eq!(told(&call(&one, "createTalent", "talent { id }", &talent).await), ["CONFLICT idempotencyKey"]);
        // The same key of another caller, another key, and no key each create a new record.
        assert_ne!(with_key(&other, "k", input.clone()).await["organization"]["id"], first["organization"]["id"]);
        assert_ne!(with_key(&one, "l", input.clone()).await["organization"]["id"], first["organization"]["id"]);
        made(&one, "organization", input.clone()).await;
        assert_eq!((logged(&server).await, number(&server, "SELECT COUNT(*) FROM idempotency").await), (4, 3));
        for wrong in [String::new(), "x".repeat(256)] {
            assert_eq!(told(&with_key(&one, &wrong, input.clone()).await), ["INVALID idempotencyKey"]);
        }
        assert_eq!(with_key(&one, &"é".repeat(255), input).await["userErrors"], json!([]));
    }
}

on_both_databases! {
    async fn a_refusal_does_not_use_up_the_key_and_a_week_later_it_is_free(server) {
        let one = server.beside(editor(&["wallonie"])).await;
        let wrong = with_key(&one, "k", json!({"name": "A", "kind": "wrong", "region": "wallonie"})).await;
        assert_eq!(told(&wrong), ["INVALID input.kind"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM idempotency").await, 0);
        let input = json!({"name": "A", "kind": "fund", "region": "wallonie"});
        let first = with_key(&one, "k", input.clone()).await;
        assert_eq!(first["userErrors"], json!([]));
        server.set_clock("2026-11-29T09:59:59Z");
        assert_eq!(with_key(&one, "k", input.clone()).await, first);
        server.set_clock("2026-11-29T10:00:00Z");
        let later = with_key(&one, "k", input.clone()).await;
        assert_ne!(later["organization"]["id"], first["organization"]["id"]);
        server.set_clock("2026-12-10T10:00:00Z");
        with_key(&one, "l", input).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM idempotency").await, 1, "expired keys are deleted");
    }
}

on_both_databases! {
    async fn a_record_that_is_gone_is_not_made_again(server) {
        let one = server.beside(editor(&["wallonie"])).await;
        let first = with_key(&one, "k", studio("wallonie", "a")).await;
        let id = first["organization"]["id"].as_str().unwrap();
        delete(&one, "organization", id, None).await;
        let answer = with_key(&one, "k", studio("wallonie", "a")).await;
        assert_eq!((told(&answer), reason(&answer), &answer["organization"]), (vec!["NOT_FOUND idempotencyKey".to_owned()], "RECORD_GONE", &Value::Null));
    }
}

on_both_databases! {
    async fn sixteen_equal_calls_at_once_make_one_record(server) {
        let one = server.beside(editor(&["wallonie"])).await;
        for (round, slug) in [None, Some("given")].into_iter().enumerate() {
            let input = json!({"name": format!("A{round}"), "kind": "fund", "region": "wallonie", "slug": slug});
            let key = format!("k{round}");
            let calls = (0..16).map(|_| with_key(&one, &key, input.clone()));
            let answers = futures::future::join_all(calls).await;
            for answer in &answers {
                assert_eq!(answer, &answers[0]);
                assert_eq!(answer["userErrors"], json!([]));
            }
        }
        let (records, entries) = ("SELECT COUNT(*) FROM organization", "SELECT COUNT(*) FROM change_log");
        assert_eq!((number(&server, records).await, number(&server, entries).await), (2, 2));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM idempotency").await, 2);
    }
}

on_both_databases! {
    async fn many_writers_at_once_lose_nothing(server) {
        let one = server.beside(editor(&["wallonie"])).await;
        let keys: Vec<String> = (0..24).map(|n| format!("k{n}")).collect();
        let calls = keys.iter().map(|key| with_key(&one, key, json!({"name": "Namesake", "kind": "fund", "region": "wallonie"})));
        let answers = futures::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| answer["userErrors"] == json!([])), "{answers:?}");
        let (records, entries) = ("SELECT COUNT(*) FROM organization", "SELECT COUNT(*) FROM change_log");
        assert_eq!((number(&server, records).await, number(&server, entries).await), (24, 24));
        assert_eq!(number(&server, "SELECT head FROM feed_meta").await, 24);
    }
}
