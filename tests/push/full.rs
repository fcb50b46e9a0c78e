//! Full pushes: records that no batch mentions are deleted at the end.

use serde_json::{Value, json};

use super::{batch, item, org, partner, push, push_input, refused, rows, sources, statuses};
use crate::mutations::{editor, logged, number, update};
use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization, partnership, talent};
use crate::support::server::TestServer;

const ERRORS: &str = "userErrors { code reason path message retryAfterMs }";

/// The payload of `beginFullPush`.
async fn begin(server: &TestServer, source: &str) -> Value {
    let query = format!(
        "mutation {{ beginFullPush(source: \"{source}\") {{ fullPush {{ id source begunAt }} {ERRORS} }} }}"
    );
    server.data(&query).await["beginFullPush"].take()
}

/// Begins a full push for Wallonia, and returns its id.
async fn begun(server: &TestServer) -> String {
    let payload = begin(server, "test-wallonie").await;
    assert_eq!(
        (&payload["userErrors"], &payload["fullPush"]["source"]),
        (&json!([]), &json!("test-wallonie"))
    );
    payload["fullPush"]["id"].as_str().expect("an id").to_owned()
}

/// The payload of `completeFullPush`.
async fn complete(server: &TestServer, id: &str, expected: i64, confirm: Option<i32>) -> Value {
    let query = format!(
        "mutation($id: ID!, $expected: Int!, $confirm: Int) {{ completeFullPush(id: $id, expectedCount: $expected, confirmDeletes: $confirm) {{
            deleted replayed cursor refused {{ id externalId userErrors {{ reason path }} }} {ERRORS} }} }}"
    );
    let mut answer =
        server.query_with(&query, json!({"id": id, "expected": expected, "confirm": confirm})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["completeFullPush"].take()
}

/// Pushes a batch that belongs to a full push.
async fn part(server: &TestServer, id: &str, records: &[Value]) -> Value {
    push_input(server, batch("wallonie", records, json!({"fullPush": id}))).await
}

on_both_databases! {
    async fn what_was_not_mentioned_is_deleted_at_the_end(server) {
        import(&server, &[organization("flandre", "theirs", json!({}))]).await;
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let first = [
            org("wallonie", "a", json!({}), json!({})), org("wallonie", "b", json!({}), json!({})), org("wallonie", "c", json!({"successor": "d"}), json!({})),
            org("wallonie", "d", json!({}), json!({})), item(talent("wallonie", "t", json!({})), json!({})), item(affiliation("wallonie", "t", "c", json!({})), json!({})),
            item(partnership("wallonie", "p", &["c", "theirs"], json!({})), json!({})),
        ];
        assert_eq!(statuses(&push(&own, "wallonie", &first).await), ["CREATED"; 7]);
        let made_here = server.beside(editor(&["wallonie"])).await;
        crate::mutations::made(&made_here, "organization", crate::mutations::studio("wallonie", "desk")).await;
        let id = begun(&own).await;
        assert_eq!(statuses(&part(&own, &id, &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "e", json!({}), json!({}))]).await), ["UNCHANGED", "CREATED"]);
        // A refused record counts as mentioned, and each record counts once.
        let refusals = part(&own, &id, &[org("wallonie", "b", json!({"kind": "none"}), json!({})), org("wallonie", "a", json!({}), json!({})), org("wallonie", "f", json!({"kind": "none"}), json!({}))]).await;
        assert_eq!(statuses(&refusals), ["REJECTED", "UNCHANGED", "REJECTED"]);
        let before = (rows(&server).await, logged(&server).await);
        let answer = complete(&own, &id, 5, None).await;
        assert_eq!((refused(&answer), &answer["deleted"], &answer["cursor"]), (vec!["INVALID/COUNT_DIFFERS expectedCount".to_owned()], &Value::Null, &Value::Null));
        assert_eq!((rows(&server).await, logged(&server).await), before);
        let answer = complete(&own, &id, 4, None).await;
        assert_eq!((&answer["userErrors"], &answer["deleted"], &answer["refused"], &answer["replayed"]), (&json!([]), &json!(5), &json!([]), &json!(false)));
        assert!(answer["cursor"].is_string());
        let left = server.data("{ organizations(first: 50) { nodes { slug } } talents { totalCount } partnerships { totalCount } }").await;
        let slugs: Vec<&str> = left["organizations"]["nodes"].as_array().unwrap().iter().map(|node| node["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, ["a", "b", "desk", "e", "theirs"], "others' records stay");
        assert_eq!((&left["talents"]["totalCount"], &left["partnerships"]["totalCount"]), (&json!(0), &json!(0)));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM full_push_mention").await, 0);
        let again = complete(&own, &id, 4, None).await;
        assert_eq!((&again["deleted"], &again["replayed"], &again["userErrors"]), (&json!(5), &json!(true), &json!([])));
        let late = part(&own, &id, &[org("wallonie", "g", json!({}), json!({}))]).await;
        assert_eq!((refused(&late), &late["results"]), (vec!["NOT_ALLOWED_IN_STATE/FULL_PUSH_OVER input.fullPush".to_owned()], &json!([])));
        // A second full push finds nothing to delete.
        let id = begun(&own).await;
        part(&own, &id, &["a", "b", "e"].map(|slug| org("wallonie", slug, json!({}), json!({})))).await;
        assert_eq!(complete(&own, &id, 3, None).await["deleted"], json!(0));
    }
}

on_both_databases! {
    async fn what_came_beside_the_push_is_not_deleted(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        push(&own, "wallonie", &[org("wallonie", "old", json!({}), json!({}))]).await;
        let id = begun(&own).await;
        push(&own, "wallonie", &[org("wallonie", "new", json!({}), json!({}))]).await;
        part(&own, &id, &[org("wallonie", "a", json!({}), json!({}))]).await;
        assert_eq!(complete(&own, &id, 1, None).await["deleted"], json!(1));
        let left = server.data("{ organizations { nodes { slug } } }").await;
        assert_eq!(left["organizations"]["nodes"], json!([{"slug": "a"}, {"slug": "new"}]));
    }
}

on_both_databases! {
    async fn what_others_refer_to_stays_and_is_told(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "b", json!({}), json!({}))]).await;
        import(&server, &[organization("flandre", "theirs", json!({"successor": "test-wallonie:org-a"}))]).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let b = server.data("{ organization(by: {slug: \"b\"}) { id } }").await;
        update(&desk, "organization", b["organization"]["id"].as_str().unwrap(), None, json!({"name": "Desk"}), "id").await;
        let id = begun(&own).await;
        let answer = complete(&own, &id, 0, None).await;
        assert_eq!((&answer["deleted"], &answer["userErrors"]), (&json!(1), &json!([])), "records changed by others are deleted too");
        assert_eq!((&answer["refused"][0]["externalId"], &answer["refused"][0]["userErrors"]), (&json!("org-a"), &json!([{"reason": "REFERRED_TO", "path": ["id"]}])));
        assert_eq!(answer["refused"].as_array().unwrap().len(), 1);
    }
}

on_both_databases! {
    async fn the_end_is_guarded(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        for some in [0..200, 200..400] {
            let records: Vec<Value> = some.map(|n| org("wallonie", &format!("o{n}"), json!({}), json!({}))).collect();
            push(&own, "wallonie", &records).await;
        }
        let id = begun(&own).await;
        part(&own, &id, &[org("wallonie", "o0", json!({}), json!({}))]).await;
        let before = (rows(&server).await, logged(&server).await);
        for confirm in [None, Some(398), Some(400)] {
            let answer = complete(&own, &id, 1, confirm).await;
            assert_eq!((refused(&answer), &answer["deleted"]), (vec!["NOT_ALLOWED_IN_STATE/MASS_DELETE_BLOCKED confirmDeletes".to_owned()], &Value::Null));
            assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains("399"));
        }
        assert_eq!((rows(&server).await, logged(&server).await), before);
        assert_eq!(complete(&own, &id, 1, Some(399)).await["deleted"], json!(399));
        assert_eq!(number(&server, "SELECT COUNT(DISTINCT tx_seq) FROM change_log WHERE op = 'DELETE'").await, 1);
    }
}

on_both_databases! {
    async fn a_push_of_all_records_is_its_source_s_own(server) {
        sources(&server, &["wallonie", "flandre"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let other = server.beside(partner(&["flandre"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        assert_eq!(refused(&begin(&desk, "test-wallonie").await), ["FORBIDDEN/NOT_SYNC_PARTNER source"]);
        assert_eq!(refused(&begin(&other, "test-wallonie").await), ["FORBIDDEN/FOREIGN_REGION source"]);
        let id = begun(&own).await;
        assert_eq!(refused(&complete(&desk, &id, 0, None).await), ["FORBIDDEN/NOT_SYNC_PARTNER id"]);
        assert_eq!(refused(&complete(&other, &id, 0, None).await), ["NOT_FOUND/FULL_PUSH_UNKNOWN id"]);
        let stolen = push_input(&other, batch("flandre", &[], json!({"fullPush": id}))).await;
        assert_eq!(refused(&stolen), ["NOT_FOUND/FULL_PUSH_UNKNOWN input.fullPush"]);
        // A new full push replaces the previous one, and each ends after a week.
        let next = begun(&own).await;
        assert_eq!(refused(&complete(&own, &id, 0, None).await), ["NOT_ALLOWED_IN_STATE/FULL_PUSH_OVER id"]);
        server.set_clock("2026-11-29T10:00:00Z");
        assert_eq!(refused(&complete(&own, &next, 0, None).await), ["NOT_ALLOWED_IN_STATE/FULL_PUSH_OVER id"]);
        assert_eq!(refused(&part(&own, &next, &[]).await), ["NOT_ALLOWED_IN_STATE/FULL_PUSH_OVER input.fullPush"]);
    }
}
