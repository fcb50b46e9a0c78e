//! The file of issuers that `serve` reads.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::fails;
use crate::support::program::{Running, folder, program};

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("issuers.json"), text).expect("a file");
}

#[test]
fn a_wrong_file_is_refused_before_anything_is_begun() {
    let folder = folder();
    let serve = || {
        let mut command = program(folder.path());
        command.arg("serve").env("OIDC_ISSUERS", "issuers.json");
        command
    };
    let (code, error) = fails(&mut serve());
    assert_eq!(code, 2);
    assert!(error.contains("OIDC_ISSUERS: the file `issuers.json` cannot be read"), "{error}");
    let issuer = json!({"issuer": "http://login.example", "audience": "a", "region": "nowhere", "role_claim": "groups",
        "roles": {"x": "ADMIN", "y": "KING"}});
    write(folder.path(), &json!([issuer]).to_string());
    let (code, error) = fails(&mut serve());
    assert_eq!(code, 2);
    for said in [
        "`issuer` must begin with https://",
        "There is no region `nowhere`",
        "ADMIN cannot be given",
        "no role `KING`",
    ] {
        assert!(error.contains(said), "{said}: {error}");
    }
    assert!(!folder.path().join("data").exists(), "no data folder is created");
    for wrong in ["", "{}", "[{}]", "[1]"] {
        write(folder.path(), wrong);
        assert_eq!(fails(&mut serve()).0, 2, "{wrong}");
    }
}

#[test]
fn a_server_starts_while_its_issuers_are_down() {
    crate::support::run(async {
        let folder = folder();
        // A closed port.
        let issuer = json!({"issuer": "http://127.0.0.1:1", "audience": "a", "region": "wallonie", "role_claim": "groups",
            "roles": {}});
        write(folder.path(), &json!([issuer]).to_string());
        let running = Running::start(program(folder.path()).arg("serve").env("OIDC_ISSUERS", "issuers.json"));
        let key = super::Key::ed("k");
        let exp = i64::from(u32::MAX);
        let claims = json!({"iss": "http://127.0.0.1:1", "aud": "a", "sub": "s", "exp": exp});
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client
            .post(format!("{}/graphql", running.address()))
            .json(&json!({"query": "{ regions { slug } }"}));
        let response =
            request.bearer_auth(key.token(&key.header(), &claims)).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), response.headers()["retry-after"].as_bytes()),
            (503, &b"2"[..])
        );
        let id = response.headers()["x-request-id"].to_str().expect("a text").to_owned();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["errors"][0]["extensions"], json!({"code": "UNAVAILABLE", "requestId": id}));
    });
}
