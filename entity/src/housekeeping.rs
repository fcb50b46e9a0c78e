//! Table `housekeeping`: the time at which the housekeeping last trusted the clock, in one row.

use sea_orm::entity::prelude::*;

/// The time at which the housekeeping last trusted the clock.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "housekeeping")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// Microseconds since 1970, UTC.
    pub swept_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
