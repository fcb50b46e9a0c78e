//! Clients that disconnect at any moment leave no open transaction and no lock.

use std::time::{Duration, Instant};

use futures::future::join_all;
use passerelle::kernel::read::{Database, Dialect};
use rand::Rng;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::number;
use crate::mutations::{editor, made, studio};
use crate::on_both_databases;
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::{run, until};

/// The number of requests, of which about half are given up.
const ROUNDS: u64 = 240;

/// Waits until no other connection has an idle transaction. The program itself must end each.
async fn settled(db: &Database) {
    let idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                AND state LIKE 'idle in transaction%'";
    let ended = "SELECT sessions_fatal FROM pg_stat_database WHERE datname = current_database()";
    let (begun, before) = (Instant::now(), number(db, ended).await);
    until("no transaction is idle", async || number(db, idle).await == 0).await;
    // PostgreSQL ends idle transactions after ten seconds, together with the session, and counts those. Earlier ends
    // are due to the program.
    let was_soon = begun.elapsed() < Duration::from_secs(9);
    assert!(
        was_soon || number(db, ended).await == before,
        "a transaction stayed open until PostgreSQL ended it"
    );
}

on_both_databases! {
    with Setup::default().viewer(editor(&["wallonie"]));
    async fn mutations_are_given_up_at_any_moment(server) {
        let query = "mutation($input: OrganizationInput!) { createOrganization(input: $input) {
            organization { id name } userErrors { code } } }";
        let begun = Instant::now();
        made(&server, "organization", studio("wallonie", "first")).await;
        let mut usual = begun.elapsed();
        let (mut given_up, mut done) = (0_u64, 0_u64);
        for round in (0..ROUNDS).step_by(6) {
            let each = (round..round + 6).map(|number| {
                let body = json!({"query": query, "variables": {"input": studio("wallonie", &format!("studio-{number}"))}});
                // One of six waits for its response, however slow the machine is.
                let wait = match number % 6 {
                    0 => Duration::from_mins(1),
                    _ => usual.mul_f64(rand::rng().random_range(0.0..2.5)),
                };
                // Its own client, so that giving up closes the connection.
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let request = client.post(server.url("/graphql")).json(&body).timeout(wait);
                async move { request.send().await.is_ok() }
            });
            let answered = join_all(each).await.into_iter().filter(|answered| *answered).count() as u64;
            (done, given_up) = (done + answered, given_up + 6 - answered);
            // Adapt the time-out so that about half are given up.
            usual = usual.mul_f64(if answered > 3 { 0.7 } else { 1.4 }).max(Duration::from_millis(1));
        }
        assert!(given_up > ROUNDS / 10 && done > 0, "{given_up} given up, {done} answered");

        let other = Database::open(&server.database_url).await.unwrap();
        if other.dialect() == Dialect::Postgres {
            settled(&other).await;
        }
        // The counter of the log is not locked for longer than a write that is still running takes.
        let lock = other.begin().await.unwrap();
        if other.dialect() == Dialect::Postgres {
            lock.execute_unprepared("SELECT * FROM feed_meta FOR UPDATE").await.unwrap();
        }
        lock.rollback().await.unwrap();
        for number in 0..20 {
            made(&server, "organization", studio("wallonie", &format!("after-{number}"))).await;
        }
        // Log and records agree at each moment, even if abandoned writes are still being finished.
        let all = "SELECT COUNT(*) FROM organization";
        for counted in ["SELECT COUNT(*) FROM change_log", "SELECT head FROM feed_meta"] {
            let difference = number(&other, &format!("SELECT ({all}) - ({counted})")).await;
            assert_eq!(difference, 0, "{counted}");
        }
        let least = number(&other, all).await;
        let listed = server.data("{ organizations(first: 1) { totalCount } }").await;
        let listed = listed["organizations"]["totalCount"].as_i64().expect("a number");
        assert!((least..=number(&other, all).await).contains(&listed), "{least} {listed}");
        assert!(u64::try_from(least).unwrap() >= 21 + done, "{least}");
        other.close().await;
    }
}

/// Below the server: transactions and snapshots whose future is dropped during BEGIN.
#[test]
fn what_is_dropped_while_it_begins_is_rolled_back() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let db = Database::open(&server.database_url).await.unwrap();
        let (mut round, mut dropped) = (0, 0);
        // On a fast machine, continue until enough of them were dropped.
        while round < 400 || dropped <= 20 {
            assert!(round < 100_000, "{dropped} of {round} were dropped");
            let wait = Duration::from_micros(rand::rng().random_range(0..1000));
            let work = async {
                if round % 2 == 0 {
                    let tx = db.begin().await.unwrap();
                    tx.execute_unprepared("SELECT 1").await.unwrap();
                    tx.commit().await.unwrap();
                } else {
                    db.snapshot().await.unwrap().ping().await.unwrap();
                }
            };
            if tokio::time::timeout(wait, work).await.is_err() {
                dropped += 1;
            }
            round += 1;
        }
        settled(&server.app.db).await;
        // Every connection is usable.
        let all = (0..4).map(|_| async { db.snapshot().await.unwrap().ping().await.unwrap() });
        join_all(all).await;
        for _ in 0..16 {
            let tx = db.begin().await.unwrap();
            tx.execute_unprepared("SELECT * FROM feed_meta FOR UPDATE NOWAIT").await.unwrap();
            tx.commit().await.unwrap();
        }
        db.close().await;
    });
}

/// The fallback: PostgreSQL ends transactions that are left open.
#[test]
fn the_database_ends_transactions_in_which_nothing_happens() {
    run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let sql = "SHOW idle_in_transaction_session_timeout";
        for db in [server.app.db.reader(), server.app.db.writer()] {
            let statement = sea_orm::Statement::from_string(server.app.db.dialect().backend(), sql);
            let row = db.query_one_raw(statement).await.unwrap().unwrap();
            assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "10s");
        }
    });
}
