//! The status of a call, which turns with the clock, and the revisions that tell of it.

use passerelle::directory::call_for_projects::turn;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{OF, input, listed, seen};
use crate::mutations::{editor, logged, made, number, told, update};
use crate::on_both_databases;
use crate::support::records::{call_for_projects, import, source};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

async fn turned(server: &TestServer) -> u64 {
    turn::run_due(&server.app).await.expect("turns are written")
}

async fn status(server: &TestServer, id: &str) -> Value {
    seen(server, id, "status").await["status"].clone()
}

on_both_databases! {
    async fn it_opens_and_closes_to_the_second(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let id = made(&wallonie, OF, input(json!({"opensAt": "2026-12-01T08:00:00Z", "closesAt": "2026-12-31T16:00:00Z"}))).await;
        let unlimited = made(&wallonie, OF, input(json!({"slug": "unlimited"}))).await;
        let over = made(&wallonie, OF, input(json!({"slug": "over", "closed": true}))).await;
        for (now, expected) in [
            ("2026-12-01T07:59:59Z", "UPCOMING"), ("2026-12-01T08:00:00Z", "OPEN"), ("2026-12-31T16:00:00Z", "OPEN"), ("2026-12-31T16:00:01Z", "CLOSED"),
        ] {
            server.set_clock(now);
            assert_eq!((status(&server, &id).await, status(&server, &unlimited).await, status(&server, &over).await), (json!(expected), json!("OPEN"), json!("CLOSED")));
            // The filter says the same, in each order.
            for order in ["TITLE", "OPENS_AT", "CLOSES_AT"] {
                for name in ["UPCOMING", "OPEN", "CLOSED"] {
                    let mut found = listed(&server, &format!(", filter: {{statuses: [{name}]}}, orderBy: {{field: {order}}}")).await;
                    found.sort();
                    let all = [("nouveaux-genres", expected), ("over", "CLOSED"), ("unlimited", "OPEN")];
                    let right: Vec<&str> = all.iter().filter(|(_, status)| *status == name).map(|(slug, _)| *slug).collect();
                    assert_eq!(found, right, "{now} {name} {order}");
                }
            }
        }
        assert_eq!(listed(&server, ", filter: {statuses: [OPEN, UPCOMING]}").await, ["unlimited"]);
        assert_eq!(listed(&server, ", filter: {statuses: [AWARDED]}").await, [""; 0]);
    }
}

on_both_databases! {
    async fn each_turn_is_written_once(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let id = made(&wallonie, OF, input(json!({"opensAt": "2026-12-01T08:00:00Z", "closesAt": "2026-12-31T16:00:00Z"}))).await;
        made(&wallonie, OF, input(json!({"slug": "draft", "draft": true, "opensAt": "2026-12-01T08:00:00Z"}))).await;
        assert_eq!(turned(&server).await, 0);
        let before = logged(&server).await;
        server.set_clock("2026-12-01T08:00:00Z");
        assert_eq!((turned(&server).await, turned(&server).await), (1, 0));
        assert_eq!(logged(&server).await, before + 1);
        let staff = wallonie.data(&format!("{{ history(id: \"{id}\", first: 1) {{ nodes {{ action actor fields revision }} }} }}")).await;
        assert_eq!(staff["history"]["nodes"][0]["fields"], json!(["status"]));
        let changes = server.data("{ changes(types: [CALL]) { changes { operation revision record { ... on CallForProjects { status } } } } }").await;
        assert_eq!(changes["changes"]["changes"], json!([{"operation": "UPSERT", "revision": 2, "record": {"status": "OPEN"}}]));
        // Two programs that look at once write it once.
        server.set_clock("2026-12-31T16:00:01Z");
        let other = server.replica().await;
        let both = tokio::join!(turned(&server), turn::run_due(&other));
        assert!(both.0 + both.1.unwrap() >= 1);
        assert_eq!((logged(&server).await, turned(&server).await), (before + 2, 0));
        assert_eq!(seen(&server, &id, "revision status").await, json!({"revision": 3, "status": "CLOSED"}));
        // Who reopens it turns it, and the next turn is its new end.
        assert_eq!(told(&update(&wallonie, OF, &id, Some(3), json!({"closesAt": "2027-02-01T00:00:00Z"}), "id").await), [""; 0]);
        assert_eq!(seen(&server, &id, "revision status").await, json!({"revision": 4, "status": "OPEN"}));
        server.set_clock("2027-02-01T00:00:01Z");
        assert_eq!((turned(&server).await, turned(&server).await), (1, 0));
    }
}

on_both_databases! {
    async fn what_was_missed_is_made_up_once(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let id = made(&wallonie, OF, input(json!({"opensAt": "2026-12-01T08:00:00Z", "closesAt": "2026-12-31T16:00:00Z"}))).await;
        server.set_clock("2027-06-01T00:00:00Z");
        let stop = CancellationToken::new();
        turn::start(&server.app, stop.clone());
        until("the turn is written", async || seen(&server, &id, "revision").await["revision"] == 2).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM call_for_projects WHERE status = 'CLOSED' AND turns_at IS NULL").await, 1);
        // The job waits for the next one.
        let next = made(&wallonie, OF, input(json!({"slug": "next", "opensAt": "2027-06-02T00:00:00Z"}))).await;
        server.set_clock("2027-06-02T00:00:00Z");
        until("the next turn is written", async || seen(&server, &next, "revision").await["revision"] == 2).await;
        assert_eq!(seen(&server, &id, "revision").await["revision"], 2);
        stop.cancel();
    }
}

on_both_databases! {
    async fn a_source_is_not_asked_to_look_at_a_turn_of_the_clock(server) {
        let more = |title: &str| json!({"opensAt": "2026-12-01T00:00:00Z", "titles": [{"language": "FR", "text": title}]});
        import(&server, &[call_for_projects("wallonie", "c", more("a"))]).await;
        server.set_clock("2026-12-01T00:00:00Z");
        assert_eq!(turned(&server).await, 1);
        let origin = format!("SELECT COUNT(*) FROM sync_record WHERE origin = '{}' AND revision = 2", source("wallonie"));
        assert_eq!(number(&server, &origin).await, 1);
        let summary = import(&server, &[call_for_projects("wallonie", "c", more("b"))]).await;
        assert_eq!(summary.updated, 1);
        // What people have changed, the source must see first, also after a turn.
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let id = server.data("{ callForProjects(by: {slug: \"c\"}) { id } }").await["callForProjects"]["id"].as_str().unwrap().to_owned();
        assert_eq!(told(&update(&wallonie, OF, &id, None, json!({"closesAt": "2026-12-05T00:00:00Z"}), "id").await), [""; 0]);
        server.set_clock("2026-12-06T00:00:00Z");
        assert_eq!(turned(&server).await, 1);
        assert_eq!(number(&server, &origin.replace("revision = 2", "revision > 3")).await, 0);
    }
}

on_both_databases! {
    async fn a_day_is_that_of_the_place(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        for (slug, more) in [
            ("brussels", json!({"opensAt": "2026-12-31T23:30:00Z", "closesAt": "2027-01-31T23:30:00Z"})),
            ("montreal", json!({"opensAt": "2026-12-31T23:30:00Z", "closesAt": "2027-01-31T23:30:00Z", "timeZone": "America/Montreal"})),
            ("for-ever", json!({"opensAt": "2027-01-01T12:00:00Z"})),
            ("once", json!({"opensAt": "2027-01-01T12:00:00Z", "closed": true})),
            ("long-over", json!({"closed": true})),
        ] {
            let mut given = input(more);
            given["slug"] = json!(slug);
            made(&wallonie, OF, given).await;
        }
        for (day, open) in [
            ("2026-12-30", ""), ("2026-12-31", "montreal"), ("2027-01-01", "brussels for-ever montreal once"), ("2027-01-31", "brussels for-ever montreal"),
            ("2027-02-01", "brussels for-ever"), ("2027-02-02", "for-ever"),
        ] {
            for order in ["TITLE", "CLOSES_AT", "UPDATED_AT"] {
                let mut found = listed(&server, &format!(", filter: {{openOn: \"{day}\"}}, orderBy: {{field: {order}}}")).await;
                found.sort();
                assert_eq!(found.join(" "), open, "{day} {order}");
            }
        }
    }
}

on_both_databases! {
    with Setup::default();
    async fn a_tag_is_another_one_after_a_turn(server) {
        let wallonie = server.beside(editor(&["wallonie"])).await;
        made(&wallonie, OF, input(json!({"opensAt": "2026-11-22T12:00:00Z", "closesAt": "2026-11-22T13:00:00Z"}))).await;
        let get = async |tag: Option<&str>| {
            let url = server.url("/graphql?query={callsForProjects{nodes{status}}}");
            let request = server.client.get(url).header("accept", "application/json");
            let request = tag.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
            let response = request.send().await.unwrap();
            let tag = response.headers()["etag"].to_str().unwrap().to_owned();
            (response.status().as_u16(), tag, response.text().await.unwrap())
        };
        let (_, mut tag, text) = get(None).await;
        assert!(text.contains("UPCOMING"), "{text}");
        assert_eq!(get(Some(&tag)).await.0, 304);
        for (now, word) in [("2026-11-22T12:00:00Z", "OPEN"), ("2026-11-22T13:00:01Z", "CLOSED")] {
            server.set_clock(now);
            let (code, next, text) = get(Some(&tag)).await;
            assert_eq!(code, 200, "nothing is written yet, and the status has turned");
            assert!(text.contains(word), "{text}");
            assert_eq!(get(Some(&next)).await.0, 304);
            tag = next;
        }
    }
}
