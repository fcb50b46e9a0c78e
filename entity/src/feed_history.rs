//! Table `feed_history`: feeds that ended.

use sea_orm::entity::prelude::*;

/// Feeds that ended.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_history")]
pub struct Model {
    /// Identity of the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub feed_id: Uuid,
    /// Last number assigned.
    pub head: i64,
    /// Microseconds since 1970, UTC.
    pub retired_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
