//! The outcome of each record of a batch, and of the whole batch.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use passerelle::kernel::read::Dialect;
use passerelle::records::changes::{self, ChangeCursor};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{batch, execute, item, org, partner, push, push_input, refused, rows, sources, statuses};
use crate::mutations::{editor, logged, number, update};
use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization, partnership, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::{FOR_LONG, found};

on_both_databases! {
    async fn each_record_has_its_outcome_in_the_order_of_the_input(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let first = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "b", json!({}), json!({}))]).await;
        assert_eq!((statuses(&first), &first["userErrors"], &first["replayed"]), (vec!["CREATED", "CREATED"], &json!([]), &json!(false)));
        assert_eq!((&first["results"][1]["record"]["slug"], &first["results"][1]["currentRevision"]), (&json!("b"), &json!(1)));
        let next = [
            org("wallonie", "c", json!({}), json!({})),
            org("wallonie", "a", json!({"name": "A2"}), json!({"baseRevision": 1})),
            org("wallonie", "bad", json!({"kind": "none", "foundedOn": "2010", "dissolvedOn": "2009"}), json!({})),
            org("wallonie", "b", json!({}), json!({})),
            json!({"externalId": "nothing"}),
            json!({"externalId": "both", "organization": {}, "talent": {}}),
            json!({"externalId": "", "organization": {}}),
            org("wallonie", "c", json!({}), json!({})),
        ];
        let next = push(&own, "wallonie", &next).await;
        assert_eq!(statuses(&next), ["CREATED", "UPDATED", "REJECTED", "UNCHANGED", "REJECTED", "REJECTED", "REJECTED", "REJECTED"]);
        let results = &next["results"];
        let ids: Vec<&str> = results.as_array().unwrap().iter().map(|result| result["externalId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["org-c", "org-a", "org-bad", "org-b", "nothing", "both", "", "org-c"]);
        assert_eq!(results[1]["record"], json!({"id": results[1]["record"]["id"], "slug": "a", "name": "A2", "revision": 2}));
        assert_eq!((&results[1]["currentRevision"], &results[3]["currentRevision"], &results[2]["currentRevision"]), (&json!(2), &json!(1), &Value::Null));
        assert_eq!(refused(&results[2]), ["INVALID/UNKNOWN_TERM input.records.2.organization.kind", "INVALID/ENDS_BEFORE_START input.records.2.organization.dissolvedOn"]);
        assert_eq!(refused(&results[4]), ["INVALID/ONE_RECORD input.records.4"]);
        assert_eq!(refused(&results[5]), ["INVALID/ONE_RECORD input.records.5"]);
        assert_eq!(refused(&results[6]), ["INVALID/EXTERNAL_ID_FORM input.records.6.externalId"]);
        assert_eq!(refused(&results[7]), ["INVALID input.records.7.externalId"]);
        assert!(results.as_array().unwrap().iter().all(|result| result["conflict"].is_null()));
        // One transaction, with one log entry for each change, made by the source.
        assert_eq!((logged(&server).await, number(&server, "SELECT COUNT(DISTINCT tx_seq) FROM change_log").await), (4, 2));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log WHERE origin = 'test-wallonie'").await, 4);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM audit WHERE actor = 'SOURCE' AND actor_source = 'test-wallonie'").await, 4);
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn the_cursor_is_at_these_writes_or_after_them(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let answer = push(&own, "wallonie", &[org("wallonie", "a", json!({"name": "Lighthouse"}), json!({}))]).await;
        let head = changes::head(&server.app.db).await.unwrap();
        let cursor = ChangeCursor::at(&server.app.db, head, &partner(&["wallonie"])).await.unwrap();
        assert_eq!(answer["cursor"], serde_json::to_value(async_graphql::ScalarType::to_value(&cursor)).unwrap());
        let search = format!("{{ search(query: \"lighthouse\", notBefore: {}) {{ edges {{ node {{ ... on Organization {{ slug }} }} }} }} }}", answer["cursor"]);
        let answer = found("an index that has caught up", async || {
            let answer = server.query(&search).await;
            (answer["errors"][0]["extensions"]["code"] != "INDEX_LAGGING").then_some(answer)
        }).await;
        assert_eq!(answer["data"]["search"]["edges"][0]["node"]["slug"], "a", "{answer}");
    }
}

on_both_databases! {
    async fn conflicts_have_both_sides_and_overwrite_writes_over_them(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let first = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "b", json!({}), json!({}))]).await;
        let id = first["results"][0]["record"]["id"].as_str().unwrap();
        update(&desk, "organization", id, None, json!({"name": "Desk"}), "id").await;
        let old = org("wallonie", "a", json!({"name": "Source", "acronym": "S"}), json!({"baseRevision": 1}));
        // Without a base revision only new records can be written, even if the source itself made the present
        // revision.
        let unseen = org("wallonie", "b", json!({"name": "B2"}), json!({}));
        let never = org("wallonie", "c", json!({}), json!({"baseRevision": 4}));
        let member = org("wallonie", "d", json!({"memberOf": ["test-wallonie:org-c"]}), json!({}));
        let before = logged(&server).await;
        let answer = push(&own, "wallonie", &[old, unseen, never, member]).await;
        assert_eq!(statuses(&answer), ["CONFLICT", "CONFLICT", "CONFLICT", "REJECTED"]);
        let results = &answer["results"];
        assert_eq!(refused(&results[0]), ["CONFLICT input.records.0.baseRevision"]);
        let conflict = &results[0]["conflict"];
        assert_eq!((&conflict["baseRevision"], &conflict["currentRevision"], &conflict["current"]), (&json!(1), &json!(2), &json!({"name": "Desk", "revision": 2})));
        assert_eq!(conflict["differingFields"], json!(["name", "acronym"]));
        assert_eq!(serde_json::from_str::<Value>(conflict["submitted"].as_str().unwrap()).unwrap()["acronym"], "S");
        assert_eq!((&results[0]["record"]["name"], &results[0]["currentRevision"]), (&json!("Desk"), &json!(2)));
        assert_eq!((&results[1]["conflict"]["baseRevision"], &results[1]["conflict"]["differingFields"]), (&Value::Null, &json!(["name"])));
        assert_eq!((&results[2]["conflict"]["currentRevision"], &results[2]["conflict"]["current"], &results[2]["record"]), (&json!(0), &Value::Null, &Value::Null));
        assert_eq!(refused(&results[3]), ["NOT_FOUND/REFERENCE_UNKNOWN input.records.3.organization.memberOf.0"], "the referenced record was not created");
        assert_eq!(logged(&server).await, before);
        let over = [
            org("wallonie", "a", json!({"name": "Source"}), json!({"baseRevision": 1, "overwrite": true})),
            org("wallonie", "b", json!({"name": "B2"}), json!({"overwrite": true})),
        ];
        assert_eq!(statuses(&push(&own, "wallonie", &over).await), ["CONFLICT", "UPDATED"], "a base revision is always checked");
        let over = [org("wallonie", "a", json!({"name": "Source"}), json!({"overwrite": true}))];
        assert_eq!(statuses(&push(&own, "wallonie", &over).await), ["UPDATED"]);
    }
}

on_both_databases! {
    async fn of_two_writers_with_the_same_base_one_wins(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let first = push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({}))]).await;
        let id = first["results"][0]["record"]["id"].as_str().unwrap();
        for revision in 1..8 {
            let pushed = [org("wallonie", "a", json!({"name": format!("source {revision}")}), json!({"baseRevision": revision}))];
            let name = json!({"name": format!("desk {revision}")});
            let (pushed, written) = tokio::join!(push(&own, "wallonie", &pushed), update(&desk, "organization", id, Some(revision), name, "revision name"));
            let by_source = statuses(&pushed) == ["UPDATED"];
            let by_desk = written["userErrors"] == json!([]);
            assert_ne!(by_source, by_desk, "{pushed} {written}");
            if by_desk {
                assert_eq!(pushed["results"][0]["conflict"]["current"], json!({"name": format!("desk {revision}"), "revision": revision + 1}));
                assert_eq!(pushed["results"][0]["conflict"]["differingFields"], json!(["name"]));
            } else {
                assert_eq!(written["organization"]["revision"], json!(revision + 1));
            }
        }
        assert_eq!(logged(&server).await, 8);
    }
}

on_both_databases! {
    async fn references_are_ids_slugs_and_external_ids_also_of_the_batch(server) {
        import(&server, &[organization("flandre", "there", json!({})), organization("flandre", "hidden", json!({"visibility": "PRIVATE"}))]).await;
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let there = server.data("{ organization(by: {slug: \"there\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let records = [
            item(affiliation("wallonie", "t", "a", json!({})), json!({})),
            item(affiliation("wallonie", "test-wallonie:tal-t", &there, json!({})), json!({"externalId": "second"})),
            item(partnership("wallonie", "p", &["test-wallonie:org-a", "test-flandre:org-there"], json!({})), json!({})),
            item(talent("wallonie", "t", json!({})), json!({})),
            org("wallonie", "a", json!({"memberOf": ["b"], "successor": "test-wallonie:org-b"}), json!({})),
            org("wallonie", "b", json!({}), json!({})),
            org("wallonie", "c", json!({"successor": "nowhere"}), json!({})),
            org("wallonie", "d", json!({"memberOf": ["c"]}), json!({})),
            org("wallonie", "e", json!({"successor": "hidden"}), json!({})),
            org("wallonie", "f", json!({"memberOf": ["test-flandre:org-hidden"]}), json!({})),
        ];
        let answer = push(&own, "wallonie", &records).await;
        assert_eq!(statuses(&answer)[..6], ["CREATED"; 6], "{answer}");
        assert_eq!(statuses(&answer)[6..], ["REJECTED"; 4]);
        let results = &answer["results"];
        assert_eq!(results[1]["record"]["organization"]["slug"], "there");
        let unknown = |place: usize, path: &str| vec![format!("NOT_FOUND/REFERENCE_UNKNOWN input.records.{place}.organization.{path}")];
        assert_eq!(refused(&results[6]), unknown(6, "successor"));
        assert_eq!(refused(&results[7]), unknown(7, "memberOf.0"), "a refused record cannot be referred to");
        // Records hidden from the caller are absent for its pushes.
        assert_eq!((refused(&results[8]), refused(&results[9])), (unknown(8, "successor"), unknown(9, "memberOf.0")));
        let said = |place: usize, name: &str| results[place]["userErrors"][0]["message"].as_str().unwrap().replace(name, "");
        assert_eq!(said(8, "hidden"), said(6, "nowhere"));
    }
}

on_both_databases! {
    async fn names_of_hidden_records_are_free(server) {
        import(&server, &[organization("flandre", "hidden", json!({"visibility": "PRIVATE", "identifiers": [{"scheme": "SIREN", "value": "404833048"}]})), organization("flandre", "seen", json!({}))]).await;
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let hidden = org("wallonie", "hidden", json!({"identifiers": [{"scheme": "SIREN", "value": "404833048"}]}), json!({}));
        let answer = push(&own, "wallonie", &[hidden.clone(), org("wallonie", "seen", json!({}), json!({}))]).await;
        assert_eq!(statuses(&answer), ["CREATED", "REJECTED"]);
        let slug = answer["results"][0]["record"]["slug"].as_str().unwrap();
        assert!(slug.starts_with("hidden-"), "{slug}");
        assert_eq!(refused(&answer["results"][1]), ["NOT_UNIQUE/SLUG_TAKEN input.records.1.organization.slug"]);
        assert_eq!(statuses(&push(&own, "wallonie", &[hidden]).await), ["UNCHANGED"]);
    }
}

on_both_databases! {
    async fn a_dry_run_says_what_would_be_and_writes_nothing(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({})), org("wallonie", "gone", json!({}), json!({}))]).await;
        let before = rows(&server).await;
        let records = [
            org("wallonie", "a", json!({"name": "A2"}), json!({"baseRevision": 1})),
            org("wallonie", "b", json!({"memberOf": ["a"]}), json!({})),
            org("wallonie", "c", json!({"successor": "nowhere"}), json!({})),
            json!({"externalId": "org-gone", "delete": true, "organization": {}}),
        ];
        let dry = batch("wallonie", &records, json!({"dryRun": true}));
        let answer = push_input(&own, dry.clone()).await;
        assert_eq!(statuses(&answer), ["UPDATED", "CREATED", "REJECTED", "UPDATED"]);
        assert_eq!((&answer["results"][0]["record"]["name"], &answer["results"][1]["record"]), (&json!("a"), &Value::Null));
        assert_eq!(rows(&server).await, before);
        // The key is still free, and a repetition is not a replay.
        assert_eq!(push_input(&own, dry.clone()).await["replayed"], json!(false));
        let mut real = dry;
        real["dryRun"] = json!(false);
        assert_eq!(statuses(&push_input(&own, real).await), ["UPDATED", "CREATED", "REJECTED", "UPDATED"]);
    }
}

on_both_databases! {
    async fn all_or_nothing_writes_all_or_nothing(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        push(&own, "wallonie", &[org("wallonie", "a", json!({}), json!({}))]).await;
        let before = rows(&server).await;
        let mut records = vec![
            org("wallonie", "a", json!({"name": "A2"}), json!({"baseRevision": 1})),
            org("wallonie", "b", json!({}), json!({})),
            org("wallonie", "c", json!({"kind": "none"}), json!({})),
        ];
        let input = batch("wallonie", &records, json!({"mode": "ALL_OR_NOTHING"}));
        for dry in [false, true] {
            let mut input = input.clone();
            input["dryRun"] = json!(dry);
            let answer = push_input(&own, input).await;
            assert_eq!(statuses(&answer), ["REJECTED", "REJECTED", "REJECTED"]);
            assert_eq!(refused(&answer["results"][0]), ["NOT_ALLOWED_IN_STATE/NOT_ATTEMPTED input.records.0"]);
            assert_eq!(refused(&answer["results"][1]), ["NOT_ALLOWED_IN_STATE/NOT_ATTEMPTED input.records.1"]);
            assert_eq!(refused(&answer["results"][2]), ["INVALID/UNKNOWN_TERM input.records.2.organization.kind"]);
            assert_eq!(rows(&server).await, before);
        }
        records.pop();
        let mut right = input;
        right["records"] = json!(records);
        assert_eq!(statuses(&push_input(&own, right).await), ["UPDATED", "CREATED"], "a refusal does not use up the key");
    }
}

on_both_databases! {
    async fn what_is_over_a_limit_is_refused_as_a_whole(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let before = rows(&server).await;
        let small = |n: usize| org("wallonie", &format!("o{n}"), json!({}), json!({}));
        let many: Vec<Value> = (0..501).map(small).collect();
        let large = |n: usize, bytes: usize| org("wallonie", &format!("o{n}"), json!({"sources": [{"title": "x".repeat(bytes)}]}), json!({}));
        let heavy: Vec<Value> = (0..40).map(|n| large(n, 60_000)).collect();
        for (records, told) in [
            (many, "TOO_MANY/TOO_MANY_RECORDS input.records"),
            (vec![small(1), large(2, 66_000)], "TOO_MANY/TOO_LARGE input.records.1"),
            (heavy, "TOO_MANY/TOO_LARGE input.records"),
        ] {
            let answer = push(&own, "wallonie", &records).await;
            assert_eq!((refused(&answer), &answer["results"], &answer["cursor"]), (vec![told.to_owned()], &json!([]), &Value::Null));
        }
        for key in [String::new(), "k".repeat(256)] {
            let answer = push_input(&own, batch("wallonie", &[small(1)], json!({"idempotencyKey": key}))).await;
            assert_eq!(refused(&answer), ["INVALID input.idempotencyKey"]);
        }
        assert_eq!(rows(&server).await, before);
        let most: Vec<Value> = (0..500).map(small).collect();
        assert_eq!(statuses(&push(&own, "wallonie", &most).await), ["CREATED"; 500]);
        assert_eq!(statuses(&push(&own, "wallonie", &[]).await), Vec::<&str>::new());
    }
}

on_both_databases! {
    async fn one_batch_of_a_source_runs_at_a_time(server) {
        sources(&server, &["wallonie", "flandre"]).await;
        let own = server.beside(partner(&["wallonie", "flandre"])).await;
        let batches: Vec<Vec<Value>> = (0..12).map(|n| (0..60).map(|m| org("wallonie", &format!("o{n}-{m}"), json!({}), json!({}))).collect()).collect();
        // The first batch is blocked by this lock, so that all others arrive while it runs.
        let held = server.app.db.begin().await.unwrap();
        if server.app.db.dialect() == Dialect::Postgres {
            held.execute_unprepared(FOR_LONG).await.unwrap();
            held.execute_unprepared("SELECT * FROM feed_meta FOR UPDATE").await.unwrap();
        }
        let mut answers: FuturesUnordered<_> = batches.iter().map(|records| push(&own, "wallonie", records)).collect();
        for _ in 1..batches.len() {
            let answer = answers.next().await.expect("an answer");
            assert_eq!((refused(&answer), &answer["results"]), (vec!["NOT_ALLOWED_IN_STATE/PUSH_BUSY input.source".to_owned()], &json!([])));
            assert!(answer["userErrors"][0]["retryAfterMs"].as_i64().unwrap() > 0);
        }
        held.rollback().await.unwrap();
        assert_eq!(statuses(&answers.next().await.expect("an answer")), ["CREATED"; 60]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 60);
        // A program on the same database that holds the source gives the same error.
        if server.app.db.dialect() == Dialect::Postgres {
            let held = server.app.db.begin().await.unwrap();
            held.execute_unprepared(FOR_LONG).await.unwrap();
            held.execute_unprepared("SELECT 1 FROM source WHERE name = 'test-wallonie' FOR UPDATE").await.unwrap();
            let answer = push(&own, "wallonie", &[org("wallonie", "x", json!({}), json!({}))]).await;
            assert_eq!(refused(&answer), ["NOT_ALLOWED_IN_STATE/PUSH_BUSY input.source"]);
            assert_eq!(statuses(&push(&own, "flandre", &[org("flandre", "y", json!({}), json!({}))]).await), ["CREATED"]);
            held.rollback().await.unwrap();
        }
        assert_eq!(statuses(&push(&own, "wallonie", &[org("wallonie", "x", json!({}), json!({}))]).await), ["CREATED"]);
    }
}

on_both_databases! {
    async fn too_many_batches_in_a_minute_are_told_when_to_come_again(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let mut last = Value::Null;
        for _ in 0..601 {
            last = push(&own, "wallonie", &[]).await;
        }
        assert_eq!((refused(&last), &last["userErrors"][0]["retryAfterMs"]), (vec!["NOT_ALLOWED_IN_STATE/PUSH_BUSY input.source".to_owned()], &json!(100)));
        server.set_clock("2026-11-22T10:00:01Z");
        assert_eq!(push(&own, "wallonie", &[]).await["userErrors"], json!([]));
    }
}

/// Makes the database refuse organizations with this name.
async fn poison(server: &TestServer, name: &str) {
    match server.app.db.dialect() {
        Dialect::Sqlite => {
            let sql = format!(
                "CREATE TRIGGER poison_{name} BEFORE INSERT ON organization WHEN NEW.name = '{name}' BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
            );
            execute(server, &sql).await;
        }
        Dialect::Postgres => {
            let sql = format!(
                "CREATE FUNCTION poison_{name}() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$ LANGUAGE plpgsql"
            );
            execute(server, &sql).await;
            let sql = format!(
                "CREATE TRIGGER poison_{name} BEFORE INSERT ON organization FOR EACH ROW WHEN (NEW.name = '{name}') EXECUTE FUNCTION poison_{name}()"
            );
            execute(server, &sql).await;
        }
    }
}

on_both_databases! {
    async fn a_record_that_the_database_does_not_take_is_left_out(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        for name in ["one", "two", "three", "four"] {
            poison(&server, name).await;
        }
        let mut records: Vec<Value> = (0..20).map(|n| org("wallonie", &format!("o{n}"), json!({}), json!({}))).collect();
        records[7] = org("wallonie", "o7", json!({"name": "one"}), json!({}));
        records[13] = org("wallonie", "o13", json!({"name": "two"}), json!({}));
        records[14] = org("wallonie", "o14", json!({"memberOf": ["o13"]}), json!({}));
        let answer = push(&own, "wallonie", &records).await;
        let bad: Vec<usize> = statuses(&answer).iter().enumerate().filter(|(_, status)| **status != "CREATED").map(|(place, _)| place).collect();
        assert_eq!(bad, [7, 13, 14], "{answer}");
        assert_eq!(refused(&answer["results"][7]), ["INVALID/WRITE_FAILED input.records.7"]);
        assert_eq!(refused(&answer["results"][14]), ["NOT_FOUND/REFERENCE_UNKNOWN input.records.14.organization.memberOf.0"]);
        assert_eq!((number(&server, "SELECT COUNT(*) FROM organization").await, logged(&server).await), (17, 17));
        // With more than three such records, nothing is written.
        let records: Vec<Value> = ["one", "two", "three", "four"].iter().map(|name| org("wallonie", &format!("p-{name}"), json!({"name": name}), json!({}))).collect();
        let input = batch("wallonie", &records, json!({}));
        let before = rows(&server).await;
        let answer = own.query_with("mutation($input: PushRecordsInput!) { pushRecords(input: $input) { results { status } } }", json!({"input": input})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
        assert_eq!(rows(&server).await, before);
    }
}

on_both_databases! {
    async fn records_are_read_back_for_all_results_together(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let mut costs = Vec::new();
        for (round, count) in [(0, 2), (1, 2), (2, 40)] {
            let mut records = Vec::new();
            for n in 0..count {
                let (o, t) = (format!("o{round}-{n}"), format!("t{round}-{n}"));
                records.push(org("wallonie", &o, json!({"memberOf": [format!("o{round}-0")]}), json!({})));
                records.push(item(talent("wallonie", &t, json!({})), json!({})));
                records.push(item(affiliation("wallonie", &t, &o, json!({})), json!({})));
            }
            records[0]["organization"]["memberOf"] = json!([]);
            let query = "mutation($input: PushRecordsInput!) { pushRecords(input: $input) { results { status
                record { ... on Organization { memberOf { slug } affiliations { nodes { talent { slug } } } } ... on Talent { affiliations { nodes { id } } } ... on Affiliation { organization { slug } } } } } }";
            let before = server.statements();
            let answer = own.query_with(query, json!({"input": batch("wallonie", &records, json!({}))})).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            costs.push(server.statements() - before);
            let last = answer["data"]["pushRecords"]["results"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(last["record"]["organization"]["slug"], format!("o{round}-{}", count - 1));
        }
        assert_eq!(costs[1], costs[2], "{costs:?}");
    }
}
