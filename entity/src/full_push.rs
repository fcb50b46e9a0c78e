//! Table `full_push`: full pushes, in which a source sends all its records.

use sea_orm::entity::prelude::*;

/// A full push: a source sends all its records. Records that it does not mention are deleted at its end.
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
    /// Microseconds since 1970, UTC; null while it runs.
    pub ended_at: Option<i64>,
    /// Number of records deleted at its end; null where it ended without being completed.
    pub deleted: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
