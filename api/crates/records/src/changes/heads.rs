//! The end of the log for everything that waits for the log to grow: one task reads it for all waiters.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::Head;
use kernel::clock::Clock;
use kernel::error::DomainError;
use kernel::read::Database;

/// The least time between two looks.
const GAP: Duration = Duration::from_millis(10);
/// The pause between two looks. Commits of this program end it.
const EVERY: Duration = Duration::from_secs(1);

/// The end of the log and the numbers of all sights, for whoever waits for them.
#[derive(Debug)]
pub struct Heads {
    every: Duration,
    state: Mutex<State>,
    written: Notify,
}

impl Default for Heads {
    fn default() -> Self {
        Self::every(EVERY)
    }
}

#[derive(Debug, Default)]
struct State {
    /// The channels of the task that looks; nothing while nobody waits.
    looking: Option<Looking>,
    queries: Vec<Query>,
    /// The number of the next query.
    next: u64,
}

#[derive(Debug)]
struct Looking {
    /// Changes with the end of the log.
    head: watch::Sender<Option<Head>>,
    /// Changes with each look.
    looks: watch::Sender<Look>,
}

/// The query of a sight.
#[derive(Clone, Debug)]
struct Query {
    number: u64,
    sql: Arc<str>,
}

/// The numbers that a look has found, by the numbers of their queries.
type Look = Arc<[(u64, Option<i64>)]>;

impl Heads {
    /// Looks with this pause in between; a program at rest sends one statement in each.
    pub fn every(every: Duration) -> Self {
        Self { every, state: Mutex::default(), written: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the log from now on: nothing until the first look.
    pub fn watch(self: &Arc<Self>, db: &Arc<Database>) -> watch::Receiver<Option<Head>> {
        self.look_on(&mut self.state(), db).head.subscribe()
    }

    /// How many wait for the end of the log.
    pub fn waiting(&self) -> usize {
        self.state().looking.as_ref().map_or(0, |looking| looking.head.receiver_count())
    }

    /// Adds a query to each look. It must answer one number, or NULL, and be answered by an index: it is run each second.
    pub fn sight(self: &Arc<Self>, db: &Arc<Database>, sql: &str) -> Sight {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.queries.push(Query { number, sql: sql.into() });
        let looks = self.look_on(&mut state, db).looks.subscribe();
        // The first look with this query comes at once.
        self.written.notify_one();
        Sight { heads: Arc::clone(self), number, looks }
    }

    /// The task that looks, started where there is none.
    fn look_on<'s>(self: &Arc<Self>, state: &'s mut State, db: &Arc<Database>) -> &'s Looking {
        state.looking.get_or_insert_with(|| {
            tokio::spawn(look_on(Arc::clone(self), Arc::clone(db)));
            Looking { head: watch::Sender::default(), looks: watch::Sender::default() }
        })
    }

    /// Says that this program has committed something: a look follows at once.
    pub fn written(&self) {
        self.written.notify_one();
    }

    /// One look.
    async fn look(&self, db: &Database) -> Result<(Head, Look), DomainError> {
        let queries = self.state().queries.clone();
        let mut sql = "SELECT f.feed_id, f.head".to_owned();
        for query in &queries {
            // Writing into a text cannot fail.
            let _ = write!(sql, ", CAST(({}) AS BIGINT)", query.sql);
        }
        sql += " FROM feed_meta AS f WHERE f.id = 1";
        let asked = db.reader().query_one_raw(Statement::from_string(db.dialect().backend(), sql)).await;
        let row = asked.inspect_err(|error| db.note(error))?;
        let row = row.ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
        let head = Head { feed_id: row.try_get_by_index(0)?, seq: row.try_get_by_index(1)? };
        let numbers = queries.iter().enumerate();
        let numbers = numbers.map(|(at, query)| Ok((query.number, row.try_get_by_index(at + 2)?)));
        Ok((head, numbers.collect::<Result<_, DomainError>>()?))
    }

    /// Tells those who wait what a look has found; false where nobody waits, and the task has to end.
    fn tell(&self, found: Option<(Head, Look)>) -> bool {
        let mut state = self.state();
        let waiting = |looking: &&Looking| looking.head.receiver_count() + looking.looks.receiver_count() > 0;
        let Some(looking) = state.looking.as_ref().filter(waiting) else {
            state.looking = None;
            return false;
        };
        if let Some((head, look)) = found {
            looking.head.send_if_modified(|known| known.replace(head) != Some(head));
            looking.looks.send_replace(look);
        }
        true
    }
}

/// Looks as long as somebody waits.
async fn look_on(heads: Arc<Heads>, db: Arc<Database>) {
    loop {
        let found = heads.look(&db).await;
        if let Err(error) = &found {
            tracing::debug!(%error, "the end of the log cannot be read; asking again");
        }
        if !heads.tell(found.ok()) {
            return;
        }
        // Writes in quick succession share a look.
        sleep(GAP.min(heads.every)).await;
        tokio::select! {
            () = sleep(heads.every) => {}
            () = heads.written.notified() => {}
        }
    }
}

/// A query that is run with each look, as long as this is kept.
#[derive(Debug)]
pub struct Sight {
    heads: Arc<Heads>,
    number: u64,
    looks: watch::Receiver<Look>,
}

impl Sight {
    /// Waits for the next look in which the number is a time, in microseconds since 1970, that has come.
    pub async fn due(&mut self, clock: &Clock) {
        self.seen(|at| at.is_some_and(|at| at <= clock.now().micros())).await;
    }

    /// Waits for the next look in which the number, nothing where it is NULL, is as it is waited for.
    pub async fn seen(&mut self, is_so: impl Fn(Option<i64>) -> bool) {
        loop {
            if self.looks.changed().await.is_err() {
                // No task looks any more, which it does as long as this sight is there.
                return std::future::pending().await;
            }
            let look = Arc::clone(&self.looks.borrow_and_update());
            let found = look.iter().find(|(number, _)| *number == self.number);
            if found.is_some_and(|(_, value)| is_so(*value)) {
                return;
            }
        }
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.heads.state().queries.retain(|query| query.number != self.number);
    }
}
