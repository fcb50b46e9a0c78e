//! SQL of registrations: keyed reads under the viewer's condition.

use entity::{event_notice, event_registration as table};
use sea_orm::{ColumnTrait as _, DatabaseTransaction};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{MAX_DELEGATION, RegistrationStatus};
use crate::event::{self, EventNode};
use crate::organization::OrganizationNode;
use identity::oidc::NO_ADDRESS;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, List, Order, filled};
use kernel::name_of;
use kernel::node::{ColumnGroups as _, Node as _};
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::value::{DateTime, EmailAddress};
use records::write::{Batch, rows_of};

/// A registration in an answer.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Identity.
    pub id: Uuid,
    /// The event.
    pub event: Uuid,
    /// Where it stands.
    pub status: RegistrationStatus,
    /// When it was made.
    pub registered_at: DateTime,
    /// The organization that the person comes for.
    pub organization: Option<Uuid>,
    /// Message to the organizers.
    pub message: Option<String>,
    /// Whether the person agrees to be shown.
    pub listed: bool,
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: Option<EmailAddress>,
    /// Place in the waiting list, from 1; only where it was selected.
    pub place: Option<i32>,
}

/// The condition under which a viewer decides about the registrations for the event `alias`: they organize it. An API key
/// decides nothing.
fn organizes(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
    if viewer.person().is_none() && !viewer.admin {
        return "FALSE".to_owned();
    }
    event::store::organizes(viewer, dialect, alias)
}

/// The condition under which a viewer has a place at the event `alias`.
pub fn has_place(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM event_registration AS g WHERE g.event_id = {alias}.id AND g.status = 'CONFIRMED' AND {})",
        viewer.is_person(dialect, "g.account_id"),
    )
}

/// The condition under which a viewer sees the registration `registration` for the event `event`, which they must see as
/// well: their own, and all of an event that they organize.
fn sees(viewer: &Viewer, dialect: Dialect, registration: &str, event: &str) -> String {
    let (own, organizes) =
        (viewer.is_person(dialect, &format!("{registration}.account_id")), organizes(viewer, dialect, event));
    match organizes.as_str() {
        "FALSE" => own,
        _ => format!("({own} OR {organizes})"),
    }
}

/// The columns and joins of a registration `r`. Its place in the waiting list costs a count.
pub fn fetch(with_place: bool) -> Fetch {
    let place = if with_place {
        "CASE WHEN r.status = 'WAITLISTED' THEN (SELECT COUNT(*) FROM event_registration AS w \
         WHERE w.event_id = r.event_id AND w.status = 'WAITLISTED' AND w.registered_at <= r.registered_at) END"
    } else {
        "CAST(NULL AS BIGINT)"
    };
    Fetch {
        columns: format!(
            "r.id, r.event_id, r.status, r.registered_at, r.organization_id, r.message, r.listed, a.display_name, \
             a.email, {place}"
        ),
        joins: "LEFT JOIN account AS a ON a.id = r.account_id".into(),
    }
}

/// Reads what [`fetch`] selects.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub fn read(row: &mut Row) -> Result<Registration, DomainError> {
    // An account of another issuer that names no address has one that is nobody's.
    let is_real = |email: &EmailAddress| email.domain() != NO_ADDRESS;
    Ok(Registration {
        id: row.get()?,
        event: row.get()?,
        status: row.name()?,
        registered_at: DateTime::from_micros(row.get()?),
        organization: row.get()?,
        message: row.get()?,
        listed: row.get()?,
        name: row.get::<Option<String>>()?.unwrap_or_default(),
        email: row.parsed()?.filter(is_real),
        place: row.get::<Option<i64>>()?.and_then(|place| i32::try_from(place).ok()),
    })
}

/// The order in which people have registered.
fn in_order() -> Order {
    Order {
        name: "REGISTERED_AT",
        inner: "g.registered_at".into(),
        outer: "r.registered_at".into(),
        key_type: KeyType::Int,
        descending: false,
    }
}

/// The list of the registrations for one event that the viewer sees, the earliest first, and its keys. The viewer must see
/// the event. `parent` is its id.
pub fn list_of_event(
    reader: &Reader,
    statuses: Option<&Vec<RegistrationStatus>>,
    parent: KeyRow,
) -> (List, KeyRow) {
    let dialect = reader.dialect();
    let mut conditions = Conditions::new(dialect);
    for id in parent {
        conditions.bind("event_id", id);
    }
    conditions.push("g.event_id = k.event_id");
    conditions.push(sees(&reader.viewer, dialect, "g", "e"));
    if let Some(statuses) = filled(statuses) {
        let names: Vec<&str> = statuses.iter().map(|status| name_of(*status)).collect();
        conditions.one_of("statuses", &names, "g.status");
    }
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "event.registrations",
        parent: Some("event_id"),
        table: "event_registration",
        from: format!("event_registration AS g {} event AS e ON e.id = g.event_id", dialect.join()),
        id: "g.id".into(),
        order: in_order(),
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// The list of the viewer's own registrations, as far as they see the events, the latest first.
pub fn list_of_viewer(reader: &Reader) -> (List, KeyRow) {
    let dialect = reader.dialect();
    let mut conditions = Conditions::new(dialect);
    conditions.bind("account_id", KeyValue::Id(reader.viewer.person().unwrap_or_default()));
    conditions.push("g.account_id = k.account_id");
    conditions.push(EventNode::sees(&reader.viewer, dialect, "e"));
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "viewer.registrations",
        parent: Some("account_id"),
        table: "event_registration",
        from: format!("event_registration AS g {} event AS e ON e.id = g.event_id", dialect.join()),
        id: "g.id".into(),
        order: Order { name: "NEWEST", descending: true, ..in_order() },
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// The registrations of these ids, in their order, as far as the viewer sees them and their events.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    ids: &[Uuid],
    with_place: bool,
) -> Result<Vec<Option<Registration>>, DomainError> {
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let Fetch { columns, joins } = fetch(with_place);
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {columns} FROM {keys} {then} event_registration AS r ON r.id = k.id \
             {then} event AS e ON e.id = r.event_id {joins} WHERE {} AND {} ORDER BY k.n",
            EventNode::sees(viewer, dialect, "e"),
            sees(viewer, dialect, "r", "e"),
        )
    });
    let mut found: Vec<Option<Registration>> = ids.iter().map(|_| None).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position] = Some(read(&mut row)?);
    }
    Ok(found)
}

/// The list of those who come to one event and agree to be shown. Its order is that of their random ids: it does not tell
/// who came first, nor how many others there are.
pub fn list_of_attendees(dialect: Dialect, parent: KeyRow) -> (List, KeyRow) {
    let mut conditions = Conditions::new(dialect);
    for id in parent {
        conditions.bind("event_id", id);
    }
    conditions.push("g.event_id = k.event_id AND g.listed AND g.status = 'CONFIRMED'");
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "event.attendees",
        parent: Some("event_id"),
        table: "event_registration",
        from: "event_registration AS g".into(),
        id: "g.id".into(),
        order: Order {
            name: "ID",
            inner: "g.id".into(),
            outer: "r.id".into(),
            key_type: KeyType::Id,
            descending: false,
        },
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// The columns and joins of somebody who comes: the registration `r`.
pub fn fetch_attendee() -> Fetch {
    Fetch {
        columns: "a.display_name, r.organization_id".into(),
        joins: "LEFT JOIN account AS a ON a.id = r.account_id".into(),
    }
}

/// Reads what [`fetch_attendee`] selects: the name, and the organization.
///
/// # Errors
/// [`DomainError::Database`].
pub fn read_attendee(row: &mut Row) -> Result<(String, Option<Uuid>), DomainError> {
    Ok((row.get::<Option<String>>()?.unwrap_or_default(), row.get()?))
}

/// For each of these events, by name, the organizations that the viewer sees of those who come and agree to be shown.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delegations(
    reader: &Reader,
    events: &[Uuid],
    want: &Selection,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let columns = OrganizationNode::columns(want);
    let Fetch { columns: fetched, joins } = columns.fetch("r");
    let of_event = format!(
        "SELECT DISTINCT o.id AS id FROM event_registration AS g JOIN organization AS o ON o.id = g.organization_id \
         WHERE g.event_id = k.id AND g.listed AND g.status = 'CONFIRMED' AND {} ORDER BY o.id LIMIT {MAX_DELEGATION}",
        OrganizationNode::sees(viewer, dialect, "o"),
    );
    let statement = KeyedStatement::by_id(dialect, |keys, _| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {} {joins} ORDER BY k.n, r.name_key, r.id",
            dialect.join_some("organization", "id", &of_event),
        )
    });
    let mut found: Vec<Vec<OrganizationNode>> = events.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(events)).await? {
        found[position].push(OrganizationNode::read(columns, &mut row, viewer)?);
    }
    Ok(found)
}

/// Adds the column with the places that are left at the event `alias`, and the join that it needs: nothing where there is
/// no limit, or where people register elsewhere.
pub fn fetch_seats_left(alias: &str, columns: &mut Vec<String>, joins: &mut Vec<String>) {
    columns.push(format!(
        "CASE WHEN {alias}.registration_mode = 'NONE' OR {alias}.capacity IS NULL THEN NULL \
         WHEN COALESCE(seats.confirmed, 0) >= {alias}.capacity THEN 0 \
         ELSE {alias}.capacity - COALESCE(seats.confirmed, 0) END"
    ));
    joins.push(format!("LEFT JOIN event_seats AS seats ON seats.event_id = {alias}.id"));
}

/// A registration that somebody wants to change.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its event.
    pub event: Uuid,
    /// Whether it is the viewer's own.
    pub is_own: bool,
    /// Whether the viewer organizes the event.
    pub is_organizer: bool,
}

/// The registration of an id, where the viewer sees it and its event.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn target(
    batch: &Batch<'_>,
    viewer: &Viewer,
    registration: Uuid,
) -> Result<Option<Target>, DomainError> {
    let dialect = batch.dialect;
    let flag = |condition: String| format!("CASE WHEN {condition} THEN 1 ELSE 0 END");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, g.event_id, {}, {} FROM {keys} {then} event_registration AS g ON g.id = k.id \
             {then} event AS e ON e.id = g.event_id WHERE {} AND {}",
            flag(viewer.is_person(dialect, "g.account_id")),
            flag(organizes(viewer, dialect, "e")),
            EventNode::sees(viewer, dialect, "e"),
            sees(viewer, dialect, "g", "e"),
        )
    });
    let rows = statement.query(batch.tx, dialect, rows_of(&[registration])).await?;
    let found = rows.into_iter().next().map(|(_, mut row)| {
        Ok(Target { event: row.get()?, is_own: row.get::<i32>()? != 0, is_organizer: row.get::<i32>()? != 0 })
    });
    found.transpose()
}

/// Whether the viewer sees an event.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sees_event(batch: &Batch<'_>, viewer: &Viewer, event: Uuid) -> Result<bool, DomainError> {
    let sees = EventNode::sees(viewer, batch.dialect, "e");
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n FROM {keys} {then} event AS e ON e.id = k.id WHERE {sees}")
    });
    Ok(!statement.query(batch.tx, batch.dialect, rows_of(&[event])).await?.is_empty())
}

/// The registration of an account for an event.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_person(
    on: &impl ConnectionTrait,
    event: Uuid,
    account: Uuid,
) -> Result<Option<table::Model>, DomainError> {
    let own = table::Entity::find()
        .filter(table::Column::EventId.eq(event))
        .filter(table::Column::AccountId.eq(account));
    Ok(own.one(on).await?)
}

/// When the earliest news was written that is not told yet.
pub(super) const NEXT_NEWS: &str = "SELECT MIN(created_at) FROM event_notice";

/// The earliest news that is not told yet, locked until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn news(
    tx: &DatabaseTransaction,
    limit: u64,
) -> Result<Vec<event_notice::Model>, DomainError> {
    let news = event_notice::Entity::find()
        .order_by_asc(event_notice::Column::CreatedAt)
        .order_by_asc(event_notice::Column::Id);
    Ok(news.limit(limit).lock_exclusive().all(tx).await?)
}

/// Forgets news that was told.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn told(tx: &DatabaseTransaction, ids: Vec<Uuid>) -> Result<(), DomainError> {
    event_notice::Entity::delete_many().filter(event_notice::Column::Id.is_in(ids)).exec(tx).await?;
    Ok(())
}
