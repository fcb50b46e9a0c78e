//! Pushes: batches of records that the systems of a region send. Each batch is one transaction through the write door.
//!
//! A batch is refused as a whole, with nothing written, if the request itself is wrong: its caller, its size or its
//! key, or if the source is busy. A problem with one record is reported for that record, and the others are written. In
//! the mode `ALL_OR_NOTHING` none is written then. For a week, the same idempotency key returns the stored outcome.
//!
//! A system writes with the rights of the caller: records that the caller may not see do not exist for it.
//!
//! A batch becomes submissions with a source and a `reader`. The rights are those of the source
//! (`records/src/write/door/sources.rs`). The visible records are those of the caller, so a push reveals no more than a
//! query.
//!
//! - **The transaction** claims the idempotency key, locks the row of the source, applies the batch, and stores the
//!   outcome with the key. The lock is taken with `SKIP LOCKED`: a second batch of the source gets `PUSH_BUSY` at once.
//!   `running.rs` does the same within a program, and alone on SQLite. Equal requests wait for each other for up to 5
//!   seconds; other batches of the source do not wait.
//! - **Repeated batches** get the stored outcome (`outcome.rs`) with the records as they are now. Their conflicts are
//!   computed again, in a transaction that is rolled back.
//! - **Refusals by the database** because of the data (not a lost connection or a time-out): bisection of the batch
//!   finds the record, and the batch is retried without it, at most three times.
//! - **Full pushes** (`full.rs`): while one runs, every batch of its source stores keyed hashes of the external ids
//!   that it mentions. Batches with the id of the full push are also counted. At the end, records without a mention are
//!   deleted through the write path.
//! - **Mass deletions**: the guard (`records/src/write/guard.rs`) counts the unconfirmed deletions of a source in a day
//!   (`source_deletion`), under the lock on the row of the source. A file or a full push counts all its deletions
//!   itself, and passes the decision to the write path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use kernel::RecordType;
use kernel::error::{DomainError, is_permanent};
use kernel::messages::{self, FilledMessage, pushing};
use kernel::policy::Viewer;
use kernel::problem::Problem;
use kernel::read::Dialect;
use records::handle::Core;
use records::write::guard::DeletionConfirmation;
use records::write::{
    Caller, IdempotencyKey, KeyState, MAX_EXTERNAL_ID, MAX_KEY, Named, Outcome, RecordInput, Removal, Source,
    Status, Submission, TransactionResult, apply, claim, in_transaction, is_external_id, keep, look,
};

pub mod full;
pub mod mutation;
mod outcome;
mod running;
mod store;

pub use self::outcome::{Conflict, PushMode, RecordOutcome, Refusal};
pub use self::running::{BATCHES_PER_MINUTE, Pushes};
use self::running::{Begun, Ticket};

/// The maximum number of records in a batch.
pub const MAX_RECORDS: usize = 500;
/// The maximum size of a batch as JSON, in bytes.
pub const MAX_BATCH: usize = 2 * 1024 * 1024;
/// The maximum size of a record as JSON, in bytes.
pub const MAX_RECORD: usize = 64 * 1024;
/// The time for which a request waits for an equal request that is running.
const PATIENCE: Duration = Duration::from_secs(5);
/// The maximum number of retries of a batch, each without one more record that the database refused.
const RERUNS: usize = 3;
/// The time in milliseconds after which a request for a busy source may be retried.
const RETRY_AFTER: i64 = 1000;
/// The purpose in the keyed hashes of mentioned external ids.
const MENTIONS: &str = "full push mention";

/// A record of a batch.
#[derive(Clone, Debug)]
pub struct Item {
    /// The record's id in its source.
    pub external_id: String,
    /// The revision that the source has seen.
    pub base_revision: Option<i32>,
    /// Whether to overwrite changes by others.
    pub overwrite: bool,
    /// The kind of removal, if the record is to be removed.
    pub removal: Option<Removal>,
    /// The record; `None` if the item does not hold exactly one.
    pub input: Option<RecordInput>,
}

/// A batch with its options.
#[derive(Clone, Debug)]
pub struct Push {
    /// The caller.
    pub viewer: Viewer,
    /// The name of the source.
    pub source: String,
    /// The idempotency key.
    pub key: String,
    /// The handling of valid records if others are refused.
    pub mode: PushMode,
    /// Whether the batch is only validated and nothing is written.
    pub dry_run: bool,
    /// The full push that the batch is a part of.
    pub full_push: Option<Uuid>,
    /// The number of deletions that the caller confirms.
    pub confirm_deletes: Option<i32>,
    /// The records.
    pub items: Vec<Item>,
    /// The whole input as it was sent.
    pub sent: Value,
}

/// The outcome of a batch.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// The outcome of each record, in the order of the input; empty if the batch was refused.
    pub told: Vec<RecordOutcome>,
    /// Whether the same batch was sent before, so that this is its stored outcome.
    pub replayed: bool,
    /// The reasons why the batch was refused, or why none of its deletions was done.
    pub problems: Vec<Problem>,
}

impl From<Problem> for Pushed {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

fn about(argument: &str, said: FilledMessage) -> Problem {
    Problem::beside(argument, said)
}

/// The problem of a busy source.
fn busy(after: i64) -> Problem {
    about("input.source", FilledMessage::new(&pushing::PUSH_BUSY)).again_after(after)
}

/// Moves a problem with a record of a batch to the record's path in the input.
fn placed(problem: Problem, place: usize, of: Option<RecordType>) -> Problem {
    let of =
        of.filter(|_| problem.is_of_the_input() && !matches!(problem.path.as_str(), "externalId" | "id"));
    let below = of.map_or_else(|| problem.path.clone(), |of| format!("{}.{}", of.field(), problem.path));
    let path = if problem.path == "id" { "externalId".to_owned() } else { below };
    problem.with_argument(format!("input.records.{place}.{path}").trim_end_matches('.').to_owned())
}

/// Returns the source if the viewer may push for it, else the reason why not. `path` is the argument that names it.
async fn authority(
    core: &Core,
    viewer: &Viewer,
    (path, name): (&str, &str),
) -> Result<Result<Source, Problem>, DomainError> {
    if !viewer.pushes_anything() {
        let message = if viewer.signed_in { &pushing::NOT_SYNC_PARTNER } else { &messages::NOT_SIGNED_IN };
        return Ok(Err(about(path, FilledMessage::new(message))));
    }
    let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    let Some(source) = store::source(&core.db, &name.replace('\0', "")).await? else {
        return Ok(Err(about(path, FilledMessage::new(&pushing::SOURCE_UNKNOWN).with("source", shown))));
    };
    if !viewer.pushes_for(&source.region) {
        return Ok(Err(about(path, FilledMessage::new(&pushing::FOREIGN_SYSTEM).with("source", shown))));
    }
    Ok(Ok(source))
}

/// Checks the key and the size of a batch; returns the first problem.
fn form(push: &Push) -> Option<Problem> {
    if push.key.is_empty() || push.key.chars().count() > MAX_KEY {
        let said = FilledMessage::new(&messages::KEY_FORM).with("limit", MAX_KEY.to_string());
        return Some(about("input.idempotencyKey", said));
    }
    if push.items.len() > MAX_RECORDS {
        let said = FilledMessage::new(&pushing::TOO_MANY_RECORDS).with("limit", MAX_RECORDS.to_string());
        return Some(about("input.records", said));
    }
    let too_large = |path: String, size: usize, limit: usize| {
        let said = FilledMessage::new(&pushing::TOO_LARGE).with("size", size.to_string());
        Some(Problem::beside(path, said.with("limit", limit.to_string())))
    };
    let mut whole = 0;
    for (place, record) in push.sent["records"].as_array().into_iter().flatten().enumerate() {
        let size = record.to_string().len();
        if size > MAX_RECORD {
            return too_large(format!("input.records.{place}"), size, MAX_RECORD);
        }
        whole += size + 1;
    }
    if whole > MAX_BATCH { too_large("input.records".to_owned(), whole, MAX_BATCH) } else { None }
}

/// A batch that is ready for the write door.
#[derive(Debug)]
struct Ready {
    once: Option<IdempotencyKey>,
    source: Source,
    mode: PushMode,
    dry_run: bool,
    full_push: Option<Uuid>,
    external_ids: Vec<String>,
    base_revisions: Vec<Option<i32>>,
    submissions: Vec<Submission>,
    /// The index of each submission in the batch.
    places: Vec<usize>,
    /// The problems of records that were refused before the door, by their index in the batch.
    refused: BTreeMap<usize, Problem>,
}

impl Ready {
    fn new(push: Push, source: Source, once: Option<IdempotencyKey>) -> Self {
        let reader = Arc::new(push.viewer);
        let confirmed = push
            .confirm_deletes
            .map_or(DeletionConfirmation::No, |count| DeletionConfirmation::Number(count.into()));
        let mut ready = Self {
            once,
            source,
            mode: push.mode,
            dry_run: push.dry_run,
            full_push: push.full_push,
            external_ids: push.items.iter().map(|item| item.external_id.clone()).collect(),
            base_revisions: push.items.iter().map(|item| item.base_revision).collect(),
            submissions: Vec::with_capacity(push.items.len()),
            places: Vec::with_capacity(push.items.len()),
            refused: BTreeMap::new(),
        };
        for (place, item) in push.items.into_iter().enumerate() {
            match submission(item, &ready.source, &reader, confirmed) {
                Ok(submission) => {
                    ready.submissions.push(submission);
                    ready.places.push(place);
                }
                Err(problem) => {
                    ready.refused.insert(place, placed(problem, place, None));
                }
            }
        }
        ready
    }

    /// The same batch without one submission, whose record is refused with this problem.
    fn without(&self, at: usize, problem: Problem) -> Self {
        let (mut submissions, mut places) = (self.submissions.clone(), self.places.clone());
        let mut refused = self.refused.clone();
        submissions.remove(at);
        let place = places.remove(at);
        refused.insert(place, placed(problem, place, None));
        Self {
            once: self.once.clone(),
            source: self.source.clone(),
            external_ids: self.external_ids.clone(),
            base_revisions: self.base_revisions.clone(),
            submissions,
            places,
            refused,
            ..*self
        }
    }

    /// The outcome of each record of the batch, from the outcomes of the submissions.
    fn told(&self, outcomes: Vec<Outcome>) -> Vec<RecordOutcome> {
        let mut all: Vec<Option<RecordOutcome>> = self.external_ids.iter().map(|_| None).collect();
        for (place, problem) in &self.refused {
            all[*place] = Some(RecordOutcome::refused(problem.clone()));
        }
        for ((place, submission), outcome) in self.places.iter().zip(&self.submissions).zip(outcomes) {
            let of = submission.input.record_type();
            let refusals =
                outcome.problems.into_iter().map(|problem| Refusal::Now(placed(problem, *place, Some(of))));
            let warnings = outcome.warnings.into_iter().map(|warning| placed(warning, *place, Some(of)));
            // A record that never existed has no revision.
            let revision = outcome.revision.filter(|revision| *revision > 0);
            let conflict = (outcome.status == Status::Conflict).then(|| Conflict {
                base_revision: self.base_revisions[*place],
                current_revision: revision.unwrap_or_default(),
                differing: outcome.differing,
            });
            let id = outcome.id.filter(|_| revision.is_some() || outcome.status == Status::Rejected);
            all[*place] = Some(RecordOutcome {
                status: outcome.status,
                id,
                revision,
                refusals: refusals.collect(),
                conflict,
                warnings: warnings.collect(),
            });
        }
        all.into_iter().flatten().collect()
    }
}

/// Makes a submission of an item, or returns what is wrong with the item.
fn submission(
    item: Item,
    source: &Source,
    reader: &Arc<Viewer>,
    confirmed: DeletionConfirmation,
) -> Result<Submission, Problem> {
    if !is_external_id(&item.external_id) {
        let said = FilledMessage::new(&pushing::EXTERNAL_ID_FORM).with("limit", MAX_EXTERNAL_ID.to_string());
        return Err(Problem::at("externalId", said));
    }
    let input = item.input.ok_or_else(|| Problem::new("", &pushing::ONE_RECORD))?;
    if item.removal == Some(Removal::Erase) && !input.record_type().is_erasable() {
        return Err(Problem::beside("erase", FilledMessage::new(&pushing::ERASE_PEOPLE)));
    }
    // A source that has seen no revision may create records but not change them.
    let unseen = (item.removal.is_none() && !item.overwrite).then_some(0);
    let (source, external_id) = (source.clone(), item.external_id);
    let named = Named { source, external_id, reader: Some(Arc::clone(reader)), confirmed };
    Ok(Submission {
        by: Caller::Source(Box::new(named)),
        base_revision: item.base_revision.or(unseen),
        overwrite: item.overwrite,
        removal: item.removal,
        ..Submission::new(input)
    })
}

/// Pushes a batch.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn push(core: &Core, pushes: &Pushes, push: Push) -> Result<Pushed, DomainError> {
    let source = match authority(core, &push.viewer, ("input.source", &push.source)).await? {
        Ok(source) => source,
        Err(problem) => return Ok(problem.into()),
    };
    if let Some(problem) = form(&push) {
        return Ok(problem.into());
    }
    if let Err(after) = pushes.count(push.viewer.account.unwrap_or_default(), core.clock.now()) {
        return Ok(busy(after).into());
    }
    let once = IdempotencyKey::new(&push.viewer, &push.key, "pushRecords", &push.sent)?;
    let once = (!push.dry_run).then_some(once);
    let ready = Ready::new(push, source, once);
    let patient_until = Instant::now() + PATIENCE;
    loop {
        let now = core.clock.now().micros();
        let known = match &ready.once {
            Some(once) => look(core.db.reader(), core.db.dialect(), once, now).await?,
            None => None,
        };
        match known {
            Some(KeyState::Again(_, Some(stored))) => return replayed(core, &ready, &stored).await,
            Some(_) => return Ok(mismatch().into()),
            None => {}
        }
        match pushes.begin(&ready.source.name, ready.once.as_ref().map(IdempotencyKey::key)) {
            Begun::Now(ticket) => return run(core, ready, ticket).await,
            Begun::SameSource => return Ok(busy(RETRY_AFTER).into()),
            Begun::SameKey(mut ends) => {
                if timeout_at(patient_until, ends.changed()).await.is_err() {
                    return Ok(in_progress().into());
                }
            }
        }
    }
}

fn mismatch() -> Problem {
    about("input.idempotencyKey", FilledMessage::new(&messages::KEY_REUSED))
}

fn in_progress() -> Problem {
    about("input.idempotencyKey", FilledMessage::new(&pushing::KEY_IN_PROGRESS)).again_after(RETRY_AFTER)
}

/// The outcome of a transaction.
#[derive(Debug)]
enum Tried {
    Done(Vec<RecordOutcome>),
    /// The same batch was written before; this is its stored outcome.
    Before(String),
    /// The whole batch is refused.
    Refused(Problem),
}

fn nothing(answer: Tried) -> TransactionResult<Tried> {
    TransactionResult { answer, written: Vec::new(), kept: false }
}

/// Writes a batch. If the database refuses a record, retries without it.
async fn run(core: &Core, ready: Ready, ticket: Ticket) -> Result<Pushed, DomainError> {
    // The running transaction holds the ticket, even if the caller disconnects.
    let (mut ready, ticket) = (Arc::new(ready), Arc::new(ticket));
    let mut reruns = 0;
    loop {
        let (batch, place) = (Arc::clone(&ready), Arc::clone(&ticket));
        let tried = in_transaction(core, move |core, tx| {
            let (batch, _held) = (Arc::clone(&batch), &place);
            Box::pin(async move { attempt(core, tx, &batch).await })
        })
        .await;
        return match tried {
            Ok(Tried::Done(told)) => Ok(done(told)),
            Ok(Tried::Before(stored)) => replayed(core, &ready, &stored).await,
            Ok(Tried::Refused(problem)) => Ok(problem.into()),
            Err(error) if reruns < RERUNS && is_refused(&error) => {
                let Some(at) = culprit(core, &ready, &ticket).await? else { return Err(error) };
                reruns += 1;
                tracing::warn!(%error, source = ready.source.name, "the database refuses a pushed record");
                ready = Arc::new(ready.without(at, Problem::new("", &pushing::WRITE_FAILED)));
                continue;
            }
            Err(error) => Err(error),
        };
    }
}

/// Whether the database has refused the data itself, rather than been unavailable or failed.
fn is_refused(error: &DomainError) -> bool {
    matches!(error, DomainError::Database(error) if is_permanent(error))
}

/// Finds the first submission that the database refuses, by bisecting the batch; each trial is rolled back.
async fn culprit(
    core: &Core,
    ready: &Arc<Ready>,
    ticket: &Arc<Ticket>,
) -> Result<Option<usize>, DomainError> {
    let fails = async |count: usize| {
        let (batch, place) = (Arc::clone(ready), Arc::clone(ticket));
        let tried = in_transaction(core, move |core, tx| {
            let (batch, _held) = (Arc::clone(&batch), &place);
            Box::pin(async move {
                apply(core, tx, &batch.submissions[..count]).await?;
                Ok(TransactionResult { answer: (), written: Vec::new(), kept: false })
            })
        });
        match tried.await {
            Ok(()) => Ok(false),
            Err(error) if is_refused(&error) => Ok(true),
            Err(error) => Err(error),
        }
    };
    let (mut good, mut bad) = (0, ready.submissions.len());
    if bad == 0 || !fails(bad).await? {
        return Ok(None);
    }
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if fails(middle).await? { bad = middle } else { good = middle }
    }
    Ok(Some(good))
}

/// Writes a batch within one transaction.
async fn attempt(
    core: &Core,
    tx: &DatabaseTransaction,
    ready: &Ready,
) -> Result<TransactionResult<Tried>, DomainError> {
    let (dialect, now) = (core.db.dialect(), core.clock.now());
    if let Some(once) = &ready.once {
        match claimed(core, tx, once).await? {
            Some(KeyState::First) => {}
            Some(KeyState::Again(_, Some(stored))) => return Ok(nothing(Tried::Before(stored))),
            Some(_) => return Ok(nothing(Tried::Refused(mismatch()))),
            None => return Ok(nothing(Tried::Refused(in_progress()))),
        }
    }
    let Some(locked) = store::lock(tx, dialect, &ready.source.name, now).await? else {
        return Ok(nothing(Tried::Refused(busy(RETRY_AFTER))));
    };
    if let Some(wanted) = ready.full_push.filter(|wanted| locked.full_push != Some(*wanted)) {
        let found = store::full_push(tx, dialect, wanted).await?;
        let is_own = found.is_some_and(|found| found.source.name == ready.source.name);
        let problem = if is_own { full::over("input.fullPush") } else { full::unknown("input.fullPush") };
        return Ok(nothing(Tried::Refused(problem)));
    }
    let (outcomes, written) = apply(core, tx, &ready.submissions).await?;
    let mut told = ready.told(outcomes);
    if ready.mode == PushMode::AllOrNothing && !told.iter().all(RecordOutcome::is_good) {
        for (place, told) in told.iter_mut().enumerate() {
            if matches!(told.status, Status::Created | Status::Updated) {
                let problem = Problem::beside("", FilledMessage::new(&pushing::NOT_ATTEMPTED));
                *told = RecordOutcome::refused(placed(problem, place, None));
            }
        }
        return Ok(nothing(Tried::Done(told)));
    }
    if ready.dry_run {
        return Ok(nothing(Tried::Done(told)));
    }
    if let Some(full_push) = locked.full_push {
        let key = core.encryption()?;
        let mentioned = ready.external_ids.iter().zip(&told).map(|(external_id, told)| {
            let text = [ready.source.name.as_bytes(), &[0], external_id.as_bytes()].concat();
            (key.digest(MENTIONS, &text), told.id)
        });
        // If an external id occurs twice, only the first record may have been written.
        let mut names: BTreeMap<Vec<u8>, Option<Uuid>> = BTreeMap::new();
        for (name, id) in mentioned {
            let known = names.entry(name).or_insert(id);
            *known = known.or(id);
        }
        let carried = ready.full_push.is_some();
        store::mention(tx, dialect, full_push, names.into_iter(), carried).await?;
    }
    // An outcome of refusals alone is not stored.
    let kept = locked.full_push.is_some() || told.iter().any(RecordOutcome::is_good);
    if let Some(once) = ready.once.as_ref().filter(|_| kept) {
        keep(tx, dialect, once, outcome::encode(&told)?).await?;
    }
    Ok(TransactionResult { answer: Tried::Done(told), written, kept })
}

/// Claims the idempotency key; `None` if another transaction still holds it after [`PATIENCE`].
async fn claimed(
    core: &Core,
    tx: &DatabaseTransaction,
    once: &IdempotencyKey,
) -> Result<Option<KeyState>, DomainError> {
    if core.db.dialect() == Dialect::Sqlite {
        return claim(core, tx, once, Uuid::nil()).await.map(Some);
    }
    tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", PATIENCE.as_millis())).await?;
    match claim(core, tx, once, Uuid::nil()).await {
        // SQLSTATE 55P03, `lock_not_available`.
        Err(DomainError::Database(error)) if error.to_string().contains("lock timeout") => Ok(None),
        Err(error) => Err(error),
        Ok(claimed) => {
            tx.execute_unprepared("SET LOCAL lock_timeout TO DEFAULT").await?;
            Ok(Some(claimed))
        }
    }
}

/// The result of a batch that was tried. A blocked mass deletion is also a problem of the whole batch.
fn done(told: Vec<RecordOutcome>) -> Pushed {
    let refusals = told.iter().flat_map(|told| &told.refusals);
    let blocked = refusals.filter_map(|refusal| match refusal {
        Refusal::Now(problem) if problem.reason == pushing::MASS_DELETE_BLOCKED.reason => Some(problem),
        _ => None,
    });
    let problems =
        blocked.take(1).map(|problem| problem.clone().with_argument("input.confirmDeletes")).collect();
    Pushed { told, replayed: false, problems }
}

/// The result of a batch that was sent before. Conflicts are computed anew, as their details are not stored.
async fn replayed(core: &Core, ready: &Ready, stored: &str) -> Result<Pushed, DomainError> {
    let mut told = outcome::decode(stored)?;
    let conflicts: Vec<usize> =
        (0..told.len()).filter(|place| told[*place].status == Status::Conflict).collect();
    if !conflicts.is_empty() {
        let wanted =
            ready.places.iter().zip(&ready.submissions).filter(|(place, _)| conflicts.contains(place));
        let (places, submissions): (Vec<usize>, Vec<Submission>) =
            wanted.map(|(place, submission)| (*place, submission.clone())).unzip();
        let submissions = Arc::new(submissions);
        let outcomes = in_transaction(core, move |core, tx| {
            let submissions = Arc::clone(&submissions);
            Box::pin(async move {
                let (answer, _) = apply(core, tx, &submissions).await?;
                Ok(TransactionResult { answer, written: Vec::new(), kept: false })
            })
        });
        for (place, outcome) in places.into_iter().zip(outcomes.await?) {
            let now = (outcome.status == Status::Conflict).then_some(outcome.revision).flatten();
            told[place].conflict = Some(Conflict {
                base_revision: ready.base_revisions[place],
                current_revision: now.or(told[place].revision).unwrap_or_default(),
                differing: outcome.differing,
            });
        }
    }
    Ok(Pushed { replayed: true, ..done(told) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_at_their_place_in_the_input() {
        let path =
            |problem: Problem| placed(problem, 3, Some(RecordType::Organization)).arguments().join(".");
        assert_eq!(path(Problem::required("name")), "input.records.3.organization.name");
        assert_eq!(path(Problem::new("", &pushing::ONE_RECORD)), "input.records.3.organization");
        assert_eq!(path(Problem::new("externalId", &messages::ERASED)), "input.records.3.externalId");
        assert_eq!(path(Problem::new("id", &messages::ERASED)), "input.records.3.externalId");
        assert_eq!(path(Problem::conflict_of_sources(2)), "input.records.3.baseRevision");
        let none = placed(Problem::new("", &pushing::ONE_RECORD), 0, None);
        assert_eq!(none.arguments().join("."), "input.records.0");
    }
}
