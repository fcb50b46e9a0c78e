//! Rate limits of the feed for each client.

use passerelle::identity::traffic::Limits;
use serde_json::{Value, json};

use super::clients::key;
use super::some;
use crate::on_both_databases;
use crate::support::accounts::query_as;
use crate::support::records::import;
use crate::support::server::{Setup, TestServer};
use crate::support::socket::Socket;
use crate::support::until;

const PAGE: &str = "{ changes(first: 1) { hasMore } }";
const STREAM: &str = "subscription { changes { recordId } }";

fn few() -> Setup {
    Setup::default().with_limits(Limits {
        feed_requests: 3,
        streams: 1,
        watches: 1,
        snapshots: 1,
        ..Limits::default()
    })
}

/// The milliseconds until a retry, if the request was rate limited.
fn limited(errors: &Value) -> Option<i64> {
    let extensions = &errors[0]["extensions"];
    assert!(errors.is_null() || extensions["code"] == "RATE_LIMITED", "{errors}");
    extensions["retryAfterMs"].as_i64()
}

async fn copy(server: &TestServer, token: Option<&str>) -> reqwest::Response {
    let request = server.client.get(server.url("/sync/snapshot"));
    let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    request.send().await.expect("an answer")
}

on_both_databases! {
    with few();
    async fn pages_in_a_minute_are_counted_by_client(server) {
        import(&server, &some()).await;
        let (_, one) = key(&server, "one", "wallonie").await;
        let (_, other) = key(&server, "other", "wallonie").await;
        for _ in 0..3 {
            assert_eq!(limited(&query_as(&server, &one, PAGE).await["errors"]), None);
        }
        let refused = query_as(&server, &one, PAGE).await;
        assert_eq!(limited(&refused["errors"]), Some(20_000));
        assert_eq!(refused["data"], Value::Null);
        assert_eq!(limited(&query_as(&server, &other, PAGE).await["errors"]), None, "each client has its own limit");
        // Anonymous callers are counted by address. Several fields in one request count separately.
        let several = server.query("{ a: changes { hasMore } b: changes { hasMore } c: changes { hasMore } d: changes { hasMore } }").await;
        assert_eq!(several["errors"].as_array().map(Vec::len), Some(1));
        assert_eq!(limited(&several["errors"]), Some(20_000));
        server.pass(20_000_000);
        assert_eq!(limited(&query_as(&server, &one, PAGE).await["errors"]), None);
        assert_eq!(limited(&query_as(&server, &one, PAGE).await["errors"]), Some(20_000));
    }
}

on_both_databases! {
    with few();
    async fn snapshots_in_an_hour_are_counted_by_client(server) {
        import(&server, &some()).await;
        let (_, token) = key(&server, "one", "wallonie").await;
        for token in [None, Some(token.as_str())] {
            let whole = copy(&server, token).await;
            assert_eq!(whole.status(), 200);
            assert!(whole.text().await.expect("a text").contains("sha256"));
            let refused = copy(&server, token).await;
            assert_eq!(refused.status(), 429);
            assert_eq!(refused.headers()["retry-after"], "3600");
            let body: Value = refused.json().await.expect("JSON");
            assert_eq!(limited(&body["errors"]), Some(3_600_000));
            assert_eq!(body.get("data"), None);
        }
        // A request refused for another reason is not counted.
        let (_, other) = key(&server, "other", "wallonie").await;
        let wrong = server.client.get(server.url("/sync/snapshot?types=NONE")).bearer_auth(&other).send().await;
        assert_eq!(wrong.expect("an answer").status(), 400);
        assert_eq!(copy(&server, Some(&other)).await.status(), 200);
        server.pass(3_600_000_000);
        assert_eq!(copy(&server, None).await.status(), 200);
    }
}

on_both_databases! {
    with few();
    async fn streams_at_once_are_counted_by_client(server) {
        import(&server, &some()).await;
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", STREAM).await;
        socket.heard("next", "1").await;
        let mut other = Socket::begin(server.address).await;
        other.subscribe("2", STREAM).await;
        let refused = other.heard("error", "2").await;
        assert!(limited(&refused).is_some(), "the limit holds across sockets");
        let (_, token) = key(&server, "one", "wallonie").await;
        let mut keyed = Socket::begin_with(server.address, &json!({"authorization": format!("Bearer {token}")})).await;
        keyed.subscribe("3", STREAM).await;
        keyed.heard("next", "3").await;
        // The end of a stream frees its place.
        drop(socket);
        let mut attempts = 0;
        until("the place is free", async || {
            attempts += 1;
            other.subscribe(&format!("a{attempts}"), STREAM).await;
            other.hear().await["type"] == "next"
        }).await;
    }
}

on_both_databases! {
    with few();
    async fn subscriptions_to_records_have_a_limit_of_their_own(server) {
        const WATCH: &str = "subscription { recordChanged(ids: [\"talent_01h455vb4pex5vsknk084sn02q\"]) { recordId } }";
        import(&server, &some()).await;
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", STREAM).await;
        socket.heard("next", "1").await;
        let mut first = Socket::begin(server.address).await;
        let before = server.app.heads.waiting();
        first.subscribe("2", WATCH).await;
        until("it waits", async || server.app.heads.waiting() > before).await;
        let mut other = Socket::begin(server.address).await;
        other.subscribe("3", WATCH).await;
        assert!(limited(&other.heard("error", "3").await).is_some(), "the limit holds across sockets");
        // The end of a subscription frees its place.
        drop(first);
        until("the place is free", async || server.app.heads.waiting() == before).await;
        other.subscribe("4", WATCH).await;
        until("it waits", async || server.app.heads.waiting() > before).await;
    }
}
