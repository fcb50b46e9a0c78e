//! Keeps the index in step with the change log.
//!
//! The place in the log is kept in the index itself, with what it holds: a follower that was killed goes on from
//! there. Documents are always made whole from the records as they are now, so that a change that is followed
//! twice changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::engine::{Batch, Engine, EngineError, Position, Target};
use super::{Audience, SearchType};
use crate::app::App;
use crate::changes;
use crate::record::error::DomainError;
use crate::record::read::{KeyColumns, KeyType, KeyValue, KeyedStatement};
use crate::record::reader::Reader;
use crate::record::value::LanguagePreferences;

/// How often the end of the log is asked for.
const POLL: Duration = Duration::from_millis(200);
/// Entries of the log that are followed at once.
const ENTRIES: u32 = 1000;
/// Records that are read at once while an index is built.
const RECORDS: u32 = 5000;
/// The pause after a failure; it doubles with each that follows at once.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why the follower has to try again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// Follows the log until it is told to stop. Failures of the engine or the database only delay it.
pub async fn follow(
    app: App,
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
    stop: CancellationToken,
) {
    let follower = Follower { app, engine, reached, stop };
    let mut pause = SHORTEST_PAUSE;
    loop {
        let began = tokio::time::Instant::now();
        // To stop in the middle loses nothing: the index goes on from the place in the log that it holds itself.
        let ended = tokio::select! {
            () = follower.stop.cancelled() => break,
            ended = follower.run() => ended,
        };
        let Err(trouble) = ended;
        tracing::warn!(error = %trouble, "the search index cannot be kept in step; trying again");
        if began.elapsed() > LONGEST_PAUSE {
            pause = SHORTEST_PAUSE;
        }
        follower.wait(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Builds the index anew beside the one that is searched, and puts it in its place. `progress` is told how many
/// records are in it.
///
/// # Errors
/// A sentence for the operator.
pub async fn rebuild(
    app: &App,
    engine: &Arc<dyn Engine>,
    mut progress: impl FnMut(u64),
) -> Result<u64, String> {
    let (reached, _) = watch::channel(None);
    let follower =
        Follower { app: app.clone(), engine: Arc::clone(engine), reached, stop: CancellationToken::new() };
    follower.build(&mut progress).await.map_err(|trouble| trouble.to_string())
}

struct Follower {
    app: App,
    engine: Arc<dyn Engine>,
    reached: watch::Sender<Option<Position>>,
    stop: CancellationToken,
}

impl Follower {
    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Follows until something fails.
    async fn run(&self) -> Result<std::convert::Infallible, Trouble> {
        let mut position = self.start().await?;
        loop {
            let _ = self.reached.send_replace(Some(position));
            let head = changes::head(&self.app.db).await?;
            if head.feed_id != position.feed_id || head.seq < position.seq {
                position = self.start().await?;
            } else if head.seq > position.seq {
                position.seq = self.step(Target::Live, position).await?;
            } else {
                self.wait(POLL).await;
            }
        }
    }

    /// Where to go on; where there is no index that fits the log, one is built first.
    async fn start(&self) -> Result<Position, Trouble> {
        let head = changes::head(&self.app.db).await?;
        if let Some(position) = self.engine.position().await?
            && position.feed_id == head.feed_id
            && position.seq <= head.seq
        {
            return Ok(position);
        }
        tracing::info!("building the search index");
        let count = self.build(&mut |_| {}).await?;
        tracing::info!(count, "the search index is built");
        self.engine.position().await?.ok_or(Trouble::Engine(EngineError::Building))
    }

    /// Follows the next entries; answers the number of the last one.
    async fn step(&self, target: Target, position: Position) -> Result<i64, Trouble> {
        let entries = changes::after(&self.app.db, position.seq, ENTRIES).await?;
        let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(position.seq) };
        let mut batches = Audiences::default();
        for of in SearchType::ALL {
            let mut ids: Vec<Uuid> = entries
                .iter()
                .filter(|entry| SearchType::of(entry.record_type) == Some(of))
                .map(|entry| entry.record_id)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            self.read(of, &ids, &mut batches).await?;
        }
        self.engine.write(target, batches.into_parts(), Position { seq: last, ..position }).await?;
        Ok(last)
    }

    /// Reads what both audiences may find of these records.
    async fn read(&self, of: SearchType, ids: &[Uuid], batches: &mut Audiences) -> Result<(), Trouble> {
        if ids.is_empty() {
            return Ok(());
        }
        for (audience, batch) in
            [(Audience::Public, &mut batches.public), (Audience::Members, &mut batches.members)]
        {
            let reader = self.reader(audience);
            let found = match of.documents(&reader, ids).await {
                // One record that cannot be read must not keep all others out.
                Err(DomainError::Stored(_)) => self.each(of, &reader, ids).await?,
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

    /// Reads record by record; one that cannot be read is left out, and told.
    async fn each(
        &self,
        of: SearchType,
        reader: &Reader,
        ids: &[Uuid],
    ) -> Result<Vec<Option<super::document::Document>>, Trouble> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match of.documents(reader, &[*id]).await {
                Err(DomainError::Stored(_)) => {
                    tracing::error!(%id, ?of, "a record cannot be read, and is left out of the search index");
                    found.push(None);
                }
                one => found.extend(one?),
            }
        }
        Ok(found)
    }

    fn reader(&self, audience: Audience) -> Arc<Reader> {
        Reader::new(
            Arc::clone(&self.app.db),
            audience.viewer(),
            LanguagePreferences::parse(""),
            self.app.clock.now().to_utc().date_naive(),
        )
    }

    /// Builds an index beside the one that is searched, follows what changed meanwhile, and swaps them.
    async fn build(&self, progress: &mut impl FnMut(u64)) -> Result<u64, Trouble> {
        let head = changes::head(&self.app.db).await?;
        let mut position = Position { feed_id: head.feed_id, seq: head.seq };
        self.engine.begin().await?;
        let mut count = 0;
        for of in SearchType::ALL {
            let mut after = None;
            loop {
                let ids = self.ids(of, after).await?;
                let Some(last) = ids.last().copied() else { break };
                let mut batches = Audiences::default();
                self.read(of, &ids, &mut batches).await?;
                // An empty index needs no deletions.
                batches.public.gone.clear();
                batches.members.gone.clear();
                self.engine.write(Target::Shadow, batches.into_parts(), position).await?;
                count += ids.len() as u64;
                progress(count);
                after = Some(last);
            }
        }
        // Also where there is no record at all: the place in the log is kept.
        self.engine.write(Target::Shadow, Audiences::default().into_parts(), position).await?;
        loop {
            let last = self.step(Target::Shadow, position).await?;
            if last == position.seq {
                break;
            }
            position.seq = last;
        }
        self.engine.swap().await?;
        Ok(count)
    }

    /// The next records of a type, in the order of their ids.
    async fn ids(&self, of: SearchType, after: Option<Uuid>) -> Result<Vec<Uuid>, DomainError> {
        let db = &self.app.db;
        let keys = KeyColumns::new(&[("after", KeyType::Id)]);
        let (table, _) = of.tables();
        let sql = format!(
            "SELECT k.n, r.id FROM {} {} {table} AS r ON r.id > k.after ORDER BY r.id LIMIT {RECORDS}",
            keys.source(db.dialect()),
            db.dialect().join(),
        );
        // The limit is the whole statement's: it must not carry another reader's key.
        let key = vec![vec![KeyValue::Id(after.unwrap_or(Uuid::nil()))]];
        let rows = db.read_alone(&KeyedStatement { sql, keys }, key).await?;
        rows.into_iter().map(|(_, mut row)| row.get()).collect()
    }
}

/// What changes for both audiences.
#[derive(Debug, Default)]
struct Audiences {
    public: Batch,
    members: Batch,
}

impl Audiences {
    fn into_parts(self) -> [(Audience, Batch); 2] {
        [(Audience::Public, self.public), (Audience::Members, self.members)]
    }
}
