//! I1: an acknowledged write is stored with one entry of the log. Any other write is stored with its entry, or not at
//! all.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::{Writer, abandoned, checked, consistent, rounds, seed};
use crate::on_both_databases;
use crate::support::place::{Partner, Place};
use crate::support::program::Running;
use crate::support::proxy::{Cut, Proxy};
use crate::support::records::organization;
use crate::support::server::Backend;
use crate::support::{HOPELESS, run};

/// The number of writers. Each has its own source.
const WRITERS: usize = 6;

async fn writers(place: &Place, seed: u64) -> (Partner, Vec<Writer>) {
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    let key = place.key(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let writers = (seed..).zip(&names).map(|(seed, name)| Writer::new(name, name, seed)).collect();
    (Partner::new("", Some(&key)), writers)
}

/// Lets all writers work until the server is gone.
async fn until_gone(partner: &Partner, writers: &mut [Writer]) {
    let each = writers.iter_mut().map(async |writer| while writer.step(partner).await {});
    futures::future::join_all(each).await;
}

/// Lets all writers repeat their open requests until these succeed.
async fn settle(partner: &Partner, writers: &mut [Writer]) {
    let end = Instant::now() + HOPELESS;
    let each = writers.iter_mut().map(async |writer| {
        while writer.open.is_some() {
            if !writer.step(partner).await {
                assert!(Instant::now() < end, "{:?} is not taken", writer.open);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    futures::future::join_all(each).await;
}

on_both_databases! {
    async fn what_was_acknowledged_outlives_the_program(place: Place) {
        let seed = seed();
        let mut random = StdRng::seed_from_u64(seed);
        let (partner, mut writers) = writers(&place, seed).await;
        let db = place.open().await;
        for _ in 0..rounds(3) {
            let mut server = place.serve();
            let partner = partner.at(server.address());
            let wait = Duration::from_millis(random.random_range(60..500));
            let kill = async {
                tokio::time::sleep(wait).await;
                server.kill();
            };
            tokio::join!(kill, until_gone(&partner, &mut writers));
            abandoned(&db).await;
            checked(&db, &writers).await;
        }
        let server = place.serve();
        settle(&partner.at(server.address()), &mut writers).await;
        let stored = checked(&db, &writers).await;
        assert!(stored.len() >= WRITERS, "{stored:?}");
        db.close().await;
    }
}

/// Starts the program behind a proxy, so that it can be killed around a COMMIT.
fn served(place: &Place, proxy: &Proxy) -> Running {
    place.serve_with(&proxy.url, &[])
}

#[test]
fn killed_just_before_or_after_a_commit() {
    run(async {
        let Some(place) = Place::new(Backend::Postgres).await else { return };
        let key = place.key(&["w"]).await;
        let (partner, db) = (Partner::new("", Some(&key)), place.open().await);
        let proxy = Proxy::start(&place.url, seed()).await;
        for (name, cut, arrives) in
            [("before", Cut::BeforeCommit(1), false), ("after", Cut::AfterCommit(1), true)]
        {
            // Repeat until the cut COMMIT is that of the batch, as the program commits other transactions too.
            for attempt in 0.. {
                assert!(attempt < 5, "the COMMIT of the batch is never cut");
                let mut line = organization("wallonie", &format!("{name}-{attempt}"), json!({}));
                line.as_object_mut().unwrap().remove("source");
                let key = format!("{name}-{attempt}");
                let mut server = served(&place, &proxy);
                let here = partner.at(server.address());
                let cuts = proxy.cuts();
                proxy.cut(cut);
                let kill = async {
                    proxy.cut_after(cuts).await;
                    server.kill();
                };
                let lines = [line];
                let (answered, ()) = tokio::join!(here.try_push("w", &key, &lines), kill);
                assert!(answered.is_none(), "there is no response: {answered:?}");
                proxy.cut(Cut::Never);
                abandoned(&db).await;
                let stored = consistent(&db).await;
                let is_there = stored.contains_key(&key);
                assert!(arrives || !is_there, "a dropped COMMIT writes nothing");
                // The same batch again is replayed, or is executed now.
                let server = served(&place, &proxy);
                let again = partner.at(server.address()).push("w", &key, &lines).await;
                assert_eq!(
                    (&again["results"][0]["status"], &again["replayed"]),
                    (&json!("CREATED"), &json!(is_there))
                );
                assert_eq!(consistent(&db).await[&key].revision, 1);
                if is_there == arrives {
                    break;
                }
            }
        }
        db.close().await;
    });
}

#[test]
fn connections_to_the_database_are_cut_anywhere() {
    run(async {
        let Some(place) = Place::new(Backend::Postgres).await else { return };
        let seed = seed();
        let (partner, mut writers) = writers(&place, seed).await;
        let db = place.open().await;
        let proxy = Proxy::start(&place.url, seed).await;
        let server = served(&place, &proxy);
        let partner = partner.at(server.address());
        for round in 0..rounds(3) {
            proxy.cut([Cut::AfterCommit(3), Cut::Anywhere(150), Cut::BeforeCommit(3)][round % 3]);
            let before = proxy.cuts();
            // Continue until at least one connection was cut.
            for turn in 0.. {
                if turn >= 8 && proxy.cuts() > before {
                    break;
                }
                assert!(turn < 1000, "nothing was cut");
                let each = writers.iter_mut().map(|writer| writer.step(&partner));
                futures::future::join_all(each).await;
            }
            proxy.cut(Cut::Never);
            checked(&db, &writers).await;
        }
        settle(&partner, &mut writers).await;
        assert!(!checked(&db, &writers).await.is_empty());
        let codes = partner.codes.lock().unwrap().clone();
        assert_eq!(
            codes.keys().collect::<Vec<_>>(),
            ["UNAVAILABLE"],
            "they are told to come again: {codes:?}"
        );
        db.close().await;
    });
}
