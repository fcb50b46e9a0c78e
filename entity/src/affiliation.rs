//! Table `affiliation`: talents' roles in organizations.

use sea_orm::entity::prelude::*;

/// Talents' roles in organizations.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "affiliation")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Slug of the region in whose view of the log it is: that of its private parts, where it is private; empty where
    /// these are of several.
    pub view_region: String,
    /// Who may see it: 0 everyone, 1 members, 2 owner and staff.
    pub visibility: i16,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
    /// The talent.
    pub talent_id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// JSON list of texts by language.
    pub roles: String,
    /// Occupation slug.
    pub occupation: Option<String>,
    /// Partial date.
    pub starts_on: Option<String>,
    /// Partial date.
    pub ends_on: Option<String>,
    /// Last day that the end may mean.
    pub ends_last: Option<String>,
    /// Partial date of the report.
    pub as_of: Option<String>,
    /// Start, else report, else empty: the order of lists.
    pub sort_on: String,
    /// Name of the enum value.
    pub asserted_by: String,
    /// JSON list of sources.
    pub sources: String,
    /// The side that says it is not so: TALENT or ORGANIZATION.
    pub disputed_by: Option<String>,
    /// Since when: microseconds since 1970, UTC.
    pub disputed_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
