//! Affiliations: one side asserts them, the other confirms or disputes them.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{
    admin, call, create, delete, editor, logged, made, member, owner, person, reason, studio, told, update,
};
use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization};
use crate::support::server::TestServer;

const FIELDS: &str = "id assertedBy disputedAt revision visibility region { slug } role(language: FR)";

/// The ids of a Walloon talent and a Flemish organization.
async fn two_sides(server: &TestServer) -> (String, String) {
    let both = server.beside(editor(&["wallonie", "flandre"])).await;
    (
        made(&both, "talent", person("wallonie", "t")).await,
        made(&both, "organization", studio("flandre", "o")).await,
    )
}

fn role(text: &str) -> Value {
    json!({"talent": "t", "organization": "o", "roles": [{"language": "FR", "text": text}]})
}

/// Confirms or disputes an affiliation.
async fn says(server: &TestServer, word: &str, id: &str) -> Value {
    call(
        server,
        &format!("{word}Affiliation"),
        &format!("affiliation {{ {FIELDS} }}"),
        &[("id", "ID!", json!(id))],
    )
    .await
}

on_both_databases! {
    async fn one_side_asserts_and_the_other_confirms(server) {
        let (talent, organization) = two_sides(&server).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        let person = server.beside(owner(&talent)).await;
        let people = server.beside(owner(&organization)).await;
        let answer = create(&flandre, "affiliation", role("Monteur"), FIELDS).await;
        assert_eq!(answer["userErrors"], json!([]));
        let first = answer["affiliation"].clone();
        assert_eq!((first["assertedBy"].as_str(), first["region"]["slug"].as_str(), first["visibility"].as_str()), (Some("ORGANIZATION"), Some("wallonie"), Some("PUBLIC")));
        let id = first["id"].as_str().unwrap();
        // The side that asserted it cannot confirm it.
        for own in [&flandre, &people] {
            let answer = says(own, "confirm", id).await;
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN id".to_owned()], "OTHER_SIDE"));
        }
        let before = logged(&server).await;
        let answer = says(&person, "confirm", id).await;
        assert_eq!((answer["affiliation"]["assertedBy"].as_str(), answer["affiliation"]["revision"].as_i64()), (Some("BOTH"), Some(2)));
        assert_eq!(logged(&server).await, before + 1);
        for again in [&person, &flandre] {
            assert_eq!(says(again, "confirm", id).await["affiliation"]["revision"], 2, "confirmed already");
        }
        // Asserted by the person, confirmed by a member of the organization.
        let id = made(&person, "affiliation", role("Réalisatrice")).await;
        assert_eq!(says(&people, "confirm", &id).await["affiliation"]["assertedBy"], "BOTH");
        // A writer for both sides asserts for one, and must confirm explicitly for the other.
        let both = server.beside(admin()).await;
        let answer = create(&both, "affiliation", role("Enseignante"), FIELDS).await;
        assert_eq!(answer["affiliation"]["assertedBy"], "ORGANIZATION");
        assert_eq!(says(&both, "confirm", answer["affiliation"]["id"].as_str().unwrap()).await["affiliation"]["assertedBy"], "BOTH");
    }
}

on_both_databases! {
    async fn what_a_side_disputes_only_the_sides_see(server) {
        let (talent, _) = two_sides(&server).await;
        let (wallonie, flandre) = (server.beside(editor(&["wallonie"])).await, server.beside(editor(&["flandre"])).await);
        let person = server.beside(owner(&talent)).await;
        let id = made(&flandre, "affiliation", role("Monteur")).await;
        assert_eq!(says(&person, "confirm", &id).await["userErrors"], json!([]));
        let list = "{ talents { nodes { affiliations { totalCount } } } organizations { nodes { affiliations { totalCount } } } }";
        let seen = async |by: &TestServer| {
            let data = by.data(list).await;
            let node = by.data(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await;
            let counts = [&data["talents"], &data["organizations"]].map(|list| list["nodes"][0]["affiliations"]["totalCount"].as_i64().unwrap());
            assert_eq!(counts[0], counts[1]);
            assert_eq!(counts[0] == 1, node["node"] != Value::Null);
            counts[0] == 1
        };
        let others = [server.beside(member(9)).await, server.beside(editor(&["nord-pas-de-calais"])).await];
        for other in &others {
            assert!(seen(other).await && seen(&server).await);
        }
        let before = logged(&server).await;
        let answer = says(&person, "dispute", &id).await;
        assert_eq!(answer["userErrors"], json!([]));
        let now = &answer["affiliation"];
        assert_eq!((now["assertedBy"].as_str(), now["visibility"].as_str(), now["revision"].as_i64()), (Some("ORGANIZATION"), Some("PRIVATE"), Some(3)));
        assert_eq!(now["disputedAt"], "2026-11-22T10:00:00Z");
        assert_eq!(logged(&server).await, before + 2, "it leaves the public view");
        for other in &others {
            assert!(!seen(other).await && !seen(&server).await);
            assert_eq!(told(&says(other, "confirm", &id).await), ["NOT_FOUND id"]);
        }
        for side in [&person, &wallonie, &flandre] {
            assert!(seen(side).await);
        }
        assert_eq!(says(&person, "dispute", &id).await["affiliation"]["revision"], 3, "disputed already");
        // The dispute outlasts changes of the affiliation by the organization, and changes of the talent's record.
        let change = json!({"roles": [{"language": "FR", "text": "Stagiaire"}]});
        assert_eq!(told(&update(&flandre, "affiliation", &id, None, change, "id").await), [""; 0]);
        for level in ["PRIVATE", "PUBLIC"] {
            assert_eq!(told(&update(&wallonie, "talent", &talent, None, json!({"visibility": level, "legalBasis": "PUBLIC_ROLE"}), "id").await), [""; 0]);
        }
        assert!(!seen(&server).await);
        assert_eq!(reason(&says(&flandre, "confirm", &id).await), "OTHER_SIDE");
        server.app.db.writer().execute_unprepared("UPDATE talent SET claimed = TRUE").await.unwrap();
        assert_eq!(reason(&says(&wallonie, "confirm", &id).await), "TALENT_DECIDES");
        let answer = says(&person, "confirm", &id).await;
        assert_eq!((answer["affiliation"]["assertedBy"].as_str(), &answer["affiliation"]["disputedAt"]), (Some("BOTH"), &Value::Null));
        assert!(seen(&server).await);
    }
}

on_both_databases! {
    async fn what_has_changed_is_confirmed_anew(server) {
        let (talent, _) = two_sides(&server).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        let person = server.beside(owner(&talent)).await;
        let id = made(&flandre, "affiliation", role("Monteur")).await;
        says(&person, "confirm", &id).await;
        let answer = update(&flandre, "affiliation", &id, Some(2), json!({"sources": [{"title": "An article"}]}), FIELDS).await;
        assert_eq!((answer["affiliation"]["assertedBy"].as_str(), answer["affiliation"]["revision"].as_i64()), (Some("BOTH"), Some(3)), "the same words");
        let answer = update(&flandre, "affiliation", &id, Some(3), json!({"startsOn": "2009"}), FIELDS).await;
        assert_eq!(answer["affiliation"]["assertedBy"], "ORGANIZATION");
        let answer = update(&person, "affiliation", &id, Some(4), json!({"startsOn": "2010", "endsOn": "2009"}), FIELDS).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["INVALID input.endsOn".to_owned()], "ENDS_BEFORE_START"));
        let answer = update(&person, "affiliation", &id, Some(4), json!({"startsOn": "2010"}), FIELDS).await;
        assert_eq!(answer["affiliation"]["assertedBy"], "TALENT");
        assert_eq!(told(&update(&flandre, "affiliation", &id, None, json!({"startsOn": "2011"}), "id").await), ["FORBIDDEN id"]);
        assert_eq!(told(&delete(&flandre, "affiliation", &id, None).await), ["FORBIDDEN id"]);
        assert_eq!(delete(&person, "affiliation", &id, Some(5)).await["deletedId"], json!(id));
    }
}

on_both_databases! {
    async fn a_stranger_says_nothing(server) {
        let (_, organization) = two_sides(&server).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        let id = made(&flandre, "affiliation", role("Monteur")).await;
        let before = logged(&server).await;
        for (viewer, why) in [(member(9), "NEITHER_SIDE"), (editor(&["nord-pas-de-calais"]), "NEITHER_SIDE"), (passerelle::kernel::policy::Viewer::anonymous(), "NOT_SIGNED_IN")] {
            let other = server.beside(viewer).await;
            let answer = create(&other, "affiliation", role("x"), "id").await;
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN input".to_owned()], why));
            for word in ["confirm", "dispute"] {
                let answer = says(&other, word, &id).await;
                assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN id".to_owned()], why));
            }
            assert_eq!(told(&delete(&other, "affiliation", &id, None).await), ["FORBIDDEN id"]);
        }
        let people = server.beside(owner(&organization)).await;
        let answer = create(&people, "affiliation", json!({}), "id").await;
        assert_eq!(told(&answer), ["REQUIRED input.talent", "REQUIRED input.organization", "REQUIRED input.roles"]);
        let answer = create(&people, "affiliation", json!({"talent": "nobody", "organization": "o", "roles": [{"language": "FR", "text": "<p>"}], "occupation": "x"}), "id").await;
        assert_eq!(told(&answer), ["NOT_FOUND input.talent", "INVALID input.roles.0.text", "INVALID input.occupation"]);
        assert_eq!(logged(&server).await, before);
    }
}

on_both_databases! {
    async fn what_a_source_reports_either_side_confirms_and_the_same_line_again_changes_nothing(server) {
        let (talent, _) = two_sides(&server).await;
        let line = affiliation("wallonie", "t", "o", json!({}));
        import(&server, &[organization("wallonie", "w", json!({})), line.clone()]).await;
        let data = server.data("{ talent(by: {slug: \"t\"}) { affiliations { nodes { id assertedBy } } } }").await;
        let found = &data["talent"]["affiliations"]["nodes"][0];
        assert_eq!(found["assertedBy"], "SOURCE");
        let id = found["id"].as_str().unwrap();
        let person = server.beside(owner(&talent)).await;
        assert_eq!(says(&person, "confirm", id).await["affiliation"]["assertedBy"], "TALENT");
        let again = import(&server, &[line]).await;
        assert_eq!((again.unchanged, again.updated), (1, 0));
    }
}

on_both_databases! {
    async fn what_is_written_while_its_organization_moves_is_not_lost(server) {
        let (talent, organization) = two_sides(&server).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let id = made(&flandre, "affiliation", role("0")).await;
        for round in 1..12 {
            let level = if round % 2 == 0 { "PUBLIC" } else { "MEMBERS" };
            let roles = json!({"roles": [{"language": "FR", "text": round.to_string()}]});
            let (moved, of_person, written) = tokio::join!(
                update(&flandre, "organization", &organization, None, json!({"visibility": level}), "id"),
                update(&wallonie, "talent", &talent, None, json!({"visibility": level}), "id"),
                update(&flandre, "affiliation", &id, None, roles, "id"),
            );
            for answer in [moved, of_person, written] {
                assert_eq!(answer["userErrors"], json!([]));
            }
            let data = wallonie.data(&format!("{{ node(id: \"{id}\") {{ ... on Affiliation {{ role visibility }} }} }}")).await;
            assert_eq!(data["node"], json!({"role": round.to_string(), "visibility": level}));
        }
    }
}
