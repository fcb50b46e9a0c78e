//! Partnerships: one party proposes them, each party confirms or declines.

use serde_json::{Value, json};

use super::{admin, call, create, delete, editor, logged, made, member, owner, reason, studio, told, update};
use crate::on_both_databases;
use crate::support::records::{import, organization, partnership};
use crate::support::server::TestServer;

const FIELDS: &str =
    "id slug status revision crossBorder parties { organization { slug } role confirmedAt declinedAt }";

/// The ids of organizations `w` of Wallonia, `f` of Flanders and `n` of Nord-Pas-de-Calais.
async fn three(server: &TestServer) -> Vec<String> {
    let all = server.beside(admin()).await;
    let mut ids = Vec::new();
    for (region, slug) in [("wallonie", "w"), ("flandre", "f"), ("nord-pas-de-calais", "n")] {
        ids.push(made(&all, "organization", studio(region, slug)).await);
    }
    ids
}

fn parties(slugs: &[&str]) -> Value {
    slugs.iter().map(|slug| json!({"organization": slug, "role": "PARTNER"})).collect()
}

fn of(slugs: &[&str]) -> Value {
    json!({"kind": "co-funding", "region": "wallonie", "titles": [{"language": "FR", "text": "Ensemble"}], "parties": parties(slugs)})
}

/// Confirms or declines for a party.
async fn says(server: &TestServer, word: &str, id: &str, party: &str) -> Value {
    let arguments = [("id", "ID!", json!(id)), ("organization", "ID!", json!(party))];
    call(server, &format!("{word}Partnership"), &format!("partnership {{ {FIELDS} }}"), &arguments).await
}

/// The parties, marked if they have confirmed (`+`) or declined (`-`), and the status.
fn stands(answer: &Value) -> String {
    assert_eq!(answer["userErrors"], json!([]));
    let words = answer["partnership"]["parties"].as_array().unwrap().iter().map(|party| {
        let word = match (&party["confirmedAt"], &party["declinedAt"]) {
            (Value::Null, Value::Null) => "",
            (_, Value::Null) => "+",
            (Value::Null, _) => "-",
            both => panic!("{both:?}"),
        };
        format!("{}{word}", party["organization"]["slug"].as_str().unwrap())
    });
    format!("{} {}", words.collect::<Vec<_>>().join(" "), answer["partnership"]["status"].as_str().unwrap())
}

on_both_databases! {
    async fn it_is_proposed_until_all_have_confirmed(server) {
        let ids = three(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let answer = create(&wallonie, "partnership", of(&["w", "f", "n"]), FIELDS).await;
        assert_eq!(stands(&answer), "w+ f n PROPOSED");
        assert_eq!((&answer["partnership"]["crossBorder"], &answer["partnership"]["slug"]), (&json!(true), &json!("ensemble")));
        let id = answer["partnership"]["id"].as_str().unwrap();
        // A party cannot be confirmed by others.
        for party in ["f", ids[1].as_str()] {
            let answer = says(&wallonie, "confirm", id, party).await;
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN organization".to_owned()], "NOT_YOUR_PARTY"));
        }
        let before = logged(&server).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        assert_eq!(stands(&says(&flandre, "confirm", id, "f").await), "w+ f+ n PROPOSED");
        assert_eq!(logged(&server).await, before + 1);
        let people = server.beside(owner(&ids[2])).await;
        server.set_clock("2026-11-23T10:00:00Z");
        let answer = says(&people, "confirm", id, &ids[2]).await;
        assert_eq!(stands(&answer), "w+ f+ n+ ACTIVE");
        assert_eq!(answer["partnership"]["parties"][2]["confirmedAt"], "2026-11-23T10:00:00Z");
        assert_eq!(answer["partnership"]["revision"], 3);
        server.set_clock("2026-11-24T10:00:00Z");
        let again = says(&people, "confirm", id, "n").await;
        assert_eq!(again["partnership"], answer["partnership"], "confirmed already");
        assert_eq!(logged(&server).await, before + 2);
        assert_eq!(delete(&wallonie, "partnership", id, Some(3)).await["deletedId"], json!(id));
    }
}

on_both_databases! {
    async fn a_party_declines_and_is_taken_out_or_thinks_again(server) {
        three(&server).await;
        let (wallonie, flandre) = (server.beside(editor(&["wallonie"])).await, server.beside(editor(&["flandre"])).await);
        let nord = server.beside(editor(&["nord-pas-de-calais"])).await;
        let id = made(&wallonie, "partnership", of(&["w", "f", "n"])).await;
        assert_eq!(stands(&says(&nord, "confirm", &id, "n").await), "w+ f n+ PROPOSED");
        assert_eq!(stands(&says(&flandre, "decline", &id, "f").await), "w+ f- n+ DECLINED");
        assert_eq!(stands(&says(&flandre, "confirm", &id, "f").await), "w+ f+ n+ ACTIVE");
        assert_eq!(stands(&says(&flandre, "decline", &id, "f").await), "w+ f- n+ DECLINED");
        let answer = update(&wallonie, "partnership", &id, None, json!({"parties": parties(&["w", "n"])}), FIELDS).await;
        assert_eq!(stands(&answer), "w+ n+ ACTIVE");
        // A party with a changed role must confirm again.
        let more = json!({"parties": [{"organization": "w", "role": "PARTNER"}, {"organization": "n", "role": "PARTNER", "contribution": {"amount": "1000.00", "currency": "EUR"}}]});
        assert_eq!(stands(&update(&wallonie, "partnership", &id, None, more, FIELDS).await), "w+ n PROPOSED");
        assert_eq!(stands(&says(&nord, "confirm", &id, "n").await), "w+ n+ ACTIVE");
        assert_eq!(stands(&update(&wallonie, "partnership", &id, None, json!({"status": "ENDED"}), FIELDS).await), "w+ n+ ENDED");
        let answer = says(&nord, "decline", &id, "n").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "PARTNERSHIP_ENDED"));
    }
}

on_both_databases! {
    async fn nobody_declares_active_what_others_have_not_confirmed(server) {
        three(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let mut input = of(&["w", "f"]);
        input["status"] = json!("ACTIVE");
        let answer = create(&wallonie, "partnership", input.clone(), "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE input.status".to_owned()], "STATUS_FOLLOWS"));
        let all = server.beside(admin()).await;
        assert_eq!(stands(&create(&all, "partnership", input, FIELDS).await), "w+ f+ ACTIVE");
    }
}

on_both_databases! {
    async fn what_a_source_reported_stays_active_whoever_confirms(server) {
        import(&server, &[organization("wallonie", "w", json!({})), organization("flandre", "f", json!({})), partnership("wallonie", "p", &["w", "f"], json!({}))]).await;
        let id = server.data("{ partnership(by: {slug: \"p\"}) { id } }").await["partnership"]["id"].as_str().unwrap().to_owned();
        let (wallonie, flandre) = (server.beside(editor(&["wallonie"])).await, server.beside(editor(&["flandre"])).await);
        assert_eq!(stands(&says(&flandre, "confirm", &id, "f").await), "w f+ ACTIVE");
        let answer = update(&wallonie, "partnership", &id, None, json!({"titles": [{"language": "EN", "text": "x"}], "status": "ACTIVE", "parties": parties(&["w", "f"])}), FIELDS).await;
        assert_eq!(stands(&answer), "w f+ ACTIVE");
        assert_eq!(stands(&says(&flandre, "decline", &id, "f").await), "w f- DECLINED");
    }
}

on_both_databases! {
    async fn bad_input_is_told_and_nothing_is_written(server) {
        let ids = three(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let before = logged(&server).await;
        let one = create(&wallonie, "partnership", of(&["w"]), "id").await;
        assert_eq!((told(&one), reason(&one)), (vec!["INVALID input.parties".to_owned()], "TOO_FEW_PARTIES"));
        let twice = create(&wallonie, "partnership", of(&["w", "f", ids[0].as_str()]), "id").await;
        assert_eq!((told(&twice), reason(&twice)), (vec!["INVALID input.parties.2.organization".to_owned()], "PARTY_TWICE"));
        let input = json!({"kind": "x", "region": "wallonie", "titles": [{"language": "FR", "text": "a\u{2}"}], "startsOn": "2010", "endsOn": "2009-12",
            "parties": [{"organization": "w", "role": "LEAD", "contribution": {"amount": "-1", "currency": "EUR"}}, {"organization": "nobody", "role": "PARTNER", "title": "<a href=x>"}]});
        assert_eq!(told(&create(&wallonie, "partnership", input, "id").await), ["INVALID input.kind", "INVALID input.titles.0.text", "INVALID input.endsOn",
            "INVALID input.parties.0.contribution", "NOT_FOUND input.parties.1.organization"]);
        let empty = create(&wallonie, "partnership", json!({"region": "wallonie"}), "id").await;
        assert_eq!(told(&empty), ["REQUIRED input.kind", "REQUIRED input.titles", "INVALID input.parties"]);
        let id = made(&wallonie, "partnership", of(&["w", "f"])).await;
        assert_eq!(told(&update(&wallonie, "partnership", &id, None, json!({"parties": null}), "id").await), ["INVALID input.parties"]);
        for (party, why) in [("n", "NO_PARTY"), ("nobody", "REFERENCE_UNKNOWN")] {
            let answer = says(&wallonie, "confirm", &id, party).await;
            assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_FOUND organization".to_owned()], why));
        }
        for viewer in [member(9), editor(&["flandre"])] {
            let other = server.beside(viewer).await;
            assert_eq!(told(&update(&other, "partnership", &id, None, json!({"status": "ENDED"}), "id").await), ["FORBIDDEN id"]);
            assert_eq!(told(&delete(&other, "partnership", &id, None).await), ["FORBIDDEN id"]);
            assert_eq!(told(&create(&other, "partnership", of(&["w", "f"]), "id").await), ["FORBIDDEN input.region"]);
        }
        assert_eq!(logged(&server).await, before + 1);
    }
}

on_both_databases! {
    async fn it_is_about_a_call_and_an_event_that_are_seen(server) {
        three(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let titles = json!([{"language": "FR", "text": "x"}]);
        let hidden = made(&wallonie, "callForProjects", json!({"region": "wallonie", "titles": titles, "visibility": "PRIVATE"})).await;
        let event = made(&wallonie, "event", json!({"region": "wallonie", "titles": titles, "kind": "assises", "mode": "ONSITE"})).await;
        let mut input = of(&["w", "f"]);
        (input["call"], input["event"]) = (json!(hidden), json!("x"));
        let id = made(&wallonie, "partnership", input).await;
        let read = format!("{{ partnership(by: {{id: \"{id}\"}}) {{ call {{ id }} event {{ id }} }} }}");
        assert_eq!(wallonie.data(&read).await["partnership"], json!({"call": {"id": hidden}, "event": {"id": event}}));
        assert_eq!(server.data(&read).await["partnership"], json!({"call": null, "event": {"id": event}}));
        // What is referred to is not deleted.
        for (of, id) in [("callForProjects", &hidden), ("event", &event)] {
            assert_eq!(reason(&delete(&wallonie, of, id, None).await), "REFERRED_TO");
        }
        let answer = update(&wallonie, "partnership", &id, None, json!({"call": "nothing", "event": null}), "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_FOUND input.call".to_owned()], "REFERENCE_UNKNOWN"));
        let answer = update(&wallonie, "partnership", &id, None, json!({"call": null}), "call { id } event { id }").await;
        assert_eq!(answer["partnership"], json!({"call": null, "event": {"id": event}}));
    }
}
