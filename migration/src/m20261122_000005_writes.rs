//! What writes over the API need: repeated requests, disputed affiliations, parties that decline.

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

// `idempotency` holds hashes and an id: neither what was sent nor who sent it can be read from it.
const UP: &str = r"
CREATE TABLE idempotency (
    key_hash BYTES PRIMARY KEY,
    request_hash BYTES NOT NULL,
    record_id UUID NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

ALTER TABLE affiliation ADD COLUMN disputed_by KEY;
ALTER TABLE affiliation ADD COLUMN disputed_at BIGINT;

ALTER TABLE partnership_party ADD COLUMN declined_at BIGINT
";

const DOWN: &str = r"
DROP TABLE idempotency;
ALTER TABLE affiliation DROP COLUMN disputed_by;
ALTER TABLE affiliation DROP COLUMN disputed_at;
ALTER TABLE partnership_party DROP COLUMN declined_at
";
