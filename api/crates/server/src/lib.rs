//! The HTTP server: routes, headers of all responses, and a start and graceful stop that lose no request.
//!
//! `execution.rs` is the one path from a request to its responses, over HTTP (`graphql.rs`), WebSockets (`socket/`) and
//! server-sent events (`stream.rs`). `Operation::read` finds the document, the operation, its executable form and its
//! variables. `prepare` adds the data of the request. `answer` and `answers` execute it, and `Frame::finish` completes
//! every response. The transport layers of async-graphql are not used.
//!
//! - **Compilation** (`compile/`) comes before execution and follows the specification of September 2025
//!   (`docs/specification.md`). `apollo-compiler` parses and validates; `validate.rs` adds the rules that it lacks, and
//!   `syntax.rs` handles input on which its parser fails. `value.rs` coerces variables once, by the schema.
//!   `collect.rs` resolves `@skip` and `@include` and merges fields by response key for each object type. This is
//!   necessary because async-graphql runs a field as often as it is selected. Its own validation is off
//!   (`ValidationMode::Fast`).
//! - **A form** has no named fragments and no directives, and each response key once. If a selection set is empty, or
//!   differs by object type, the form ends with `__typename` under the empty key (`EMPTY`). `answer.rs` removes this
//!   field and sorts the others by it. A form depends only on the variables of conditions, so known documents keep
//!   their forms (`Plans`), within a memory limit.
//! - **Custom scalars** are strings for the compiler. In the input of a mutation they are `Given`, which keeps the
//!   reason why a text is invalid: it is reported with the other problems of the input. In arguments of queries the
//!   form refuses them.
//! - **Limits come before the work.** The length of a text is checked before it is parsed. `limits.rs` measures each
//!   fragment once, before validation. Forms are bounded while they grow. The cost is a formula over the form
//!   (`cost.rs`), so the executed form is the charged one, and a request only fills in its variables. Prices are read
//!   from the printed schema, where `api/src/schema/cost.rs` writes `@cost` and `@listSize`, so clients see the prices
//!   that are charged. The directives are inserted into the printed text because async-graphql requires an attribute on
//!   each field for them.
//! - **Points** are paid the same way on all transports: one before the body is parsed (`Operation::pay`), the rest
//!   when the cost is known (`Operation::read`), also by refused callers; the wait in the refusal covers both.
//!   `identity/src/traffic.rs` has all limits by client. Fields with a limit of their own (searches, exports, pages of
//!   the feed) are counted by their resolver, once for each time they are selected.
//! - **Documents** (`documents.rs`) are found by text, by id in the manifest (`manifest.rs`), or by the hash under
//!   which a client has registered them. Registered documents are never trusted.
//! - **Tags** (`conditional.rs`): every field of `Query` is in one of two lists there, or a test fails with its name. A
//!   field is cacheable only if the change log, the day and the turns of calls for projects determine its anonymous
//!   answer. They are read before anything else.
//! - **Calendars** (`calendar.rs`) are queries of the schema that the server asks itself, a page at a time, as fast as the
//!   client takes them.
//! - **Resources of clients are bounded** (`capacity.rs`): connections, sockets, bodies, and the memory of bodies and
//!   copies have limits per client and in all, with a part reserved for signed-in callers. `connections.rs` replaces
//!   `axum::serve`, which has no time-outs. `pace.rs` ends connections whose client reads too slowly.
//! - **Errors of async-graphql** without a code get one in `answer.rs`. Where introspection is off, messages for
//!   anonymous callers contain no name that is not in their document.
//! - **A socket is one future** that owns its operations. An operation polls its stream only after the socket has taken
//!   the last item, so a subscription must hold no database connection between two items. The same holds for event
//!   streams, which buffer one event.
//! - **The caller is identified again** each second while operations run, and with each new operation. The cache of
//!   callers limits this to one read in five seconds. An expired token closes the socket. Rights can change earlier, so
//!   a subscription calls `Call::again` before each page.
//! - **`Resumption`** is in the data of each request: the position from which a stream resumes, and the position that
//!   it has reached, for `Last-Event-ID`.
//! - **A stop** ends streams, completes queries and mutations in progress, and then closes the sockets (1001).
//! - **The journal** (`journal.rs`) reports each request once, when nothing holds its `Entry` any more, also after a
//!   disconnect. A test searches the log of the program for documents, tokens and the like. Metrics are created where
//!   things are counted (`kernel/src/read/meters.rs`, `search/src/meters.rs`), without a global registry. The log is
//!   written by a thread of its own (`telemetry.rs`): a blocked reader of the log must not stop requests.
//! - **Time-outs of the database** (`kernel/src/read/database.rs`) derive from `MAX_SECONDS`, so that a statement ends
//!   before its request. If the database is unavailable and nothing could be read, the response is a request error: 503
//!   over HTTP, and `error` on a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::Executor;
use async_graphql::parser::parse_schema;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{any, get};
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, CorsLayer};
use tracing::Instrument;
use url::Origin;

use crate::app::App;
use index::document;
use kernel::error::REQUEST_ID;
use kernel::policy::Viewer;

mod address;
mod answer;
pub mod app;
mod awards;
mod calendar;
mod capacity;
mod compile;
mod conditional;
mod connections;
mod cost;
mod documents;
mod execution;
mod graphiql;
mod graphql;
mod health;
mod journal;
mod keys;
mod limits;
mod manifest;
mod metrics;
mod origin;
mod pace;
mod rates;
mod refusal;
mod request;
mod snapshot;
mod socket;
mod stream;
pub mod telemetry;
#[cfg(test)]
mod tests;

pub use capacity::Capacity;
pub use cost::item;
pub use documents::Trust;
pub use limits::Limits;
pub use manifest::{Manifest, ManifestError};
pub use pace::Pace;
pub use socket::Settings as SocketSettings;

use answer::FieldTypes;
use capacity::ConcurrencyLimits;
use compile::Compiler;
use cost::Prices;
use documents::Documents;
use execution::Run;
use journal::{Entry, Route};
use metrics::RequestMetrics;
use refusal::Refusal;
use request::Media;

/// The time for which requests may go on after a stop was requested.
const DRAIN_TIME: Duration = Duration::from_millis(6500);
/// The time for which unfinished writes may go on after that. The whole stop stays below ten seconds.
const TASK_TIME: Duration = Duration::from_millis(1500);

/// The header with the id of a request.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The time for which browsers may cache the result of a CORS preflight.
const PREFLIGHT_TIME: Duration = Duration::from_mins(10);

/// The settings of the server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether browsers get GraphiQL at `/graphql`.
    pub graphiql: bool,
    /// Whether introspection is permitted and `/schema.graphql` is served.
    pub introspection: bool,
    /// The limits of a request.
    pub limits: Limits,
    /// The limits of concurrent use.
    pub capacity: Capacity,
    /// The settings of sockets and event streams.
    pub socket: SocketSettings,
    /// The documents that may be executed.
    pub trust: Trust,
    /// The trusted documents.
    pub manifest: Option<Manifest>,
    /// How often it is looked whether the manifest has changed.
    pub manifest_interval: Duration,
    /// The origins of other sites whose pages may read responses and open sockets.
    pub origins: Vec<Origin>,
    /// Whether responses require browsers to use HTTPS only (HSTS).
    pub https_only: bool,
    /// The networks from which `/metrics` may be read without being an administrator.
    pub metrics_from: Vec<IpNet>,
    /// The networks of proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The viewer of requests without credentials: anonymous, unless a program that embeds the server, such as a test,
    /// sets another.
    pub viewer: Viewer,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            graphiql: true,
            introspection: true,
            limits: Limits::default(),
            capacity: Capacity::default(),
            socket: SocketSettings::default(),
            trust: Trust::default(),
            manifest: None,
            manifest_interval: manifest::CHECK_TIME,
            origins: Vec::new(),
            https_only: false,
            metrics_from: Vec::new(),
            trusted_proxies: Vec::new(),
            viewer: Viewer::anonymous(),
        }
    }
}

/// The state that all requests share.
#[derive(Debug)]
struct Shared {
    app: App,
    settings: Settings,
    schema: Runner,
    contract: Arc<Contract>,
    /// Identifies the program version: other versions may answer differently from the same database.
    edition: String,
    documents: Documents,
    /// The metrics.
    meters: Arc<RequestMetrics>,
    /// The start of the server.
    begun: Instant,
    /// The concurrency limits.
    rooms: ConcurrencyLimits,
    /// Cancelled when a stop is requested.
    stopping: CancellationToken,
    /// The open sockets. A stop waits for them.
    sockets: TaskTracker,
}

impl Shared {
    /// The shared state with this schema and contract.
    fn new(app: App, settings: Settings, schema: Schema) -> Self {
        let Schema { run, contract } = schema;
        let (types, prices) = (Arc::clone(&contract.types), Arc::clone(&contract.prices));
        let compiler = Compiler::new(types, prices, settings.limits.clone(), settings.introspection);
        let documents = Documents::new(compiler, settings.trust);
        if let Some(manifest) = &settings.manifest {
            documents.trust(manifest);
        }
        let meters = Arc::new(RequestMetrics::new(&app));
        meters.name_apart(documents.trusted_names());
        let edition = format!("{} {} {}", env!("CARGO_PKG_VERSION"), document::layout(), contract.hash);
        Self {
            documents,
            edition,
            contract,
            schema: run,
            meters,
            begun: Instant::now(),
            stopping: CancellationToken::new(),
            sockets: TaskTracker::new(),
            rooms: ConcurrencyLimits::new(&settings.capacity, &settings.limits),
            app,
            settings,
        }
    }
}

/// The schema that a server answers with.
#[derive(Debug)]
pub struct Schema {
    run: Runner,
    contract: Arc<Contract>,
}

impl Schema {
    /// The schema of this executor, whose text is the contract.
    pub fn new(executor: impl Executor, contract: Arc<Contract>) -> Self {
        Self { run: Runner(Box::new(executor)), contract }
    }
}

/// The text of a schema, and what the server reads from it. Reading takes a while: one serves all servers of a process.
#[derive(Debug)]
pub struct Contract {
    sdl: String,
    /// The SHA-256 hash of the text.
    hash: String,
    /// The schema against which documents are validated.
    types: Arc<compile::Schema>,
    shapes: FieldTypes,
    prices: Arc<Prices>,
}

impl Contract {
    /// Reads the text of a schema.
    ///
    /// # Panics
    /// If the text is invalid. The program prints it itself.
    #[expect(
        clippy::expect_used,
        reason = "the text comes from the library that reads it; every test runs this"
    )]
    pub fn new(sdl: String) -> Self {
        let document = parse_schema(&sdl).expect("the schema that was written can be read");
        let prices = Arc::new(Prices::new(&document));
        let types = Arc::new(compile::Schema::new(&sdl));
        Self { hash: manifest::sha256(&sdl), types, shapes: FieldTypes::new(document), prices, sdl }
    }
}

/// The executor, which cannot be printed for debugging.
struct Runner(Box<dyn Run>);

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runner")
    }
}

impl std::ops::Deref for Runner {
    type Target = dyn Run;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

/// A server that is bound to its address and not yet serving.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// If the address is in use, or does not belong to this machine.
    pub async fn bind(
        app: App,
        schema: Schema,
        address: SocketAddr,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, shared: Arc::new(Shared::new(app, settings, schema)) })
    }

    /// The bound address. If port 0 was requested, it has the assigned port.
    ///
    /// # Errors
    /// Any error of the system.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled. Then no new connection is accepted, requests in progress are answered, sockets
    /// and streams are closed, and unfinished writes are completed, all within ten seconds.
    ///
    /// # Errors
    /// None at present: a failed `accept` is retried.
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        let (tasks, sockets) = (self.shared.app.tasks.clone(), self.shared.sockets.clone());
        let closing = self.shared.app.closing.clone();
        let (told, stopping) = (stop.clone(), self.shared.stopping.clone());
        let told = async move {
            told.cancelled().await;
            stopping.cancel();
        };
        if let Some(manifest) = self.shared.settings.manifest.clone() {
            manifest::follow(&self.shared, manifest, stop.clone());
        }
        tokio::spawn(told);
        let router = router(Arc::clone(&self.shared));
        let serving = async {
            connections::serve(self.listener, router, self.shared).await;
            // A connection that was upgraded to a socket is no longer an HTTP connection.
            sockets.close();
            sockets.wait().await;
        };
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN_TIME).await;
        };
        tokio::select! {
            () = serving => {}
            () = too_long => tracing::warn!("requests were still in progress when the server stopped"),
        }
        tasks.close();
        closing.cancel();
        if tokio::time::timeout(TASK_TIME, tasks.wait()).await.is_err() {
            tracing::warn!("writes were still in progress when the server stopped");
        }
        Ok(())
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/graphql", any(graphql::handle))
        .route("/sync/snapshot", get(snapshot::handle))
        .route("/export/events.ics", get(calendar::events))
        .route("/export/registrations.ics", get(calendar::registrations))
        .route("/export/awards.csv", get(awards::handle))
        .route("/graphql/stream", any(stream::handle))
        .route("/.well-known/jwks.json", get(keys::published))
        .route("/healthz", get(health::live))
        .route("/metrics", get(metrics::read))
        .route("/readyz", get(health::ready));
    if shared.settings.introspection {
        router = router.route("/schema.graphql", get(schema_text));
    }
    if shared.settings.graphiql {
        router = router.route("/graphql/graphiql.js", get(graphiql::script));
        router = router.route("/graphql/graphiql.css", get(graphiql::style));
    }
    router
        .fallback(nothing_here)
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a handler panicked");
            graphql::panicked()
        }))
        .layer(cors(&shared.settings.origins))
        .layer(from_fn_with_state(Arc::clone(&shared), identify))
        .with_state(shared)
}

/// The CORS layer that lets pages of these origins read responses. Callers authenticate with a header and not with
/// cookies, so no page can act for a user without a token. A request that needs no preflight executes no mutation.
fn cors(origins: &[Origin]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| origin.ascii_serialization().parse().ok());
    let origins: Vec<HeaderValue> = origins.collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([ETAG, RETRY_AFTER, X_REQUEST_ID, rates::LIMIT, rates::REMAINING, rates::RESET])
        .max_age(PREFLIGHT_TIME)
}

async fn schema_text(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let mut response = Response::new(Body::from(shared.contract.sdl.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

async fn nothing_here() -> Response<Body> {
    Refusal::new(StatusCode::NOT_FOUND, "There is nothing at this address. The API is at /graphql.")
        .respond(Media::Json)
}

/// Gives each request an id, for logs and for reports of internal errors, and begins its journal entry.
async fn identify(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response<Body> {
    let id = shared.app.new_id().simple().to_string();
    let span = tracing::info_span!("request", id);
    let (method, route) = (request.method().clone(), Route::of(&request));
    let header = HeaderValue::from_str(&id);
    let trace = telemetry::request(&id, method.as_str(), route.name(), request.headers());
    let entry =
        Entry::new(&shared.meters, journal::Transport::Http(route.clone()), &id, telemetry::trace_id(&trace));
    let answer = entry.scope(next.run(request)).instrument(trace.clone()).instrument(span);
    let mut response = REQUEST_ID.scope(id, answer).await;
    entry.responded(response.status());
    // The end of a stream of events is noted by the task that feeds it.
    if route.name() != "/graphql/stream" {
        entry.ended();
    }
    trace.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        trace.record("otel.status_code", "ERROR");
    }
    let headers = response.headers_mut();
    if let Ok(header) = header {
        headers.insert(X_REQUEST_ID, header);
    }
    // The security headers of all responses.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    // The GraphiQL page has a policy of its own.
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    if shared.settings.https_only {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
