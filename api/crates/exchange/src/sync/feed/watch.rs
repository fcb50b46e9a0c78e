//! The subscription `recordChanged`: the changes of the records that a page shows.
//!
//! When the log grows, one statement tells whether it has grown by one of these records. All subscriptions that wait
//! share it, so a write wakes many pages at the cost of few statements. A page of the feed is read only for those whose
//! records have changed: it decides what the reader may be told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures::stream::{self, Stream};
use tokio::sync::watch;
use uuid::Uuid;

use super::graphql::{ChangeNode, again, following, is_beyond};
use super::{MAX_PAGE, PageRequest, end, page, store};
use identity::caller::Call;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::throttle::Permit;
use kernel::{RecordType, all_of};
use records::changes::{ChangeCursor, Head};

/// Records that one subscription watches at most.
const MAX_IDS: usize = 100;

/// Subscriptions to records.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchSubscription;

/// Subscriptions to records.
#[Subscription]
impl WatchSubscription {
    /// Each change of these records from now on, for a page that shows them: that they were changed, deleted, erased or
    /// are hidden from the reader now (`OUT_OF_VIEW`). An id that the reader may not see is as silent as one that does not
    /// exist. Nothing is made up for: subscribe, then read the records, and read them again after a disconnection. An error
    /// with a code CURSOR_... ends the subscription and asks for the same. More than 200 at once, unless the operator has
    /// said another number, are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn record_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of records of any types, as they were received: 100 at most.")] ids: Vec<ID>,
    ) -> async_graphql::Result<impl Stream<Item = GraphqlResult<ChangeNode>> + use<>> {
        let (reader, call) = (Arc::clone(Reader::of(ctx)?), Call::of(ctx)?.clone());
        let ids = record_ids(&ids).graphql()?;
        // Who may not follow is told at once, and not at the first change.
        following(&call, None, None).graphql()?;
        let place = call.identity.traffic.watch(&call).graphql()?;
        let after = end(&reader).await.graphql()?;
        let heads = call.identity.heads.watch(&reader.db);
        let want = Selection::of(ctx);
        let watching =
            Watching { _place: place, reader, call, ids, want, after, heads, read: VecDeque::new() };
        Ok(stream::unfold(Some(watching), async |watching| {
            let mut watching = watching?;
            match watching.next().await {
                Ok(change) => Some((Ok(change), Some(watching))),
                Err(error) => Some((Err(error).graphql(), None)),
            }
        }))
    }
}

/// Reads ids of records, each once.
fn record_ids(ids: &[ID]) -> Result<Arc<[(RecordType, Uuid)]>, DomainError> {
    let right = (1..=MAX_IDS).contains(&ids.len());
    let message = || format!("`ids` has {} entries: it must have from 1 to {MAX_IDS}.", ids.len());
    right.then_some(()).ok_or_else(|| DomainError::bad_input("ids", message()))?;
    let read = |text: &ID| {
        let (prefix, id) = id::decode_any("ids", text)?;
        let of = all_of::<RecordType>().find(|of| of.prefix() == prefix).ok_or_else(|| {
            let known: Vec<String> = all_of::<RecordType>().map(|of| format!("`{}_`", of.prefix())).collect();
            let message = format!(
                "`{}` is not the id of a record. Ids of records begin with one of {}.",
                text.as_str(),
                known.join(", ")
            );
            DomainError::bad_input("ids", message)
        })?;
        Ok((of, id))
    };
    let ids = ids.iter().map(read).collect::<Result<BTreeSet<_>, DomainError>>()?;
    Ok(ids.into_iter().collect())
}

/// The state of a subscription.
struct Watching {
    /// The place of the subscription in the limit of the client.
    _place: Permit,
    reader: Arc<Reader>,
    call: Call,
    ids: Arc<[(RecordType, Uuid)]>,
    want: Selection,
    /// The end of the log up to which the records are known.
    after: ChangeCursor,
    heads: watch::Receiver<Option<Head>>,
    /// Changes that were read and not yet taken.
    read: VecDeque<ChangeNode>,
}

impl Watching {
    /// Waits for the next change of one of the records.
    async fn next(&mut self) -> Result<ChangeNode, DomainError> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Ok(change);
            }
            let after = &self.after;
            let grown = self.heads.wait_for(|head| is_beyond(*head, after)).await.map(|head| *head);
            let head = grown.ok().flatten();
            let head =
                head.ok_or_else(|| DomainError::Task("nobody looks at the end of the log any more".into()))?;
            let same_log = head.feed_id == self.after.feed_id;
            if same_log && !store::any_after(&self.reader.db, &self.ids, self.after.seq).await? {
                // The tag of that entry is not known. 0 is never compared.
                self.after = ChangeCursor { seq: head.seq, tag: 0, ..self.after.clone() };
                continue;
            }
            self.read_page().await?;
        }
    }

    /// Reads what has happened to the records. The caller is authenticated again, as their rights may have changed: what
    /// they may not see any more is not told.
    async fn read_page(&mut self) -> Result<(), DomainError> {
        self.call = again(&self.call).await?;
        let reader = Reader::new(
            Arc::clone(&self.reader.db),
            self.call.viewer().clone(),
            self.reader.languages.clone(),
            self.reader.now,
        );
        let following = following(&self.call, None, None)?;
        // A client does not keep this position, so other views than before are no fault.
        let after = ChangeCursor { scope: following.scope.clone(), ..self.after.clone() };
        let asked = PageRequest {
            only: Some(Arc::clone(&self.ids)),
            following,
            after: Some(after),
            first: MAX_PAGE,
            exclude_origin: None,
            record: self.want.below("Change", "record").unwrap_or_default(),
            canonical: self.want.has("Change", &["canonical"]),
            pending: false,
        };
        let page = page(&self.call.identity, &reader, asked).await?;
        self.after = page.cursor;
        self.read = ChangeNode::all(&reader, page.changes, &self.want).await?.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::id::graphql_id;

    #[test]
    fn ids_are_of_records_and_few() {
        let ids = |count: u128| -> Vec<ID> {
            (0..count).map(|n| graphql_id("organization", Uuid::from_u128(n))).collect()
        };
        assert_eq!(record_ids(&ids(100)).unwrap().len(), 100);
        let twice = [ids(1), ids(1), vec![graphql_id("talent", Uuid::nil())]].concat();
        assert_eq!(record_ids(&twice).unwrap().len(), 2);
        let wrong = [ids(0), ids(101), vec![ID::from("x")], vec![graphql_id("region", Uuid::nil())]];
        for ids in wrong {
            let error = record_ids(&ids).unwrap_err();
            assert!(
                matches!(&error, DomainError::BadUserInput { argument, .. } if argument == "ids"),
                "{error:?}"
            );
        }
    }
}
