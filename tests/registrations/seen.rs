//! Who sees registrations, attendees, delegations and the address online.

use passerelle::identity::role::Role;
use passerelle::kernel::value::Language;
use serde_json::{Value, json};

use super::{Actor, editor, made, seats_left, uuid};
use crate::on_both_databases;
use crate::support::accounts::refusals;
use crate::support::records::{each, import, organization};
use crate::support::server::{Setup, TestServer};

/// The slugs of organizations, with their ids.
async fn organizations(server: &TestServer, slugs: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for slug in slugs {
        let query = format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}");
        let data = server.beside(crate::mutations::admin()).await.data(&query).await;
        ids.push(data["organization"]["id"].as_str().expect("an id").to_owned());
    }
    ids
}

on_both_databases! {
    async fn organizers_see_all_and_others_their_own(server) {
        import(&server, &[organization("wallonie", "host", json!({})), organization("wallonie", "partner", json!({}))]).await;
        let ids = organizations(&server, &["host", "partner"]).await;
        let event = made(&server, "market", json!({"capacity": 1, "organizers": ["host"], "partners": ["partner"]})).await;
        let (ana, ben) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await);
        ana.try_register(&server, &event, "message: \"Hello.\"").await;
        let second = ben.register(&server, &event).await;
        let (host, partner) = (Actor::new(&server, "host").await, Actor::new(&server, "partner").await);
        host.person.join(&server, uuid(&ids[0])).await;
        partner.person.join(&server, uuid(&ids[1])).await;
        let staff = editor(&server).await;
        let away = Actor::with(&server, "away", Language::En, &[(Role::Editor, "flandre")]).await;
        let moderator = Actor::with(&server, "moderator", Language::En, &[(Role::Moderator, "wallonie")]).await;
        let admin = Actor::with(&server, "admin", Language::En, &[(Role::Admin, "")]).await;
        let stranger = Actor::new(&server, "stranger").await;
        let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ registrations {{ totalCount nodes {{ name email message place status }} }}
            waiting: registrations(statuses: [WAITLISTED]) {{ totalCount nodes {{ name place }} }} }} node(id: {}) {{ id }} }}", second["id"]);
        let of_ana = json!({"name": "ana", "email": "ana@example.org", "message": "Hello.", "place": null, "status": "CONFIRMED"});
        let of_ben = json!({"name": "ben", "email": "ben@example.org", "message": null, "place": 1, "status": "WAITLISTED"});
        let waiting = json!({"totalCount": 1, "nodes": [{"name": "ben", "place": 1}]});
        let nothing = json!({"totalCount": 0, "nodes": []});
        for (who, by) in [("host", &host), ("staff", &staff), ("admin", &admin)] {
            let data = by.data(&server, &query).await;
            assert_eq!(data["event"], json!({"registrations": {"totalCount": 2, "nodes": [of_ana, of_ben]}, "waiting": waiting}), "{who}");
            assert_eq!(data["node"]["id"], second["id"], "{who}");
        }
        let data = ben.data(&server, &query).await;
        assert_eq!(data["event"], json!({"registrations": {"totalCount": 1, "nodes": [of_ben]}, "waiting": waiting}));
        assert_eq!(data["node"]["id"], second["id"]);
        let data = ana.data(&server, &query).await;
        assert_eq!((&data["event"], &data["node"]), (&json!({"registrations": {"totalCount": 1, "nodes": [of_ana]}, "waiting": nothing}), &Value::Null));
        for (who, by) in [("partner", &partner), ("away", &away), ("moderator", &moderator), ("stranger", &stranger)] {
            let data = by.data(&server, &query).await;
            assert_eq!(data, json!({"event": {"registrations": nothing, "waiting": nothing}, "node": null}), "{who}");
        }
        assert_eq!(server.data(&query).await, json!({"event": {"registrations": nothing, "waiting": nothing}, "node": null}));
        // Those who see a registration learn what they may not do; to others it is absent.
        for (by, call, said) in [
            (&host, "cancelRegistration", "FORBIDDEN/NOT_YOUR_REGISTRATION id"),
            (&host, "updateRegistration", "FORBIDDEN/NOT_YOUR_REGISTRATION id"),
            (&ben, "confirmRegistration", "FORBIDDEN/ORGANIZERS_DECIDE id"),
            (&ben, "declineRegistration", "FORBIDDEN/ORGANIZERS_DECIDE id"),
            (&ana, "cancelRegistration", "NOT_FOUND id"),
            (&stranger, "updateRegistration", "NOT_FOUND id"),
            (&away, "confirmRegistration", "NOT_FOUND id"),
            (&partner, "declineRegistration", "NOT_FOUND id"),
            (&moderator, "confirmRegistration", "NOT_FOUND id"),
        ] {
            let never = json!({"id": "event_registration_7zzzzzzzzzzzzzzzzzzzzzzzzz"});
            let payload = by.on(&server, call, &second).await;
            assert_eq!(refusals(&payload), [said], "{call}");
            if said == "NOT_FOUND id" {
                assert_eq!(payload, by.on(&server, call, &never).await);
            }
        }
    }
}

on_both_databases! {
    async fn who_comes_is_shown_where_they_agree(server) {
        import(&server, &[organization("wallonie", "zeta", json!({})), organization("flandre", "alpha", json!({})),
            organization("wallonie", "secret", json!({"visibility": "PRIVATE"}))]).await;
        let ids = organizations(&server, &["zeta", "alpha", "secret"]).await;
        let event = made(&server, "mission", json!({"kind": "trade-mission", "capacity": 5})).await;
        let shown = async |by: Option<&Actor>| {
            let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ attendees {{ totalCount nodes {{ name organization {{ slug }} }} }} delegation {{ slug }} }} }}");
            let data = match by {
                Some(by) => by.data(&server, &query).await,
                None => server.data(&query).await,
            };
            let mut names: Vec<String> = data["event"]["attendees"]["nodes"].as_array().unwrap().iter()
                .map(|node| format!("{} {}", node["name"].as_str().unwrap(), node["organization"]["slug"].as_str().unwrap_or("-"))).collect();
            names.sort();
            assert_eq!(data["event"]["attendees"]["totalCount"], names.len());
            let delegation: Vec<String> = each(&data["event"]["delegation"], "/slug").into_iter().map(str::to_owned).collect();
            (names, delegation)
        };
        let mut registrations = Vec::new();
        for (name, organization, listed) in [("ana", 0, true), ("ben", 1, true), ("cas", 1, true), ("dora", 2, true), ("eli", 0, false), ("fay", 0, true)] {
            let actor = Actor::new(&server, name).await;
            actor.person.join(&server, uuid(&ids[organization])).await;
            let payload = actor.try_register(&server, &event, &format!("organization: \"{}\", listed: {listed}", ids[organization])).await;
            assert_eq!(refusals(&payload), [""; 0]);
            registrations.push((actor, payload["registration"].clone()));
        }
        // The last one waits, and one does not agree.
        let (names, delegation) = shown(None).await;
        assert_eq!(names, ["ana zeta", "ben alpha", "cas alpha", "dora -"]);
        assert_eq!(delegation, ["alpha", "zeta"]);
        let staff = editor(&server).await;
        let (names, delegation) = shown(Some(&staff)).await;
        assert_eq!((names[3].as_str(), delegation), ("dora secret", vec!["alpha".to_owned(), "secret".to_owned(), "zeta".to_owned()]));
        // Whoever cancels is gone, whoever moves up is shown, and whoever changes their mind is not.
        let (ana, first) = &registrations[0];
        ana.on(&server, "cancelRegistration", first).await;
        let (ben, second) = &registrations[1];
        ben.call(&server, "updateRegistration", &format!("id: {}, listed: false", second["id"])).await;
        let (names, delegation) = shown(None).await;
        assert_eq!(names, ["cas alpha", "dora -", "fay zeta"]);
        assert_eq!(delegation, ["alpha", "zeta"]);
        // Pages go on where they ended, in both directions.
        let page = async |arguments: &str| {
            let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ attendees({arguments}) {{ nodes {{ name }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }} }}");
            server.data(&query).await["event"]["attendees"].clone()
        };
        let first = page("first: 2").await;
        let rest = page(&format!("first: 2, after: {}", first["pageInfo"]["endCursor"])).await;
        let all = [each(&first["nodes"], "/name"), each(&rest["nodes"], "/name")].concat();
        assert_eq!((all.len(), &first["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasNextPage"]), (3, &json!(true), &json!(false)));
        assert_eq!(each(&page(&format!("last: 2, before: {}", rest["pageInfo"]["startCursor"])).await["nodes"], "/name"), all[..2]);
    }
}

on_both_databases! {
    async fn the_address_online_is_for_those_who_have_a_place(server) {
        import(&server, &[organization("wallonie", "host", json!({}))]).await;
        let ids = organizations(&server, &["host"]).await;
        let event = made(&server, "webinar", json!({"mode": "ONLINE", "onlineUrl": "https://meet.example/secret-room", "capacity": 1, "organizers": ["host"]})).await;
        let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ onlineUrl }} }}");
        let (ana, ben, host, staff) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await,
            Actor::new(&server, "host").await, editor(&server).await);
        host.person.join(&server, uuid(&ids[0])).await;
        let url = async |by: &Actor| by.data(&server, &query).await["event"]["onlineUrl"].clone();
        assert_eq!(url(&ana).await, Value::Null);
        let (first, _) = (ana.register(&server, &event).await, ben.register(&server, &event).await);
        assert_eq!((url(&ana).await, url(&ben).await), (json!("https://meet.example/secret-room"), Value::Null));
        assert_eq!((url(&host).await, url(&staff).await), (json!("https://meet.example/secret-room"), json!("https://meet.example/secret-room")));
        ana.on(&server, "cancelRegistration", &first).await;
        assert_eq!((url(&ana).await, url(&ben).await), (Value::Null, json!("https://meet.example/secret-room")));
        assert_eq!(server.data(&query).await["event"]["onlineUrl"], Value::Null);
    }
}

on_both_databases! {
    async fn one_s_own_registrations_are_listed_the_latest_first(server) {
        let ana = Actor::new(&server, "ana").await;
        for (number, slug) in ["a", "b", "c"].into_iter().enumerate() {
            let event = made(&server, slug, json!({"capacity": 1})).await;
            Actor::new(&server, &format!("other{number}")).await.register(&server, &event).await;
            server.pass(1_000_000);
            ana.register(&server, &event).await;
        }
        let page = async |arguments: &str| {
            let query = format!("{{ viewer {{ registrations({arguments}) {{ totalCount nodes {{ place event {{ slug }} }} pageInfo {{ endCursor hasNextPage }} }} }} }}");
            ana.data(&server, &query).await["viewer"]["registrations"].clone()
        };
        let first = page("first: 2").await;
        assert_eq!((&first["totalCount"], each(&first["nodes"], "/event/slug")), (&json!(3), vec!["c", "b"]));
        assert_eq!(first["nodes"][0]["place"], 1);
        let rest = page(&format!("first: 2, after: {}", first["pageInfo"]["endCursor"])).await;
        assert_eq!((each(&rest["nodes"], "/event/slug"), &rest["pageInfo"]["hasNextPage"]), (vec!["a"], &json!(false)));
        // A cursor is good for its own list alone.
        let event = made(&server, "a", json!({"capacity": 1})).await;
        for field in ["registrations", "attendees"] {
            let query = format!("{{ event(by: {{id: \"{event}\"}}) {{ {field}(after: {}) {{ totalCount }} }} }}", first["pageInfo"]["endCursor"]);
            assert_eq!(server.code(&query).await, "BAD_USER_INPUT", "{field}");
        }
    }
}

on_both_databases! {
    async fn a_registration_is_in_no_cache_feed_or_search(server) {
        let event = made(&server, "market", json!({"capacity": 2})).await;
        let get = async |fields: &str| {
            let mut url = url::Url::parse(&server.url("/graphql")).unwrap();
            url.query_pairs_mut().append_pair("query", &format!("{{ event(by: {{id: \"{event}\"}}) {{ {fields} }} }}"));
            let response = server.client.get(url).send().await.unwrap();
            (response.headers().get("etag").cloned(), response.text().await.unwrap())
        };
        let feed = async || server.data("{ changes { cursor } }").await["changes"]["cursor"].clone();
        let (tag, _) = get("slug revision").await;
        assert!(tag.is_some(), "what the log tells may be cached");
        for local in ["seatsLeft", "attendees { totalCount }", "delegation { id }", "parts { seatsLeft }", "... on Event { left: seatsLeft }"] {
            assert_eq!(get(local).await.0, None, "{local}");
        }
        let (before, position) = (get("seatsLeft").await.1, feed().await);
        let ana = Actor::new(&server, "ana").await;
        ana.try_register(&server, &event, "listed: true").await;
        assert_ne!(get("seatsLeft").await.1, before);
        assert_eq!((get("slug revision").await.0, feed().await), (tag, position), "the event has not changed");
        assert_eq!(seats_left(&server, &event).await, 1);
    }
}

/// So many events of one market, each with as many registrations.
async fn fill(server: &TestServer, count: usize, people: &[Actor], host: &str, known: &mut usize) {
    for number in *known..count {
        let more = json!({"parent": "market", "organizers": ["host"], "capacity": 5, "mode": "ONLINE", "onlineUrl": "https://meet.example/room"});
        let event = made(server, &format!("part{number}"), more).await;
        for person in people {
            let input = format!("listed: true, organization: \"{host}\"");
            let payload = person.try_register(server, &event, &input).await;
            assert_eq!(refusals(&payload), [""; 0]);
        }
    }
    *known = count;
}

on_both_databases! {
    with Setup::default().with_huge_documents().without_rate_limit();
    async fn one_statement_for_each_relation_and_level(server) {
        import(&server, &[organization("wallonie", "host", json!({}))]).await;
        let host = organizations(&server, &["host"]).await.remove(0);
        made(&server, "market", json!({})).await;
        let mut people = Vec::new();
        for number in 0..7 {
            let person = Actor::new(&server, &format!("p{number}")).await;
            person.person.join(&server, uuid(&host)).await;
            people.push(person);
        }
        let staff = editor(&server).await;
        let mut known = 0;
        for count in [1, 4] {
            fill(&server, count, &people, &host, &mut known).await;
            for (query, allowed) in [
                ("{ events { nodes { slug seatsLeft } } }", 1),
                ("{ events { nodes { registrations { nodes { status place name email message } } } } }", 2),
                ("{ events { nodes { registrations(statuses: [WAITLISTED]) { totalCount nodes { place } } } } }", 3),
                ("{ events { nodes { registrations { nodes { event { slug } organization { slug } } } } } }", 4),
                ("{ events { nodes { attendees { nodes { name organization { slug } } } delegation { slug } onlineUrl } } }", 5),
                ("{ events { nodes { attendees { totalCount } } } }", 3),
                ("{ viewer { registrations { totalCount nodes { status place event { slug seatsLeft } } } } }", 3),
            ] {
                let by = if query.contains("viewer") { &people[0] } else { &staff };
                // Whoever calls is in the cache.
                by.data(&server, "{ viewer { authenticated } }").await;
                let before = server.statements();
                by.data(&server, query).await;
                assert_eq!(server.statements() - before, allowed, "{count}: {query}");
            }
        }
    }
}
