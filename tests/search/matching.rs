//! Matching names with organizations: a table of cases for every engine and for the database alone, and further
//! properties.

use std::sync::Arc;

use passerelle::kernel::policy::Viewer;
use passerelle::kernel::reader::Reader;
use passerelle::kernel::value::{DateTime, LanguagePreferences};
use passerelle::search::matching::MatchQuestion;
use passerelle::search::matching::candidates::judged;
use passerelle::search::service::Search;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::stub::Stub;
use super::{FIXTURE, fill, member, strings};
use crate::on_both_databases;
use crate::support::records::{import, import_text, options, organization};
use crate::support::server::{Setup, TestServer};

const CASES: &str = include_str!("match.json");

const MATCH: &str = "query($queries: [OrganizationMatchInput!]!, $first: Int) {
  matchOrganizations(queries: $queries, first: $first) {
    query candidates { score match organization { slug name region { slug } } } } }";

async fn ask(server: &TestServer, queries: Value, first: i32) -> Vec<Value> {
    let mut answer = server.query_with(MATCH, json!({ "queries": queries, "first": first })).await;
    assert_eq!(answer.get("errors"), None, "{queries}");
    serde_json::from_value(answer["data"]["matchOrganizations"].take()).expect("a list")
}

/// The errors in the response to a case.
fn wrong(case: &Value, answer: &Value) -> Option<String> {
    let candidates: Vec<&Value> = answer["candidates"].as_array().into_iter().flatten().collect();
    let slugs: Vec<&str> =
        candidates.iter().filter_map(|one| one.pointer("/organization/slug")?.as_str()).collect();
    let scores: Vec<f64> = candidates.iter().filter_map(|one| one["score"].as_f64()).collect();
    let matched: Vec<&str> = candidates
        .iter()
        .filter(|one| one["match"] == true)
        .filter_map(|one| one.pointer("/organization/slug")?.as_str())
        .collect();
    let mut told = Vec::new();
    if answer["query"] != case["input"]["name"] {
        told.push("the name is not what was asked".to_owned());
    }
    match case.get("best") {
        Some(Value::String(best)) if slugs.first() != Some(&best.as_str()) => {
            told.push(format!("best is not {best}"));
        }
        Some(Value::Null) if !slugs.is_empty() => told.push("there should be none".to_owned()),
        _ => {}
    }
    match case["match"].as_bool() {
        Some(true) if matched.is_empty() || matched[0] != slugs[0] => {
            told.push("the best is no match".to_owned());
        }
        Some(false) if !matched.is_empty() => told.push(format!("matches {matched:?}")),
        _ => {}
    }
    if strings(&case["lacks"]).iter().any(|slug| slugs.contains(slug)) {
        told.push("has what it must not have".to_owned());
    }
    if !scores.is_sorted_by(|a, b| a >= b) || scores.iter().any(|score| !(0.0..=1.0).contains(score)) {
        told.push("the scores are out of order".to_owned());
    }
    (!told.is_empty()).then(|| format!("\n{}: {}\n    {slugs:?} {scores:?}", case["name"], told.join(", ")))
}

/// Runs all cases of a viewer, each alone and all in one call. Skips cases that need an engine if there is none.
async fn run_cases(server: &TestServer, viewer: &str, engine: bool) {
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("the cases are JSON");
    let of = |case: &Value| {
        case["viewer"].as_str().unwrap_or("ANONYMOUS") == viewer && (engine || case["engine"] != true)
    };
    let cases: Vec<Value> = cases.into_iter().filter(of).collect();
    let inputs: Vec<Value> = cases.iter().map(|case| case["input"].clone()).collect();
    let together = ask(server, json!(inputs), 20).await;
    assert_eq!(together.len(), cases.len());
    let mut told = String::new();
    for (case, answer) in cases.iter().zip(&together) {
        told.extend(wrong(case, answer));
        assert_eq!(&ask(server, json!([case["input"]]), 20).await[0], answer, "{}", case["name"]);
    }
    assert!(told.is_empty(), "{} cases of {viewer}:{told}", cases.len());
    assert!(cases.len() > 1, "there are cases of {viewer}");
}

on_both_databases! {
    with Setup::default().with_sample().with_search();
    async fn cases_of_anybody(server) {
        fill(&server).await;
        run_cases(&server, "ANONYMOUS", true).await;
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_search().viewer(member());
    async fn cases_of_members(server) {
        fill(&server).await;
        run_cases(&server, "MEMBER", true).await;
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn the_same_cases_without_an_engine(server) {
        import_text(&server, FIXTURE, &options()).await;
        run_cases(&server, "ANONYMOUS", false).await;
    }
}

fn staff() -> Viewer {
    Viewer { staff_of: ["nord-pas-de-calais".to_owned()].into(), ..member() }
}

on_both_databases! {
    with Setup::default().viewer(staff());
    async fn staff_are_offered_what_is_private(server) {
        import_text(&server, FIXTURE, &options()).await;
        let answers = ask(&server, json!([{"name": "mervolane studio", "city": "Roubaix"}]), 5).await;
        assert_eq!(answers[0]["candidates"][0]["organization"]["slug"], "mervolane-studio");
        assert_eq!(answers[0]["candidates"][0]["match"], true);
    }
}

on_both_databases! {
    async fn as_many_statements_for_one_name_as_for_a_hundred(server) {
        let lines: Vec<Value> = (0..60).map(|i| organization("wallonie", &format!("studio-{i}"), json!({
            "name": format!("Studio {i}"), "address": {"country": "BE", "city": "Mons"}, "memberOf": ["cluster"],
        }))).collect();
        import(&server, &[organization("wallonie", "cluster", json!({}))]).await;
        import(&server, &lines).await;
        for count in [1, 50, 100] {
            let queries: Vec<Value> = (0..count).map(|i| json!({
                "name": format!("Studio {i}"), "city": "Bergen",
                "identifiers": [{"scheme": "BCE", "value": "0403170701"}],
            })).collect();
            let before = server.statements();
            let answers = ask(&server, json!(queries), 5).await;
            // One statement each for identifiers, names, prefixes in place of the engine, the compared names, and the
            // results.
            assert_eq!(server.statements() - before, 5, "{count} names");
            assert_eq!(answers.len(), count);
            for (at, answer) in answers.iter().enumerate().take(60) {
                assert_eq!(answer["candidates"][0]["organization"]["slug"], format!("studio-{at}"));
                assert_eq!(answer["candidates"][0]["match"], true);
            }
            // A relation takes one more statement for all candidates.
            let document = MATCH.replace("slug name", "slug memberOf { name }");
            let before = server.statements();
            let answer = server.query_with(&document, json!({ "queries": queries })).await;
            assert_eq!(answer.get("errors"), None);
            assert_eq!(server.statements() - before, 6, "{count} names");
        }
        let before = server.statements();
        assert_eq!(ask(&server, json!([]), 5).await, Vec::<Value>::new());
        assert_eq!(server.statements() - before, 0);
    }
}

on_both_databases! {
    with Setup::default();
    async fn bad_input_is_named(server) {
        let one = |more: Value| {
            let mut query = json!({"name": "Ankama"});
            query.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            json!([{"name": "Pictanovo"}, query])
        };
        let many = vec![json!({"name": "Ankama"}); 101];
        let identifier = json!({"scheme": "SIREN", "value": "000000125"});
        for (queries, first, argument) in [
            (json!(many), 5, "queries"),
            (one(json!({})), 21, "first"),
            (one(json!({})), -1, "first"),
            (one(json!({"name": "é".repeat(301)})), 5, "queries.1.name"),
            (one(json!({"city": "x".repeat(301)})), 5, "queries.1.city"),
            (one(json!({"country": "XX"})), 5, "queries.1.country"),
            (one(json!({"country": "Francie"})), 5, "queries.1.country"),
            (one(json!({"identifiers": vec![identifier; 21]})), 5, "queries.1.identifiers"),
        ] {
            let answer = server.query_with(MATCH, json!({ "queries": queries, "first": first })).await;
            let extensions = &answer["errors"][0]["extensions"];
            assert_eq!(extensions, &json!({"argument": argument, "code": "BAD_USER_INPUT"}), "{answer}");
        }
        // Empty and malformed rows, as in spreadsheets, do not fail the others.
        let rows = json!([
            {"name": ""}, {"name": " \u{0}\t"}, {"name": "&"}, {"name": "é".repeat(300)},
            {"name": "Ankama", "city": "", "country": " ", "identifiers": [{"scheme": "SIREN", "value": "12"}]},
            {"name": "%_*\\' OR 1=1 --", "city": "\u{202e}"},
        ]);
        let answers = ask(&server, rows.clone(), 0).await;
        for (row, answer) in rows.as_array().expect("a list").iter().zip(answers) {
            assert_eq!(answer, json!({"query": row["name"], "candidates": []}));
        }
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn names_follow_what_is_written(server) {
        let line = |name: &str, more: Value| {
            let mut line = organization("wallonie", "one", json!({
                "name": name, "address": {"country": "BE", "city": "Mons"},
            }));
            line["organization"].as_object_mut().expect("an object")
                .extend(more.as_object().expect("an object").clone());
            line
        };
        let best = async |name: &str| {
            let answers = ask(&server, json!([{"name": name, "city": "Mons"}]), 1).await;
            answers[0]["candidates"].get(0).map(|one| (one["match"] == true, one["score"].as_f64().unwrap_or_default()))
        };
        import(&server, &[line("Vorlanteck", json!({"acronym": "VLT"}))]).await;
        assert_eq!(best("vorlanteck SRL").await, Some((true, 0.95)));
        assert_eq!(best("V.L.T.").await, Some((false, 0.9125)));
        import(&server, &[line("Brasmidure", json!({"otherNames": ["Vorlanteck"]}))]).await;
        assert_eq!(best("Brasmidure").await, Some((true, 0.95)));
        assert_eq!(best("Vorlanteck").await, Some((false, 0.9125)));
        // No name of a hidden record is left, and no similar name matches.
        import(&server, &[line("Brasmidure", json!({"visibility": "PRIVATE"}))]).await;
        server.indexed().await;
        assert_eq!(best("Brasmidure").await, None);
        let sql = "SELECT COUNT(*) FROM organization_name";
        let statement = Statement::from_string(server.app.db.dialect().backend(), sql);
        let row = server.app.db.writer().query_one_raw(statement).await.expect("a count");
        let count: i64 = row.expect("a row").try_get_by_index(0).expect("a number");
        assert_eq!(count, 3, "its name, its acronym and its former name");
    }
}

on_both_databases! {
    async fn organizations_of_an_older_layout_get_their_names(server) {
        let lines: Vec<Value> = (0..1201).map(|i| organization("wallonie", &format!("o-{i}"), json!({
            "address": {"country": "BE", "city": "Mons"},
        }))).collect();
        import(&server, &lines).await;
        server.app.db.writer().execute_unprepared("DELETE FROM organization_name").await.expect("the names are deleted");
        let matched = async || {
            let answers = ask(&server, json!([{"name": "O 1200", "city": "Mons"}]), 1).await;
            answers[0]["candidates"].pointer("/0/match") == Some(&json!(true))
        };
        assert!(!matched().await, "names are needed for a match");
        passerelle::records::migrations::run(&server.app.db, passerelle::directory::finish).await.expect("the migrations succeed");
        assert!(matched().await);
    }
}

on_both_databases! {
    with Setup::default();
    async fn a_slow_engine_is_not_asked_again_and_again(server) {
        let lines: Vec<Value> = (0..100).map(|i| organization("wallonie", &format!("studio-{i}"), json!({
            "name": format!("Studio {i}"), "address": {"country": "BE", "city": "Mons"},
        }))).collect();
        import(&server, &lines).await;
        let stub = Stub::start().await;
        stub.store().silent = true;
        let (search, _) = Search::new(Arc::new(stub.engine()));
        let reader = server.app.db.clone();
        let reader = Reader::new(reader, Viewer::anonymous(), LanguagePreferences::default(), DateTime::EPOCH);
        let names: Vec<String> = (0..100).map(|i| format!("Studio {i}")).collect();
        let questions: Vec<(&str, MatchQuestion)> =
            names.iter().map(|name| (name.as_str(), MatchQuestion::new(name, Some("Mons"), None, &[]))).collect();
        let judged = judged(&reader, &search, &questions).await.expect("the database answers");
        assert!(judged.iter().all(|candidates| candidates[0].matches));
    }
}
