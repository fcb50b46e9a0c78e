//! `/metrics`: the metrics in the text format of Prometheus.
//!
//! Metrics reveal how the API is used and how large its tables are. So they are only for clients in the networks of
//! `METRICS_FROM` and for administrators of the instance. Everybody else gets 404.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use prometheus::core::Collector;
use prometheus::{
    HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder,
};

use super::health::{self, Asker};
use super::journal::kind_name;
use super::refusal::Refusal;
use super::request::Media;
use super::{Shared, address, nothing_here};
use crate::app::App;
use crate::telemetry;
use kernel::meter::{SECONDS, counter, counters, gauge, gauges, histograms};

/// The maximum number of operation names used as labels beside those of trusted documents. The others share one label.
const MAX_NAMES: usize = 100;

/// The metrics of requests, and the registry of all metrics.
#[derive(Debug)]
pub(super) struct RequestMetrics {
    registry: Registry,
    names: Mutex<Names>,
    operations: IntCounterVec,
    operation_seconds: HistogramVec,
    responses: IntCounterVec,
    response_seconds: HistogramVec,
    /// Errors in responses.
    pub errors: IntCounterVec,
    /// Requests and operations in progress.
    pub running: IntGauge,
    /// Open WebSockets.
    pub sockets: IntGauge,
    /// Open streams of server-sent events.
    pub streams: IntGauge,
}

/// The operation names used as labels.
#[derive(Debug, Default)]
struct Names {
    trusted: HashSet<String>,
    seen: HashSet<String>,
}

impl RequestMetrics {
    /// Registers all metrics of the program.
    #[expect(
        clippy::expect_used,
        reason = "each name is there once; every test that starts a server runs this"
    )]
    pub(super) fn new(app: &App) -> Self {
        let by = ["operation", "type", "outcome"];
        let meters = Self {
            registry: Registry::new(),
            names: Mutex::default(),
            operations: counters(
                "operations_total",
                "GraphQL operations that have ended: ok, refused (for what the client has asked), failed (for a fault of \
                 the server), cancelled (by a client that has gone away)",
                &by,
            ),
            operation_seconds: histograms(
                "operation_duration_seconds",
                "How long queries and mutations took, from their arrival to their answer",
                &by[..2],
                SECONDS,
            ),
            responses: counters("http_responses_total", "Responses of HTTP", &["route", "status"]),
            response_seconds: histograms(
                "http_response_duration_seconds",
                "How long requests of HTTP took; those that become streams of events are left out",
                &["route"],
                SECONDS,
            ),
            errors: counters("errors_total", "Errors that clients were told of, by code", &["code"]),
            running: gauge("requests_running", "Requests and operations that are being answered"),
            sockets: gauge("sockets_open", "WebSockets that are open"),
            streams: gauge("event_streams_open", "Streams of events that are open"),
        };
        let own: [Box<dyn Collector>; 8] = [
            Box::new(meters.operations.clone()),
            Box::new(meters.operation_seconds.clone()),
            Box::new(meters.responses.clone()),
            Box::new(meters.response_seconds.clone()),
            Box::new(meters.errors.clone()),
            Box::new(meters.running.clone()),
            Box::new(meters.sockets.clone()),
            Box::new(meters.streams.clone()),
        ];
        let all = own.into_iter().chain(app.db.meters.collectors()).chain(app.search.meters.collectors());
        for collector in all {
            meters.registry.register(collector).expect("no two have the same name");
        }
        meters
    }

    /// Sets the operation names of trusted documents, which always have a label of their own.
    pub(super) fn name_apart(&self, trusted: HashSet<String>) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).trusted = trusted;
    }

    /// The label of an operation name. The number of labels is bounded, as clients can make up names.
    fn label(&self, name: Option<&str>) -> String {
        let Some(name) = name else { return "none".into() };
        // These labels have a meaning of their own, so a client's name must not be mistaken for them.
        if matches!(name, "none" | "other") {
            return "other".into();
        }
        // A set is consistent after each of its operations, so a poisoned lock is harmless.
        let Names { trusted, seen } = &mut *self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !trusted.contains(name) && !seen.contains(name) {
            if seen.len() >= MAX_NAMES {
                return "other".into();
            }
            seen.insert(name.into());
        }
        name.into()
    }

    /// Counts an operation that has ended.
    pub(super) fn operation(
        &self,
        name: Option<&str>,
        kind: OperationType,
        outcome: &'static str,
        took: Duration,
    ) {
        let (name, kind) = (self.label(name), kind_name(kind));
        self.operations.with_label_values(&[name.as_str(), kind, outcome]).inc();
        // The duration of a subscription says nothing: it ends when the client leaves.
        if kind != kind_name(OperationType::Subscription) {
            let seconds = self.operation_seconds.with_label_values(&[name.as_str(), kind]);
            seconds.observe(took.as_secs_f64());
        }
    }

    /// Counts an HTTP response.
    pub(super) fn response(&self, route: &str, status: StatusCode, took: Duration) {
        self.responses.with_label_values(&[route, status.as_str()]).inc();
        if route != "/graphql/stream" {
            self.response_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
        }
    }
}

/// A guard that counts something as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open(IntGauge);

impl Open {
    /// Increments the gauge.
    pub(super) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Answers `/metrics`.
pub(super) async fn read(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let from = address::of(&shared, &parts);
    if !shared.settings.metrics_from.iter().any(|network| network.contains(&from)) {
        match health::asker(&shared, &parts).await {
            Asker::Admin => {}
            Asker::Anybody => return nothing_here().await,
            Asker::Refused => return Refusal::unauthenticated().respond(Media::Json),
        }
    }
    shared.app.db.look_at_pools();
    let mut families = shared.meters.registry.gather();
    families.extend(now(&shared).await.gather());
    let text = match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "the metrics could not be encoded");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The metrics that are read anew for each request. Those that cannot be read now are left out.
async fn now(shared: &Shared) -> Registry {
    let registry = Registry::new();
    let add = |gauge: Box<dyn Collector>| {
        if let Err(error) = registry.register(gauge) {
            tracing::error!(%error, "two metrics have the same name");
        }
    };
    let one = |name: &str, help: &str, value: i64| {
        let gauge = gauge(name, help);
        gauge.set(value);
        add(Box::new(gauge));
    };
    if shared.app.search.has_engine() {
        let help = "1 while the search engine is left alone because it has failed";
        one("search_spared", help, i64::from(shared.app.search.is_spared()));
    }
    if let Some(lag) = health::lag(&shared.app).await {
        let help = "Entries of the log that a follower has not taken: the search index, or of those who follow the feed \
                    the one that is the furthest behind";
        let behind: IntGaugeVec = gauges("follower_lag_entries", help, &["follower"]);
        behind.with_label_values(&["feed"]).set(lag.feed);
        if let Some(search) = health::search_lag(&shared.app.search, &lag) {
            behind.with_label_values(&["search"]).set(search);
        }
        add(Box::new(behind));
        one("change_log_entries", "Number of the last entry of the log of changes", lag.head.seq);
        one("feed_clients", "Clients that have called within a day to follow the feed", lag.clients);
        one("mail_outbox_messages", "Mails that wait to be sent", lag.mails);
        let help = "For how long the oldest mail has waited that is not sent";
        one("mail_outbox_oldest_seconds", help, lag.oldest_mail / 1_000_000);
    }
    let help = "Lines of the log that were left out, as whoever reads it took too long";
    let lost = counter("log_lines_lost_total", help);
    lost.inc_by(telemetry::lost_lines() as u64);
    add(Box::new(lost));
    // These have the standard names of process metrics.
    let process = [
        ("process_resident_memory_bytes", "Resident memory size in bytes.", resident()),
        ("process_open_fds", "Number of open file descriptors.", open_files()),
    ];
    for (name, help, value) in process {
        if let (Some(value), Ok(gauge)) = (value, IntGauge::with_opts(Opts::new(name, help))) {
            gauge.set(value);
            add(Box::new(gauge));
        }
    }
    registry
}

/// The resident memory of the process in bytes; `None` on systems other than Linux.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The number of open files of the process; `None` on systems other than Linux.
fn open_files() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::clock::Clock;
    use kernel::read::Database;

    #[tokio::test]
    async fn names_that_clients_make_up_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let app = App::new(Database::open(&url).await.unwrap(), Clock::default());
        let meters = RequestMetrics::new(&app);
        assert_eq!(meters.label(None), "none");
        assert_eq!(meters.label(Some("none")), "other", "the label `none` is for anonymous operations");
        for number in 0..MAX_NAMES {
            let name = format!("name{number}");
            assert_eq!(meters.label(Some(&name)), name);
        }
        assert_eq!(meters.label(Some("more")), "other");
        assert_eq!(meters.label(Some("name7")), "name7");
        meters.name_apart(["Trusted".to_owned()].into());
        assert_eq!(meters.label(Some("Trusted")), "Trusted");
    }
}
