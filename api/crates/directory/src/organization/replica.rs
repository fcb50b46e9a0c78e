//! Organizations as instances tell of them: replicated fields to a row, and back.

use entity::JsonText;
use entity::organization::Model;
use uuid::Uuid;

use super::write::derive;
use super::{Address, OrganizationStatus};
use crate::replicated::{Json, Level, Named, Slug, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::{Claim, Source};
use kernel::value::{EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use kernel::vocabulary::{Vocabulary, vocabularies};
use kernel::{RecordType, id as ids};
use records::write::replica::{self, InvalidRevision, Refers, Replicated};

replicated! {
    /// The replicated fields of an organization.
    pub struct Fields of Model {
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

impl Replicated for Fields {
    type Row = Model;

    fn of(row: &Model) -> Result<Self, DomainError> {
        let typed = |id: Uuid| ids::encode("organization", id);
        let members: Vec<Uuid> = row.member_of.read()?;
        Ok(Self::of_columns(row, row.successor_id.map(typed), members.into_iter().map(typed).collect()))
    }

    fn fill(&self, row: &mut Model) -> Result<(), InvalidRevision> {
        let all = vocabularies();
        known("region", "region", &all.regions, [&self.region])?;
        known("servedRegions", "region", &all.regions, self.served_regions.entries())?;
        known("seatRegion", "region", &all.regions, &self.seat_region)?;
        known("territory", "territory", &all.territories, &self.territory)?;
        known("sectors", "sector", &all.sectors, self.sectors.entries())?;
        let kinds = all.terms(Vocabulary::OrganizationKind);
        known("kind", "kind of organization", kinds, [&self.kind])?;
        known("otherKinds", "kind of organization", kinds, self.other_kinds.entries())?;
        let organization = |path: &str, text: &String| replica::id(path, RecordType::Organization, text);
        let members = self.member_of.iter().map(|text| organization("memberOf", text));
        row.member_of = JsonText::of(&members.collect::<Result<Vec<Uuid>, InvalidRevision>>()?);
        row.successor_id = self.successor.as_ref().map(|text| organization("successor", text)).transpose()?;
        self.fill_columns(row);
        derive(row, self.address.as_ref().and_then(Json::told));
        Ok(())
    }

    fn refers(row: &Model) -> Result<Vec<Refers>, DomainError> {
        let members: Vec<Uuid> = row.member_of.read()?;
        let to = RecordType::Organization;
        let members = members.into_iter().map(|id| Refers { path: "memberOf", to, id });
        let successor = row.successor_id.map(|id| Refers { path: "successor", to, id });
        Ok(members.chain(successor).collect())
    }
}
