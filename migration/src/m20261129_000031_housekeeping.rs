//! When the housekeeping last trusted the clock.

use sea_orm_migration::prelude::*;

use crate::ddl;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl(manager, "DROP TABLE housekeeping").await
    }
}

// One row, from the first time that something was swept.
const UP: &str = r"
CREATE TABLE housekeeping (
    id SMALLINT PRIMARY KEY,
    swept_at BIGINT NOT NULL
)
";
