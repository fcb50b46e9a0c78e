//! Pagination, orders and filters.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::{call_for_projects, each, import, organization, partnership, talent};
use crate::support::server::{Setup, TestServer};

/// All slugs of a list, page by page, forwards or backwards.
async fn walk(server: &TestServer, list: &str, arguments: &str, size: usize, forward: bool) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let (count, position) = if forward { ("first", "after") } else { ("last", "before") };
        let from = cursor.map(|cursor| format!("{position}: \"{cursor}\"")).unwrap_or_default();
        let query = format!(
            "{{ list: {list}({arguments} {count}: {size} {from}) {{ nodes {{ slug }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let data = server.data(&query).await;
        let page: Vec<String> =
            each(&data["list"]["nodes"], "/slug").into_iter().map(str::to_owned).collect();
        assert!(page.len() <= size);
        let info = &data["list"]["pageInfo"];
        if forward {
            slugs.extend(page);
        } else {
            slugs.splice(0..0, page);
        }
        let (more, next) =
            if forward { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
        if info[more] == false {
            return slugs;
        }
        cursor = Some(info[next].as_str().expect("there is more").to_owned());
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn every_order_pages_the_same_in_both_directions(server) {
        let calls: Vec<Value> = (0..20).map(|at| call_for_projects("wallonie", &format!("call-{at}"), match at % 4 {
            0 => json!({}),
            1 => json!({"opensAt": format!("2027-01-{:02}T00:00:00Z", at / 3 + 1)}),
            2 => json!({"closesAt": format!("2027-01-{:02}T00:00:00Z", at / 3 + 1)}),
            _ => json!({"opensAt": "2027-01-02T00:00:00Z", "closesAt": "2027-01-03T00:00:00Z"}),
        })).collect();
        import(&server, &calls).await;
        for (list, orders) in [
            ("organizations", &["NAME", "CREATED_AT", "UPDATED_AT", "FOUNDED_ON"][..]),
            ("talents", &["NAME", "CREATED_AT", "UPDATED_AT"]),
            ("partnerships", &["TITLE", "STARTS_ON", "CREATED_AT", "UPDATED_AT"]),
            ("callsForProjects", &["OPENS_AT", "CLOSES_AT", "TITLE", "UPDATED_AT"]),
        ] {
            for order in orders {
                for direction in ["ASC", "DESC"] {
                    let arguments = format!("orderBy: {{field: {order}, direction: {direction}}}");
                    let whole = walk(&server, list, &arguments, 100, true).await;
                    assert_eq!(walk(&server, list, &arguments, 7, true).await, whole, "{list} {order} {direction}");
                    assert_eq!(walk(&server, list, &arguments, 9, false).await, whole, "{list} {order} {direction}");
                    let mut unique = whole.clone();
                    unique.sort();
                    unique.dedup();
                    assert_eq!(unique.len(), whole.len());
                }
            }
        }
        assert_eq!(walk(&server, "organizations", "", 50, true).await.len(), 132);
    }
}

on_both_databases! {
    async fn names_order_as_a_reader_expects(server) {
        let names = ["Zinneke", "écran noir", "Eau Vive", "Écran", "école", "Œuvre", "Oeuvres", "Îles", "ijsbeer", "L'Image", "L’image animée"];
        let lines: Vec<Value> = names.iter().enumerate()
            .map(|(i, name)| organization("wallonie", &format!("o{i}"), json!({"name": name}))).collect();
        import(&server, &lines).await;
        let data = server.data("{ organizations { nodes { name } } }").await;
        assert_eq!(each(&data["organizations"]["nodes"], "/name"), [
            "Eau Vive", "école", "Écran", "écran noir", "ijsbeer", "Îles", "L'Image", "L’image animée", "Œuvre", "Oeuvres", "Zinneke",
        ]);
    }
}

on_both_databases! {
    async fn what_has_no_date_comes_last_in_both_directions(server) {
        let dates = [("a", json!("2009")), ("b", json!("2009-01")), ("c", json!("2009-01-05")), ("d", json!("2008-12")), ("e", Value::Null), ("f", Value::Null)];
        let lines: Vec<Value> = dates.iter().map(|(slug, date)| organization("flandre", slug, json!({"foundedOn": date}))).collect();
        import(&server, &lines).await;
        let by = async |direction: &str| walk(&server, "organizations", &format!("orderBy: {{field: FOUNDED_ON, direction: {direction}}}"), 2, true).await;
        let ascending = by("ASC").await;
        assert_eq!(ascending[..4], ["d", "a", "b", "c"]);
        let descending = by("DESC").await;
        assert_eq!(descending[..4], ["c", "b", "a", "d"]);
        for tail in [&ascending[4..], &descending[4..]] {
            let mut tail = tail.to_vec();
            tail.sort();
            assert_eq!(tail, ["e", "f"]);
        }
    }
}

on_both_databases! {
    async fn pages_are_stable_while_records_are_written(server) {
        let line = |i: usize| organization("wallonie", &format!("n{i:03}"), json!({}));
        import(&server, &(0..40).map(|i| line(i * 2)).collect::<Vec<_>>()).await;
        let first = server.data("{ organizations(first: 10) { nodes { slug } pageInfo { endCursor } } }").await;
        let cursor = first["organizations"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        // Records are inserted before and after the cursor, and the record of the cursor is deleted.
        import(&server, &[line(1), line(19), line(21)]).await;
        import(&server, &[json!({"source": "test-wallonie", "externalId": "org-n018", "delete": true, "organization": {}})]).await;
        let next = server.data(&format!("{{ organizations(first: 3, after: \"{cursor}\") {{ nodes {{ slug }} }} }}")).await;
        assert_eq!(each(&next["organizations"]["nodes"], "/slug"), ["n019", "n020", "n021"]);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn wrong_paging_says_what_is_allowed(server) {
        let other = server.data("{ talents(first: 1) { pageInfo { endCursor } } organizations(first: 1, orderBy: {field: CREATED_AT}) { pageInfo { endCursor } } }").await;
        let talent = other["talents"]["pageInfo"]["endCursor"].as_str().unwrap();
        let created = other["organizations"]["pageInfo"]["endCursor"].as_str().unwrap();
        for (arguments, argument, word) in [
            ("first: 101", "first", "at most 100"),
            ("first: -1", "first", "at least 0"),
            ("last: 101", "last", "at most 100"),
            ("first: 1, last: 1", "last", "not both"),
            ("after: \"x\"", "after", "not a cursor"),
            (&format!("after: \"{talent}\""), "after", "another list"),
            (&format!("before: \"{created}\""), "before", "another order"),
            (&format!("orderBy: {{field: CREATED_AT, direction: DESC}}, after: \"{created}\""), "after", "another order"),
        ] {
            let answer = server.query(&format!("{{ organizations({arguments}) {{ nodes {{ id }} }} }}")).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{arguments}: {answer}");
            assert_eq!(error["extensions"]["argument"], argument);
            assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        }
        // Lists of different regions or organizations are different lists, as is the list of all.
        let of_region = |slug: &str, after: &str| format!("{{ region(slug: \"{slug}\") {{ organizations(first: 1{after}) {{ pageInfo {{ endCursor }} }} }} }}");
        let data = server.data(&of_region("wallonie", "")).await;
        let cursor = data["region"]["organizations"]["pageInfo"]["endCursor"].as_str().unwrap();
        assert_eq!(server.code(&of_region("wallonie", &format!(", after: \"{cursor}\""))).await, "");
        assert_eq!(server.code(&of_region("flandre", &format!(", after: \"{cursor}\""))).await, "BAD_USER_INPUT");
        assert_eq!(server.code(&format!("{{ organizations(after: \"{cursor}\") {{ totalCount }} }}")).await, "BAD_USER_INPUT");
        let of = |slug: &str, after: &str| format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ partnerships(first: 1{after}) {{ pageInfo {{ endCursor }} }} }} }}");
        let data = server.data(&of("pictanovo", "")).await;
        let cursor = data["organization"]["partnerships"]["pageInfo"]["endCursor"].as_str().unwrap();
        assert_eq!(server.code(&of("pictanovo", &format!(", after: \"{cursor}\""))).await, "");
        assert_eq!(server.code(&of("wallimage", &format!(", after: \"{cursor}\""))).await, "BAD_USER_INPUT");

        // Below a record, the error is at the path of its own field, and the other fields are answered.
        let answer = server.query("{ organization(by: {slug: \"crrav\"}) { name members(first: 500) { totalCount } } }").await;
        assert_eq!(answer["errors"][0]["path"], json!(["organization", "members"]));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn filters_combine(server) {
        let slugs = async |arguments: &str| walk(&server, "organizations", arguments, 100, true).await;
        let all = slugs("").await;
        let animation = slugs("filter: {sectors: [\"animation\"]}").await;
        let games = slugs("filter: {sectors: [\"jeux-video\"]}").await;
        let either = slugs("filter: {sectors: [\"animation\", \"jeux-video\"]}").await;
        assert!(!animation.is_empty() && animation.len() < all.len());
        let expected: Vec<String> = all.iter().filter(|slug| animation.contains(slug) || games.contains(slug)).cloned().collect();
        assert_eq!(either, expected);
        // A sector includes those below it.
        let below = slugs("filter: {sectors: [\"serie-animation\"]}").await;
        assert!(below.iter().all(|slug| animation.contains(slug)));
        // The order does not change the matches.
        let by_date = slugs("filter: {sectors: [\"animation\"]}, orderBy: {field: UPDATED_AT}").await;
        let mut sorted = (by_date, animation.clone());
        sorted.0.sort();
        sorted.1.sort();
        assert_eq!(sorted.0, sorted.1);
        let walloon = slugs("filter: {regions: [\"wallonie\"], sectors: [\"animation\"]}").await;
        let regions = slugs("filter: {regions: [\"wallonie\"]}").await;
        assert_eq!(walloon, animation.iter().filter(|slug| regions.contains(slug)).cloned().collect::<Vec<_>>());
        let several = slugs("filter: {regions: [\"wallonie\", \"flandre\"], sectors: [\"animation\"], statuses: [ACTIVE], kinds: [\"animation-studio\"]}").await;
        assert!(!several.is_empty() && several.iter().all(|slug| animation.contains(slug)));
        // An empty list filters nothing.
        assert_eq!(slugs("filter: {sectors: [], kinds: [], regions: []}").await, all);
        // A territory includes those within it.
        let metropolis = slugs("filter: {territories: [\"lille-metropole\"]}").await;
        let tourcoing = slugs("filter: {territories: [\"tourcoing\"]}").await;
        assert!(tourcoing.contains(&"crrav".to_owned()) && tourcoing.iter().all(|slug| metropolis.contains(slug)));
        // Tourcoing is about 10 km from the centre of Lille, Marseille far away.
        let near = slugs("filter: {near: {latitude: 50.631, longitude: 3.047, radiusKm: 15}}").await;
        assert!(near.contains(&"crrav".to_owned()));
        assert_eq!(slugs("filter: {near: {latitude: 50.631, longitude: 3.047, radiusKm: 15}, regions: [\"region-sud\"]}").await, Vec::<String>::new());
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn an_unknown_slug_names_near_matches(server) {
        for (query, word) in [
            ("{ organizations(filter: {sectors: [\"animations\"]}) { totalCount } }", "`animation`"),
            ("{ organizations(filter: {regions: [\"wallonia\"]}) { totalCount } }", "`wallonie`"),
            ("{ organizations(filter: {kinds: [\"animation-studios\"]}) { totalCount } }", "`animation-studio`"),
            ("{ organizations(filter: {territories: [\"tourcoin\"]}) { totalCount } }", "`tourcoing`"),
            ("{ talents(filter: {occupations: [\"film director\"]}) { totalCount } }", "`realisateur`"),
            ("{ talents(filter: {languages: [\"french\"]}) { totalCount } }", "`fr`"),
            ("{ statistics(sectors: [\"cinemas\"]) { organizationCount } }", "`cinema`"),
        ] {
            let answer = server.query(query).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(word), "{answer}");
        }
        for query in [
            "{ organizations(filter: {near: {latitude: 91, longitude: 0, radiusKm: 1}}) { totalCount } }",
            "{ organizations(filter: {memberOf: [\"talent_01m7xpe602e65at721scg441b9\"]}) { totalCount } }",
            "{ partnershipGraph(maxNodes: 0) { truncated } }",
        ] {
            assert_eq!(server.code(query).await, "BAD_USER_INPUT", "{query}");
        }
    }
}

on_both_databases! {
    async fn talents_and_partnerships_filter(server) {
        import(&server, &[
            organization("wallonie", "studio", json!({})), organization("flandre", "huis", json!({"memberOf": ["studio"]})), organization("region-sud", "sud", json!({})),
            talent("wallonie", "ana", json!({"occupations": ["monteur"], "sectors": ["animation"], "skills": ["Motion Design", "Étalonnage"],
                "languages": [{"language": "fr", "level": "NATIVE"}], "availability": "FROM_DATE", "availableFrom": "2026-12-01",
                "fieldVisibility": [{"group": "AVAILABILITY", "visibility": "PUBLIC"}], "territory": "namur"})),
            talent("flandre", "bram", json!({"occupations": ["realisateur"], "languages": [{"language": "nl", "level": "NATIVE"}], "availability": "AVAILABLE"})),
            crate::support::records::affiliation("wallonie", "ana", "studio", json!({"startsOn": "2020"})),
            partnership("wallonie", "active", &["studio", "huis"], json!({"startsOn": "2020", "status": "ACTIVE", "sectors": ["animation"]})),
            partnership("flandre", "ended", &["huis", "sud"], json!({"startsOn": "2009-07-01", "endsOn": "2012", "status": "ENDED"})),
            partnership("wallonie", "unknown", &["studio", "sud"], json!({"status": "ENDED"})),
        ]).await;
        let talents = async |filter: &str| walk(&server, "talents", &format!("filter: {{{filter}}}"), 10, true).await;
        assert_eq!(talents("occupations: [\"monteur\", \"realisateur\"]").await, ["ana", "bram"]);
        assert_eq!(talents("skills: [\"etalonnage\"]").await, ["ana"]);
        assert_eq!(talents("skills: [\"design\"]").await, Vec::<String>::new());
        assert_eq!(talents("languages: [\"nl\"]").await, ["bram"]);
        assert_eq!(talents("territories: [\"namur\"]").await, ["ana"]);
        assert_eq!(talents("availableBy: \"2026-12-01\"").await, ["ana"]);
        assert_eq!(talents("availableBy: \"2026-11-30\"").await, Vec::<String>::new());
        // Bram's availability is visible to members: for the public it is unknown.
        assert_eq!(talents("availability: [AVAILABLE]").await, Vec::<String>::new());
        assert_eq!(talents("availability: [UNKNOWN]").await, ["bram"]);
        let studio = server.data("{ organization(by: {slug: \"studio\"}) { id members { nodes { slug memberOf { slug } } } affiliations(current: true) { nodes { talent { slug } } } } }").await;
        assert_eq!(studio["organization"]["members"]["nodes"], json!([{"slug": "huis", "memberOf": [{"slug": "studio"}]}]));
        assert_eq!(studio["organization"]["affiliations"]["nodes"][0]["talent"]["slug"], "ana");
        let id = studio["organization"]["id"].as_str().unwrap();
        assert_eq!(talents(&format!("organization: \"{id}\"")).await, ["ana"]);
        assert_eq!(walk(&server, "organizations", &format!("filter: {{memberOf: [\"{id}\"]}}"), 10, true).await, ["huis"]);
        let partnerships = async |filter: &str| walk(&server, "partnerships", &format!("filter: {{{filter}}}"), 10, true).await;
        assert_eq!(partnerships("activeOn: \"2021-05-05\"").await, ["active"]);
        assert_eq!(partnerships("activeOn: \"2012-12-31\"").await, ["ended"]);
        assert_eq!(partnerships("crossBorder: true").await, ["ended", "unknown"]);
        assert_eq!(partnerships("regions: [\"flandre\"]").await, ["active", "ended"]);
        assert_eq!(partnerships(&format!("organizations: [\"{id}\"], sectors: [\"animation\"]")).await, ["active"]);
        assert_eq!(walk(&server, "partnerships", "orderBy: {field: STARTS_ON, direction: DESC}", 1, true).await, ["active", "ended", "unknown"]);
    }
}

on_both_databases! {
    async fn aliases_with_different_arguments_each_get_their_own(server) {
        let members: Vec<Value> = (0..5).map(|i| organization("wallonie", &format!("m{i}"), json!({"memberOf": ["cluster"]}))).collect();
        import(&server, &[&[organization("wallonie", "cluster", json!({}))][..], &members].concat()).await;
        let data = server.data("query($n: Int = 1) { organization(by: {slug: \"cluster\"}) {
            one: members(first: $n) { nodes { slug } } two: members(first: 2) { nodes { slug } edges { node { memberOf { slug } } } }
            ... on Record { slug } ...More @include(if: true) ...None @include(if: false) } }
            fragment More on Organization { two: members(first: 2) { pageInfo { hasNextPage } } }
            fragment None on Organization { email }").await;
        let cluster = &data["organization"];
        assert_eq!(each(&cluster["one"]["nodes"], "/slug"), ["m0"]);
        assert_eq!(each(&cluster["two"]["nodes"], "/slug"), ["m0", "m1"]);
        assert_eq!(cluster["two"]["edges"][1]["node"]["memberOf"], json!([{"slug": "cluster"}]));
        assert_eq!(cluster["two"]["pageInfo"]["hasNextPage"], true);
        assert_eq!(cluster.get("email"), None);
        // The same relation under a parent selected twice, with different arguments.
        let data = server.data("{ organizations(first: 1) { nodes { members(first: 1) { nodes { slug } } } edges { node { members(first: 3) { nodes { slug } } } } } }").await;
        let list = &data["organizations"];
        assert_eq!(list["nodes"][0]["members"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!(list["edges"][0]["node"]["members"]["nodes"].as_array().unwrap().len(), 3);
    }
}
