//! The shared parts of the program: the database, the clock, the services, and the tasks that a stop waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::{ConnectionTrait, EntityTrait};
use tokio::sync::{Notify, OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::changes::acknowledged::Acknowledgements;
use crate::changes::heads::Heads;
use crate::changes::retention::Retention;
use crate::directory::KINDS;
use crate::directory::contact_read::ContactReads;
use crate::directory::talent::erasing::Delay;
use crate::identity::Identity;
use crate::identity::session::REUSE_SECONDS;
use crate::mail::Mailer;
use crate::push::Pushes;
use crate::record::error::DomainError;
use crate::record::id;
use crate::record::read::Database;
use crate::record::value::DateTime;
use crate::record::write::Kinds;
use crate::search::engine::{Engine, Position};
use crate::search::follower::follow;
use crate::search::service::Search;
use crate::traffic::Traffic;

/// Default for the hours within which all followers of the feed must have applied an erasure.
pub const ERASURE_HOURS: u32 = 24;

/// The source of the time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system clock.
    #[default]
    System,
    /// A clock that a test sets, in microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The time now.
    pub fn now(&self) -> DateTime {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
            Self::System => chrono::Utc::now().into(),
            Self::Set(micros) => DateTime::from_micros(micros.load(Ordering::Relaxed)),
        }
    }
}

/// The program's shared parts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub db: Arc<Database>,
    /// The clock.
    pub clock: Clock,
    /// The record types.
    pub kinds: Kinds,
    instance: Arc<OnceCell<Uuid>>,
    /// The search.
    pub search: Search,
    /// The identification of callers.
    pub identity: Identity,
    /// Notified when something was erased.
    pub erased: Arc<Notify>,
    /// Reads of contact data that are not written yet.
    pub contact_reads: ContactReads,
    /// The mailer.
    pub mail: Mailer,
    /// Wakes those who wait for new entries of the change log.
    pub heads: Arc<Heads>,
    /// Positions of clients in the change log that are not written yet.
    pub acknowledgements: Acknowledgements,
    /// The rate and concurrency limits of clients.
    pub traffic: Traffic,
    /// Hours within which all followers of the feed must have applied an erasure.
    pub erasure_hours: u32,
    /// The time between a request to erase a profile and its erasure.
    pub erasure_delay: Delay,
    /// Seconds after its first use in which a refresh token is accepted again.
    pub refresh_reuse: u32,
    /// The retention of the change log.
    pub retention: Retention,
    /// Whether anonymous clients may follow the public feed.
    pub feed_public: bool,
    /// The batches that systems push.
    pub pushes: Pushes,
    /// Writes in progress, for which a stop waits.
    pub tasks: TaskTracker,
}

impl App {
    /// An app on this database and clock, without a search engine, mails and signing in.
    pub fn new(db: Arc<Database>, clock: Clock) -> Self {
        Self {
            db,
            clock,
            kinds: KINDS,
            instance: Arc::default(),
            search: Search::default(),
            identity: Identity::default(),
            erased: Arc::default(),
            contact_reads: ContactReads::default(),
            mail: Mailer::default(),
            heads: Arc::default(),
            acknowledgements: Acknowledgements::default(),
            traffic: Traffic::default(),
            erasure_hours: ERASURE_HOURS,
            erasure_delay: Delay::default(),
            refresh_reuse: REUSE_SECONDS,
            retention: Retention::default(),
            feed_public: true,
            pushes: Pushes::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The app with this search engine, and the handle with which its index follows the log: see
    /// [`Following::start`].
    #[must_use]
    pub fn with_search(mut self, engine: Arc<dyn Engine>) -> (Self, Following) {
        let (search, reached) = Search::new(Arc::clone(&engine));
        self.search = search;
        (self, Following { engine, reached })
    }

    /// The id of the instance. It never changes, and is read only once.
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

    /// The time after its first use in which a refresh token is accepted again, in microseconds.
    pub fn refresh_reuse_micros(&self) -> i64 {
        i64::from(self.refresh_reuse) * 1_000_000
    }

    /// A new id for a record: ordered by time (UUID version 7, RFC 9562).
    pub fn new_id(&self) -> Uuid {
        id::new(self.clock.now())
    }
}

/// A search index that does not follow the change log yet.
#[derive(Debug)]
pub struct Following {
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
}

impl Following {
    /// Starts the task with which the index follows the log of this app, until `stop` is cancelled.
    pub fn start(self, app: &App, stop: CancellationToken) {
        app.tasks.spawn(follow(app.clone(), self.engine, self.reached, stop));
    }
}
