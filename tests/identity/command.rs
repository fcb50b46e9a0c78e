//! The commands for accounts and keys, while a server runs.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::command::fails;
use crate::support::accounts::{REFRESH, SIGN_IN};
use crate::support::program::{Running, folder, program};
use crate::support::{found, run, until};

/// The output of a command that must succeed.
fn told(folder: &Path, arguments: &[&str], stdin: Option<&str>) -> String {
    let mut command = program(folder);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.unwrap_or_default().as_bytes()).expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The status and body of a server's response to a document.
async fn ask(server: &str, token: Option<&str>, query: &str, variables: Value) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request =
        client.post(format!("{server}/graphql")).json(&json!({"query": query, "variables": variables}));
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let response = request.send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.expect("an answer is JSON"))
}

async fn sign_in(server: &str, email: &str, password: &str) -> Value {
    let (_, mut answer) = ask(server, None, SIGN_IN, json!({"email": email, "password": password})).await;
    answer["data"]["signIn"].take()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn the_first_administrator_is_made_on_the_command_line() {
    let folder = folder();
    let admin = ["account", "create", "--email", "Admin@Example.org", "--role", "ADMIN"];
    let made = told(folder.path(), &admin, None);
    assert!(made.starts_with("account_") && made.contains("Admin@Example.org, ADMIN"), "{made}");
    let password = made.trim().rsplit(' ').next().expect("a password").to_owned();
    let (code, error) = fails(program(folder.path()).args(admin));
    assert_eq!(code, 1);
    assert!(error.contains("already") && error.contains("passerelle account password"), "{error}");

    let editor = [
        "account",
        "create",
        "--email",
        "e@example.org",
        "--role",
        "EDITOR",
        "--region",
        "wallonie",
        "--name",
        "Édith Éditrice",
        "--language",
        "fr",
        "--password-stdin",
    ];
    let made = told(folder.path(), &editor, Some("douze lettres\r\n"));
    assert!(made.contains("EDITOR of wallonie") && !made.contains("douze"), "{made}");
    let list = told(folder.path(), &["account", "list"], None);
    assert_eq!(list.lines().count(), 2);
    assert!(list.contains("\tAdmin@Example.org\tAdmin\tADMIN\n"), "{list}");
    assert!(list.contains("\te@example.org\tÉdith Éditrice\tEDITOR of wallonie\n"), "{list}");
    for (arguments, expected) in [
        (&["--email", "nobody", "--role", "ADMIN"][..], "e-mail address"),
        (&["--email", "a@example.org", "--role", "CHIEF"], "REGION_ADMIN"),
        (&["--email", "a@example.org", "--role", "EDITOR"], "--region"),
        (&["--email", "a@example.org", "--role", "EDITOR", "--region", "nowhere"], "nowhere"),
        (&["--email", "a@example.org", "--role", "ADMIN", "--region", "wallonie"], "whole instance"),
        (&["--email", "a@example.org", "--role", "ADMIN", "--name", " "], "name"),
        (&["--email", "a@example.org", "--role", "ADMIN", "--language", "xx"], "fr, nl, en or de"),
    ] {
        let (code, error) = fails(program(folder.path()).args(["account", "create"]).args(arguments));
        assert_eq!(code, 2, "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    for wrong in ["short", &"a".repeat(1000)] {
        let file = folder.path().join("password");
        std::fs::write(&file, wrong).expect("a file");
        let arguments = ["account", "password", "--email", "e@example.org", "--password-stdin"];
        let (code, error) =
            fails(program(folder.path()).args(arguments).stdin(File::open(&file).expect("a file")));
        assert_eq!(code, 2);
        assert!(error.contains("12 to 256 characters") && !error.contains(wrong), "{error}");
    }

    let more = ["--email", "E@example.org", "--role", "MODERATOR", "--region", "flandre"];
    for (action, expected) in
        [("grant", "EDITOR of wallonie, MODERATOR of flandre\n"), ("withdraw", "EDITOR of wallonie\n")]
    {
        told(folder.path(), &[&["account", action][..], &more[..]].concat(), None);
        let list = told(folder.path(), &["account", "list"], None);
        assert!(list.contains(&format!("\tÉdith Éditrice\t{expected}")), "{list}");
    }
    let (code, error) = fails(program(folder.path()).args([
        "account",
        "grant",
        "--email",
        "x@example.org",
        "--role",
        "ADMIN",
    ]));
    assert_eq!((code, error.contains("account list")), (1, true), "{error}");

    let server = Running::start(program(folder.path()).arg("serve"));
    let address = server.address().to_owned();
    let path = folder.path().to_owned();
    run(async move {
        let session = sign_in(&address, "admin@example.org", &password).await;
        let (_, answer) = ask(
            &address,
            session["accessToken"].as_str(),
            "{ viewer { roles { role region { slug } } } }",
            json!({}),
        )
        .await;
        assert_eq!(answer["data"]["viewer"]["roles"], json!([{"role": "ADMIN", "region": null}]));
        assert!(sign_in(&address, "e@example.org", "douze lettres").await["accessToken"].is_string());

        // A new password ends all sessions.
        let changed = told(&path, &["account", "password", "--email", "ADMIN@example.org"], None);
        let new = changed.trim().rsplit(' ').next().expect("a password");
        let old = sign_in(&address, "admin@example.org", &password).await;
        assert_eq!(old["userErrors"][0]["reason"], "WRONG_CREDENTIALS");
        assert!(sign_in(&address, "admin@example.org", new).await["accessToken"].is_string());
        let (_, refreshed) = ask(&address, None, REFRESH, json!({"token": session["refreshToken"]})).await;
        assert_eq!(refreshed["data"]["refreshSession"]["userErrors"][0]["reason"], "SESSION_ENDED");
        until("the server notices", async || {
            let token = session["accessToken"].as_str();
            ask(&address, token, "{ viewer { authenticated } }", json!({})).await.0 == 401
        })
        .await;
    });
    drop(server);
}

#[test]
fn keys_are_rotated_and_revoked_beside_a_server() {
    let folder = folder();
    told(
        folder.path(),
        &["account", "create", "--email", "a@example.org", "--role", "ADMIN", "--password-stdin"],
        Some("twelve letters"),
    );
    let server = Running::start(program(folder.path()).arg("serve"));
    let permissions = |file: &str| {
        std::fs::metadata(folder.path().join(file)).expect("a file").permissions().mode() & 0o777
    };
    assert_eq!(permissions("data/encryption.key"), 0o600);
    let create = [
        "api-key",
        "create",
        "--name",
        "CRM",
        "--region",
        "wallonie",
        "--role",
        "SYNC_PARTNER",
        "--role",
        "EDITOR",
        "--days",
        "30",
    ];
    let made = told(folder.path(), &create, None);
    let key = made.trim().rsplit(' ').next().expect("a key").to_owned();
    let id = made.split(' ').next().expect("an id").to_owned();
    for (arguments, expected) in [
        (&["--name", "x", "--region", "nowhere", "--role", "EDITOR"][..], "region: There is no region"),
        (&["--name", "x", "--region", "wallonie", "--role", "ADMIN"], "roles: A key does not administer"),
        (
            &["--name", "x", "--region", "wallonie", "--role", "EDITOR", "--days", "99999999999999"],
            "expiresAt:",
        ),
        (&["--name", "", "--region", "wallonie", "--role", "EDITOR"], "name:"),
    ] {
        let (code, error) = fails(program(folder.path()).args(["api-key", "create"]).args(arguments));
        assert_eq!(code, 2, "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let address = server.address().to_owned();
    let path = folder.path().to_owned();
    run(async move {
        let viewer = "{ viewer { authenticated roles { role } } }";
        let (_, answer) = ask(&address, Some(&key), viewer, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["roles"], json!([{"role": "EDITOR"}, {"role": "SYNC_PARTNER"}]));
        let list = ["api-key", "list"];
        let listed = found("the use is noted", async || {
            Some(told(&path, &list, None)).filter(|listed| !listed.contains("never used"))
        })
        .await;
        assert!(
            listed.starts_with(&id) && listed.contains("\tCRM\tEDITOR, SYNC_PARTNER of wallonie\tused 20"),
            "{listed}"
        );
        assert!(!listed.contains(&key));

        let before = sign_in(&address, "a@example.org", "twelve letters").await;
        let rotated = told(&path, &["key", "rotate"], None);
        assert!(rotated.contains("signs from now on"), "{rotated}");
        told(&path, &["api-key", "revoke", &id], None);
        // The server notices both within seconds. Tests with a settable clock check the exact time.
        let published = async || {
            let jwks = reqwest::get(format!("{address}/.well-known/jwks.json")).await.expect("keys");
            let jwks: Value = jwks.json().await.expect("JSON");
            jwks["keys"].as_array().map(Vec::len)
        };
        until("the new key is published", async || published().await == Some(2)).await;
        until("the revoked key opens nothing", async || {
            ask(&address, Some(&key), viewer, json!({})).await.0 == 401
        })
        .await;
        let (_, after) = ask(&address, None, REFRESH, json!({"token": before["refreshToken"]})).await;
        let after = &after["data"]["refreshSession"];
        let header = |token: &Value| text(token).split('.').next().expect("a header").to_owned();
        assert_ne!(header(&before["accessToken"]), header(&after["accessToken"]));
        for token in [&before["accessToken"], &after["accessToken"]] {
            assert_eq!(ask(&address, token.as_str(), viewer, json!({})).await.0, 200);
        }
        assert_eq!(published().await, Some(2), "the new key and the retired one");
    });
    let (code, error) =
        fails(program(folder.path()).args(["api-key", "revoke", "api_key_00000000000000000000000000"]));
    assert_eq!((code, error.contains("no key with this id")), (2, true), "{error}");
    drop(server);
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (key, code, expected) in [(other, 1, "key rotate --replace"), ("abc", 2, "32 bytes in base 64")] {
        let (found, error) = fails(program(folder.path()).arg("serve").env("ENCRYPTION_KEY", key));
        assert_eq!(found, code, "{error}");
        assert!(error.contains(expected) && !error.contains(other), "{error}");
    }
    // An operator who has lost the encryption key replaces the signing keys.
    let mut replace = program(folder.path());
    let replaced = replace.args(["key", "rotate", "--replace"]).env("ENCRYPTION_KEY", other).status();
    assert!(replaced.expect("the program runs").success());
    drop(Running::start(program(folder.path()).arg("serve").env("ENCRYPTION_KEY", other)));
    let (code, _) = fails(program(folder.path()).arg("serve"));
    assert_eq!(code, 1, "the old encryption key fails");
}

#[test]
fn demo_accounts_are_made_once() {
    let folder = folder();
    let server = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert!(server.line.contains("demo-accounts.json"), "{}", server.line);
    let file = folder.path().join("data/demo-accounts.json");
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let written = std::fs::read(&file).expect("a file");
    let accounts: Vec<Value> = serde_json::from_slice(&written).expect("a list");
    assert_eq!(accounts.len(), 21);
    let address = server.address().to_owned();
    run(async move {
        for account in &accounts {
            let session = sign_in(&address, text(&account["email"]), text(&account["password"])).await;
            let viewer = "{ viewer { roles { role region { slug } } } }";
            let (_, answer) = ask(&address, session["accessToken"].as_str(), viewer, json!({})).await;
            let region = account["region"].as_str().map_or(Value::Null, |slug| json!({ "slug": slug }));
            let expected = json!([{"role": account["role"], "region": region}]);
            assert_eq!(answer["data"]["viewer"]["roles"], expected);
        }
    });
    drop(server);
    let again = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert!(again.line.contains("no demo accounts"), "{}", again.line);
    assert_eq!(std::fs::read(&file).expect("a file"), written);
}

/// With logging at its most verbose, no secret is in the log.
#[test]
fn no_secret_is_logged() {
    let folder = folder();
    told(
        folder.path(),
        &["account", "create", "--email", "a@example.org", "--role", "ADMIN", "--password-stdin"],
        Some("a canary among passwords"),
    );
    let made = told(
        folder.path(),
        &["api-key", "create", "--name", "x", "--region", "flandre", "--role", "MEMBER"],
        None,
    );
    let key = made.trim().rsplit(' ').next().expect("a key").to_owned();
    let log = folder.path().join("log");
    let mut command = program(folder.path());
    let encryption_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    command.args(["serve", "--rust-log", "trace"]).env("ENCRYPTION_KEY", encryption_key);
    let mut server = Running::start_logging(&mut command, File::create(&log).expect("a file"));
    let address = server.address().to_owned();
    let secrets = ["a canary among passwords", &key, encryption_key].map(str::to_owned).to_vec();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(secrets));
    let all = std::sync::Arc::clone(&seen);
    run(async move {
        let session = sign_in(&address, "a@example.org", "a canary among passwords").await;
        sign_in(&address, "a@example.org", "a wrong canary").await;
        let (_, refreshed) = ask(&address, None, REFRESH, json!({"token": session["refreshToken"]})).await;
        let refreshed = &refreshed["data"]["refreshSession"];
        ask(&address, Some(&key), "{ viewer { authenticated } }", json!({})).await;
        ask(&address, Some("a-bad-canary"), "{ viewer { authenticated } }", json!({})).await;
        ask(&address, refreshed["accessToken"].as_str(), "{ viewer { authenticated } }", json!({})).await;
        // First the child, then its parent, which was used long before. The session ends, which is logged.
        for token in [&refreshed["refreshToken"], &session["refreshToken"]] {
            ask(&address, None, REFRESH, json!({ "token": token })).await;
        }
        let mut all = all.lock().expect("no panic");
        for pair in [&session, refreshed] {
            all.extend([text(&pair["accessToken"]).to_owned(), text(&pair["refreshToken"]).to_owned()]);
        }
        all.extend(["a wrong canary".to_owned(), "a-bad-canary".to_owned()]);
    });
    assert_eq!(server.terminate(), Some(0));
    let logged = std::fs::read_to_string(&log).expect("a log");
    assert!(logged.contains("a used refresh token came again"), "the log works");
    for secret in seen.lock().expect("no panic").iter() {
        // Not even a part of a secret may be logged.
        let part = &secret[secret.len().saturating_sub(14)..];
        let line = logged.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{secret}");
    }
}
