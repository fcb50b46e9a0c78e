//! Table `api_key`: API keys, with which other programs call.

use sea_orm::entity::prelude::*;

/// An API key, with which another program calls.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Purpose of the key, in the words of its creator.
    pub name: String,
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// Slug of the region of its roles.
    pub region: String,
    /// Names of its roles, as a JSON list.
    pub roles: String,
    /// Account that created it; null for a key created on the command line.
    pub created_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When it expires; microseconds since 1970, UTC.
    pub expires_at: i64,
    /// The minute of its last use; microseconds since 1970, UTC.
    pub last_used_at: Option<i64>,
    /// When it was revoked; microseconds since 1970, UTC.
    pub revoked_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
