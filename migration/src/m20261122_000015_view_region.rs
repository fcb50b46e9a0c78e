//! The region in whose view of the log a record is that is made of others.

use sea_orm_migration::prelude::*;

use crate::ddl;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl(manager, UP).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the log would say otherwise: restore a backup instead".into()))
    }
}

// As the log has them: those that are elsewhere now go there when one of their parts is written.
const UP: &str = r"
ALTER TABLE affiliation ADD COLUMN view_region KEY NOT NULL DEFAULT '';
UPDATE affiliation SET view_region = region;
ALTER TABLE partnership ADD COLUMN view_region KEY NOT NULL DEFAULT '';
UPDATE partnership SET view_region = region
";
