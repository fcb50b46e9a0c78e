//! The ledger of what was erased.

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
        Err(DbErr::Migration("what was erased is not forgotten: restore a backup instead".into()))
    }
}

// Ids and keyed hashes: nobody can tell from it who was erased.
const UP: &str = r"
CREATE TABLE erasure_ledger (
    record_id UUID PRIMARY KEY,
    record_type KEY NOT NULL,
    external_hash BYTES,
    erased_at BIGINT NOT NULL,
    settled_at BIGINT
);
CREATE INDEX erasure_ledger_by_external_hash ON erasure_ledger (external_hash);
CREATE INDEX erasure_ledger_by_time ON erasure_ledger (erased_at);
CREATE INDEX account_by_talent ON account (talent_id)
";
