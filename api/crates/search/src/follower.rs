//! Keeps the index in step with the change log.
//!
//! One program does it at a time, see [`super::guard`]. The index stores its position in the log with its documents,
//! from which a follower that was killed goes on. Documents are always made from the present records, so that
//! following a change twice has no effect.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::found;
use super::guard::{GuardError, Held, LEASE_TIME};
use super::store::{self, DeadLetter, Job, Outcome, Task};
use index::document::Document;
use index::engine::{Batch, Engine, EngineError, Guard, Position, Target};
use index::kind::{Audience, SearchType};
use kernel::all_of;
use kernel::error::DomainError;
use kernel::reader::Reader;
use kernel::value::LanguagePreferences;
use records::changes::lease::is_held;
use records::changes::{self, Head, Operation, retention};
use records::handle::Core;
use records::worker::{self, Worker};

/// The time after a commit of the index in which changes wait for the next one: a burst of writes takes few commits.
const REST: Duration = Duration::from_millis(200);
/// How often a program that waits for its turn looks how far the index is: searches wait for that where something was
/// withdrawn.
const WAIT: Duration = Duration::from_millis(500);
/// Interval at which a follower reads the position of the index: an engine can lose its index.
const INSPECT: Duration = Duration::from_secs(10);
/// Interval at which the index is compared with the database without a job.
const CHECK: Duration = Duration::from_hours(24);
/// Interval at which the progress of a job is written.
const REPORT: Duration = Duration::from_millis(500);
/// Entries of the log in one step.
const ENTRIES: u32 = 1000;
/// The code of a record that cannot be read.
const UNREADABLE: &str = "UNREADABLE";

/// An error after which the follower tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error("another program writes to the index now")]
    Lost,
}

/// Follows the log until `stop` is cancelled. After a failure of the engine or the database it tries again.
pub fn start(
    core: &Core,
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
    stop: CancellationToken,
) {
    let worker = Worker {
        // A run ends where something fails, and with the program.
        every: Some(Duration::ZERO),
        ..Worker::new("search", "the search index cannot be kept in step; trying again")
    };
    worker.start(core, stop, Keeping { engine, reached, held: None });
}

/// The job that follows the log. To stop in the middle loses nothing: the index goes on from the place in the log that it
/// holds itself.
struct Keeping {
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
    held: Option<Held>,
}

impl worker::Job for Keeping {
    type Error = FollowError;

    async fn run(&mut self, core: &Core) -> Result<(), FollowError> {
        let held = hold(core, &*self.engine, &self.reached).await?;
        let held = self.held.insert(held);
        let follower = Follower::new(core, &self.engine, &held.index, &self.reached);
        tokio::select! {
            () = held.keep(&core.db) => Err(FollowError::Lost),
            ended = follower.run() => ended.map(|never| match never {}),
        }
    }

    async fn let_go(&mut self, core: &Core) {
        if let Some(held) = self.held.take() {
            self.engine.release().await;
            held.give_back(&core.db).await;
        }
    }
}

/// Waits for the right to write. Meanwhile another program follows, and this one publishes the index's position.
async fn hold(
    core: &Core,
    engine: &dyn Engine,
    reached: &watch::Sender<Option<Position>>,
) -> Result<Held, FollowError> {
    let guard = engine.guard();
    let mut lease = match &guard {
        Guard::File(_) => None,
        Guard::Lease(name) => Some(core.heads.sight(&core.db, &is_held(core.db.dialect(), name))),
    };
    loop {
        if let Some(held) = Held::take(&core.db, &guard, LEASE_TIME).await? {
            return Ok(held);
        }
        loop {
            let _ = reached.send_replace(engine.position().await?);
            let waited = tokio::time::timeout(WAIT, async {
                match &mut lease {
                    Some(lease) => lease.seen(|held| held != Some(1)).await,
                    None => std::future::pending().await,
                }
            });
            if waited.await.is_ok() || lease.is_none() {
                break;
            }
        }
    }
}

/// Runs a task at once, instead of a follower. `progress` is called with the number of records done and the total.
///
/// # Errors
/// A message for the operator.
pub async fn at_once(
    core: &Core,
    engine: &Arc<dyn Engine>,
    held: &Held,
    task: Task,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Outcome, String> {
    let (reached, _) = watch::channel(None);
    let follower = Follower::new(core, engine, &held.index, &reached);
    let done = tokio::select! {
        () = held.keep(&core.db) => Err(FollowError::Lost),
        done = follower.at_once(task, progress) => done,
    };
    done.map_err(|trouble| trouble.to_string())
}

/// Waits for the end of the log to be elsewhere than a place in it.
async fn moved(head: &mut watch::Receiver<Option<Head>>, at: Position) {
    let is_beyond = |head: Head| head.feed_id != at.feed_id || head.seq > at.seq;
    if head.borrow_and_update().is_some_and(is_beyond) {
        return;
    }
    loop {
        if head.changed().await.is_err() {
            return std::future::pending().await;
        }
        // One that is before it counts as well, where it is news: the database was put back.
        if head.borrow_and_update().is_some_and(|head| is_beyond(head) || head.seq < at.seq) {
            return;
        }
    }
}

/// Ticks after each period, from the end of what the last tick was for.
fn after_each(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// The follower of one index, while it holds the right to write.
pub(super) struct Follower<'a> {
    pub(super) core: &'a Core,
    pub(super) engine: &'a Arc<dyn Engine>,
    pub(super) index: &'a str,
    reached: &'a watch::Sender<Option<Position>>,
    /// The dead letters: records that the index lacks because they cannot be put into it.
    dead: Mutex<BTreeSet<Uuid>>,
}

impl<'a> Follower<'a> {
    fn new(
        core: &'a Core,
        engine: &'a Arc<dyn Engine>,
        index: &'a str,
        reached: &'a watch::Sender<Option<Position>>,
    ) -> Self {
        Self { core, engine, index, reached, dead: Mutex::default() }
    }

    /// Follows until something fails.
    async fn run(&self) -> Result<Infallible, FollowError> {
        let (db, heads) = (&self.core.db, &self.core.heads);
        let (mut head, mut jobs) = (heads.watch(db), heads.sight(db, &store::open_jobs(self.index)));
        self.load_dead().await?;
        let mut position = self.start().await?;
        let (mut inspect, mut check) = (after_each(INSPECT), after_each(CHECK));
        loop {
            tokio::select! {
                () = moved(&mut head, position) => {
                    position = self.catch_up(position).await?;
                    sleep(REST).await;
                }
                () = jobs.seen(|asked| asked.is_some()) => {
                    while let Some(job) = store::next_job(db, self.index).await? {
                        position = self.work(job, position).await?;
                    }
                }
                _ = inspect.tick() => {
                    if self.engine.position().await? != Some(position) {
                        position = self.start().await?;
                    }
                }
                _ = check.tick() => {
                    let (drift, at) = self.check(position, &mut |_, _| {}).await?;
                    position = at;
                    tracing::info!(?drift, "the search index was compared with the database");
                }
            }
        }
    }

    async fn at_once(
        &self,
        task: Task,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Outcome, FollowError> {
        self.load_dead().await?;
        let live = self.live().await?;
        match (task, live) {
            (Task::Check, Some(live)) => Ok(Outcome::Checked(self.check(live, &mut progress).await?.0)),
            _ => Ok(Outcome::Rebuilt(self.build(live, &mut progress).await?.0)),
        }
    }

    /// The position of the live index; `None` where the log lacks entries after it.
    async fn live(&self) -> Result<Option<Position>, FollowError> {
        let head = changes::head(&self.core.db).await?;
        // Tombstones before the floor may be gone.
        let floor = retention::floor(&self.core.db).await?;
        let fits = |at: &Position| at.feed_id == head.feed_id && (floor..=head.seq).contains(&at.seq);
        Ok(self.engine.position().await?.filter(fits))
    }

    /// Returns the position to go on from. Where no index fits the log, one is built first.
    async fn start(&self) -> Result<Position, FollowError> {
        if let Some(position) = self.live().await? {
            self.tell(position);
            return Ok(position);
        }
        tracing::info!("building the search index");
        let (count, position) = self.build(None, &mut |_, _| {}).await?;
        tracing::info!(count, "the search index is built");
        Ok(position)
    }

    /// Runs a job, and writes its progress and its outcome. A job that fails is not retried.
    async fn work(&self, job: Job, position: Position) -> Result<Position, FollowError> {
        let now = || self.core.clock.now();
        let db = &self.core.db;
        store::progress(db, job.id, 0, 0, now()).await?;
        let (done, told) = watch::channel((0, 0));
        let mut progress = |count, total| {
            let _ = done.send_replace((count, total));
        };
        let reports = async {
            let mut last = (0, 0);
            loop {
                sleep(REPORT).await;
                let next = *told.borrow();
                // A progress that cannot be written does not end the job.
                if next != last && store::progress(db, job.id, next.0, next.1, now()).await.is_ok() {
                    last = next;
                }
            }
        };
        let task = async {
            match job.task {
                Task::Rebuild => {
                    let (count, at) = self.build(Some(position), &mut progress).await?;
                    Ok((Outcome::Rebuilt(count), at))
                }
                Task::Check => {
                    let (drift, at) = self.check(position, &mut progress).await?;
                    Ok((Outcome::Checked(drift), at))
                }
            }
        };
        let ended: Result<(Outcome, Position), FollowError> = tokio::select! {
            ended = task => ended,
            () = reports => Err(FollowError::Lost),
        };
        let outcome = match &ended {
            Ok((outcome, _)) => outcome.clone(),
            Err(trouble) => Outcome::Failed(trouble.to_string()),
        };
        store::end(db, job.id, &outcome, now()).await?;
        ended.map(|(_, at)| at)
    }

    /// Follows the live index to the end of the log.
    pub(super) async fn catch_up(&self, mut position: Position) -> Result<Position, FollowError> {
        loop {
            self.tell(position);
            let head = changes::head(&self.core.db).await?;
            if head.feed_id != position.feed_id || head.seq < position.seq {
                position = self.start().await?;
            } else if head.seq > position.seq {
                position = self.step(Target::Live, position, head.seq).await?;
            } else {
                return Ok(position);
            }
        }
    }

    /// Publishes the position of the index.
    pub(super) fn tell(&self, position: Position) {
        let _ = self.reached.send_replace(Some(position));
    }

    /// Follows the next entries, up to the number `until`. Returns the new position.
    pub(super) async fn step(
        &self,
        target: Target,
        position: Position,
        until: i64,
    ) -> Result<Position, FollowError> {
        let mut entries = changes::after(&self.core.db, position.seq, ENTRIES).await?;
        entries.retain(|entry| entry.seq <= until);
        let Some(last) = entries.last().map(|entry| entry.seq) else {
            return Ok(Position { seq: until, ..position });
        };
        let mut batches = AudienceBatches::default();
        for of in all_of::<SearchType>() {
            let mut ids: Vec<Uuid> = entries
                .iter()
                .filter(|entry| SearchType::of(entry.record_type) == Some(of))
                .map(|entry| entry.record_id)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            self.read(of, &ids, &mut batches).await?;
        }
        let erased = entries.iter().any(|entry| entry.operation == Operation::Erase);
        (batches.public.erased, batches.members.erased) = (erased, erased);
        let next = Position { seq: last, ..position };
        self.write(target, batches, next).await?;
        Ok(next)
    }

    /// Writes to an index, and keeps account of dead letters.
    pub(super) async fn write(
        &self,
        target: Target,
        batches: AudienceBatches,
        position: Position,
    ) -> Result<(), FollowError> {
        let AudienceBatches { public, members, mut dead } = batches;
        let all = || public.documents.iter().chain(&members.documents);
        let types: Vec<(Uuid, SearchType)> = all().map(|document| (document.id, document.of)).collect();
        let mut gone: BTreeSet<Uuid> = types.iter().map(|(id, _)| *id).collect();
        gone.extend(public.gone.iter().chain(&members.gone));
        let batches = [(Audience::Public, public), (Audience::Members, members)];
        for refused in self.engine.write(target, batches, position).await? {
            if let Some((id, of)) = types.iter().find(|(id, _)| *id == refused.id) {
                dead.push(DeadLetter { id: *id, of: *of, code: refused.code });
            }
        }
        dead.sort_by_key(|letter| letter.id);
        dead.dedup_by_key(|letter| letter.id);
        for letter in &dead {
            tracing::error!(id = %letter.id, of = ?letter.of, code = letter.code,
                "a record cannot be put into the search index, and is left out");
            gone.remove(&letter.id);
        }
        let known = self.dead();
        let gone: Vec<Uuid> = known.intersection(&gone).copied().collect();
        if !dead.is_empty() || !gone.is_empty() {
            let now = self.core.clock.now();
            store::account(&self.core.db, self.index, &dead, &gone, position.seq, now).await?;
            let mut known = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|id| !gone.contains(id));
            known.extend(dead.iter().map(|letter| letter.id));
        }
        Ok(())
    }

    /// The dead letters: records that cannot be put into the index.
    pub(super) fn dead(&self) -> BTreeSet<Uuid> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn load_dead(&self) -> Result<(), DomainError> {
        let known = store::dead_letters(&self.core.db, self.index).await?;
        *self.dead.lock().unwrap_or_else(PoisonError::into_inner) = known.into_iter().collect();
        Ok(())
    }

    /// Reads the documents of these records for both audiences.
    pub(super) async fn read(
        &self,
        of: SearchType,
        ids: &[Uuid],
        batches: &mut AudienceBatches,
    ) -> Result<(), FollowError> {
        if ids.is_empty() {
            return Ok(());
        }
        for (audience, batch) in
            [(Audience::Public, &mut batches.public), (Audience::Members, &mut batches.members)]
        {
            let reader = self.reader(audience);
            let found = match found::documents(of, &reader, ids).await {
                // One record that cannot be read must not keep all others out.
                Err(DomainError::Stored(_)) => Self::each(of, &reader, ids, &mut batches.dead).await?,
                found => found?,
            };
            for (id, document) in ids.iter().zip(found) {
                match document {
                    Some(document) => batch.documents.push(document),
                    None => batch.gone.push(*id),
                }
            }
        }
        Ok(())
    }

    /// Reads record by record; one that cannot be read is left out.
    async fn each(
        of: SearchType,
        reader: &Reader,
        ids: &[Uuid],
        dead: &mut Vec<DeadLetter>,
    ) -> Result<Vec<Option<Document>>, FollowError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match found::documents(of, reader, &[*id]).await {
                Err(DomainError::Stored(_)) => {
                    dead.push(DeadLetter { id: *id, of, code: UNREADABLE.into() });
                    found.push(None);
                }
                one => found.extend(one?),
            }
        }
        Ok(found)
    }

    fn reader(&self, audience: Audience) -> Arc<Reader> {
        Reader::new(
            Arc::clone(&self.core.db),
            audience.viewer(),
            LanguagePreferences::parse(""),
            self.core.clock.now(),
        )
    }
}

/// The batches of both audiences.
#[derive(Debug, Default)]
pub(super) struct AudienceBatches {
    pub(super) public: Batch,
    pub(super) members: Batch,
    /// Records that cannot be read.
    pub(super) dead: Vec<DeadLetter>,
}

impl AudienceBatches {
    /// The batch of an audience.
    pub(super) fn of(&mut self, audience: Audience) -> &mut Batch {
        match audience {
            Audience::Public => &mut self.public,
            Audience::Members => &mut self.members,
        }
    }
}
