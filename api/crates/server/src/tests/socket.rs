use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::Socket;
use super::{Small, SocketSettings, patient};

const SOON: Duration = Duration::from_millis(50);

/// The code of the first of these errors.
fn code(errors: &Value) -> &str {
    errors[0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_stream_is_followed_to_its_end() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { count(to: 3) { number } }").await;
    for number in 1..=3 {
        assert_eq!(socket.heard("next", "a").await, json!({"data": {"count": {"number": number}}}));
    }
    assert_eq!(socket.hear().await, json!({"type": "complete", "id": "a"}));
    // The id is free again.
    socket.subscribe("a", "subscription { count(to: 0) { number } }").await;
    socket.heard("complete", "a").await;
}

#[tokio::test]
async fn an_answer_that_fails_below_its_root_spoils_itself_alone() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { count(to: 2) { even } }").await;
    let first = socket.heard("next", "a").await;
    assert_eq!((&first["data"], &first["errors"][0]["path"]), (&Value::Null, &json!(["count", "even"])));
    assert_eq!(socket.heard("next", "a").await, json!({"data": {"count": {"even": 2}}}));
    socket.heard("complete", "a").await;
}

#[tokio::test]
async fn an_operation_that_fails_ends_itself_and_not_the_socket() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("lives", "subscription { lives }").await;
    socket.heard("next", "lives").await;
    for (query, expected) in [
        ("subscription { refuses }", "BAD_USER_INPUT"),
        ("subscription { panics }", "INTERNAL_SERVER_ERROR"),
        ("{ panics }", "INTERNAL_SERVER_ERROR"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count(to: \"x\") { number } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { count(to: 1) { number } lives }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ...F lives } fragment F on Subscription { a: lives }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($x: Int!) { hello @include(if: $x) }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($x: Boolean!) { hello @include(if: $x) }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("a", query).await;
        let errors = socket.heard("error", "a").await;
        assert_eq!(code(&errors), expected, "{query}: {errors}");
    }
    // A field that is selected several times, also through fragments, counts as one.
    for (id, query) in [
        ("b", "subscription { lives lives }"),
        ("c", "subscription { ... { lives } }"),
        ("d", "subscription { ...F ...F } fragment F on Subscription { lives }"),
    ] {
        socket.subscribe(id, query).await;
        assert_eq!(socket.heard("next", id).await, json!({"data": {"lives": 0}}), "{query}");
        socket.say(json!({"type": "complete", "id": id})).await;
    }
    server.wait_for(1).await;
    // A later error also ends it, and nothing follows.
    socket.subscribe("a", "subscription { breaks }").await;
    assert_eq!(socket.heard("next", "a").await, json!({"data": {"breaks": 1}}));
    assert_eq!(code(&socket.heard("error", "a").await), "BAD_USER_INPUT");
    // An executed query has a response even if a field fails.
    let answer = socket.ask("a", "{ fails hello }").await;
    assert_eq!(answer["data"], json!({"fails": null, "hello": "world"}));
    assert_eq!(code(&answer["errors"]), "BAD_USER_INPUT");
    assert_eq!(server.told.alive.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn dropping_the_socket_drops_all_its_streams() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, "subscription { hangs }").await;
    }
    socket.subscribe("d", "{ waits }").await;
    server.wait_for(4).await;
    drop(socket);
    server.wait_for(0).await;
}

#[tokio::test]
async fn closing_the_socket_drops_all_its_streams_and_is_answered() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { hangs }").await;
    server.wait_for(1).await;
    socket.send(Message::Close(None)).await;
    assert!(matches!(socket.frame().await, Some(Message::Close(_))));
    server.wait_for(0).await;
}

#[tokio::test]
async fn completing_drops_one_stream_and_frees_its_name() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { hangs }").await;
    socket.subscribe("b", "subscription { hangs }").await;
    server.wait_for(2).await;
    socket.say(json!({"type": "complete", "id": "a"})).await;
    server.wait_for(1).await;
    // Completing an unknown or ended operation has no effect.
    socket.say(json!({"type": "complete", "id": "a"})).await;
    socket.say(json!({"type": "complete", "id": "never"})).await;
    assert_eq!(socket.ask("a", "{ hello }").await, json!({"data": {"hello": "world"}}));
    // A query that is completed before it is answered is not answered.
    socket.subscribe("c", "{ waits }").await;
    server.wait_for(2).await;
    socket.say(json!({"type": "complete", "id": "c"})).await;
    server.wait_for(1).await;
    assert_eq!(socket.ask("c", "{ hello }").await, json!({"data": {"hello": "world"}}));
}

#[tokio::test]
async fn operations_are_answered_side_by_side() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("slow", "{ waits }").await;
    server.wait_for(1).await;
    socket.ask("fast", "{ hello }").await;
    server.told.go.notify_one();
    assert_eq!(socket.heard("next", "slow").await, json!({"data": {"waits": 1}}));
    socket.heard("complete", "slow").await;
}

#[tokio::test]
async fn a_socket_has_so_many_operations_at_once() {
    let server = Small::start(SocketSettings { max_operations: 2, ..patient() }).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { hangs }").await;
    socket.subscribe("b", "subscription { hangs }").await;
    socket.subscribe("c", "{ hello }").await;
    assert_eq!(code(&socket.heard("error", "c").await), "BAD_REQUEST");
    socket.say(json!({"type": "complete", "id": "a"})).await;
    socket.ask("c", "{ hello }").await;
}

#[tokio::test]
async fn messages_have_a_length_at_most() {
    let server = Small::start(patient()).await;
    let mut socket = Socket::begin(server.address).await;
    let text = |length: usize| {
        let message =
            json!({"type": "subscribe", "id": "a", "payload": {"query": "{ hello }", "x": ""}}).to_string();
        let padding = "x".repeat(length - message.len());
        message.replace("\"x\":\"\"", &format!("\"x\":\"{padding}\""))
    };
    socket.send(Message::text(text(64 * 1024))).await;
    socket.heard("next", "a").await;
    socket.heard("complete", "a").await;
    socket.send(Message::text(text(64 * 1024 + 1))).await;
    assert_eq!(socket.code().await, 1009);
}

#[tokio::test]
async fn who_does_not_begin_in_time_is_closed_with_4408() {
    let server = Small::start(SocketSettings { begin_time: SOON, ..patient() }).await;
    let mut socket = Socket::open(server.address, &[]).await.unwrap();
    assert_eq!(socket.ending().await, (4408, "Connection initialisation timeout".into()));
    // After `connection_init` there is no time-out.
    let mut socket = Socket::begin(server.address).await;
    tokio::time::sleep(2 * SOON).await;
    socket.ask("a", "{ hello }").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_with_4413() {
    let server = Small::start(SocketSettings { drain_time: 4 * SOON, ..patient() }).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { floods }").await;
    socket.subscribe("b", "subscription { hangs }").await;
    while server.told.polled.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Its streams are dropped, and it reads the reason as soon as it reads again.
    server.wait_for(0).await;
    let polled = server.told.polled.load(Ordering::SeqCst);
    let mut read = 0;
    let code = loop {
        match socket.frame().await {
            Some(Message::Close(Some(frame))) => break u16::from(frame.code),
            Some(Message::Text(_)) => read += 1,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4413);
    // No item was polled before the previous one had been sent.
    assert_eq!(polled, read);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed_with_4413() {
    let settings = SocketSettings { ping_interval: SOON, drain_time: 2 * SOON, ..patient() };
    let server = Small::start(settings).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("a", "subscription { hangs }").await;
    server.wait_for(1).await;
    // The client reads nothing, so it answers no ping.
    server.wait_for(0).await;
    assert_eq!(socket.code().await, 4413);
}

#[tokio::test]
async fn both_sides_ping() {
    let server = Small::start(SocketSettings { ping_interval: SOON, ..patient() }).await;
    let mut socket = Socket::open(server.address, &[]).await.unwrap();
    // Pings are also sent before `connection_init`.
    let (mut messages, mut frames) = (0, 0);
    while messages < 2 || frames < 2 {
        match socket.frame().await.unwrap() {
            Message::Text(text) => {
                assert_eq!(text.as_str(), r#"{"type":"ping"}"#);
                messages += 1;
                socket.say(json!({"type": "pong"})).await;
            }
            Message::Ping(_) => frames += 1,
            other => panic!("{other}"),
        }
    }
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong"}));
    socket.say(json!({"type": "ping", "payload": {"b": 1, "a": [null]}})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"b": 1, "a": [null]}}));
    socket.send(Message::Ping("x".into())).await;
    loop {
        if let Message::Pong(payload) = socket.frame().await.unwrap() {
            assert_eq!(payload, "x");
            break;
        }
    }
}

#[tokio::test]
async fn a_stop_closes_with_1001_after_queries_were_answered() {
    let mut server = Small::start(patient()).await;
    let mut idle = Socket::open(server.address, &[]).await.unwrap();
    let mut busy = Socket::begin(server.address).await;
    busy.subscribe("stream", "subscription { hangs }").await;
    busy.subscribe("query", "{ waits }").await;
    server.wait_for(2).await;
    server.stop.cancel();
    assert_eq!(idle.code().await, 1001);
    server.wait_for(1).await;
    server.told.go.notify_one();
    assert_eq!(busy.heard("next", "query").await, json!({"data": {"waits": 1}}));
    busy.heard("complete", "query").await;
    let (code, reason) = busy.ending().await;
    assert_eq!((code, reason.is_empty()), (1001, false));
    // The client has sent its close frame, so the server need not wait.
    while busy.frame().await.is_some() {}
    while idle.frame().await.is_some() {}
    (&mut server.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let settings = SocketSettings { finish_time: SOON, close_time: SOON, ..patient() };
    let mut server = Small::start(settings).await;
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("query", "{ waits }").await;
    server.wait_for(1).await;
    server.stop.cancel();
    // The client does not even read the close frame.
    server.wait_for(0).await;
    (&mut server.serving).await.unwrap().unwrap();
    assert_eq!(socket.code().await, 1001);
}
