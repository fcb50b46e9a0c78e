//! Merges of duplicates: the survivor takes over the data of the duplicate, and the duplicate's names lead to it from
//! then on.
//!
//! A merge is one transaction. Records that refer to the duplicate are locked before they are read, and nothing new can
//! refer to it meanwhile: references of people lock it, and a batch of a source waits (see `Door::open`).

use std::collections::{BTreeSet, HashMap};

use entity::JsonText;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::door::{consolidate, sees, settle};
use super::shared::lock;
use super::{Batch, Kind, RecordRow as _, Written, content_hash, rows_of};
use crate::audit::{self, Action, Actor};
use crate::handle::Core;
use crate::slug;
use kernel::error::DomainError;
use kernel::id;
use kernel::input::MAX_ENTRIES;
use kernel::messages::{self, FilledMessage};
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems};
use kernel::provenance::Claim;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyedStatement};
use kernel::value::LocalizedText;

/// A merge of one record into another, and its caller.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The caller.
    pub viewer: Viewer,
    /// The record that stays.
    pub survivor: Uuid,
    /// The record that is removed.
    pub duplicate: Uuid,
    /// The revision of the survivor that was seen.
    pub survivor_revision: Option<i32>,
    /// The revision of the duplicate that was seen.
    pub duplicate_revision: Option<i32>,
}

/// The outcome of a merge.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// The survivor, if it is to be shown: as written, or the present one after a conflict.
    pub survivor: Option<Uuid>,
    /// Accounts that own other records now.
    pub accounts: Vec<Uuid>,
    /// The problems for which nothing was written.
    pub problems: Vec<Problem>,
}

/// Two records to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The record that stays.
    pub survivor: Uuid,
    /// The record that is removed.
    pub duplicate: Uuid,
}

/// The trait that a record type implements for merges.
#[allow(async_fn_in_trait, reason = "used inside the workspace only, where every future is Send")]
pub trait Mergeable: Kind {
    /// The problem if these two, which the viewer may write, must not be merged; none if they may be.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn unmergeable(
        batch: &Batch<'_>,
        survivor: &Self::Row,
        duplicate: &Self::Row,
    ) -> impl Future<Output = Result<Option<Problem>, DomainError>> + Send {
        let _ = (batch, survivor, duplicate);
        std::future::ready(Ok(None))
    }
    /// Fills empty fields of the survivor from the duplicate, and joins their lists.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn absorb(
        survivor: &mut Self::Row,
        duplicate: &Self::Row,
        problems: &mut Problems,
    ) -> Result<(), DomainError>;
    /// Changes all references to the duplicate into references to the survivor, whose own row is written later.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn hand_over(
        written: &mut Rewritten<'_, '_>,
        pair: Pair,
        survivor: &mut Self::Row,
    ) -> impl Future<Output = Result<(), DomainError>> + Send;
}

/// The writes of a merge.
#[derive(Debug)]
pub struct Rewritten<'a, 'b> {
    /// The transaction.
    pub batch: &'a Batch<'b>,
    /// The caller.
    pub viewer: &'a Viewer,
    /// The problems that prevent the merge.
    pub problems: Problems,
    /// Accounts that own other records now.
    pub accounts: Vec<Uuid>,
    instance: String,
    records: Vec<Written>,
    /// Removed records that lead to others now.
    led: Vec<Pair>,
}

impl Rewritten<'_, '_> {
    /// Writes records that were locked before they were read, each as a new row and the present one.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn save<K: Kind>(
        &mut self,
        rows: Vec<(K::Row, K::Row)>,
        action: Action,
    ) -> Result<(), DomainError> {
        if rows.is_empty() {
            return Ok(());
        }
        let shared = lock(self.batch, &sorted(rows.iter().map(|(row, _)| row.id()))).await?;
        let mut saved = Vec::with_capacity(rows.len());
        for (mut row, before) in rows {
            let (was, is) = (K::replicated(&before)?, K::replicated(&row)?);
            let id = row.id();
            let revision = shared.get(&id).map_or(0, |shared| shared.revision) + 1;
            row.stamp(revision, self.batch.now, Some(&before));
            self.records.push(Written {
                content_hash: content_hash(&is)?,
                origin: self.instance.clone(),
                fields: audit::changed(Some(&was), &is),
                ..Written::new::<K>(id, Some(&before), Some(&row), revision, action)
            });
            saved.push((row, Some(before)));
        }
        let held = slug::held_by_others::<K>(self.batch, &saved).await?;
        slug::keep::<K>(self.batch, &saved, &held).await?;
        let touched = K::save(self.batch, &saved).await?;
        self.records
            .extend(touched.into_iter().map(|written| Written { origin: self.instance.clone(), ..written }));
        Ok(())
    }

    /// Removes records that nothing refers to any more, each in favour of another one. Its id, its external id and its
    /// slugs lead there from now on.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn remove<K: Kind>(&mut self, gone: Vec<(K::Row, Uuid)>) -> Result<(), DomainError> {
        let ids = sorted(gone.iter().map(|(row, _)| row.id()));
        let shared = lock(self.batch, &ids).await?;
        for (row, into) in gone {
            let pair = Pair { survivor: into, duplicate: row.id() };
            lead(self.batch, pair).await?;
            self.led.push(pair);
            let revision = shared.get(&pair.duplicate).map_or(0, |shared| shared.revision) + 1;
            let written = Written::new::<K>(pair.duplicate, Some(&row), None, revision, Action::Merged);
            self.records.push(Written { origin: self.instance.clone(), ..written });
        }
        K::delete(self.batch, &ids).await
    }

    /// Runs a statement about the survivor (`$1`) and the duplicate (`$2`).
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn execute(&self, sql: &str, pair: Pair) -> Result<(), DomainError> {
        execute(self.batch, sql, pair).await
    }

    /// The ids that a statement about the records `of` (`k.id`) finds. Its first column is `k.n`.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn ids(
        &self,
        of: &[Uuid],
        sql: impl Fn(&str, &str) -> String,
    ) -> Result<Vec<Uuid>, DomainError> {
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        let sql = sql(&keys.source(self.batch.dialect), self.batch.dialect.join());
        let found =
            KeyedStatement { sql, keys }.query(self.batch.tx, self.batch.dialect, rows_of(of)).await?;
        let ids: BTreeSet<Uuid> =
            found.into_iter().map(|(_, mut row)| row.get()).collect::<Result<_, _>>()?;
        Ok(ids.into_iter().collect())
    }
}

async fn execute(batch: &Batch<'_>, sql: &str, pair: Pair) -> Result<(), DomainError> {
    // PostgreSQL refuses values that the statement does not name.
    let mut values = vec![pair.survivor.into()];
    if sql.contains("$2") {
        values.push(pair.duplicate.into());
    }
    batch.tx.execute_raw(Statement::from_sql_and_values(batch.dialect.backend(), sql, values)).await?;
    Ok(())
}

fn sorted(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Makes the names of the duplicate lead to the survivor: its id, the ids of duplicates merged into it before, its
/// slugs and its external id. A survivor without an external id gets that of the duplicate. Otherwise both external ids
/// find it.
async fn lead(batch: &Batch<'_>, pair: Pair) -> Result<(), DomainError> {
    for sql in [
        "UPDATE record_redirect SET target_id = $1 WHERE target_id = $2",
        "INSERT INTO record_redirect (id, target_id) VALUES ($2, $1)",
        "UPDATE record_slug SET record_id = $1 WHERE record_id = $2",
        "DELETE FROM record_identifier WHERE record_id = $2 AND record_id <> $1",
    ] {
        execute(batch, sql, pair).await?;
    }
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, s.source, s.external_id FROM {keys} {then} sync_record AS s ON s.record_id = k.id \
             WHERE s.external_id IS NOT NULL ORDER BY k.n"
        )
    });
    let asked = rows_of(&[pair.survivor, pair.duplicate]);
    let mut named: HashMap<usize, (String, String)> = HashMap::new();
    for (place, mut row) in statement.query(batch.tx, batch.dialect, asked).await? {
        named.insert(place, (row.get()?, row.get()?));
    }
    let (of_survivor, of_duplicate) = (named.remove(&0), named.remove(&1));
    if let (None, Some((source, external_id))) = (of_survivor, of_duplicate) {
        let clear = "UPDATE sync_record SET source = NULL, external_id = NULL WHERE record_id = $2 AND record_id <> $1";
        execute(batch, clear, pair).await?;
        let sql = "UPDATE sync_record SET source = $1, external_id = $2 WHERE record_id = $3";
        let values = [source.into(), external_id.into(), pair.survivor.into()];
        batch.tx.execute_raw(Statement::from_sql_and_values(batch.dialect.backend(), sql, values)).await?;
    }
    Ok(())
}

/// Merges a duplicate into a survivor inside a transaction. It neither appends to the change log nor commits.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn merge<K: Mergeable>(
    core: &Core,
    tx: &DatabaseTransaction,
    asked: &Merge,
) -> Result<(Merged, Vec<Written>), DomainError> {
    let dialect = core.db.dialect();
    if dialect == Dialect::Postgres {
        // Waits for running batches of sources. Batches that begin later wait for this merge, and then find the
        // survivor.
        tx.execute_unprepared("LOCK TABLE record_redirect IN ROW EXCLUSIVE MODE").await?;
    }
    let batch = Batch::new(core, tx);
    let refused = |problems: Vec<Problem>| Ok((Merged { problems, ..Merged::default() }, Vec::new()));
    let (pair, merged_before) = targets(&batch, asked).await?;
    let shared = lock(&batch, &sorted([pair.survivor, pair.duplicate].into_iter())).await?;
    let mut rows = K::Row::load(&batch, &[pair.survivor, pair.duplicate]).await?;
    rows.retain(|id, _| shared.get(id).is_some_and(|shared| shared.live));
    let mut problems = Vec::new();
    for (path, id) in [("survivor", pair.survivor), ("duplicate", pair.duplicate)] {
        // Always read, so that a hidden record costs as much as an absent one.
        let seen = sees::<K>(&batch, &asked.viewer, id).await?;
        match rows.get(&id).filter(|_| seen) {
            None => problems.push(Problem::beside(path, FilledMessage::new(&messages::NO_RECORD))),
            Some(row) if !asked.viewer.writes_in(row.region()) => {
                problems.push(Problem::beside(path, FilledMessage::new(&messages::NOT_YOURS)));
            }
            Some(_) => {}
        }
    }
    if !problems.is_empty() {
        return refused(problems);
    }
    if merged_before {
        let into = id::encode(K::TYPE.prefix(), pair.duplicate);
        let said = FilledMessage::new(&messages::ALREADY_MERGED).with("into", into);
        return refused(vec![Problem::beside("duplicate", said)]);
    }
    let (Some(before), Some(duplicate)) = (rows.remove(&pair.survivor), rows.remove(&pair.duplicate)) else {
        return refused(vec![Problem::beside("duplicate", FilledMessage::new(&messages::SAME_RECORD))]);
    };
    for (path, id, seen) in [
        ("baseRevision", pair.survivor, asked.survivor_revision),
        ("duplicateRevision", pair.duplicate, asked.duplicate_revision),
    ] {
        let revision = shared.get(&id).map_or(0, |shared| shared.revision);
        if seen.is_some_and(|seen| seen != revision) {
            let said = FilledMessage::new(&messages::CONFLICT).with("revision", revision.to_string());
            problems.push(Problem::beside(path, said));
        }
    }
    if !problems.is_empty() {
        return Ok((Merged { survivor: Some(pair.survivor), problems, ..Merged::default() }, Vec::new()));
    }
    if let Some(problem) = K::unmergeable(&batch, &before, &duplicate).await? {
        return refused(vec![problem]);
    }
    let mut row = before.clone();
    let mut written = Rewritten {
        batch: &batch,
        viewer: &asked.viewer,
        problems: Problems::default(),
        accounts: Vec::new(),
        instance: core.instance(tx).await?.to_string(),
        records: Vec::new(),
        led: Vec::new(),
    };
    K::absorb(&mut row, &duplicate, &mut written.problems)?;
    K::hand_over(&mut written, pair, &mut row).await?;
    if !written.problems.is_empty() {
        return refused(written.problems.take());
    }
    written.remove::<K>(vec![(duplicate, pair.survivor)]).await?;
    written.save::<K>(vec![(row, before)], Action::Merge).await?;
    let Rewritten { accounts, instance, records, led, .. } = written;
    let records = consolidate(records);
    settle(&batch, &records, &Actor::of(Some(&asked.viewer)), &instance).await?;
    for Pair { survivor, duplicate } in led {
        audit::list_under(tx, dialect, duplicate, survivor).await?;
    }
    Ok((Merged { survivor: Some(pair.survivor), accounts, problems: Vec::new() }, records))
}

/// The records to merge, after redirects, and whether the duplicate was merged before.
async fn targets(batch: &Batch<'_>, asked: &Merge) -> Result<(Pair, bool), DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n, d.target_id FROM {keys} {then} record_redirect AS d ON d.id = k.id")
    });
    let mut ids = [asked.survivor, asked.duplicate];
    let found = statement.query(batch.tx, batch.dialect, rows_of(&ids)).await?;
    for (place, mut row) in found {
        ids[place] = row.get()?;
    }
    let [survivor, duplicate] = ids;
    Ok((Pair { survivor, duplicate }, duplicate != asked.duplicate))
}

/// Adds to a stored list the entries of another one, except those for which `same` finds an equal entry.
///
/// # Errors
/// [`DomainError::Stored`] where a list is not JSON.
pub fn union_of<T: Serialize + DeserializeOwned>(
    field: &str,
    into: &mut JsonText,
    other: Vec<T>,
    same: impl Fn(&T, &T) -> bool,
    problems: &mut Problems,
) -> Result<(), DomainError> {
    let mut list: Vec<T> = into.read()?;
    for value in other {
        if !list.iter().any(|had| same(had, &value)) {
            list.push(value);
        }
    }
    if list.len() > MAX_ENTRIES {
        let said = FilledMessage::new(&messages::TOO_MANY_TOGETHER).with("field", field);
        problems.add(Problem::beside("duplicate", said.with("limit", MAX_ENTRIES.to_string())));
    }
    *into = JsonText::of(&list);
    Ok(())
}

/// Adds the entries of a stored list that the other one lacks.
///
/// # Errors
/// [`DomainError::Stored`] where a list is not JSON.
pub fn unite<T: Serialize + DeserializeOwned + PartialEq>(
    field: &str,
    into: &mut JsonText,
    other: &JsonText,
    problems: &mut Problems,
) -> Result<(), DomainError> {
    union_of::<T>(field, into, other.read()?, |one, other| one == other, problems)
}

/// Adds the texts in languages that the stored list lacks.
///
/// # Errors
/// [`DomainError::Stored`] where a list is not JSON.
pub fn unite_texts(
    field: &str,
    into: &mut JsonText,
    other: &JsonText,
    problems: &mut Problems,
) -> Result<(), DomainError> {
    let same = |one: &LocalizedText, other: &LocalizedText| one.language == other.language;
    union_of(field, into, other.read()?, same, problems)
}

/// Adds the claims that the stored list lacks. No field that had a value changes it: a claim stays preferred only for a
/// field that was filled.
///
/// # Errors
/// [`DomainError::Stored`] where a list is not JSON.
pub fn unite_claims(
    into: &mut JsonText,
    mut other: Vec<Claim>,
    filled: &[&str],
    problems: &mut Problems,
) -> Result<(), DomainError> {
    for claim in other.iter_mut().filter(|claim| !filled.contains(&claim.field.as_str())) {
        claim.preferred = false;
    }
    let same = |one: &Claim, other: &Claim| Claim { preferred: other.preferred, ..one.clone() } == *other;
    union_of("claims", into, other, same, problems)
}
