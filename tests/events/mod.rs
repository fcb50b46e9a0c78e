//! Events: their times, their programme, and who sees which part of them.

use serde_json::{Value, json};

use crate::mutations::{create, made};
use crate::support::records::each;
use crate::support::server::TestServer;

mod erasing;
mod exchanged;
mod parts;
mod time;
mod writing;

/// The input of an event.
fn fair(slug: &str, more: Value) -> Value {
    let mut input = json!({"slug": slug, "kind": "market", "region": "wallonie",
        "titles": [{"language": "FR", "text": format!("Foire {slug}")}]});
    if let (Value::Object(into), Value::Object(more)) = (&mut input, more) {
        into.extend(more);
    }
    input
}

/// Creates events, which must succeed.
async fn fairs(server: &TestServer, all: &[(&str, Value)]) -> Vec<String> {
    let mut ids = Vec::new();
    for (slug, more) in all {
        ids.push(made(server, "event", fair(slug, more.clone())).await);
    }
    ids
}

/// The slugs of a list of events with these arguments, with spaces.
async fn listed(server: &TestServer, arguments: &str) -> String {
    let arguments = if arguments.is_empty() { "first: 20" } else { arguments };
    let data = server.data(&format!("{{ events({arguments}) {{ nodes {{ slug }} }} }}")).await;
    each(&data["events"]["nodes"], "/slug").join(" ")
}

/// The errors of an input: `INVALID REASON input.path`.
fn refusals(answer: &Value) -> Vec<String> {
    let errors = answer["userErrors"].as_array().expect("a list").iter();
    let path = |error: &Value| {
        let parts = error["path"].as_array().expect("a path").iter().map(|part| part.as_str().unwrap_or("?"));
        parts.collect::<Vec<_>>().join(".")
    };
    errors
        .map(|error| {
            let word = |name: &str| error[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("code"), word("reason"), path(error))
        })
        .collect()
}

/// The refusals of an event that is not made.
async fn refused(server: &TestServer, more: Value) -> Vec<String> {
    let answer = create(server, "event", fair("refused", more), "id").await;
    assert_eq!(answer["event"], json!(null), "{answer}");
    refusals(&answer)
}
