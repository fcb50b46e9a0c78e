//! The identity of callers: accounts, sessions, access tokens, API keys, roles.
//!
//! A request carries a bearer token: an access token of a session, an API key, or a token of another issuer
//! ([`oidc`]). [`caller`] turns it into a caller with their rights. An invalid token is refused; it is never treated
//! as anonymous. Roles are read from the database and cached for a few seconds (see [`caller::Callers`]); our access
//! tokens contain no roles.
//!
//! Secrets have types of the crate `secrecy`, which print nothing, from the request until they are hashed.

use std::sync::Arc;

use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, SqlErr};
use tracing::Instrument as _;
use url::Url;

use crate::app::App;
use crate::record::error::DomainError;

pub mod account;
pub mod administration;
pub mod api_key;
pub mod caller;
pub mod crypto;
pub mod demo;
pub mod encryption;
pub mod export;
pub mod graphql;
pub mod invitation;
pub mod oidc;
pub mod one_time;
pub mod password;
pub mod presence;
pub mod recovery;
pub mod role;
pub mod secret;
pub mod session;
pub mod signing;
pub mod throttle;

use caller::Callers;
use encryption::EncryptionKey;
use oidc::Issuers;
use password::Hashing;
use signing::Signing;
use throttle::Throttles;

/// The options of [`open`].
#[derive(Debug)]
pub struct Options {
    /// Encrypts the secrets in the database.
    pub encryption_key: EncryptionKey,
    /// Public URL of this instance, and issuer of its tokens. Without it, the issuer is the instance's id.
    pub public_url: Option<Url>,
    /// Whether sign-ins, refreshes and mails are rate-limited.
    pub rate_limit: bool,
    /// Other issuers whose tokens are accepted.
    pub issuers: Issuers,
}

/// The services that identify callers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Identity(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    signing: Option<Signing>,
    callers: Callers,
    hashing: Hashing,
    throttles: Throttles,
    issuers: Issuers,
}

impl Identity {
    /// The keys that sign access tokens.
    ///
    /// # Errors
    /// [`DomainError::Stored`] in a program without an encryption key, which cannot sign anybody in.
    pub fn signing(&self) -> Result<&Signing, DomainError> {
        let missing = || DomainError::Stored("this program has no keys to sign with".into());
        self.0.signing.as_ref().ok_or_else(missing)
    }

    /// The key that encrypts secrets in the database, and makes keyed hashes of values that must not be stored.
    ///
    /// # Errors
    /// [`DomainError::Stored`] in a program without one.
    pub fn encryption(&self) -> Result<&EncryptionKey, DomainError> {
        self.signing().map(Signing::encryption)
    }

    /// The cache of callers.
    pub fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// The hasher of passwords.
    pub fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    /// The rate limits of sign-ins, refreshes and mails.
    pub fn throttles(&self) -> &Throttles {
        &self.0.throttles
    }

    /// Other issuers whose tokens are accepted.
    pub fn issuers(&self) -> &Issuers {
        &self.0.issuers
    }
}

/// Enables signing in to this app: reads its signing keys, or creates the first.
///
/// # Errors
/// [`signing::Unusable`] where the keys in the database were encrypted with another key, or the database fails.
pub async fn open(mut app: App, options: Options) -> Result<App, signing::Unusable> {
    let signing = Signing::open(&app, options.encryption_key, options.public_url.as_ref()).await?;
    let parts = Parts {
        signing: Some(signing),
        throttles: if options.rate_limit { Throttles::default() } else { Throttles::off() },
        issuers: options.issuers,
        ..Parts::default()
    };
    app.identity = Identity(Arc::new(parts));
    Ok(app)
}

/// Whether the error is a violated unique constraint: another transaction has written the same value first.
pub(crate) fn is_twice(error: &DomainError) -> bool {
    matches!(error, DomainError::Database(error)
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Runs `work` in a transaction and in a task of its own, so that a client that disconnects leaves nothing half done.
/// Commits if the work succeeds.
///
/// # Errors
/// Those of the work, [`DomainError::Database`], and [`DomainError::Task`] where the work panicked.
pub(crate) async fn transact<T, W>(app: &App, work: W) -> Result<T, DomainError>
where
    T: Send + 'static,
    W: for<'a> FnOnce(&'a App, &'a DatabaseTransaction) -> BoxFuture<'a, Result<T, DomainError>>
        + Send
        + 'static,
{
    let own = app.clone();
    let span = app.db.span("transaction");
    let all = async move {
        let tx = own.db.begin().await?;
        match work(&own, &tx).await {
            Ok(done) => {
                tx.commit().await?;
                Ok(done)
            }
            Err(error) => {
                if let DomainError::Database(error) = &error {
                    own.db.note(error);
                }
                Err(tx.abandon(error).await)
            }
        }
    };
    let task = app.tasks.spawn(all.instrument(span));
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}
