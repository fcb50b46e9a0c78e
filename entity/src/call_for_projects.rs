//! Table `call_for_projects`: calls for projects, each with one regulation that all its funders share.
//!
//! All amounts of a call are in `currency`. Its contributions, lots, lot funders and organizers are in
//! `call_for_projects_contribution`, `_lot`, `_lot_funder` and `_organizer`. The state of a call at an instant follows
//! from `draft`, `opens_key`, `closes_key` and `decided`; `status` is what its newest revision says of it.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Calls for projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "call_for_projects")]
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
pub struct Model {
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Readable name in addresses, unique within the type.
    pub slug: String,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff. That of a draft is 2.
    pub visibility: i16,
    /// Visibility chosen by its owner, which holds once it is no draft.
    pub declared_visibility: i16,
    /// Grows by one with each effective change.
    pub revision: i32,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
    /// Sort key of the original title: byte order is reading order.
    pub name_key: Vec<u8>,
    /// IANA name of the time zone that the regulation means.
    pub time_zone: String,
    /// First instant at which it is open: microseconds since 1970, UTC.
    pub opens_at: Option<i64>,
    /// Last instant at which it is open: microseconds since 1970, UTC.
    pub closes_at: Option<i64>,
    /// Whether it is not published yet.
    pub draft: bool,
    /// Whether it closed at an instant that is not known. Then it has no `closes_at`.
    pub closed: bool,
    /// Whether every submitted application is decided: a closed call is AWARDED then.
    pub decided: bool,
    /// When the last award was decided of one that is decided: microseconds since 1970, UTC. None where there is none.
    pub awarded_at: Option<i64>,
    /// The name of the status that the newest revision says.
    pub status: String,
    /// `opens_at`; the least number where it has none.
    pub opens_key: i64,
    /// `closes_at`; the greatest number where it has none, and the least where it is `closed`.
    pub closes_key: i64,
    /// Its first day in its time zone, as `YYYY-MM-DD`; empty where that is not known, `~` for a draft.
    pub opens_day: String,
    /// Its last day in its time zone; `~` where it has none, `opens_day` where it is `closed`, empty for a draft.
    pub closes_day: String,
    /// Whether the newest revision was made by another instance, which then writes the turns of the status too.
    pub followed: bool,
    /// When the status turns next; none where it does not, or where another instance writes the turn.
    pub turns_at: Option<i64>,
    /// ISO 4217 code of all amounts of the call; none where it has none.
    pub currency: Option<String>,
    /// Sum of the contributions that count, exact decimal; none where none counts.
    pub fund_amount: Option<String>,
    /// JSON list of regulations: language, version, url, validFrom.
    pub regulations: JsonText,
    /// JSON list of sector slugs.
    pub sectors: JsonText,
    /// JSON list of the facets under which the lists show it: sectors and the genres of its lots.
    pub facets: JsonText,
    /// JSON list of the regions under which the lists show it.
    pub list_regions: JsonText,
    /// JSON list of texts by language, the original first.
    pub titles: JsonText,
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
