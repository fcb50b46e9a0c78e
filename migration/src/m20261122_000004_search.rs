//! What the follower of the search index needs: leases, what the engine refused, and what was asked of it.

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
CREATE TABLE lease (
    name KEY PRIMARY KEY,
    token BIGINT NOT NULL,
    until BIGINT NOT NULL
) COUNTER_ROW;

CREATE TABLE search_dead_letter (
    index_name KEY NOT NULL,
    record_id UUID NOT NULL,
    record_type KEY NOT NULL,
    seq BIGINT NOT NULL,
    code KEY NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (index_name, record_id)
) CLUSTERED;

CREATE TABLE search_job (
    id UUID PRIMARY KEY,
    index_name KEY NOT NULL,
    task KEY NOT NULL,
    asked_at BIGINT NOT NULL,
    begun_at BIGINT,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    ended_at BIGINT,
    outcome KEY
);
CREATE INDEX search_job_by_index ON search_job (index_name, ended_at, asked_at);
";

const DOWN: &str = "DROP TABLE search_job; DROP TABLE search_dead_letter; DROP TABLE lease";
