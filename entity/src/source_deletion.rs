//! Table `source_deletion`: how many of its records a source has deleted lately.

use sea_orm::entity::prelude::*;

/// How many of its records a source has deleted lately, without saying before that they are meant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source_deletion")]
pub struct Model {
    /// Name of the source.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// Microseconds since 1970, UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    /// How many.
    pub records: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
