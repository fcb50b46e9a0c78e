//! Digests: checksums of the records that a follower should hold, in all views that it may read.
//!
//! A digest is 256 numbers, by which two systems find out whether they hold the same records. A bucket has the records
//! whose ids have a hash that begins with its byte. Its number is the sum, without carry, of the first 64 bits of the
//! hash of each record's type, id, revision and content hash. Where a number differs, the records of that bucket are
//! compared one by one.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::feed::graphql::following;
use super::feed::scope::Following;
use super::feed::{self, store};
use directory::KINDS;
use identity::caller::Call;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{encode, graphql_id};
use kernel::policy::Viewer;
use kernel::read::keyed::hex;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::{RecordType, all_of};
use records::changes::ChangeCursor;

/// Records in one read.
const PAGE: usize = 1000;
/// Buckets of a digest.
const BUCKETS: usize = 256;

/// A record that a follower should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its type.
    pub record_type: RecordType,
    /// The record.
    pub id: Uuid,
    /// Its revision.
    pub revision: i32,
    /// Instance or source where the revision was made.
    pub origin: String,
    /// The hash of its fields, in hexadecimal; empty where the reader does not write the records of its region.
    pub content_hash: String,
}

impl Held {
    /// The number of its bucket.
    fn bucket(&self) -> u8 {
        Sha256::digest(encode(self.record_type.prefix(), self.id))[0]
    }

    /// The number that it adds to its bucket.
    fn sum(&self) -> u64 {
        let (of, id) = (self.record_type, encode(self.record_type.prefix(), self.id));
        let hash = Sha256::digest(format!("{}\n{id}\n{}\n{}", of.name(), self.revision, self.content_hash));
        hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// A walk through the records of a type that a follower should hold, in the order of their ids.
#[derive(Debug)]
pub struct Walk<'a> {
    db: &'a Arc<Database>,
    viewer: &'a Viewer,
    of: RecordType,
    statement: KeyedStatement,
    after: Option<Uuid>,
}

impl<'a> Walk<'a> {
    /// Begins a walk.
    pub fn new(db: &'a Arc<Database>, viewer: &'a Viewer, following: &Following, of: RecordType) -> Self {
        let (dialect, table) = (db.dialect(), of.prefix());
        let views = following.views.iter().map(|(region, visibility)| {
            format!("(v.region = '{}' AND v.visibility = {})", region.replace('\'', "''"), visibility.code())
        });
        let views = views.collect::<Vec<_>>().join(" OR ");
        let some = format!(
            "SELECT t.id FROM {table} AS t WHERE t.id > k.after AND {} ORDER BY t.id LIMIT {PAGE}",
            KINDS.of(of).sees(viewer, dialect, "t"),
        );
        let keys = KeyColumns::new(&[("after", KeyType::Id)]);
        let sql = format!(
            "SELECT k.n, r.id, v.region, s.revision, s.origin, s.content_hash FROM {} {} \
             LEFT JOIN view_head AS v ON v.record_id = r.id AND v.op = 'UPSERT' AND ({}) \
             LEFT JOIN sync_record AS s ON s.record_id = r.id ORDER BY r.id",
            keys.source(dialect),
            dialect.join_some(table, "id", &some),
            if views.is_empty() { "FALSE" } else { &views },
        );
        Self { db, viewer, of, statement: KeyedStatement { sql, keys }, after: Some(Uuid::nil()) }
    }

    /// Reads the next records, which may be none; `None` at the end.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn next(&mut self) -> Result<Option<Vec<Held>>, DomainError> {
        let Some(after) = self.after else { return Ok(None) };
        let rows = self.db.read_alone(&self.statement, vec![vec![KeyValue::Id(after)]]).await?;
        let full = rows.len() >= PAGE;
        let mut held = Vec::with_capacity(rows.len());
        let mut last = None;
        for (_, mut row) in rows {
            let (id, region): (Uuid, Option<String>) = (row.get()?, row.get()?);
            last = Some(id);
            if let Some(region) = region {
                held.push(self.held(id, &region, &mut row)?);
            }
        }
        self.after = last.filter(|_| full);
        Ok(Some(held))
    }

    fn held(&self, id: Uuid, region: &str, row: &mut Row) -> Result<Held, DomainError> {
        let (revision, origin, hash): (i32, String, Vec<u8>) = (row.get()?, row.get()?, row.get()?);
        let content_hash = if self.viewer.writes_in(region) { hex(&hash) } else { String::new() };
        Ok(Held { record_type: self.of, id, revision, origin, content_hash })
    }
}

/// The digest of the records that a follower should hold.
#[derive(Clone, Debug)]
pub struct SyncDigest {
    cursor: ChangeCursor,
    count: i64,
    buckets: Vec<u64>,
}

/// What somebody should hold who follows, in 256 numbers. Two systems that follow the same hold the same if their numbers
/// are equal.
#[Object]
impl SyncDigest {
    /// The position that the digest is of: compare it with what you hold when you have followed up to here.
    async fn cursor(&self) -> &ChangeCursor {
        &self.cursor
    }

    /// How many records there are.
    async fn count(&self) -> i64 {
        self.count
    }

    /// 256 numbers of 64 bits, in hexadecimal. Number `n` is the sum, without carry beyond 64 bits, of all records for which
    /// the SHA-256 of `recordId` begins with byte `n`; a record adds the first 8 bytes, as a big-endian number, of the
    /// SHA-256 of `recordType`, `recordId`, `revision` and `contentHash` (empty where it is null), with a line feed
    /// (U+000A) between each.
    async fn buckets(&self) -> Vec<String> {
        self.buckets.iter().map(|sum| format!("{sum:016x}")).collect()
    }
}

/// A record of a bucket of a digest.
#[derive(Clone, Debug, SimpleObject)]
pub struct SyncBucketEntry {
    /// Type of the record.
    pub record_type: RecordType,
    /// Id of the record.
    pub record_id: ID,
    /// Its revision.
    pub revision: i32,
    /// Hash of its fields, in hexadecimal; null where you do not write the records of its region.
    pub content_hash: Option<String>,
}

/// Adds all records that a caller should hold to `sum`, in one snapshot. Returns it with the snapshot's position.
async fn walk<T: Send + 'static>(
    call: &Call,
    reader: &Reader,
    following: Following,
    mut sum: T,
    add: impl Fn(&mut T, Held) + Send + 'static,
) -> Result<(ChangeCursor, T), DomainError> {
    let (identity, viewer, db) = (call.identity.clone(), call.viewer().clone(), Arc::clone(&reader.db));
    let task = identity.tasks.spawn(async move {
        let db = db.snapshot().await?;
        let cursor = feed::end_of(&store::state(&db, None).await?, following.scope.clone());
        for of in all_of::<RecordType>().filter(|of| following.follows(*of)) {
            let mut walk = Walk::new(&db, &viewer, &following, of);
            while let Some(held) = walk.next().await? {
                for one in held {
                    add(&mut sum, one);
                }
            }
        }
        Ok((cursor, sum))
    });
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}

async fn digest(call: &Call, reader: &Reader, following: Following) -> Result<SyncDigest, DomainError> {
    let add = |(count, buckets): &mut (i64, Vec<u64>), held: Held| {
        *count += 1;
        let bucket = &mut buckets[usize::from(held.bucket())];
        *bucket = bucket.wrapping_add(held.sum());
    };
    let (cursor, (count, buckets)) = walk(call, reader, following, (0, vec![0; BUCKETS]), add).await?;
    Ok(SyncDigest { cursor, count, buckets })
}

async fn bucket(
    call: &Call,
    reader: &Reader,
    following: Following,
    number: i32,
) -> Result<Vec<SyncBucketEntry>, DomainError> {
    let wrong =
        || DomainError::bad_input("bucket", format!("`bucket` is {number}: it must be from 0 to 255."));
    let number = u8::try_from(number).map_err(|_| wrong())?;
    let add = move |found: &mut Vec<SyncBucketEntry>, held: Held| {
        if held.bucket() == number {
            found.push(SyncBucketEntry {
                record_type: held.record_type,
                record_id: graphql_id(held.record_type.prefix(), held.id),
                revision: held.revision,
                content_hash: Some(held.content_hash).filter(|hash| !hash.is_empty()),
            });
        }
    };
    Ok(walk(call, reader, following, Vec::new(), add).await?.1)
}

/// Queries of digests.
#[derive(Clone, Copy, Debug, Default)]
pub struct DigestQuery;

/// Queries of digests.
#[Object]
impl DigestQuery {
    /// What you should hold who follow these types and regions, in 256 numbers: equal to yours, if nothing was missed.
    async fn sync_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only records of these types; of all where none is given.")] types: Option<
            Vec<RecordType>,
        >,
        #[graphql(desc = "Only records of these regions, by slug; of all where none is given.")]
        regions: Option<Vec<String>>,
    ) -> GraphqlResult<SyncDigest> {
        let call = Call::of(ctx)?;
        let following = following(call, types.as_deref(), regions.as_deref()).graphql()?;
        digest(call, Reader::of(ctx)?, following).await.graphql()
    }

    /// The records of one bucket of that digest, to find out what differs.
    async fn sync_bucket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of the bucket, from 0 to 255.")] bucket: i32,
        #[graphql(desc = "Only records of these types; of all where none is given.")] types: Option<
            Vec<RecordType>,
        >,
        #[graphql(desc = "Only records of these regions, by slug; of all where none is given.")]
        regions: Option<Vec<String>>,
    ) -> GraphqlResult<Vec<SyncBucketEntry>> {
        let call = Call::of(ctx)?;
        let following = following(call, types.as_deref(), regions.as_deref()).graphql()?;
        self::bucket(call, Reader::of(ctx)?, following, bucket).await.graphql()
    }
}
