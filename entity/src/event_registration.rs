//! Table `event_registration`: the registrations of people for events. They live on this instance alone.

use sea_orm::entity::prelude::*;

/// Registrations of people for events: one for each event and account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_registration")]
pub struct Model {
    /// Identity: random, so that it does not tell when it was made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The account of the person.
    pub account_id: Uuid,
    /// The organization that the person comes for.
    pub organization_id: Option<Uuid>,
    /// Message to the organizers.
    pub message: Option<String>,
    /// Whether the person agrees to be shown among those who come.
    pub listed: bool,
    /// Name of the enum value.
    pub status: String,
    /// Time of the registration and place in the waiting list: microseconds since 1970, UTC; each is later than the one
    /// before it.
    pub registered_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
