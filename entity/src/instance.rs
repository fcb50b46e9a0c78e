//! Table `instance`: the deployment, in one row.

use sea_orm::entity::prelude::*;

/// The deployment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// Identity of the deployment.
    pub instance_id: Uuid,
    /// Whether the sample directory has been loaded.
    pub sample_loaded: bool,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
