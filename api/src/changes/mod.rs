//! The change log: what changed, in order, without contents.
//!
//! Numbers come from the counter row in the last statement before COMMIT (see [`append`]): the row stays
//! locked until the commit is visible, so a reader sees a prefix of the log, with no holes.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::RecordType;
use crate::record::error::DomainError;
use crate::record::policy::Visibility;
use crate::record::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use crate::record::value::DateTime;

pub mod cursor;
pub mod lease;

pub use cursor::ChangeCursor;

/// What happened to a record in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// It is there, as it stands now.
    Upsert,
    /// It was deleted.
    Delete,
    /// It has left this view.
    Leave,
    /// It was erased, with all that was known of it.
    Erase,
}

impl Operation {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upsert => "UPSERT",
            Self::Delete => "DELETE",
            Self::Leave => "LEAVE",
            Self::Erase => "ERASE",
        }
    }

    /// The operation of a name in the database.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where there is none.
    pub fn of(name: &str) -> Result<Self, DomainError> {
        let all = [Self::Upsert, Self::Delete, Self::Leave, Self::Erase];
        let found = all.into_iter().find(|operation| operation.name() == name);
        found.ok_or_else(|| DomainError::Stored(format!("no such operation: {name}")))
    }
}

/// One entry of the log. It holds no payload, no name, no external id, no account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Type of the record.
    pub record_type: RecordType,
    /// The record.
    pub record_id: Uuid,
    /// What happened.
    pub operation: Operation,
    /// The record's revision after it.
    pub revision: i32,
    /// Region of the view.
    pub region: String,
    /// Visibility of the view.
    pub visibility: Visibility,
    /// Instance or source where the change was made.
    pub origin: String,
    /// Random bits that tell a forked log.
    pub tag: i32,
}

const COLUMNS: &[(&str, KeyType)] = &[
    ("record_type", KeyType::Text),
    ("record_id", KeyType::Id),
    ("op", KeyType::Text),
    ("revision", KeyType::Int),
    ("region", KeyType::Text),
    ("visibility", KeyType::Int),
    ("origin", KeyType::Text),
    ("tag", KeyType::Int),
];

impl Change {
    fn into_row(self) -> KeyRow {
        vec![
            KeyValue::Text(self.record_type.name().to_owned()),
            KeyValue::Id(self.record_id),
            KeyValue::Text(self.operation.name().to_owned()),
            KeyValue::Int(self.revision.into()),
            KeyValue::Text(self.region),
            KeyValue::Int(self.visibility.code().into()),
            KeyValue::Text(self.origin),
            KeyValue::Int(self.tag.into()),
        ]
    }
}

/// Appends the changes of a transaction to the log. Must be its last statement before COMMIT.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn append(
    tx: &impl ConnectionTrait,
    dialect: Dialect,
    changes: Vec<Change>,
    at: DateTime,
) -> Result<(), DomainError> {
    append_part(tx, dialect, changes, at, None).await.map(|_| ())
}

/// Appends a part of the changes of a transaction that is too large for one statement. The parts must be its
/// last statements before COMMIT. `first` is the number of the transaction's first change, which the first
/// part answers.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn append_part(
    tx: &impl ConnectionTrait,
    dialect: Dialect,
    changes: Vec<Change>,
    at: DateTime,
    first: Option<i64>,
) -> Result<Option<i64>, DomainError> {
    if changes.is_empty() {
        return Ok(first);
    }
    let count = changes.len();
    let rows: Vec<KeyRow> = changes.into_iter().map(Change::into_row).collect();
    let keys = KeyColumns::new(COLUMNS);
    let source = keys.source(dialect);
    let logged = "k.record_type, k.record_id, k.op, k.revision, k.region, k.visibility, k.origin, k.tag";
    let columns = "seq, tx_seq, at, record_type, record_id, op, revision, region, visibility, origin, tag";
    let upsert = "ON CONFLICT (record_id, region, visibility) DO UPDATE SET last_seq = excluded.last_seq, op = excluded.op";
    let now = at.micros();
    match dialect {
        Dialect::Postgres => {
            let sql = format!(
                "WITH k AS (SELECT * FROM {source}), \
                 counter AS (UPDATE feed_meta SET head = head + {count} WHERE id = 1 RETURNING head - {count} AS base), \
                 logged AS (INSERT INTO change_log ({columns}) \
                 SELECT counter.base + k.n, {tx_seq}, {now}, {logged} FROM counter CROSS JOIN k), \
                 heads AS (INSERT INTO view_head (record_id, region, visibility, last_seq, op) \
                 SELECT k.record_id, k.region, k.visibility, counter.base + k.n, k.op FROM counter CROSS JOIN k {upsert}) \
                 SELECT 1::bigint, {tx_seq} FROM counter",
                tx_seq =
                    first.map_or_else(|| "counter.base + 1".to_owned(), |first| format!("{first}::bigint")),
            );
            let found = KeyedStatement { sql, keys }.query(tx, dialect, rows).await?;
            found.into_iter().next().map(|(_, mut row)| row.get()).transpose()
        }
        Dialect::Sqlite => {
            let raise =
                format!("UPDATE feed_meta SET head = head + {count} WHERE id = 1 RETURNING head - {count}");
            let raised = tx.query_one_raw(Statement::from_string(dialect.backend(), raise)).await?;
            let base: i64 = raised
                .ok_or_else(|| DomainError::Stored("the counter of the change log is missing".into()))?
                .try_get_by_index(0)?;
            let tx_seq = first.unwrap_or(base + 1);
            let log = format!(
                "INSERT INTO change_log ({columns}) SELECT {base} + k.n, {tx_seq}, {now}, {logged} FROM {source}"
            );
            KeyedStatement { sql: log, keys: keys.clone() }.execute(tx, dialect, rows.clone()).await?;
            let head = format!(
                "INSERT INTO view_head (record_id, region, visibility, last_seq, op) \
                 SELECT k.record_id, k.region, k.visibility, {base} + k.n, k.op FROM {source} WHERE TRUE {upsert}"
            );
            KeyedStatement { sql: head, keys }.execute(tx, dialect, rows).await?;
            Ok(Some(tx_seq))
        }
    }
}

/// An entry as a follower reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: i64,
    /// Type of the record.
    pub record_type: RecordType,
    /// The record.
    pub record_id: Uuid,
    /// What happened.
    pub operation: Operation,
    /// The record's revision after it.
    pub revision: i32,
}

/// Reads the log after a number, in order, at most so many entries.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn after(db: &Arc<Database>, seq: i64, limit: u32) -> Result<Vec<Entry>, DomainError> {
    let keys = KeyColumns::new(&[("after", KeyType::Int)]);
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, c.seq, c.record_type, c.record_id, c.op, c.revision FROM {} {} change_log AS c ON c.seq > k.after \
             ORDER BY c.seq LIMIT {limit}",
            keys.source(db.dialect()),
            db.dialect().join(),
        ),
        keys,
    };
    // The limit is the whole statement's: it must not carry another reader's key.
    let rows = db.read_alone(&statement, vec![vec![KeyValue::Int(seq)]]).await?;
    let entry = |(_, mut row): (usize, Row)| {
        Ok(Entry {
            seq: row.get()?,
            record_type: row.name()?,
            record_id: row.get()?,
            operation: Operation::of(&row.get::<String>()?)?,
            revision: row.get()?,
        })
    };
    rows.into_iter().map(entry).collect()
}

/// Where the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The feed.
    pub feed_id: Uuid,
    /// The number of its last entry.
    pub seq: i64,
}

/// The end of the log.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn head(db: &Arc<Database>) -> Result<Head, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, f.feed_id, f.head FROM {} {} feed_meta AS f ON f.id = k.id",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(1)]]).await?;
    let (_, mut row) =
        rows.into_iter().next().ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
    Ok(Head { feed_id: row.get()?, seq: row.get()? })
}

/// The random bits of an entry; nothing where it is not there.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn tag(db: &Arc<Database>, seq: i64) -> Result<Option<i32>, DomainError> {
    let keys = KeyColumns::new(&[("seq", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, c.tag FROM {} {} change_log AS c ON c.seq = k.seq",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(seq)]]).await?;
    rows.into_iter().next().map(|(_, mut row)| row.get()).transpose()
}
