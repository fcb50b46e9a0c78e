//! `/healthz` and `/readyz`: all callers see the status, administrators the details.

use passerelle::identity::role::Role;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, sign_in};
use crate::support::found;
use crate::support::server::{Setup, TestServer};

async fn told(server: &TestServer, path: &str, token: Option<&str>) -> (u16, Value) {
    let request = server.client.get(server.url(path));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}

on_both_databases! {
    with Setup::default().with_sample().with_search().with_mail();
    async fn details_are_for_administrators(server) {
        server.indexed().await;
        account(&server.app, "admin@example.org", &[(Role::Admin, "")]).await;
        account(&server.app, "region@example.org", &[(Role::RegionAdmin, "wallonie")]).await;
        let admin = sign_in(&server, "admin@example.org").await.access;
        let region = sign_in(&server, "region@example.org").await.access;
        for token in [None, Some(region.as_str())] {
            for path in ["/healthz", "/readyz"] {
                assert_eq!(told(&server, path, token).await, (200, json!({"status": "ok"})), "{path}");
            }
        }
        for path in ["/healthz", "/readyz"] {
            let (status, body) = told(&server, path, Some("nobody")).await;
            assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (401, &json!("UNAUTHENTICATED")));
        }
        let (_, live) = told(&server, "/healthz", Some(&admin)).await;
        assert_eq!((&live["status"], live["version"].is_string(), live["uptimeSeconds"].is_u64()), (&json!("ok"), true, true));
        let (_, ready) = told(&server, "/readyz", Some(&admin)).await;
        let entries = ready["feed"]["entries"].as_i64().unwrap();
        assert!(entries > 100, "{ready}");
        let engine = ready["search"]["engine"].clone();
        assert_eq!(ready, json!({
            "status": "ok", "database": "ok", "migrations": "ok",
            "search": {"engine": engine, "status": "ok", "behindEntries": 0},
            "mail": {"waiting": 0, "oldestSeconds": 0},
            "feed": {"entries": entries, "clients": 0, "behindEntries": 0},
        }));

        // A client that has not followed to the end.
        let page = "{ changes(first: 10) { cursor } }";
        let cursor = crate::support::accounts::data_as(&server, &region, page).await["changes"]["cursor"].clone();
        let next = format!("{{ changes(first: 10, after: {cursor}) {{ cursor }} }}");
        crate::support::accounts::data_as(&server, &region, &next).await;
        let behind = found("somebody follows", async || {
            let (_, mut ready) = told(&server, "/readyz", Some(&admin)).await;
            (ready["feed"]["clients"] == 1).then(|| ready["feed"]["behindEntries"].take())
        }).await;
        assert!(behind.as_i64().unwrap() > 0, "{behind}");

        // The caller is cached, but the state of the database is not.
        server.app.db.close().await;
        let (status, ready) = told(&server, "/readyz", Some(&admin)).await;
        assert_eq!((status, &ready["database"], &ready["migrations"]), (503, &json!("unreachable"), &json!("unknown")));
        assert_eq!(told(&server, "/readyz", None).await, (503, json!({"status": "unavailable"})));
        assert_eq!(told(&server, "/healthz", None).await, (200, json!({"status": "ok"})));
    }
}
