//! Table `search_job`: jobs for the program that writes a search index.

use sea_orm::entity::prelude::*;

/// A job on a search index.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_job")]
pub struct Model {
    /// Identity of the job.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The index.
    pub index_name: String,
    /// Task: `REBUILD` or `CHECK`.
    pub task: String,
    /// Microseconds since 1970, UTC.
    pub asked_at: i64,
    /// Microseconds since 1970, UTC; null before it has begun.
    pub begun_at: Option<i64>,
    /// Number of records processed.
    pub done: i64,
    /// Number of records to process.
    pub total: i64,
    /// Microseconds since 1970, UTC; null before it has ended.
    pub ended_at: Option<i64>,
    /// Outcome, as JSON.
    pub outcome: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
