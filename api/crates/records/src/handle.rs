//! The handle that everything below the services shares: the database, the clock, the log, and the tasks that must end well.

use std::sync::{Arc, PoisonError, RwLock};

use sea_orm::{ConnectionTrait, EntityTrait};
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::write::{Kinds, Written};
use crate::changes::acknowledged::Acknowledgements;
use crate::changes::heads::Heads;
use kernel::clock::Clock;
use kernel::encryption::EncryptionKey;
use kernel::error::DomainError;
use kernel::id;
use kernel::read::Database;

/// Reacts to records that were written, after the commit.
pub trait AfterCommit: Send + Sync {
    /// The records of one committed transaction of the write path.
    fn committed(&self, written: &[Written]);

    /// The account, which sees or may do other things than before.
    fn account_changed(&self, account: Uuid);
}

/// The shared parts of the program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Core {
    /// The database.
    pub db: Arc<Database>,
    /// The clock.
    pub clock: Clock,
    /// The registry of record types.
    pub kinds: Kinds,
    /// Wakes those who wait for the log to grow.
    pub heads: Arc<Heads>,
    /// Wakes the job that settles erasures.
    pub erased: Arc<Notify>,
    /// The positions of clients that wait to be written.
    pub acknowledgements: Acknowledgements,
    /// Writes that have begun. A stop waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the end of the program waits for `tasks` alone.
    pub closing: CancellationToken,
    instance: Arc<OnceCell<Uuid>>,
    keys: Option<Arc<EncryptionKey>>,
    listeners: Listeners,
}

/// The listeners, which cannot be printed for debugging.
#[derive(Clone, Default)]
struct Listeners(Arc<RwLock<Vec<Arc<dyn AfterCommit>>>>);

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listeners")
    }
}

impl Core {
    /// The shared parts on this database and clock, for these record types. Secrets cannot be encrypted yet.
    pub fn new(db: Arc<Database>, clock: Clock, kinds: Kinds) -> Self {
        Self {
            db,
            clock,
            kinds,
            heads: Arc::default(),
            erased: Arc::default(),
            acknowledgements: Acknowledgements::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            instance: Arc::default(),
            keys: None,
            listeners: Listeners::default(),
        }
    }

    /// The same, with the key that encrypts secrets in the database.
    #[must_use]
    pub fn with_key(mut self, key: EncryptionKey) -> Self {
        self.keys = Some(Arc::new(key));
        self
    }

    /// The key that encrypts secrets in the database, and makes the keyed hashes of what must not be kept.
    ///
    /// # Errors
    /// [`DomainError::Stored`] in a program without one.
    pub fn encryption(&self) -> Result<&EncryptionKey, DomainError> {
        self.keys.as_deref().ok_or_else(|| DomainError::Stored("this program has no encryption key".into()))
    }

    /// The id of the instance, which never changes: it is read once.
    ///
    /// # Errors
    /// [`DomainError::Database`], [`DomainError::Stored`] where its row is missing.
    pub async fn instance(&self, on: &impl ConnectionTrait) -> Result<Uuid, DomainError> {
        let read = async || {
            let row = entity::instance::Entity::find_by_id(1_i16).one(on).await?;
            let row = row.ok_or_else(|| DomainError::Stored("the row of the instance is missing".into()))?;
            Ok(row.instance_id)
        };
        self.instance.get_or_try_init(read).await.copied()
    }

    /// A new id for a record: ordered by time (UUID version 7, RFC 9562).
    pub fn new_id(&self) -> Uuid {
        id::new(self.clock.now())
    }

    /// Adds a listener to the commits of the write path.
    pub fn after_commit(&self, listener: Arc<dyn AfterCommit>) {
        self.listeners.0.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Tells everybody who waits or listens that these records were committed.
    pub(super) fn committed(&self, written: &[Written]) {
        self.heads.written();
        if written.iter().any(|record| record.erased_from.is_some()) {
            self.erased.notify_one();
        }
        for listener in self.listeners.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.committed(written);
        }
    }

    /// Tells the listeners that an account sees or may do other things than before.
    pub(super) fn account_changed(&self, account: Uuid) {
        for listener in self.listeners.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.account_changed(account);
        }
    }
}

impl AsRef<Self> for Core {
    fn as_ref(&self) -> &Self {
        self
    }
}
