//! Table `feed_meta`: the counter of the change log: one row.

use sea_orm::entity::prelude::*;

/// The counter of the change log: one row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_meta")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// Identity of the feed.
    pub feed_id: Uuid,
    /// Last number given out.
    pub head: i64,
    /// Highest number whose tombstone is pruned.
    pub floor: i64,
    /// What the database server is called by itself; none where it does not say.
    pub system_identifier: Option<i64>,
    /// How often the database server has taken over from another; none where it does not say.
    pub timeline: Option<i32>,
    /// Number of the last change that took something away from what the public may find.
    pub withdrawn_public: i64,
    /// Number of the last change that took something away from what members may find.
    pub withdrawn_members: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
