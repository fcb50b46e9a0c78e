//! The client in `examples/follow`, run as a partner would: its copy equals the server's records, field by field.

use std::path::{Path, PathBuf};
use std::process::Command;

use passerelle::exchange::sync::snapshot::DOCUMENT;
use passerelle::identity::traffic::Limits;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Follower;
use crate::mutations::{admin, delete, made, told, update};
use crate::on_both_databases;
use crate::support::postgres::{self, TestDatabase};
use crate::support::program::folder;
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::template::Content;

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/follow").join(file)
}

/// The Python that runs the client: `FOLLOW_PYTHON`, which must then have all modules, or `python3`.
fn python() -> Command {
    Command::new(std::env::var_os("FOLLOW_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Whether Python can import a module. Prints a notice if not.
fn python_has(module: &str) -> bool {
    let has =
        python().args(["-c", &format!("import {module}")]).output().is_ok_and(|done| done.status.success());
    if !has {
        assert!(std::env::var_os("FOLLOW_PYTHON").is_none(), "FOLLOW_PYTHON cannot import {module}");
        eprintln!("NOT TESTED: Python with the module {module} is not there");
    }
    has
}

/// A database for the client's copy.
struct Target {
    /// The database argument of the client.
    place: String,
    db: DatabaseConnection,
    _folder: TempDir,
    _database: Option<TestDatabase>,
}

impl Target {
    /// A target of the same kind as the server's database, or `None` if Python lacks a module.
    async fn new(backend: Backend) -> Option<Self> {
        let folder = folder();
        if backend == Backend::Sqlite {
            let file = folder.path().join("copy.db");
            let place = file.to_str().expect("UTF-8").to_owned();
            let db = sea_orm::Database::connect(format!("sqlite://{place}?mode=rwc")).await.expect("a file");
            return python_has("sqlite3").then_some(Self { place, db, _folder: folder, _database: None });
        }
        if !python_has("psycopg") {
            return None;
        }
        let database = postgres::database(Content::Empty).await?;
        let db = sea_orm::Database::connect(&database.url).await.expect("it answers");
        // The database holds the server's tables as well, so the copy has its own schema.
        db.execute_unprepared("CREATE SCHEMA copy").await.expect("a schema");
        let start = if database.url.contains('?') { '&' } else { '?' };
        let place = format!("{}{start}options=-csearch_path%3Dcopy", database.url);
        let one = sea_orm::ConnectOptions::new(&database.url)
            .max_connections(1)
            .set_schema_search_path("copy")
            .to_owned();
        let db = sea_orm::Database::connect(one).await.expect("it answers");
        Some(Self { place, db, _folder: folder, _database: Some(database) })
    }

    /// Runs the client until it has caught up, and returns its output.
    async fn follow(&self, server: &TestServer) -> String {
        let mut command = python();
        command.arg(example("follow.py")).args([&server.url(""), &self.place]).arg("--once");
        let done = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let done = done.expect("the client runs");
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.contains("the digests are equal"), "{said}");
        said
    }

    async fn rows(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        self.db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The records of the copy, by id.
    async fn records(&self) -> Vec<(String, Value)> {
        let rows = self.rows("SELECT id, CAST(body AS TEXT) AS body FROM entry ORDER BY id").await;
        let each = rows.iter().map(|row| {
            let body: String = row.try_get("", "body").expect("a body");
            (row.try_get("", "id").expect("an id"), serde_json::from_str(&body).expect("JSON"))
        });
        each.collect()
    }

    /// Compares the copy with the server: each record has every field, with the same value.
    async fn is_like(&self, server: &TestServer) {
        let mut follower = Follower::new(json!({}));
        follower.catch_up(server).await;
        let records = self.records().await;
        let mut ids: Vec<&String> = records.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        assert_eq!(ids, follower.records.keys().collect::<Vec<_>>());
        let of = |id: &str| id.rsplit_once('_').expect("a type").0.to_owned();
        for some in
            records.chunk_by(|(one, _), (other, _)| of(one) == of(other)).flat_map(|all| all.chunks(50))
        {
            let ids: Vec<&String> = some.iter().map(|(id, _)| id).collect();
            let body = json!({"query": DOCUMENT, "operationName": of(ids[0]), "variables": { "ids": ids }});
            let answer: Value = server.post(&body).await.json().await.expect("an answer is JSON");
            assert_eq!(answer.get("errors"), None, "{answer}");
            for ((id, body), node) in some.iter().zip(answer["data"]["nodes"].as_array().expect("a list")) {
                let fields = node.as_object().expect("a record");
                assert!(fields.len() > 10, "{node}");
                for (field, value) in fields {
                    assert_eq!(body.get(field), Some(value), "{field} of {id}");
                }
                assert_eq!(body.as_object().map(serde_json::Map::len), Some(fields.len()), "{body}");
            }
        }
    }
}

/// The ids of the first records of a list.
async fn first(server: &TestServer, list: &str) -> Vec<String> {
    let data = server.data(&format!("{{ {list}(first: 5) {{ nodes {{ id }} }} }}")).await;
    let nodes = data[list]["nodes"].as_array().expect("a list").iter();
    nodes.map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

/// Changes many fields of records of every type. Deletes one, hides one and creates one.
async fn change(server: &TestServer) {
    let by = server.beside(admin()).await;
    let studio = made(&by, "organization", json!({"name": "Nouveau studio", "kind": "animation-studio", "region": "wallonie",
        "website": "https://studio.example", "address": {"lines": ["Rue Neuve 1"], "postalCode": "5000", "city": "Namur", "country": "BE"},
        "descriptions": [{"language": "FR", "text": "Un studio"}, {"language": "NL", "text": "Een studio"}],
        "sources": [{"title": "Le Soir", "url": "https://lesoir.example/1"}]})).await;
    let [organizations, talents, partnerships] =
        [first(&by, "organizations").await, first(&by, "talents").await, first(&by, "partnerships").await];
    for id in &organizations[1..] {
        let input = json!({"descriptions": [{"language": "EN", "text": "Changed"}], "employeeCount": 7});
        assert_eq!(told(&update(&by, "organization", id, None, input, "id").await), [""; 0]);
    }
    assert_eq!(
        told(
            &update(&by, "organization", &organizations[0], None, json!({"visibility": "PRIVATE"}), "id")
                .await
        ),
        [""; 0]
    );
    assert_eq!(
        told(&update(&by, "talent", &talents[0], None, json!({"skills": ["editing", "sound"]}), "id").await),
        [""; 0]
    );
    made(&by, "affiliation", json!({"talent": talents[0], "organization": studio, "roles": [{"language": "FR", "text": "Monteuse"}]})).await;
    let input = json!({"titles": [{"language": "EN", "text": "Another title"}]});
    assert_eq!(told(&update(&by, "partnership", &partnerships[1], None, input, "id").await), [""; 0]);
    assert_eq!(told(&delete(&by, "partnership", &partnerships[0], None).await), [""; 0]);
}

fn backend(server: &TestServer) -> Backend {
    match server.app.db.dialect() {
        passerelle::kernel::read::Dialect::Sqlite => Backend::Sqlite,
        passerelle::kernel::read::Dialect::Postgres => Backend::Postgres,
    }
}

#[test]
fn changes_have_the_fields_of_copies() {
    let split = |text: &str| text.find("fragment organization").expect("fragments");
    let file = example("changes.graphql");
    let mut changes = std::fs::read_to_string(&file).expect("a file");
    // Fields with one name and different types need aliases there.
    let renamed = [
        (" languages { language level }", " spokenLanguages: languages { language level }"),
        (" kind { slug } status period", " kind { slug } partnershipStatus: status period"),
        (" status opensAt", " callStatus: status opensAt"),
        (" mode status titles", " mode eventStatus: status titles"),
    ];
    let copies = DOCUMENT[split(DOCUMENT)..].to_owned();
    let copies = renamed.iter().fold(copies, |text, (name, alias)| text.replace(name, alias));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        changes.truncate(split(&changes));
        changes.push_str(&copies);
        std::fs::write(&file, &changes).expect("the example is written");
    }
    let own = &changes[split(&changes)..];
    assert_eq!(
        own, copies,
        "run `UPDATE_SCHEMA=1 cargo test --test integration changes_have_the_fields_of_copies`"
    );
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn the_copy_is_what_the_server_has(server) {
        let Some(target) = Target::new(backend(&server)).await else { return };
        assert!(target.follow(&server).await.contains("loaded 198 records"));
        target.is_like(&server).await;
        change(&server).await;
        assert!(target.follow(&server).await.contains("followed"));
        target.is_like(&server).await;
        // The copy can be queried with SQL.
        let counted = target.rows("SELECT COUNT(*) AS number FROM organization WHERE region = 'wallonie'").await;
        assert!(counted[0].try_get::<i64>("", "number").is_ok_and(|number| number > 1));
        let studio = target.rows("SELECT name, city, website FROM organization WHERE slug = 'nouveau-studio'").await;
        let text = |row: &sea_orm::QueryResult, column: &str| row.try_get::<String>("", column).expect("a text");
        assert_eq!((text(&studio[0], "city"), text(&studio[0], "website").as_str()), ("Namur".to_owned(), "https://studio.example"));
        let joined = "SELECT t.name AS who, o.name AS place FROM affiliation AS a JOIN talent AS t ON t.id = a.talent \
            JOIN organization AS o ON o.id = a.organization WHERE o.slug = 'nouveau-studio'";
        assert_eq!(text(&target.rows(joined).await[0], "place"), "Nouveau studio");
        assert!(!target.rows("SELECT p.partnership FROM party AS p JOIN partnership AS q ON q.id = p.partnership").await.is_empty());
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_limits(Limits { snapshots: 1, ..Limits::default() });
    async fn who_gets_no_copy_reads_the_changes_from_the_beginning(server) {
        let Some(target) = Target::new(backend(&server)).await else { return };
        // Another client at the same address has used up the one snapshot of this hour.
        assert_eq!(server.get("/sync/snapshot").await.text().await.expect("a copy").lines().count(), 200);
        let said = target.follow(&server).await;
        assert!(said.contains("no copy at the moment") && !said.contains("loaded"), "{said}");
        target.is_like(&server).await;

        // The cursor has become invalid, and records were deleted meanwhile.
        change(&server).await;
        target.db.execute_unprepared("UPDATE state SET cursor = 'nonsense'").await.expect("a statement");
        let stale = "INSERT INTO entry (id, type, revision, hash, walk, body) VALUES ('organization_0', 'ORGANIZATION', 1, '', 0, '{}')";
        target.db.execute_unprepared(stale).await.expect("a statement");
        let said = target.follow(&server).await;
        assert!(said.contains("CURSOR_INVALID") && said.contains("no copy at the moment"), "{said}");
        target.is_like(&server).await;

        // The client was killed in the middle of a walk and continues it.
        target.db.execute_unprepared("UPDATE state SET walk = walk + 1, walking = 1, cursor = NULL").await.expect("a statement");
        target.follow(&server).await;
        target.is_like(&server).await;
    }
}
