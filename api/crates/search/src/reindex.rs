//! Rebuilds or checks an index: by a job for the program that writes to it, or in this program where none does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::follower::at_once;
use super::guard::{GuardError, Held, LEASE_TIME, index_of};
use super::store::{self, Outcome, Task};
use index::engine::Engine;
use kernel::error::DomainError;
use records::handle::Core;

/// The pause before the other program is asked first how far it is. It doubles, as short jobs are many.
const SHORTEST_POLL: Duration = Duration::from_millis(20);
/// The longest of these pauses.
const LONGEST_POLL: Duration = Duration::from_millis(500);
/// The time in which the other program must begin, or make progress.
const PATIENCE: Duration = Duration::from_mins(10);

/// An error of [`reindex`].
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// Taking the right to write to the index failed.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The database failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// Another program holds the right to write, and makes no progress.
    #[error(
        "another program has the right to write to it, and got no further with this for {} seconds: see its log, or stop it",
        .0.as_secs()
    )]
    Idle(Duration),
    /// The task failed; the text is for the operator.
    #[error("{0}")]
    Failed(String),
}

/// Runs a task, and returns its outcome. `progress` is called with the number of records done and the total.
///
/// # Errors
/// [`ReindexError`].
pub async fn reindex(
    core: &Core,
    engine: &Arc<dyn Engine>,
    task: Task,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Outcome, ReindexError> {
    reindex_within(core, engine, task, PATIENCE, progress).await
}

/// Like [`reindex`], where `patience` is the time in which the other program must begin, or make progress.
///
/// # Errors
/// [`ReindexError`].
pub async fn reindex_within(
    core: &Core,
    engine: &Arc<dyn Engine>,
    task: Task,
    patience: Duration,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Outcome, ReindexError> {
    let guard = engine.guard();
    let mut asked: Option<Uuid> = None;
    let (mut last, mut moved, mut pause) = (None, Instant::now(), SHORTEST_POLL);
    loop {
        if let Some(held) = Held::take(&core.db, &guard, LEASE_TIME).await? {
            if let Some(id) = asked {
                // The program that the job was for is gone.
                store::take_back(&core.db, id).await?;
            }
            let done = at_once(core, engine, &held, task, &mut progress).await;
            engine.release().await;
            held.give_back(&core.db).await;
            return done.map_err(ReindexError::Failed);
        }
        if let Some(id) = asked {
            let state = store::state(&core.db, id).await?;
            let state = state.ok_or_else(|| ReindexError::Failed("somebody has taken it back".into()))?;
            if state.begun {
                progress(state.done, state.total);
            }
            let now = (state.begun, state.done, state.total);
            if last.replace(now) != Some(now) {
                moved = Instant::now();
            }
            match state.outcome {
                Some(Outcome::Failed(reason)) => return Err(ReindexError::Failed(reason)),
                Some(outcome) => return Ok(outcome),
                None => {}
            }
        } else if let Some(index) = index_of(&guard).map_err(GuardError::File)? {
            let id = core.new_id();
            store::ask(&core.db, id, &index, task, core.clock.now()).await?;
            core.heads.written();
            asked = Some(id);
        }
        if moved.elapsed() >= patience {
            if let Some(id) = asked {
                store::take_back(&core.db, id).await?;
            }
            return Err(ReindexError::Idle(patience));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_POLL);
    }
}
