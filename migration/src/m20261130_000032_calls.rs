//! Calls for projects with their contributions, lots and organizers, and the list that puts them in order.

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

// The indexes by day and by key answer which calls are open on a day and now: a range of those that close later, which
// the second column narrows without a look at the rows. What has no instant comes last in both directions.
const UP: &str = r"
CREATE TABLE call_for_projects (
    id UUID PRIMARY KEY,
    slug KEY NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    declared_visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name_key BYTES NOT NULL,
    time_zone KEY NOT NULL,
    opens_at BIGINT,
    closes_at BIGINT,
    draft BOOLEAN NOT NULL,
    closed BOOLEAN NOT NULL,
    decided BOOLEAN NOT NULL,
    status KEY NOT NULL,
    opens_key BIGINT NOT NULL,
    closes_key BIGINT NOT NULL,
    opens_day KEY NOT NULL,
    closes_day KEY NOT NULL,
    followed BOOLEAN NOT NULL,
    turns_at BIGINT,
    currency KEY,
    fund_amount TEXT,
    regulations TEXT NOT NULL,
    sectors KEY NOT NULL,
    facets KEY NOT NULL,
    list_regions KEY NOT NULL,
    titles TEXT NOT NULL,
    descriptions TEXT NOT NULL,
    sources TEXT NOT NULL,
    claims TEXT NOT NULL
);
CREATE INDEX call_for_projects_by_updated_at ON call_for_projects (updated_at, id);
CREATE INDEX call_for_projects_by_opens_at ON call_for_projects (COALESCE(opens_at, 9000000000000000000), id);
CREATE INDEX call_for_projects_by_opens_at_desc ON call_for_projects (COALESCE(opens_at, -9000000000000000000), id);
CREATE INDEX call_for_projects_by_closes_at ON call_for_projects (COALESCE(closes_at, 9000000000000000000), id);
CREATE INDEX call_for_projects_by_closes_at_desc ON call_for_projects (COALESCE(closes_at, -9000000000000000000), id);
CREATE INDEX call_for_projects_by_day ON call_for_projects (closes_day, opens_day);
CREATE INDEX call_for_projects_by_key ON call_for_projects (closes_key, opens_key);
CREATE INDEX call_for_projects_by_turn ON call_for_projects (turns_at) WHERE turns_at IS NOT NULL;

CREATE TABLE call_for_projects_list (
    facet KEY NOT NULL,
    region KEY NOT NULL,
    name_key BYTES NOT NULL,
    id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    PRIMARY KEY (facet, region, name_key, id) COVERING (visibility)
) CLUSTERED;

CREATE TABLE call_for_projects_contribution (
    call_id UUID NOT NULL,
    position INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    amount TEXT NOT NULL,
    region KEY NOT NULL,
    confirmed BOOLEAN NOT NULL,
    confirmed_at BIGINT,
    declined_at BIGINT,
    PRIMARY KEY (call_id, position)
) CLUSTERED;
CREATE UNIQUE INDEX call_for_projects_contribution_by_organization
    ON call_for_projects_contribution (organization_id, call_id);

CREATE TABLE call_for_projects_lot (
    call_id UUID NOT NULL,
    position INTEGER NOT NULL,
    genre KEY NOT NULL,
    titles TEXT NOT NULL,
    ceiling TEXT,
    budget TEXT,
    min_episodes INTEGER,
    max_episodes INTEGER,
    min_minutes TEXT,
    max_minutes TEXT,
    max_aid_share TEXT,
    eligible_regions TEXT NOT NULL,
    territorial_spend_share TEXT,
    PRIMARY KEY (call_id, position)
) CLUSTERED;

CREATE TABLE call_for_projects_lot_funder (
    call_id UUID NOT NULL,
    lot INTEGER NOT NULL,
    position INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (call_id, lot, position)
) CLUSTERED;
CREATE INDEX call_for_projects_lot_funder_by_organization
    ON call_for_projects_lot_funder (organization_id, call_id);

CREATE TABLE call_for_projects_organizer (
    call_id UUID NOT NULL,
    position INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (call_id, position)
) CLUSTERED;
CREATE INDEX call_for_projects_organizer_by_organization
    ON call_for_projects_organizer (organization_id, call_id)
";

const DOWN: &str = r"
DROP TABLE call_for_projects_organizer;
DROP TABLE call_for_projects_lot_funder;
DROP TABLE call_for_projects_lot;
DROP TABLE call_for_projects_contribution;
DROP TABLE call_for_projects_list;
DROP TABLE call_for_projects
";
