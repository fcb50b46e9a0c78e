//! The subscription `changes`: the feed, one change at a time.
//!
//! The next page is read when the one before was taken. So a slow client holds no more than a page, and no connection
//! of the database while it waits.

use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures::stream::{self, Stream};
use tokio::sync::watch;

use super::graphql::{ChangeNode, again, following, is_beyond};
use super::{MAX_PAGE, PageRequest, acknowledge, page};
use identity::caller::Call;
use kernel::RecordType;
use kernel::error::fault::CursorFault;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::throttle::Permit;
use records::changes::{ChangeCursor, Head, Resumption};

/// Subscriptions of the feed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedSubscription;

/// Subscriptions of the feed.
#[Subscription]
impl FeedSubscription {
    /// Every change from `after` on, without a gap: first what is already in the log, then live. Errors with codes
    /// CURSOR_... end it, and say in `recovery` what to do. More than 10 at once, unless the operator has said another
    /// number, are refused with `RATE_LIMITED` and `retryAfterMs`.
    #[expect(clippy::unused_async, reason = "the macro wants it")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where to go on: the `cursor` of the last change. Without it all records that there are come first."
        )]
        after: Option<ChangeCursor>,
        #[graphql(desc = "Only records of these types; of all where none is given.")] types: Option<
            Vec<RecordType>,
        >,
        #[graphql(desc = "Only records of these regions, by slug; of all where none is given.")]
        regions: Option<Vec<String>>,
    ) -> async_graphql::Result<impl Stream<Item = GraphqlResult<ChangeNode>> + use<>> {
        let (reader, call) = (Arc::clone(Reader::of(ctx)?), Call::of(ctx)?.clone());
        let place = call.identity.traffic.stream(&call).graphql()?;
        let resumption = Arc::clone(ctx.data::<Arc<Resumption>>()?);
        // A client that lost an event stream goes on after its last event (`Last-Event-ID`) instead of `after`.
        let last = resumption.last().map(|last| ChangeCursor::read(last).ok_or(CursorFault::Invalid));
        let after = last.transpose().map_err(DomainError::Cursor).graphql()?.or(after);
        let heads = call.identity.heads.watch(&reader.db);
        let want = Selection::of(ctx);
        let read = VecDeque::new();
        let stream = Following { reader, call, types, regions, want, after, heads, read, _place: place };
        Ok(stream::unfold(Some(stream), move |stream| {
            let resumption = Arc::clone(&resumption);
            async move {
                let mut stream = stream?;
                match stream.next().await {
                    Ok(change) => {
                        resumption.reach(change.position().text());
                        Some((Ok(change), Some(stream)))
                    }
                    Err(error) => Some((Err(error).graphql(), None)),
                }
            }
        }))
    }
}

/// The state of a subscription.
struct Following {
    reader: Arc<Reader>,
    call: Call,
    types: Option<Vec<RecordType>>,
    regions: Option<Vec<String>>,
    want: Selection,
    after: Option<ChangeCursor>,
    heads: watch::Receiver<Option<Head>>,
    /// Changes that were read and not yet taken.
    read: VecDeque<ChangeNode>,
    /// The place of the stream in the limit of the client.
    _place: Permit,
}

impl Following {
    /// Waits for the next change. The caller is authenticated again for each page, as their rights may have changed.
    async fn next(&mut self) -> Result<ChangeNode, DomainError> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Ok(change);
            }
            self.call = again(&self.call).await?;
            let reader = Reader::new(
                Arc::clone(&self.reader.db),
                self.call.viewer().clone(),
                self.reader.languages.clone(),
                self.call.identity.clock.now(),
            );
            let following = following(&self.call, self.types.as_deref(), self.regions.as_deref())?;
            let asked = PageRequest {
                only: None,
                following: following.clone(),
                after: self.after.clone(),
                first: MAX_PAGE,
                exclude_origin: None,
                record: self.want.below("Change", "record").unwrap_or_default(),
                canonical: self.want.has("Change", &["canonical"]),
                pending: false,
            };
            let page = page(&self.call.identity, &reader, asked).await?;
            // The client has passed this position as `after`, or taken all changes up to it.
            if let Some(taken) = &self.after {
                acknowledge(&self.call, &following, taken);
            }
            let (end, more) = (page.head, page.has_more);
            self.after = Some(page.cursor);
            self.read = ChangeNode::all(&reader, page.changes, &self.want).await?.into();
            if self.read.is_empty() && !more {
                let grown = self.heads.wait_for(|head| is_beyond(*head, &end)).await;
                grown.map_err(|_| DomainError::Task("nobody looks at the end of the log any more".into()))?;
            }
        }
    }
}
