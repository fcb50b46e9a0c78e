//! The selection determines which columns are read, but not the values of fields.

use std::collections::HashMap;
use std::fmt::Write as _;

use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::{call_for_projects, import};
use crate::support::server::{Setup, TestServer};

/// The fields of each object type that need no arguments: name and named type.
struct Types(HashMap<String, Vec<(String, String)>>);

impl Types {
    async fn of(server: &TestServer) -> Self {
        let query = "{ __schema { types { kind name fields { name args { type { kind } defaultValue }
            type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
        let data = server.data(query).await;
        let types = data["__schema"]["types"].as_array().expect("types").iter();
        let objects = types.filter(|each| each["kind"] == "OBJECT").map(|each| {
            let fields = each["fields"].as_array().expect("fields").iter();
            let free = fields.filter(|field| {
                let arguments = field["args"].as_array().expect("arguments");
                arguments
                    .iter()
                    .all(|one| one["type"]["kind"] != "NON_NULL" || !one["defaultValue"].is_null())
            });
            let fields = free.map(|field| (text(&field["name"]), named(&field["type"]))).collect();
            (text(&each["name"]), fields)
        });
        Self(objects.collect())
    }

    /// The field with its selection, down to this depth.
    fn selection(&self, field: &str, of: &str, depth: usize) -> Option<String> {
        let Some(fields) = self.0.get(of) else { return Some(field.to_owned()) };
        if depth == 0 {
            return None;
        }
        let below: Vec<String> =
            fields.iter().filter_map(|(name, of)| self.selection(name, of, depth - 1)).collect();
        (!below.is_empty()).then(|| format!("{field} {{ {} }}", below.join(" ")))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name of the type inside lists and non-nulls.
fn named(of: &Value) -> String {
    if of["ofType"].is_null() { text(&of["name"]) } else { named(&of["ofType"]) }
}

/// Queries for records of a type, with `{}` in place of the selection, and the path to their list.
const PLACES: &[(&str, &str, &str)] = &[
    ("Organization", "{ organizations(first: 100) { nodes { {} } } }", "/organizations/nodes"),
    ("Talent", "{ talents(first: 100) { nodes { {} } } }", "/talents/nodes"),
    ("Partnership", "{ partnerships(first: 100) { nodes { {} } } }", "/partnerships/nodes"),
    (
        "Affiliation",
        "{ talents(first: 100) { nodes { affiliations(first: 3) { nodes { {} } } } } }",
        "/talents/nodes/*/affiliations/nodes",
    ),
    (
        "PartnershipParty",
        "{ partnerships(first: 100) { nodes { parties { {} } } } }",
        "/partnerships/nodes/*/parties",
    ),
    ("CallForProjects", "{ callsForProjects(first: 100) { nodes { {} } } }", "/callsForProjects/nodes"),
    (
        "Contribution",
        "{ callsForProjects(first: 100) { nodes { contributions { {} } } } }",
        "/callsForProjects/nodes/*/contributions",
    ),
    (
        "CallLot",
        "{ callsForProjects(first: 100) { nodes { lots { {} } } } }",
        "/callsForProjects/nodes/*/lots",
    ),
    ("Region", "{ regions { {} } }", "/regions"),
];

/// The records at a path, in which `*` matches each entry of a list.
fn at<'a>(data: &'a Value, path: &str) -> Vec<&'a Value> {
    let (head, rest) = path.split_once("/*").map_or((path, None), |(head, rest)| (head, Some(rest)));
    let list = data.pointer(head).and_then(Value::as_array).into_iter().flatten();
    match rest {
        Some(rest) => list.flat_map(|each| at(each, rest)).collect(),
        None => list.collect(),
    }
}

async fn each_field_alone(server: &TestServer) {
    // The sample has one call.
    let gives = |slug: &str| json!({"organization": slug, "amount": {"amount": "5", "currency": "EUR"}});
    let calls: Vec<Value> = (0..4)
        .map(|at| {
            let lot = json!({"genre": "serious-game", "funders": [gives("vaf")], "eligibleRegions": ["flandre"]});
            let more = json!({"contributions": [gives("wallimage"), gives("vaf")], "lots": [lot], "organizers": ["vaf"]});
            call_for_projects("wallonie", &format!("call-{at}"), more)
        })
        .collect();
    import(server, &calls).await;
    let types = Types::of(server).await;
    for (name, query, path) in PLACES {
        let fields: Vec<(&String, String)> = types.0[*name]
            .iter()
            .filter_map(|(field, of)| Some((field, types.selection(field, of, 2)?)))
            .collect();
        assert!(fields.len() > 2, "{name}");
        let mut whole = String::new();
        for (_, selection) in &fields {
            let _ = write!(whole, "{selection} ");
        }
        let together = server.data(&query.replace("{}", &whole)).await;
        let together = at(&together, path);
        assert!(together.len() > 3, "{name}: the sample has several");
        for (field, selection) in &fields {
            let alone = server.data(&query.replace("{}", selection)).await;
            let alone = at(&alone, path);
            assert_eq!(alone.len(), together.len(), "{name}.{field}");
            for (one, all) in alone.iter().zip(&together) {
                assert_eq!(one[field.as_str()], all[field.as_str()], "{name}.{field}");
            }
        }
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_huge_documents();
    async fn each_field_alone_says_what_it_says_among_all(server) {
        each_field_alone(&server).await;
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_huge_documents().viewer(staff());
    async fn and_so_for_staff(server) {
        each_field_alone(&server).await;
    }
}

/// Staff of two regions, who see hidden fields.
fn staff() -> Viewer {
    let regions = ["wallonie", "nord-pas-de-calais"].map(str::to_owned);
    Viewer { signed_in: true, staff_of: regions.into(), ..Viewer::default() }
}
