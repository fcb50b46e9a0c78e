//! The instance, its sources, and the change log.

use sea_orm_migration::prelude::*;

use crate::ddl;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl(manager, UP).await?;
        let insert = |sql: &str, id: uuid::Uuid| {
            let backend = manager.get_connection().get_database_backend();
            sea_orm_migration::sea_orm::Statement::from_sql_and_values(backend, sql, [id.into()])
        };
        // The two identities that no other database has. They are random by purpose, not by time.
        #[expect(clippy::disallowed_methods, reason = "a migration has no App to take randomness from")]
        let (instance, feed) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let connection = manager.get_connection();
        connection
            .execute_raw(insert(
                "INSERT INTO instance (id, instance_id, sample_loaded) VALUES (1, $1, FALSE)",
                instance,
            ))
            .await?;
        connection
            .execute_raw(insert(
                "INSERT INTO feed_meta (id, feed_id, head, floor) VALUES (1, $1, 0, 0)",
                feed,
            ))
            .await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the first step is not taken back: restore a backup instead".into()))
    }
}

const UP: &str = r"
CREATE TABLE instance (
    id SMALLINT PRIMARY KEY,
    instance_id UUID NOT NULL,
    sample_loaded BOOLEAN NOT NULL
);

CREATE TABLE source (
    name KEY PRIMARY KEY,
    region KEY NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE feed_meta (
    id SMALLINT PRIMARY KEY,
    feed_id UUID NOT NULL,
    head BIGINT NOT NULL,
    floor BIGINT NOT NULL
) COUNTER_ROW;

CREATE TABLE feed_history (
    feed_id UUID PRIMARY KEY,
    head BIGINT NOT NULL,
    retired_at BIGINT NOT NULL
);

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
);

CREATE TABLE view_head (
    record_id UUID NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    last_seq BIGINT NOT NULL,
    op KEY NOT NULL,
    PRIMARY KEY (record_id, region, visibility)
);
CREATE INDEX view_head_by_seq ON view_head (region, visibility, last_seq);

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
);
CREATE UNIQUE INDEX sync_record_by_external_id ON sync_record (source, external_id);

CREATE TABLE record_slug (
    record_type KEY NOT NULL,
    slug KEY NOT NULL,
    record_id UUID NOT NULL,
    PRIMARY KEY (record_type, slug)
) CLUSTERED;

CREATE TABLE record_redirect (
    id UUID PRIMARY KEY,
    target_id UUID NOT NULL
);

CREATE TABLE record_identifier (
    record_type KEY NOT NULL,
    scheme KEY NOT NULL,
    value KEY NOT NULL,
    record_id UUID NOT NULL,
    PRIMARY KEY (record_type, scheme, value)
) CLUSTERED;
CREATE INDEX record_identifier_by_record ON record_identifier (record_id)
";
