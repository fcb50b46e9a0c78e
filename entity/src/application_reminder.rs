//! Table `application_reminder`: calls whose funders were reminded that they close.

use sea_orm::entity::prelude::*;

/// Calls whose funders were reminded that they close.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "application_reminder")]
pub struct Model {
    /// The call.
    #[sea_orm(primary_key, auto_increment = false)]
    pub call_id: Uuid,
    /// When the mails were queued: microseconds since 1970, UTC.
    pub reminded_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
