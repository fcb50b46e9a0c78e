//! What becomes of a registration, from the first to the last step.

use serde_json::{Value, json};

use super::{Actor, counts_are_right, editor, made, seats_left, standings, uuid};
use crate::mutations::{logged, number};
use crate::on_both_databases;
use crate::support::accounts::{mutate, refusals};
use crate::support::records::{import, organization};

on_both_databases! {
    async fn whoever_comes_first_has_a_place_and_the_others_wait(server) {
        let event = made(&server, "market", json!({"capacity": 2})).await;
        let staff = editor(&server).await;
        let (ana, ben, cas, dora) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await,
            Actor::new(&server, "cas").await, Actor::new(&server, "dora").await);
        assert_eq!(seats_left(&server, &event).await, 2);
        let before = logged(&server).await;
        let first = ana.register(&server, &event).await;
        assert_eq!(first, json!({"id": first["id"], "status": "CONFIRMED", "place": null, "listed": false, "message": null,
            "name": "ana", "email": "ana@example.org", "organization": null, "event": {"slug": "market", "seatsLeft": 1}}));
        assert_eq!(ben.register(&server, &event).await["status"], "CONFIRMED");
        let third = cas.register(&server, &event).await;
        assert_eq!((&third["status"], &third["place"], &third["event"]["seatsLeft"]), (&json!("WAITLISTED"), &json!(1), &json!(0)));
        assert_eq!(dora.register(&server, &event).await["place"], 2);
        assert_eq!(seats_left(&server, &event).await, 0);
        assert_eq!(standings(&server, &staff, &event).await, ["ana CONFIRMED", "ben CONFIRMED", "cas WAITLISTED 1", "dora WAITLISTED 2"]);

        // A place that becomes free goes to whoever is first in line, in the same answer.
        let cancelled = ana.on(&server, "cancelRegistration", &first).await;
        assert_eq!((refusals(&cancelled), &cancelled["registration"]["status"]), (vec![], &json!("CANCELLED")));
        assert_eq!(cancelled["registration"]["event"]["seatsLeft"], 0);
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben CONFIRMED", "cas CONFIRMED", "dora WAITLISTED 1"]);
        // Whoever comes again has the same registration, at the end of the line.
        let again = ana.register(&server, &event).await;
        assert_eq!((&again["id"], &again["status"], &again["place"]), (&first["id"], &json!("WAITLISTED"), &json!(2)));
        assert_eq!(standings(&server, &staff, &event).await, ["ben CONFIRMED", "cas CONFIRMED", "dora WAITLISTED 1", "ana WAITLISTED 2"]);
        // Whoever leaves the line frees no place.
        let fourth = dora.data(&server, "{ viewer { registrations { nodes { id } } } }").await["viewer"]["registrations"]["nodes"][0].clone();
        assert_eq!(refusals(&dora.on(&server, "cancelRegistration", &fourth).await), [""; 0]);
        assert_eq!(standings(&server, &staff, &event).await, ["ben CONFIRMED", "cas CONFIRMED", "dora CANCELLED", "ana WAITLISTED 1"]);
        counts_are_right(&server).await;
        // The event itself has not changed.
        assert_eq!(logged(&server).await, before);
        assert_eq!(server.data(&format!("{{ event(by: {{id: \"{event}\"}}) {{ revision }} }}")).await["event"]["revision"], 1);
    }
}

on_both_databases! {
    async fn a_larger_capacity_lets_as_many_move_up_and_a_smaller_one_takes_no_place_away(server) {
        let event = made(&server, "market", json!({"capacity": 1})).await;
        let staff = editor(&server).await;
        for name in ["ana", "ben", "cas", "dora", "eli"] {
            Actor::new(&server, name).await.register(&server, &event).await;
        }
        // By a mutation and by a file: there is one write path.
        let query = format!("mutation {{ updateEvent(id: \"{event}\", input: {{capacity: 3}}) {{ event {{ seatsLeft revision }} userErrors {{ code path reason message }} }} }}");
        let payload = mutate(&server, Some(&staff.token), &query, json!({})).await;
        assert_eq!((refusals(&payload), &payload["event"]), (vec![], &json!({"seatsLeft": 0, "revision": 2})));
        assert_eq!(standings(&server, &staff, &event).await, ["ana CONFIRMED", "ben CONFIRMED", "cas CONFIRMED", "dora WAITLISTED 1", "eli WAITLISTED 2"]);
        made(&server, "market", json!({"capacity": 2})).await;
        assert_eq!(seats_left(&server, &event).await, 0, "it is not negative");
        assert_eq!(standings(&server, &staff, &event).await[2..4], ["cas CONFIRMED", "dora WAITLISTED 1"]);
        counts_are_right(&server).await;
        // A place that is one too many goes to nobody.
        let third = "SELECT COUNT(*) FROM event_registration WHERE status = 'CONFIRMED'";
        assert_eq!(number(&server, third).await, 3);
        made(&server, "market", json!({"capacity": null})).await;
        assert_eq!(standings(&server, &staff, &event).await[3..], ["dora CONFIRMED", "eli CONFIRMED"]);
        assert_eq!(seats_left(&server, &event).await, Value::Null, "there is no limit");
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn a_place_that_is_one_too_many_goes_to_nobody(server) {
        let event = made(&server, "market", json!({"capacity": 2})).await;
        let staff = editor(&server).await;
        let (ana, ben) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await);
        let (first, second) = (ana.register(&server, &event).await, ben.register(&server, &event).await);
        Actor::new(&server, "cas").await.register(&server, &event).await;
        made(&server, "market", json!({"capacity": 1})).await;
        ana.on(&server, "cancelRegistration", &first).await;
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben CONFIRMED", "cas WAITLISTED 1"]);
        ben.on(&server, "cancelRegistration", &second).await;
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben CANCELLED", "cas CONFIRMED"]);
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn organizers_of_a_mission_answer_each_request(server) {
        import(&server, &[organization("wallonie", "host", json!({})), organization("flandre", "studio", json!({}))]).await;
        let host = server.data("{ organization(by: {slug: \"host\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let event = made(&server, "mission", json!({"kind": "trade-mission", "registrationMode": "ON_APPROVAL", "capacity": 1, "organizers": ["host"]})).await;
        let staff = editor(&server).await;
        let member = Actor::new(&server, "member").await;
        member.person.join(&server, uuid(&host)).await;
        let (ana, ben, cas) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await, Actor::new(&server, "cas").await);
        let (first, second, third) = (ana.register(&server, &event).await, ben.register(&server, &event).await, cas.register(&server, &event).await);
        for registration in [&first, &second, &third] {
            assert_eq!((&registration["status"], &registration["place"]), (&json!("REQUESTED"), &Value::Null));
        }
        assert_eq!(seats_left(&server, &event).await, 1, "a request takes no place");
        // A member of the organizing organization decides, and so do those who write the event.
        let confirmed = member.on(&server, "confirmRegistration", &first).await;
        assert_eq!((refusals(&confirmed), &confirmed["registration"]["status"]), (vec![], &json!("CONFIRMED")));
        assert_eq!(seats_left(&server, &event).await, 0);
        let full = staff.on(&server, "confirmRegistration", &second).await;
        assert_eq!((refusals(&full), &full["registration"]), (vec!["FULL/NO_SEAT_LEFT id".to_owned()], &Value::Null));
        let declined = staff.on(&server, "declineRegistration", &third).await;
        assert_eq!((refusals(&declined), &declined["registration"]["status"]), (vec![], &json!("DECLINED")));
        // Nobody moves up by themselves.
        assert_eq!(refusals(&ana.on(&server, "cancelRegistration", &first).await), [""; 0]);
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben REQUESTED", "cas DECLINED"]);
        assert_eq!(refusals(&staff.on(&server, "confirmRegistration", &second).await), [""; 0]);
        assert_eq!(standings(&server, &staff, &event).await[1], "ben CONFIRMED");
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn a_person_changes_what_their_registration_says(server) {
        import(&server, &[organization("wallonie", "studio", json!({})), organization("wallonie", "other", json!({}))]).await;
        let data = server.data("{ organizations { nodes { id slug } } }").await;
        let id_of = |slug: &str| {
            let nodes = data["organizations"]["nodes"].as_array().unwrap();
            nodes.iter().find(|node| node["slug"] == slug).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let (studio, other) = (id_of("studio"), id_of("other"));
        let event = made(&server, "market", json!({})).await;
        let ana = Actor::new(&server, "ana").await;
        ana.person.join(&server, uuid(&studio)).await;
        let input = format!("organization: \"{studio}\", message: \" Vegetarian. \", listed: true");
        let payload = ana.try_register(&server, &event, &input).await;
        let registration = payload["registration"].clone();
        assert_eq!((refusals(&payload), &registration["organization"]["slug"], &registration["message"], &registration["listed"]),
            (vec![], &json!("studio"), &json!("Vegetarian."), &json!(true)));
        let id = registration["id"].as_str().unwrap();
        let update = async |arguments: &str| ana.call(&server, "updateRegistration", &format!("id: \"{id}\" {arguments}")).await;
        let shown = |payload: &Value| (payload["registration"]["organization"].clone(), payload["registration"]["message"].clone(), payload["registration"]["listed"].clone());
        let studio_of = json!({"slug": "studio"});
        // What is absent stays, and null clears.
        assert_eq!(shown(&update("").await), (studio_of.clone(), json!("Vegetarian."), json!(true)));
        assert_eq!(shown(&update("message: \"Vegan.\"").await), (studio_of.clone(), json!("Vegan."), json!(true)));
        assert_eq!(shown(&update("listed: false, message: null").await), (studio_of, Value::Null, json!(false)));
        assert_eq!(shown(&update("organization: null, listed: true").await), (Value::Null, Value::Null, json!(true)));
        assert_eq!(shown(&update("listed: null").await).2, json!(false));
        // All that is wrong at once, and nothing of it is written.
        let wrong = update(&format!("listed: true, organization: \"{other}\", message: \"{}\"", "x".repeat(2001))).await;
        assert_eq!(refusals(&wrong), ["FORBIDDEN/NOT_YOUR_ORGANIZATION organization", "TOO_LONG message"]);
        assert_eq!(shown(&update("").await), (Value::Null, Value::Null, json!(false)));
    }
}

on_both_databases! {
    async fn the_same_request_registers_once(server) {
        let event = made(&server, "market", json!({"capacity": 1})).await;
        let ana = Actor::new(&server, "ana").await;
        let call = async |key: &str, more: &str| {
            ana.call(&server, "registerForEvent", &format!("input: {{event: \"{event}\" {more}}}, idempotencyKey: \"{key}\"")).await
        };
        let first = call("a", "").await;
        assert_eq!((refusals(&first), &first["registration"]["status"]), (vec![], &json!("CONFIRMED")));
        assert_eq!(call("a", "").await, first, "a repeated request answers the same");
        assert_eq!(refusals(&call("a", "listed: true").await), ["CONFLICT/IDEMPOTENCY_MISMATCH idempotencyKey"]);
        assert_eq!(refusals(&call("b", "").await), ["NOT_UNIQUE/ALREADY_REGISTERED input.event"]);
        assert_eq!(refusals(&call("", "").await), ["INVALID idempotencyKey"]);
        // A refusal keeps no key.
        ana.on(&server, "cancelRegistration", &first["registration"]).await;
        assert_eq!(call("b", "").await["registration"]["status"], "CONFIRMED");
        // Concurrent requests with one key are one registration.
        let ben = Actor::new(&server, "ben").await;
        let calls = (0..8).map(|_| ben.call(&server, "registerForEvent", "input: {event: \"EVENT\"}, idempotencyKey: \"k\""
            .replace("EVENT", &event).leak()));
        for payload in futures::future::join_all(calls).await {
            assert_eq!((refusals(&payload), &payload["registration"]["place"]), (vec![], &json!(1)));
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_registration").await, 2);
    }
}

on_both_databases! {
    async fn registrations_end_with_their_event_and_outlive_organizations(server) {
        import(&server, &[organization("wallonie", "studio", json!({})), organization("wallonie", "twin", json!({}))]).await;
        let id_of = async |slug: &str| {
            let data = server.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
            data["organization"]["id"].as_str().unwrap().to_owned()
        };
        let (studio, twin) = (id_of("studio").await, id_of("twin").await);
        let (staff, ana) = (editor(&server).await, Actor::new(&server, "ana").await);
        ana.person.join(&server, uuid(&studio)).await;
        let (event, other) = (made(&server, "market", json!({})).await, made(&server, "other", json!({})).await);
        ana.register(&server, &other).await;
        let payload = ana.try_register(&server, &event, &format!("organization: \"{studio}\"")).await;
        let id = payload["registration"]["id"].as_str().unwrap().to_owned();
        let organization_of = async || {
            let query = format!("{{ node(id: \"{id}\") {{ ... on EventRegistration {{ organization {{ slug }} }} }} }}");
            ana.data(&server, &query).await["node"]["organization"].clone()
        };
        let merge = format!("mutation {{ mergeOrganizations(survivor: \"{twin}\", duplicate: \"{studio}\") {{ userErrors {{ code path reason message }} }} }}");
        assert_eq!(refusals(&mutate(&server, Some(&staff.token), &merge, json!({})).await), [""; 0]);
        assert_eq!(organization_of().await, json!({"slug": "twin"}));
        let delete = format!("mutation {{ deleteOrganization(id: \"{twin}\") {{ userErrors {{ code path reason message }} }} }}");
        assert_eq!(refusals(&mutate(&server, Some(&staff.token), &delete, json!({})).await), [""; 0]);
        assert_eq!(organization_of().await, Value::Null);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_registration WHERE organization_id IS NOT NULL").await, 0);
        let delete = format!("mutation {{ deleteEvent(id: \"{event}\") {{ deletedId userErrors {{ code path reason message }} }} }}");
        assert_eq!(refusals(&mutate(&server, Some(&staff.token), &delete, json!({})).await), [""; 0]);
        let (registrations, seats) = ("SELECT COUNT(*) FROM event_registration", "SELECT COUNT(*) FROM event_seats");
        assert_eq!((number(&server, registrations).await, number(&server, seats).await), (1, 1));
        let left = ana.data(&server, "{ viewer { registrations { totalCount nodes { event { slug } } } } }").await;
        assert_eq!(left["viewer"]["registrations"], json!({"totalCount": 1, "nodes": [{"event": {"slug": "other"}}]}));
    }
}
