//! What the whole program shares: the database, the clock, randomness, and the tasks that must end well.

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

/// Hours within which all who follow must have taken what was erased, where nothing else is set.
pub const ERASURE_HOURS: u32 = 24;

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
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
    /// Who calls.
    pub identity: Identity,
    /// Told when something was erased.
    pub erased: Arc<Notify>,
    /// Who was shown how a person can be reached, until it is written.
    pub contact_reads: ContactReads,
    /// Who writes and sends mails.
    pub mail: Mailer,
    /// Wakes those who wait for the log to grow.
    pub heads: Arc<Heads>,
    /// How far clients have followed the log, until it is written.
    pub acknowledgements: Acknowledgements,
    /// How much clients ask for, and follow at once.
    pub traffic: Traffic,
    /// Hours within which all who follow must have taken what was erased.
    pub erasure_hours: u32,
    /// The time between a request to erase a profile and its erasure.
    pub erasure_delay: Delay,
    /// Seconds after its first use in which a refresh token is accepted again.
    pub refresh_reuse: u32,
    /// For how long what is in the log is kept.
    pub retention: Retention,
    /// Whether whoever does not sign in may follow what everyone sees.
    pub feed_public: bool,
    /// The batches that systems push.
    pub pushes: Pushes,
    /// Writes that were begun; a stop waits for them.
    pub tasks: TaskTracker,
}

impl App {
    /// An app on this database and clock, without a search engine and mails, and to which nobody can sign in.
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

    /// The app with this search engine, and what lets its index follow the log: see [`Following::start`].
    #[must_use]
    pub fn with_search(mut self, engine: Arc<dyn Engine>) -> (Self, Following) {
        let (search, reached) = Search::new(Arc::clone(&engine));
        self.search = search;
        (self, Following { engine, reached })
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

    /// The time after its first use in which a refresh token is accepted again, in microseconds.
    pub fn refresh_reuse_micros(&self) -> i64 {
        i64::from(self.refresh_reuse) * 1_000_000
    }

    /// A new id for a record: ordered by time (UUID version 7, RFC 9562).
    pub fn new_id(&self) -> Uuid {
        id::new(self.clock.now())
    }
}

/// An index that does not follow the log yet.
#[derive(Debug)]
pub struct Following {
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
}

impl Following {
    /// Lets the index follow the log of this app until `stop` is cancelled.
    pub fn start(self, app: &App, stop: CancellationToken) {
        app.tasks.spawn(follow(app.clone(), self.engine, self.reached, stop));
    }
}
