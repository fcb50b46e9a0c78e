//! The write path: the only way in which records are written.
//!
//! One transaction turns a batch of submissions into domain rows, revisions and entries of the change log. The numbers
//! of these entries are taken in its last statement. Everything is checked before the first row is written. A
//! submission that changes nothing writes nothing.
//!
//! Code of one record type (how an input becomes a row, its dependent rows) is in the `write.rs` of its folder. Code
//! for all types is here.
//!
//! A resolver makes a [`Submission`] of its arguments, with the `Viewer` of the caller. An import or a push submits
//! with a source instead, and the program itself with neither.
//!
//! - **Rights.** `Viewer::writes` has the regions whose records the viewer writes; writers see the private records of
//!   these regions. `admin` writes everywhere. Talents write their own profile. Members of an organization write
//!   nothing, but speak for it. The write path asks [`Kind::refusal`] about an existing record, and checks the region
//!   of a new or moved one. Records that the viewer does not see are absent, also as targets of references
//!   (`reference.rs`). Viewers without the right to write get no other problem of their input. A new type states its
//!   rule in `refusal`, in terms of `kernel/src/policy.rs`.
//! - **Problems.** A refusal is a `Problem`: a code, a path, and a message from `kernel/src/messages.rs`. People get
//!   all problems at once, so [`Kind::merge`] returns a row even where there are some. Lines of a file stop at the
//!   first stage with a problem: they must not take slugs from others. Violations of the schema itself (an enum, a
//!   date, an id of another type) are `BAD_USER_INPUT` of the request.
//! - **Conflicts.** A `baseRevision` other than the present one is a CONFLICT with the present record, whatever else is
//!   wrong. Without it, people overwrite the changes of others, and sources do not.
//! - **Claimed profiles.** Once `talent.claimed` is set, only the person changes visibility, field groups and legal
//!   basis. `Talents::complete` refuses such changes by staff, administrators and sources.
//! - **Steps** (`Step` in `directory/src/talent/consent/mod.rs`) are events of a profile beside its fields: it is
//!   claimed, its person agrees or withdraws, it lapses, its erasure is scheduled or stopped. The submitter has checked
//!   the right.
//! - **Affiliations** (`assertion.rs`): the writer asserts for one side, and the other side confirms or disputes. A
//!   writer for both sides asserts for the organization, except a person with their own profile. Changed statements
//!   must be confirmed again. A disputed affiliation is PRIVATE and visible to its two sides only. Only the disputing
//!   side takes that back; for a claimed profile that is the person alone.
//! - **Partnerships** (`partnership/consent.rs`): parties for which the writer speaks have confirmed, the others are
//!   asked. PROPOSED, ACTIVE and DECLINED follow from their answers. The writer may also set ENDED, or PROPOSED again.
//!   An ACTIVE status that a source has reported stays ACTIVE when a party confirms.
//! - **Calls for projects** (`call_for_projects/consent.rs`): contributions for which the writer speaks count, the sides
//!   of the others are asked. What a source or the program itself writes counts, but no other write confirms what waits.
//!   The turn of a status with the clock is a write of the program (`call_for_projects/turn.rs`).
//! - **References to hidden records.** A refused deletion gets `REFERRED_TO` even if all referring records are hidden,
//!   as the deletion would break them. The problem names only those that the caller sees.
//! - **Locks.** References of a viewer lock their targets, so that none is deleted meanwhile. Chains of successors are
//!   locked link by link before they are read. A merge locks, reads and rewrites all records that refer to the
//!   duplicate, each with a new revision. The duplicate leaves a tombstone and a row of `record_redirect`, always one
//!   hop. Sources do not lock their targets: on PostgreSQL their batches lock `record_redirect` against merges.
//!   Erasures lock it like a merge, before any record.
//! - **Sources after a merge**: a source does not write or delete the survivor of another region because it knew the
//!   duplicate.
//! - **Proposals** (`directory/src/proposal/`): the input is stored as JSON. It is tried by the write path in a
//!   savepoint that is rolled back, and written through [`in_transaction`] when accepted. `seen` has a hash of each proposed
//!   field, so only changes of the same fields conflict. The organization is locked before the proposal.
//! - **History** (`audit.rs`): each written record gets an entry with ids and names of fields, and no values. Identity
//!   writes entries for accounts and keys. If a source made the revision, the source is the actor.
//! - **Deletion** leaves a tombstone in `sync_record`.
//! - **Replication** (`replica.rs`): [`Kind::from_replicated`] is the inverse of [`Kind::replicated`], and both come
//!   from one table of fields (`directory/src/*/replica.rs`, `directory/src/replicated.rs`). A row that would be
//!   replicated with other fields than it was made of is refused, so nothing gets lost on the way. An equal revision
//!   with an equal hash writes nothing; every other difference is reported.

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
use self::guard::DeletionConfirmation;
pub use self::idempotency::{IdempotencyKey, KeyState, MAX_KEY, claim, keep, look};
pub use self::kind::{
    AnyKind, Draft, InputFields, Kind, Kinds, Numbered, RecordRow, ReferredBy, Step, Written, follow,
};
pub use self::merging::{
    Merge, Mergeable, Merged, Pair, Rewritten, merge, union_of, unite, unite_claims, unite_texts,
};
pub use self::shared::{lock_ids, revision_of, touch};
use crate::changes::{self, Change, Operation, Withdrawal};
use crate::handle::Core;
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::input::IdentifierInput;
use kernel::policy::{Viewer, Visibility};
use kernel::problem::{Problem, Problems};
use kernel::read::Dialect;
use kernel::vocabulary::vocabularies;

/// Version of the layout of replicated fields, which the content hash covers and the change log records.
pub const SCHEMA_VERSION: i32 = 1;

/// A submitted record.
#[derive(Clone, Debug)]
pub struct RecordInput {
    record_type: RecordType,
    fields: Option<Submitted>,
}

/// The fields of a record, as their trait and as `Any` for downcasts.
#[derive(Clone)]
struct Submitted {
    fields: Arc<dyn InputFields>,
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

    /// The one record that is given; none where there is no record, or more than one.
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

    fn fields(&self) -> Option<&dyn InputFields> {
        self.fields.as_ref().map(|given| &*given.fields)
    }

    /// The slug of the region that is to answer for the record, where the input names one by its slug or a label; else the
    /// text of the input.
    pub fn region(&self) -> Option<&str> {
        let text = self.fields()?.region()?;
        Some(vocabularies().regions.meant(text).map_or(text, |region| &region.term.slug))
    }

    fn slug(&self) -> Option<&str> {
        self.fields()?.slug()
    }

    /// The identifiers in official registers, as they were written.
    fn identifiers(&self) -> &[IdentifierInput] {
        self.fields().map_or(&[], InputFields::identifiers)
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
    /// Type of the record that is referred to.
    pub to: RecordType,
    /// Its id, its slug, or `source:externalId`.
    pub text: String,
}

/// The records of references, without references that were not found.
#[derive(Clone, Debug, Default)]
pub struct Resolved(HashMap<Reference, Uuid>);

impl From<HashMap<Reference, Uuid>> for Resolved {
    fn from(found: HashMap<Reference, Uuid>) -> Self {
        Self(found)
    }
}

impl Resolved {
    /// The record of a reference, if it was found.
    pub fn get(&self, to: RecordType, text: &str) -> Option<Uuid> {
        self.0.get(&Reference { to, text: text.to_owned() }).copied()
    }

    /// The record of a reference. Adds a problem at `path` if it was not found.
    pub fn find(&self, to: RecordType, text: &str, path: &str, problems: &mut Problems) -> Option<Uuid> {
        let found = self.get(to, text);
        if found.is_none() {
            problems.add(Problem::unknown_reference(path, to, text));
        }
        found
    }
}

/// Maximum bytes of an external id.
pub const MAX_EXTERNAL_ID: usize = 255;

/// Whether a text may be an external id.
pub fn is_external_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_EXTERNAL_ID && !text.contains('\0')
}

/// The source system of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The region whose records it may write.
    pub region: String,
}

/// The answer of one side about a record that the other side wrote: it confirms or disputes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the side confirms the record.
    pub yes: bool,
    /// A reference to the organization that answers, where the record has several parties: a partnership.
    pub organization: Option<String>,
}

/// The kind of removal of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its row is deleted. It may be created again. Refused where other records refer to it.
    Delete,
    /// All data about it is deleted, with all dependent rows. It can never be created again.
    Erase,
}

/// One record to write. All submissions of a batch have the same caller.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The rights of a person are checked, and records that they do not see do not exist for them.
    Person(Arc<Viewer>),
    /// A system has the rights that its region gives it, over records of its own.
    Source(Box<Named>),
    /// The program itself may write everything.
    Program,
}

/// A record as the system that owns it names it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The system.
    pub source: Source,
    /// The record's id in that system.
    pub external_id: String,
    /// The viewer on whose word the system writes: records that they do not see do not exist for it. None for an import by
    /// the operator.
    pub reader: Option<Arc<Viewer>>,
    /// Whether the system means to delete as many records as it does. All its deletions in a batch have the same.
    pub confirmed: DeletionConfirmation,
}

impl Named {
    /// The name of the system, and the record's id in it.
    pub fn pair(&self) -> (String, String) {
        (self.source.name.clone(), self.external_id.clone())
    }

    /// The name by which others refer to the record: `source:externalId`.
    fn text(&self) -> String {
        format!("{}:{}", self.source.name, self.external_id)
    }
}

/// One record to write.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The right by which it is written. All submissions of a batch are of persons, of systems, or of the program.
    pub by: Caller,
    /// The id of the record to change, or the id for a new record. A new record without it gets a new id.
    pub id: Option<Uuid>,
    /// Whether a record with this id must exist.
    pub exists: bool,
    /// The revision that the submitter has seen.
    pub base_revision: Option<i32>,
    /// Whether to overwrite changes of others.
    pub overwrite: bool,
    /// The removal, if the record is to be removed.
    pub removal: Option<Removal>,
    /// The answer of a side about the record. The fields of the record then stay as they are.
    pub answer: Option<Answer>,
    /// Whether the change is only proposed. Then the submitter needs the right to propose changes, not to write: those
    /// who may write decide later.
    pub proposal: bool,
    /// The step that is taken beside the change of fields. All submissions of a batch have the same.
    pub step: Option<Arc<dyn Step>>,
    /// The record.
    pub input: RecordInput,
}

impl Submission {
    /// A record that is created or changed here, without a check of rights.
    pub fn new(input: RecordInput) -> Self {
        Self {
            by: Caller::Program,
            id: None,
            exists: false,
            base_revision: None,
            overwrite: false,
            removal: None,
            answer: None,
            proposal: false,
            step: None,
            input,
        }
    }

    /// A record that a source submits: a line of a file, or an item of a batch.
    pub fn of_source(source: Source, external_id: String, input: RecordInput) -> Self {
        let named = Named { source, external_id, reader: None, confirmed: DeletionConfirmation::No };
        Self { by: Caller::Source(Box::new(named)), ..Self::new(input) }
    }

    /// The viewer whose rights are checked.
    pub fn viewer(&self) -> Option<&Arc<Viewer>> {
        match &self.by {
            Caller::Person(viewer) => Some(viewer),
            Caller::Source(_) | Caller::Program => None,
        }
    }

    /// The name of the record in the system that owns it; none for a record that is made here.
    pub fn named(&self) -> Option<&Named> {
        match &self.by {
            Caller::Source(named) => Some(named),
            Caller::Person(_) | Caller::Program => None,
        }
    }

    /// The viewer for whom records exist or not.
    fn reader(&self) -> Option<&Arc<Viewer>> {
        self.viewer().or_else(|| self.named()?.reader.as_ref())
    }

    /// The erasure of a record, without a check of rights.
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

/// The outcome of a submission.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The status.
    pub status: Status,
    /// The record; none for a new record that was rejected.
    pub id: Option<Uuid>,
    /// The record's revision now.
    pub revision: Option<i32>,
    /// The problems, where it was rejected or conflicts.
    pub problems: Vec<Problem>,
    /// The fields in which a conflicting submission differs from the present record.
    pub differing: Vec<String>,
    /// Values that were taken, and are worth a look; none where the submission was not taken.
    pub warnings: Vec<Problem>,
}

impl Outcome {
    /// Whether it was rejected only for references to records that do not exist, or not yet.
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

/// The end of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Good submissions are written, others are reported.
    PerItem,
    /// Nothing is written; the outcomes say what would be.
    DryRun,
}

/// Maximum attempts to write a batch, in case of conflicts with other transactions.
const ATTEMPTS: u32 = 5;
/// An attempt that took longer on SQLite is not repeated: it has already waited for another process on the same file.
const WAITED: Duration = Duration::from_millis(500);

/// Writes a batch in a spawned task, so that a dropped request leaves no transaction open.
///
/// # Errors
/// [`DomainError::Database`] where the database fails, also after several attempts in case of conflicts.
pub async fn write(core: &Core, batch: Vec<Submission>, end: End) -> Result<Vec<Outcome>, DomainError> {
    match in_task(core, batch, end, None).await? {
        KeyedWrite::Now(outcomes) => Ok(outcomes),
        KeyedWrite::Before(_) | KeyedWrite::Otherwise => {
            Err(DomainError::Stored("a key was not asked for".into()))
        }
    }
}

/// Writes one record like [`write()`], at most once for each idempotency key. With a key, the submission must have an
/// id.
///
/// # Errors
/// See [`write()`].
pub async fn write_once(
    core: &Core,
    submission: Submission,
    once: Option<IdempotencyKey>,
) -> Result<KeyedWrite, DomainError> {
    in_task(core, vec![submission], End::PerItem, once).await
}

/// The outcome of a write with an idempotency key.
#[derive(Clone, Debug)]
pub enum KeyedWrite {
    /// The write was made now, or refused.
    Now(Vec<Outcome>),
    /// An earlier request with the same key created this record.
    Before(Uuid),
    /// The key was used for another request before.
    Otherwise,
}

async fn in_task(
    core: &Core,
    batch: Vec<Submission>,
    end: End,
    once: Option<IdempotencyKey>,
) -> Result<KeyedWrite, DomainError> {
    let submitted = Arc::new((batch, once));
    in_transaction(core, move |core, tx| {
        let submitted = Arc::clone(&submitted);
        Box::pin(async move {
            let (answer, written) = transaction(core, tx, &submitted.0, submitted.1.as_ref()).await?;
            let kept = end != End::DryRun && !written.is_empty();
            Ok(TransactionResult { answer, written, kept })
        })
    })
    .await
}

/// Writes a record, and its entries in the change log, at the end of a transaction that has done other work. The caller
/// must commit next, and must submit nothing that can be refused.
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

/// The result of work in a transaction of the write path.
#[derive(Debug)]
pub struct TransactionResult<T> {
    /// The result of the work.
    pub answer: T,
    /// The records that were written, for the change log.
    pub written: Vec<Written>,
    /// Whether the transaction is committed.
    pub kept: bool,
}

/// Runs work that writes records, in one transaction and in a spawned task. Appends to the change log at the end.
/// Repeats the work after a conflict with another transaction.
///
/// # Errors
/// The errors of the work; [`DomainError::Database`] where the database fails, also after several attempts in case of
/// conflicts.
pub async fn in_transaction<C, T, W>(handle: &C, work: W) -> Result<T, DomainError>
where
    C: AsRef<Core> + Clone + Send + Sync + 'static,
    T: Send + 'static,
    W: for<'a> Fn(&'a C, &'a DatabaseTransaction) -> BoxFuture<'a, Result<TransactionResult<T>, DomainError>>
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

/// Whether a retry may succeed: after a deadlock, a serialization failure, a busy database, or a record that another
/// transaction has just created.
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
    W: for<'a> Fn(&'a C, &'a DatabaseTransaction) -> BoxFuture<'a, Result<TransactionResult<T>, DomainError>>,
{
    let core = handle.as_ref();
    let tx = core.db.begin().await?;
    match work(handle, &tx).await {
        Ok(TransactionResult { answer, written, kept }) => {
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
    once: Option<&IdempotencyKey>,
) -> Result<(KeyedWrite, Vec<Written>), DomainError> {
    if let (Some(once), Some(id)) = (once, submissions.first().and_then(|submission| submission.id)) {
        match claim(core, tx, once, id).await? {
            KeyState::First => {}
            KeyState::Again(id, _) => return Ok((KeyedWrite::Before(id), Vec::new())),
            KeyState::Other => return Ok((KeyedWrite::Otherwise, Vec::new())),
        }
    }
    let (outcomes, written) = apply(core, tx, submissions).await?;
    Ok((KeyedWrite::Now(outcomes), written))
}

/// The entries of the change log for written records. A record that moves to another view gets a LEAVE entry in the old
/// one.
pub fn log_of(written: &[Written]) -> Vec<Change> {
    let mut changes = Vec::with_capacity(written.len());
    for record in written {
        // A changed level of a field group may hide its fields, while the record stays in its view.
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
