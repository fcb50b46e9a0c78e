//! `passerelle serve`.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, DatabaseName, Switch};
use crate::housekeeping;
use crate::schema;
use accounts::demo;
use clap::Args;
use directory::application::mail::reminder;
use directory::call_for_projects::turn;
use directory::registration::notice;
use directory::talent::{erasing, upkeep};
use exchange::import;
use exchange::push::Pushes;
use identity::traffic::Traffic;
use kernel::read::Waits;
use records::changes::continuity;
use records::changes::retention::Retention;
use records::erasure::settle::Erased;
use server::Settings;
use server::app::App;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, cannot_use, check_file, engine, identified, issuers, mailer, make_data_dir, open_with, smtp_url,
};

/// Time-out for closing the database.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Starts the server.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Loads the sample directory where the database is empty, and makes an account for each role and region where
    /// there is none
    #[arg(long)]
    demo: bool,

    /// Says that a planned failover of the database has lost nothing, so that the feed goes on
    #[arg(long)]
    feed_continues: bool,

    #[command(flatten)]
    pub(super) config: Config,
}

impl Serve {
    /// Runs the command until a signal stops it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = &self.config;
        let stop = stop_by_signal()?;
        let (_, name) = config.database().map_err(|error| Failure::usage(error.to_string()))?;
        let mail = mailer(config)?;
        let terms = config.profile_terms().map_err(|error| Failure::usage(error.to_string()))?;
        let issuers = issuers(config)?;
        let manifest = config.manifest().map_err(|error| Failure::usage(error.to_string()))?;
        make_data_dir(&config.data_dir)?;
        // Held until the process ends, in whatever way.
        let _lock = match &name {
            DatabaseName::Sqlite(file) => {
                check_file(file, config.database_url.is_some())?;
                Some(lock(file)?)
            }
            DatabaseName::Postgres(_) => None,
        };
        let waits = Waits::of_requests(config.requests.limits().time);
        let mut app = identified(config, open_with(config, waits).await?, issuers).await?;
        // Only a write shows whether the disk is full. Other failures are reported where they matter.
        if let Err(error) = app.db.try_writing().await {
            tracing::warn!(%error, "the start could not write to the database");
        }
        app.mail = mail;
        app.feed_public = config.feed_public == Switch::On;
        app.retention = Retention { superseded_days: config.log_days, tombstone_days: config.tombstone_days };
        app.sync.erasure_hours = config.erasure_hours;
        app.erasure_delay = config.erasure_delay;
        app.refresh_reuse = config.refresh_reuse_seconds;
        app.traffic = Traffic::new(config.limits());
        // Checked before anything else is written, because later writes belong to the new feed.
        let checked = continuity::check(&app, &config.data_dir, self.feed_continues).await;
        if let Some(why) = checked.map_err(|error| Failure::failed(error.to_string()))? {
            tracing::warn!(
                "a new feed begins, and its followers must load a snapshot, because {}",
                why.reason()
            );
        }
        app.pushes = Pushes::new((config.rate_limit == Switch::On).then_some(config.max_push_batches));
        let erased = Erased::replay(&app, &config.data_dir).await;
        let erased = erased.map_err(|error| Failure::failed(error.to_string()))?;
        let engine = engine(config)?;
        let searched = engine.name();
        let (app, following) = app.with_search(engine);
        let settings = Settings {
            graphiql: config.graphiql == Switch::On,
            introspection: config.introspection == Switch::On,
            limits: config.requests.limits(),
            capacity: config.requests.capacity(),
            socket: config.requests.socket(),
            trust: config.documents,
            manifest,
            origins: config.origins(),
            https_only: config.public_url.as_ref().is_some_and(|url| url.scheme() == "https"),
            trusted_proxies: config.trusted_proxies.clone(),
            metrics_from: config.metrics_from.clone(),
            ..Settings::default()
        };
        let server = schema::bind(app.clone(), config.listen_addr, settings).await;
        let server = server.map_err(|error| cannot_listen(config, &error))?;
        // Logged late, so that a failed start prints only its error.
        if smtp_url(config).is_none() && matches!(name, DatabaseName::Postgres(_)) {
            tracing::warn!(
                "SMTP_URL is not set: mails are written as files in the data folder, and not sent"
            );
        }
        following.start(&app, stop.clone());
        erased.start(&app, stop.clone());
        continuity::start(&app, &config.data_dir, stop.clone());
        housekeeping::start(&app, stop.clone());
        app.mail.start(&app, stop.clone());
        upkeep::start(&app, terms, stop.clone());
        erasing::start(&app, stop.clone());
        reminder::start(&app, stop.clone());
        turn::start(&app, stop.clone());
        notice::start(&app, stop.clone());
        let sample = if self.demo {
            let loaded = import::sample::load(&app).await;
            let loaded = match loaded.map_err(|error| {
                Failure::failed(format!("the sample directory could not be loaded: {error}"))
            })? {
                Some(records) => format!(", with {records} records of the sample directory loaded"),
                None => ", without the sample directory, as there are records already".into(),
            };
            loaded + &demo_accounts(&app, config).await?
        } else {
            String::new()
        };
        let address = server.address().map_err(|error| cannot_listen(config, &error))?;
        let limits = match app.db.writing().fault() {
            Some(fault) => format!("; it is read-only for now, because {fault}"),
            None => String::new(),
        };
        println!(
            "Passerelle listens on http://{address}/graphql, on the database {name}, searched with {searched}{sample}{limits}."
        );
        let ended = server.serve(stop).await;
        // A running statement must not delay the exit. Nothing is lost with it.
        if tokio::time::timeout(CLOSE_TIME, app.db.close()).await.is_err() {
            tracing::warn!("the database was still busy when the program stopped");
        }
        ended.map_err(|error| Failure::failed(format!("the server stopped: {error}")))
    }
}

/// Creates the demo accounts. Returns what the start message says about them.
async fn demo_accounts(app: &App, config: &Config) -> Result<String, Failure> {
    let made = demo::make(app, &config.data_dir).await;
    let made =
        made.map_err(|error| Failure::failed(format!("the demo accounts could not be made: {error}")))?;
    Ok(match made {
        Some(file) => {
            format!(
                "; accounts for each role and region are made, with their passwords in {}",
                file.display()
            )
        }
        None => "; no demo accounts are made, as there are accounts already".into(),
    })
}

/// Locks the database file for this process: only one server may use a SQLite database.
fn lock(database: &Path) -> Result<File, Failure> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| cannot_use(folder, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(format!(
            "another `passerelle serve` uses the database `{}`: stop it, or set DATA_DIR or DATABASE_URL to another one",
            database.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot_use(folder, &error)),
    }
}

fn cannot_listen(config: &Config, error: &std::io::Error) -> Failure {
    let address = config.listen_addr;
    Failure::failed(match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "the address {address} is in use: stop the other program, or set LISTEN_ADDR to another port"
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!(
                "{} is not an address of this machine: set LISTEN_ADDR to one that is, or to 0.0.0.0",
                address.ip()
            )
        }
        ErrorKind::PermissionDenied => {
            format!("the address {address} may not be used: set LISTEN_ADDR to a port of 1024 or above")
        }
        _ => format!("the server cannot listen on {address}: {error}"),
    })
}

/// A token that is cancelled when the process is asked to stop.
fn stop_by_signal() -> Result<CancellationToken, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::failed(format!("signals cannot be received: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        cancel.cancel();
    });
    Ok(stop)
}
