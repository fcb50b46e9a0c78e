//! The real program is told to stop while it writes: what was begun is answered, and is there.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use passerelle::record::read::{Database, Dialect};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::on_both_databases;
use crate::support::HOPELESS;
use crate::support::place::{Partner, Place};
use crate::support::program::Running;
use crate::support::records::organization;
use crate::support::socket::Socket;

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

async fn begun(place: &Place) -> (Running, Partner, Arc<Database>) {
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    let key = place.key(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let server = place.serve();
    let partner = Partner::new(server.address(), Some(&key));
    let db = place.open().await;
    (server, partner, db)
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
        // Time for all of them to arrive, on slow machines too.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(writes.iter().all(|write| !write.is_finished()), "they wait for the lock");
        server.tell_to_stop();
        tokio::time::sleep(Duration::from_millis(700)).await;
        lock.rollback().await.unwrap();
        for write in writes {
            let payload = write.await.unwrap().expect("what was begun is answered");
            assert_eq!(payload["results"][0]["status"], "CREATED", "{payload}");
        }
        assert_eq!(socket.ending().await.0, 1001);
        drop(socket);
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
        let hopeless = Instant::now() + HOPELESS;
        // Where one of them fails there is nothing to wait for: it says why below.
        while answered.lock().unwrap().len() < 4 * WRITERS && !writers.iter().any(JoinHandle::is_finished) {
            assert!(Instant::now() < hopeless, "{:?} of {WRITERS} writers", partner.codes);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stopping.store(true, Ordering::SeqCst);
        assert_eq!(spawn_blocking(move || server.terminate()).await.unwrap(), Some(0));
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(slugs(&db).await, *answered.lock().unwrap(), "refused: {:?}", refused.lock().unwrap());
        db.close().await;
    }
}
