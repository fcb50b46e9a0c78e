//! The services of a running program, and what each request is given of them.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use async_graphql::Request;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use directory::KINDS;
use directory::contact_read::ContactReads;
use directory::talent::erasing::Delay;
use exchange::push::Pushes;
use exchange::sync::SyncSettings;
use identity::Identity;
use index::engine::{Engine, Position};
use kernel::clock::Clock;
use kernel::read::Database;
use records::changes::retention::Retention;
use records::handle::Core;
use search::follower;
use search::service::Search;

/// The services of the program. Cheap to clone.
///
/// It dereferences to [`Identity`], and so to [`Core`]: layers below take what they know.
#[derive(Clone, Debug)]
pub struct App {
    /// Accounts, sessions and roles, and the shared parts of the program.
    pub identity: Identity,
    /// The search.
    pub search: Search,
    /// The log of who was shown contact data, until it is written.
    pub contact_reads: ContactReads,
    /// The settings for those who follow the log.
    pub sync: SyncSettings,
    /// The time between a request to erase a profile and its erasure.
    pub erasure_delay: Delay,
    /// The retention of the change log.
    pub retention: Retention,
    /// The batches that systems push.
    pub pushes: Pushes,
}

impl Deref for App {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl DerefMut for App {
    fn deref_mut(&mut self) -> &mut Identity {
        &mut self.identity
    }
}

impl AsRef<Core> for App {
    fn as_ref(&self) -> &Core {
        self
    }
}

impl App {
    /// The services on this database and clock, without a search engine and mails. Nobody can sign in.
    pub fn new(db: Arc<Database>, clock: Clock) -> Self {
        Self::of(Identity::new(Core::new(db, clock, KINDS)))
    }

    /// The services beside this identity, with the defaults of the settings.
    pub fn of(identity: Identity) -> Self {
        Self {
            identity,
            search: Search::default(),
            contact_reads: ContactReads::default(),
            sync: SyncSettings::default(),
            erasure_delay: Delay::default(),
            retention: Retention::default(),
            pushes: Pushes::default(),
        }
    }

    /// The same with this search engine, and what lets its index follow the log: see [`Index::start`].
    #[must_use]
    pub fn with_search(mut self, engine: Arc<dyn Engine>) -> (Self, Index) {
        let (search, reached) = Search::new(Arc::clone(&engine));
        self.search = search;
        (self, Index { engine, reached })
    }

    /// Gives the services to the resolvers of a request.
    pub fn given_to(&self, request: Request) -> Request {
        request
            .data(self.core.clone())
            .data(self.identity.clone())
            .data(self.search.clone())
            .data(self.sync)
            .data(self.erasure_delay)
            .data(self.pushes.clone())
    }
}

/// A search index that does not follow the change log yet.
#[derive(Debug)]
pub struct Index {
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
}

impl Index {
    /// Lets the index follow the log until `stop` is cancelled.
    pub fn start(self, core: &Core, stop: CancellationToken) {
        follower::start(core, self.engine, self.reached, stop);
    }
}
