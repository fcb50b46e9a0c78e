//! Telemetry of the program: its log, and traces if a collector is set.
//!
//! Traces consist of the spans of the target [`TRACES`] only. Log events are not sent to the collector, and these
//! spans are not logged. Without a collector, OpenTelemetry is not started, and a span costs one comparison.

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

use kernel::read::TRACES;

/// Time-out of a request to the collector.
const EXPORT_TIME: Duration = Duration::from_secs(5);
/// Time-out for sending the last spans when the program ends.
const END_TIME: Duration = Duration::from_millis(400);
/// The service name of traces, unless `OTEL_SERVICE_NAME` is set.
const SERVICE: &str = "passerelle";

/// Time-out for writing the last lines of the log when the program ends.
const LAST_LINES: Duration = Duration::from_millis(400);
/// Maximum number of queued log lines, some megabytes. Further lines are dropped.
const MAX_LINES: usize = 10_000;

/// The counter of dropped log lines.
static LOST_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// The telemetry of a running server, which must be ended with it.
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
    /// A separate runtime, so that spans are sent even while the main runtime shuts down.
    runtime: Runtime,
}

impl Telemetry {
    /// Starts logging to standard error, and sending traces to this collector. Logging never blocks: if the reader of
    /// the log is too slow, lines are dropped.
    ///
    /// # Errors
    /// A description of the wrong filter or URL, or a message that this process logs already.
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
                // The spans for the collector are never logged, whatever the filter.
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

    /// Sends the remaining spans and writes the remaining lines, within a short time-out. Must not be called from a
    /// task.
    pub fn end(self) {
        if let Some(Collector { provider, runtime }) = self.collector {
            if provider.shutdown_with_timeout(END_TIME).is_err() {
                tracing::warn!("the last traces were not sent");
            }
            runtime.shutdown_background();
        }
        // In a thread of its own: if nobody reads the log, dropping the guard prints to standard output, which fails
        // or blocks forever if nobody reads that either.
        let (done, written) = mpsc::channel::<()>();
        thread::spawn(move || {
            drop(self.lines);
            drop(done);
        });
        let _ = written.recv_timeout(LAST_LINES);
    }
}

/// Starts logging to standard error, line by line, for a command.
///
/// # Errors
/// A description of the wrong filter, or a message that this process logs already.
pub fn log(filter: &str, format: LogFormat) -> Result<(), String> {
    set(Registry::default().with(lines(format, std::io::stderr).with_filter(parse(filter)?)))?;
    log_panics();
    Ok(())
}

/// The number of log lines that were dropped since the start, because the reader of the log was too slow.
pub fn lost_lines() -> usize {
    LOST_LINES.get().map_or(0, ErrorCounter::dropped_lines)
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG `{filter}` is no filter: {error}"))
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Without the message, which may quote user input.
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic");
    }));
}

/// The layer that writes log lines.
fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer)
        // If the log cannot be written, reporting that on standard error would panic, because the log goes there,
        // too.
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

/// Sends spans with the HTTP client of this program. The exporter calls it on a thread without a runtime.
#[derive(Clone, Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    /// Whether the last request failed.
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
        // Logged once for an outage: the collector may be away for long.
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

/// The span of an HTTP request, as a part of the trace in its header `traceparent`.
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

/// The span of a GraphQL operation of this type and name.
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

/// Records the code of the first error of an operation, and whether it is an error of the server.
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
