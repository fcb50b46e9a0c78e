//! Table `one_time_token`: single-use tokens that were sent by mail.

use sea_orm::entity::prelude::*;

/// A single-use token.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_token")]
pub struct Model {
    /// SHA-256 of the token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    /// Name of its purpose.
    pub purpose: String,
    /// The account, invitation or profile that it is about.
    pub subject_id: Uuid,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When it expires; microseconds since 1970, UTC.
    pub expires_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
