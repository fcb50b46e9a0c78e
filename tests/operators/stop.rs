//! The real program is told to stop while it writes: what was begun is answered, and is there.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use passerelle::record::read::{Database, Dialect};
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

/// A server that tells its metrics to whoever asks from here, who writes there, and the database.
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

/// How many requests and operations the server is answering, with the one that asks.
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
        // Known, so that the writes need nothing but the door.
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
        // Beside them there are the subscription, and who asks.
        until("all writes have come", async || running(&partner).await >= WRITERS + 2).await;
        if db.dialect() == Dialect::Postgres {
            let waiting = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = '{NAME}' AND wait_event_type = 'Lock'");
            let count = async || usize::try_from(number(&db, &waiting).await).unwrap();
            until("all writes wait for the lock", async || count().await >= WRITERS).await;
        }
        server.tell_to_stop();
        // It has been told when it says so.
        assert_eq!(socket.ending().await.0, 1001);
        drop(socket);
        assert!(writes.iter().all(|write| !write.is_finished()), "they wait for the lock");
        lock.rollback().await.unwrap();
        for write in writes {
            let payload = write.await.unwrap().expect("what was begun is answered");
            assert_eq!(payload["results"][0]["status"], "CREATED", "{payload}");
        }
        let code = spawn_blocking(move || server.ended()).await.unwrap();
        assert_eq!(code, Some(0));
        assert_eq!(slugs(&db).await, (0..WRITERS).map(|n| format!("studio-{n}")).collect());
        db.close().await;
    }
}

on_both_databases! {
    // Writers go on while the program stops: each write that was answered is there, and no other was begun.
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
                            // One that runs may be busy, and is asked again.
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
        // Where one of them fails there is nothing to wait for: it says why below.
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
