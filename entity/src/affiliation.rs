//! Table `affiliation`: talents' roles in organizations.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Talents' roles in organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "affiliation")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Slug of the region whose view of the log contains the record. A private record is in the view of its private
    /// parts' region, or in none (empty) where these are of several regions.
    pub view_region: String,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff.
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
    pub roles: JsonText,
    /// Occupation slug.
    pub occupation: Option<String>,
    /// Partial date.
    pub starts_on: Option<String>,
    /// Partial date.
    pub ends_on: Option<String>,
    /// Last day of the period that `ends_on` names.
    pub ends_last: Option<String>,
    /// Partial date of the report.
    pub as_of: Option<String>,
    /// Sort key of lists: the start, else the date of the report, else empty.
    pub sort_on: String,
    /// Name of the enum value.
    pub asserted_by: String,
    /// JSON list of sources.
    pub sources: JsonText,
    /// Side that disputes the affiliation: TALENT or ORGANIZATION; null where neither does.
    pub disputed_by: Option<String>,
    /// When it was disputed; microseconds since 1970, UTC.
    pub disputed_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
