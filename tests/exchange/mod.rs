//! Exports and their import elsewhere, with the real program, between the two kinds of database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use passerelle::kernel::policy::Viewer;
use passerelle::kernel::read::Dialect;
use passerelle::kernel::read::keyed::hex;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::on_both_databases;
use crate::support::records::{
    affiliation, import, import_text, ndjson, options, organization, partnership, talent,
};
use crate::support::server::{Backend, ENCRYPTION_KEY, Setup, TestServer};

mod calls;
mod fields;
mod told;
mod whole;

fn admin() -> Viewer {
    Viewer { signed_in: true, admin: true, ..Viewer::default() }
}

fn editor(region: &str) -> Viewer {
    let regions = || [region.to_owned()].into();
    Viewer { signed_in: true, staff_of: regions(), writes: regions(), ..Viewer::default() }
}

/// An empty server on the other kind of database, with an administrator as viewer. `None` if there is no PostgreSQL.
async fn elsewhere(server: &TestServer) -> Option<TestServer> {
    let backend = match server.app.db.dialect() {
        Dialect::Sqlite => Backend::Postgres,
        Dialect::Postgres => Backend::Sqlite,
    };
    TestServer::with(backend, Setup::default().viewer(admin()).with_search().erasing_at_once()).await
}

/// The program with the database of a server.
fn program(server: &TestServer, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.current_dir(folder).env_clear().env("ENCRYPTION_KEY", ENCRYPTION_KEY);
    command.env("DATABASE_URL", &server.database_url);
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Exports all records.
fn export(server: &TestServer, folder: &Path, more: &[&str]) -> PathBuf {
    let file = folder.join("all.ndjson");
    let done = program(server, folder).arg("export").arg(&file).args(more).output().unwrap();
    assert!(done.status.success(), "{}", told(&done));
    file
}

/// The output of a command.
fn told(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

/// Imports a file, and returns the exit code and the output.
fn take(server: &TestServer, folder: &Path, file: &Path) -> (Option<i32>, String) {
    let done = program(server, folder).arg("import").arg(file).output().unwrap();
    (done.status.code(), told(&done))
}

async fn number(server: &TestServer, sql: &str) -> i64 {
    let db = server.app.db.writer();
    let row = db.query_one_raw(Statement::from_string(server.app.db.dialect().backend(), sql)).await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// All records as an administrator sees them, without the header and footer of the snapshot.
async fn all(server: &TestServer) -> Vec<Value> {
    let text = server.beside(admin()).await.get("/sync/snapshot").await.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.into_iter().filter(|line| line.get("recordId").is_some()).collect()
}

async fn digest(server: &TestServer) -> Value {
    let server = server.beside(admin()).await;
    server.data("{ syncDigest { count buckets } }").await["syncDigest"].take()
}

/// The lines of an export, changed. Recomputes the counts and the hash in the last line.
fn rewritten(text: &str, change: impl Fn(usize, Value) -> Option<Value>) -> String {
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut footer = lines.pop().unwrap();
    let lines: Vec<Value> =
        lines.into_iter().enumerate().filter_map(|(place, line)| change(place, line)).collect();
    let before = ndjson(&lines);
    let mut counts = serde_json::Map::new();
    for line in &lines[1..] {
        let count = counts.entry(line["recordType"].as_str().unwrap()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap() + 1);
    }
    footer["counts"] = counts.into();
    footer["sha256"] = hex(&Sha256::digest(&before)).into();
    before + &footer.to_string() + "\n"
}

/// A line with other replicated fields and revision, and the new hash.
fn with_fields(mut line: Value, revision: i64, fields: &Value) -> Value {
    let mut canonical: Value = serde_json::from_str(line["canonical"].as_str().unwrap()).unwrap();
    canonical.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let text = passerelle::records::write::replica::Canonical::of(&canonical).unwrap();
    line["canonical"] = text.text.into();
    line["contentHash"] = hex(&text.hash).into();
    line["revision"] = revision.into();
    line
}

/// Imports records of several regions with references, hidden records and several revisions.
async fn fill(server: &TestServer) {
    let place = json!({"lines": ["Rue 1"], "city": "Lille", "country": "FR", "latitude": 50.633_333_333_333_33, "longitude": 3.066_666_666_666_666_4});
    // Two organizations that refer to each other.
    import(server, &[
        organization("wallonie", "old", json!({"successor": "new", "status": "MERGED"})),
        organization("wallonie", "new", json!({"memberOf": ["old", "cluster"], "address": place, "employeeCount": 12,
            "otherNames": ["Neuf", "\u{1f39e} < film \" \\"], "sectors": ["animation"]})),
        organization("flandre", "cluster", json!({"visibility": "MEMBERS", "descriptions": [{"language": "NL", "text": "Twee\nregels \"en\" \\ dit"}]})),
    ])
    .await;
    import(server, &[
        talent("wallonie", "ada", json!({"email": "ada@example.org", "phone": "+32 1", "skills": ["Rust"],
            "languages": [{"language": "fr", "level": "NATIVE"}], "claims": [{"field": "email", "value": "a@example.org", "source": {"title": "t"}}]})),
        talent("flandre", "bob", json!({"visibility": "PRIVATE"})),
        affiliation("wallonie", "ada", "new", json!({"startsOn": "2009", "asOf": "2010-05"})),
        affiliation("flandre", "bob", "cluster", json!({})),
        partnership("wallonie", "duo", &["old", "new"], json!({"startsOn": "2009-07", "sectors": ["animation"], "parties": [
            {"organization": "old", "role": "LEAD", "contribution": {"amount": "1850000.50", "currency": "EUR"}},
            {"organization": "cluster", "role": "PARTNER", "title": "Partner"}]})),
    ])
    .await;
    import(server, &[organization("wallonie", "new", json!({"name": "New name", "address": place}))]).await;
    // The affiliation follows its talent into another view, with a new revision.
    import(
        server,
        &[talent("wallonie", "ada", json!({"visibility": "MEMBERS", "email": "ada@example.org"}))],
    )
    .await;
}
