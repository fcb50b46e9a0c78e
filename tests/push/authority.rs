//! The right to push, by source and region.

use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use passerelle::kernel::policy::Viewer;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{batch, execute, item, org, partner, push, refused, rows, sources, statuses};
use crate::mutations::{admin, editor, member, owner, update};
use crate::on_both_databases;
use crate::support::accounts;
use crate::support::records::{affiliation, import, organization, talent};

on_both_databases! {
    async fn systems_push_the_records_of_their_region_and_nobody_else_does(server) {
        sources(&server, &["wallonie"]).await;
        let record = [org("wallonie", "a", json!({}), json!({}))];
        let before = rows(&server).await;
        for (who, told) in [
            (Viewer::anonymous(), "FORBIDDEN/NOT_SIGNED_IN"),
            (member(1), "FORBIDDEN/NOT_SYNC_PARTNER"),
            (editor(&["wallonie"]), "FORBIDDEN/NOT_SYNC_PARTNER"),
            (partner(&["flandre"]), "FORBIDDEN/FOREIGN_REGION"),
        ] {
            let answer = push(&server.beside(who).await, "wallonie", &record).await;
            assert_eq!((refused(&answer), &answer["results"], &answer["cursor"]), (vec![format!("{told} input.source")], &json!([]), &Value::Null));
        }
        let own = server.beside(partner(&["wallonie"])).await;
        assert_eq!(refused(&push(&own, "flandre", &record).await), ["NOT_FOUND/SOURCE_UNKNOWN input.source"]);
        assert_eq!(rows(&server).await, before);
        assert_eq!(statuses(&push(&own, "wallonie", &record).await), ["CREATED"]);
        assert_eq!(statuses(&push(&server.beside(admin()).await, "wallonie", &record).await), ["UNCHANGED"]);
    }
}

on_both_databases! {
    async fn an_api_key_of_a_partner_pushes_over_http(server) {
        sources(&server, &["wallonie"]).await;
        let key = async |role: Role| {
            let new = NewKey { name: "crm".into(), region: "wallonie".into(), roles: vec![role], expires_at: None };
            api_key::create(&server.app, new, Maker::Operator).await.unwrap().1.expose_secret().to_owned()
        };
        let query = "mutation($input: PushRecordsInput!) { pushRecords(input: $input) { results { status } userErrors { code reason message path } } }";
        let input = batch("wallonie", &[org("wallonie", "a", json!({"visibility": "PRIVATE"}), json!({}))], json!({}));
        let refusal = accounts::mutate(&server, Some(&key(Role::Editor).await), query, json!({"input": input})).await;
        assert_eq!(refused(&refusal), ["FORBIDDEN/NOT_SYNC_PARTNER input.source"]);
        let done = accounts::mutate(&server, Some(&key(Role::SyncPartner).await), query, json!({"input": input})).await;
        assert_eq!(statuses_of(&done), ["CREATED"]);
    }
}

fn statuses_of(payload: &Value) -> Vec<&str> {
    payload["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn records_of_other_regions_and_sources_are_refused(server) {
        import(&server, &[organization("flandre", "theirs", json!({})), talent("flandre", "t", json!({})), organization("flandre", "hidden", json!({"visibility": "PRIVATE"}))]).await;
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie", "flandre"])).await;
        push(&own, "wallonie", &[org("wallonie", "moved", json!({}), json!({})), org("wallonie", "gone", json!({}), json!({})), org("wallonie", "kind", json!({}), json!({}))]).await;
        let data = server.data("{ moved: organization(by: {slug: \"moved\"}) { id } theirs: organization(by: {slug: \"theirs\"}) { id } }").await;
        let hidden = desk.data("{ organization(by: {slug: \"hidden\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let (moved, theirs) = (data["moved"]["id"].as_str().unwrap(), data["theirs"]["id"].as_str().unwrap());
        update(&desk, "organization", moved, None, json!({"region": "flandre"}), "id").await;
        let named = |external: &str| json!({"externalId": external});
        let records = [
            org("flandre", "new", json!({}), json!({})),
            org("wallonie", "moved", json!({"name": "x"}), json!({"overwrite": true})),
            item(affiliation("wallonie", "t", "gone", json!({})), json!({})),
            json!({"externalId": "org-moved", "delete": true, "overwrite": true, "organization": {}}),
            org("wallonie", "x1", json!({}), named(theirs)),
            org("wallonie", "x2", json!({}), named("test-flandre:org-theirs")),
            json!({"externalId": "org-kind", "talent": {"displayName": "x", "region": "wallonie"}}),
            json!({"externalId": "org-kind", "delete": true, "talent": {}}),
        ];
        // In two batches, as a record that occurs twice would hide the other errors.
        let (first, second) = records.split_at(3);
        let (first, second) = (push(&own, "wallonie", first).await, push(&own, "wallonie", second).await);
        assert_eq!((statuses(&first), statuses(&second)), (vec!["REJECTED"; 3], vec!["REJECTED"; 5]));
        let told: Vec<String> = [&first, &second].iter().flat_map(|answer| answer["results"].as_array().unwrap()).flat_map(refused).collect();
        assert_eq!(told, [
            "FORBIDDEN/FOREIGN_REGION input.records.0.organization.region",
            "FORBIDDEN/FOREIGN_REGION input.records.1.organization.region",
            "FORBIDDEN/FOREIGN_REGION input.records.2.affiliation.region",
            "FORBIDDEN/FOREIGN_REGION input.records.0.delete",
            "FORBIDDEN/NOT_AUTHORITY input.records.1.externalId",
            "FORBIDDEN/NOT_AUTHORITY input.records.2.externalId",
            "INVALID/OTHER_TYPE input.records.3.externalId",
            "INVALID input.records.4.externalId",
        ]);
        // An external id that names a hidden record is accepted, so that its existence is not revealed.
        let free = [org("wallonie", "y1", json!({}), named(&hidden)), org("wallonie", "y2", json!({}), named("test-flandre:org-hidden")), org("wallonie", "y3", json!({}), named("urn:isbn:1"))];
        assert_eq!(statuses(&push(&own, "wallonie", &free).await), ["CREATED"; 3]);
    }
}

on_both_databases! {
    async fn a_duplicate_that_was_merged_leads_to_a_record_of_its_own_source_only(server) {
        import(&server, &[organization("wallonie", "a", json!({})), organization("wallonie", "b", json!({}))]).await;
        let mut other = organization("wallonie", "c", json!({}));
        other["source"] = json!("other-wallonie");
        import(&server, &[other]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let data = server.data("{ a: organization(by: {slug: \"a\"}) { id } b: organization(by: {slug: \"b\"}) { id } c: organization(by: {slug: \"c\"}) { id } }").await;
        let id = |name: &str| data[name]["id"].as_str().unwrap().to_owned();
        for (survivor, duplicate) in [("c", "b")] {
            let merged = desk.data(&format!("mutation {{ mergeOrganizations(survivor: \"{}\", duplicate: \"{}\") {{ userErrors {{ code }} }} }}", id(survivor), id(duplicate))).await;
            assert_eq!(merged["mergeOrganizations"]["userErrors"], json!([]));
        }
        let records = [org("wallonie", "b", json!({"name": "x"}), json!({"overwrite": true})), org("wallonie", "a", json!({"name": "x"}), json!({"overwrite": true}))];
        let answer = push(&own, "wallonie", &records).await;
        assert_eq!(statuses(&answer), ["REJECTED", "UPDATED"]);
        assert_eq!(refused(&answer["results"][0]), ["FORBIDDEN/NOT_AUTHORITY input.records.0.externalId"]);
    }
}

on_both_databases! {
    async fn what_a_person_has_decided_no_push_changes(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let person = |more: Value| item(talent("wallonie", "t", more), json!({"overwrite": true}));
        let first = push(&own, "wallonie", &[person(json!({"visibility": "PRIVATE"}))]).await;
        let id = first["results"][0]["record"]["id"].as_str().unwrap();
        execute(&server, "UPDATE talent SET claimed = TRUE").await;
        let groups = json!([{"group": "CONTACT", "visibility": "PUBLIC"}]);
        for (more, field) in [(json!({"visibility": "PUBLIC"}), "visibility"), (json!({"visibility": "PRIVATE", "fieldVisibility": groups}), "fieldVisibility")] {
            let answer = push(&own, "wallonie", &[person(more)]).await;
            assert_eq!(refused(&answer["results"][0]), [format!("FORBIDDEN/TALENT_DECIDES input.records.0.talent.{field}")]);
        }
        let answer = push(&own, "wallonie", &[person(json!({"visibility": "PRIVATE", "displayName": "New"}))]).await;
        assert_eq!((statuses(&answer), &answer["results"][0]["record"]["visibility"]), (vec!["UPDATED"], &json!("PRIVATE")));
        let themselves = server.beside(owner(id)).await;
        assert_eq!(themselves.data(&format!("{{ node(id: \"{id}\") {{ ... on Talent {{ displayName }} }} }}")).await["node"]["displayName"], "New");
    }
}
