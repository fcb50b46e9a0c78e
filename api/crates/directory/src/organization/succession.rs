//! Chains of successors: each must end.

use std::collections::{HashMap, HashSet};

use entity::organization::Model;
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::read::KeyedStatement;
use records::write::{Batch, Draft, Numbered, lock_ids, rows_of};

/// The drafts whose new successors lead back to themselves, by their index. An organization that is its own
/// successor is not among them: that is found without looking further.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn circular(
    batch: &Batch<'_>,
    drafts: &Numbered<Draft<Model>>,
) -> Result<Vec<usize>, DomainError> {
    let changed: Vec<(usize, Uuid)> = drafts
        .iter()
        .filter(|(_, draft)| {
            let before = draft.before.as_ref().and_then(|before| before.successor_id);
            draft.row.successor_id.is_some() && draft.row.successor_id != before
        })
        .map(|(index, draft)| (*index, draft.row.id))
        .collect();
    // Rows of this batch take precedence over stored rows.
    let mut next: HashMap<Uuid, Option<Uuid>> =
        drafts.iter().map(|(_, draft)| (draft.row.id, draft.row.successor_id)).collect();
    let mut frontier: HashSet<Uuid> = changed.iter().filter_map(|(_, id)| next[id]).collect();
    loop {
        frontier.retain(|id| !next.contains_key(id));
        if frontier.is_empty() {
            break;
        }
        let mut ids: Vec<Uuid> = frontier.drain().collect();
        ids.sort_unstable();
        // Locked before they are read, so that nobody closes a circle from its other side meanwhile.
        lock_ids(batch, &ids).await?;
        let found = successors(batch, &ids).await?;
        for id in ids {
            let successor = found.get(&id).copied().flatten();
            next.insert(id, successor);
            frontier.extend(successor);
        }
    }
    Ok(changed.into_iter().filter(|(_, id)| leads_back(&next, *id)).map(|(index, _)| index).collect())
}

/// The organizations that continue one after the other, from the first on, each once. They are locked, link by link.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn chain(batch: &Batch<'_>, first: Option<Uuid>) -> Result<Vec<Uuid>, DomainError> {
    let mut chain: Vec<Uuid> = Vec::new();
    let mut next = first;
    while let Some(id) = next.filter(|id| !chain.contains(id)) {
        lock_ids(batch, &[id]).await?;
        chain.push(id);
        next = successors(batch, &[id]).await?.get(&id).copied().flatten();
    }
    Ok(chain)
}

async fn successors(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Option<Uuid>>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n, o.successor_id FROM {keys} {then} organization AS o ON o.id = k.id")
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found.into_iter().map(|(position, mut row)| Ok((ids[position], row.get()?))).collect()
}

/// Whether the chain that begins at an organization comes back to it, by way of another.
fn leads_back(next: &HashMap<Uuid, Option<Uuid>>, start: Uuid) -> bool {
    let mut seen = HashSet::new();
    let mut at = next.get(&start).copied().flatten();
    while let Some(id) = at {
        if id == start {
            return !seen.is_empty();
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
        assert!(back(&[(1, 2), (2, 1)], 1));
        assert!(back(&[(1, 2), (2, 3), (3, 1)], 2));
        assert!(!back(&[(1, 2), (2, 3)], 1));
        assert!(!back(&[(1, 1)], 1), "itself is found elsewhere");
        assert!(!back(&[(1, 2), (2, 3), (3, 2)], 1), "the circle is of others");
    }
}
