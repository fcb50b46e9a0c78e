//! The job that reminds the staff of the funders, once and 72 hours before a call closes, how many drafts and
//! submissions there are.
//!
//! Each call is one transaction: the mails and the row that says that they were queued are there together or not at all.
//! A program that is killed anywhere, or two that do the same, remind nobody twice. A call that has closed meanwhile is
//! left out.

use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{self, Recipient};
use crate::application::write;
use identity::Identity;
use identity::mail::{self, Mail, Template};
use kernel::error::DomainError;
use kernel::value::DateTime;
use kernel::{RecordType, id, trusted_clock};
use records::transact::transact;
use records::worker::{Job, Worker};
use records::write::{Batch, lock_ids};

/// How long before a call closes the staff of its funders are reminded, in microseconds.
pub const BEFORE: i64 = 72 * 60 * 60 * 1_000_000;
/// How long a lease lasts that is not kept.
const LEASE_TIME: Duration = Duration::from_mins(15);
/// The time between two runs.
const PAUSE: Duration = Duration::from_mins(10);
/// The time before a run is tried again that failed.
const RETRY: Duration = Duration::from_mins(1);

/// Reminds until `stop` is cancelled. Of several programs on one database one does it.
pub fn start(identity: &Identity, stop: CancellationToken) {
    let failure = "the staff of funders could not all be reminded that a call closes; trying again";
    let worker = Worker {
        every: Some(PAUSE),
        retry: (RETRY, RETRY),
        lease: Some(LEASE_TIME),
        ..Worker::new("applications", failure)
    };
    worker.start(identity, stop, Reminding);
}

struct Reminding;

impl Job<Identity> for Reminding {
    type Error = DomainError;

    async fn run(&mut self, identity: &Identity) -> Result<(), DomainError> {
        // A clock that has jumped ahead reminds nobody: it would be too early, and never again.
        if trusted_clock::days_ahead(&identity.db, identity.clock.now()).await?.is_some() {
            return Ok(());
        }
        remind(identity).await.map(|_| ())
    }
}

/// Reminds the staff of the funders of all calls that close soon. Returns the number of calls.
///
/// # Errors
/// [`DomainError::Database`]. What was not done is done by the next run.
pub async fn remind(identity: &Identity) -> Result<u64, DomainError> {
    let now = identity.clock.now();
    let mut reminded = 0;
    for call in store::closing(&identity.db, now, DateTime::from_micros(now.micros() + BEFORE)).await? {
        let done = transact(identity, move |identity, tx| Box::pin(remind_of(identity, tx, call))).await?;
        reminded += u64::from(done);
    }
    Ok(reminded)
}

/// Queues the mails about a call; false where they were queued before, or the call has been changed meanwhile.
async fn remind_of(identity: &Identity, tx: &DatabaseTransaction, id: Uuid) -> Result<bool, DomainError> {
    let (batch, dialect, now) = (Batch::new(identity, tx), identity.db.dialect(), identity.clock.now());
    // Of two programs one waits for the call, and finds that its funders were reminded.
    lock_ids(&batch, &[id]).await?;
    let Some(call) = write::call(&batch, id).await? else { return Ok(false) };
    let Some(closes_at) = call.model.closes_at.filter(|at| is_soon(*at, now) && !call.model.draft) else {
        return Ok(false);
    };
    if !store::note_reminder(tx, dialect, id, now).await? {
        return Ok(false);
    }
    let (drafts, submissions) = store::counts(tx, dialect, id).await?;
    let closes_at = DateTime::from_micros(closes_at);
    let template = Template::CallCloses {
        call: id::encode(RecordType::Call.prefix(), id),
        at: closes_at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string(),
        drafts,
        submissions,
    };
    for Recipient { to, language } in store::accounts_of_funders(tx, dialect, id).await? {
        let mail = Mail { to: Some(to), language, template: template.clone(), until: Some(closes_at) };
        mail::enqueue(tx, identity, mail).await?;
    }
    Ok(true)
}

/// Whether a call that closes at an instant closes soon, and has not yet.
fn is_soon(closes_at: i64, now: DateTime) -> bool {
    (now.micros()..=now.micros() + BEFORE).contains(&closes_at)
}
