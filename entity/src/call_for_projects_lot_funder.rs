//! Table `call_for_projects_lot_funder`: what organizations give to a lot, as part of what they contribute to the call.
//!
//! Each has a row of `call_for_projects_contribution`, whose amount is at least the sum of its shares in all lots. A
//! share counts where that contribution does.

use sea_orm::entity::prelude::*;

/// Funders of lots.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "call_for_projects_lot_funder")]
pub struct Model {
    /// The call.
    #[sea_orm(primary_key, auto_increment = false)]
    pub call_id: Uuid,
    /// Place of the lot in the call.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lot: i32,
    /// Place in the list of the lot's funders, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization, once in each lot.
    pub organization_id: Uuid,
    /// Exact decimal, above zero, in the currency of the call.
    pub amount: String,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
