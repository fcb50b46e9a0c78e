//! Calls side by side.

use serde_json::{Value, json};

use super::{OF, euros, funders, gives, input};
use crate::mutations::{editor, made};
use crate::on_both_databases;

on_both_databases! {
    async fn criteria_are_rows_and_calls_are_columns(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let one = json!({"slug": "one", "opensAt": "2027-01-04T08:00:00Z", "contributions": [gives("w", "1850000")], "regulations": [{"language": "FR"}, {"language": "NL"}],
            "lots": [{"genre": "webdocumentaire", "ceiling": euros("50000"), "maxAidShare": "0.5", "minEpisodes": 30, "eligibleRegions": ["wallonie", "flandre"]}]});
        let other = json!({"slug": "other", "lots": [{"genre": "webdocumentaire", "minMinutes": "2.5"}, {"genre": "serious-game", "territorialSpendShare": "1.00"}]});
        let hidden = json!({"slug": "hidden", "visibility": "PRIVATE", "contributions": [gives("w2", "5")]});
        let mut ids = Vec::new();
        for more in [one, other, hidden] {
            ids.push(made(&wallonie, OF, input(more)).await);
        }
        let compare = async |language: &str, ids: &[String]| {
            let query = format!("{{ compareCalls(ids: {}) {{ calls {{ slug }} criteria {{ key label values }} }} }}", json!(ids));
            let request = server.client.post(server.url("/graphql")).header("accept-language", language);
            let answer: Value = request.json(&json!({"query": query})).send().await.unwrap().json().await.unwrap();
            assert_eq!(answer.get("errors"), None, "{answer}");
            answer["data"]["compareCalls"].clone()
        };
        let all = compare("fr", &ids).await;
        assert_eq!(all["calls"], json!([{"slug": "one"}, {"slug": "other"}]));
        let rows: Vec<Value> = all["criteria"].as_array().unwrap().iter().map(|row| json!([row["key"], row["label"], row["values"]])).collect();
        assert_eq!(json!(rows), json!([
            ["fund", "Fonds", ["1\u{202f}850\u{202f}000,00\u{a0}EUR", null]],
            ["opensAt", "Ouverture", ["04/01/2027 09:00", null]],
            ["regulations", "Langues du règlement", ["FR, NL", null]],
            ["lots.serious-game", "Jeu sérieux", [null, "oui"]],
            ["lots.serious-game.territorialSpendShare", "Jeu sérieux: part de l’aide à dépenser sur les territoires des financeurs", [null, "100\u{a0}%"]],
            ["lots.webdocumentaire", "Webdocumentaire", ["oui", "oui"]],
            ["lots.webdocumentaire.ceiling", "Webdocumentaire: plafond par projet", ["50\u{202f}000,00\u{a0}EUR", null]],
            ["lots.webdocumentaire.minEpisodes", "Webdocumentaire: épisodes au moins", ["30", null]],
            ["lots.webdocumentaire.minMinutes", "Webdocumentaire: minutes par épisode au moins", [null, "2,5"]],
            ["lots.webdocumentaire.maxAidShare", "Webdocumentaire: part de l’aide dans le budget au plus", ["50\u{a0}%", null]],
            ["lots.webdocumentaire.eligibleRegions", "Webdocumentaire: régions admises", ["Wallonie, Flandre", null]],
        ]));
        let english = compare("en", &ids[..2]).await;
        assert_eq!(english["criteria"][0]["values"][0], "1,850,000.00\u{a0}EUR");
        // A call that is hidden is as one that is absent.
        let never = "call_for_projects_01jcr5bbgqekvavmza4yqxn3b1".to_owned();
        assert_eq!(compare("fr", &[ids[0].clone(), ids[2].clone()]).await, compare("fr", &[ids[0].clone(), never]).await);
        for wrong in [vec![ids[0].clone()], vec![ids[0].clone(); 2], vec![ids[0].clone(); 11]] {
            let answer = server.query(&format!("{{ compareCalls(ids: {}) {{ calls {{ id }} }} }}", json!(wrong))).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        }
    }
}
