//! The networks from which accounts have signed in.

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
        ddl(manager, "DROP TABLE account_network").await
    }
}

// `network_hash` is a keyed hash of account and network: it names neither, and differs between accounts.
const UP: &str = r"
CREATE TABLE account_network (
    account_id UUID NOT NULL,
    network_hash BYTES NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, network_hash)
) CLUSTERED;
CREATE INDEX account_network_by_time ON account_network (last_at)
";
