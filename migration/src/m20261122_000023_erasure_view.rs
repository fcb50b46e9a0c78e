//! In which views erased records were, also once the log tells it no more.

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
        Err(DbErr::Migration("who was told of erasures is not forgotten: restore a backup instead".into()))
    }
}

// A row comes when the tombstone in `view_head` goes. The index has erasures alone, which are few.
const UP: &str = r"
CREATE TABLE erasure_view (
    record_id UUID NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (record_id, region, visibility)
) CLUSTERED;
CREATE INDEX erasure_view_by_seq ON erasure_view (seq);
CREATE INDEX view_head_erased ON view_head (last_seq) WHERE op = 'ERASE'
";
