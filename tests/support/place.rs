//! The real program on a database of its own, and the external systems that call it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use passerelle::exchange::import::source;
use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use passerelle::kernel::clock::Clock;
use passerelle::kernel::read::Database;
use passerelle::server::app::App;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres::{self, TestDatabase};
use super::program::{Running, folder, program};
use super::server::{Backend, ENCRYPTION_KEY};
use super::template::{self, Content, fill};

/// The `application_name` of the program's PostgreSQL connections.
pub(crate) const NAME: &str = "passerelle_here";

/// A folder for the program, and a database.
pub(crate) struct Place {
    /// Holds the data folder, `data`.
    pub(crate) folder: TempDir,
    /// The URL of the database, as the tests reach it.
    pub(crate) url: String,
    database: Option<TestDatabase>,
}

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Place {
    /// A place with an empty, migrated database, or `None` if there is no PostgreSQL.
    pub(crate) async fn new(backend: Backend) -> Option<Self> {
        let folder = folder();
        let (url, database) = match backend {
            Backend::Sqlite => {
                std::fs::create_dir(folder.path().join("data")).expect("a folder");
                let file = folder.path().join("data/passerelle.db");
                template::sqlite(&file, Content::Empty).await;
                (format!("sqlite://{}", file.display()), None)
            }
            Backend::Postgres => {
                let database = postgres::database(Content::Empty).await?;
                (database.url.clone(), Some(database))
            }
        };
        Some(Self { folder, url, database })
    }

    /// A place with this empty database, which is migrated.
    pub(crate) async fn on(url: String) -> Self {
        fill(&url, Content::Empty).await;
        Self { folder: folder(), url, database: None }
    }

    /// A place with another folder, for an existing database or a copy of one.
    pub(crate) fn at(url: &str) -> Self {
        Self { folder: folder(), url: url.to_owned(), database: None }
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Backs up the database. The program must not run.
    pub(crate) async fn back_up(&self) {
        let Some(database) = &self.database else {
            // The last connection to close writes the log into the file.
            self.open().await.close().await;
            let copied = std::fs::copy(self.data().join("passerelle.db"), self.folder.path().join("backup"));
            copied.expect("the file is copied");
            return;
        };
        database.back_up().await;
    }

    /// Restores the backup. The program must not run.
    pub(crate) async fn restore(&self) {
        let Some(database) = &self.database else {
            for more in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(self.data().join(format!("passerelle.db{more}")));
            }
            let copied = std::fs::copy(self.folder.path().join("backup"), self.data().join("passerelle.db"));
            copied.expect("the file is put back");
            return;
        };
        database.restore().await;
    }

    /// Opens the database directly, without the program.
    pub(crate) async fn open(&self) -> Arc<Database> {
        Database::open(&self.url).await.expect("the database opens")
    }

    /// An API key that reads and writes in Wallonia. Registers these sources for it.
    pub(crate) async fn key(&self, sources: &[&str]) -> String {
        let app = App::new(self.open().await, Clock::System);
        for name in sources {
            source::add(&app, name, "wallonie").await.expect("a source");
        }
        let new = NewKey {
            name: "test".into(),
            region: "wallonie".into(),
            roles: vec![Role::Editor, Role::SyncPartner],
            expires_at: None,
        };
        let (_, secret) = api_key::create(&app, new, Maker::Operator).await.expect("a key");
        app.db.close().await;
        secret.expose_secret().to_owned()
    }

    /// A command of the program on its database.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_on(&self.url, arguments)
    }

    /// A command of the program on a database with this URL.
    pub(crate) fn command_on(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        // The name by which PostgreSQL shows the program's connections.
        let url = match url.split_once(':') {
            Some(("sqlite", _)) => url.to_owned(),
            _ if url.contains('?') => format!("{url}&application_name={NAME}"),
            _ => format!("{url}?application_name={NAME}"),
        };
        command.args(arguments).env("DATABASE_URL", url).env("ENCRYPTION_KEY", ENCRYPTION_KEY);
        command.env("RATE_LIMIT", "off").env("RUST_LOG", "warn");
        command
    }

    /// Starts the server. Its log is appended to a file.
    pub(crate) fn serve(&self) -> Running {
        self.serve_with(&self.url, &[])
    }

    /// Starts the server with further arguments, on a database with this URL.
    pub(crate) fn serve_with(&self, url: &str, arguments: &[&str]) -> Running {
        let log = self.folder.path().join("log");
        let arguments: Vec<&str> = ["serve"].iter().chain(arguments).copied().collect();
        Running::start_appending(&mut self.command_on(url, &arguments), &log)
    }

    /// Runs a command, which must succeed, and returns its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments).output().expect("the program runs");
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}");
        said
    }
}

/// An external system that calls a server.
#[derive(Clone, Debug)]
pub(crate) struct Partner {
    /// The base URL of the server.
    pub(crate) address: String,
    key: Option<String>,
    client: reqwest::Client,
    /// The codes of the errors received, with their counts.
    pub(crate) codes: Arc<Mutex<BTreeMap<String, u32>>>,
}

/// The mutation that pushes a batch.
pub(crate) const PUSH: &str = "mutation($input: PushRecordsInput!) { pushRecords(input: $input) { replayed
    results { index externalId status currentRevision record { id } userErrors { code reason message }
        conflict { baseRevision currentRevision differingFields submitted current { ... on Organization { name revision } } } }
    userErrors { code reason message retryAfterMs } } }";

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Partner {
    /// A client of this server with this API key, or anonymous.
    pub(crate) fn new(address: &str, key: Option<&str>) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(2)).build();
        Self {
            address: address.to_owned(),
            key: key.map(str::to_owned),
            client: client.expect("a client"),
            codes: Arc::default(),
        }
    }

    /// The same client for another server.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// The response to GET on a path.
    ///
    /// # Errors
    /// Fails where the server does not respond.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let request = self.client.get(format!("{}{path}", self.address));
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        request.send().await
    }

    /// The response to a document.
    ///
    /// # Errors
    /// Fails where there is no response, or an incomplete one.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> reqwest::Result<Value> {
        let request = self.client.post(format!("{}/graphql", self.address));
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let request = request.json(&json!({ "query": query, "variables": variables }));
        let answer: Value = request.send().await?.json().await?;
        for error in answer["errors"].as_array().into_iter().flatten() {
            let code = error["extensions"]["code"].as_str().unwrap_or("none").to_owned();
            *self.codes.lock().expect("no panic").entry(code).or_default() += 1;
        }
        Ok(answer)
    }

    /// The data of a document that must succeed without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await.expect("an answer");
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// The payload of a batch, or `None` if the request fails or has user errors.
    pub(crate) async fn try_push(&self, source: &str, key: &str, records: &[Value]) -> Option<Value> {
        let input = json!({"source": source, "idempotencyKey": key, "records": records});
        let mut answer = self.ask(PUSH, json!({ "input": input })).await.ok()?;
        let payload = answer["data"]["pushRecords"].take();
        (payload["userErrors"] == json!([])).then_some(payload)
    }

    /// The payload of a batch, which is sent again until it succeeds.
    pub(crate) async fn push(&self, source: &str, key: &str, records: &[Value]) -> Value {
        for _ in 0..600 {
            if let Some(payload) = self.try_push(source, key, records).await {
                return payload;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no push of {source} succeeds");
    }
}
