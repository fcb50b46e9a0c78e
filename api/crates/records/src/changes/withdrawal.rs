//! The last change of the log that hid something from an audience.
//!
//! A search index that has not followed the log up to that change still counts what was hidden or erased. The number is
//! kept in the row of the log's counter, which every write locks anyway. So reading it is one lookup, on every replica
//! and after every restart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Change, Head};
use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement};

/// The audiences for which a change hides something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The public: everybody, also without signing in.
    pub public: bool,
    /// Members: everybody who is signed in.
    pub members: bool,
}

impl Withdrawal {
    /// The withdrawal by a change of a record's visibility from `before` to `after`; `None` if the record is gone.
    pub fn between(before: Visibility, after: Option<Visibility>) -> Self {
        let lost = |audience| before <= audience && after.is_none_or(|after| after > audience);
        Self { public: lost(Visibility::Public), members: lost(Visibility::Members) }
    }

    /// The withdrawal by hiding some fields of a record with this visibility.
    pub fn of_fields(seen: Visibility) -> Self {
        Self::between(seen, None)
    }
}

/// The positions in `changes`, from 1, of the last withdrawals from the public and from members; 0 if there is none.
pub(super) fn places(changes: &[Change]) -> (i64, i64) {
    let last = |withdraws: fn(&Withdrawal) -> bool| {
        let place = changes.iter().rposition(|change| withdraws(&change.withdraws));
        place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or_default()
    };
    (last(|one| one.public), last(|one| one.members))
}

/// Reads the number of the last change that hid something from an audience: the public, or members.
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
