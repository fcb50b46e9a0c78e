//! Extra time for requests that were asked to wait, such as for the next change of the feed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// The extra time of a request. Resolvers extend it, and the time-out of the request is enforced with it.
#[derive(Debug, Default)]
pub struct Patience {
    millis: AtomicU64,
    stopping: CancellationToken,
}

impl Patience {
    /// The extra time of a request to a server that cancels `stopping` when it stops.
    pub fn until(stopping: CancellationToken) -> Self {
        Self { millis: AtomicU64::default(), stopping }
    }

    /// Waits until the server stops.
    pub async fn ends(&self) {
        self.stopping.cancelled().await;
    }

    /// Allows extra time. Of several extensions the longest counts, because they run concurrently.
    pub fn extend(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_max(millis, Ordering::Relaxed);
    }

    /// Runs `work`; none where it takes longer than `limit` plus the extra time.
    pub async fn limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let begun = Instant::now();
        loop {
            let allowed = self.millis.load(Ordering::Relaxed);
            let until = begun + limit + Duration::from_millis(allowed);
            if let Ok(done) = timeout_at(until, &mut work).await {
                return Some(done);
            }
            if self.millis.load(Ordering::Relaxed) == allowed {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_asked_to_wait_may_take_longer() {
        let patience = Patience::default();
        let limit = Duration::from_millis(20);
        assert!(patience.limit(limit, std::future::pending::<()>()).await.is_none());
        let waits = async {
            patience.extend(Duration::from_hours(1));
            tokio::time::sleep(5 * limit).await;
        };
        assert!(patience.limit(limit, waits).await.is_some());
    }
}
