//! The last change of the log that took something away from what an audience may find.
//!
//! An index that has not followed the log up to that change still counts what was hidden or erased. The place is kept in
//! the row of the log's counter, which every write holds anyway, so that reading it is one lookup, on every replica and
//! after every restart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Change, Head};
use crate::record::error::DomainError;
use crate::record::policy::Visibility;
use crate::record::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement};

/// The audiences from which a change takes something away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Anybody.
    pub public: bool,
    /// Anybody who is signed in.
    pub members: bool,
}

impl Withdrawal {
    /// The withdrawal of a record that was seen from one level, and is seen from another now; `None` where it is gone.
    pub fn between(before: Visibility, after: Option<Visibility>) -> Self {
        let lost = |audience| before <= audience && after.is_none_or(|after| after > audience);
        Self { public: lost(Visibility::Public), members: lost(Visibility::Members) }
    }

    /// The withdrawal of some of the fields of a record that is seen from this level.
    pub fn of_fields(seen: Visibility) -> Self {
        Self::between(seen, None)
    }
}

/// The places, counted from 1, of the last changes that withdraw from the public and from members; 0 where none does.
pub(super) fn places(changes: &[Change]) -> (i64, i64) {
    let last = |withdraws: fn(&Withdrawal) -> bool| {
        let place = changes.iter().rposition(|change| withdraws(&change.withdraws));
        place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or_default()
    };
    (last(|one| one.public), last(|one| one.members))
}

/// The last change that took something away from those who see up to this level: the public, or members.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn last(db: &Arc<Database>, audience: Visibility) -> Result<Head, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, f.feed_id, f.withdrawn_public, f.withdrawn_members FROM {} {} feed_meta AS f ON f.id = k.id",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(1)]]).await?;
    let (_, mut row) =
        rows.into_iter().next().ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
    let feed_id = row.get()?;
    let (public, members): (i64, i64) = (row.get()?, row.get()?);
    Ok(Head { feed_id, seq: if audience == Visibility::Public { public } else { members } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_loses_what_by_a_change() {
        use Visibility::{Members, Private, Public};
        let (nobody, members) = (Withdrawal::default(), Withdrawal { public: false, members: true });
        let (public, all) =
            (Withdrawal { public: true, members: false }, Withdrawal { public: true, members: true });
        for (before, after, expected) in [
            (Public, None, all),
            (Members, None, members),
            (Private, None, nobody),
            (Public, Some(Public), nobody),
            (Public, Some(Members), public),
            (Public, Some(Private), all),
            (Members, Some(Private), members),
            (Members, Some(Public), nobody),
            (Private, Some(Public), nobody),
        ] {
            assert_eq!(Withdrawal::between(before, after), expected, "{before:?} {after:?}");
        }
    }
}
