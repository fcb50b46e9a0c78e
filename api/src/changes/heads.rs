//! Wakes whoever waits for the log to grow: one task asks for its end, for all of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Head, head};
use crate::record::read::Database;

/// How often the end of the log is asked for while somebody waits. What this program writes wakes them at once.
const EVERY: Duration = Duration::from_millis(250);

/// The end of the log, as far as somebody waits for it.
#[derive(Debug, Default)]
pub struct Heads {
    asking: Mutex<Option<watch::Sender<Option<Head>>>>,
    written: Notify,
}

impl Heads {
    /// The end of the log from now on: nothing until it was asked for.
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

    /// Says that this program has written to the log.
    pub fn written(&self) {
        self.written.notify_one();
    }

    /// Tells those who wait where the end is; false where nobody waits any more, and the next who does begins anew.
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

/// Asks for the end of the log as long as somebody waits.
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
