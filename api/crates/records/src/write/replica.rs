//! Replication of records between instances: the replicated fields as one text, its hash, and the acceptance of
//! revisions that were made elsewhere.
//!
//! A revision is taken as it was made, with its id, number, origin and external id, if it is higher than the one here
//! (see [`take`]). Columns that depend on other records, such as the visibility of an affiliation, are computed anew.
//! That raises no revision: only the instance that answers for a record does.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::door::{consolidate, settle};
use super::shared::{Shared, lock};
use super::{Batch, Draft, Kind, Kinds, Numbered, RecordRow as _, Written, rows_of};
use crate::audit::{self, Action, Actor};
use crate::erasure::ledger;
use crate::handle::Core;
use crate::slug;
use kernel::error::DomainError;
use kernel::problem::Problems;
use kernel::read::keyed::hex;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::{DateTime, Language};
use kernel::{RecordType, Times, all_of, id as ids};

/// The replicated fields of a record as one text, which is the same on every instance, and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The fields as canonical JSON (RFC 8785).
    pub text: String,
    /// SHA-256 of the text.
    pub hash: Vec<u8>,
}

impl Canonical {
    /// The canonical form of these fields.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where they are not JSON.
    pub fn of(fields: &Value) -> Result<Self, DomainError> {
        let text = serde_json_canonicalizer::to_string(fields)?;
        let hash = hash_of(&text);
        Ok(Self { text, hash })
    }
}

fn hash_of(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}

/// The replicated fields of records of a type, as they are in this transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn canonical(
    core: &Core,
    tx: &DatabaseTransaction,
    of: RecordType,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Canonical>, DomainError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    core.kinds.of(of).canonical(&batch(core, tx), ids).await
}

fn batch<'a>(core: &'a Core, tx: &'a DatabaseTransaction) -> Batch<'a> {
    Batch { replica: true, ..Batch::new(core, tx) }
}

/// The reason for which a revision from another instance is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct InvalidRevision {
    /// The field, as a path; empty for the whole record.
    pub path: String,
    /// The message for operators, in English.
    pub message: String,
    /// Whether it names a vocabulary entry that this program does not have. Another version may have it.
    pub of_vocabulary: bool,
}

impl InvalidRevision {
    /// The reason, with its field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), of_vocabulary: false }
    }
}

/// A text of another instance, cut and escaped for a message.
pub fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

/// Reads the replicated fields of a type.
///
/// # Errors
/// [`InvalidRevision`] with the path of the field that is missing, unknown, or of another form.
pub fn fields<T: DeserializeOwned>(fields: &Value) -> Result<T, InvalidRevision> {
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string();
        InvalidRevision::new(if path == "." { String::new() } else { path }, error.inner().to_string())
    })
}

/// Reads the id of another record.
///
/// # Errors
/// [`InvalidRevision`] where it is no id of this type.
pub fn id(path: &str, to: RecordType, text: &str) -> Result<Uuid, InvalidRevision> {
    ids::decode(path, to.prefix(), text).map_err(|error| InvalidRevision::new(path, error.to_string()))
}

/// Checks the code of a level of visibility.
///
/// # Errors
/// [`InvalidRevision`] where there is no such level.
pub fn level(path: &str, code: i16) -> Result<i16, InvalidRevision> {
    if (0..=2).contains(&code) { Ok(code) } else { Err(InvalidRevision::new(path, "a level is 0, 1 or 2")) }
}

/// A reference to another record, and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refers {
    /// The field.
    pub path: &'static str,
    /// Type of the record that is referred to.
    pub to: RecordType,
    /// The id of the record.
    pub id: Uuid,
}

/// A revision of a record, made by another instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Type of the record.
    pub record_type: RecordType,
    /// The id of the record.
    pub id: Uuid,
    /// The number of the revision.
    pub revision: i32,
    /// The instance or source that made it.
    pub origin: String,
    /// The source system that owns the record, and its id there.
    pub external: Option<(String, String)>,
    /// The hash of the fields, as it was received.
    pub content_hash: Vec<u8>,
    /// The fields, as canonical JSON.
    pub canonical: String,
    /// The times at which the record was created and last changed elsewhere.
    pub times: Times,
    /// The time at which the person last confirmed the profile of a talent, if it was sent.
    pub confirmed_at: Option<DateTime>,
}

/// The replicated fields of a record type: one struct for both directions.
pub trait Replicated: Serialize + DeserializeOwned {
    /// The row that has them.
    type Row;
    /// The fields of a row.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn of(row: &Self::Row) -> Result<Self, DomainError>;
    /// Sets the columns of a row, and those that follow from them.
    ///
    /// # Errors
    /// [`InvalidRevision`] where a field names an entry of a vocabulary that is not known, or a level or an id that is none.
    fn fill(&self, row: &mut Self::Row) -> Result<(), InvalidRevision>;
    /// The records that a row refers to, all of which must be there.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn refers(row: &Self::Row) -> Result<Vec<Refers>, DomainError> {
        let _ = row;
        Ok(Vec::new())
    }
}

/// The outcome of a revision that was made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The record was created here.
    Created,
    /// The record that was here now has this revision.
    Updated,
    /// The revision was here already.
    Unchanged,
    /// A later revision is here, or is the deletion of the record: the record stays as it is.
    Behind(i32),
    /// Another revision with the same number is here.
    Forked,
    /// The record was erased here, and stays so.
    Erased,
    /// It refers to a record that does not exist here, or not yet.
    Waits(Refers),
    /// It was refused.
    Refused(InvalidRevision),
}

/// Checks a revision, without the database.
///
/// # Errors
/// [`InvalidRevision`].
pub fn check(kinds: Kinds, received: &Received) -> Result<(), InvalidRevision> {
    kinds.of(received.record_type).check(received)
}

/// Whether a text in the value has the character U+0000, which PostgreSQL does not store.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The row of a revision. Its replicated fields must give the received text again, to the last character.
pub(super) fn row_of<K: Kind>(received: &Received) -> Result<K::Row, InvalidRevision> {
    if received.revision < 1 {
        return Err(InvalidRevision::new("revision", "revisions begin with 1"));
    }
    if hash_of(&received.canonical) != received.content_hash {
        return Err(InvalidRevision::new("contentHash", "this is not the SHA-256 of `canonical`"));
    }
    let broken = |error: &dyn std::fmt::Display| InvalidRevision::new("canonical", error.to_string());
    let told: Value = serde_json::from_str(&received.canonical).map_err(|error| broken(&error))?;
    if has_nul(&told) {
        return Err(InvalidRevision::new("canonical", "a text has the character U+0000"));
    }
    let row = K::from_replicated(received.id, received.times, &told)?;
    let again = K::replicated(&row).map_err(|error| broken(&error))?;
    if Canonical::of(&again).map_err(|error| broken(&error))?.text != received.canonical {
        let same = |name: &&String| {
            let text = |fields: &Value| Canonical::of(fields.get(name.as_str())?).ok().map(|one| one.text);
            text(&told) == text(&again)
        };
        let names = [&told, &again].into_iter().filter_map(Value::as_object).flat_map(|fields| fields.keys());
        let differs = names.into_iter().find(|name| !same(name)).cloned();
        let message = "it would not be kept as it is: its form is not the one that this program writes";
        return Err(InvalidRevision::new(differs.unwrap_or_else(|| "canonical".to_owned()), message));
    }
    Ok(row)
}

/// Takes revisions that other instances have made, inside a transaction. It neither appends to the change log nor
/// commits.
///
/// A revision is taken as it was made, if it is higher than the one here and its hash is that of its fields. An equal
/// one with an equal hash writes nothing, so that revisions do not circulate. An erased record stays erased. Each
/// revision gets an outcome.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn take(
    core: &Core,
    tx: &DatabaseTransaction,
    received: &[Received],
    by: &Actor,
) -> Result<(Vec<Taken>, Vec<Written>), DomainError> {
    if core.db.dialect() == Dialect::Postgres {
        // Merges wait, so that no referenced record is merged as a duplicate meanwhile.
        tx.execute_unprepared("LOCK TABLE record_redirect IN SHARE MODE").await?;
    }
    let mut taking = Taking {
        batch: batch(core, tx),
        received,
        taken: vec![None; received.len()],
        shared: HashMap::new(),
        refers: HashMap::new(),
        written: Vec::new(),
    };
    taking.refuse_twice();
    let kinds = all_of::<RecordType>().map(|of| core.kinds.of(of));
    let kinds = kinds.map(|kind| Ok((kind, kind.read(&mut taking)?)));
    let kinds = kinds.collect::<Result<Vec<_>, DomainError>>()?;
    taking.look_up().await?;
    // Each type comes after the types that it refers to.
    for (kind, rows) in kinds {
        kind.take(&mut taking, rows).await?;
    }
    taking.settle(by).await?;
    let Taking { taken, written, .. } = taking;
    let missing = || DomainError::Stored("a revision was neither taken nor refused".into());
    let taken = taken.into_iter().map(|one| one.ok_or_else(missing)).collect::<Result<_, _>>()?;
    Ok((taken, written))
}

/// The state of revisions that are being taken.
pub struct Taking<'a> {
    batch: Batch<'a>,
    received: &'a [Received],
    /// The outcome of each; none where it is still in progress.
    taken: Vec<Option<Taken>>,
    shared: HashMap<Uuid, Shared>,
    /// The references of each.
    refers: HashMap<usize, Vec<Refers>>,
    written: Vec<Written>,
}

impl Taking<'_> {
    /// Refuses the second of two revisions of a record.
    fn refuse_twice(&mut self) {
        let mut seen = HashSet::new();
        for (index, one) in self.received.iter().enumerate() {
            if !seen.insert(one.id) {
                let unfit =
                    InvalidRevision::new("recordId", "another revision of the record stands before this one");
                self.taken[index] = Some(Taken::Refused(unfit));
            }
        }
    }

    /// The rows of the revisions of a type.
    pub(super) fn read<K: Kind>(&mut self) -> Result<Numbered<K::Row>, DomainError> {
        let mut rows = Vec::new();
        for (index, one) in self.received.iter().enumerate() {
            if one.record_type != K::TYPE || self.taken[index].is_some() {
                continue;
            }
            match row_of::<K>(one) {
                Ok(row) => {
                    self.refers.insert(index, K::Replicated::refers(&row)?);
                    rows.push((index, row));
                }
                Err(unfit) => self.taken[index] = Some(Taken::Refused(unfit)),
            }
        }
        Ok(rows)
    }

    /// Reads the present state of the records and of those that they refer to. Locks them until the end of the
    /// transaction, so that no referenced record is deleted meanwhile.
    async fn look_up(&mut self) -> Result<(), DomainError> {
        let own = self.received.iter().map(|one| one.id);
        let others = self.refers.values().flatten().map(|refers| refers.id);
        let ids: Vec<Uuid> = own.chain(others).collect::<BTreeSet<_>>().into_iter().collect();
        self.shared = lock(&self.batch, &ids).await?;
        let (tx, dialect) = (self.batch.tx, self.batch.dialect);
        let own: Vec<Uuid> = self.received.iter().map(|one| one.id).collect();
        let statement = KeyedStatement::by_id(dialect, |keys, _| {
            format!(
                "SELECT k.n, s.record_type, d.target_id, e.record_id FROM {keys} LEFT JOIN sync_record AS s ON s.record_id = k.id \
                 LEFT JOIN record_redirect AS d ON d.id = k.id LEFT JOIN erasure_ledger AS e ON e.record_id = k.id ORDER BY k.n"
            )
        });
        let found = statement.query(tx, dialect, rows_of(&own)).await?;
        for (index, mut row) in found {
            let (of, target): (Option<String>, Option<Uuid>) = (row.get()?, row.get()?);
            let in_ledger = row.get::<Option<Uuid>>()?.is_some();
            self.judge(index, of.as_deref(), target, in_ledger);
        }
        self.judge_names().await
    }

    /// Decides by the present state of the record.
    fn judge(&mut self, index: usize, of: Option<&str>, merged_into: Option<Uuid>, in_ledger: bool) {
        let one = &self.received[index];
        if self.taken[index].is_some() {
            return;
        }
        let shared = self.shared.get(&one.id);
        let taken = match shared {
            _ if in_ledger || shared.is_some_and(|shared| shared.erased) => Taken::Erased,
            None => return,
            Some(_) if of != Some(one.record_type.name()) => {
                Taken::Refused(InvalidRevision::new("recordType", "the record is of another type here"))
            }
            Some(shared) if one.revision < shared.revision => Taken::Behind(shared.revision),
            Some(shared) if one.revision == shared.revision => {
                let same = shared.live && shared.content_hash == one.content_hash;
                if same { Taken::Unchanged } else { Taken::Forked }
            }
            Some(_) => match merged_into {
                Some(target) => {
                    let target = ids::encode(one.record_type.prefix(), target);
                    Taken::Refused(InvalidRevision::new(
                        "recordId",
                        format!("it was merged into `{target}` here"),
                    ))
                }
                None => return,
            },
        };
        self.taken[index] = Some(taken);
    }

    /// Refuses external ids of other records here, and of records that were erased here.
    async fn judge_names(&mut self) -> Result<(), DomainError> {
        let mut named: Vec<(usize, (String, String))> = Vec::new();
        for (index, one) in self.received.iter().enumerate() {
            if let (None, Some(external)) = (&self.taken[index], &one.external) {
                named.push((index, external.clone()));
            }
        }
        let (tx, dialect) = (self.batch.tx, self.batch.dialect);
        let keys = KeyColumns::new(&[("source", KeyType::Text), ("external_id", KeyType::Text)]);
        let sql = format!(
            "SELECT k.n, s.record_id, s.record_type FROM {} {} ORDER BY k.n",
            keys.source(dialect),
            dialect.join_one("sync_record", "s", "s.source = k.source AND s.external_id = k.external_id"),
        );
        let rows = named
            .iter()
            .map(|(_, (source, id))| vec![KeyValue::Text(source.clone()), KeyValue::Text(id.clone())]);
        let mut known = HashSet::new();
        let mut in_batch: HashMap<&(String, String), usize> = HashMap::new();
        for (position, mut row) in (KeyedStatement { sql, keys }).query(tx, dialect, rows.collect()).await? {
            let (owner, of): (Uuid, RecordType) = (row.get()?, row.name()?);
            let index = named[position].0;
            if owner == self.received[index].id {
                known.insert(index);
            } else {
                let owner = ids::encode(of.prefix(), owner);
                let unfit = InvalidRevision::new("externalId", format!("it is that of `{owner}` here"));
                self.taken[index] = Some(Taken::Refused(unfit));
            }
        }
        for (index, name) in &named {
            if in_batch.insert(name, *index).is_some() {
                let unfit = InvalidRevision::new("externalId", "another record before this one has it");
                self.taken[*index] = Some(Taken::Refused(unfit));
            }
        }
        let new: Numbered<(String, String)> =
            named.iter().filter(|(index, _)| !known.contains(index)).cloned().collect();
        let fresh: Vec<(String, String)> = new.iter().map(|(_, name)| name.clone()).collect();
        for position in ledger::erased(self.batch.core, &self.batch, &fresh).await? {
            self.taken[new[position].0] = Some(Taken::Erased);
        }
        Ok(())
    }

    /// Makes revisions wait that refer to records which are neither here nor among those in progress.
    fn check_references(&mut self) {
        loop {
            let going: HashSet<Uuid> = self
                .received
                .iter()
                .zip(&self.taken)
                .filter(|(_, taken)| {
                    matches!(taken, None | Some(Taken::Created | Taken::Updated | Taken::Unchanged))
                })
                .map(|(one, _)| one.id)
                .collect();
            let is_here = |refers: &Refers| {
                going.contains(&refers.id) || self.shared.get(&refers.id).is_some_and(|shared| shared.live)
            };
            let waiting: Vec<(usize, Refers)> = self
                .refers
                .iter()
                .filter(|(index, _)| self.taken[**index].is_none())
                .filter_map(|(index, all)| Some((*index, *all.iter().find(|one| !is_here(one))?)))
                .collect();
            if waiting.is_empty() {
                return;
            }
            for (index, refers) in waiting {
                self.taken[index] = Some(Taken::Waits(refers));
            }
        }
    }

    pub(super) async fn save<K: Kind>(&mut self, rows: Numbered<K::Row>) -> Result<(), DomainError> {
        self.check_references();
        let mut drafts = self.drafts::<K>(rows).await?;
        let mut problems: Vec<Problems> = self.received.iter().map(|_| Problems::default()).collect();
        K::place(&self.batch, &mut drafts, &mut problems).await?;
        for (index, draft) in &mut drafts {
            if let Some(problem) = problems[*index].take().into_iter().next() {
                let unfit = InvalidRevision::new(problem.path.clone(), problem.message(Language::En));
                self.taken[*index] = Some(Taken::Refused(unfit));
            } else if draft.row.id() != self.received[*index].id {
                return Err(DomainError::Stored("a row has another id than its record".into()));
            }
        }
        self.refuse_slugs::<K>(&mut drafts).await?;
        // Other revisions may refer to those that were just refused.
        self.check_references();
        drafts.retain(|(index, _)| self.taken[*index].is_none());
        while !drafts.is_empty() {
            let (now, later) = without_clashes::<K>(drafts)?;
            self.save_some::<K>(now).await?;
            drafts = later;
        }
        Ok(())
    }

    /// The rows that are still in progress, each with the present row.
    async fn drafts<K: Kind>(&self, rows: Numbered<K::Row>) -> Result<Numbered<Draft<K::Row>>, DomainError> {
        let going: Numbered<K::Row> =
            rows.into_iter().filter(|(index, _)| self.taken[*index].is_none()).collect();
        let is_live = |id: &Uuid| self.shared.get(id).is_some_and(|shared| shared.live);
        let here: Vec<Uuid> = going.iter().map(|(_, row)| row.id()).filter(is_live).collect();
        let mut present =
            if here.is_empty() { HashMap::new() } else { K::Row::load(&self.batch, &here).await? };
        let draft = |(index, row): (usize, K::Row)| {
            let before = present.remove(&row.id());
            let draft = Draft { row, before, slug_salt: None, held: Vec::new(), viewer: None, answer: None };
            (index, draft)
        };
        Ok(going.into_iter().map(draft).collect())
    }

    /// Refuses slugs of other records: a revision that was made elsewhere cannot be given another slug.
    async fn refuse_slugs<K: Kind>(
        &mut self,
        drafts: &mut Numbered<Draft<K::Row>>,
    ) -> Result<(), DomainError> {
        let mut asked = Vec::new();
        for (index, draft) in drafts {
            if let (None, Some(slug)) = (&self.taken[*index], K::slug(&mut draft.row)) {
                asked.push((*index, slug.clone()));
            }
        }
        let mut owners = slug::owners::<K>(&self.batch, asked.iter().map(|(_, slug)| slug.clone())).await?;
        for (index, slug) in asked {
            let id = self.received[index].id;
            let owner = *owners.entry(slug.clone()).or_insert(id);
            if owner != id {
                let owner = ids::encode(K::TYPE.prefix(), owner);
                let unfit =
                    InvalidRevision::new("slug", format!("`{slug}` is the slug of `{owner}` here, or was"));
                self.taken[index] = Some(Taken::Refused(unfit));
            }
        }
        Ok(())
    }

    async fn save_some<K: Kind>(&mut self, drafts: Numbered<Draft<K::Row>>) -> Result<(), DomainError> {
        let mut saved: Vec<(K::Row, Option<K::Row>)> = Vec::with_capacity(drafts.len());
        for (index, Draft { mut row, before, .. }) in drafts {
            let one = &self.received[index];
            // A new record keeps the time at which it was made elsewhere.
            let made = before.clone().unwrap_or_else(|| row.clone());
            row.stamp(one.revision, one.times.updated_at, Some(&made));
            let replaced = before.as_ref().map(K::replicated).transpose()?;
            let action = if before.is_some() { Action::Update } else { Action::Create };
            self.written.push(Written {
                content_hash: one.content_hash.clone(),
                origin: one.origin.clone(),
                external: one.external.clone(),
                fields: audit::changed(replaced.as_ref(), &K::replicated(&row)?),
                ..Written::new::<K>(one.id, before.as_ref(), Some(&row), one.revision, action)
            });
            self.taken[index] = Some(if before.is_some() { Taken::Updated } else { Taken::Created });
            saved.push((row, before));
        }
        let held = slug::held_by_others::<K>(&self.batch, &saved).await?;
        slug::keep::<K>(&self.batch, &saved, &held).await?;
        let touched = K::save(&self.batch, &saved).await?;
        // Records that changed because of others keep their revision and its origin.
        let ids: BTreeSet<Uuid> = touched.iter().map(|written| written.id).collect();
        let shared = lock(&self.batch, &ids.into_iter().collect::<Vec<_>>()).await?;
        self.written.extend(touched.into_iter().map(|written| {
            let origin = shared.get(&written.id).map(|shared| shared.origin.clone()).unwrap_or_default();
            Written { origin, ..written }
        }));
        Ok(())
    }

    /// Writes `sync_record`, with the external ids of the revisions, and the data that comes beside the fields of new
    /// records.
    async fn settle(&mut self, by: &Actor) -> Result<(), DomainError> {
        self.written = consolidate(std::mem::take(&mut self.written));
        let (tx, dialect) = (self.batch.tx, self.batch.dialect);
        let instance = self.batch.core.instance(tx).await?.to_string();
        settle(&self.batch, &self.written, by, &instance).await?;
        let mut names = Vec::new();
        let mut new = Vec::new();
        for (one, taken) in self.received.iter().zip(&self.taken) {
            if self.shared.contains_key(&one.id) && matches!(taken, Some(Taken::Created | Taken::Updated)) {
                let (source, name) = one.external.clone().unwrap_or_default();
                names.push(vec![KeyValue::Id(one.id), KeyValue::Text(source), KeyValue::Text(name)]);
            }
            if matches!(taken, Some(Taken::Created)) {
                new.push(one);
            }
        }
        let columns = [("id", KeyType::Id), ("source", KeyType::Text), ("name", KeyType::Text)];
        let keys = KeyColumns::new(&columns);
        let sql = format!(
            "UPDATE sync_record SET source = NULLIF(k.source, ''), external_id = NULLIF(k.name, '') FROM {} \
             WHERE sync_record.record_id = k.id",
            keys.source(dialect),
        );
        KeyedStatement { sql, keys }.execute(tx, dialect, names).await?;
        for one in new {
            self.batch.core.kinds.of(one.record_type).arrive(&self.batch, one).await?;
        }
        Ok(())
    }
}

/// Separates rows without an identifier of an earlier row from the others. The first row keeps the identifier.
#[expect(clippy::type_complexity, reason = "two lists of what it takes")]
fn without_clashes<K: Kind>(
    drafts: Numbered<Draft<K::Row>>,
) -> Result<(Numbered<Draft<K::Row>>, Numbered<Draft<K::Row>>), DomainError> {
    let (mut now, mut later) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for (index, draft) in drafts {
        let identifiers = K::identifiers(&draft.row)?;
        if identifiers.iter().any(|identifier| seen.contains(identifier)) {
            later.push((index, draft));
        } else {
            seen.extend(identifiers);
            now.push((index, draft));
        }
    }
    Ok((now, later))
}

/// Reads a hash in hexadecimal.
///
/// # Errors
/// [`InvalidRevision`] where it is no SHA-256 in hexadecimal.
pub fn hash(path: &str, text: &str) -> Result<Vec<u8>, InvalidRevision> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> =
        if text.len() == 64 { (0..64).step_by(2).map(digit).collect() } else { None };
    bytes
        .filter(|bytes| hex(bytes) == text)
        .ok_or_else(|| InvalidRevision::new(path, "a SHA-256 has 64 hexadecimal digits"))
}
