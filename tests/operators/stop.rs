//! The real program is stopped during writes: requests in progress are answered, and their writes are stored.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use passerelle::kernel::read::{Database, Dialect};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, spawn_blocking};

use super::number;
use crate::on_both_databases;
use crate::support::place::{NAME, Partner, Place};
use crate::support::program::Running;
use crate::support::records::organization;
use crate::support::socket::Socket;
use crate::support::{FOR_LONG, until};

const WRITERS: usize = 6;

fn line(name: &str) -> Value {
    let mut line = organization("wallonie", name, json!({}));
    line.as_object_mut().unwrap().remove("source");
    line
}

async fn slugs(db: &Database) -> BTreeSet<String> {
    let rows = super::rows(db, "SELECT slug FROM organization").await;
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// A server with metrics open to this host, a client that may write, and the database.
async fn begun(place: &Place) -> (Running, Partner, Arc<Database>) {
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    let key = place.key(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let log = File::create(place.folder.path().join("log")).expect("a log");
    let mut command = place.command(&["serve"]);
    let server = Running::start_logging(command.env("METRICS_FROM", "127.0.0.1"), log);
    let partner = Partner::new(server.address(), Some(&key));
    let db = place.open().await;
    (server, partner, db)
}

/// The number of requests and operations that the server is executing, including this one.
async fn running(partner: &Partner) -> usize {
    let text = partner.get("/metrics").await.expect("an answer").text().await.expect("a text");
    let line = text.lines().find_map(|line| line.strip_prefix("passerelle_requests_running "));
    line.expect(&text).parse().expect("a number")
}

on_both_databases! {
    // All writes wait for one lock when the program is told to stop.
    async fn writes_in_flight_are_answered(place: Place) {
        let (mut server, partner, db) = begun(&place).await;
        let address: SocketAddr = server.address().strip_prefix("http://").unwrap().parse().unwrap();
        let mut socket = Socket::begin(address).await;
        socket.subscribe("1", "subscription { changes { cursor } }").await;
        // Fill the cache of callers, so that the writes send no other statements.
        partner.data("{ viewer { authenticated } }", json!({})).await;
        let lock = db.begin().await.unwrap();
        if db.dialect() == Dialect::Postgres {
            lock.execute_unprepared(FOR_LONG).await.unwrap();
            lock.execute_unprepared("SELECT * FROM feed_meta FOR UPDATE").await.unwrap();
        }
        let writes: Vec<_> = (0..WRITERS)
            .map(|n| {
                let partner = partner.clone();
                tokio::spawn(async move {
                    let name = format!("studio-{n}");
                    partner.try_push(&format!("w{n}"), &name, &[line(&name)]).await
                })
            })
            .collect();
        // Plus the subscription and the request for metrics.
        until("all writes have come", async || running(&partner).await >= WRITERS + 2).await;
        if db.dialect() == Dialect::Postgres {
            let waiting = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = '{NAME}' AND wait_event_type = 'Lock'");
            let count = async || usize::try_from(number(&db, &waiting).await).unwrap();
            until("all writes wait for the lock", async || count().await >= WRITERS).await;
        }
        server.tell_to_stop();
        // Closing the socket shows that the server has received the signal.
        assert_eq!(socket.ending().await.0, 1001);
        drop(socket);
        assert!(writes.iter().all(|write| !write.is_finished()), "all wait for the lock");
        lock.rollback().await.unwrap();
        for write in writes {
            let payload = write.await.unwrap().expect("a request in progress is answered");
            assert_eq!(payload["results"][0]["status"], "CREATED", "{payload}");
        }
        let code = spawn_blocking(move || server.ended()).await.unwrap();
        assert_eq!(code, Some(0));
        assert_eq!(slugs(&db).await, (0..WRITERS).map(|n| format!("studio-{n}")).collect());
        db.close().await;
    }
}

on_both_databases! {
    // Writers continue during the stop: exactly the acknowledged writes are stored.
    async fn writers_that_go_on_lose_nothing(place: Place) {
        let (mut server, partner, db) = begun(&place).await;
        let answered = Arc::new(Mutex::new(BTreeSet::new()));
        let refused = Arc::new(Mutex::new(BTreeSet::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| {
                let (partner, stopping) = (partner.clone(), Arc::clone(&stopping));
                let (answered, refused) = (Arc::clone(&answered), Arc::clone(&refused));
                tokio::spawn(async move {
                    for number in 0.. {
                        let name = format!("studio-{n}-{number}");
                        let payload = loop {
                            let pushed = partner.try_push(&format!("w{n}"), &name, &[line(&name)]).await;
                            if let Some(payload) = pushed {
                                break payload;
                            }
                            // The source may be busy: retry.
                            if stopping.load(Ordering::SeqCst) {
                                refused.lock().unwrap().insert(name);
                                return;
                            }
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        };
                        assert_eq!(payload["results"][0]["status"], "CREATED", "{payload}");
                        answered.lock().unwrap().insert(name);
                    }
                })
            })
            .collect();
        // If a writer fails, stop waiting: the error is reported below.
        until("writes are answered", async || {
            answered.lock().unwrap().len() >= 4 * WRITERS || writers.iter().any(JoinHandle::is_finished)
        }).await;
        stopping.store(true, Ordering::SeqCst);
        assert_eq!(spawn_blocking(move || server.terminate()).await.unwrap(), Some(0));
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(slugs(&db).await, *answered.lock().unwrap(), "refused: {:?}", refused.lock().unwrap());
        db.close().await;
    }
}
