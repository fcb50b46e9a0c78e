//! Records for tests, imported from files as those of regions are.

use passerelle::exchange::import::file::{self, Format, Options, Report, Summary};
use passerelle::exchange::import::line::Fault;
use serde_json::{Value, json};

use super::server::TestServer;

/// The report of an import.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Bad lines: number, field, reason.
    pub(crate) bad: Vec<(u64, String, String)>,
}

impl Report for Told {
    fn bytes(&mut self, _: u64) {}

    fn lines(&mut self, _: u64) {}

    fn bad_line(&mut self, number: u64, fault: &Fault) {
        self.bad.push((number, fault.path.clone(), fault.message.clone()));
    }
}

/// The import options of most tests.
pub(crate) fn options() -> Options {
    Options {
        format: Format::Ndjson,
        source: None,
        create_source: true,
        strict: false,
        confirm_deletes: None,
    }
}

/// NDJSON: one value a line.
pub(crate) fn ndjson(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"
}

/// Imports a text.
pub(crate) async fn import_text(server: &TestServer, text: &str, options: &Options) -> (Summary, Told) {
    let mut told = Told::default();
    let input = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
    let summary = file::run(&server.app, input, options, &mut told).await.expect("the import runs");
    (summary, told)
}

/// Imports lines, none of which may be rejected.
pub(crate) async fn import(server: &TestServer, lines: &[Value]) -> Summary {
    let (summary, told) = import_text(server, &ndjson(lines), &options()).await;
    assert_eq!(told.bad, [], "no line is bad");
    summary
}

/// The name of a region's source in tests.
pub(crate) fn source(region: &str) -> String {
    format!("test-{region}")
}

/// A line with an organization, with the fields of `more` merged in.
pub(crate) fn organization(region: &str, slug: &str, more: Value) -> Value {
    let mut record = json!({"slug": slug, "name": slug, "kind": "animation-studio", "region": region});
    merge(&mut record, more);
    json!({"source": source(region), "externalId": format!("org-{slug}"), "organization": record})
}

/// A line with a talent, with the fields of `more` merged in.
pub(crate) fn talent(region: &str, slug: &str, more: Value) -> Value {
    let mut record = json!({"slug": slug, "displayName": slug, "region": region, "visibility": "PUBLIC",
        "legalBasis": "CONSENT"});
    merge(&mut record, more);
    json!({"source": source(region), "externalId": format!("tal-{slug}"), "talent": record})
}

/// A line with an affiliation of a talent of `region`. References are slugs.
pub(crate) fn affiliation(region: &str, talent: &str, organization: &str, more: Value) -> Value {
    let mut record = json!({"talent": talent, "organization": organization,
        "roles": [{"language": "EN", "text": format!("role of {talent} in {organization}")}]});
    merge(&mut record, more);
    json!({"source": source(region), "externalId": format!("aff-{talent}-{organization}"), "affiliation": record})
}

/// A line with a partnership. Parties are slugs of organizations.
pub(crate) fn partnership(region: &str, slug: &str, parties: &[&str], more: Value) -> Value {
    let parties: Vec<Value> = parties.iter().map(|p| json!({"organization": p, "role": "PARTNER"})).collect();
    let mut record = json!({"slug": slug, "kind": "co-funding", "region": region, "parties": parties,
        "titles": [{"language": "EN", "text": slug}]});
    merge(&mut record, more);
    json!({"source": source(region), "externalId": format!("par-{slug}"), "partnership": record})
}

/// A line with a call for projects. Its funders are slugs of organizations.
pub(crate) fn call_for_projects(region: &str, slug: &str, more: Value) -> Value {
    let mut record = json!({"slug": slug, "region": region, "titles": [{"language": "EN", "text": slug}]});
    merge(&mut record, more);
    json!({"source": source(region), "externalId": format!("cal-{slug}"), "callForProjects": record})
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// The texts at a JSON pointer in each entry of a list.
pub(crate) fn each<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| entry.pointer(pointer)?.as_str()).collect()
}
