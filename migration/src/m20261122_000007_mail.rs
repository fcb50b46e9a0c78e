//! Mails that wait to be sent, tokens that are good once, and invitations.

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
        Err(DbErr::Migration("mails are not thrown away: restore a backup instead".into()))
    }
}

// Nothing of a mail can be read here: it is encrypted as a whole, and its address is found by a keyed hash. A row
// without a mail asks for the files of its address to be deleted. A token is kept as its SHA-256 hash.
const UP: &str = r"
CREATE TABLE mail_outbox (
    id UUID PRIMARY KEY,
    address_hash BYTES NOT NULL,
    sealed BYTES,
    attempts INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX mail_outbox_by_time ON mail_outbox (next_at);
CREATE INDEX mail_outbox_by_address ON mail_outbox (address_hash);

CREATE TABLE one_time_token (
    token_hash BYTES PRIMARY KEY,
    purpose KEY NOT NULL,
    subject_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) CLUSTERED;
CREATE INDEX one_time_token_by_subject ON one_time_token (subject_id, purpose);
CREATE INDEX one_time_token_by_expiry ON one_time_token (expires_at);

CREATE TABLE invitation (
    id UUID PRIMARY KEY,
    email TEXT NOT NULL,
    email_key KEY NOT NULL,
    language KEY NOT NULL,
    region KEY NOT NULL,
    roles KEY NOT NULL,
    organization_id UUID,
    talent_id UUID,
    invited_by UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitation_by_region ON invitation (region, created_at, id);
CREATE INDEX invitation_by_email ON invitation (email_key);
CREATE INDEX invitation_by_account ON invitation (invited_by);
CREATE INDEX invitation_by_expiry ON invitation (expires_at);

CREATE INDEX account_by_creation ON account (created_at, id);
CREATE INDEX account_role_by_region ON account_role (region, account_id)
";
