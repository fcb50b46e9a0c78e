//! Rate limits for signing in, refreshing, sending mails and redeeming their tokens.

use std::net::IpAddr;

use kernel::error::DomainError;
use kernel::throttle::{Throttle, network};
use kernel::value::DateTime;

/// The token buckets of these rate limits; `None` where they are off.
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
    /// Whether it took a token from the account's bucket, which all networks share.
    of_account: bool,
}

impl Default for Throttles {
    fn default() -> Self {
        Self(Some(Kinds {
            // Only failed attempts count. Two a minute are enough for a forgetful owner, and too few for guessing.
            sign_in_from_network: Throttle::new(10, 30_000),
            // In the long run, guessing from many networks gives no more attempts than from one.
            sign_in_of_account: Throttle::new(100, 30_000),
            // A school or a company may share one address.
            sign_in_from_address: Throttle::new(100, 1000),
            refresh_of_account: Throttle::new(60, 1000),
            refresh_from_address: Throttle::new(600, 100),
            // Each attempt is a mail to a person who may not have asked for it.
            reset_of_account: Throttle::new(3, 20 * 60_000),
            reset_from_address: Throttle::new(30, 60_000),
            one_time_from_address: Throttle::new(100, 1000),
            invitation_of_account: Throttle::new(200, 30_000),
            invitation_to_address: Throttle::new(5, 20 * 60_000),
        }))
    }
}

impl Throttles {
    /// No limits.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts an attempt to sign in with this normalized e-mail address from an IP address, whether or not there is
    /// such an account. `is_known` returns whether the account has signed in from this network before. It is awaited
    /// only if the account's bucket is empty: a known network may sign in nevertheless.
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

    /// Gives back the tokens of an attempt to sign in that succeeded.
    pub fn signed_in(&self, email_key: &str, from: IpAddr, attempt: Attempt) {
        if let Some(kinds) = &self.0 {
            kinds.sign_in_from_network.give_back(&of_both(email_key, from));
            if attempt.of_account {
                kinds.sign_in_of_account.give_back(email_key.as_bytes());
            }
        }
    }

    /// Allows one more attempt from there, for a person who has proven to own this address.
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

    /// Counts a request for a new password for this normalized e-mail address, whether or not there is such an
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

/// The bucket key of an account and a network.
fn of_both(email_key: &str, from: IpAddr) -> Vec<u8> {
    [&network(from), &b" "[..], email_key.as_bytes()].concat()
}

fn limited(retry_after_ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_ms }
}
