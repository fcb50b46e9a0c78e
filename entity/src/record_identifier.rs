//! Table `record_identifier`: official identifiers of records.

use sea_orm::entity::prelude::*;

/// Official identifiers of records.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "record_identifier")]
pub struct Model {
    /// Name of the record type.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_type: String,
    /// Name of the identifier scheme.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scheme: String,
    /// Canonical text of the identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    /// The record.
    pub record_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
