//! Table `change_log`: changes of records, in order, without contents.

use sea_orm::entity::prelude::*;

/// A change of a record, without its contents.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_log")]
pub struct Model {
    /// Number of the change.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// Number of the first change of the same transaction.
    pub tx_seq: i64,
    /// Microseconds since 1970, UTC; not used for ordering.
    pub at: i64,
    /// Name of the record type.
    pub record_type: String,
    /// The record.
    pub record_id: Uuid,
    /// UPSERT, DELETE, LEAVE or ERASE.
    pub op: String,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff.
    pub visibility: i16,
    /// Instance or source where the revision was made.
    pub origin: String,
    /// Random bits by which a cursor recognizes a forked log.
    pub tag: i32,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
