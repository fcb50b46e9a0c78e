//! What members of organizations propose, and what becomes of it.

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
        ddl(manager, "DROP TABLE proposal").await
    }
}

// `change` is the input as it was sent, as JSON; `seen` has a hash of what each of its fields was then: enough to tell
// whether somebody has changed it meanwhile.
const UP: &str = r"
CREATE TABLE proposal (
    id UUID PRIMARY KEY,
    organization_id UUID NOT NULL,
    state KEY NOT NULL,
    change TEXT NOT NULL,
    seen TEXT NOT NULL,
    base_revision INTEGER NOT NULL,
    comment TEXT,
    proposed_by UUID,
    proposed_at BIGINT NOT NULL,
    decided_by UUID,
    decided_at BIGINT,
    decision TEXT
);
CREATE INDEX proposal_by_time ON proposal (proposed_at, id);
CREATE INDEX proposal_by_organization ON proposal (organization_id, proposed_at, id);
CREATE INDEX proposal_by_proposer ON proposal (proposed_by);
CREATE INDEX proposal_by_decision ON proposal (decided_at)
";
