//! Builds an index beside the live one, and swaps them.

use uuid::Uuid;

use super::follower::{AudienceBatches, FollowError, Follower};
use super::store;
use index::engine::{EngineError, Position, Target};
use index::kind::SearchType;
use kernel::all_of;
use records::changes;

/// Records in one read.
const RECORDS: usize = 2000;

impl Follower<'_> {
    /// Builds a new index. `live` is the position of the live one, which is followed meanwhile. The new index replaces
    /// it when both have reached the same change. Returns the number of records that were read, and the position of the
    /// new index. `progress` is called with the number of records done and the total.
    pub(super) async fn build(
        &self,
        mut live: Option<Position>,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(u64, Position), FollowError> {
        let db = &self.core.db;
        let mut total = 0;
        for of in all_of::<SearchType>() {
            total += store::count(db, of).await?;
        }
        // Changes that are made while the records are read are followed afterwards.
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
                let mut batches = AudienceBatches::default();
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
        // Stores the position, also where there is no record at all.
        self.write(Target::Shadow, AudienceBatches::default(), position).await?;
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

    /// Follows the live index to the end of the log; `None` where it is gone, or belongs to another feed.
    async fn follow_live(&self, live: Option<Position>) -> Result<Option<Position>, FollowError> {
        let Some(mut live) = live else { return Ok(None) };
        let head = changes::head(&self.core.db).await?;
        if head.feed_id != live.feed_id {
            return Ok(None);
        }
        while live.seq < head.seq {
            match self.step(Target::Live, live, head.seq).await {
                Ok(next) => live = next,
                // The live index is gone: the new one need not wait for it.
                Err(FollowError::Engine(EngineError::Building)) => return Ok(None),
                Err(trouble) => return Err(trouble),
            }
        }
        self.tell(live);
        Ok(Some(live))
    }
}
