//! Table `full_push`: pushes of all records of a source.

use sea_orm::entity::prelude::*;

/// Pushes of all records of a source, after which what they did not mention is deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "full_push")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name of the source.
    pub source: String,
    /// Microseconds since 1970, UTC.
    pub begun_at: i64,
    /// Microseconds since 1970, UTC; nothing while it goes on.
    pub ended_at: Option<i64>,
    /// How many records its end has deleted; nothing where it ended without being completed.
    pub deleted: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
