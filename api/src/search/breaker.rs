//! Spares an engine that does not answer, and those who would wait for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::engine::EngineError;

/// Failures, one after the other, after which the engine is left alone.
const FAILURES: u32 = 5;
/// How long it is left alone; then one request tries it.
const PAUSE: Duration = Duration::from_secs(2);

/// Whether an engine is asked at all.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures since the last answer.
    failures: u32,
    /// When the next request may try an engine that is left alone.
    next: Option<Instant>,
}

impl Breaker {
    /// Whether this request may ask the engine.
    pub(super) fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next {
            Some(next) if now < next => false,
            Some(_) => {
                // This one tries; others wait for what comes of it.
                state.next = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// Whether the engine is left alone now.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next.is_some()
    }

    /// The engine has answered.
    pub(super) fn answered(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next.is_some() {
            tracing::info!("the search engine answers again");
        }
        *state = State::default();
    }

    /// The engine has failed.
    pub(super) fn failed(&self, error: &EngineError, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            if state.next.is_none() {
                tracing::warn!(%error, "the search engine does not answer: the database does, until it recovers");
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
        assert!(breaker.lets_through(later), "one tries");
        assert!(!breaker.lets_through(later), "the others wait");
        breaker.failed(&error, later);
        assert!(!breaker.lets_through(later));
        let recovered = later + PAUSE;
        assert!(breaker.lets_through(recovered));
        breaker.answered();
        assert!(breaker.lets_through(recovered) && breaker.lets_through(recovered));
    }
}
