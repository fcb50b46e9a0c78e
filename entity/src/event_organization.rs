//! Table `event_organization`: the organizers and partners of events.

use sea_orm::entity::prelude::*;

/// Organizers and partners of events.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_organization")]
pub struct Model {
    /// The event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// `ORGANIZER` or `PARTNER`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: String,
    /// Place in the list of that role, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The organization.
    pub organization_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
