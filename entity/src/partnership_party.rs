//! Table `partnership_party`: parties of partnerships.

use sea_orm::entity::prelude::*;

/// Parties of partnerships.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partnership_party")]
pub struct Model {
    /// The partnership.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partnership_id: Uuid,
    /// Place in the list of parties, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization.
    pub organization_id: Uuid,
    /// Name of the enum value.
    pub role: String,
    /// The source's wording of the role.
    pub title: Option<String>,
    /// Exact decimal.
    pub contribution_amount: Option<String>,
    /// ISO 4217 code.
    pub contribution_currency: Option<String>,
    /// When it confirmed: microseconds since 1970, UTC.
    pub confirmed_at: Option<i64>,
    /// Sort key: start of the partnership, `~` where unknown.
    pub starts_key: String,
    /// When it declined: microseconds since 1970, UTC.
    pub declined_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
