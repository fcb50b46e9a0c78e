//! Merged duplicates and erased survivors: the index knows each record by its own id.

use std::sync::Arc;

use passerelle::kernel::RecordType;
use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use passerelle::records::write::{self, End, Status, Submission};
use passerelle::search::store::Drift;
use serde_json::{Value, json};

use super::following::check;
use super::stub::Stub;
use crate::mutations::{admin, call, made, told, update};
use crate::on_both_databases;
use crate::support::records::each;
use crate::support::server::{Backend, Setup, TestServer};

const SEARCH: &str = "query($q: String!) { search(query: $q, facets: [SKILL]) { estimatedTotalCount degraded
    nodes { ... on Organization { id } ... on Talent { id } ... on Partnership { id } }
    facets { values { value count } } } }";

/// The hits and counts of a search.
#[derive(Debug, PartialEq)]
pub(super) struct Answered {
    pub(super) total: u64,
    pub(super) degraded: bool,
    pub(super) ids: Vec<String>,
    pub(super) skills: Vec<String>,
}

pub(super) async fn search(server: &TestServer, words: &str) -> Answered {
    let answer = server.query_with(SEARCH, json!({ "q": words })).await;
    assert_eq!(answer.get("errors"), None, "{words}");
    let found = &answer["data"]["search"];
    let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    Answered {
        total: found["estimatedTotalCount"].as_u64().expect("a total"),
        degraded: found["degraded"] == true,
        ids: texts(each(&found["nodes"], "/id")),
        skills: texts(each(&found["facets"][0]["values"], "/value")),
    }
}

/// A result with one record and these skills, from the index.
fn one(id: &str, skills: &[&str]) -> Answered {
    let skills = skills.iter().map(|skill| (*skill).to_owned()).collect();
    Answered { total: 1, degraded: false, ids: vec![id.to_owned()], skills }
}

fn none() -> Answered {
    Answered { total: 0, degraded: false, ids: Vec::new(), skills: Vec::new() }
}

/// The input of a talent with a skill.
pub(super) fn person(name: &str, skill: &str) -> Value {
    json!({"displayName": name, "region": "wallonie", "visibility": "PUBLIC", "legalBasis": "CONSENT",
        "skills": [skill]})
}

fn studio(name: &str) -> Value {
    json!({"name": name, "kind": "animation-studio", "region": "wallonie"})
}

/// Merges a duplicate.
pub(super) async fn merge(server: &TestServer, of: &str, survivor: &str, duplicate: &str) {
    let name = if of == "talent" { "mergeTalents" } else { "mergeOrganizations" };
    let arguments = [("survivor", "ID!", json!(survivor)), ("duplicate", "ID!", json!(duplicate))];
    let answer = call(server, name, &format!("{of} {{ id }}"), &arguments).await;
    assert_eq!(told(&answer), [""; 0], "{answer}");
}

/// Erases a talent without delay.
pub(super) async fn erase(server: &TestServer, talent: &str) {
    let (_, id) = id::decode_any("", talent).expect("an id");
    let erasing = Submission::erasing(RecordType::Talent, id);
    let outcomes = write::write(&server.app, vec![erasing], End::PerItem).await.expect("a write");
    assert_eq!(outcomes.first().map(|outcome| outcome.status), Some(Status::Updated), "{outcomes:?}");
}

async fn a_duplicate_leaves(server: &TestServer) {
    let nobody = server.beside(Viewer::anonymous()).await;
    let studios = [
        made(server, "organization", studio("Kievit Beeld")).await,
        made(server, "organization", studio("Kiewiet Beeld")).await,
    ];
    let people = [
        made(server, "talent", person("Grutto Vlerk", "zwirnen")).await,
        made(server, "talent", person("Grutzo Vlerk", "zwirnen")).await,
    ];
    server.indexed().await;
    assert!(search(&nobody, "kiewiet beeld").await.ids.contains(&studios[1]));
    merge(server, "organization", &studios[0], &studios[1]).await;
    merge(server, "talent", &people[0], &people[1]).await;
    server.indexed().await;
    assert_eq!(search(&nobody, "kiewiet").await, one(&studios[0], &[]));
    assert_eq!(search(&nobody, "grutzo").await.ids, people[..1]);
    assert_eq!(search(&nobody, "grutzo").await.total, 1);
    // The index agrees with the database, and a second check finds nothing either.
    let whole = Drift { checked: 4, ..Drift::default() };
    assert_eq!(check(server).await, whole);
    assert_eq!(check(server).await, whole);
    assert_eq!(search(&nobody, "kiewiet").await, one(&studios[0], &[]));

    // Hidden and erased records leave the index completely.
    let hidden = json!({"visibility": "PRIVATE"});
    assert_eq!(told(&update(server, "talent", &people[0], None, hidden, "id").await), [""; 0]);
    server.indexed().await;
    assert_eq!((search(&nobody, "grutzo").await, search(&nobody, "grutto").await), (none(), none()));
    let shown = json!({"visibility": "PUBLIC", "legalBasis": "CONSENT"});
    assert_eq!(told(&update(server, "talent", &people[0], None, shown, "id").await), [""; 0]);
    server.indexed().await;
    assert_eq!(search(&nobody, "grutzo").await.total, 1);
    erase(server, &people[0]).await;
    server.indexed().await;
    assert_eq!((search(&nobody, "grutzo").await, search(&nobody, "grutto").await), (none(), none()));
    assert_eq!(check(server).await, Drift { checked: 2, ..Drift::default() });
}

on_both_databases! {
    with Setup::default().with_search().viewer(admin());
    async fn a_duplicate_leaves_the_index_with_its_merge(server) {
        a_duplicate_leaves(&server).await;
    }
}

/// A server with a Meilisearch stub, which matches any word and any facet.
async fn with_stub(backend: Backend) -> Option<(TestServer, Stub)> {
    let stub = Stub::start().await;
    let setup = Setup::default().with_engine(Arc::new(stub.engine())).viewer(admin());
    Some((TestServer::with(backend, setup).await?, stub))
}

on_both_databases! {
    made by with_stub;
    async fn a_duplicate_leaves_the_index_of_meilisearch(given: (TestServer, Stub)) {
        let (server, stub) = given;
        let first = made(&server, "organization", studio("Kievit Beeld")).await;
        let second = made(&server, "organization", studio("Kiewiet Beeld")).await;
        server.indexed().await;
        merge(&server, "organization", &first, &second).await;
        server.indexed().await;
        let (_, id) = id::decode_any("", &first).expect("an id");
        for index in ["p_public", "p_members"] {
            let held: Vec<String> = stub.store().indexes[index].keys().cloned().collect();
            assert_eq!(held, [id.to_string()], "{index}");
        }
        assert_eq!(check(&server).await, Drift { checked: 2, ..Drift::default() });
        assert_eq!(stub.store().indexes["p_public"].len(), 1);
    }
}
