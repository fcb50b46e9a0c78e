//! Table `lease`: leases of jobs that only one program may run at a time.

use sea_orm::entity::prelude::*;

/// The lease of a job that only one program may run at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    /// Name of the job.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Number of the holder, raised each time the lease is taken. A lower one is no longer valid.
    pub token: i64,
    /// When it ends unless it is renewed; microseconds since 1970, UTC, by the clock of the database.
    pub until: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
