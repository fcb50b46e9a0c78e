//! Who did what to which record, and who read how a person can be reached.

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
        Err(DbErr::Migration("what was noted is not thrown away: restore a backup instead".into()))
    }
}

// No value of any field is in `audit`: the names of the fields that changed, and ids. `listed_under` is the record in
// whose history an entry is shown: the survivor's, where the record was merged.
const UP: &str = r"
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
);
CREATE INDEX audit_by_record ON audit (listed_under, at, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_actor ON audit (actor_id) WHERE actor_id IS NOT NULL;

CREATE TABLE contact_read (
    id UUID PRIMARY KEY,
    talent_id UUID NOT NULL,
    at BIGINT NOT NULL,
    reader KEY NOT NULL,
    reader_id UUID NOT NULL,
    email SMALLINT NOT NULL,
    phone SMALLINT NOT NULL
);
CREATE UNIQUE INDEX contact_read_by_talent ON contact_read (talent_id, at, reader_id);
CREATE INDEX contact_read_by_time ON contact_read (at);
CREATE INDEX contact_read_by_reader ON contact_read (reader_id)
";
