//! Mistakes of people: all of them at once, in the language of the reader, with the form that is right.

use serde_json::{Value, json};

use super::{create, editor, told};
use crate::on_both_databases;
use crate::support::server::TestServer;

/// The response to an organization that is created with this input, in a language.
async fn create_in(server: &TestServer, languages: &str, input: &Value) -> Value {
    let query = "mutation($input: OrganizationInput!) { createOrganization(input: $input) {
        organization { website name address { country } } userErrors { code path message } } }";
    let body = json!({"query": query, "variables": {"input": input}});
    let request = server.client.post(server.url("/graphql")).json(&body).header("accept-language", languages);
    let mut answer: Value = request.send().await.expect("a response").json().await.expect("JSON");
    assert_eq!(answer.get("errors"), None);
    answer["data"]["createOrganization"].take()
}

on_both_databases! {
    async fn a_form_with_mistakes_is_answered_in_the_language_of_the_reader(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let input = json!({"name": "", "kind": "animation-studio", "region": "wallonie", "website": "exemple", "email": "ana@",
            "foundedOn": "01/07/2009", "address": {"city": "Namur", "latitude": 95, "longitude": 5},
            "identifiers": [{"scheme": "SIREN", "value": "12"}]});
        let expected = [
            ("nl", [
                ("name", "Dit veld is verplicht."),
                ("address.country", "Dit veld is verplicht."),
                ("address.latitude", "Het getal moet tussen -90 en 90 liggen."),
                ("website", "Verwacht wordt een volledig webadres van hoogstens 2.048 tekens, zoals \"https://www.example.org/\", niet \"exemple\"."),
                ("email", "Verwacht wordt een e-mailadres zoals \"naam@example.org\", niet \"ana@\"."),
                ("foundedOn", "Verwacht wordt een datum op het jaar, de maand of de dag nauwkeurig, zoals \"2009\", \"2009-07\" of \"2009-07-01\", niet \"01/07/2009\"."),
                ("identifiers.0.value", "Verwacht wordt een SIREN van negen cijfers met een juist controlecijfer (Luhn), zoals \"552008443\", niet \"12\"."),
            ]),
            ("fr", [
                ("name", "Ce champ est obligatoire."),
                ("address.country", "Ce champ est obligatoire."),
                ("address.latitude", "Le nombre doit être compris entre -90 et 90."),
                ("website", "Il faut une adresse web complète de 2 048 caractères au plus, comme « https://www.example.org/ », et non \"exemple\"."),
                ("email", "Il faut une adresse électronique comme « nom@example.org », et non \"ana@\"."),
                ("foundedOn", "Il faut une date connue à l’année, au mois ou au jour près, comme « 2009 », « 2009-07 » ou « 2009-07-01 », et non \"01/07/2009\"."),
                ("identifiers.0.value", "Il faut un SIREN de neuf chiffres, clé de contrôle (Luhn) comprise, comme « 552008443 », et non \"12\"."),
            ]),
        ];
        for (language, expected) in expected {
            let answer = create_in(&editor, language, &input).await;
            assert_eq!(answer["organization"], Value::Null);
            let errors = answer["userErrors"].as_array().expect("a list").iter().map(|error| {
                let path: Vec<&str> = error["path"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
                (path.join("."), error["message"].as_str().unwrap().to_owned())
            });
            let mut errors: Vec<_> = errors.collect();
            let mut expected: Vec<_> = expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
            errors.sort();
            expected.sort();
            assert_eq!(errors, expected, "{language}");
        }
    }
}

on_both_databases! {
    async fn what_can_only_mean_one_thing_is_taken(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        for (country, expected) in [("be", "BE"), ("BEL", "BE"), ("Belgique", "BE"), ("België", "BE"), ("Belgien", "BE"), ("pays-bas", "NL")] {
            let input = json!({"name": "Une\n ligne\t", "kind": "animation-studio", "region": "wallonie",
                "website": "www.exemple.example", "address": {"country": country}});
            let answer = create_in(&editor, "fr", &input).await;
            assert_eq!(answer, json!({"organization": {"website": "https://www.exemple.example", "name": "Une ligne",
                "address": {"country": expected}}, "userErrors": []}));
        }
        for country in ["ZZ", "QQ", "Wallonie"] {
            let input = json!({"name": "A", "kind": "animation-studio", "region": "wallonie", "address": {"country": country}});
            let answer = create_in(&editor, "fr", &input).await;
            let message = format!("Il faut un pays de la norme ISO 3166-1, comme « BE » ou « Belgique », et non \"{country}\".");
            assert_eq!(answer["userErrors"], json!([{"code": "INVALID", "path": ["input", "address", "country"], "message": message}]));
        }
    }
}

on_both_databases! {
    async fn invisible_characters_are_refused(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        for hidden in ["\u{202e}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2066}"] {
            let input = json!({"name": format!("Stu{hidden}dio"), "kind": "animation-studio", "region": "wallonie",
                "descriptions": [{"language": "FR", "text": format!("Un {hidden}texte")}]});
            let answer = create(&editor, "organization", input, "id").await;
            let mut told = told(&answer);
            told.sort();
            assert_eq!(told, ["INVALID input.descriptions.0.text", "INVALID input.name"], "{hidden:?}");
        }
        // Emoji are made with joiners.
        let text = "Une famille 👩\u{200d}👧\nsur deux lignes";
        let input = json!({"name": "Studio", "kind": "animation-studio", "region": "wallonie", "descriptions": [{"language": "FR", "text": text}]});
        let answer = create(&editor, "organization", input, "description").await;
        assert_eq!(answer["organization"]["description"], text);
    }
}

on_both_databases! {
    async fn labels_in_any_language_mean_their_slug(server) {
        let editor = server.beside(editor(&["wallonie", "nord-pas-de-calais"])).await;
        let fields = "kind { slug } region { slug } sectors { slug }";
        for (kind, region, sectors) in [
            ("Studio d’animation", "Wallonie", ["Animation", "Jeux vidéo"]),
            ("animatiestudio", "Wallonië", ["animatie", "JEUX VIDEO"]),
            ("animation-studio", "Wallonia", ["animation", "jeux-video"]),
        ] {
            let input = json!({"name": "A", "kind": kind, "region": region, "sectors": sectors});
            let answer = create(&editor, "organization", input, fields).await;
            assert_eq!(answer, json!({"organization": {"kind": {"slug": "animation-studio"}, "region": {"slug": "wallonie"},
                "sectors": [{"slug": "animation"}, {"slug": "jeux-video"}]}, "userErrors": []}), "{kind}");
        }
        // Who may write in one region alone writes in no other by a label.
        let walloon = server.beside(super::editor(&["wallonie"])).await;
        let answer = create(&walloon, "organization", json!({"name": "A", "kind": "fund", "region": "Nord-Pas-de-Calais"}), "id").await;
        assert_eq!(told(&answer), ["FORBIDDEN input.region"]);

        let unknown = json!({"name": "A", "kind": "fund", "region": "Walonie", "sectors": ["xyzzy"]});
        let answer = create_in(&editor, "fr", &unknown).await;
        let messages: Vec<&str> = answer["userErrors"].as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap()).collect();
        assert!(messages[0].starts_with("« Walonie » n’est pas connu ici. Sont connus : `nord-pas-de-calais` (Nord-Pas-de-Calais), "), "{messages:?}");
        assert_eq!(messages[1], "« xyzzy » n’est pas connu ici.");
    }
}
