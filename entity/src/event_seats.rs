//! Table `event_seats`: how many places of events are taken.

use sea_orm::entity::prelude::*;

/// Counts of the registrations for an event.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_seats")]
pub struct Model {
    /// The event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// Confirmed registrations.
    pub confirmed: i32,
    /// `registered_at` of the latest registration.
    pub last_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
