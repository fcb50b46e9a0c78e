//! Table `search_dead_letter`: records that a search index lacks because they cannot be put into it.

use sea_orm::entity::prelude::*;

/// A record that cannot be put into a search index.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_dead_letter")]
pub struct Model {
    /// The index.
    #[sea_orm(primary_key, auto_increment = false)]
    pub index_name: String,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Its type.
    pub record_type: String,
    /// Number in the change log that the index had reached.
    pub seq: i64,
    /// Reason, as a code without contents.
    pub code: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
