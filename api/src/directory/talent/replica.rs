//! Talents as other instances tell of them: from replicated fields to a row.

use entity::talent::Model;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::write::{blank, derive};
use super::{Availability, LegalBasis, Link, SpokenLanguage};
use crate::directory::vocabulary::vocabularies;
use crate::record::input::to_json;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{Date, EmailAddress, Identifier, LocalizedText, Url};
use crate::record::write::replica::{self, Unfit, known};
use crate::record::{Times, name_of};

/// The replicated fields of a talent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    slug: String,
    region: String,
    visibility: i16,
    display_name: String,
    given_name: Option<String>,
    family_name: Option<String>,
    name_variants: Vec<String>,
    identifiers: Vec<Identifier>,
    claimed: bool,
    legal_basis: LegalBasis,
    territory: Option<String>,
    occupations: Vec<String>,
    sectors: Vec<String>,
    skills: Vec<String>,
    languages: Vec<SpokenLanguage>,
    availability: Availability,
    available_from: Option<Date>,
    website: Option<Url>,
    links: Vec<Link>,
    email: Option<EmailAddress>,
    phone: Option<String>,
    /// Of the groups CONTACT, BIOGRAPHY, AVAILABILITY and AFFILIATIONS.
    field_visibility: [i16; 4],
    headlines: Vec<LocalizedText>,
    biographies: Vec<LocalizedText>,
    sources: Vec<Source>,
    claims: Vec<Claim>,
}

/// The row of a talent that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("territory", "territory", &all.territories, &fields.territory)?;
    known("sectors", "sector", &all.sectors, &fields.sectors)?;
    known("occupations", "occupation", &all.occupations, &fields.occupations)?;
    let spoken = fields.languages.iter().map(|spoken| &spoken.language);
    known("languages", "language code", &all.languages, spoken)?;
    for level in fields.field_visibility {
        replica::level("fieldVisibility", level)?;
    }
    let [contact, biography, availability, affiliations] = fields.field_visibility;
    let mut row = Model {
        slug: replica::slug(fields.slug)?,
        region: fields.region,
        visibility: replica::level("visibility", fields.visibility)?,
        created_at: times.created_at.micros(),
        updated_at: times.updated_at.micros(),
        display_name: fields.display_name,
        given_name: fields.given_name,
        family_name: fields.family_name,
        name_variants: to_json(&fields.name_variants),
        identifiers: to_json(&fields.identifiers),
        claimed: fields.claimed,
        legal_basis: name_of(fields.legal_basis).to_owned(),
        territory: fields.territory,
        occupations: to_json(&fields.occupations),
        sectors: to_json(&fields.sectors),
        skills: to_json(&fields.skills),
        languages: to_json(&fields.languages),
        availability: name_of(fields.availability).to_owned(),
        available_from: fields.available_from.map(|date| date.to_string()),
        website: fields.website.map(|url| url.to_string()),
        links: to_json(&fields.links),
        email: fields.email.map(|address| address.to_string()),
        phone: fields.phone,
        contact_visibility: contact,
        biography_visibility: biography,
        availability_visibility: availability,
        affiliations_visibility: affiliations,
        headlines: to_json(&fields.headlines),
        biographies: to_json(&fields.biographies),
        sources: to_json(&fields.sources),
        claims: to_json(&fields.claims),
        ..blank(id)
    };
    derive(&mut row);
    Ok(row)
}
