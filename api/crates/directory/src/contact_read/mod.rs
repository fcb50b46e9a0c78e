//! Who was shown how a person can be reached: noted for the person, after the answer.
//!
//! A resolver that answers an e-mail address or a phone number says so to the request's
//! [`Reader`](kernel::reader::Reader). What a request was shown is queued here once it is answered, and written in
//! batches ([`Backlog`]): the request waits for none of it and sends no statement more. What is queued when the process is
//! killed is lost, and so is what comes while too many wait; the latter is counted in the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use uuid::Uuid;

use kernel::policy::Viewer;
use kernel::reader::ShownContact;
use records::audit::ActorKind;
use records::handle::Core;
use records::worker::backlog::Backlog;

pub mod graphql;
pub mod store;

/// For how many months it is kept who was shown how to reach somebody.
pub const KEPT_MONTHS: u32 = 12;
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
    /// The kind of reader.
    pub const fn reader(&self) -> ActorKind {
        if self.machine { ActorKind::ApiKey } else { ActorKind::Account }
    }
}

/// The entries that wait to be written. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ContactReads(Arc<Backlog<ContactRead, ShownContact>>);

impl ContactReads {
    /// Queues what a viewer was shown; answers whether a task has to be started that writes it.
    fn queue(&self, viewer: &Viewer, shown: BTreeMap<Uuid, ShownContact>, now: i64) -> bool {
        let Some(by) = viewer.account else { return false };
        for (talent, contact) in shown.into_iter().filter(|(talent, _)| viewer.is_noted_by(*talent)) {
            let minute = now.div_euclid(MINUTE) * MINUTE;
            let read = ContactRead { talent, by, machine: viewer.machine, minute };
            self.0.add(read, |before| {
                let mut all = before.copied().unwrap_or_default();
                all.add(contact);
                Some(all)
            });
        }
        self.0.begins()
    }
}

/// Notes for the people concerned what a viewer was shown in an answer. It is written later.
pub fn note(core: &Core, reads: &ContactReads, viewer: &Viewer, shown: BTreeMap<Uuid, ShownContact>) {
    if !shown.is_empty() && reads.queue(viewer, shown, core.clock.now().micros()) {
        let (own, reads) = (core.clone(), reads.clone());
        core.tasks.spawn(async move {
            let what = "reads of contact data";
            reads
                .0
                .write_all(&own, what, Duration::ZERO, |core, batch| store::insert(core, batch).boxed())
                .await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::worker::backlog::BATCH;

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
            let (taken, _) = reads.0.take();
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
        let (taken, _) = reads.0.take();
        assert_eq!((taken.len(), taken[0].0.talent, taken[0].0.minute), (1, Uuid::from_u128(1), MINUTE));
    }
}
