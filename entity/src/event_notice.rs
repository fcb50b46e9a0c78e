//! Table `event_notice`: news of registrations that a mail has still to tell.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// News of registrations, each until its mail is queued.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_notice")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account that is told.
    pub account_id: Uuid,
    /// Name of the enum value.
    pub news: String,
    /// JSON list of the titles of the event by language, which may be gone by now.
    pub titles: JsonText,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
