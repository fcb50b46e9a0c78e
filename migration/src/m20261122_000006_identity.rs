//! Accounts, their roles and sessions, API keys, and the keys that sign access tokens.

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

// No secret is here in a form that opens anything: passwords are Argon2id hashes, tokens and keys of machines
// SHA-256 hashes of random bits, private keys are encrypted with a key that is not in the database.
// The region of a role that is for all regions is the empty text: a primary key has no nulls.
const UP: &str = r"
CREATE TABLE account (
    id UUID PRIMARY KEY,
    email TEXT NOT NULL,
    email_key KEY NOT NULL,
    display_name TEXT NOT NULL,
    language KEY NOT NULL,
    password_hash TEXT,
    talent_id UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_by_email ON account (email_key);

CREATE TABLE account_role (
    account_id UUID NOT NULL,
    role KEY NOT NULL,
    region KEY NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, role, region)
) CLUSTERED;

CREATE TABLE account_organization (
    account_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (account_id, organization_id)
) CLUSTERED;
CREATE INDEX account_organization_by_organization ON account_organization (organization_id);

CREATE TABLE session (
    id UUID PRIMARY KEY,
    account_id UUID NOT NULL,
    family_hash BYTES NOT NULL,
    token_hash BYTES NOT NULL,
    parent_hash BYTES,
    parent_again BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX session_by_family ON session (family_hash);
CREATE INDEX session_by_account ON session (account_id, refreshed_at);
CREATE INDEX session_by_expiry ON session (expires_at);

CREATE TABLE api_key (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    key_hash BYTES NOT NULL,
    region KEY NOT NULL,
    roles KEY NOT NULL,
    created_by UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_key_by_hash ON api_key (key_hash);
CREATE INDEX api_key_by_region ON api_key (region, created_at);

CREATE TABLE signing_key (
    id KEY PRIMARY KEY,
    algorithm KEY NOT NULL,
    public_key BYTES NOT NULL,
    private_key BYTES NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
)
";
