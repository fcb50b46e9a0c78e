//! Table `record_redirect`: ids of merged duplicates.

use sea_orm::entity::prelude::*;

/// The id of a merged duplicate, redirected to the survivor.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "record_redirect")]
pub struct Model {
    /// Id of the duplicate.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The record that survived.
    pub target_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
