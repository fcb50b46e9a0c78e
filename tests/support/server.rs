//! A server of one test: the real router on its own port, with its own database and clock.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use passerelle::directory::registration::notice;
use passerelle::directory::talent::erasing::Delay;
use passerelle::identity;
use passerelle::identity::mail::{self, Mailer};
use passerelle::identity::oidc::Issuers;
use passerelle::identity::traffic::{Limits, Traffic};
use passerelle::index::embedded::Embedded;
use passerelle::index::engine::{Engine, Position};
use passerelle::kernel::clock::Clock;
use passerelle::kernel::encryption::EncryptionKey;
use passerelle::kernel::policy::Viewer;
use passerelle::kernel::read::{Database, Waits};
use passerelle::kernel::value::DateTime;
use passerelle::records::changes;
use passerelle::records::changes::heads::Heads;
use passerelle::schema;
use passerelle::server::app::App;
use passerelle::server::{Capacity, Limits as RequestLimits, Manifest, Settings, SocketSettings, Trust};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::meilisearch;
use super::postgres::{self, TestDatabase};
use super::template::{self, Content};
use super::until;

/// The initial time on test clocks.
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

/// A clock set to [`NOW`].
pub(crate) fn start_of_time() -> Arc<AtomicI64> {
    let now: DateTime = NOW.parse().expect("an instant");
    Arc::new(AtomicI64::new(now.micros()))
}

/// The key that encrypts secrets in test databases, in base64.
pub(crate) const ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The supported databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// The configuration of a test server.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub(crate) struct Setup {
    settings: Settings,
    sample: bool,
    search: bool,
    engine: Option<Arc<dyn Engine>>,
    /// Whether an injected engine may take as long as a request.
    patient: bool,
    rate_limit: bool,
    limits: Option<Limits>,
    /// Whether the mail sender runs.
    mail: bool,
    smtp_url: Option<String>,
    /// Whether erasures run without delay.
    erasing_at_once: bool,
}

/// The time-out of requests, unless a test is about that: a slow machine is no failure.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often a server looks for what another program has written, and at its manifest.
const LOOK: Duration = Duration::from_millis(100);

fn patient() -> RequestLimits {
    RequestLimits { time: PATIENCE, ..RequestLimits::default() }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings { limits: patient(), ..Settings::default() },
            sample: false,
            search: false,
            engine: None,
            patient: false,
            rate_limit: true,
            limits: None,
            mail: false,
            smtp_url: None,
            erasing_at_once: false,
        }
    }
}

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Setup {
    /// Loads the sample directory.
    pub(crate) fn with_sample(mut self) -> Self {
        self.sample = true;
        self
    }

    /// Starts a search index that follows the log: in Meilisearch if `MEILI_URL` names one, else embedded.
    pub(crate) fn with_search(mut self) -> Self {
        self.search = true;
        self
    }

    /// Uses this search engine.
    pub(crate) fn with_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Uses this search engine, which may take as long as a request.
    pub(crate) fn with_patient_engine(self, engine: Arc<dyn Engine>) -> Self {
        Self { patient: true, ..self.with_engine(engine) }
    }

    /// Sends mails as files, see [`super::mail`].
    pub(crate) fn with_mail(mut self) -> Self {
        self.mail = true;
        self
    }

    /// Sends mails to this mail server.
    pub(crate) fn with_smtp(mut self, url: &str) -> Self {
        self.smtp_url = Some(url.to_owned());
        self.with_mail()
    }

    /// Erases without delay: for tests of what an erasure does.
    pub(crate) fn erasing_at_once(mut self) -> Self {
        self.erasing_at_once = true;
        self
    }

    /// Answers every anonymous request as this viewer.
    pub(crate) fn viewer(mut self, viewer: Viewer) -> Self {
        self.settings.viewer = viewer;
        self
    }

    /// Sets the time-out of requests.
    pub(crate) fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.limits.time = limit;
        self
    }

    /// Sets the limits of one request.
    pub(crate) fn limits(mut self, limits: RequestLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets what clients may hold at once.
    pub(crate) fn capacity(mut self, capacity: Capacity) -> Self {
        self.settings.capacity = capacity;
        self
    }

    /// Trusts a local proxy for the address of the client.
    pub(crate) fn behind_a_proxy(mut self) -> Self {
        self.settings.trusted_proxies.push("127.0.0.1/32".parse().expect("a network"));
        self
    }

    /// Accepts documents that are longer and costlier than those of any client.
    pub(crate) fn with_huge_documents(self) -> Self {
        let huge = 1_000_000;
        self.limits(RequestLimits {
            document: huge,
            tokens: huge,
            aliases: huge,
            cost: u64::MAX,
            ..patient()
        })
    }

    /// Sets the limits of sockets and event streams.
    pub(crate) fn socket(mut self, settings: SocketSettings) -> Self {
        self.settings.socket = settings;
        self
    }

    /// Allows pages of this origin to open sockets.
    pub(crate) fn origin(mut self, origin: &str) -> Self {
        let url: url::Url = origin.parse().expect("an address");
        self.settings.origins.push(url.origin());
        self
    }

    /// Removes the limit of sign-in attempts.
    pub(crate) fn without_rate_limit(mut self) -> Self {
        self.rate_limit = false;
        self
    }

    /// Sets rate limits, of which there are none by default.
    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets the manifest of trusted documents.
    pub(crate) fn documents(mut self, trust: Trust, manifest: Manifest) -> Self {
        self.settings.trust = trust;
        self.settings.manifest = Some(manifest);
        self.settings.manifest_interval = LOOK;
        self
    }

    /// Sends HSTS, so that browsers use HTTPS alone.
    pub(crate) fn https_only(mut self) -> Self {
        self.settings.https_only = true;
        self
    }

    /// Lets clients of this network read the metrics.
    pub(crate) fn metrics_from(mut self, network: &str) -> Self {
        self.settings.metrics_from.push(network.parse().expect("a network"));
        self
    }

    /// Disables introspection.
    pub(crate) fn without_introspection(mut self) -> Self {
        self.settings.introspection = false;
        self
    }

    /// Disables GraphiQL.
    pub(crate) fn without_graphiql(mut self) -> Self {
        self.settings.graphiql = false;
        self
    }
}

/// Keeps the database for as long as the server lives.
enum Place {
    File { _folder: TempDir },
    Postgres { _database: TestDatabase },
}

/// The parsed [`ENCRYPTION_KEY`].
pub(crate) fn encryption_key() -> EncryptionKey {
    EncryptionKey::parse("the key of the tests", &ENCRYPTION_KEY.into()).expect("32 bytes")
}

/// The same with the keys that sign in its database.
pub(crate) async fn identified(app: App, rate_limit: bool, issuers: Issuers) -> App {
    let options =
        identity::Options { encryption_key: encryption_key(), public_url: None, rate_limit, issuers };
    let mut identity = identity::open(app.identity, options).await.expect("there are signing keys");
    identity.public_url = Some("https://directory.example/".parse().expect("an address"));
    App { identity, ..app }
}

/// A mailer with these settings that writes below this folder.
pub(crate) fn mailer(folder: &Path, smtp_url: Option<String>) -> Mailer {
    let options = mail::Options {
        smtp_url: smtp_url.map(Into::into),
        from: Some("Passerelle <noreply@directory.example>".parse().expect("an address")),
        link_url: None,
        public_url: "https://directory.example/".parse().expect("an address"),
        data_dir: folder.to_owned(),
    };
    Mailer::new(options).expect("the settings are right")
}

/// A server that runs until it is dropped.
pub(crate) struct TestServer {
    /// Its application state.
    pub(crate) app: App,
    /// The URL of its database.
    pub(crate) database_url: String,
    /// The address on which it listens.
    pub(crate) address: SocketAddr,
    /// The HTTP client of the tests.
    pub(crate) client: reqwest::Client,
    stop: CancellationToken,
    /// Stops only the follower of the index.
    following: CancellationToken,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    /// Its search engine.
    pub(crate) engine: Option<Arc<dyn Engine>>,
    /// Its limits of one request.
    limits: RequestLimits,
    /// Holds the search index.
    _search_folder: Option<TempDir>,
    /// Holds the mails, in the folder `mail`.
    pub(crate) data_dir: Option<Arc<TempDir>>,
    _meilisearch: Option<meilisearch::Indexes>,
    _place: Option<Place>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl TestServer {
    /// A server on an empty database, or `None` if there is no PostgreSQL.
    pub(crate) async fn spawn(backend: Backend) -> Option<Self> {
        Self::with(backend, Setup::default()).await
    }

    /// A server with this setup, or `None` if there is no PostgreSQL.
    pub(crate) async fn with(backend: Backend, setup: Setup) -> Option<Self> {
        let content = if setup.sample { Content::Sample } else { Content::Empty };
        let (url, place) = match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                let file = folder.path().join("test.db");
                template::sqlite(&file, content).await;
                (format!("sqlite://{}", file.display()), Place::File { _folder: folder })
            }
            Backend::Postgres => {
                let database = postgres::database(content).await?;
                (database.url.clone(), Place::Postgres { _database: database })
            }
        };
        let db = Database::open_with(&url, Waits::of_requests(PATIENCE)).await.expect("the database opens");
        let mut app = App::new(db, Clock::Set(start_of_time()));
        app.heads = Arc::new(Heads::every(LOOK));
        let mut app = identified(app, setup.rate_limit, Issuers::default()).await;
        app.traffic = Traffic::new(setup.limits);
        if setup.erasing_at_once {
            app.erasure_delay = Delay::NONE;
        }
        let stop = CancellationToken::new();
        let data_dir = tempfile::tempdir().expect("a folder");
        app.mail = mailer(data_dir.path(), setup.smtp_url);
        if setup.mail {
            app.mail.start(&app, stop.clone());
            notice::start(&app, stop.clone());
        }
        let stop_following = stop.child_token();
        let search_folder = tempfile::tempdir().expect("a folder");
        let meilisearch = if setup.search { meilisearch::of_the_environment() } else { None };
        let own = setup.engine.is_none();
        let engine = setup.engine.or_else(|| {
            setup.search.then(|| match &meilisearch {
                Some(indexes) => indexes.engine(),
                None => Arc::new(Embedded::new(search_folder.path().into())) as Arc<dyn Engine>,
            })
        });
        if let Some(engine) = engine.clone() {
            let following;
            (app, following) = app.with_search(engine);
            if own || setup.patient {
                app.search.engine_time = PATIENCE;
            }
            if own {
                app.search.forget_time = PATIENCE;
            }
            following.start(&app, stop_following.clone());
        }
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let limits = setup.settings.limits.clone();
        let server = schema::bind(app.clone(), any_port, setup.settings).await.expect("a port is free");
        let address = server.address().expect("an address");
        let serving = Some(tokio::spawn(server.serve(stop.clone())));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Some(Self {
            database_url: url,
            app,
            address,
            client,
            stop,
            following: stop_following,
            serving,
            engine,
            limits,
            _search_folder: Some(search_folder),
            data_dir: Some(Arc::new(data_dir)),
            _meilisearch: meilisearch,
            _place: Some(place),
        })
    }

    /// The application state of a second replica: the same database and clock.
    pub(crate) async fn replica(&self) -> App {
        let db = Database::open_with(&self.database_url, Waits::of_requests(PATIENCE))
            .await
            .expect("the database opens");
        let mut app = App::new(db, self.app.clock.clone());
        app.heads = Arc::new(Heads::every(LOOK));
        identified(app, true, Issuers::default()).await
    }

    /// Another server on the same database, for another viewer. Must be dropped before this one.
    pub(crate) async fn beside(&self, viewer: Viewer) -> Self {
        self.again(self.app.clone(), Settings { viewer, ..self.settings() }).await
    }

    /// Another server on the same database, which accepts tokens of these issuers. Must be dropped before this one.
    pub(crate) async fn believing(&self, issuers: Issuers) -> Self {
        let app = identified(self.app.clone(), false, issuers).await;
        self.again(app, self.settings()).await
    }

    /// Another server on the same database, with its own count of statements: nothing reads in the background. Must
    /// be dropped before this one.
    pub(crate) async fn quiet(&self) -> Self {
        self.quiet_with(|_| {}).await
    }

    /// Like [`Self::quiet`], with other settings.
    pub(crate) async fn quiet_with(&self, set: impl FnOnce(&mut Settings)) -> Self {
        let db = Database::open_with(&self.database_url, Waits::of_requests(PATIENCE))
            .await
            .expect("the database opens");
        self.on(db, set).await
    }

    /// Another server on the same database, for this viewer and with this time-out. Must be dropped before this one.
    pub(crate) async fn hurried(&self, limit: Duration, viewer: Viewer) -> Self {
        let waits = Waits::of_requests(limit);
        let db = Database::open_with(&self.database_url, waits).await.expect("the database opens");
        self.on(db, |settings| {
            settings.limits.time = limit;
            settings.viewer = viewer;
        })
        .await
    }

    async fn on(&self, db: Arc<Database>, set: impl FnOnce(&mut Settings)) -> Self {
        let mut app = self.app.clone();
        app.db = db;
        let mut settings = self.settings();
        set(&mut settings);
        self.again(app, settings).await
    }

    /// Another program on the same database, with its own search engine. Its index follows the log as soon as no
    /// other program holds the right to write.
    pub(crate) async fn joined(&self, engine: Arc<dyn Engine>) -> Self {
        let (mut app, following) = self.replica().await.with_search(Arc::clone(&engine));
        app.search.engine_time = PATIENCE;
        let mut joined = self.again(app.clone(), self.settings()).await;
        following.start(&app, joined.following.clone());
        joined.engine = Some(engine);
        joined
    }

    /// Another server on the same database, whose feed requires signing in. Must be dropped before this one.
    pub(crate) async fn closed(&self) -> Self {
        let mut app = self.app.clone();
        app.feed_public = false;
        self.again(app, self.settings()).await
    }

    /// The settings with which other servers on the same database begin.
    fn settings(&self) -> Settings {
        Settings { limits: self.limits.clone(), ..Settings::default() }
    }

    async fn again(&self, app: App, settings: Settings) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = schema::bind(app.clone(), any_port, settings).await.expect("a port is free");
        let address = server.address().expect("an address");
        let stop = CancellationToken::new();
        Self {
            database_url: self.database_url.clone(),
            app,
            address,
            client: self.client.clone(),
            serving: Some(tokio::spawn(server.serve(stop.clone()))),
            following: stop.child_token(),
            stop,
            engine: self.engine.clone(),
            limits: self.limits.clone(),
            _search_folder: None,
            data_dir: self.data_dir.clone(),
            _meilisearch: None,
            _place: None,
        }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The response to a document, with or without errors.
    pub(crate) async fn query(&self, query: &str) -> Value {
        self.query_with(query, json!({})).await
    }

    /// The response to a document with variables.
    pub(crate) async fn query_with(&self, query: &str, variables: Value) -> Value {
        let response = self.post(&json!({ "query": query, "variables": variables })).await;
        response.json().await.expect("an answer is JSON")
    }

    /// The data of a document that must succeed without errors.
    pub(crate) async fn data(&self, query: &str) -> Value {
        let mut answer = self.query(query).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// The code of the first error of a document.
    pub(crate) async fn code(&self, query: &str) -> String {
        let answer = self.query(query).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The response to a body. Accepts the media type of GraphQL responses.
    pub(crate) async fn post(&self, body: &Value) -> reqwest::Response {
        let request = self.client.post(self.url("/graphql")).json(body);
        let request = request.header("accept", "application/graphql-response+json");
        request.send().await.expect("the server answers")
    }

    /// The response to GET on a path.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.expect("the server answers")
    }

    /// The number of read statements since the start.
    pub(crate) fn statements(&self) -> u64 {
        self.app.db.statements()
    }

    /// Waits until the search index has reached the end of the log.
    pub(crate) async fn indexed(&self) {
        let head = changes::head(&self.app.db).await.expect("the log has an end");
        let position = Position { feed_id: head.feed_id, seq: head.seq };
        until("the index follows the log", async || self.app.search.wait_for(position).await).await;
    }

    /// Advances the clock by this many microseconds.
    pub(crate) fn pass(&self, micros: i64) {
        if let Clock::Set(now) = &self.app.clock {
            now.fetch_add(micros, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&self, now: &str) {
        let now: DateTime = now.parse().expect("an instant");
        if let Clock::Set(micros) = &self.app.clock {
            micros.store(now.micros(), std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Stops only the follower of the index.
    pub(crate) async fn stop_following(&self) {
        self.following.cancel();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    /// Stops the server, and waits until it has ended.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.await.expect("no panic").expect("the server stops without an error");
        }
    }
}
