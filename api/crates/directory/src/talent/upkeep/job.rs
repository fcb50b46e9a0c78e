//! The job that deals with profiles that nobody confirms, and its measures.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{self, Profile};
use super::{Measure, Swept, Terms, sweep};
use crate::talent::consent::Step;
use identity::Identity;
use identity::mail::{self, Mail, Template};
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::trusted_clock;
use kernel::value::{DateTime, Language};
use kernel::vocabulary::vocabularies;
use records::worker::{Job, Worker};
use records::write::{RecordInput, Submission, write_last};

/// How long a lease lasts that is not kept. Kept from sweep to sweep, it takes few statements, and what a program leaves
/// that is killed can wait so long.
const LEASE_TIME: Duration = Duration::from_mins(15);
/// The time between two sweeps.
const PAUSE: Duration = Duration::from_hours(1);
/// The time before a sweep is tried again that failed.
const RETRY: Duration = Duration::from_mins(5);

/// Sweeps again and again while this program holds the lease.
pub(super) fn start(identity: &Identity, terms: Terms, stop: CancellationToken) {
    let failure = "profiles that nobody has confirmed could not all be dealt with; trying again";
    let worker = Worker {
        every: Some(PAUSE),
        retry: (RETRY, RETRY),
        lease: Some(LEASE_TIME),
        ..Worker::new("profiles", failure)
    };
    worker.start(identity, stop, Upkeep { terms });
}

struct Upkeep {
    terms: Terms,
}

impl Job<Identity> for Upkeep {
    type Error = DomainError;

    async fn run(&mut self, identity: &Identity) -> Result<(), DomainError> {
        // A clock that has jumped ahead hides and erases nobody; the housekeeping says so in the log.
        if trusted_clock::days_ahead(&identity.db, identity.clock.now()).await?.is_some() {
            return Ok(());
        }
        let swept = sweep(identity, &self.terms).await?;
        if swept != Swept::default() {
            let Swept { warned, hidden, erased } = swept;
            tracing::info!(warned, hidden, erased, "profiles that nobody has confirmed were dealt with");
        }
        Ok(())
    }
}

/// Notes that the person is warned of what comes at `end`, and warns them where they can be.
pub(super) async fn warn(
    identity: &Identity,
    tx: &DatabaseTransaction,
    profile: &Profile,
    measure: Measure,
    end: DateTime,
) -> Result<(), DomainError> {
    store::note_warning(tx, profile.id, measure, identity.clock.now()).await?;
    let Some(to) = &profile.email else { return Ok(()) };
    let region = vocabularies().regions.get(&profile.region);
    let of_region = region.and_then(|region| region.languages.first().copied());
    let language = profile.language.or(of_region).unwrap_or(Language::En);
    let (region, on) = (profile.region.clone(), end.to_utc().date_naive());
    let template = if measure == Measure::WarnOfErasure {
        Template::ProfileErasure { region, on }
    } else {
        Template::ProfileHiding { region, on }
    };
    mail::enqueue(tx, identity, Mail { to: Some(to.clone()), language, template, until: Some(end) }).await
}

/// Hides a profile.
pub(super) async fn hide(identity: &Identity, tx: &DatabaseTransaction, id: Uuid) -> Result<(), DomainError> {
    let submission = Submission {
        id: Some(id),
        exists: true,
        overwrite: true,
        step: Some(Arc::new(Step::Lapse)),
        ..Submission::new(RecordInput::blank(RecordType::Talent))
    };
    write_last(identity, tx, submission).await
}

/// Erases a profile, with all that hangs on it.
pub(super) async fn erase(
    identity: &Identity,
    tx: &DatabaseTransaction,
    id: Uuid,
) -> Result<(), DomainError> {
    write_last(identity, tx, Submission::erasing(RecordType::Talent, id)).await
}
