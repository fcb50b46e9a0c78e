//! Table `full_push_mention`: what a push of all records has mentioned so far.

use sea_orm::entity::prelude::*;

/// What was pushed of a source since a push of all its records was begun.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "full_push_mention")]
pub struct Model {
    /// The push of all records.
    #[sea_orm(primary_key, auto_increment = false)]
    pub full_push_id: Uuid,
    /// Keyed hash of the external id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name_hash: Vec<u8>,
    /// The record; nothing where there is none, such as one that was refused.
    pub record_id: Option<Uuid>,
    /// Whether its batch was a part of the push, rather than one beside it.
    pub carried: bool,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
