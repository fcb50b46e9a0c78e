//! The number of statements depends on the levels of a query, not on the number of rows.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization, partnership, talent};
use crate::support::server::{Setup, TestServer};

/// Imports `count` organizations of one cluster, each with partnerships, members and talents.
async fn fill(server: &TestServer, count: usize) {
    let mut lines = vec![organization("wallonie", "cluster", json!({}))];
    for i in 0..count {
        let more = json!({"memberOf": ["cluster"], "sectors": ["animation"], "territory": "namur", "successor": "cluster", "servedRegions": ["wallonie", "flandre"]});
        lines.push(organization("wallonie", &format!("o{i}"), more));
        lines.push(talent("wallonie", &format!("t{i}"), json!({"occupations": ["monteur"]})));
        lines.push(affiliation("wallonie", &format!("t{i}"), &format!("o{i}"), json!({})));
        for p in 0..5 {
            lines.push(partnership(
                "wallonie",
                &format!("p{i}-{p}"),
                &[&format!("o{i}"), "cluster"],
                json!({"startsOn": format!("20{p:02}")}),
            ));
        }
    }
    import(server, &lines).await;
}

async fn count(server: &TestServer, query: &str) -> u64 {
    let before = server.statements();
    let data = server.data(query).await;
    assert_ne!(data, Value::Null);
    server.statements() - before
}

/// Queries with their allowed number of statements.
const QUERIES: &[(&str, u64)] = &[
    // The five queries of the read path.
    ("{ organization(by: {slug: \"o0\"}) { name region { name } sectors { name } } }", 1),
    ("{ organizations(first: 20, filter: {regions: [\"wallonie\"], sectors: [\"animation\"]}) { nodes { name sectors { name } } } }", 1),
    ("{ organizations(first: 20, filter: {regions: [\"wallonie\"], sectors: [\"animation\"]}) { nodes { name sectors { name }
        partnerships(first: 5) { nodes { title parties { role organization { name } } } } } } }", 3),
    ("{ talents(first: 20, filter: {regions: [\"wallonie\"], occupations: [\"monteur\"]}) { nodes { displayName affiliations(first: 10) { nodes { role organization { name } } } } } }", 2),
    ("{ organizations(first: 20) { nodes { name } pageInfo { endCursor hasNextPage } } }", 1),
    // One more for each selected `totalCount`.
    ("{ organizations(first: 100) { totalCount nodes { name partnerships(first: 1) { totalCount nodes { id } } } } }", 4),
    // To-one relations are joined or read together. Vocabularies come from memory.
    ("{ organizations(first: 100) { nodes { successor { name } predecessors { name } memberOf { name } members(first: 3) { nodes { name } }
        seatRegion { name } servedRegions { name } territory { name parent { name } region { name } } claims { value } sources { title } } } }", 5),
    ("{ talents(first: 100) { nodes { affiliations { nodes { organization { name partnerships(first: 2) { nodes { id } } } talent { displayName } } } } } }", 3),
    // Relations of regions, one statement for all rows.
    ("{ organizations(first: 100) { nodes { region { name organizations(first: 2) { nodes { name } } statistics { organizationCount } } } } }", 3),
    ("{ regions { name organizations(first: 1) { totalCount nodes { name } } talents(first: 1) { nodes { displayName } } } }", 3),
];

on_both_databases! {
    with Setup::default().with_huge_documents();
    async fn one_statement_per_relation_and_level_at_1_10_and_100_rows(server) {
        for rows in [1, 10, 100] {
            fill(&server, rows).await;
            for (query, allowed) in QUERIES {
                assert_eq!(count(&server, query).await, *allowed, "{rows} rows: {query}");
            }
        }
    }
}

on_both_databases! {
    async fn nodes_read_each_type_once(server) {
        fill(&server, 10).await;
        let data = server.data("{ organizations(first: 5) { nodes { id } } talents(first: 5) { nodes { id } } }").await;
        let ids: Vec<&str> = ["organizations", "talents"].iter()
            .flat_map(|list| crate::support::records::each(&data[*list]["nodes"], "/id")).collect();
        let query = format!("{{ nodes(ids: {}) {{ id ... on Organization {{ name }} ... on Talent {{ displayName affiliations {{ nodes {{ id }} }} }} }} }}", json!(ids));
        assert_eq!(count(&server, &query).await, 3);
        // A hidden record takes as many statements as an absent one.
        let hidden = organization("wallonie", "secret", json!({"visibility": "PRIVATE"}));
        import(&server, &[hidden]).await;
        for slug in ["secret", "nothing"] {
            assert_eq!(count(&server, &format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id successor {{ id }} }} }}")).await, 1);
        }
    }
}
