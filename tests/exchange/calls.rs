//! Calls for projects that move to another instance, with what waits to be confirmed and whose clock they follow.

use passerelle::directory::call_for_projects::turn;

use super::*;
use crate::support::records::call_for_projects;

on_both_databases! {
    async fn a_copy_has_what_waits_and_writes_no_turn(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let all = server.beside(admin()).await;
        let euros = |organization: &str, amount: &str| json!({"organization": organization, "amount": {"amount": amount, "currency": "EUR"}});
        let lots = json!([{"genre": "webdocumentaire", "titles": [{"language": "FR", "text": "Lot"}], "ceiling": {"amount": "5.5", "currency": "EUR"},
            "funders": [euros("new", "10"), euros("cluster", "2")], "minMinutes": "2.50", "maxMinutes": "26", "maxAidShare": "0.5", "minEpisodes": 2, "eligibleRegions": ["flandre"]}]);
        let more = json!({"contributions": [euros("new", "100"), euros("cluster", "50")], "lots": lots, "organizers": ["old"], "regulations": [{"language": "FR", "version": "1"}],
            "opensAt": "2026-12-01T00:00:00Z", "closesAt": "2026-12-31T00:00:00.5Z"});
        import(&server, &[call_for_projects("wallonie", "c", more.clone())]).await;
        // Another one waits for its side.
        let wallonie = server.beside(editor("wallonie")).await;
        let mut input = more;
        input["region"] = json!("wallonie");
        input["titles"] = json!([{"language": "FR", "text": "Attente"}]);
        crate::mutations::made(&wallonie, "callForProjects", input.clone()).await;
        input["draft"] = json!(true);
        crate::mutations::made(&wallonie, "callForProjects", input).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        let (code, said) = take(&other, folder.path(), &file);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(super::all(&other).await, super::all(&server).await);
        assert_eq!(digest(&other).await, digest(&server).await);
        let query = "{ callsForProjects(first: 50, orderBy: {field: OPENS_AT}) { totalCount nodes { id status visibility fund { amount } contributions { confirmed confirmedAt organization { slug } } lots { budget { amount } } } } }";
        let told = other.data(query).await;
        assert_eq!(told, all.data(query).await);
        assert_eq!(told["callsForProjects"]["totalCount"], 3);
        assert_eq!(number(&other, "SELECT COUNT(*) FROM call_for_projects_contribution WHERE NOT confirmed").await, 2);
        // Another import writes nothing.
        let (code, said) = take(&other, folder.path(), &file);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("0 created, 0 updated"), "{said}");
        // The turn is written here, and taken there; until then its status is computed there too.
        for of in [&server, &other] {
            of.set_clock("2026-12-01T00:00:00Z");
        }
        assert_eq!((turn::run_due(&other.app).await.unwrap(), turn::run_due(&server.app).await.unwrap()), (0, 2));
        assert_eq!(other.data(query).await, all.data(query).await);
        assert_ne!(digest(&other).await, digest(&server).await);
        assert_eq!(take(&other, folder.path(), &export(&server, folder.path(), &[])).0, Some(0));
        assert_eq!(digest(&other).await, digest(&server).await);
        assert_eq!(turn::run_due(&other.app).await.unwrap(), 0);
        // Whoever writes the record there answers for its turns from then on.
        let slug = "SELECT COUNT(*) FROM call_for_projects WHERE followed";
        let id = other.data("{ callForProjects(by: {slug: \"attente\"}) { id } }").await["callForProjects"]["id"].as_str().unwrap().to_owned();
        crate::mutations::update(&other, "callForProjects", &id, None, json!({"sectors": ["animation"]}), "id").await;
        assert_eq!(number(&other, slug).await, 2);
        other.set_clock("2026-12-31T00:00:01Z");
        assert_eq!(turn::run_due(&other.app).await.unwrap(), 1);
    }
}

on_both_databases! {
    async fn a_revision_that_does_not_fit_is_refused(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        import(&server, &[call_for_projects("wallonie", "c", json!({"lots": [{"genre": "webdocumentaire"}]}))]).await;
        let folder = folder();
        let text = fs::read_to_string(export(&server, folder.path(), &[])).unwrap();
        let is_call = |line: &Value| line["recordType"] == "CALL";
        for (change, word) in [
            (json!({"timeZone": "Europe/Lille"}), "timeZone"),
            (json!({"status": "PAUSED"}), "status"),
            (json!({"currency": "ECU"}), "currency"),
            (json!({"contributions": [{"organization": "talent_01jcr5bbgqekvavmza4yqxn3b1", "amount": "5.00", "confirmed": true, "confirmedAt": null, "declinedAt": null}]}), "contributions"),
            (json!({"organizers": ["organization_01jcr5bbgqekvavmza4yqxn3b1", "organization_01jcr5bbgqekvavmza4yqxn3b1"]}), "organizers"),
        ] {
            let wrong = rewritten(&text, |_, line| Some(if is_call(&line) { with_fields(line, 1, &change) } else { line }));
            let file = folder.path().join("wrong.ndjson");
            fs::write(&file, wrong).unwrap();
            let (code, said) = take(&other, folder.path(), &file);
            assert!(code != Some(0) && said.contains(word), "{word}: {said}");
        }
        assert_eq!(number(&other, "SELECT COUNT(*) FROM call_for_projects").await, 0);
    }
}
