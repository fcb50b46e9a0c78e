//! Table `erasure_view`: the views that erased records were in, once the log tells it no more.

use sea_orm::entity::prelude::*;

/// The views that erased records were in, once the log tells it no more.
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
    /// The number of the entry that said so.
    pub seq: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
