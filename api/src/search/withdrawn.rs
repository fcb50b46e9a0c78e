//! Whether the index has passed the last change that took something away from what an audience may find.
//!
//! Hits are read again from the database, but totals and facets come from the index alone: one that is behind would
//! still count who was hidden or erased. Such an index is not asked, and the database answers in its place.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::engine::Position;
use crate::changes::{Head, withdrawal};
use crate::record::error::DomainError;
use crate::record::policy::Visibility;
use crate::record::reader::Reader;
use crate::search::kind::Audience;

/// Since when searches of an audience have found the index behind.
#[derive(Debug, Default)]
pub(super) struct Behind {
    public: Mutex<Option<Instant>>,
    members: Mutex<Option<Instant>>,
}

impl Behind {
    /// Whether the index has passed the last withdrawal from an audience. Searches wait for that, so long from the first of
    /// them on. Later ones do not wait: an index that cannot be written must not make every search slow.
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

/// Whether an index that has come to this place has passed a change.
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
        assert!(!passed(None, Head { feed_id, seq: 0 }), "nobody knows what is in it");
    }
}
