//! Table `erasure_view`: the views that erased records were in, kept when retention prunes the log.

use sea_orm::entity::prelude::*;

/// A view that an erased record was in. It is kept when retention prunes the entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasure_view")]
pub struct Model {
    /// The record's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Slug of the region of the view.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// Level of the view.
    #[sea_orm(primary_key, auto_increment = false)]
    pub visibility: i16,
    /// Number of the pruned log entry.
    pub seq: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
