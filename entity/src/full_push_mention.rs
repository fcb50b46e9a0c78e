//! Table `full_push_mention`: records mentioned during a full push.

use sea_orm::entity::prelude::*;

/// A record of a source that was pushed since its full push began.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "full_push_mention")]
pub struct Model {
    /// The full push.
    #[sea_orm(primary_key, auto_increment = false)]
    pub full_push_id: Uuid,
    /// Keyed hash of the external id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name_hash: Vec<u8>,
    /// The record; null where none exists, for example because it was refused.
    pub record_id: Option<Uuid>,
    /// Whether its batch carried the id of the full push.
    pub carried: bool,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
