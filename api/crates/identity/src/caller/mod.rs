//! The caller of a request: from the header `Authorization` to a [`Viewer`].
//!
//! The caller of a token is cached for [`FRESH`], so that a request needs neither a signature check nor a statement.
//! When this process ends a session, revokes a key or changes an account, it removes the cached caller at once.
//! Changes by another process take effect when the entry expires.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_graphql::Context;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::account::Account;
use super::api_key;
use super::role::{self, Grant, viewer};
use crate::Identity;
use kernel::error::{DomainError, GraphqlResult};
use kernel::policy::Viewer;
use kernel::secret::{self, Hash};
use kernel::throttle::{Caller, network};
use kernel::value::DateTime;
use records::handle::AfterCommit;
use records::write::Written;

pub mod store;

/// Microseconds for which the caller of a token is cached.
pub const FRESH: i64 = 5_000_000;
/// Maximum number of cached tokens.
const MAX_TOKENS: usize = 10_000;
/// Maximum size of the header, in bytes.
///
/// Tokens of other issuers list groups and have a few thousand bytes.
const MAX_HEADER: usize = 16 * 1024;

/// The credential of a caller.
#[derive(Debug)]
pub enum Credential {
    /// A session of an account.
    Session {
        /// The session.
        session: Uuid,
        /// The account.
        account: Box<Account>,
    },
    /// A token of another issuer, which names an account.
    Token {
        /// The account.
        account: Box<Account>,
    },
    /// An API key.
    ApiKey {
        /// The key.
        key: Uuid,
        /// The last minute for which a use was recorded.
        noted: Noted,
    },
}

impl Credential {
    /// The account of the credential; `None` for an API key.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Session { account, .. } | Self::Token { account } => Some(account),
            Self::ApiKey { .. } => None,
        }
    }
}

/// The last minute for which a use was recorded, in microseconds since 1970.
#[derive(Debug)]
pub struct Noted(AtomicI64);

impl Noted {
    /// Starts with this minute, or with none.
    pub fn new(minute: Option<i64>) -> Self {
        Self(AtomicI64::new(minute.unwrap_or(i64::MIN)))
    }

    /// Advances to this minute. Returns whether it is later than the last one: true for only one of concurrent calls.
    pub fn advance(&self, minute: i64) -> bool {
        self.0.fetch_max(minute, Ordering::Relaxed) < minute
    }
}

/// An identified caller.
#[derive(Debug)]
pub struct IdentifiedCaller {
    /// Their credential.
    pub credential: Credential,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// Their rights to read and write records.
    pub viewer: Viewer,
    /// When the credential expires.
    pub ends_at: DateTime,
}

impl IdentifiedCaller {
    /// A caller with a session of an account.
    pub fn with_account(session: Uuid, account: Account, grants: Vec<Grant>, ends_at: DateTime) -> Self {
        let viewer = viewer(account.id, &grants, account.owns());
        Self {
            credential: Credential::Session { session, account: Box::new(account) },
            grants,
            viewer,
            ends_at,
        }
    }

    /// A caller with a token of another issuer.
    pub fn with_token(account: Account, grants: Vec<Grant>, ends_at: DateTime) -> Self {
        let viewer = viewer(account.id, &grants, account.owns());
        Self { credential: Credential::Token { account: Box::new(account) }, grants, viewer, ends_at }
    }

    /// A caller with an API key.
    pub fn with_key(key: Uuid, last_used_at: Option<i64>, grants: Vec<Grant>, ends_at: DateTime) -> Self {
        let viewer = Viewer { machine: true, ..viewer(key, &grants, [].into()) };
        Self {
            credential: Credential::ApiKey { key, noted: Noted::new(last_used_at) },
            grants,
            viewer,
            ends_at,
        }
    }

    /// Whether they may grant roles in a region and create its API keys. False for an API key: a stolen key must not
    /// give lasting access.
    pub fn administers(&self, region: &str) -> bool {
        self.account().is_some() && role::administers(&self.grants, region)
    }

    /// Their account; `None` for an API key.
    pub fn account(&self) -> Option<&Account> {
        self.credential.account()
    }
}

/// The reason why the caller of a request could not be identified.
#[derive(Debug)]
pub enum IdentifyError {
    /// The token is malformed, unknown, revoked or expired.
    Refused,
    /// The check itself failed.
    Failed(DomainError),
}

impl From<DomainError> for IdentifyError {
    fn from(error: DomainError) -> Self {
        Self::Failed(error)
    }
}

/// The cached caller of a token.
#[derive(Debug)]
struct Remembered {
    known: Arc<IdentifiedCaller>,
    read_at: DateTime,
    /// When the token itself expires.
    until: DateTime,
}

impl Remembered {
    /// Whether the entry is still valid. It is invalid after the clock was set back.
    fn is_fresh(&self, now: DateTime) -> bool {
        (0..FRESH).contains(&(now.micros() - self.read_at.micros())) && now < self.until
    }
}

/// Cache of callers, by the hash of their token.
#[derive(Debug)]
pub struct CallerCache {
    known: Cache<Hash, Arc<Remembered>>,
    /// Counts invalidations. A caller that was read before an invalidation must not be cached after it.
    forgotten: AtomicU64,
}

impl Default for CallerCache {
    fn default() -> Self {
        Self { known: Cache::new(MAX_TOKENS), forgotten: AtomicU64::new(0) }
    }
}

impl CallerCache {
    fn find(&self, token: &Hash, now: DateTime) -> Option<Arc<IdentifiedCaller>> {
        let found = self.known.get(token).filter(|found| found.is_fresh(now));
        found.map(|found| Arc::clone(&found.known))
    }

    fn remember(&self, token: Hash, found: Remembered, forgotten: u64) {
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            return;
        }
        self.known.insert(token, Arc::new(found));
        // An invalidation may have come between the check and the insertion.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.known.remove(&token);
        }
    }

    fn forget(&self, is_meant: impl Fn(&Credential) -> bool) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.retain(|_, found| !is_meant(&found.known.credential));
    }

    /// Removes all callers, so that they are read again.
    pub fn forget_all(&self) {
        self.forget(|_| true);
    }

    /// Removes the caller of a session that has ended.
    pub fn forget_session(&self, id: Uuid) {
        self.forget(|credential| matches!(credential, Credential::Session { session, .. } if *session == id));
    }

    /// Removes the callers of an account that has changed.
    pub fn forget_account(&self, id: Uuid) {
        self.forget(|credential| credential.account().is_some_and(|account| account.id == id));
    }

    /// Removes the caller of a key that was revoked.
    pub fn forget_key(&self, id: Uuid) {
        self.forget(|credential| matches!(credential, Credential::ApiKey { key, .. } if *key == id));
    }
}

impl AfterCommit for CallerCache {
    /// Forgets everybody once something was erased: an account may have gone with it.
    fn committed(&self, written: &[Written]) {
        if written.iter().any(|record| record.erased_from.is_some()) {
            self.forget_all();
        }
    }

    fn account_changed(&self, account: Uuid) {
        self.forget_account(account);
    }
}

/// The token in the header `Authorization` (RFC 6750 section 2.1); `None` without the header.
///
/// # Errors
/// [`IdentifyError::Refused`] for any other value, and for two headers.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, IdentifyError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = all.next() else { return Ok(None) };
    if all.next().is_some() || header.len() > MAX_HEADER {
        return Err(IdentifyError::Refused);
    }
    let text = header.to_str().map_err(|_| IdentifyError::Refused)?;
    let (scheme, token) = text.split_once(' ').ok_or(IdentifyError::Refused)?;
    let token = token.trim_matches(' ');
    // `token68` of RFC 9110 section 11.2.
    let right = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || !token.bytes().all(right) {
        return Err(IdentifyError::Refused);
    }
    Ok(Some(token))
}

/// The bearer token of a request, if it has one.
#[derive(Clone, Debug, Default)]
pub struct BearerToken(Option<SecretString>);

impl BearerToken {
    /// Reads the token from the headers of a request.
    ///
    /// # Errors
    /// [`IdentifyError::Refused`] for a header that is not a bearer token.
    pub fn of(headers: &HeaderMap) -> Result<Self, IdentifyError> {
        Ok(Self(bearer(headers)?.map(Into::into)))
    }

    /// The sign-in time by the claim `auth_time` of another issuer's token, or its time of issue (`iat`) without that
    /// claim. The token must have been verified.
    pub fn signed_in_at(&self) -> Option<DateTime> {
        let claims = self.0.as_ref()?.expose_secret().split('.').nth(1)?;
        let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let seconds = claims.get("auth_time").or_else(|| claims.get("iat"))?.as_i64()?;
        Some(DateTime::from_micros(seconds.checked_mul(1_000_000)?))
    }

    /// Identifies the caller; `None` without a token.
    ///
    /// # Errors
    /// [`IdentifyError`]: a caller with an invalid token is not treated as anonymous.
    pub async fn identify(
        &self,
        identity: &Identity,
    ) -> Result<Option<Arc<IdentifiedCaller>>, IdentifyError> {
        match &self.0 {
            Some(token) => identify(identity, token.expose_secret()).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn identify(identity: &Identity, token: &str) -> Result<Arc<IdentifiedCaller>, IdentifyError> {
    let (callers, now) = (identity.callers(), identity.clock.now());
    let hash = secret::hash(token.as_bytes());
    if let Some(known) = callers.find(&hash, now) {
        api_key::note_use(identity, &known);
        return Ok(known);
    }
    let forgotten = callers.forgotten.load(Ordering::SeqCst);
    let (known, until) = if api_key::is_one(token) {
        let known = store::by_key(&identity.db, &hash, now).await?.ok_or(IdentifyError::Refused)?;
        let until = known.ends_at;
        (known, until)
    } else if let Some(issuer) = identity.issuers().of(token) {
        let known = issuer.identify(identity, token).await?.ok_or(IdentifyError::Refused)?;
        let until = known.ends_at;
        (known, until)
    } else {
        let claims = identity.signing()?.verify(identity, token).await?.ok_or(IdentifyError::Refused)?;
        let session = claims.session().ok_or(IdentifyError::Refused)?;
        let known = store::by_session(&identity.db, session, now).await?.ok_or(IdentifyError::Refused)?;
        if known.account().map(|account| account.id) != claims.account() {
            return Err(IdentifyError::Refused);
        }
        (known, claims.expires_at())
    };
    let known = Arc::new(known);
    callers.remember(hash, Remembered { known: Arc::clone(&known), read_at: now, until }, forgotten);
    api_key::note_use(identity, &known);
    Ok(known)
}

/// The context of a request, for resolvers that do more than read.
#[derive(Clone, Debug)]
pub struct Call {
    /// The app.
    pub identity: Identity,
    /// The token of the request.
    pub presented: BearerToken,
    /// The caller; `None` for a request without a token.
    pub known: Option<Arc<IdentifiedCaller>>,
    /// The viewer of a request without a token.
    pub nobody: Viewer,
    /// The client's IP address.
    pub from: IpAddr,
}

impl Call {
    /// The viewer.
    pub fn viewer(&self) -> &Viewer {
        self.known.as_ref().map_or(&self.nobody, |known| &known.viewer)
    }

    /// The key under which limits count the caller: the API key or account, else the network.
    pub fn counted_as(&self) -> Vec<u8> {
        match self.viewer().account {
            Some(id) => id.as_bytes().to_vec(),
            None => network(self.from),
        }
    }

    /// The caller for concurrency limits, which reserve places for identified callers.
    pub fn caller(&self) -> Caller {
        Caller { key: self.counted_as(), known: self.viewer().account.is_some() }
    }

    /// The same call, with the caller identified again: the token may have expired, or its roles may have changed.
    ///
    /// # Errors
    /// [`IdentifyError`] where the token is no longer valid.
    pub async fn again(&self) -> Result<Self, IdentifyError> {
        let known = self.presented.identify(&self.identity).await?;
        Ok(Self { known, ..self.clone() })
    }

    /// The call of the request that is being executed.
    ///
    /// # Errors
    /// Fails where the request's data has no call.
    pub fn of<'a>(ctx: &Context<'a>) -> GraphqlResult<&'a Self> {
        ctx.data()
    }

    /// The caller, if identified.
    pub fn known<'a>(ctx: &Context<'a>) -> Option<&'a IdentifiedCaller> {
        ctx.data_opt::<Self>()?.known.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn a_header_is_a_bearer_token_or_refused() {
        assert!(matches!(bearer(&headers(&[])), Ok(None)));
        for right in ["Bearer abc.def-_~+/=", "bearer  abc.def-_~+/= "] {
            assert!(matches!(bearer(&headers(&[right])), Ok(Some("abc.def-_~+/="))), "{right}");
        }
        let long = format!("Bearer {}", "a".repeat(MAX_HEADER));
        for wrong in
            ["", "Bearer", "Bearer ", "abc", "Basic YTpi", "Bearer a b", "Bearer é", "Bearer a,b", &long]
        {
            assert!(matches!(bearer(&headers(&[wrong])), Err(IdentifyError::Refused)), "{wrong}");
        }
        assert!(matches!(bearer(&headers(&["Bearer a", "Bearer a"])), Err(IdentifyError::Refused)));
    }

    #[test]
    fn a_token_says_when_its_holder_signed_in() {
        let at = |claims: &str| {
            let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
            BearerToken(Some(token.into())).signed_in_at().map(DateTime::micros)
        };
        assert_eq!(at(r#"{"iat": 30, "auth_time": 20}"#), Some(20_000_000));
        assert_eq!(at(r#"{"iat": 30}"#), Some(30_000_000));
        for nothing in
            ["{}", "", r#"{"iat": "30"}"#, r#"{"auth_time": 1e300}"#, r#"{"iat": 9223372036854775807}"#]
        {
            assert_eq!(at(nothing), None, "{nothing}");
        }
        assert_eq!(BearerToken(Some("opaque".to_owned().into())).signed_in_at(), None);
        assert_eq!(BearerToken(None).signed_in_at(), None);
    }

    #[test]
    fn what_was_read_before_something_was_forgotten_is_not_remembered() {
        let callers = CallerCache::default();
        let (now, later) = (DateTime::from_micros(0), DateTime::from_micros(i64::MAX));
        let key = Uuid::from_u128(1);
        let remembered = || Remembered {
            known: Arc::new(IdentifiedCaller::with_key(key, None, Vec::new(), later)),
            read_at: now,
            until: later,
        };
        callers.remember([1; 32], remembered(), 0);
        assert!(callers.find(&[1; 32], now).is_some());
        assert!(callers.find(&[1; 32], DateTime::from_micros(FRESH)).is_none());
        assert!(callers.find(&[1; 32], DateTime::from_micros(-1)).is_none());
        callers.forget_key(Uuid::from_u128(2));
        assert!(callers.find(&[1; 32], now).is_some());
        callers.forget_key(key);
        assert!(callers.find(&[1; 32], now).is_none());
        callers.remember([1; 32], remembered(), 0);
        assert!(callers.find(&[1; 32], now).is_none());
        callers.remember([1; 32], remembered(), 2);
        assert!(callers.find(&[1; 32], now).is_some());
    }
}
