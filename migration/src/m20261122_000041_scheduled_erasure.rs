//! Erasures of profiles that can still be stopped.

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
        ddl(manager, "DROP TABLE scheduled_erasure").await
    }
}

// A row for each profile that waits for its erasure. `visibility` is the one that it gets back when it is stopped.
const UP: &str = r"
CREATE TABLE scheduled_erasure (
    talent_id UUID PRIMARY KEY,
    requested_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    by_person BOOLEAN NOT NULL,
    visibility SMALLINT NOT NULL
);
CREATE INDEX scheduled_erasure_by_time ON scheduled_erasure (due_at, talent_id)
";
