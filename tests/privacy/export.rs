//! The export of personal data: everything about the account, and nothing about others.

use passerelle::identity::role::Role;
use serde_json::{Value, json};

use super::{claim_for, somebody};
use crate::mutations::{editor, made};
use crate::on_both_databases;
use crate::support::accounts::{account, data_as, mutate, sign_in};
use crate::support::server::TestServer;

const EXPORT: &str = "{ myDataExport { json vcard generatedAt } }";

async fn export(server: &TestServer, token: &str) -> (Value, String) {
    let data = data_as(server, token, EXPORT).await;
    let data = &data["myDataExport"];
    assert_eq!(data["generatedAt"], "2026-11-22T10:00:00Z");
    let json = serde_json::from_str(data["json"].as_str().expect("a text")).expect("JSON");
    (json, data["vcard"].as_str().expect("a text").replace("\r\n ", ""))
}

on_both_databases! {
    async fn everything_about_a_person_and_nothing_about_others(server) {
        let region = server.beside(editor(&["wallonie", "flandre"])).await;
        let input = json!({"slug": "ana-exemple", "displayName": "Ana Exemple; fille", "givenName": "Ana", "familyName": "Exemple", "region": "wallonie", "territory": "namur",
            "occupations": ["monteur"], "sectors": ["animation"], "skills": ["étalonnage, HDR", "son"], "languages": [{"language": "fr", "level": "NATIVE"}],
            "availability": "FROM_DATE", "availableFrom": "2027-01-01", "email": "contact@example.org", "phone": "+32 81 00 00 00",
            "website": "https://ana.example.org/", "links": [{"label": "Démo", "url": "https://demo.example.org/a"}], "nameVariants": ["A. Exemple"],
            "headlines": [{"language": "FR", "text": "Monteuse"}], "biographies": [{"language": "FR", "text": "Née à Namur.\nVit à Liège, \"entre deux\"; long texte long texte long texte."}],
            "identifiers": [{"scheme": "ORCID", "value": "0000-0002-1825-0097"}], "sources": [{"title": "Le Soir"}],
            "claims": [{"field": "displayName", "value": "Anne Exemple", "source": {"title": "La Libre"}}],
            "fieldVisibility": [{"group": "BIOGRAPHY", "visibility": "MEMBERS"}]});
        let (id, token) = somebody(&server, "ana@example.org", input).await;
        let studio = made(&region, "organization", json!({"name": "Studio Un", "kind": "animation-studio", "region": "wallonie"})).await;
        let hidden = made(&region, "organization", json!({"name": "Studio Secret", "kind": "animation-studio", "region": "wallonie", "visibility": "PRIVATE"})).await;
        let other = made(&region, "talent", json!({"displayName": "Ben Autre", "region": "wallonie", "visibility": "PUBLIC", "legalBasis": "CONSENT"})).await;
        for (talent, organization, role, ends) in [(&id, &studio, "Cheffe monteuse", Value::Null), (&id, &hidden, "Conseil", Value::Null),
            (&id, &studio, "Stagiaire", json!("2009")), (&other, &studio, "Directeur", Value::Null)] {
            made(&region, "affiliation", json!({"talent": talent, "organization": organization, "roles": [{"language": "FR", "text": role}], "endsOn": ends})).await;
        }
        let program = json!([{"kind": "conference", "titles": [{"language": "FR", "text": "Montage"}], "speakers": [id, other]}]);
        for (title, level) in [("Foire", "PUBLIC"), ("Foire secrète", "PRIVATE")] {
            let event = json!({"kind": "market", "region": "flandre", "titles": [{"language": "FR", "text": title}], "visibility": level, "speakers": [id], "programme": program});
            made(&region, "event", event).await;
        }
        // Another account with its own profile.
        let ben = account(&server.app, "ben@example.org", &[(Role::Editor, "flandre")]).await;
        assert_eq!(claim_for(&server, ben, &other, Some(1)).await, [""; 0]);
        sign_in(&server, "ben@example.org").await;

        let (json, vcard) = export(&server, &token).await;
        let sections: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(sections, ["generatedAt", "account", "roles", "organizations", "sessions", "networks", "apiKeys", "followed", "invitations", "pendingMails", "profile", "affiliations", "speaksAt", "consents", "upkeep",
            "contactReads", "proposals", "applications", "registrations", "actions", "profileHistory"]);
        assert_eq!((&json["account"]["email"], &json["account"]["language"]), (&json!("ana@example.org"), &json!("FR")));
        assert_eq!(json["roles"], json!([{"role": "MEMBER", "region": "wallonie", "since": "2026-11-22T10:00:00Z"}]));
        assert_eq!(json["sessions"].as_array().map(Vec::len), Some(1));
        let networks = json["networks"].as_array().unwrap();
        assert_eq!(networks.len(), 1);
        assert_eq!((networks[0]["hash"].as_str().map(str::len), &networks[0]["lastSignIn"]), (Some(64), &json!("2026-11-22T10:00:00Z")));
        let profile = &json["profile"];
        // Every field of `Talent`, except relations and derived fields.
        for field in fields_of_talent(&server).await {
            let elsewhere = ["affiliations", "consents", "confirmedAt", "headline", "biography", "withheld"].contains(&field.as_str());
            assert!(elsewhere || profile.get(&field).is_some_and(|value| *value != Value::Null && *value != json!([])) || field == "externalId", "{field}");
        }
        assert_eq!((&profile["email"], &profile["phone"], &profile["visibility"]), (&json!("contact@example.org"), &json!("+32 81 00 00 00"), &json!("PRIVATE")));
        assert_eq!(profile["claims"][0]["source"]["title"], "La Libre");
        assert_eq!(profile["fieldVisibility"][1], json!({"group": "BIOGRAPHY", "visibility": "MEMBERS"}));
        let roles: Vec<(&str, &Value)> = json["affiliations"].as_array().unwrap().iter().map(|each| (each["roles"][0]["text"].as_str().unwrap(), &each["organization"]["name"])).collect();
        assert_eq!(roles.len(), 3);
        assert!(roles.contains(&("Cheffe monteuse", &json!("Studio Un"))) && roles.contains(&("Conseil", &Value::Null)));
        let speaks: Vec<(&Value, &Value)> = json["speaksAt"].as_array().unwrap().iter().map(|each| (&each["event"]["titles"][0]["text"], &each["session"]["titles"][0]["text"])).collect();
        assert_eq!(speaks.len(), 4);
        for (event, session) in [(json!("Foire"), Value::Null), (json!("Foire"), json!("Montage")), (Value::Null, Value::Null)] {
            assert!(speaks.contains(&(&event, &session)), "{speaks:?}");
        }
        assert_eq!((&json["consents"][0]["purpose"], &json["upkeep"]["confirmedAt"]), (&json!("CLAIM"), &json!("2026-11-22T10:00:00Z")));
        assert!(json["consents"][0]["text"].as_str().unwrap().starts_with("Ik neem mijn profiel"));

        let done = |section: &str| json[section].as_array().unwrap().iter().map(|each| each["action"].as_str().unwrap()).collect::<Vec<_>>();
        assert!(done("profileHistory").contains(&"CREATE"), "{}", json["profileHistory"]);
        assert!(json["actions"].as_array().unwrap().iter().any(|each| each["id"] == json!(id) && each["fields"] == json!(["claimed"])), "{}", json["actions"]);
        assert_eq!((&json["contactReads"], &json["proposals"]), (&json!([]), &json!([])));

        let lines: Vec<&str> = vcard.split("\r\n").collect();
        for line in ["FN:Ana Exemple\\; fille", "N:Exemple;Ana;;;", "NICKNAME:A. Exemple", "TITLE;LANGUAGE=fr:Monteuse", "EMAIL;PREF=1:contact@example.org", "EMAIL:ana@example.org",
            "TEL;VALUE=text:+32 81 00 00 00", "LANG:fr", "URL:https://ana.example.org/", "URL:https://demo.example.org/a", "CATEGORIES:étalonnage\\, HDR,son",
            "NOTE;LANGUAGE=fr:Née à Namur.\\nVit à Liège\\, \"entre deux\"\\; long texte long texte long texte.", "REV:20261122T100000Z"] {
            assert!(lines.contains(&line), "{line}\n{vcard}");
        }
        assert!(lines.iter().any(|line| line.ends_with("ORG:Studio Un")) && !vcard.contains("Stagiaire"));
        for stranger in ["Ben", "ben@example.org", "Directeur", "Studio Secret", "flandre"] {
            assert!(!json.to_string().contains(stranger) && !vcard.contains(stranger), "{stranger}");
        }
    }
}

/// The fields of the type `Talent`.
async fn fields_of_talent(server: &TestServer) -> Vec<String> {
    let data = server.data("{ __type(name: \"Talent\") { fields { name } } }").await;
    let fields = data["__type"]["fields"].as_array().expect("fields").iter();
    fields.map(|field| field["name"].as_str().expect("a name").to_owned()).collect()
}

on_both_databases! {
    async fn an_account_without_a_profile_has_its_own_data(server) {
        account(&server.app, "eva@example.org", &[(Role::RegionAdmin, "wallonie"), (Role::Admin, "")]).await;
        let token = sign_in(&server, "eva@example.org").await.access;
        let key = "mutation { createApiKey(input: {name: \"base\", region: \"wallonie\", roles: [SYNC_PARTNER]}) { secret } }";
        let secret = mutate(&server, Some(&token), key, json!({})).await["secret"].as_str().unwrap().to_owned();
        let (json, vcard) = export(&server, &token).await;
        assert_eq!((&json["profile"], &json["affiliations"], &json["consents"], &json["upkeep"]), (&Value::Null, &json!([]), &json!([]), &Value::Null));
        assert_eq!(json["roles"][0]["region"], Value::Null);
        assert_eq!(json["apiKeys"][0]["name"], "base");
        assert!(!json.to_string().contains(&secret) && !json.to_string().contains("argon2"));
        let id = passerelle::kernel::id::decode_any("", json["account"]["id"].as_str().unwrap()).unwrap().1;
        assert_eq!(vcard, format!("BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Passerelle//Passerelle//EN\r\nKIND:individual\r\nUID:urn:uuid:{id}\r\nFN:eva@example.org\r\nEMAIL:eva@example.org\r\nLANG:fr\r\nEND:VCARD\r\n"));
        // Anonymous callers and API keys have no export.
        assert_eq!(server.data(EXPORT).await["myDataExport"], Value::Null);
        assert_eq!(data_as(&server, &secret, EXPORT).await["myDataExport"], Value::Null);
    }
}

on_both_databases! {
    async fn it_takes_as_many_statements_whatever_there_is(server) {
        let (id, token) = somebody(&server, "ana@example.org", json!({"displayName": "Ana", "region": "wallonie"})).await;
        let region = server.beside(editor(&["wallonie"])).await;
        data_as(&server, &token, EXPORT).await;
        let count = async || {
            let before = server.statements();
            data_as(&server, &token, EXPORT).await;
            server.statements() - before
        };
        let few = count().await;
        for number in 0..3 {
            let studio = made(&region, "organization", json!({"name": format!("Studio {number}"), "kind": "animation-studio", "region": "wallonie"})).await;
            made(&region, "affiliation", json!({"talent": id, "organization": studio, "roles": [{"language": "FR", "text": "Monteuse"}]})).await;
            sign_in(&server, "ana@example.org").await;
        }
        assert_eq!(count().await, few);
    }
}
