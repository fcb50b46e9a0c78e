//! Table `account_network`: the networks from which accounts have signed in.

use sea_orm::entity::prelude::*;

/// A network from which an account has signed in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_network")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    /// A keyed hash of the account and the network.
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_hash: Vec<u8>,
    /// The first sign-in; microseconds since 1970, UTC.
    pub first_at: i64,
    /// The last sign-in; microseconds since 1970, UTC.
    pub last_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
