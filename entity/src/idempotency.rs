//! Table `idempotency`: writes that may be sent again.

use sea_orm::entity::prelude::*;

/// Writes that may be sent again without being made again.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// SHA-256 of the caller and the key that was sent.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    /// SHA-256 of the key and the request that came with it.
    pub request_hash: Vec<u8>,
    /// The record that was made.
    pub record_id: Uuid,
    /// Until when the key is remembered: microseconds since 1970, UTC.
    pub expires_at: i64,
    /// What became of a batch, as JSON: statuses, ids, revisions and codes. Nothing where the key made one record.
    pub outcome: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
