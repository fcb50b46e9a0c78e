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
    /// The mail, encrypted; null in a row that orders the files of the address to be deleted.
    pub sealed: Option<Vec<u8>>,
    /// Number of attempts to send it.
    pub attempts: i32,
    /// When the next attempt is due; microseconds since 1970, UTC.
    pub next_at: i64,
    /// When the mail is given up; microseconds since 1970, UTC.
    pub give_up_at: i64,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
