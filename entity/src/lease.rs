//! Table `lease`: which program does what only one may do at a time.

use sea_orm::entity::prelude::*;

/// What only one program may do at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    /// What it is for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Counts the holders: who holds an older one holds it no more.
    pub token: i64,
    /// When it ends unless it is kept: microseconds since 1970, UTC, by the clock of the database.
    pub until: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
