//! Table `audit`: the history of records, accounts and keys: actors and actions, without values.

use sea_orm::entity::prelude::*;

/// An action in the history of a record, account or key, without values.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Name of the kind of actor.
    pub actor: String,
    /// The account or key that acted; null for other actors, and for an account that was erased.
    pub actor_id: Option<Uuid>,
    /// Name of the source.
    pub actor_source: Option<String>,
    /// Name of the enum value.
    pub action: String,
    /// Name of the type of the target.
    pub record_type: String,
    /// Id of the target.
    pub record_id: Uuid,
    /// The record in whose history it is shown.
    pub listed_under: Uuid,
    /// Slug of the region that answered for the target; empty where there is none.
    pub region: String,
    /// The revision that the action created.
    pub revision: Option<i32>,
    /// JSON list of the names of the fields that changed.
    pub fields: String,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
