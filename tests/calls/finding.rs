//! Calls in lists, in the search and in suggestions.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{euros, gives, listed};
use crate::on_both_databases;
use crate::support::records::{call_for_projects, each, import, organization};
use crate::support::server::{Setup, TestServer};

/// Three calls with different genres, sectors, funders and instants.
async fn fill(server: &TestServer) {
    let lots = |genres: &[&str]| -> Value { genres.iter().map(|genre| json!({"genre": genre})).collect() };
    import(
        server,
        &[
            organization("wallonie", "w", json!({})),
            organization("flandre", "f", json!({})),
            call_for_projects(
                "wallonie",
                "alpha",
                json!({"titles": [{"language": "FR", "text": "Écritures neuves"}], "descriptions": [{"language": "FR", "text": "Un règlement unique et simplifié."}],
                "sectors": ["animation-3d"], "lots": lots(&["webdocumentaire", "serious-game"]), "opensAt": "2026-12-01T00:00:00Z",
                "closesAt": "2026-12-31T00:00:00Z", "contributions": [gives("w", "5"), gives("f", "6")]}),
            ),
            call_for_projects(
                "flandre",
                "beta",
                json!({"titles": [{"language": "NL", "text": "Games"}], "sectors": ["jeux-video"], "lots": lots(&["serious-game"]),
                "closesAt": "2026-11-30T00:00:00Z"}),
            ),
            call_for_projects("wallonie", "gamma", json!({"titles": [{"language": "FR", "text": "Archives"}], "opensAt": "2020-01-01T00:00:00Z", "closed": true})),
        ],
    )
    .await;
}

on_both_databases! {
    async fn filters_and_orders(server) {
        fill(&server).await;
        let ids = server.data("{ f: organization(by: {slug: \"f\"}) { id } w: organization(by: {slug: \"w\"}) { id } }").await;
        let (f, w) = (ids["f"]["id"].as_str().unwrap(), ids["w"]["id"].as_str().unwrap());
        let (of_f, of_both) = (format!("funders: [\"{f}\"]"), format!("funders: [\"{w}\", \"{f}\"], statuses: [UPCOMING]"));
        for (filter, slugs) in [
            ("", "gamma alpha beta"),
            ("genres: [\"serious-game\"]", "alpha beta"),
            ("genres: [\"webdocumentaire\", \"jeu-video-casual\"]", "alpha"),
            ("genres: [\"serious-game\"], sectors: [\"animation\"]", "alpha"),
            ("sectors: [\"animation\", \"jeux-video\"]", "alpha beta"),
            ("regions: [\"flandre\"]", "alpha beta"),
            ("regions: [\"flandre\", \"wallonie\"], statuses: [OPEN]", "beta"),
            ("regions: [\"wallonie\"], genres: [\"serious-game\"], openOn: \"2026-12-24\"", "alpha"),
            ("statuses: [CLOSED, UPCOMING]", "gamma alpha"),
            ("statuses: []", "gamma alpha beta"),
            (of_f.as_str(), "alpha"),
            (of_both.as_str(), "alpha"),
            ("updatedSince: \"2026-11-22T10:00:01Z\"", ""),
        ] {
            for order in ["", ", orderBy: {field: UPDATED_AT}"] {
                let mut found = listed(&server, &format!(", filter: {{{filter}}}{order}")).await;
                let mut slugs: Vec<&str> = slugs.split_whitespace().collect();
                if !order.is_empty() {
                    found.sort();
                    slugs.sort_unstable();
                }
                assert_eq!(found, slugs, "{filter}{order}");
            }
        }
        for (order, slugs) in [
            ("TITLE, direction: DESC", "beta alpha gamma"), ("OPENS_AT", "gamma alpha beta"), ("OPENS_AT, direction: DESC", "alpha gamma beta"),
            ("CLOSES_AT", "beta alpha gamma"), ("CLOSES_AT, direction: DESC", "alpha beta gamma"),
        ] {
            let mut found = Vec::new();
            let mut after = String::new();
            // Page by page, and each page says whether more follows.
            for place in 0..3 {
                let data = server.data(&format!("{{ callsForProjects(first: 1, orderBy: {{field: {order}}}{after}) {{ nodes {{ slug }} pageInfo {{ endCursor hasNextPage }} }} }}")).await;
                let page = &data["callsForProjects"];
                found.extend(each(&page["nodes"], "/slug").into_iter().map(str::to_owned));
                assert_eq!(page["pageInfo"]["hasNextPage"], json!(place < 2));
                after = format!(", after: {}", page["pageInfo"]["endCursor"]);
            }
            assert_eq!(found.join(" "), slugs, "{order}");
        }
        for (filter, argument) in [("genres: [\"opera\"]", "filter.genres"), ("regions: [\"atlantis\"]", "filter.regions"), ("funders: [\"talent_01jcr5bbgqekvavmza4yqxn3b1\"]", "filter.funders")] {
            let answer = server.query(&format!("{{ callsForProjects(filter: {{{filter}}}) {{ totalCount }} }}")).await;
            assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
        }
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn they_are_found_and_counted_by_status_and_genre(server) {
        fill(&server).await;
        server.indexed().await;
        let search = async |query: &str| {
            let fields = "estimatedTotalCount degraded nodes { ... on CallForProjects { slug status } } facets { facet values { value label(language: FR) count } }";
            server.data(&format!("{{ search(query: \"{query}\", types: [CALL], facets: [STATUS, GENRE, TYPE]) {{ {fields} }} }}")).await["search"].clone()
        };
        let all = search("").await;
        assert_eq!((&all["estimatedTotalCount"], &all["degraded"]), (&json!(3), &json!(false)));
        assert_eq!(all["facets"], json!([
            {"facet": "STATUS", "values": [{"value": "CLOSED", "label": "Clos", "count": 1}, {"value": "OPEN", "label": "Ouvert", "count": 1}, {"value": "UPCOMING", "label": "À venir", "count": 1}]},
            {"facet": "GENRE", "values": [{"value": "serious-game", "label": "Jeu sérieux", "count": 2}, {"value": "webdocumentaire", "label": "Webdocumentaire", "count": 1}]},
            {"facet": "TYPE", "values": [{"value": "CALL", "label": "Appels à projets", "count": 3}]},
        ]));
        // By title, by description, by genre, by region.
        for (query, slug) in [("ecritures", "alpha"), ("simplifie", "alpha"), ("webdocumentaire", "alpha"), ("archives", "gamma")] {
            assert_eq!(each(&search(query).await["nodes"], "/slug"), [slug], "{query}");
        }
        let data = server.data("{ suggest(prefix: \"ecrit\") { text type node { ... on CallForProjects { slug } } } }").await;
        assert_eq!(data["suggest"], json!([{"text": "Écritures neuves", "type": "CALL", "node": {"slug": "alpha"}}]));
        // The index learns of a turn when it is written.
        server.set_clock("2026-12-01T00:00:00Z");
        assert_eq!(passerelle::directory::call_for_projects::turn::run_due(&server.app).await.unwrap(), 2);
        server.indexed().await;
        let values = search("").await["facets"][0]["values"].clone();
        let counts: Vec<String> = values.as_array().unwrap().iter().map(|one| format!("{} {}", one["value"].as_str().unwrap(), one["count"])).collect();
        assert_eq!(counts, ["CLOSED 2", "OPEN 1"]);
    }
}

on_both_databases! {
    async fn what_is_open_is_a_range_of_an_index(server) {
        fill(&server).await;
        let dialect = server.app.db.dialect();
        if dialect == passerelle::kernel::read::Dialect::Postgres {
            // PostgreSQL scans a table of three rows; with many, it takes the same index.
            return;
        }
        for (filter, index) in [
            ("o.closes_day >= '2026-12-01' AND o.opens_day <= '2026-12-01'", "call_for_projects_by_day"),
            ("o.closes_key >= 5 AND NOT o.draft AND o.opens_key <= 5", "call_for_projects_by_key"),
            ("o.turns_at IS NOT NULL AND o.turns_at <= 5", "call_for_projects_by_turn"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN SELECT o.id FROM call_for_projects AS o WHERE {filter} ORDER BY o.name_key, o.id LIMIT 21");
            let rows = server.app.db.writer().query_all_raw(Statement::from_string(dialect.backend(), sql)).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.try_get::<String>("", "detail").unwrap()).collect();
            assert!(plan[0].contains(index), "{filter}: {plan:?}");
        }
    }
}

on_both_databases! {
    with Setup::default().with_huge_documents();
    async fn statements_follow_the_levels(server) {
        for rows in [1, 10] {
            let mut lines = vec![organization("wallonie", "w", json!({})), organization("flandre", "f", json!({}))];
            for at in 0..rows {
                let lots = json!([{"genre": "webdocumentaire", "ceiling": euros("2"), "funders": [gives("w", "2")], "eligibleRegions": ["wallonie"]}, {"genre": "serious-game"}]);
                lines.push(call_for_projects("wallonie", &format!("c{at}"), json!({"contributions": [gives("w", "5"), gives("f", "6")], "organizers": ["w"], "lots": lots})));
            }
            import(&server, &lines).await;
            for (query, allowed) in [
                ("{ callsForProjects(first: 100) { nodes { title status fund { amount } region { name } sectors { name } regulations { url } claims { value } } } }", 1),
                ("{ callsForProjects(first: 100) { totalCount nodes { title } } }", 2),
                ("{ callsForProjects(first: 100) { nodes { contributions { amount { amount } organization { name } } } } }", 2),
                ("{ callsForProjects(first: 100) { nodes { lots { genre { name } ceiling { amount } eligibleRegions { name } } } } }", 2),
                ("{ callsForProjects(first: 100) { nodes { contributions { organization { name memberOf { name } } } lots { funders { organization { name } amount { amount } } } organizers { name } } } }", 6),
                ("{ callForProjects(by: {slug: \"c0\"}) { title lots { eligibleRegions { organizations(first: 2) { nodes { name } } } } } }", 3),
                ("{ callForProjects(by: {slug: \"nothing\"}) { title lots { title } contributions { confirmed } } }", 1),
            ] {
                let before = server.statements();
                server.data(query).await;
                assert_eq!(server.statements() - before, allowed, "{rows} rows: {query}");
            }
        }
    }
}
