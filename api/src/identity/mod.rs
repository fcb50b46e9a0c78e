//! Who calls: accounts, sessions, access tokens, API keys, roles.
//!
//! A request carries a bearer token: an access token of a session, an API key, or a token of another issuer ([`oidc`]). [`caller`] makes of it who
//! calls and what they see; a token that is not good is refused, never taken for nobody. What somebody may do is
//! read from the database and remembered for a few seconds (see [`caller::Callers`]); an access token holds no
//! roles.
//!
//! Secrets are of the types of the crate `secrecy`, which print nothing, from where they enter to where they are
//! hashed.

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

/// What has to be said before anybody can sign in.
#[derive(Debug)]
pub struct Options {
    /// Encrypts what the database must not hold in the clear.
    pub encryption_key: EncryptionKey,
    /// The address under which the world reaches this instance: issuer of its tokens. Without one, the issuer is
    /// the instance's id.
    pub public_url: Option<Url>,
    /// Whether attempts to sign in are counted.
    pub rate_limit: bool,
    /// Other issuers whose tokens are believed.
    pub issuers: Issuers,
}

/// The parts of the program that know who calls. Cheap to clone.
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
    /// [`DomainError::Stored`] in a program that was not given an encryption key: it signs nobody in.
    pub fn signing(&self) -> Result<&Signing, DomainError> {
        let missing = || DomainError::Stored("this program has no keys to sign with".into());
        self.0.signing.as_ref().ok_or_else(missing)
    }

    /// What encrypts secrets in the database, and recognizes what must not be kept.
    ///
    /// # Errors
    /// [`DomainError::Stored`] in a program that was not given one.
    pub fn encryption(&self) -> Result<&EncryptionKey, DomainError> {
        self.signing().map(Signing::encryption)
    }

    /// Who has called lately.
    pub fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// Where passwords are hashed.
    pub fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    /// How often somebody may try.
    pub fn throttles(&self) -> &Throttles {
        &self.0.throttles
    }

    /// Other issuers whose tokens are believed.
    pub fn issuers(&self) -> &Issuers {
        &self.0.issuers
    }
}

/// Lets people sign in to this app: finds its signing keys, or makes the first.
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

/// Whether somebody else has just written what may be there once only.
pub(crate) fn is_twice(error: &DomainError) -> bool {
    matches!(error, DomainError::Database(error)
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Runs what writes in a transaction and a task of its own, so that a caller who goes away leaves nothing half
/// done. It is committed where the work succeeds.
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
