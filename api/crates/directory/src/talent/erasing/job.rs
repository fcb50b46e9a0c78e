//! The job that runs erasures when their time has come.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{run, store};
use identity::Identity;
use kernel::error::DomainError;
use kernel::trusted_clock;
use records::changes::heads::Sight;
use records::worker::{Job, Worker};

/// The time between two runs. Programs on one database all run it: the row of each erasure is locked while it runs.
const PAUSE: Duration = Duration::from_mins(1);

/// Erasures that are looked at together.
const BATCH: u64 = 100;

/// Runs the erasures that are due, each in a transaction of its own, and answers how many there were. A failure with
/// one of them does not keep it from the others; it is answered at the end. Where the clock has jumped ahead, none is due.
///
/// # Errors
/// [`DomainError::Database`] and others of a single profile: the next look tries it again.
pub async fn run_due(identity: &Identity) -> Result<u64, DomainError> {
    let mut erased = 0;
    loop {
        let due = store::due(identity.db.writer(), identity.clock.now(), BATCH).await?;
        if due.is_empty() || trusted_clock::days_ahead(&identity.db, identity.clock.now()).await?.is_some() {
            return Ok(erased);
        }
        let (mut done, mut failed) = (0, None);
        for talent in due {
            match run(identity, talent).await {
                Ok(was_erased) => done += u64::from(was_erased),
                Err(error) => {
                    tracing::warn!(%error, id = %talent, "an erasure that is due could not be run; trying again");
                    failed = Some(error);
                }
            }
        }
        erased += done;
        match failed {
            Some(error) => return Err(error),
            None if done == 0 => return Ok(erased),
            None => {}
        }
    }
}

/// Runs erasures when they are due, until `stop` is cancelled.
pub fn start(identity: &Identity, stop: CancellationToken) {
    let failure = "erasures that are due could not all be run";
    let worker = Worker { rest: PAUSE, retry: (PAUSE, PAUSE), ..Worker::new("erasures", failure) };
    let next = identity.heads.sight(&identity.db, store::NEXT);
    worker.start(identity, stop, Erasing { next });
}

struct Erasing {
    /// When the next erasure is due.
    next: Sight,
}

impl Job<Identity> for Erasing {
    type Error = DomainError;

    async fn run(&mut self, identity: &Identity) -> Result<(), DomainError> {
        let erased = run_due(identity).await?;
        if erased > 0 {
            tracing::info!(erased, "profiles were erased whose time had come");
        }
        Ok(())
    }

    async fn woken(&mut self, identity: &Identity) {
        self.next.due(&identity.clock).await;
    }
}
