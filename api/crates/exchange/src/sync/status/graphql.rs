//! The status of this deployment and of its clients, in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use uuid::Uuid;

use super::store::{self, Client, Erased, Lag};
use super::{StatusScope, due, indexed};
use crate::push::full;
use crate::push::mutation::FullPush;
use crate::sync::SyncSettings;
use crate::sync::feed;
use crate::sync::feed::scope::{Following, region_of};
use crate::sync::feed::store::LogState;
use directory::region::{self, RegionNode, Regions};
use directory::relations;
use identity::caller::Call;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::page::{PageArguments, PageOf};
use kernel::read::{Selected, Selection};
use kernel::reader::{ByKey, Reader, nodes_wanted, total_wanted};
use kernel::value::DateTime;
use kernel::vocabulary;
use kernel::{RecordType, all_of};
use records::audit::{ActorKind, Subject};
use records::changes::{ChangeCursor, Head};
use records::write::SCHEMA_VERSION;
use search::service::Search;

fn whole(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Seconds since a time; 0 before it, or without it.
fn seconds(since: Option<DateTime>, now: DateTime) -> i64 {
    since.map_or(0, |since| ((now.micros() - since.micros()) / 1_000_000).max(0))
}

/// A client in a response, with the data that was read for it.
#[derive(Clone, Debug)]
pub struct SyncClientNode {
    client: Client,
    /// Whether the viewer may see the id and the name of the client.
    is_named: bool,
    lag: Lag,
    now: DateTime,
    must_reload: bool,
    regions: Regions,
}

/// The data that is needed to read clients, the same for all of them.
struct Around<'a> {
    call: &'a Call,
    reader: &'a Reader,
    state: LogState,
    /// Whether accounts are named, and not API keys alone.
    names: bool,
}

impl Around<'_> {
    async fn nodes(
        &self,
        clients: Vec<Client>,
        want: &Selection,
    ) -> Result<Vec<SyncClientNode>, DomainError> {
        let numbers: Vec<i64> = clients.iter().map(|client| client.cursor.seq).collect();
        let lags = if want.has("SyncClient", &["pending", "lagSeconds"]) && !numbers.is_empty() {
            store::lags(&self.reader.db, &numbers).await?
        } else {
            vec![Lag::default(); numbers.len()]
        };
        let below = want.below("SyncClient", "region").unwrap_or_default();
        let slugs = clients.iter().filter_map(|client| client.region.as_deref());
        let regions = region::read(self.reader, slugs, &below).await?;
        let now = self.call.identity.clock.now();
        let node = |(client, lag): (Client, Lag)| SyncClientNode {
            is_named: self.names
                || client.kind == ActorKind::ApiKey
                || Some(client.id) == self.reader.viewer.account,
            must_reload: client.cursor.feed_id != self.state.feed_id
                || client.cursor.seq.max(client.cursor.base) < self.state.floor,
            client,
            lag,
            now,
            regions: regions.clone(),
        };
        Ok(clients.into_iter().zip(lags).map(node).collect())
    }
}

/// A system or a person who follows the log with an API key or an account, for one combination of types and regions. Who
/// is not heard of for as long as tombstones are kept (`TOMBSTONE_DAYS`) is forgotten.
#[Object(name = "SyncClient")]
impl SyncClientNode {
    /// Whether it is a machine with an API key, or somebody with an account.
    async fn kind(&self) -> ActorKind {
        self.client.kind
    }

    /// Id of the API key or account; null of an account that you do not administer.
    async fn id(&self) -> Option<ID> {
        let subject = match self.client.kind {
            ActorKind::ApiKey => Subject::ApiKey(self.client.id),
            _ => Subject::Account(self.client.id),
        };
        self.is_named.then(|| graphql_id(subject.prefix(), self.client.id))
    }

    /// What the API key is for, or the name of the account; null of an account that you do not administer.
    async fn name(&self) -> Option<&str> {
        self.client.name.as_deref().filter(|_| self.is_named)
    }

    /// The region of the API key; null of an account.
    async fn region(&self) -> Option<RegionNode> {
        self.regions.get(self.client.region.as_deref()?)
    }

    /// The types that it follows.
    async fn types(&self) -> Vec<RecordType> {
        let types = self.client.cursor.scope.types;
        all_of::<RecordType>().filter(|of| types == 0 || types & of.bit() != 0).collect()
    }

    /// The regions that it asks for, by slug; empty for all.
    async fn regions(&self) -> Vec<&'static str> {
        let codes = self.client.cursor.scope.regions.iter().flatten();
        codes.filter_map(|code| region_of(*code)).collect()
    }

    /// Where it is: it has done with everything up to this position.
    async fn acknowledged(&self) -> &ChangeCursor {
        &self.client.cursor
    }

    /// When it came as far as it has ever come.
    async fn acknowledged_at(&self) -> DateTime {
        self.client.acknowledged_at
    }

    /// The last time that it was heard of, to the minute where it does not move.
    async fn last_seen_at(&self) -> DateTime {
        self.client.seen_at
    }

    /// Since when it goes on from a position before one that it had reached, as one that was restored from a backup, and
    /// may hold again what it had erased; null where it does not.
    async fn went_back_at(&self) -> Option<DateTime> {
        self.client.went_back_at
    }

    /// Whether it has to load a snapshot: the log began anew after its position, or does not know any more what was deleted
    /// since.
    async fn must_reload(&self) -> bool {
        self.must_reload
    }

    /// How many entries the log has after its position, in whatever view: 10,000 stands for as many or more.
    async fn pending(&self) -> i64 {
        self.lag.entries
    }

    /// How many seconds the first of these has waited for it; 0 where there is none.
    async fn lag_seconds(&self) -> i64 {
        seconds(self.lag.since, self.now)
    }
}

connection!(SyncClientConnection, SyncClientEdge, SyncClientNode, "those who follow the log");

/// How far the search index has followed the log.
#[derive(Clone, Debug, SimpleObject)]
pub struct SyncIndex {
    /// Its position; null while it is being built, or nobody knows.
    pub position: Option<ChangeCursor>,
    /// How many entries the log has after it: 10,000 stands for as many or more.
    pub pending: i64,
    /// How many seconds the first of these has waited; 0 where there is none.
    pub lag_seconds: i64,
}

/// Erased records that somebody still has to take.
#[derive(Clone, Debug, SimpleObject)]
pub struct SyncErasures {
    /// How many records were erased that a client which has followed them, or the search index, has not taken yet.
    pub outstanding: i64,
    /// Those of them that were erased more than 24 hours ago, unless the operator has said another number: an alarm.
    /// `erasureStatus` tells who it is.
    pub overdue: i64,
}

/// What the answering program does at the moment. There may be others beside it.
#[derive(Clone, Debug, SimpleObject)]
pub struct SyncActivity {
    /// Subscriptions of `changes`.
    pub streams: i32,
    /// Snapshots that are being made.
    pub snapshots: i32,
}

/// The status of this deployment and of its clients.
#[derive(Clone, Debug)]
pub struct SyncStatus {
    instance_id: Uuid,
    state: LogState,
    head: ChangeCursor,
    index: Option<SyncIndex>,
    erasures: SyncErasures,
    full_pushes: Vec<FullPush>,
    activity: Option<SyncActivity>,
    clients: ByKey<SyncClientConnection>,
}

/// How this deployment and those who follow it are getting on: to administrators of the instance all of it; to those of a
/// region its API keys, the accounts with a role in it, and what was erased in it; to its systems (`SYNC_PARTNER`) themselves
/// and what they have not taken.
#[Object]
impl SyncStatus {
    /// This deployment, which has the same id for ever.
    async fn instance_id(&self) -> ID {
        ID(self.instance_id.to_string())
    }

    /// The log of changes: another id says that it began anew, as after a restore.
    async fn feed_id(&self) -> ID {
        ID(self.state.feed_id.to_string())
    }

    /// The end of the log.
    async fn head(&self) -> &ChangeCursor {
        &self.head
    }

    /// The number of the last entry of the log.
    async fn last_number(&self) -> i64 {
        self.state.head
    }

    /// The number up to which tombstones were pruned: whoever is before it has to load a snapshot.
    async fn floor_number(&self) -> i64 {
        self.state.floor
    }

    /// Version of the fields that records have.
    async fn schema_version(&self) -> i32 {
        SCHEMA_VERSION
    }

    /// Hash of the vocabularies.
    async fn vocabulary_hash(&self) -> &str {
        vocabulary::hash()
    }

    /// The search index; null where the search has no engine, and to the systems of a region.
    async fn index(&self) -> Option<&SyncIndex> {
        self.index.as_ref()
    }

    /// Erased records that somebody still has to take.
    async fn erasures(&self) -> &SyncErasures {
        &self.erasures
    }

    /// Pushes of all records of a source that go on.
    async fn full_pushes(&self) -> &[FullPush] {
        &self.full_pushes
    }

    /// What the program does at the moment; for administrators of the instance.
    async fn activity(&self) -> Option<&SyncActivity> {
        self.activity.as_ref()
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> StatusRelations<'_> {
        StatusRelations(self)
    }
}

relations! {
    /// The nested connections of the status.
    StatusRelations of SyncStatus {
        /// Those who follow, the furthest behind first. A row comes with the first position that somebody passes as `after`,
        /// takes from a subscription, or begins with after a whole snapshot.
        clients -> SyncClientConnection = |node| Ok(&node.clients);
    }
}

async fn index(
    call: &Call,
    search: &Search,
    reader: &Reader,
    told: &StatusScope,
) -> Result<Option<SyncIndex>, DomainError> {
    if told.only_own() || !search.has_engine() {
        return Ok(None);
    }
    let Some(reached) = search.reached() else {
        return Ok(Some(SyncIndex { position: None, pending: 0, lag_seconds: 0 }));
    };
    let head = Head { feed_id: reached.feed_id, seq: reached.seq };
    let position = ChangeCursor::at(&reader.db, head, &reader.viewer).await?;
    let lag = store::lags(&reader.db, &[reached.seq]).await?.pop().unwrap_or_default();
    let lag_seconds = seconds(lag.since, call.identity.clock.now());
    Ok(Some(SyncIndex { position: Some(position), pending: lag.entries, lag_seconds }))
}

async fn clients(
    around: &Around<'_>,
    told: &StatusScope,
    field: &Selected,
) -> Result<Result<SyncClientConnection, DomainError>, DomainError> {
    let (list, row) = store::clients(around.reader.dialect(), told);
    let page = match list.page(&PageArguments::of(field), std::slice::from_ref(&row)) {
        Ok(page) => page,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let total = total_wanted(field, "SyncClientConnection");
    let db = &around.reader.db;
    let pages = list.read(db, vec![row], &page, &store::fetch(), total, store::read).await?;
    let (pages, found) = PageOf::apart(pages);
    let want = nodes_wanted(field, "SyncClientConnection", "SyncClientEdge");
    let nodes = around.nodes(found, &want).await?;
    let page = PageOf::together(pages, nodes).pop();
    Ok(page.map(SyncClientConnection::new).ok_or_else(|| DomainError::Stored("no page".into())))
}

async fn status(
    call: &Call,
    (search, settings): (&Search, SyncSettings),
    reader: &Reader,
    want: &Selection,
) -> Result<Option<SyncStatus>, DomainError> {
    let Some(told) = StatusScope::of(call) else { return Ok(None) };
    let (identity, wants) = (&call.identity, |name: &str| want.has("SyncStatus", &[name]));
    let state = feed::store::state(&reader.db, None).await?;
    let scope = Following::new(&reader.viewer, None, None)?.scope;
    let around = Around { call, reader, state, names: true };
    let mut answers = ByKey::default();
    for field in want.each("SyncStatus", "clients") {
        answers.put(&field, clients(&around, &told, &field).await?);
    }
    let erasures = if wants("erasures") {
        let found = store::outstanding(&reader.db, &told, indexed(search), due(identity, settings)).await?;
        SyncErasures { outstanding: found.records, overdue: found.overdue }
    } else {
        SyncErasures { outstanding: 0, overdue: 0 }
    };
    let full_pushes = if wants("fullPushes") {
        let regions = told.regions.iter().chain(&reader.viewer.pushes);
        let regions: Vec<String> = regions.cloned().collect();
        full::running(identity, &reader.db, (!told.all).then_some(regions.as_slice())).await?
    } else {
        Vec::new()
    };
    Ok(Some(SyncStatus {
        instance_id: identity.instance(identity.db.writer()).await?,
        head: feed::end_of(&state, scope),
        state,
        index: if wants("index") { index(call, search, reader, &told).await? } else { None },
        erasures,
        full_pushes: full_pushes.into_iter().map(FullPush::from).collect(),
        activity: told.all.then(|| SyncActivity {
            streams: whole(identity.traffic.streams()),
            snapshots: whole(identity.traffic.snapshots()),
        }),
        clients: answers,
    }))
}

/// A client that has followed a record which is erased.
#[derive(Clone, Debug, SimpleObject)]
pub struct ErasureRecipient {
    /// The client. Accounts are named to administrators of the instance alone.
    pub client: SyncClientNode,
    /// Whether it has done with the entry of the log that says so. Who has begun to follow after it never had the record.
    pub passed: bool,
}

connection!(
    ErasureRecipientConnection,
    ErasureRecipientEdge,
    ErasureRecipient,
    "clients that have followed a record which is erased"
);

/// The status of an erasure.
#[derive(Clone, Debug)]
pub struct ErasureStatus {
    id: Uuid,
    erased: Erased,
    lacking: i64,
    index_passed: Option<bool>,
    is_late: bool,
    clients: ByKey<ErasureRecipientConnection>,
}

/// Who has taken that a record is erased: of those who have an API key or an account and follow a view in which it ever
/// was. Nobody knows who has read it without signing in.
#[Object]
impl ErasureStatus {
    /// Id of the record.
    async fn id(&self) -> ID {
        graphql_id(self.erased.record_type.prefix(), self.id)
    }

    /// Its type.
    async fn record_type(&self) -> RecordType {
        self.erased.record_type
    }

    /// When it was erased.
    async fn erased_at(&self) -> DateTime {
        self.erased.at
    }

    /// Whether all have taken it, the search index included.
    async fn complete(&self) -> bool {
        self.lacking == 0 && self.index_passed != Some(false)
    }

    /// Whether somebody has not taken it within 24 hours, unless the operator has said another number.
    async fn overdue(&self) -> bool {
        self.is_late && (self.lacking > 0 || self.index_passed == Some(false))
    }

    /// How many clients have not taken it yet.
    async fn outstanding(&self) -> i64 {
        self.lacking
    }

    /// Whether the search index has taken it; null where the search has no engine, or nobody knows yet.
    async fn index_passed(&self) -> Option<bool> {
        self.index_passed
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> ErasureRelations<'_> {
        ErasureRelations(self)
    }
}

relations! {
    /// The nested connections of an erased record.
    ErasureRelations of ErasureStatus {
        /// The clients, the furthest behind first.
        clients -> ErasureRecipientConnection = |node| Ok(&node.clients);
    }
}

async fn recipients(
    around: &Around<'_>,
    (of, id): (RecordType, Uuid),
    field: &Selected,
) -> Result<Result<ErasureRecipientConnection, DomainError>, DomainError> {
    let (reader, dialect) = (around.reader, around.reader.dialect());
    let (list, row) = store::recipients(dialect, of, id);
    let page = match list.page(&PageArguments::of(field), std::slice::from_ref(&row)) {
        Ok(page) => page,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (total, fetch) =
        (total_wanted(field, "ErasureRecipientConnection"), store::fetch_recipients(dialect));
    let pages = list.read(&reader.db, vec![row], &page, &fetch, total, store::read_recipient).await?;
    let (pages, found) = PageOf::apart(pages);
    let want = nodes_wanted(field, "ErasureRecipientConnection", "ErasureRecipientEdge");
    let want = want.below("ErasureRecipient", "client").unwrap_or_default();
    let (found, passed): (Vec<Client>, Vec<bool>) = found.into_iter().unzip();
    let nodes = around.nodes(found, &want).await?.into_iter().zip(passed);
    let nodes = nodes.map(|(client, passed)| ErasureRecipient { client, passed }).collect();
    let page = PageOf::together(pages, nodes).pop();
    Ok(page.map(ErasureRecipientConnection::new).ok_or_else(|| DomainError::Stored("no page".into())))
}

/// Decodes the type and id of a record.
fn decode(text: &str) -> Result<(RecordType, Uuid), DomainError> {
    let (prefix, id) = id::decode_any("id", text)?;
    let of = all_of::<RecordType>().find(|of| of.prefix() == prefix);
    let message = "Only records are erased: pass the id of a talent or an affiliation.";
    Ok((of.ok_or_else(|| DomainError::bad_input("id", message))?, id))
}

async fn erasure(
    call: &Call,
    (search, settings): (&Search, SyncSettings),
    reader: &Reader,
    text: &str,
    want: &Selection,
) -> Result<Option<ErasureStatus>, DomainError> {
    let (of, id) = decode(text)?;
    let viewer = &reader.viewer;
    if !viewer.is_staff() {
        return Ok(None);
    }
    let Some(erased) = store::erased(&reader.db, id).await?.filter(|erased| erased.record_type == of) else {
        return Ok(None);
    };
    if !viewer.is_staff_of_any(erased.regions.iter().map(String::as_str)) {
        return Ok(None);
    }
    let state = feed::store::state(&reader.db, None).await?;
    let around = Around { call, reader, state, names: viewer.admin };
    let mut clients = ByKey::default();
    for field in want.each("ErasureStatus", "clients") {
        clients.put(&field, recipients(&around, (of, id), &field).await?);
    }
    let lacking = if want.has("ErasureStatus", &["complete", "overdue", "outstanding"]) {
        store::lacking(&reader.db, of, id).await?
    } else {
        0
    };
    let index_passed = search.reached().map(|reached| erased.seq.is_none_or(|seq| seq <= reached.seq));
    let is_late = erased.at < due(&call.identity, settings);
    Ok(Some(ErasureStatus { id, erased, lacking, index_passed, is_late, clients }))
}

/// The search, which follows the log too, and the settings for those who follow it.
fn services<'a>(ctx: &Context<'a>) -> GraphqlResult<(&'a Search, SyncSettings)> {
    Ok((ctx.data()?, *ctx.data()?))
}

/// Queries of the status of clients.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatusQuery;

/// Queries of the status of clients.
#[Object]
impl StatusQuery {
    /// How this deployment and those who follow it are getting on; for administrators of the instance or a region, and for
    /// systems of a region (`SYNC_PARTNER`) as far as it concerns them. Null for everybody else.
    async fn sync_status(&self, ctx: &Context<'_>) -> GraphqlResult<Option<SyncStatus>> {
        let reader: &Arc<Reader> = Reader::of(ctx)?;
        status(Call::of(ctx)?, services(ctx)?, reader, &Selection::of(ctx)).await.graphql()
    }

    /// Who has taken that a record is erased. For administrators of the instance, and the staff of the regions in whose
    /// views it was; null for everybody else, and for a record that is not erased.
    async fn erasure_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the record, as it was: of a talent or an affiliation.")] id: ID,
    ) -> GraphqlResult<Option<ErasureStatus>> {
        erasure(Call::of(ctx)?, services(ctx)?, Reader::of(ctx)?, &id, &Selection::of(ctx)).await.graphql()
    }
}
