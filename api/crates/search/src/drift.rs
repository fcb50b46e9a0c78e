//! Compares an index with the database, and repairs what differs.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use uuid::Uuid;

use super::follower::{AudienceBatches, FollowError, Follower};
use super::store::{self, Drift};
use index::engine::{Position, Target};
use index::kind::{Audience, SearchType};
use kernel::all_of;
use records::changes;

/// Documents or records in one read.
const PAGE: usize = 1000;
/// Entries of the log in one read.
const ENTRIES: u32 = 1000;

/// The kind of a difference between index and database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    Missing,
    Stale,
    Extra,
}

/// A document that differs from the database.
#[derive(Clone, Copy, Debug)]
struct Differing {
    audience: Audience,
    /// The type of the record, where there is one that the audience sees.
    of: Option<SearchType>,
    id: Uuid,
    difference: Difference,
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
    /// Compares the live index with the database, repairs it, and compares again where something differed. Returns the
    /// differences before and after the repair, and the position in the log. `progress` is called with the number of
    /// documents done and the total.
    pub(super) async fn check(
        &self,
        position: Position,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(Drift, Position), FollowError> {
        let mut drift = Drift::default();
        let (found, mut position) = self.differing(position, &mut drift.checked, progress).await?;
        for one in &found {
            match one.difference {
                Difference::Missing => drift.missing += 1,
                Difference::Stale => drift.stale += 1,
                Difference::Extra => drift.extra += 1,
            }
        }
        self.repair(&found, position).await?;
        if !found.is_empty() {
            let (left, at) = self.differing(position, &mut 0, &mut |_, _| {}).await?;
            position = at;
            drift.remaining = left.len() as u64;
            for one in &left {
                tracing::error!(id = %one.id, audience = one.audience.name(), difference = ?one.difference,
                    "a document of the search index still differs from the database after it was repaired");
            }
        }
        drift.refused = self.dead().len() as u64;
        Ok((drift, position))
    }

    /// Returns the documents that differ from the database, and the position in the log after the comparison. Left out
    /// are records that change meanwhile, which are followed, and dead letters.
    async fn differing(
        &self,
        position: Position,
        checked: &mut u64,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(Vec<Differing>, Position), FollowError> {
        let begun = self.catch_up(position).await?;
        let mut total = 0;
        for of in all_of::<SearchType>() {
            // Once for each audience.
            total += 2 * store::count(&self.core.db, of).await?;
        }
        progress(0, total);
        let mut found = Vec::new();
        for audience in [Audience::Public, Audience::Members] {
            let before = *checked;
            *checked += self
                .compare(audience, &mut found, &mut |checked| {
                    progress(before + checked, total);
                })
                .await?;
        }
        let changed = self.changed_since(begun.seq).await?;
        let position = self.catch_up(begun).await?;
        let dead = self.dead();
        found.retain(|one| !changed.contains(&one.id) && !dead.contains(&one.id));
        Ok((found, position))
    }

    /// Writes the documents that differ anew, and retries the dead letters.
    async fn repair(&self, found: &[Differing], position: Position) -> Result<(), FollowError> {
        let mut again: Vec<(SearchType, BTreeSet<Uuid>)> =
            all_of::<SearchType>().map(|of| (of, BTreeSet::new())).collect();
        let mut batches = AudienceBatches::default();
        for one in found {
            match one.of {
                Some(of) => {
                    let ids = again.iter_mut().filter(|(kind, _)| *kind == of);
                    ids.for_each(|(_, ids)| {
                        ids.insert(one.id);
                    });
                }
                None => batches.of(one.audience).gone.push(one.id),
            }
        }
        // The engine may take a record now that it refused before.
        for (of, ids) in &mut again {
            for id in &self.dead() {
                let found = store::records(&self.core.db, *of, None, before(*id), 1).await?;
                if found.first().is_some_and(|(found, _)| found == id) {
                    ids.insert(*id);
                }
            }
        }
        self.write(Target::Live, batches, position).await?;
        for (of, ids) in again {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            for ids in ids.chunks(PAGE) {
                let mut batches = AudienceBatches::default();
                self.read(of, ids, &mut batches).await?;
                self.write(Target::Live, batches, position).await?;
            }
        }
        Ok(())
    }

    /// Walks both sides in the order of the ids. Returns the number of documents that were compared.
    async fn compare(
        &self,
        audience: Audience,
        differing: &mut Vec<Differing>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<u64, FollowError> {
        let mut index = Side::default();
        let mut tables: Vec<(SearchType, Side)> =
            all_of::<SearchType>().map(|of| (of, Side::default())).collect();
        let mut checked = 0;
        // The record that was compared last.
        let mut last: Option<(SearchType, Uuid)> = None;
        loop {
            if index.is_short() {
                index.fill(self.engine.walk(audience, index.last, PAGE).await?);
                progress(checked);
            }
            for (of, side) in &mut tables {
                if side.is_short() {
                    let after = side.last.unwrap_or(Uuid::nil());
                    side.fill(store::records(&self.core.db, *of, Some(audience), after, PAGE).await?);
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
                // A further document of the last record: writing that record anew leaves it one.
                (None, Some((id, _))) => {
                    let of = last.filter(|(_, last)| *last == id).map(|(of, _)| of);
                    (of, id, Some(Difference::Extra))
                }
                (None, None) => break,
            };
            last = of.map(|of| (of, id));
            checked += 1;
            differing.extend(difference.map(|difference| Differing { audience, of, id, difference }));
        }
        progress(checked);
        Ok(checked)
    }

    /// Returns the records that changed after this number in the log.
    async fn changed_since(&self, mut seq: i64) -> Result<BTreeSet<Uuid>, FollowError> {
        let mut changed = BTreeSet::new();
        loop {
            let entries = changes::after(&self.core.db, seq, ENTRIES).await?;
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
