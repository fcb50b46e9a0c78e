//! SQL of the search: what was asked of the follower, what the engine refused, and the records that an index
//! should hold.

use std::sync::Arc;

use entity::{search_dead_letter, search_job};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Set};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::error::DomainError;
use crate::record::name_of;
use crate::record::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use crate::record::value::DateTime;
use crate::search::kind::{Audience, SearchType};

/// What can be done with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Build it anew beside the one that is searched, and put it in its place.
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

/// How an index differed from the database.
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

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The index was built, with so many records.
    Rebuilt(u64),
    /// The index was compared, and repaired.
    Checked(Drift),
    /// It could not be done; the text is for the operator.
    Failed(String),
}

/// A job that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its identity.
    pub id: Uuid,
    /// What is to be done.
    pub task: Task,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether somebody has begun it.
    pub begun: bool,
    /// Records that are done.
    pub done: u64,
    /// Records in all.
    pub total: u64,
    /// What came of it, where it has ended.
    pub outcome: Option<Outcome>,
}

/// Asks whoever keeps an index to do something with it; answers the job's identity.
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

/// The job of an index that was asked for first.
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

/// How far a job is; nothing where there is none.
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

/// Says how far a job is.
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

/// Ends a job. What ended a month ago is forgotten.
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

/// Takes back a job that nobody has begun.
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
    /// Why, as a code without contents.
    pub code: String,
}

/// The records that an index lacks because they cannot be put into it.
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

/// Keeps account of what an index lacks: `dead` is refused, `gone` is in it again, or is no more.
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

/// The next records of a type that an audience sees, in the order of their ids, with their revisions; all
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
    // The limit is the whole statement's: it must not carry another reader's key.
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Id(after)]]).await?;
    rows.into_iter().map(|(_, mut row): (usize, Row)| Ok((row.get()?, row.get()?))).collect()
}

/// How many records of a type there are.
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
