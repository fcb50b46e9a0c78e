//! Table `idempotency`: idempotency keys of writes.

use sea_orm::entity::prelude::*;

/// An idempotency key. A request that is sent again with it is not executed again.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// SHA-256 of the caller and the key that was sent.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    /// SHA-256 of the key and the request that came with it.
    pub request_hash: Vec<u8>,
    /// The record that was created.
    pub record_id: Uuid,
    /// When the key expires; microseconds since 1970, UTC.
    pub expires_at: i64,
    /// Outcome of a batch, as JSON: statuses, ids, revisions and codes. Null where the key created one record.
    pub outcome: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
