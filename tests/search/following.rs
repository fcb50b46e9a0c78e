//! The search index follows the log, despite failures of programs and engines.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use passerelle::index::document::{Document, Text};
use passerelle::index::engine::Guard;
use passerelle::index::engine::{Batch, Engine, Position, Target};
use passerelle::index::kind::Audience;
use passerelle::index::kind::SearchType;
use passerelle::kernel::policy::Viewer;
use passerelle::records::changes::lease::Lease;
use passerelle::records::changes::{self, ChangeCursor, Scope};
use passerelle::search::guard::index_of;
use passerelle::search::reindex::reindex;
use passerelle::search::store::{self, Drift, Outcome, Task};
use passerelle::server::app::App;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::stub::{Fault, Stub};
use crate::on_both_databases;
use crate::support::program::{Running, folder, program};
use crate::support::records::{each, import, ndjson, organization, talent};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::{found, run, until};

pub(super) fn named(region: &str, name: &str) -> Value {
    organization(region, &name.to_lowercase().replace(' ', "-"), json!({ "name": name }))
}

/// The total, whether the database answered, and the names of the hits, from a running program.
async fn search(address: &str, words: &str) -> (u64, bool, Vec<String>) {
    let query = "query($q: String!) { search(query: $q, first: 5) { estimatedTotalCount degraded
        nodes { ... on Organization { name } } } }";
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = json!({ "query": query, "variables": { "q": words } });
    let answer = client.post(format!("{address}/graphql")).json(&body).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let found = &answer["data"]["search"];
    let names = each(&found["nodes"], "/name").into_iter().map(str::to_owned).collect();
    (found["estimatedTotalCount"].as_u64().expect("a number"), found["degraded"] == true, names)
}

/// Searches until the index returns this total.
pub(super) async fn search_until(address: &str, words: &str, total: u64) {
    until(words, async || {
        let (found, degraded, _) = search(address, words).await;
        (found, degraded) == (total, false)
    })
    .await;
}

/// Searches until the index returns at least this total.
async fn search_until_some(address: &str, words: &str, least: u64) {
    until(words, async || {
        let (found, degraded, _) = search(address, words).await;
        found >= least && !degraded
    })
    .await;
}

/// The output of a command that must succeed.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let done = program(folder).args(arguments).output().expect("the program runs");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    let folder = folder();
    let serve = || Running::start(program(folder.path()).arg("serve"));
    let lines = |from: usize| {
        let lines: Vec<Value> =
            (from..from + 1500).map(|n| named("wallonie", &format!("Kwarvel {n:05}"))).collect();
        ndjson(&lines)
    };
    let mut server = serve();
    // Killed at once, with part of the new records indexed, and with all of them.
    for (round, found) in [0, 1501, 4500].into_iter().enumerate() {
        let file = folder.path().join("more.ndjson");
        fs::write(&file, lines(round * 1500)).expect("a file");
        printed(folder.path(), &["import", "--create-source", "more.ndjson"]);
        let address = server.address().to_owned();
        if found > 0 {
            run(async move { search_until_some(&address, "kwarvel", found).await });
        }
        server.kill();
        server = serve();
    }
    let address = server.address().to_owned();
    run(async move { search_until(&address, "kwarvel", 4500).await });
    assert_eq!(server.terminate(), Some(0));
    let told = printed(folder.path(), &["reindex", "--check"]);
    assert_eq!(told, "9000 documents are as the database has them\n");
}

/// The largest file below a folder.
fn largest(folder: &Path) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    let mut found = (0, folder.to_owned());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let about = entry.metadata().expect("metadata");
            if about.is_dir() {
                folders.push(entry.path());
            } else if about.len() > found.0 {
                found = (about.len(), entry.path());
            }
        }
    }
    found.1
}

#[test]
fn a_missing_or_damaged_index_is_built_anew() {
    let folder = folder();
    let index = folder.path().join("data/search");
    let damages: [fn(&Path); 4] = [
        |_| {},
        |index| fs::remove_dir_all(index).expect("it goes"),
        |index| fs::write(index.join("current"), "none").expect("a file"),
        |index| {
            let file = largest(index);
            let mut bytes = fs::read(&file).expect("its bytes");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs::write(&file, bytes).expect("a file");
        },
    ];
    for (round, damage) in damages.into_iter().enumerate() {
        let mut server = Running::start(program(folder.path()).args(["serve", "--demo"]));
        let address = server.address().to_owned();
        run(async move { search_until(&address, "ankama", 1).await });
        assert_eq!(server.terminate(), Some(0), "round {round}");
        damage(&index);
    }
    let told = printed(folder.path(), &["reindex", "--check"]);
    assert!(told.contains("there was no index that fits"), "{told}");
}

#[test]
fn reindex_asks_the_server_or_takes_its_place() {
    let folder = folder();
    let mut server = Running::start(program(folder.path()).args(["serve", "--demo"]));
    let address = server.address().to_owned();
    let path = folder.path().to_owned();
    run(async move {
        search_until(&address, "ankama", 1).await;
        let command = tokio::task::spawn_blocking(move || printed(&path, &["reindex"]));
        // Searches work during the rebuild.
        let mut searches = 0;
        while !command.is_finished() {
            // From the index, or from the database if that takes too long.
            let (total, _, names) = search(&address, "ankama").await;
            assert_eq!((total, names), (1, vec!["Ankama".to_owned()]));
            searches += 1;
        }
        assert!(searches > 0);
        let told = command.await.expect("no panic");
        assert!(told.starts_with("the index was built, with "), "{told}");
    });
    let told = printed(folder.path(), &["reindex", "--check"]);
    assert!(told.ends_with("documents are as the database has them\n"), "{told}");
    assert_eq!(server.terminate(), Some(0));
    let built = printed(folder.path(), &["reindex"]);
    assert!(built.starts_with("the index was built, with "), "{built}");
    assert_eq!(printed(folder.path(), &["reindex", "--check"]), told);
}

on_both_databases! {
    async fn one_holds_a_lease(server) {
        let db = &server.app.db;
        let long = Duration::from_mins(1);
        let first = Lease::take(db, "test", long).await.unwrap().expect("the lease is free");
        assert_eq!(Lease::take(db, "test", long).await.unwrap(), None);
        let other = Lease::take(db, "other", long).await.unwrap();
        assert!(other.is_some(), "the other lease is free");
        assert!(first.keep(db, long).await.unwrap());
        first.give_back(db).await.unwrap();
        let second = Lease::take(db, "test", Duration::ZERO).await.unwrap().expect("the lease was released");
        assert!(!first.keep(db, long).await.unwrap(), "another holder has the lease");
        tokio::time::sleep(Duration::from_millis(5)).await;
        let third = Lease::take(db, "test", long).await.unwrap().expect("the lease has expired");
        assert!(!second.keep(db, long).await.unwrap());
        second.give_back(db).await.unwrap();
        assert!(third.keep(db, long).await.unwrap(), "a former holder cannot release it");
    }
}

/// Runs a check of the index by the server's follower.
pub(super) async fn check(server: &TestServer) -> Drift {
    let engine = server.engine.as_ref().expect("an engine");
    let outcome = reindex(&server.app, engine, Task::Check, |_, _| {}).await.expect("the check succeeds");
    let Outcome::Checked(drift) = outcome else { panic!("{outcome:?}") };
    drift
}

on_both_databases! {
    with Setup::default().with_search();
    async fn drift_is_found_and_repaired(server) {
        let names: Vec<Value> = (0..5).map(|n| named("flandre", &format!("Drift {n}"))).collect();
        import(&server, &names).await;
        let hidden = organization("flandre", "hidden", json!({"name": "Hidden", "visibility": "MEMBERS"}));
        import(&server, &[hidden]).await;
        server.indexed().await;
        let whole = Drift { checked: 11, ..Drift::default() };
        assert_eq!(check(&server).await, whole);

        // Simulate writes by another program.
        let engine = server.engine.clone().expect("an engine");
        let here = engine.position().await.unwrap().expect("an index");
        let ids = engine.walk(Audience::Public, None, 10).await.unwrap();
        assert_eq!(ids.len(), 5);
        let document = |id: Uuid, revision: i32| {
            let name = Text { field: "name", text: "Stranger".into() };
            Document::new(SearchType::Organization, id, revision, vec![name])
        };
        let stranger = Uuid::from_u128(u128::MAX);
        let public = Batch { documents: vec![document(stranger, 1), document(ids[1].0, 99)], gone: vec![ids[0].0], erased: false };
        let members = Batch { documents: vec![], gone: vec![ids[0].0, ids[4].0], erased: false };
        engine.write(Target::Live, [(Audience::Public, public), (Audience::Members, members)], here).await.unwrap();
        let drift = check(&server).await;
        assert_eq!(drift, Drift { checked: 12, missing: 3, stale: 1, extra: 1, ..Drift::default() });
        assert_eq!(check(&server).await, whole);
        let found = server.data(r#"{ search(query: "stranger") { estimatedTotalCount } }"#).await;
        assert_eq!(found["search"]["estimatedTotalCount"], 0);
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn an_index_is_rebuilt_while_records_change(server) {
        let names: Vec<Value> = (0..3000).map(|n| named("wallonie", &format!("Vrombel {n:04}"))).collect();
        import(&server, &names).await;
        server.indexed().await;
        let engine = server.engine.clone().expect("an engine");
        let mut most = (0, 0);
        let rebuild = reindex(&server.app, &engine, Task::Rebuild, |done, total| most = most.max((done, total)));
        let writes = async {
            for round in 0..10 {
                import(&server, &[named("wallonie", &format!("Latecomer {round}"))]).await;
                // The live index continues to follow meanwhile.
                server.indexed().await;
            }
        };
        let (outcome, ()) = tokio::join!(rebuild, writes);
        assert!(matches!(outcome, Ok(Outcome::Rebuilt(3000..=3010))), "{outcome:?}");
        assert!(most.1 >= 3000, "{most:?}");
        server.indexed().await;
        assert_eq!(check(&server).await, Drift { checked: 6020, ..Drift::default() });
    }
}

async fn total(server: &TestServer, words: &str) -> (u64, bool) {
    let query = "query($q: String!) { search(query: $q) { estimatedTotalCount degraded } }";
    let answer = server.query_with(query, json!({ "q": words })).await;
    let found = &answer["data"]["search"];
    (found["estimatedTotalCount"].as_u64().expect("a total"), found["degraded"] == true)
}

#[test]
fn a_poisoned_record_is_kept_account_of() {
    run(async {
        let stub = Stub::start().await;
        let engine: Arc<dyn Engine> = Arc::new(stub.engine());
        let setup = Setup::default().with_engine(Arc::clone(&engine));
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        stub.store().poison = Some("toxic".into());
        import(&server, &[named("wallonie", "Toxic"), named("wallonie", "Sound")]).await;
        server.indexed().await;
        assert_eq!((total(&server, "toxic").await, total(&server, "sound").await), ((0, false), (1, false)));
        let index = index_of(&engine.guard()).unwrap().expect("a name");
        assert!(matches!(engine.guard(), Guard::Lease(_)));
        assert_eq!(store::dead_letters(&server.app.db, &index).await.unwrap().len(), 1);
        assert_eq!(check(&server).await, Drift { checked: 4, refused: 1, ..Drift::default() });
        // The engine accepts the document now.
        stub.store().poison = None;
        assert_eq!(check(&server).await, Drift { checked: 4, ..Drift::default() });
        assert!(store::dead_letters(&server.app.db, &index).await.unwrap().is_empty());
        assert_eq!(total(&server, "toxic").await, (1, false));
    });
}

#[test]
fn another_program_takes_over_where_one_has_ended() {
    run(async {
        let stub = Stub::start().await;
        let setup = Setup::default().with_engine(Arc::new(stub.engine()));
        let mut first = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        import(&first, &[named("wallonie", "Before")]).await;
        first.indexed().await;
        let written = stub.store().tags.len();
        // A second program on the same database and engine.
        let (second, following) =
            App::new(Arc::clone(&first.app.db), first.app.clock.clone()).with_search(Arc::new(stub.engine()));
        let stop = CancellationToken::new();
        following.start(&second, stop.clone());
        import(&first, &[named("wallonie", "Between")]).await;
        let position = async || {
            let head = changes::head(&first.app.db).await.expect("an end");
            Position { feed_id: head.feed_id, seq: head.seq }
        };
        let reached = position().await;
        until("it knows how far the first has followed", async || second.search.wait_for(reached).await)
            .await;
        assert_eq!(stub.store().tags.len(), written + 2, "only one of them writes");
        first.stop_following().await;
        import(&first, &[named("wallonie", "After")]).await;
        let reached = position().await;
        until("it has taken over", async || second.search.wait_for(reached).await).await;
        stop.cancel();
        first.stop().await;
    });
}

#[test]
fn writes_and_reads_go_on_without_the_engine() {
    run(async {
        let stub = Stub::start().await;
        let setup = Setup::default().with_engine(Arc::new(stub.engine()));
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        let names: Vec<Value> = (0..4).map(|n| named("wallonie", &format!("Zebra {n}"))).collect();
        import(&server, &names).await;
        server.indexed().await;
        let page = async |after: Option<&str>| {
            let query = "query($after: String) { search(query: \"zebra\", first: 2, after: $after) {
                degraded pageInfo { endCursor } nodes { ... on Organization { name } } } }";
            server.query_with(query, json!({ "after": after })).await
        };
        let first = page(None).await;
        let begun = first["data"]["search"]["pageInfo"]["endCursor"].as_str().expect("a cursor");
        assert_eq!(first["data"]["search"]["degraded"], false);

        stub.store().broken = true;
        import(&server, &[named("wallonie", "Zebra 4")]).await;
        let away = page(None).await;
        assert_eq!(away["data"]["search"]["degraded"], true);
        assert_eq!(each(&away["data"]["search"]["nodes"], "/name"), ["Zebra 0", "Zebra 1"]);
        let cursor = away["data"]["search"]["pageInfo"]["endCursor"].as_str().expect("a cursor");
        let next = page(Some(cursor)).await;
        assert_eq!(each(&next["data"]["search"]["nodes"], "/name"), ["Zebra 2", "Zebra 3"]);
        // A cursor of the engine cannot be continued by the database.
        let refused = page(Some(begun)).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "SEARCH_UNAVAILABLE", "{refused}");
        let suggested = server.data(r#"{ suggest(prefix: "zeb") { text } }"#).await;
        assert_eq!(each(&suggested["suggest"], "/text").len(), 5);

        // A cursor of the database is continued by the database.
        stub.store().broken = false;
        until("the index catches up", async || total(&server, "zebra").await == (5, false)).await;
        assert_eq!(page(Some(cursor)).await["data"]["search"]["degraded"], true);
        stub.store().faults.push_back(Fault::Canceled);
    });
}

on_both_databases! {
    with Setup::default().with_search();
    async fn a_client_finds_what_it_has_just_written(server) {
        import(&server, &[named("wallonie", "Freshly Made")]).await;
        let head = changes::head(&server.app.db).await.unwrap();
        let cursor = |seq: i64| {
            let scope = Scope::of(&Viewer::anonymous());
            let cursor = ChangeCursor { feed_id: head.feed_id, seq, tag: 0, base: seq, scope };
            async_graphql::ScalarType::to_value(&cursor).into_json().expect("JSON")
        };
        let query = "query($at: ChangeCursor) { search(query: \"fresh\", notBefore: $at) {
            estimatedTotalCount indexedThrough } }";
        // An index that is still being built may make requests time out.
        let answer = found("an index that has caught up", async || {
            let answer = server.query_with(query, json!({ "at": cursor(head.seq) })).await;
            (answer["errors"][0]["extensions"]["code"] != "INDEX_LAGGING").then_some(answer)
        }).await;
        assert_eq!(answer["data"]["search"]["estimatedTotalCount"], 1, "{answer}");
        assert!(answer["data"]["search"]["indexedThrough"].is_string());
        let later = server.query_with(query, json!({ "at": cursor(head.seq + 1) })).await;
        assert_eq!(later["errors"][0]["extensions"]["code"], "INDEX_LAGGING", "{later}");
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn a_search_is_paged_through_up_to_its_limit(server) {
        let names: Vec<Value> = (0..1100).map(|n| named("wallonie", &format!("Pagerel {n:04}"))).collect();
        import(&server, &names).await;
        import(&server, &[talent("wallonie", "pagerel", json!({"displayName": "Pagerel"}))]).await;
        server.indexed().await;
        let query = "query($after: String) { search(query: \"pagerel\", first: 100, after: $after) {
            estimatedTotalCount pageInfo { hasNextPage endCursor } nodes { __typename ... on Organization { slug } } } }";
        let mut after = Value::Null;
        let mut seen = std::collections::BTreeSet::new();
        for page in 0..10 {
            let answer = server.query_with(query, json!({ "after": after })).await;
            let found = &answer["data"]["search"];
            assert_eq!(found["estimatedTotalCount"], 1101);
            assert_eq!(found["nodes"].as_array().map(Vec::len), Some(100), "page {page}");
            if page == 0 {
                assert_eq!(found["nodes"][0]["__typename"], "Talent", "a whole name comes first");
            }
            seen.extend(each(&found["nodes"], "/slug").into_iter().map(str::to_owned));
            assert_eq!(found["pageInfo"]["hasNextPage"], page < 9);
            after = found["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen.len(), 999, "there are no duplicates");
        let beyond = server.query_with(query, json!({ "after": after })).await;
        assert_eq!(beyond["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert!(beyond["errors"][0]["message"].as_str().is_some_and(|text| text.contains("1000")), "{beyond}");
    }
}
