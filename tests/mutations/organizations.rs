//! Organizations: creation, changes, deletion, and refusals.

use serde_json::{Value, json};

use super::{admin, create, delete, editor, logged, made, number, person, reason, studio, told, update};
use crate::on_both_databases;
use crate::support::server::TestServer;

const FIELDS: &str =
    "id slug name revision visibility region { slug } acronym sectors { slug } identifiers { value }
    memberOf { slug } successor { slug }";

on_both_databases! {
    async fn one_is_made_changed_and_deleted_and_the_log_says_each(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let cluster = made(&editor, "organization", studio("wallonie", "cluster")).await;
        let input = json!({"name": " Studio É ", "kind": "animation-studio", "region": "wallonie", "acronym": "SE",
            "sectors": ["animation"], "identifiers": [{"scheme": "BCE", "value": "0403.170.701"}], "memberOf": [cluster]});
        let answer = create(&editor, "organization", input, FIELDS).await;
        let id = answer["organization"]["id"].as_str().unwrap().to_owned();
        assert_eq!(answer, json!({"organization": {"id": id, "slug": "studio-e", "name": "Studio É", "revision": 1,
            "visibility": "PUBLIC", "region": {"slug": "wallonie"}, "acronym": "SE", "sectors": [{"slug": "animation"}],
            "identifiers": [{"value": "0403170701"}], "memberOf": [{"slug": "cluster"}], "successor": null}, "userErrors": []}));
        assert_eq!(logged(&server).await, 2);

        // Absent fields stay, null clears, and lists are replaced.
        let answer = update(&editor, "organization", &id, Some(1), json!({"acronym": null, "sectors": ["jeux-video"]}), FIELDS).await;
        assert_eq!(answer["userErrors"], json!([]));
        assert_eq!(answer["organization"]["revision"], 2);
        assert_eq!(answer["organization"]["acronym"], Value::Null);
        assert_eq!(answer["organization"]["sectors"], json!([{"slug": "jeux-video"}]));
        assert_eq!(answer["organization"]["memberOf"], json!([{"slug": "cluster"}]));
        assert_eq!(logged(&server).await, 3);

        // A write without a change is not logged.
        let answer = update(&editor, "organization", &id, None, json!({"name": "Studio É"}), FIELDS).await;
        assert_eq!((answer["organization"]["revision"].as_i64(), logged(&server).await), (Some(2), 3));

        // All viewers see it at once. Log and records have the same revisions.
        let seen = server.data("{ organization(by: {slug: \"studio-e\"}) { revision } statistics { organizationCount } }").await;
        assert_eq!(seen, json!({"organization": {"revision": 2}, "statistics": {"organizationCount": 2}}));
        let revisions = "SELECT COUNT(*) FROM change_log AS c JOIN sync_record AS s ON s.record_id = c.record_id AND s.revision = c.revision";
        assert_eq!(number(&server, revisions).await, 2);

        let answer = delete(&editor, "organization", &id, Some(2)).await;
        assert_eq!(answer, json!({"deletedId": id, "userErrors": []}));
        assert_eq!(server.data(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await["node"], Value::Null);
        assert_eq!(number(&server, "SELECT CAST(revision AS BIGINT) FROM sync_record WHERE state = 'DELETED'").await, 3, "a tombstone stays");
        assert_eq!(logged(&server).await, 4);
        assert_eq!(told(&delete(&editor, "organization", &id, None).await), ["NOT_FOUND id"]);
        assert_eq!(told(&update(&editor, "organization", &id, None, json!({"name": "x"}), "id").await), ["NOT_FOUND id"]);
    }
}

on_both_databases! {
    async fn all_that_is_wrong_is_told_at_once_and_nothing_is_written(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        made(&editor, "organization", json!({"slug": "taken", "name": "A", "kind": "fund", "region": "wallonie",
            "identifiers": [{"scheme": "BCE", "value": "0403170701"}]})).await;
        let before = logged(&server).await;
        let input = json!({
            "slug": "taken", "name": "<script>alert(1)</script>", "kind": "studios", "region": "wallonie", "acronym": "A\u{0}B",
            "descriptions": [{"language": "FR", "text": "x".repeat(20_001)}, {"language": "NL", "text": "a"}, {"language": "NL", "text": "b"}],
            "territory": "atlantis", "address": {"country": "Belgia"}, "foundedOn": "2010-05", "dissolvedOn": "2009",
            "employeeCount": -1, "identifiers": [{"scheme": "SIREN", "value": "123456789"}, {"scheme": "BCE", "value": "BE 0403.170.701"}],
            "sectors": ["animation", "nothing"], "memberOf": ["taken", "nobody"], "successor": "talent_01h455vb4pex5vsknk084sn02q",
            "sources": [{}, {"title": "a\u{7}b"}], "claims": [{"field": "name", "value": "<b>", "source": {"title": "t"}}],
        });
        let answer = create(&editor, "organization", input, "id").await;
        assert_eq!(answer["organization"], Value::Null);
        let mut told = told(&answer);
        told.sort();
        assert_eq!(told, [
            "INVALID input.acronym", "INVALID input.address.country", "INVALID input.claims.0.value", "INVALID input.descriptions.2.language",
            "INVALID input.dissolvedOn", "INVALID input.employeeCount", "INVALID input.identifiers.0.value", "INVALID input.kind",
            "INVALID input.name", "INVALID input.sectors.1", "INVALID input.sources.0", "INVALID input.sources.1.title",
            "INVALID input.territory", "NOT_FOUND input.memberOf.1", "NOT_FOUND input.successor", "NOT_UNIQUE input.identifiers.1.value",
            "NOT_UNIQUE input.slug", "TOO_LONG input.descriptions.0.text",
        ]);
        assert_eq!(logged(&server).await, before);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 1);
        let empty = create(&editor, "organization", json!({"region": "wallonie"}), "id").await;
        assert_eq!(super::told(&empty), ["REQUIRED input.name", "REQUIRED input.kind"]);
    }
}

/// The message of a user error, in the best of these languages.
async fn message(server: &TestServer, languages: &str) -> String {
    let query = "mutation { createOrganization(input: {name: \"a\", kind: \"fund\", region: \"wallonie\", foundedOn: \"2010\", dissolvedOn: \"2009\"}) { userErrors { message } } }";
    let request = server.client.post(server.url("/graphql")).json(&json!({ "query": query }));
    let answer: Value =
        request.header("accept-language", languages).send().await.unwrap().json().await.unwrap();
    answer["data"]["createOrganization"]["userErrors"][0]["message"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn readers_are_told_in_their_language(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        for (languages, said) in [
            ("", "The end 2009 lies before the beginning 2010."),
            ("fr-BE, en;q=0.5", "La fin 2009 précède le début 2010."),
            ("nl", "Het einde 2009 ligt vóór het begin 2010."),
            ("pt, de;q=0.2", "Das Ende 2009 liegt vor dem Anfang 2010."),
            ("xx", "The end 2009 lies before the beginning 2010."),
        ] {
            assert_eq!(message(&editor, languages).await, said, "{languages}");
        }
    }
}

on_both_databases! {
    async fn a_revision_that_is_not_the_present_one_is_a_conflict_that_shows_the_record(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let id = made(&editor, "organization", studio("wallonie", "a")).await;
        assert_eq!(told(&update(&editor, "organization", &id, Some(1), json!({"name": "B"}), "id").await), [""; 0]);
        for wrong in [0, 1, 3, -1] {
            let answer = update(&editor, "organization", &id, Some(wrong), json!({"name": "C", "kind": "wrong"}), "name revision").await;
            assert_eq!(told(&answer), ["CONFLICT baseRevision"], "{wrong}");
            assert_eq!(answer["organization"], json!({"name": "B", "revision": 2}), "the present record");
            let answer = delete(&editor, "organization", &id, Some(wrong)).await;
            assert_eq!((told(&answer), &answer["deletedId"]), (vec!["CONFLICT baseRevision".to_owned()], &Value::Null));
        }
        // Even if the write would change nothing.
        assert_eq!(told(&update(&editor, "organization", &id, Some(1), json!({"name": "B"}), "id").await), ["CONFLICT baseRevision"]);
        // Without it, the last write wins, even over a source.
        let answer = update(&editor, "organization", &id, None, json!({"name": "D"}), "name revision").await;
        assert_eq!(answer["organization"], json!({"name": "D", "revision": 3}));
        assert_eq!(logged(&server).await, 3);
    }
}

on_both_databases! {
    async fn two_writers_with_the_same_base_one_of_whom_wins(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let id = made(&editor, "organization", studio("wallonie", "a")).await;
        let names: Vec<String> = (0..8).map(|n| format!("by {n}")).collect();
        let writes = names.iter().map(|name| update(&editor, "organization", &id, Some(1), json!({"name": name}), "name revision"));
        let answers = futures::future::join_all(writes).await;
        let won: Vec<&Value> = answers.iter().filter(|answer| answer["userErrors"] == json!([])).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for answer in &answers {
            assert_eq!(answer["organization"], won[0]["organization"], "the others get the written record");
        }
        assert_eq!(logged(&server).await, 2);
    }
}

on_both_databases! {
    async fn an_organization_is_not_its_own_successor_or_member_by_whatever_way(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let mut ids = Vec::new();
        for slug in ["a", "b", "c"] {
            ids.push(made(&editor, "organization", studio("wallonie", slug)).await);
        }
        let set = async |id: &str, input: Value| update(&editor, "organization", id, None, input, "id").await;
        for own in ["a", ids[0].as_str()] {
            let answer = set(&ids[0], json!({"successor": own, "memberOf": ["b", own]})).await;
            assert_eq!(told(&answer), ["INVALID input.successor", "INVALID input.memberOf.1"]);
        }
        let itself = json!({"slug": "self", "name": "S", "kind": "fund", "region": "wallonie", "successor": "self", "memberOf": ["self"]});
        assert_eq!(told(&create(&editor, "organization", itself, "id").await), ["INVALID input.successor", "INVALID input.memberOf.0"]);
        assert_eq!(told(&set(&ids[0], json!({"successor": "b"})).await), [""; 0]);
        assert_eq!(reason(&set(&ids[1], json!({"successor": "a"})).await), "SUCCESSOR_CYCLE");
        assert_eq!(told(&set(&ids[1], json!({"successor": "c"})).await), [""; 0]);
        let answer = set(&ids[2], json!({"successor": ids[0]})).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["INVALID input.successor".to_owned()], "SUCCESSOR_CYCLE"));
        // From both ends at once.
        assert_eq!(told(&set(&ids[0], json!({"successor": null})).await), [""; 0]);
        assert_eq!(told(&set(&ids[1], json!({"successor": null})).await), [""; 0]);
        let (one, other) = tokio::join!(set(&ids[0], json!({"successor": "b"})), set(&ids[1], json!({"successor": "a"})));
        assert_eq!(told(&one).len() + told(&other).len(), 1, "{one} {other}");
    }
}

on_both_databases! {
    async fn what_others_refer_to_stays_until_they_no_longer_do(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let id = made(&editor, "organization", studio("wallonie", "a")).await;
        let member = made(&editor, "organization", json!({"slug": "m", "name": "M", "kind": "fund", "region": "wallonie", "memberOf": ["a"], "successor": "a"})).await;
        made(&editor, "talent", person("wallonie", "t")).await;
        let affiliation = made(&editor, "affiliation", json!({"talent": "t", "organization": "a", "roles": [{"language": "FR", "text": "r"}]})).await;
        let partnership = made(&editor, "partnership", json!({"kind": "co-funding", "region": "wallonie", "titles": [{"language": "FR", "text": "p"}],
            "parties": [{"organization": "a", "role": "LEAD"}, {"organization": "m", "role": "PARTNER"}]})).await;
        let answer = delete(&editor, "organization", &id, None).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "REFERRED_TO"));
        for who in [&member, &affiliation, &partnership] {
            assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains(who.as_str()), "{answer}");
        }
        let talent = server.data("{ talent(by: {slug: \"t\"}) { id } }").await["talent"]["id"].as_str().unwrap().to_owned();
        assert_eq!(reason(&delete(&editor, "talent", &talent, None).await), "REFERRED_TO");
        for (of, one) in [("partnership", &partnership), ("affiliation", &affiliation), ("organization", &member), ("organization", &id), ("talent", &talent)] {
            assert_eq!(delete(&editor, of, one, None).await, json!({"deletedId": one, "userErrors": []}));
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'LIVE'").await, 0);
    }
}

on_both_databases! {
    async fn many_who_refer_and_one_who_deletes_leave_nothing_dangling(server) {
        let admin = server.beside(admin()).await;
        for round in 0..4 {
            let slug = format!("o{round}");
            let id = made(&admin, "organization", studio("wallonie", &slug)).await;
            made(&admin, "talent", person("wallonie", &format!("t{round}"))).await;
            let role = json!({"talent": format!("t{round}"), "organization": slug, "roles": [{"language": "FR", "text": "r"}]});
            let (_, _) = tokio::join!(create(&admin, "affiliation", role, "id"), delete(&admin, "organization", &id, None));
        }
        let dangling = "SELECT COUNT(*) FROM affiliation AS a WHERE NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = a.organization_id)";
        assert_eq!(number(&server, dangling).await, 0);
    }
}

on_both_databases! {
    async fn mutations_of_one_document_run_one_after_the_other(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let id = made(&editor, "organization", studio("wallonie", "a")).await;
        let steps: Vec<String> = (1..=5).map(|base| format!(
            "s{base}: updateOrganization(id: \"{id}\", baseRevision: {base}, input: {{name: \"n{base}\"}}) {{ organization {{ name revision }} userErrors {{ code }} }}")).collect();
        let data = editor.data(&format!("mutation {{ {} }}", steps.join(" "))).await;
        for base in 1..=5 {
            assert_eq!(data[format!("s{base}")], json!({"organization": {"name": format!("n{base}"), "revision": base + 1}, "userErrors": []}));
        }
    }
}

on_both_databases! {
    async fn an_id_of_another_type_is_an_error_of_the_request(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        made(&editor, "talent", person("wallonie", "t")).await;
        let data = server.data("{ talent(by: {slug: \"t\"}) { id } }").await;
        let talent = data["talent"]["id"].as_str().unwrap();
        for (id, code) in [(talent, "BAD_USER_INPUT"), ("x", "BAD_USER_INPUT"), ("", "BAD_USER_INPUT")] {
            let query = format!("mutation {{ deleteOrganization(id: \"{id}\") {{ deletedId }} }}");
            assert_eq!(editor.code(&query).await, code);
        }
        // The id of a talent with the prefix of an organization.
        let forged = talent.replace("talent_", "organization_");
        assert_eq!(told(&delete(&editor, "organization", &forged, None).await), ["NOT_FOUND id"]);
    }
}

on_both_databases! {
    async fn a_name_that_a_hidden_record_has_is_not_refused(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let neighbour = server.beside(editor(&["flandre"])).await;
        let identifiers = json!([{"scheme": "SIREN", "value": "552008443"}]);
        let with = |region: &str, more: Value| {
            let mut input = studio(region, "secret");
            input["identifiers"] = identifiers.clone();
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let hidden = made(&own, "organization", with("wallonie", json!({"visibility": "PRIVATE"}))).await;
        let fields = "id slug revision identifiers { value }";
        let answer = create(&neighbour, "organization", with("flandre", json!({})), fields).await;
        assert_eq!(answer["userErrors"], json!([]));
        let (id, slug) = (answer["organization"]["id"].as_str().unwrap(), answer["organization"]["slug"].as_str().unwrap());
        assert!(slug.starts_with("secret-"), "{slug}");
        assert_eq!(answer["organization"]["identifiers"], json!([{"value": "552008443"}]));
        // A repetition changes nothing, and the hidden record keeps its names.
        let again = update(&neighbour, "organization", id, None, with("flandre", json!({})), fields).await;
        assert_eq!(again["organization"], answer["organization"]);
        for by in ["slug: \"secret\"", "identifier: {scheme: SIREN, value: \"552008443\"}"] {
            let query = format!("{{ organization(by: {{{by}}}) {{ id }} }}");
            assert_eq!(own.data(&query).await["organization"]["id"], json!(hidden));
            assert_eq!(neighbour.data(&query).await["organization"], Value::Null);
        }
        // An editor who sees the other record gets an error.
        let answer = create(&own, "organization", with("wallonie", json!({})), "id").await;
        assert_eq!(told(&answer), ["NOT_UNIQUE input.slug", "NOT_UNIQUE input.identifiers.0.value"]);
        let answer = create(&own, "organization", with("wallonie", json!({"slug": slug, "identifiers": []})), "id").await;
        assert_eq!(told(&answer), ["NOT_UNIQUE input.slug"]);
    }
}
