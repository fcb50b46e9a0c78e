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
    /// JSON object: for each field that would change, a hash of its value when it was proposed.
    pub seen: String,
    /// The revision that the proposer saw.
    pub base_revision: i32,
    /// The proposer's comment.
    pub comment: Option<String>,
    /// The account that proposes.
    pub proposed_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub proposed_at: i64,
    /// The account that decided; null before the decision, and once that account is erased.
    pub decided_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub decided_at: Option<i64>,
    /// Reason for the decision, as text.
    pub decision: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
