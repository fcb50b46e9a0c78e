//! Many at once: places are never given twice, and nobody is passed over.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{Actor, counts_are_right, editor, made, seats_left};
use crate::mutations::number;
use crate::on_both_databases;
use crate::support::accounts::{ask, mutate, refusals};
use crate::support::server::{Setup, TestServer};

/// So many people with access tokens.
async fn crowd(server: &TestServer, count: usize) -> Vec<Actor> {
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        all.push(Actor::new(server, &format!("p{number}")).await);
    }
    all
}

/// Everybody registers at the same moment.
async fn rush(server: &TestServer, people: &[Actor], event: &str) -> Vec<Value> {
    let query = "mutation($event: ID!) { registerForEvent(input: {event: $event}) {
        registration { id status registeredAt } userErrors { code reason path message } } }";
    let calls = people.iter().map(|one| ask(server, Some(&one.token), query, json!({ "event": event })));
    let answers = join_all(calls).await.into_iter().map(|mut answer| {
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["registerForEvent"].take()
    });
    answers.collect()
}

const CONFIRMED: &str = "SELECT COUNT(*) FROM event_registration WHERE status = 'CONFIRMED'";
const WAITLISTED: &str = "SELECT COUNT(*) FROM event_registration WHERE status = 'WAITLISTED'";

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn fifty_of_two_hundred_have_a_place_and_the_others_wait_in_their_order(server) {
        let event = made(&server, "market", json!({"capacity": 50})).await;
        let people = crowd(&server, 200).await;
        let payloads = rush(&server, &people, &event).await;
        let mut all: Vec<(String, String, usize)> = Vec::new();
        for (person, payload) in payloads.iter().enumerate() {
            assert_eq!(refusals(payload), [""; 0]);
            let text = |name: &str| payload["registration"][name].as_str().unwrap().to_owned();
            all.push((text("registeredAt"), text("status"), person));
        }
        assert_eq!((number(&server, CONFIRMED).await, number(&server, WAITLISTED).await), (50, 150));
        assert_eq!(seats_left(&server, &event).await, 0);
        counts_are_right(&server).await;
        // Those with a place came before all others, and each has a place in line of their own.
        all.sort_by_key(|(at, ..)| at.parse::<passerelle::kernel::value::DateTime>().unwrap());
        let times: std::collections::BTreeSet<&String> = all.iter().map(|(at, ..)| at).collect();
        assert_eq!(times.len(), 200);
        assert!(all[..50].iter().all(|(_, status, _)| status == "CONFIRMED"), "{all:?}");
        assert!(all[50..].iter().all(|(_, status, _)| status == "WAITLISTED"));
        for (place, (.., person)) in all[50..].iter().enumerate() {
            let own = people[*person].data(&server, "{ viewer { registrations { nodes { place } } } }").await;
            assert_eq!(own["viewer"]["registrations"]["nodes"][0]["place"], place + 1);
        }
        // Fifty leave at once, and fifty move up: the first in line.
        let leaving = all[..50].iter().map(|(.., person)| people[*person].on(&server, "cancelRegistration", &payloads[*person]["registration"]));
        for payload in join_all(leaving).await {
            assert_eq!(refusals(&payload), [""; 0]);
        }
        assert_eq!((number(&server, CONFIRMED).await, number(&server, WAITLISTED).await), (50, 100));
        counts_are_right(&server).await;
        let first_of_the_others = "SELECT COUNT(*) FROM event_registration AS w WHERE w.status = 'WAITLISTED' AND EXISTS \
            (SELECT 1 FROM event_registration AS c WHERE c.status = 'CONFIRMED' AND c.registered_at > w.registered_at)";
        assert_eq!(number(&server, first_of_the_others).await, 0, "nobody was passed over");
    }
}

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn a_change_of_the_capacity_and_a_crowd_agree(server) {
        let event = made(&server, "market", json!({"capacity": 10})).await;
        let staff = editor(&server).await;
        let people = crowd(&server, 60).await;
        let resize = async |capacity: u32| {
            let query = format!("mutation {{ updateEvent(id: \"{event}\", input: {{capacity: {capacity}}}) {{ userErrors {{ code reason path message }} }} }}");
            mutate(&server, Some(&staff.token), &query, json!({})).await
        };
        let (first, (), second) = tokio::join!(
            rush(&server, &people[..30], &event),
            async {
                for capacity in [15, 12, 25] {
                    assert_eq!(refusals(&resize(capacity).await), [""; 0]);
                }
            },
            rush(&server, &people[30..], &event),
        );
        assert_eq!(first.iter().chain(&second).flat_map(refusals).collect::<Vec<_>>(), [""; 0]);
        assert_eq!((number(&server, CONFIRMED).await, number(&server, WAITLISTED).await), (25, 35));
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn organizers_who_decide_at_once_give_no_place_twice(server) {
        let event = made(&server, "mission", json!({"registrationMode": "ON_APPROVAL", "capacity": 5})).await;
        let staff = editor(&server).await;
        let people = crowd(&server, 50).await;
        let requests = rush(&server, &people, &event).await;
        let confirmed = requests.iter().map(|request| staff.on(&server, "confirmRegistration", &request["registration"]));
        let said: Vec<String> = join_all(confirmed).await.iter().flat_map(refusals).collect();
        assert_eq!((said.len(), number(&server, CONFIRMED).await), (45, 5));
        assert!(said.iter().all(|one| one == "FULL/NO_SEAT_LEFT id"), "{said:?}");
        // One person, many times.
        let one = Actor::new(&server, "eager").await;
        let calls = (0..50).map(|_| one.try_register(&server, &event, ""));
        let said: Vec<String> = join_all(calls).await.iter().flat_map(refusals).collect();
        assert_eq!(said.len(), 49);
        assert!(said.iter().all(|one| one == "NOT_UNIQUE/ALREADY_REGISTERED input.event"), "{said:?}");
        counts_are_right(&server).await;
    }
}
