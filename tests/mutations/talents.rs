//! Talents: written by editors of their region and by themselves. Once claimed, some fields are decided by the person
//! alone.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{admin, call, create, delete, editor, logged, made, member, owner, person, reason, told, update};
use crate::on_both_databases;
use crate::support::records::{import_text, ndjson, options, talent};

const FIELDS: &str =
    "displayName visibility revision fieldVisibility { group visibility } legalBasis email claimed";

on_both_databases! {
    async fn a_talent_writes_their_own_profile(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let id = made(&region, "talent", json!({"givenName": "Ana", "familyName": "Exemple", "region": "wallonie"})).await;
        let other = made(&region, "talent", person("wallonie", "other")).await;
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 1, "a new profile is private");
        let own = server.beside(owner(&id)).await;
        let input = json!({"displayName": "Ana E.", "visibility": "PUBLIC", "legalBasis": "CONSENT", "email": "ana@example.org",
            "fieldVisibility": [{"group": "CONTACT", "visibility": "PUBLIC"}]});
        let answer = update(&own, "talent", &id, Some(1), input, FIELDS).await;
        assert_eq!(answer["userErrors"], json!([]));
        assert_eq!(answer["talent"]["revision"], 2);
        assert_eq!(answer["talent"]["fieldVisibility"][0], json!({"group": "CONTACT", "visibility": "PUBLIC"}));
        let seen = server.data("{ talents { nodes { email } } }").await;
        assert!(seen["talents"]["nodes"].as_array().unwrap().contains(&json!({"email": "ana@example.org"})));
        // Only their own profile, and not its region.
        assert_eq!(told(&update(&own, "talent", &other, None, json!({"displayName": "x"}), "id").await), ["FORBIDDEN id"]);
        assert_eq!(told(&update(&own, "talent", &id, None, json!({"region": "flandre"}), "id").await), ["FORBIDDEN input.region"]);
        assert_eq!(told(&create(&own, "talent", person("wallonie", "another"), "id").await), ["FORBIDDEN input.region"]);
        assert_eq!(delete(&own, "talent", &id, None).await["deletedId"], json!(id));
    }
}

on_both_databases! {
    async fn what_a_talent_has_decided_no_staff_and_no_source_changes(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let (summary, _) = import_text(&server, &ndjson(&[talent("wallonie", "t", json!({}))]), &options()).await;
        assert_eq!(summary.created, 1);
        let id = server.data("{ talent(by: {slug: \"t\"}) { id } }").await["talent"]["id"].as_str().unwrap().to_owned();
        let decisions = json!({"visibility": "MEMBERS", "legalBasis": "PUBLIC_ROLE", "fieldVisibility": [{"group": "CONTACT", "visibility": "PUBLIC"}]});
        assert_eq!(told(&update(&region, "talent", &id, None, decisions.clone(), "id").await), [""; 0], "not claimed yet");
        server.app.db.writer().execute_unprepared("UPDATE talent SET claimed = TRUE").await.unwrap();
        let before = logged(&server).await;
        let otherwise = json!({"visibility": "PUBLIC", "legalBasis": "CONSENT", "fieldVisibility": [{"group": "CONTACT", "visibility": "MEMBERS"}]});
        for viewer in [editor(&["wallonie"]), admin()] {
            let staff = server.beside(viewer).await;
            let answer = update(&staff, "talent", &id, None, otherwise.clone(), "id").await;
            assert_eq!(told(&answer), ["FORBIDDEN input.visibility", "FORBIDDEN input.fieldVisibility", "FORBIDDEN input.legalBasis"]);
            assert_eq!(answer["userErrors"][0]["reason"], "TALENT_DECIDES");
        }
        let mut line = talent("wallonie", "t", otherwise.clone());
        line["overwrite"] = json!(true);
        let (_, refused) = import_text(&server, &ndjson(&[line]), &options()).await;
        assert_eq!(refused.bad.iter().map(|(_, path, _)| path.as_str()).collect::<Vec<_>>(), ["visibility", "fieldVisibility", "legalBasis"]);
        assert_eq!(logged(&server).await, before);
        // Repeating the present values is allowed, and other fields are written.
        let mut same = decisions;
        same["displayName"] = json!("By the region");
        assert_eq!(told(&update(&region, "talent", &id, None, same, "id").await), [""; 0]);
        let own = server.beside(owner(&id)).await;
        let arguments = [("id", "ID!", json!(id)), ("input", "TalentInput!", otherwise), ("consent", "ConsentInput", json!({"version": 1, "language": "FR"}))];
        let answer = call(&own, "updateTalent", &format!("talent {{ {FIELDS} }}"), &arguments).await;
        assert_eq!((answer["talent"]["visibility"].as_str(), answer["talent"]["claimed"].as_bool()), (Some("PUBLIC"), Some(true)));
    }
}

on_both_databases! {
    async fn what_a_viewer_is_not_shown_a_mutation_does_not_show(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let id = made(&region, "talent", person("wallonie", "t")).await;
        let answer = update(&region, "talent", &id, None, json!({"email": "t@example.org"}), "email withheld").await;
        assert_eq!(answer["talent"], json!({"email": "t@example.org", "withheld": []}));
        let seen = server.beside(member(9)).await;
        let answer = update(&seen, "talent", &id, Some(1), json!({"email": null}), "email").await;
        assert_eq!((told(&answer), &answer["talent"]), (vec!["FORBIDDEN id".to_owned()], &Value::Null), "no conflict is revealed");
    }
}

on_both_databases! {
    async fn bad_input_is_told_field_by_field(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let input = json!({"displayName": "a\u{1b}[0m", "region": "wallonie", "visibility": "PUBLIC", "availability": "FROM_DATE",
            "occupations": ["monteur", "nobody"], "skills": ["a", "<img src=x>"], "languages": [{"language": "fr", "level": "FLUENT"}, {"language": "zz", "level": "BASIC"}],
            "links": [{"label": "x".repeat(301), "url": "https://example.org"}], "headlines": [{"language": "FR", "text": "a"}, {"language": "FR", "text": "b"}],
            "identifiers": [{"scheme": "ORCID", "value": "0000-0000-0000-0000"}]});
        let answer = create(&region, "talent", input, "id").await;
        let mut all = told(&answer);
        all.sort();
        assert_eq!(all, ["INVALID input.displayName", "INVALID input.headlines.1.language", "INVALID input.identifiers.0.value", "INVALID input.languages.1.language",
            "INVALID input.occupations.1", "INVALID input.skills.1", "REQUIRED input.availableFrom", "REQUIRED input.legalBasis",
            "TOO_LONG input.links.0.label"]);
        assert_eq!(logged(&server).await, 0);
        // Input that the schema refuses.
        let query = "mutation($input: TalentInput!) { createTalent(input: $input) { userErrors { code } } }";
        for wrong in [json!({"headlines": [{"language": "XX", "text": "a"}]}), json!({"email": 5}), json!({"nothing": 1})] {
            let answer = region.query_with(query, json!({ "input": wrong })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
        }
        // Invalid addresses are reported with the other errors.
        let odd = json!({"displayName": "A", "region": "wallonie", "legalBasis": "CONSENT", "email": "nobody", "website": "javascript:alert(1)"});
        let mut all = told(&create(&region, "talent", odd, "id").await);
        all.sort();
        assert_eq!(all, ["INVALID input.email", "INVALID input.website"]);
        assert_eq!(reason(&create(&region, "talent", json!({"displayName": "<i>", "givenName": "g", "region": "wallonie"}), "id").await), "MARKUP");
    }
}
