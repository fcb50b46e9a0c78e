//! Chains of parents: each must end.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::row::Row;
use super::write::parents;
use kernel::error::DomainError;
use records::write::{Batch, Draft, Numbered, lock_ids};

/// The drafts whose new parents lead back to themselves, by their index.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn circular(
    batch: &Batch<'_>,
    drafts: &Numbered<Draft<Row>>,
) -> Result<Vec<usize>, DomainError> {
    let changed: Vec<(usize, Uuid)> = drafts
        .iter()
        .filter(|(_, draft)| {
            let before = draft.before.as_ref().and_then(|before| before.model.parent_id);
            draft.row.model.parent_id.is_some() && draft.row.model.parent_id != before
        })
        .map(|(index, draft)| (*index, draft.row.model.id))
        .collect();
    // Rows of this batch take precedence over stored rows.
    let mut next: HashMap<Uuid, Option<Uuid>> =
        drafts.iter().map(|(_, draft)| (draft.row.model.id, draft.row.model.parent_id)).collect();
    let mut frontier: HashSet<Uuid> =
        changed.iter().filter_map(|(_, id)| next.get(id).copied().flatten()).collect();
    loop {
        frontier.retain(|id| !next.contains_key(id));
        if frontier.is_empty() {
            break;
        }
        let mut ids: Vec<Uuid> = frontier.drain().collect();
        ids.sort_unstable();
        // Locked before they are read, so that nobody closes a circle from its other side meanwhile.
        lock_ids(batch, &ids).await?;
        let found = parents(batch, &ids).await?;
        for id in ids {
            let parent = found.get(&id).copied().flatten();
            next.insert(id, parent);
            frontier.extend(parent);
        }
    }
    Ok(changed.into_iter().filter(|(_, id)| leads_back(&next, *id)).map(|(index, _)| index).collect())
}

/// Whether the chain that begins at an event comes back to it.
fn leads_back(next: &HashMap<Uuid, Option<Uuid>>, start: Uuid) -> bool {
    let mut seen = HashSet::new();
    let mut at = next.get(&start).copied().flatten();
    while let Some(id) = at {
        if id == start {
            return true;
        }
        if !seen.insert(id) {
            return false;
        }
        at = next.get(&id).copied().flatten();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(links: &[(u128, u128)]) -> HashMap<Uuid, Option<Uuid>> {
        links.iter().map(|(from, to)| (Uuid::from_u128(*from), Some(Uuid::from_u128(*to)))).collect()
    }

    #[test]
    fn circles_are_found_from_within() {
        let back = |links: &[(u128, u128)], start| leads_back(&chain(links), Uuid::from_u128(start));
        assert!(back(&[(1, 1)], 1));
        assert!(back(&[(1, 2), (2, 1)], 1));
        assert!(back(&[(1, 2), (2, 3), (3, 1)], 2));
        assert!(!back(&[(1, 2), (2, 3)], 1));
        assert!(!back(&[(1, 2), (2, 3), (3, 2)], 1), "the circle is of others");
    }
}
