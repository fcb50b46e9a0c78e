//! The commands of the command line, and their failures.
//!
//! A command that fails prints one line with the problem and the remedy. Its exit code is 1, or 2 for wrong usage.

use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::io::ErrorKind as Io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{Config, DatabaseName, Switch};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use identity;
use identity::mail::{self, Mailer};
use identity::oidc::{self, Issuers};
use index::embedded::Embedded;
use index::engine::Engine;
use index::meilisearch::{Meilisearch, Options};
use kernel::clock::Clock;
use kernel::encryption::EncryptionKey;
use kernel::private;
use kernel::read::{Database, Fault, Waits};
use records::changes::continuity;
use records::migrations::{self, Layout};
use sea_orm::DbErr;
use secrecy::{ExposeSecret as _, SecretString};
use server::app::App;
use server::telemetry::{self, Telemetry};
use url::Url;

mod account;
mod api_key;
mod export;
mod feed;
mod import;
mod key;
mod migrate;
mod reindex;
mod schema;
mod serve;
mod source;

/// Stack size of each worker thread, in bytes. Responses are nested as deeply as their documents.
const STACK: usize = 8 * 1024 * 1024;

/// A headless GraphQL API for a cross-border directory of the image industry.
#[derive(Debug, Parser)]
#[command(name = "passerelle", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the server
    Serve(serve::Serve),
    /// Brings the database to the layout of this program, and ends
    Migrate(migrate::Migrate),
    /// Prints the GraphQL schema
    Schema,
    Import(import::Import),
    Export(export::Export),
    Reindex(reindex::Reindex),
    Source(source::Source),
    Account(account::Account),
    ApiKey(api_key::ApiKey),
    Key(key::Key),
    Feed(feed::Feed),
}

/// The failure of a command.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// A failure while the command runs.
    fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// Wrong usage of the command.
    fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }
}

/// Runs the command of the command line.
pub fn run() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => execute(cli.command),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // If the help cannot be printed, neither can an error.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(Failure::usage(usage(&error))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", one_line(&failure.message));
            ExitCode::from(failure.code)
        }
    }
}

/// The message of clap, without the parts that repeat `--help`.
fn usage(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "say what to do: `passerelle serve` starts the server, `passerelle --help` lists the commands".into();
    }
    let text = error.to_string();
    let told = text.split("\n\nUsage:").next().unwrap_or_default();
    let told = told.split("\n\nFor more information").next().unwrap_or_default();
    let told = told.trim().strip_prefix("error: ").unwrap_or(told);
    format!("{}; see `passerelle --help`", one_line(told))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => {
            let collector = serve.config.collector().map_err(|error| Failure::usage(error.to_string()))?;
            let Config { rust_log, log_format, .. } = &serve.config;
            let telemetry = Telemetry::start(rust_log, *log_format, collector.as_ref());
            let telemetry = telemetry.map_err(Failure::usage)?;
            let done = block_on(serve.run());
            telemetry.end();
            done
        }
        Command::Migrate(migrate) => {
            log(&migrate.config)?;
            block_on(migrate.run())
        }
        Command::Schema => schema::run(),
        Command::Import(import) => {
            log(&import.config)?;
            block_on(import.run())
        }
        Command::Export(export) => {
            log(&export.config)?;
            block_on(export.run())
        }
        Command::Reindex(reindex) => {
            log(&reindex.config)?;
            block_on(reindex.run())
        }
        Command::Source(source) => {
            log(source.config())?;
            block_on(source.run())
        }
        Command::Account(account) => {
            log(account.config())?;
            block_on(account.run())
        }
        Command::ApiKey(key) => {
            log(key.config())?;
            block_on(key.run())
        }
        Command::Key(key) => {
            log(key.config())?;
            block_on(key.run())
        }
        Command::Feed(feed) => {
            log(feed.config())?;
            block_on(feed.run())
        }
    }
}

/// Runs an asynchronous command.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let runtime =
        runtime.map_err(|error| Failure::failed(format!("no threads could be started: {error}")))?;
    let done = runtime.block_on(command);
    // Tasks that still run had their time to end.
    runtime.shutdown_background();
    done
}

/// Starts logging to standard error.
fn log(config: &Config) -> Result<(), Failure> {
    telemetry::log(&config.rust_log, config.log_format).map_err(Failure::usage)
}

/// An open database with the layout of this program.
#[derive(Debug)]
struct Opened {
    app: App,
    name: DatabaseName,
}

/// Opens the configured database with the long time-outs of commands, and migrates it.
async fn open(config: &Config) -> Result<Opened, Failure> {
    open_with(config, Waits::of_commands()).await
}

/// Opens the configured database with these time-outs, and migrates it.
async fn open_with(config: &Config, waits: Waits) -> Result<Opened, Failure> {
    let (url, name) = config.database().map_err(|error| Failure::usage(error.to_string()))?;
    if let DatabaseName::Sqlite(path) = &name {
        check_file(path, config.database_url.is_some())?;
        check_content(path, &config.data_dir)?;
        protect(path)?;
    }
    let broken = |error: &DbErr| Failure::failed(unusable(&name, error));
    let db = Database::open_with(&url, waits).await.map_err(|error| broken(&error))?;
    if let Layout::Newer(steps) = migrations::layout(&db).await.map_err(|error| broken(&error))? {
        return Err(Failure::failed(format!(
            "the database ({name}) was changed by a newer version of Passerelle ({}): run that version, or restore \
             a copy from before",
            steps.join(", ")
        )));
    }
    if migrations::commits_are_unsafe(&db).await.map_err(|error| broken(&error))? {
        return Err(Failure::failed(format!(
            "the database ({name}) has synchronous_commit = off, with which accepted changes can be lost: set it to \
             `on` for this database or user"
        )));
    }
    migrations::run(&db, directory::finish).await.map_err(|error| broken(&error))?;
    Ok(Opened { app: App::new(db, Clock::System), name })
}

/// The key that encrypts secrets in the database.
fn encryption_key(config: &Config, name: &DatabaseName) -> Result<EncryptionKey, Failure> {
    // An empty setting counts as not set.
    if let Some(key) = config.encryption_key.as_ref().filter(|key| !key.expose_secret().is_empty()) {
        let parsed = EncryptionKey::parse("ENCRYPTION_KEY", key);
        return parsed.map_err(|error| Failure::usage(error.to_string()));
    }
    if matches!(name, DatabaseName::Postgres(_)) {
        tracing::warn!(
            "ENCRYPTION_KEY is not set: the key in the data folder is used, which other servers on this database do \
             not have"
        );
    }
    EncryptionKey::of_folder(&config.data_dir).map_err(|error| Failure::failed(error.to_string()))
}

/// Reads the issuers from the configured file.
fn issuers(config: &Config) -> Result<Issuers, Failure> {
    // An empty setting counts as not set.
    let path = config.oidc_issuers.as_ref().filter(|path| !path.as_os_str().is_empty());
    let Some(path) = path else { return Ok(Issuers::default()) };
    let all = oidc::settings::read(path, config.public_url.as_ref());
    let all = all.map_err(|wrong| Failure::usage(wrong.to_string()))?;
    Issuers::new(all, oidc::fetch::TIME).map_err(Failure::failed)
}

/// Enables signing in to the app, and accepts the tokens of these issuers.
async fn identified(
    config: &Config,
    Opened { mut app, name }: Opened,
    issuers: Issuers,
) -> Result<App, Failure> {
    let options = identity::Options {
        encryption_key: encryption_key(config, &name)?,
        public_url: config.public_url.clone(),
        rate_limit: config.rate_limit == Switch::On,
        issuers,
    };
    let identity = identity::open(app.identity, options).await;
    app.identity = identity.map_err(|error| Failure::failed(error.to_string()))?;
    app.identity.public_url = Some(public_url(config)?);
    Ok(app)
}

/// The address under which clients reach the program: where none is set, the one that it listens on.
fn public_url(config: &Config) -> Result<Url, Failure> {
    match &config.public_url {
        Some(url) => Ok(url.clone()),
        None => Url::parse(&format!("http://{}", config.listen_addr))
            .map_err(|error| Failure::failed(format!("LISTEN_ADDR is no address of a page: {error}"))),
    }
}

/// The configured mail server. An empty setting counts as not set.
fn smtp_url(config: &Config) -> Option<SecretString> {
    config.smtp_url.clone().filter(|url| !url.expose_secret().is_empty())
}

/// The configured mailer. It does not connect yet, so that the start does not wait for the mail server.
fn mailer(config: &Config) -> Result<Mailer, Failure> {
    let smtp_url = smtp_url(config);
    let public_url = public_url(config)?;
    let options = mail::Options {
        smtp_url,
        from: config.mail_from.clone(),
        link_url: config.link_url.clone(),
        public_url,
        data_dir: config.data_dir.clone(),
    };
    Mailer::new(options).map_err(Failure::usage)
}

/// The configured search engine. It does not connect yet, so that the start does not wait for it.
fn engine(config: &Config) -> Result<Arc<dyn Engine>, Failure> {
    let Some(url) = &config.meili_url else {
        let folder = config.data_dir.join("search");
        // Without access to the folder, other users cannot read its files. The writer of the index reports a path
        // that is not a folder.
        if !folder.exists() {
            make_data_dir(&folder)?;
        }
        if folder.is_dir() {
            close_to_others(&folder, 0o700)?;
        }
        return Ok(Arc::new(Embedded::new(folder)));
    };
    let options = Options::new(url.clone(), config.meili_api_key.clone(), &config.meili_index);
    Ok(Arc::new(Meilisearch::new(&options).map_err(Failure::usage)?))
}

/// Checks the path of the SQLite file, because SQLite itself only reports "unable to open".
fn check_file(path: &Path, chosen: bool) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if chosen && !folder.is_dir() {
        return Err(Failure::failed(format!(
            "the folder `{}` of DATABASE_URL does not exist: create it, or choose another",
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(Failure::failed(format!(
            "the database `{}` is a folder: name a file in DATABASE_URL",
            path.display()
        )));
    }
    Ok(())
}

/// Refuses an empty database file if another database was used with the data folder before.
fn check_content(database: &Path, data_dir: &Path) -> Result<(), Failure> {
    let is_empty = fs::metadata(database).is_ok_and(|about| about.len() == 0);
    if is_empty && continuity::is_marked(data_dir) {
        return Err(Failure::failed(format!(
            "the database `{}` has 0 bytes, but another was used with the data folder `{}`: restore a copy, or, to begin \
             with an empty directory, delete the empty file and `{}`",
            database.display(),
            data_dir.display(),
            continuity::marker(data_dir).display(),
        )));
    }
    Ok(())
}

/// Makes the database file readable by its owner only, whatever the permissions of its folder. SQLite creates the
/// files beside it with the same permissions.
fn protect(database: &Path) -> Result<(), Failure> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(database);
    if let Err(error) = made
        && error.kind() != Io::AlreadyExists
    {
        return Err(Failure::failed(format!(
            "`{}` cannot be made: {error}; check the permissions of its folder",
            database.display()
        )));
    }
    for beside in ["", "-wal", "-shm", "-journal", ".lock"] {
        let mut path = database.as_os_str().to_owned();
        path.push(beside);
        close_to_others(Path::new(&path), 0o600)?;
    }
    Ok(())
}

/// Removes the permissions of group and others from a file or folder, if it exists.
fn close_to_others(path: &Path, mode: u32) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!(
            "others can read `{}`, which holds personal data, and that cannot be changed ({error}): run chmod {mode:o}, as \
             its owner",
            path.display()
        ))
    };
    match fs::metadata(path) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            tracing::debug!(path = %path.display(), "others could read this; their permissions were removed");
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)
        }
        Err(error) if error.kind() != Io::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Describes why a database cannot be used, and the remedy.
fn unusable(name: &DatabaseName, error: &DbErr) -> String {
    let text = error.to_string();
    match name {
        DatabaseName::Sqlite(path) => {
            let path = path.display();
            if text.contains("not a database") || text.contains("malformed") {
                return format!(
                    "`{path}` is not a SQLite database, or is damaged: restore a copy, move it away to begin anew, or \
                     choose another with DATABASE_URL ({text})"
                );
            }
            if text.contains("unable to open") || text.contains("readonly") || text.contains("denied") {
                return format!(
                    "`{path}` cannot be opened for writing: check the permissions of the file and its folder ({text})"
                );
            }
            if let Some(fault) = Fault::of(error) {
                return format!("the database `{path}` cannot be used, because {fault} ({text})");
            }
            format!("the database `{path}` cannot be used: {text}")
        }
        DatabaseName::Postgres(server) => {
            let unreachable = matches!(error, DbErr::ConnectionAcquire(_)) || text.contains("onnection");
            if unreachable {
                return format!(
                    "PostgreSQL at {server} does not answer: start it, or correct DATABASE_URL ({text})"
                );
            }
            format!("the database at {server} cannot be used: {text}")
        }
    }
}

/// Creates the data folder if it is missing.
fn make_data_dir(folder: &Path) -> Result<(), Failure> {
    // It holds personal data, so that only its owner may enter it. An existing folder is not changed.
    private::make_folder(folder).map_err(|error| cannot_use(folder, &error))
}

fn cannot_use(folder: &Path, error: &dyn Display) -> Failure {
    Failure::failed(format!(
        "the data folder `{}` cannot be used: {error}; set DATA_DIR to a folder that may be written",
        folder.display()
    ))
}
