//! Table `call_for_projects_contribution`: what organizations contribute to the funds of calls for projects.
//!
//! A contribution counts where `confirmed` is set: it is shown to everybody, and is part of the fund. An organization
//! contributes once to a call.

use sea_orm::entity::prelude::*;

/// Contributions to the funds of calls for projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "call_for_projects_contribution")]
pub struct Model {
    /// The call.
    #[sea_orm(primary_key, auto_increment = false)]
    pub call_id: Uuid,
    /// Place in the list of contributions, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization.
    pub organization_id: Uuid,
    /// Exact decimal, above zero, in the currency of the call.
    pub amount: String,
    /// Slug of the region that answers for the organization.
    pub region: String,
    /// Whether it counts: its side has confirmed it, or a source has reported it.
    pub confirmed: bool,
    /// When its side confirmed it: microseconds since 1970, UTC. None for one that a source has reported.
    pub confirmed_at: Option<i64>,
    /// When its side declined it: microseconds since 1970, UTC.
    pub declined_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
