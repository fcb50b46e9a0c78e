//! The embedded index after a failed write, and with damaged files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use passerelle::index::document::{Document, Text};
use passerelle::index::embedded::Embedded;
use passerelle::index::engine::{Batch, Engine, EngineError, Guard, Position, Query, Target};
use passerelle::index::kind::{Audience, SearchType};
use passerelle::index::text::query_words;
use passerelle::search::guard::{Held, LEASE_TIME};
use passerelle::search::reindex::{ReindexError, reindex, reindex_within};
use passerelle::search::store::{self, Drift, Outcome, Task};
use serde_json::Value;
use uuid::Uuid;

use super::following::{check, named, search_until};
use super::gate::{Gate, Gated};
use crate::on_both_databases;
use crate::support::place::Place;
use crate::support::program::Running;
use crate::support::records::{import, ndjson};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::{found, run, until};

fn at(seq: i64) -> Position {
    Position { feed_id: Uuid::from_u128(9), seq }
}

/// The same documents for both audiences.
fn batches(names: &[&str]) -> [(Audience, Batch); 2] {
    let document = |name: &&str| {
        let id = Uuid::from_u128(name.bytes().fold(1, |id, byte| id * 256 + u128::from(byte)));
        Document::new(SearchType::Talent, id, 1, vec![Text { field: "name", text: (*name).to_owned() }])
    };
    let batch = Batch { documents: names.iter().map(document).collect(), ..Batch::default() };
    [(Audience::Public, batch.clone()), (Audience::Members, batch)]
}

/// An engine whose index is at position 5 and holds one document.
async fn built(folder: &Path) -> Embedded {
    let engine = Embedded::new(folder.to_owned());
    assert_eq!(engine.position().await.unwrap(), None);
    build(&engine).await.unwrap();
    assert_eq!(engine.position().await.unwrap(), Some(at(5)));
    engine
}

async fn build(engine: &Embedded) -> Result<(), EngineError> {
    engine.begin().await?;
    engine.write(Target::Shadow, batches(&["ana"]), at(5)).await?;
    engine.swap().await
}

async fn total(engine: &Embedded, audience: Audience, word: &str) -> u64 {
    let query = Query { words: query_words(word), limit: 10, ..Query::default() };
    engine.search(audience, &query).await.unwrap().total
}

#[test]
fn a_writer_that_has_failed_is_not_used_again() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let engine = built(folder.path()).await;
        engine.write(Target::Live, batches(&["bob"]), at(6)).await.unwrap();
        // Its files are unwritable for a moment.
        let (here, away) = (folder.path().join("1"), folder.path().join("away"));
        fs::rename(&here, &away).unwrap();
        assert!(engine.write(Target::Live, batches(&["cleo"]), at(7)).await.is_err());
        fs::rename(&away, &here).unwrap();
        assert_eq!(engine.position().await.unwrap(), Some(at(6)), "the position is unchanged");
        engine.write(Target::Live, batches(&["cleo"]), at(7)).await.unwrap();
        engine.write(Target::Live, batches(&["dan"]), at(8)).await.unwrap();
        assert_eq!(engine.position().await.unwrap(), Some(at(8)));
        for audience in [Audience::Public, Audience::Members] {
            for word in ["ana", "bob", "cleo", "dan"] {
                assert_eq!(total(&engine, audience, word).await, 1, "{audience:?} {word}");
            }
            assert_eq!(engine.walk(audience, None, 10).await.unwrap().len(), 4);
        }
    });
}

#[test]
fn a_walk_does_not_part_the_documents_of_a_record() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let engine = built(folder.path()).await;
        // Two documents for one record, as older indexes may have.
        engine.write(Target::Live, batches(&["bob", "bob", "cleo"]), at(6)).await.unwrap();
        let page = engine.walk(Audience::Public, None, 2).await.unwrap();
        assert_eq!((page.len(), page[1]), (3, page[2]));
        let next = engine.walk(Audience::Public, Some(page[2].0), 2).await.unwrap();
        assert_eq!(next.len(), 1);
    });
}

#[test]
fn what_is_in_the_place_of_its_files_is_cleared_away() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("7"), "a file where a generation would be").unwrap();
        for name in ["current", "current.next"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let engine = built(folder.path()).await;
        assert_eq!(total(&engine, Audience::Public, "ana").await, 1);
        // The same in place of the live generation.
        fs::remove_dir_all(folder.path().join("8")).unwrap();
        fs::write(folder.path().join("8"), "").unwrap();
        assert_eq!(engine.position().await.unwrap(), None);
        build(&engine).await.unwrap();
        assert_eq!(engine.position().await.unwrap(), Some(at(5)));
        assert!(!folder.path().join("8").exists());
    });
}

/// The program, with SIGXFSZ ignored so that writes beyond the size limit fail instead of ending it.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    limited.arg(command.get_program()).args(command.get_args()).env_clear();
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

/// Limits the file size of a program, to simulate a full disk.
fn limit(server: &Running, bytes: &str) {
    let limits = format!("--fsize={bytes}:");
    let set = Command::new("prlimit").args(["--pid", &server.id().to_string(), &limits]).status();
    assert!(set.expect("prlimit runs").success());
}

/// Imports organizations with these names beside the server.
fn bring(place: &Place, names: &[&str]) {
    let lines: Vec<Value> = names.iter().map(|name| named("wallonie", name)).collect();
    fs::write(place.folder.path().join("lines.ndjson"), ndjson(&lines)).expect("a file");
    place.run(&["import", "--create-source", "lines.ndjson"]);
}

on_both_databases! {
    async fn an_index_on_a_full_disk_loses_nothing(place: Place) {
        let (read, write) = std::io::pipe().expect("a pipe");
        let mut server = Running::start_logging(&mut limited(&place.command(&["serve"])), write);
        let log = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(read).lines().map_while(Result::ok) {
                told.lock().expect("no panic").push_str(&(line + "\n"));
            }
        });
        let address = server.address().to_owned();
        bring(&place, &["Before"]);
        search_until(&address, "before", 1).await;
        limit(&server, "0");
        bring(&place, &["During"]);
        until("the write fails", async || {
            log.lock().expect("no panic").contains("the search index cannot be kept in step")
        })
        .await;
        limit(&server, "unlimited");
        bring(&place, &["After"]);
        for word in ["after", "during", "before"] {
            search_until(&address, word, 1).await;
        }
        // The server compares the documents with the database, without a restart.
        assert_eq!(place.run(&["reindex", "--check"]).lines().next(), Some("6 documents are as the database has them"));
        assert_eq!(server.terminate(), Some(0));
    }
}

on_both_databases! {
    async fn a_file_in_the_place_of_the_folder_is_told_of(place: Place) {
        let mut server = place.serve();
        let address = server.address().to_owned();
        bring(&place, &["Before"]);
        search_until(&address, "before", 1).await;
        let (index, away) = (place.data().join("search"), place.data().join("away"));
        fs::rename(&index, &away).expect("the index is moved");
        fs::write(&index, "").expect("a file");
        bring(&place, &["During"]);
        let told = place.command(&["reindex", "--check"]).output().expect("the program runs");
        let told = (told.status.code(), String::from_utf8_lossy(&told.stderr).into_owned());
        assert!(told.0 == Some(1) && told.1.contains("search` is a file"), "{told:?}");
        let log = place.folder.path().join("log");
        until("the server says so as well", async || {
            fs::read_to_string(&log).expect("a log").contains("search` is a file")
        })
        .await;
        fs::remove_file(&index).expect("the file is removed");
        search_until(&address, "during", 1).await;
        assert_eq!(server.terminate(), Some(0));
    }
}

/// A server with its index in a known folder.
async fn in_folder(backend: Backend) -> Option<(TestServer, tempfile::TempDir)> {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::default().with_engine(Arc::new(Embedded::new(folder.path().into())));
    Some((TestServer::with(backend, setup).await?, folder))
}

on_both_databases! {
    made by in_folder;
    async fn who_may_not_write_any_more_keeps_nobody_from_it(given: (TestServer, tempfile::TempDir)) {
        let (server, folder) = given;
        import(&server, &[named("wallonie", "Kept")]).await;
        server.indexed().await;
        // As after a failure of the database: the follower has released the right to write, and the program
        // continues.
        server.stop_following().await;
        let other: Arc<dyn Engine> = Arc::new(Embedded::new(folder.path().into()));
        let outcome = reindex(&server.app, &other, Task::Check, |_, _| {}).await.expect("the check succeeds");
        assert_eq!(outcome, Outcome::Checked(Drift { checked: 2, ..Drift::default() }));
    }
}

on_both_databases! {
    made by in_folder;
    async fn a_lock_that_nobody_uses_is_not_waited_for_without_end(given: (TestServer, tempfile::TempDir)) {
        let (server, folder) = given;
        server.stop_following().await;
        let engine: Arc<dyn Engine> = Arc::new(Embedded::new(folder.path().into()));
        let guard = Guard::File(folder.path().join("lock"));
        let held = found("the right to write", async || {
            Held::take(&server.app.db, &guard, LEASE_TIME).await.expect("a file")
        })
        .await;
        let patience = Duration::from_millis(50);
        let ended = reindex_within(&server.app, &engine, Task::Check, patience, |_, _| {}).await;
        assert!(matches!(ended, Err(ReindexError::Idle(_))), "{ended:?}");
        assert_eq!(store::next_job(&server.app.db, &held.index).await.expect("a read"), None, "the job is withdrawn");
    }
}

/// A server whose index can be made to lose writes.
async fn losing(backend: Backend) -> Option<(TestServer, Arc<Gated>, tempfile::TempDir)> {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gated::new(Arc::new(Embedded::new(folder.path().into())));
    let setup = Setup::default().with_engine(Arc::clone(&gate) as Arc<dyn Engine>);
    Some((TestServer::with(backend, setup).await?, gate, folder))
}

on_both_databases! {
    made by losing;
    async fn a_check_says_what_it_could_not_repair(given: (TestServer, Arc<Gated>, tempfile::TempDir)) {
        let (server, gate, _folder) = given;
        import(&server, &[named("wallonie", "Kept")]).await;
        server.indexed().await;
        gate.set(Gate::Losing);
        import(&server, &[named("wallonie", "Lost")]).await;
        server.indexed().await;
        let lost = Drift { checked: 4, missing: 2, ..Drift::default() };
        assert_eq!(check(&server).await, Drift { remaining: 2, ..lost });
        gate.set(Gate::Open);
        assert_eq!(check(&server).await, lost);
        assert_eq!(check(&server).await, Drift { checked: 4, ..Drift::default() });
    }
}
