//! The feed: the changes since a position, as the caller may see them.
//!
//! A page is read in one snapshot: the entries, the records as they are now, and the end of the log agree. Of each
//! record only the newest entry in each view is shown. Records that the caller may not read now are left out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use self::scope::Following;
use self::store::{LogState, Newest};
use crate::node::{self, Node};
use identity::Identity;
use identity::caller::Call;
use kernel::error::DomainError;
use kernel::error::fault::CursorFault;
use kernel::provenance::ExternalId;
use kernel::read::Selection;
use kernel::read::keyed::hex;
use kernel::reader::{Reader, ShownContact};
use kernel::{RecordType, all_of};
use records::changes::acknowledged;
use records::changes::{ChangeCursor, Operation, Scope};
use records::write::replica;

pub mod graphql;
pub mod scope;
pub mod store;
pub mod subscription;
pub mod watch;

/// Entries on a page at most.
pub const MAX_PAGE: usize = 500;
/// Entries that are read for one page at most. Where few of them pass the filters, a page may be empty.
const MAX_LOOKED_AT: usize = 5000;

/// A request for a page of the feed.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// The types, regions and views.
    pub following: Following,
    /// The records, whose entries are then on one page; `None` for all.
    pub only: Option<Arc<[(RecordType, Uuid)]>>,
    /// The position to go on from; `None` for the beginning.
    pub after: Option<ChangeCursor>,
    /// Entries at most.
    pub first: usize,
    /// The origin whose changes are left out, mostly the caller itself.
    pub exclude_origin: Option<String>,
    /// The selection set of the records.
    pub record: Selection,
    /// Whether the canonical JSON of the records is requested.
    pub canonical: bool,
    /// Whether the number of remaining entries is requested.
    pub pending: bool,
}

/// An entry of the feed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The entry of the log.
    pub entry: Newest,
    /// Its position.
    pub cursor: ChangeCursor,
    /// The record as it is now; `None` where the entry removes it.
    pub record: Option<Node>,
    /// Hash of its fields, in hexadecimal, where the reader writes the records of its region.
    pub content_hash: Option<String>,
    /// The fields as canonical JSON, where they were requested and the reader may have their hash.
    pub canonical: Option<String>,
    /// Whether no other entry of the same transaction follows.
    pub last_of_transaction: bool,
}

impl Change {
    /// Returns which contact data of a person `canonical` shows, in its fields or in claims on these.
    pub fn contact(&self) -> ShownContact {
        let told = self.canonical.as_ref().filter(|_| self.entry.record_type == RecordType::Talent);
        let fields: Value = told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let claims = fields["claims"].as_array().map(Vec::as_slice).unwrap_or_default();
        let shows = |field: &str| !fields[field].is_null() || claims.iter().any(|one| one["field"] == field);
        ShownContact { email: shows("email"), phone: shows("phone") }
    }

    /// The id in the system that owns the record, where the reader may know it: not of records that were hidden or
    /// erased, nor of personal ones that were deleted.
    pub fn external_id(&self) -> Option<ExternalId> {
        let known = match self.entry.operation {
            Operation::Upsert => true,
            Operation::Delete => !self.entry.record_type.is_personal(),
            Operation::Leave | Operation::Erase => false,
        };
        let (source, id) = self.entry.external.clone().filter(|_| known)?;
        Some(ExternalId { source, id })
    }
}

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its entries.
    pub changes: Vec<Change>,
    /// The position after it.
    pub cursor: ChangeCursor,
    /// Whether there is more.
    pub has_more: bool,
    /// The position at the end of the log.
    pub head: ChangeCursor,
    /// The number of remaining entries; 0 where it was not requested.
    pub pending: i64,
}

/// Notes that the caller has processed all changes up to a position, which was found valid.
pub fn acknowledge(call: &Call, following: &Following, cursor: &ChangeCursor) {
    let types: Vec<RecordType> = following.followed_types().collect();
    let position = acknowledged::Position { cursor, types: &types, views: &following.views };
    acknowledged::note(&call.identity, call.viewer(), &position);
}

/// Reads the position at the end of the log, for a reader of all views that they may see.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn end(reader: &Reader) -> Result<ChangeCursor, DomainError> {
    let state = store::state(&reader.db, None).await?;
    Ok(end_of(&state, Scope::of(&reader.viewer)))
}

/// The position at the end of the log, for a reader who begins there.
pub fn end_of(state: &LogState, scope: Scope) -> ChangeCursor {
    at_head(state, scope, state.head)
}

fn at_head(state: &LogState, scope: Scope, base: i64) -> ChangeCursor {
    ChangeCursor { feed_id: state.feed_id, seq: state.head, tag: state.head_tag, base, scope }
}

/// Reads a page in a task of its own, so that a request that is dropped does not leave the snapshot open.
///
/// # Errors
/// [`CursorFault`] where the reader cannot go on from there, [`DomainError::Database`].
pub async fn page(identity: &Identity, reader: &Reader, asked: PageRequest) -> Result<Page, DomainError> {
    let (db, viewer) = (Arc::clone(&reader.db), reader.viewer.clone());
    let (languages, now) = (reader.languages.clone(), reader.now);
    let own = identity.clone();
    let task = identity.tasks.spawn(async move {
        let snapshot = Reader::new(db.snapshot().await?, viewer, languages, now);
        read(&own, &snapshot, &asked).await
    });
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}

/// Checks the position of a reader against the log, and returns it.
fn position(state: &LogState, asked: &PageRequest) -> Result<ChangeCursor, CursorFault> {
    let Some(after) = &asked.after else {
        let scope = asked.following.scope.clone();
        return Ok(ChangeCursor { feed_id: state.feed_id, seq: 0, tag: 0, base: state.head, scope });
    };
    if after.feed_id != state.feed_id {
        return Err(if state.had_feed { CursorFault::FeedChanged } else { CursorFault::Invalid });
    }
    if after.seq < 0 || after.base < 0 {
        return Err(CursorFault::Invalid);
    }
    if after.seq > state.head {
        return Err(CursorFault::Ahead);
    }
    // A pruned entry has no tag to compare with, and a position without an entry has the tag 0.
    if after.tag != 0 && state.tag.is_some_and(|tag| tag != after.tag) {
        return Err(CursorFault::Forked);
    }
    if after.seq.max(after.base) < state.floor {
        return Err(CursorFault::Expired);
    }
    asked.following.continues(after)?;
    Ok(after.clone())
}

async fn read(identity: &Identity, reader: &Reader, asked: &PageRequest) -> Result<Page, DomainError> {
    let state = store::state(&reader.db, asked.after.as_ref()).await?;
    let mut cursor = position(&state, asked).map_err(DomainError::Cursor)?;
    let base = cursor.base;
    let mut looked_at = 0;
    let mut entries: Vec<Newest> = Vec::new();
    // The first entry after those of the page.
    let mut next: Option<Newest> = None;
    let mut exhausted = false;
    if let Some(ids) = &asked.only {
        entries = store::newest_of(&reader.db, ids, cursor.seq).await?;
        entries.retain(|entry| shows(&asked.following, entry) && wanted(asked, entry, base));
        exhausted = true;
    }
    while entries.len() < asked.first && looked_at < MAX_LOOKED_AT && !exhausted {
        let limit = asked.first - entries.len() + 1;
        let mut found = store::newest_after(&reader.db, &asked.following, cursor.seq, limit).await?;
        exhausted = found.len() < limit;
        looked_at += found.len();
        next = if exhausted { None } else { found.pop() };
        if let Some(last) = found.last() {
            (cursor.seq, cursor.tag) = (last.seq, last.tag);
        }
        entries.extend(found.into_iter().filter(|entry| wanted(asked, entry, base)));
    }
    if exhausted {
        (cursor.seq, cursor.tag) = (state.head, state.head_tag);
    }
    let mut records = records(reader, asked, &entries).await?;
    let shown: Vec<Newest> = entries
        .into_iter()
        .filter(|entry| {
            let readable = records.contains_key(&entry.record_id);
            match entry.operation {
                Operation::Upsert => readable,
                Operation::Leave => !readable,
                Operation::Delete | Operation::Erase => true,
            }
        })
        .collect();
    let mut canonical = canonical(identity, reader, asked, &shown).await?;
    let transactions: Vec<i64> = shown.iter().map(|entry| entry.tx_seq).collect();
    let after_page = next.filter(|next| wanted(asked, next, base)).map(|next| next.tx_seq);
    let changes = shown.into_iter().enumerate().map(|(index, entry)| {
        let following = transactions.get(index + 1).copied().or(after_page);
        Change {
            cursor: ChangeCursor { seq: entry.seq, tag: entry.tag, ..cursor.clone() },
            last_of_transaction: following != Some(entry.tx_seq),
            content_hash: entry.content_hash.as_deref().filter(|_| knows_fields(reader, &entry)).map(hex),
            canonical: if entry.operation == Operation::Upsert {
                canonical.remove(&entry.record_id)
            } else {
                None
            },
            record: if entry.operation == Operation::Upsert {
                records.remove(&entry.record_id)
            } else {
                None
            },
            entry,
        }
    });
    let changes = changes.collect();
    let pending = if asked.pending {
        store::count_after(&reader.db, &asked.following, cursor.seq, base).await?
    } else {
        0
    };
    let head = at_head(&state, cursor.scope.clone(), base);
    Ok(Page { changes, cursor, has_more: !exhausted, head, pending })
}

/// Whether a reader may have the canonical fields of an entry's record and their hash: only if they write the records
/// of its region.
fn knows_fields(reader: &Reader, entry: &Newest) -> bool {
    entry.operation == Operation::Upsert && reader.viewer.writes_in(&entry.region)
}

/// Reads the canonical fields of the records of entries, where they are requested and the reader may have them.
async fn canonical(
    identity: &Identity,
    reader: &Reader,
    asked: &PageRequest,
    entries: &[Newest],
) -> Result<HashMap<Uuid, String>, DomainError> {
    let mut texts = HashMap::new();
    let Some(tx) = reader.db.transaction().filter(|_| asked.canonical) else { return Ok(texts) };
    for of in all_of::<RecordType>() {
        let told = entries.iter().filter(|entry| entry.record_type == of && knows_fields(reader, entry));
        let ids: Vec<Uuid> = told.map(|entry| entry.record_id).collect();
        let found = replica::canonical(identity, tx, of, &ids).await?;
        texts.extend(found.into_iter().map(|(id, canonical)| (id, canonical.text)));
    }
    Ok(texts)
}

/// Whether an entry of a record that was named may be shown. Its removals are those of the followed views. Elsewhere a
/// reader may see the record itself, such as their own profile, so the record decides when it is read.
fn shows(following: &Following, entry: &Newest) -> bool {
    let view = (entry.region.clone(), entry.visibility);
    entry.operation == Operation::Upsert || following.views.contains(&view)
}

/// Whether an entry passes the filters of the request. Removals from before the reader's beginning do not: the reader
/// never had these records.
fn wanted(asked: &PageRequest, entry: &Newest, base: i64) -> bool {
    let gone = entry.operation != Operation::Upsert && entry.seq <= base;
    !gone
        && asked.following.follows(entry.record_type)
        && asked.exclude_origin.as_ref() != Some(&entry.origin)
}

/// Reads the records of entries that are in a followed view now, as the reader may see them: one keyed read for each
/// type.
async fn records(
    reader: &Reader,
    asked: &PageRequest,
    entries: &[Newest],
) -> Result<HashMap<Uuid, Node>, DomainError> {
    let left = entries.iter().filter(|entry| entry.operation == Operation::Leave);
    let left: Vec<Uuid> = left.map(|entry| entry.record_id).collect();
    let now_in = store::present_views(&reader.db, &left).await?;
    let mut ids: BTreeSet<(RecordType, Uuid)> = BTreeSet::new();
    for entry in entries {
        let is_there = match entry.operation {
            Operation::Upsert => true,
            Operation::Leave => {
                now_in.get(&entry.record_id).is_some_and(|view| asked.following.views.contains(view))
            }
            Operation::Delete | Operation::Erase => false,
        };
        if is_there {
            ids.insert((entry.record_type, entry.record_id));
        }
    }
    let ids: Vec<(RecordType, Uuid)> = ids.into_iter().collect();
    let nodes = node::records(reader, &ids, &asked.record).await?;
    Ok(ids.into_iter().zip(nodes).filter_map(|((_, id), node)| Some((id, node?))).collect())
}
