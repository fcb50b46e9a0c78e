//! Keeps searches from waiting, one after the other, for an engine that does not answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::search::engine::EngineError;

/// Failures in a row after which the engine is left alone.
const FAILURES: u32 = 5;
/// How long it is left alone, until one search tries again.
const PAUSE: Duration = Duration::from_secs(2);

/// Counts failures.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    next_try: Option<Instant>,
}

impl Breaker {
    /// Runs a search, unless it would only fail again; one that takes longer than `time` has failed.
    pub(super) async fn guard<T>(
        &self,
        time: Duration,
        search: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        if !self.may_try() {
            return Err(EngineError::Failed("it has just failed, and is not asked".into()));
        }
        let answer = match tokio::time::timeout(time, search).await {
            Ok(answer) => answer,
            Err(_) => Err(EngineError::Failed("no answer in time".into())),
        };
        // An engine without an index has answered.
        self.note(matches!(answer, Err(EngineError::Failed(_))));
        answer
    }

    fn may_try(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.failures < FAILURES {
            return true;
        }
        let may = state.next_try.is_none_or(|next| now >= next);
        if may {
            // The others wait for how it goes.
            state.next_try = Some(now + PAUSE);
        }
        may
    }

    fn note(&self, failed: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            state.failures = state.failures.saturating_add(1);
            state.next_try = Some(Instant::now() + PAUSE);
        } else {
            *state = State::default();
        }
    }
}
