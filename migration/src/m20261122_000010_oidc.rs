//! Accounts of people whose tokens other issuers sign (OpenID Connect).

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
        Err(DbErr::Migration("accounts are not thrown away: restore a backup instead".into()))
    }
}

// Both are null for an account that was made here. They are columns of the account, so that they go with it.
const UP: &str = r"
ALTER TABLE account ADD COLUMN issuer KEY;
ALTER TABLE account ADD COLUMN subject KEY;
CREATE UNIQUE INDEX account_by_subject ON account (issuer, subject)
";
