//! Table `event_session`: the programmes of events.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Sessions of events: conferences, workshops, stands.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_session")]
pub struct Model {
    /// Identity of the row: made from the event and the session, so that it is the same on every deployment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Place in the programme, from 0.
    pub position: i32,
    /// Slug of a term.
    pub kind: String,
    /// JSON list of texts by language, the original first.
    pub titles: JsonText,
    /// Number of sessions that the row stands for, where their titles are not known.
    pub count: Option<i32>,
    /// Microseconds since 1970, UTC.
    pub starts_at: Option<i64>,
    /// Microseconds since 1970, UTC.
    pub ends_at: Option<i64>,
    /// Name of the room.
    pub room: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
