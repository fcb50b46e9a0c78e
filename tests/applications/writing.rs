//! Writing: from a draft to a submission, by the criteria of the lot and the clock.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::{
    AFTER, ANIMATION, CLOSES, FIELDS, LAST, OPENS, animation, apply, award, change, euros, id_of, reasons,
    reject, remove, stage, stage_with, submitted, tell, web,
};
use crate::mutations::{number, reason, told};
use crate::on_both_databases;

const COUNT: &str = "SELECT COUNT(*) FROM application";

on_both_databases! {
    async fn what_was_written_is_read_and_submitted(server) {
        let stage = stage(&server).await;
        let whole = json!({
            "genre": ANIMATION, "projectTitle": " Les Petits Pas ", "summary": "Une série.", "applicant": "a", "partners": ["p", "b", "p"],
            "requested": euros("200000"), "projectBudget": euros("400000.5"), "episodes": 26, "minutes": "5.5",
            "links": [{"label": "Dossier", "url": "https://example.org/dossier.pdf"}],
        });
        let answer = apply(&stage.member, &stage.call, whole.clone(), None).await;
        let id = id_of(&answer);
        let draft = json!({
            "id": id, "status": "DRAFT", "revision": 1, "genre": {"slug": ANIMATION}, "projectTitle": "Les Petits Pas", "summary": "Une série.",
            "applicant": {"slug": "a"}, "partners": [{"slug": "p"}, {"slug": "b"}], "requested": {"amount": "200000.00", "currency": "EUR"},
            "projectBudget": {"amount": "400000.50", "currency": "EUR"}, "episodes": 26, "minutes": "5.5",
            "links": [{"label": "Dossier", "url": "https://example.org/dossier.pdf"}], "awarded": null, "submittedAt": null, "decidedAt": null, "decisions": [],
        });
        assert_eq!(answer["application"], draft);
        let node = stage.member.data(&format!("{{ node(id: \"{id}\") {{ ... on Application {{ {FIELDS} call {{ slug status }} }} }} }}")).await;
        let mut with_call = draft.clone();
        with_call["call"] = json!({"slug": "genres", "status": "OPEN"});
        assert_eq!(node["node"], with_call);
        // The same again changes nothing; an absent field keeps, null clears, a list replaces.
        assert_eq!(change(&stage.member, &id, Some(1), whole).await["application"]["revision"], 1);
        let answer = change(&stage.member, &id, Some(1), json!({"summary": null, "partners": ["b"], "links": null})).await;
        assert_eq!(["summary", "partners", "links", "revision", "episodes"].map(|name| answer["application"][name].clone()), [json!(null), json!([{"slug": "b"}]), json!([]), json!(2), json!(26)]);
        let answer = change(&stage.member, &id, Some(1), json!({"summary": "x"})).await;
        assert_eq!((told(&answer), &answer["application"]["revision"]), (vec!["CONFLICT baseRevision".to_owned()], &json!(2)), "as somebody else has left it");
        let answer = tell(&stage.member, "submit", &id).await;
        assert_eq!(["status", "revision", "submittedAt"].map(|name| answer["application"][name].clone()), [json!("SUBMITTED"), json!(3), json!("2026-11-22T10:00:00Z")]);
        // It stays submitted when it is changed, and is checked at once.
        let answer = change(&stage.member, &id, None, json!({"requested": euros("200000.25")})).await;
        assert_eq!(["status", "revision"].map(|name| answer["application"][name].clone()), [json!("SUBMITTED"), json!(4)]);
        let answer = change(&stage.member, &id, None, json!({"episodes": 31, "genre": null, "requested": euros("200000.26")})).await;
        assert_eq!(reasons(&answer), ["input.genre REQUIRED"]);
        let answer = change(&stage.member, &id, None, json!({"episodes": 31, "requested": euros("200000.26")})).await;
        assert_eq!(reasons(&answer), ["input.requested ABOVE_AID_SHARE", "input.episodes ABOVE_MAXIMUM"]);
        let data = stage.member.data(&format!("{{ viewer {{ applications {{ totalCount nodes {{ {FIELDS} }} }} }} }}")).await;
        assert_eq!((&data["viewer"]["applications"]["totalCount"], &data["viewer"]["applications"]["nodes"][0]["episodes"]), (&json!(1), &json!(26)));
        // What was submitted is taken back, and not deleted.
        assert_eq!(reason(&remove(&stage.member, &id).await), "APPLICATION_STATE");
        let answer = tell(&stage.member, "withdraw", &id).await;
        assert_eq!(answer["application"]["status"], "WITHDRAWN");
        for answer in [tell(&stage.member, "submit", &id).await, tell(&stage.member, "withdraw", &id).await, change(&stage.member, &id, None, json!({"summary": "x"})).await] {
            assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "APPLICATION_STATE"));
        }
        // A draft goes for good.
        let draft = id_of(&apply(&stage.member, &stage.call, json!({"projectTitle": "x", "applicant": "a", "partners": ["p"]}), None).await);
        assert_eq!(remove(&stage.member, &draft).await, json!({"deletedId": draft, "userErrors": []}));
        assert_eq!(told(&remove(&stage.member, &draft).await), ["NOT_FOUND id"]);
        assert_eq!((number(&server, COUNT).await, number(&server, "SELECT COUNT(*) FROM application_partner").await), (1, 1));
        // Nothing of it is in the log.
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log WHERE record_type NOT IN ('ORGANIZATION', 'CALL')").await, 0);
    }
}

on_both_databases! {
    async fn all_that_is_wrong_is_told_at_once(server) {
        let stage = stage(&server).await;
        let dollars = json!({"amount": "1", "currency": "USD"});
        let wrong = json!({
            "genre": "opera", "projectTitle": "<b>", "summary": "x".repeat(20_001), "applicant": "nobody", "partners": ["p", "ghost"],
            "requested": euros("-1"), "projectBudget": {"amount": "1.23456", "currency": "ECU"}, "episodes": 0, "minutes": "1441",
            "links": [{"label": "x", "url": "example"}],
        });
        let answer = apply(&stage.member, &stage.call, wrong, None).await;
        let mut found = reasons(&answer);
        found.sort();
        assert_eq!(found, [
            "input.applicant REFERENCE_UNKNOWN", "input.episodes BELOW_MINIMUM", "input.genre UNKNOWN_TERM", "input.links.0.url INVALID",
            "input.minutes MINUTES_OUT_OF_RANGE", "input.partners.1 REFERENCE_UNKNOWN", "input.projectBudget.currency INVALID",
            "input.projectTitle MARKUP", "input.requested AMOUNT_NOT_ABOVE_ZERO", "input.summary TOO_LONG",
        ]);
        assert_eq!(told(&apply(&stage.member, &stage.call, json!({}), None).await), ["REQUIRED input.projectTitle", "REQUIRED input.applicant"]);
        let own = json!({"projectTitle": "x", "applicant": "a", "partners": ["p", "a"], "requested": euros("1000000000000000")});
        assert_eq!(reasons(&apply(&stage.member, &stage.call, own, None).await), ["input.partners.1 PARTNER_APPLIES", "input.requested INVALID"]);
        assert_eq!(number(&server, COUNT).await, 0, "nothing was written");
        // What a lot asks for is checked when the application is submitted.
        let draft = id_of(&apply(&stage.member, &stage.call, json!({"projectTitle": "x", "applicant": "a"}), None).await);
        assert_eq!(told(&tell(&stage.member, "submit", &draft).await), ["REQUIRED requested", "REQUIRED genre"]);
        let more = json!({"genre": ANIMATION, "requested": euros("250000.01"), "projectBudget": euros("500000"), "episodes": 9, "minutes": "2.99"});
        assert_eq!(told(&change(&stage.member, &draft, None, more).await), [""; 0]);
        assert_eq!(reasons(&tell(&stage.member, "submit", &draft).await), ["requested ABOVE_CEILING", "requested ABOVE_AID_SHARE", "episodes BELOW_MINIMUM", "minutes BELOW_MINIMUM"]);
        let more = json!({"genre": "serious-game", "requested": dollars, "projectBudget": dollars});
        assert_eq!(told(&change(&stage.member, &draft, None, more).await), [""; 0]);
        let answer = tell(&stage.member, "submit", &draft).await;
        assert_eq!(reasons(&answer), ["requested.currency AMOUNT_CURRENCY", "projectBudget.currency AMOUNT_CURRENCY", "genre GENRE_WITHOUT_LOT"]);
        assert_eq!(answer["application"], Value::Null);
        // In the reader's language.
        let request = stage.member.client.post(stage.member.url("/graphql")).header("accept-language", "nl");
        let query = format!("mutation {{ submitApplication(id: \"{draft}\") {{ userErrors {{ message }} }} }}");
        let answer: Value = request.json(&json!({"query": query})).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"]["submitApplication"]["userErrors"][0]["message"], "Deze oproep geeft geld in EUR: geef het bedrag in deze munt.");
        // A lot may be for the organizations of some regions.
        let all = server.beside(crate::mutations::admin()).await;
        let far = crate::mutations::made(&all, "organization", crate::mutations::studio("nord-pas-de-calais", "far")).await;
        let far = server.beside(crate::applications::member_of(9, &far)).await;
        let mut other = animation();
        other["applicant"] = json!("far");
        let other = id_of(&apply(&far, &stage.call, other, None).await);
        assert_eq!(reasons(&tell(&far, "submit", &other).await), ["applicant REGION_NOT_ELIGIBLE"]);
        let kept = change(&far, &other, None, json!({"genre": crate::applications::WEB})).await;
        assert_eq!(told(&kept), [""; 0]);
        assert_eq!(tell(&far, "submit", &other).await["application"]["status"], "SUBMITTED");
    }
}

on_both_databases! {
    async fn the_call_decides_until_when_to_the_second(server) {
        let stage = stage(&server).await;
        let [draft, late, kept] = [(); 3].map(|()| apply(&stage.member, &stage.call, animation(), None));
        let (draft, late, kept) = (id_of(&draft.await), id_of(&late.await), id_of(&kept.await));
        server.set_clock("2026-11-19T23:59:59Z");
        let answer = tell(&stage.member, "submit", &draft).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "CALL_NOT_OPEN"));
        assert_eq!(told(&change(&stage.member, &draft, None, json!({"summary": "Written before."})).await), [""; 0]);
        server.set_clock(OPENS);
        assert_eq!(tell(&stage.member, "submit", &draft).await["application"]["status"], "SUBMITTED");
        server.set_clock(LAST);
        assert_eq!(tell(&stage.member, "submit", &late).await["application"]["submittedAt"], CLOSES);
        assert_eq!(told(&change(&stage.member, &draft, None, json!({"summary": "Written at the last instant."})).await), [""; 0]);
        server.set_clock(AFTER);
        for (answer, path) in [
            (apply(&stage.member, &stage.call, animation(), None).await, "CLOSED call"),
            (tell(&stage.member, "submit", &kept).await, "CLOSED id"),
            (change(&stage.member, &kept, None, json!({"summary": "x"})).await, "CLOSED id"),
            (change(&stage.member, &draft, None, json!({"summary": "x"})).await, "CLOSED id"),
        ] {
            assert_eq!((told(&answer), reason(&answer)), (vec![path.to_owned()], "CALL_CLOSED"));
        }
        // A draft may still be deleted, and a submission taken back.
        assert_eq!(remove(&stage.member, &kept).await["deletedId"], json!(kept));
        assert_eq!(tell(&stage.member, "withdraw", &late).await["application"]["status"], "WITHDRAWN");
    }
}

on_both_databases! {
    async fn the_same_request_makes_one_application(server) {
        let stage = stage(&server).await;
        let calls = (0..50).map(|_| apply(&stage.member, &stage.call, animation(), Some("k")));
        let answers = futures::future::join_all(calls).await;
        let ids: std::collections::BTreeSet<String> = answers.iter().map(id_of).collect();
        assert_eq!((ids.len(), number(&server, COUNT).await), (1, 1));
        let answer = apply(&stage.member, &stage.call, web("a", "1"), Some("k")).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["CONFLICT idempotencyKey".to_owned()], "IDEMPOTENCY_MISMATCH"));
        assert_eq!(told(&apply(&stage.member, &stage.call, animation(), Some("")).await), ["INVALID idempotencyKey"]);
        // A refused request leaves no key behind.
        let refused = apply(&stage.member, &stage.call, json!({"projectTitle": "x"}), Some("l")).await;
        assert_eq!(told(&refused), ["REQUIRED input.applicant"]);
        id_of(&apply(&stage.member, &stage.call, json!({"projectTitle": "x", "applicant": "a"}), Some("l")).await);
        let only = ids.iter().next().unwrap();
        assert_eq!(remove(&stage.member, only).await["deletedId"], json!(only));
        let gone = apply(&stage.member, &stage.call, animation(), Some("k")).await;
        assert_eq!((told(&gone), reason(&gone)), (vec!["NOT_FOUND idempotencyKey".to_owned()], "RECORD_GONE"));
    }
}

on_both_databases! {
    async fn what_a_funder_has_decided_on_is_not_changed(server) {
        let stage = stage(&server).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(reject(&stage.flandre, &id, None).await["application"]["status"], "SUBMITTED");
        let answer = change(&stage.member, &id, None, json!({"requested": euros("1")})).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "A_FUNDER_HAS_DECIDED"));
        assert_eq!(tell(&stage.wallonie, "shortlist", &id).await["application"]["status"], "SHORTLISTED");
        assert_eq!(reason(&change(&stage.member, &id, None, json!({"requested": euros("1")})).await), "APPLICATION_STATE");
        assert_eq!(award(&stage.wallonie, &id, euros("1"), None).await["application"]["status"], "AWARDED");
        for answer in [tell(&stage.member, "withdraw", &id).await, remove(&stage.member, &id).await, tell(&stage.wallonie, "shortlist", &id).await] {
            assert_eq!(reason(&answer), "APPLICATION_STATE");
        }
    }
}

on_both_databases! {
    async fn another_instance_takes_the_applications_to_its_calls(server) {
        let stage = stage(&server).await;
        let draft = id_of(&apply(&stage.member, &stage.call, animation(), None).await);
        let followed = "UPDATE call_for_projects SET followed = TRUE";
        server.app.db.writer().execute_unprepared(followed).await.expect("a statement");
        for (answer, path) in [
            (apply(&stage.member, &stage.call, animation(), None).await, "call"),
            (tell(&stage.member, "submit", &draft).await, "id"),
            (change(&stage.member, &draft, None, json!({"summary": "x"})).await, "id"),
        ] {
            assert_eq!((told(&answer), reason(&answer)), (vec![format!("NOT_ALLOWED_IN_STATE {path}")], "CALL_ELSEWHERE"));
        }
    }
}

on_both_databases! {
    async fn a_call_without_lots_or_criteria_takes_any_genre(server) {
        let stage = stage_with(&server, json!({"lots": [], "opensAt": null, "closesAt": null})).await;
        let mut free = web("a", "650000");
        free["genre"] = json!("serious-game");
        let id = submitted(&stage.member, &stage.call, free).await;
        server.set_clock("2036-01-01T00:00:00Z");
        assert_eq!(award(&stage.npdc, &id, euros("350000"), None).await["application"]["awarded"]["amount"], "350000.00");
        let second = submitted(&stage.member, &stage.call, web("a", "1")).await;
        assert_eq!(reasons(&award(&stage.npdc, &second, euros("0.01"), None).await), ["amount AWARD_ABOVE_SHARE"]);
    }
}
