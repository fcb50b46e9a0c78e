//! Pushes by systems of regions, with an outcome for each record.

use std::collections::BTreeSet;

use passerelle::kernel::policy::Viewer;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::mutations::{member, number};
use crate::support::found;
use crate::support::server::TestServer;

mod authority;
mod batches;
mod deleting;
mod full;
mod keys;
mod sources;

/// The viewer of a system of these regions.
pub(crate) fn partner(regions: &[&str]) -> Viewer {
    let regions: BTreeSet<String> = regions.iter().map(|region| (*region).to_owned()).collect();
    Viewer { machine: true, writes: regions.clone(), pushes: regions, ..member(77) }
}

/// The selection of a payload.
const FIELDS: &str = "replayed cursor
    results { index externalId status currentRevision
        record { id ... on Organization { slug name revision } ... on Talent { slug revision visibility }
            ... on Affiliation { talent { slug } organization { slug } } ... on Partnership { slug } }
        conflict { baseRevision currentRevision differingFields submitted current { ... on Organization { name revision } } }
        userErrors { code reason path message retryAfterMs } }
    userErrors { code reason path message retryAfterMs }";

/// The payload of a batch.
pub(crate) async fn push_input(server: &TestServer, input: Value) -> Value {
    let query =
        format!("mutation($input: PushRecordsInput!) {{ pushRecords(input: $input) {{ {FIELDS} }} }}");
    let mut answer = server.query_with(&query, json!({ "input": input })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["pushRecords"].take()
}

/// The payload of a batch, retried while the same batch is running elsewhere.
pub(crate) async fn push_patiently(server: &TestServer, input: Value) -> Value {
    found("an answer", async || {
        let answer = push_input(server, input.clone()).await;
        (answer["results"] != json!([])).then_some(answer)
    })
    .await
}

/// The input of a batch for a region's source with a new key. The fields of `more` are merged in.
pub(crate) fn batch(region: &str, records: &[Value], more: Value) -> Value {
    let key = format!("key-{:x}", rand::random::<u64>());
    let mut input = json!({"source": format!("test-{region}"), "idempotencyKey": key, "records": records});
    if let (Value::Object(input), Value::Object(more)) = (&mut input, more) {
        input.extend(more);
    }
    input
}

/// Pushes a batch for a region's source.
pub(crate) async fn push(server: &TestServer, region: &str, records: &[Value]) -> Value {
    push_input(server, batch(region, records, json!({}))).await
}

/// Registers the sources of regions.
pub(crate) async fn sources(server: &TestServer, regions: &[&str]) {
    for region in regions {
        let name = format!("test-{region}");
        let added = passerelle::exchange::import::source::add(&server.app, &name, region).await;
        added.expect("a source");
    }
}

/// A record of a batch, from a line of a file, with the fields of `more` merged in.
pub(crate) fn item(mut line: Value, more: Value) -> Value {
    let fields = line.as_object_mut().expect("an object");
    fields.remove("source");
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    line
}

/// An organization of a batch.
pub(crate) fn org(region: &str, slug: &str, fields: Value, more: Value) -> Value {
    item(crate::support::records::organization(region, slug, fields), more)
}

/// The status of each result, in order. Checks the index of each.
pub(crate) fn statuses(payload: &Value) -> Vec<&str> {
    let results = payload["results"].as_array().expect("results");
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result["index"], json!(place));
    }
    results.iter().map(|result| result["status"].as_str().expect("a status")).collect()
}

/// The code, reason and path of each error of a result or a payload: `FORBIDDEN/FOREIGN_REGION input.source`.
pub(crate) fn refused(of: &Value) -> Vec<String> {
    crate::support::accounts::refusals(of)
}

/// The number of rows in all tables that a refused batch must not touch.
pub(crate) async fn rows(server: &TestServer) -> Vec<i64> {
    let mut all = Vec::new();
    let tables =
        ["organization", "talent", "sync_record", "change_log", "idempotency", "audit", "full_push_mention"];
    for table in tables.iter().chain(&["source_deletion", "record_slug", "erasure_ledger"]) {
        all.push(number(server, &format!("SELECT COUNT(*) FROM {table}")).await);
    }
    all
}

/// Runs a statement.
pub(crate) async fn execute(server: &TestServer, sql: &str) {
    server.app.db.writer().execute_unprepared(sql).await.expect(sql);
}
