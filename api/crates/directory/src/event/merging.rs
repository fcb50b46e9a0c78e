//! Events that name an organization or a talent that is merged into another.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::row::Row;
use super::write::Events;
use kernel::RecordType;
use kernel::error::DomainError;
use records::audit::Action;
use records::write::{Pair, RecordRow as _, Rewritten, lock_ids};

/// The columns by which events name records of a type: the table, and its columns of the event and of the record.
fn columns(of: RecordType) -> &'static [(&'static str, &'static str, &'static str)] {
    match of {
        RecordType::Organization => &[
            ("event_organization", "event_id", "organization_id"),
            ("event_session_organization", "event_id", "organization_id"),
            ("event", "id", "venue_organization_id"),
        ],
        RecordType::Talent => {
            &[("event_speaker", "event_id", "talent_id"), ("event_session_speaker", "event_id", "talent_id")]
        }
        _ => &[],
    }
}

/// Lets events name the survivor where they named the duplicate. A list that has both names the survivor once.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn move_to(written: &mut Rewritten<'_, '_>, of: RecordType, pair: Pair) -> Result<(), DomainError> {
    let batch = written.batch;
    let mut found: BTreeSet<Uuid> = BTreeSet::new();
    for (table, event, column) in columns(of) {
        let ids = written
            .ids(&[pair.duplicate], |keys, join| {
                format!("SELECT k.n, p.{event} FROM {keys} {join} {table} AS p ON p.{column} = k.id")
            })
            .await?;
        found.extend(ids);
    }
    let found: Vec<Uuid> = found.into_iter().collect();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let mut changed: Vec<(Row, Row)> = Vec::new();
    for before in Row::load(batch, &found).await?.into_values() {
        let mut row = before.clone();
        if of == RecordType::Talent {
            row.lists_of_talents().for_each(|list| replace(list, pair));
        } else {
            row.lists_of_organizations().for_each(|list| replace(list, pair));
            let venue = &mut row.model.venue_organization_id;
            *venue = venue.map(|id| if id == pair.duplicate { pair.survivor } else { id });
        }
        if row != before {
            changed.push((row, before));
        }
    }
    written.save::<Events>(changed, Action::Update).await
}

/// Puts the survivor in the place of the duplicate, once.
fn replace(list: &mut Vec<Uuid>, pair: Pair) {
    let mut kept: Vec<Uuid> = Vec::with_capacity(list.len());
    for id in list.iter().map(|id| if *id == pair.duplicate { pair.survivor } else { *id }) {
        if !kept.contains(&id) {
            kept.push(id);
        }
    }
    *list = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_survivor_takes_the_first_of_both_places() {
        let id = Uuid::from_u128;
        let pair = Pair { survivor: id(1), duplicate: id(2) };
        for (before, after) in
            [(vec![3, 2], vec![3, 1]), (vec![2, 3, 1], vec![1, 3]), (vec![1, 2], vec![1]), (vec![3], vec![3])]
        {
            let mut list: Vec<Uuid> = before.into_iter().map(id).collect();
            replace(&mut list, pair);
            assert_eq!(list, after.into_iter().map(id).collect::<Vec<_>>());
        }
    }
}
