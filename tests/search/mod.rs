//! Search: a table of cases for every engine, and further properties.

use std::fmt::Write as _;

use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::{import_text, options};
use crate::support::server::{Setup, TestServer};

mod faults;
mod following;
mod gate;
mod leaks;
mod matching;
mod meilisearch;
mod merged;
pub(crate) mod stub;
mod withdrawn;

const FIXTURE: &str = include_str!("fixture.ndjson");
const CASES: &str = include_str!("cases.json");
const SUGGESTIONS: &str = include_str!("suggest.json");

const SEARCH: &str =
    "query($query: String!, $types: [SearchType!], $filter: SearchFilter, $facets: [SearchFacet!],
    $language: Language, $first: Int) {
  search(query: $query, types: $types, filter: $filter, facets: $facets, language: $language, first: $first) {
    estimatedTotalCount degraded
    edges { score highlights { field snippet }
      node { ... on Record { slug } } }
    facets { facet values { value count } } } }";

const SUGGEST: &str = "query($prefix: String!, $types: [SearchType!], $filter: SearchFilter, $first: Int) {
  suggest(prefix: $prefix, types: $types, filter: $filter, first: $first) {
    text node { ... on Record { slug } } } }";

fn member() -> Viewer {
    Viewer { signed_in: true, ..Viewer::anonymous() }
}

/// Indexes the sample and the fixture.
async fn fill(server: &TestServer) {
    let (_, told) = import_text(server, FIXTURE, &options()).await;
    assert_eq!(told.bad, [], "no line of the fixture is bad");
    server.indexed().await;
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The arguments of a case as variables.
fn variables(case: &Value, names: &[&str]) -> Value {
    let given = names.iter().filter_map(|name| Some(((*name).to_owned(), case.get(*name)?.clone())));
    Value::Object(given.collect())
}

fn slugs<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().filter_map(|one| one.pointer(pointer)?.as_str()).collect()
}

/// The errors in the hits of a case.
fn check_slugs(case: &Value, found: &[&str], wrong: &mut String) {
    let may_differ = case.get("differs").is_some();
    let starts = strings(&case["starts"]);
    if !may_differ && !found.starts_with(&starts) {
        let _ = write!(wrong, "\n    should start with {starts:?}");
    }
    for slug in strings(&case["has"]) {
        if !found.contains(&slug) {
            let _ = write!(wrong, "\n    lacks {slug}");
        }
    }
    for slug in strings(&case["lacks"]) {
        if found.contains(&slug) {
            let _ = write!(wrong, "\n    has {slug}");
        }
    }
    if !may_differ && case["empty"] == true && !found.is_empty() {
        let _ = write!(wrong, "\n    should be empty");
    }
}

async fn check_search(server: &TestServer, case: &Value, wrong: &mut String) {
    let asked = variables(case, &["query", "types", "filter", "facets", "language", "first"]);
    let answer = server.query_with(SEARCH, asked.clone()).await;
    if let Some(code) = case["error"].as_str() {
        if answer["errors"][0]["extensions"]["code"] != code {
            let _ = write!(wrong, "\n    should fail with {code}: {answer}");
        }
        return;
    }
    if let Some(errors) = answer.get("errors") {
        let _ = write!(wrong, "\n    failed: {errors}");
        return;
    }
    let answer = &answer["data"]["search"];
    let found = slugs(&answer["edges"], "/node/slug");
    check_slugs(case, &found, wrong);
    if case.get("differs").is_some() {
        return;
    }
    let total = &answer["estimatedTotalCount"];
    if case.get("total").is_some_and(|expected| expected != total) {
        let _ = write!(wrong, "\n    total {total} instead of {}", case["total"]);
    }
    if case["at_least"].as_u64() > total.as_u64() {
        let _ = write!(wrong, "\n    total {total} instead of {} at least", case["at_least"]);
    }
    for (facet, values) in case["facet"].as_object().into_iter().flatten() {
        let counted =
            answer["facets"].as_array().into_iter().flatten().find(|one| one["facet"] == facet.as_str());
        let counted = counted.and_then(|one| one["values"].as_array()).into_iter().flatten();
        let counted: Vec<(&str, &Value)> =
            counted.map(|one| (one["value"].as_str().unwrap_or_default(), &one["count"])).collect();
        for (value, count) in values.as_object().into_iter().flatten() {
            let is = counted.iter().find(|(name, _)| name == value).map(|(_, count)| *count);
            if is.unwrap_or(&json!(0)) != count {
                let _ = write!(wrong, "\n    {facet} {value}: {is:?} instead of {count}");
            }
        }
    }
    if let Some(text) = case["same_as"].as_str() {
        let mut other = asked.clone();
        other["query"] = text.into();
        let other = server.query_with(SEARCH, other).await;
        let mut other = slugs(&other["data"]["search"]["edges"], "/node/slug");
        let mut found = found.clone();
        other.sort_unstable();
        found.sort_unstable();
        if found != other {
            let _ = write!(wrong, "\n    differs from `{text}`: {other:?}");
        }
    }
    if let Some(slug) = case["highlight"]["slug"].as_str() {
        let contains = case["highlight"]["contains"].as_str().unwrap_or_default();
        let edges = answer["edges"].as_array().into_iter().flatten();
        let snippets: Vec<&str> = edges
            .filter(|edge| edge["node"]["slug"] == slug)
            .flat_map(|edge| slugs(&edge["highlights"], "/snippet"))
            .collect();
        if !snippets.iter().any(|snippet| snippet.contains(contains)) {
            let _ = write!(wrong, "\n    `{contains}` is not marked: {snippets:?}");
        }
    }
    if !wrong.is_empty() {
        let _ = write!(wrong, "\n    found {found:?}");
    }
}

async fn check_suggest(server: &TestServer, case: &Value, wrong: &mut String) {
    let asked = variables(case, &["prefix", "types", "filter", "first"]);
    let answer = server.query_with(SUGGEST, asked).await;
    if let Some(code) = case["error"].as_str() {
        if answer["errors"][0]["extensions"]["code"] != code {
            let _ = write!(wrong, "\n    should fail with {code}: {answer}");
        }
        return;
    }
    if let Some(errors) = answer.get("errors") {
        let _ = write!(wrong, "\n    failed: {errors}");
        return;
    }
    let found = slugs(&answer["data"]["suggest"], "/node/slug");
    check_slugs(case, &found, wrong);
    let texts = slugs(&answer["data"]["suggest"], "/text");
    let expected = strings(&case["texts"]);
    if case.get("differs").is_none() && !texts.starts_with(&expected) {
        let _ = write!(wrong, "\n    texts {texts:?} instead of {expected:?}");
    }
    if !wrong.is_empty() {
        let _ = write!(wrong, "\n    found {found:?}");
    }
}

/// Runs all cases of a viewer, and reports all failures at once.
async fn run_cases(server: &TestServer, viewer: &str) {
    fill(server).await;
    let mut told = String::new();
    let (mut count, mut failed) = (0, 0);
    for (text, suggests) in [(CASES, false), (SUGGESTIONS, true)] {
        let cases: Vec<Value> = serde_json::from_str(text).expect("the cases are JSON");
        for case in cases.iter().filter(|case| case["viewer"].as_str().unwrap_or("ANONYMOUS") == viewer) {
            let mut wrong = String::new();
            if suggests {
                check_suggest(server, case, &mut wrong).await;
            } else {
                check_search(server, case, &mut wrong).await;
            }
            count += 1;
            if !wrong.is_empty() {
                failed += 1;
                let typed = if suggests { &case["prefix"] } else { &case["query"] };
                let _ = write!(told, "\n{}: {typed}{wrong}", case["name"]);
            }
        }
    }
    assert!(failed == 0, "{failed} of {count} cases of {viewer}:{told}");
    assert!(count > 3, "there are cases of {viewer}");
}

on_both_databases! {
    with Setup::default().with_sample().with_search();
    async fn cases_of_anybody(server) {
        run_cases(&server, "ANONYMOUS").await;
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_search().viewer(member());
    async fn cases_of_members(server) {
        run_cases(&server, "MEMBER").await;
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_search();
    async fn what_no_fragment_is_about_is_an_object_without_fields(server) {
        server.indexed().await;
        let asked = r#"{ search(query: "ankama", first: 1) { nodes { ... on Talent { slug } } edges { node { ... on Talent { slug } } } }
            suggest(prefix: "ankama", first: 1) { node { ... on Talent { slug } } } }"#;
        let found = server.data(asked).await;
        assert_eq!(found["search"], json!({ "nodes": [{}], "edges": [{ "node": {} }] }));
        assert_eq!(found["suggest"], json!([{ "node": {} }]));
        let id = server.data(r#"{ organization(by: { slug: "ankama" }) { id } }"#).await;
        let asked = "query($id: ID!) { node(id: $id) { ... on Talent { slug } } nodes(ids: [$id]) { ... on Talent { slug } } }";
        let found = server.query_with(asked, json!({ "id": id["organization"]["id"] })).await;
        assert_eq!(found["data"], json!({ "node": {}, "nodes": [{}] }));
    }
}
