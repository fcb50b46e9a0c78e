//! Who sees which part of an event: organizations and people that it names, its parts, its editions, its address online.

use serde_json::{Value, json};

use super::{fair, fairs, listed, refusals};
use crate::mutations::{admin, create, editor, made, member, owner, person, studio, told, update};
use crate::on_both_databases;
use crate::support::records::{each, event, import, organization, talent};
use crate::support::server::{Setup, TestServer};

/// Organizations and talents at each level, and an event that names all of them.
async fn world(server: &TestServer) -> TestServer {
    let all = server.beside(admin()).await;
    for (slug, level) in [("open", "PUBLIC"), ("inside", "MEMBERS"), ("secret", "PRIVATE")] {
        let mut input = studio("flandre", slug);
        input["visibility"] = json!(level);
        made(&all, "organization", input).await;
        let mut input = person("flandre", &format!("t-{slug}"));
        input["visibility"] = json!(level);
        made(&all, "talent", input).await;
    }
    let (organizations, talents) =
        (json!(["secret", "inside", "open"]), json!(["t-secret", "t-inside", "t-open"]));
    let more = json!({"organizers": organizations, "partners": organizations, "speakers": talents, "venueOrganization": "secret",
        "programme": [{"kind": "stand", "organizations": organizations, "speakers": talents}]});
    made(&all, "event", fair("fair", more)).await;
    all
}

/// What a viewer sees of it, with spaces.
async fn seen(server: &TestServer) -> String {
    let query = "{ event(by: {slug: \"fair\"}) { organizers { slug } partners { slug } speakers { slug } venueOrganization { slug }
        programme { speakers { slug } organizations { slug } } } }";
    let event = server.data(query).await["event"].take();
    let lists =
        ["/organizers", "/partners", "/speakers", "/programme/0/speakers", "/programme/0/organizations"];
    let lists = lists.map(|list| each(event.pointer(list).expect("a list"), "/slug").join(" "));
    format!("{} | {}", lists.join(", "), event["venueOrganization"]["slug"].as_str().unwrap_or("-"))
}

on_both_databases! {
    async fn what_is_hidden_is_left_out(server) {
        let all = world(&server).await;
        assert_eq!(seen(&server).await, "open, open, t-open, t-open, open | -");
        let members = server.beside(member(9)).await;
        assert_eq!(seen(&members).await, "inside open, inside open, t-inside t-open, t-inside t-open, inside open | -");
        let staff = server.beside(editor(&["flandre"])).await;
        let whole = "secret inside open";
        assert_eq!(seen(&staff).await, format!("{whole}, {whole}, t-secret t-inside t-open, t-secret t-inside t-open, {whole} | secret"));
        // Nor does a filter say that somebody organizes it who may not be seen.
        let id = |data: &Value| data["organization"]["id"].as_str().unwrap().to_owned();
        let secret = id(&all.data("{ organization(by: {slug: \"secret\"}) { id } }").await);
        let open = id(&all.data("{ organization(by: {slug: \"open\"}) { id } }").await);
        for (server, of, found) in [(&server, &secret, ""), (&staff, &secret, "fair"), (&server, &open, "fair"), (&members, &secret, "")] {
            assert_eq!(listed(server, &format!("filter: {{organizations: [\"{of}\"]}}")).await, found);
        }
        // Somebody else's organization is no organization for who writes.
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let answer = create(&wallonie, "event", fair("other", json!({"organizers": ["secret"], "speakers": ["t-secret"]})), "id").await;
        assert_eq!(told(&answer), ["NOT_FOUND input.organizers.0", "NOT_FOUND input.speakers.0"]);
    }
}

on_both_databases! {
    async fn who_is_named_stays_until_no_event_names_them(server) {
        let all = world(&server).await;
        let id_of = async |of: &str, slug: &str| all.data(&format!("{{ {of}(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await[of]["id"].as_str().unwrap().to_owned();
        let event = id_of("event", "fair").await;
        for (of, slug) in [("organization", "open"), ("organization", "secret"), ("talent", "t-open")] {
            let id = id_of(of, slug).await;
            let answer = crate::mutations::delete(&all, of, &id, None).await;
            assert_eq!(told(&answer), ["NOT_ALLOWED_IN_STATE id"], "{of} {slug}");
            assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains(&event));
        }
        let none = json!({"organizers": null, "partners": null, "speakers": null, "venueOrganization": null, "programme": null});
        assert_eq!(refusals(&update(&all, "event", &event, None, none, "id").await), [""; 0]);
        let id = id_of("organization", "open").await;
        assert_eq!(crate::mutations::delete(&all, "organization", &id, None).await["deletedId"], json!(id));
    }
}

on_both_databases! {
    async fn a_hidden_event_is_absent_as_parent_part_and_edition(server) {
        let all = server.beside(admin()).await;
        fairs(&all, &[
            ("biennial", json!({"series": "b", "startsOn": "2024"})),
            ("market", json!({"parent": "biennial", "startsOn": "2024-11-07"})),
            ("opening", json!({"parent": "biennial", "startsOn": "2024-11-01"})),
            ("undated", json!({"parent": "biennial"})),
            ("dinner", json!({"parent": "biennial", "startsOn": "2024-11-02", "visibility": "PRIVATE"})),
            ("biennial-2022", json!({"series": "b", "startsOn": "2022"})),
            ("biennial-2026", json!({"series": "b", "startsOn": "2026-11", "visibility": "MEMBERS"})),
            ("biennial-next", json!({"series": "b"})),
            ("inside", json!({"visibility": "PRIVATE"})),
            ("talk", json!({"parent": "inside"})),
        ]).await;
        let query = "{ event(by: {slug: \"biennial\"}) { parts { slug } editions { slug } } talk: event(by: {slug: \"talk\"}) { parent { slug } editions { slug } } }";
        let shown = |data: &Value| [each(&data["event"]["parts"], "/slug").join(" "), each(&data["event"]["editions"], "/slug").join(" ")];
        let data = server.data(query).await;
        assert_eq!(shown(&data), ["opening market undated", "biennial-2022 biennial-next"]);
        assert_eq!(data["talk"], json!({"parent": null, "editions": []}));
        let data = server.beside(member(9)).await.data(query).await;
        assert_eq!(shown(&data)[1], "biennial-2026 biennial-2022 biennial-next");
        let data = server.beside(editor(&["wallonie"])).await.data(query).await;
        assert_eq!(shown(&data)[0], "opening dinner market undated");
        assert_eq!(data["talk"]["parent"]["slug"], "inside");
        assert_eq!(listed(&server, "filter: {series: \"b\"}").await, "biennial-2022 biennial biennial-next");
    }
}

on_both_databases! {
    async fn the_address_online_is_for_those_who_take_part(server) {
        let all = server.beside(admin()).await;
        let organizer = made(&all, "organization", studio("wallonie", "organizer")).await;
        let partner = made(&all, "organization", studio("wallonie", "partner")).await;
        let url = "https://meet.example.org/room-7";
        let more = json!({"mode": "ONLINE", "onlineUrl": url, "organizers": ["organizer"], "partners": ["partner"],
            "claims": [{"field": "onlineUrl", "value": url, "source": {"title": "a"}}, {"field": "venue", "value": "x", "source": {"title": "a"}}]});
        let id = made(&all, "event", fair("online", more)).await;
        fairs(&all, &[("elsewhere", json!({"mode": "ONLINE", "onlineUrl": "https://meet.example.org/other"}))]).await;
        let query = format!("{{ event(by: {{slug: \"online\"}}) {{ onlineUrl claims {{ field }} }} events {{ nodes {{ onlineUrl }} }} node(id: \"{id}\") {{ ... on Event {{ onlineUrl }} }} }}");
        for (viewer, sees, writes) in [
            (member(9), false, false), (owner(&partner), false, false), (editor(&["flandre"]), false, false),
            (owner(&organizer), true, false), (editor(&["wallonie"]), true, true), (admin(), true, true),
        ] {
            let data = server.beside(viewer.clone()).await.data(&query).await;
            let expected = if sees { json!(url) } else { json!(null) };
            assert_eq!((&data["event"]["onlineUrl"], &data["node"]["onlineUrl"]), (&expected, &expected), "{viewer:?}");
            let claims = each(&data["event"]["claims"], "/field").join(" ");
            assert_eq!(claims, if writes { "onlineUrl venue" } else { "venue" }, "{viewer:?}");
            let other = data["events"]["nodes"].as_array().unwrap().iter().filter(|node| !node["onlineUrl"].is_null()).count();
            assert_eq!(other, if writes { 2 } else { usize::from(sees) }, "{viewer:?}");
        }
        let data = server.data(&query).await;
        assert_eq!(data["event"], json!({"onlineUrl": null, "claims": [{"field": "venue"}]}));
        let text = server.get("/sync/snapshot").await.text().await.unwrap();
        assert!(text.contains("\"online\"") && !text.contains("room-7"), "{text}");
    }
}

on_both_databases! {
    async fn a_merge_lets_events_name_the_survivor(server) {
        let all = server.beside(admin()).await;
        let mut ids = Vec::new();
        for slug in ["stays", "goes"] {
            ids.push(made(&all, "organization", studio("wallonie", slug)).await);
            ids.push(made(&all, "talent", person("wallonie", &format!("t-{slug}"))).await);
        }
        made(&all, "event", fair("fair", json!({"organizers": ["goes", "stays"], "partners": ["goes"], "speakers": ["t-goes"], "venueOrganization": "goes",
            "programme": [{"kind": "stand", "organizations": ["stays", "goes"], "speakers": ["t-stays", "t-goes"]}]}))).await;
        for (name, of, pair) in [("mergeOrganizations", "organization", [&ids[0], &ids[2]]), ("mergeTalents", "talent", [&ids[1], &ids[3]])] {
            let query = format!("mutation {{ {name}(survivor: \"{}\", duplicate: \"{}\") {{ {of} {{ slug }} userErrors {{ message }} }} }}", pair[0], pair[1]);
            assert_eq!(all.data(&query).await[name]["userErrors"], json!([]));
        }
        let data = all.data("{ event(by: {slug: \"fair\"}) { revision organizers { slug } partners { slug } speakers { slug } venueOrganization { slug } programme { organizations { slug } speakers { slug } } } }").await;
        assert_eq!(data["event"], json!({"revision": 3, "organizers": [{"slug": "stays"}], "partners": [{"slug": "stays"}], "speakers": [{"slug": "t-stays"}],
            "venueOrganization": {"slug": "stays"}, "programme": [{"organizations": [{"slug": "stays"}], "speakers": [{"slug": "t-stays"}]}]}));
        let feed = all.data("{ changes(types: [EVENT]) { changes { revision record { ... on Event { organizers { slug } } } } } }").await;
        assert_eq!(feed["changes"]["changes"].as_array().unwrap().last().unwrap()["revision"], json!(3));
    }
}

/// Events with everything around them.
async fn fill(server: &TestServer, count: usize) {
    let mut lines = vec![organization("wallonie", "host", json!({})), talent("wallonie", "ana", json!({}))];
    lines.push(event("wallonie", "whole", json!({"series": "s", "startsOn": "2024"})));
    for n in 0..count {
        lines.push(event("wallonie", &format!("e{n}"), json!({"series": "s", "parent": "whole", "startsOn": "2025-05-01", "mode": "HYBRID", "onlineUrl": "https://example.org/",
            "territory": "namur", "regions": ["wallonie", "flandre"], "organizers": ["host"], "partners": ["host"], "speakers": ["ana"], "venueOrganization": "host",
            "programme": [{"kind": "stand", "organizations": ["host"], "speakers": ["ana"]}, {"kind": "stand", "organizations": ["host"], "speakers": ["ana"]}]})));
    }
    import(server, &lines).await;
}

on_both_databases! {
    with Setup::default().with_huge_documents();
    async fn one_statement_per_relation_and_level(server) {
        let desk = server.beside(editor(&["wallonie"])).await;
        for rows in [1, 10, 50] {
            fill(&server, rows).await;
            for (query, allowed) in [
                ("{ events { nodes { title kind { name } startsOn region { name } regions { slug } sectors { name } territory { name } } } }", 1),
                ("{ events(filter: {from: \"2025-01-01T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"}) { totalCount nodes { title } } }", 2),
                ("{ events(first: 100) { nodes { organizers { name } partners { name } speakers { displayName } venueOrganization { name } parent { title } } } }", 6),
                ("{ events(first: 100) { nodes { programme { title kind { name } speakers { displayName } organizations { name partnerships { totalCount } } } } } }", 6),
                ("{ event(by: {slug: \"whole\"}) { parts { title organizers { name } } editions { title speakers { displayName } } } }", 5),
            ] {
                let before = server.statements();
                server.data(query).await;
                assert_eq!(server.statements() - before, allowed, "{rows}: {query}");
            }
            let before = desk.statements();
            desk.data("{ events(first: 100) { nodes { onlineUrl } } }").await;
            assert_eq!(desk.statements() - before, 2);
        }
    }
}
