//! Table `session`: sessions of accounts, each with a family of refresh tokens.

use sea_orm::entity::prelude::*;

/// A session of an account, with a family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account.
    pub account_id: Uuid,
    /// SHA-256 of the prefix that all refresh tokens of the session share.
    pub family_hash: Vec<u8>,
    /// SHA-256 of the refresh token that has not been used.
    pub token_hash: Vec<u8>,
    /// SHA-256 of its parent, the refresh token that was exchanged for it.
    pub parent_hash: Option<Vec<u8>>,
    /// Whether the parent has been used a second time. Only programs of the previous version read it.
    pub parent_again: bool,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When the parent was used first; microseconds since 1970, UTC.
    pub refreshed_at: i64,
    /// When it ends unless it is refreshed; microseconds since 1970, UTC.
    pub expires_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
