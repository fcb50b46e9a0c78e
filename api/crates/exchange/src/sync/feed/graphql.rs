//! The feed in the schema.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Enum, ID, Object};
use tokio::time::Instant;

use super::scope::Following;
use super::{Change, MAX_PAGE, Page, PageRequest, acknowledge, page};
use crate::node::Node;
use directory::region::{self, RegionNode, Regions};
use identity::caller::{Call, IdentifyError};
use kernel::RecordType;
use kernel::abstract_type::Abstract;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::patience::Patience;
use kernel::provenance::ExternalId;
use kernel::read::{Selected, Selection};
use kernel::reader::{Reader, ShownContact};
use kernel::value::DateTime;
use kernel::vocabulary;
use records::changes::{ChangeCursor, Head, Operation};
use records::write::SCHEMA_VERSION;

/// Entries on a page where `first` is not given.
const DEFAULT_PAGE: i32 = 100;
/// Seconds to wait for a change at most.
const MAX_WAIT: i32 = 50;

/// What to do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangeOperation {
    /// Write it as it stands now.
    Upsert,
    /// Remove it.
    Delete,
    /// Remove it and all that was known of it, backups included.
    Erase,
}

/// Why a record changed for who follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangeReason {
    /// It was made or changed.
    Changed,
    /// It was deleted.
    Deleted,
    /// It is hidden from the reader now, or in a region that is not followed.
    OutOfView,
    /// It was erased.
    Erased,
}

/// A page of changes, read at one instant: entries, records and positions agree.
#[derive(Clone, Debug)]
pub struct ChangeFeed {
    changes: Vec<ChangeNode>,
    cursor: ChangeCursor,
    has_more: bool,
    head: ChangeCursor,
    pending: i64,
    instance_id: String,
}

/// A page of changes, read at one instant: entries, records and positions agree.
#[Object]
impl ChangeFeed {
    /// What changed, in order: of each record only the newest change. A record may come before one that it refers to.
    async fn changes(&self) -> &[ChangeNode] {
        &self.changes
    }

    /// Where to go on: also past changes that were left out, so that it moves even where `changes` is empty.
    async fn cursor(&self) -> &ChangeCursor {
        &self.cursor
    }

    /// Whether there is more now.
    async fn has_more(&self) -> bool {
        self.has_more
    }

    /// The end of the log when the page was read.
    async fn head(&self) -> &ChangeCursor {
        &self.head
    }

    /// About how many changes are still to come: those of types that are not followed are counted as well.
    async fn pending(&self) -> i64 {
        self.pending
    }

    /// The deployment that answers. Pass it as `excludeOrigin` where changes made there are not wanted.
    async fn instance_id(&self) -> ID {
        ID(self.instance_id.clone())
    }

    /// Version of the fields that records have: where it is higher than you know, records may have fields that you do
    /// not know.
    async fn schema_version(&self) -> i32 {
        SCHEMA_VERSION
    }

    /// Hash of the vocabularies: where it is new, read regions, sectors, occupations and terms again.
    async fn vocabulary_hash(&self) -> &str {
        vocabulary::hash()
    }
}

/// A change in a response, with its region.
#[derive(Clone, Debug)]
pub struct ChangeNode {
    change: Change,
    regions: Regions,
}

impl ChangeNode {
    /// Builds the changes of a page for a response, and reads their regions where these are selected.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn all(
        reader: &Reader,
        changes: Vec<Change>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let regions = match want.below("Change", "region") {
            Some(want) => {
                let slugs = changes.iter().map(|change| change.entry.region.as_str());
                region::read(reader, slugs, &want).await?
            }
            None => Regions::default(),
        };
        Ok(changes.into_iter().map(|change| Self { change, regions: regions.clone() }).collect())
    }

    /// Its position.
    pub fn position(&self) -> &ChangeCursor {
        &self.change.cursor
    }
}

/// A change of a record, for who follows.
#[Object(name = "Change")]
impl ChangeNode {
    /// The position of this change: everything up to it is done with when it is passed as `after`.
    async fn cursor(&self) -> &ChangeCursor {
        &self.change.cursor
    }

    /// Type of the record.
    async fn record_type(&self) -> RecordType {
        self.change.entry.record_type
    }

    /// Id of the record.
    async fn record_id(&self) -> ID {
        graphql_id(self.change.entry.record_type.prefix(), self.change.entry.record_id)
    }

    /// What to do with the record.
    async fn operation(&self) -> ChangeOperation {
        match self.change.entry.operation {
            Operation::Upsert => ChangeOperation::Upsert,
            Operation::Delete | Operation::Leave => ChangeOperation::Delete,
            Operation::Erase => ChangeOperation::Erase,
        }
    }

    /// Why.
    async fn reason(&self) -> ChangeReason {
        match self.change.entry.operation {
            Operation::Upsert => ChangeReason::Changed,
            Operation::Delete => ChangeReason::Deleted,
            Operation::Leave => ChangeReason::OutOfView,
            Operation::Erase => ChangeReason::Erased,
        }
    }

    /// The record's revision after it. It never falls.
    async fn revision(&self) -> i32 {
        self.change.entry.revision
    }

    /// The region that answers for the record, or did.
    async fn region(&self) -> Option<RegionNode> {
        self.regions.get(&self.change.entry.region)
    }

    /// When it was written. For people: nothing is ordered by it.
    async fn occurred_at(&self) -> DateTime {
        self.change.entry.at
    }

    /// The deployment or the source where the change was made.
    async fn origin(&self) -> &str {
        &self.change.entry.origin
    }

    /// The id in the system that owns the record; null where it was made here, was hidden or erased, and of people who
    /// were deleted.
    async fn external_id(&self) -> Option<ExternalId> {
        self.change.external_id()
    }

    /// The record as it stands now; null where it is to be removed.
    async fn record(&self) -> Option<Abstract<&Node>> {
        self.change.record.as_ref().map(Abstract)
    }

    /// Hash of the record's fields, in hexadecimal: only for who writes the records of its region.
    async fn content_hash(&self) -> Option<&str> {
        self.change.content_hash.as_deref()
    }

    /// The record's fields as other instances take them: canonical JSON (RFC 8785), the text whose SHA-256 is `contentHash`.
    /// Only for who writes the records of its region.
    async fn canonical(&self, ctx: &Context<'_>) -> Option<&str> {
        let shown = self.change.contact();
        // There is always a reader: without one nothing could have been read.
        if let (true, Ok(reader)) = (shown != ShownContact::default(), Reader::of(ctx)) {
            reader.shows_contact(self.change.entry.record_id, shown);
        }
        self.change.canonical.as_deref()
    }

    /// Whether no further change of the same transaction follows.
    async fn last_of_transaction(&self) -> bool {
        self.change.last_of_transaction
    }
}

/// Queries of the feed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedQuery;

/// Queries of the feed.
#[Object]
impl FeedQuery {
    /// What changed since a position, for systems that keep in step. Pass `cursor` of the last answer as `after`; without
    /// it the page is the first of all records that there are. What may be seen by everyone can be followed without
    /// signing in, unless the operator has switched that off. Whoever passes `after` says that they have done with
    /// everything up to it, which is noted of accounts and API keys. More than 120 requests in a minute, unless the operator
    /// has said another number, are refused with `RATE_LIMITED` and `retryAfterMs`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where to go on: the `cursor` of the last answer. Errors with codes CURSOR_... say in `recovery` what to do."
        )]
        after: Option<ChangeCursor>,
        #[graphql(desc = "Changes on the page: 500 at most.", default = 100)] first: Option<i32>,
        #[graphql(desc = "Only records of these types; of all where none is given.")] types: Option<
            Vec<RecordType>,
        >,
        #[graphql(desc = "Only records of these regions, by slug; of all where none is given.")]
        regions: Option<Vec<String>>,
        #[graphql(
            desc = "Seconds to wait for a change where there is none: 50 at most. An empty page then says that there was none.",
            default = 0
        )]
        wait_seconds: Option<i32>,
        #[graphql(desc = "Leave out what was changed by this deployment or source.")] exclude_origin: Option<
            String,
        >,
    ) -> GraphqlResult<ChangeFeed> {
        let field = Selection::root(ctx);
        let (first, wait) = (first.unwrap_or(DEFAULT_PAGE), wait_seconds.unwrap_or_default());
        let (first, wait) = bounds(first, wait).graphql()?;
        let call = Call::of(ctx)?;
        call.identity.traffic.request(call).graphql()?;
        let patience: &Arc<Patience> = ctx.data()?;
        patience.extend(wait);
        let arguments = Arguments { types, regions, first, exclude_origin };
        let until = Instant::now() + wait;
        arguments.feed(Reader::of(ctx)?, call, patience, after, until, &field).await.graphql()
    }
}

fn bounds(first: i32, wait: i32) -> Result<(usize, Duration), DomainError> {
    let right = usize::try_from(first).ok().filter(|first| (1..=MAX_PAGE).contains(first));
    let message = || format!("`first` is {first}: it must be from 1 to {MAX_PAGE}.");
    let first = right.ok_or_else(|| DomainError::bad_input("first", message()))?;
    let right = u64::try_from(wait).ok().filter(|_| wait <= MAX_WAIT);
    let message = || format!("`waitSeconds` is {wait}: it must be from 0 to {MAX_WAIT}.");
    let wait = right.ok_or_else(|| DomainError::bad_input("waitSeconds", message()))?;
    Ok((first, Duration::from_secs(wait)))
}

/// Returns the types and views that a caller follows.
///
/// # Errors
/// `UNAUTHENTICATED` where nobody is signed in and the feed is not public, `BAD_USER_INPUT` for an unknown region.
pub fn following(
    call: &Call,
    types: Option<&[RecordType]>,
    regions: Option<&[String]>,
) -> Result<Following, DomainError> {
    if !call.identity.feed_public && !call.viewer().signed_in {
        return Err(DomainError::Unauthenticated("Sign in to follow the changes of this directory."));
    }
    Following::new(call.viewer(), types, regions)
}

/// Authenticates the caller again. Returns the call with their present rights.
///
/// # Errors
/// `UNAUTHENTICATED` where the token is not valid any more.
pub async fn again(call: &Call) -> Result<Call, DomainError> {
    call.again().await.map_err(|error| match error {
        IdentifyError::Refused => {
            DomainError::Unauthenticated("Your token has ended. Sign in again and go on.")
        }
        IdentifyError::Failed(error) => error,
    })
}

/// Whether the end of the log is beyond a position.
pub fn is_beyond(head: Option<Head>, from: &ChangeCursor) -> bool {
    head.is_some_and(|head| head.seq > from.seq || head.feed_id != from.feed_id)
}

/// The arguments that stay the same from page to page.
struct Arguments {
    types: Option<Vec<RecordType>>,
    regions: Option<Vec<String>>,
    first: usize,
    exclude_origin: Option<String>,
}

impl Arguments {
    /// Reads pages until one has a change, or until the time is over. The caller is authenticated again for each page,
    /// as their rights may have changed meanwhile.
    async fn feed(
        self,
        reader: &Arc<Reader>,
        call: &Call,
        patience: &Patience,
        mut after: Option<ChangeCursor>,
        until: Instant,
        field: &Selected,
    ) -> Result<ChangeFeed, DomainError> {
        let changes = field.selection.below("ChangeFeed", "changes").unwrap_or_default();
        let mut call = call.clone();
        let mut presented = after.clone();
        loop {
            let now = Reader::new(
                Arc::clone(&reader.db),
                call.viewer().clone(),
                reader.languages.clone(),
                call.identity.clock.now(),
            );
            let following = following(&call, self.types.as_deref(), self.regions.as_deref())?;
            let presented = presented.take().map(|cursor| (following.clone(), cursor));
            let asked = PageRequest {
                only: None,
                following,
                after,
                first: self.first,
                exclude_origin: self.exclude_origin.clone(),
                record: changes.below("Change", "record").unwrap_or_default(),
                canonical: changes.has("Change", &["canonical"]),
                pending: field.selection.has("ChangeFeed", &["pending"]),
            };
            let page = page(&call.identity, &now, asked).await?;
            if let Some((following, cursor)) = presented {
                acknowledge(&call, &following, &cursor);
            }
            let goes_on = page.changes.is_empty() && Instant::now() < until;
            if !(goes_on && (page.has_more || has_grown(&call, patience, &page.head, until).await)) {
                return answer(&call, &now, page, &changes).await;
            }
            after = Some(page.cursor);
            call = again(&call).await?;
        }
    }
}

/// Waits for the log to grow beyond a position. Returns false where the time is over before.
async fn has_grown(call: &Call, patience: &Patience, from: &ChangeCursor, until: Instant) -> bool {
    // Watched only here: a request that does not wait needs no statement for it.
    let mut heads = call.identity.heads.watch(&call.identity.db);
    tokio::select! {
        grown = heads.wait_for(|head| is_beyond(*head, from)) => grown.is_ok(),
        () = tokio::time::sleep_until(until) => false,
        () = patience.ends() => false,
    }
}

/// Builds the response from a page.
async fn answer(
    call: &Call,
    reader: &Reader,
    page: Page,
    want: &Selection,
) -> Result<ChangeFeed, DomainError> {
    let Page { changes, cursor, has_more, head, pending } = page;
    let instance_id = call.identity.instance(call.identity.db.writer()).await?.to_string();
    let changes = ChangeNode::all(reader, changes, want).await?;
    Ok(ChangeFeed { changes, cursor, has_more, head, pending, instance_id })
}
