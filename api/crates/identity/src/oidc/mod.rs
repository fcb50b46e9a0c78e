//! Tokens of other issuers (OpenID Connect, or OAuth 2.0 access tokens in the form of a JWT).
//!
//! A token whose `iss` is one of `OIDC_ISSUERS` is verified with that issuer's keys only. Its roles are in the token
//! and are stored nowhere, so that they end with the token.
//!
//! The caller has a separate account for each issuer and subject, created with the first token. It is never linked to
//! a local account with the same e-mail address: otherwise a person who can set that address at the issuer could take
//! the local account over. For the same reason it has no password and cannot get one, and is not found by an address.
//!
//! If the needed key is not cached and the issuer cannot be reached, the error is [`DomainError::IssuerUnavailable`].
//! The token may be valid, and a client that gets UNAUTHENTICATED would discard it instead of retrying.

use std::sync::Arc;
use std::time::Duration;

use entity::account::Model;

use super::account::Account;
use super::caller::IdentifiedCaller;
use crate::Identity;
use kernel::crypto;
use kernel::error::DomainError;
use kernel::id;
use kernel::value::{EmailAddress, Language};
use kernel::vocabulary::vocabularies;
use records::transact::transact;

pub mod cache;
pub mod fetch;
pub mod keys;
pub mod settings;
pub mod store;
pub mod token;

use cache::{Again, Cache};
use keys::Found;
use settings::Settings;
use token::{Claims, Profile};

/// The domain of placeholder addresses, for accounts without an address that the issuer has verified. Mails to it
/// cannot be delivered (RFC 2606).
pub const NO_ADDRESS: &str = "no-address.invalid";

/// The accepted issuers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Issuers(Arc<[Issuer]>);

/// One issuer.
#[derive(Debug)]
pub struct Issuer {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
}

impl Issuers {
    /// Creates these issuers; `time` is the time-out for fetching keys. Nothing is fetched yet, so that an
    /// unreachable issuer does not delay the start.
    ///
    /// # Errors
    /// A message where TLS is not available.
    pub fn new(all: Vec<Settings>, time: Duration) -> Result<Self, String> {
        crypto::install();
        if all.is_empty() {
            return Ok(Self::default());
        }
        let client = fetch::client()?;
        let issuer = |settings| {
            let settings = Arc::new(settings);
            Issuer { cache: Cache::new(Arc::clone(&settings), client.clone(), time), settings }
        };
        Ok(Self(all.into_iter().map(issuer).collect()))
    }

    /// The issuer that a token names, if it is one of these.
    pub fn of(&self, token: &str) -> Option<&Issuer> {
        if self.0.is_empty() {
            return None;
        }
        let name = token::issuer(token)?;
        self.0.iter().find(|issuer| issuer.settings.issuer == name)
    }
}

impl Issuer {
    /// Verifies a token of this issuer and returns its claims; `None` where it is not valid now.
    async fn verify(&self, identity: &Identity, token: &str) -> Result<Option<Claims>, DomainError> {
        let (settings, now) = (&self.settings, identity.clock.now());
        // Checked before a request to the issuer.
        let Some(head) = token::head(token, settings) else { return Ok(None) };
        if !token::may_be_good(token, settings, now) {
            return Ok(None);
        }
        let unreachable = || DomainError::IssuerUnavailable;
        let mut keys = self.cache.current(&identity.clock).await.ok_or_else(unreachable)?;
        let mut last = false;
        loop {
            match keys.find(head.key_id.as_deref(), head.algorithm) {
                Found::Key(key) => {
                    let claims = token::verify(token, &head, key, settings, now);
                    // Without a key id, the issuer may have replaced the key since it was fetched.
                    if claims.is_some() || head.key_id.is_some() || last {
                        return Ok(claims);
                    }
                }
                Found::Unknown if !last => {}
                Found::Unknown | Found::Unfit => return Ok(None),
            }
            match self.cache.again(&identity.clock, &keys).await {
                Again::Read(read) => keys = read,
                Again::Current => return Ok(None),
                Again::Failed => return Err(unreachable()),
            }
            last = true;
        }
    }

    /// The caller with a token; `None` where it is not valid.
    ///
    /// # Errors
    /// [`DomainError::IssuerUnavailable`], [`DomainError::Database`].
    pub async fn identify(
        &self,
        identity: &Identity,
        token: &str,
    ) -> Result<Option<IdentifiedCaller>, DomainError> {
        let Some(claims) = self.verify(identity, token).await? else { return Ok(None) };
        let account = account(identity, &self.settings, &claims).await?;
        Ok(Some(IdentifiedCaller::with_token(account, claims.grants(&self.settings), claims.expires_at)))
    }
}

/// The account of a token's subject, updated with the name and address in the token, or a new one.
async fn account(identity: &Identity, settings: &Settings, claims: &Claims) -> Result<Account, DomainError> {
    let (issuer, subject) = (&settings.issuer, &claims.subject);
    let profile = claims.profile();
    if let Some(mut account) = store::find(&identity.db, issuer, subject).await? {
        let name = profile.name.unwrap_or_else(|| account.display_name.clone());
        let email = profile.email.unwrap_or_else(|| account.email.clone());
        if (&name, &email) != (&account.display_name, &account.email) {
            (account.display_name, account.email) = (name.clone(), email.clone());
            let (id, email) = (account.id, email.to_string());
            transact(identity, move |identity, tx| {
                Box::pin(async move { store::update(tx, id, name, email, identity.clock.now()).await })
            })
            .await?;
        }
        return Ok(account);
    }
    let row = new_row(identity, settings, subject, profile);
    // Of two concurrent requests, only one inserts it.
    transact(identity, move |_, tx| Box::pin(async move { store::insert(tx, row).await })).await?;
    let made = store::find(&identity.db, issuer, subject).await?;
    made.ok_or_else(|| DomainError::Stored("an account that was made is not there".into()))
}

fn new_row(identity: &Identity, settings: &Settings, subject: &str, profile: Profile) -> Model {
    let (id, now) = (identity.new_id(), identity.clock.now().micros());
    let named = id::encode("account", id);
    let local = |email: &EmailAddress| email.as_str().split('@').next().and_then(token::shown);
    let name = profile.name.or_else(|| profile.email.as_ref().and_then(local));
    let region = vocabularies().regions.get(&settings.region);
    let language = profile.language.or_else(|| region.and_then(|region| region.languages.first().copied()));
    Model {
        id,
        email: profile.email.map_or_else(|| format!("{named}@{NO_ADDRESS}"), |email| email.to_string()),
        // Not a form of an address, so that neither sign-in nor password reset finds the account.
        email_key: named.clone(),
        display_name: name.or_else(|| token::shown(subject)).unwrap_or(named),
        language: language.unwrap_or(Language::En).to_string(),
        password_hash: None,
        talent_id: None,
        issuer: Some(settings.issuer.clone()),
        subject: Some(subject.to_owned()),
        created_at: now,
        updated_at: now,
    }
}
