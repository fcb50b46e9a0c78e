//! The job that runs erasures when their time has come.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{run, store};
use crate::identity::Identity;
use crate::record::error::DomainError;
use crate::record::trusted_clock;

/// The time between two looks. Programs on one database all look: the row of each erasure is locked while it runs.
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
    let own = identity.clone();
    identity.tasks.spawn(async move {
        loop {
            match run_due(&own).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "profiles were erased whose time had come"),
                Err(error) => tracing::warn!(%error, "erasures that are due could not all be run"),
            }
            // To stop in the middle loses nothing: what is begun of a profile ends in its own task.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    });
}
