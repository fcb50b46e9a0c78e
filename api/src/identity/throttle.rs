//! How often somebody may try to sign in, to refresh, and to have mails sent.

use std::net::IpAddr;

use crate::record::error::DomainError;
use crate::record::value::DateTime;
use crate::throttle::{Throttle, network};

/// The buckets of signing in, of refreshing, and of what sends mails or takes their tokens.
#[derive(Debug)]
pub struct Throttles(Option<Kinds>);

#[derive(Debug)]
struct Kinds {
    sign_in_of_account: Throttle,
    sign_in_from_network: Throttle,
    sign_in_from_address: Throttle,
    refresh_of_account: Throttle,
    refresh_from_address: Throttle,
    reset_of_account: Throttle,
    reset_from_address: Throttle,
    one_time_from_address: Throttle,
    invitation_of_account: Throttle,
    invitation_to_address: Throttle,
}

/// An attempt to sign in that was counted.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Attempt {
    /// Whether it was counted among those from everywhere.
    of_account: bool,
}

impl Default for Throttles {
    fn default() -> Self {
        Self(Some(Kinds {
            // Only attempts that fail count: two a minute are enough for who has forgotten, and too few for who
            // guesses.
            sign_in_from_network: Throttle::new(10, 30_000),
            // Whoever guesses from many networks has no more tries in the long run than from one.
            sign_in_of_account: Throttle::new(100, 30_000),
            // A school or a company may be one address.
            sign_in_from_address: Throttle::new(100, 1000),
            refresh_of_account: Throttle::new(60, 1000),
            refresh_from_address: Throttle::new(600, 100),
            // Each is a mail to somebody who may not have asked for it.
            reset_of_account: Throttle::new(3, 20 * 60_000),
            reset_from_address: Throttle::new(30, 60_000),
            one_time_from_address: Throttle::new(100, 1000),
            invitation_of_account: Throttle::new(200, 30_000),
            invitation_to_address: Throttle::new(5, 20 * 60_000),
        }))
    }
}

impl Throttles {
    /// Nothing is counted.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts an attempt to sign in with this normalized e-mail address from there, whether or not it is that of an
    /// account. `is_known` says whether the account has signed in from there: it is asked only where too many have tried
    /// from everywhere together, which then does not count.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`], and those of `is_known`.
    pub async fn sign_in(
        &self,
        email_key: &str,
        from: IpAddr,
        now: DateTime,
        is_known: impl Future<Output = Result<bool, DomainError>>,
    ) -> Result<Attempt, DomainError> {
        let Some(kinds) = &self.0 else { return Ok(Attempt { of_account: false }) };
        kinds.sign_in_from_address.take(&network(from), now).map_err(limited)?;
        kinds.sign_in_from_network.take(&of_both(email_key, from), now).map_err(limited)?;
        let Err(retry_after_ms) = kinds.sign_in_of_account.take(email_key.as_bytes(), now) else {
            return Ok(Attempt { of_account: true });
        };
        if is_known.await? { Ok(Attempt { of_account: false }) } else { Err(limited(retry_after_ms)) }
    }

    /// Counts an attempt to sign in with this address from there not after all: it was right.
    pub fn signed_in(&self, email_key: &str, from: IpAddr, attempt: Attempt) {
        if let Some(kinds) = &self.0 {
            kinds.sign_in_from_network.give_back(&of_both(email_key, from));
            if attempt.of_account {
                kinds.sign_in_of_account.give_back(email_key.as_bytes());
            }
        }
    }

    /// Lets somebody who has proven to be the owner of this address try once more from there.
    pub fn forgive(&self, email_key: &str, from: IpAddr) {
        self.signed_in(email_key, from, Attempt { of_account: true });
    }

    /// Counts an attempt to refresh or end a session.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn refresh_from(&self, from: IpAddr, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.refresh_from_address.take(&network(from), now).map_err(limited)
    }

    /// Counts a request for a new password for this normalized e-mail address, whether or not it is that of an
    /// account.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn password_reset(&self, email_key: &str, from: IpAddr, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.reset_from_address.take(&network(from), now).map_err(limited)?;
        kinds.reset_of_account.take(email_key.as_bytes(), now).map_err(limited)
    }

    /// Counts an attempt to use a token of a mail.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn one_time(&self, from: IpAddr, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.one_time_from_address.take(&network(from), now).map_err(limited)
    }

    /// Counts an invitation by this account to this normalized e-mail address.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn invitation(&self, by: uuid::Uuid, email_key: &str, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.invitation_of_account.take(by.as_bytes(), now).map_err(limited)?;
        kinds.invitation_to_address.take(email_key.as_bytes(), now).map_err(limited)
    }

    /// Counts a refresh of a session of this account.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn refresh_of(&self, account: uuid::Uuid, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.refresh_of_account.take(account.as_bytes(), now).map_err(limited)
    }
}

/// The key of an account and a network.
fn of_both(email_key: &str, from: IpAddr) -> Vec<u8> {
    [&network(from), &b" "[..], email_key.as_bytes()].concat()
}

fn limited(retry_after_ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_ms }
}
