//! Renewed authentication. An action that cannot be undone needs more than an access token, which may have been
//! stolen: it needs the password or a fresh sign-in.

use secrecy::{ExposeSecret as _, SecretString};

use super::account::{email_key, network, store as accounts};
use super::caller::{Call, Credential};
use super::password;
use super::session::store as sessions;
use kernel::messages::{self, FilledMessage, accounts as said};
use kernel::problem::{OperationError, Problem};
use kernel::value::DateTime;

/// Microseconds for which a sign-in is fresh: five minutes.
const FRESH: i64 = 5 * 60 * 1_000_000;

/// Whether a sign-in at this time is fresh.
fn is_fresh(signed_in_at: DateTime, now: DateTime) -> bool {
    // The clock of another server may be a little ahead.
    now.micros().abs_diff(signed_in_at.micros()) < FRESH.unsigned_abs()
}

/// Checks that the caller has authenticated anew. Problems have the path of the argument `password`.
///
/// A caller without credentials passes: they have the default viewer of the program, and no token can have been
/// stolen.
///
/// # Errors
/// [`OperationError::Refused`] for a wrong password, or where there is neither a password nor a fresh sign-in;
/// [`kernel::error::DomainError::RateLimited`] after too many attempts.
pub async fn prove(call: &Call, given: Option<SecretString>) -> Result<(), OperationError> {
    let needed = || Problem::beside("password", FilledMessage::new(&messages::IDENTITY_NEEDED));
    let (identity, now) = (&call.identity, call.identity.clock.now());
    let Some(known) = call.known.as_deref() else { return Ok(()) };
    match (&known.credential, given) {
        (Credential::Session { account, .. }, Some(given)) => {
            if given.expose_secret().is_empty() {
                return Err(Problem::required("password").not_of_the_input().into());
            }
            if password::is_too_long(&given) {
                return Err(Problem::too_long("password", password::MAX_LENGTH).not_of_the_input().into());
            }
            let key = email_key(&account.email);
            let is_known = network::is_known(identity, Some(account.id), call.from);
            let attempt = identity.throttles().sign_in(&key, call.from, now, is_known).await?;
            let hash = accounts::credentials(&identity.db, &key).await?.and_then(|(_, hash)| hash);
            if !identity.hashing().verify(given, hash).await? {
                return Err(Problem::beside("password", FilledMessage::new(&said::WRONG_PASSWORD)).into());
            }
            identity.throttles().signed_in(&key, call.from, attempt);
            Ok(())
        }
        (Credential::Session { session, .. }, None) => {
            match sessions::created_at(identity.db.writer(), *session).await? {
                Some(at) if is_fresh(at, now) => Ok(()),
                _ => Err(needed().into()),
            }
        }
        // Only the other issuer knows their password. Its token has the time of the sign-in.
        (Credential::Token { .. }, _) => match call.presented.signed_in_at() {
            Some(at) if is_fresh(at, now) => Ok(()),
            _ => Err(needed().into()),
        },
        (Credential::ApiKey { .. }, _) => Err(needed().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_are_fresh() {
        let now = DateTime::from_micros(10_000_000_000);
        let before = |seconds: i64| DateTime::from_micros(now.micros() - seconds * 1_000_000);
        for fresh in [0, 1, 299, -10] {
            assert!(is_fresh(before(fresh), now), "{fresh}");
        }
        for old in [300, 301, 10_000, -300] {
            assert!(!is_fresh(before(old), now), "{old}");
        }
    }
}
