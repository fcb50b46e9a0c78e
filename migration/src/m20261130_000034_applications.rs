//! Applications to calls for projects, their partners, and what funders decide of them.

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

// An amount is in two whole numbers, so that both databases add amounts exactly. A funder decides once on an
// application: the unique index says so to those who decide at the same moment. A call says when its last award was decided,
// so that each award that becomes public is a change of the call, which the log tells.
const UP: &str = r"
CREATE TABLE application (
    id UUID PRIMARY KEY,
    call_id UUID NOT NULL,
    applicant_id UUID NOT NULL,
    status KEY NOT NULL,
    revision INTEGER NOT NULL,
    genre KEY,
    project_title TEXT NOT NULL,
    summary TEXT,
    requested_amount TEXT,
    requested_currency KEY,
    budget_amount TEXT,
    budget_currency KEY,
    episodes INTEGER,
    minutes TEXT,
    links TEXT NOT NULL,
    written_by UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    submitted_at BIGINT,
    decided_at BIGINT
);
CREATE INDEX application_by_call ON application (call_id, created_at, id);
CREATE INDEX application_by_status ON application (call_id, status);
CREATE INDEX application_by_applicant ON application (applicant_id, created_at, id);
CREATE INDEX application_by_writer ON application (written_by);

CREATE TABLE application_partner (
    application_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (application_id, organization_id)
) CLUSTERED;
CREATE INDEX application_partner_by_organization ON application_partner (organization_id);

CREATE TABLE application_decision (
    id UUID PRIMARY KEY,
    application_id UUID NOT NULL,
    call_id UUID NOT NULL,
    genre KEY NOT NULL,
    funder_id UUID NOT NULL,
    status KEY NOT NULL,
    amount_whole BIGINT,
    amount_part INTEGER,
    currency KEY,
    note TEXT,
    decided_by UUID,
    decided_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX application_decision_once ON application_decision (application_id, funder_id);
CREATE INDEX application_decision_by_call ON application_decision (call_id, status, decided_at, id);
CREATE INDEX application_decision_by_funder ON application_decision (funder_id);
CREATE INDEX application_decision_by_decider ON application_decision (decided_by);

CREATE TABLE application_reminder (
    call_id UUID PRIMARY KEY,
    reminded_at BIGINT NOT NULL
) CLUSTERED;

ALTER TABLE call_for_projects ADD COLUMN awarded_at BIGINT
";

const DOWN: &str = "ALTER TABLE call_for_projects DROP COLUMN awarded_at; DROP TABLE application_reminder; DROP TABLE application_decision; \
                    DROP TABLE application_partner; DROP TABLE application";
