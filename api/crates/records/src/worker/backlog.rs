//! Rows that requests leave to be written after their response: bounded, and written in batches by one task.
//!
//! The task lives as long as there is something to write, and a stop of the program waits for it. What waits when the process
//! is killed is lost.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::sleep;

use crate::handle::Core;

/// Entries that wait at most.
pub const MAX_WAITING: usize = 10_000;
/// Entries that are written in one batch at most.
pub const BATCH: usize = 1000;
/// Attempts to write a batch.
const ATTEMPTS: u32 = 5;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(200);

/// Entries that wait to be written, one for each key.
#[derive(Debug)]
pub struct Backlog<K, V>(Mutex<Waiting<K, V>>);

#[derive(Debug)]
struct Waiting<K, V> {
    entries: HashMap<K, V>,
    /// Number of rows that found no room.
    lost: u64,
    /// Whether a task writes them.
    writing: bool,
}

impl<K, V> Default for Backlog<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { entries: HashMap::new(), lost: 0, writing: false }))
    }
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static, V: Send + Sync + 'static> Backlog<K, V> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry: `merge` makes it from the one that waits under the same key, and may answer that there is nothing to add.
    pub fn add(&self, key: K, merge: impl FnOnce(Option<&V>) -> Option<V>) {
        let mut waiting = self.waiting();
        let before = waiting.entries.get(&key);
        let (is_new, Some(entry)) = (before.is_none(), merge(before)) else { return };
        if is_new && waiting.entries.len() >= MAX_WAITING {
            waiting.lost += 1;
        } else {
            waiting.entries.insert(key, entry);
        }
    }

    /// Whether a task has to be started that calls [`Backlog::write_all`]. The caller must start it.
    pub fn begins(&self) -> bool {
        let mut waiting = self.waiting();
        let begins = !waiting.writing && !waiting.entries.is_empty();
        waiting.writing |= begins;
        begins
    }

    /// The next batch, and how many entries found no room since the last one. After an empty batch the task must end.
    pub fn take(&self) -> (Vec<(K, V)>, u64) {
        let mut waiting = self.waiting();
        let lost = std::mem::take(&mut waiting.lost);
        let taken: Vec<_> = if waiting.entries.len() <= BATCH {
            waiting.entries.drain().collect()
        } else {
            let some: Vec<K> = waiting.entries.keys().take(BATCH).cloned().collect();
            some.into_iter().filter_map(|key| waiting.entries.remove_entry(&key)).collect()
        };
        waiting.writing = !taken.is_empty();
        (taken, lost)
    }

    /// Writes all that waits, with a rest after each batch that the end of the program cuts short. `what` names the entries in
    /// the log where they are lost.
    pub async fn write_all<E: Display + Send>(
        &self,
        core: &Core,
        what: &str,
        rest: Duration,
        write: impl for<'a> Fn(&'a Core, &'a [(K, V)]) -> BoxFuture<'a, Result<(), E>> + Send + Sync,
    ) {
        loop {
            let (batch, lost) = self.take();
            if lost > 0 {
                tracing::error!(lost, "too many {what} waited to be noted");
            }
            if batch.is_empty() {
                return;
            }
            for attempt in 1..=ATTEMPTS {
                match write(core, &batch).await {
                    Ok(()) => break,
                    Err(error) if attempt == ATTEMPTS => {
                        tracing::error!(%error, lost = batch.len(), "{what} could not be noted");
                    }
                    Err(_) => sleep(PAUSE).await,
                }
            }
            tokio::select! {
                () = sleep(rest) => {}
                () = core.closing.cancelled() => {}
            }
        }
    }
}
