//! Talents as instances tell of them: replicated fields to a row, and back.

use entity::talent::Model;
use serde_json::Value;
use uuid::Uuid;

use super::write::{blank, derive};
use super::{Availability, LegalBasis, Link, SpokenLanguage};
use crate::directory::replicated::{Json, Level, Named, Slug, Text, known, replicated};
use crate::record::Times;
use crate::record::error::DomainError;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{Date, EmailAddress, Identifier, LocalizedText, Url};
use crate::record::write::replica::{self, Unfit};
use crate::vocabulary::vocabularies;

replicated! {
    /// The replicated fields of a talent.
    struct Fields of Model {
        slug: Slug,
        region: String,
        visibility: Level,
        display_name: String,
        given_name: Option<String>,
        family_name: Option<String>,
        name_variants: Json<Vec<String>>,
        identifiers: Json<Vec<Identifier>>,
        claimed: bool,
        legal_basis: Named<LegalBasis>,
        territory: Option<String>,
        occupations: Json<Vec<String>>,
        sectors: Json<Vec<String>>,
        skills: Json<Vec<String>>,
        languages: Json<Vec<SpokenLanguage>>,
        availability: Named<Availability>,
        available_from: Option<Text<Date>>,
        website: Option<Text<Url>>,
        links: Json<Vec<Link>>,
        email: Option<Text<EmailAddress>>,
        phone: Option<String>,
        /// Of the groups CONTACT, BIOGRAPHY, AVAILABILITY and AFFILIATIONS.
        field_visibility: [i16; 4] = by_hand,
        headlines: Json<Vec<LocalizedText>>,
        biographies: Json<Vec<LocalizedText>>,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

/// The replicated fields of a row.
pub(super) fn told(row: &Model) -> Result<Value, DomainError> {
    let levels = [
        row.contact_visibility,
        row.biography_visibility,
        row.availability_visibility,
        row.affiliations_visibility,
    ];
    Fields::of(row, levels).told()
}

/// The row of a talent that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("territory", "territory", &all.territories, &fields.territory)?;
    known("sectors", "sector", &all.sectors, fields.sectors.told().into_iter().flatten())?;
    known("occupations", "occupation", &all.occupations, fields.occupations.told().into_iter().flatten())?;
    let spoken = fields.languages.told().into_iter().flatten().map(|spoken| &spoken.language);
    known("languages", "language code", &all.languages, spoken)?;
    for level in fields.field_visibility {
        replica::level("fieldVisibility", level)?;
    }
    let mut row = blank(id);
    [
        row.contact_visibility,
        row.biography_visibility,
        row.availability_visibility,
        row.affiliations_visibility,
    ] = fields.field_visibility;
    fields.fill(times, &mut row);
    derive(&mut row);
    Ok(row)
}
