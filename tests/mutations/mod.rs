//! Writes by GraphQL mutations: rights, and all errors at once.

use passerelle::kernel::policy::Viewer;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::server::TestServer;

mod affiliations;
mod merging;
mod mistakes;
mod organizations;
mod partnerships;
mod proposals;
mod repeated;
mod rights;
mod talents;

/// An account without roles.
pub(crate) fn member(number: u128) -> Viewer {
    Viewer { signed_in: true, account: Some(Uuid::from_u128(number)), ..Viewer::anonymous() }
}

/// An editor of regions.
pub(crate) fn editor(regions: &[&str]) -> Viewer {
    let regions: std::collections::BTreeSet<String> = regions.iter().map(|r| (*r).to_owned()).collect();
    Viewer { staff_of: regions.clone(), writes: regions, ..member(1) }
}

/// The account that owns a talent or is a member of an organization.
pub(crate) fn owner(id: &str) -> Viewer {
    let (_, id) = passerelle::kernel::id::decode_any("", id).expect("an id");
    Viewer { owns: [id].into(), ..member(2) }
}

/// An administrator of the whole instance.
pub(crate) fn admin() -> Viewer {
    Viewer { admin: true, ..member(3) }
}

/// The payload of a mutation. `call` is its name, and `fields` its selection.
pub(crate) async fn call(
    server: &TestServer,
    call: &str,
    fields: &str,
    arguments: &[(&str, &str, Value)],
) -> Value {
    let variables: serde_json::Map<String, Value> =
        arguments.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())).collect();
    let declared: Vec<String> = arguments.iter().map(|(name, of, _)| format!("${name}: {of}")).collect();
    let passed: Vec<String> = arguments.iter().map(|(name, ..)| format!("{name}: ${name}")).collect();
    let query = format!(
        "mutation({}) {{ {call}({}) {{ {fields} userErrors {{ code reason path message }} }} }}",
        declared.join(", "),
        passed.join(", ")
    );
    let mut answer = server.query_with(&query, Value::Object(variables)).await;
    assert_eq!(answer.get("errors"), None, "{query} {arguments:?}");
    answer["data"][call].take()
}

/// `Organization` for `organization`.
fn capital(of: &str) -> String {
    of[..1].to_uppercase() + &of[1..]
}

/// Creates a record. `fields` is its selection.
pub(crate) async fn create(server: &TestServer, of: &str, input: Value, fields: &str) -> Value {
    let name = capital(of);
    let input = ("input", format!("{name}Input!"), input);
    let arguments = [(input.0, input.1.as_str(), input.2)];
    call(server, &format!("create{name}"), &format!("{of} {{ {fields} }}"), &arguments).await
}

/// Changes a record.
pub(crate) async fn update(
    server: &TestServer,
    of: &str,
    id: &str,
    base: Option<i32>,
    input: Value,
    fields: &str,
) -> Value {
    let name = capital(of);
    let of_input = format!("{name}Input!");
    let arguments =
        [("id", "ID!", json!(id)), ("baseRevision", "Int", json!(base)), ("input", of_input.as_str(), input)];
    call(server, &format!("update{name}"), &format!("{of} {{ {fields} }}"), &arguments).await
}

/// Deletes a record.
pub(crate) async fn delete(server: &TestServer, of: &str, id: &str, base: Option<i32>) -> Value {
    let arguments = [("id", "ID!", json!(id)), ("baseRevision", "Int", json!(base))];
    call(server, &format!("delete{}", capital(of)), "deletedId", &arguments).await
}

/// Creates a record, which must succeed, and returns its id.
pub(crate) async fn made(server: &TestServer, of: &str, input: Value) -> String {
    let answer = create(server, of, input, "id").await;
    assert_eq!(answer["userErrors"], json!([]));
    answer[of]["id"].as_str().expect("an id").to_owned()
}

/// The code and path of each user error: `INVALID input.name`.
pub(crate) fn told(answer: &Value) -> Vec<String> {
    let errors = answer["userErrors"].as_array().expect("a list of errors").iter();
    let path = |error: &Value| {
        let parts = error["path"].as_array().expect("a path").iter().map(|part| part.as_str().unwrap_or("?"));
        parts.collect::<Vec<_>>().join(".")
    };
    errors.map(|error| format!("{} {}", error["code"].as_str().unwrap_or("?"), path(error))).collect()
}

/// The reason of the only error.
pub(crate) fn reason(answer: &Value) -> &str {
    assert_eq!(answer["userErrors"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["userErrors"][0]["reason"].as_str().unwrap_or_default()
}

/// The integer that a statement returns.
pub(crate) async fn number(server: &TestServer, sql: &str) -> i64 {
    let db = server.app.db.writer();
    let row = db.query_one_raw(Statement::from_string(server.app.db.dialect().backend(), sql)).await;
    row.expect("a statement").expect("a row").try_get_by_index(0).expect("a number")
}

/// The number of entries in the change log.
pub(crate) async fn logged(server: &TestServer) -> i64 {
    number(server, "SELECT COUNT(*) FROM change_log").await
}

/// The input of an organization.
pub(crate) fn studio(region: &str, slug: &str) -> Value {
    json!({"slug": slug, "name": slug, "kind": "animation-studio", "region": region})
}

/// The input of a talent.
pub(crate) fn person(region: &str, slug: &str) -> Value {
    json!({"slug": slug, "displayName": slug, "region": region, "visibility": "PUBLIC", "legalBasis": "CONSENT"})
}
