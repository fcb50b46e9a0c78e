//! The schema by introspection, and selections for its types.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::server::TestServer;

/// A field, an argument, or an input field.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: String,
    /// Its named type.
    pub(super) of: String,
    /// Whether it is required. For a field, whether one of its arguments is.
    pub(super) needs: bool,
    pub(super) arguments: Vec<Part>,
}

/// A type.
#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) kind: String,
    pub(super) fields: Vec<Part>,
    pub(super) inputs: Vec<Part>,
    pub(super) values: Vec<String>,
}

pub(super) struct Shape(pub(super) BTreeMap<String, Type>);

const WALK: &str = "{ __schema { types { kind name enumValues { name }
    inputFields { ...part } fields { name type { ...of } args { ...part } } } } }
    fragment part on __InputValue { name defaultValue type { ...of } }
    fragment of on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name of the type inside lists and non-nulls.
fn named(of: &Value) -> String {
    if of["ofType"].is_null() { text(&of["name"]) } else { named(&of["ofType"]) }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn part(value: &Value) -> Part {
    let arguments: Vec<Part> = list(&value["args"]).map(part).collect();
    let must = value["type"]["kind"] == "NON_NULL" && value["defaultValue"].is_null();
    let needs = if value["args"].is_null() { must } else { arguments.iter().any(|one| one.needs) };
    Part { name: text(&value["name"]), of: named(&value["type"]), needs, arguments }
}

impl Shape {
    pub(super) async fn of(server: &TestServer) -> Self {
        let data = server.data(WALK).await;
        let types = list(&data["__schema"]["types"]).filter(|one| !text(&one["name"]).starts_with("__"));
        let read = |one: &Value| Type {
            kind: text(&one["kind"]),
            fields: list(&one["fields"]).map(part).collect(),
            inputs: list(&one["inputFields"]).map(part).collect(),
            values: list(&one["enumValues"]).map(|value| text(&value["name"])).collect(),
        };
        Self(types.map(|one| (text(&one["name"]), read(one))).collect())
    }

    pub(super) fn fields(&self, of: &str) -> &[Part] {
        self.0.get(of).map_or(&[], |found| &found.fields)
    }

    /// The selection of a type: its scalar fields, and its relations down to this depth.
    pub(super) fn selection(&self, of: &str, depth: usize) -> String {
        match self.0.get(of).map(|found| found.kind.as_str()) {
            Some("OBJECT") => {
                let fields = self.fields(of).iter().filter(|field| !field.needs);
                let parts = fields.filter_map(|field| self.select(field, depth));
                parts.collect::<Vec<_>>().join(" ")
            }
            Some("UNION" | "INTERFACE") => "__typename ... on Node { id }".to_owned(),
            _ => String::new(),
        }
    }

    /// One field with its selection, or `None` if that would be too deep.
    pub(super) fn select(&self, field: &Part, depth: usize) -> Option<String> {
        // A position that every write advances, so it differs between responses.
        if field.of == "ChangeCursor" {
            return None;
        }
        let kind = self.0.get(&field.of).map(|found| found.kind.as_str());
        match kind {
            Some("OBJECT" | "UNION" | "INTERFACE") if depth == 0 => None,
            Some("OBJECT" | "UNION" | "INTERFACE") => {
                let below = self.selection(&field.of, depth - 1);
                (!below.is_empty()).then(|| format!("{} {{ {below} }}", field.name))
            }
            _ => Some(field.name.clone()),
        }
    }

    /// A selection that identifies the records: only their ids.
    pub(super) fn brief(&self, of: &str) -> String {
        let has_id = self.fields(of).iter().any(|field| field.name == "id");
        match self.0.get(of).map(|found| found.kind.as_str()) {
            Some("OBJECT") if has_id => "id".to_owned(),
            Some("OBJECT") => {
                let fields =
                    self.fields(of).iter().filter(|field| !field.needs && field.of != "ChangeCursor");
                let parts = fields.map(|field| match self.brief(&field.of) {
                    below if below.is_empty() => field.name.clone(),
                    below => format!("{} {{ {below} }}", field.name),
                });
                parts.collect::<Vec<_>>().join(" ")
            }
            Some("UNION" | "INTERFACE") => "__typename ... on Node { id }".to_owned(),
            _ => String::new(),
        }
    }
}
