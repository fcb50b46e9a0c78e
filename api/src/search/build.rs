//! Builds an index beside the one that is searched, and swaps them.

use uuid::Uuid;

use super::engine::{EngineError, Position, Target};
use super::follower::{Audiences, Follower, Trouble};
use super::store;
use crate::changes;
use crate::record::all_of;
use crate::search::kind::SearchType;

/// Records that are read at once.
const RECORDS: usize = 2000;

impl Follower<'_> {
    /// Builds the index anew. `live` is the place in the log of the one that is searched: it is followed all the
    /// while, and the new one takes its place where both have come to the same change. Answers how many records were
    /// put into it, and the place in the log. `progress` is told how many are done, of how many.
    pub(super) async fn build(
        &self,
        mut live: Option<Position>,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(u64, Position), Trouble> {
        let db = &self.core.db;
        let mut total = 0;
        for of in all_of::<SearchType>() {
            total += store::count(db, of).await?;
        }
        // What changes while the records are read is followed after it.
        let head = changes::head(db).await?;
        let mut position = Position { feed_id: head.feed_id, seq: head.seq };
        self.engine.begin().await?;
        let mut done = 0;
        progress(done, total);
        for of in all_of::<SearchType>() {
            let mut after = Uuid::nil();
            loop {
                let found = store::records(db, of, None, after, RECORDS).await?;
                let Some((last, _)) = found.last().copied() else { break };
                let ids: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
                let mut batches = Audiences::default();
                self.read(of, &ids, &mut batches).await?;
                // An empty index needs no deletions.
                batches.public.gone.clear();
                batches.members.gone.clear();
                self.write(Target::Shadow, batches, position).await?;
                done += ids.len() as u64;
                progress(done, total.max(done));
                after = last;
                live = self.follow_live(live).await?;
            }
        }
        // Also where there is no record at all: the place in the log is kept.
        self.write(Target::Shadow, Audiences::default(), position).await?;
        live = self.follow_live(live).await?;
        let until = match live {
            Some(live) => live.seq,
            None => changes::head(db).await?.seq,
        };
        while position.seq < until {
            position = self.step(Target::Shadow, position, until).await?;
        }
        self.engine.swap().await?;
        self.tell(position);
        Ok((done, position))
    }

    /// Follows the index that is searched, as long as it is there.
    async fn follow_live(&self, live: Option<Position>) -> Result<Option<Position>, Trouble> {
        let Some(mut live) = live else { return Ok(None) };
        let head = changes::head(&self.core.db).await?;
        if head.feed_id != live.feed_id {
            return Ok(None);
        }
        while live.seq < head.seq {
            match self.step(Target::Live, live, head.seq).await {
                Ok(next) => live = next,
                // It has gone: the new one takes its place all the sooner.
                Err(Trouble::Engine(EngineError::Building)) => return Ok(None),
                Err(trouble) => return Err(trouble),
            }
        }
        self.tell(live);
        Ok(Some(live))
    }
}
