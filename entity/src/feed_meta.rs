//! Table `feed_meta`: the counter of the change log, in one row.

use sea_orm::entity::prelude::*;

/// The counter of the change log.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_meta")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// Identity of the feed.
    pub feed_id: Uuid,
    /// Last number assigned.
    pub head: i64,
    /// Highest number whose tombstone was pruned.
    pub floor: i64,
    /// System identifier of the PostgreSQL server; null where it cannot be read, as on SQLite.
    pub system_identifier: Option<i64>,
    /// Timeline of the PostgreSQL server, which a failover raises; null where it cannot be read, as on SQLite.
    pub timeline: Option<i32>,
    /// Number of the last change that withdrew something from the public search.
    pub withdrawn_public: i64,
    /// Number of the last change that withdrew something from the members' search.
    pub withdrawn_members: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
