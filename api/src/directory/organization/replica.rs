//! Organizations as instances tell of them: replicated fields to a row, and back.

use entity::organization::Model;
use serde_json::Value;
use uuid::Uuid;

use super::write::{blank, derive};
use super::{Address, OrganizationStatus};
use crate::directory::replicated::{Json, Level, Named, Slug, Text, known, replicated};
use crate::record::error::DomainError;
use crate::record::input::to_json;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use crate::record::write::replica::{self, Refers, Unfit};
use crate::record::{RecordType, Times, id as ids};
use crate::vocabulary::{Vocabulary, vocabularies};

replicated! {
    /// The replicated fields of an organization.
    struct Fields of Model {
        slug: Slug,
        region: String,
        visibility: Level,
        kind: String,
        other_kinds: Json<Vec<String>>,
        status: Named<OrganizationStatus>,
        successor: Option<String> = by_hand,
        name: String,
        acronym: Option<String>,
        other_names: Json<Vec<String>>,
        seat_region: Option<String>,
        territory: Option<String>,
        address: Option<Json<Address>>,
        served_regions: Json<Vec<String>>,
        website: Option<Text<Url>>,
        email: Option<Text<EmailAddress>>,
        phone: Option<String>,
        founded_on: Option<Text<PartialDate>>,
        dissolved_on: Option<Text<PartialDate>>,
        employee_count: Option<i32>,
        student_count: Option<i32>,
        languages: Json<Vec<Language>>,
        identifiers: Json<Vec<Identifier>>,
        sectors: Json<Vec<String>>,
        member_of: Vec<String> = by_hand,
        descriptions: Json<Vec<LocalizedText>>,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

/// The replicated fields of a row.
pub(super) fn told(row: &Model) -> Result<Value, DomainError> {
    let typed = |id: Uuid| ids::encode("organization", id);
    let members: Vec<Uuid> = serde_json::from_str(&row.member_of)?;
    Fields::of(row, row.successor_id.map(typed), members.into_iter().map(typed).collect()).told()
}

/// The row of an organization that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("servedRegions", "region", &all.regions, fields.served_regions.told().into_iter().flatten())?;
    known("seatRegion", "region", &all.regions, &fields.seat_region)?;
    known("territory", "territory", &all.territories, &fields.territory)?;
    known("sectors", "sector", &all.sectors, fields.sectors.told().into_iter().flatten())?;
    let kinds = all.terms(Vocabulary::OrganizationKind);
    known("kind", "kind of organization", kinds, [&fields.kind])?;
    known("otherKinds", "kind of organization", kinds, fields.other_kinds.told().into_iter().flatten())?;
    let organization = |path: &str, text: &String| replica::id(path, RecordType::Organization, text);
    let members = fields.member_of.iter().map(|text| organization("memberOf", text));
    let members = members.collect::<Result<Vec<Uuid>, Unfit>>()?;
    let mut row = blank(id);
    row.member_of = to_json(&members);
    row.successor_id = fields.successor.as_ref().map(|text| organization("successor", text)).transpose()?;
    fields.fill(times, &mut row);
    derive(&mut row, fields.address.as_ref().and_then(Json::told));
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
