//! Table `record_slug`: present and former slugs.

use sea_orm::entity::prelude::*;

/// Present and former slugs.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "record_slug")]
pub struct Model {
    /// Name of the record type.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_type: String,
    /// Readable name in addresses, unique within the type.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slug: String,
    /// The record.
    pub record_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
