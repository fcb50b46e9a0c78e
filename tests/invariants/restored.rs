//! I6: an unusable cursor has its own error code, and never data: after the restore of an older backup, and after the
//! promotion of a lagging standby.

use serde_json::{Value, json};

use crate::feed::code;
use crate::on_both_databases;
use crate::push::{org, statuses};
use crate::support::place::{Partner, Place};
use crate::support::postgres::Standalone;
use crate::support::{run, until};

const PAGE: &str =
    "query($after: ChangeCursor) { changes(after: $after) { cursor changes { recordId revision } } }";

async fn page(partner: &Partner, after: &Value) -> Value {
    partner.ask(PAGE, json!({ "after": after })).await.expect("an answer")
}

/// The cursor at the end of the feed, and the number of records before it.
async fn end(partner: &Partner) -> (Value, usize) {
    let answer = page(partner, &Value::Null).await;
    let feed = &answer["data"]["changes"];
    (feed["cursor"].clone(), feed["changes"].as_array().expect("changes").len())
}

async fn push(partner: &Partner, key: &str, count: usize) {
    let records: Vec<Value> =
        (0..count).map(|n| org("wallonie", &format!("{key}-{n}"), json!({}), json!({}))).collect();
    assert_eq!(statuses(&partner.push("w", key, &records).await), vec!["CREATED"; count]);
}

/// Checks that requests from these cursors have this error and no data.
async fn refused(partner: &Partner, positions: &[&Value], expected: (&str, &str)) {
    for after in positions {
        let answer = page(partner, after).await;
        assert_eq!(answer["data"], Value::Null, "{answer}");
        assert_eq!(code(&answer), (expected.0.to_owned(), expected.1.to_owned()), "{answer}");
    }
}

const CHANGED: (&str, &str) = ("CURSOR_FEED_CHANGED", "SNAPSHOT_KEEP_IDS");

/// A partner of a stopped program with three records, and the partner's cursor.
async fn stopped(place: &Place) -> (Partner, Value) {
    let key = place.key(&["w"]).await;
    let mut server = place.serve();
    let partner = Partner::new(server.address(), Some(&key));
    push(&partner, "kept", 3).await;
    let (before, _) = end(&partner).await;
    assert_eq!(server.terminate(), Some(0));
    (partner, before)
}

on_both_databases! {
    async fn an_older_backup_is_noticed(place: Place) {
        let (partner, before) = stopped(&place).await;
        place.back_up().await;

        let mut server = place.serve();
        let partner = partner.at(server.address());
        assert_eq!(
            page(&partner, &before).await["data"]["changes"]["changes"],
            json!([]),
            "a stop changes nothing"
        );
        push(&partner, "lost", 2).await;
        let (after, count) = end(&partner).await;
        assert_eq!(count, 5);
        // The file with the end of the log is written a second later.
        until("the end of the log is kept", async || {
            let kept = std::fs::read_to_string(place.data().join("feed-head"));
            kept.is_ok_and(|text| text.trim().ends_with(" 5"))
        })
        .await;
        server.kill();
        place.restore().await;

        let mut server = place.serve();
        let partner = partner.at(server.address());
        // The cursor from before the backup cannot be trusted: its reader may have read more.
        refused(&partner, &[&before, &after], CHANGED).await;
        let (now, count) = end(&partner).await;
        assert_eq!(count, 3);
        push(&partner, "new", 2).await;
        assert_eq!(page(&partner, &now).await["data"]["changes"]["changes"].as_array().map(Vec::len), Some(2));
        refused(&partner, &[&before, &after], CHANGED).await;
        assert_eq!(server.terminate(), Some(0));

        // The operator claims, wrongly, that nothing was lost.
        place.restore().await;
        let mut server = place.serve_with(&place.url, &["--feed-continues"]);
        let partner = partner.at(server.address());
        refused(&partner, &[&after], ("CURSOR_AHEAD", "SNAPSHOT_AND_ALARM")).await;
        // The feed that began after the first restore is unknown here.
        refused(&partner, &[&now], ("CURSOR_INVALID", "SNAPSHOT")).await;
        push(&partner, "other", 2).await;
        refused(&partner, &[&after], ("CURSOR_FORKED", "SNAPSHOT_AND_ALARM")).await;
        assert_eq!(page(&partner, &before).await["data"]["changes"]["changes"].as_array().map(Vec::len), Some(2));
        assert_eq!(server.terminate(), Some(0));
        place.run(&["feed", "rotate"]);
        let server = place.serve();
        refused(&partner.at(server.address()), &[&before, &after], CHANGED).await;
    }
}

#[test]
fn a_standby_that_lagged_and_takes_over_is_noticed() {
    run(async {
        let Some(mut primary) = Standalone::start().await else { return };
        primary.execute("postgres", "CREATE DATABASE directory").await;
        let place = Place::on(primary.url("directory")).await;
        let (partner, before) = stopped(&place).await;
        let standby = primary.standby().await;
        let server = place.serve();
        let partner = partner.at(server.address());
        push(&partner, "lost", 2).await;
        let (after, _) = end(&partner).await;
        primary.stop();
        drop(server);

        standby.execute("postgres", "SELECT pg_promote()").await;
        // On another machine without the file, as many records are written as were lost.
        let place = Place::at(&standby.url("directory"));
        let server = place.serve();
        let partner = partner.at(server.address());
        refused(&partner, &[&before, &after], CHANGED).await;
        push(&partner, "other", 2).await;
        refused(&partner, &[&before, &after], CHANGED).await;
        assert_eq!(end(&partner).await.1, 5);
    });
}
