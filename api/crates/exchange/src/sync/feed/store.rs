//! SQL of the feed: the state of the log, and the newest entries of records by view.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::scope::Following;
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::error::fault::View;
use kernel::list::NO_TIME;
use kernel::policy::{Viewer, Visibility};
use kernel::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;
use records::changes::{ChangeCursor, Head, Operation};
use records::write::rows_of;

/// The state of the log in a snapshot, and of a position in it.
#[derive(Clone, Copy, Debug)]
pub struct LogState {
    /// The feed.
    pub feed_id: Uuid,
    /// The number of the last entry.
    pub head: i64,
    /// Tombstones up to this number may be gone.
    pub floor: i64,
    /// The random bits of the last entry; 0 where there is none.
    pub head_tag: i32,
    /// The random bits of the entry at the position; `None` where the log has no entry there.
    pub tag: Option<i32>,
    /// Whether the feed of the position is an earlier one of this instance.
    pub had_feed: bool,
}

/// Reads the state of the log.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn state(db: &Database, position: Option<&ChangeCursor>) -> Result<LogState, DomainError> {
    let keys = KeyColumns::new(&[("seq", KeyType::Int), ("feed", KeyType::Id)]);
    let sql = format!(
        "SELECT k.n, f.feed_id, f.head, f.floor, h.tag, c.tag, CASE WHEN o.feed_id IS NULL THEN 0 ELSE 1 END FROM {} \
         {} feed_meta AS f ON f.id = 1 LEFT JOIN change_log AS h ON h.seq = f.head \
         LEFT JOIN change_log AS c ON c.seq = k.seq LEFT JOIN feed_history AS o ON o.feed_id = k.feed",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let key = position.map_or((0, Uuid::nil()), |cursor| (cursor.seq, cursor.feed_id));
    let key = vec![KeyValue::Int(key.0), KeyValue::Id(key.1)];
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![key]).await?;
    let (_, mut row) =
        rows.into_iter().next().ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
    Ok(LogState {
        feed_id: row.get()?,
        head: row.get()?,
        floor: row.get()?,
        head_tag: row.get::<Option<i32>>()?.unwrap_or_default(),
        tag: row.get()?,
        had_feed: row.get::<i32>()? == 1,
    })
}

/// The newest entry of a record in a view.
#[derive(Clone, Debug)]
pub struct Newest {
    /// Its number.
    pub seq: i64,
    /// The number of the first entry of the same transaction.
    pub tx_seq: i64,
    /// When it was written.
    pub at: DateTime,
    /// Type of the record.
    pub record_type: RecordType,
    /// The record.
    pub record_id: Uuid,
    /// The operation.
    pub operation: Operation,
    /// The record's revision after it.
    pub revision: i32,
    /// Region of the view.
    pub region: String,
    /// Visibility of the view.
    pub visibility: Visibility,
    /// Instance or source where the change was made.
    pub origin: String,
    /// The random bits of the entry.
    pub tag: i32,
    /// The system that owns the record, and its id there.
    pub external: Option<(String, String)>,
    /// Hash of the record's fields now.
    pub content_hash: Option<Vec<u8>>,
}

/// The columns of [`newest`]: of `view_head` as `p`, `change_log` as `c` and `sync_record` as `s`.
const NEWEST: &str = "p.last_seq, c.tx_seq, c.at, c.record_type, p.record_id, p.op, c.revision, p.region, \
    p.visibility, c.origin, c.tag, s.source, s.external_id, s.content_hash";

/// Reads the newest entries of records in the followed views after a number, in order, at most `limit`.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn newest_after(
    db: &Arc<Database>,
    following: &Following,
    after: i64,
    limit: usize,
) -> Result<Vec<Newest>, DomainError> {
    if following.views.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = db.dialect();
    let keys = KeyColumns::new(&[("after", KeyType::Int)]);
    let ranges = ranges(following, "v.last_seq, v.record_id, v.region, v.visibility, v.op", &|range| {
        format!("SELECT * FROM ({range} ORDER BY v.last_seq LIMIT {limit}) AS r")
    });
    let sql = format!(
        "WITH k AS (SELECT * FROM {}), p AS (SELECT * FROM ({ranges}) AS a ORDER BY last_seq LIMIT {limit}) \
         SELECT (SELECT k.n FROM k), {NEWEST} FROM p {} {} ORDER BY p.last_seq",
        keys.source(dialect),
        dialect.left_join_one("change_log", "c", "c.seq = p.last_seq"),
        dialect.left_join_one("sync_record", "s", "s.record_id = p.record_id"),
    );
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(after)]]).await?;
    rows.into_iter().map(|(_, row)| newest(row)).collect()
}

/// The keys of records whose entries are read, and of a position.
fn of_records(ids: &[(RecordType, Uuid)], after: i64) -> (KeyColumns, Vec<KeyRow>) {
    let keys = KeyColumns::new(&[("id", KeyType::Id), ("after", KeyType::Int)]);
    let rows = ids.iter().map(|(_, id)| vec![KeyValue::Id(*id), KeyValue::Int(after)]).collect();
    (keys, rows)
}

/// Whether the log has entries on one of these records after a number, in any view. Readers share the statement.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn any_after(
    db: &Arc<Database>,
    ids: &[(RecordType, Uuid)],
    after: i64,
) -> Result<bool, DomainError> {
    let (keys, rows) = of_records(ids, after);
    let newer = "v.record_id = k.id AND v.last_seq > k.after";
    let sql = format!(
        "SELECT k.n FROM {} {}",
        keys.source(db.dialect()),
        db.dialect().join_one("view_head", "v", newer)
    );
    Ok(!db.read(&KeyedStatement { sql, keys }, rows).await?.is_empty())
}

/// Reads the newest entries of these records after a number, in all views, in order.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn newest_of(
    db: &Arc<Database>,
    ids: &[(RecordType, Uuid)],
    after: i64,
) -> Result<Vec<Newest>, DomainError> {
    let (keys, rows) = of_records(ids, after);
    let dialect = db.dialect();
    let sql = format!(
        "SELECT k.n, {NEWEST} FROM {} {} view_head AS p ON p.record_id = k.id AND p.last_seq > k.after {} {}",
        keys.source(dialect),
        dialect.join(),
        dialect.left_join_one("change_log", "c", "c.seq = p.last_seq"),
        dialect.left_join_one("sync_record", "s", "s.record_id = p.record_id"),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, rows).await?;
    let mut found = rows.into_iter().map(|(_, row)| newest(row)).collect::<Result<Vec<_>, _>>()?;
    found.retain(|entry| ids.contains(&(entry.record_type, entry.record_id)));
    found.sort_by_key(|entry| entry.seq);
    // An id may have been named twice, once with the prefix of another type.
    found.dedup_by_key(|entry| entry.seq);
    Ok(found)
}

/// Reads the view that each of these records is in now.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn present_views(db: &Arc<Database>, ids: &[Uuid]) -> Result<HashMap<Uuid, View>, DomainError> {
    let statement = KeyedStatement::by_id(db.dialect(), |keys, then| {
        format!(
            "SELECT k.n, v.region, v.visibility FROM {keys} {then} view_head AS v ON v.record_id = k.id AND v.op = 'UPSERT'"
        )
    });
    let rows = db.read(&statement, rows_of(ids)).await?;
    let view = |(position, mut row): (usize, Row)| {
        Ok((ids[position], (row.get()?, Visibility::from_code(row.get()?))))
    };
    rows.into_iter().map(view).collect()
}

/// Counts the entries in the followed views after a number, of all types. Removals from before the reader's beginning
/// are left out.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn count_after(
    db: &Arc<Database>,
    following: &Following,
    after: i64,
    base: i64,
) -> Result<i64, DomainError> {
    if following.views.is_empty() {
        return Ok(0);
    }
    let keys = KeyColumns::new(&[("after", KeyType::Int), ("base", KeyType::Int)]);
    let ranges = ranges(following, "COUNT(*) AS entries", &|range| {
        format!("{range} AND (v.op = 'UPSERT' OR v.last_seq > (SELECT k.base FROM k))")
    });
    let sql = format!(
        "WITH k AS (SELECT * FROM {}) SELECT (SELECT k.n FROM k), SUM(entries) FROM ({ranges}) AS a",
        keys.source(db.dialect()),
    );
    let sql = match db.dialect() {
        Dialect::Postgres => sql.replace("SUM(entries)", "SUM(entries)::bigint"),
        Dialect::Sqlite => sql,
    };
    let rows = db
        .read_alone(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(after), KeyValue::Int(base)]])
        .await?;
    rows.into_iter().next().map_or(Ok(0), |(_, mut row)| row.get())
}

/// The state on which the answers to anonymous readers depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicState {
    /// The end of the log: the newest entry in the public views.
    pub head: Head,
    /// The last instants at which a public call for projects has opened, and was still open. Its status turns with the
    /// clock, before the log tells of it.
    pub turns: (i64, i64),
}

/// Reads the state on which the answers to anonymous readers depend.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn public_state(db: &Arc<Database>, now: DateTime) -> Result<PublicState, DomainError> {
    let following = Following::new(&Viewer::anonymous(), None, None)?;
    let keys = KeyColumns::new(&[("after", KeyType::Int), ("now", KeyType::Int)]);
    // One lookup at the end of the index for each view.
    let ends = ranges(&following, "MAX(v.last_seq) AS seq", &str::to_owned);
    let last = |column: &str, before: &str| {
        // As the index of the order by this column has it.
        let key = format!("COALESCE(c.{column}, -{NO_TIME})");
        format!(
            "COALESCE((SELECT {key} FROM call_for_projects AS c WHERE {key} {before} (SELECT k.now FROM k) \
             AND c.visibility = {} ORDER BY {key} DESC LIMIT 1), -{NO_TIME})",
            Visibility::Public.code(),
        )
    };
    let sql = format!(
        "WITH k AS (SELECT * FROM {}) SELECT k.n, f.feed_id, COALESCE((SELECT MAX(a.seq) FROM ({ends}) AS a), 0), \
         {}, {} FROM k {} feed_meta AS f ON f.id = 1",
        keys.source(db.dialect()),
        last("opens_at", "<="),
        last("closes_at", "<"),
        db.dialect().join(),
    );
    let key = vec![KeyValue::Int(0), KeyValue::Int(now.micros())];
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![key]).await?;
    let (_, mut row) =
        rows.into_iter().next().ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
    let head = Head { feed_id: row.get()?, seq: row.get()? };
    Ok(PublicState { head, turns: (row.get()?, row.get()?) })
}

/// The SQL of a range of the index for each view, after the number in `k`.
fn ranges(following: &Following, columns: &str, each: &dyn Fn(&str) -> String) -> String {
    let range = |(region, visibility): &(String, Visibility)| {
        each(&format!(
            "SELECT {columns} FROM view_head AS v WHERE v.region = '{}' AND v.visibility = {} \
             AND v.last_seq > (SELECT k.after FROM k)",
            region.replace('\'', "''"),
            visibility.code(),
        ))
    };
    following.views.iter().map(range).collect::<Vec<_>>().join(" UNION ALL ")
}

fn newest(mut row: Row) -> Result<Newest, DomainError> {
    Ok(Newest {
        seq: row.get()?,
        tx_seq: row.get()?,
        at: DateTime::from_micros(row.get()?),
        record_type: row.name()?,
        record_id: row.get()?,
        operation: Operation::of(&row.get::<String>()?)?,
        revision: row.get()?,
        region: row.get()?,
        visibility: Visibility::from_code(row.get()?),
        origin: row.get()?,
        tag: row.get()?,
        external: {
            let (source, id): (Option<String>, Option<String>) = (row.get()?, row.get()?);
            source.zip(id)
        },
        content_hash: row.get()?,
    })
}
