//! Events as instances tell of them: replicated fields to a row with its parts, and back.

use entity::event::Model;
use entity::event_session;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hours::Day;
use super::programme::ids_are_apart;
use super::row::{Row, Session};
use super::session::PREFIX;
use super::write::derive;
use super::{EventMode, EventStatus, RegistrationMode};
use crate::organization::Address;
use crate::replicated::{Field as _, Json, Level, Named, Slug, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::{Claim, Source};
use kernel::value::{LocalizedText, PartialDate, TimeZone, Url};
use kernel::vocabulary::{Vocabulary, vocabularies};
use kernel::{RecordType, id as ids};
use records::write::replica::{self, InvalidRevision, Refers, Replicated};

replicated! {
    /// The replicated fields of an event.
    pub struct Fields of Model {
        slug: Slug,
        region: String,
        visibility: Level,
        kind: String,
        mode: Named<EventMode>,
        status: Named<EventStatus>,
        titles: Json<Vec<LocalizedText>>,
        descriptions: Json<Vec<LocalizedText>>,
        series: Option<Slug>,
        edition: Option<i32>,
        parent: Option<String> = by_hand,
        regions: Json<Vec<String>>,
        starts_on: Option<Text<PartialDate>>,
        ends_on: Option<Text<PartialDate>>,
        starts_at: Option<i64>,
        ends_at: Option<i64>,
        time_zone: Text<TimeZone>,
        opening_hours: Json<Vec<Day>>,
        venue: Option<String>,
        venue_organization: Option<String> = by_hand,
        address: Option<Json<Address>>,
        territory: Option<String>,
        website: Option<Text<Url>>,
        online_url: Option<Text<Url>>,
        organizers: Vec<String> = by_hand,
        partners: Vec<String> = by_hand,
        speakers: Vec<String> = by_hand,
        programme: Vec<Part> = by_hand,
        sectors: Json<Vec<String>>,
        expected_attendance: Option<i32>,
        attendance: Option<i32>,
        capacity: Option<i32>,
        registration_mode: Named<RegistrationMode>,
        registration_closes_at: Option<i64>,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

/// The replicated fields of a session.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Part {
    id: String,
    kind: String,
    titles: Json<Vec<LocalizedText>>,
    count: Option<i32>,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    room: Option<String>,
    speakers: Vec<String>,
    organizations: Vec<String>,
}

fn typed(of: RecordType, list: &[Uuid]) -> Vec<String> {
    list.iter().map(|id| ids::encode(of.prefix(), *id)).collect()
}

fn decoded(path: &str, of: RecordType, list: &[String]) -> Result<Vec<Uuid>, InvalidRevision> {
    list.iter().map(|text| replica::id(path, of, text)).collect()
}

impl Part {
    fn of(session: &Session) -> Self {
        let model = &session.model;
        Self {
            id: ids::encode(PREFIX, model.id),
            kind: model.kind.clone(),
            titles: Json::of(&model.titles),
            count: model.count,
            starts_at: model.starts_at,
            ends_at: model.ends_at,
            room: model.room.clone(),
            speakers: typed(RecordType::Talent, &session.speakers),
            organizations: typed(RecordType::Organization, &session.organizations),
        }
    }

    fn session(&self, place: usize, event_id: Uuid) -> Result<Session, InvalidRevision> {
        let path = "programme";
        let kinds = vocabularies().terms(Vocabulary::EventKind);
        known(path, "kind of event", kinds, [&self.kind])?;
        let id = ids::decode(path, PREFIX, &self.id)
            .map_err(|error| InvalidRevision::new(path, error.to_string()))?;
        Ok(Session {
            model: event_session::Model {
                id,
                event_id,
                position: i32::try_from(place).unwrap_or(i32::MAX),
                kind: self.kind.clone(),
                titles: self.titles.column(),
                count: self.count,
                starts_at: self.starts_at,
                ends_at: self.ends_at,
                room: self.room.clone(),
            },
            speakers: decoded(path, RecordType::Talent, &self.speakers)?,
            organizations: decoded(path, RecordType::Organization, &self.organizations)?,
        })
    }
}

impl Replicated for Fields {
    type Row = Row;

    fn of(row: &Row) -> Result<Self, DomainError> {
        let model = &row.model;
        let organization = RecordType::Organization;
        Ok(Self::of_columns(
            model,
            model.parent_id.map(|id| ids::encode(RecordType::Event.prefix(), id)),
            model.venue_organization_id.map(|id| ids::encode(organization.prefix(), id)),
            typed(organization, &row.organizers),
            typed(organization, &row.partners),
            typed(RecordType::Talent, &row.speakers),
            row.programme.iter().map(Part::of).collect(),
        ))
    }

    fn fill(&self, row: &mut Row) -> Result<(), InvalidRevision> {
        let all = vocabularies();
        known("region", "region", &all.regions, [&self.region])?;
        known("regions", "region", &all.regions, self.regions.entries())?;
        known("territory", "territory", &all.territories, &self.territory)?;
        known("sectors", "sector", &all.sectors, self.sectors.entries())?;
        known("kind", "kind of event", all.terms(Vocabulary::EventKind), [&self.kind])?;
        let organization = RecordType::Organization;
        row.organizers = decoded("organizers", organization, &self.organizers)?;
        row.partners = decoded("partners", organization, &self.partners)?;
        row.speakers = decoded("speakers", RecordType::Talent, &self.speakers)?;
        let model = &mut row.model;
        let parent = self.parent.as_ref();
        model.parent_id = parent.map(|text| replica::id("parent", RecordType::Event, text)).transpose()?;
        let venue = self.venue_organization.as_ref();
        model.venue_organization_id =
            venue.map(|text| replica::id("venueOrganization", organization, text)).transpose()?;
        self.fill_columns(model);
        derive(model, self.address.as_ref().and_then(Json::told));
        let sessions = self.programme.iter().enumerate();
        row.programme =
            sessions.map(|(place, part)| part.session(place, row.model.id)).collect::<Result<_, _>>()?;
        if !ids_are_apart(&row.programme) {
            return Err(InvalidRevision::new("programme", "two sessions have one id"));
        }
        Ok(())
    }

    fn refers(row: &Row) -> Result<Vec<Refers>, DomainError> {
        let all = |path: &'static str, to: RecordType| move |id: Uuid| Refers { path, to, id };
        let organizations = row.organizations().map(all("organizers", RecordType::Organization));
        let talents = row.talents().map(all("speakers", RecordType::Talent));
        let parent = row.model.parent_id.map(all("parent", RecordType::Event));
        Ok(organizations.chain(talents).chain(parent).collect())
    }
}
