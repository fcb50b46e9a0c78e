//! Has an index rebuilt or checked: by the program that keeps it, or in its place where none does.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::engine::Engine;
use super::follower::at_once;
use super::guard::{GuardError, Held, LEASE_TIME, index_of};
use super::store::{self, Outcome, Task};
use crate::app::App;
use crate::record::error::DomainError;

/// How often the other program is asked how far it is.
const POLL: Duration = Duration::from_millis(500);

/// Why it could not be had done.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// The right to write to the index cannot be asked for.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The database failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// It was begun and failed; the text is for the operator.
    #[error("{0}")]
    Failed(String),
}

/// Has it done, and answers what came of it. `progress` is told how many records are done, of how many.
///
/// # Errors
/// [`ReindexError`].
pub async fn reindex(
    app: &App,
    engine: &Arc<dyn Engine>,
    task: Task,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Outcome, ReindexError> {
    let guard = engine.guard();
    let mut asked: Option<Uuid> = None;
    loop {
        if let Some(held) = Held::take(&app.db, &guard, LEASE_TIME).await? {
            if let Some(id) = asked {
                // Who was asked has gone.
                store::take_back(&app.db, id).await?;
            }
            let done = at_once(app, engine, &held, task, &mut progress).await;
            held.give_back(&app.db).await;
            return done.map_err(ReindexError::Failed);
        }
        if let Some(id) = asked {
            let state = store::state(&app.db, id).await?;
            let state = state.ok_or_else(|| ReindexError::Failed("somebody has taken it back".into()))?;
            if state.begun {
                progress(state.done, state.total);
            }
            match state.outcome {
                Some(Outcome::Failed(reason)) => return Err(ReindexError::Failed(reason)),
                Some(outcome) => return Ok(outcome),
                None => {}
            }
        } else if let Some(index) = index_of(&guard).map_err(GuardError::File)? {
            let id = app.new_id();
            store::ask(&app.db, id, &index, task, app.clock.now()).await?;
            asked = Some(id);
        }
        tokio::time::sleep(POLL).await;
    }
}
