//! Table `view_head`: the newest change of each record in each view.

use sea_orm::entity::prelude::*;

/// The newest change of each record in each view.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "view_head")]
pub struct Model {
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Slug of the region of the view.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// Level of the view: 0 everyone, 1 members, 2 owner and staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub visibility: i16,
    /// Number of the newest change in this view.
    pub last_seq: i64,
    /// Operation of that change: UPSERT, DELETE, LEAVE or ERASE.
    pub op: String,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
