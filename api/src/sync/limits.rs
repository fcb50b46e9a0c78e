//! How much a client may follow: requests and copies in a time, and streams at once.
//!
//! A client is a key or an account, and otherwise an address. What is counted is counted by this program alone.

use std::sync::Arc;

use crate::identity::caller::Call;
use crate::record::error::DomainError;
use crate::throttle::{Place, Places, Throttle};

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;
/// After how many milliseconds a client may try again who follows too much at once.
const AGAIN: i64 = 10_000;

/// How much a client may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pages of the feed in a minute.
    pub feed_requests: u32,
    /// Subscriptions of the feed at once.
    pub streams: u32,
    /// Snapshots in an hour.
    pub snapshots: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { feed_requests: 120, streams: 10, snapshots: 2 }
    }
}

/// What clients follow at the moment, and have lately. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traffic(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    feed: Option<Throttle>,
    snapshots: Option<Throttle>,
    streams: Arc<Places>,
    copies: Arc<Places>,
}

impl Default for Traffic {
    /// Nobody is limited.
    fn default() -> Self {
        Self::new(None)
    }
}

/// A snapshot that is being made, as long as this is kept.
#[derive(Debug)]
pub struct Copying {
    traffic: Traffic,
    client: Vec<u8>,
    _place: Option<Place>,
}

impl Copying {
    /// Ends it and counts it not after all: it was no fault of the client that it is not whole.
    pub fn take_back(self) {
        if let Some(snapshots) = &self.traffic.0.snapshots {
            snapshots.give_back(&self.client);
        }
    }
}

fn limited(retry_after_ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_ms }
}

impl Traffic {
    /// With these limits, or none.
    pub fn new(limits: Option<Limits>) -> Self {
        let streams = limits.map_or(usize::MAX, |limits| limits.streams as usize);
        Self(Arc::new(Inner {
            feed: limits.map(|limits| Throttle::per(limits.feed_requests, MINUTE)),
            snapshots: limits.map(|limits| Throttle::per(limits.snapshots, 60 * MINUTE)),
            streams: Places::new(streams),
            // How many there are at once the server decides, for all clients together.
            copies: Places::new(usize::MAX),
        }))
    }

    /// Counts a request of a page of the feed.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn request(&self, call: &Call) -> Result<(), DomainError> {
        let Some(feed) = &self.0.feed else { return Ok(()) };
        feed.take(&call.counted_as(), call.app.clock.now()).map_err(limited)
    }

    /// Takes a place for a stream, which is free again when it is dropped.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn stream(&self, call: &Call) -> Result<Place, DomainError> {
        self.0.streams.take(&call.counted_as()).ok_or_else(|| limited(AGAIN))
    }

    /// Counts a snapshot that begins.
    ///
    /// # Errors
    /// [`DomainError::RateLimited`].
    pub fn snapshot(&self, call: &Call) -> Result<Copying, DomainError> {
        let client = call.counted_as();
        if let Some(snapshots) = &self.0.snapshots {
            snapshots.take(&client, call.app.clock.now()).map_err(limited)?;
        }
        let place = self.0.copies.take(&client);
        Ok(Copying { traffic: self.clone(), client, _place: place })
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.0.streams.total()
    }

    /// How many snapshots are being made.
    pub fn snapshots(&self) -> usize {
        self.0.copies.total()
    }
}
