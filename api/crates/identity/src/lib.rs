//! The identity of callers: accounts, sessions, access tokens, API keys, roles.
//!
//! A request carries a bearer token: an access token of a session, an API key, or a token of another issuer
//! ([`oidc`]). [`caller`] turns it into a caller with their rights. An invalid token is refused; it is never treated
//! as anonymous. Roles are read from the database and cached for a few seconds (see [`caller::CallerCache`]); our access
//! tokens contain no roles.
//!
//! Secrets have types of the crate `secrecy`, which print nothing, from the request until they are hashed.
//!
//! **Access tokens** (JWT with Ed25519, RFC 9068) name an account and a session. After verification, two keyed
//! statements read the session with its account, roles and organizations. The cache of callers ([`caller::CallerCache`]) is
//! bounded, and its key is the hash of the token. The rule of revocation: a change by this process takes effect at
//! once, a change by another process (a replica, the command line) within 5 seconds.
//!
//! **A session** is one row, and nothing else of its chain of refresh tokens is stored (see [`session`]). The setting
//! `REFRESH_REUSE_SECONDS` is the time in which a used token is accepted again.
//!
//! **Tokens of other issuers** pass all checks that need no key first. So only a token that is good except for its
//! signature makes the program ask the issuer.
//!
//! **Signing keys**: a rotation retires the key that signs and adds a new one. A retired key verifies for the lifetime
//! of a token, plus 5 seconds in which other programs notice the rotation, plus a minute for differing clocks.
//!
//! **Passwords** are hashed with Argon2id on the blocking thread pool, behind a semaphore of half the cores.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use url::Url;

use crate::mail::Mailer;
use crate::traffic::Traffic;
use kernel::encryption::EncryptionKey;
use kernel::error::DomainError;
use records::handle::{AfterCommit, Core};

pub mod account;
pub mod api_key;
pub mod calendar_address;
pub mod caller;
pub mod invited;
pub mod lag;
pub mod mail;
pub mod oidc;
pub mod one_time;
pub mod password;
pub mod presence;
pub mod recovery;
pub mod role;
pub mod session;
pub mod signing;
pub mod throttle;
pub mod traffic;

use caller::CallerCache;
use oidc::Issuers;
use password::Hashing;
use session::REUSE_SECONDS;
use signing::Signing;
use throttle::Throttles;

/// The tables of this layer that have personal data.
pub const PERSONAL: &[&str] = &["account", "invitation", "mail_outbox"];

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

/// Accounts, sessions and roles, with what they share: the mailer and the limits of callers. Cheap to clone.
///
/// It dereferences to [`Core`], so that whatever takes the shared parts takes it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The shared parts of the program.
    pub core: Core,
    /// Writes and sends mails.
    pub mail: Mailer,
    /// The limits of what callers ask for and follow at once.
    pub traffic: Traffic,
    /// Seconds after its first use in which a refresh token is accepted again.
    pub refresh_reuse: u32,
    /// The address under which clients reach this program, for links that are told over the API.
    pub public_url: Option<Url>,
    /// Whether anonymous callers may follow the log, as far as everyone sees it.
    pub feed_public: bool,
    parts: Arc<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    signing: Option<Signing>,
    callers: Arc<CallerCache>,
    hashing: Hashing,
    throttles: Throttles,
    issuers: Issuers,
}

impl Deref for Identity {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl DerefMut for Identity {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}

impl AsRef<Core> for Identity {
    fn as_ref(&self) -> &Core {
        &self.core
    }
}

impl Identity {
    /// An identity to which nobody can sign in, without mails and limits: commands and the first step of a start.
    pub fn new(core: Core) -> Self {
        Self {
            core,
            mail: Mailer::default(),
            traffic: Traffic::default(),
            refresh_reuse: REUSE_SECONDS,
            public_url: None,
            feed_public: true,
            parts: Arc::default(),
        }
    }

    /// The time after its first use in which a refresh token is accepted again, in microseconds.
    pub fn refresh_reuse_micros(&self) -> i64 {
        i64::from(self.refresh_reuse) * 1_000_000
    }

    /// The keys that sign access tokens.
    ///
    /// # Errors
    /// [`DomainError::Stored`] in a program without an encryption key, which cannot sign anybody in.
    pub fn signing(&self) -> Result<&Signing, DomainError> {
        let missing = || DomainError::Stored("this program has no keys to sign with".into());
        self.parts.signing.as_ref().ok_or_else(missing)
    }

    /// The cache of callers.
    pub fn callers(&self) -> &CallerCache {
        &self.parts.callers
    }

    /// The hasher of passwords.
    pub fn hashing(&self) -> &Hashing {
        &self.parts.hashing
    }

    /// The rate limits of sign-ins, refreshes and mails.
    pub fn throttles(&self) -> &Throttles {
        &self.parts.throttles
    }

    /// Other issuers whose tokens are accepted.
    pub fn issuers(&self) -> &Issuers {
        &self.parts.issuers
    }
}

/// Lets people sign in: finds the signing keys in the database, or makes the first.
///
/// # Errors
/// [`signing::Unusable`] where the keys in the database were encrypted with another key, or the database fails.
pub async fn open(identity: Identity, options: Options) -> Result<Identity, signing::Unusable> {
    let core = identity.core.with_key(options.encryption_key);
    let signing = Signing::open(&core, options.public_url.as_ref()).await?;
    let parts = Parts {
        signing: Some(signing),
        throttles: if options.rate_limit { Throttles::default() } else { Throttles::off() },
        issuers: options.issuers,
        ..Parts::default()
    };
    core.after_commit(Arc::clone(&parts.callers) as Arc<dyn AfterCommit>);
    Ok(Identity { core, parts: Arc::new(parts), ..identity })
}
