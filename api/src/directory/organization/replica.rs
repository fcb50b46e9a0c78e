//! Organizations as other instances tell of them: from replicated fields to a row.

use entity::organization::Model;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::write::{blank, derive};
use super::{Address, OrganizationStatus};
use crate::directory::vocabulary::{Vocabulary, vocabularies};
use crate::record::error::DomainError;
use crate::record::input::to_json;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use crate::record::write::replica::{self, Refers, Unfit, known};
use crate::record::{RecordType, Times, name_of};

/// The replicated fields of an organization.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    slug: String,
    region: String,
    visibility: i16,
    kind: String,
    other_kinds: Vec<String>,
    status: OrganizationStatus,
    successor: Option<String>,
    name: String,
    acronym: Option<String>,
    other_names: Vec<String>,
    seat_region: Option<String>,
    territory: Option<String>,
    address: Option<Address>,
    served_regions: Vec<String>,
    website: Option<Url>,
    email: Option<EmailAddress>,
    phone: Option<String>,
    founded_on: Option<PartialDate>,
    dissolved_on: Option<PartialDate>,
    employee_count: Option<i32>,
    student_count: Option<i32>,
    languages: Vec<Language>,
    identifiers: Vec<Identifier>,
    sectors: Vec<String>,
    member_of: Vec<String>,
    descriptions: Vec<LocalizedText>,
    sources: Vec<Source>,
    claims: Vec<Claim>,
}

/// The row of an organization that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("servedRegions", "region", &all.regions, &fields.served_regions)?;
    known("seatRegion", "region", &all.regions, &fields.seat_region)?;
    known("territory", "territory", &all.territories, &fields.territory)?;
    known("sectors", "sector", &all.sectors, &fields.sectors)?;
    let kinds = all.terms(Vocabulary::OrganizationKind);
    known("kind", "kind of organization", kinds, [&fields.kind])?;
    known("otherKinds", "kind of organization", kinds, &fields.other_kinds)?;
    let organization = |path: &str, text: &String| replica::id(path, RecordType::Organization, text);
    let members = fields.member_of.iter().map(|text| organization("memberOf", text));
    let members = members.collect::<Result<Vec<Uuid>, Unfit>>()?;
    let mut row = Model {
        slug: replica::slug(fields.slug)?,
        region: fields.region,
        visibility: replica::level("visibility", fields.visibility)?,
        created_at: times.created_at.micros(),
        updated_at: times.updated_at.micros(),
        kind: fields.kind,
        other_kinds: to_json(&fields.other_kinds),
        status: name_of(fields.status).to_owned(),
        successor_id: fields.successor.map(|text| organization("successor", &text)).transpose()?,
        name: fields.name,
        acronym: fields.acronym,
        other_names: to_json(&fields.other_names),
        seat_region: fields.seat_region,
        territory: fields.territory,
        address: fields.address.as_ref().map(to_json),
        served_regions: to_json(&fields.served_regions),
        website: fields.website.map(|url| url.to_string()),
        email: fields.email.map(|address| address.to_string()),
        phone: fields.phone,
        founded_on: fields.founded_on.map(|date| date.to_string()),
        dissolved_on: fields.dissolved_on.map(|date| date.to_string()),
        employee_count: fields.employee_count,
        student_count: fields.student_count,
        languages: to_json(&fields.languages),
        identifiers: to_json(&fields.identifiers),
        sectors: to_json(&fields.sectors),
        member_of: to_json(&members),
        descriptions: to_json(&fields.descriptions),
        sources: to_json(&fields.sources),
        claims: to_json(&fields.claims),
        ..blank(id)
    };
    derive(&mut row, fields.address.as_ref());
    Ok(row)
}

/// The organizations that one refers to.
pub(super) fn refers(row: &Model) -> Result<Vec<Refers>, DomainError> {
    let members: Vec<Uuid> = serde_json::from_str(&row.member_of)?;
    let to = RecordType::Organization;
    let members = members.into_iter().map(|id| Refers { path: "memberOf", to, id });
    let successor = row.successor_id.map(|id| Refers { path: "successor", to, id });
    Ok(members.chain(successor).collect())
}
