//! Calls as people write them: all that is wrong at once, and nothing half-written.

use serde_json::{Value, json};

use super::{MONEY, OF, euros, funders, gives, input, listed, money, seen};
use crate::mutations::{create, delete, editor, logged, made, reason, told, update};
use crate::on_both_databases;

/// A call with everything that one may have.
fn whole() -> Value {
    input(json!({
        "titles": [{"language": "FR", "text": "Nouveaux genres"}, {"language": "EN", "text": "New genres"}],
        "descriptions": [{"language": "FR", "text": "Un règlement unique."}],
        "opensAt": "2027-01-04T09:00:00+01:00", "closesAt": "2027-03-01T16:59:59Z", "timeZone": "europe/brussels",
        "regulations": [{"language": "FR", "version": "1", "url": "https://example.org/fr.pdf", "validFrom": "2026-12"},
            {"language": "FR", "version": "2"}, {"language": "NL"}],
        "organizers": ["w", "n"], "sectors": ["animation"],
        "contributions": [gives("w", "600000"), gives("w2", "400000.50")],
        "lots": [
            {"genre": "pilote-serie-animation", "titles": [{"language": "FR", "text": "Pilotes"}], "ceiling": euros("50000"),
             "funders": [gives("w", "250000"), gives("w2", "250000")], "minEpisodes": 1, "maxEpisodes": 3, "minMinutes": "2.5", "maxMinutes": "26",
             "maxAidShare": "0.50", "eligibleRegions": ["wallonie", "flandre"], "territorialSpendShare": "1"},
            {"genre": "webdocumentaire"}],
        "claims": [{"field": "fund", "value": "1.4 M EUR", "source": {"title": "La Voix du Nord"}}],
    }))
}

const FIELDS: &str = "slug title(language: EN) titles { language text } descriptions { text } status visibility opensAt closesAt timeZone
    regulations { language version url validFrom } organizers { slug } sectors { slug } fund { amount currency }
    claims(field: \"fund\") { value source { title } } lots { genre { slug } title ceiling { amount } budget { amount currency }
    funders { organization { slug } amount { amount } } minEpisodes maxEpisodes minMinutes maxMinutes maxAidShare
    eligibleRegions { slug } territorialSpendShare }";

on_both_databases! {
    async fn what_was_written_is_read(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let answer = create(&wallonie, OF, whole(), &format!("id {FIELDS}")).await;
        assert_eq!(told(&answer), [""; 0]);
        let id = answer["callForProjects"]["id"].as_str().unwrap();
        let expected = json!({
            "slug": "nouveaux-genres", "title": "New genres",
            "titles": [{"language": "FR", "text": "Nouveaux genres"}, {"language": "EN", "text": "New genres"}],
            "descriptions": [{"text": "Un règlement unique."}], "status": "UPCOMING", "visibility": "PUBLIC",
            "opensAt": "2027-01-04T08:00:00Z", "closesAt": "2027-03-01T16:59:59Z", "timeZone": "Europe/Brussels",
            "regulations": [{"language": "FR", "version": "1", "url": "https://example.org/fr.pdf", "validFrom": "2026-12"},
                {"language": "FR", "version": "2", "url": null, "validFrom": null}, {"language": "NL", "version": null, "url": null, "validFrom": null}],
            "organizers": [{"slug": "w"}, {"slug": "n"}], "sectors": [{"slug": "animation"}],
            "fund": {"amount": "1000000.50", "currency": "EUR"},
            "claims": [{"value": "1.4 M EUR", "source": {"title": "La Voix du Nord"}}],
            "lots": [{"genre": {"slug": "pilote-serie-animation"}, "title": "Pilotes", "ceiling": {"amount": "50000.00"},
                "budget": {"amount": "500000.00", "currency": "EUR"},
                "funders": [{"organization": {"slug": "w"}, "amount": {"amount": "250000.00"}}, {"organization": {"slug": "w2"}, "amount": {"amount": "250000.00"}}],
                "minEpisodes": 1, "maxEpisodes": 3, "minMinutes": "2.5", "maxMinutes": "26", "maxAidShare": "0.50",
                "eligibleRegions": [{"slug": "wallonie"}, {"slug": "flandre"}], "territorialSpendShare": "1"},
                {"genre": {"slug": "webdocumentaire"}, "title": null, "ceiling": null, "budget": null, "funders": [], "minEpisodes": null,
                "maxEpisodes": null, "minMinutes": null, "maxMinutes": null, "maxAidShare": null, "eligibleRegions": [], "territorialSpendShare": null}],
        });
        assert_eq!(seen(&server, id, FIELDS).await, expected);
        // The same again changes nothing, and an absent field keeps.
        let before = logged(&server).await;
        for same in [whole(), json!({}), json!({"timeZone": "Europe/Brussels"})] {
            assert_eq!(update(&wallonie, OF, id, None, same, "revision").await["callForProjects"]["revision"], 1);
        }
        assert_eq!(logged(&server).await, before);
        let answer = update(&wallonie, OF, id, Some(1), json!({"lots": null, "regulations": [], "closesAt": null, "timeZone": null}), "lots { title } regulations { language } closesAt timeZone").await;
        assert_eq!(answer["callForProjects"], json!({"lots": [], "regulations": [], "closesAt": null, "timeZone": "Europe/Brussels"}));
        assert_eq!(told(&update(&wallonie, OF, id, Some(1), json!({"sectors": []}), "id").await), ["CONFLICT baseRevision"]);
        assert_eq!(delete(&wallonie, OF, id, Some(2)).await["deletedId"], json!(id));
        assert_eq!(seen(&server, id, "id").await, Value::Null);
    }
}

on_both_databases! {
    async fn all_that_is_wrong_is_told_at_once(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let before = logged(&server).await;
        let wrong = json!({
            "region": "wallonie", "titles": [{"language": "FR", "text": "a"}, {"language": "FR", "text": "b"}],
            "opensAt": "2027-03-01T00:00:00Z", "closesAt": "2027-02-28T23:59:59Z", "closed": true, "timeZone": "Europe/Lille",
            "regulations": [{"language": "FR"}, {"language": "FR"}, {"language": "NL", "url": "example"}],
            "organizers": ["w", "nobody", "w"], "sectors": ["none"],
            "contributions": [gives("w", "100"), gives("w2", "-5"), gives("f", "0"), gives("w", "7"), gives("ghost", "1"),
                gives("n", "1000000000000000"), {"organization": "n", "amount": {"amount": "1.5x", "currency": "ECU"}}],
            "lots": [
                {"genre": "opera", "minEpisodes": 5, "maxEpisodes": 4, "minMinutes": "0", "maxMinutes": "99999", "maxAidShare": "1.01",
                 "territorialSpendShare": "-0.1", "eligibleRegions": ["atlantis"]},
                {"genre": "webdocumentaire", "funders": [gives("w", "60"), gives("w", "1")], "minMinutes": "7", "maxMinutes": "5", "ceiling": euros("0")},
                {"genre": "webdocumentaire", "funders": [gives("w", "50"), gives("ghost", "5")], "minEpisodes": 0}],
        });
        let answer = create(&wallonie, OF, wrong, "id").await;
        let mut found: Vec<String> = answer["userErrors"].as_array().unwrap().iter().map(|error| {
            let path = error["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".");
            format!("{path} {}", error["reason"].as_str().or(error["code"].as_str()).unwrap())
        }).collect();
        found.sort();
        assert_eq!(found, [
            "input.closed CLOSED_BESIDE_CLOSES_AT",
            "input.closesAt ENDS_BEFORE_START",
            "input.contributions.1.amount AMOUNT_NOT_ABOVE_ZERO",
            "input.contributions.2.amount AMOUNT_NOT_ABOVE_ZERO",
            "input.contributions.3.organization ORGANIZATION_TWICE",
            "input.contributions.4.organization REFERENCE_UNKNOWN",
            "input.contributions.5.amount INVALID",
            "input.contributions.6.amount.amount INVALID",
            "input.contributions.6.amount.currency INVALID",
            "input.contributions.6.organization ORGANIZATION_TWICE",
            "input.lots.0.eligibleRegions.0 UNKNOWN_TERM",
            "input.lots.0.genre UNKNOWN_TERM",
            "input.lots.0.maxAidShare SHARE_OUT_OF_RANGE",
            "input.lots.0.maxEpisodes MIN_ABOVE_MAX",
            "input.lots.0.maxMinutes MINUTES_OUT_OF_RANGE",
            "input.lots.0.minMinutes MINUTES_OUT_OF_RANGE",
            "input.lots.0.territorialSpendShare SHARE_OUT_OF_RANGE",
            "input.lots.1.ceiling AMOUNT_NOT_ABOVE_ZERO",
            "input.lots.1.funders.1.organization ORGANIZATION_TWICE",
            "input.lots.1.maxMinutes MIN_ABOVE_MAX",
            "input.lots.2.funders.0.amount ABOVE_CONTRIBUTION",
            "input.lots.2.funders.1.organization REFERENCE_UNKNOWN",
            "input.lots.2.genre GENRE_TWICE",
            "input.lots.2.minEpisodes NOT_ABOVE_ZERO",
            "input.organizers.1 REFERENCE_UNKNOWN",
            "input.organizers.2 ORGANIZATION_TWICE",
            "input.regulations.1.language REGULATION_TWICE",
            "input.regulations.2.url INVALID",
            "input.sectors.0 UNKNOWN_TERM",
            "input.timeZone TIME_ZONE_UNKNOWN",
            "input.titles.1.language LANGUAGE_TWICE",
        ]);
        assert_eq!((logged(&server).await, &answer["callForProjects"]), (before, &Value::Null));
        assert_eq!(listed(&server, "").await, [""; 0]);
    }
}

on_both_databases! {
    async fn the_parts_fit_together(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let tried = async |more: Value| {
            let answer = create(&wallonie, OF, input(more), "id").await;
            let mut told: Vec<String> = answer["userErrors"].as_array().unwrap().iter().map(|error| {
                let path = error["path"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".");
                format!("{path} {}", error["reason"].as_str().unwrap_or("?"))
            }).collect();
            told.sort();
            told.join(", ")
        };
        let lot = |genre: &str, given: Value| json!({"genre": genre, "funders": given});
        // A funder that contributes nothing, and lots that have more than the fund.
        assert_eq!(
            tried(json!({"contributions": [gives("w", "100")], "lots": [lot("webdocumentaire", json!([gives("w2", "150")]))]})).await,
            "lots LOTS_ABOVE_FUND, lots.0.funders.0.organization NOT_A_FUNDER",
        );
        // Over all lots.
        assert_eq!(
            tried(json!({"contributions": [gives("w", "100"), gives("w2", "900")], "lots": [lot("webdocumentaire", json!([gives("w", "60")])), lot("serious-game", json!([gives("w", "40.01")]))]})).await,
            "lots.1.funders.0.amount ABOVE_CONTRIBUTION",
        );
        assert_eq!(tried(json!({"contributions": [gives("w", "100")], "lots": [{"genre": "webdocumentaire", "ceiling": euros("100.01")}]})).await, "lots.0.ceiling CEILING_ABOVE_FUND");
        assert_eq!(
            tried(json!({"contributions": [gives("w", "999999999999999"), gives("w2", "999999999999999")]})).await,
            "contributions SUM_TOO_LARGE",
        );
        let dollars = json!({"organization": "w2", "amount": {"amount": "5", "currency": "USD"}});
        assert_eq!(tried(json!({"contributions": [gives("w", "100"), dollars.clone()]})).await, "contributions.1.amount.currency CURRENCIES_DIFFER");
        assert_eq!(
            tried(json!({"contributions": [gives("w", "100")], "lots": [{"genre": "webdocumentaire", "ceiling": {"amount": "5", "currency": "USD"}, "funders": [{"organization": "w", "amount": {"amount": "5", "currency": "CHF"}}]}]})).await,
            "lots.0.ceiling.currency CURRENCIES_DIFFER, lots.0.funders.0.amount.currency CURRENCIES_DIFFER",
        );
        // What stays is checked with what changes.
        let all = json!({"contributions": [gives("w", "100"), gives("w2", "50")], "lots": [lot("webdocumentaire", json!([gives("w", "100"), gives("w2", "50")]))]});
        let id = made(&wallonie, OF, input(all)).await;
        let changed = async |more: Value| {
            let answer = update(&wallonie, OF, &id, None, more, MONEY).await;
            if answer["userErrors"] == json!([]) { money(&answer["callForProjects"]) } else { format!("{} {}", told(&answer).join(" "), reason(&answer)) }
        };
        assert_eq!(changed(json!({"contributions": [gives("w", "99"), gives("w2", "90")]})).await, "INVALID input.lots.0.funders.0.amount ABOVE_CONTRIBUTION");
        assert_eq!(changed(json!({"contributions": [gives("w", "150")]})).await, "INVALID input.lots.0.funders.1.organization NOT_A_FUNDER");
        let dollars = |organization: &str| json!({"organization": organization, "amount": {"amount": "500", "currency": "USD"}});
        assert_eq!(changed(json!({"contributions": [dollars("w"), dollars("w2")]})).await, "INVALID input.lots.0.funders.0.amount.currency CURRENCIES_DIFFER");
        assert_eq!(changed(json!({"contributions": [gives("w", "200"), gives("w2", "50")]})).await, "w+ 200.00, w2+ 50.00 = 250.00");
        assert_eq!(changed(json!({"contributions": null, "lots": null})).await, " = nothing");
        assert_eq!(changed(json!({"contributions": [dollars("w")]})).await, "w+ 500.00 = 500.00");
    }
}

on_both_databases! {
    async fn problems_are_told_in_the_language_of_the_reader(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let mutation = "mutation { createCallForProjects(input: {region: \"wallonie\", titles: [{language: FR, text: \"a\"}], closed: true, closesAt: \"2027-01-01T00:00:00Z\"}) { userErrors { message } } }";
        for (language, text) in [
            ("fr", "`closed` est pour un appel clos"), ("nl", "`closed` is voor een oproep"), ("en", "`closed` is for a call"), ("de", "`closed` ist für einen Aufruf"),
        ] {
            let request = wallonie.client.post(wallonie.url("/graphql")).header("accept-language", language).json(&json!({"query": mutation}));
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let message = answer["data"]["createCallForProjects"]["userErrors"][0]["message"].as_str().unwrap();
            assert!(message.starts_with(text), "{language}: {message}");
        }
    }
}

on_both_databases! {
    async fn those_who_write_the_records_of_the_region_write_it(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        let id = made(&wallonie, OF, input(json!({}))).await;
        assert_eq!(told(&create(&flandre, OF, input(json!({})), "id").await), ["FORBIDDEN input.region"]);
        assert_eq!(told(&update(&flandre, OF, &id, None, json!({"sectors": []}), "id").await), ["FORBIDDEN id"]);
        assert_eq!(told(&delete(&flandre, OF, &id, None).await), ["FORBIDDEN id"]);
        assert_eq!(told(&update(&wallonie, OF, &id, None, json!({"region": "flandre"}), "id").await), ["FORBIDDEN input.region"]);
        assert_eq!(told(&create(&server, OF, input(json!({})), "id").await), ["FORBIDDEN input"]);
        // An organization that is named is not deleted.
        let organization = made(&wallonie, "organization", crate::mutations::studio("wallonie", "o")).await;
        for field in [json!({"organizers": ["o"], "contributions": []}), json!({"organizers": [], "contributions": [gives("o", "5")]})] {
            assert_eq!(told(&update(&wallonie, OF, &id, None, field, "id").await), [""; 0]);
            let answer = delete(&wallonie, "organization", &organization, None).await;
            assert_eq!(reason(&answer), "REFERRED_TO");
            assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains(&id), "{answer}");
        }
    }
}
