//! Deletions and erasures by systems, and the guard against mass deletion by mistake.

use serde_json::{Value, json};

use super::{batch, item, org, partner, push, push_input, refused, rows, sources, statuses};
use crate::mutations::{editor, logged, number, update};
use crate::on_both_databases;
use crate::support::records::{affiliation, import_text, ndjson, options, organization, talent};
use crate::support::server::TestServer;
use passerelle::exchange::import::file::Options;

fn delete(slug: &str) -> Value {
    json!({"externalId": format!("org-{slug}"), "delete": true, "organization": {}})
}

on_both_databases! {
    async fn a_deletion_leaves_a_tombstone_and_a_record_may_be_made_again(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let first = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "b", json!({}), json!({}))]).await;
        let gone = push(&own, "wallonie", &[delete("a"), delete("never")]).await;
        assert_eq!(statuses(&gone), ["UPDATED", "UNCHANGED"]);
        assert_eq!((&gone["results"][0]["record"], &gone["results"][0]["currentRevision"]), (&Value::Null, &json!(2)));
        assert_eq!((&gone["results"][1]["record"], &gone["results"][1]["currentRevision"]), (&Value::Null, &Value::Null));
        let again = push(&own, "wallonie", &[delete("a")]).await;
        assert_eq!((statuses(&again), &again["results"][0]["currentRevision"]), (vec!["UNCHANGED"], &json!(2)));
        // An older base revision is a conflict. The revision of the deletion, or no base, creates the record again.
        let old = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({"baseRevision": 1}))]).await;
        assert_eq!((statuses(&old), &old["results"][0]["conflict"]["currentRevision"]), (vec!["CONFLICT"], &json!(2)));
        let back = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({"baseRevision": 2}))]).await;
        assert_eq!((statuses(&back), &back["results"][0]["currentRevision"]), (vec!["CREATED"], &json!(3)));
        assert_eq!(back["results"][0]["record"]["id"], first["results"][0]["record"]["id"]);
        // A record changed by another writer is not deleted without its present revision.
        update(&desk, "organization", first["results"][1]["record"]["id"].as_str().unwrap(), None, json!({"name": "Desk"}), "id").await;
        let mut unseen = delete("b");
        let answer = push(&own, "wallonie", &[unseen.clone()]).await;
        assert_eq!((statuses(&answer), &answer["results"][0]["conflict"]["current"]["name"]), (vec!["CONFLICT"], &json!("Desk")));
        unseen["baseRevision"] = json!(1);
        assert_eq!(statuses(&push(&own, "wallonie", &[unseen.clone()]).await), ["CONFLICT"]);
        unseen["baseRevision"] = json!(2);
        assert_eq!(statuses(&push(&own, "wallonie", &[unseen]).await), ["UPDATED"]);
    }
}

on_both_databases! {
    async fn what_others_refer_to_stays_and_a_batch_may_delete_both(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let role = item(affiliation("wallonie", "t", "a", json!({})), json!({}));
        push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), item(talent("wallonie", "t", json!({})), json!({})), role.clone()]).await;
        let answer = push(&own, "wallonie", &[delete("a")]).await;
        assert_eq!(refused(&answer["results"][0]), ["NOT_ALLOWED_IN_STATE/REFERRED_TO input.records.0.delete"]);
        let both = [delete("a"), json!({"externalId": role["externalId"], "delete": true, "affiliation": {}})];
        assert_eq!(statuses(&push(&own, "wallonie", &both).await), ["UPDATED", "UPDATED"]);
    }
}

on_both_databases! {
    async fn who_is_erased_does_not_come_back(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let person = |slug: &str| item(talent("wallonie", slug, json!({})), json!({}));
        let erase = |slug: &str| json!({"externalId": format!("tal-{slug}"), "erase": true, "talent": {}});
        let role = item(affiliation("wallonie", "t", "a", json!({})), json!({}));
        push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), person("t"), person("u"), role.clone()]).await;
        let mut old = erase("t");
        old["baseRevision"] = json!(9);
        let answer = push(&own, "wallonie", &[old, json!({"externalId": "org-a", "erase": true, "organization": {}})]).await;
        assert_eq!(statuses(&answer), ["CONFLICT", "REJECTED"]);
        assert_eq!(refused(&answer["results"][1]), ["INVALID/ERASE_TALENTS_ONLY input.records.1.erase"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM affiliation").await, 1, "a conflict erases nothing");
        let answer = push(&own, "wallonie", &[erase("t")]).await;
        assert_eq!((statuses(&answer), &answer["results"][0]["record"], &answer["results"][0]["currentRevision"]), (vec!["UPDATED"], &Value::Null, &json!(2)));
        assert_eq!((number(&server, "SELECT COUNT(*) FROM affiliation").await, number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'ERASED'").await), (0, 2));
        assert_eq!(statuses(&push(&own, "wallonie", &[erase("t")]).await), ["UNCHANGED"]);
        let back = push(&own, "wallonie", &[person("t"), role]).await;
        assert_eq!(refused(&back["results"][0]), ["NOT_ALLOWED_IN_STATE/ERASED input.records.0.externalId"]);
        assert_eq!(statuses(&back), ["REJECTED", "REJECTED"]);
        // A deleted talent can be erased as well.
        let delete = json!({"externalId": "tal-u", "delete": true, "talent": {}});
        assert_eq!(statuses(&push(&own, "wallonie", &[delete]).await), ["UPDATED"]);
        assert_eq!(statuses(&push(&own, "wallonie", &[erase("u")]).await), ["UPDATED"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE external_id = 'tal-u'").await, 0);
        assert_eq!(statuses(&push(&own, "wallonie", &[person("u")]).await), ["REJECTED"]);
    }
}

/// Imports this many organizations of Wallonia, numbered from `o0`.
async fn made(server: &TestServer, count: usize) {
    let lines: Vec<Value> =
        (0..count).map(|n| organization("wallonie", &format!("o{n}"), json!({}))).collect();
    let (summary, _) = import_text(server, &ndjson(&lines), &options()).await;
    assert_eq!(summary.created, count as u64);
}

fn deletions(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(|n| delete(&format!("o{n}"))).collect()
}

on_both_databases! {
    async fn much_of_a_source_is_deleted_only_where_the_number_is_confirmed(server) {
        made(&server, 300).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let before = (rows(&server).await, logged(&server).await);
        let mut records = deletions(0..101);
        let unconfirmed = batch("wallonie", &records, json!({}));
        let wrong = batch("wallonie", &records, json!({"confirmDeletes": 100}));
        for input in [unconfirmed.clone(), wrong] {
            let answer = push_input(&own, input).await;
            assert_eq!(refused(&answer), ["NOT_ALLOWED_IN_STATE/MASS_DELETE_BLOCKED input.confirmDeletes"]);
            assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains("101"));
            assert_eq!(statuses(&answer), ["REJECTED"; 101]);
            assert_eq!(refused(&answer["results"][100]), ["NOT_ALLOWED_IN_STATE/MASS_DELETE_BLOCKED input.records.100.delete"]);
            assert_eq!((rows(&server).await, logged(&server).await), before);
        }
        // Other records of the batch are written, and deletions of absent records do not count.
        records.push(org("wallonie", "new", json!({}), json!({})));
        records.push(delete("never"));
        let answer = push(&own, "wallonie", &records).await;
        assert_eq!((&answer["results"][101]["status"], &answer["results"][102]["status"]), (&json!("CREATED"), &json!("UNCHANGED")));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 301);
        let confirmed = push_input(&own, batch("wallonie", &deletions(0..101), json!({"confirmDeletes": 101}))).await;
        assert_eq!((statuses(&confirmed), &confirmed["userErrors"]), (vec!["UPDATED"; 101], &json!([])));
        // Confirmed deletions do not count. A hundred unconfirmed ones are allowed within a day.
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(101..161)).await), ["UPDATED"; 60]);
        server.set_clock("2026-11-22T22:00:00Z");
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(161..201)).await), ["UPDATED"; 40]);
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(201..202)).await), ["REJECTED"]);
        server.set_clock("2026-11-23T10:00:01Z");
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(201..261)).await), ["UPDATED"; 60]);
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(261..262)).await), ["REJECTED"]);
        assert_eq!(statuses(&push_input(&own, batch("wallonie", &deletions(261..262), json!({"confirmDeletes": 1}))).await), ["UPDATED"]);
    }
}

on_both_databases! {
    async fn a_fifth_of_a_large_source_is_free(server) {
        made(&server, 600).await;
        let own = server.beside(partner(&["wallonie"])).await;
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(0..120)).await), ["UPDATED"; 120]);
        assert_eq!(statuses(&push(&own, "wallonie", &deletions(120..121)).await), ["REJECTED"]);
    }
}

on_both_databases! {
    async fn a_file_is_guarded_as_a_whole(server) {
        made(&server, 2500).await;
        let mut lines: Vec<Value> = (0..2100).map(|n| {
            let mut line = delete(&format!("o{n}"));
            line["source"] = json!("test-wallonie");
            line
        }).collect();
        lines.insert(7, organization("wallonie", "other", json!({})));
        // A record that is deleted and then created again.
        lines.push(organization("wallonie", "o3", json!({"name": "again"})));
        let text = ndjson(&lines);
        let (summary, told) = import_text(&server, &text, &options()).await;
        assert_eq!((summary.lines, summary.created, summary.updated, summary.bad), (2102, 1, 1, 2100), "{:?}", told.bad.first());
        assert_eq!(told.bad[0].1, "delete");
        assert!(told.bad[0].2.contains("2100"), "{:?}", told.bad[0]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 2501);
        for (number_meant, deleted) in [(2099, false), (2100, true)] {
            let confirmed = Options { confirm_deletes: Some(number_meant), ..options() };
            let (summary, _) = import_text(&server, &text, &confirmed).await;
            assert_eq!((summary.bad == 0, summary.updated >= 2100), (deleted, deleted), "{summary:?}");
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 402);
        let found = server.data("{ organization(by: {slug: \"o3\"}) { name } }").await;
        assert_eq!(found["organization"]["name"], "again");
        let strict = Options { strict: true, ..options() };
        let rest: Vec<Value> = (2100..2300).map(|n| json!({"source": "test-wallonie", "externalId": format!("org-o{n}"), "delete": true, "organization": {}})).collect();
        let (summary, _) = import_text(&server, &ndjson(&rest), &strict).await;
        assert_eq!((summary.bad, summary.kept), (200, false));
        let (summary, _) = import_text(&server, &ndjson(&rest[..80]), &strict).await;
        assert_eq!((summary.updated, summary.kept), (80, true));
    }
}
