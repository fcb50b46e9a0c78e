//! The keys of one issuer, remembered: how old they may be, and when they are read again.
//!
//! Keys younger than [`REFRESH`] are used as they are. Older ones are used while they are read again beside the
//! request, so that nobody waits, and are in use for as long as the issuer cannot be reached, up to [`MAX_AGE`]. Keys
//! that nobody has asked for during [`IDLE`] are read again first: what the issuer has withdrawn meanwhile must not
//! be good once more.
//!
//! Keys are read by one task at a time, for which all who need them wait. It goes on when they hang up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use reqwest::Client;

use super::fetch;
use super::keys::Keys;
use super::settings::Settings;
use crate::record::clock::Clock;
use crate::record::value::DateTime;

/// Microseconds after which keys are read again: ten minutes.
pub const REFRESH: i64 = 600_000_000;
/// Microseconds without an attempt to read them after which keys are used no more before they were read again.
pub const IDLE: i64 = 3_600_000_000;
/// Microseconds after which keys are good no more, whether or not the issuer can be reached: one day.
pub const MAX_AGE: i64 = 24 * 3_600_000_000;
/// Microseconds between two readings for key ids that are not known: whoever invents them does not reach the issuer
/// more often.
pub const FLOOR: i64 = 30_000_000;
/// Microseconds between two attempts to reach an issuer that could not be reached.
pub const RETRY: i64 = 5_000_000;

type Flight = Shared<BoxFuture<'static, ()>>;

/// What is remembered.
#[derive(Default)]
struct State {
    keys: Option<(Arc<Keys>, DateTime)>,
    /// When the last attempt to read them began.
    tried_at: Option<DateTime>,
    /// When the last attempt that has come to its end began.
    ended: Option<DateTime>,
    /// Whether the last attempt failed, or has not come to its end.
    failed: bool,
    /// The reading that goes on.
    flight: Option<Flight>,
}

/// What reading the keys again has brought.
pub enum Again {
    /// These, which may be others.
    Read(Arc<Keys>),
    /// They were read a moment ago: there are no others.
    Current,
    /// The issuer cannot be reached.
    Failed,
}

/// The keys of one issuer.
pub struct Cache {
    settings: Arc<Settings>,
    client: Client,
    /// How long reading may take.
    time: Duration,
    state: Mutex<State>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether something happened within so many microseconds. A clock that was set back makes it old.
fn within(age: i64, at: Option<DateTime>, now: DateTime) -> bool {
    at.is_some_and(|at| (0..age).contains(&(now.micros() - at.micros())))
}

/// Notes at the end of a reading, however it ends, that it goes on no more.
struct Landing(Arc<Cache>);

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.flight, state.ended) = (None, state.tried_at);
    }
}

impl Cache {
    /// Nothing of this issuer yet.
    pub fn new(settings: Arc<Settings>, client: Client, time: Duration) -> Arc<Self> {
        Arc::new(Self { settings, client, time, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that may be used now; nothing where the issuer could not be reached.
    pub async fn current(self: &Arc<Self>, clock: &Clock) -> Option<Arc<Keys>> {
        let now = clock.now();
        let flight = {
            let mut state = self.state();
            let read_at = state.keys.as_ref().map(|(_, read_at)| *read_at);
            let lively = within(IDLE, state.ended, now);
            let flight =
                if within(REFRESH, read_at, now) { None } else { self.begin(&mut state, clock, RETRY) };
            if let Some((keys, _)) = &state.keys
                && within(REFRESH, read_at, now) | (lively && within(MAX_AGE, read_at, now))
            {
                return Some(Arc::clone(keys));
            }
            flight
        };
        if let Some(flight) = flight {
            flight.await;
        }
        let state = self.state();
        let good = state.keys.as_ref().filter(|(_, read_at)| within(MAX_AGE, Some(*read_at), clock.now()));
        good.map(|(keys, _)| Arc::clone(keys))
    }

    /// The keys, read again because those known lack one.
    pub async fn again(self: &Arc<Self>, clock: &Clock, known: &Arc<Keys>) -> Again {
        let flight = {
            let mut state = self.state();
            match &state.keys {
                // Somebody else was faster.
                Some((keys, _)) if !Arc::ptr_eq(keys, known) => return Again::Read(Arc::clone(keys)),
                _ => self.begin(&mut state, clock, FLOOR),
            }
        };
        if let Some(flight) = flight {
            flight.await;
        }
        let state = self.state();
        match &state.keys {
            _ if state.failed => Again::Failed,
            Some((keys, _)) if !Arc::ptr_eq(keys, known) => Again::Read(Arc::clone(keys)),
            _ => Again::Current,
        }
    }

    /// Begins to read the keys, unless they are being read; nothing where that was tried so many microseconds ago.
    fn begin(self: &Arc<Self>, state: &mut State, clock: &Clock, floor: i64) -> Option<Flight> {
        let now = clock.now();
        if let Some(flight) = &state.flight {
            return Some(flight.clone());
        }
        if within(if state.failed { RETRY } else { floor }, state.tried_at, now) {
            return None;
        }
        (state.tried_at, state.failed) = (Some(now), true);
        let landing = Landing(Arc::clone(self));
        let task = tokio::spawn(async move {
            let cache = &landing.0;
            match fetch::keys(&cache.client, &cache.settings, cache.time).await {
                Ok(keys) => {
                    let mut state = cache.state();
                    (state.keys, state.failed) = (Some((Arc::new(keys), now)), false);
                }
                Err(error) => {
                    let issuer = &cache.settings.issuer;
                    tracing::warn!(%issuer, %error, "the keys of an issuer could not be read");
                }
            }
        });
        let flight = task.map(|_| ()).boxed().shared();
        state.flight = Some(flight.clone());
        Some(flight)
    }
}
