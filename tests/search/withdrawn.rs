//! Hidden and erased records are not counted, even if the index lags behind.

use std::sync::Arc;

use passerelle::index::embedded::Embedded;
use passerelle::index::engine::Engine;
use passerelle::kernel::policy::Viewer;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::gate::{Gate, Gated};
use super::merged::{Answered, erase, merge, person, search};
use super::stub::Stub;
use crate::mutations::{admin, delete, made, member, told, update};
use crate::on_both_databases;
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::{found, until};

/// A server whose embedded index can be held back.
struct Behind {
    server: TestServer,
    gate: Arc<Gated>,
    /// The folder of the index.
    folder: TempDir,
}

async fn behind(backend: Backend) -> Option<Behind> {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gated::new(Arc::new(Embedded::new(folder.path().into())));
    let setup = Setup::default().with_patient_engine(Arc::clone(&gate) as Arc<dyn Engine>).viewer(admin());
    Some(Behind { server: TestServer::with(backend, setup).await?, gate, folder })
}

/// A server whose Meilisearch stub can be held back.
async fn behind_stub(backend: Backend) -> Option<(TestServer, Arc<Gated>, Stub)> {
    let stub = Stub::start().await;
    let gate = Gated::new(Arc::new(stub.engine()));
    let setup = Setup::default().with_patient_engine(Arc::clone(&gate) as Arc<dyn Engine>).viewer(admin());
    Some((TestServer::with(backend, setup).await?, gate, stub))
}

/// The result of a search, once the index answers it.
async fn indexed(server: &TestServer, words: &str) -> Answered {
    found("the index answers", async || Some(search(server, words).await).filter(|answer| !answer.degraded))
        .await
}

async fn change(server: &TestServer, id: &str, input: Value) {
    assert_eq!(told(&update(server, "talent", id, None, input, "id").await), [""; 0]);
}

on_both_databases! {
    made by behind;
    async fn who_is_hidden_or_erased_is_not_counted(given: Behind) {
        let Behind { server, gate, folder: _folder } = given;
        let (nobody, member) = (server.beside(Viewer::anonymous()).await, server.beside(member(7)).await);
        let mut people = Vec::new();
        for letter in ["A", "B", "C", "D", "E", "F", "G"] {
            people.push(made(&server, "talent", person(&format!("Zwirbel {letter}"), "zwirnen")).await);
        }
        server.indexed().await;
        let mut left = people.len() as u64;
        let skills = || vec!["zwirnen".to_owned()];
        assert_eq!((indexed(&nobody, "zwirbel").await.total, indexed(&nobody, "").await.skills), (left, skills()));

        for way in ["members", "private", "deleted", "erased", "merged"] {
            gate.set(Gate::Closed);
            let one = people.pop().expect("somebody");
            match way {
                "members" => change(&server, &one, json!({"visibility": "MEMBERS"})).await,
                "private" => change(&server, &one, json!({"visibility": "PRIVATE"})).await,
                "deleted" => assert_eq!(told(&delete(&server, "talent", &one, None).await), [""; 0]),
                "erased" => erase(&server, &one).await,
                _ => merge(&server, "talent", &people[0], &one).await,
            }
            left -= 1;
            for words in ["zwirbel", ""] {
                let answer = search(&nobody, words).await;
                assert_eq!((answer.degraded, answer.total), (true, left), "{way} {words:?}: {answer:?}");
                assert_eq!(answer.skills, [""; 0], "{way}");
                assert!(!answer.ids.contains(&one), "{way}");
            }
            // Members still see a record hidden only from the public.
            let answer = search(&member, "zwirbel").await;
            assert_eq!(answer.degraded, way != "members", "{way}: {answer:?}");
            gate.set(Gate::Open);
            server.indexed().await;
            let answer = indexed(&nobody, "zwirbel").await;
            assert_eq!((answer.total, answer.skills), (left, skills()), "{way}");
        }
    }
}

on_both_databases! {
    made by behind;
    async fn a_field_that_is_hidden_is_not_counted(given: Behind) {
        let Behind { server, gate, folder: _folder } = given;
        let nobody = server.beside(Viewer::anonymous()).await;
        let mut shown = person("Zwirbel", "zwirnen");
        shown["availability"] = json!("AVAILABLE");
        shown["fieldVisibility"] = json!([{"group": "AVAILABILITY", "visibility": "PUBLIC"}]);
        let id = made(&server, "talent", shown).await;
        server.indexed().await;
        let count = async || {
            let asked = r#"{ search(query: "zwirbel", facets: [AVAILABILITY]) { degraded facets { values { value } } } }"#;
            let found = nobody.data(asked).await["search"].take();
            (found["degraded"] == true, found["facets"][0]["values"][0]["value"].as_str().map(str::to_owned))
        };
        until("it is counted", async || count().await == (false, Some("AVAILABLE".into()))).await;
        gate.set(Gate::Closed);
        change(&server, &id, json!({"fieldVisibility": [{"group": "AVAILABILITY", "visibility": "PRIVATE"}]})).await;
        assert_eq!(count().await, (true, None));
        gate.set(Gate::Open);
        server.indexed().await;
        until("the index answers", async || !count().await.0).await;
        assert_ne!(count().await.1, Some("AVAILABLE".into()));
    }
}

on_both_databases! {
    made by behind;
    async fn an_index_may_be_behind_what_hides_nobody(given: Behind) {
        let Behind { server, gate, folder: _folder } = given;
        let nobody = server.beside(Viewer::anonymous()).await;
        let inside = made(&server, "talent", person("Zwirbel A", "zwirnen")).await;
        change(&server, &inside, json!({"visibility": "MEMBERS"})).await;
        let other = made(&server, "talent", person("Zwirbel B", "zwirnen")).await;
        server.indexed().await;
        assert_eq!(indexed(&nobody, "zwirbel").await.total, 1);
        gate.set(Gate::Closed);
        made(&server, "talent", person("Zwirbel C", "zwirnen")).await;
        change(&server, &other, json!({"region": "flandre"})).await;
        change(&server, &inside, json!({"visibility": "PUBLIC"})).await;
        let answer = search(&nobody, "zwirbel").await;
        assert_eq!((answer.degraded, answer.total), (false, 1), "{answer:?}");
        gate.set(Gate::Open);
        server.indexed().await;
        assert_eq!(indexed(&nobody, "zwirbel").await.total, 3);
    }
}

on_both_databases! {
    made by behind;
    async fn other_programs_on_the_database_know_of_it_at_once(given: Behind) {
        let Behind { server, gate, folder } = given;
        let id = made(&server, "talent", person("Zwirbel", "zwirnen")).await;
        made(&server, "talent", person("Zwirbelin", "zwirnen")).await;
        server.indexed().await;
        // It searches the same index, and takes no part in writing.
        let second = server.joined(Arc::new(Embedded::new(folder.path().into()))).await;
        assert_eq!(indexed(&second, "zwirbel").await.total, 2);
        gate.set(Gate::Closed);
        change(&server, &id, json!({"visibility": "PRIVATE"})).await;
        let answer = search(&second, "zwirbel").await;
        assert_eq!((answer.degraded, answer.total, answer.skills), (true, 1, Vec::new()));
        gate.set(Gate::Open);
        let answer = indexed(&second, "zwirbel").await;
        assert_eq!((answer.total, answer.skills), (1, vec!["zwirnen".to_owned()]));
    }
}

on_both_databases! {
    made by behind_stub;
    async fn nor_does_meilisearch_count_them(given: (TestServer, Arc<Gated>, Stub)) {
        let (server, gate, _stub) = given;
        let nobody = server.beside(Viewer::anonymous()).await;
        let id = made(&server, "talent", person("Zwirbel", "zwirnen")).await;
        server.indexed().await;
        assert_eq!(indexed(&nobody, "zwirbel").await.total, 1);
        gate.set(Gate::Closed);
        change(&server, &id, json!({"visibility": "PRIVATE"})).await;
        let answer = search(&nobody, "zwirbel").await;
        assert_eq!((answer.degraded, answer.total, answer.skills), (true, 0, Vec::new()));
        gate.set(Gate::Open);
        server.indexed().await;
        assert_eq!(indexed(&nobody, "zwirbel").await.total, 0);
    }
}

on_both_databases! {
    with Setup::default().with_search().viewer(admin());
    async fn nobody_is_counted_whenever_it_is_asked(server) {
        let nobody = server.beside(Viewer::anonymous()).await;
        let id = made(&server, "talent", person("Zwirbel", "zwirnen")).await;
        for round in 0..10 {
            server.indexed().await;
            assert_eq!(indexed(&nobody, "zwirbel").await.skills, ["zwirnen"], "{round}");
            change(&server, &id, json!({"visibility": "PRIVATE"})).await;
            let answer = search(&nobody, "zwirbel").await;
            assert_eq!((answer.total, answer.ids, answer.skills), (0, Vec::new(), Vec::new()), "{round}");
            change(&server, &id, json!({"visibility": "PUBLIC", "legalBasis": "CONSENT"})).await;
        }
    }
}

on_both_databases! {
    made by behind;
    async fn an_index_that_has_missed_deletions_is_built_anew(given: Behind) {
        let Behind { server, gate: _gate, folder } = given;
        let id = made(&server, "talent", person("Zwirbel", "zwirnen")).await;
        server.indexed().await;
        server.stop_following().await;
        assert_eq!(told(&delete(&server, "talent", &id, None).await), [""; 0]);
        // As if the follower had been away for longer than tombstones are kept.
        for sql in [
            "DELETE FROM change_log WHERE op = 'DELETE'",
            "DELETE FROM view_head WHERE op = 'DELETE'",
            "UPDATE feed_meta SET floor = head",
        ] {
            server.app.db.writer().execute_unprepared(sql).await.expect("a statement");
        }
        made(&server, "talent", person("Zwirbelin", "zwirnen")).await;
        let second = server.joined(Arc::new(Embedded::new(folder.path().into()))).await;
        second.indexed().await;
        let answer = indexed(&second, "zwirbel").await;
        assert_eq!((answer.total, answer.ids.len()), (1, 1), "{answer:?}");
        assert_eq!(indexed(&second, "").await.total, 1);
    }
}

on_both_databases! {
    with Setup::default().with_search().viewer(admin());
    async fn it_takes_one_statement_to_know(server) {
        for letter in ["A", "B", "C"] {
            made(&server, "talent", person(&format!("Zwirbel {letter}"), "zwirnen")).await;
        }
        server.indexed().await;
        let quiet = server.quiet().await;
        assert_eq!(indexed(&quiet, "zwirbel").await.total, 3);
        let before = quiet.statements();
        assert_eq!(search(&quiet, "zwirbel").await.ids.len(), 3);
        // One for the last withdrawal, and one for the records.
        assert_eq!(quiet.statements() - before, 2);
        let before = quiet.statements();
        quiet.data(r#"{ suggest(prefix: "zwirbel") { text } }"#).await;
        assert_eq!(quiet.statements() - before, 1, "suggestions only read records");
    }
}
