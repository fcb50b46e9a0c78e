//! Who was shown how a person can be reached: noted for the person, after the answer.
//!
//! A resolver that answers an e-mail address or a phone number says so to the request's
//! [`Reader`](crate::record::reader::Reader). What a request was shown is queued here once it is answered, and written in
//! batches by a task that lives as long as there is something to write: the request waits for none of it and sends no
//! statement more. A stop waits for the task. What is queued when the process is killed is lost, and so is what comes
//! while [`MAX_WAITING`] wait; the latter is counted in the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::record::audit::ActorKind;
use crate::record::core::Core;
use crate::record::policy::Viewer;
use crate::record::reader::ShownContact;

pub mod graphql;
pub mod store;

/// For how many months it is kept who was shown how to reach somebody.
pub const KEPT_MONTHS: u32 = 12;
/// What waits to be written at most.
pub const MAX_WAITING: usize = 10_000;
/// What is written in one statement at most.
const BATCH: usize = 1000;
/// Attempts to write a batch.
const ATTEMPTS: u32 = 5;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(200);
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// Whom somebody was shown how to reach, and in which minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContactRead {
    /// The person.
    pub talent: Uuid,
    /// The account or key that read.
    pub by: Uuid,
    /// Whether it is a key.
    pub machine: bool,
    /// The minute: microseconds since 1970.
    pub minute: i64,
}

impl ContactRead {
    /// What kind of reader it was.
    pub const fn reader(&self) -> ActorKind {
        if self.machine { ActorKind::ApiKey } else { ActorKind::Account }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    reads: HashMap<ContactRead, ShownContact>,
    lost: u64,
    writing: bool,
}

/// What waits to be written. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ContactReads(Arc<Mutex<Waiting>>);

impl ContactReads {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what a viewer was shown; answers whether a task has to be started that writes it.
    fn queue(&self, viewer: &Viewer, shown: BTreeMap<Uuid, ShownContact>, now: i64) -> bool {
        let Some(by) = viewer.account else { return false };
        let mut waiting = self.waiting();
        for (talent, contact) in shown.into_iter().filter(|(talent, _)| viewer.is_noted_by(*talent)) {
            let minute = now.div_euclid(MINUTE) * MINUTE;
            let read = ContactRead { talent, by, machine: viewer.machine, minute };
            if waiting.reads.len() >= MAX_WAITING && !waiting.reads.contains_key(&read) {
                waiting.lost += 1;
                continue;
            }
            waiting.reads.entry(read).or_default().add(contact);
        }
        let starts = !waiting.writing && !waiting.reads.is_empty();
        waiting.writing |= starts;
        starts
    }

    /// Takes the next to be written; where there is nothing, the task that writes ends.
    fn take(&self) -> Vec<(ContactRead, ShownContact)> {
        let mut waiting = self.waiting();
        if waiting.lost > 0 {
            let lost = std::mem::take(&mut waiting.lost);
            tracing::error!(lost, "too many reads of contact data waited to be noted");
        }
        if waiting.reads.len() <= BATCH {
            let taken: Vec<_> = std::mem::take(&mut waiting.reads).into_iter().collect();
            waiting.writing = !taken.is_empty();
            return taken;
        }
        let some: Vec<ContactRead> = waiting.reads.keys().take(BATCH).copied().collect();
        some.into_iter().filter_map(|read| waiting.reads.remove_entry(&read)).collect()
    }
}

/// Notes for the people concerned what a viewer was shown in an answer. It is written later.
pub fn note(core: &Core, reads: &ContactReads, viewer: &Viewer, shown: BTreeMap<Uuid, ShownContact>) {
    if !shown.is_empty() && reads.queue(viewer, shown, core.clock.now().micros()) {
        let (own, reads) = (core.clone(), reads.clone());
        core.tasks.spawn(async move { write(&own, &reads).await });
    }
}

async fn write(core: &Core, reads: &ContactReads) {
    loop {
        let batch = reads.take();
        if batch.is_empty() {
            return;
        }
        for attempt in 1..=ATTEMPTS {
            match store::insert(core, &batch).await {
                Ok(()) => break,
                Err(error) if attempt == ATTEMPTS => {
                    tracing::error!(%error, lost = batch.len(), "reads of contact data could not be noted");
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer() -> Viewer {
        Viewer { signed_in: true, account: Some(Uuid::from_u128(1)), ..Viewer::default() }
    }

    fn shown(talents: std::ops::Range<u128>) -> BTreeMap<Uuid, ShownContact> {
        talents.map(|n| (Uuid::from_u128(n), ShownContact { email: true, phone: false })).collect()
    }

    #[test]
    fn what_waits_is_bounded_and_written_in_batches_by_one_task() {
        let reads = ContactReads::default();
        assert!(reads.queue(&viewer(), shown(0..6000), 0), "the first starts a task");
        assert!(!reads.queue(&viewer(), shown(0..20_000), 0), "the others leave it to that");
        let mut sizes = Vec::new();
        loop {
            let taken = reads.take();
            if taken.is_empty() {
                break;
            }
            sizes.push(taken.len());
        }
        assert_eq!(sizes, [BATCH; 10], "the same minute counts once");
        assert!(reads.queue(&viewer(), shown(0..1), 0), "a task that has ended is started again");
    }

    #[test]
    fn nobody_and_the_person_are_not_noted() {
        let reads = ContactReads::default();
        assert!(!reads.queue(&Viewer::anonymous(), shown(0..2), 0));
        let own = Viewer { owns: [Uuid::from_u128(0)].into(), ..viewer() };
        assert!(reads.queue(&own, shown(0..2), MINUTE + 1));
        let taken = reads.take();
        assert_eq!((taken.len(), taken[0].0.talent, taken[0].0.minute), (1, Uuid::from_u128(1), MINUTE));
    }
}
