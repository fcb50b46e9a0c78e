//! Table `mail_outbox`: mails that wait to be sent.

use sea_orm::entity::prelude::*;

/// Mails that wait to be sent.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_outbox")]
pub struct Model {
    /// Identity; the mail's Message-Id is made of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Keyed hash of the address.
    pub address_hash: Vec<u8>,
    /// The mail, encrypted; nothing where the files of the address are to be deleted.
    pub sealed: Option<Vec<u8>>,
    /// How often it was tried to send it.
    pub attempts: i32,
    /// When it is tried next; microseconds since 1970, UTC.
    pub next_at: i64,
    /// When it is of no use any more; microseconds since 1970, UTC.
    pub give_up_at: i64,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
