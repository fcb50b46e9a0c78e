//! Table `sync_record`: data for synchronisation that records of all types have.

use sea_orm::entity::prelude::*;

/// Data for synchronisation that records of all types have.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_record")]
pub struct Model {
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Name of the record type.
    pub record_type: String,
    /// Name of the source that owns the record.
    pub source: Option<String>,
    /// The record's id in its source.
    pub external_id: Option<String>,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Instance or source where the revision was made.
    pub origin: String,
    /// SHA-256 of the replicated fields.
    pub content_hash: Vec<u8>,
    /// Version of the layout of the replicated fields.
    pub schema_version: i32,
    /// LIVE, GONE, DELETED or ERASED.
    pub state: String,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
