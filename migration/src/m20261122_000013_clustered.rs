//! Fewer trees to write for each record: what every write adds a row to is kept in its primary key (SQLite), and what
//! was done to records is found by its id, which begins with the time.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::ddl;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            ddl(manager, CLUSTER).await?;
        }
        ddl(manager, "DROP INDEX IF EXISTS audit_by_time; DROP INDEX contact_read_by_time").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the log is not thrown away: restore a backup instead".into()))
    }
}

const CLUSTER: &str = r"
ALTER TABLE audit RENAME TO audit_before;
CREATE TABLE audit (
    id UUID PRIMARY KEY,
    at BIGINT NOT NULL,
    actor KEY NOT NULL,
    actor_id UUID,
    actor_source KEY,
    action KEY NOT NULL,
    record_type KEY NOT NULL,
    record_id UUID NOT NULL,
    listed_under UUID NOT NULL,
    region KEY NOT NULL,
    revision INTEGER,
    fields KEY NOT NULL
) CLUSTERED;
INSERT INTO audit SELECT * FROM audit_before;
DROP TABLE audit_before;
CREATE INDEX audit_by_record ON audit (listed_under, at, id);
CREATE INDEX audit_by_actor ON audit (actor_id) WHERE actor_id IS NOT NULL;

ALTER TABLE change_log RENAME TO change_log_before;
CREATE TABLE change_log (
    seq BIGINT PRIMARY KEY,
    tx_seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    record_type KEY NOT NULL,
    record_id UUID NOT NULL,
    op KEY NOT NULL,
    revision INTEGER NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    origin KEY NOT NULL,
    tag INTEGER NOT NULL
) CLUSTERED;
INSERT INTO change_log SELECT * FROM change_log_before;
DROP TABLE change_log_before;

ALTER TABLE view_head RENAME TO view_head_before;
CREATE TABLE view_head (
    record_id UUID NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    last_seq BIGINT NOT NULL,
    op KEY NOT NULL,
    PRIMARY KEY (record_id, region, visibility)
) CLUSTERED;
INSERT INTO view_head SELECT * FROM view_head_before;
DROP TABLE view_head_before;
CREATE INDEX view_head_by_seq ON view_head (region, visibility, last_seq);

ALTER TABLE sync_record RENAME TO sync_record_before;
CREATE TABLE sync_record (
    record_id UUID PRIMARY KEY,
    record_type KEY NOT NULL,
    source KEY,
    external_id KEY,
    revision INTEGER NOT NULL,
    origin KEY NOT NULL,
    content_hash BYTES NOT NULL,
    schema_version INTEGER NOT NULL,
    state KEY NOT NULL
) CLUSTERED;
INSERT INTO sync_record SELECT * FROM sync_record_before;
DROP TABLE sync_record_before;
CREATE UNIQUE INDEX sync_record_by_external_id ON sync_record (source, external_id)
";
