//! The SQL of pushes: the lock of a source, full pushes, and the external ids that their batches have mentioned.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use uuid::Uuid;

use super::full::{Begin, KEPT};
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::list::Conditions;
use kernel::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;
use records::write::Source;

/// Reads the source with this name.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn source(db: &Arc<Database>, name: &str) -> Result<Option<Source>, DomainError> {
    let keys = KeyColumns::new(&[("name", KeyType::Text)]);
    let sql = format!(
        "SELECT k.n, s.region FROM {} {} source AS s ON s.name = k.name",
        keys.source(db.dialect()),
        db.dialect().join()
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Text(name.to_owned())]]).await?;
    let found = rows.into_iter().next();
    found.map(|(_, mut row)| Ok(Source { name: name.to_owned(), region: row.get()? })).transpose()
}

fn statement<const N: usize>(dialect: Dialect, sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(dialect.backend(), sql, values)
}

/// A source that is locked until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Locked {
    /// The running full push of the source.
    pub(super) full_push: Option<Uuid>,
}

/// Locks the row of a source; `None` if another transaction holds the lock.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn lock(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    name: &str,
    now: DateTime,
) -> Result<Option<Locked>, DomainError> {
    let lock = if dialect == Dialect::Postgres { "FOR UPDATE OF s SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT f.id FROM source AS s LEFT JOIN full_push AS f ON f.source = s.name AND f.ended_at IS NULL \
         AND f.begun_at > $2 WHERE s.name = $1 {lock}"
    );
    let values = [name.into(), (now.micros() - KEPT).into()];
    let row = tx.query_one_raw(statement(dialect, &sql, values)).await?;
    row.map(|row| Ok(Locked { full_push: row.try_get_by_index(0)? })).transpose()
}

/// Reads the running full pushes, ordered by source: those of sources in these regions, or all.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn running(
    db: &Arc<Database>,
    regions: Option<&[String]>,
    now: DateTime,
) -> Result<Vec<Begin>, DomainError> {
    let mut conditions = Conditions::new(db.dialect());
    conditions.bind("since", KeyValue::Int(now.micros() - KEPT));
    conditions.push("f.ended_at IS NULL AND f.begun_at > k.since");
    if let Some(regions) = regions {
        conditions.one_of("regions", regions, "s.region");
    }
    let (keys, row, conditions) = conditions.finish();
    let join = db.dialect().join();
    let sql = format!(
        "SELECT k.n, f.id, f.source, f.begun_at FROM {} {join} source AS s ON TRUE {join} full_push AS f \
         ON f.source = s.name WHERE {} ORDER BY f.source, f.begun_at",
        keys.source(db.dialect()),
        conditions.join(" AND "),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![row]).await?;
    let begin = |(_, mut row): (usize, Row)| {
        let (id, source) = (row.get()?, row.get()?);
        Ok(Begin { id, source, begun_at: DateTime::from_micros(row.get()?) })
    };
    rows.into_iter().map(begin).collect()
}

/// The row of a full push.
#[derive(Clone, Debug)]
pub(super) struct FullPush {
    pub(super) source: Source,
    pub(super) begun_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) deleted: Option<i64>,
}

/// Reads a full push, running or ended.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn full_push(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    id: Uuid,
) -> Result<Option<FullPush>, DomainError> {
    let sql = "SELECT s.name, s.region, f.begun_at, f.ended_at, f.deleted FROM full_push AS f \
               JOIN source AS s ON s.name = f.source WHERE f.id = $1";
    let row = on.query_one_raw(statement(dialect, sql, [id.into()])).await?;
    let found = |row: sea_orm::QueryResult| {
        Ok(FullPush {
            source: Source { name: row.try_get_by_index(0)?, region: row.try_get_by_index(1)? },
            begun_at: row.try_get_by_index(2)?,
            ended_at: row.try_get_by_index(3)?,
            deleted: row.try_get_by_index(4)?,
        })
    };
    row.map(found).transpose()
}

/// Begins a full push of a source. Ends the one that is running, and deletes those that have expired.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn begin(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    (id, source): (Uuid, &str),
    now: DateTime,
) -> Result<(), DomainError> {
    let (now, old) = (now.micros(), now.micros() - KEPT);
    let forget = "DELETE FROM full_push_mention WHERE full_push_id IN (SELECT id FROM full_push WHERE source = $1 \
                  AND ended_at IS NULL OR begun_at <= $2)";
    tx.execute_raw(statement(dialect, forget, [source.into(), old.into()])).await?;
    tx.execute_raw(statement(dialect, "DELETE FROM full_push WHERE begun_at <= $1", [old.into()])).await?;
    let end = "UPDATE full_push SET ended_at = $1 WHERE source = $2 AND ended_at IS NULL";
    tx.execute_raw(statement(dialect, end, [now.into(), source.into()])).await?;
    let begin = "INSERT INTO full_push (id, source, begun_at) VALUES ($1, $2, $3)";
    tx.execute_raw(statement(dialect, begin, [id.into(), source.into(), now.into()])).await?;
    Ok(())
}

/// Ends a full push with the number of deleted records.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn end(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    (id, deleted): (Uuid, i64),
    now: DateTime,
) -> Result<(), DomainError> {
    let end = "UPDATE full_push SET ended_at = $1, deleted = $2 WHERE id = $3";
    tx.execute_raw(statement(dialect, end, [now.micros().into(), deleted.into(), id.into()])).await?;
    let forget = "DELETE FROM full_push_mention WHERE full_push_id = $1";
    tx.execute_raw(statement(dialect, forget, [id.into()])).await?;
    Ok(())
}

/// Upserts the mentions of a batch: keyed hashes of external ids, with the ids of the records that exist. `carried` is
/// true if the batch is a part of the full push, and false if it was sent outside it.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn mention(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    full_push: Uuid,
    names: impl Iterator<Item = (Vec<u8>, Option<Uuid>)>,
    carried: bool,
) -> Result<(), DomainError> {
    let columns =
        [("push", KeyType::Id), ("name", KeyType::Bytes), ("there", KeyType::Int), ("id", KeyType::Id)];
    let keys = KeyColumns::new(&columns);
    let sql = format!(
        "INSERT INTO full_push_mention (full_push_id, name_hash, record_id, carried) \
         SELECT k.push, k.name, CASE WHEN k.there = 1 THEN k.id END, {carried} FROM {} WHERE TRUE \
         ON CONFLICT (full_push_id, name_hash) DO UPDATE SET carried = full_push_mention.carried OR excluded.carried, \
         record_id = COALESCE(excluded.record_id, full_push_mention.record_id)",
        keys.source(dialect)
    );
    let row = |(name, id): (Vec<u8>, Option<Uuid>)| {
        let there = KeyValue::Int(id.is_some().into());
        vec![KeyValue::Id(full_push), KeyValue::Bytes(name), there, KeyValue::Id(id.unwrap_or_default())]
    };
    let rows: Vec<KeyRow> = names.map(row).collect();
    KeyedStatement { sql, keys }.execute(tx, dialect, rows).await.map(|_| ())
}

/// Counts the external ids that the batches of a full push have mentioned.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn carried(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    id: Uuid,
) -> Result<i64, DomainError> {
    let sql = "SELECT COUNT(*) FROM full_push_mention WHERE full_push_id = $1 AND carried";
    let row = tx.query_one_raw(statement(dialect, sql, [id.into()])).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}

/// A record of a source that a full push has not mentioned.
#[derive(Clone, Debug)]
pub(super) struct Unmentioned {
    pub(super) of: RecordType,
    pub(super) external_id: String,
}

/// Reads the records of a source that a full push has not mentioned.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn unmentioned(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    id: Uuid,
    source: &str,
) -> Result<Vec<Unmentioned>, DomainError> {
    let sql = "SELECT s.record_type, s.external_id FROM sync_record AS s WHERE s.source = $1 AND s.state = 'LIVE' \
               AND NOT EXISTS (SELECT 1 FROM full_push_mention AS m WHERE m.full_push_id = $2 \
               AND m.record_id = s.record_id) ORDER BY s.record_id";
    let rows = tx.query_all_raw(statement(dialect, sql, [source.into(), id.into()])).await?;
    let one = |row: sea_orm::QueryResult| {
        let name: String = row.try_get_by_index(0)?;
        let of = kernel::value_of(&name);
        let of = of.ok_or_else(|| DomainError::Stored(format!("no such type of record: {name}")))?;
        Ok(Unmentioned { of, external_id: row.try_get_by_index(1)? })
    };
    rows.into_iter().map(one).collect()
}
