//! The subscription `changes`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Result, ScalarType, SimpleObject, Subscription, Value};
use futures::stream::{self, Stream};

use super::{ChangeCursor, Entry, Resumption, after as entries_after, head, tag};
use crate::record::RecordType;
use crate::record::error::{DomainError, GraphqlResult, IntoGraphql};
use crate::record::read::Database;
use crate::record::reader::Reader;

/// How often the log is looked at for new entries.
const PAUSE: Duration = Duration::from_millis(250);
/// Entries that are read at once.
const PAGE: u32 = 500;

/// A change of a record.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Change {
    /// The place of this change in the log: pass it as `after` to go on from here.
    cursor: ChangeCursor,
}

/// What can be followed of the log of changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangesSubscription;

#[Subscription]
impl ChangesSubscription {
    /// Every change from `after` on, without a gap: first what is already in the log, then live.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The place after which to begin; without it, the beginning of the log.")]
        after: Option<ChangeCursor>,
        #[graphql(desc = "Only records of these types.")] types: Option<Vec<RecordType>>,
        #[graphql(desc = "Only records of these regions, by slug.")] regions: Option<Vec<String>>,
    ) -> Result<impl Stream<Item = GraphqlResult<Change>>> {
        let (reader, resumption) = (Arc::clone(Reader::of(ctx)?), Arc::clone(ctx.data::<Arc<Resumption>>()?));
        let last = resumption.last().map(|last| ChangeCursor::parse(Value::from(last)));
        let last = last.transpose().map_err(|_| {
            DomainError::bad_input(
                "after",
                "This is no position in the log. Pass a `cursor` as it was received.",
            )
        });
        let begin = last.graphql()?.or(after);
        let names: Vec<&str> = types.iter().flatten().map(|of| of.name()).collect();
        let slugs: Vec<&str> = regions.iter().flatten().map(String::as_str).collect();
        let end = head(&reader.db).await.graphql()?;
        let cursor = ChangeCursor {
            feed_id: end.feed_id,
            seq: begin.map_or(0, |cursor| cursor.seq),
            tag: 0,
            base: begin.map_or(end.seq, |cursor| cursor.base),
            fingerprint: ChangeCursor::fingerprint(&names, &slugs, &reader.viewer),
        };
        let state = Following { db: Arc::clone(&reader.db), types, cursor, page: VecDeque::new() };
        Ok(stream::unfold(state, move |mut state| {
            let resumption = Arc::clone(&resumption);
            async move {
                let next = state.next().await.graphql();
                if let (Ok(change), Value::String(place)) = (&next, state.cursor.to_value()) {
                    debug_assert_eq!(change.cursor, state.cursor);
                    resumption.reach(place);
                }
                Some((next, state))
            }
        }))
    }
}

/// How far a reader is.
struct Following {
    db: Arc<Database>,
    types: Option<Vec<RecordType>>,
    cursor: ChangeCursor,
    page: VecDeque<Entry>,
}

impl Following {
    async fn next(&mut self) -> Result<Change, DomainError> {
        loop {
            while let Some(entry) = self.page.pop_front() {
                self.cursor.seq = entry.seq;
                if self.types.as_ref().is_none_or(|types| types.contains(&entry.record_type)) {
                    self.cursor.tag = tag(&self.db, entry.seq).await?.unwrap_or_default();
                    return Ok(Change { cursor: self.cursor });
                }
            }
            self.page = entries_after(&self.db, self.cursor.seq, PAGE).await?.into();
            if self.page.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
