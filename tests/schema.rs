//! The schema: what is committed is what the program has, and every part of it is described.

use std::path::Path;

use serde_json::Value;

use crate::support::server::{Backend, TestServer};

#[test]
fn the_committed_schema_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let current = passerelle::schema::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&file, &current).expect("schema.graphql is written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == current,
        "schema.graphql is stale: run `UPDATE_SCHEMA=1 cargo test --test integration schema` and review the difference"
    );
}

/// Everything, with what is deprecated.
const WALK: &str = "{ __schema {
    types { name kind description
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { name description } }
        inputFields(includeDeprecated: true) { name description }
        enumValues(includeDeprecated: true) { name description } }
    directives { name description args { name description } } } }";

fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap_or("?")
}

/// Adds what has no description, under the name of what it belongs to.
fn undescribed(owner: &str, list: &Value, found: &mut Vec<String>) {
    for one in list.as_array().into_iter().flatten() {
        let path = if owner.is_empty() { name(one).to_owned() } else { format!("{owner}.{}", name(one)) };
        if one["description"].as_str().unwrap_or_default().trim().is_empty() {
            found.push(path.clone());
        }
        for below in ["fields", "args", "inputFields", "enumValues"] {
            undescribed(&path, &one[below], found);
        }
    }
}

#[test]
fn every_part_of_the_schema_is_described() {
    crate::support::run(async {
        let server = TestServer::spawn(Backend::Sqlite).await.expect("SQLite is always there");
        let mut data = server.data(WALK).await;
        let types = data["__schema"]["types"].as_array_mut().expect("types");
        // Introspection's own types, and the one scalar of GraphQL itself that the library leaves bare.
        types.retain(|one| !name(one).starts_with("__") && name(one) != "ID");
        let mut found = Vec::new();
        undescribed("", &data["__schema"]["types"], &mut found);
        undescribed("@", &data["__schema"]["directives"], &mut found);
        assert!(found.is_empty(), "without a description: {}", found.join(", "));
    });
}
