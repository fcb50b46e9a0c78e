//! Traces: a collector gets the spans of a request, within the trace named in the request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use passerelle::kernel::read::keyed::hex;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::support::place::{Partner, Place};
use crate::support::program::Running;
use crate::support::server::Backend;
use crate::support::{run, until};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const CANARY: &str = "canary";

/// A collector that keeps the received bodies.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    #[expect(clippy::unused_async, reason = "the form of a handler")]
    async fn take(State(all): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        all.0.lock().unwrap().push(body);
        StatusCode::OK
    }

    /// Starts the collector, and returns its URL.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/v1/traces", post(Self::take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// All received spans. Checks the name of the service.
    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for body in self.0.lock().unwrap().iter() {
            for resource in ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans {
                let attributes = resource.resource.unwrap().attributes;
                let name = attributes.iter().find(|of| of.key == "service.name").unwrap();
                let name = name.value.clone().unwrap().value.unwrap();
                assert_eq!(name, AnyValue::StringValue("passerelle".into()));
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        spans
    }
}

/// An attribute as text.
fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()).and_then(|value| value.value) {
        Some(AnyValue::StringValue(text)) => text,
        Some(AnyValue::IntValue(number)) => number.to_string(),
        other => panic!("{key} of {}: {other:?}", span.name),
    }
}

async fn traced(backend: Backend) {
    let Some(place) = Place::new(backend).await else { return };
    let key = place.key(&[]).await;
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let mut command = place.command(&["serve"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let mut server = Running::start(&mut command);
    let address = server.address().to_owned();
    // A first request fills the cache of callers, so that the traced requests send no such statements.
    Partner::new(&address, Some(&key)).data("{ viewer { authenticated } }", json!({})).await;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
    let send = async |query: &str, variables: serde_json::Value| {
        let request = client.post(format!("{address}/graphql")).bearer_auth(&key);
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
        let response = request.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(response.text().await.unwrap().contains("\"data\""));
        id
    };
    let read = "query Find($slug: String!) { organization(by: {slug: $slug}) { name } }";
    let read = send(read, json!({"slug": CANARY})).await;
    let write = "mutation Make($input: OrganizationInput!) { createOrganization(input: $input) { userErrors { code } } }";
    let input = json!({"name": CANARY, "slug": CANARY, "kind": "animation-studio", "region": "wallonie"});
    let write = send(write, json!({"input": input})).await;
    // Spans are exported while the program runs, and the last ones during its stop if there is time.
    until("both requests", async || {
        let roots = collector.spans().into_iter().filter(|span| hex(&span.parent_span_id) == PARENT);
        roots.count() == 2
    })
    .await;
    let code = spawn_blocking(move || server.terminate()).await.unwrap();
    assert_eq!(code, Some(0));

    let all = collector.spans();
    let ours: Vec<&Span> = all.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    for (id, kind, name, sql) in
        [(read, "query", "query Find", "SELECT"), (write, "mutation", "mutation Make", "transaction")]
    {
        let roots: Vec<&&Span> = ours
            .iter()
            .filter(|span| {
                hex(&span.parent_span_id) == PARENT && attribute(span, "passerelle.request_id") == id
            })
            .collect();
        assert_eq!(roots.len(), 1, "{ours:?}");
        let request = roots[0];
        assert_eq!((request.name.as_str(), request.kind), ("POST /graphql", SpanKind::Server as i32));
        assert_eq!(attribute(request, "http.response.status_code"), "200");
        assert_eq!(attribute(request, "http.route"), "/graphql");
        let below = |parent: &Span, name: &str| -> Vec<&Span> {
            let of = ours.iter().filter(|span| span.parent_span_id == parent.span_id && span.name == name);
            of.copied().collect()
        };
        let operations = below(request, name);
        assert_eq!(operations.len(), 1, "{ours:?}");
        assert_eq!(attribute(operations[0], "graphql.operation.type"), kind);
        let statements = below(operations[0], sql);
        assert!(!statements.is_empty(), "{sql} in {ours:?}");
        let system = if backend == Backend::Postgres { "postgresql" } else { "sqlite" };
        assert_eq!(attribute(statements[0], "db.system.name"), system);
    }
    for span in &all {
        assert!(!format!("{span:?}").contains(CANARY), "{span:?}");
        let known =
            span.name.starts_with("POST /") || span.name.contains(' ') || !span.parent_span_id.is_empty();
        assert!(known || span.name == "query", "only requests begin a trace: {span:?}");
    }
}

#[test]
fn a_request_is_traced_sqlite() {
    run(traced(Backend::Sqlite));
}

#[test]
fn a_request_is_traced_postgres() {
    run(traced(Backend::Postgres));
}

#[test]
fn a_collector_that_is_away_holds_nobody_up() {
    run(async {
        let place = Place::new(Backend::Sqlite).await.unwrap();
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut command = place.command(&["serve"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nobody}"));
        let mut server = Running::start(&mut command);
        let partner = Partner::new(server.address(), None);
        for _ in 0..20 {
            partner.data("{ regions { slug } }", json!({})).await;
        }
        let code = spawn_blocking(move || server.terminate()).await.unwrap();
        assert_eq!(code, Some(0));
    });
}

#[test]
fn an_address_that_is_none_is_refused() {
    let folder = crate::support::program::folder();
    let mut command = crate::support::program::program(folder.path());
    command.arg("serve").env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let (code, told) = crate::command::fails(&mut command);
    assert_eq!(code, 2);
    assert!(told.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{told}");
}
