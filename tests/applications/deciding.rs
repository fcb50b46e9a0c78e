//! Decisions: each funder decides for itself, and the call follows.

use serde_json::{Value, json};

use super::{
    AFTER, WEB, animation, award, euros, gives, id_of, reasons, reject, remove, stage, stage_with, status,
    submitted, tell, web,
};
use crate::mutations::{admin, call, delete, logged, number, reason, told, update};
use crate::on_both_databases;
use crate::support::server::TestServer;

/// The decisions of an answer: funder, status, amount.
fn decisions(answer: &Value) -> Vec<String> {
    let all = answer["application"]["decisions"].as_array().unwrap().iter();
    all.map(|one| {
        let text = |pointer: &str| one.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!("{} {} {}", text("/funder/slug"), text("/status"), text("/amount/amount"))
    })
    .collect()
}

async fn revision(server: &TestServer, call: &str) -> Value {
    server.data(&format!("{{ callForProjects(by: {{id: \"{call}\"}}) {{ revision }} }}")).await["callForProjects"]["revision"].clone()
}

on_both_databases! {
    async fn each_funder_decides_once_and_the_first_award_counts(server) {
        let stage = stage(&server).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(tell(&stage.flandre, "shortlist", &id).await["application"]["status"], "SHORTLISTED");
        // In the lot for animation, Wallonia has one funder: it may be left out.
        server.set_clock("2026-11-23T10:00:00Z");
        let answer = award(&stage.wallonie, &id, euros("150000.5"), None).await;
        let shown = &answer["application"];
        assert_eq!(["status", "revision", "decidedAt"].map(|name| shown[name].clone()), [json!("AWARDED"), json!(4), json!("2026-11-23T10:00:00Z")]);
        assert_eq!(shown["awarded"], json!({"amount": "150000.50", "currency": "EUR"}));
        assert_eq!(shown["decisions"], json!([{"funder": {"slug": "w"}, "status": "AWARDED", "amount": {"amount": "150000.50", "currency": "EUR"}, "note": "Good.", "decidedAt": "2026-11-23T10:00:00Z"}]));
        for answer in [award(&stage.wallonie, &id, euros("1"), None).await, reject(&stage.wallonie, &id, Some("w")).await] {
            assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE funder".to_owned()], "DECIDED_ALREADY"));
        }
        server.set_clock("2026-11-23T11:00:00Z");
        let answer = reject(&stage.flandre, &id, None).await;
        assert_eq!((decisions(&answer), &answer["application"]["status"]), (vec!["w AWARDED 150000.50".to_owned(), "f REJECTED -".to_owned()], &json!("AWARDED")));
        // Rejected once all have rejected.
        let id = submitted(&stage.member, &stage.call, animation()).await;
        let answer = reject(&stage.wallonie, &id, None).await;
        assert_eq!(["status", "decidedAt"].map(|name| answer["application"][name].clone()), [json!("SUBMITTED"), Value::Null]);
        server.set_clock("2026-11-24T10:00:00Z");
        let answer = reject(&stage.flandre, &id, None).await;
        assert_eq!(["status", "decidedAt"].map(|name| answer["application"][name].clone()), [json!("REJECTED"), json!("2026-11-24T10:00:00Z")]);
        assert_eq!(reason(&award(&stage.flandre, &id, euros("1"), None).await), "APPLICATION_STATE");
        // In a lot without funders those of the fund decide: Wallonia has two.
        let id = submitted(&stage.member, &stage.call, web("a", "300000")).await;
        let answer = award(&stage.wallonie, &id, euros("1"), None).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["REQUIRED funder".to_owned()], "FUNDER_NEEDED"));
        assert_eq!(decisions(&award(&stage.wallonie, &id, euros("100000"), Some("w2")).await), ["w2 AWARDED 100000.00"]);
        assert_eq!(award(&stage.npdc, &id, euros("200000"), None).await["application"]["awarded"]["amount"], "300000.00");
        // A draft is nobody's to decide on.
        let draft = id_of(&crate::applications::apply(&stage.member, &stage.call, animation(), None).await);
        assert_eq!(told(&award(&stage.wallonie, &draft, euros("1"), None).await), ["NOT_FOUND id"]);
    }
}

on_both_databases! {
    async fn an_award_exceeds_nothing_and_all_that_is_wrong_is_told_at_once(server) {
        let stage = stage(&server).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        for (amount, why) in [
            (euros("0"), "amount AMOUNT_NOT_ABOVE_ZERO"),
            (euros("-5"), "amount AMOUNT_NOT_ABOVE_ZERO"),
            (euros("1000000000000000"), "amount INVALID"),
            (json!({"amount": "x", "currency": "EUR"}), "amount.amount INVALID"),
            (json!({"amount": "1", "currency": "ECU"}), "amount.currency INVALID"),
            (json!({"amount": "1", "currency": "USD"}), "amount.currency AMOUNT_CURRENCY"),
            (euros("200000.01"), "amount AWARD_ABOVE_REQUEST"),
        ] {
            assert_eq!(reasons(&award(&stage.wallonie, &id, amount, None).await), [why]);
        }
        assert_eq!(reasons(&award(&stage.wallonie, &id, euros("700000"), None).await), ["amount AWARD_ABOVE_REQUEST", "amount AWARD_ABOVE_SHARE", "amount AWARD_ABOVE_LOT"]);
        for (funder, why) in [("n", "funder NO_FUNDER"), ("f", "funder NOT_YOUR_FUNDER"), ("ghost", "funder REFERENCE_UNKNOWN")] {
            assert_eq!(reasons(&award(&stage.wallonie, &id, euros("-1"), Some(funder)).await), [why, "amount AMOUNT_NOT_ABOVE_ZERO"]);
            assert_eq!(reasons(&reject(&stage.wallonie, &id, Some(funder)).await), [why]);
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application_decision").await, 0);
        assert_eq!(told(&award(&stage.wallonie, &id, euros("200000"), None).await), [""; 0]);
        assert_eq!(reasons(&award(&stage.flandre, &id, euros("0.01"), None).await), ["amount AWARD_ABOVE_REQUEST"]);
        // What a funder has left in its lot, and in the fund.
        let second = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(reasons(&award(&stage.wallonie, &second, euros("50000.01"), None).await), ["amount AWARD_ABOVE_SHARE"]);
        let other = submitted(&stage.member, &stage.call, web("a", "600000")).await;
        assert_eq!(reasons(&award(&stage.wallonie, &other, euros("400000.01"), Some("w")).await), ["amount AWARD_ABOVE_SHARE"]);
        assert_eq!(told(&award(&stage.wallonie, &other, euros("400000"), Some("w")).await), [""; 0]);
        assert_eq!(reasons(&award(&stage.wallonie, &second, euros("0.01"), None).await), ["amount AWARD_ABOVE_SHARE"], "what w gave elsewhere is not left here");
        assert_eq!(told(&reject(&stage.wallonie, &second, None).await), [""; 0]);
    }
}

on_both_databases! {
    async fn the_call_is_awarded_once_it_is_closed_and_all_is_decided(server) {
        let stage = stage(&server).await;
        let (one, two) = (submitted(&stage.member, &stage.call, animation()).await, submitted(&stage.member, &stage.call, animation()).await);
        let gone = submitted(&stage.member, &stage.call, animation()).await;
        let before = logged(&server).await;
        assert_eq!(told(&award(&stage.wallonie, &one, euros("1000"), None).await), [""; 0]);
        assert_eq!(told(&reject(&stage.wallonie, &two, None).await), [""; 0]);
        assert_eq!((status(&server, &stage.call).await, logged(&server).await), ("OPEN".to_owned(), before), "nothing is told while it is open");
        server.set_clock(AFTER);
        assert_eq!(status(&server, &stage.call).await, "CLOSED");
        assert_eq!(told(&reject(&stage.flandre, &two, None).await), [""; 0]);
        assert_eq!(status(&server, &stage.call).await, "CLOSED", "one is not decided");
        // What was taken back does not count.
        assert_eq!(tell(&stage.member, "withdraw", &gone).await["application"]["status"], "WITHDRAWN");
        assert_eq!(status(&server, &stage.call).await, "AWARDED");
        let (seen, told_before) = (revision(&server, &stage.call).await, logged(&server).await);
        // A further award is a further revision, so that whoever follows the call learns of it.
        server.set_clock("2026-12-02T00:00:00Z");
        assert_eq!(told(&award(&stage.flandre, &one, euros("2000"), None).await), [""; 0]);
        assert_eq!((status(&server, &stage.call).await, logged(&server).await), ("AWARDED".to_owned(), told_before + 1));
        assert_eq!(revision(&server, &stage.call).await, json!(seen.as_i64().unwrap() + 1));
        // A call that is opened again is not awarded, and takes applications.
        let opened = update(&stage.wallonie, "callForProjects", &stage.call, None, json!({"closesAt": "2026-12-31T00:00:00Z"}), "status").await;
        assert_eq!(opened["callForProjects"]["status"], "OPEN");
        submitted(&stage.member, &stage.call, animation()).await;
        let closed = update(&stage.wallonie, "callForProjects", &stage.call, None, json!({"closesAt": "2026-12-01T23:00:00Z"}), "status").await;
        assert_eq!(closed["callForProjects"]["status"], "CLOSED");
    }
}

on_both_databases! {
    async fn what_was_decided_before_the_call_closed_is_told_with_its_turn(server) {
        let stage = stage(&server).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(told(&award(&stage.wallonie, &id, euros("1000"), None).await), [""; 0]);
        server.set_clock(AFTER);
        assert_eq!(passerelle::directory::call_for_projects::turn::run_due(&server.app).await.unwrap(), 1);
        assert_eq!(status(&server, &stage.call).await, "AWARDED");
        assert_eq!(passerelle::directory::call_for_projects::turn::run_due(&server.app).await.unwrap(), 0);
    }
}

on_both_databases! {
    async fn a_contribution_that_does_not_count_decides_nothing(server) {
        let stage = stage_with(&server, json!({"contributions": [gives("w", "600000")], "lots": [{"genre": WEB}]})).await;
        let more = json!({"contributions": [gives("w", "600000"), gives("n", "350000")]});
        assert_eq!(told(&update(&stage.wallonie, "callForProjects", &stage.call, None, more, "id").await), [""; 0]);
        let id = submitted(&stage.member, &stage.call, web("a", "900000")).await;
        assert_eq!(told(&award(&stage.npdc, &id, euros("1"), None).await), ["NOT_FOUND id"], "its staff do not even see it");
        assert_eq!(reasons(&award(&stage.wallonie, &id, euros("1"), Some("n")).await), ["funder NO_FUNDER"]);
        let arguments = [("id", "ID!", json!(stage.call)), ("organization", "ID!", json!("n"))];
        assert_eq!(told(&call(&stage.npdc, "confirmContribution", "callForProjects { id }", &arguments).await), [""; 0]);
        assert_eq!(award(&stage.npdc, &id, euros("350000"), None).await["application"]["status"], "AWARDED");
    }
}

on_both_databases! {
    async fn what_was_submitted_keeps_its_call_and_its_organizations(server) {
        let stage = stage(&server).await;
        let all = server.beside(admin()).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        let answer = delete(&stage.wallonie, "callForProjects", &stage.call, None).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "REFERRED_TO"));
        assert_eq!(told(&award(&stage.wallonie, &id, euros("1"), None).await), [""; 0]);
        for slug in ["a", "w"] {
            let data = all.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
            let answer = delete(&all, "organization", data["organization"]["id"].as_str().unwrap(), None).await;
            assert_eq!(reason(&answer), "REFERRED_TO", "{slug}");
            assert!(!answer["userErrors"][0]["message"].as_str().unwrap().contains("application"), "{answer}");
        }
        // Drafts keep nothing.
        let empty = crate::mutations::made(&all, "callForProjects", crate::applications::input(json!({"slug": "second"}))).await;
        let draft = id_of(&crate::applications::apply(&stage.member, &empty, json!({"projectTitle": "x", "applicant": "a", "partners": ["p"]}), None).await);
        assert_eq!(delete(&all, "callForProjects", &empty, None).await["deletedId"], json!(empty));
        assert_eq!(told(&remove(&stage.member, &draft).await), ["NOT_FOUND id"]);
        assert_eq!((number(&server, "SELECT COUNT(*) FROM application").await, number(&server, "SELECT COUNT(*) FROM application_partner").await), (1, 0));
    }
}
