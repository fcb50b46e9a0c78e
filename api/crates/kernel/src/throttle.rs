//! Rate limits (token buckets) and concurrency limits (places), in bounded memory.
//!
//! A bucket is one number: the time at which it will be full again (the generic cell rate algorithm of ITU-T I.371).
//! Buckets that were not used for long are evicted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;

use crate::secret::{self, Hash};
use crate::value::DateTime;

/// Maximum number of buckets of one kind.
const MAX_BUCKETS: usize = 20_000;

/// The state of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Number of tokens in a full bucket.
    pub limit: i64,
    /// Number of tokens left.
    pub left: i64,
    /// Milliseconds until it is full again.
    pub full_in: i64,
}

/// Token buckets of one kind, one for each key.
#[derive(Debug)]
pub struct Throttle {
    /// Number of tokens in a full bucket.
    burst: i64,
    /// Microseconds until a token is refilled.
    every: i64,
    /// When each bucket is full again, in microseconds since 1970.
    full_at: Cache<Hash, Arc<AtomicI64>>,
}

impl Throttle {
    /// Buckets of `burst` tokens, refilled by one token every `every_millis` milliseconds.
    pub fn new(burst: i64, every_millis: i64) -> Self {
        Self { burst, every: every_millis * 1000, full_at: Cache::new(MAX_BUCKETS) }
    }

    /// Buckets of `count` tokens, all of which are refilled in `millis` milliseconds.
    pub fn per(count: u32, millis: i64) -> Self {
        let count = i64::from(count.max(1));
        Self { burst: count, every: (millis * 1000 / count).max(1), full_at: Cache::new(MAX_BUCKETS) }
    }

    /// Takes a token from a bucket.
    ///
    /// # Errors
    /// If it is empty: milliseconds until a token is available.
    pub fn take(&self, key: &[u8], now: DateTime) -> Result<(), i64> {
        self.spend(key, 1, now)
    }

    /// Takes `tries` tokens from a bucket at once, or none. More than a full bucket has counts as a full bucket.
    ///
    /// # Errors
    /// If there are fewer: milliseconds until there are enough.
    pub fn spend(&self, key: &[u8], tries: u32, now: DateTime) -> Result<(), i64> {
        self.take_so_many(key, i64::from(tries).min(self.burst), 0, now)
    }

    /// Takes the rest of `tries` tokens, of which [`Self::take`] has taken one before the number was known.
    ///
    /// # Errors
    /// If there are fewer: milliseconds until there are `tries` tokens for a new attempt.
    pub fn spend_rest(&self, key: &[u8], tries: u32, now: DateTime) -> Result<(), i64> {
        let rest = i64::from(tries).min(self.burst) - 1;
        if rest > 0 { self.take_so_many(key, rest, 1, now) } else { Ok(()) }
    }

    /// Takes `tries` tokens, or returns the wait in milliseconds until `tries + more` are available.
    fn take_so_many(&self, key: &[u8], tries: i64, more: i64, now: DateTime) -> Result<(), i64> {
        let (now, cost) = (now.micros(), tries * self.every);
        // The value of an empty bucket. It is also the upper bound, so that nobody waits longer after the clock was
        // set back.
        let empty = now + self.burst * self.every;
        let full_at = self.bucket(key);
        full_at.fetch_min(empty, Ordering::Relaxed);
        let taken = full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let after = full_at.max(now) + cost;
            (after <= empty).then_some(after)
        });
        let wait = |full_at: i64| ((full_at + cost + more * self.every - empty) / 1000).max(1);
        taken.map(|_| ()).map_err(wait)
    }

    /// The state of a bucket.
    pub fn level(&self, key: &[u8], now: DateTime) -> Level {
        let missing =
            (self.bucket(key).load(Ordering::Relaxed) - now.micros()).clamp(0, self.burst * self.every);
        // A token that is partly refilled does not count.
        let left = self.burst - (missing + self.every - 1) / self.every;
        Level { limit: self.burst, left, full_in: (missing + 999) / 1000 }
    }

    /// Gives a token back to a bucket.
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

/// A concurrency limit: a number of places for each caller, and for all callers together. Some places are reserved
/// for identified callers.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    each: usize,
    all: usize,
    kept: usize,
    taken: Mutex<Taken>,
}

/// The numbers of places that are taken.
#[derive(Debug, Default)]
struct Taken {
    by_caller: HashMap<Vec<u8>, usize>,
    all: usize,
    /// By callers who are not identified.
    strangers: usize,
}

/// A caller who takes places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key under which they are counted.
    pub key: Vec<u8>,
    /// Whether they are identified.
    pub known: bool,
}

/// The limit because of which no place is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The limit of the caller.
    Own,
    /// The limit of all callers together.
    All,
}

/// One or more places that are taken until this is dropped.
#[derive(Debug)]
pub struct Permit {
    places: Arc<ConcurrencyLimit>,
    caller: Caller,
    count: usize,
}

impl ConcurrencyLimit {
    /// A limit for each caller.
    pub fn new(each: usize) -> Arc<Self> {
        Self::shared(each, usize::MAX, 0)
    }

    /// A limit for each caller and for all together. `kept` places are reserved for identified callers.
    pub fn shared(each: usize, all: usize, kept: usize) -> Arc<Self> {
        Arc::new(Self { each, all, kept, taken: Mutex::default() })
    }

    /// Takes a place; `None` if none is free.
    pub fn take(self: &Arc<Self>, key: &[u8]) -> Option<Permit> {
        self.take_as(&Caller { key: key.to_vec(), known: true }, 1).ok()
    }

    /// Takes several places at once, or none.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take_as(self: &Arc<Self>, caller: &Caller, count: usize) -> Result<Permit, Full> {
        self.add(caller, count)?;
        Ok(Permit { places: Arc::clone(self), caller: caller.clone(), count })
    }

    fn add(&self, caller: &Caller, count: usize) -> Result<(), Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_caller.get(&caller.key).copied().unwrap_or_default().saturating_add(count);
        if own > self.each {
            return Err(Full::Own);
        }
        let strangers = if caller.known { taken.strangers } else { taken.strangers.saturating_add(count) };
        let all = taken.all.saturating_add(count);
        if all > self.all || (!caller.known && strangers > self.all.saturating_sub(self.kept)) {
            return Err(Full::All);
        }
        (taken.all, taken.strangers) = (all, strangers);
        match taken.by_caller.get_mut(&caller.key) {
            Some(count) => *count = own,
            None => {
                taken.by_caller.insert(caller.key.clone(), own);
            }
        }
        Ok(())
    }

    /// The number of places that are taken by all callers.
    pub fn total(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Permit {
    /// Takes more places, or none.
    ///
    /// # Errors
    /// [`Full`].
    pub fn grow(&mut self, count: usize) -> Result<(), Full> {
        self.places.add(&self.caller, count)?;
        self.count += count;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(self.count);
        if !self.caller.known {
            taken.strangers = taken.strangers.saturating_sub(self.count);
        }
        match taken.by_caller.get_mut(&self.caller.key) {
            Some(count) if *count > self.count => *count -= self.count,
            _ => {
                taken.by_caller.remove(&self.caller.key);
            }
        }
    }
}

/// The key under which an IP address is counted: for IPv6 its first 64 bits, because a customer gets at least that
/// many addresses (RFC 6177).
pub fn network(address: IpAddr) -> Vec<u8> {
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

    #[test]
    fn what_costs_more_takes_more_or_nothing() {
        let throttle = Throttle::per(10, 60_000);
        assert_eq!(throttle.spend(b"a", 8, at(0)), Ok(()));
        assert_eq!(throttle.spend(b"a", 4, at(0)), Err(12_000));
        assert_eq!(throttle.spend(b"a", 2, at(0)), Ok(()), "the refusal took nothing");
        assert_eq!(throttle.spend(b"b", 1000, at(0)), Ok(()), "a full bucket is enough for everything");
        assert_eq!(throttle.take(b"b", at(0)), Err(6000));
    }

    #[test]
    fn who_has_paid_for_a_part_waits_for_the_whole() {
        let throttle = Throttle::per(10, 60_000);
        let both = |tries, seconds| {
            let now = at(seconds);
            throttle.take(b"a", now).and_then(|()| throttle.spend_rest(b"a", tries, now))
        };
        assert_eq!(both(1, 0), Ok(()));
        assert_eq!(both(6, 0), Ok(()));
        // One of the three tokens left is lost, and four are needed for a new attempt.
        assert_eq!(both(4, 0), Err(12_000));
        assert_eq!(both(4, 12), Ok(()));
        assert_eq!(both(1, 12), Err(6000));
        assert_eq!(both(1000, 72), Ok(()), "a full bucket is enough for everything");
        assert_eq!(both(1, 72), Err(6000));
    }

    #[test]
    fn it_can_be_seen_how_full_a_bucket_is() {
        let throttle = Throttle::per(10, 60_000);
        assert_eq!(throttle.level(b"a", at(0)), Level { limit: 10, left: 10, full_in: 0 });
        assert_eq!(throttle.spend(b"a", 4, at(0)), Ok(()));
        assert_eq!(throttle.level(b"a", at(0)), Level { limit: 10, left: 6, full_in: 24_000 });
        assert_eq!(throttle.level(b"a", at(7)), Level { limit: 10, left: 7, full_in: 17_000 });
        assert_eq!(throttle.level(b"a", at(30)), Level { limit: 10, left: 10, full_in: 0 });
        assert_eq!(throttle.spend(b"a", 1000, at(30)), Ok(()));
        assert_eq!(throttle.level(b"a", at(30)).left, 0);
        assert_eq!(throttle.level(b"a", at(0)).left, 0, "a clock that was set back");
    }

    #[test]
    fn places_come_back() {
        let places = ConcurrencyLimit::new(2);
        let first = places.take(b"a");
        let second = places.take(b"a");
        assert!(first.is_some() && second.is_some() && places.take(b"a").is_none());
        assert!(places.take(b"b").is_some(), "the place is given back at once");
        assert_eq!(places.total(), 2);
        drop(first);
        assert!(places.take(b"a").is_some());
        drop(second);
        assert_eq!(places.total(), 0);
        assert!(places.taken.lock().unwrap().by_caller.is_empty(), "a caller without places has no entry");
    }

    #[test]
    fn strangers_leave_places_to_who_is_known() {
        let caller = |name: &str, known| Caller { key: name.as_bytes().to_vec(), known };
        let (one, two, partner) = (caller("1", false), caller("2", false), caller("p", true));
        let places = ConcurrencyLimit::shared(2, 4, 1);
        let mut first = places.take_as(&one, 1).unwrap();
        assert_eq!(first.grow(2), Err(Full::Own), "a refused growth takes no places");
        assert_eq!(first.grow(1), Ok(()));
        assert_eq!(places.take_as(&one, 1).unwrap_err(), Full::Own);
        let second = places.take_as(&two, 1).unwrap();
        assert_eq!(places.take_as(&two, 1).unwrap_err(), Full::All, "the last place is reserved");
        let kept = places.take_as(&partner, 1).unwrap();
        assert_eq!(places.take_as(&partner, 1).unwrap_err(), Full::All);
        assert_eq!(places.total(), 4);
        drop(first);
        // Places that are free again are for everybody, except the reserved one.
        let more = places.take_as(&partner, 1).unwrap();
        assert!(places.take_as(&two, 1).is_ok());
        drop((second, kept, more));
        assert_eq!((places.total(), places.taken.lock().unwrap().strangers), (0, 0));
        let thief = places.take_as(&two, 2).unwrap();
        drop(thief);
        assert!(places.taken.lock().unwrap().by_caller.is_empty());
    }
}
