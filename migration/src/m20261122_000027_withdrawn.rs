//! The last changes that took something away from what the public and members may find.

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

// Where nobody has kept account, all that was written may have taken something away.
const UP: &str = r"
ALTER TABLE feed_meta ADD COLUMN withdrawn_public BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feed_meta ADD COLUMN withdrawn_members BIGINT NOT NULL DEFAULT 0;
UPDATE feed_meta SET withdrawn_public = head, withdrawn_members = head
";

const DOWN: &str = r"
ALTER TABLE feed_meta DROP COLUMN withdrawn_members;
ALTER TABLE feed_meta DROP COLUMN withdrawn_public
";
