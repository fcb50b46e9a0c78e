//! Table `account_role`: roles of accounts, each in one region or on the whole instance.

use sea_orm::entity::prelude::*;

/// A role of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_role")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    /// Name of the role, as in the schema.
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: String,
    /// Slug of the region; empty for a role on the whole instance.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// Microseconds since 1970, UTC.
    pub granted_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
