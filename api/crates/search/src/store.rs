//! SQL of the search: jobs for the follower, dead letters, and the records that an index should hold.

use std::sync::Arc;

use entity::{search_dead_letter, search_job};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Set};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use index::kind::{Audience, SearchType};
use kernel::error::DomainError;
use kernel::name_of;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;

/// A task on an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Build a new index beside the live one, and replace that.
    Rebuild,
    /// Compare it with the database, and repair what differs.
    Check,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "REBUILD",
            Self::Check => "CHECK",
        }
    }
}

/// The differences between an index and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Documents that were compared.
    pub checked: u64,
    /// Documents that were not there.
    pub missing: u64,
    /// Documents of another revision.
    pub stale: u64,
    /// Documents that should not have been there.
    pub extra: u64,
    /// Records that the engine refuses, or that cannot be read.
    pub refused: u64,
    /// Documents that still differed when they were compared again after the repair.
    #[serde(default)]
    pub remaining: u64,
}

/// The outcome of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The index was built from this number of records.
    Rebuilt(u64),
    /// The index was compared, and repaired.
    Checked(Drift),
    /// The job failed; the text is for the operator.
    Failed(String),
}

/// A job that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Its task.
    pub task: Task,
}

/// The progress of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether a program has begun it.
    pub begun: bool,
    /// Records that are done.
    pub done: u64,
    /// Records in all.
    pub total: u64,
    /// The outcome, where it has ended.
    pub outcome: Option<Outcome>,
}

/// Stores a job for the program that writes to an index.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn ask(db: &Database, id: Uuid, index: &str, task: Task, now: DateTime) -> Result<(), DomainError> {
    let model = search_job::Model {
        id,
        index_name: index.to_owned(),
        task: task.name().to_owned(),
        asked_at: now.micros(),
        begun_at: None,
        done: 0,
        total: 0,
        ended_at: None,
        outcome: None,
    };
    search_job::Entity::insert(model.into_active_model()).exec_without_returning(db.writer()).await?;
    Ok(())
}

/// A query for when the first job was asked for that an index has to do.
pub fn open_jobs(index: &str) -> String {
    let index = index.replace('\'', "''");
    format!("SELECT MIN(asked_at) FROM search_job WHERE index_name = '{index}' AND ended_at IS NULL")
}

/// Reads the oldest job of an index that has not ended.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn next_job(db: &Database, index: &str) -> Result<Option<Job>, DomainError> {
    let found = search_job::Entity::find()
        .filter(search_job::Column::IndexName.eq(index))
        .filter(search_job::Column::EndedAt.is_null())
        .order_by_asc(search_job::Column::AskedAt)
        .order_by_asc(search_job::Column::Id)
        .one(db.writer())
        .await?;
    let task = |name: &str| [Task::Rebuild, Task::Check].into_iter().find(|task| task.name() == name);
    Ok(found.and_then(|job| Some(Job { id: job.id, task: task(&job.task)? })))
}

/// Reads the progress of a job; `None` where there is no job.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn state(db: &Database, id: Uuid) -> Result<Option<State>, DomainError> {
    let found = search_job::Entity::find_by_id(id).one(db.writer()).await?;
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(found.map(|job| State {
        begun: job.begun_at.is_some(),
        done: number(job.done),
        total: number(job.total),
        outcome: job.outcome.and_then(|text| serde_json::from_str(&text).ok()),
    }))
}

/// Writes the progress of a job, and when it was begun.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn progress(
    db: &Database,
    id: Uuid,
    done: u64,
    total: u64,
    now: DateTime,
) -> Result<(), DomainError> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    search_job::Entity::update_many()
        .col_expr(search_job::Column::BegunAt, Expr::cust(format!("coalesce(begun_at, {})", now.micros())))
        .col_expr(search_job::Column::Done, Expr::value(number(done)))
        .col_expr(search_job::Column::Total, Expr::value(number(total)))
        .filter(search_job::Column::Id.eq(id))
        .exec(db.writer())
        .await?;
    Ok(())
}

/// Ends a job. Deletes jobs that ended more than a month ago.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn end(db: &Database, id: Uuid, outcome: &Outcome, now: DateTime) -> Result<(), DomainError> {
    const MONTH: i64 = 30 * 24 * 60 * 60 * 1_000_000;
    let text = serde_json::to_string(outcome).map_err(|error| DomainError::Stored(error.to_string()))?;
    search_job::Entity::update_many()
        .col_expr(search_job::Column::EndedAt, Expr::value(now.micros()))
        .col_expr(search_job::Column::Outcome, Expr::value(text))
        .filter(search_job::Column::Id.eq(id))
        .exec(db.writer())
        .await?;
    search_job::Entity::delete_many()
        .filter(search_job::Column::EndedAt.lt(now.micros() - MONTH))
        .exec(db.writer())
        .await?;
    Ok(())
}

/// Deletes a job.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn take_back(db: &Database, id: Uuid) -> Result<(), DomainError> {
    search_job::Entity::delete_by_id(id).exec(db.writer()).await?;
    Ok(())
}

/// A record that an index lacks because it cannot be put into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record.
    pub id: Uuid,
    /// Its type.
    pub of: SearchType,
    /// The reason, as a code that holds nothing of the record.
    pub code: String,
}

/// Reads the records that an index lacks because they cannot be put into it.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn dead_letters(db: &Database, index: &str) -> Result<Vec<Uuid>, DomainError> {
    let found = search_dead_letter::Entity::find()
        .filter(search_dead_letter::Column::IndexName.eq(index))
        .all(db.writer())
        .await?;
    Ok(found.into_iter().map(|letter| letter.record_id).collect())
}

/// Updates the dead letters of an index: adds `dead`, and deletes `gone`, which are in the index again or deleted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn account(
    db: &Database,
    index: &str,
    dead: &[DeadLetter],
    gone: &[Uuid],
    seq: i64,
    now: DateTime,
) -> Result<(), DomainError> {
    use search_dead_letter::{ActiveModel, Column, Entity};
    for gone in gone.chunks(500) {
        Entity::delete_many()
            .filter(Column::IndexName.eq(index))
            .filter(Column::RecordId.is_in(gone.iter().copied()))
            .exec(db.writer())
            .await?;
    }
    for letters in dead.chunks(500) {
        let rows = letters.iter().map(|letter| ActiveModel {
            index_name: Set(index.to_owned()),
            record_id: Set(letter.id),
            record_type: Set(name_of(letter.of).to_owned()),
            seq: Set(seq),
            code: Set(letter.code.clone()),
            at: Set(now.micros()),
        });
        let again = OnConflict::columns([Column::IndexName, Column::RecordId])
            .update_columns([Column::Seq, Column::Code, Column::At])
            .to_owned();
        Entity::insert_many(rows).on_conflict(again).exec_without_returning(db.writer()).await?;
    }
    Ok(())
}

/// Reads the next records of a type that an audience sees, in the order of their ids, with their revisions; of all
/// records where no audience is named.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn records(
    db: &Arc<Database>,
    of: SearchType,
    audience: Option<Audience>,
    after: Uuid,
    limit: usize,
) -> Result<Vec<(Uuid, i32)>, DomainError> {
    let keys = KeyColumns::new(&[("after", KeyType::Id)]);
    let table = of.table();
    let sees = audience
        .map_or_else(|| "TRUE".to_owned(), |audience| audience.viewer().level_condition("r.visibility"));
    let sql = format!(
        "SELECT k.n, r.id, r.revision FROM {} {} {table} AS r ON r.id > k.after AND {sees} \
         ORDER BY r.id LIMIT {limit}",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    // `LIMIT` spans all keys, so the statement must not be shared with other readers.
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Id(after)]]).await?;
    rows.into_iter().map(|(_, mut row): (usize, Row)| Ok((row.get()?, row.get()?))).collect()
}

/// Counts the records of a type.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn count(db: &Arc<Database>, of: SearchType) -> Result<u64, DomainError> {
    let keys = KeyColumns::new(&[("one", KeyType::Int)]);
    let table = of.table();
    let sql = format!("SELECT k.n, (SELECT count(*) FROM {table}) FROM {}", keys.source(db.dialect()));
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Int(1)]]).await?;
    let count: i64 = rows.into_iter().next().map_or(Ok(0), |(_, mut row)| row.get())?;
    Ok(u64::try_from(count).unwrap_or_default())
}
