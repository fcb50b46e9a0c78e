//! Write access, and the errors without it.

use passerelle::kernel::policy::Viewer;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{admin, create, delete, editor, logged, made, member, owner, reason, studio, told, update};
use crate::on_both_databases;
use crate::support::records::{import, organization};

on_both_databases! {
    async fn a_region_is_written_by_its_own(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let id = made(&own, "organization", studio("wallonie", "a")).await;
        let before = logged(&server).await;
        let others = [
            ("nobody", Viewer::anonymous(), "NOT_SIGNED_IN"),
            ("a member", member(9), ""),
            ("a moderator", Viewer { staff_of: ["wallonie".to_owned()].into(), ..member(9) }, ""),
            ("a neighbour", editor(&["flandre"]), ""),
            ("a member of it", owner(&id), ""),
        ];
        for (who, viewer, why) in others {
            let other = server.beside(viewer).await;
            let answer = update(&other, "organization", &id, Some(7), json!({"name": "", "kind": "wrong"}), "id").await;
            assert_eq!((told(&answer), reason(&answer), &answer["organization"]), (vec!["FORBIDDEN id".to_owned()], why, &Value::Null), "{who}");
            let answer = delete(&other, "organization", &id, None).await;
            assert_eq!((told(&answer), &answer["deletedId"]), (vec!["FORBIDDEN id".to_owned()], &Value::Null), "{who}");
            let answer = create(&other, "organization", json!({"region": "wallonie", "slug": "a"}), "id").await;
            let at = if why.is_empty() { "FORBIDDEN input.region" } else { "FORBIDDEN input" };
            assert_eq!(told(&answer), [at], "{who}: no other errors");
        }
        assert_eq!(logged(&server).await, before);
        let partner = Viewer { writes: ["wallonie".to_owned()].into(), ..member(9) };
        for (name, viewer) in [("by a partner", partner), ("by an administrator", admin())] {
            let other = server.beside(viewer).await;
            let answer = update(&other, "organization", &id, None, json!({"name": name}), "name").await;
            assert_eq!(answer["organization"]["name"], name);
        }
    }
}

on_both_databases! {
    async fn a_record_moves_between_regions_by_those_who_write_in_both(server) {
        let (one, both) = (server.beside(editor(&["wallonie"])).await, server.beside(editor(&["wallonie", "flandre"])).await);
        let id = made(&one, "organization", studio("wallonie", "a")).await;
        let answer = create(&one, "organization", studio("flandre", "b"), "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN input.region".to_owned()], "FOREIGN_REGION"));
        let answer = update(&one, "organization", &id, None, json!({"region": "flandre"}), "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN input.region".to_owned()], "FOREIGN_REGION"));
        let answer = create(&one, "organization", json!({"name": "x", "kind": "fund", "region": "atlantis"}), "id").await;
        assert_eq!(told(&answer), ["INVALID input.region"]);
        let before = logged(&server).await;
        let answer = update(&both, "organization", &id, None, json!({"region": "flandre"}), "region { slug } revision").await;
        assert_eq!(answer, json!({"organization": {"region": {"slug": "flandre"}, "revision": 2}, "userErrors": []}));
        assert_eq!(logged(&server).await, before + 2, "it leaves one view and enters another");
        assert_eq!(told(&update(&one, "organization", &id, None, json!({"name": "x"}), "id").await), ["FORBIDDEN id"]);
    }
}

on_both_databases! {
    async fn an_editor_writes_over_a_source_whose_next_line_is_then_a_conflict(server) {
        let line = organization("wallonie", "a", json!({"name": "by the source"}));
        import(&server, std::slice::from_ref(&line)).await;
        let own = server.beside(editor(&["wallonie"])).await;
        let id = server.data("{ organization(by: {slug: \"a\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let answer = update(&own, "organization", &id, None, json!({"name": "by the editor"}), "name revision externalId { id }").await;
        assert_eq!(answer["organization"], json!({"name": "by the editor", "revision": 2, "externalId": {"id": "org-a"}}));
        let text = crate::support::records::ndjson(&[line]);
        let (summary, told) = crate::support::records::import_text(&server, &text, &crate::support::records::options()).await;
        assert_eq!((summary.bad, told.bad[0].1.as_str()), (1, "baseRevision"));
        assert!(told.bad[0].2.contains("overwrite: true"), "the message is written for imports");
    }
}

on_both_databases! {
    async fn ids_of_merged_duplicates_mean_the_survivor(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let survivor = made(&own, "organization", studio("wallonie", "a")).await;
        let old = passerelle::kernel::id::encode("organization", uuid::Uuid::from_u128(7));
        let uuid = passerelle::kernel::id::decode_any("", &survivor).unwrap().1;
        let backend = server.app.db.dialect().backend();
        let sql = "INSERT INTO record_redirect (id, target_id) VALUES ($1, $2)";
        let insert = sea_orm::Statement::from_sql_and_values(backend, sql, [uuid::Uuid::from_u128(7).into(), uuid.into()]);
        server.app.db.writer().execute_raw(insert).await.unwrap();
        let answer = update(&own, "organization", &old, Some(1), json!({"name": "x"}), "id name").await;
        assert_eq!(answer["organization"], json!({"id": survivor, "name": "x"}));
    }
}

on_both_databases! {
    async fn a_mutation_by_get_is_refused(server) {
        let own = server.beside(admin()).await;
        let mut url = url::Url::parse(&own.url("/graphql")).unwrap();
        let mutation = "mutation { createOrganization(input: {name: \"a\", kind: \"fund\", region: \"wallonie\"}) { organization { id } } }";
        url.query_pairs_mut().append_pair("query", mutation);
        let response = own.client.get(url).header("accept", "application/graphql-response+json").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "POST"));
        assert_eq!(logged(&server).await, 0);
    }
}
