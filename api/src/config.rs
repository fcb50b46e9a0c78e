//! All settings: flags and environment variables, checked before anything starts.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, value_parser};
use ipnet::IpNet;
use lettre::message::Mailbox;
use secrecy::SecretString;
use url::{Origin, Url};

use directory::talent::erasing::Delay;
use directory::talent::upkeep::{Term, Terms};
use exchange::push::BATCHES_PER_MINUTE;
use exchange::sync::ERASURE_HOURS;
use identity::session::REUSE_SECONDS;
use identity::traffic::Limits;
use kernel::value::EmailAddress;
use server::telemetry::LogFormat;
use server::{Manifest, Trust};

mod limits;

pub use limits::RequestLimits;

/// A switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// The settings. Each is a flag, or an environment variable of the same name in capitals.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The database: `sqlite://path` or `postgres://user:password@host/name` [default: passerelle.db in the data
    /// folder]
    #[arg(long, env, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// Folder for what the program keeps in files; it is made where it is missing
    #[arg(long, env, default_value = "data", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// Address of a Meilisearch that searches: `http://host:7700` [default: an index of its own in the data folder]
    #[arg(long, env, value_name = "URL", value_parser = meili_url)]
    pub meili_url: Option<Url>,

    /// Key of Meilisearch that may search and change the indexes of `MEILI_INDEX`
    #[arg(long, env, hide_env_values = true, value_name = "KEY")]
    pub meili_api_key: Option<String>,

    /// What the names of the indexes in Meilisearch begin with
    #[arg(long, env, default_value = "passerelle", value_name = "PREFIX", value_parser = meili_index)]
    pub meili_index: String,

    /// Address and port to listen on
    #[arg(long, env, default_value = "127.0.0.1:8000", value_name = "ADDRESS:PORT", value_parser = address)]
    pub listen_addr: SocketAddr,

    /// How log lines look
    #[arg(long, env, default_value = "pretty", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Collector of OpenTelemetry that traces are sent to, over HTTP as protobuf: `http://collector:4318` [default: none,
    /// and nothing is traced]
    #[arg(long, env, value_name = "URL")]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// Addresses or networks, separated by commas, that may read /metrics [default: none, only administrators of the
    /// instance with their token]
    #[arg(long, env, value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub metrics_from: Vec<IpNet>,

    /// What is logged, as a filter of the crate `tracing`: `info`, `warn,passerelle=debug`
    #[arg(long, env, default_value = "info,sqlx=warn,sea_orm_migration=warn", value_name = "FILTER")]
    pub rust_log: String,

    /// Address under which the world reaches this instance: `https://directory.example`; issuer of its access tokens
    #[arg(long, env, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<Url>,

    /// Encrypts secrets in the database: 32 bytes in base 64 [default: the file encryption.key in the data folder,
    /// made where it is missing]
    #[arg(long, env, hide_env_values = true, value_name = "KEY", value_parser = secret)]
    pub encryption_key: Option<SecretString>,

    /// Mail server: `smtps://user:password@mail.example`, or `smtp://mail.example:587?tls=required` for STARTTLS
    /// [default: mails are written as files in the folder mail of the data folder]
    #[arg(long, env, hide_env_values = true, value_name = "URL", value_parser = secret)]
    pub smtp_url: Option<SecretString>,

    /// Who sends mails: `Directory <noreply@directory.example>`; needed with `SMTP_URL`
    #[arg(long, env, value_name = "ADDRESS", value_parser = mailbox)]
    pub mail_from: Option<Mailbox>,

    /// Page of the frontend that links in mails lead to; it finds a token behind the `#` [default: /account below
    /// `PUBLIC_URL`]
    #[arg(long, env, value_name = "URL", value_parser = public_url)]
    pub link_url: Option<Url>,

    /// After how long a profile is hidden that is shown with consent and that nobody has confirmed: months or days
    #[arg(long, env, default_value = "13 months", value_name = "TIME")]
    pub profile_hide_after: Term,

    /// After how long it is erased
    #[arg(long, env, default_value = "24 months", value_name = "TIME")]
    pub profile_erase_after: Term,

    /// How long before each the person is warned by mail
    #[arg(long, env, default_value = "30 days", value_name = "TIME")]
    pub profile_warn_before: Term,

    /// How long an erasure waits that `eraseTalent` asks for, so that the person can stop it: months or days, `0 days` for
    /// not at all
    #[arg(long, env, default_value = "3 days", value_name = "TIME")]
    pub erasure_delay: Delay,

    /// File with the OpenID Connect issuers whose tokens are accepted: a JSON list, see docs/operators.md
    #[arg(long, env, value_name = "FILE")]
    pub oidc_issuers: Option<PathBuf>,

    /// Addresses or networks of proxies, separated by commas, whose header X-Forwarded-For is believed
    #[arg(long, env, value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Origins of other sites, separated by commas, whose pages may read answers and open a WebSocket:
    /// `https://app.example`
    #[arg(long, env, value_name = "ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<Url>,

    /// Which documents are executed: all, all with those in the log that are not in the manifest, or those of the
    /// manifest alone
    #[arg(long, env, default_value = "open", value_name = "MODE")]
    pub documents: Trust,

    /// File with the documents that clients send as `documentId`, as graphql-codegen, Relay or Apollo write it; it is read
    /// again when it changes
    #[arg(long, env, value_name = "FILE")]
    pub documents_manifest: Option<PathBuf>,

    /// Whether it is counted how often clients try to sign in, and how much they ask for
    #[arg(long, env, default_value = "on", value_name = "SWITCH")]
    pub rate_limit: Switch,

    /// Whether whoever does not sign in may follow the changes of what everyone sees
    #[arg(long, env, default_value = "on", value_name = "SWITCH")]
    pub feed_public: Switch,

    /// Days for which changes are kept in the log that newer ones stand for
    #[arg(long, env, default_value_t = 7, value_name = "DAYS", value_parser = value_parser!(u32).range(1..))]
    pub log_days: u32,

    /// Days for which the log tells what is gone: whoever follows it less often has to load a snapshot
    #[arg(long, env, default_value_t = 180, value_name = "DAYS", value_parser = value_parser!(u32).range(30..))]
    pub tombstone_days: u32,

    /// Hours within which all who follow must have taken what was erased; later it is an alarm in the log and in
    /// `syncStatus`
    #[arg(long, env, default_value_t = ERASURE_HOURS, value_name = "HOURS", value_parser = value_parser!(u32).range(1..))]
    pub erasure_hours: u32,

    /// Seconds after its first use in which a refresh token is accepted again, as parallel requests of one page send it
    #[arg(long, env, default_value_t = REUSE_SECONDS, value_name = "SECONDS", value_parser = value_parser!(u32).range(0..=300))]
    pub refresh_reuse_seconds: u32,

    /// Points of operations that a client may ask for in a minute who is signed in, by `@cost` and `@listSize` of the
    /// schema, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().points, value_name = "POINTS", value_parser = value_parser!(u32).range(POINTS))]
    pub max_points: u32,

    /// The same for an address from which nobody is signed in
    #[arg(long, env, default_value_t = Limits::default().anonymous_points, value_name = "POINTS", value_parser = value_parser!(u32).range(POINTS))]
    pub max_anonymous_points: u32,

    /// Searches of a client in a minute, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().searches, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_searches: u32,

    /// Exports of `myDataExport` of a client in an hour, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().exports, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_exports: u32,

    /// Pages of `changes` that a client may ask for in a minute, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().feed_requests, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_feed_requests: u32,

    /// Subscriptions of `changes` that a client may have at once, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().streams, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_feed_streams: u32,

    /// Subscriptions of `recordChanged` that a client may have at once, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().watches, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_record_streams: u32,

    /// Calendars that a client may ask for in an hour, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().calendars, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_calendars: u32,

    /// Snapshots that a client may begin in an hour, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = Limits::default().snapshots, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_snapshots: u32,

    /// Batches that a client may push in a minute, unless nothing is counted with `RATE_LIMIT=off`
    #[arg(long, env, default_value_t = BATCHES_PER_MINUTE, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_push_batches: u32,

    /// How much a request may ask for.
    #[command(flatten)]
    pub requests: RequestLimits,

    /// GraphiQL for browsers at /graphql
    #[arg(long, env, default_value = "on", value_name = "SWITCH")]
    pub graphiql: Switch,

    /// Whether the API answers questions about its schema
    #[arg(long, env, default_value = "on", value_name = "SWITCH")]
    pub introspection: Switch,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "it must be an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000".to_owned())
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("it must be an address such as https://directory.example")?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("it must be an address without a password, a `?` or a `#`".into());
    }
    Ok(url)
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || "it must be an address such as `Directory <noreply@directory.example>`".to_owned();
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
    // This program's own rules are stricter.
    let _: EmailAddress = mailbox.email.to_string().parse().map_err(|_| wrong())?;
    Ok(mailbox)
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a parser of values")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.to_owned().into())
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| one())
        .map_err(|_| "it must be an address or a network such as 10.0.0.0/8".to_owned())
}

fn origin(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // A URL with a path is refused, because only its origin would count.
    url.filter(|url| url.as_str() == format!("{}/", url.origin().ascii_serialization()))
        .ok_or_else(|| "it must be an origin such as https://app.example, without a path".to_owned())
}

fn meili_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("it must be an address such as http://127.0.0.1:7700")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(
            "it must be an address without a password or a `?`: the key goes into MEILI_API_KEY".into()
        );
    }
    Ok(url)
}

fn meili_index(text: &str) -> Result<String, String> {
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.is_empty() || text.len() > 200 || !text.chars().all(right) {
        return Err("it must be letters, digits, `-` and `_`, 200 at most".into());
    }
    Ok(text.to_owned())
}

/// The name of a database for display, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseName {
    /// A file.
    Sqlite(PathBuf),
    /// A server, without the password.
    Postgres(String),
}

impl std::fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite {}", path.display()),
            Self::Postgres(server) => write!(f, "PostgreSQL {server}"),
        }
    }
}

/// The allowed range of points in a minute. A bucket cannot refill faster than one point a microsecond.
const POINTS: std::ops::RangeInclusive<i64> = 1..=60_000_000;

/// A setting that is invalid in itself.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongSetting(String);

impl Config {
    /// The manifest of trusted documents.
    ///
    /// # Errors
    /// Fails where the file cannot be read, or is not set although `DOCUMENTS` is `prefer` or `only`.
    pub fn manifest(&self) -> Result<Option<Manifest>, WrongSetting> {
        match &self.documents_manifest {
            Some(path) => {
                let manifest = Manifest::read(path);
                manifest.map(Some).map_err(|error| WrongSetting(format!("DOCUMENTS_MANIFEST: {error}")))
            }
            None if self.documents == Trust::Open => Ok(None),
            None => Err(WrongSetting(
                "DOCUMENTS=prefer and DOCUMENTS=only need a DOCUMENTS_MANIFEST: the file with the documents"
                    .into(),
            )),
        }
    }

    /// The limits of clients; `None` where they are off.
    pub fn limits(&self) -> Option<Limits> {
        (self.rate_limit == Switch::On).then_some(Limits {
            points: self.max_points,
            anonymous_points: self.max_anonymous_points,
            searches: self.max_searches,
            exports: self.max_exports,
            feed_requests: self.max_feed_requests,
            streams: self.max_feed_streams,
            watches: self.max_record_streams,
            calendars: self.max_calendars,
            snapshots: self.max_snapshots,
        })
    }

    /// The times after which unconfirmed profiles are hidden and erased.
    ///
    /// # Errors
    /// Fails where one of these times does not fit the others.
    pub fn profile_terms(&self) -> Result<Terms, WrongSetting> {
        Terms::new(self.profile_hide_after, self.profile_erase_after, self.profile_warn_before)
            .map_err(WrongSetting)
    }

    /// The URL of the trace collector. An empty setting counts as not set.
    ///
    /// # Errors
    /// Fails where it is not an HTTP URL.
    pub fn collector(&self) -> Result<Option<Url>, WrongSetting> {
        let Some(text) = self.otel_exporter_otlp_endpoint.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let message = "OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://127.0.0.1:4318";
        url.map(Some).ok_or_else(|| WrongSetting(message.into()))
    }

    /// The origins whose pages may read responses and open sockets, besides the origin of the request itself.
    /// `PUBLIC_URL` is one of them, because a proxy may have changed the host name.
    pub fn origins(&self) -> Vec<Origin> {
        self.cors_origins.iter().chain(&self.public_url).map(Url::origin).collect()
    }

    /// The URL of the database, and its name for display.
    ///
    /// # Errors
    /// Fails where the URL is neither of SQLite nor of PostgreSQL, or the path of the data folder is not UTF-8.
    pub fn database(&self) -> Result<(String, DatabaseName), WrongSetting> {
        let Some(url) = &self.database_url else {
            let path = self.data_dir.join("passerelle.db");
            let text = path.to_str().ok_or_else(|| {
                let shown = self.data_dir.display();
                WrongSetting(format!(
                    "DATA_DIR `{shown}` is not UTF-8: choose another folder, or set DATABASE_URL"
                ))
            })?;
            // The driver percent-decodes the path.
            let url = format!("sqlite://{}", text.replace('%', "%25").replace('?', "%3F"));
            return Ok((url, DatabaseName::Sqlite(path)));
        };
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let path = path.split('?').next().unwrap_or_default();
            if path.is_empty() || path.starts_with(":memory:") || rest.contains("mode=memory") {
                let message = "DATABASE_URL names no file: write `sqlite://folder/file.db` (a database in memory would \
                               be lost, and is not served)";
                return Err(WrongSetting(message.into()));
            }
            return Ok((url.clone(), DatabaseName::Sqlite(decoded(path))));
        }
        let wrong = || {
            WrongSetting(
                "DATABASE_URL is neither `sqlite://path` nor `postgres://user:password@host:5432/name`; letters such \
                 as @ : / in the password are written as %40 %3A %2F"
                    .into(),
            )
        };
        let parsed = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(wrong());
        }
        let user =
            if parsed.username().is_empty() { String::new() } else { format!("{}@", parsed.username()) };
        let port = parsed.port().unwrap_or(5432);
        let host = parsed.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
        Ok((url.clone(), DatabaseName::Postgres(format!("{user}{host}:{port}{}", parsed.path()))))
    }
}

/// Decodes the path in a URL as the driver does.
fn decoded(path: &str) -> PathBuf {
    // A form decoder also decodes `+` and `&`, which a path may contain: they are escaped.
    let pairs = format!("p={}", path.replace('+', "%2B").replace('&', "%26"));
    let path = url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, path)| path.into_owned());
    Path::new(&path.unwrap_or_default()).to_path_buf()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        config: Config,
    }

    fn database(arguments: &[&str]) -> Result<(String, DatabaseName), WrongSetting> {
        let arguments = ["passerelle"].iter().chain(arguments);
        Only::parse_from(arguments).config.database()
    }

    #[test]
    fn the_default_is_a_file_in_the_data_folder() {
        let (url, name) = database(&["--data-dir", "a?b%"]).unwrap();
        assert_eq!(url, "sqlite://a%3Fb%25/passerelle.db");
        assert_eq!(name, DatabaseName::Sqlite("a?b%/passerelle.db".into()));
    }

    #[test]
    fn passwords_are_not_shown() {
        let (_, name) =
            database(&["--database-url", "postgres://me:s3cret@db.example/dir?sslmode=require"]).unwrap();
        assert_eq!(name.to_string(), "PostgreSQL me@db.example:5432/dir");
    }

    #[test]
    fn an_engine_has_an_address_without_secrets() {
        let parsed = |arguments: &[&str]| {
            Only::try_parse_from(["passerelle"].iter().chain(arguments)).map(|only| only.config)
        };
        let config = parsed(&["--meili-url", "https://search.example/a/"]).unwrap();
        assert_eq!(config.meili_url.unwrap().as_str(), "https://search.example/a/");
        for wrong in ["search.example", "ftp://x", "http://u:p@x", "http://x?key=1", "http://"] {
            assert!(parsed(&["--meili-url", wrong]).is_err(), "{wrong}");
        }
        for wrong in ["", "a b", "a/b", "é", &"a".repeat(201)] {
            assert!(parsed(&["--meili-index", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        let parsed = |text: &str| {
            Only::try_parse_from([
                "passerelle",
                "--public-url",
                "https://directory.example/x",
                "--cors-origins",
                text,
            ])
            .map(|only| only.config.origins())
        };
        let origins = parsed("https://app.example, http://localhost:3000/").unwrap();
        let origins: Vec<String> = origins.iter().map(Origin::ascii_serialization).collect();
        assert_eq!(origins, ["https://app.example", "http://localhost:3000", "https://directory.example"]);
        for wrong in
            ["", "*", "null", "app.example", "https://app.example/a", "https://u:p@app.example", "file:///x"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mails_come_from_one_address() {
        let parsed = |from: &str| Only::try_parse_from(["passerelle", "--mail-from", from]);
        for right in ["noreply@directory.example", "Pôle image <noreply@directory.example>"] {
            assert!(parsed(right).is_ok(), "{right}");
        }
        for wrong in
            ["", "noreply", "a@x.example, b@x.example", "a@x.example\nBcc: b@x.example", "<@x.example>"]
        {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn profiles_are_warned_hidden_and_erased_in_this_order() {
        let terms = |more: &[&str]| {
            let parsed = Only::try_parse_from(["passerelle"].iter().chain(more));
            parsed
                .map_err(|error| error.to_string())
                .and_then(|only| only.config.profile_terms().map_err(|e| e.to_string()))
        };
        assert_eq!(terms(&[]), Ok(Terms::default()));
        assert!(terms(&["--profile-hide-after", "90 days", "--profile-erase-after", "6 months"]).is_ok());
        for wrong in [
            "--profile-hide-after=25 months",
            "--profile-erase-after=13 months",
            "--profile-warn-before=1 year",
            "--profile-warn-before=12 months",
        ] {
            assert!(terms(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_database_is_refused() {
        for url in
            ["mysql://x/y", "passerelle.db", "sqlite://", "sqlite::memory:", "postgres://u:p@ss:word@h/x/"]
        {
            let refused = database(&["--database-url", url]);
            assert!(refused.is_err() || url.starts_with("postgres"), "{url}");
        }
        let (_, name) = database(&["--database-url", "sqlite://a%20b+c.db?mode=rwc"]).unwrap();
        assert_eq!(name, DatabaseName::Sqlite("a b+c.db".into()));
    }
}
