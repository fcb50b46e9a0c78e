//! Operations over a WebSocket with the protocol `graphql-transport-ws`. Unit tests cover streams that hang, fail or
//! flood.

use std::time::Duration;

use passerelle::identity::role::Role;
use passerelle::server::SocketSettings;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::mutations::number;
use crate::on_both_databases;
use crate::support::accounts::{account, refresh, sign_in, sign_out};
use crate::support::records::{import, organization, talent};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::socket::Socket;
use crate::support::until;

const ANA: &str = "ana@example.org";
const WHO: &str = "{ viewer { authenticated } }";

/// Runs a test on SQLite only, as the protocol does not depend on the database.
fn on_sqlite(setup: Setup, test: impl AsyncFnOnce(&mut TestServer)) {
    crate::support::run(async {
        test(&mut TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there")).await;
    });
}

/// Settings that check the caller of running operations very often.
fn watchful() -> Setup {
    let settings = SocketSettings { check_interval: Duration::from_millis(20), ..SocketSettings::default() };
    Setup::default().socket(settings)
}

async fn opened(server: &TestServer) -> Socket {
    Socket::open(server.address, &[]).await.expect("the server opens the socket")
}

fn code(errors: &Value) -> &str {
    errors[0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[test]
fn invalid_messages_close_with_4400() {
    on_sqlite(Setup::default(), async |server| {
        for wrong in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{ __typename }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":[]}}"#,
            r#"{"type":"complete"}"#,
        ] {
            let mut socket = Socket::begin(server.address).await;
            socket.send(Message::text(wrong)).await;
            let (code, reason) = socket.ending().await;
            assert_eq!((code, reason.is_empty()), (4400, false), "{wrong}");
        }
        let mut socket = Socket::begin(server.address).await;
        socket.send(Message::binary(r#"{"type":"ping"}"#)).await;
        assert_eq!(socket.code().await, 4400);
    });
}

#[test]
fn an_operation_before_the_beginning_closes_with_4401() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = opened(server).await;
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.ending().await, (4401, "Unauthorized".into()));
    });
}

#[test]
fn an_operation_right_behind_the_beginning_is_taken() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = opened(server).await;
        // Pings and completions of unknown ids are allowed before `connection_init`.
        socket.say(json!({"type": "ping"})).await;
        socket.say(json!({"type": "complete", "id": "1"})).await;
        socket.say(json!({"type": "connection_init"})).await;
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.hear().await, json!({"type": "pong"}));
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        assert_eq!(socket.heard("next", "1").await, json!({"data": {"__typename": "Query"}}));
        assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));
    });
}

#[test]
fn what_cannot_be_read_closes_the_socket() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        let long = format!(r#"{{"type":"ping","payload":{{"x":"{}"}}}}"#, "x".repeat(64 * 1024));
        socket.send(Message::text(long)).await;
        assert_eq!(socket.code().await, 1009);
        // Invalid UTF-8.
        let mut socket = Socket::begin(server.address).await;
        let frame = Frame::message(vec![b'"', 0xff, b'"'], OpCode::Data(Data::Text), true);
        socket.send(Message::Frame(frame)).await;
        assert_eq!(socket.code().await, 1002);
        // Other sockets are not affected.
        Socket::begin(server.address).await.ask("1", "{ __typename }").await;
    });
}

#[test]
fn an_error_ends_its_operation_without_another_word() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", "{ nothing }").await;
        let errors = socket.heard("error", "1").await;
        assert_eq!(code(&errors), "GRAPHQL_VALIDATION_FAILED");
        // There is no `complete` after it: the next message is the response to this ping.
        socket.say(json!({"type": "ping", "payload": {"n": 1}})).await;
        assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"n": 1}}));
        // The id can be used again.
        socket.ask("1", "{ __typename }").await;
    });
}

#[test]
fn a_bad_token_closes_with_4403() {
    on_sqlite(Setup::default(), async |server| {
        let own = account_token(server).await;
        for payload in [
            json!({"Authorization": "Bearer x"}),
            json!({"authorization": "Bearer x"}),
            json!({"Authorization": ""}),
            json!({"Authorization": 1}),
            json!({"Authorization": own}),
            json!({"Authorization": "Bearer a\nb"}),
            json!({"Authorization": format!("Bearer {own}"), "authorization": format!("Bearer {own}")}),
        ] {
            let mut socket = opened(server).await;
            socket.say(json!({"type": "connection_init", "payload": payload})).await;
            assert_eq!(socket.ending().await, (4403, "Forbidden".into()), "{payload}");
        }
    });
}

#[test]
fn a_bad_token_in_the_header_is_refused_before_the_socket_opens() {
    on_sqlite(Setup::default(), async |server| {
        for header in ["Bearer x", "Basic YTpi", ""] {
            let opened = Socket::open(server.address, &[("authorization", header)]).await;
            assert_eq!(opened.err(), Some(401), "{header}");
        }
    });
}

#[test]
fn another_subprotocol_closes_with_4406() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::open_with(server.address, &[]).await.unwrap();
        assert_eq!(socket.ending().await, (4406, "Subprotocol not acceptable".into()));
        // The supported subprotocol is chosen from several.
        let both = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
        let mut socket = Socket::open_with(server.address, &both).await.unwrap();
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
    });
}

#[test]
fn who_does_not_begin_closes_with_4408() {
    let settings = SocketSettings { begin_time: Duration::from_millis(20), ..SocketSettings::default() };
    on_sqlite(Setup::default().socket(settings), async |server| {
        let mut socket = opened(server).await;
        assert_eq!(socket.ending().await, (4408, "Connection initialisation timeout".into()));
    });
}

#[test]
fn an_id_in_use_closes_with_4409() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", "subscription { changes { cursor } }").await;
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.ending().await, (4409, "Subscriber for 1 already exists".into()));
    });
}

#[test]
fn beginning_twice_closes_with_4429() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.ending().await, (4429, "Too many initialisation requests".into()));
        // Even if the first is not acknowledged yet.
        let mut socket = opened(server).await;
        socket.say(json!({"type": "connection_init"})).await;
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.code().await, 4429);
    });
}

#[test]
fn a_stop_closes_with_1001() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", "subscription { changes { cursor } }").await;
        let ending = async {
            let (code, reason) = socket.ending().await;
            assert_eq!((code, reason.is_empty()), (1001, false));
            while socket.frame().await.is_some() {}
        };
        tokio::join!(server.stop(), ending);
    });
}

#[test]
fn what_is_no_handshake_is_refused_over_http() {
    on_sqlite(Setup::default(), async |server| {
        for (headers, status) in [
            (&[("upgrade", "websocket")][..], 400),
            (&[("upgrade", "websocket"), ("connection", "upgrade")], 400),
            (&[("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "8")], 400),
        ] {
            let request = server.client.get(server.url("/graphql"));
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{headers:?}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(code(&body["errors"]), "BAD_REQUEST", "{body}");
        }
    });
}

#[test]
fn pages_of_other_sites_open_no_socket() {
    on_sqlite(Setup::default().origin("https://app.example"), async |server| {
        let own = format!("http://{}", server.address);
        for origin in [own.as_str(), "https://app.example"] {
            assert!(Socket::open(server.address, &[("origin", origin)]).await.is_ok(), "{origin}");
        }
        for origin in ["https://evil.example", "http://app.example", "http://127.0.0.1", "null", ""] {
            let opened = Socket::open(server.address, &[("origin", origin)]).await;
            assert_eq!(opened.err(), Some(403), "{origin}");
        }
    });
}

#[test]
fn requests_that_are_wrong_are_errors_with_the_codes_of_http() {
    on_sqlite(Setup::default(), async |server| {
        let mut socket = Socket::begin(server.address).await;
        let deep = format!("{{ {}slug {}}}", "x { ".repeat(20), "} ".repeat(20));
        for (payload, expected) in [
            (json!({"query": "{ regions { slug }"}), "GRAPHQL_PARSE_FAILED"),
            (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
            (json!({"query": deep}), "QUERY_TOO_COMPLEX"),
            (
                json!({"query": "query A { __typename } query B { __typename }"}),
                "OPERATION_RESOLUTION_FAILURE",
            ),
            (json!({"query": "query($id: ID!) { node(id: $id) { id } }"}), "BAD_USER_INPUT"),
            (json!({"query": "subscription { changes(after: \"x\") { cursor } }"}), "CURSOR_INVALID"),
            (json!({"query": "subscription { changes { nothing } }"}), "GRAPHQL_VALIDATION_FAILED"),
        ] {
            socket.say(json!({"type": "subscribe", "id": "1", "payload": payload})).await;
            assert_eq!(code(&socket.heard("error", "1").await), expected, "{payload}");
        }
        assert_eq!(socket.ask("1", "{ __typename }").await, json!({"data": {"__typename": "Query"}}));
        // Over plain HTTP, the error names the transports for subscriptions.
        assert_eq!(server.code("subscription { changes { cursor } }").await, "BAD_REQUEST");
    });
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn queries_are_answered_as_over_http(server) {
        let mut socket = Socket::begin(server.address).await;
        for query in [
            "{ last: organizations(first: 1) { totalCount } ...F sector(slug: \"animation\") { slug } }
               fragment F on Query { statistics { organizationCount } regions { slug } }",
            "{ a: organization(by: {id: \"x\"}) { id } b: __typename }",
            "{ b: __typename a: organizations(first: 101) { totalCount } }",
        ] {
            let over_http = server.post(&json!({ "query": query })).await.text().await.unwrap();
            socket.subscribe("1", query).await;
            // Compare text, as the order of members counts.
            let Some(Message::Text(text)) = socket.frame().await else { panic!("no answer to {query}") };
            assert_eq!(text.as_str(), format!(r#"{{"type":"next","id":"1","payload":{over_http}}}"#));
            socket.heard("complete", "1").await;
        }
        let named = json!({"query": "query A { a: __typename } query B($s: String!) { sector(slug: $s) { slug } }",
            "operationName": "B", "variables": {"s": "animation"}});
        socket.say(json!({"type": "subscribe", "id": "1", "payload": named})).await;
        assert_eq!(socket.heard("next", "1").await, json!({"data": {"sector": {"slug": "animation"}}}));
    }
}

async fn account_token(server: &TestServer) -> String {
    account(&server.app, ANA, &[(Role::Member, "wallonie")]).await;
    sign_in(server, ANA).await.access
}

on_both_databases! {
    async fn a_token_comes_with_the_handshake_or_with_the_beginning(server) {
        let header = format!("Bearer {}", account_token(&server).await);
        let authenticated = |is: bool| json!({"data": {"viewer": {"authenticated": is}}});
        for (payload, is) in [
            (json!({"Authorization": header}), true),
            (json!({"authorization": header, "x": 1}), true),
            (json!({"Authorization": null}), false),
            (json!({}), false),
            (json!(null), false),
        ] {
            let mut socket = Socket::begin_with(server.address, &payload).await;
            assert_eq!(socket.ask("1", WHO).await, authenticated(is), "{payload}");
        }
        let mut socket = Socket::open(server.address, &[("authorization", &header)]).await.unwrap();
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        assert_eq!(socket.ask("1", WHO).await, authenticated(true));
        // Mutations work too, with the rights of the caller.
        let rename = "mutation { createOrganization(input: {name: \"x\", kind: \"animation-studio\", region: \"wallonie\"}) { organization { name } userErrors { code } } }";
        let answer = socket.ask("2", rename).await;
        assert_eq!(answer["data"]["createOrganization"]["userErrors"][0]["code"], "FORBIDDEN", "{answer}");
    }
}

on_both_databases! {
    async fn who_is_shown_an_address_over_a_socket_is_noted(server) {
        let header = format!("Bearer {}", account_token(&server).await);
        let more = json!({"email": "bob@example.org", "fieldVisibility": [{"group": "CONTACT", "visibility": "MEMBERS"}]});
        import(&server, &[talent("wallonie", "bob", more)]).await;
        let mut socket = Socket::begin_with(server.address, &json!({"Authorization": header})).await;
        let answer = socket.ask("1", "{ talents { nodes { email } } }").await;
        assert_eq!(answer, json!({"data": {"talents": {"nodes": [{"email": "bob@example.org"}]}}}));
        until("the read is noted", async || number(&server, "SELECT COUNT(*) FROM contact_read").await == 1).await;
    }
}

on_both_databases! {
    with watchful();
    async fn a_session_that_ends_closes_with_4403(server) {
        account(&server.app, ANA, &[(Role::Member, "wallonie")]).await;
        let tokens = sign_in(&server, ANA).await;
        let payload = json!({"Authorization": format!("Bearer {}", tokens.access)});
        let mut streaming = Socket::begin_with(server.address, &payload).await;
        streaming.subscribe("1", "subscription { changes { cursor } }").await;
        let mut idle = Socket::begin_with(server.address, &payload).await;
        let mut other = Socket::begin(server.address).await;
        other.subscribe("1", "subscription { changes { cursor } }").await;
        sign_out(&server, &tokens.refresh).await;
        assert_eq!(streaming.ending().await, (4403, "Forbidden".into()));
        // A socket without running operations is checked at the next operation.
        idle.subscribe("1", WHO).await;
        assert_eq!(idle.ending().await, (4403, "Forbidden".into()));
        // An anonymous socket continues.
        other.ask("2", WHO).await;
    }
}

#[test]
fn a_token_that_expires_closes_with_4403() {
    on_sqlite(watchful(), async |server| {
        account(&server.app, ANA, &[(Role::Member, "wallonie")]).await;
        let tokens = sign_in(server, ANA).await;
        let payload = json!({"Authorization": format!("Bearer {}", tokens.access)});
        let mut socket = Socket::begin_with(server.address, &payload).await;
        socket.subscribe("1", "subscription { changes { cursor } }").await;
        socket.ask("2", WHO).await;
        server.set_clock("2026-11-22T10:11:00Z");
        assert_eq!(socket.code().await, 4403);
        // A new access token works.
        let tokens = refresh(server, &tokens.refresh).await.expect("the session continues");
        let payload = json!({"Authorization": format!("Bearer {}", tokens.access)});
        Socket::begin_with(server.address, &payload).await.ask("1", WHO).await;
    });
}

on_both_databases! {
    async fn changes_are_followed_from_the_log_into_the_present(server) {
        import(&server, &[organization("wallonie", "a", json!({})), organization("wallonie", "b", json!({}))]).await;
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", "subscription { changes(types: [ORGANIZATION]) { cursor } }").await;
        let mut cursors = Vec::new();
        let cursor = |payload: &Value| payload["data"]["changes"]["cursor"].as_str().expect("a cursor").to_owned();
        for _ in 0..2 {
            cursors.push(cursor(&socket.heard("next", "1").await));
        }
        import(&server, &[organization("wallonie", "c", json!({}))]).await;
        cursors.push(cursor(&socket.heard("next", "1").await));
        // A client that reconnects continues from its cursor.
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", &format!("subscription {{ changes(after: \"{}\", types: [ORGANIZATION]) {{ cursor }} }}", cursors[0])).await;
        for expected in &cursors[1..] {
            let payload = socket.heard("next", "1").await;
            assert_eq!(cursor(&payload).get(..40), expected.get(..40));
        }
        socket.say(json!({"type": "complete", "id": "1"})).await;
        socket.ask("1", "{ __typename }").await;
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn operations_stand_side_by_side(server) {
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("stream", "subscription { changes { cursor } }").await;
        let mut answered = 0;
        for number in 0..20 {
            socket.subscribe(&number.to_string(), "{ organizations(first: 3) { totalCount nodes { name } } }").await;
        }
        while answered < 20 {
            let message = socket.hear().await;
            assert!(message["type"] == "next" || message["type"] == "complete", "{message}");
            answered += u32::from(message["type"] == "complete");
        }
    }
}
