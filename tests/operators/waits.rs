//! Time-outs of the database are reported as 503 with `Retry-After`, and leave no effect.

use std::time::Duration;

use futures::future::join_all;
use passerelle::kernel::error::{Code, DomainError};
use passerelle::kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement, Waits};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};

use crate::mutations::{editor, made, studio};
use crate::on_both_databases;
use crate::support::server::{Backend, TestServer};
use crate::support::socket::Socket;
use crate::support::{FOR_LONG, run};

/// The time limit of requests. Tests with longer work double it.
const LIMIT: Duration = Duration::from_secs(5);
const LIST: &str = "{ organizations(first: 1) { totalCount } }";
/// The number of read connections.
const CONNECTIONS: usize = 4;

fn creation(slug: &str) -> Value {
    json!({
        "query": "mutation($input: OrganizationInput!) { createOrganization(input: $input) {
            organization { slug } userErrors { code } } }",
        "variables": {"input": studio("wallonie", slug)},
    })
}

/// Sends a request that must fail with a retryable 503. It must fail before its time limit, which would give 504.
async fn unavailable(server: &TestServer, body: &Value) {
    let response = server.post(body).await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "2");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"], json!({"code": "UNAVAILABLE", "requestId": id}), "{body}");
    assert_eq!(body.get("data"), None);
}

async fn answered(server: &TestServer) {
    server.data(LIST).await;
}

on_both_databases! {
    async fn no_connection_is_free(server) {
        let server = &server.hurried(LIMIT, editor(&["wallonie"])).await;
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(server.app.db.snapshot().await.unwrap());
        }
        let body = json!({ "query": LIST });
        let mut socket = Socket::begin(server.address).await;
        let operation = async {
            socket.subscribe("1", LIST).await;
            assert_eq!(socket.heard("error", "1").await[0]["extensions"]["code"], "UNAVAILABLE");
        };
        tokio::join!(join_all((0..5).map(|_| unavailable(server, &body))), operation);
        // Requests that need no connection still succeed.
        server.data("{ regions { slug } }").await;
        drop(held);
        answered(server).await;
        socket.ask("2", LIST).await;
    }
}

#[test]
fn somebody_holds_a_table() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let server = &server.hurried(LIMIT * 2, editor(&["wallonie"])).await;
        made(server, "organization", studio("wallonie", "before")).await;
        let other = Database::open(&server.database_url).await.unwrap();
        let lock = other.begin().await.unwrap();
        lock.execute_unprepared(FOR_LONG).await.unwrap();
        lock.execute_unprepared("LOCK TABLE organization IN ACCESS EXCLUSIVE MODE").await.unwrap();
        // More readers than connections: equal reads share a statement, and fail together.
        let (read, write) = (json!({ "query": LIST }), creation("meanwhile"));
        tokio::join!(join_all((0..20).map(|_| unavailable(server, &read))), unavailable(server, &write));
        lock.rollback().await.unwrap();
        answered(server).await;
        made(server, "organization", studio("wallonie", "after")).await;
        let slugs = "{ organizations(first: 10) { nodes { slug } } }";
        let slugs = server.data(slugs).await["organizations"]["nodes"].clone();
        assert_eq!(slugs, json!([{"slug": "after"}, {"slug": "before"}]));
        other.close().await;
    });
}

#[test]
fn somebody_holds_the_end_of_the_log() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let server = &server.hurried(LIMIT * 2, editor(&["wallonie"])).await;
        let other = Database::open(&server.database_url).await.unwrap();
        let lock = other.begin().await.unwrap();
        lock.execute_unprepared(FOR_LONG).await.unwrap();
        lock.execute_unprepared("SELECT * FROM feed_meta FOR UPDATE").await.unwrap();
        // More writers than connections: some wait for the lock, some for a connection.
        let bodies: Vec<Value> = (0..20).map(|n| creation(&format!("studio-{n}"))).collect();
        join_all(bodies.iter().map(|body| unavailable(server, body))).await;
        answered(server).await;
        lock.rollback().await.unwrap();
        made(server, "organization", studio("wallonie", "after")).await;
        assert_eq!(server.data(LIST).await["organizations"]["totalCount"], 1);
        other.close().await;
    });
}

/// A slow statement that waits for no lock.
#[test]
fn a_statement_takes_too_long() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let server = server.hurried(LIMIT, editor(&["wallonie"])).await;
        let db = &server.app.db;
        let times_out = async |connection: &DatabaseConnection| {
            let error = connection.execute_unprepared("SELECT pg_sleep(30)").await.unwrap_err();
            assert!(error.to_string().contains("statement timeout"), "{error}");
        };
        // Maintenance has no time limit, and restores the limit of its connection.
        let cleaning = db.execute_at_leisure("SELECT pg_sleep(5)");
        let ((), (), cleaned) = tokio::join!(times_out(db.reader()), times_out(db.writer()), cleaning);
        cleaned.unwrap();
        let limits = "SHOW statement_timeout";
        for _ in 0..20 {
            let row = &super::rows(db, limits).await[0];
            assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "4s");
        }
    });
}

/// An import may compute between statements for longer than a request may take on a slow machine.
#[test]
fn commands_have_time_between_statements() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let command = Database::open_with(&server.database_url, Waits::of_commands()).await.unwrap();
        let row = &super::rows(&command, "SHOW idle_in_transaction_session_timeout").await[0];
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "10min");
        command.close().await;
    });
}

/// A slow read on SQLite, which has no statement time-out of its own.
#[test]
fn a_read_of_sqlite_takes_too_long() {
    run(async {
        let server = TestServer::spawn(Backend::Sqlite).await.unwrap();
        let waits = Waits::of_requests(Duration::from_secs(3));
        let db = Database::open_with(&server.database_url, waits).await.unwrap();
        db.ping().await.unwrap();
        let read = async |count: &str| {
            let keys = KeyColumns::new(&[("id", KeyType::Int)]);
            let sql = format!("SELECT k.n, {count} FROM {}", keys.source(db.dialect()));
            db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(1)]]).await
        };
        let many = "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000000) SELECT COUNT(*) FROM c)";
        let error = read(many).await.unwrap_err();
        assert!(matches!(error, DomainError::ReadTimedOut), "{error}");
        assert_eq!(error.code(), Code::Unavailable);
        assert_eq!(read("1").await.unwrap().len(), 1, "other reads succeed");
    });
}

#[test]
fn another_program_holds_the_write_lock_of_sqlite() {
    run(async {
        let server = TestServer::spawn(Backend::Sqlite).await.unwrap();
        let server = &server.hurried(LIMIT * 2, editor(&["wallonie"])).await;
        made(server, "organization", studio("wallonie", "before")).await;
        let other = Database::open(&server.database_url).await.unwrap();
        let lock = other.begin().await.unwrap();
        let bodies: Vec<Value> = (0..5).map(|n| creation(&format!("studio-{n}"))).collect();
        join_all(bodies.iter().map(|body| unavailable(server, body))).await;
        assert_eq!(server.data(LIST).await["organizations"]["totalCount"], 1, "reads still work");
        lock.rollback().await.unwrap();
        made(server, "organization", studio("wallonie", "after")).await;
        assert_eq!(server.data(LIST).await["organizations"]["totalCount"], 2);
        other.close().await;
    });
}
