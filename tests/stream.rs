//! Operations over server-sent events. Unit tests cover streams that hang, fail or flood.

use std::time::Duration;

use passerelle::identity::role::Role;
use passerelle::server::SocketSettings;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, sign_in, sign_out};
use crate::support::records::{import, organization};
use crate::support::server::{Backend, Setup, TestServer};

const CHANGES: &str = "subscription { changes(types: [ORGANIZATION]) { cursor } }";

/// Runs a test on SQLite only, as the transport does not depend on the database.
fn on_sqlite(setup: Setup, test: impl AsyncFnOnce(&mut TestServer)) {
    crate::support::run(async {
        test(&mut TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there")).await;
    });
}

fn post(server: &TestServer, query: &str) -> RequestBuilder {
    let request = server.client.post(server.url("/graphql/stream")).json(&json!({ "query": query }));
    request.header("accept", "text/event-stream")
}

fn get(server: &TestServer, query: &str) -> RequestBuilder {
    let mut url = url::Url::parse(&server.url("/graphql/stream")).unwrap();
    url.query_pairs_mut().append_pair("query", query);
    server.client.get(url).header("accept", "text/event-stream")
}

/// A reader of events that skips comments.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Self { response, text: String::new() }
    }

    /// The next event: id, name and data. `None` at the end of the response.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = block.lines();
                    lines.find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
                };
                if let Some(name) = field("event") {
                    let data = serde_json::from_str(&field("data").expect("data")).unwrap_or_default();
                    return Some((field("id").unwrap_or_default(), name, data));
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).expect("a text"));
        }
    }
}

#[test]
fn queries_and_what_is_wrong_with_them_are_events() {
    on_sqlite(Setup::default(), async |server| {
        for request in [post(server, "{ __typename }"), get(server, "{ __typename }")] {
            let mut events = Events::of(request).await;
            let (_, name, data) = events.next().await.unwrap();
            assert_eq!((name.as_str(), data), ("next", json!({"data": {"__typename": "Query"}})));
            assert_eq!(events.next().await.unwrap().1, "complete");
            assert_eq!(events.next().await, None);
        }
        for request in [post(server, "{ nothing }"), get(server, "{ nothing }")] {
            let mut events = Events::of(request).await;
            let (_, name, data) = events.next().await.unwrap();
            assert_eq!(
                (name.as_str(), &data["errors"][0]["extensions"]["code"]),
                ("next", &json!("GRAPHQL_VALIDATION_FAILED"))
            );
            assert_eq!(events.next().await.unwrap().1, "complete");
        }
    });
}

#[test]
fn what_is_no_request_is_refused_over_http() {
    on_sqlite(Setup::default(), async |server| {
        let request = |method: Method, accept: &str, body: &'static str| {
            let request = server.client.request(method, server.url("/graphql/stream"));
            request.header("accept", accept).header("content-type", "application/json").body(body)
        };
        let right = r#"{"query":"{ __typename }"}"#;
        for (request, status) in [
            (request(Method::POST, "application/json", right), 406),
            (request(Method::POST, "text/event-stream;q=0", right), 406),
            (request(Method::POST, "text/event-stream", "{"), 400),
            (request(Method::POST, "text/event-stream", "{}"), 422),
            (request(Method::PUT, "text/event-stream", right), 405),
            (request(Method::DELETE, "text/event-stream", right), 405),
            (request(Method::HEAD, "text/event-stream", ""), 405),
            (get(server, "mutation { signOut(refreshToken: \"x\") { userErrors { code } } }"), 405),
            (post(server, "{ __typename }").header("authorization", "Bearer x"), 401),
            (server.client.post(server.url("/graphql/stream")).header("accept", "*/*").body(right), 415),
            (request(Method::POST, "*/*", right), 200),
        ] {
            let shown = format!("{request:?}");
            assert_eq!(request.send().await.unwrap().status(), status, "{shown}");
        }
    });
}

on_both_databases! {
    async fn changes_go_on_after_the_last_event(server) {
        import(&server, &[organization("wallonie", "a", json!({})), organization("wallonie", "b", json!({}))]).await;
        let mut events = Events::of(post(&server, CHANGES)).await;
        let (first, name, data) = events.next().await.unwrap();
        assert_eq!((name.as_str(), &data["data"]["changes"]["cursor"]), ("next", &json!(first)));
        let (second, ..) = events.next().await.unwrap();
        drop(events);
        import(&server, &[organization("wallonie", "c", json!({}))]).await;
        // With both methods, as `EventSource` of browsers only uses GET.
        for request in [post(&server, CHANGES), get(&server, CHANGES)] {
            let mut events = Events::of(request.header("last-event-id", &second)).await;
            let (third, _, data) = events.next().await.unwrap();
            assert_ne!(third, second);
            assert_eq!(data["data"]["changes"]["cursor"], json!(third));
            import(&server, &[organization("wallonie", &format!("d{}", third.len()), json!({"name": third}))]).await;
            events.next().await.unwrap();
        }
        let mut events = Events::of(post(&server, CHANGES).header("last-event-id", "x")).await;
        let (_, _, data) = events.next().await.unwrap();
        assert_eq!(data["errors"][0]["extensions"]["code"], "CURSOR_INVALID", "{data}");
        assert_eq!(events.next().await.unwrap().1, "complete");
    }
}

#[test]
fn a_session_that_ends_is_told_and_ends_the_stream() {
    let settings = SocketSettings { check_interval: Duration::from_millis(20), ..SocketSettings::default() };
    on_sqlite(Setup::default().socket(settings), async |server| {
        account(&server.app, "ana@example.org", &[(Role::Member, "wallonie")]).await;
        let tokens = sign_in(server, "ana@example.org").await;
        let mut events = Events::of(post(server, CHANGES).bearer_auth(&tokens.access)).await;
        sign_out(server, &tokens.refresh).await;
        let (_, _, data) = events.next().await.unwrap();
        assert_eq!(data["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(events.next().await.unwrap().1, "complete");
        assert_eq!(events.next().await, None);
    });
}
