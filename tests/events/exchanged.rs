//! Events in files, pushes, the feed and copies.

use passerelle::exchange::import::file::{self, Report};
use passerelle::exchange::import::line::Fault;
use serde_json::{Value, json};

use super::listed;
use crate::mutations::{admin, editor, number};
use crate::on_both_databases;
use crate::push::{batch, item, partner, push_input, sources, statuses};
use crate::support::records::{event, import, import_text, ndjson, options, organization, source, talent};
use crate::support::server::TestServer;

fn whole() -> Value {
    event(
        "wallonie",
        "fair",
        json!({"kind": "trade-mission", "mode": "HYBRID", "status": "POSTPONED", "regions": ["wallonie", "nord-pas-de-calais"],
        "titles": [{"language": "FR", "text": "Foire"}], "descriptions": [{"language": "FR", "text": "À voir"}], "series": "fairs", "edition": 2, "parent": "biennial",
        "startsOn": "2026-10-24", "endsOn": "2026-10-25", "startsAt": "2026-10-24T08:00:00+02:00", "endsAt": "2026-10-25T18:00:00+01:00", "timeZone": "Europe/Paris",
        "openingHours": [{"date": "2026-10-25", "opens": "09:00", "closes": "18:00", "venue": "A"}], "venue": "Delta", "venueOrganization": "host",
        "address": {"country": "BE", "city": "Namur"}, "territory": "namur", "website": "https://example.org/", "onlineUrl": "https://meet.example.org/",
        "organizers": ["host"], "partners": ["test-wallonie:org-host"], "speakers": ["ana"], "sectors": ["animation"],
        "programme": [{"kind": "stand", "count": 4}, {"kind": "conference", "titles": [{"language": "FR", "text": "Parole"}], "startsAt": "2026-10-24T10:00:00Z", "room": "1",
            "speakers": ["test-wallonie:tal-ana", "ana"], "organizations": ["host"]}],
        "expectedAttendance": 100, "attendance": 90, "capacity": 80, "registrationMode": "OPEN", "registrationClosesAt": "2026-10-20T00:00:00Z",
        "sources": [{"title": "Article"}], "claims": [{"field": "attendance", "value": "près de 90", "qualifier": "APPROXIMATELY", "source": {"title": "Article"}}]}),
    )
}

/// The event and all that it refers to, in an order in which references come first or last.
fn lines(references_first: bool) -> Vec<Value> {
    let mut lines = vec![
        organization("wallonie", "host", json!({})),
        talent("wallonie", "ana", json!({})),
        event("wallonie", "biennial", json!({"startsOn": "2026"})),
        whole(),
    ];
    if !references_first {
        lines.reverse();
    }
    lines
}

const FIELDS: &str = "id revision externalId { source id } kind { slug } mode status titles { text } descriptions { text } series edition parent { slug } regions { slug } startsOn endsOn startsAt endsAt
    timeZone openingHours { date opens closes opensAt closesAt venue } venue venueOrganization { slug } address { city } territory { slug } website onlineUrl organizers { slug } partners { slug }
    speakers { slug } programme { id kind { slug } title count startsAt room speakers { slug } organizations { slug } } sectors { slug } expectedAttendance attendance capacity registrationMode
    registrationClosesAt sources { title } claims { field value qualifier }";

async fn shown(server: &TestServer) -> Value {
    let all = server.beside(admin()).await;
    all.data(&format!("{{ event(by: {{slug: \"fair\"}}) {{ {FIELDS} }} }}")).await["event"].take()
}

#[derive(Default)]
struct Notes(Vec<(u64, String)>);

impl Report for Notes {
    fn bytes(&mut self, _: u64) {}

    fn lines(&mut self, _: u64) {}

    fn bad_line(&mut self, number: u64, fault: &Fault) {
        self.0.push((number, format!("bad {}: {}", fault.path, fault.message)));
    }

    fn note(&mut self, number: u64, text: &str) {
        self.0.push((number, text.to_owned()));
    }
}

on_both_databases! {
    async fn a_file_brings_events_and_the_same_file_changes_nothing(server) {
        let summary = import(&server, &lines(false)).await;
        assert_eq!((summary.created, summary.bad), (4, 0));
        let event = shown(&server).await;
        assert_eq!((&event["parent"]["slug"], &event["partners"][0]["slug"], &event["programme"][1]["speakers"]), (&json!("biennial"), &json!("host"), &json!([{"slug": "ana"}])));
        assert_eq!((&event["startsAt"], &event["endsAt"], &event["externalId"]["id"]), (&json!("2026-10-24T06:00:00Z"), &json!("2026-10-25T17:00:00Z"), &json!("eve-fair")));
        assert_eq!(event["openingHours"][0]["opensAt"], "2026-10-25T08:00:00Z");
        let again = import(&server, &lines(true)).await;
        assert_eq!((again.unchanged, again.updated), (4, 0));
        assert_eq!(shown(&server).await, event);
        // A circle of parents in a file is refused.
        let (summary, told) = import_text(&server, &ndjson(&[crate::support::records::event("wallonie", "x", json!({"parent": "y"})), crate::support::records::event("wallonie", "y", json!({"parent": "x"}))]), &options()).await;
        assert_eq!((summary.created, told.bad.len()), (0, 2), "{told:?}");
        assert!(told.bad.iter().all(|(_, path, _)| path == "parent"), "{told:?}");
        // What an import takes although it is worth a look stands in its report.
        let twice = crate::support::records::event("wallonie", "clocks", json!({"startsOn": "2026-10-25", "openingHours": [{"date": "2026-10-25", "opens": "02:30", "closes": "18:00"}]}));
        let mut notes = Notes::default();
        let input = Box::new(std::io::Cursor::new(ndjson(&[twice]).into_bytes()));
        let summary = file::run(&server.app, input, &options(), &mut notes).await.expect("the import runs");
        assert_eq!((summary.created, notes.0.len(), notes.0[0].0), (1, 1, 1), "{:?}", notes.0);
        assert!(notes.0[0].1.starts_with("openingHours.0.opens: Clocks go back"), "{:?}", notes.0);
        let gone = json!({"source": source("wallonie"), "externalId": "eve-fair", "delete": true, "event": {}});
        assert_eq!(import(&server, &[gone]).await.updated, 1);
        assert_eq!(listed(&server, "filter: {series: \"fairs\"}").await, "");
        assert_eq!(number(&server, "SELECT (SELECT COUNT(*) FROM event_session) + (SELECT COUNT(*) FROM event_speaker) + (SELECT COUNT(*) FROM event_organization) + (SELECT COUNT(*) FROM event_session_speaker)").await, 0);
    }
}

on_both_databases! {
    async fn a_push_writes_events_with_an_outcome_for_each(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let items: Vec<Value> = lines(true).into_iter().map(|line| item(line, json!({}))).collect();
        let clocks = json!({"startsOn": "2026-10-25", "openingHours": [{"date": "2026-10-25", "opens": "02:30", "closes": "18:00"}]});
        let bad = json!({"startsOn": "2026-10-25", "endsOn": "2026-10-24", "capacity": 0});
        let mut all = items.clone();
        all.push(item(event("wallonie", "clocks", clocks), json!({})));
        all.push(item(event("wallonie", "bad", bad), json!({})));
        let input = batch("wallonie", &all, json!({}));
        let answer = push_input(&own, input.clone()).await;
        assert_eq!(statuses(&answer), ["CREATED", "CREATED", "CREATED", "CREATED", "CREATED", "REJECTED"]);
        let paths: Vec<String> = crate::push::refused(&answer["results"][5]);
        assert_eq!(paths, ["INVALID/NOT_ABOVE_ZERO input.records.5.event.capacity", "INVALID/ENDS_BEFORE_START input.records.5.event.endsOn"]);
        // The warning is told again with the stored outcome.
        let query = "mutation($input: PushRecordsInput!) { pushRecords(input: $input) { replayed results { warnings { code message path } } } }";
        let before = own.query_with(query, json!({"input": batch("wallonie", &all[4..5], json!({"dryRun": true}))})).await;
        let warnings = &before["data"]["pushRecords"]["results"][0]["warnings"];
        assert_eq!((&warnings[0]["code"], &warnings[0]["path"]), (&json!("TIME_TWICE"), &json!(["input", "records", "0", "event", "openingHours", "0", "opens"])));
        let again = own.query_with(query, json!({ "input": input })).await;
        let again = &again["data"]["pushRecords"];
        assert_eq!(again["replayed"], true);
        assert_eq!(again["results"][4]["warnings"][0]["message"], warnings[0]["message"]);
        assert_eq!(again["results"][4]["warnings"][0]["path"], json!(["input", "records", "4", "event", "openingHours", "0", "opens"]));
        assert_eq!(again["results"][3]["warnings"], json!([]));
        let once_more = push_input(&own, batch("wallonie", &items, json!({}))).await;
        assert_eq!(statuses(&once_more), ["UNCHANGED"; 4]);
        let event = shown(&server).await;
        assert_eq!((&event["revision"], event["programme"].as_array().map(Vec::len)), (&json!(1), Some(2)));
    }
}

on_both_databases! {
    async fn the_feed_the_digest_and_the_history_have_events(server) {
        import(&server, &lines(true)).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let feed = desk.data("{ changes(types: [EVENT]) { changes { recordType operation revision record { ... on Event { slug startsOn } } canonical } } }").await;
        let changes = feed["changes"]["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!((&changes[1]["recordType"], &changes[1]["record"]), (&json!("EVENT"), &json!({"slug": "fair", "startsOn": "2026-10-24"})));
        let canonical: Value = serde_json::from_str(changes[1]["canonical"].as_str().unwrap()).unwrap();
        assert_eq!((&canonical["openingHours"][0]["opens"], canonical["programme"].as_array().map(Vec::len)), (&json!("09:00"), Some(2)));
        assert_eq!(desk.data("{ syncDigest(types: [EVENT]) { count } }").await["syncDigest"]["count"], json!(2));
        let id = shown(&server).await["id"].as_str().unwrap().to_owned();
        let update = crate::mutations::update(&desk, "event", &id, None, json!({"capacity": 12, "programme": null}), "revision").await;
        assert_eq!(update["event"]["revision"], 2);
        let history = desk.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ action revision fields }} }} }}")).await;
        let last = &history["history"]["nodes"][0];
        assert_eq!((&last["action"], &last["revision"]), (&json!("UPDATE"), &json!(2)));
        let mut fields: Vec<&str> = last["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["capacity", "programme"]);
        let copy = server.get("/sync/snapshot?types=EVENT").await.text().await.unwrap();
        let line: Value = copy.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["record"]["slug"] == "fair").expect("the event is in the copy");
        assert_eq!((&line["record"]["capacity"], &line["record"]["organizers"][0]["id"].is_string()), (&json!(12), &true));
    }
}
