//! Many at the same moment: what is left is never exceeded, and a funder decides once.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;

use super::{
    ANIMATION, CLOSES, LAST, animation, apply, award, euros, id_of, reject, stage, submitted, tell, web,
};
use crate::mutations::{number, reason, told};
use crate::on_both_databases;

/// Callers at once.
const CALLERS: usize = 50;

on_both_databases! {
    async fn fifty_awards_at_once_exceed_nothing(server) {
        let stage = stage(&server).await;
        let mut ids = Vec::new();
        for _ in 0..CALLERS {
            ids.push(submitted(&stage.member, &stage.call, animation()).await);
        }
        // The funders of the lot have 250,000.00 each: eight awards of 30,000.00 fit, and no ninth.
        let calls = ids.iter().enumerate().map(|(at, id)| {
            let by = if at % 2 == 0 { &stage.wallonie } else { &stage.flandre };
            award(by, id, euros("30000"), None)
        });
        let answers = join_all(calls).await;
        let good = answers.iter().filter(|answer| answer["userErrors"] == json!([])).count();
        let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
        for answer in answers.iter().filter(|answer| answer["userErrors"] != json!([])) {
            *refused.entry(answer["userErrors"][0]["reason"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!((good, refused), (16, [("AWARD_ABOVE_SHARE", CALLERS - 16)].into()));
        let sum = format!("SELECT CAST(SUM(amount_whole) AS BIGINT) FROM application_decision WHERE genre = '{ANIMATION}'");
        assert_eq!(number(&server, &sum).await, 480_000);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application WHERE status = 'AWARDED'").await, 16);
    }
}

on_both_databases! {
    async fn fifty_awards_for_one_application_exceed_neither_the_request_nor_the_fund(server) {
        let stage = stage(&server).await;
        let small = submitted(&stage.member, &stage.call, web("a", "150000")).await;
        let big = submitted(&stage.member, &stage.call, web("a", "1300000")).await;
        // Three funders at once for what only one of them may give.
        let calls = (0..CALLERS).map(|at| match at % 3 {
            0 => award(&stage.wallonie, &small, euros("100000"), Some("w")),
            1 => award(&stage.flandre, &small, euros("100000"), None),
            _ => award(&stage.npdc, &small, euros("100000"), None),
        });
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer["userErrors"] == json!([])).count(), 1);
        // One funder that decides fifty times has decided once.
        let (by, big) = (&stage.npdc, &big);
        let calls = (0..CALLERS).map(|at| async move {
            if at % 2 == 0 { award(by, big, euros("1"), None).await } else { reject(by, big, None).await }
        });
        let answers = join_all(calls).await;
        let (good, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["userErrors"] == json!([]));
        assert_eq!(good.len(), 1);
        assert!(late.iter().all(|answer| reason(answer) == "DECIDED_ALREADY"), "{late:?}");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application_decision").await, 2);
    }
}

on_both_databases! {
    async fn fifty_submissions_at_the_last_instant_are_taken_once_each(server) {
        let stage = stage(&server).await;
        let drafts = join_all((0..25).map(|_| apply(&stage.member, &stage.call, animation(), None))).await;
        let drafts: Vec<String> = drafts.iter().map(id_of).collect();
        server.set_clock(LAST);
        let answers = join_all(drafts.iter().chain(&drafts).map(|id| tell(&stage.member, "submit", id))).await;
        let good = answers.iter().filter(|answer| answer["userErrors"] == json!([]));
        assert!(good.clone().all(|answer| answer["application"]["submittedAt"] == CLOSES));
        assert_eq!(good.count(), 25);
        let late = answers.iter().filter(|answer| answer["userErrors"] != json!([]));
        assert!(late.map(reason).all(|reason| reason == "APPLICATION_STATE"));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application WHERE status = 'SUBMITTED' AND revision = 2").await, 25);
        assert_eq!(told(&tell(&stage.member, "withdraw", &drafts[0]).await), [""; 0]);
    }
}
