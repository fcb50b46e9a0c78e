//! Which batches this program is writing, and how many a client has sent lately.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::record::value::DateTime;
use crate::throttle::Throttle;

/// Batches of a client in a minute, where nothing else is set.
pub const BATCHES_PER_MINUTE: u32 = 600;
/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// What this program knows of the batches that it is writing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pushes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: Mutex<Running>,
    throttle: Option<Throttle>,
}

#[derive(Debug, Default)]
struct Running {
    /// By the hash of its key, what tells when a batch has ended.
    keys: HashMap<Vec<u8>, watch::Receiver<()>>,
    sources: HashSet<String>,
}

impl Default for Pushes {
    fn default() -> Self {
        Self::new(Some(BATCHES_PER_MINUTE))
    }
}

/// Whether a batch may begin.
#[derive(Debug)]
pub(super) enum Begun {
    /// It may, for as long as this is kept.
    Now(Ticket),
    /// The same request is running: this ends when it does.
    SameKey(watch::Receiver<()>),
    /// Another batch of the source is running.
    SameSource,
}

/// The place of a batch that is running.
#[derive(Debug)]
pub(super) struct Ticket {
    pushes: Pushes,
    key: Option<Vec<u8>>,
    source: String,
    /// Whoever waits for the end is told by its going.
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
    /// With so many batches of a client in a minute, or any number.
    pub fn new(batches_per_minute: Option<u32>) -> Self {
        let throttle = batches_per_minute.map(|count| Throttle::per(count, MINUTE));
        Self(Arc::new(Inner { running: Mutex::default(), throttle }))
    }

    /// Counts a batch of a client.
    ///
    /// # Errors
    /// Where there were too many: milliseconds until the next.
    pub(super) fn count(&self, client: Uuid, now: DateTime) -> Result<(), i64> {
        self.0.throttle.as_ref().map_or(Ok(()), |throttle| throttle.take(client.as_bytes(), now))
    }

    /// Begins a batch of a source, with a key where it has one.
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
        assert!(ends.changed().await.is_err(), "the end is told");
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
