//! The schema: the committed file is current, and every part is described.

use std::path::Path;

use serde_json::Value;

use crate::support::server::{Backend, TestServer};

#[test]
fn the_committed_schema_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let current = passerelle::schema::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&file, current).expect("schema.graphql is written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == current,
        "schema.graphql is stale: run `UPDATE_SCHEMA=1 cargo test --test integration schema` and review the difference"
    );
}

/// All parts of the schema, including deprecated ones.
const WALK: &str = "{ __schema {
    types { name kind description
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { name description } }
        inputFields(includeDeprecated: true) { name description }
        enumValues(includeDeprecated: true) { name description } }
    directives { name description args { name description } } } }";

fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap_or("?")
}

/// Adds the paths of parts without a description.
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
        // Without the types of introspection, and the built-in scalar that the library leaves without a description.
        types.retain(|one| !name(one).starts_with("__") && name(one) != "ID");
        let mut found = Vec::new();
        undescribed("", &data["__schema"]["types"], &mut found);
        undescribed("@", &data["__schema"]["directives"], &mut found);
        assert!(found.is_empty(), "without a description: {}", found.join(", "));
    });
}

/// Deprecations without a replacement or a date of removal.
fn undated(sdl: &str) -> Vec<String> {
    use async_graphql::Value;
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{ConstDirective, TypeKind, TypeSystemDefinition};
    use async_graphql::{Name, Positioned};

    fn look(found: &mut Vec<String>, owner: &Name, name: &Name, directives: &[Positioned<ConstDirective>]) {
        for directive in directives.iter().filter(|directive| directive.node.name.node == "deprecated") {
            let reason = directive.node.get_argument("reason").map(|reason| reason.node.clone());
            let Some(Value::String(reason)) = reason else {
                found.push(format!("{owner}.{name}: no reason"));
                continue;
            };
            let date = reason.split_once("Goes after ").and_then(|(_, rest)| rest.strip_suffix('.'));
            let dated = date.is_some_and(|date| chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok());
            if !reason.starts_with("Use ") || !dated {
                found.push(format!("{owner}.{name}: {reason}"));
            }
        }
    }
    let mut found = Vec::new();
    for definition in parse_schema(sdl).expect("a schema").definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let owner = &definition.node.name.node;
        match &definition.node.kind {
            TypeKind::Object(object) => {
                for field in &object.fields {
                    look(&mut found, owner, &field.node.name.node, &field.node.directives);
                    for argument in &field.node.arguments {
                        look(
                            &mut found,
                            &field.node.name.node,
                            &argument.node.name.node,
                            &argument.node.directives,
                        );
                    }
                }
            }
            TypeKind::Interface(interface) => {
                for field in &interface.fields {
                    look(&mut found, owner, &field.node.name.node, &field.node.directives);
                }
            }
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    look(&mut found, owner, &field.node.name.node, &field.node.directives);
                }
            }
            TypeKind::Enum(values) => {
                for value in &values.values {
                    look(&mut found, owner, &value.node.value.node, &value.node.directives);
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    found
}

#[test]
fn what_will_go_says_when_and_what_to_use_instead() {
    assert_eq!(undated(passerelle::schema::sdl()), [] as [String; 0]);
    let sdl = "type Query {
        a: Int @deprecated(reason: \"Use b. Goes after 2027-06-01.\")
        b(x: Int @deprecated(reason: \"Use y.\")): Int @deprecated
        c: E @deprecated(reason: \"Use b. Goes after June.\") }
        enum E { A B @deprecated(reason: \"Goes after 2027-06-01.\") }
        input I { a: Int @deprecated(reason: \"No longer supported\") }";
    let expected = [
        "Query.b: no reason",
        "b.x: Use y.",
        "Query.c: Use b. Goes after June.",
        "E.B: Goes after 2027-06-01.",
        "I.a: No longer supported",
    ];
    assert_eq!(undated(sdl), expected);
}
