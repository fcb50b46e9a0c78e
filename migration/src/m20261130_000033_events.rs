//! Events with their programme, and the lists that put them in order.

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

// Events without a date come last in both directions: `event_by_start` has them after, `event_by_start_desc` before all
// others. `event_by_length` finds those that have begun before an instant and are not over: for each class of lengths it is
// walked back as far as the longest event of the class reaches.
const UP: &str = r"
CREATE TABLE event (
    id UUID PRIMARY KEY,
    slug KEY NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    kind KEY NOT NULL,
    mode KEY NOT NULL,
    status KEY NOT NULL,
    name_key BYTES NOT NULL,
    series KEY,
    edition INTEGER,
    parent_id UUID,
    starts_on KEY,
    ends_on KEY,
    starts_at BIGINT,
    ends_at BIGINT,
    time_zone KEY NOT NULL,
    starts_at_key BIGINT,
    ends_at_key BIGINT,
    length_class SMALLINT,
    venue TEXT,
    venue_organization_id UUID,
    address TEXT,
    geo_x REAL8,
    geo_y REAL8,
    geo_z REAL8,
    territory KEY,
    website TEXT,
    online_url TEXT,
    expected_attendance INTEGER,
    attendance INTEGER,
    capacity INTEGER,
    registration_mode KEY NOT NULL,
    registration_closes_at BIGINT,
    regions KEY NOT NULL,
    sectors KEY NOT NULL,
    facets KEY NOT NULL,
    list_regions KEY NOT NULL,
    titles TEXT NOT NULL,
    descriptions TEXT NOT NULL,
    opening_hours TEXT NOT NULL,
    sources TEXT NOT NULL,
    claims TEXT NOT NULL
);
CREATE INDEX event_by_updated_at ON event (updated_at, id);
CREATE INDEX event_by_start ON event (COALESCE(starts_at_key, 9223372036854775807), id);
CREATE INDEX event_by_start_desc ON event (COALESCE(starts_at_key, -9223372036854775807), id);
CREATE INDEX event_by_length ON event (length_class, starts_at_key, ends_at_key);
CREATE INDEX event_by_series ON event (series, COALESCE(starts_at_key, -9223372036854775807), id)
    WHERE series IS NOT NULL;
CREATE INDEX event_by_parent ON event (parent_id, COALESCE(starts_at_key, 9223372036854775807), id)
    WHERE parent_id IS NOT NULL;
CREATE INDEX event_by_venue_organization ON event (venue_organization_id) WHERE venue_organization_id IS NOT NULL;

CREATE TABLE event_list (
    facet KEY NOT NULL,
    region KEY NOT NULL,
    name_key BYTES NOT NULL,
    id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    PRIMARY KEY (facet, region, name_key, id) COVERING (visibility)
) CLUSTERED;

CREATE TABLE event_organization (
    event_id UUID NOT NULL,
    role KEY NOT NULL,
    position INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (event_id, role, position)
) CLUSTERED;
CREATE INDEX event_organization_by_organization ON event_organization (organization_id, event_id);

CREATE TABLE event_speaker (
    event_id UUID NOT NULL,
    position INTEGER NOT NULL,
    talent_id UUID NOT NULL,
    PRIMARY KEY (event_id, position)
) CLUSTERED;
CREATE INDEX event_speaker_by_talent ON event_speaker (talent_id, event_id);

CREATE TABLE event_session (
    id UUID PRIMARY KEY,
    event_id UUID NOT NULL,
    position INTEGER NOT NULL,
    kind KEY NOT NULL,
    titles TEXT NOT NULL,
    count INTEGER,
    starts_at BIGINT,
    ends_at BIGINT,
    room TEXT
);
CREATE INDEX event_session_by_event ON event_session (event_id, position);

CREATE TABLE event_session_organization (
    session_id UUID NOT NULL,
    position INTEGER NOT NULL,
    event_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (session_id, position)
) CLUSTERED;
CREATE INDEX event_session_organization_by_event ON event_session_organization (event_id);
CREATE INDEX event_session_organization_by_organization ON event_session_organization (organization_id, event_id);

CREATE TABLE event_session_speaker (
    session_id UUID NOT NULL,
    position INTEGER NOT NULL,
    event_id UUID NOT NULL,
    talent_id UUID NOT NULL,
    PRIMARY KEY (session_id, position)
) CLUSTERED;
CREATE INDEX event_session_speaker_by_event ON event_session_speaker (event_id);
CREATE INDEX event_session_speaker_by_talent ON event_session_speaker (talent_id, event_id)
";

const DOWN: &str = r"
DROP TABLE event_session_speaker;
DROP TABLE event_session_organization;
DROP TABLE event_session;
DROP TABLE event_speaker;
DROP TABLE event_organization;
DROP TABLE event_list;
DROP TABLE event
";
