//! How often somebody may try: token buckets in memory, of bounded number.
//!
//! A bucket is one number, the time at which it would be full again (the generic cell rate algorithm of ITU-T
//! I.371). Buckets that have not been asked for long make room for others.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use quick_cache::sync::Cache;

use super::secret::{self, Hash};
use crate::record::error::DomainError;
use crate::record::value::DateTime;

/// Buckets of one kind that are kept.
const MAX_BUCKETS: usize = 20_000;

/// The buckets of one kind.
#[derive(Debug)]
pub struct Throttle {
    /// How many tries a full bucket has.
    burst: i64,
    /// Microseconds until a try comes back.
    every: i64,
    /// When each bucket is full again, in microseconds since 1970.
    full_at: Cache<Hash, Arc<AtomicI64>>,
}

impl Throttle {
    /// Buckets of so many tries, one of which comes back every so many milliseconds.
    pub fn new(burst: i64, every_millis: i64) -> Self {
        Self { burst, every: every_millis * 1000, full_at: Cache::new(MAX_BUCKETS) }
    }

    /// Takes a try out of a bucket.
    ///
    /// # Errors
    /// Where it is empty: milliseconds until one is back.
    pub fn take(&self, key: &[u8], now: DateTime) -> Result<(), i64> {
        let now = now.micros();
        // A bucket that was emptied at once. Where the clock was set back, nobody waits longer than for that one.
        let empty = now + self.burst * self.every;
        let full_at = self.bucket(key);
        full_at.fetch_min(empty, Ordering::Relaxed);
        let taken = full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let after = full_at.max(now) + self.every;
            (after <= empty).then_some(after)
        });
        taken.map(|_| ()).map_err(|full_at| ((full_at + self.every - empty) / 1000).max(1))
    }

    /// Puts a try back.
    pub fn give_back(&self, key: &[u8]) {
        self.bucket(key).fetch_sub(self.every, Ordering::Relaxed);
    }

    fn bucket(&self, key: &[u8]) -> Arc<AtomicI64> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(0)));
        match self.full_at.get_or_insert_with(&secret::hash(key), new) {
            Ok(bucket) => bucket,
            Err(never) => match never {},
        }
    }
}

/// The buckets of signing in, of refreshing, and of what sends mails or takes their tokens.
#[derive(Debug)]
pub struct Throttles(Option<Kinds>);

#[derive(Debug)]
struct Kinds {
    sign_in_of_account: Throttle,
    sign_in_from_address: Throttle,
    refresh_of_account: Throttle,
    refresh_from_address: Throttle,
    reset_of_account: Throttle,
    reset_from_address: Throttle,
    one_time_from_address: Throttle,
    invitation_of_account: Throttle,
    invitation_to_address: Throttle,
}

impl Default for Throttles {
    fn default() -> Self {
        Self(Some(Kinds {
            // Only attempts that fail count: two a minute are enough for who has forgotten, and too few for who
            // guesses.
            sign_in_of_account: Throttle::new(10, 30_000),
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

    /// Counts an attempt to sign in with this normalized e-mail address, whether or not it is that of an account.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn sign_in(&self, email_key: &str, from: IpAddr, now: DateTime) -> Result<(), DomainError> {
        let Some(kinds) = &self.0 else { return Ok(()) };
        kinds.sign_in_from_address.take(&network(from), now).map_err(limited)?;
        kinds.sign_in_of_account.take(email_key.as_bytes(), now).map_err(limited)
    }

    /// Counts the last attempt to sign in with this address not after all: it was right.
    pub fn signed_in(&self, email_key: &str) {
        if let Some(kinds) = &self.0 {
            kinds.sign_in_of_account.give_back(email_key.as_bytes());
        }
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

fn limited(retry_after_ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_ms }
}

/// What counts as one address: of IPv6 the first 64 bits, because a customer is given at least so many addresses
/// (RFC 6177).
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(seconds: i64) -> DateTime {
        DateTime::from_micros(1_000_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let throttle = Throttle::new(3, 10_000);
        for _ in 0..3 {
            assert_eq!(throttle.take(b"a", at(0)), Ok(()));
        }
        assert_eq!(throttle.take(b"a", at(0)), Err(10_000));
        assert_eq!(throttle.take(b"b", at(0)), Ok(()));
        assert_eq!(throttle.take(b"a", at(4)), Err(6000));
        assert_eq!(throttle.take(b"a", at(10)), Ok(()));
        assert_eq!(throttle.take(b"a", at(10)), Err(10_000));
        throttle.give_back(b"a");
        assert_eq!(throttle.take(b"a", at(10)), Ok(()));
        for _ in 0..3 {
            assert_eq!(throttle.take(b"a", at(100)), Ok(()));
        }
        assert_eq!(throttle.take(b"a", at(100)), Err(10_000));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let throttle = Throttle::new(2, 1000);
        assert_eq!(throttle.take(b"a", at(1000)), Ok(()));
        assert_eq!(throttle.take(b"a", at(0)), Err(1000));
        assert_eq!(throttle.take(b"a", at(1)), Ok(()));
    }

    #[test]
    fn a_customer_with_many_addresses_is_one() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::2:3:4:5"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), parse("192.0.2.1"));
        assert_ne!(parse("192.0.2.1"), parse("192.0.2.2"));
    }
}
