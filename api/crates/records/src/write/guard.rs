//! The guard against mass deletions of a source by mistake, such as by an export that was cut short.
//!
//! Within a day, a source may delete a hundred of its records, or a fifth of them where that is more. More deletions
//! must be confirmed with their exact number. Confirmed deletions do not count towards the limit of later ones.

use sea_orm::{ConnectionTrait, Statement, Value};

use kernel::error::DomainError;
use kernel::messages::{FilledMessage, pushing};
use kernel::problem::Problem;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;

/// Records that any source may delete in a day.
const FEW: i64 = 100;
/// The share of its records that a source may delete in a day, as a divisor: a fifth.
const PART: i64 = 5;
/// A day, in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The confirmation of mass deletions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionConfirmation {
    /// They are not confirmed.
    #[default]
    No,
    /// Exactly this number is confirmed.
    Number(i64),
    /// They were counted and confirmed before the batch.
    Yes,
}

impl DeletionConfirmation {
    /// Whether this number is confirmed.
    pub fn is(self, count: i64) -> bool {
        match self {
            Self::No => false,
            Self::Number(number) => number == count,
            Self::Yes => true,
        }
    }
}

async fn number<const N: usize>(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    sql: &str,
    values: [Value; N],
) -> Result<i64, DomainError> {
    let row = on.query_one_raw(Statement::from_sql_and_values(dialect.backend(), sql, values)).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}

/// The problem, with the argument `path`, if a source may not delete this number of its records now; none if it may.
/// Other deletions of the source wait until the transaction ends.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn blocked(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    (source, count): (&str, i64),
    confirmed: DeletionConfirmation,
    now: DateTime,
    path: &str,
) -> Result<Option<Problem>, DomainError> {
    if confirmed.is(count) {
        return Ok(None);
    }
    if dialect == Dialect::Postgres {
        let lock = "SELECT 1 FROM source WHERE name = $1 FOR UPDATE";
        let lock = Statement::from_sql_and_values(dialect.backend(), lock, [source.into()]);
        on.query_all_raw(lock).await?;
    }
    let sum =
        "SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM source_deletion WHERE source = $1 AND at > $2";
    let before = number(on, dialect, sum, [source.into(), (now.micros() - DAY).into()]).await?;
    if count + before <= FEW {
        return Ok(None);
    }
    let live = "SELECT COUNT(*) FROM sync_record WHERE source = $1 AND state = 'LIVE'";
    let records = number(on, dialect, live, [source.into()]).await?;
    if (count + before) * PART <= records + before {
        return Ok(None);
    }
    let said = FilledMessage::new(&pushing::MASS_DELETE_BLOCKED).with("count", count.to_string());
    let said = said.with("records", records.to_string()).with("before", before.to_string());
    Ok(Some(Problem::beside(path, said)))
}

/// The number of live records of a source with these external ids.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn live(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    source: &str,
    external_ids: &[&String],
) -> Result<i64, DomainError> {
    let keys = KeyColumns::new(&[("source", KeyType::Text), ("external_id", KeyType::Text)]);
    let sql = format!(
        "SELECT k.n FROM {} {} WHERE s.state = 'LIVE'",
        keys.source(dialect),
        dialect.join_one("sync_record", "s", "s.source = k.source AND s.external_id = k.external_id"),
    );
    let row = |id: &&String| vec![KeyValue::Text(source.to_owned()), KeyValue::Text((*id).clone())];
    let found =
        KeyedStatement { sql, keys }.query(on, dialect, external_ids.iter().map(row).collect()).await?;
    Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
}

/// Stores the number of records that a source has deleted without confirmation.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn note(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    (source, count): (&str, i64),
    now: DateTime,
) -> Result<(), DomainError> {
    let backend = dialect.backend();
    let sweep = "DELETE FROM source_deletion WHERE at <= $1";
    on.execute_raw(Statement::from_sql_and_values(backend, sweep, [(now.micros() - DAY).into()])).await?;
    let insert = "INSERT INTO source_deletion (source, at, records) VALUES ($1, $2, $3) \
                  ON CONFLICT (source, at) DO UPDATE SET records = source_deletion.records + excluded.records";
    let values = [source.into(), now.micros().into(), count.into()];
    on.execute_raw(Statement::from_sql_and_values(backend, insert, values)).await?;
    Ok(())
}
