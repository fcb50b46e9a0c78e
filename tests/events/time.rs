//! Lists of events in time: the order of the beginning, and what overlaps a time.

use std::sync::Arc;

use passerelle::directory::event::EventNode;
use passerelle::directory::event::graphql::{EventFilter, EventOrder};
use passerelle::kernel::node::Listable as _;
use passerelle::kernel::policy::Viewer;
use passerelle::kernel::read::Dialect;
use passerelle::kernel::reader::Reader;
use passerelle::kernel::value::LanguagePreferences;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use super::{fairs, listed};
use crate::mutations::{admin, editor};
use crate::on_both_databases;
use crate::support::records::{event, import};
use crate::support::server::{Setup, TestServer};

async fn calendar(server: &TestServer) {
    let wallonie = server.beside(editor(&["wallonie"])).await;
    fairs(
        &wallonie,
        &[
            ("undated", json!({})),
            ("year", json!({"startsOn": "2026"})),
            ("july", json!({"startsOn": "2026-07"})),
            ("first-of-july", json!({"startsOn": "2026-07-01"})),
            (
                "evening",
                json!({"startsAt": "2026-07-01T20:00:00+02:00", "endsAt": "2026-07-01T23:00:00+02:00"}),
            ),
            (
                "night",
                json!({"startsAt": "2026-07-01T23:00:00+02:00", "endsAt": "2026-07-02T02:00:00+02:00"}),
            ),
            ("tokyo", json!({"startsOn": "2026-07-01", "timeZone": "Asia/Tokyo"})),
            ("week", json!({"startsOn": "2026-06-29", "endsOn": "2026-07-05"})),
            ("until-june", json!({"endsOn": "2026-06"})),
            ("last-year", json!({"startsOn": "2025-05-01"})),
        ],
    )
    .await;
}

/// What overlaps a time.
async fn within(server: &TestServer, from: &str, to: &str) -> String {
    let bound =
        |name: &str, at: &str| if at.is_empty() { String::new() } else { format!("{name}: \"{at}\"") };
    listed(server, &format!("filter: {{{} {}}}", bound("from", from), bound("to", to))).await
}

on_both_databases! {
    async fn undated_events_come_last_in_both_directions(server) {
        calendar(&server).await;
        let all = "last-year year until-june week tokyo july first-of-july evening night undated";
        let ordered = listed(&server, "orderBy: {field: STARTS_ON}").await;
        // July and its first day begin at the same instant: their ids decide.
        assert_eq!(ordered.replace("first-of-july july", "july first-of-july"), all);
        assert_eq!(listed(&server, "").await, ordered);
        let back = listed(&server, "orderBy: {field: STARTS_ON, direction: DESC}").await;
        let mut expected: Vec<&str> = ordered.split(' ').take(9).collect();
        expected.reverse();
        expected.push("undated");
        assert_eq!(back, expected.join(" "));
        assert_eq!(listed(&server, "orderBy: {field: TITLE}, first: 3").await, "evening first-of-july july");
        for (arguments, whole) in [("orderBy: {field: STARTS_ON}", &ordered), ("orderBy: {field: STARTS_ON, direction: DESC}", &back)] {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let data = server.data(&format!("{{ events({arguments}, first: 3{after}) {{ nodes {{ slug }} pageInfo {{ hasNextPage endCursor }} }} }}")).await;
                seen.extend(data["events"]["nodes"].as_array().unwrap().iter().map(|node| node["slug"].as_str().unwrap().to_owned()));
                if data["events"]["pageInfo"]["hasNextPage"] == json!(false) {
                    break;
                }
                after = format!(", after: {}", data["events"]["pageInfo"]["endCursor"]);
            }
            assert_eq!(seen.join(" "), **whole);
            let data = server.data(&format!("{{ events({arguments}, last: 2) {{ nodes {{ slug }} }} }}")).await;
            let tail: Vec<&str> = crate::support::records::each(&data["events"]["nodes"], "/slug");
            assert!(whole.ends_with(&tail.join(" ")), "{whole} {tail:?}");
        }
    }
}

on_both_databases! {
    async fn what_overlaps_a_time_is_found(server) {
        calendar(&server).await;
        let sorted = |text: String| {
            let mut words: Vec<&str> = text.split_whitespace().collect();
            words.sort_unstable();
            words.join(" ")
        };
        for (from, to, expected) in [
            // The first of July in Brussels.
            ("2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z", "evening first-of-july july night tokyo week year"),
            // The last instant of June there, when it is July in Tokyo.
            ("2026-06-30T21:59:59Z", "2026-06-30T22:00:00Z", "tokyo until-june week year"),
            ("2026-07-01T22:00:00Z", "2026-07-01T22:30:00Z", "july night week year"),
            ("2026-07-02T00:00:00Z", "2026-07-05T22:00:00Z", "july week year"),
            ("2026-07-05T22:00:00Z", "2026-07-06T22:00:00Z", "july year"),
            ("2026-07-31T22:00:00Z", "2026-08-01T00:00:00Z", "year"),
            ("2026-12-31T23:00:00Z", "", ""),
            ("2026-12-31T22:59:59Z", "", "year"),
            ("", "2025-04-30T22:00:00Z", ""),
            ("", "2025-04-30T22:00:00.000001Z", "last-year"),
            ("2026-07-01T21:00:00Z", "2026-07-01T21:00:00Z", "first-of-july july night week year"),
            ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "evening first-of-july july night tokyo until-june week year"),
        ] {
            assert_eq!(sorted(within(&server, from, to).await), expected, "{from} {to}");
            let bound = |name: &str, at: &str| if at.is_empty() { String::new() } else { format!("{name}: \"{at}\"") };
            let filter = format!("{{{} {}}}", bound("from", from), bound("to", to));
            // The order by title goes another way through the database.
            assert_eq!(sorted(listed(&server, &format!("orderBy: {{field: TITLE}}, filter: {filter}")).await), expected, "{filter}");
            let descending = listed(&server, &format!("orderBy: {{field: STARTS_ON, direction: DESC}}, filter: {filter}")).await;
            let mut ascending: Vec<String> = within(&server, from, to).await.split_whitespace().map(str::to_owned).collect();
            ascending.reverse();
            assert_eq!(descending, ascending.join(" "), "{filter}");
            let data = server.data(&format!("{{ events(filter: {filter}, first: 1) {{ totalCount }} }}")).await;
            assert_eq!(data["events"]["totalCount"], json!(expected.split_whitespace().count()), "{filter}");
        }
        let code = server.code("{ events(filter: {from: \"2026-07-02T00:00:00Z\", to: \"2026-07-01T00:00:00Z\"}) { totalCount } }").await;
        assert_eq!(code, "BAD_USER_INPUT");
    }
}

on_both_databases! {
    async fn pages_of_an_overlap_go_from_what_has_begun_to_what_begins(server) {
        let days = |day: u32, length: u32| json!({"startsOn": format!("2026-05-{day:02}"), "endsOn": format!("2026-05-{:02}", day + length)});
        let lines: Vec<_> = (1..=20).map(|day| event("wallonie", &format!("d{day:02}"), days(day, day % 7))).collect();
        import(&server, &lines).await;
        let expected: Vec<String> = (1..=20u32).filter(|day| day + day % 7 >= 10 && *day <= 15).map(|day| format!("d{day:02}")).collect();
        let filter = "filter: {from: \"2026-05-10T06:00:00Z\", to: \"2026-05-15T06:00:00Z\"}";
        for size in [1, 2, 3, 50] {
            for (direction, ends) in [("ASC", ("first", "after", "endCursor", "hasNextPage")), ("DESC", ("last", "before", "startCursor", "hasPreviousPage"))] {
                let (count, beyond, cursor, more) = ends;
                let (mut seen, mut from) = (Vec::new(), String::new());
                loop {
                    let query = format!("{{ events({filter}, orderBy: {{field: STARTS_ON, direction: {direction}}}, {count}: {size}{from}) {{ totalCount nodes {{ slug }} pageInfo {{ {cursor} {more} }} }} }}");
                    let data = server.data(&query).await;
                    assert_eq!(data["events"]["totalCount"], json!(expected.len()));
                    let mut page: Vec<String> = data["events"]["nodes"].as_array().unwrap().iter().map(|node| node["slug"].as_str().unwrap().to_owned()).collect();
                    if direction == "DESC" {
                        page.reverse();
                    }
                    seen.extend(page);
                    if data["events"]["pageInfo"][more] == json!(false) {
                        break;
                    }
                    from = format!(", {beyond}: {}", data["events"]["pageInfo"][cursor]);
                }
                assert_eq!(seen, expected, "{size} {direction}");
            }
        }
    }
}

/// The plans of the two ranges of the list of what overlaps a time.
async fn plans(server: &TestServer) -> [String; 2] {
    let time = |text: &str| text.parse().expect("a time");
    let (from, to) = (time("2015-01-01T00:00:00Z"), time("2015-02-01T00:00:00Z"));
    let now = server.app.clock.now();
    let reader =
        Reader::new(Arc::clone(&server.app.db), Viewer::anonymous(), LanguagePreferences::default(), now);
    let filter = EventFilter { from: Some(from), to: Some(to), ..EventFilter::default() };
    let (ranges, conditions) = EventNode::filter(&reader, &filter).expect("a good filter");
    let (list, _) = ranges.list::<EventNode>(&reader.viewer, EventOrder::default().into(), conditions);
    let second = list.second.expect("a second range");
    let (db, dialect) = (server.app.db.writer(), server.app.db.dialect());
    let mut plans = [String::new(), String::new()];
    for (plan, (table, conditions)) in
        plans.iter_mut().zip([(list.from, list.conditions), (second.from, second.conditions)])
    {
        let explain = if dialect == Dialect::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
        let sql = format!(
            "{explain} SELECT {id} FROM {table} WHERE {} ORDER BY {}, {id} LIMIT 21",
            conditions.join(" AND "),
            list.order.inner,
            id = list.id
        );
        let sql = sql.replace("k.overlap_from", &from.micros().to_string());
        let sql = sql.replace("k.overlap_to", &to.micros().to_string());
        let rows = db.query_all_raw(Statement::from_string(dialect.backend(), sql)).await.expect("a plan");
        let column = if dialect == Dialect::Postgres { 0 } else { 3 };
        let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).expect("a line"));
        *plan = lines.collect::<Vec<_>>().join("\n");
    }
    plans
}

on_both_databases! {
    async fn overlaps_are_found_by_index(server) {
        let lines: Vec<_> = (0..2000).map(|n| event("wallonie", &format!("e{n}"), json!({"startsOn": format!("{}-{:02}-{:02}", 1990 + n / 50, 1 + n % 12, 1 + n % 28)}))).collect();
        import(&server, &lines).await;
        if server.app.db.dialect() == Dialect::Postgres {
            server.app.db.writer().execute_unprepared("ANALYZE event").await.expect("statistics");
        }
        let [begins, goes_on] = plans(&server).await;
        // PostgreSQL may sort the few that begin within the time; it never reads the others.
        assert!(begins.contains("event_by_start") && !begins.contains("Seq Scan") && !begins.contains("TEMP B-TREE"), "{begins}");
        assert!(goes_on.contains("event_by_length"), "{goes_on}");
        // The statements do not grow with the number of events, and find the few that overlap.
        let before = server.statements();
        let found = listed(&server, "filter: {from: \"2015-01-01T00:00:00Z\", to: \"2015-02-01T00:00:00Z\"}").await;
        assert_eq!(server.statements() - before, 1);
        assert!(!found.is_empty() && found.split(' ').count() < 20, "{found}");
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn events_are_found_by_their_words_and_facets(server) {
        let all = server.beside(admin()).await;
        fairs(&all, &[
            ("cartoon", json!({"titles": [{"language": "FR", "text": "Cartoon Next"}], "venue": "Cartonnerie", "mode": "HYBRID", "startsOn": "2026-04-12", "sectors": ["animation"], "territory": "namur"})),
            ("planned", json!({"kind": "trade-mission", "titles": [{"language": "FR", "text": "Mission au marché"}, {"language": "EN", "text": "Market mission"}]})),
            ("hidden", json!({"titles": [{"language": "FR", "text": "Cartoon caché"}], "visibility": "PRIVATE"})),
        ]).await;
        server.indexed().await;
        let query = "{ search(query: \"QUERY\", types: [EVENT], facets: [STATUS, MODE, KIND, SECTOR], FILTER) { estimatedTotalCount nodes { ... on Event { slug } } facets { facet values { value label count } } } }";
        let ask = |words: &str, filter: &str| query.replace("QUERY", words).replace("FILTER", filter);
        let found = server.data(&ask("cartoon", "language: FR")).await["search"].clone();
        assert_eq!((&found["estimatedTotalCount"], &found["nodes"]), (&json!(1), &json!([{"slug": "cartoon"}])));
        assert_eq!(found["facets"][0], json!({"facet": "STATUS", "values": [{"value": "SCHEDULED", "label": "Programmé", "count": 1}]}));
        assert_eq!(found["facets"][1]["values"][0]["value"], "HYBRID");
        assert_eq!(found["facets"][2]["values"], json!([{"value": "market", "label": "Marché professionnel", "count": 1}]));
        for (words, filter, slug) in [
            ("cartonnerie", "first: 5", "cartoon"), ("mission market", "first: 5", "planned"), ("prospectiemissie", "first: 5", "planned"),
            ("", "filter: {kinds: [\"trade-mission\"]}", "planned"), ("", "filter: {statuses: [\"ANNOUNCED\"]}", "planned"), ("", "filter: {territories: [\"namur\"], sectors: [\"animation\"]}", "cartoon"),
        ] {
            assert_eq!(server.data(&ask(words, filter)).await["search"]["nodes"], json!([{"slug": slug}]), "{words} {filter}");
        }
        assert_eq!(server.code("{ search(query: \"\", filter: {statuses: [\"MAYBE\"]}) { estimatedTotalCount } }").await, "BAD_USER_INPUT");
        let data = server.data("{ suggest(prefix: \"cart\", types: [EVENT]) { text type node { ... on Event { slug } } } }").await;
        assert_eq!(data["suggest"], json!([{"text": "Cartoon Next", "type": "EVENT", "node": {"slug": "cartoon"}}]));
    }
}
