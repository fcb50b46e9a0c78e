//! The turn of a call's status over time, written as a revision, so that followers and the search learn of it.
//!
//! Readers compute the status, and need no such revision. It is made by the instance that made the revision before:
//! replicas take it. After a time without the program each call gets one revision, with the status that it has then.

use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{self, Turned};
use kernel::RecordType;
use kernel::error::DomainError;
use records::changes::heads::Sight;
use records::handle::Core;
use records::worker::{Job, Worker};
use records::write::{End, Outcome, RecordInput, Source, Status, Submission, Written, apply, write};

/// How long the lease lasts that is not kept.
const LEASE_TIME: Duration = Duration::from_secs(30);
/// The pause before a run is tried again that failed, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// Calls that are looked at together.
const BATCH: u32 = 100;

/// Writes the turns that are due, each in a transaction of its own, and answers how many there were. A failure with one
/// call does not keep it from the others; it is answered at the end.
///
/// # Errors
/// [`DomainError::Database`] and others of a single call: the next run tries it again.
pub async fn run_due(core: &Core) -> Result<u64, DomainError> {
    let mut written = 0;
    loop {
        let due = store::turned(&core.db, core.clock.now(), BATCH).await?;
        let (mut done, mut failed) = (0, None);
        for call in due {
            match write_turn(core, &call).await {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::warn!(%error, id = %call.id, "the status of a call could not be written; trying again");
                    failed = Some(error);
                }
            }
        }
        written += done;
        match failed {
            Some(error) => return Err(error),
            None if done == 0 => return Ok(written),
            None => {}
        }
    }
}

/// Writes the turn of one call. A record that a source owns stays the source's: the clock has changed it, and nobody whose
/// change the source would have to see first.
async fn write_turn(core: &Core, call: &Turned) -> Result<(), DomainError> {
    check(&write(core, vec![submission(call)], End::PerItem).await?)
}

/// Writes, in a transaction that has changed applications, where their closed call stands now.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn follow(core: &Core, tx: &DatabaseTransaction, id: Uuid) -> Result<Vec<Written>, DomainError> {
    let Some(call) = store::turning(tx, core.db.dialect(), id).await? else { return Ok(Vec::new()) };
    let (outcomes, written) = apply(core, tx, &[submission(&call)]).await?;
    check(&outcomes)?;
    Ok(written)
}

/// The submission that changes nothing but what the clock and the applications have changed.
fn submission(call: &Turned) -> Submission {
    let blank = RecordInput::blank(RecordType::Call);
    let submission = match call.source.clone() {
        Some((name, external_id)) => {
            let source = Source { name, region: call.region.clone() };
            Submission::of_source(source, external_id, blank)
        }
        None => Submission { id: Some(call.id), exists: true, ..Submission::new(blank) },
    };
    Submission { overwrite: true, ..submission }
}

fn check(outcomes: &[Outcome]) -> Result<(), DomainError> {
    match outcomes.first() {
        Some(outcome) if matches!(outcome.status, Status::Updated | Status::Unchanged) => Ok(()),
        other => Err(DomainError::Stored(format!("a turn of a status was refused: {other:?}"))),
    }
}

/// Writes turns when they are due, until `stop` is cancelled.
pub fn start(core: &Core, stop: CancellationToken) {
    let failure = "the statuses of calls that have turned could not all be written";
    let worker = Worker { retry: RETRY, lease: Some(LEASE_TIME), ..Worker::new("calls", failure) };
    let next = core.heads.sight(&core.db, store::NEXT_TURN);
    worker.start(core, stop, Turning { next });
}

struct Turning {
    /// When the next turn is due.
    next: Sight,
}

impl Job for Turning {
    type Error = DomainError;

    async fn run(&mut self, core: &Core) -> Result<(), DomainError> {
        let written = run_due(core).await?;
        if written > 0 {
            tracing::info!(written, "the status of calls has turned");
        }
        Ok(())
    }

    async fn woken(&mut self, core: &Core) {
        self.next.due(&core.clock).await;
    }
}
