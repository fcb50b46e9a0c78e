//! How far clients have followed the log.

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
        ddl(manager, "DROP TABLE sync_client").await
    }
}

// A row for each account or key and what it asks for (`asked`). `cursor`, `seq` and `base` are where it is, which may be
// before `furthest`: a client that was restored goes back. `types` and `views` are lists between commas, as in
// `,PUBLIC,`, so that a statement can look for an entry.
const UP: &str = r"
CREATE TABLE sync_client (
    id UUID PRIMARY KEY,
    reader KEY NOT NULL,
    reader_id UUID NOT NULL,
    asked KEY NOT NULL,
    types KEY NOT NULL,
    views KEY NOT NULL,
    cursor KEY NOT NULL,
    seq BIGINT NOT NULL,
    base BIGINT NOT NULL,
    furthest BIGINT NOT NULL,
    acknowledged_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    went_back_at BIGINT
);
CREATE UNIQUE INDEX sync_client_by_reader ON sync_client (reader_id, asked);
CREATE INDEX sync_client_by_seq ON sync_client (seq, id);
CREATE INDEX sync_client_by_time ON sync_client (seen_at)
";
