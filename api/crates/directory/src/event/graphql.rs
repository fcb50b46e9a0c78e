//! Events in the schema.

use async_graphql::{Context, ID, InputObject, Object};

use super::hours::OpeningHours;
use super::session::SessionNode;
use super::{EventMode, EventNode, EventStatus, RegistrationMode};
use crate::organization::graphql::NearInput;
use crate::organization::{Address, OrganizationNode};
use crate::region::{RegionNode, TerritoryNode};
use crate::registration::RegistrationStatus;
use crate::registration::graphql::{EventAttendeeConnection, EventRegistrationConnection};
use crate::talent::TalentNode;
use crate::{order, record_object, record_queries, relations};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::list::SortKey;
use kernel::lookup::RecordBy;
use kernel::reader::Reader;
use kernel::value::{DateTime, Language, LocalizedText, PartialDate, Url};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(EventConnection, EventEdge, EventNode, "events");

/// Which events. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventFilter {
    /// Slugs of kinds (`terms(vocabulary: EVENT_KIND)`).
    pub kinds: Option<Vec<String>>,
    /// How firm it is.
    pub statuses: Option<Vec<EventStatus>>,
    /// Where it takes place.
    pub modes: Option<Vec<EventMode>>,
    /// The slug that the editions of a series share.
    pub series: Option<String>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Slugs of regions: those that answer for it, or that it is for.
    pub regions: Option<Vec<String>>,
    /// Slugs of territories; each stands for those within it as well.
    pub territories: Option<Vec<String>>,
    /// Within this circle. Where an address has no point, the middle of its territory counts.
    pub near: Option<NearInput>,
    /// Not over by then. Events without a date are left out.
    pub from: Option<DateTime>,
    /// Begun before then. A date counts as all that it may mean: `2009-07` is the whole month, a day lasts from midnight to
    /// midnight in the event's time zone. Events without a date are left out.
    pub to: Option<DateTime>,
    /// Ids of organizations, one of which organizes it, is a partner, or takes part in its programme.
    pub organizations: Option<Vec<ID>>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime>,
}

order! {
    /// The order of events.
    EventOrder,
    /// What events can be ordered by.
    EventOrderField {
        /// The beginning: `2009-07` counts as the first of July. Events without a date come last in both directions.
        #[default]
        StartsOn => SortKey::Start,
        /// The original title, as a reader of French or Dutch expects.
        Title => SortKey::Name,
        /// When the record was last changed.
        UpdatedAt => SortKey::Number("updated_at"),
    }
}

record_object! {
    /// An event of the image industry: assises, a market, a mission, a meeting.
    EventNode named "Event" of "event" {
        /// Readable name for addresses. It may change; a former one still finds the event.
        slug,
        /// Who may see the record. Organizations, people and events that it names are left out for those who may not see
        /// them.
        visibility,
        times in card,
        /// Statements by source, where sources differ or are unsure.
        claims("Only those on this field, named as in the schema: `attendance`."),
        rest EventFields,
    }
}

/// The fields that only events have.
#[Object]
impl EventFields<'_> {
    /// Its kind.
    async fn kind(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::EventKind, &self.row.card.kind)
    }

    /// Where it takes place: on site, online, or both.
    async fn mode(&self) -> EventMode {
        self.row.card.mode
    }

    /// How firm it is. One that is SCHEDULED and lies in the past has taken place.
    async fn status(&self) -> EventStatus {
        self.row.card.status
    }

    /// Its title, in the asked language or the nearest that there is.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        let missing = || DomainError::Stored("an event without a title".into());
        Reader::of(ctx)?.text(ctx, language, &self.row.titles).ok_or_else(missing).graphql()
    }

    /// Its title, in every language that there is, the original first.
    async fn titles(&self) -> &[LocalizedText] {
        &self.row.titles
    }

    /// What it is about, in the asked language or the nearest that there is.
    async fn description(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.row.details.descriptions))
    }

    /// What it is about, in every language that there is, the original first.
    async fn descriptions(&self) -> &[LocalizedText] {
        &self.row.details.descriptions
    }

    /// The slug that the editions of its series share; null where it is of none.
    async fn series(&self) -> Option<&str> {
        self.row.card.series.as_deref()
    }

    /// The number of the edition.
    async fn edition(&self) -> Option<i32> {
        self.row.card.edition
    }

    /// The other editions of its series, the latest first; those without a date last.
    async fn editions(&self) -> &[EventNode] {
        &self.around.editions
    }

    /// The event that it is a part of, such as the biennial of a market.
    async fn parent(&self) -> Option<&EventNode> {
        self.around.parent.as_deref()
    }

    /// The events within it, by their beginning; those without a date last.
    async fn parts(&self) -> &[EventNode] {
        &self.around.parts
    }

    /// All regions that it is for. The one that answers for it is among them, unless it says otherwise.
    async fn regions(&self) -> Vec<RegionNode> {
        self.row.card.regions.iter().filter_map(|slug| self.around.regions.get(slug)).collect()
    }

    /// The day on which it begins, in its time zone, as precisely as known; null while it is announced without a date.
    async fn starts_on(&self) -> Option<PartialDate> {
        self.row.card.starts_on
    }

    /// The day on which it ends, in its time zone, as precisely as known; null where that is not said.
    async fn ends_on(&self) -> Option<PartialDate> {
        self.row.card.ends_on
    }

    /// When it begins, where the hour is known.
    async fn starts_at(&self) -> Option<DateTime> {
        self.row.card.starts_at
    }

    /// When it ends, where the hour is known.
    async fn ends_at(&self) -> Option<DateTime> {
        self.row.card.ends_at
    }

    /// The time zone that its dates and opening hours are in, by its IANA name.
    async fn time_zone(&self) -> &str {
        &self.row.card.time_zone
    }

    /// The days on which it is open, and from when to when, in their order in time.
    async fn opening_hours(&self) -> &[OpeningHours] {
        &self.row.details.opening_hours
    }

    /// The name of the place.
    async fn venue(&self) -> Option<&str> {
        self.row.card.venue.as_deref()
    }

    /// The organization whose place it is.
    async fn venue_organization(&self) -> Option<&OrganizationNode> {
        self.around.venue_organization.as_deref()
    }

    /// The postal address of the place.
    async fn address(&self) -> Option<&Address> {
        self.row.details.address.as_ref()
    }

    /// The territory of the place.
    async fn territory(&self) -> Option<TerritoryNode> {
        TerritoryNode::new(self.row.card.territory.as_deref()?, &self.around.territory_regions)
    }

    /// Its website.
    async fn website(&self) -> Option<&Url> {
        self.row.details.website.as_ref()
    }

    /// Where it is online. It is shown to those who have a place, to members of its organizers and to those who write the
    /// records of its region; null for everybody else.
    async fn online_url(&self) -> Option<&Url> {
        EventNode::online_url(self)
    }

    /// The organizations that organize it, in the order in which they were written.
    async fn organizers(&self) -> &[OrganizationNode] {
        &self.around.organizers
    }

    /// The partners of the organizers, in the order in which they were written.
    async fn partners(&self) -> &[OrganizationNode] {
        &self.around.partners
    }

    /// Who speaks, beside the speakers of its sessions, in the order in which they were written.
    async fn speakers(&self) -> &[TalentNode] {
        &self.around.speakers
    }

    /// Its programme: conferences, workshops, round tables, demonstrations, stands and pavilions, in the order in which they
    /// were written.
    async fn programme(&self) -> &[SessionNode] {
        &self.around.programme
    }

    /// Its sectors.
    async fn sectors(&self) -> Vec<SectorNode> {
        SectorNode::all(&self.row.card.sectors)
    }

    /// How many people are expected.
    async fn expected_attendance(&self) -> Option<i32> {
        self.row.details.expected_attendance
    }

    /// How many people came. Where sources count differently, `claims` has each of them.
    async fn attendance(&self) -> Option<i32> {
        self.row.details.attendance
    }

    /// How many places there are for registrations; null where there is no limit, or none is known.
    async fn capacity(&self) -> Option<i32> {
        self.row.details.capacity
    }

    /// How people register.
    async fn registration_mode(&self) -> RegistrationMode {
        self.row.details.registration_mode
    }

    /// From when on nobody registers any more; null where that is when it begins, or when it ends where the hour of its
    /// beginning is not known.
    async fn registration_closes_at(&self) -> Option<DateTime> {
        self.row.details.registration_closes_at
    }

    /// How many places are left on this deployment; 0 where more are taken than there are. Null where there is no limit, and
    /// where people register elsewhere.
    async fn seats_left(&self) -> Option<i32> {
        self.row.seats.left
    }

    /// The organizations of those who have a place and agree to be shown, by name: the delegation of a mission. Those that
    /// the viewer may see, 500 at most.
    async fn delegation(&self) -> &[OrganizationNode] {
        &self.around.delegation
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> EventRelations<'_> {
        EventRelations(self)
    }
}

relations! {
    /// The nested connections of an event.
    EventRelations of EventNode {
        /// The registrations for it, in the order in which people have registered. Its organizers see all: members of its
        /// organizing organizations, and those who write the records of its region. Others see their own, and no count of
        /// the rest.
        registrations as RegistrationsArguments { .., statuses: Vec<RegistrationStatus> = "Only those that stand so." }
            -> EventRegistrationConnection = |node| Ok(&node.around.registrations);
        /// Those who have a place and agree to be shown, in an order that stays the same and tells nothing.
        attendees -> EventAttendeeConnection = |node| Ok(&node.around.attendees);
    }
}

record_queries! {
    /// Queries of events.
    EventQuery of EventNode {
        /// One event; null where there is none that this viewer may see.
        event(RecordBy),
        /// Events that this viewer may see. With `from` and `to` those that overlap that time.
        events("Order of the list; by the beginning where it is not given.") -> EventConnection,
    }
}
