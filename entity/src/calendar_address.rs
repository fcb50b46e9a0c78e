//! Table `calendar_address`: the secret addresses of people's own calendars.

use sea_orm::entity::prelude::*;

/// The address of the calendar of an account: one at most.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_address")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    /// The SHA-256 hash of the secret in the address.
    pub address_hash: Vec<u8>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
