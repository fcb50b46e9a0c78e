//! Table `erasure_ledger`: records that were erased.

use sea_orm::entity::prelude::*;

/// Records that were erased.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasure_ledger")]
pub struct Model {
    /// The record's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Type of the record.
    pub record_type: String,
    /// HMAC of its source and external id; null where it had none.
    pub external_hash: Option<Vec<u8>>,
    /// Microseconds since 1970, UTC.
    pub erased_at: i64,
    /// When its remains were cleaned from storage; microseconds since 1970, UTC. Null until then.
    pub settled_at: Option<i64>,
}

/// No relations: a ledger outlives what it is about.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
