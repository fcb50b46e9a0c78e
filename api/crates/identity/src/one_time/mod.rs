//! Single-use tokens that are sent by mail, each for one purpose and a limited time.
//!
//! A token has 256 random bits; only its hash is stored. It is redeemed in the transaction of the change that it
//! allows, so that both happen or neither.

use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::Identity;
use kernel::error::DomainError;
use kernel::secret::{self, Hash};
use kernel::value::DateTime;

mod store;

/// Bytes of a token.
const BYTES: usize = 32;

/// The only purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Accepting an invitation, which is the subject.
    Invitation,
    /// Choosing a new password of an account, which is the subject.
    PasswordReset,
    /// Stopping the erasure of a profile, which is the subject.
    KeepProfile,
}

impl Purpose {
    /// Its name in the database.
    const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::KeepProfile => "keep_profile",
        }
    }

    /// Prefix of tokens, by which people and secret scanners recognize one.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Invitation => "passerelle_invitation_",
            Self::PasswordReset => "passerelle_reset_",
            Self::KeepProfile => "passerelle_keep_",
        }
    }

    /// The hash of a token; `None` if the text is not a token of this purpose.
    fn hash_of(self, token: &SecretString) -> Option<Hash> {
        let text = token.expose_secret().strip_prefix(self.prefix())?;
        let bytes: [u8; BYTES] = secret::bytes(text)?;
        Some(secret::hash(&bytes))
    }
}

/// Creates a token for a subject, valid until `until`. Also deletes expired tokens.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn issue(
    on: &impl ConnectionTrait,
    identity: &Identity,
    purpose: Purpose,
    subject: Uuid,
    until: DateTime,
) -> Result<SecretString, DomainError> {
    let bytes = secret::random::<BYTES>();
    let now = identity.clock.now();
    store::delete_expired(on, now).await?;
    store::insert(on, secret::hash(&bytes), purpose.name(), subject, now, until).await?;
    Ok(format!("{}{}", purpose.prefix(), secret::text(&bytes)).into())
}

/// The subject of a token, which is not redeemed; `None` if the token is not valid.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn look(
    identity: &Identity,
    purpose: Purpose,
    token: &SecretString,
) -> Result<Option<Uuid>, DomainError> {
    let Some(hash) = purpose.hash_of(token) else { return Ok(None) };
    store::find(&identity.db, hash, purpose.name(), identity.clock.now()).await
}

/// Redeems a token and returns its subject; `None` if the token is not valid. Of concurrent calls, only one succeeds.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn redeem(
    on: &impl ConnectionTrait,
    identity: &Identity,
    purpose: Purpose,
    token: &SecretString,
) -> Result<Option<Uuid>, DomainError> {
    let Some(hash) = purpose.hash_of(token) else { return Ok(None) };
    store::take(on, identity.db.dialect(), hash, purpose.name(), identity.clock.now()).await
}

/// Deletes all tokens of a purpose for a subject.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn withdraw(on: &impl ConnectionTrait, purpose: Purpose, subject: Uuid) -> Result<(), DomainError> {
    store::delete_of(on, purpose.name(), subject).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_purpose_and_form() {
        let hash_of = |text: &str| Purpose::Invitation.hash_of(&text.to_owned().into());
        let bytes = secret::random::<BYTES>();
        let good = format!("passerelle_invitation_{}", secret::text(&bytes));
        assert_eq!(hash_of(&good), Some(secret::hash(&bytes)));
        assert_eq!(Purpose::PasswordReset.hash_of(&good.clone().into()), None);
        let long = format!("{good}{}", "A".repeat(10_000));
        for wrong in ["", "passerelle_invitation_", &good[1..], &good[..good.len() - 1], &long, "é", "\0"] {
            assert_eq!(hash_of(wrong), None, "{wrong}");
        }
    }
}
