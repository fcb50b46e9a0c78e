//! Table `talent_upkeep`: when profiles were confirmed, and what came of it where they were not.

use sea_orm::entity::prelude::*;

/// When profiles were confirmed, and what came of it where they were not.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "talent_upkeep")]
pub struct Model {
    /// The profile.
    #[sea_orm(primary_key, auto_increment = false)]
    pub talent_id: Uuid,
    /// When the person last said that it is right; microseconds since 1970, UTC.
    pub confirmed_at: Option<i64>,
    /// Since then: when they were warned that it would be hidden, or there was nobody to warn.
    pub hiding_warned_at: Option<i64>,
    /// Since then: when it was hidden.
    pub hidden_at: Option<i64>,
    /// Since then: when they were warned that it would be erased, or there was nobody to warn.
    pub erasure_warned_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
