//! Pushes: what became of a batch, pushes of all records, and how much of a source was deleted.

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

// An outcome has statuses, ids, revisions and codes. External ids of people are personal: a mention has their keyed hash.
const UP: &str = r"
ALTER TABLE idempotency ADD COLUMN outcome TEXT;

CREATE TABLE source_deletion (
    source KEY NOT NULL,
    at BIGINT NOT NULL,
    records BIGINT NOT NULL,
    PRIMARY KEY (source, at)
) CLUSTERED;

CREATE TABLE full_push (
    id UUID PRIMARY KEY,
    source KEY NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    deleted BIGINT
);
CREATE INDEX full_push_by_source ON full_push (source, begun_at);

CREATE TABLE full_push_mention (
    full_push_id UUID NOT NULL,
    name_hash BYTES NOT NULL,
    record_id UUID,
    carried BOOLEAN NOT NULL,
    PRIMARY KEY (full_push_id, name_hash)
) CLUSTERED;
CREATE INDEX full_push_mention_by_record ON full_push_mention (full_push_id, record_id)
";

const DOWN: &str = r"
DROP TABLE full_push_mention;
DROP TABLE full_push;
DROP TABLE source_deletion;
ALTER TABLE idempotency DROP COLUMN outcome
";
