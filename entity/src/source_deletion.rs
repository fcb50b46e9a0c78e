//! Table `source_deletion`: recent unconfirmed deletions of sources.

use sea_orm::entity::prelude::*;

/// A number of records that a source deleted without confirming the number.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source_deletion")]
pub struct Model {
    /// Name of the source.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    /// Microseconds since 1970, UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    /// Number of records.
    pub records: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
