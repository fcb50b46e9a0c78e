//! The names of organizations in the form in which they are compared.

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
        ddl(manager, "DROP TABLE organization_name").await
    }
}

// The program fills in what is missing after all steps (`name_all`): a later step that changes the form of names
// only has to empty the table.
const UP: &str = r"
CREATE TABLE organization_name (
    name KEY NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (name, organization_id)
) CLUSTERED;
CREATE INDEX organization_name_by_organization ON organization_name (organization_id)
";
