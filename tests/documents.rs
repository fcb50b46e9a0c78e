//! Documents that clients send by id or hash instead of text.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use passerelle::server::{Manifest, Trust};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::on_both_databases;
use crate::support::server::{Setup, TestServer};
use crate::support::until;

const NAMES: &str = "query Names($n: Int) { organizations(first: $n) { nodes { name } } }";
const PASSWORD: &str = "mutation { requestPasswordReset(email: \"a@b.example\") { userErrors { code } } }";

fn sha256(text: &str) -> String {
    passerelle::kernel::read::keyed::hex(&Sha256::digest(text))
}

/// Writes a manifest in the format of graphql-codegen. One of its documents has an id that is not its hash.
fn manifest(path: &Path, more: &[(&str, &str)]) -> Manifest {
    let mut documents = json!({ sha256(NAMES): NAMES, "reset": PASSWORD, "broken": "{ a" });
    for (id, text) in more {
        documents[id] = json!(text);
    }
    std::fs::write(path, documents.to_string()).expect("a file");
    Manifest::read(path).expect("a manifest")
}

fn setup(trust: Trust) -> Setup {
    let folder = tempfile::tempdir().expect("a folder").keep();
    Setup::default().with_sample().documents(trust, manifest(&folder.join("manifest.json"), &[]))
}

/// The status, the code of the first error, and the data.
async fn ask(server: &TestServer, body: Value) -> (u16, String, Value) {
    let response = server.post(&body).await;
    let status = response.status().as_u16();
    let mut answer: Value = response.json().await.expect("an answer is JSON");
    let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
    (status, code, answer["data"].take())
}

fn hashed(hash: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

on_both_databases! {
    with setup(Trust::Open);
    async fn trusted_documents_are_sent_by_id(server) {
        let variables = json!({"n": 2});
        let id = format!("sha256:{}", sha256(NAMES));
        for id in [id.as_str(), &sha256(NAMES)] {
            let (status, code, data) = ask(&server, json!({"documentId": id, "variables": variables})).await;
            assert_eq!((status, code.as_str()), (200, ""));
            assert_eq!(data["organizations"]["nodes"].as_array().map(Vec::len), Some(2));
        }
        let reset = format!("sha256:{}", sha256(PASSWORD));
        assert_eq!(ask(&server, json!({"documentId": reset})).await.1, "", "its hash is an id too");
        let mut url = url::Url::parse(&server.url("/graphql")).unwrap();
        url.query_pairs_mut().extend_pairs([("documentId", id.as_str()), ("variables", r#"{"n":1}"#)]);
        let answer: Value = server.client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"]["organizations"]["nodes"].as_array().map(Vec::len), Some(1), "{answer}");

        for (body, status, code) in [
            (json!({"documentId": "sha256:00"}), 422, "PERSISTED_QUERY_NOT_FOUND"),
            (json!({"documentId": ""}), 422, "PERSISTED_QUERY_NOT_FOUND"),
            (json!({"documentId": "broken"}), 400, "GRAPHQL_PARSE_FAILED"),
            (json!({"documentId": id, "query": "{ __typename }"}), 422, "BAD_REQUEST"),
            (json!({"documentId": 1}), 422, "BAD_REQUEST"),
            (json!({"documentId": id, "variables": {"n": 5000}}), 422, "QUERY_TOO_COMPLEX"),
            (json!({"documentId": id, "operationName": "Other"}), 422, "OPERATION_RESOLUTION_FAILURE"),
        ] {
            let (got, found, _) = ask(&server, body.clone()).await;
            assert_eq!((got, found.as_str()), (status, code), "{body}");
        }
        let get = server.get("/graphql?documentId=reset").await;
        assert_eq!((get.status().as_u16(), &get.headers()["allow"]), (405, &"POST".parse().unwrap()));
        assert_eq!(server.code("{ __typename }").await, "", "other documents run as well");
    }
}

on_both_databases! {
    with setup(Trust::Only);
    async fn where_they_alone_are_trusted_nothing_else_is_executed(server) {
        for (body, status, code) in [
            (json!({"query": "{ __typename }"}), 403, "FORBIDDEN"),
            (json!({"query": "{ __schema { queryType { name } } }"}), 403, "FORBIDDEN"),
            (json!({"query": "{ b"}), 403, "FORBIDDEN"),
            (json!({"query": "{ __typename }", "extensions": hashed(&sha256("{ __typename }"))}), 422, "PERSISTED_QUERY_NOT_SUPPORTED"),
            (json!({"extensions": hashed(&sha256("{ __typename }"))}), 422, "PERSISTED_QUERY_NOT_SUPPORTED"),
            (json!({"query": NAMES}), 200, ""),
            (json!({"query": NAMES, "extensions": hashed(&sha256(NAMES))}), 200, ""),
            (json!({"extensions": hashed(&sha256(NAMES).to_uppercase())}), 200, ""),
            (json!({"documentId": "reset"}), 200, ""),
        ] {
            let (got, found, data) = ask(&server, body.clone()).await;
            assert_eq!((got, found.as_str(), data.is_null()), (status, code, status != 200), "{body}");
        }
        let socket = server.get("/graphql/stream?query=%7B__typename%7D").await.text().await.unwrap();
        assert!(socket.contains("FORBIDDEN"), "{socket}");
    }
}

on_both_databases! {
    with setup(Trust::Prefer);
    async fn where_they_are_preferred_others_are_executed(server) {
        assert_eq!(server.code("{ __typename }").await, "");
        assert_eq!(ask(&server, json!({"documentId": "reset"})).await.1, "");
        let text = "{ regions { slug } }";
        let body = json!({"query": text, "extensions": hashed(&sha256(text))});
        assert_eq!(ask(&server, body).await.0, 200);
    }
}

on_both_databases! {
    async fn clients_register_documents_by_their_hash(server) {
        let text = "{ regions { slug } }";
        let hash = sha256(text);
        let known = json!({"extensions": hashed(&hash)});
        let response = server.post(&known).await;
        assert_eq!(response.status(), 422);
        let answer: Value = response.json().await.unwrap();
        // Apollo's clients compare this message.
        assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotFound");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
        let other = json!({"query": "{ sectors { slug } }", "extensions": hashed(&hash)});
        assert_eq!(ask(&server, other).await.1, "BAD_REQUEST", "the hash must match the document");
        assert_eq!(ask(&server, known.clone()).await.1, "PERSISTED_QUERY_NOT_FOUND");
        let (status, code, data) = ask(&server, json!({"query": text, "extensions": hashed(&hash)})).await;
        assert_eq!((status, code.as_str()), (200, ""));
        assert_eq!(ask(&server, known.clone()).await, (200, String::new(), data));
        assert_eq!(ask(&server, json!({"documentId": format!("sha256:{hash}")})).await.1, "PERSISTED_QUERY_NOT_FOUND", "registered is not trusted");
        let mut url = url::Url::parse(&server.url("/graphql")).unwrap();
        url.query_pairs_mut().append_pair("extensions", &hashed(&hash).to_string());
        assert_eq!(server.client.get(url).send().await.unwrap().status(), 200);

        // A document that cannot be executed is not registered.
        let wrong = "{ a";
        let body = json!({"query": wrong, "extensions": hashed(&sha256(wrong))});
        assert_eq!(ask(&server, body).await.1, "GRAPHQL_PARSE_FAILED");
        assert_eq!(ask(&server, json!({"extensions": hashed(&sha256(wrong))})).await.1, "PERSISTED_QUERY_NOT_FOUND");
        for wrong in [json!({"persistedQuery": 1}), json!({"persistedQuery": {"version": 2, "sha256Hash": hash}}), hashed("x")] {
            let (status, code, _) = ask(&server, json!({"query": text, "extensions": wrong})).await;
            assert_eq!((status, code.as_str()), (422, "BAD_REQUEST"), "{wrong}");
        }
    }
}

#[test]
fn what_clients_register_is_bounded() {
    crate::support::run(async {
        let server = TestServer::with(crate::support::server::Backend::Sqlite, Setup::default()).await;
        let server = server.expect("SQLite is always there");
        let text = |n: usize| format!("{{ regions {{ slug }} }} # {n} {}", "x".repeat(30_000));
        for n in 0..320 {
            let text = text(n);
            let body = json!({"query": text, "extensions": hashed(&sha256(&text))});
            assert_eq!(ask(&server, body).await.1, "", "{n}");
        }
        let mut kept = 0;
        for n in 0..320 {
            let found = ask(&server, json!({"extensions": hashed(&sha256(&text(n)))})).await.1;
            kept += usize::from(found.is_empty());
        }
        assert!((1..=280).contains(&kept), "{kept} documents of 30 kB in 8 MB");
    });
}

/// Creates a named pipe. Opening it for reading blocks until it is opened for writing, and vice versa.
fn pipe(path: PathBuf) -> PathBuf {
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
    assert!(made.success());
    path
}

/// Opens a pipe for writing, once the other side reads from it.
async fn opened(path: &Path) -> File {
    let path = path.to_owned();
    let open = move || File::options().write(true).open(path).expect("a pipe");
    tokio::task::spawn_blocking(open).await.expect("no panic")
}

#[test]
fn a_manifest_that_changes_is_noticed() {
    crate::support::run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let setup = Setup::default().documents(Trust::Only, manifest(&path, &[]));
        let server = TestServer::with(crate::support::server::Backend::Sqlite, setup).await;
        let server = server.expect("SQLite is always there");
        let ask = async |id: &str| ask(&server, json!({ "documentId": id })).await.1;
        assert_eq!(ask("late").await, "PERSISTED_QUERY_NOT_FOUND");
        manifest(&path, &[("late", "{ __typename }")]);
        until("the new manifest is used", async || ask("late").await.is_empty()).await;
        // While a new manifest is being written, the previous one stays in use. The server reads from pipes one after
        // the other, so that the test knows what was read.
        let [first, second] = ["first", "second"].map(|name| pipe(folder.path().join(name)));
        std::fs::rename(first, &path).unwrap();
        let mut half = opened(&path).await;
        std::fs::rename(second, &path).unwrap();
        half.write_all(b"{").unwrap();
        drop(half);
        let mut whole = opened(&path).await;
        assert_eq!(ask("late").await, "", "an incomplete manifest is ignored");
        let last = folder.path().join("last");
        std::fs::write(&last, "{}").unwrap();
        std::fs::rename(last, &path).unwrap();
        whole.write_all(b"{}").unwrap();
        drop(whole);
        until("the empty manifest is used", async || !ask("late").await.is_empty()).await;
    });
}
