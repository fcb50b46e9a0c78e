//! SQL of events: keyed reads under the viewer's condition.

use async_graphql::{Enum, ID};
use uuid::Uuid;

use super::graphql::{EventFilter, EventOrder};
use super::session::SessionNode;
use super::{Card, Details, Event, EventNode, Online, Relations, Seats};
use crate::organization::{self, OrganizationNode};
use crate::registration;
use crate::talent::{self, TalentNode};
use kernel::columns;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, Ranges, filled};
use kernel::node::{ColumnGroups as _, Listable, Node};
use kernel::policy::Viewer;
use kernel::read::{Dialect, Group, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::value::DateTime;
use kernel::vocabulary::{Vocabulary, sector_facets, territories_within, vocabularies};
use kernel::{Head, RecordType, id, name_of};

columns! {
    /// The groups of columns that a selection needs.
    pub struct Columns of EventNode [slug titles]
        => id slug region visibility revision title titles parts organizers partners speakers programme registrations
        attendees delegation;
    card: Card,
    details: Details,
    online: Online,
    seats: Seats,
}

/// The claims on this field are for those who may know it.
const ONLINE_URL: &str = "onlineUrl";

impl Node for EventNode {
    const TYPE: RecordType = RecordType::Event;
    const NAME: &'static str = "Event";
    type Columns = Columns;

    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        viewer.sees_record(dialect, alias)
    }

    fn read(columns: Columns, row: &mut Row, viewer: &Viewer) -> Result<Self, DomainError> {
        let head = Head::read(row)?;
        let row = Event {
            slug: row.get()?,
            titles: row.json()?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, |row| {
                let mut details = Details::read(row)?;
                details.claims.retain(|claim| claim.field != ONLINE_URL || viewer.writes_in(&head.region));
                Ok(details)
            })?,
            online: Group::read(columns.online, row, Online::read)?,
            seats: Group::read(columns.seats, row, Seats::read)?,
            head,
        };
        Ok(Self { row, around: Relations::default() })
    }
}

/// The role of an organization in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Role {
    /// It organizes the event.
    Organizer,
    /// It is a partner of the organizers.
    Partner,
}

/// Groups of rows, by the place of the key that found them.
fn grouped<T>(
    count: usize,
    rows: Vec<(usize, Row)>,
    mut read: impl FnMut(&mut Row) -> Result<T, DomainError>,
) -> Result<Vec<Vec<T>>, DomainError> {
    let mut found: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
    for (position, mut row) in rows {
        found[position].push(read(&mut row)?);
    }
    Ok(found)
}

/// The organizers or partners of each of these events that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizations(
    reader: &Reader,
    ids: &[Uuid],
    role: Role,
    columns: organization::store::Columns,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let from = |then: &str| {
        let role = name_of(role);
        format!(
            "event_organization AS p ON p.event_id = k.id AND p.role = '{role}' \
             {then} organization AS r ON r.id = p.organization_id"
        )
    };
    members::<OrganizationNode>(reader, ids, columns, from).await
}

/// The speakers of each of these events that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn speakers(
    reader: &Reader,
    ids: &[Uuid],
    columns: talent::store::Columns,
) -> Result<Vec<Vec<TalentNode>>, DomainError> {
    let from = |then: &str| {
        format!("event_speaker AS p ON p.event_id = k.id {then} talent AS r ON r.id = p.talent_id")
    };
    members::<TalentNode>(reader, ids, columns, from).await
}

/// The programmes of these events, which the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn sessions_of(
    reader: &Reader,
    events: &[Uuid],
) -> Result<Vec<Vec<SessionNode>>, DomainError> {
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} event_session AS s ON s.event_id = k.id ORDER BY k.n, s.position",
            SessionNode::COLUMNS,
        )
    });
    grouped(events.len(), reader.db.read(&statement, keyed(events)).await?, SessionNode::read)
}

/// Those of these sessions whose events the viewer sees, each with its place among the ids.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn sessions(
    reader: &Reader,
    ids: &[Uuid],
) -> Result<Vec<(usize, SessionNode)>, DomainError> {
    let dialect = reader.dialect();
    let sees = EventNode::sees(&reader.viewer, dialect, "e");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} event_session AS s ON s.id = k.id \
             {then} event AS e ON e.id = s.event_id WHERE {sees} ORDER BY k.n",
            SessionNode::COLUMNS,
        )
    });
    let rows = reader.db.read(&statement, keyed(ids)).await?;
    rows.into_iter().map(|(place, mut row)| Ok((place, SessionNode::read(&mut row)?))).collect()
}

/// The organizations of each of these sessions that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn session_organizations(
    reader: &Reader,
    ids: &[Uuid],
    columns: organization::store::Columns,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let from = |then: &str| {
        format!(
            "event_session_organization AS p ON p.session_id = k.id \
             {then} organization AS r ON r.id = p.organization_id"
        )
    };
    members::<OrganizationNode>(reader, ids, columns, from).await
}

/// The speakers of each of these sessions that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn session_speakers(
    reader: &Reader,
    ids: &[Uuid],
    columns: talent::store::Columns,
) -> Result<Vec<Vec<TalentNode>>, DomainError> {
    let from = |then: &str| {
        format!("event_session_speaker AS p ON p.session_id = k.id {then} talent AS r ON r.id = p.talent_id")
    };
    members::<TalentNode>(reader, ids, columns, from).await
}

/// The records `r` that stand in a list `p` of each of these ids, as far as the viewer sees them.
async fn members<N: Node>(
    reader: &Reader,
    ids: &[Uuid],
    columns: N::Columns,
    from: impl Fn(&str) -> String,
) -> Result<Vec<Vec<N>>, DomainError> {
    let dialect = reader.dialect();
    let Fetch { columns: fetched, joins } = columns.fetch("r");
    let sees = N::sees(&reader.viewer, dialect, "r");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} {} {joins} WHERE {sees} ORDER BY k.n, p.position",
            from(then)
        )
    });
    let rows = reader.db.read(&statement, keyed(ids)).await?;
    grouped(ids.len(), rows, |row| N::read(columns, row, &reader.viewer))
}

fn keyed(ids: &[Uuid]) -> Vec<KeyRow> {
    ids.iter().map(|id| vec![KeyValue::Id(*id)]).collect()
}

/// The events within each of these that the viewer sees, by their start.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn parts(
    reader: &Reader,
    ids: &[Uuid],
    columns: Columns,
) -> Result<Vec<Vec<EventNode>>, DomainError> {
    let dialect = reader.dialect();
    let Fetch { columns: fetched, joins } = columns.fetch("r");
    let sees = EventNode::sees(&reader.viewer, dialect, "r");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} event AS r ON r.parent_id = k.id {joins} WHERE {sees} \
             ORDER BY k.n, COALESCE(r.starts_at_key, {}), r.id",
            i64::MAX,
        )
    });
    let rows = reader.db.read(&statement, keyed(ids)).await?;
    grouped(ids.len(), rows, |row| EventNode::read(columns, row, &reader.viewer))
}

/// For each event, with its series, the other events of that series that the viewer sees, the latest first.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn editions<'a>(
    reader: &Reader,
    series: impl Iterator<Item = (Uuid, Option<&'a str>)>,
    columns: Columns,
) -> Result<Vec<Vec<EventNode>>, DomainError> {
    let dialect = reader.dialect();
    let Fetch { columns: fetched, joins } = columns.fetch("r");
    let keys = KeyColumns::new(&[("id", KeyType::Id), ("series", KeyType::Text)]);
    let sql = format!(
        "SELECT k.n, {fetched} FROM {} {} event AS r ON r.series = k.series {joins} WHERE r.id <> k.id AND {} \
         ORDER BY k.n, COALESCE(r.starts_at_key, {}) DESC, COALESCE(r.edition, 0) DESC, r.id DESC",
        keys.source(dialect),
        dialect.join(),
        EventNode::sees(&reader.viewer, dialect, "r"),
        -i64::MAX,
    );
    // No event has the empty text as its series.
    let rows: Vec<KeyRow> = series
        .map(|(id, series)| vec![KeyValue::Id(id), KeyValue::Text(series.unwrap_or_default().to_owned())])
        .collect();
    let count = rows.len();
    let found = reader.db.read(&KeyedStatement { sql, keys }, rows).await?;
    grouped(count, found, |row| EventNode::read(columns, row, &reader.viewer))
}

/// The condition under which a viewer organizes the event `alias`: they write the records of its region, or are members of
/// an organizing organization.
pub fn organizes(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
    let by_region = viewer.writes_in_column(&format!("{alias}.region"));
    if viewer.admin || viewer.owns.is_empty() {
        return by_region;
    }
    format!(
        "({by_region} OR EXISTS (SELECT 1 FROM event_organization AS eo WHERE eo.event_id = {alias}.id \
         AND eo.role = 'ORGANIZER' AND {}))",
        viewer.owns_in_column(dialect, "eo.organization_id"),
    )
}

/// For each of these events, whether the viewer may know its address online: those who organize it may, and those who have a
/// place.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn takes_part(reader: &Reader, ids: &[Uuid]) -> Result<Vec<bool>, DomainError> {
    let (viewer, dialect) = (&reader.viewer, reader.dialect());
    let mut found = vec![viewer.admin; ids.len()];
    if viewer.admin || !(viewer.signed_in || viewer.writes_anything()) {
        return Ok(found);
    }
    let any = [organizes(viewer, dialect, "e"), registration::store::has_place(viewer, dialect, "e")];
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        let any = any.join(" OR ");
        format!("SELECT k.n FROM {keys} {then} event AS e ON e.id = k.id WHERE {any} ORDER BY k.n")
    });
    for (position, _) in reader.db.read(&statement, keyed(ids)).await? {
        found[position] = true;
    }
    Ok(found)
}

impl Listable for EventNode {
    type Filter = EventFilter;
    type Order = EventOrder;

    fn filter(reader: &Reader, filter: &EventFilter) -> Result<(Ranges<'static>, Conditions), DomainError> {
        let all = vocabularies();
        let ranges = Ranges {
            regions: all.regions.checked("filter.regions", "region", filter.regions.as_deref())?,
            facets: sector_facets("filter.sectors", filter.sectors.as_deref())?,
            ..Ranges::default()
        };
        let mut conditions = Conditions::new(reader.dialect());
        if let Some(kinds) = filled(filter.kinds.as_ref()) {
            let kinds = all.terms(Vocabulary::EventKind).checked("filter.kinds", "kind", Some(kinds))?;
            conditions.one_of("kinds", &kinds, "o.kind");
        }
        if let Some(statuses) = filled(filter.statuses.as_ref()) {
            let names: Vec<&str> = statuses.iter().map(|status| name_of(*status)).collect();
            conditions.one_of("statuses", &names, "o.status");
        }
        if let Some(modes) = filled(filter.modes.as_ref()) {
            let names: Vec<&str> = modes.iter().map(|mode| name_of(*mode)).collect();
            conditions.one_of("modes", &names, "o.mode");
        }
        if let Some(series) = &filter.series {
            conditions.bind("series", KeyValue::Text(series.replace('\0', "")));
            conditions.push("o.series = k.series");
        }
        if let Some(slugs) = filled(filter.territories.as_ref()) {
            conditions.one_of("territories", &territories_within(slugs)?, "o.territory");
        }
        if let Some(near) = &filter.near {
            near.condition(&mut conditions)?;
        }
        if let Some(organizations) = filled(filter.organizations.as_ref()) {
            organized_by(reader, organizations, &mut conditions)?;
        }
        let (from, to) = (filter.from, filter.to);
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            let message = format!("`to` is {to}: it must not lie before `from`, which is {from}.");
            return Err(DomainError::bad_input("filter.to", message));
        }
        // A time that ends as it begins is that instant.
        let to = to.map(|to| if from == Some(to) { DateTime::from_micros(to.micros() + 1) } else { to });
        conditions.overlap(from, to);
        conditions.updated_since(filter.updated_since);
        Ok((ranges, conditions))
    }
}

/// Adds the condition that an event has one of these organizations as organizer, as partner, or in its programme. One that
/// the viewer does not see finds nothing.
fn organized_by(
    reader: &Reader,
    organizations: &[ID],
    conditions: &mut Conditions,
) -> Result<(), DomainError> {
    let ids = organizations.iter().map(|text| id::decode("filter.organizations", "organization", text));
    let ids = ids.map(|id| id.map(|id| id.simple().to_string())).collect::<Result<Vec<_>, _>>()?;
    let dialect = reader.dialect();
    let then = dialect.join();
    let from = format!("{then} organization AS c ON c.id = {}", dialect.id_from_hex("v.value"));
    let takes_part = |table: &str| {
        format!("EXISTS (SELECT 1 FROM {table} AS q WHERE q.organization_id = c.id AND q.event_id = o.id)")
    };
    let condition = format!(
        "{} AND ({} OR {})",
        OrganizationNode::sees(&reader.viewer, dialect, "c"),
        takes_part("event_organization"),
        takes_part("event_session_organization"),
    );
    conditions.any("organizations", &ids, &from, &condition);
    Ok(())
}
