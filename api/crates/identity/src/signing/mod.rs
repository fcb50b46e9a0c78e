//! The keys that sign access tokens: Ed25519 (RFC 8032), in the database, encrypted.
//!
//! The newest key signs. Earlier keys verify until the last token that they signed has expired, so that a rotation
//! signs nobody out. All programs on one database notice a rotation within [`NOTICED`].

use std::sync::{Arc, PoisonError, RwLock};

use entity::signing_key;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sea_orm::DatabaseTransaction;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use kernel::encryption::EncryptionKey;
use kernel::error::DomainError;
use kernel::value::DateTime;
use kernel::{crypto, secret};
use records::audit::{self, Action, Actor, Subject};
use records::handle::Core;
use records::transact::transact;

pub mod store;
pub mod token;

use token::{Claims, Expected};

/// The algorithm of every key, as JOSE names it (RFC 8037).
pub const ALGORITHM: &str = "EdDSA";

/// Maximum age of the loaded keys for signing and publishing, in microseconds.
pub const NOTICED: i64 = 5_000_000;
/// Maximum age of the loaded keys for verifying, in microseconds.
const STALE: i64 = 60_000_000;
/// Minimum interval in microseconds between reads for unknown key ids, so that invented ids do not flood the
/// database.
const FLOOR: i64 = 1_000_000;
/// Microseconds for which a retired key verifies: the lifetime of a token, the time in which other programs notice
/// the rotation, and a minute for differing clocks.
const VERIFIES: i64 = token::LIFETIME + NOTICED + 60_000_000;

/// The reason why the keys in a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// They were encrypted with another key.
    #[error(
        "the keys in the database were encrypted with another ENCRYPTION_KEY than the one in use: set the one they \
         were made with (where none was set, it is in the file `encryption.key` of the data folder); if it is lost, \
         `passerelle key rotate --replace` makes new ones"
    )]
    OtherEncryptionKey,
    /// The database failed.
    #[error("{0}")]
    Failed(#[from] DomainError),
}

/// One key.
struct Key {
    id: String,
    public: Vec<u8>,
    decoding: DecodingKey,
    /// When it stops verifying; `None` unless it is retired.
    until: Option<DateTime>,
}

/// The loaded keys. The first one signs.
struct Ring {
    loaded_at: DateTime,
    keys: Vec<Key>,
    /// The private key of the first.
    encoding: EncodingKey,
}

impl Ring {
    fn find(&self, id: &str, now: DateTime) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id && key.until.is_none_or(|until| now < until))
    }

    /// Whether it was loaded less than `age` microseconds ago. False after the clock was set back.
    fn is_younger(&self, age: i64, now: DateTime) -> bool {
        (0..age).contains(&(now.micros() - self.loaded_at.micros()))
    }
}

/// Signs and verifies access tokens.
pub struct Signing {
    expected: Expected,
    ring: RwLock<Arc<Ring>>,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl Signing {
    /// Reads the keys, or creates the first.
    ///
    /// # Errors
    /// [`Unusable`].
    pub async fn open(core: &Core, public_url: Option<&Url>) -> Result<Self, Unusable> {
        crypto::install();
        let instance = core.instance(core.db.writer()).await?;
        if store::all(core.db.writer()).await?.is_empty() {
            let key = new_key(core.encryption()?, core.clock.now())?;
            transact(core, |_, tx| {
                Box::pin(async move {
                    store::lock_instance(tx).await?;
                    if store::all(tx).await?.is_empty() {
                        store::insert(tx, key).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        let ring = read(core).await?;
        let issuer = public_url.map_or_else(|| instance.urn().to_string(), ToString::to_string);
        let expected = Expected { issuer, audience: instance.to_string() };
        Ok(Self { expected, ring: RwLock::new(Arc::new(ring)) })
    }

    /// An access token for an account's session, and when it expires.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the keys had to be read again.
    pub async fn sign(
        &self,
        core: &Core,
        account: Uuid,
        session: Uuid,
    ) -> Result<(String, DateTime), DomainError> {
        let now = core.clock.now();
        let ring = self.ring(core, NOTICED).await?;
        let claims = Claims::new(&self.expected, account, session, core.new_id(), now);
        let id = ring.keys.first().map(|key| key.id.clone()).unwrap_or_default();
        let token = claims.sign(id, &ring.encoding).map_err(|error| DomainError::Task(error.to_string()))?;
        Ok((token, claims.expires_at()))
    }

    /// Verifies one of our tokens and returns its claims; `None` where it is not valid now.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the keys had to be read again.
    pub async fn verify(&self, core: &Core, token: &str) -> Result<Option<Claims>, DomainError> {
        let now = core.clock.now();
        let Some(key_id) = token::key_id(token) else { return Ok(None) };
        let mut ring = self.ring(core, STALE).await?;
        if ring.find(&key_id, now).is_none() {
            ring = self.ring(core, FLOOR).await?;
        }
        let Some(key) = ring.find(&key_id, now) else { return Ok(None) };
        Ok(Claims::verify(token, &key.decoding, &self.expected, now))
    }

    /// The public keys as a JSON Web Key Set (RFC 7517).
    ///
    /// # Errors
    /// [`DomainError::Database`] where the keys had to be read again.
    pub async fn published(&self, core: &Core) -> Result<Value, DomainError> {
        let now = core.clock.now();
        let ring = self.ring(core, NOTICED).await?;
        let good = ring.keys.iter().filter(|key| key.until.is_none_or(|until| now < until));
        let keys: Vec<Value> = good
            .map(|key| {
                json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key.id,
                    "x": secret::text(&key.public)})
            })
            .collect();
        Ok(json!({ "keys": keys }))
    }

    /// The keys, read again unless they were loaded less than `age` microseconds ago.
    async fn ring(&self, core: &Core, age: i64) -> Result<Arc<Ring>, DomainError> {
        let known = Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_younger(age, core.clock.now()) {
            return Ok(known);
        }
        let ring = read(core).await.map_err(|error| match error {
            Unusable::Failed(error) => error,
            error @ Unusable::OtherEncryptionKey => DomainError::Stored(error.to_string()),
        })?;
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
    }

    /// Creates a new key, which signs from now on. Returns its id.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn rotate(&self, core: &Core) -> Result<String, DomainError> {
        let now = core.clock.now();
        let key = new_key(core.encryption()?, now)?;
        let id = key.id.clone();
        transact(core, move |core, tx| {
            Box::pin(async move {
                note(core, tx).await?;
                store::lock_instance(tx).await?;
                store::delete_retired(tx, DateTime::from_micros(now.micros() - VERIFIES)).await?;
                store::retire(tx, now).await?;
                store::insert(tx, key).await
            })
        })
        .await?;
        self.ring(core, 0).await?;
        Ok(id)
    }
}

/// Deletes all keys and creates a new one, for an operator who has lost the encryption key. Access tokens become
/// invalid; sessions continue with their refresh tokens.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn replace(core: &Core, encryption: &EncryptionKey) -> Result<(), DomainError> {
    let key = new_key(encryption, core.clock.now())?;
    transact(core, move |core, tx| {
        Box::pin(async move {
            note(core, tx).await?;
            store::lock_instance(tx).await?;
            store::delete_all(tx).await?;
            store::insert(tx, key).await
        })
    })
    .await
}

/// Writes the rotation into the history. Only the command line rotates keys.
async fn note(core: &Core, tx: &DatabaseTransaction) -> Result<(), DomainError> {
    let entry = audit::Entry::new(Actor::CommandLine, Action::RotateKeys, Subject::SigningKeys);
    audit::record(tx, core.db.dialect(), vec![entry], core.clock.now()).await
}

/// The purpose under which a private key is encrypted.
fn purpose(id: &str) -> String {
    format!("signing_key/{id}")
}

/// The thumbprint of a public key: RFC 7638, for Ed25519 RFC 8037 appendix A.3.
fn thumbprint(public: &[u8]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, secret::text(public));
    secret::text(&secret::hash(canonical.as_bytes()))
}

fn new_key(encryption: &EncryptionKey, now: DateTime) -> Result<signing_key::Model, DomainError> {
    let failed = || DomainError::Task("no key could be made".into());
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| failed())?;
    let private: SecretSlice<u8> = document.as_ref().to_vec().into();
    let pair = Ed25519KeyPair::from_pkcs8(private.expose_secret()).map_err(|_| failed())?;
    let public = pair.public_key().as_ref().to_vec();
    let id = thumbprint(&public);
    let private_key = encryption.seal(&purpose(&id), private.expose_secret()).map_err(|_| failed())?;
    Ok(signing_key::Model {
        id,
        algorithm: ALGORITHM.into(),
        public_key: public,
        private_key,
        created_at: now.micros(),
        retired_at: None,
    })
}

async fn read(core: &Core) -> Result<Ring, Unusable> {
    let encryption = core.encryption()?;
    let rows = store::all(core.db.writer()).await?;
    let first = rows.first().ok_or_else(|| DomainError::Stored("there is no signing key".into()))?;
    let private = encryption.open(&purpose(&first.id), &first.private_key);
    let private: SecretSlice<u8> = private.ok_or(Unusable::OtherEncryptionKey)?.into();
    let encoding = EncodingKey::from_ed_der(private.expose_secret());
    let keys = rows.iter().map(|row| Key {
        id: row.id.clone(),
        public: row.public_key.clone(),
        decoding: DecodingKey::from_ed_der(&row.public_key),
        until: row.retired_at.map(|at| DateTime::from_micros(at + VERIFIES)),
    });
    Ok(Ring { loaded_at: core.clock.now(), keys: keys.collect(), encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 8037 appendix A.3.
        let public: [u8; 32] = secret::bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
