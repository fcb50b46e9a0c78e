//! What the program tells of itself while it runs: lines of its log, and traces where a collector takes them.
//!
//! Traces are spans of the target [`TRACES`] and nothing else: what is logged does not go to the collector, and what is
//! traced is no part of the log. Without a collector nothing of OpenTelemetry is begun, and a span costs a comparison.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use clap::ValueEnum;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::{Builder, Runtime};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{self, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry};
use url::Url;

use crate::record::read::TRACES;

/// How long the collector may take.
const EXPORT_TIME: Duration = Duration::from_secs(5);
/// How long the last spans may take when the program ends.
const END_TIME: Duration = Duration::from_millis(400);
/// The name under which traces are found, unless `OTEL_SERVICE_NAME` is another.
const SERVICE: &str = "passerelle";

/// How long the last lines of the log may take when the program ends.
const LAST_LINES: Duration = Duration::from_millis(400);
/// Lines of the log that wait for their reader at most, some megabytes of them; further ones are left out.
const MAX_LINES: usize = 10_000;

/// How many lines of the log were left out.
static LOST_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// What has to be ended when the server is.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    collector: Option<Collector>,
    /// Writes the last lines when it is dropped.
    lines: WorkerGuard,
}

#[derive(Debug)]
struct Collector {
    provider: SdkTracerProvider,
    /// Of its own: spans are sent also while the program's own threads end.
    runtime: Runtime,
}

impl Telemetry {
    /// Begins to log to standard error, and to send traces to this collector. Nothing waits for whoever reads the log:
    /// where they take too long, lines are left out.
    ///
    /// # Errors
    /// What is wrong with the filter or the address, or that this process logs already.
    pub fn start(filter: &str, format: LogFormat, collector: Option<&Url>) -> Result<Self, String> {
        let filter = parse(filter)?;
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_LINES)
            .lossy(true)
            .thread_name("log")
            .finish(std::io::stderr());
        LOST_LINES.get_or_init(|| writer.error_counter());
        let begun = match collector {
            None => {
                set(Registry::default().with(lines(format, writer).with_filter(filter)))?;
                None
            }
            Some(url) => {
                let collector = Collector::new(url)?;
                let tracer = collector.provider.tracer(SERVICE);
                let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == TRACES);
                let spans = tracing_opentelemetry::layer()
                    .with_tracer(tracer)
                    .with_location(false)
                    .with_threads(false)
                    .with_target(false)
                    .with_level(false)
                    .with_tracked_inactivity(false)
                    .with_filter(ours.with_max_level_hint(LevelFilter::TRACE));
                // Without the spans that are for the collector, whatever the filter says.
                let lines = lines(format, writer)
                    .with_filter(filter)
                    .with_filter(filter_fn(|metadata| metadata.target() != TRACES));
                set(Registry::default().with(lines).with(spans))?;
                Some(collector)
            }
        };
        log_panics();
        Ok(Self { collector: begun, lines: guard })
    }

    /// Sends and writes what was not yet, if the collector and whoever reads the log take it at once. Must not be called
    /// by a task.
    pub fn end(self) {
        if let Some(Collector { provider, runtime }) = self.collector {
            if provider.shutdown_with_timeout(END_TIME).is_err() {
                tracing::warn!("the last traces were not sent");
            }
            runtime.shutdown_background();
        }
        // In a thread of its own: where nobody reads the log this complains to standard output, which fails or waits for
        // ever where nobody reads that either.
        let (done, written) = mpsc::channel::<()>();
        thread::spawn(move || {
            drop(self.lines);
            drop(done);
        });
        let _ = written.recv_timeout(LAST_LINES);
    }
}

/// Begins to log to standard error, line by line, as a command does.
///
/// # Errors
/// What is wrong with the filter, or that this process logs already.
pub fn log(filter: &str, format: LogFormat) -> Result<(), String> {
    set(Registry::default().with(lines(format, std::io::stderr).with_filter(parse(filter)?)))?;
    log_panics();
    Ok(())
}

/// How many lines of the log were left out since the program began, because whoever reads it took too long.
pub fn lost_lines() -> usize {
    LOST_LINES.get().map_or(0, ErrorCounter::dropped_lines)
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG `{filter}` is no filter: {error}"))
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Not with which words: they may quote what somebody has sent.
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic");
    }));
}

/// Lines of the log.
fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer)
        // Where the log cannot be written, telling so on the standard error would panic: it goes there too.
        .log_internal_errors(false);
    match format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    }
}

fn set(subscriber: impl Subscriber + Send + Sync) -> Result<(), String> {
    subscriber::set_global_default(subscriber).map_err(|error| format!("logging could not begin: {error}"))
}

impl Collector {
    fn new(url: &Url) -> Result<Self, String> {
        let wrong =
            |error: &dyn std::fmt::Display| format!("traces cannot be sent to {}: {error}", url.as_str());
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("traces").enable_all().build();
        let runtime = runtime.map_err(|error| wrong(&error))?;
        let client =
            reqwest::Client::builder().timeout(EXPORT_TIME).build().map_err(|error| wrong(&error))?;
        let sender = Sender { client, runtime: runtime.handle().clone(), failing: Arc::default() };
        let endpoint = format!("{}/v1/traces", url.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(endpoint);
        let exporter = exporter.with_timeout(EXPORT_TIME).build().map_err(|error| wrong(&error))?;
        let resource = Resource::builder();
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name(SERVICE),
        };
        let provider = SdkTracerProvider::builder().with_resource(resource.build());
        Ok(Self { provider: provider.with_batch_exporter(exporter).build(), runtime })
    }
}

/// Sends spans with the HTTP client of this program. Whoever collects them waits on a thread without a runtime.
#[derive(Clone, Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    /// Whether the last ones were not taken.
    failing: Arc<AtomicBool>,
}

impl Sender {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let answer = request.body(body).send().await?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        Ok(response.body(answer.bytes().await?)?)
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let own = self.clone();
        let sent = self.runtime.spawn(async move { own.send(request).await }).await?;
        let taken = sent.as_ref().is_ok_and(|response| response.status().is_success());
        // Once, until it works again: the collector may be away for long.
        if self.failing.swap(!taken, Ordering::Relaxed) == taken {
            match &sent {
                Ok(response) if taken => {
                    tracing::info!(status = response.status().as_u16(), "the collector takes traces again");
                }
                Ok(response) => {
                    tracing::warn!(status = response.status().as_u16(), "the collector does not take traces");
                }
                Err(error) => tracing::warn!(%error, "the collector of traces does not answer"),
            }
        }
        sent
    }
}

/// The span of a request over HTTP, as a part of the trace that its header `traceparent` names.
pub fn request(id: &str, method: &str, route: &str, headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: TRACES,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        passerelle.request_id = id,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // Fails only where the span is not for a collector.
        let _ = span.set_parent(parent);
    }
    span
}

/// The span of an operation of this type, with the name that it has.
pub fn operation(kind: &'static str, name: Option<&str>) -> Span {
    let span = tracing::trace_span!(
        target: TRACES,
        "operation",
        otel.name = kind,
        otel.status_code = tracing::field::Empty,
        graphql.operation.type = kind,
        graphql.operation.name = name,
        passerelle.error_code = tracing::field::Empty,
    );
    if let Some(name) = name {
        span.record("otel.name", format_args!("{kind} {name}"));
    }
    span
}

/// Notes the code of the first error of an operation, and whether the fault is ours.
pub fn operation_failed(span: &Span, code: &str, ours: bool) {
    span.record("passerelle.error_code", code);
    if ours {
        span.record("otel.status_code", "ERROR");
    }
}

/// The id of the trace that a span is part of, if there is a collector.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}
