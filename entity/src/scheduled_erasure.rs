//! Table `scheduled_erasure`: profiles that wait for their erasure, which can still be stopped.

use sea_orm::entity::prelude::*;

/// A profile that waits for its erasure.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scheduled_erasure")]
pub struct Model {
    /// The profile.
    #[sea_orm(primary_key, auto_increment = false)]
    pub talent_id: Uuid,
    /// When the erasure was requested; microseconds since 1970, UTC.
    pub requested_at: i64,
    /// When the erasure runs; microseconds since 1970, UTC.
    pub due_at: i64,
    /// Whether the person has requested it themselves.
    pub by_person: bool,
    /// The code of the visibility that the profile had before, and gets back when the erasure is stopped.
    pub visibility: i16,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
