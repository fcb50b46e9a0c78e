//! Table `organization_name`: all names of organizations, as they are compared.

use sea_orm::entity::prelude::*;

/// All names of organizations, as they are compared.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_name")]
pub struct Model {
    /// Key of the name, of the acronym, or of another name: the letters that count.
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
