//! SQL of calls for projects: keyed reads under the viewer's condition.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::graphql::{CallForProjectsFilter, CallForProjectsOrder};
use super::status::CallStatus;
use super::{
    CallForProjects, CallForProjectsNode, Card, ContributionNode, Criteria, Details, Lot, Relations,
};
use crate::organization::{self, OrganizationNode};
use crate::partnership::read_money;
use kernel::columns;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, Ranges, filled};
use kernel::node::{ColumnGroups, Listable, Node};
use kernel::policy::Viewer;
use kernel::read::{Database, Dialect, Group, KeyColumns, KeyType, KeyValue, KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::value::{DateTime, Money};
use kernel::vocabulary::{Vocabulary, genre_facet, sector_facets, vocabularies};
use kernel::{Head, RecordType, columns_of, id};
use records::write::rows_of;

columns! {
    /// The groups of columns that a selection needs.
    pub struct Columns of CallForProjectsNode [slug titles]
        => id slug region visibility revision title titles contributions lots organizers applications awards;
    card: Card,
    details: Details,
}

impl Columns {
    /// All groups.
    pub(super) const ALL: Self = Self { card: true, details: true };
}

impl Node for CallForProjectsNode {
    const TYPE: RecordType = RecordType::Call;
    const NAME: &'static str = "CallForProjects";
    type Columns = Columns;

    /// A draft is also seen by the staff of the regions of its funders.
    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        let own = viewer.sees_record(dialect, alias);
        if viewer.admin || viewer.insider_regions().is_empty() {
            return own;
        }
        format!(
            "({own} OR ({alias}.draft AND EXISTS (SELECT 1 FROM call_for_projects_contribution AS cc \
             WHERE cc.call_id = {alias}.id AND {})))",
            viewer.is_insider_in("cc.region"),
        )
    }

    fn read(columns: Columns, row: &mut Row, _: &Viewer) -> Result<Self, DomainError> {
        let row = CallForProjects {
            head: Head::read(row)?,
            slug: row.get()?,
            titles: row.json()?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, Details::read)?,
        };
        Ok(Self { row, around: Relations::default() })
    }
}

/// The condition for a contribution `one` to the call `call`. One that does not count yet is seen by those who write the
/// call, by the staff of the organization's region and by its members.
fn sees_contribution(viewer: &Viewer, dialect: Dialect, one: &str, call: &str) -> String {
    if viewer.admin {
        return "TRUE".to_owned();
    }
    if !viewer.sees_private() {
        return format!("{one}.confirmed");
    }
    format!(
        "({one}.confirmed OR {} OR {} OR {})",
        viewer.is_writer_in(&format!("{call}.region")),
        viewer.is_insider_in(&format!("{one}.region")),
        viewer.is_owner_in(dialect, &format!("{one}.organization_id")),
    )
}

/// The columns that a selection of contributions needs.
#[derive(Clone, Copy, Debug)]
pub struct ContributionColumns {
    organization: organization::store::Columns,
}

impl ColumnGroups for ContributionColumns {
    const FIELDS: &'static [&'static [&'static str]] =
        &[&["organization", "amount", "confirmed", "confirmedAt", "declinedAt"]];

    fn of(want: &Selection) -> Self {
        let organization = want.below(super::CONTRIBUTION, "organization").unwrap_or_default();
        Self { organization: OrganizationNode::columns(&organization) }
    }

    /// The call is the row `o`, the contribution `p`, the organization `r`. `alias` is the row that has the amount.
    fn fetch(self, alias: &str) -> Fetch {
        let organization = self.organization.fetch("r");
        Fetch {
            columns: format!(
                "{alias}.amount, o.currency, p.confirmed, p.confirmed_at, p.declined_at, {}",
                organization.columns
            ),
            joins: organization.joins,
        }
    }
}

fn read_contribution(
    columns: ContributionColumns,
    row: &mut Row,
    viewer: &Viewer,
) -> Result<ContributionNode, DomainError> {
    let missing = || DomainError::Stored("a contribution without an amount".into());
    Ok(ContributionNode {
        amount: read_money(row)?.ok_or_else(missing)?,
        confirmed: row.get()?,
        confirmed_at: row.optional_time()?,
        declined_at: row.optional_time()?,
        organization: OrganizationNode::read(columns.organization, row, viewer)?,
    })
}

/// The contributions to each of these calls that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn contributions(
    reader: &Reader,
    ids: &[Uuid],
    columns: ContributionColumns,
) -> Result<Vec<Vec<ContributionNode>>, DomainError> {
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let Fetch { columns: fetched, joins } = columns.fetch("p");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} call_for_projects AS o ON o.id = k.id \
             {then} call_for_projects_contribution AS p ON p.call_id = o.id \
             {then} organization AS r ON r.id = p.organization_id {joins} WHERE {} AND {} ORDER BY k.n, p.position",
            viewer.sees_record(dialect, "r"),
            sees_contribution(viewer, dialect, "p", "o"),
        )
    });
    let mut found: Vec<Vec<ContributionNode>> = ids.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position].push(read_contribution(columns, &mut row, viewer)?);
    }
    Ok(found)
}

/// The place of the call of a lot, and the position of the lot.
pub type OfLot = (usize, i32);

/// The funders of the lots of these calls that the viewer sees, in the order in which they were written, each with its lot.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lot_funders(
    reader: &Reader,
    ids: &[Uuid],
    columns: ContributionColumns,
) -> Result<(Vec<OfLot>, Vec<ContributionNode>), DomainError> {
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let Fetch { columns: fetched, joins } = columns.fetch("f");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, f.lot, {fetched} FROM {keys} {then} call_for_projects AS o ON o.id = k.id \
             {then} call_for_projects_lot_funder AS f ON f.call_id = o.id \
             {then} call_for_projects_contribution AS p ON p.organization_id = f.organization_id AND p.call_id = o.id \
             {then} organization AS r ON r.id = p.organization_id {joins} WHERE {} AND {} \
             ORDER BY k.n, f.lot, f.position",
            viewer.sees_record(dialect, "r"),
            sees_contribution(viewer, dialect, "p", "o"),
        )
    });
    let (mut places, mut found) = (Vec::new(), Vec::new());
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        places.push((position, row.get()?));
        found.push(read_contribution(columns, &mut row, viewer)?);
    }
    Ok((places, found))
}

/// The columns of a lot, as [`lots`] reads them.
const LOT: &[&str] = &[
    "position",
    "genre",
    "titles",
    "min_episodes",
    "max_episodes",
    "min_minutes",
    "max_minutes",
    "max_aid_share",
    "eligible_regions",
    "territorial_spend_share",
    "budget",
];

/// The lots of each of these calls, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lots(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Vec<Lot>>, DomainError> {
    let columns = columns_of("l", LOT);
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {columns}, o.currency, l.ceiling, o.currency, o.currency FROM {keys} \
             {then} call_for_projects AS o ON o.id = k.id \
             {then} call_for_projects_lot AS l ON l.call_id = o.id ORDER BY k.n, l.position"
        )
    });
    let mut found: Vec<Vec<Lot>> = ids.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position].push(read_lot(&mut row)?);
    }
    Ok(found)
}

fn read_lot(row: &mut Row) -> Result<Lot, DomainError> {
    let (position, genre, titles) = (row.get()?, row.get()?, row.json()?);
    let mut criteria = Criteria {
        ceiling: None,
        min_episodes: row.get()?,
        max_episodes: row.get()?,
        min_minutes: row.parsed()?,
        max_minutes: row.parsed()?,
        max_aid_share: row.parsed()?,
        eligible_regions: row.json()?,
        territorial_spend_share: row.parsed()?,
    };
    let budget: Option<Money> = read_money(row)?;
    criteria.ceiling = read_money(row)?;
    Ok(Lot { position, genre, titles, budget, criteria, currency: row.parsed()? })
}

/// The organizations that organize each of these calls and that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizers(
    reader: &Reader,
    ids: &[Uuid],
    columns: organization::store::Columns,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let (dialect, viewer, fetch) = (reader.dialect(), &reader.viewer, columns.fetch("r"));
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} call_for_projects_organizer AS p ON p.call_id = k.id \
             {then} organization AS r ON r.id = p.organization_id {} WHERE {} ORDER BY k.n, p.position",
            fetch.columns,
            fetch.joins,
            viewer.sees_record(dialect, "r"),
        )
    });
    let mut found: Vec<Vec<OrganizationNode>> = ids.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position].push(OrganizationNode::read(columns, &mut row, viewer)?);
    }
    Ok(found)
}

/// The condition for calls of a status now (`k.now`).
fn of_status(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Draft => "o.draft",
        CallStatus::Upcoming => "NOT o.draft AND o.closes_key >= k.now AND o.opens_key > k.now",
        CallStatus::Open => "NOT o.draft AND o.closes_key >= k.now AND o.opens_key <= k.now",
        CallStatus::Closed => "NOT o.draft AND o.closes_key < k.now AND NOT o.decided",
        CallStatus::Awarded => "NOT o.draft AND o.closes_key < k.now AND o.decided",
    }
}

impl Listable for CallForProjectsNode {
    type Filter = CallForProjectsFilter;
    type Order = CallForProjectsOrder;

    fn filter(
        reader: &Reader,
        filter: &CallForProjectsFilter,
    ) -> Result<(Ranges<'static>, Conditions), DomainError> {
        let (all, dialect) = (vocabularies(), reader.dialect());
        let mut ranges = Ranges {
            regions: all.regions.checked("filter.regions", "region", filter.regions.as_deref())?,
            facets: sector_facets("filter.sectors", filter.sectors.as_deref())?,
            ..Ranges::default()
        };
        if let Some(genres) = filled(filter.genres.as_ref()) {
            let genres = all.terms(Vocabulary::CallGenre).checked("filter.genres", "genre", Some(genres))?;
            ranges.facets.push(genres.iter().map(|slug| genre_facet(slug)).collect());
        }
        let mut conditions = Conditions::new(dialect);
        if let Some(day) = filter.open_on {
            conditions.bind("open_on", KeyValue::Text(day.to_string()));
            conditions.push("o.closes_day >= k.open_on AND o.opens_day <= k.open_on");
            ranges.by_row = true;
        }
        if let Some(statuses) = filled(filter.statuses.as_ref()) {
            conditions.bind("now", KeyValue::Int(reader.now.micros()));
            let mut any: Vec<&str> = statuses.iter().map(|status| of_status(*status)).collect();
            any.sort_unstable();
            any.dedup();
            if statuses.iter().all(|status| matches!(status, CallStatus::Open | CallStatus::Upcoming)) {
                // What is not closed yet is a range of the index; all that was ever closed would be no small one.
                conditions.push("o.closes_key >= k.now");
                ranges.by_row = true;
            }
            conditions.push(format!("(({}))", any.join(") OR (")));
        }
        if let Some(funders) = filled(filter.funders.as_ref()) {
            let ids = funders.iter().map(|text| id::decode("filter.funders", "organization", text));
            let ids = ids.map(|id| id.map(|id| id.simple().to_string())).collect::<Result<Vec<_>, _>>()?;
            let from = format!(
                "{then} call_for_projects_contribution AS q ON q.organization_id = {funder} AND q.call_id = o.id \
                 {then} organization AS qo ON qo.id = q.organization_id",
                then = dialect.join(),
                funder = dialect.id_from_hex("v.value"),
            );
            let seen = format!(
                "{} AND {}",
                reader.viewer.sees_record(dialect, "qo"),
                sees_contribution(&reader.viewer, dialect, "q", "o"),
            );
            conditions.any("funders", &ids, &from, &seen);
        }
        conditions.updated_since(filter.updated_since);
        Ok((ranges, conditions))
    }
}

/// The query for the time of the next turn of a status that this instance writes.
pub(super) const NEXT_TURN: &str = "SELECT MIN(turns_at) FROM call_for_projects WHERE turns_at IS NOT NULL";

/// A call whose status has turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The call.
    pub id: Uuid,
    /// Slug of the region that answers for it.
    pub region: String,
    /// The system that owns it and has made its newest revision, and its id there.
    pub source: Option<(String, String)>,
}

/// The calls whose status has turned and is not written yet, the earliest first: `most` of them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn turned(db: &Arc<Database>, now: DateTime, most: u32) -> Result<Vec<Turned>, DomainError> {
    let keys = KeyColumns::new(&[("now", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, o.id, o.region, s.source, s.external_id FROM {} {then} call_for_projects AS o \
         ON o.turns_at IS NOT NULL AND o.turns_at <= k.now \
         LEFT JOIN sync_record AS s ON s.record_id = o.id AND s.origin = s.source ORDER BY o.turns_at LIMIT {most}",
        keys.source(db.dialect()),
        then = db.dialect().join(),
    );
    let row = vec![KeyValue::Int(now.micros())];
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![row]).await?;
    rows.into_iter().map(|(_, row)| Turned::read(row)).collect()
}

impl Turned {
    fn read(mut row: Row) -> Result<Self, DomainError> {
        let (id, region) = (row.get()?, row.get()?);
        let (source, name): (Option<String>, Option<String>) = (row.get()?, row.get()?);
        Ok(Self { id, region, source: source.zip(name) })
    }
}

/// A call that a transaction turns; none where there is no such call.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn turning(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    id: Uuid,
) -> Result<Option<Turned>, DomainError> {
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, o.id, o.region, s.source, s.external_id FROM {keys} {then} call_for_projects AS o ON o.id = k.id \
             LEFT JOIN sync_record AS s ON s.record_id = o.id AND s.origin = s.source"
        )
    });
    let rows = statement.query(on, dialect, rows_of(&[id])).await?;
    rows.into_iter().next().map(|(_, row)| Turned::read(row)).transpose()
}
