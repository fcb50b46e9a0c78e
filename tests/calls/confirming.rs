//! Contributions that their sides confirm, and who sees them until then.

use serde_json::{Value, json};

use super::{MONEY, OF, funders, gives, input, listed, money, says, seen};
use crate::mutations::{admin, call, create, editor, logged, made, owner, reason, told, update};
use crate::on_both_databases;
use crate::support::records::{call_for_projects, import, organization};
use crate::support::server::Setup;

on_both_databases! {
    async fn a_contribution_of_another_region_counts_once_its_side_has_confirmed_it(server) {
        let ids = funders(&server).await;
        let (wallonie, flandre) = (server.beside(editor(&["wallonie"])).await, server.beside(editor(&["flandre"])).await);
        let more = json!({"contributions": [gives("w", "100"), gives("f", "50"), gives("n", "7.5")],
            "lots": [{"genre": "webdocumentaire", "funders": [gives("w", "10"), gives("f", "20")]}, {"genre": "serious-game", "funders": [gives("n", "5")]}]});
        let arguments = [("input", "CallForProjectsInput!", input(more.clone()))];
        let answer = call(&wallonie, "createCallForProjects", &format!("callForProjects {{ {MONEY} }} warnings {{ code path message }}"), &arguments).await;
        let made = &answer["callForProjects"];
        assert_eq!(money(made), "w+ 100.00, f 50.00, n 7.50 = 100.00");
        let warned: Vec<String> = answer["warnings"].as_array().unwrap().iter().map(|one| format!("{} {}", one["code"].as_str().unwrap(), one["path"])).collect();
        assert_eq!(warned, [
            r#"CONTRIBUTION_UNCONFIRMED ["input","contributions","1"]"#, r#"CONTRIBUTION_UNCONFIRMED ["input","contributions","2"]"#,
        ]);
        let id = made["id"].as_str().unwrap();
        let budgets = |call: &Value| -> Vec<String> { call["lots"].as_array().unwrap().iter().map(|lot| lot["budget"]["amount"].to_string()).collect() };
        assert_eq!(budgets(made), [r#""10.00""#, "null"]);
        // Others neither see nor find them.
        assert_eq!(money(&seen(&server, id, MONEY).await), "w+ 100.00 = 100.00");
        assert_eq!(listed(&server, ", filter: {regions: [\"flandre\"]}").await, [""; 0]);
        let of_f = format!(", filter: {{funders: [\"{}\"]}}", ids[1]);
        assert_eq!((listed(&server, &of_f).await.len(), listed(&flandre, &of_f).await.len(), listed(&wallonie, &of_f).await.len()), (0, 1, 1));
        let lots = seen(&server, id, MONEY).await["lots"].clone();
        assert_eq!((lots[0]["funders"].as_array().unwrap().len(), &lots[1]["funders"]), (1, &json!([])));
        // Their own side sees its own, and no other.
        assert_eq!(money(&seen(&flandre, id, MONEY).await), "w+ 100.00, f 50.00 = 100.00");
        let people = server.beside(owner(&ids[2])).await;
        assert_eq!(money(&seen(&people, id, MONEY).await), "w+ 100.00, n 7.50 = 100.00");
        // Who does not speak for it does not confirm it, and does not learn that it is there.
        for (by, party, answer) in [(&wallonie, "f", "NOT_YOUR_PARTY"), (&flandre, "n", "NO_CONTRIBUTION"), (&flandre, "w", "NOT_YOUR_PARTY"), (&flandre, "w2", "NO_CONTRIBUTION"),
            (&people, "f", "NO_CONTRIBUTION"), (&flandre, "nobody", "REFERENCE_UNKNOWN")] {
            let refused = says(by, "confirm", id, party).await;
            assert_eq!((told(&refused)[0].split(' ').nth(1), reason(&refused)), (Some("organization"), answer), "{party}");
        }
        assert_eq!(told(&says(&server, "confirm", id, "f").await), ["FORBIDDEN id"]);
        let before = logged(&server).await;
        assert_eq!(money(&says(&flandre, "confirm", id, &ids[1]).await["callForProjects"]), "w+ 100.00, f+ 50.00 = 150.00");
        assert_eq!(money(&seen(&server, id, MONEY).await), "w+ 100.00, f+ 50.00 = 150.00");
        assert_eq!(listed(&server, ", filter: {regions: [\"flandre\"]}").await, ["nouveaux-genres"]);
        assert_eq!(logged(&server).await, before + 1);
        server.set_clock("2026-11-23T10:00:00Z");
        let answer = says(&people, "confirm", id, "n").await;
        assert_eq!(money(&answer["callForProjects"]), "w+ 100.00, f+ 50.00, n+ 7.50 = 157.50");
        assert_eq!(answer["callForProjects"]["contributions"][2]["confirmedAt"], "2026-11-23T10:00:00Z");
        assert_eq!(budgets(&answer["callForProjects"]), [r#""30.00""#, r#""5.00""#]);
        server.set_clock("2026-11-24T10:00:00Z");
        assert_eq!(says(&people, "confirm", id, "n").await["callForProjects"], answer["callForProjects"], "confirmed already");
        // A changed amount is asked again, and the others stay.
        let more = json!({"contributions": [gives("w", "200"), gives("f", "50"), gives("n", "8")]});
        assert_eq!(money(&update(&wallonie, OF, id, None, more, MONEY).await["callForProjects"]), "w+ 200.00, f+ 50.00, n 8.00 = 250.00");
        assert_eq!(money(&says(&people, "decline", id, "n").await["callForProjects"]), "w+ 200.00, f+ 50.00, n- 8.00 = 250.00");
        assert_eq!(money(&says(&flandre, "decline", id, "f").await["callForProjects"]), "w+ 200.00, f- 50.00 = 200.00");
        assert_eq!(money(&seen(&wallonie, id, MONEY).await), "w+ 200.00, f- 50.00, n- 8.00 = 200.00");
        assert_eq!(money(&says(&flandre, "confirm", id, "f").await["callForProjects"]), "w+ 200.00, f+ 50.00 = 250.00");
    }
}

on_both_databases! {
    async fn no_other_write_confirms_what_waits(server) {
        funders(&server).await;
        let (wallonie, all) = (server.beside(editor(&["wallonie"])).await, server.beside(admin()).await);
        let id = made(&wallonie, OF, input(json!({"contributions": [gives("w", "100"), gives("f", "50")], "opensAt": "2026-12-01T00:00:00Z"}))).await;
        let waits = "w+ 100.00, f 50.00 = 100.00";
        assert_eq!(money(&update(&all, OF, &id, None, json!({"sectors": ["animation"]}), MONEY).await["callForProjects"]), waits);
        server.set_clock("2026-12-02T00:00:00Z");
        assert_eq!(passerelle::directory::call_for_projects::turn::run_due(&server.app).await.unwrap(), 1);
        assert_eq!(money(&seen(&all, &id, MONEY).await), waits);
        // Whoever speaks for all of them gives for all of them.
        let more = json!({"contributions": [gives("w", "100"), gives("f", "51")]});
        assert_eq!(money(&update(&all, OF, &id, None, more, MONEY).await["callForProjects"]), "w+ 100.00, f+ 51.00 = 151.00");
    }
}

on_both_databases! {
    async fn a_source_says_all_as_confirmed(server) {
        let more = json!({"contributions": [gives("w", "100"), gives("f", "50")]});
        import(&server, &[organization("wallonie", "w", json!({})), organization("flandre", "f", json!({})), call_for_projects("wallonie", "c", more.clone())]).await;
        let data = server.data(&format!("{{ callsForProjects {{ nodes {{ {MONEY} }} }} }}")).await;
        let call = &data["callsForProjects"]["nodes"][0];
        assert_eq!(money(call), "w+ 100.00, f+ 50.00 = 150.00");
        assert_eq!(call["contributions"][1]["confirmedAt"], Value::Null);
        let before = logged(&server).await;
        import(&server, &[call_for_projects("wallonie", "c", more)]).await;
        assert_eq!(logged(&server).await, before);
    }
}

on_both_databases! {
    async fn two_confirmations_at_once_both_count(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let all = server.beside(editor(&["flandre", "nord-pas-de-calais"])).await;
        let id = made(&wallonie, OF, input(json!({"contributions": [gives("f", "50"), gives("n", "7")]}))).await;
        let answers = futures::future::join_all((0..50).map(|at| says(&all, "confirm", &id, if at % 2 == 0 { "f" } else { "n" }))).await;
        for answer in &answers {
            assert_eq!(told(answer), [""; 0]);
        }
        let call = seen(&server, &id, MONEY).await;
        assert_eq!((money(&call).as_str(), &call["revision"]), ("f+ 50.00, n+ 7.00 = 57.00", &json!(3)));
    }
}

on_both_databases! {
    async fn a_hidden_organization_is_in_no_list(server) {
        let more = json!({"contributions": [gives("w", "100"), gives("hidden", "50")], "organizers": ["hidden", "w"],
            "lots": [{"genre": "webdocumentaire", "funders": [gives("hidden", "50")]}]});
        import(&server, &[
            organization("wallonie", "w", json!({})), organization("wallonie", "hidden", json!({"visibility": "PRIVATE"})),
            call_for_projects("wallonie", "c", more),
        ]).await;
        let fields = format!("{MONEY} organizers {{ slug }}");
        let of = async |server: &crate::support::server::TestServer| {
            let data = server.data(&format!("{{ callForProjects(by: {{slug: \"c\"}}) {{ {fields} }} }}")).await;
            let call = &data["callForProjects"];
            (money(call), call["organizers"].as_array().unwrap().len(), call["lots"][0]["funders"].as_array().unwrap().len())
        };
        assert_eq!(of(&server).await, ("w+ 100.00 = 150.00".to_owned(), 1, 0));
        let staff = server.beside(editor(&["wallonie"])).await;
        assert_eq!(of(&staff).await, ("w+ 100.00, hidden+ 50.00 = 150.00".to_owned(), 2, 1));
        let data = staff.data("{ organization(by: {slug: \"hidden\"}) { id } }").await;
        let of_hidden = format!(", filter: {{funders: [{}]}}", data["organization"]["id"]);
        assert_eq!((listed(&server, &of_hidden).await.len(), listed(&staff, &of_hidden).await.len()), (0, 1));
    }
}

on_both_databases! {
    async fn a_draft_is_seen_by_the_staff_of_its_funders(server) {
        let ids = funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let more = json!({"draft": true, "contributions": [gives("w", "100"), gives("f", "50")]});
        let answer = create(&wallonie, OF, input(more), "id status visibility").await;
        let id = answer["callForProjects"]["id"].as_str().unwrap();
        assert_eq!((&answer["callForProjects"]["status"], &answer["callForProjects"]["visibility"]), (&json!("DRAFT"), &json!("PRIVATE")));
        let (flandre, nord, people) = (server.beside(editor(&["flandre"])).await, server.beside(editor(&["nord-pas-de-calais"])).await, server.beside(owner(&ids[1])).await);
        for (by, sees) in [(&wallonie, true), (&flandre, true), (&nord, false), (&people, false), (&server, false)] {
            assert_eq!(seen(by, id, "id").await.is_object(), sees);
            for filter in ["", ", filter: {statuses: [DRAFT]}", ", filter: {statuses: [DRAFT, OPEN]}, orderBy: {field: CLOSES_AT}"] {
                assert_eq!(listed(by, filter).await.len(), usize::from(sees), "{filter}");
            }
            assert_eq!(listed(by, ", filter: {statuses: [OPEN, UPCOMING, CLOSED, AWARDED]}").await, [""; 0]);
            assert_eq!(listed(by, ", filter: {openOn: \"2026-11-22\"}").await, [""; 0]);
        }
        // In the log it is private of its own region.
        let region = "SELECT COUNT(*) FROM change_log WHERE record_type = 'CALL' AND region = 'wallonie' AND visibility = 2";
        assert_eq!(crate::mutations::number(&server, region).await, 1);
        for (by, follows) in [(&wallonie, 1), (&flandre, 0)] {
            let changes = by.data("{ changes(types: [CALL]) { changes { recordId } } }").await;
            assert_eq!(changes["changes"]["changes"].as_array().unwrap().len(), follows);
        }
        // They confirm before it is published.
        assert_eq!(money(&says(&flandre, "confirm", id, "f").await["callForProjects"]), "w+ 100.00, f+ 50.00 = 150.00");
        let answer = update(&wallonie, OF, id, None, json!({"draft": false}), "status visibility").await;
        assert_eq!(answer["callForProjects"], json!({"status": "OPEN", "visibility": "PUBLIC"}));
        assert_eq!(seen(&server, id, "id").await["id"], json!(id));
        // One that is PRIVATE itself stays with its own region.
        assert_eq!(told(&update(&wallonie, OF, id, None, json!({"visibility": "PRIVATE"}), "id").await), [""; 0]);
        assert_eq!((seen(&flandre, id, "id").await, seen(&wallonie, id, "id").await["id"].clone()), (Value::Null, json!(id)));
    }
}

on_both_databases! {
    with Setup::default().viewer(admin());
    async fn a_funder_that_moves_takes_its_calls_along(server) {
        import(&server, &[
            organization("wallonie", "w", json!({})), organization("flandre", "f", json!({})),
            call_for_projects("wallonie", "c", json!({"contributions": [gives("w", "100"), gives("f", "50")]})),
        ]).await;
        let id = server.data("{ organization(by: {slug: \"f\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        assert_eq!(listed(&server, ", filter: {regions: [\"flandre\"]}").await, ["c"]);
        assert_eq!(told(&update(&server, "organization", &id, None, json!({"region": "nord-pas-de-calais"}), "id").await), [""; 0]);
        assert_eq!(listed(&server, ", filter: {regions: [\"flandre\"]}").await, [""; 0]);
        assert_eq!(listed(&server, ", filter: {regions: [\"nord-pas-de-calais\"]}").await, ["c"]);
    }
}
