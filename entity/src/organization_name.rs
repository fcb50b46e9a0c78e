//! Table `organization_name`: all names of organizations, normalized for comparison.

use sea_orm::entity::prelude::*;

/// A name of an organization, normalized for comparison.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_name")]
pub struct Model {
    /// Normalized name, acronym or other name: only the letters that count in comparisons.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
