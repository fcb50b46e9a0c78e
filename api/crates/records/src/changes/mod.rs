//! The change log: which records changed, in order, without their contents.
//!
//! Numbers come from the counter row in the last statement before COMMIT (see [`append`]): the row stays
//! locked until the commit is visible, so a reader sees a prefix of the log, with no holes.
//!
//! - **Cursors** (`cursor.rs`) hold the feed, the number, 32 random bits of that entry, the end of the log when the
//!   reader began, and the scope: filter and views. So an error names the difference. Removals from before the reader
//!   began are left out.
//! - **Waiting** (`heads.rs`): one task reads the database once a second while anything waits, and at once after each
//!   commit of this program. The read is one statement: the end of the log, and one number for each query that a job
//!   has registered (`Sight`), such as the time at which the next mail is due. Nothing else polls: an idle program
//!   sends one statement a second.
//! - **Background jobs**: a `Worker` runs each `Job` and knows its period or wake-up, its lease, the back-off after
//!   failures and the stop. Data that requests leave to be written after their response is in a `Backlog`: bounded, and
//!   written in batches by a task that a stop waits for.
//! - **Leases** (`lease.rs`): a job with a period keeps its lease from run to run. Other jobs give it back after each
//!   run.
//! - **Clients** (`acknowledged.rs`): the rows of `sync_client` are deleted with the account or key, and when a client
//!   was not heard of for as long as tombstones are kept.
//! - **A new feed** (`continuity.rs`) begins if the database is another one, or older than what was read of it. The
//!   timeline of PostgreSQL is read from the present write position: the last checkpoint has the old one for minutes
//!   after a failover.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use kernel::RecordType;
use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;

pub mod acknowledged;
pub mod continuity;
pub mod cursor;
pub mod heads;
pub mod lease;
pub mod resumption;
pub mod retention;
pub mod withdrawal;

pub use cursor::{ChangeCursor, Scope};
pub use resumption::Resumption;
pub use withdrawal::Withdrawal;

/// The kind of change to a record in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The record was created or changed, or has entered this view.
    Upsert,
    /// The record was deleted.
    Delete,
    /// The record has left this view.
    Leave,
    /// The record was erased with all its personal data.
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
    /// [`DomainError::Stored`] if the name is unknown.
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
    /// The kind of change.
    pub operation: Operation,
    /// The record's revision after the change.
    pub revision: i32,
    /// Region of the view.
    pub region: String,
    /// Visibility of the view.
    pub visibility: Visibility,
    /// The instance or source where the change was made.
    pub origin: String,
    /// Random bits by which a forked log is detected.
    pub tag: i32,
    /// The audiences for which the change hides something.
    pub withdraws: Withdrawal,
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
    ("at", KeyType::Int),
    ("first", KeyType::Int),
    ("withdrawn_public", KeyType::Int),
    ("withdrawn_members", KeyType::Int),
];

impl Change {
    /// The key row of the change. Values that are equal for all changes are repeated in each row, so that the text of
    /// the statement is the same for every transaction.
    fn into_row(self, at: DateTime, first: Option<i64>, (public, members): (i64, i64)) -> KeyRow {
        vec![
            KeyValue::Text(self.record_type.name().to_owned()),
            KeyValue::Id(self.record_id),
            KeyValue::Text(self.operation.name().to_owned()),
            KeyValue::Int(self.revision.into()),
            KeyValue::Text(self.region),
            KeyValue::Int(self.visibility.code().into()),
            KeyValue::Text(self.origin),
            KeyValue::Int(self.tag.into()),
            KeyValue::Int(at.micros()),
            KeyValue::Int(first.unwrap_or_default()),
            KeyValue::Int(public),
            KeyValue::Int(members),
        ]
    }
}

/// Appends the changes of a transaction to the log. This must be the transaction's last statement before COMMIT.
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

/// Appends a part of the changes of a transaction that is too large for one statement. The parts must be the
/// transaction's last statements before COMMIT. `first` is the number of the transaction's first change, which the call
/// for the first part returns.
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
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let withdrawn = withdrawal::places(&changes);
    let rows: Vec<KeyRow> = changes.into_iter().map(|change| change.into_row(at, first, withdrawn)).collect();
    let keys = KeyColumns::new(COLUMNS);
    let source = keys.source(dialect);
    let entry = |base: &str| {
        format!(
            "INSERT INTO change_log (seq, tx_seq, at, record_type, record_id, op, revision, region, visibility, origin, \
             tag) SELECT {base} + k.n, COALESCE(NULLIF(k.first, 0), {base} + 1), k.at, k.record_type, k.record_id, k.op, \
             k.revision, k.region, k.visibility, k.origin, k.tag"
        )
    };
    let head = |base: &str| {
        format!(
            "INSERT INTO view_head (record_id, region, visibility, last_seq, op) \
             SELECT k.record_id, k.region, k.visibility, {base} + k.n, k.op"
        )
    };
    let upsert = "ON CONFLICT (record_id, region, visibility) DO UPDATE SET last_seq = excluded.last_seq, op = excluded.op";
    // Updates the numbers of the last withdrawals, if the batch has any.
    let places = |public: &str, members: &str| {
        let place = |column: &str, number: &str| {
            format!("{column} = CASE WHEN {number} > 0 THEN head + {number} ELSE {column} END")
        };
        format!("{}, {}", place("withdrawn_public", public), place("withdrawn_members", members))
    };
    let missing = || DomainError::Stored("the counter of the change log is missing".into());
    let begun: i64 = match dialect {
        Dialect::Postgres => {
            let sql = format!(
                "WITH k AS (SELECT * FROM {source}), n AS (SELECT count(*) AS n, max(k.withdrawn_public) AS in_public, \
                 max(k.withdrawn_members) AS in_members FROM k), \
                 counter AS (UPDATE feed_meta SET head = head + n.n, {} FROM n WHERE id = 1 RETURNING head - n.n AS base), \
                 logged AS ({} FROM counter CROSS JOIN k), heads AS ({} FROM counter CROSS JOIN k {upsert}) \
                 SELECT 1::bigint, counter.base + 1 FROM counter",
                places("n.in_public", "n.in_members"),
                entry("counter.base"),
                head("counter.base"),
            );
            let found = KeyedStatement { sql, keys }.query(tx, dialect, rows).await?;
            found.into_iter().next().ok_or_else(missing)?.1.get()?
        }
        // SQLite has a single writer, so the counter may be raised last.
        Dialect::Sqlite => {
            let from = format!("FROM {source} CROSS JOIN feed_meta AS f WHERE f.id = 1");
            let log = format!("{} {from}", entry("f.head"));
            KeyedStatement { sql: log, keys: keys.clone() }.execute(tx, dialect, rows.clone()).await?;
            let heads = format!("{} {from} {upsert}", head("f.head"));
            KeyedStatement { sql: heads, keys }.execute(tx, dialect, rows).await?;
            let raise = format!(
                "UPDATE feed_meta SET head = head + $1, {} WHERE id = 1 RETURNING head - $1 + 1",
                places("$2", "$3"),
            );
            let values = [count.into(), withdrawn.0.into(), withdrawn.1.into()];
            let raise = Statement::from_sql_and_values(dialect.backend(), raise, values);
            tx.query_one_raw(raise).await?.ok_or_else(missing)?.try_get_by_index(0)?
        }
    };
    Ok(first.or(Some(begun)))
}

/// An entry of the log as a follower reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the entry.
    pub seq: i64,
    /// Type of the record.
    pub record_type: RecordType,
    /// The record.
    pub record_id: Uuid,
    /// The kind of change.
    pub operation: Operation,
    /// The record's revision after the change.
    pub revision: i32,
}

/// Reads the entries after a number, in order, at most `limit`.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn after(db: &Arc<Database>, seq: i64, limit: u32) -> Result<Vec<Entry>, DomainError> {
    let keys = KeyColumns::new(&[("after", KeyType::Int)]);
    let some =
        format!("SELECT c.seq FROM change_log AS c WHERE c.seq > k.after ORDER BY c.seq LIMIT {limit}");
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, r.seq, r.record_type, r.record_id, r.op, r.revision FROM {} {} ORDER BY r.seq",
            keys.source(db.dialect()),
            db.dialect().join_some("change_log", "seq", &some),
        ),
        keys,
    };
    // The LIMIT is for the whole statement, so it must not be shared with other readers' keys.
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

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The feed.
    pub feed_id: Uuid,
    /// The number of its last entry.
    pub seq: i64,
}

/// Reads the end of the log.
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

/// Reads the random bits of an entry; `None` if the entry does not exist.
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
