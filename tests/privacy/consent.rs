//! Consent: when it is required, how it is stored, and how it is withdrawn.

use serde_json::{Value, json};

use super::somebody;
use crate::mutations::{admin, call, editor, logged, made, member, number, reason, told};
use crate::on_both_databases;
use crate::support::accounts::{account, data_as, mutate, query_as, sign_in};

const UPDATE: &str = "mutation($id: ID!, $input: TalentInput!, $consent: ConsentInput) { updateTalent(id: $id, input: $input, consent: $consent) {
    talent { visibility } userErrors { code reason path message } } }";

const HISTORY: &str = "{ viewer { account { talent { visibility confirmedAt consents { act purpose version language at } } } } }";

fn person(name: &str) -> Value {
    json!({"displayName": name, "region": "wallonie"})
}

on_both_databases! {
    async fn the_texts_are_there_in_every_language(server) {
        let data = server.data("{ fr: consentText(language: FR) { version language text isCurrent } nl: consentText(language: NL, version: 1) { text }
            en: consentText { language text } de: consentText(language: DE) { text } none: consentText(version: 7) { text } }").await;
        assert_eq!((&data["fr"]["version"], &data["fr"]["language"], &data["fr"]["isCurrent"]), (&json!(1), &json!("FR"), &json!(true)));
        assert_eq!((&data["en"]["language"], &data["none"]), (&json!("EN"), &Value::Null));
        for (key, words) in [("fr", "à tout moment"), ("nl", "op elk moment"), ("en", "at any time"), ("de", "jederzeit")] {
            assert!(data[key]["text"].as_str().unwrap().contains(words), "{key}");
        }
    }
}

on_both_databases! {
    async fn whoever_shows_more_of_their_profile_agrees_to_the_present_text(server) {
        let (id, token) = somebody(&server, "ana@example.org", person("Ana")).await;
        let change = |input: Value, consent: Value| {
            let variables = json!({"id": id, "input": input, "consent": consent});
            let (server, token) = (&server, &token);
            async move { mutate(server, Some(token), UPDATE, variables).await }
        };
        let before = logged(&server).await;
        let answer = change(json!({"visibility": "PUBLIC", "skills": ["<b>"]}), Value::Null).await;
        assert_eq!(told(&answer), ["INVALID input.skills.0", "REQUIRED consent"], "all at once");
        assert_eq!(answer["userErrors"][1]["reason"], "CONSENT_REQUIRED");
        let answer = change(json!({"visibility": "PUBLIC"}), json!({"version": 2, "language": "FR"})).await;
        assert_eq!((reason(&answer), told(&answer)), ("CONSENT_OUTDATED", vec!["INVALID consent.version".to_owned()]));
        let group = json!({"fieldVisibility": [{"group": "CONTACT", "visibility": "MEMBERS"}]});
        assert_eq!(reason(&change(group.clone(), Value::Null).await), "CONSENT_REQUIRED");
        assert_eq!((logged(&server).await, number(&server, "SELECT COUNT(*) FROM consent").await), (before, 1));

        server.set_clock("2026-11-22T10:02:00Z");
        let agreed = json!({"version": 1, "language": "DE"});
        assert_eq!(told(&change(json!({"visibility": "PUBLIC"}), agreed.clone()).await), [""; 0]);
        // A change that shows no more than before needs no consent, and stores none.
        for input in [json!({"visibility": "PUBLIC"}), json!({"visibility": "MEMBERS"}), json!({"skills": ["montage"]})] {
            assert_eq!(told(&change(input.clone(), Value::Null).await), [""; 0], "{input}");
            assert_eq!(told(&change(input, agreed.clone()).await), [""; 0]);
        }
        let seen = data_as(&server, &token, HISTORY).await["viewer"]["account"]["talent"].clone();
        assert_eq!(seen["confirmedAt"], "2026-11-22T10:02:00Z");
        assert_eq!(seen["consents"], json!([
            {"act": "GIVEN", "purpose": "VISIBILITY", "version": 1, "language": "DE", "at": "2026-11-22T10:02:00Z"},
            {"act": "GIVEN", "purpose": "CLAIM", "version": 1, "language": "NL", "at": "2026-11-22T10:00:00Z"},
        ]));
        // Other viewers do not see it.
        let query = format!("{{ talent(by: {{id: \"{id}\"}}) {{ confirmedAt consents {{ at }} }} }}");
        let members = server.beside(member(9)).await;
        assert_eq!(members.data(&query).await["talent"], json!({"confirmedAt": null, "consents": null}));
        let staff = server.beside(editor(&["wallonie"])).await;
        assert_eq!(staff.data(&query).await["talent"]["consents"].as_array().map(Vec::len), Some(2));
    }
}

on_both_databases! {
    async fn consent_is_taken_back_at_once(server) {
        let (id, token) = somebody(&server, "ana@example.org", person("Ana")).await;
        server.set_clock("2026-11-22T10:02:00Z");
        let shown = json!({"id": id, "input": {"visibility": "PUBLIC"}, "consent": {"version": 1, "language": "FR"}});
        assert_eq!(told(&mutate(&server, Some(&token), UPDATE, shown).await), [""; 0]);
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 1);
        let withdraw = "mutation($id: ID!) { withdrawConsent(id: $id) { talent { visibility revision legalBasis } userErrors { code reason path } } }";
        server.set_clock("2026-11-22T10:03:00Z");
        let answer = mutate(&server, Some(&token), withdraw, json!({"id": id})).await;
        assert_eq!(answer, json!({"talent": {"visibility": "PRIVATE", "revision": 4, "legalBasis": "CONSENT"}, "userErrors": []}));
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 0);
        // The previous views get an entry of its removal.
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log WHERE op = 'LEAVE'").await, 2);
        let seen = data_as(&server, &token, HISTORY).await["viewer"]["account"]["talent"]["consents"].clone();
        assert_eq!(seen[0], json!({"act": "WITHDRAWN", "purpose": "ALL", "version": 1, "language": "FR", "at": "2026-11-22T10:03:00Z"}));
        // A repetition hides nothing more, but is recorded.
        let before = logged(&server).await;
        let answer = mutate(&server, Some(&token), withdraw, json!({"id": id})).await;
        assert_eq!((told(&answer), logged(&server).await), (vec![], before));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM consent").await, 4);
        // To be shown again, consent is required again.
        let again = json!({"id": id, "input": {"visibility": "MEMBERS"}, "consent": null});
        assert_eq!(reason(&mutate(&server, Some(&token), UPDATE, again).await), "CONSENT_REQUIRED");
    }
}

on_both_databases! {
    async fn only_the_person_confirms_and_takes_back(server) {
        let (id, token) = somebody(&server, "ana@example.org", person("Ana")).await;
        let staff = server.beside(editor(&["wallonie"])).await;
        let unclaimed = made(&staff, "talent", json!({"displayName": "Ben", "region": "wallonie", "visibility": "PUBLIC", "legalBasis": "CONSENT"})).await;
        let gone = unclaimed.clone();
        let before = logged(&server).await;
        for mutation in ["confirmTalent", "withdrawConsent"] {
            let ask = async |server: &crate::support::server::TestServer, id: &str| {
                let statements = server.statements();
                let answer = call(server, mutation, "talent { id }", &[("id", "ID!", json!(id))]).await;
                assert_eq!(answer["talent"], Value::Null);
                (told(&answer), answer["userErrors"][0]["reason"].clone(), server.statements() - statements)
            };
            let not_yours = (vec!["FORBIDDEN id".to_owned()], json!("NOT_YOUR_PROFILE"), 1);
            assert_eq!(ask(&staff, &id).await, not_yours);
            assert_eq!(ask(&server.beside(admin()).await, &id).await, not_yours);
            let stranger = server.beside(member(9)).await;
            assert_eq!(ask(&stranger, &gone).await, not_yours);
            // Hidden and absent profiles give the same response.
            let absent = "talent_01h455vb4pex5vsknk084sn02q";
            assert_eq!(ask(&stranger, &id).await, ask(&stranger, absent).await);
            assert_eq!(ask(&server, &id).await, (vec!["FORBIDDEN id".to_owned()], json!("NOT_SIGNED_IN"), 0));
        }
        assert_eq!(logged(&server).await, before);
        server.set_clock("2026-11-22T10:04:00Z");
        let answer = mutate(&server, Some(&token), "mutation($id: ID!) { confirmTalent(id: $id) { talent { confirmedAt revision } userErrors { code } } }", json!({"id": id})).await;
        assert_eq!(answer, json!({"talent": {"confirmedAt": "2026-11-22T10:04:00Z", "revision": 2}, "userErrors": []}), "a confirmation is no revision");
        assert_eq!(logged(&server).await, before);
        // Another signed-in account.
        account(&server.app, "ben@example.org", &[]).await;
        let other = sign_in(&server, "ben@example.org").await.access;
        let answer = query_as(&server, &other, &format!("mutation {{ withdrawConsent(id: \"{id}\") {{ userErrors {{ code reason path }} }} }}")).await;
        assert_eq!(answer["data"]["withdrawConsent"]["userErrors"][0]["code"], "NOT_FOUND");
    }
}
