//! The call for projects and the event that partnerships are about.

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

// A call or an event that is referred to is not deleted, which these indexes answer.
const UP: &str = r"
ALTER TABLE partnership ADD COLUMN call_id UUID;
ALTER TABLE partnership ADD COLUMN event_id UUID;
CREATE INDEX partnership_by_call ON partnership (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX partnership_by_event ON partnership (event_id) WHERE event_id IS NOT NULL
";

const DOWN: &str = r"
DROP INDEX partnership_by_event;
DROP INDEX partnership_by_call;
ALTER TABLE partnership DROP COLUMN event_id;
ALTER TABLE partnership DROP COLUMN call_id
";
