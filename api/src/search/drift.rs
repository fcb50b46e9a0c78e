//! Compares an index with the database, and repairs what differs.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use uuid::Uuid;

use super::engine::{Position, Target};
use super::follower::{Audiences, Follower, Trouble};
use super::store::{self, Drift};
use super::{Audience, SearchType};
use crate::changes;
use crate::record::all_of;

/// Documents and records that are read at once.
const PAGE: usize = 1000;
/// Entries of the log that are read at once.
const ENTRIES: u32 = 1000;

/// How a document differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    Missing,
    Stale,
    Extra,
}

/// One side of the comparison: ids and revisions, in the order of the ids, read page by page.
#[derive(Debug, Default)]
struct Side {
    page: VecDeque<(Uuid, i32)>,
    last: Option<Uuid>,
    ended: bool,
}

impl Side {
    /// Whether the next page has to be read first.
    fn is_short(&self) -> bool {
        self.page.is_empty() && !self.ended
    }

    fn fill(&mut self, page: Vec<(Uuid, i32)>) {
        self.ended = page.len() < PAGE;
        self.last = page.last().map(|(id, _)| *id).or(self.last);
        self.page = page.into();
    }
}

impl Follower<'_> {
    /// Compares the live index with the database and repairs it. Answers how they differed, and the place in the
    /// log. `progress` is told how many documents are done, of how many.
    pub(super) async fn check(
        &self,
        position: Position,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(Drift, Position), Trouble> {
        let begun = self.catch_up(position).await?;
        let mut total = 0;
        for of in all_of::<SearchType>() {
            // For each audience.
            total += 2 * store::count(&self.app.db, of).await?;
        }
        progress(0, total);
        let mut drift = Drift::default();
        let mut differing: Vec<(Audience, Option<SearchType>, Uuid, Difference)> = Vec::new();
        for audience in [Audience::Public, Audience::Members] {
            let before = drift.checked;
            self.compare(audience, &mut drift, &mut differing, &mut |checked| {
                progress(before + checked, total);
            })
            .await?;
        }
        // What has changed since is followed, and tells nothing of the index.
        let changed = self.changed_since(begun.seq).await?;
        let position = self.catch_up(begun).await?;
        let dead = self.dead();
        let mut again: Vec<(SearchType, BTreeSet<Uuid>)> = Vec::new();
        let mut add = |of, id| match again.iter_mut().find(|(one, _)| *one == of) {
            Some((_, ids)) => {
                ids.insert(id);
            }
            None => again.push((of, BTreeSet::from([id]))),
        };
        let mut batches = Audiences::default();
        for (audience, of, id, difference) in differing {
            if changed.contains(&id) || dead.contains(&id) {
                continue;
            }
            match difference {
                Difference::Missing => drift.missing += 1,
                Difference::Stale => drift.stale += 1,
                Difference::Extra => drift.extra += 1,
            }
            match of {
                Some(of) => add(of, id),
                None => batches.of(audience).gone.push(id),
            }
        }
        // What was refused once may be taken now.
        for of in all_of::<SearchType>() {
            for id in &dead {
                let found = store::records(&self.app.db, of, None, before(*id), 1).await?;
                if found.first().is_some_and(|(found, _)| found == id) {
                    add(of, *id);
                }
            }
        }
        self.write(Target::Live, batches, position).await?;
        for (of, ids) in again {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            for ids in ids.chunks(PAGE) {
                let mut batches = Audiences::default();
                self.read(of, ids, &mut batches).await?;
                self.write(Target::Live, batches, position).await?;
            }
        }
        drift.refused = self.dead().len() as u64;
        Ok((drift, position))
    }

    /// Walks both sides in the order of the ids.
    async fn compare(
        &self,
        audience: Audience,
        drift: &mut Drift,
        differing: &mut Vec<(Audience, Option<SearchType>, Uuid, Difference)>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), Trouble> {
        let mut index = Side::default();
        let mut tables: Vec<(SearchType, Side)> =
            all_of::<SearchType>().map(|of| (of, Side::default())).collect();
        let mut checked = 0;
        loop {
            if index.is_short() {
                index.fill(self.engine.walk(audience, index.last, PAGE).await?);
                progress(checked);
            }
            for (of, side) in &mut tables {
                if side.is_short() {
                    let after = side.last.unwrap_or(Uuid::nil());
                    side.fill(store::records(&self.app.db, *of, Some(audience), after, PAGE).await?);
                }
            }
            // The table whose next record comes first.
            let heads = tables.iter().enumerate();
            let next = heads.filter_map(|(at, (_, side))| Some((side.page.front()?.0, at))).min();
            let indexed = index.page.front().map(|(id, _)| *id);
            let order = match (next, indexed) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((id, _)), Some(other)) => id.cmp(&other),
            };
            let record = next.filter(|_| order.is_le()).and_then(|(_, at)| {
                let (of, side) = &mut tables[at];
                Some((*of, side.page.pop_front()?))
            });
            let document = if order.is_ge() { index.page.pop_front() } else { None };
            let (of, id, difference) = match (record, document) {
                (Some((of, (id, revision))), Some((_, other))) => {
                    (Some(of), id, (revision != other).then_some(Difference::Stale))
                }
                (Some((of, (id, _))), None) => (Some(of), id, Some(Difference::Missing)),
                (None, Some((id, _))) => (None, id, Some(Difference::Extra)),
                (None, None) => break,
            };
            checked += 1;
            differing.extend(difference.map(|difference| (audience, of, id, difference)));
        }
        drift.checked += checked;
        progress(checked);
        Ok(())
    }

    /// Records that have changed after a place in the log.
    async fn changed_since(&self, mut seq: i64) -> Result<BTreeSet<Uuid>, Trouble> {
        let mut changed = BTreeSet::new();
        loop {
            let entries = changes::after(&self.app.db, seq, ENTRIES).await?;
            let Some(last) = entries.last() else { return Ok(changed) };
            seq = last.seq;
            changed.extend(entries.iter().map(|entry| entry.record_id));
        }
    }
}

/// The id before this one.
fn before(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}
