//! Table `organization`: organizations.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Organizations.
#[derive(Clone, Debug, Default, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Readable name in addresses, unique within the type.
    pub slug: String,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff.
    pub visibility: i16,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
    /// Slug of a term.
    pub kind: String,
    /// JSON list of term slugs.
    pub other_kinds: JsonText,
    /// Name of the enum value.
    pub status: String,
    /// The organization that continues this one.
    pub successor_id: Option<Uuid>,
    /// Name as written by its owner.
    pub name: String,
    /// Sort key of the name: byte order is reading order.
    pub name_key: Vec<u8>,
    /// Short form of the name.
    pub acronym: Option<String>,
    /// JSON list of texts.
    pub other_names: JsonText,
    /// Slug of the region of the seat.
    pub seat_region: Option<String>,
    /// Slug of the territory.
    pub territory: Option<String>,
    /// JSON object.
    pub address: Option<JsonText>,
    /// ISO 3166-1 alpha-2: of the seat, else of the answering region.
    pub country: String,
    /// Unit vector of the place, x.
    pub geo_x: Option<f64>,
    /// Unit vector of the place, y.
    pub geo_y: Option<f64>,
    /// Unit vector of the place, z.
    pub geo_z: Option<f64>,
    /// JSON list of region slugs.
    pub served_regions: JsonText,
    /// Absolute URL.
    pub website: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number as written.
    pub phone: Option<String>,
    /// Partial date.
    pub founded_on: Option<String>,
    /// Partial date.
    pub dissolved_on: Option<String>,
    /// Number of people employed.
    pub employee_count: Option<i32>,
    /// Number of students.
    pub student_count: Option<i32>,
    /// JSON list.
    pub languages: JsonText,
    /// JSON list of scheme and value.
    pub identifiers: JsonText,
    /// JSON list of sector slugs.
    pub sectors: JsonText,
    /// JSON list of organization ids.
    pub member_of: JsonText,
    /// JSON list of the facets under which the lists show it.
    pub facets: JsonText,
    /// JSON list of the regions under which the lists show it.
    pub list_regions: JsonText,
    /// JSON list of texts by language, the original first.
    pub descriptions: JsonText,
    /// JSON list of sources.
    pub sources: JsonText,
    /// JSON list of claims.
    pub claims: JsonText,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
