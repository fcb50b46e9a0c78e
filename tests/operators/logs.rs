//! The log: one line for each request and operation, without personal data or contents of requests.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::support::place::Place;
use crate::support::program::Running;
use crate::support::server::Backend;
use crate::support::socket::Socket;
use crate::support::{HOPELESS, run};

/// A marker in requests that must not appear in the log.
const CANARY: &str = "canary";

/// The running program with its JSON log.
struct Logging {
    place: Place,
    server: Running,
    client: reqwest::Client,
}

impl Logging {
    async fn start(backend: Backend, filter: &str) -> Option<Self> {
        let place = Place::new(backend).await?;
        let log = File::create(place.folder.path().join("log")).unwrap();
        let mut command = place.command(&["serve"]);
        command.env("LOG_FORMAT", "json").env("RUST_LOG", filter);
        let server = Running::start_logging(&mut command, log);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Some(Self { place, server, client })
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.server.address())).json(body);
        let accept = if path == "/graphql" { "application/json" } else { "text/event-stream" };
        request.header("accept", accept).send().await.unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.place.folder.path().join("log")).unwrap()
    }

    /// The log lines of requests, once there are at least `count`.
    async fn told(&self, count: usize) -> Vec<Value> {
        let end = Instant::now() + HOPELESS;
        loop {
            let text = self.text();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
            let told: Vec<Value> = lines
                .filter(|line| line["fields"]["message"] == "answered")
                .map(|line| line["fields"].clone())
                .collect();
            if told.len() >= count {
                return told;
            }
            assert!(Instant::now() < end, "{} of {count} lines: {text}", told.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn id_of(response: &Response) -> String {
    response.headers()["x-request-id"].to_str().unwrap().to_owned()
}

async fn requests(backend: Backend) {
    let Some(log) = Logging::start(backend, "info").await else { return };
    let named = json!({"query": "query Regions { regions { slug } }", "operationName": "Regions"});
    let answered = log.post("/graphql", &named).await;
    let refused = log.post("/graphql", &json!({"query": "query Wrong { nothing }"})).await;
    let unread = log.post("/graphql", &json!({"query": "{"})).await;
    let input = json!({"query": "mutation Out { signOut(refreshToken: \"x\") { userErrors { code } } }"});
    let written = log.post("/graphql", &input).await;
    let nowhere = log.client.get(format!("{}/canary", log.server.address())).send().await.unwrap();
    // Probes of load balancers are frequent, so they are logged only at level debug.
    log.client.get(format!("{}/readyz", log.server.address())).send().await.unwrap();
    let events = log.post("/graphql/stream", &json!({"query": "query Stream { regions { slug } }"})).await;
    let streamed = id_of(&events);
    assert!(events.text().await.unwrap().contains("event: complete"));

    let address: SocketAddr = log.server.address().strip_prefix("http://").unwrap().parse().unwrap();
    let mut socket = Socket::begin(address).await;
    socket.ask("1", "query One { regions { slug } }").await;
    socket.subscribe("2", "query Two { nothing }").await;
    socket.heard("error", "2").await;
    socket.subscribe("3", "subscription Three { changes { cursor } }").await;
    drop(socket);

    let told = log.told(10).await;
    assert_eq!(told.len(), 10, "one for each request, and one for the handshake: {told:?}");
    let of = |id: &str| {
        let mut found = told.iter().filter(|line| line["request_id"] == id);
        let (line, more) = (found.next().expect("a line"), found.next());
        assert_eq!(more, None);
        assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
        line.clone()
    };
    let fields = |line: &Value| {
        ["way", "route", "operation", "operation_type", "status", "outcome", "code", "errors"]
            .map(|field| line[field].clone())
    };
    let none = Value::Null;
    let expect = |line: Value, expected: [Value; 8]| assert_eq!(fields(&line), expected, "{line}");
    let http = |operation: Value, of: Value, status: u16, outcome: &str, code: Value, errors: u32| {
        [json!("http"), json!("/graphql"), operation, of, json!(status), json!(outcome), code, json!(errors)]
    };
    let query = || json!("query");
    expect(of(&id_of(&answered)), http(json!("Regions"), query(), 200, "ok", none.clone(), 0));
    let invalid = json!("GRAPHQL_VALIDATION_FAILED");
    expect(of(&id_of(&refused)), http(json!("Wrong"), query(), 200, "refused", invalid.clone(), 1));
    let unparsed = json!("GRAPHQL_PARSE_FAILED");
    expect(of(&id_of(&unread)), http(none.clone(), none.clone(), 200, "refused", unparsed, 1));
    expect(of(&id_of(&written)), http(json!("Out"), json!("mutation"), 200, "ok", none.clone(), 0));
    let mut other = http(none.clone(), none.clone(), 404, "refused", json!("BAD_REQUEST"), 1);
    other[1] = json!("other");
    expect(of(&id_of(&nowhere)), other);
    let mut stream = http(json!("Stream"), query(), 200, "ok", none.clone(), 0);
    stream[1] = json!("/graphql/stream");
    expect(of(&streamed), stream);

    let sockets: Vec<&Value> = told.iter().filter(|line| line["way"] == "socket").collect();
    let named = |name: &str| {
        let line = sockets.iter().find(|line| line["operation"] == name).expect(name);
        assert_eq!(line["request_id"].as_str().unwrap().len(), 32, "{line}");
        (line["operation_type"].clone(), line["outcome"].clone(), line["code"].clone())
    };
    assert_eq!(named("One"), (query(), json!("ok"), none.clone()));
    assert_eq!(named("Two"), (query(), json!("refused"), invalid));
    assert_eq!(named("Three"), (json!("subscription"), json!("ok"), none));
}

#[test]
fn one_line_for_each_request_and_operation_sqlite() {
    run(requests(Backend::Sqlite));
}

#[test]
fn one_line_for_each_request_and_operation_postgres() {
    run(requests(Backend::Postgres));
}

#[test]
fn nothing_of_what_was_asked_is_logged() {
    run(async {
        // All log messages of this program, not only those of the default level.
        let log = Logging::start(Backend::Sqlite, "info,passerelle=trace").await.unwrap();
        let name = format!("N{}{CANARY}", "x".repeat(80));
        let sign_in = "mutation($e: EmailAddress!, $p: String!) { signIn(input: {email: $e, password: $p}) {
            accessToken userErrors { code } } }";
        let bodies = [
            json!({"query": "query($s: String!) { organization(by: {slug: $s}) { name } }", "variables": {"s": CANARY}}),
            json!({"query": format!("{{ organization(by: {{slug: \"{CANARY}\"}}) {{ name }} }}")}),
            json!({"query": format!("query {name} {{ regions {{ slug }} }}"), "operationName": name}),
            json!({"query": "query A { regions { slug } }", "operationName": CANARY}),
            json!({"query": format!("{{ {CANARY} }}")}),
            json!({"query": format!("{{ {CANARY}")}),
            json!({"query": format!("{{ regions {{ {CANARY}: slug }} }}")}),
            json!({"query": "query($s: Int!) { regions { slug } }", "variables": {"s": CANARY}}),
            json!({"query": sign_in, "variables": {"e": format!("{CANARY}@example.org"), "p": CANARY}}),
            json!({"query": format!("{{ search(query: \"{CANARY}\") {{ edges {{ cursor }} }} suggest(query: \"{CANARY}\") {{ __typename }} }}")}),
            json!({"query": format!("{{ node(id: \"{CANARY}\") {{ id }} }}")}),
            json!({"query": format!("mutation {{ requestPasswordReset(email: \"{CANARY}@example.org\") {{ userErrors {{ code }} }} }}")}),
            json!({"query": "{ regions { slug } }", "extensions": {"x": CANARY}, CANARY: 1}),
            json!([CANARY]),
        ];
        for body in &bodies {
            log.post("/graphql", body).await.text().await.unwrap();
            log.post("/graphql/stream", body).await.text().await.unwrap();
        }
        let at = |path: &str| log.client.get(format!("{}{path}", log.server.address()));
        for request in [
            at("/graphql")
                .query(&[("query", "query($s: String!) { organization(by: {slug: $s}) { name } }")])
                .query(&[("variables", format!("{{\"s\":\"{CANARY}\"}}"))]),
            at("/canary/path?canary=canary"),
            at("/graphql?query={regions{slug}}").bearer_auth(CANARY),
            at("/graphql?query={regions{slug}}")
                .header("authorization", format!("Bearer pk_{}", CANARY.repeat(8))),
            at("/readyz").bearer_auth(CANARY),
            at("/metrics").bearer_auth(CANARY),
            at("/sync/snapshot?types=canary"),
            at("/graphql?query={regions{slug}}")
                .header("traceparent", CANARY)
                .header("x-forwarded-for", CANARY)
                .header("user-agent", CANARY)
                .header("accept-language", CANARY)
                .header("x-cost", CANARY),
        ] {
            request.send().await.unwrap().text().await.unwrap();
        }
        let address: SocketAddr = log.server.address().strip_prefix("http://").unwrap().parse().unwrap();
        let mut socket = Socket::begin_with(address, &json!({"name": CANARY})).await;
        for (number, body) in bodies.iter().filter(|body| body.is_object()).enumerate() {
            let id = format!("{CANARY}{number}");
            socket.say(json!({"type": "subscribe", "id": id, "payload": body})).await;
            // Read to the end, as the server may not read a message sent just before the socket closes.
            while socket.hear().await["type"] == "next" {}
        }
        drop(socket);
        let mut refused = Socket::open(address, &[]).await.unwrap();
        refused
            .say(json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {CANARY}")}}))
            .await;
        assert_eq!(refused.code().await, 4403);

        let told = log.told(2 * bodies.len() + 8 + 13 + 2).await;
        let text = log.text();
        let leak = text.lines().find(|line| line.to_lowercase().contains(CANARY));
        assert_eq!(leak, None);
        // A prefix of a long operation name is logged.
        let shortened = format!("N{}", "x".repeat(63));
        assert!(told.iter().any(|line| line["operation"] == shortened), "{text}");
    });
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    run(async {
        let place = Place::new(Backend::Sqlite).await.unwrap();
        let mut command = place.command(&["serve"]);
        // Probes are logged at debug: more lines than a pipe and the program's buffer hold.
        command.env("RUST_LOG", "debug").env("METRICS_FROM", "127.0.0.1");
        let mut server = Running::start_logging(&mut command, Stdio::piped());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let address = server.address().to_owned();
        let lost = async || {
            let response = client.get(format!("{address}/metrics")).send().await.unwrap();
            let text = response.text().await.unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("passerelle_log_lines_lost_total "));
            line.expect(&text).parse::<u32>().unwrap()
        };
        while lost().await == 0 {
            let probes = (0..500).map(|_| client.get(format!("{address}/healthz")).send());
            let all: Vec<_> = stream::iter(probes).buffer_unordered(16).collect().await;
            assert!(all.into_iter().all(|response| response.unwrap().status() == 200));
        }
        let body = json!({"query": "{ organizations(first: 1) { totalCount } }"});
        let response = client.post(format!("{address}/graphql")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(spawn_blocking(move || server.terminate()).await.unwrap(), Some(0));
    });
}
