//! The journal: one log line and metrics for each request and each operation of a socket, when it has ended.
//!
//! An [`Entry`] accompanies the request as a task-local, and every layer notes its part in it. It is reported on drop:
//! after the response, after the client has disconnected, or after a panic. A response that streams events keeps the
//! entry until its end. Only fixed fields are reported: ids, operation names and types, codes, numbers. Documents,
//! variables, tokens, addresses and error messages never are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_graphql::ServerError;
use async_graphql::Value;
use async_graphql::parser::types::OperationType;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use tracing::Span;

use super::metrics::RequestMetrics;
use crate::telemetry;
use kernel::error::{Code, REQUEST_ID};

tokio::task_local! {
    static ENTRY: Arc<Entry>;
}

/// The maximum length of a reported operation name in characters. Longer names are cut.
const MAX_NAME: usize = 64;

/// The transport of a request.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// An HTTP request to this route.
    Http(Route),
    /// An operation of a WebSocket.
    Socket,
}

/// The path pattern of a route. Unknown paths are not reported, as clients choose them.
#[derive(Clone, Debug)]
pub(super) struct Route(Option<MatchedPath>);

impl Route {
    /// The route of a request.
    pub(super) fn of(request: &Request) -> Self {
        Self(request.extensions().get().cloned())
    }

    /// The name for log lines and metric labels.
    pub(super) fn name(&self) -> &str {
        self.0.as_ref().map_or("other", MatchedPath::as_str)
    }

    /// Whether it is a monitoring route, which is requested every few seconds.
    fn is_probe(&self) -> bool {
        matches!(self.name(), "/healthz" | "/metrics" | "/readyz")
    }
}

/// The name of an operation type.
pub(super) const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The code of an error, as clients see it.
pub(super) fn code_of(error: &ServerError) -> &str {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code,
        _ => "NONE",
    }
}

/// Whether the code means a fault of the server.
fn is_fault(code: &str) -> bool {
    [Code::InternalServerError, Code::Unavailable, Code::Timeout].iter().any(|ours| ours.as_str() == code)
}

/// The name and type of an operation.
#[derive(Debug)]
struct Operation {
    name: Option<String>,
    kind: OperationType,
}

#[derive(Debug, Default)]
struct Noted {
    operation: Option<Operation>,
    /// The code of the first error.
    code: Option<String>,
    errors: u32,
    failed: bool,
    status: Option<StatusCode>,
    ended: bool,
}

/// The entry of a request, reported on drop.
#[derive(Debug)]
pub(super) struct Entry {
    meters: Arc<RequestMetrics>,
    way: Transport,
    id: String,
    /// The id of its trace, if traces are collected.
    trace: Option<String>,
    begun: Instant,
    noted: Mutex<Noted>,
}

impl Entry {
    /// Begins the entry of a request.
    pub(super) fn new(
        meters: &Arc<RequestMetrics>,
        way: Transport,
        id: &str,
        trace: Option<String>,
    ) -> Arc<Self> {
        meters.running.inc();
        Arc::new(Self {
            meters: Arc::clone(meters),
            way,
            id: id.to_owned(),
            trace,
            begun: Instant::now(),
            noted: Mutex::default(),
        })
    }

    fn note(&self, what: impl FnOnce(&mut Noted)) {
        // Notes are independent of each other, so a poisoned lock is harmless.
        what(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes the status of the response.
    pub(super) fn responded(&self, status: StatusCode) {
        self.note(|noted| noted.status = Some(status));
    }

    /// Notes that the request was completed rather than cancelled.
    pub(super) fn ended(&self) {
        self.note(|noted| noted.ended = true);
    }

    /// Runs a future with this entry as its task-local.
    pub(super) fn scope<F: Future>(self: &Arc<Self>, of: F) -> impl Future<Output = F::Output> + use<F> {
        ENTRY.scope(Arc::clone(self), of)
    }

    /// Runs a closure with this entry as its task-local.
    pub(super) fn within<T>(self: &Arc<Self>, of: impl FnOnce() -> T) -> T {
        ENTRY.sync_scope(Arc::clone(self), of)
    }
}

/// Passes the entry and id of the current request on to a future that runs in another task.
pub(super) fn carry_on<F: Future>(of: F) -> impl Future<Output = F::Output> {
    let entry = ENTRY.try_with(Arc::clone).ok();
    let id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    REQUEST_ID.scope(id, async {
        match entry {
            Some(entry) => entry.scope(of).await,
            None => of.await,
        }
    })
}

/// Notes that the current request was completed rather than cancelled.
pub(super) fn ended() {
    let _ = ENTRY.try_with(|entry| entry.ended());
}

/// Notes the operation of the current request.
pub(super) fn operation(name: Option<&str>, kind: OperationType) {
    let operation = Some(Operation { name: name.map(shortened), kind });
    let _ = ENTRY.try_with(|entry| entry.note(|noted| noted.operation = operation));
}

/// Notes the errors in the response.
pub(super) fn errors(errors: &[ServerError]) {
    if errors.is_empty() {
        return;
    }
    let _ = ENTRY.try_with(|entry| {
        entry.note(|noted| {
            noted.errors = noted.errors.saturating_add(u32::try_from(errors.len()).unwrap_or(u32::MAX));
            noted.code.get_or_insert_with(|| code_of(&errors[0]).to_owned());
            noted.failed |= errors.iter().any(|error| is_fault(code_of(error)));
        });
        for error in errors {
            entry.meters.errors.with_label_values(&[code_of(error)]).inc();
        }
    });
}

/// The operation name, cut to the reported length.
pub(super) fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// The span of an operation.
pub(super) fn span(name: Option<&str>, kind: OperationType) -> Span {
    telemetry::operation(kind_name(kind), name.map(shortened).as_deref())
}

/// Notes the first error of an operation in its span.
pub(super) fn failed(span: &Span, code: &str) {
    telemetry::operation_failed(span, code, is_fault(code));
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.meters.running.dec();
        let noted = std::mem::take(self.noted.get_mut().unwrap_or_else(PoisonError::into_inner));
        let took = self.begun.elapsed();
        let kind = noted.operation.as_ref().map(|operation| operation.kind);
        let name = noted.operation.as_ref().and_then(|operation| operation.name.as_deref());
        // A disconnect is the normal end of a subscription.
        let outcome = match &noted {
            noted if noted.failed => "failed",
            noted if noted.errors > 0 => "refused",
            noted if noted.ended || kind == Some(OperationType::Subscription) => "ok",
            _ => "cancelled",
        };
        if let Some(operation) = &noted.operation {
            self.meters.operation(name, operation.kind, outcome, took);
        }
        let (way, route, is_probe) = match &self.way {
            Transport::Http(route) => {
                if let Some(status) = noted.status {
                    self.meters.response(route.name(), status, took);
                }
                ("http", route.name(), route.is_probe())
            }
            Transport::Socket => ("socket", "/graphql", false),
        };
        let (id, code, trace) = (self.id.as_str(), noted.code.as_deref(), self.trace.as_deref());
        let (status, kind) = (noted.status.map(|status| status.as_u16()), kind.map(kind_name));
        let duration_ms = took.as_secs_f64() * 1000.0;
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    parent: None,
                    request_id = id,
                    trace_id = trace,
                    way,
                    route,
                    operation = name,
                    operation_type = kind,
                    status,
                    outcome,
                    code,
                    errors = noted.errors,
                    duration_ms,
                    "answered"
                )
            };
        }
        if is_probe {
            tell!(debug);
        } else {
            tell!(info);
        }
    }
}
