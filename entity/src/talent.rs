//! Table `talent`: talents.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Talents.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "talent")]
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
    /// Name as shown.
    pub display_name: String,
    /// Sort key of the name: byte order is reading order.
    pub name_key: Vec<u8>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// JSON list of other spellings.
    pub name_variants: JsonText,
    /// JSON list of scheme and value.
    pub identifiers: JsonText,
    /// Whether the person has taken the profile over.
    pub claimed: bool,
    /// Name of the enum value.
    pub legal_basis: String,
    /// Slug of the territory.
    pub territory: Option<String>,
    /// JSON list of occupation slugs.
    pub occupations: JsonText,
    /// JSON list of sector slugs.
    pub sectors: JsonText,
    /// JSON list of texts.
    pub skills: JsonText,
    /// JSON list of the skills in folded form.
    pub skill_keys: JsonText,
    /// JSON list.
    pub languages: JsonText,
    /// Name of the enum value.
    pub availability: String,
    /// Calendar date.
    pub available_from: Option<String>,
    /// Absolute URL.
    pub website: Option<String>,
    /// JSON list of label and URL.
    pub links: JsonText,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number as written.
    pub phone: Option<String>,
    /// Visibility of the field group CONTACT.
    pub contact_visibility: i16,
    /// Visibility of the field group BIOGRAPHY.
    pub biography_visibility: i16,
    /// Visibility of the field group AVAILABILITY.
    pub availability_visibility: i16,
    /// Visibility of the field group AFFILIATIONS.
    pub affiliations_visibility: i16,
    /// JSON list of the facets under which the lists show it.
    pub facets: JsonText,
    /// JSON list of the regions under which the lists show it.
    pub list_regions: JsonText,
    /// JSON list of texts by language.
    pub headlines: JsonText,
    /// JSON list of texts by language.
    pub biographies: JsonText,
    /// JSON list of sources.
    pub sources: JsonText,
    /// JSON list of claims.
    pub claims: JsonText,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
