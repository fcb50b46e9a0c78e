//! Registrations for events in the schema.

use async_graphql::{ID, Object};
use uuid::Uuid;

use super::store::{self, Registration};
use super::{MAX_DELEGATION, RegistrationStatus};
use crate::event::EventNode;
use crate::organization::OrganizationNode;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::list::same_list;
use kernel::node::{by_ids, fill_groups};
use kernel::page::{PageArguments, PageInfo, PageOf};
use kernel::read::{KeyRow, KeyValue, Selected, Selection};
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::value::{DateTime, EmailAddress};

connection!(
    EventRegistrationConnection,
    EventRegistrationEdge,
    EventRegistrationNode,
    "registrations for events"
);
connection!(EventAttendeeConnection, EventAttendeeEdge, EventAttendeeNode, "people who come to an event");

/// Prefix of the ids of registrations.
pub const PREFIX: &str = "event_registration";
/// Name of the type in the schema.
const TYPE: &str = "EventRegistration";
/// Name of the type of attendees in the schema.
const ATTENDEE: &str = "EventAttendee";
const _: () = assert!(MAX_DELEGATION == 500, "the description of `delegation` says so");

/// A registration in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct EventRegistrationNode {
    row: Registration,
    event: Option<Box<EventNode>>,
    organization: Option<Box<OrganizationNode>>,
}

/// The organizations of these ids, where there are any and the viewer sees them: one keyed read.
async fn organizations(
    reader: &Reader,
    ids: &[Option<Uuid>],
    want: Option<Selection>,
) -> Result<Vec<Option<Box<OrganizationNode>>>, DomainError> {
    let Some(want) = want else { return Ok(ids.iter().map(|_| None).collect()) };
    let known: Vec<Uuid> = ids.iter().flatten().copied().collect();
    let mut found = by_ids::<OrganizationNode>(reader, &known, &want).await?;
    Ok(ids.iter().map(|id| id.and_then(|_| found.next().flatten()).map(Box::new)).collect())
}

impl EventRegistrationNode {
    /// Reads what is wanted around registrations: events and organizations, a keyed read each.
    async fn all(
        reader: &Reader,
        rows: Vec<Registration>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let events: Vec<Option<Box<EventNode>>> = match want.below(TYPE, "event") {
            Some(below) => {
                let ids: Vec<Uuid> = rows.iter().map(|row| row.event).collect();
                by_ids(reader, &ids, &below).await?.map(|event| event.map(Box::new)).collect()
            }
            None => rows.iter().map(|_| None).collect(),
        };
        let ids: Vec<Option<Uuid>> = rows.iter().map(|row| row.organization).collect();
        let organizations = organizations(reader, &ids, want.below(TYPE, "organization")).await?;
        let together = rows.into_iter().zip(events).zip(organizations);
        Ok(together.map(|((row, event), organization)| Self { row, event, organization }).collect())
    }

    /// The registrations of these ids, in their order, as far as the viewer sees them.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn by_ids(
        reader: &Reader,
        ids: &[Uuid],
        want: &Selection,
    ) -> Result<Vec<Option<Self>>, DomainError> {
        let found = store::find(reader, ids, wants_place(want)).await?;
        let places: Vec<bool> = found.iter().map(Option::is_some).collect();
        let mut nodes = Self::all(reader, found.into_iter().flatten().collect(), want).await?.into_iter();
        Ok(places.into_iter().map(|is_there| if is_there { nodes.next() } else { None }).collect())
    }
}

fn wants_place(want: &Selection) -> bool {
    want.has(TYPE, &["place"])
}

/// A person's registration for an event. It is seen by the person and by those who organize the event: members of its
/// organizing organizations, and those who write the records of its region.
#[Object(name = "EventRegistration")]
impl EventRegistrationNode {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        graphql_id(PREFIX, self.row.id)
    }

    /// The event.
    async fn event(&self) -> GraphqlResult<&EventNode> {
        let missing = || DomainError::Stored("a registration without its event".into());
        self.event.as_deref().ok_or_else(missing).graphql()
    }

    /// Where it stands.
    async fn status(&self) -> RegistrationStatus {
        self.row.status
    }

    /// When the person registered, to the microsecond: no two registrations for an event have the same time, and those who
    /// wait move up in its order.
    async fn registered_at(&self) -> DateTime {
        self.row.registered_at
    }

    /// Place in the waiting list, from 1; null for a registration that does not wait.
    async fn place(&self) -> Option<i32> {
        self.row.place
    }

    /// The name of the person, from their account.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The e-mail address of the person, from their account.
    async fn email(&self) -> Option<&EmailAddress> {
        self.row.email.as_ref()
    }

    /// The organization that the person comes for; null where there is none, or the viewer may not see it.
    async fn organization(&self) -> Option<&OrganizationNode> {
        self.organization.as_deref()
    }

    /// What the person wants the organizers to know.
    async fn message(&self) -> Option<&str> {
        self.row.message.as_deref()
    }

    /// Whether the person agrees to be shown to everybody among those who come, by name and organization.
    async fn listed(&self) -> bool {
        self.row.listed
    }
}

/// Somebody who comes to an event, in an answer.
#[derive(Clone, Debug)]
pub struct EventAttendeeNode {
    name: String,
    organization: Option<Box<OrganizationNode>>,
}

/// Somebody who has a place at an event and agrees to be shown.
#[Object(name = "EventAttendee")]
impl EventAttendeeNode {
    /// Their name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// The organization that they come for; null where there is none, or the viewer may not see it.
    async fn organization(&self) -> Option<&OrganizationNode> {
        self.organization.as_deref()
    }
}

/// The keys of the lists of events.
fn parents(events: &[Uuid]) -> Vec<KeyRow> {
    events.iter().map(|id| vec![KeyValue::Id(*id)]).collect()
}

/// The page of the registrations for each of these events that a field asks for, as far as the viewer sees them. They
/// must see the events.
///
/// # Errors
/// [`DomainError::Database`]. A refusal of arguments is an answer.
pub async fn of_events(
    reader: &Reader,
    events: &[Uuid],
    statuses: Option<&Vec<RegistrationStatus>>,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<EventRegistrationConnection, DomainError>>, DomainError> {
    let lists = parents(events).into_iter().map(|parent| store::list_of_event(reader, statuses, parent));
    let (list, parents) = same_list(lists.collect())?;
    let page = match list.page(arguments, &parents) {
        Ok(page) => page,
        Err(refusal) => return Ok(events.iter().map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "EventRegistrationConnection", "EventRegistrationEdge");
    let (fetch, total) =
        (store::fetch(wants_place(&want)), total_wanted(field, "EventRegistrationConnection"));
    let pages = list.read(&reader.db, parents, &page, &fetch, total, store::read).await?;
    let (pages, rows) = PageOf::apart(pages);
    let nodes = EventRegistrationNode::all(reader, rows, &want).await?;
    let pages = PageOf::together(pages, nodes).into_iter();
    Ok(pages.map(|page| Ok(EventRegistrationConnection::new(page))).collect())
}

/// The page of the viewer's own registrations that a field asks for; empty for whoever has no account.
///
/// # Errors
/// [`DomainError::Database`]. A refusal of arguments is an answer.
pub async fn of_viewer(
    reader: &Reader,
    field: &Selected,
) -> Result<Result<EventRegistrationConnection, DomainError>, DomainError> {
    let (list, parent) = store::list_of_viewer(reader);
    let page = match list.page(&PageArguments::of(field), std::slice::from_ref(&parent)) {
        Ok(page) => page,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if reader.viewer.person().is_none() {
        let nothing = PageOf { items: Vec::new(), info: PageInfo::default(), total: Some(0) };
        return Ok(Ok(EventRegistrationConnection::new(nothing)));
    }
    let want = nodes_wanted(field, "EventRegistrationConnection", "EventRegistrationEdge");
    let (fetch, total) =
        (store::fetch(wants_place(&want)), total_wanted(field, "EventRegistrationConnection"));
    let pages = list.read(&reader.db, vec![parent], &page, &fetch, total, store::read).await?;
    let (pages, rows) = PageOf::apart(pages);
    let nodes = EventRegistrationNode::all(reader, rows, &want).await?;
    let page = PageOf::together(pages, nodes).pop();
    Ok(page.map(EventRegistrationConnection::new).ok_or_else(|| DomainError::Stored("no page".into())))
}

/// The page of those who come to each of these events that a field asks for.
///
/// # Errors
/// [`DomainError::Database`]. A refusal of arguments is an answer.
pub async fn attendees(
    reader: &Reader,
    events: &[Uuid],
    field: &Selected,
) -> Result<Vec<Result<EventAttendeeConnection, DomainError>>, DomainError> {
    let dialect = reader.dialect();
    let lists = parents(events).into_iter().map(|parent| store::list_of_attendees(dialect, parent));
    let (list, parents) = same_list(lists.collect())?;
    let page = match list.page(&PageArguments::of(field), &parents) {
        Ok(page) => page,
        Err(refusal) => return Ok(events.iter().map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "EventAttendeeConnection", "EventAttendeeEdge");
    let total = total_wanted(field, "EventAttendeeConnection");
    let fetch = store::fetch_attendee();
    let pages = list.read(&reader.db, parents, &page, &fetch, total, store::read_attendee).await?;
    let (pages, rows) = PageOf::apart(pages);
    let (names, ids): (Vec<String>, Vec<Option<Uuid>>) = rows.into_iter().unzip();
    let organizations = organizations(reader, &ids, want.below(ATTENDEE, "organization")).await?;
    let nodes = names.into_iter().zip(organizations);
    let nodes = nodes.map(|(name, organization)| EventAttendeeNode { name, organization }).collect();
    let pages = PageOf::together(pages, nodes).into_iter();
    Ok(pages.map(|page| Ok(EventAttendeeConnection::new(page))).collect())
}

/// For each of these events, the organizations that the viewer sees of those who come and agree to be shown.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delegations(
    reader: &Reader,
    events: &[Uuid],
    want: &Selection,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    fill_groups(reader, store::delegations(reader, events, want).await?, want).await
}
