//! Organizations, talents, affiliations and partnerships, and the lists that put them in order.

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
        Err(DbErr::Migration("the first step is not taken back: restore a backup instead".into()))
    }
}

// Lists and texts by language are JSON in text columns: they are read whole or not at all, and are
// the same on both databases. Whatever is filtered on or ordered by has a column or a table of its own.
const UP: &str = r"
CREATE TABLE organization (
    id UUID PRIMARY KEY,
    slug KEY NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    kind KEY NOT NULL,
    other_kinds KEY NOT NULL,
    status KEY NOT NULL,
    successor_id UUID,
    name TEXT NOT NULL,
    name_key BYTES NOT NULL,
    acronym TEXT,
    other_names TEXT NOT NULL,
    seat_region KEY,
    territory KEY,
    address TEXT,
    country KEY NOT NULL,
    geo_x REAL8,
    geo_y REAL8,
    geo_z REAL8,
    served_regions KEY NOT NULL,
    website TEXT,
    email TEXT,
    phone TEXT,
    founded_on KEY,
    dissolved_on KEY,
    employee_count INTEGER,
    student_count INTEGER,
    languages KEY NOT NULL,
    identifiers TEXT NOT NULL,
    sectors KEY NOT NULL,
    member_of TEXT NOT NULL,
    facets KEY NOT NULL,
    list_regions KEY NOT NULL,
    descriptions TEXT NOT NULL,
    sources TEXT NOT NULL,
    claims TEXT NOT NULL
);
CREATE INDEX organization_by_created_at ON organization (created_at, id);
CREATE INDEX organization_by_updated_at ON organization (updated_at, id);
CREATE INDEX organization_by_founded_on ON organization (COALESCE(founded_on, '~'), id);
CREATE INDEX organization_by_founded_on_desc ON organization (COALESCE(founded_on, ''), id);
CREATE INDEX organization_by_successor ON organization (successor_id) WHERE successor_id IS NOT NULL;

CREATE TABLE organization_list (
    facet KEY NOT NULL,
    region KEY NOT NULL,
    name_key BYTES NOT NULL,
    id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    PRIMARY KEY (facet, region, name_key, id) COVERING (visibility)
) CLUSTERED;

CREATE TABLE organization_member (
    organization_id UUID NOT NULL,
    name_key BYTES NOT NULL,
    member_id UUID NOT NULL,
    PRIMARY KEY (organization_id, name_key, member_id)
) CLUSTERED;
CREATE INDEX organization_member_by_member ON organization_member (member_id, organization_id);

CREATE TABLE talent (
    id UUID PRIMARY KEY,
    slug KEY NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    display_name TEXT NOT NULL,
    name_key BYTES NOT NULL,
    given_name TEXT,
    family_name TEXT,
    name_variants TEXT NOT NULL,
    identifiers TEXT NOT NULL,
    claimed BOOLEAN NOT NULL,
    legal_basis KEY NOT NULL,
    territory KEY,
    occupations KEY NOT NULL,
    sectors KEY NOT NULL,
    skills TEXT NOT NULL,
    skill_keys KEY NOT NULL,
    languages KEY NOT NULL,
    availability KEY NOT NULL,
    available_from KEY,
    website TEXT,
    links TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    contact_visibility SMALLINT NOT NULL,
    biography_visibility SMALLINT NOT NULL,
    availability_visibility SMALLINT NOT NULL,
    affiliations_visibility SMALLINT NOT NULL,
    facets KEY NOT NULL,
    list_regions KEY NOT NULL,
    headlines TEXT NOT NULL,
    biographies TEXT NOT NULL,
    sources TEXT NOT NULL,
    claims TEXT NOT NULL
);
CREATE INDEX talent_by_created_at ON talent (created_at, id);
CREATE INDEX talent_by_updated_at ON talent (updated_at, id);

CREATE TABLE talent_list (
    facet KEY NOT NULL,
    region KEY NOT NULL,
    name_key BYTES NOT NULL,
    id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    PRIMARY KEY (facet, region, name_key, id) COVERING (visibility)
) CLUSTERED;

CREATE TABLE affiliation (
    id UUID PRIMARY KEY,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    talent_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    roles TEXT NOT NULL,
    occupation KEY,
    starts_on KEY,
    ends_on KEY,
    ends_last KEY,
    as_of KEY,
    sort_on KEY NOT NULL,
    asserted_by KEY NOT NULL,
    sources TEXT NOT NULL
);
CREATE INDEX affiliation_by_talent ON affiliation (talent_id, sort_on, id);
CREATE INDEX affiliation_by_organization ON affiliation (organization_id, sort_on, id);

CREATE TABLE partnership (
    id UUID PRIMARY KEY,
    slug KEY NOT NULL,
    region KEY NOT NULL,
    visibility SMALLINT NOT NULL,
    declared_visibility SMALLINT NOT NULL,
    revision INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    kind KEY NOT NULL,
    status KEY NOT NULL,
    name_key BYTES NOT NULL,
    starts_on KEY,
    ends_on KEY,
    ends_last KEY,
    sectors KEY NOT NULL,
    cross_border BOOLEAN NOT NULL,
    party_regions KEY NOT NULL,
    total_amount TEXT,
    total_currency KEY,
    facets KEY NOT NULL,
    list_regions KEY NOT NULL,
    titles TEXT NOT NULL,
    descriptions TEXT NOT NULL,
    sources TEXT NOT NULL,
    claims TEXT NOT NULL
);
CREATE INDEX partnership_by_created_at ON partnership (created_at, id);
CREATE INDEX partnership_by_updated_at ON partnership (updated_at, id);
CREATE INDEX partnership_by_starts_on ON partnership (COALESCE(starts_on, '~'), id);
CREATE INDEX partnership_by_starts_on_desc ON partnership (COALESCE(starts_on, ''), id);

CREATE TABLE partnership_list (
    facet KEY NOT NULL,
    region KEY NOT NULL,
    name_key BYTES NOT NULL,
    id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    PRIMARY KEY (facet, region, name_key, id) COVERING (visibility)
) CLUSTERED;

CREATE TABLE partnership_party (
    partnership_id UUID NOT NULL,
    position INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    role KEY NOT NULL,
    title TEXT,
    contribution_amount TEXT,
    contribution_currency KEY,
    confirmed_at BIGINT,
    starts_key KEY NOT NULL,
    PRIMARY KEY (partnership_id, position)
) CLUSTERED;
CREATE INDEX partnership_party_by_organization ON partnership_party (organization_id, starts_key, partnership_id)
";
