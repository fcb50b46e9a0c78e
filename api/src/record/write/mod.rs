//! The one door for writes.
//!
//! A batch of submissions becomes, in one transaction: domain rows, the records' revisions, and their entries
//! in the change log, whose numbers are taken in the last statement. Everything is checked before the first
//! row is written. A submission that changes nothing writes nothing.
//!
//! What is special to a type of record (how an input becomes a row, what hangs on it) is in the `write.rs`
//! of its folder; what is the same for all is here.

mod batch;
mod door;
pub mod guard;
mod idempotency;
mod kind;
mod merging;
pub mod replica;
mod shared;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::Enum;
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, DbErr};
use tracing::Instrument as _;
use uuid::Uuid;

pub use self::batch::{Batch, rows_of};
pub use self::door::{apply, consolidate};
use self::guard::Confirmed;
pub use self::idempotency::{Claimed, MAX_KEY, Once, claim, keep, look};
pub(crate) use self::kind::record_row;
pub use self::kind::{
    AnyKind, Draft, Fields, Kind, Kinds, Numbered, RecordRow, ReferredBy, Step, Written, fields_of_parts,
};
pub use self::merging::{Merge, Mergeable, Merged, Pair, Rewritten, merge, union_of};
pub use self::shared::{lock_ids, revision_of, touch};
use super::RecordType;
use super::error::DomainError;
use super::input::IdentifierInput;
use super::policy::{Viewer, Visibility};
use super::problem::{Problem, Problems};
use super::read::Dialect;
use crate::changes::{self, Change, Operation, Withdrawal};
use crate::record::core::Core;

/// Layout of the replicated fields that the content hash covers, and that records have in the log.
pub const SCHEMA_VERSION: i32 = 1;

/// A record as somebody submits it.
#[derive(Clone, Debug)]
pub struct RecordInput {
    record_type: RecordType,
    fields: Option<Submitted>,
}

/// The fields of a record, and the same as what they are downcast from.
#[derive(Clone)]
struct Submitted {
    fields: Arc<dyn Fields>,
    any: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fields.fmt(f)
    }
}

impl RecordInput {
    /// A record of a type with these fields.
    pub fn new<K: Kind>(fields: K::Input) -> Self {
        let fields = Arc::new(fields);
        let any: Arc<dyn Any + Send + Sync> = fields.clone();
        Self { record_type: K::TYPE, fields: Some(Submitted { fields, any }) }
    }

    /// A record of this type without any fields, such as one that is to be deleted.
    pub fn blank(record_type: RecordType) -> Self {
        Self { record_type, fields: None }
    }

    /// The one record that is given; nothing where there is none, or more than one.
    pub fn only(given: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let mut given = given.into_iter().flatten();
        let one = given.next()?;
        given.next().is_none().then_some(one)
    }

    /// The type of the record.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// The fields, where the record is of this type.
    fn of<K: Kind>(&self) -> Option<Arc<K::Input>> {
        if self.record_type != K::TYPE {
            return None;
        }
        match &self.fields {
            None => Some(Arc::default()),
            Some(given) => Arc::clone(&given.any).downcast().ok(),
        }
    }

    fn fields(&self) -> Option<&dyn Fields> {
        self.fields.as_ref().map(|given| &*given.fields)
    }

    /// The region that is to answer for the record, where the input names one.
    pub fn region(&self) -> Option<&str> {
        self.fields()?.region()
    }

    fn slug(&self) -> Option<&str> {
        self.fields()?.slug()
    }

    /// The identifiers in official registers, as they were written.
    fn identifiers(&self) -> &[IdentifierInput] {
        self.fields().map_or(&[], Fields::identifiers)
    }

    fn references(&self, into: &mut Vec<Reference>) {
        if let Some(fields) = self.fields() {
            fields.references(into);
        }
    }
}

/// A reference to another record, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Type of the record that is meant.
    pub to: RecordType,
    /// Its id, its slug, or `source:externalId`.
    pub text: String,
}

/// What references mean: only those that were found.
#[derive(Clone, Debug, Default)]
pub struct Resolved(HashMap<Reference, Uuid>);

impl Resolved {
    /// The record that is meant, if any.
    pub fn get(&self, to: RecordType, text: &str) -> Option<Uuid> {
        self.0.get(&Reference { to, text: text.to_owned() }).copied()
    }

    /// The record that is meant; a problem at `path` where there is none.
    pub fn find(&self, to: RecordType, text: &str, path: &str, problems: &mut Problems) -> Option<Uuid> {
        let found = self.get(to, text);
        if found.is_none() {
            problems.add(Problem::unknown_reference(path, to, text));
        }
        found
    }
}

/// Bytes of an external id at most.
pub const MAX_EXTERNAL_ID: usize = 255;

/// Whether a source may call a record so.
pub fn is_external_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_EXTERNAL_ID && !text.contains('\0')
}

/// Where a batch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The region whose records it may write.
    pub region: String,
}

/// What one side says of a record that was written by another: that it is so, or that it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is so.
    pub yes: bool,
    /// In whose name, where the record does not say it: a party of a partnership.
    pub organization: Option<String>,
}

/// How a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its row is deleted; it may be made again. Refused where others refer to it.
    Delete,
    /// Nothing that was known of it stays anywhere, and it never comes back. What hangs on it goes with it.
    Erase,
}

/// One record to write. A batch is of one caller.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who writes, where it is somebody who may not write everything: their rights are checked, and what they may not
    /// see is not there for them. A source has the rights that its region gives it.
    pub viewer: Option<Arc<Viewer>>,
    /// On whose word a system writes: what they may not see is not there for it. None where whoever runs the program
    /// imports a file.
    pub reader: Option<Arc<Viewer>>,
    /// The system that owns the record; none for one that is made here.
    pub source: Option<Source>,
    /// The record's id in that system.
    pub external_id: Option<String>,
    /// The id to give to a record that is made here, a new one where none is given; or that of the record which is
    /// meant.
    pub id: Option<Uuid>,
    /// Whether a record with this id must be there.
    pub exists: bool,
    /// The revision that the submitter has seen.
    pub base_revision: Option<i32>,
    /// Whether to write over what others have changed.
    pub overwrite: bool,
    /// How the record is to go, where it is to.
    pub removal: Option<Removal>,
    /// Whether a system means to delete so many records. All of a batch that it deletes have the same.
    pub confirmed: Confirmed,
    /// What a side says of the record; its fields stay as they are then.
    pub answer: Option<Answer>,
    /// Whether it is only proposed, by somebody who may propose changes of the record. Those who may write it decide
    /// later, so it is not asked now whether the submitter does.
    pub proposal: bool,
    /// What happens to the record beside what its fields say. All submissions of a batch have the same.
    pub step: Option<Arc<dyn Step>>,
    /// The record.
    pub input: RecordInput,
}

impl Submission {
    /// A record that is made or changed here by whoever may do everything.
    pub fn new(input: RecordInput) -> Self {
        Self {
            viewer: None,
            reader: None,
            source: None,
            external_id: None,
            id: None,
            exists: false,
            base_revision: None,
            overwrite: false,
            removal: None,
            confirmed: Confirmed::No,
            answer: None,
            proposal: false,
            step: None,
            input,
        }
    }

    /// A record that a system submits: a line of a file, or an item of a batch.
    pub fn of_source(source: Source, external_id: String, input: RecordInput) -> Self {
        Self { source: Some(source), external_id: Some(external_id), ..Self::new(input) }
    }

    /// A record that whoever may do everything erases.
    pub fn erasing(of: RecordType, id: Uuid) -> Self {
        let removal = Some(Removal::Erase);
        Self { id: Some(id), removal, overwrite: true, ..Self::new(RecordInput::blank(of)) }
    }

    fn references(&self, into: &mut Vec<Reference>) {
        self.input.references(into);
        let answer = self.answer.as_ref().and_then(|answer| answer.organization.clone());
        into.extend(answer.map(|text| Reference { to: RecordType::Organization, text }));
    }
}

/// What became of a record that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "PushStatus")]
pub enum Status {
    /// It is a new record.
    Created,
    /// It has a new revision: it was changed, deleted or erased.
    Updated,
    /// There was nothing to do.
    Unchanged,
    /// Somebody else has changed the record since; it stays as it is.
    Conflict,
    /// It was not written: `userErrors` says why.
    Rejected,
}

/// What became of a submission, and which record it is about.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of it.
    pub status: Status,
    /// The record; none where it was rejected before it had one.
    pub id: Option<Uuid>,
    /// The record's revision now.
    pub revision: Option<i32>,
    /// Why it was rejected or conflicts.
    pub problems: Vec<Problem>,
    /// The fields in which a submission that conflicts differs from the record as it is.
    pub differing: Vec<String>,
}

impl Outcome {
    /// Whether it failed for nothing but references to records that are not there, or not yet.
    pub fn waits(&self) -> bool {
        self.status == Status::Rejected && self.problems.iter().all(Problem::is_unknown_reference)
    }
}

/// SHA-256 of the replicated fields, as canonical JSON (RFC 8785).
///
/// # Errors
/// [`DomainError::Stored`] where they are not JSON.
pub fn content_hash(fields: &serde_json::Value) -> Result<Vec<u8>, DomainError> {
    Ok(replica::Canonical::of(fields)?.hash)
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Good submissions are written, others are reported.
    PerItem,
    /// Nothing is written; the outcomes say what would be.
    DryRun,
}

/// Attempts to write a batch that others get in the way of.
const ATTEMPTS: u32 = 5;
/// Who has waited for so long for another program on the same SQLite file is told so, rather than left to wait again.
const WAITED: Duration = Duration::from_millis(500);

/// Writes a batch in a task of its own, so that a caller who goes away leaves no transaction half open.
///
/// # Errors
/// [`DomainError::Database`] where the database fails, after some attempts where others were in the way.
pub async fn write(core: &Core, batch: Vec<Submission>, end: End) -> Result<Vec<Outcome>, DomainError> {
    match in_task(core, batch, end, None).await? {
        Answered::Now(outcomes) => Ok(outcomes),
        Answered::Before(_) | Answered::Otherwise => {
            Err(DomainError::Stored("a key was not asked for".into()))
        }
    }
}

/// Writes one record as [`write()`] does, once for each key. Its id must be given where there is a key.
///
/// # Errors
/// See [`write()`].
pub async fn write_once(
    core: &Core,
    submission: Submission,
    once: Option<Once>,
) -> Result<Answered, DomainError> {
    in_task(core, vec![submission], End::PerItem, once).await
}

/// What became of a write that may have been made before.
#[derive(Clone, Debug)]
pub enum Answered {
    /// It was made now, or refused.
    Now(Vec<Outcome>),
    /// It made this record before.
    Before(Uuid),
    /// Its key came with another request before.
    Otherwise,
}

async fn in_task(
    core: &Core,
    batch: Vec<Submission>,
    end: End,
    once: Option<Once>,
) -> Result<Answered, DomainError> {
    let submitted = Arc::new((batch, once));
    through(core, move |core, tx| {
        let submitted = Arc::clone(&submitted);
        Box::pin(async move {
            let (answer, written) = transaction(core, tx, &submitted.0, submitted.1.as_ref()).await?;
            let kept = end != End::DryRun && !written.is_empty();
            Ok(Ended { answer, written, kept })
        })
    })
    .await
}

/// Writes a record, and the log, as the last of a transaction that has done other things before: it must be committed
/// next. Whoever submits it knows that nothing can be wrong with it.
///
/// # Errors
/// [`DomainError::Stored`] where it is refused all the same, [`DomainError::Database`].
pub async fn write_last(core: &Core, tx: &DatabaseTransaction, one: Submission) -> Result<(), DomainError> {
    let (outcomes, written) = apply(core, tx, &[one]).await?;
    if let Some(problem) = outcomes.iter().flat_map(|outcome| &outcome.problems).next() {
        return Err(DomainError::Stored(format!("a write of our own was refused: {problem:?}")));
    }
    changes::append(tx, core.db.dialect(), log_of(&written), core.clock.now()).await
}

/// What work in a transaction of the door comes to.
#[derive(Debug)]
pub struct Ended<T> {
    /// What it answers.
    pub answer: T,
    /// The records that were written, for the log.
    pub written: Vec<Written>,
    /// Whether the transaction is kept.
    pub kept: bool,
}

/// Runs what writes records, and what belongs to it, in one transaction: in a task of its own, with the log at its end,
/// and again where others were in the way.
///
/// # Errors
/// Those of the work; [`DomainError::Database`] where the database fails, after some attempts where others were in the
/// way.
pub async fn through<C, T, W>(handle: &C, work: W) -> Result<T, DomainError>
where
    C: AsRef<Core> + Clone + Send + Sync + 'static,
    T: Send + 'static,
    W: for<'a> Fn(&'a C, &'a DatabaseTransaction) -> BoxFuture<'a, Result<Ended<T>, DomainError>>
        + Send
        + Sync
        + 'static,
{
    let own = handle.clone();
    let core = handle.as_ref();
    let (dialect, span, tasks) = (core.db.dialect(), core.db.span("transaction"), core.tasks.clone());
    let attempts = async move {
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            let waited = || dialect == Dialect::Sqlite && begun.elapsed() > WAITED;
            match attempt_to(&own, &work).await {
                Err(DomainError::Database(error))
                    if attempt < ATTEMPTS && is_contended(&error) && !waited() =>
                {
                    let wait = rand::random_range(1..=20 * u64::from(attempt));
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    };
    let task = tasks.spawn(attempts.instrument(span));
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}

/// Whether the same may succeed when tried again: a deadlock, a serialization failure, a busy database, or a
/// record that somebody else has just made.
fn is_contended(error: &DbErr) -> bool {
    if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) {
        return true;
    }
    let text = error.to_string();
    ["40001", "40P01", "deadlock detected", "could not serialize", "database is locked"]
        .iter()
        .any(|sign| text.contains(sign))
}

async fn attempt_to<C, T, W>(handle: &C, work: &W) -> Result<T, DomainError>
where
    C: AsRef<Core>,
    W: for<'a> Fn(&'a C, &'a DatabaseTransaction) -> BoxFuture<'a, Result<Ended<T>, DomainError>>,
{
    let core = handle.as_ref();
    let tx = core.db.begin().await?;
    match work(handle, &tx).await {
        Ok(Ended { answer, written, kept }) => {
            if kept {
                let changes = log_of(&written);
                let appended = changes::append(&tx, core.db.dialect(), changes, core.clock.now()).await;
                if let Err(error) = appended {
                    return Err(tx.abandon(error).await);
                }
                tx.commit().await?;
                core.committed(&written);
            } else {
                tx.rollback().await?;
            }
            Ok(answer)
        }
        Err(error) => {
            if let DomainError::Database(error) = &error {
                core.db.note(error);
            }
            Err(tx.abandon(error).await)
        }
    }
}

async fn transaction(
    core: &Core,
    tx: &DatabaseTransaction,
    submissions: &[Submission],
    once: Option<&Once>,
) -> Result<(Answered, Vec<Written>), DomainError> {
    if let (Some(once), Some(id)) = (once, submissions.first().and_then(|submission| submission.id)) {
        match claim(core, tx, once, id).await? {
            Claimed::First => {}
            Claimed::Again(id, _) => return Ok((Answered::Before(id), Vec::new())),
            Claimed::Other => return Ok((Answered::Otherwise, Vec::new())),
        }
    }
    let (outcomes, written) = apply(core, tx, submissions).await?;
    Ok((Answered::Now(outcomes), written))
}

/// The entries of what was written: what left its view says so there.
pub fn log_of(written: &[Written]) -> Vec<Change> {
    let mut changes = Vec::with_capacity(written.len());
    for record in written {
        // A level of a group of fields that changes may hide them, while the record stays where it is.
        let hides = record.before.is_some() && record.fields.iter().any(|name| name == "fieldVisibility");
        let withdraws = |operation, seen| match (operation, &record.after) {
            (Operation::Upsert, _) if hides => Withdrawal::of_fields(seen),
            (Operation::Upsert, _) => Withdrawal::default(),
            (Operation::Leave, Some((_, after))) => Withdrawal::between(seen, Some(*after)),
            (Operation::Leave | Operation::Delete | Operation::Erase, _) => Withdrawal::between(seen, None),
        };
        let entry = |operation, (region, visibility): &(String, Visibility)| Change {
            record_type: record.record_type,
            record_id: record.id,
            operation,
            revision: record.revision,
            region: region.clone(),
            visibility: *visibility,
            origin: record.origin.clone(),
            tag: rand::random(),
            withdraws: withdraws(operation, *visibility),
        };
        if let Some(views) = &record.erased_from {
            changes.extend(views.iter().map(|view| entry(Operation::Erase, view)));
            continue;
        }
        match (&record.before, &record.after) {
            (Some(before), Some(after)) if before != after => {
                changes.push(entry(Operation::Leave, before));
                changes.push(entry(Operation::Upsert, after));
            }
            (_, Some(after)) => changes.push(entry(Operation::Upsert, after)),
            (Some(before), None) => changes.push(entry(Operation::Delete, before)),
            (None, None) => {}
        }
    }
    changes
}
