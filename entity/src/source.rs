//! Table `source`: systems that own records.

use sea_orm::entity::prelude::*;

/// Systems that own records.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source")]
pub struct Model {
    /// Name of the source.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Slug of the region whose records it may write.
    pub region: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
