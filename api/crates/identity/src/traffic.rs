//! Limits of clients: points, searches, exports, pages of the feed and snapshots in a period, and concurrent streams.
//!
//! A client is an API key or an account, and otherwise an address. Each program counts by itself.

use std::sync::Arc;

use crate::caller::Call;
use kernel::error::DomainError;
use kernel::throttle::{ConcurrencyLimit, Level, Permit, Throttle};

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;
/// Milliseconds after which a client with too many streams should retry.
const AGAIN: i64 = 10_000;

/// Addresses of calendars that an account makes in an hour.
const CALENDAR_ADDRESSES: u32 = 20;

/// The limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Points of operations in a minute, by `@cost` and `@listSize` of the schema, for accounts and API keys.
    pub points: u32,
    /// Points of operations in a minute, for an address without a token.
    pub anonymous_points: u32,
    /// Searches in a minute: `search`, `suggest`, and each name of `matchOrganizations`.
    pub searches: u32,
    /// Exports in an hour: `myDataExport`.
    pub exports: u32,
    /// Pages of the feed in a minute.
    pub feed_requests: u32,
    /// Subscriptions of the feed at once.
    pub streams: u32,
    /// Subscriptions to records at once.
    pub watches: u32,
    /// Calendars in an hour.
    pub calendars: u32,
    /// Snapshots in an hour.
    pub snapshots: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            points: 300_000,
            anonymous_points: 100_000,
            searches: 1200,
            exports: 10,
            feed_requests: 120,
            streams: 10,
            watches: 200,
            calendars: 300,
            snapshots: 2,
        }
    }
}

/// The counters of all clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traffic(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counted: Option<Counted>,
    streams: Arc<ConcurrencyLimit>,
    watches: Arc<ConcurrencyLimit>,
    copies: Arc<ConcurrencyLimit>,
}

/// The token buckets of the limits that have a period.
#[derive(Debug)]
struct Counted {
    points: Throttle,
    anonymous_points: Throttle,
    searches: Throttle,
    exports: Throttle,
    feed: Throttle,
    calendars: Throttle,
    calendar_addresses: Throttle,
    snapshots: Throttle,
}

impl Counted {
    fn new(limits: Limits) -> Self {
        Self {
            points: Throttle::per(limits.points, MINUTE),
            anonymous_points: Throttle::per(limits.anonymous_points, MINUTE),
            searches: Throttle::per(limits.searches, MINUTE),
            exports: Throttle::per(limits.exports, 60 * MINUTE),
            feed: Throttle::per(limits.feed_requests, MINUTE),
            calendars: Throttle::per(limits.calendars, 60 * MINUTE),
            calendar_addresses: Throttle::per(CALENDAR_ADDRESSES, 60 * MINUTE),
            snapshots: Throttle::per(limits.snapshots, 60 * MINUTE),
        }
    }

    /// The buckets of points for a caller.
    fn points_of(&self, call: &Call) -> &Throttle {
        if call.viewer().account.is_some() { &self.points } else { &self.anonymous_points }
    }
}

impl Default for Traffic {
    /// Without limits.
    fn default() -> Self {
        Self::new(None)
    }
}

/// A snapshot in progress, until this is dropped.
#[derive(Debug)]
pub struct Copying {
    traffic: Traffic,
    client: Vec<u8>,
    _place: Option<Permit>,
}

impl Copying {
    /// Ends a snapshot that failed through no fault of the client, and does not count it.
    pub fn take_back(self) {
        if let Some(counted) = &self.traffic.0.counted {
            counted.snapshots.give_back(&self.client);
        }
    }
}

fn limited(retry_after_ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_ms }
}

impl Traffic {
    /// Creates the counters with these limits, or without limits.
    pub fn new(limits: Option<Limits>) -> Self {
        let streams = limits.map_or(usize::MAX, |limits| limits.streams as usize);
        let watches = limits.map_or(usize::MAX, |limits| limits.watches as usize);
        Self(Arc::new(Inner {
            counted: limits.map(Counted::new),
            streams: ConcurrencyLimit::new(streams),
            watches: ConcurrencyLimit::new(watches),
            // The server limits concurrent snapshots for all clients together.
            copies: ConcurrencyLimit::new(usize::MAX),
        }))
    }

    /// Takes tokens from the client's bucket of a kind, if there are limits.
    fn count(
        &self,
        call: &Call,
        kind: impl Fn(&Counted) -> &Throttle,
        so_much: u32,
    ) -> Result<(), DomainError> {
        let Some(counted) = &self.0.counted else { return Ok(()) };
        kind(counted).spend(&call.counted_as(), so_much, call.identity.clock.now()).map_err(limited)
    }

    /// Charges one point for reading the request.
    ///
    /// # Errors
    /// If none is left: milliseconds until one is available.
    pub fn pay(&self, call: &Call) -> Result<(), i64> {
        let Some(counted) = &self.0.counted else { return Ok(()) };
        counted.points_of(call).take(&call.counted_as(), call.identity.clock.now())
    }

    /// Charges the rest of the points of an operation that was read.
    ///
    /// # Errors
    /// If there are too few: milliseconds until there are enough for a new attempt.
    pub fn pay_rest(&self, call: &Call, points: u64) -> Result<(), i64> {
        let Some(counted) = &self.0.counted else { return Ok(()) };
        let points = u32::try_from(points).unwrap_or(u32::MAX);
        counted.points_of(call).spend_rest(&call.counted_as(), points, call.identity.clock.now())
    }

    /// The points that a caller has left; `None` without limits.
    pub fn points(&self, call: &Call) -> Option<Level> {
        let counted = self.0.counted.as_ref()?;
        Some(counted.points_of(call).level(&call.counted_as(), call.identity.clock.now()))
    }

    /// Counts this number of searches.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn search(&self, call: &Call, so_many: usize) -> Result<(), DomainError> {
        let so_many = u32::try_from(so_many).unwrap_or(u32::MAX);
        self.count(call, |counted| &counted.searches, so_many)
    }

    /// Counts an export of personal data.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn export(&self, call: &Call) -> Result<(), DomainError> {
        self.count(call, |counted| &counted.exports, 1)
    }

    /// Counts a request of a page of the feed.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn request(&self, call: &Call) -> Result<(), DomainError> {
        self.count(call, |counted| &counted.feed, 1)
    }

    /// Counts a calendar.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn calendar(&self, call: &Call) -> Result<(), DomainError> {
        self.count(call, |counted| &counted.calendars, 1)
    }

    /// Counts an address of a calendar that is made.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn calendar_address(&self, call: &Call) -> Result<(), DomainError> {
        self.count(call, |counted| &counted.calendar_addresses, 1)
    }

    /// Takes a place for a stream, which is free again when it is dropped.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn stream(&self, call: &Call) -> Result<Permit, DomainError> {
        self.0.streams.take(&call.counted_as()).ok_or_else(|| limited(AGAIN))
    }

    /// Takes a place for a subscription to records, which is free again when it is dropped.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn watch(&self, call: &Call) -> Result<Permit, DomainError> {
        self.0.watches.take(&call.counted_as()).ok_or_else(|| limited(AGAIN))
    }

    /// Counts a snapshot that begins.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn snapshot(&self, call: &Call) -> Result<Copying, DomainError> {
        self.count(call, |counted| &counted.snapshots, 1)?;
        let client = call.counted_as();
        let place = self.0.copies.take(&client);
        Ok(Copying { traffic: self.clone(), client, _place: place })
    }

    /// The number of open streams.
    pub fn streams(&self) -> usize {
        self.0.streams.total()
    }

    /// The number of snapshots in progress.
    pub fn snapshots(&self) -> usize {
        self.0.copies.total()
    }
}
