//! A circuit breaker: an engine that does not answer is not asked for a while, so that callers need not wait for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use index::engine::EngineError;

/// Consecutive failures that open the breaker.
const FAILURES: u32 = 5;
/// The time after which an open breaker lets one request through.
const PAUSE: Duration = Duration::from_secs(2);

/// The circuit breaker of an engine.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures since the last answer.
    failures: u32,
    /// The time at which an open breaker lets the next request through; `None` while it is closed.
    next: Option<Instant>,
}

impl Breaker {
    /// Whether this request may ask the engine.
    pub(super) fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next {
            Some(next) if now < next => false,
            Some(_) => {
                // This request tries the engine. Others are not let through meanwhile.
                state.next = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// Whether the breaker is open.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next.is_some()
    }

    /// Notes an answer of the engine, which closes the breaker.
    pub(super) fn answered(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next.is_some() {
            tracing::info!("the search engine answers again");
        }
        *state = State::default();
    }

    /// Notes a failure of the engine.
    pub(super) fn failed(&self, error: &EngineError, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            if state.next.is_none() {
                tracing::warn!(%error, "the search engine does not answer: the database is searched until it recovers");
            }
            state.next = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_tries_after_a_pause() {
        let breaker = Breaker::default();
        let error = EngineError::Failed("gone".into());
        let begun = Instant::now();
        for _ in 0..FAILURES {
            assert!(breaker.lets_through(begun));
            breaker.failed(&error, begun);
        }
        assert!(!breaker.lets_through(begun));
        let later = begun + PAUSE;
        assert!(breaker.lets_through(later), "one request tries the engine");
        assert!(!breaker.lets_through(later), "other requests are not let through");
        breaker.failed(&error, later);
        assert!(!breaker.lets_through(later));
        let recovered = later + PAUSE;
        assert!(breaker.lets_through(recovered));
        breaker.answered();
        assert!(breaker.lets_through(recovered) && breaker.lets_through(recovered));
    }
}
