//! Table `event`: assises, markets, missions, meetings.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Events.
#[derive(Clone, Debug, Default, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
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
    /// Name of the enum value: on site, online or both.
    pub mode: String,
    /// Name of the enum value: announced, scheduled, postponed or cancelled.
    pub status: String,
    /// Sort key of the original title: byte order is reading order.
    pub name_key: Vec<u8>,
    /// Slug that the editions of a series share.
    pub series: Option<String>,
    /// Number of the edition.
    pub edition: Option<i32>,
    /// The event that it is a part of.
    pub parent_id: Option<Uuid>,
    /// Partial date, in `time_zone`; the day of `starts_at` where that is known.
    pub starts_on: Option<String>,
    /// Partial date, in `time_zone`; the day of `ends_at` where that is known.
    pub ends_on: Option<String>,
    /// Microseconds since 1970, UTC, where the hour is known.
    pub starts_at: Option<i64>,
    /// Microseconds since 1970, UTC, where the hour is known.
    pub ends_at: Option<i64>,
    /// IANA name of the time zone that its dates and opening hours are in.
    pub time_zone: String,
    /// First instant of the time that its dates span, microseconds since 1970; none where there is no date.
    pub starts_at_key: Option<i64>,
    /// First instant after the time that its dates span.
    pub ends_at_key: Option<i64>,
    /// Class of the length of that time: the index of overlaps looks back as far as each class is long.
    pub length_class: Option<i16>,
    /// Name of the place.
    pub venue: Option<String>,
    /// The organization whose place it is.
    pub venue_organization_id: Option<Uuid>,
    /// JSON of the postal address.
    pub address: Option<JsonText>,
    /// Unit vector of the place.
    pub geo_x: Option<f64>,
    /// Unit vector of the place.
    pub geo_y: Option<f64>,
    /// Unit vector of the place.
    pub geo_z: Option<f64>,
    /// Slug of a territory.
    pub territory: Option<String>,
    /// URL.
    pub website: Option<String>,
    /// URL of the event online, for those who take part.
    pub online_url: Option<String>,
    /// People expected.
    pub expected_attendance: Option<i32>,
    /// People who came.
    pub attendance: Option<i32>,
    /// Places for registrations.
    pub capacity: Option<i32>,
    /// Name of the enum value: how one registers.
    pub registration_mode: String,
    /// From when on nobody registers: microseconds since 1970, UTC.
    pub registration_closes_at: Option<i64>,
    /// JSON list of the slugs of all regions that it is for.
    pub regions: JsonText,
    /// JSON list of sector slugs.
    pub sectors: JsonText,
    /// JSON list of the facets under which the lists show it.
    pub facets: JsonText,
    /// JSON list of the regions under which the lists show it.
    pub list_regions: JsonText,
    /// JSON list of texts by language, the original first.
    pub titles: JsonText,
    /// JSON list of texts by language, the original first.
    pub descriptions: JsonText,
    /// JSON list of days with local opening hours, and the place where there are several.
    pub opening_hours: JsonText,
    /// JSON list of sources.
    pub sources: JsonText,
    /// JSON list of claims.
    pub claims: JsonText,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
