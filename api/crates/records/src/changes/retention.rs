//! The retention of the log: deletes superseded entries, and tombstones of records that are gone, after a time.
//!
//! Readers lose nothing with superseded entries: they only read the newest entry of a record in a view. A reader that
//! was away for longer than tombstones are kept must load a snapshot, and gets the error `CURSOR_EXPIRED`.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use crate::handle::Core;
use crate::transact::transact;
use kernel::error::DomainError;
use kernel::read::{Database, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The range of log numbers, or the number of tombstones, that one statement handles.
const BATCH: i64 = 5000;

/// The number of days for which entries of the log are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Superseded entries.
    pub superseded_days: u32,
    /// Tombstones.
    pub tombstone_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { superseded_days: 7, tombstone_days: 180 }
    }
}

impl Retention {
    fn before(now: DateTime, days: u32) -> DateTime {
        DateTime::from_micros(now.micros() - i64::from(days) * DAY)
    }

    /// The time before which tombstones are deleted.
    pub fn tombstones_before(self, now: DateTime) -> DateTime {
        Self::before(now, self.tombstone_days)
    }
}

/// The number of deleted entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Superseded entries.
    pub superseded: u64,
    /// Tombstones.
    pub tombstones: u64,
}

/// Reads the number of the last deleted tombstone. Readers at a lower position cannot continue.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn floor(db: &Arc<Database>) -> Result<i64, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, f.floor FROM {} {} feed_meta AS f ON f.id = k.id",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(1)]]).await?;
    let (_, mut row) =
        rows.into_iter().next().ok_or_else(|| DomainError::Stored("the log has no counter".into()))?;
    row.get()
}

/// Deletes entries and tombstones whose retention has ended.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sweep(core: &Core, kept: Retention) -> Result<Swept, DomainError> {
    let now = core.clock.now();
    let superseded = Retention::before(now, kept.superseded_days);
    let tombstones = kept.tombstones_before(now);
    // Once a tombstone is pruned, no view ends with its entry: `compact` deletes the entry like other superseded ones.
    let tombstones = prune(core, tombstones).await?;
    Ok(Swept { superseded: compact(core, superseded).await?, tombstones })
}

fn statement<const N: usize>(core: &Core, sql: &str, values: [i64; N]) -> Statement {
    Statement::from_sql_and_values(core.db.dialect().backend(), sql, values.map(Into::into))
}

/// Deletes the superseded entries from before a time.
async fn compact(core: &Core, before: DateTime) -> Result<u64, DomainError> {
    let head = super::head(&core.db).await?.seq;
    let sql = "DELETE FROM change_log WHERE seq > $1 AND seq <= $2 AND at < $3 AND NOT EXISTS (SELECT 1 FROM view_head AS v \
               WHERE v.record_id = change_log.record_id AND v.region = change_log.region \
               AND v.visibility = change_log.visibility AND v.last_seq = change_log.seq)";
    // The numbers jump where a new feed begins, so the next entry is looked up instead of adding `BATCH`.
    let next = "SELECT MIN(seq) FROM change_log WHERE seq > $1 AND at < $2";
    let (mut from, mut deleted) = (0, 0);
    loop {
        let found = core.db.writer().query_one_raw(statement(core, next, [from, before.micros()])).await?;
        let first: Option<i64> = found.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        let Some(first) = first.filter(|first| *first <= head) else { return Ok(deleted) };
        let values = [first - 1, first + BATCH, before.micros()];
        deleted += core.db.writer().execute_raw(statement(core, sql, values)).await?.rows_affected();
        from = first + BATCH;
    }
}

/// Deletes the tombstones from before a time and raises the floor: cursors before the last of them have expired. The
/// views of erased records are kept in `erasure_view`.
async fn prune(core: &Core, before: DateTime) -> Result<u64, DomainError> {
    let sql = "DELETE FROM view_head WHERE op <> 'UPSERT' AND last_seq IN (SELECT c.seq FROM change_log AS c \
               JOIN view_head AS v ON v.record_id = c.record_id AND v.region = c.region \
               AND v.visibility = c.visibility AND v.last_seq = c.seq \
               WHERE c.op <> 'UPSERT' AND c.at < $1 ORDER BY c.seq LIMIT $2) RETURNING last_seq, record_id, region, visibility";
    let floor = "UPDATE feed_meta SET floor = $1 WHERE id = 1 AND floor < $1";
    let mut pruned = 0;
    loop {
        let gone = transact(core, move |core, tx| {
            Box::pin(async move {
                let rows = tx.query_all_raw(statement(core, sql, [before.micros(), BATCH])).await?;
                let gone =
                    rows.iter().map(|row| row.try_get_by_index::<i64>(0)).collect::<Result<Vec<_>, _>>()?;
                if let Some(last) = gone.iter().max() {
                    tx.execute_raw(statement(core, floor, [*last])).await?;
                    remember(core, tx, &rows).await?;
                }
                Ok(gone.len())
            })
        });
        let gone = gone.await?;
        pruned += gone as u64;
        if i64::try_from(gone).unwrap_or(i64::MAX) < BATCH {
            return Ok(pruned);
        }
    }
}

/// Copies those of the deleted `view_head` rows that belong to erased records to `erasure_view`.
async fn remember(core: &Core, tx: &impl ConnectionTrait, gone: &[QueryResult]) -> Result<(), DomainError> {
    let keys = KeyColumns::new(&[
        ("seq", KeyType::Int),
        ("id", KeyType::Id),
        ("region", KeyType::Text),
        ("visibility", KeyType::Int),
    ]);
    let dialect = core.db.dialect();
    let sql = format!(
        "INSERT INTO erasure_view (record_id, region, visibility, seq) SELECT k.id, k.region, k.visibility, k.seq FROM {} \
         {} erasure_ledger AS e ON e.record_id = k.id WHERE TRUE ON CONFLICT DO NOTHING",
        keys.source(dialect),
        dialect.join(),
    );
    let row = |row: &QueryResult| -> Result<KeyRow, DbErr> {
        Ok(vec![
            KeyValue::Int(row.try_get_by_index(0)?),
            KeyValue::Id(row.try_get_by_index(1)?),
            KeyValue::Text(row.try_get_by_index(2)?),
            KeyValue::Int(row.try_get_by_index::<i16>(3)?.into()),
        ])
    };
    let rows = gone.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    KeyedStatement { sql, keys }.execute(tx, dialect, rows).await.map(|_| ())
}
