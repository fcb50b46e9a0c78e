//! Checks that the index has passed the last withdrawal: the last change that took something away from what an audience
//! may find.
//!
//! Hits are read again from the database, but totals and facets come from the index alone. An index that is behind
//! would still count hidden or erased records. So it is not asked, and the database answers instead.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use index::engine::Position;
use index::kind::Audience;
use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::reader::Reader;
use records::changes::{Head, withdrawal};

/// The time since which searches of an audience have found the index behind.
#[derive(Debug, Default)]
pub(super) struct Behind {
    public: Mutex<Option<Instant>>,
    members: Mutex<Option<Instant>>,
}

impl Behind {
    /// Whether the index has passed the last withdrawal from an audience. Searches wait for that until `wait` is over,
    /// counted from the first that found the index behind. Later ones do not wait: an index that cannot be written must
    /// not slow down every search.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub(super) async fn has_passed(
        &self,
        reader: &Reader,
        audience: Audience,
        reached: &watch::Receiver<Option<Position>>,
        wait: Duration,
    ) -> Result<bool, DomainError> {
        let (seen, since) = match audience {
            Audience::Public => (Visibility::Public, &self.public),
            Audience::Members => (Visibility::Members, &self.members),
        };
        let last = withdrawal::last(&reader.db, seen).await?;
        let since = || since.lock().unwrap_or_else(PoisonError::into_inner);
        if passed(*reached.borrow(), last) {
            *since() = None;
            return Ok(true);
        }
        let begun = *since().get_or_insert_with(Instant::now);
        let left = wait.saturating_sub(begun.elapsed());
        let mut reached = reached.clone();
        let waited = tokio::time::timeout(left, reached.wait_for(|at| passed(*at, last))).await;
        let is_there = matches!(waited, Ok(Ok(_)));
        if is_there {
            *since() = None;
        }
        Ok(is_there)
    }
}

/// Whether an index at this position has passed a change.
fn passed(reached: Option<Position>, last: Head) -> bool {
    reached.is_some_and(|at| at.feed_id == last.feed_id && at.seq >= last.seq)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_index_of_another_feed_has_passed_nothing() {
        let (feed_id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let last = Head { feed_id, seq: 5 };
        for (reached, expected) in [
            (None, false),
            (Some(Position { feed_id, seq: 4 }), false),
            (Some(Position { feed_id, seq: 5 }), true),
            (Some(Position { feed_id: other, seq: 9 }), false),
        ] {
            assert_eq!(passed(reached, last), expected, "{reached:?}");
        }
        assert!(!passed(None, Head { feed_id, seq: 0 }), "an index without a position has passed nothing");
    }
}
