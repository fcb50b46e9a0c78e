//! Tokens of other issuers (OpenID Connect, or OAuth 2.0 access tokens in the form of a JWT).
//!
//! A token whose `iss` is one of `OIDC_ISSUERS` is verified with that issuer's keys and nothing else. What somebody
//! may do stands in the token and is stored nowhere, so that it ends with the token.
//!
//! The caller is an account of their own, one for each issuer and subject, made when they are first seen. It is never
//! joined with another account: that its e-mail address is that of a local account says nothing, as whoever could
//! give themselves the address at their issuer would take the account over. For the same reason it has no password
//! and cannot get one: nobody finds it by an address.
//!
//! An issuer that cannot be reached before its keys were ever read is [`DomainError::IssuerUnavailable`]: its token
//! may be good, and a client that was told otherwise would throw it away instead of trying again.

use std::sync::Arc;
use std::time::Duration;

use entity::account::Model;

use super::account::Account;
use super::caller::Known;
use crate::crypto;
use crate::identity::Identity;
use crate::record::error::DomainError;
use crate::record::id;
use crate::record::transact::transact;
use crate::record::value::{EmailAddress, Language};
use crate::vocabulary::vocabularies;

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

/// The domain of addresses of accounts whose issuer vouches for none: nothing can be sent there (RFC 2606).
pub const NO_ADDRESS: &str = "no-address.invalid";

/// The issuers that are believed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Issuers(Arc<[Issuer]>);

/// One issuer.
#[derive(Debug)]
pub struct Issuer {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
}

impl Issuers {
    /// These issuers, whose keys may take so long to be read. Nothing is read yet: an issuer that is down delays no
    /// start.
    ///
    /// # Errors
    /// Where the machine gives no TLS.
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
    /// What a token says that is this issuer's and good now; nothing where it is not.
    async fn verify(&self, identity: &Identity, token: &str) -> Result<Option<Claims>, DomainError> {
        let (settings, now) = (&self.settings, identity.clock.now());
        // Before anything is asked of the issuer.
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
                    // Another key without a name looks like this one.
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

    /// Who calls with a token; nothing where it is not good.
    ///
    /// # Errors
    /// [`DomainError::IssuerUnavailable`], [`DomainError::Database`].
    pub async fn identify(&self, identity: &Identity, token: &str) -> Result<Option<Known>, DomainError> {
        let Some(claims) = self.verify(identity, token).await? else { return Ok(None) };
        let account = account(identity, &self.settings, &claims).await?;
        Ok(Some(Known::with_token(account, claims.grants(&self.settings), claims.expires_at)))
    }
}

/// The account of who a token names: as it is, with the name and the address that the token gives, or a new one.
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
    // Of two requests at once, one makes it.
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
        // No address has this form: nobody signs in, or asks for a new password, with what an issuer says.
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
