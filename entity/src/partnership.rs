//! Table `partnership`: partnerships.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Partnerships.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partnership")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Readable name in addresses, unique within the type.
    pub slug: String,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Slug of the region whose view of the log contains the record. A private record is in the view of its private
    /// parts' region, or in none (empty) where these are of several regions.
    pub view_region: String,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff.
    pub visibility: i16,
    /// Visibility chosen by its owner; `visibility` is the strictest of it and of the parties.
    pub declared_visibility: i16,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
    /// Slug of a term.
    pub kind: String,
    /// Name of the enum value.
    pub status: String,
    /// Sort key of the name: byte order is reading order.
    pub name_key: Vec<u8>,
    /// Partial date.
    pub starts_on: Option<String>,
    /// Partial date.
    pub ends_on: Option<String>,
    /// Last day of the period that `ends_on` names.
    pub ends_last: Option<String>,
    /// JSON list of sector slugs.
    pub sectors: JsonText,
    /// Whether its parties are of two countries or more.
    pub cross_border: bool,
    /// JSON list of the regions of its parties.
    pub party_regions: JsonText,
    /// Sum of the contributions, exact decimal.
    pub total_amount: Option<String>,
    /// ISO 4217 code of the sum.
    pub total_currency: Option<String>,
    /// JSON list of the facets under which the lists show it.
    pub facets: JsonText,
    /// JSON list of the regions under which the lists show it.
    pub list_regions: JsonText,
    /// JSON list of texts by language.
    pub titles: JsonText,
    /// JSON list of texts by language, the original first.
    pub descriptions: JsonText,
    /// JSON list of sources.
    pub sources: JsonText,
    /// JSON list of claims.
    pub claims: JsonText,
    /// The call for projects that it is about.
    pub call_id: Option<Uuid>,
    /// The event that it is about.
    pub event_id: Option<Uuid>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
