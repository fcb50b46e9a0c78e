//! What the database server says of itself, to notice when it is another one.

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
        ddl(manager, DOWN).await
    }
}

const UP: &str = r"
ALTER TABLE feed_meta ADD COLUMN system_identifier BIGINT;
ALTER TABLE feed_meta ADD COLUMN timeline INTEGER
";

const DOWN: &str = r"
ALTER TABLE feed_meta DROP COLUMN timeline;
ALTER TABLE feed_meta DROP COLUMN system_identifier
";
