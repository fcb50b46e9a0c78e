//! Metrics of the search engine.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Histogram, IntCounterVec};

use index::engine::EngineError;
use kernel::meter::{SECONDS, counters, histogram};

/// The metrics of the search engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SearchMetrics {
    /// Requests to the engine, by outcome.
    pub(super) requests: IntCounterVec,
    seconds: Histogram,
}

impl Default for SearchMetrics {
    fn default() -> Self {
        let help = "Questions to the search engine: ok, failed, building (its index is not ready), spared (not asked, \
                    because it has failed), behind (not asked, because its index still has what was hidden or erased)";
        let requests = counters("search_requests_total", help, &["outcome"]);
        // Created at once, so that the first failure shows as a rise from zero.
        for outcome in ["ok", "failed", "building", "spared", "behind"] {
            requests.with_label_values(&[outcome]);
        }
        let help = "How long the search engine took to answer, or was waited for";
        Self { requests, seconds: histogram("search_duration_seconds", help, SECONDS) }
    }
}

impl SearchMetrics {
    /// Counts a request to the engine, with its duration and outcome.
    pub(super) fn asked<T>(&self, took: Duration, answer: &Result<T, EngineError>) {
        self.seconds.observe(took.as_secs_f64());
        let outcome = match answer {
            Ok(_) => "ok",
            Err(EngineError::Building) => "building",
            Err(EngineError::Behind) => "behind",
            Err(EngineError::Failed(_)) => "failed",
        };
        self.requests.with_label_values(&[outcome]).inc();
    }

    /// The collectors of all metrics, for the registry.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.requests.clone()), Box::new(self.seconds.clone())]
    }
}
