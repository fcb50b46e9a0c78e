//! Full pushes: pushes of all records of a source. At the end, records that no batch has mentioned are deleted.
//!
//! A batch of the source that is sent outside the full push while it runs also counts as a mention. So a record that
//! was pushed after the export began is not deleted for being absent from it. A refused record also counts as
//! mentioned.

use std::sync::Arc;

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::running::{Begun, Pushes};
use super::{RETRY_AFTER, about, authority, busy, store};
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage, pushing};
use kernel::policy::Viewer;
use kernel::problem::Problem;
use kernel::read::Database;
use kernel::value::DateTime;
use records::handle::Core;
use records::write::guard::{self, DeletionConfirmation};
use records::write::{
    Caller, Named, RecordInput, Removal, Source, Status, Submission, TransactionResult, Written, apply,
    consolidate, in_transaction,
};

/// The time for which a full push may run, and for which it is kept, in microseconds: a week.
pub(super) const KEPT: i64 = DAYS * 24 * 60 * 60 * 1_000_000;
/// The same in days.
const DAYS: i64 = 7;
/// The maximum number of records deleted together, as databases limit the number of values in a statement.
const TOGETHER: usize = 20_000;
/// The maximum number of records in the payload that could not be deleted.
pub const SHOWN: usize = 100;

/// The problem of a full push that does not exist, or that the caller may not see.
pub(super) fn unknown(path: &str) -> Problem {
    about(path, FilledMessage::new(&pushing::FULL_PUSH_UNKNOWN))
}

/// The problem of a full push that has ended or expired.
pub(super) fn over(path: &str) -> Problem {
    about(path, FilledMessage::new(&pushing::FULL_PUSH_OVER).with("days", DAYS.to_string()))
}

/// A full push that has begun.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The id of the full push.
    pub id: Uuid,
    /// The name of its source.
    pub source: String,
    /// The time when it began.
    pub begun_at: DateTime,
}

/// Reads the running full pushes, ordered by source: those of sources in these regions, or all.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn running(
    core: &Core,
    db: &Arc<Database>,
    regions: Option<&[String]>,
) -> Result<Vec<Begin>, DomainError> {
    store::running(db, regions, core.clock.now()).await
}

/// Begins a full push of a source.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn begin(
    core: &Core,
    pushes: &Pushes,
    viewer: &Viewer,
    source: &str,
) -> Result<Result<Begin, Problem>, DomainError> {
    let source = match authority(core, viewer, ("source", source)).await? {
        Ok(source) => source,
        Err(problem) => return Ok(Err(problem)),
    };
    let Begun::Now(ticket) = pushes.begin(&source.name, None) else {
        return Ok(Err(busy(RETRY_AFTER).with_argument("source")));
    };
    let (id, begun_at) = (core.new_id(), core.clock.now());
    let name = source.name.clone();
    let is_free = in_transaction(core, move |core, tx| {
        let (name, _held) = (name.clone(), &ticket);
        Box::pin(async move {
            let dialect = core.db.dialect();
            let is_free = store::lock(tx, dialect, &name, begun_at).await?.is_some();
            if is_free {
                store::begin(tx, dialect, (id, &name), begun_at).await?;
            }
            Ok(TransactionResult { answer: is_free, written: Vec::new(), kept: is_free })
        })
    });
    if is_free.await? {
        return Ok(Ok(Begin { id, source: source.name, begun_at }));
    }
    Ok(Err(busy(RETRY_AFTER).with_argument("source")))
}

/// The request to complete a full push.
#[derive(Clone, Debug)]
pub struct Complete {
    /// The caller.
    pub viewer: Viewer,
    /// The id of the full push.
    pub id: Uuid,
    /// The number of records that its batches had, according to the caller.
    pub expected: i64,
    /// The number of deletions that the caller confirms.
    pub confirm_deletes: Option<i32>,
}

/// An unmentioned record that could not be deleted.
#[derive(Clone, Debug)]
pub struct Stays {
    /// The type of the record.
    pub of: RecordType,
    /// The id of the record.
    pub id: Option<Uuid>,
    /// Its id in the source.
    pub external_id: String,
    /// The reasons.
    pub problems: Vec<Problem>,
}

/// The result of completing a full push.
#[derive(Clone, Debug, Default)]
pub struct Completed {
    /// The number of deleted records.
    pub deleted: i64,
    /// Whether the full push was already complete, so that nothing was done now.
    pub replayed: bool,
    /// The records that could not be deleted, at most [`SHOWN`].
    pub stays: Vec<Stays>,
    /// The reasons why nothing was done; empty on success.
    pub problems: Vec<Problem>,
}

impl From<Problem> for Completed {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// Completes a full push, and deletes the records of the source that no batch mentioned.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn complete(core: &Core, pushes: &Pushes, asked: Complete) -> Result<Completed, DomainError> {
    if !asked.viewer.pushes_anything() {
        let is_known = asked.viewer.signed_in;
        let message = if is_known { &pushing::NOT_SYNC_PARTNER } else { &messages::NOT_SIGNED_IN };
        return Ok(about("id", FilledMessage::new(message)).into());
    }
    let found = store::full_push(core.db.reader(), core.db.dialect(), asked.id).await?;
    let Some(found) = found.filter(|found| asked.viewer.pushes_for(&found.source.region)) else {
        return Ok(unknown("id").into());
    };
    let source = found.source;
    let Begun::Now(ticket) = pushes.begin(&source.name, None) else {
        return Ok(busy(RETRY_AFTER).with_argument("id").into());
    };
    let shared = Arc::new((asked, source, ticket));
    in_transaction(core, move |core, tx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (asked, source, _) = &*shared;
            complete_in(core, tx, asked, source).await
        })
    })
    .await
}

async fn complete_in(
    core: &Core,
    tx: &DatabaseTransaction,
    asked: &Complete,
    source: &Source,
) -> Result<TransactionResult<Completed>, DomainError> {
    let nothing = |answer: Completed| Ok(TransactionResult { answer, written: Vec::new(), kept: false });
    let (dialect, now) = (core.db.dialect(), core.clock.now());
    if store::lock(tx, dialect, &source.name, now).await?.is_none() {
        return nothing(busy(RETRY_AFTER).with_argument("id").into());
    }
    let Some(found) = store::full_push(tx, dialect, asked.id).await? else {
        return nothing(unknown("id").into());
    };
    if let Some(deleted) = found.deleted {
        return nothing(Completed { deleted, replayed: true, ..Completed::default() });
    }
    if found.ended_at.is_some() || found.begun_at <= now.micros() - KEPT {
        return nothing(over("id").into());
    }
    let count = store::carried(tx, dialect, asked.id).await?;
    if count != asked.expected {
        let said = FilledMessage::new(&pushing::COUNT_DIFFERS).with("count", count.to_string());
        let said = said.with("expected", asked.expected.to_string());
        return nothing(about("expectedCount", said).into());
    }
    let unmentioned = store::unmentioned(tx, dialect, asked.id, &source.name).await?;
    let wanted = i64::try_from(unmentioned.len()).unwrap_or(i64::MAX);
    let confirmed = asked
        .confirm_deletes
        .map_or(DeletionConfirmation::No, |count| DeletionConfirmation::Number(count.into()));
    let blocked =
        guard::blocked(tx, dialect, (&source.name, wanted), confirmed, now, "confirmDeletes").await?;
    if let Some(problem) = blocked {
        return nothing(problem.into());
    }
    // Already confirmed here for the whole push, so that the door does not count each part again.
    let confirmed = if confirmed.is(wanted) { DeletionConfirmation::Yes } else { DeletionConfirmation::No };
    let reader = Arc::new(asked.viewer.clone());
    let mut left: Vec<Submission> = unmentioned
        .into_iter()
        .map(|record| {
            let (source, external_id) = (source.clone(), record.external_id);
            let named = Named { source, external_id, reader: Some(Arc::clone(&reader)), confirmed };
            Submission {
                by: Caller::Source(Box::new(named)),
                removal: Some(Removal::Delete),
                overwrite: true,
                ..Submission::new(RecordInput::blank(record.of))
            }
        })
        .collect();
    // Records that refer to others are deleted before these.
    left.sort_by_key(|submission| std::cmp::Reverse(submission.input.record_type()));
    let (stays, written) = delete(core, tx, left).await?;
    let deleted = written.iter().filter(|record| record.after.is_none()).count();
    let deleted = i64::try_from(deleted).unwrap_or(i64::MAX);
    store::end(tx, dialect, (asked.id, deleted), now).await?;
    let answer = Completed { deleted, stays, ..Completed::default() };
    Ok(TransactionResult { answer, written, kept: true })
}

/// Deletes records, in rounds until no more can be deleted: a record can go once those that refer to it have gone.
/// Returns at most [`SHOWN`] of the records that stay, and the written records.
async fn delete(
    core: &Core,
    tx: &DatabaseTransaction,
    mut left: Vec<Submission>,
) -> Result<(Vec<Stays>, Vec<Written>), DomainError> {
    let mut written = Vec::new();
    loop {
        let before = left.len();
        let (mut again, mut stays) = (Vec::new(), Vec::new());
        let mut rest = left.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<Submission> = rest.by_ref().take(TOGETHER).collect();
            let (outcomes, records) = apply(core, tx, &some).await?;
            written.extend(records);
            for (submission, outcome) in some.into_iter().zip(outcomes) {
                if matches!(outcome.status, Status::Updated | Status::Unchanged) {
                    continue;
                }
                if stays.len() < SHOWN {
                    let problems = outcome.problems.into_iter();
                    stays.push(Stays {
                        of: submission.input.record_type(),
                        id: outcome.id,
                        external_id: submission.named().map(Named::pair).unwrap_or_default().1,
                        problems: problems.map(|problem| problem.with_argument("id")).collect(),
                    });
                }
                again.push(submission);
            }
        }
        if again.is_empty() || again.len() == before {
            return Ok((stays, consolidate(written)));
        }
        left = again;
    }
}
