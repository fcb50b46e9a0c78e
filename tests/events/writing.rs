//! Writing events: what is taken, and everything that is wrong with an input at once.

use serde_json::{Value, json};

use super::{fair, fairs, refusals, refused};
use crate::mutations::{call, create, delete, editor, logged, made, person, studio, told, update};
use crate::on_both_databases;
use crate::support::server::TestServer;

const FIELDS: &str = "id slug revision kind { slug } mode status title titles { language text } series edition regions { slug } startsOn endsOn startsAt endsAt timeZone
    openingHours { date opens closes opensAt closesAt venue } venue address { city } territory { slug } organizers { slug } partners { slug } speakers { slug }
    programme { id kind { slug } title count startsAt endsAt room speakers { slug } organizations { slug } }
    expectedAttendance attendance capacity registrationMode registrationClosesAt sectors { slug } website onlineUrl claims { field value qualifier }";

async fn world(server: &TestServer) -> TestServer {
    let wallonie = server.beside(editor(&["wallonie"])).await;
    for slug in ["kikk", "wallimage"] {
        made(&wallonie, "organization", studio("wallonie", slug)).await;
    }
    made(&wallonie, "talent", person("wallonie", "ana")).await;
    made(&wallonie, "talent", person("wallonie", "bram")).await;
    wallonie
}

fn whole() -> Value {
    json!({"slug": "kikk-2025", "kind": "festival", "mode": "HYBRID", "region": "wallonie", "regions": ["wallonie", "flandre"],
        "titles": [{"language": "FR", "text": "KIKK Festival"}, {"language": "EN", "text": "KIKK festival"}],
        "series": "kikk", "edition": 14, "startsOn": "2025-10-23", "endsOn": "2025-10-26", "startsAt": "2025-10-23T08:00:00+02:00",
        "openingHours": [{"date": "2025-10-26", "opens": "10:00", "closes": "24:00"}, {"date": "2025-10-25", "opens": "09:00", "closes": "18:00", "venue": "Delta"}],
        "venue": "Le Delta", "address": {"country": "BE", "city": "Namur", "latitude": 50.46, "longitude": 4.86}, "territory": "namur",
        "organizers": ["kikk"], "partners": ["wallimage", "wallimage"], "speakers": ["ana"], "sectors": ["animation"],
        "programme": [
            {"kind": "conference", "count": 3},
            {"kind": "workshop", "titles": [{"language": "FR", "text": "Marionnettes"}], "startsAt": "2025-10-24T09:00:00+02:00", "endsAt": "2025-10-24T11:00:00+02:00",
                "room": "A", "speakers": ["bram", "ana"], "organizations": ["wallimage"]}],
        "expectedAttendance": 15000, "attendance": 20000, "capacity": 400, "registrationMode": "ON_APPROVAL", "registrationClosesAt": "2025-10-20T12:00:00Z",
        "website": "https://kikk.be/", "onlineUrl": "https://meet.example.org/kikk",
        "claims": [{"field": "attendance", "value": "20000", "qualifier": "MORE_THAN", "preferred": true, "source": {"title": "WBI"}},
            {"field": "attendance", "value": "3000", "source": {"title": "WBI, professionals"}}]})
}

on_both_databases! {
    async fn an_event_says_what_was_written(server) {
        let wallonie = world(&server).await;
        let before = logged(&server).await;
        let answer = create(&wallonie, "event", whole(), FIELDS).await;
        assert_eq!(refusals(&answer), [""; 0]);
        let mut event = answer["event"].clone();
        let (id, sessions) = (event["id"].as_str().unwrap().to_owned(), event["programme"].clone());
        for session in event["programme"].as_array_mut().unwrap() {
            assert!(session["id"].as_str().unwrap().starts_with("event_session_"));
            session.as_object_mut().unwrap().remove("id");
        }
        event.as_object_mut().unwrap().remove("id");
        assert_eq!(event, json!({"slug": "kikk-2025", "revision": 1, "kind": {"slug": "festival"}, "mode": "HYBRID", "status": "SCHEDULED", "title": "KIKK Festival",
            "titles": [{"language": "FR", "text": "KIKK Festival"}, {"language": "EN", "text": "KIKK festival"}], "series": "kikk", "edition": 14,
            "regions": [{"slug": "wallonie"}, {"slug": "flandre"}], "startsOn": "2025-10-23", "endsOn": "2025-10-26", "startsAt": "2025-10-23T06:00:00Z", "endsAt": null,
            "timeZone": "Europe/Brussels",
            "openingHours": [
                {"date": "2025-10-25", "opens": "09:00", "closes": "18:00", "opensAt": "2025-10-25T07:00:00Z", "closesAt": "2025-10-25T16:00:00Z", "venue": "Delta"},
                {"date": "2025-10-26", "opens": "10:00", "closes": "24:00", "opensAt": "2025-10-26T09:00:00Z", "closesAt": "2025-10-26T23:00:00Z", "venue": null}],
            "venue": "Le Delta", "address": {"city": "Namur"}, "territory": {"slug": "namur"}, "organizers": [{"slug": "kikk"}], "partners": [{"slug": "wallimage"}],
            "speakers": [{"slug": "ana"}],
            "programme": [
                {"kind": {"slug": "conference"}, "title": "Conférence", "count": 3, "startsAt": null, "endsAt": null, "room": null, "speakers": [], "organizations": []},
                {"kind": {"slug": "workshop"}, "title": "Marionnettes", "count": null, "startsAt": "2025-10-24T07:00:00Z", "endsAt": "2025-10-24T09:00:00Z", "room": "A",
                    "speakers": [{"slug": "bram"}, {"slug": "ana"}], "organizations": [{"slug": "wallimage"}]}],
            "expectedAttendance": 15000, "attendance": 20000, "capacity": 400, "registrationMode": "ON_APPROVAL", "registrationClosesAt": "2025-10-20T12:00:00Z",
            "sectors": [{"slug": "animation"}], "website": "https://kikk.be/", "onlineUrl": "https://meet.example.org/kikk",
            "claims": [{"field": "attendance", "value": "20000", "qualifier": "MORE_THAN"}, {"field": "attendance", "value": "3000", "qualifier": "EXACT"}]}));
        assert_eq!(logged(&server).await, before + 1);
        // A session is a node of its own.
        let session = sessions[1]["id"].as_str().unwrap();
        let node = server.data(&format!("{{ node(id: \"{session}\") {{ id ... on EventSession {{ title room speakers {{ slug }} }} }} }}")).await;
        assert_eq!(node["node"], json!({"id": session, "title": "Marionnettes", "room": "A", "speakers": [{"slug": "bram"}, {"slug": "ana"}]}));
        // The same again changes nothing; one field changes alone, and sessions keep their ids.
        let same = update(&wallonie, "event", &id, Some(1), whole(), "revision programme { id }").await;
        assert_eq!(same["event"]["revision"], 1, "{same}");
        let more = json!({"venue": null, "programme": [whole()["programme"][1], {"kind": "stand"}, whole()["programme"][0]]});
        let answer = update(&wallonie, "event", &id, Some(1), more, "revision venue capacity organizers { slug } programme { id kind { slug } }").await;
        let event = &answer["event"];
        assert_eq!((&event["revision"], &event["venue"], &event["capacity"]), (&json!(2), &json!(null), &json!(400)));
        let ids: Vec<&Value> = event["programme"].as_array().unwrap().iter().map(|session| &session["id"]).collect();
        assert_eq!((ids[0], ids[2]), (&sessions[1]["id"], &sessions[0]["id"]));
        assert!(ids[1] != ids[0] && ids[1] != ids[2]);
        let cleared = update(&wallonie, "event", &id, None, json!({"programme": null, "organizers": [], "startsOn": null, "startsAt": null, "endsOn": null, "openingHours": null, "registrationClosesAt": null}), FIELDS).await;
        assert_eq!(refusals(&cleared), [""; 0]);
        let event = &cleared["event"];
        assert_eq!((&event["programme"], &event["organizers"], &event["startsOn"], &event["openingHours"]), (&json!([]), &json!([]), &json!(null), &json!([])));
        assert_eq!(server.data(&format!("{{ node(id: \"{session}\") {{ id }} }}")).await["node"], json!(null));
        assert_eq!(delete(&wallonie, "event", &id, None).await["deletedId"], json!(id));
        assert_eq!(server.data("{ event(by: {slug: \"kikk-2025\"}) { id } events { totalCount } }").await, json!({"event": null, "events": {"totalCount": 0}}));
    }
}

on_both_databases! {
    async fn what_is_not_said_has_a_default(server) {
        let wallonie = world(&server).await;
        let fields = "mode status timeZone regions { slug } registrationMode visibility startsOn slug edition openingHours { date } programme { id }";
        let answer = create(&wallonie, "event", json!({"kind": "launch", "region": "wallonie", "titles": [{"language": "FR", "text": "Été à Liège"}]}), fields).await;
        assert_eq!(answer["event"], json!({"mode": "ONSITE", "status": "ANNOUNCED", "timeZone": "Europe/Brussels", "regions": [{"slug": "wallonie"}],
            "registrationMode": "NONE", "visibility": "PUBLIC", "startsOn": null, "slug": "ete-a-liege", "edition": null, "openingHours": [], "programme": []}));
        let dated = create(&wallonie, "event", fair("dated", json!({"startsOn": "2009-07"})), "status startsOn").await;
        assert_eq!(dated["event"], json!({"status": "SCHEDULED", "startsOn": "2009-07"}));
        // The date follows from the hour, in the time zone of the event.
        let late = json!({"startsAt": "2026-06-30T22:30:00Z", "endsAt": "2026-07-01T23:30:00+02:00"});
        let answer = create(&wallonie, "event", fair("late", late), "id startsOn endsOn").await;
        assert_eq!((&answer["event"]["startsOn"], &answer["event"]["endsOn"]), (&json!("2026-07-01"), &json!("2026-07-01")));
        let id = answer["event"]["id"].as_str().unwrap();
        let moved = update(&wallonie, "event", id, None, json!({"startsAt": "2026-06-29T10:00:00Z"}), "startsOn startsAt").await;
        assert_eq!(moved["event"], json!({"startsOn": "2026-06-29", "startsAt": "2026-06-29T10:00:00Z"}));
        let zone = update(&wallonie, "event", id, None, json!({"timeZone": "asia/tokyo"}), "startsOn endsOn timeZone").await;
        assert_eq!(zone["event"], json!({"startsOn": "2026-06-29", "endsOn": "2026-07-02", "timeZone": "Asia/Tokyo"}));
        let without = update(&wallonie, "event", id, None, json!({"startsAt": null}), "startsOn startsAt").await;
        assert_eq!(without["event"], json!({"startsOn": "2026-06-29", "startsAt": null}));
    }
}

on_both_databases! {
    async fn everything_that_is_wrong_is_told_at_once(server) {
        let wallonie = world(&server).await;
        let before = logged(&server).await;
        let wrong = json!({"kind": "party", "titles": [], "regions": ["wallonie", "atlantis"], "territory": "nowhere", "timeZone": "Europe/Lille", "series": "No Slug",
            "edition": 0, "expectedAttendance": -1, "attendance": -2, "capacity": 0, "onlineUrl": "https://meet.example.org/", "website": "ftp://x",
            "organizers": ["kikk", "nobody"], "speakers": ["kikk"], "parent": "nothing", "venueOrganization": "nobody", "startsOn": "2026-13",
            "programme": [{"kind": "party", "count": 0, "speakers": ["nobody"]}],
            "openingHours": [{"date": "2026-02-30", "opens": "9:00", "closes": "25:00"}]});
        let errors = refused(&wallonie, wrong).await;
        let mut expected = vec![
            "INVALID UNKNOWN_TERM input.kind", "REQUIRED - input.titles", "INVALID UNKNOWN_TERM input.regions.1", "INVALID UNKNOWN_TERM input.territory",
            "INVALID TIME_ZONE_UNKNOWN input.timeZone", "INVALID SLUG_FORM input.series", "INVALID NOT_ABOVE_ZERO input.edition", "INVALID - input.expectedAttendance",
            "INVALID - input.attendance", "INVALID NOT_ABOVE_ZERO input.capacity", "INVALID NOT_ONLINE input.onlineUrl", "INVALID - input.website",
            "NOT_FOUND REFERENCE_UNKNOWN input.organizers.1", "NOT_FOUND REFERENCE_UNKNOWN input.speakers.0", "NOT_FOUND REFERENCE_UNKNOWN input.parent",
            "NOT_FOUND REFERENCE_UNKNOWN input.venueOrganization", "INVALID - input.startsOn", "INVALID UNKNOWN_TERM input.programme.0.kind",
            "INVALID NOT_ABOVE_ZERO input.programme.0.count", "NOT_FOUND REFERENCE_UNKNOWN input.programme.0.speakers.0", "INVALID - input.openingHours.0.date",
            "INVALID - input.openingHours.0.opens", "INVALID - input.openingHours.0.closes",
        ];
        let mut sorted = errors.clone();
        sorted.sort();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(logged(&server).await, before);
        let missing = create(&wallonie, "event", json!({"region": "wallonie"}), "id").await;
        assert_eq!(told(&missing), ["REQUIRED input.kind", "REQUIRED input.titles"]);
    }
}

on_both_databases! {
    async fn times_must_agree(server) {
        let wallonie = world(&server).await;
        for (more, expected) in [
            (json!({"startsOn": "2026-05-03", "endsOn": "2026-05-01"}), vec!["INVALID ENDS_BEFORE_START input.endsOn"]),
            (json!({"startsOn": "2026-05", "endsOn": "2026-04-30"}), vec!["INVALID ENDS_BEFORE_START input.endsOn"]),
            (json!({"startsAt": "2026-05-03T10:00:00Z", "endsAt": "2026-05-03T09:00:00Z"}), vec!["INVALID ENDS_BEFORE_START input.endsAt"]),
            (json!({"startsOn": "2026-05-03", "startsAt": "2026-05-02T10:00:00Z"}), vec!["INVALID TIME_ON_OTHER_DATE input.startsAt"]),
            (json!({"startsOn": "2026-06", "startsAt": "2026-05-31T21:00:00Z"}), vec!["INVALID TIME_ON_OTHER_DATE input.startsAt"]),
            (json!({"endsOn": "2026-05-03", "endsAt": "2026-05-03T22:30:00Z"}), vec!["INVALID TIME_ON_OTHER_DATE input.endsAt"]),
            (json!({"startsOn": "2026-05-03", "registrationClosesAt": "2026-05-04T10:00:00Z"}), vec!["INVALID CLOSES_AFTER_EVENT input.registrationClosesAt"]),
            (json!({"startsOn": "2026-05-01", "endsOn": "2026-05-03", "programme": [
                {"kind": "stand", "startsAt": "2026-04-30T21:59:00Z"}, {"kind": "stand", "startsAt": "2026-04-30T22:00:00Z", "endsAt": "2026-05-03T22:00:00Z"},
                {"kind": "stand", "startsAt": "2026-05-02T10:00:00Z", "endsAt": "2026-05-02T09:00:00Z"}, {"kind": "stand", "endsAt": "2026-05-03T22:01:00Z"}]}),
                vec!["INVALID OUTSIDE_EVENT input.programme.0.startsAt", "INVALID ENDS_BEFORE_START input.programme.2.endsAt", "INVALID OUTSIDE_EVENT input.programme.3.endsAt"]),
            (json!({"startsOn": "2026-05-01", "openingHours": [{"date": "2026-05-02", "opens": "09:00", "closes": "10:00"}, {"date": "2026-05-01", "opens": "18:00", "closes": "09:00"}]}),
                vec!["INVALID OUTSIDE_EVENT input.openingHours.0.date", "INVALID ENDS_BEFORE_START input.openingHours.1.closes"]),
            (json!({"startsAt": "0000-06-01T12:00:00Z"}), vec!["INVALID - input.startsAt"]),
        ] {
            assert_eq!(refused(&wallonie, more.clone()).await, expected, "{more}");
        }
        for more in [
            json!({"startsOn": "2026", "endsOn": "2026-05"}),
            json!({"startsOn": "2026-06", "startsAt": "2026-05-31T22:00:00Z"}),
            json!({"startsAt": "2026-05-03T10:00:00Z", "endsAt": "2026-05-03T10:00:00Z"}),
            json!({"programme": [{"kind": "stand", "startsAt": "2026-04-30T21:59:00Z"}], "openingHours": [{"date": "2026-05-01", "opens": "00:00", "closes": "24:00"}]}),
        ] {
            let answer = create(&wallonie, "event", fair("taken", more.clone()), "id").await;
            assert_eq!(refusals(&answer), [""; 0], "{more}");
            delete(&wallonie, "event", answer["event"]["id"].as_str().unwrap(), None).await;
        }
        // What is stored is checked when the dates move.
        let id = made(&wallonie, "event", fair("moves", json!({"startsOn": "2026-05-01", "endsOn": "2026-05-03", "registrationClosesAt": "2026-05-02T10:00:00Z",
            "openingHours": [{"date": "2026-05-03", "opens": "09:00", "closes": "10:00"}], "programme": [{"kind": "stand", "startsAt": "2026-05-03T10:00:00Z"}]}))).await;
        let answer = update(&wallonie, "event", &id, None, json!({"endsOn": "2026-05-01"}), "id").await;
        assert_eq!(refusals(&answer), ["INVALID OUTSIDE_EVENT input.openingHours.0.date", "INVALID CLOSES_AFTER_EVENT input.registrationClosesAt", "INVALID OUTSIDE_EVENT input.programme.0.startsAt"]);
        let answer = update(&wallonie, "event", &id, None, json!({"startsAt": "2026-05-01T08:00:00Z"}), "id").await;
        assert_eq!(refusals(&answer), [""; 0]);
        let answer = update(&wallonie, "event", &id, None, json!({"startsOn": "2026-04-30"}), "id").await;
        assert_eq!(refusals(&answer), ["INVALID TIME_ON_OTHER_DATE input.startsOn"]);
        let answer = update(&wallonie, "event", &id, None, json!({"mode": "ONLINE", "onlineUrl": "https://meet.example.org/"}), "id").await;
        assert_eq!(refusals(&answer), [""; 0]);
        assert_eq!(refusals(&update(&wallonie, "event", &id, None, json!({"mode": "ONSITE"}), "id").await), ["INVALID NOT_ONLINE input.onlineUrl"]);
    }
}

/// Writes opening hours, with the payload's warnings, in French.
async fn hours(server: &TestServer, id: &str, date: &str, opens: &str, closes: &str) -> Value {
    let input = json!({"openingHours": [{"date": date, "opens": opens, "closes": closes}]});
    let fields = "event { openingHours { opensAt closesAt } } warnings { code message path }";
    call(server, "updateEvent", fields, &[("id", "ID!", json!(id)), ("input", "EventInput!", input)]).await
}

on_both_databases! {
    async fn clocks_skip_an_hour_and_repeat_another(server) {
        let wallonie = world(&server).await;
        let spring = made(&wallonie, "event", fair("spring", json!({"startsOn": "2026-03-29", "timeZone": "Europe/Paris"}))).await;
        let answer = hours(&wallonie, &spring, "2026-03-29", "02:30", "18:00").await;
        assert_eq!(refusals(&answer), ["INVALID TIME_SKIPPED input.openingHours.0.opens"]);
        assert_eq!((&answer["event"], &answer["warnings"]), (&json!(null), &json!([])));
        let answer = hours(&wallonie, &spring, "2026-03-29", "03:00", "18:00").await;
        assert_eq!(answer["event"]["openingHours"], json!([{"opensAt": "2026-03-29T01:00:00Z", "closesAt": "2026-03-29T16:00:00Z"}]));
        assert_eq!(answer["warnings"], json!([]));
        let autumn = made(&wallonie, "event", fair("autumn", json!({"startsOn": "2026-10-25"}))).await;
        let answer = hours(&wallonie, &autumn, "2026-10-25", "02:30", "18:00").await;
        assert_eq!(answer["event"]["openingHours"], json!([{"opensAt": "2026-10-25T00:30:00Z", "closesAt": "2026-10-25T17:00:00Z"}]));
        let warning = &answer["warnings"][0];
        assert_eq!((&warning["code"], &warning["path"]), (&json!("TIME_TWICE"), &json!(["input", "openingHours", "0", "opens"])));
        assert!(warning["message"].as_str().unwrap().contains("earlier"), "{warning}");
        // With an error elsewhere nothing is taken, and nothing is warned of.
        let input = json!({"capacity": 0, "openingHours": [{"date": "2026-10-25", "opens": "02:30", "closes": "18:00"}]});
        let answer = call(&wallonie, "updateEvent", "warnings { code }", &[("id", "ID!", json!(autumn)), ("input", "EventInput!", input)]).await;
        assert_eq!((refusals(&answer), &answer["warnings"]), (vec!["INVALID NOT_ABOVE_ZERO input.capacity".to_owned()], &json!([])));
    }
}

on_both_databases! {
    async fn refusals_speak_the_reader_s_language(server) {
        let wallonie = world(&server).await;
        let query = "mutation { createEvent(input: {kind: \"market\", region: \"wallonie\", titles: [{language: FR, text: \"x\"}], timeZone: \"Nowhere\"}) { userErrors { message } } }";
        for (language, word) in [("fr", "fuseau horaire"), ("nl", "tijdzone"), ("de", "Zeitzone"), ("en", "time zone"), ("pt", "time zone")] {
            let request = wallonie.client.post(wallonie.url("/graphql")).header("Accept-Language", language).json(&json!({"query": query}));
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let message = answer["data"]["createEvent"]["userErrors"][0]["message"].as_str().unwrap();
            assert!(message.contains(word) && message.contains("Nowhere"), "{language}: {message}");
        }
    }
}

on_both_databases! {
    async fn an_event_is_no_part_of_itself(server) {
        let wallonie = world(&server).await;
        let ids = fairs(&wallonie, &[("a", json!({})), ("b", json!({"parent": "a"})), ("c", json!({"parent": "b"}))]).await;
        for (id, parent) in [(&ids[0], "a"), (&ids[0], "b"), (&ids[0], "c"), (&ids[1], "c")] {
            let answer = update(&wallonie, "event", id, None, json!({"parent": parent}), "id").await;
            assert_eq!(refusals(&answer), ["INVALID PARENT_CYCLE input.parent"], "{parent}");
        }
        assert_eq!(refusals(&update(&wallonie, "event", &ids[2], None, json!({"parent": "a"}), "id").await), [""; 0]);
        assert_eq!(refusals(&update(&wallonie, "event", &ids[1], None, json!({"parent": "c"}), "id").await), [""; 0]);
        let data = server.data("{ event(by: {slug: \"b\"}) { parent { slug parent { slug parent { slug } } } parts { slug } } }").await;
        assert_eq!(data["event"], json!({"parent": {"slug": "c", "parent": {"slug": "a", "parent": null}}, "parts": []}));
        // An event with parts stays.
        let answer = delete(&wallonie, "event", &ids[0], None).await;
        assert_eq!(told(&answer), ["NOT_ALLOWED_IN_STATE id"]);
        assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains(ids[2].as_str()));
    }
}

on_both_databases! {
    async fn two_who_close_a_circle_at_once_do_not(server) {
        let wallonie = world(&server).await;
        for round in 0..5 {
            let (one, other) = (format!("one-{round}"), format!("other-{round}"));
            let ids = fairs(&wallonie, &[(&one, json!({})), (&other, json!({}))]).await;
            let set = |id: usize, parent: &str| {
                let (wallonie, id, input) = (&wallonie, ids[id].clone(), json!({"parent": parent}));
                async move { update(wallonie, "event", &id, None, input, "id").await }
            };
            let (first, second) = tokio::join!(set(0, &other), set(1, &one));
            let refused = [&first, &second].iter().filter(|answer| answer["event"].is_null()).count();
            assert_eq!(refused, 1, "{first} {second}");
        }
    }
}

on_both_databases! {
    async fn only_those_who_write_in_the_region_write(server) {
        let wallonie = world(&server).await;
        let id = made(&wallonie, "event", fair("x", json!({}))).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        assert_eq!(told(&create(&flandre, "event", fair("y", json!({"capacity": -1})), "id").await), ["FORBIDDEN input.region"]);
        assert_eq!(told(&update(&flandre, "event", &id, None, json!({"region": "flandre"}), "id").await), ["FORBIDDEN id"]);
        assert_eq!(told(&delete(&flandre, "event", &id, None).await), ["FORBIDDEN id"]);
        assert_eq!(told(&update(&server, "event", &id, None, json!({}), "id").await), ["FORBIDDEN id"]);
        let stale = update(&wallonie, "event", &id, Some(7), json!({"edition": 2}), "revision").await;
        assert_eq!((told(&stale), &stale["event"]["revision"]), (vec!["CONFLICT baseRevision".to_owned()], &json!(1)));
    }
}
