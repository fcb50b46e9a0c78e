//! The cache of one issuer's keys: how old they may be, and when they are fetched again.
//!
//! Keys younger than [`REFRESH`] are used as they are. Older keys are used while a task fetches them again, so that
//! no request waits. They stay in use while the issuer cannot be reached, up to [`MAX_AGE`]. If they were not fetched
//! for [`IDLE`], requests wait for the fetch: keys that the issuer has withdrawn in the meantime must not be
//! accepted.
//!
//! One task at a time fetches the keys, and all requests that need them wait for it. It continues when their clients
//! disconnect.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use reqwest::Client;

use super::fetch;
use super::keys::Keys;
use super::settings::Settings;
use kernel::clock::Clock;
use kernel::value::DateTime;

/// Microseconds after which keys are fetched again: ten minutes.
pub const REFRESH: i64 = 600_000_000;
/// Microseconds without an attempt to fetch keys after which requests wait for a new attempt: one hour.
pub const IDLE: i64 = 3_600_000_000;
/// Maximum age of keys in microseconds, even if the issuer cannot be reached: one day.
pub const MAX_AGE: i64 = 24 * 3_600_000_000;
/// Minimum interval in microseconds between fetches for unknown key ids, so that invented ids do not flood the
/// issuer.
pub const FLOOR: i64 = 30_000_000;
/// Minimum interval in microseconds between attempts to reach an issuer that could not be reached.
pub const RETRY: i64 = 5_000_000;

type Flight = Shared<BoxFuture<'static, ()>>;

/// The state of the cache.
#[derive(Default)]
struct State {
    keys: Option<(Arc<Keys>, DateTime)>,
    /// When the last attempt to fetch them began.
    tried_at: Option<DateTime>,
    /// When the last completed attempt began.
    ended: Option<DateTime>,
    /// Whether the last attempt failed, or is not completed yet.
    failed: bool,
    /// The fetch in progress.
    flight: Option<Flight>,
}

/// The result of fetching the keys again.
pub enum Again {
    /// The keys, which may have changed.
    Read(Arc<Keys>),
    /// The known keys are current: they were fetched a moment ago.
    Current,
    /// The issuer cannot be reached.
    Failed,
}

/// The keys of one issuer.
pub struct Cache {
    settings: Arc<Settings>,
    client: Client,
    /// Time-out of a fetch.
    time: Duration,
    state: Mutex<State>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether `at` is less than `age` microseconds ago. False after the clock was set back.
fn within(age: i64, at: Option<DateTime>, now: DateTime) -> bool {
    at.is_some_and(|at| (0..age).contains(&(now.micros() - at.micros())))
}

/// Marks a fetch as completed when it is dropped, however the task ends.
struct Landing(Arc<Cache>);

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.flight, state.ended) = (None, state.tried_at);
    }
}

impl Cache {
    /// An empty cache for this issuer.
    pub fn new(settings: Arc<Settings>, client: Client, time: Duration) -> Arc<Self> {
        Arc::new(Self { settings, client, time, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that may be used now; `None` where there are none and the issuer could not be reached.
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

    /// Fetches the keys again, because the known ones lack one.
    pub async fn again(self: &Arc<Self>, clock: &Clock, known: &Arc<Keys>) -> Again {
        let flight = {
            let mut state = self.state();
            match &state.keys {
                // Another request has fetched them already.
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

    /// Starts a fetch, or joins the one in progress; `None` if the last attempt began less than `floor` microseconds
    /// ago, or less than [`RETRY`] after a failure.
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
