//! Secret addresses of people's own calendars.
//!
//! Programs for calendars send no tokens, so the address itself is the secret: it has 256 random bits, of which only the
//! hash is stored. It opens one calendar, to read, with the present rights of its account. An account has one address at
//! most: a new one takes the place of the one before.

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::Identity;
use crate::caller::{self, IdentifiedCaller};
use kernel::error::DomainError;
use kernel::secret::{self, Hash};
use records::transact::transact;

pub mod store;

/// The prefix of the secrets, by which people and secret scanners recognize one.
const PREFIX: &str = "passerelle_calendar_";
/// Bytes of a secret.
const BYTES: usize = 32;

/// The hash of a secret; `None` if the text is none.
fn hash_of(secret: &SecretString) -> Option<Hash> {
    let text = secret.expose_secret().strip_prefix(PREFIX)?;
    let bytes: [u8; BYTES] = secret::bytes(text)?;
    Some(secret::hash(&bytes))
}

/// Makes the address of an account. Returns its secret, which is not shown again; `None` where the account is gone.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn create(identity: &Identity, account: Uuid) -> Result<Option<SecretString>, DomainError> {
    let bytes = secret::random::<BYTES>();
    let (hash, now) = (secret::hash(&bytes), identity.clock.now());
    let made = transact(identity, move |_, tx| {
        Box::pin(async move {
            // The lock lets an erasure of the account wait for the address, or the address find no account.
            let there = crate::account::store::lock(tx, account).await?.is_some();
            if there {
                store::put(tx, account, hash, now).await?;
            }
            Ok(there)
        })
    });
    let made = made.await?;
    Ok(made.then(|| format!("{PREFIX}{}", secret::text(&bytes)).into()))
}

/// Revokes the address of an account. Revoking it again changes nothing.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn revoke(identity: &Identity, account: Uuid) -> Result<(), DomainError> {
    transact(identity, move |_, tx| Box::pin(async move { store::forget(tx, account).await })).await
}

/// The caller whose calendar an address opens, with their present rights; `None` where it opens nothing.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn caller_of(
    identity: &Identity,
    secret: &SecretString,
) -> Result<Option<IdentifiedCaller>, DomainError> {
    let Some(hash) = hash_of(secret) else { return Ok(None) };
    caller::store::by_calendar(&identity.db, &hash).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_form() {
        let bytes = secret::random::<BYTES>();
        let good = format!("{PREFIX}{}", secret::text(&bytes));
        assert_eq!(hash_of(&good.clone().into()), Some(secret::hash(&bytes)));
        for wrong in ["", PREFIX, &good[1..], &good[..good.len() - 1], "passerelle_calendar_é", "\0"] {
            assert_eq!(hash_of(&wrong.to_owned().into()), None, "{wrong}");
        }
    }
}
