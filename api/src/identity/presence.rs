//! Whether the person is there themselves: what cannot be undone asks for more than an access token, which somebody may
//! have copied. A password shows it, and so does a fresh sign-in.

use secrecy::{ExposeSecret as _, SecretString};

use super::account::{email_key, network, store as accounts};
use super::caller::{Call, Credential};
use super::password;
use super::session::store as sessions;
use crate::record::messages::{self, Said, accounts as said};
use crate::record::problem::{Problem, Undone};
use crate::record::value::DateTime;

/// Microseconds after a sign-in in which it shows that the person is there: five minutes.
const FRESH: i64 = 5 * 60 * 1_000_000;

/// Whether somebody who signed in then has done so just now.
fn is_fresh(signed_in_at: DateTime, now: DateTime) -> bool {
    // A clock of another machine may be a little ahead.
    now.micros().abs_diff(signed_in_at.micros()) < FRESH.unsigned_abs()
}

/// Checks that the person who calls is there themselves. Problems have the path of the argument `password`.
///
/// A caller without credentials has the viewer that the program was started with, which no token could have leaked from.
///
/// # Errors
/// [`Undone::Refused`] for a wrong password, or where there is neither a password nor a fresh sign-in;
/// [`crate::record::error::DomainError::RateLimited`] after too many attempts.
pub async fn prove(call: &Call, given: Option<SecretString>) -> Result<(), Undone> {
    let needed = || Problem::beside("password", Said::new(&messages::IDENTITY_NEEDED));
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
                return Err(Problem::beside("password", Said::new(&said::WRONG_PASSWORD)).into());
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
        // Their password is one of another issuer, which says when they signed in there.
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
