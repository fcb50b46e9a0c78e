//! Rate limits of clients.

use passerelle::identity::traffic::Limits;
use reqwest::Response;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, query_as, respond, sign_in};
use crate::support::server::{Setup, TestServer};
use crate::support::socket::Socket;

/// A query of four points: three organizations, and the connection.
const THREE: &str = "{ organizations(first: 3) { nodes { name } } }";

fn few() -> Limits {
    Limits { points: 60, anonymous_points: 12, searches: 3, exports: 2, ..Limits::default() }
}

/// The limit, the points left, and the seconds until the limit is restored.
fn rates(response: &Response) -> [i64; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| {
        let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name}"));
        value.to_str().unwrap().parse().unwrap()
    })
}

async fn ask(server: &TestServer, query: &str) -> Response {
    server.post(&json!({ "query": query })).await
}

/// The status, the milliseconds until a retry, and the seconds of `Retry-After`.
async fn refused(response: Response) -> (u16, i64, i64) {
    let seconds = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{answer}");
    assert_eq!(answer.get("data"), None, "{answer}");
    (status, answer["errors"][0]["extensions"]["retryAfterMs"].as_i64().unwrap(), seconds)
}

on_both_databases! {
    with Setup::default().with_sample().with_limits(few());
    async fn who_has_no_points_left_waits(server) {
        let response = ask(&server, THREE).await;
        assert_eq!((response.status().as_u16(), rates(&response)), (200, [12, 8, 20]));
        // Trivial and invalid documents cost a point.
        assert_eq!(rates(&ask(&server, "{ __typename }").await), [12, 7, 25]);
        assert_eq!(rates(&ask(&server, "{ nothing").await), [12, 6, 30]);
        assert_eq!(rates(&ask(&server, THREE).await), [12, 2, 50]);
        let before = server.statements();
        let response = ask(&server, THREE).await;
        assert_eq!(rates(&response), [12, 1, 55], "reading costs a point");
        assert_eq!(refused(response).await, (429, 15_000, 15));
        assert_eq!(server.statements(), before, "nothing was executed");
        server.pass(15_000_000);
        assert_eq!(ask(&server, THREE).await.status(), 200, "a retry after the wait succeeds");
        // Without points, the body is not even parsed.
        assert_eq!(refused(ask(&server, "{ nothing").await).await, (429, 5000, 5));
        let broken = server.client.post(server.url("/graphql")).header("content-type", "application/json");
        assert_eq!(refused(broken.body("{").send().await.unwrap()).await, (429, 5000, 5));
        // Legacy clients treat any status but 200 as a transport error, which fits here.
        let request = server.client.post(server.url("/graphql")).json(&json!({ "query": THREE }));
        assert_eq!(refused(request.send().await.unwrap()).await.0, 429);
        server.pass(3_600_000_000);
        let broken = server.client.post(server.url("/graphql")).header("content-type", "application/json");
        let broken = broken.body("{").send().await.unwrap();
        assert_eq!((broken.status().as_u16(), rates(&broken)), (400, [12, 11, 5]), "reading costs a point");
        server.pass(5_000_000);
        assert_eq!(rates(&ask(&server, "{ __typename }").await), [12, 11, 5]);
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_limits(few());
    async fn each_caller_has_their_own_points(server) {
        for email in ["one@example.org", "other@example.org"] {
            account(&server.app, email, &[]).await;
        }
        // Signing in uses all points of the address: an operation that costs more than the limit costs the limit.
        let one = sign_in(&server, "one@example.org").await.access;
        server.pass(60_000_000);
        let other = sign_in(&server, "other@example.org").await.access;
        assert_eq!(rates(&ask(&server, "{ __typename }").await), [12, 0, 60]);
        let left = async |token: &str| rates(&respond(&server, &format!("Bearer {token}"), THREE).await);
        assert_eq!(left(&one).await, [60, 56, 4]);
        assert_eq!(left(&one).await, [60, 52, 8]);
        assert_eq!(left(&other).await, [60, 56, 4]);
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_search().with_limits(Limits { anonymous_points: 10_000, ..few() });
    async fn searches_and_exports_have_their_own_limit(server) {
        server.indexed().await;
        let code = async |query: &str| server.code(query).await;
        assert_eq!(code("{ suggest(prefix: \"pic\") { text } }").await, "");
        assert_eq!(code("{ search(query: \"pictanovo\") { estimatedTotalCount } }").await, "");
        let two = "{ matchOrganizations(queries: [{name: \"Pictanovo\"}, {name: \"Wallimage\"}]) { candidates { score } } }";
        assert_eq!(code(two).await, "RATE_LIMITED", "each name counts as a search");
        assert_eq!(code("{ suggest(prefix: \"pic\") { text } }").await, "");
        let answer = server.query("{ suggest(prefix: \"pic\") { text } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["retryAfterMs"], 20_000, "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["suggest"]), "{answer}");
        assert_eq!(code("{ organizations(first: 1) { totalCount } }").await, "", "other fields are not limited");
        server.pass(20_000_000);
        assert_eq!(code("{ suggest(prefix: \"pic\") { text } }").await, "");

        account(&server.app, "me@example.org", &[]).await;
        let me = sign_in(&server, "me@example.org").await.access;
        for expected in [Value::Null, Value::Null, json!("RATE_LIMITED")] {
            // Two exports of a hundred points each exceed the limit of sixty, so the clock advances in between.
            server.pass(60_000_000);
            let answer = query_as(&server, &me, "{ myDataExport { generatedAt } }").await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], expected, "{answer}");
        }
    }
}

on_both_databases! {
    with Setup::default().with_sample().with_limits(few());
    async fn sockets_and_streams_are_counted_alike(server) {
        let mut socket = Socket::begin(server.address).await;
        socket.say(json!({"type": "subscribe", "id": "1", "payload": {"query": THREE}})).await;
        assert_eq!(socket.hear().await["type"], "next");
        assert_eq!(socket.hear().await["type"], "complete");
        for n in 0..4 {
            let payload = json!({"query": "{ organizations(first: 2) { nodes { name } } }"});
            socket.say(json!({"type": "subscribe", "id": "2", "payload": payload})).await;
            let answer = socket.hear().await;
            if n < 2 {
                assert_eq!(answer["type"], "next", "{answer}");
                assert_eq!(socket.hear().await["type"], "complete");
            } else {
                assert_eq!(answer["type"], "error", "{answer}");
                assert_eq!(answer["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{answer}");
                assert!(answer["payload"][0]["extensions"]["retryAfterMs"].is_i64(), "{answer}");
            }
        }
        let url = server.url("/graphql/stream?query=%7Borganizations(first:3)%7Bnodes%7Bname%7D%7D%7D");
        let response = server.client.get(url).send().await.unwrap();
        assert_eq!(rates(&response)[0], 12);
        assert_eq!(refused(response).await.0, 429);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn nothing_is_said_where_nothing_is_counted(server) {
        let response = ask(&server, THREE).await;
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("ratelimit")));
    }
}
