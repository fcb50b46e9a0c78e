//! CORS, cross-site requests, and the security headers that protect browsers.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::on_sqlite;
use crate::support::server::{Setup, TestServer};

const OURS: &str = "https://app.example";
const OTHERS: &str = "https://evil.example";

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("a text"))
}

async fn preflight(server: &TestServer, path: &str, origin: &str, method: &str) -> Response {
    let request = server.client.request(Method::OPTIONS, server.url(path)).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    let request = request.header("access-control-request-headers", "authorization,content-type,x-cost");
    request.send().await.expect("the server answers")
}

#[test]
fn pages_of_named_sites_may_read_answers_and_others_may_not() {
    on_sqlite(Setup::default().origin(OURS), |server| async move {
        for path in ["/graphql", "/graphql/stream", "/sync/snapshot", "/schema.graphql"] {
            let response = preflight(&server, path, OURS, "POST").await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(header(&response, "access-control-allow-origin"), OURS);
            assert!(header(&response, "access-control-allow-methods").contains("POST"));
            assert_eq!(
                header(&response, "access-control-allow-headers"),
                "authorization,content-type,x-cost"
            );
            assert_eq!(header(&response, "access-control-allow-credentials"), "", "there are no cookies");
            let response = preflight(&server, path, OTHERS, "POST").await;
            assert_eq!(header(&response, "access-control-allow-origin"), "", "{path}");
        }
        let ask = async |origin: &str| {
            let request = server.client.post(server.url("/graphql")).header("origin", origin);
            request.json(&json!({"query": "{ __typename }"})).send().await.expect("the server answers")
        };
        let response = ask(OURS).await;
        assert_eq!(header(&response, "access-control-allow-origin"), OURS);
        for exposed in ["etag", "ratelimit-remaining", "retry-after", "x-request-id"] {
            assert!(header(&response, "access-control-expose-headers").contains(exposed), "{exposed}");
        }
        assert!(header(&response, "vary").contains("accept"), "{:?}", response.headers());
        let varies: Vec<&str> =
            response.headers().get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
        assert!(varies.join(",").contains("origin"), "caches must keep origins apart: {varies:?}");
        for origin in [OTHERS, "null", "https://app.example.evil.example", "http://app.example"] {
            assert_eq!(header(&ask(origin).await, "access-control-allow-origin"), "", "{origin}");
        }
    });
}

/// Requests that a page of any site can send without a CORS preflight: forms, images, and `fetch` with safelisted
/// headers. None of them may execute anything.
#[test]
fn nothing_that_a_page_may_send_unasked_does_anything() {
    on_sqlite(Setup::default(), |server| async move {
        let mutation = "mutation { requestPasswordReset(email: \"a@b.example\") { userErrors { code } } }";
        let body = json!({ "query": mutation }).to_string();
        for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            for path in ["/graphql", "/graphql/stream"] {
                let request = server.client.post(server.url(path)).header("origin", OTHERS);
                let response = request.header("content-type", media).body(body.clone()).send().await.unwrap();
                assert_eq!(response.status(), 415, "{media} {path}");
            }
        }
        for path in ["/graphql", "/graphql/stream"] {
            let mut url = url::Url::parse(&server.url(path)).unwrap();
            url.query_pairs_mut().append_pair("query", mutation);
            let response = server.client.get(url).header("origin", OTHERS).send().await.unwrap();
            assert_eq!(response.status(), 405, "{path}");
        }
        // A URL alone, as an image or a link sends it.
        let answer = server.get("/graphql?query=%7B__typename%7D").await;
        assert_eq!(header(&answer, "access-control-allow-origin"), "");
    });
}

#[test]
fn every_answer_tells_browsers_to_be_careful() {
    on_sqlite(Setup::default(), |server| async move {
        for path in ["/graphql", "/graphql?query=%7B__typename%7D", "/healthz", "/nothing", "/schema.graphql"]
        {
            let response = server.get(path).await;
            assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
            assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
            assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin", "{path}");
            let policy = header(&response, "content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{path}"
            );
            assert_eq!(header(&response, "strict-transport-security"), "", "HTTP is allowed");
        }
        let page =
            server.client.get(server.url("/graphql")).header("accept", "text/html").send().await.unwrap();
        assert!(header(&page, "content-security-policy").contains("script-src"), "{:?}", page.headers());
    });
    on_sqlite(Setup::default().https_only(), |server| async move {
        assert_eq!(header(&server.get("/healthz").await, "strict-transport-security"), "max-age=31536000");
    });
}

#[test]
fn what_is_switched_off_is_not_there() {
    on_sqlite(Setup::default().without_graphiql().without_introspection(), |server| async move {
        let page =
            server.client.get(server.url("/graphql")).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.status(), 406);
        for path in ["/graphql/graphiql.js", "/schema.graphql"] {
            assert_eq!(server.get(path).await.status(), 404, "{path}");
        }
        let answer: Value = server.query("{ __schema { types { name } } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    });
}
