//! Events: assises, markets, missions, meetings, with their programme.
//!
//! | file | holds |
//! |---|---|
//! | `dates.rs` | the time that an event spans, whatever the precision of its dates |
//! | `hours.rs` | opening hours: local times of its time zone, and the instants that they are |
//! | `session.rs` | the sessions of the programme, as they are read |
//! | `programme.rs` | the sessions as they are written, and their ids |
//! | `row.rs` | the row of an event with its parts, as they are loaded and stored |
//! | `lineage.rs` | chains of parents, each of which must end |
//!
//! - **Visibility.** The level of the event alone decides who sees it. Organizers, partners, speakers, its parent and the
//!   organization of its venue are left out for viewers who do not see them.
//! - **Address online.** The column `online_url` is read with all others. `EventNode::online_url` withholds it unless
//!   the viewer takes part: `store::takes_part` decides that for many events in one statement.
//! - **Registrations** are a concept beside ([`crate::registration`]). They follow what an event says about them
//!   ([`mod@write`]), and never change the event.
//! - **Times.** An event has partial dates, or instants, or both. Its dates are those of its time zone; where the hour
//!   is known, the date follows from it. `starts_at_key` and `ends_at_key` span all that they may mean: see `dates.rs`.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::organization::{Address, OrganizationNode};
use crate::region::{self, Regions, Slugs};
use crate::registration::graphql::{
    self as registration, EventAttendeeConnection, EventRegistrationConnection,
};
use crate::registration::store::fetch_seats_left;
use crate::talent::TalentNode;
use kernel::error::DomainError;
use kernel::group;
use kernel::node::{Around, Node as _, by_ids, fill_groups};
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::{Group, Row, Selection};
use kernel::reader::{ByKey, Reader, put_each};
use kernel::value::{DateTime, LocalizedText, PartialDate, Url};
use kernel::{Head, Times};

mod dates;
pub mod document;
pub mod graphql;
mod hours;
mod lineage;
pub mod merging;
pub mod mutation;
mod programme;
mod replica;
mod row;
pub mod session;
pub mod store;
pub mod write;

use graphql::RegistrationsArguments;
use hours::OpeningHours;
use session::SessionNode;
use store::Role;

/// Where an event takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[graphql(name = "EventMode")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventMode {
    /// At a place.
    Onsite,
    /// Online alone.
    Online,
    /// At a place and online.
    Hybrid,
}

/// How firm an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventStatus {
    /// It is to come, and may still have no date.
    Announced,
    /// It has its date. One that lies in the past has taken place.
    Scheduled,
    /// It does not take place when it was to; another date may not be known yet.
    Postponed,
    /// It does not take place.
    Cancelled,
}

/// How people register for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegistrationMode {
    /// Not here: see the website of the event.
    None,
    /// Whoever registers has a place, as long as there are some.
    Open,
    /// The organizers decide about each registration.
    OnApproval,
}

/// An event as the database has it, with the groups of columns that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The columns that every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// Titles, the original first.
    pub titles: Vec<LocalizedText>,
    /// The columns that a card about it shows.
    pub card: Group<Card>,
    /// The columns that only detailed views ask for.
    pub details: Group<Details>,
    /// Its address online.
    online: Group<Online>,
    /// The places that are left.
    pub seats: Group<Seats>,
}

group! {
    /// The columns that a card about an event shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// Slug of its kind.
        kind: String = Row::get [kind] => kind;
        /// Where it takes place.
        mode: EventMode = Row::name [mode] => mode;
        /// How firm it is.
        status: EventStatus = Row::name [status] => status;
        /// Slug that the editions of its series share.
        series: Option<String> = Row::get [series] => series editions;
        /// Number of the edition.
        edition: Option<i32> = Row::get [edition] => edition;
        /// The event that it is a part of.
        parent_id: Option<Uuid> = Row::get [parent_id] => parent;
        /// The day on which it begins, as precisely as known.
        starts_on: Option<PartialDate> = Row::parsed [starts_on] => startsOn;
        /// The day on which it ends, as precisely as known.
        ends_on: Option<PartialDate> = Row::parsed [ends_on] => endsOn;
        /// When it begins, where the hour is known.
        starts_at: Option<DateTime> = Row::optional_time [starts_at] => startsAt;
        /// When it ends, where the hour is known.
        ends_at: Option<DateTime> = Row::optional_time [ends_at] => endsAt;
        /// Name of its time zone.
        time_zone: String = Row::get [time_zone] => timeZone;
        /// Name of the place.
        venue: Option<String> = Row::get [venue] => venue;
        /// The organization whose place it is.
        venue_organization_id: Option<Uuid> = Row::get [venue_organization_id] => venueOrganization;
        /// Slug of the territory.
        territory: Option<String> = Row::get [territory] => territory;
        /// Slugs of the regions that it is for.
        regions: Vec<String> = Row::json [regions] => regions;
        /// Slugs of its sectors.
        sectors: Vec<String> = Row::json [sectors] => sectors;
    }
}

group! {
    /// The columns that only detailed views of an event ask for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Details {
        /// Descriptions, the original first.
        descriptions: Vec<LocalizedText> = Row::json [descriptions] => description descriptions;
        /// Its address.
        address: Option<Address> = Row::optional_json [address] => address;
        /// Its website.
        website: Option<Url> = Row::parsed [website] => website;
        /// Days with opening hours.
        opening_hours: Vec<OpeningHours> = OpeningHours::read [opening_hours time_zone] => openingHours;
        /// People expected.
        expected_attendance: Option<i32> = Row::get [expected_attendance] => expectedAttendance;
        /// People who came.
        attendance: Option<i32> = Row::get [attendance] => attendance;
        /// Places for registrations.
        capacity: Option<i32> = Row::get [capacity] => capacity;
        /// How people register.
        registration_mode: RegistrationMode = Row::name [registration_mode] => registrationMode;
        /// Until when people register.
        registration_closes_at: Option<DateTime> = Row::optional_time [registration_closes_at] => registrationClosesAt;
        /// Where the facts come from.
        sources: Vec<Source> = Row::json [sources] => sources;
        /// Statements by source.
        claims: Vec<Claim> = Row::json [claims] => claims;
        /// The id in the system that owns it, which is joined to the row.
        external_id: Option<ExternalId> = ExternalId::read [] joined by ExternalId::fetch => externalId;
    }
}

group! {
    /// The address of an event online.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Online {
        /// The address, whoever the viewer is.
        url: Option<Url> = Row::parsed [online_url] => onlineUrl;
    }
}

group! {
    /// The places at an event that are left.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Seats {
        /// How many; none where there is no limit.
        left: Option<i32> = Row::get [] joined by fetch_seats_left => seatsLeft;
    }
}

/// An event in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct EventNode {
    /// The row, as far as it was read.
    pub row: Event,
    around: Relations,
}

/// The records that were read around an event.
#[derive(Clone, Debug, Default)]
struct Relations {
    region: Regions,
    regions: Regions,
    territory_regions: Regions,
    parent: Option<Box<EventNode>>,
    parts: Vec<EventNode>,
    editions: Vec<EventNode>,
    organizers: Vec<OrganizationNode>,
    partners: Vec<OrganizationNode>,
    venue_organization: Option<Box<OrganizationNode>>,
    speakers: Vec<TalentNode>,
    programme: Vec<SessionNode>,
    registrations: ByKey<EventRegistrationConnection>,
    attendees: ByKey<EventAttendeeConnection>,
    delegation: Vec<OrganizationNode>,
    /// Whether the viewer may know its address online.
    takes_part: bool,
}

/// Name of the type in the schema.
const TYPE: &str = EventNode::NAME;

impl EventNode {
    /// Its address online, where the viewer may know it: see `store::takes_part`.
    fn online_url(&self) -> Option<&Url> {
        self.row.online.url.as_ref().filter(|_| self.around.takes_part)
    }
}

impl Around for EventNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        fill_regions(reader, nodes, want).await?;
        fill_events(reader, nodes, want).await?;
        fill_organizations(reader, nodes, want).await?;
        let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
        if let Some(below) = want.below(TYPE, "speakers") {
            let found = store::speakers(reader, &ids, TalentNode::columns(&below)).await?;
            for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
                node.around.speakers = found;
            }
        }
        if let Some(below) = want.below(TYPE, "programme") {
            let found = session::of_events(reader, &ids, &below).await?;
            for (node, found) in nodes.iter_mut().zip(found) {
                node.around.programme = found;
            }
        }
        fill_registrations(reader, nodes, &ids, want).await?;
        if want.has(TYPE, Online::FIELDS) {
            let found = store::takes_part(reader, &ids).await?;
            for (node, takes_part) in nodes.iter_mut().zip(found) {
                node.around.takes_part = takes_part;
            }
        }
        Ok(())
    }
}

async fn fill_regions(reader: &Reader, nodes: &mut [EventNode], want: &Selection) -> Result<(), DomainError> {
    let own: Slugs<EventNode> = |node| vec![node.row.head.region.as_str()];
    region::fill(reader, nodes, (want, "region"), own, |node| &mut node.around.region).await?;
    let all: Slugs<EventNode> = |node| node.row.card.regions.iter().map(String::as_str).collect();
    region::fill(reader, nodes, (want, "regions"), all, |node| &mut node.around.regions).await?;
    let territory: Slugs<EventNode> = |node| node.row.card.territory.as_deref().into_iter().collect();
    region::fill_territories(reader, nodes, want, territory, |node| &mut node.around.territory_regions).await
}

/// Reads the events around events.
async fn fill_events(reader: &Reader, nodes: &mut [EventNode], want: &Selection) -> Result<(), DomainError> {
    if let Some(below) = want.below(TYPE, "parent") {
        let parents: Vec<Uuid> = nodes.iter().filter_map(|node| node.row.card.parent_id).collect();
        let mut found = by_ids::<EventNode>(reader, &parents, &below).await?;
        for node in nodes.iter_mut().filter(|node| node.row.card.parent_id.is_some()) {
            node.around.parent = found.next().flatten().map(Box::new);
        }
    }
    if let Some(below) = want.below(TYPE, "parts") {
        let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
        let found = store::parts(reader, &ids, EventNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.around.parts = found;
        }
    }
    if let Some(below) = want.below(TYPE, "editions") {
        let series = nodes.iter().map(|node| (node.row.head.id, node.row.card.series.as_deref()));
        let found = store::editions(reader, series, EventNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.around.editions = found;
        }
    }
    Ok(())
}

/// Reads who comes to events.
async fn fill_registrations(
    reader: &Reader,
    nodes: &mut [EventNode],
    ids: &[Uuid],
    want: &Selection,
) -> Result<(), DomainError> {
    for field in want.each(TYPE, "registrations") {
        let RegistrationsArguments { page, statuses } = RegistrationsArguments::of(&field);
        let answers = registration::of_events(reader, ids, statuses.as_ref(), (&page, &field)).await?;
        put_each(nodes, &field, answers, |node| &mut node.around.registrations);
    }
    for field in want.each(TYPE, "attendees") {
        let answers = registration::attendees(reader, ids, &field).await?;
        put_each(nodes, &field, answers, |node| &mut node.around.attendees);
    }
    if let Some(below) = want.below(TYPE, "delegation") {
        let found = registration::delegations(reader, ids, &below).await?;
        for (node, found) in nodes.iter_mut().zip(found) {
            node.around.delegation = found;
        }
    }
    Ok(())
}

/// Reads the organizations around events.
async fn fill_organizations(
    reader: &Reader,
    nodes: &mut [EventNode],
    want: &Selection,
) -> Result<(), DomainError> {
    let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
    for (field, role) in [("organizers", Role::Organizer), ("partners", Role::Partner)] {
        if let Some(below) = want.below(TYPE, field) {
            let columns = OrganizationNode::columns(&below);
            let found = store::organizations(reader, &ids, role, columns).await?;
            for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
                match role {
                    Role::Organizer => node.around.organizers = found,
                    Role::Partner => node.around.partners = found,
                }
            }
        }
    }
    if let Some(below) = want.below(TYPE, "venueOrganization") {
        let of: Vec<Uuid> = nodes.iter().filter_map(|node| node.row.card.venue_organization_id).collect();
        let mut found = by_ids::<OrganizationNode>(reader, &of, &below).await?;
        for node in nodes.iter_mut().filter(|node| node.row.card.venue_organization_id.is_some()) {
            node.around.venue_organization = found.next().flatten().map(Box::new);
        }
    }
    Ok(())
}
