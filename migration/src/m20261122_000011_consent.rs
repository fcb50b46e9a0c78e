//! What people have agreed to, and how long ago they said that their profile is right.

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
        Err(DbErr::Migration("what people agreed to is not thrown away: restore a backup instead".into()))
    }
}

// `consent` is only ever added to; its rows go when their talent is erased. `talent_upkeep` has a row of a talent
// that somebody has confirmed or that has been warned: it is no part of the record, and no other system sees it.
const UP: &str = r"
CREATE TABLE consent (
    id UUID PRIMARY KEY,
    talent_id UUID NOT NULL,
    account_id UUID,
    act KEY NOT NULL,
    purpose KEY NOT NULL,
    text_version INTEGER NOT NULL,
    language KEY NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX consent_by_talent ON consent (talent_id, at, id);

CREATE TABLE talent_upkeep (
    talent_id UUID PRIMARY KEY,
    confirmed_at BIGINT,
    hiding_warned_at BIGINT,
    hidden_at BIGINT,
    erasure_warned_at BIGINT
) CLUSTERED;

CREATE UNIQUE INDEX account_of_one_talent ON account (talent_id);
CREATE INDEX IF NOT EXISTS invitation_by_talent ON invitation (talent_id);
CREATE INDEX IF NOT EXISTS record_slug_by_record ON record_slug (record_id);
CREATE INDEX IF NOT EXISTS api_key_by_maker ON api_key (created_by)
";
