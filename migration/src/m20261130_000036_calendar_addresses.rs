//! The secret addresses of people's own calendars.

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
        ddl(manager, "DROP TABLE calendar_address").await
    }
}

const UP: &str = r"
CREATE TABLE calendar_address (
    account_id UUID PRIMARY KEY,
    address_hash BYTES NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX calendar_address_by_hash ON calendar_address (address_hash)
";
