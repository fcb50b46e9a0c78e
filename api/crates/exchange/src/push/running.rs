//! The batches that this process is writing, and the rate limit of batches per client.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use kernel::throttle::Throttle;
use kernel::value::DateTime;

/// The default rate limit: batches of a client per minute.
pub const BATCHES_PER_MINUTE: u32 = 600;
/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// The running batches of this process, and the rate limit. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pushes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: Mutex<Running>,
    throttle: Option<Throttle>,
}

#[derive(Debug, Default)]
struct Running {
    /// By the hash of the idempotency key: a receiver that is closed when the batch ends.
    keys: HashMap<Vec<u8>, watch::Receiver<()>>,
    sources: HashSet<String>,
}

impl Default for Pushes {
    fn default() -> Self {
        Self::new(Some(BATCHES_PER_MINUTE))
    }
}

/// The answer to whether a batch may begin.
#[derive(Debug)]
pub(super) enum Begun {
    /// The batch may begin. It holds its place until the ticket is dropped.
    Now(Ticket),
    /// The same request is running. The receiver is closed when it ends.
    SameKey(watch::Receiver<()>),
    /// Another batch of the source is running.
    SameSource,
}

/// The place of a running batch, released on drop.
#[derive(Debug)]
pub(super) struct Ticket {
    pushes: Pushes,
    key: Option<Vec<u8>>,
    source: String,
    /// Dropping the sender closes the receivers of those that wait for the end.
    _ended: watch::Sender<()>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut running = self.pushes.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.sources.remove(&self.source);
        if let Some(key) = &self.key {
            running.keys.remove(key);
        }
    }
}

impl Pushes {
    /// A registry with a rate limit of batches per client and minute; `None` for no limit.
    pub fn new(batches_per_minute: Option<u32>) -> Self {
        let throttle = batches_per_minute.map(|count| Throttle::per(count, MINUTE));
        Self(Arc::new(Inner { running: Mutex::default(), throttle }))
    }

    /// Charges a batch to the rate limit of a client.
    ///
    /// # Errors
    /// The time in milliseconds until the next batch is allowed, if the rate limit is exceeded.
    pub(super) fn count(&self, client: Uuid, now: DateTime) -> Result<(), i64> {
        self.0.throttle.as_ref().map_or(Ok(()), |throttle| throttle.take(client.as_bytes(), now))
    }

    /// Begins a batch of a source, with the hash of its idempotency key if it has one.
    pub(super) fn begin(&self, source: &str, key: Option<&[u8]>) -> Begun {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ends) = key.and_then(|key| running.keys.get(key)) {
            return Begun::SameKey(ends.clone());
        }
        if !running.sources.insert(source.to_owned()) {
            return Begun::SameSource;
        }
        let (ended, ends) = watch::channel(());
        let key = key.map(<[u8]>::to_vec);
        running.keys.extend(key.clone().map(|key| (key, ends)));
        Begun::Now(Ticket { pushes: self.clone(), key, source: source.to_owned(), _ended: ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_source_has_one_batch_and_a_key_is_waited_for() {
        let pushes = Pushes::new(None);
        let Begun::Now(first) = pushes.begin("a", Some(b"k")) else { panic!("nothing runs yet") };
        let Begun::SameKey(mut ends) = pushes.begin("a", Some(b"k")) else { panic!("its key runs") };
        assert!(matches!(pushes.begin("a", Some(b"l")), Begun::SameSource));
        assert!(matches!(pushes.begin("a", None), Begun::SameSource));
        assert!(matches!(pushes.begin("b", None), Begun::Now(_)));
        drop(first);
        assert!(ends.changed().await.is_err(), "the receiver is closed");
        assert!(matches!(pushes.begin("a", Some(b"k")), Begun::Now(_)));
    }

    #[test]
    fn batches_are_counted_by_client() {
        let (pushes, now) = (Pushes::new(Some(2)), DateTime::from_micros(1_000_000_000_000));
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!((pushes.count(one, now), pushes.count(one, now)), (Ok(()), Ok(())));
        assert_eq!((pushes.count(one, now), pushes.count(other, now)), (Err(30_000), Ok(())));
    }
}
