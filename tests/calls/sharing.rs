//! Calls that systems push and that other instances take, and what becomes of them when organizations are merged.

use serde_json::{Value, json};

use super::{MONEY, OF, euros, funders, gives, input, money, seen};
use crate::mutations::{admin, call, editor, logged, made, reason, studio, told};
use crate::on_both_databases;
use crate::push::{item, partner, push, refused, sources, statuses};
use crate::support::records::{call_for_projects, organization};
use crate::support::server::Setup;

on_both_databases! {
    with Setup::default().viewer(partner(&["wallonie"]));
    async fn a_system_pushes_a_call_with_its_funders(server) {
        sources(&server, &["wallonie"]).await;
        let all = server.beside(admin()).await;
        made(&all, "organization", studio("flandre", "f")).await;
        let fund = |amount: &str| json!({"contributions": [gives("w", amount), gives("f", "50")], "lots": [{"genre": "webdocumentaire", "ceiling": euros("10"), "funders": [gives("f", "50")]}]});
        let line = |more: Value| item(call_for_projects("wallonie", "c", more), json!({}));
        let batch = [item(organization("wallonie", "w", json!({})), json!({})), line(fund("100"))];
        let answer = push(&server, "wallonie", &batch).await;
        assert_eq!(statuses(&answer), ["CREATED", "CREATED"]);
        let id = answer["results"][1]["record"]["id"].as_str().unwrap().to_owned();
        assert_eq!(money(&seen(&all, &id, MONEY).await), "w+ 100.00, f+ 50.00 = 150.00");
        assert_eq!(statuses(&push(&server, "wallonie", &batch).await), ["UNCHANGED", "UNCHANGED"]);
        let before = logged(&server).await;
        // All that is wrong, and nothing is written.
        let wrong = json!({"contributions": [gives("w", "-1"), gives("nobody", "5")], "lots": [{"genre": "opera"}], "closed": true, "closesAt": "2027-01-01T00:00:00Z"});
        let answer = push(&server, "wallonie", &[line(wrong)]).await;
        assert_eq!(statuses(&answer), ["REJECTED"]);
        let mut told = refused(&answer["results"][0]);
        told.sort();
        assert_eq!(told, [
            "INVALID/AMOUNT_NOT_ABOVE_ZERO input.records.0.callForProjects.contributions.0.amount",
            "INVALID/CLOSED_BESIDE_CLOSES_AT input.records.0.callForProjects.closed",
            "INVALID/UNKNOWN_TERM input.records.0.callForProjects.lots.0.genre",
            "NOT_FOUND/REFERENCE_UNKNOWN input.records.0.callForProjects.contributions.1.organization",
        ]);
        assert_eq!(logged(&server).await, before);
        assert_eq!(statuses(&push(&server, "wallonie", &[line(fund("120"))]).await), ["UPDATED"]);
        assert_eq!(money(&seen(&all, &id, MONEY).await), "w+ 120.00, f+ 50.00 = 170.00");
        assert_eq!(statuses(&push(&server, "wallonie", &[item(call_for_projects("wallonie", "c", json!({})), json!({"delete": true, "callForProjects": {}}))]).await), ["UPDATED"]);
        assert_eq!(seen(&all, &id, "id").await, Value::Null);
    }
}

on_both_databases! {
    with Setup::default().viewer(admin());
    async fn a_merged_organization_gives_what_both_gave(server) {
        let ids = funders(&server).await;
        let both = made(&server, OF, input(json!({"slug": "both", "contributions": [gives("w", "100"), gives("f", "5"), gives("w2", "20")], "organizers": ["w", "w2"],
            "lots": [{"genre": "webdocumentaire", "funders": [gives("w", "10"), gives("w2", "20")]}]}))).await;
        let one = made(&server, OF, input(json!({"slug": "one", "contributions": [gives("w2", "7")], "organizers": ["w2"]}))).await;
        let arguments = [("survivor", "ID!", json!(ids[0])), ("duplicate", "ID!", json!(ids[3]))];
        assert_eq!(told(&call(&server, "mergeOrganizations", "organization { id }", &arguments).await), [""; 0]);
        let fields = format!("{MONEY} organizers {{ slug }}");
        let call_of_both = seen(&server, &both, &fields).await;
        assert_eq!(money(&call_of_both), "w+ 120.00, f+ 5.00 = 125.00");
        assert_eq!((&call_of_both["organizers"], &call_of_both["revision"]), (&json!([{"slug": "w"}]), &json!(2)));
        assert_eq!(call_of_both["lots"][0]["budget"]["amount"], "30.00");
        assert_eq!(call_of_both["lots"][0]["funders"].as_array().unwrap().len(), 1);
        let call_of_one = seen(&server, &one, &fields).await;
        assert_eq!((money(&call_of_one).as_str(), &call_of_one["organizers"]), ("w+ 7.00 = 7.00", &json!([{"slug": "w"}])));
    }
}

on_both_databases! {
    async fn a_repeated_creation_makes_one_call_and_warns_again(server) {
        funders(&server).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let given = input(json!({"contributions": [gives("f", "5")]}));
        let mutation = "mutation($input: CallForProjectsInput!) { createCallForProjects(input: $input, idempotencyKey: \"k\") { callForProjects { id } warnings { code } userErrors { code reason path message } } }";
        let mut ids = Vec::new();
        for _ in 0..2 {
            let answer = wallonie.query_with(mutation, json!({"input": given})).await;
            let payload = &answer["data"]["createCallForProjects"];
            assert_eq!(payload["userErrors"], json!([]), "{answer}");
            ids.push(payload["callForProjects"]["id"].clone());
        }
        assert_eq!(ids[0], ids[1]);
        let answer = wallonie.query_with(mutation, json!({"input": input(json!({}))})).await;
        assert_eq!(reason(&answer["data"]["createCallForProjects"]), "IDEMPOTENCY_MISMATCH");
    }
}
