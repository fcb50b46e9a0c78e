//! The HTTP server: routes, headers of all responses, and a start and graceful stop that lose no request.

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

use answer::Shapes;
use capacity::Rooms;
use compile::Compiler;
use cost::Prices;
use documents::Documents;
use execution::Run;
use journal::{Entry, Route};
use metrics::Meters;
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
    meters: Arc<Meters>,
    /// The start of the server.
    begun: Instant,
    /// The concurrency limits.
    rooms: Rooms,
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
        let meters = Arc::new(Meters::new(&app));
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
            rooms: Rooms::new(&settings.capacity, &settings.limits),
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
    shapes: Shapes,
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
        Self { hash: manifest::sha256(&sdl), types, shapes: Shapes::new(document), prices, sdl }
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
        Entry::new(&shared.meters, journal::Way::Http(route.clone()), &id, telemetry::trace_id(&trace));
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
