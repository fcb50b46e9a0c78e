//! Table `signing_key`: the keys that sign access tokens.

use sea_orm::entity::prelude::*;

/// The keys that sign access tokens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// Key id: the thumbprint of RFC 7638.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Algorithm of JOSE.
    pub algorithm: String,
    /// Public key.
    pub public_key: Vec<u8>,
    /// Private key as PKCS #8, encrypted.
    pub private_key: Vec<u8>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When a newer key replaced it; microseconds since 1970, UTC.
    pub retired_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
