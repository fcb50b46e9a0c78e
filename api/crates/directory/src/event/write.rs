//! The write path of events: from an input to a row and its parts.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::JsonText;
use entity::event::Model;
use serde::Deserialize;
use uuid::Uuid;

use super::hours::{self, OpeningHoursInput};
use super::programme::{self, EventSessionInput};
use super::row::{self, Row};
use super::{EventMode, EventNode, EventStatus, RegistrationMode, dates, lineage, replica};
use crate::organization::Address;
use crate::organization::write::{AddressInput, address, point};
use crate::registration;
use kernel::error::DomainError;
use kernel::input::{Fields, LocalizedTextInput, MAX_NAME, MAX_TEXT};
use kernel::messages::{self, FilledMessage};
use kernel::policy::Visibility;
use kernel::problem::{Problem, Problems};
use kernel::provenance::{ClaimInput, SourceInput};
use kernel::read::KeyedStatement;
use kernel::value::{Date, DateTime, Given, LocalizedText, PartialDate, TimeZone, Url, sort_key};
use kernel::vocabulary::{Vocabulary, facets, list_regions, vocabularies};
use kernel::{RecordType, name_of};
use records::audit::Action;
use records::input_fields;
use records::write::{
    Batch, Draft, InputFields, Kind, Numbered, RecordRow as _, Reference, ReferredBy, Written, content_hash,
    rows_of, touch,
};

/// An event, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventInput {
    /// Readable name for addresses; made from the title where it is not given. Digits are added to one that is not free, where
    /// you cannot see which record has it.
    pub slug: MaybeUndefined<String>,
    /// Slug of its kind (`terms(vocabulary: EVENT_KIND)`).
    pub kind: MaybeUndefined<String>,
    /// Where it takes place; ONSITE where it is not said.
    pub mode: MaybeUndefined<EventMode>,
    /// How firm it is. Where it is not said, a new event is SCHEDULED if it has a date, and ANNOUNCED if it has none.
    pub status: MaybeUndefined<EventStatus>,
    /// Slugs of all regions that it is for; the answering one where they are not given.
    pub regions: MaybeUndefined<Vec<String>>,
    /// Who speaks, beside the speakers of its sessions: talents, by their ids, their slugs, or `source:externalId`.
    pub speakers: MaybeUndefined<Vec<ID>>,
    /// The organization whose place it is, by its id, its slug, or `source:externalId`.
    pub venue_organization: MaybeUndefined<ID>,
    /// Its title, the original first.
    pub titles: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// What it is about, the original first.
    pub descriptions: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the region that answers for it.
    pub region: MaybeUndefined<String>,
    /// Slug of the territory of the place.
    pub territory: MaybeUndefined<String>,
    /// Slug that the editions of its series share.
    pub series: MaybeUndefined<String>,
    /// The number of the edition.
    pub edition: MaybeUndefined<i32>,
    /// The event that it is a part of, by its id, its slug, or `source:externalId`.
    pub parent: MaybeUndefined<ID>,
    /// The day on which it begins, in its time zone, as precisely as known. Where only `startsAt` is given, it follows from
    /// that.
    pub starts_on: MaybeUndefined<Given<PartialDate>>,
    /// The day on which it ends, in its time zone, as precisely as known. Where only `endsAt` is given, it follows from that.
    pub ends_on: MaybeUndefined<Given<PartialDate>>,
    /// When it begins, where the hour is known.
    pub starts_at: MaybeUndefined<Given<DateTime>>,
    /// When it ends, where the hour is known.
    pub ends_at: MaybeUndefined<Given<DateTime>>,
    /// The time zone that its dates and opening hours are in, by its IANA name; that of its region where it is not given.
    pub time_zone: MaybeUndefined<String>,
    /// The days on which it is open, and from when to when.
    pub opening_hours: MaybeUndefined<Vec<OpeningHoursInput>>,
    /// The name of the place.
    pub venue: MaybeUndefined<String>,
    /// The postal address of the place.
    pub address: MaybeUndefined<AddressInput>,
    /// Its website.
    pub website: MaybeUndefined<Given<Url>>,
    /// Where it is online, shown to those who take part. An event that is ONSITE has none.
    pub online_url: MaybeUndefined<Given<Url>>,
    /// The organizations that organize it, by their ids, their slugs, or `source:externalId`.
    pub organizers: MaybeUndefined<Vec<ID>>,
    /// The partners of the organizers, by their ids, their slugs, or `source:externalId`.
    pub partners: MaybeUndefined<Vec<ID>>,
    /// Its programme.
    pub programme: MaybeUndefined<Vec<EventSessionInput>>,
    /// Slugs of its sectors.
    pub sectors: MaybeUndefined<Vec<String>>,
    /// How many people are expected.
    pub expected_attendance: MaybeUndefined<i32>,
    /// How many people came.
    pub attendance: MaybeUndefined<i32>,
    /// How people register; NONE where it is not said.
    pub registration_mode: MaybeUndefined<RegistrationMode>,
    /// From when on nobody registers any more; when it begins, or ends where the hour of its beginning is not known, where it is
    /// not given. It does not lie after the end.
    pub registration_closes_at: MaybeUndefined<Given<DateTime>>,
    /// How many places there are for registrations.
    pub capacity: MaybeUndefined<i32>,
    /// Who may see it; PUBLIC where it is not given.
    pub visibility: MaybeUndefined<Visibility>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
    /// Statements by source, where sources differ or are unsure.
    pub claims: MaybeUndefined<Vec<ClaimInput>>,
}

impl InputFields for EventInput {
    input_fields!(slug region);

    fn references(&self, into: &mut Vec<Reference>) {
        let mut add = |to: RecordType, ids: &mut dyn Iterator<Item = &ID>| {
            into.extend(ids.map(|id| Reference { to, text: id.0.clone() }));
        };
        let sessions = self.programme.as_opt_deref().flatten().unwrap_or_default();
        for list in [&self.organizers, &self.partners] {
            add(RecordType::Organization, &mut list.as_opt_ref().flatten().into_iter().flatten());
        }
        add(RecordType::Organization, &mut self.venue_organization.as_opt_ref().flatten().into_iter());
        add(RecordType::Organization, &mut sessions.iter().flat_map(|s| s.organizations.iter().flatten()));
        add(RecordType::Talent, &mut self.speakers.as_opt_ref().flatten().into_iter().flatten());
        add(RecordType::Talent, &mut sessions.iter().flat_map(|session| session.speakers.iter().flatten()));
        add(RecordType::Event, &mut self.parent.as_opt_ref().flatten().into_iter());
    }
}

/// The write path of events.
#[derive(Debug)]
pub struct Events;

/// Sets the columns that follow from others.
pub(super) fn derive(row: &mut Model, place: Option<&Address>) {
    let titles: Vec<LocalizedText> = row.titles.read().unwrap_or_default();
    row.name_key = sort_key(titles.first().map_or("", |title| title.text.as_str()));
    let vector = point(place, row.territory.as_deref());
    (row.geo_x, row.geo_y, row.geo_z) = (vector.map(|v| v[0]), vector.map(|v| v[1]), vector.map(|v| v[2]));
    row.facets = facets(&row.sectors.read::<Vec<String>>().unwrap_or_default(), &[]);
    let regions: Vec<String> = row.regions.read().unwrap_or_default();
    row.list_regions = list_regions(regions.iter().chain([&row.region]).map(String::as_str));
    dates::place(row);
}

impl Kind for Events {
    const PARTS: &'static [(&'static str, &'static str)] = row::PARTS;
    const REFERRED_BY: &'static [ReferredBy] = &[
        ReferredBy::column(RecordType::Event, "parent_id"),
        ReferredBy::column(RecordType::Partnership, "event_id"),
    ];
    type Node = EventNode;
    type Input = EventInput;
    type Row = Row;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Row {
        let model = Model {
            id,
            mode: name_of(EventMode::Onsite).to_owned(),
            status: name_of(EventStatus::Announced).to_owned(),
            registration_mode: name_of(RegistrationMode::None).to_owned(),
            ..Model::default()
        };
        Row { model, ..Row::default() }
    }

    fn slug(row: &mut Row) -> Option<&mut String> {
        Some(&mut row.model.slug)
    }

    /// Sessions keep the events that they are of: a revision of another instance takes none of another event.
    async fn place(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        let sessions = drafts.iter().flat_map(|(_, draft)| &draft.row.programme);
        let owners = owners(batch, sessions.map(|session| session.model.id).collect()).await?;
        for (index, draft) in drafts.iter() {
            let foreign = |id: &Uuid| owners.get(id).is_some_and(|owner| *owner != draft.row.model.id);
            if draft.row.programme.iter().any(|session| foreign(&session.model.id)) {
                problems[*index].add(Problem::new("programme", &messages::events::SESSION_OF_ANOTHER));
            }
        }
        Ok(())
    }

    fn merge(
        batch: &Batch<'_>,
        event: &mut Row,
        before: Option<&Row>,
        input: &EventInput,
        fields: &mut Fields<'_>,
    ) {
        let all = vocabularies();
        let row = &mut event.model;
        let kind = all.terms(Vocabulary::EventKind);
        let region = &all.regions;
        let territory = &all.territories;
        let sector = &all.sectors;
        fields.required_slug("kind", &input.kind, kind, &mut row.kind);
        fields.required_slug("region", &input.region, region, &mut row.region);
        let for_regions = fields.slugs("regions", &input.regions, region, &mut row.regions);
        if for_regions.is_none() && fields.new && !row.region.is_empty() {
            row.regions = JsonText::of(&[&row.region]);
        }
        fields.texts("titles", &input.titles, MAX_NAME, &mut row.titles);
        let titles: Vec<LocalizedText> = row.titles.read().unwrap_or_default();
        let original = titles.first().map(|title| title.text.clone()).unwrap_or_default();
        if original.is_empty() && !fields.problems.concern("titles") {
            fields.problems.add(Problem::required("titles"));
        }
        fields.record_slug(&input.slug, &original, &mut row.slug);
        fields.texts("descriptions", &input.descriptions, MAX_TEXT, &mut row.descriptions);
        fields.name(&input.mode, EventMode::Onsite, &mut row.mode);
        series(&input.series, row, fields);
        fields.at_least_one("edition", &input.edition, &mut row.edition);
        fields.slug("territory", &input.territory, territory, &mut row.territory);
        fields.text("venue", &input.venue, MAX_NAME, &mut row.venue);
        let place = match &input.address {
            MaybeUndefined::Undefined => row.address.as_ref().and_then(|address| address.read().ok()),
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(given) => address(fields, given),
        };
        row.address = place.as_ref().map(JsonText::of);
        fields.scalar("website", &input.website, &mut row.website);
        online(input, row, fields);
        fields.slugs("sectors", &input.sectors, sector, &mut row.sectors);
        fields.count("expectedAttendance", &input.expected_attendance, &mut row.expected_attendance);
        fields.count("attendance", &input.attendance, &mut row.attendance);
        fields.name(&input.registration_mode, RegistrationMode::None, &mut row.registration_mode);
        fields.at_least_one("capacity", &input.capacity, &mut row.capacity);
        fields.visibility(&input.visibility, Visibility::Public, &mut row.visibility);
        fields.sources("sources", &input.sources, &mut row.sources);
        fields.claims("claims", &input.claims, &mut row.claims);
        times(row, input, fields);
        let dated = row.starts_on.is_some() || row.ends_on.is_some();
        let firm = if dated { EventStatus::Scheduled } else { EventStatus::Announced };
        fields.name(&input.status, firm, &mut row.status);
        parts(batch, event, input, fields);
        if let MaybeUndefined::Value(sessions) = &input.programme {
            programme::set(batch, sessions, event, fields);
        }
        within(event, before, input, fields);
        derive(&mut event.model, place.as_ref());
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        for index in lineage::circular(batch, drafts).await? {
            problems[index].add(Problem::new("parent", &messages::events::PARENT_CYCLE));
        }
        // An organization or a talent was in the same batch and was refused.
        let (mut organizations, mut talents) = (BTreeSet::new(), BTreeSet::new());
        for (_, draft) in drafts.iter() {
            organizations.extend(draft.row.organizations());
            talents.extend(draft.row.talents());
        }
        let organizations = missing(batch, RecordType::Organization, organizations).await?;
        let talents = missing(batch, RecordType::Talent, talents).await?;
        if organizations.is_empty() && talents.is_empty() {
            return Ok(());
        }
        for (index, draft) in drafts.iter() {
            if draft.row.organizations().any(|id| organizations.contains(&id)) {
                let unknown = Problem::unknown_reference("organizers", RecordType::Organization, "");
                problems[*index].add(unknown);
            } else if draft.row.talents().any(|id| talents.contains(&id)) {
                problems[*index].add(Problem::unknown_reference("speakers", RecordType::Talent, ""));
            }
        }
        Ok(())
    }

    async fn save(batch: &Batch<'_>, rows: &[(Row, Option<Row>)]) -> Result<Vec<Written>, DomainError> {
        row::store(batch, Self::IS_LISTED, rows).await?;
        let changed = rows.iter().filter_map(|(row, before)| Some((&row.model, &before.as_ref()?.model)));
        registration::write::events_changed(batch, changed).await?;
        Ok(Vec::new())
    }

    async fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
        registration::write::events_deleted(batch, ids).await?;
        batch.delete_records::<Self>(ids).await
    }
}

/// Sets the slug of the series.
fn series(given: &MaybeUndefined<String>, row: &mut Model, fields: &mut Fields<'_>) {
    match given {
        MaybeUndefined::Value(slug) if !kernel::value::slug::is_well_formed(slug) => {
            fields.problems.add(Problem::new("series", &messages::SLUG_FORM));
        }
        given => fields.set(given, &mut row.series),
    }
}

/// Sets the address online, which an event on site does not have.
fn online(input: &EventInput, row: &mut Model, fields: &mut Fields<'_>) {
    fields.scalar("onlineUrl", &input.online_url, &mut row.online_url);
    if row.mode == name_of(EventMode::Onsite) && row.online_url.is_some() {
        fields.problems.add(Problem::new("onlineUrl", &messages::events::NOT_ONLINE));
    }
}

/// Sets an instant.
fn instant(
    path: &str,
    given: &MaybeUndefined<Given<DateTime>>,
    into: &mut Option<i64>,
    fields: &mut Fields<'_>,
) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *into = None,
        MaybeUndefined::Value(given) => {
            if let Some(instant) = fields.read(path, given) {
                *into = Some(instant.micros());
            }
        }
    }
}

/// Sets the dates and the instants, which must agree in the time zone of the event.
fn times(row: &mut Model, input: &EventInput, fields: &mut Fields<'_>) {
    let of_region = vocabularies().regions.get(&row.region).map(|region| region.time_zone.as_str());
    fields.time_zone("timeZone", &input.time_zone, of_region, &mut row.time_zone);
    fields.scalar("startsOn", &input.starts_on, &mut row.starts_on);
    fields.scalar("endsOn", &input.ends_on, &mut row.ends_on);
    instant("startsAt", &input.starts_at, &mut row.starts_at, fields);
    instant("endsAt", &input.ends_at, &mut row.ends_at, fields);
    instant("registrationClosesAt", &input.registration_closes_at, &mut row.registration_closes_at, fields);
    let Ok(zone) = row.time_zone.parse::<TimeZone>() else { return };
    let given = (input.starts_on.is_value(), input.starts_at.is_value());
    agree(&zone, ("startsOn", "startsAt"), given, &mut row.starts_on, row.starts_at, fields);
    let given = (input.ends_on.is_value(), input.ends_at.is_value());
    agree(&zone, ("endsOn", "endsAt"), given, &mut row.ends_on, row.ends_at, fields);
    match (row.starts_at, row.ends_at) {
        (Some(starts), Some(ends)) if ends < starts => {
            let (starts, ends) = (DateTime::from_micros(starts), DateTime::from_micros(ends));
            let said = FilledMessage::new(&messages::ENDS_BEFORE).with("end", ends.to_string());
            fields.problems.add(Problem::at("endsAt", said.with("start", starts.to_string())));
        }
        (_, ends_at) => {
            let path = if ends_at.is_some() { "endsAt" } else { "endsOn" };
            fields.period(path, row.starts_on.as_deref(), row.ends_on.as_deref());
        }
    }
}

/// Sets a date to the day of its instant, where that is known. A date that was given with another day is a problem: at the
/// instant where both were given, else at the date.
fn agree(
    zone: &TimeZone,
    (date_path, time_path): (&str, &str),
    (date_given, time_given): (bool, bool),
    date: &mut Option<String>,
    at: Option<i64>,
    fields: &mut Fields<'_>,
) {
    let Some(at) = at else { return };
    let day = match Date::try_from(zone.day(DateTime::from_micros(at))) {
        Ok(day) => day.to_string(),
        Err(error) => return fields.problems.add(Problem::value(time_path, &error)),
    };
    let other = date.as_ref().filter(|date| date_given && !day.starts_with(date.as_str()));
    if let Some(other) = other {
        let said = FilledMessage::new(&messages::events::TIME_ON_OTHER_DATE).with("zone", zone.name());
        let said = said.with("day", day).with("date", other);
        fields.problems.add(Problem::at(if time_given { time_path } else { date_path }, said));
        return;
    }
    *date = Some(day);
}

/// Sets the records that it names.
fn parts(batch: &Batch<'_>, event: &mut Row, input: &EventInput, fields: &mut Fields<'_>) {
    let mut list =
        |to: RecordType, path: &str, given: &MaybeUndefined<Vec<ID>>, into: &mut Vec<Uuid>| match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => into.clear(),
            MaybeUndefined::Value(given) => *into = programme::list(batch, to, path, given, fields),
        };
    list(RecordType::Organization, "organizers", &input.organizers, &mut event.organizers);
    list(RecordType::Organization, "partners", &input.partners, &mut event.partners);
    list(RecordType::Talent, "speakers", &input.speakers, &mut event.speakers);
    let mut one =
        |to: RecordType, path: &str, given: &MaybeUndefined<ID>, into: &mut Option<Uuid>| match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(text) => *into = batch.resolved.find(to, text, path, fields.problems),
        };
    let model = &mut event.model;
    let venue = &mut model.venue_organization_id;
    one(RecordType::Organization, "venueOrganization", &input.venue_organization, venue);
    one(RecordType::Event, "parent", &input.parent, &mut model.parent_id);
}

/// Sets and checks what must lie within the event: opening hours, sessions, the end of registration. What is stored is
/// checked again where the dates have changed.
fn within(event: &mut Row, before: Option<&Row>, input: &EventInput, fields: &mut Fields<'_>) {
    let dates = |row: &Row| {
        let Model { starts_on, ends_on, starts_at, ends_at, time_zone, .. } = &row.model;
        (starts_on.clone(), ends_on.clone(), *starts_at, *ends_at, time_zone.clone())
    };
    let moved = before.is_some_and(|before| dates(before) != dates(event));
    match &input.opening_hours {
        MaybeUndefined::Undefined if moved => hours::check_stored(&event.model, fields),
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => event.model.opening_hours = JsonText::default(),
        MaybeUndefined::Value(given) => hours::set(given, &mut event.model, fields),
    }
    let closes = event.model.registration_closes_at.map(DateTime::from_micros);
    let span = dates::Dates::of(&event.model).and_then(|dates| dates.span());
    if let (Some(closes), Some(span)) = (closes, span)
        && (moved || input.registration_closes_at.is_value())
        && span.ends < closes
    {
        let said = FilledMessage::new(&messages::events::CLOSES_AFTER_EVENT);
        let said = said.with("end", span.ends.to_string());
        fields.problems.add(Problem::at("registrationClosesAt", said));
    }
    match &input.programme {
        MaybeUndefined::Undefined if moved => programme::check(event, fields),
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => event.programme.clear(),
        MaybeUndefined::Value(_) => programme::check(event, fields),
    }
}

/// The events to which these sessions belong, as far as they are there.
async fn owners(batch: &Batch<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Uuid>, DomainError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n, s.event_id FROM {keys} {then} event_session AS s ON s.id = k.id")
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(&ids)).await?;
    found.into_iter().map(|(position, mut row)| Ok((ids[position], row.get()?))).collect()
}

/// The parents of these events.
pub(super) async fn parents(
    batch: &Batch<'_>,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Option<Uuid>>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n, e.parent_id FROM {keys} {then} event AS e ON e.id = k.id")
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found.into_iter().map(|(position, mut row)| Ok((ids[position], row.get()?))).collect()
}

/// Those of these records that are not there.
async fn missing(
    batch: &Batch<'_>,
    of: RecordType,
    mut ids: BTreeSet<Uuid>,
) -> Result<BTreeSet<Uuid>, DomainError> {
    let asked: Vec<Uuid> = ids.iter().copied().collect();
    if asked.is_empty() {
        return Ok(ids);
    }
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n FROM {keys} {then} {} AS r ON r.id = k.id", of.prefix())
    });
    for (position, _) in statement.query(batch.tx, batch.dialect, rows_of(&asked)).await? {
        ids.remove(&asked[position]);
    }
    Ok(ids)
}

/// Removes talents who are erased from all events in which they speak. Each event gets a new revision.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_speakers(batch: &Batch<'_>, talents: &[Uuid]) -> Result<Vec<Written>, DomainError> {
    let mut found = BTreeSet::new();
    for table in ["event_speaker", "event_session_speaker"] {
        let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
            format!("SELECT k.n, s.event_id FROM {keys} {then} {table} AS s ON s.talent_id = k.id")
        });
        for (_, mut row) in statement.query(batch.tx, batch.dialect, rows_of(talents)).await? {
            found.insert(row.get::<Uuid>()?);
        }
    }
    let ids: Vec<Uuid> = found.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Locked before they are read, so that no concurrent write to them is lost.
    let revisions = touch(batch, &ids).await?;
    let (mut written, mut saved) = (Vec::new(), Vec::new());
    for (id, before) in Row::load(batch, &ids).await? {
        let mut row = before.clone();
        row.lists_of_talents().for_each(|list| list.retain(|talent| !talents.contains(talent)));
        let had = revisions.get(&id).copied().unwrap_or_else(|| before.revision());
        row.stamp(had + batch.raise(), batch.now, Some(&before));
        let (was, is) = (Events::replicated(&before)?, Events::replicated(&row)?);
        // A replica keeps the hash of the revision that it was sent: the next one comes from where the event is written.
        let hash = if batch.replica { Vec::new() } else { content_hash(&is)? };
        written.push(Written {
            content_hash: hash,
            fields: records::audit::changed(Some(&was), &is),
            ..Written::new::<Events>(id, Some(&before), Some(&row), row.revision(), Action::Update)
        });
        saved.push((row, Some(before)));
    }
    row::store(batch, Events::IS_LISTED, &saved).await?;
    Ok(written)
}
