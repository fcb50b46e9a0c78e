//! Table `proposal`: changes that members of organizations propose.

use sea_orm::entity::prelude::*;

/// Changes that members of organizations propose.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proposal")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization that it is about.
    pub organization_id: Uuid,
    /// Name of the enum value.
    pub state: String,
    /// The input, as JSON.
    pub change: String,
    /// JSON object: for each field that would change, a hash of what it was.
    pub seen: String,
    /// The revision that the proposer had seen.
    pub base_revision: i32,
    /// Why, in the proposer's words.
    pub comment: Option<String>,
    /// The account that proposes; nothing once it is erased.
    pub proposed_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub proposed_at: i64,
    /// The account that decided.
    pub decided_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub decided_at: Option<i64>,
    /// Why it was decided so, in words.
    pub decision: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
