//! Table `search_job`: what the program that keeps a search index was asked to do with it.

use sea_orm::entity::prelude::*;

/// What is to be done with a search index.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_job")]
pub struct Model {
    /// Identity of the job.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The index.
    pub index_name: String,
    /// What is to be done: `REBUILD` or `CHECK`.
    pub task: String,
    /// Microseconds since 1970, UTC.
    pub asked_at: i64,
    /// Microseconds since 1970, UTC; nothing before it has begun.
    pub begun_at: Option<i64>,
    /// Records that are done.
    pub done: i64,
    /// Records in all.
    pub total: i64,
    /// Microseconds since 1970, UTC; nothing before it has ended.
    pub ended_at: Option<i64>,
    /// What came of it, as JSON.
    pub outcome: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
