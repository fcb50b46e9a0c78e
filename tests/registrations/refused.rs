//! What is wrong with a request: all of it at once, with path and code, in the reader's language.

use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Actor, counts_are_right, editor, event, made, standings};
use crate::mutations::number;
use crate::on_both_databases;
use crate::support::accounts::{ask, mutate, refusals};
use crate::support::records::import;
use crate::support::server::TestServer;

const COUNT: &str = "SELECT (SELECT COUNT(*) FROM event_registration) + (SELECT COUNT(*) FROM event_seats) + (SELECT COUNT(*) FROM event_notice)";
const NEVER: &str = "event_registration_7zzzzzzzzzzzzzzzzzzzzzzzzz";
/// Mutations by the id of a registration.
const BY_ID: [&str; 4] =
    ["cancelRegistration", "confirmRegistration", "declineRegistration", "updateRegistration"];

/// The refusals of a mutation by whoever has this token.
async fn refused(server: &TestServer, token: Option<&str>, call: &str, arguments: &str) -> Vec<String> {
    let query = format!(
        "mutation {{ {call}({arguments}) {{ registration {{ id }} userErrors {{ code reason path message }} }} }}"
    );
    let payload = mutate(server, token, &query, json!({})).await;
    assert_eq!(payload["registration"], Value::Null, "{call}({arguments})");
    refusals(&payload)
}

on_both_databases! {
    async fn an_event_takes_registrations_when_and_where_it_says(server) {
        let ana = Actor::new(&server, "ana").await;
        let said = async |slug: &str, more: Value| {
            let event = made(&server, slug, more).await;
            refused(&server, Some(&ana.token), "registerForEvent", &format!("input: {{event: \"{event}\"}}")).await
        };
        // It is 10 o'clock on 22 November.
        for (slug, more, why) in [
            ("elsewhere", json!({"registrationMode": "NONE"}), "NOT_ALLOWED_IN_STATE/NO_REGISTRATION_HERE"),
            ("cancelled", json!({"status": "CANCELLED"}), "CLOSED/EVENT_CANCELLED"),
            ("closed", json!({"registrationClosesAt": "2026-11-22T10:00:00Z"}), "CLOSED/REGISTRATION_CLOSED"),
            ("begun", json!({"startsAt": "2026-11-22T10:00:00Z"}), "CLOSED/REGISTRATION_CLOSED"),
            ("over", json!({"startsAt": "2026-11-22T08:00:00Z", "endsAt": "2026-11-22T10:00:00Z"}), "CLOSED/EVENT_OVER"),
            ("last-year", json!({"startsAt": null, "endsAt": null, "startsOn": "2025", "endsOn": "2025"}), "CLOSED/EVENT_OVER"),
        ] {
            assert_eq!(said(slug, more).await, [format!("{why} input.event")], "{slug}");
        }
        assert_eq!(number(&server, COUNT).await, 0, "nothing was written");
        for (slug, more) in [
            ("open", json!({"registrationClosesAt": "2026-11-22T10:00:01Z"})),
            ("soon", json!({"startsAt": "2026-11-22T10:00:01Z"})),
            // The deadline may lie after the beginning.
            ("late", json!({"startsAt": "2026-11-22T09:00:00Z", "registrationClosesAt": "2026-12-01T00:00:00Z"})),
            // Where the hour is not known, it is as long as the event may last.
            ("this-month", json!({"startsAt": null, "endsAt": null, "startsOn": "2026-11"})),
            ("undated", json!({"startsAt": null, "endsAt": null})),
            ("postponed", json!({"status": "POSTPONED"})),
        ] {
            ana.register(&server, &made(&server, slug, more).await).await;
        }
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn deadlines_follow_the_clock(server) {
        let event = made(&server, "market", json!({"capacity": 1, "registrationClosesAt": "2026-11-23T12:00:00Z"})).await;
        let (mut staff, mut ana, mut ben, mut cas) = (editor(&server).await, Actor::new(&server, "ana").await,
            Actor::new(&server, "ben").await, Actor::new(&server, "cas").await);
        let first = ana.register(&server, &event).await;
        let second = ben.register(&server, &event).await;
        server.set_clock("2026-11-23T12:00:00Z");
        for one in [&mut staff, &mut ana, &mut ben, &mut cas] {
            one.again(&server).await;
        }
        assert_eq!(refusals(&cas.try_register(&server, &event, "").await), ["CLOSED/REGISTRATION_CLOSED input.event"]);
        // Whoever has registered in time may still cancel, and whoever waits moves up.
        assert_eq!(refusals(&ana.on(&server, "cancelRegistration", &first).await), [""; 0]);
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben CONFIRMED"]);
        server.set_clock("2026-12-02T17:00:00Z");
        for one in [&mut staff, &mut ana, &mut ben, &mut cas] {
            one.again(&server).await;
        }
        assert_eq!(refusals(&ben.on(&server, "cancelRegistration", &second).await), ["CLOSED/EVENT_OVER id"]);
        // Whether somebody is shown is theirs to say for ever.
        let id = second["id"].as_str().unwrap();
        let update = ben.call(&server, "updateRegistration", &format!("id: \"{id}\", listed: true")).await;
        assert_eq!((refusals(&update), &update["registration"]["listed"]), (vec![], &json!(true)));
    }
}

on_both_databases! {
    async fn nothing_is_done_twice(server) {
        let event = made(&server, "mission", json!({"registrationMode": "ON_APPROVAL"})).await;
        let staff = editor(&server).await;
        let (ana, ben, cas) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await, Actor::new(&server, "cas").await);
        let (first, second, third) = (ana.register(&server, &event).await, ben.register(&server, &event).await, cas.register(&server, &event).await);
        assert_eq!(refusals(&ana.try_register(&server, &event, "").await), ["NOT_UNIQUE/ALREADY_REGISTERED input.event"]);
        assert_eq!(refusals(&ana.on(&server, "cancelRegistration", &first).await), [""; 0]);
        assert_eq!(refusals(&staff.on(&server, "confirmRegistration", &second).await), [""; 0]);
        assert_eq!(refusals(&staff.on(&server, "declineRegistration", &third).await), [""; 0]);
        let state = |status: &str| format!("NOT_ALLOWED_IN_STATE/REGISTRATION_STATE id {status}");
        // The message names the state.
        let told = async |by: &Actor, call: &str, on: &Value| {
            let payload = by.on(&server, call, on).await;
            let message = payload["userErrors"][0]["message"].as_str().unwrap_or_default().to_owned();
            let status = message.split('`').nth(1).unwrap_or_default().to_owned();
            refusals(&payload).into_iter().map(|one| format!("{one} {status}")).collect::<Vec<_>>()
        };
        for (by, call, on, status) in [
            (&ana, "cancelRegistration", &first, "CANCELLED"),
            (&ana, "updateRegistration", &first, "CANCELLED"),
            (&staff, "confirmRegistration", &first, "CANCELLED"),
            (&staff, "declineRegistration", &first, "CANCELLED"),
            (&staff, "confirmRegistration", &second, "CONFIRMED"),
            (&staff, "declineRegistration", &second, "CONFIRMED"),
            (&cas, "cancelRegistration", &third, "DECLINED"),
            (&cas, "updateRegistration", &third, "DECLINED"),
            (&staff, "confirmRegistration", &third, "DECLINED"),
            (&staff, "declineRegistration", &third, "DECLINED"),
        ] {
            assert_eq!(told(by, call, on).await, [state(status)], "{call} {status}");
        }
        assert_eq!(refusals(&cas.try_register(&server, &event, "").await), ["NOT_ALLOWED_IN_STATE/REGISTRATION_DECLINED input.event"]);
        assert_eq!(standings(&server, &staff, &event).await, ["ana CANCELLED", "ben CONFIRMED", "cas DECLINED"]);
        // An event that is cancelled gives no more places.
        let fourth = Actor::new(&server, "dora").await.register(&server, &event).await;
        import(&server, &[super::event("mission", json!({"registrationMode": "ON_APPROVAL", "status": "CANCELLED"}))]).await;
        assert_eq!(refusals(&staff.on(&server, "confirmRegistration", &fourth).await), ["CLOSED/EVENT_CANCELLED id"]);
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn all_is_said_at_once_in_the_reader_s_language(server) {
        let open = made(&server, "market", json!({"registrationClosesAt": "2026-11-22T00:00:00Z"})).await;
        let ana = Actor::new(&server, "ana").await;
        let arguments = format!("input: {{event: \"{open}\", organization: \"organization_7zzzzzzzzzzzzzzzzzzzzzzzzz\", message: \"{}\"}}", "é".repeat(2001));
        let all = ["FORBIDDEN/NOT_YOUR_ORGANIZATION input.organization", "TOO_LONG input.message", "CLOSED/REGISTRATION_CLOSED input.event"];
        assert_eq!(refused(&server, Some(&ana.token), "registerForEvent", &arguments).await, all);
        let markup = format!("input: {{event: \"{open}\", message: \"<b>x</b>\"}}");
        assert_eq!(refused(&server, Some(&ana.token), "registerForEvent", &markup).await[0], "INVALID/MARKUP input.message");
        let mut messages = std::collections::BTreeSet::new();
        for language in ["en", "fr", "nl", "de"] {
            let query = format!("mutation {{ registerForEvent(input: {{event: \"{open}\"}}) {{ userErrors {{ message }} }} }}");
            let request = server.client.post(server.url("/graphql")).bearer_auth(&ana.token).header("accept-language", language);
            let answer: Value = request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap();
            messages.insert(answer["data"]["registerForEvent"]["userErrors"][0]["message"].as_str().unwrap().to_owned());
        }
        assert_eq!(messages.len(), 4);
        assert!(messages.contains("Les inscriptions à cet événement sont closes."), "{messages:?}");
        // What is no id is an error of the request.
        for arguments in ["input: {event: \"x\"}", "input: {event: \"talent_7zzzzzzzzzzzzzzzzzzzzzzzzz\"}"] {
            let query = format!("mutation {{ registerForEvent({arguments}) {{ userErrors {{ message }} }} }}");
            assert_eq!(ask(&server, Some(&ana.token), &query, json!({})).await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        }
        assert_eq!(number(&server, COUNT).await, 0);
    }
}

on_both_databases! {
    async fn only_people_with_an_account_register(server) {
        let event = made(&server, "market", json!({})).await;
        let new = NewKey { name: "system".into(), region: "wallonie".into(), roles: vec![Role::SyncPartner], expires_at: None };
        let (_, key) = api_key::create(&server.app, new, Maker::Operator).await.expect("a key");
        let ana = Actor::new(&server, "ana").await;
        let registration = ana.register(&server, &event).await;
        let id = registration["id"].as_str().unwrap();
        for (token, why) in [(None, "FORBIDDEN/NOT_SIGNED_IN"), (Some(key.expose_secret()), "FORBIDDEN/ACCOUNT_REQUIRED")] {
            let input = format!("input: {{event: \"{event}\"}}");
            assert_eq!(refused(&server, token, "registerForEvent", &input).await, [format!("{why} input")]);
            for call in BY_ID {
                for id in [id, NEVER] {
                    assert_eq!(refused(&server, token, call, &format!("id: \"{id}\"")).await, [format!("{why} id")], "{call}");
                }
            }
            let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ registrations {{ totalCount nodes {{ id }} }} }} node(id: \"{id}\") {{ id }}
                viewer {{ registrations {{ totalCount }} }} }}");
            assert_eq!(ask(&server, token, &query, json!({})).await["data"], json!({"event": {"registrations": {"totalCount": 0, "nodes": []}},
                "node": null, "viewer": {"registrations": {"totalCount": 0}}}));
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_registration").await, 1);
    }
}

on_both_databases! {
    async fn hidden_events_are_absent(server) {
        let lines = [event("secret", json!({"visibility": "PRIVATE"})), event("club", json!({"visibility": "MEMBERS"}))];
        import(&server, &lines).await;
        let staff = editor(&server).await;
        let data = staff.data(&server, "{ secret: event(by: {slug: \"secret\"}) { id } club: event(by: {slug: \"club\"}) { id } }").await;
        let (secret, club) = (data["secret"]["id"].as_str().unwrap(), data["club"]["id"].as_str().unwrap());
        let ana = Actor::new(&server, "ana").await;
        assert_eq!(ana.register(&server, club).await["status"], "CONFIRMED");
        let said = async |id: &str| {
            let payload = ana.try_register(&server, id, "").await;
            payload.to_string().replace(id, "ID")
        };
        let hidden = said(secret).await;
        assert!(hidden.contains("REFERENCE_UNKNOWN"), "{hidden}");
        assert_eq!(hidden, said("event_7zzzzzzzzzzzzzzzzzzzzzzzzz").await);
        // Staff of the region may come to what they see.
        assert_eq!(staff.register(&server, secret).await["status"], "CONFIRMED");
        // A registration is hidden with its event.
        let own = ana.data(&server, "{ viewer { registrations { nodes { id } } } }").await["viewer"]["registrations"]["nodes"][0].clone();
        import(&server, &[event("club", json!({"visibility": "PRIVATE"}))]).await;
        let left = ana.data(&server, &format!("{{ viewer {{ registrations {{ totalCount }} }} node(id: {}) {{ id }} }}", own["id"])).await;
        assert_eq!(left, json!({"viewer": {"registrations": {"totalCount": 0}}, "node": null}));
        assert_eq!(refusals(&ana.on(&server, "cancelRegistration", &own).await), ["NOT_FOUND id"]);
    }
}
