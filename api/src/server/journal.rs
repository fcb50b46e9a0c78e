//! What is told of each request and each operation, when it has ended: one line of the log, and counts.
//!
//! An [`Entry`] goes with the request as a task-local, and whoever learns something notes it there. It is told when
//! nobody holds it any more, however that came about: answered, given up by its client, or panicked. A response that
//! goes on, as a stream of events does, keeps it for so long. What is told is of a fixed form: an id, the name of
//! an operation, its type, codes, numbers. Never documents, variables, tokens, addresses, or messages of errors.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_graphql::ServerError;
use async_graphql::Value;
use async_graphql::parser::types::OperationType;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use tracing::Span;

use super::metrics::Meters;
use crate::record::error::{Code, REQUEST_ID};
use crate::telemetry;

tokio::task_local! {
    static ENTRY: Arc<Entry>;
}

/// Characters of an operation's name that are told; what comes after them is not.
const MAX_NAME: usize = 64;

/// How a request came.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// As a request of HTTP to this route.
    Http(Route),
    /// As an operation of a socket.
    Socket,
}

/// An address of ours as the router has it, so that what clients make up is told nowhere.
#[derive(Clone, Debug)]
pub(super) struct Route(Option<MatchedPath>);

impl Route {
    /// Where a request goes.
    pub(super) fn of(request: &Request) -> Self {
        Self(request.extensions().get().cloned())
    }

    /// For people, and as a label.
    pub(super) fn name(&self) -> &str {
        self.0.as_ref().map_or("other", MatchedPath::as_str)
    }

    /// Whether it looks after the server, and is asked for every few seconds.
    fn is_probe(&self) -> bool {
        matches!(self.name(), "/healthz" | "/metrics" | "/readyz")
    }
}

/// The name of a type of operation.
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

/// Whether the fault is ours.
fn is_fault(code: &str) -> bool {
    [Code::InternalServerError, Code::Unavailable, Code::Timeout].iter().any(|ours| ours.as_str() == code)
}

/// An operation, as far as it is known.
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

/// What is noted of a request, until it is told.
#[derive(Debug)]
pub(super) struct Entry {
    meters: Arc<Meters>,
    way: Way,
    id: String,
    /// The trace that it is part of, where there is a collector.
    trace: Option<String>,
    begun: Instant,
    noted: Mutex<Noted>,
}

impl Entry {
    /// Begins to note what becomes of a request.
    pub(super) fn new(meters: &Arc<Meters>, way: Way, id: &str, trace: Option<String>) -> Arc<Self> {
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
        // Each note stands for itself, so a panic elsewhere leaves nothing half-done.
        what(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Its response has begun, with this status.
    pub(super) fn responded(&self, status: StatusCode) {
        self.note(|noted| noted.status = Some(status));
    }

    /// It came to its end, rather than being given up.
    pub(super) fn ended(&self) {
        self.note(|noted| noted.ended = true);
    }

    /// Runs what belongs to this request.
    pub(super) fn scope<F: Future>(self: &Arc<Self>, of: F) -> impl Future<Output = F::Output> + use<F> {
        ENTRY.scope(Arc::clone(self), of)
    }

    /// The same for what does not wait.
    pub(super) fn within<T>(self: &Arc<Self>, of: impl FnOnce() -> T) -> T {
        ENTRY.sync_scope(Arc::clone(self), of)
    }
}

/// Runs what belongs to the request that is being answered and goes on in a task of its own.
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

/// Notes that what is being answered came to its end, rather than being given up.
pub(super) fn ended() {
    let _ = ENTRY.try_with(|entry| entry.ended());
}

/// Notes which operation is asked for: its name in the document, as far as it is told.
pub(super) fn operation(name: Option<&str>, kind: OperationType) {
    let operation = Some(Operation { name: name.map(shortened), kind });
    let _ = ENTRY.try_with(|entry| entry.note(|noted| noted.operation = operation));
}

/// Notes the errors that the client is told of.
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

/// As much of the name of an operation as is told.
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
        // Who follows something goes away when it has had enough.
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
            Way::Http(route) => {
                if let Some(status) = noted.status {
                    self.meters.response(route.name(), status, took);
                }
                ("http", route.name(), route.is_probe())
            }
            Way::Socket => ("socket", "/graphql", false),
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
