//! The end of the log for everything that waits for the log to grow: one task reads it for all waiters.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Head, head};
use crate::record::read::Database;

/// The interval at which the end of the log is read while there are waiters. Writes of this process wake them at once.
const EVERY: Duration = Duration::from_millis(250);

/// The shared watch on the end of the log.
#[derive(Debug, Default)]
pub struct Heads {
    asking: Mutex<Option<watch::Sender<Option<Head>>>>,
    written: Notify,
}

impl Heads {
    /// Subscribes to the end of the log. The value is `None` until it was first read.
    pub fn watch(self: &Arc<Self>, db: &Arc<Database>) -> watch::Receiver<Option<Head>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*asking {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(None);
        *asking = Some(sender);
        tokio::spawn(ask(Arc::clone(self), Arc::clone(db)));
        receiver
    }

    /// Reports that this process has written to the log.
    pub fn written(&self) {
        self.written.notify_one();
    }

    /// Sends the end of the log to the waiters. Returns false if there are none; the next waiter then starts a new
    /// task.
    fn tell(&self, head: Option<Head>) -> bool {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = asking.as_ref().filter(|sender| sender.receiver_count() > 0) else {
            *asking = None;
            return false;
        };
        if let Some(head) = head {
            sender.send_if_modified(|known| known.replace(head) != Some(head));
        }
        true
    }
}

/// Reads the end of the log repeatedly while there are waiters.
async fn ask(heads: Arc<Heads>, db: Arc<Database>) {
    loop {
        let head = match head(&db).await {
            Ok(head) => Some(head),
            Err(error) => {
                tracing::debug!(%error, "the end of the log cannot be read; asking again");
                None
            }
        };
        if !heads.tell(head) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = heads.written.notified() => {}
        }
    }
}
