//! Registrations for events, their counts, and the news of them that mails tell.

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
        ddl(manager, "DROP TABLE event_notice; DROP TABLE event_seats; DROP TABLE event_registration").await
    }
}

// A person has one registration for an event, whatever became of it. `event_registration_in_order` is the list of the
// organizers, `event_registration_in_line` the waiting list, `event_registration_shown` the list that everybody sees.
// `event_seats` is written with each registration, under the lock of the event.
const UP: &str = r"
CREATE TABLE event_registration (
    id UUID PRIMARY KEY,
    event_id UUID NOT NULL,
    account_id UUID NOT NULL,
    organization_id UUID,
    message TEXT,
    listed BOOLEAN NOT NULL,
    status KEY NOT NULL,
    registered_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX event_registration_of_person ON event_registration (event_id, account_id);
CREATE INDEX event_registration_in_order ON event_registration (event_id, registered_at, id);
CREATE INDEX event_registration_in_line ON event_registration (event_id, registered_at) WHERE status = 'WAITLISTED';
CREATE INDEX event_registration_shown ON event_registration (event_id, id) WHERE listed AND status = 'CONFIRMED';
CREATE INDEX event_registration_by_account ON event_registration (account_id, registered_at, id);
CREATE INDEX event_registration_by_organization ON event_registration (organization_id)
    WHERE organization_id IS NOT NULL;

CREATE TABLE event_seats (
    event_id UUID PRIMARY KEY,
    confirmed INTEGER NOT NULL,
    last_at BIGINT NOT NULL
);

CREATE TABLE event_notice (
    id UUID PRIMARY KEY,
    account_id UUID NOT NULL,
    news KEY NOT NULL,
    titles TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX event_notice_by_time ON event_notice (created_at, id);
CREATE INDEX event_notice_by_account ON event_notice (account_id)
";
