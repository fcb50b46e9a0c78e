//! SQL of applications that are read.

use uuid::Uuid;

use super::ApplicationStatus;
use crate::call_for_projects::CallForProjectsNode;
use crate::organization::OrganizationNode;
use crate::talent::Link;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, List, Order};
use kernel::node::{ColumnGroups as _, Node as _};
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::value::{Currency, DateTime, Decimal, Money};
use kernel::{columns_of, name_of};
use records::write::rows_of;

/// An application as the database has it.
#[derive(Clone, Debug)]
pub struct Application {
    /// Identity.
    pub id: Uuid,
    /// The call.
    pub call: Uuid,
    /// Where it stands.
    pub status: ApplicationStatus,
    /// Grows by one with each change.
    pub revision: i32,
    /// Slug of the genre.
    pub genre: Option<String>,
    /// Title of the project.
    pub project_title: String,
    /// What the project is.
    pub summary: Option<String>,
    /// The amount asked for.
    pub requested: Option<Money>,
    /// The budget of the project.
    pub budget: Option<Money>,
    /// Number of episodes.
    pub episodes: Option<i32>,
    /// Minutes of one episode.
    pub minutes: Option<Decimal>,
    /// Where its documents are.
    pub links: Vec<Link>,
    /// When it was submitted.
    pub submitted_at: Option<DateTime>,
    /// When it became awarded or rejected.
    pub decided_at: Option<DateTime>,
}

const COLUMNS: &[&str] = &[
    "id",
    "call_id",
    "status",
    "revision",
    "genre",
    "project_title",
    "summary",
    "requested_amount",
    "requested_currency",
    "budget_amount",
    "budget_currency",
    "episodes",
    "minutes",
    "links",
    "submitted_at",
    "decided_at",
];

/// The columns of an application `r`.
pub(super) fn fetch() -> Fetch {
    Fetch { columns: columns_of("r", COLUMNS), joins: String::new() }
}

/// Reads what [`fetch`] selects.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub(super) fn read(row: &mut Row) -> Result<Application, DomainError> {
    Ok(Application {
        id: row.get()?,
        call: row.get()?,
        status: row.name()?,
        revision: row.get()?,
        genre: row.get()?,
        project_title: row.get()?,
        summary: row.get()?,
        requested: money(row)?,
        budget: money(row)?,
        episodes: row.get()?,
        minutes: row.parsed()?,
        links: row.json()?,
        submitted_at: row.optional_time()?,
        decided_at: row.optional_time()?,
    })
}

/// Reads an amount and its currency.
fn money(row: &mut Row) -> Result<Option<Money>, DomainError> {
    let (amount, currency): (Option<Decimal>, Option<Currency>) = (row.parsed()?, row.parsed()?);
    let stored = amount.zip(currency).map(|(amount, currency)| Money::new(amount, currency));
    stored.transpose().map_err(|error| DomainError::Stored(error.to_string()))
}

/// Reads the two parts of an amount, and its currency.
pub(super) fn parts(row: &mut Row) -> Result<Option<Money>, DomainError> {
    let (whole, part): (Option<i64>, Option<i32>) = (row.get()?, row.get()?);
    let currency: Option<Currency> = row.parsed()?;
    let (Some(whole), Some(part), Some(currency)) = (whole, part, currency) else { return Ok(None) };
    let amount = Decimal::of_parts(whole.into(), part.into());
    let amount = amount.ok_or_else(|| DomainError::Stored("an amount has too many digits".into()))?;
    Money::new(amount, currency).map(Some).map_err(|error| DomainError::Stored(error.to_string()))
}

/// The sum of the amounts of decisions `d`, in three whole numbers: no sum of them overflows.
pub const SUM: &str = "CAST(SUM(d.amount_whole / 1000000) AS BIGINT), CAST(SUM(d.amount_whole % 1000000) AS BIGINT), \
                       CAST(SUM(d.amount_part) AS BIGINT)";

/// Reads what [`SUM`] selects.
///
/// # Errors
/// [`DomainError::Stored`] where the sum has more digits than a number has.
pub fn sum(row: &mut Row) -> Result<Decimal, DomainError> {
    let (millions, units, parts): (i64, i64, i64) = (row.get()?, row.get()?, row.get()?);
    let sum = Decimal::of_parts(i128::from(millions) * 1_000_000 + i128::from(units), parts);
    sum.ok_or_else(|| DomainError::Stored("a sum of awards has too many digits".into()))
}

/// The condition under which a viewer sees the application `alias`, apart from its call.
pub(super) fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
    viewer.sees_application(dialect, alias, |is_so| {
        format!(
            "EXISTS (SELECT 1 FROM call_for_projects_contribution AS f WHERE f.call_id = {alias}.call_id \
             AND f.confirmed AND {is_so})"
        )
    })
}

/// The condition under which a viewer sees the application `alias` as one of the staff of the funders, apart from its call.
pub fn sees_as_staff(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
    sees(&Viewer { owns: std::collections::BTreeSet::new(), ..viewer.clone() }, dialect, alias)
}

/// For each id, in order, the application if the viewer sees it and its call.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn by_ids(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Application>>, DomainError> {
    let dialect = reader.dialect();
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} application AS r ON r.id = k.id \
             {then} call_for_projects AS c ON c.id = r.call_id WHERE {} AND {} ORDER BY k.n",
            fetch().columns,
            sees(&reader.viewer, dialect, "r"),
            CallForProjectsNode::sees(&reader.viewer, dialect, "c"),
        )
    });
    let mut found: Vec<Option<Application>> = ids.iter().map(|_| None).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position] = Some(read(&mut row)?);
    }
    Ok(found)
}

/// The order of applications: the newest first.
fn newest() -> Order {
    Order {
        name: "NEWEST",
        inner: "a.created_at".into(),
        outer: "r.created_at".into(),
        key_type: KeyType::Int,
        descending: true,
    }
}

/// The list of the applications to each call that the viewer sees, in any of these states, and the keys of a call.
pub(super) fn list_of_call(
    reader: &Reader,
    statuses: Option<&[ApplicationStatus]>,
) -> (List, impl Fn(Uuid) -> KeyRow + use<>) {
    let dialect = reader.dialect();
    let mut conditions = Conditions::new(dialect);
    if let Some(statuses) = statuses {
        let names: Vec<&str> = statuses.iter().map(|status| name_of(*status)).collect();
        conditions.one_of("statuses", &names, "a.status");
    }
    conditions.push(sees(&reader.viewer, dialect, "a"));
    conditions.push("a.call_id = k.call_id");
    conditions.bind("call_id", KeyValue::Id(Uuid::nil()));
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "callForProjects.applications",
        parent: Some("call_id"),
        table: "application",
        from: "application AS a".into(),
        id: "a.id".into(),
        order: newest(),
        second: None,
        keys,
        conditions,
    };
    let key_row = move |call: Uuid| {
        let mut row = row.clone();
        if let Some(last) = row.last_mut() {
            *last = KeyValue::Id(call);
        }
        row
    };
    (list, key_row)
}

/// The list of the applications of the viewer's own organizations.
pub(super) fn list_of_viewer(reader: &Reader) -> (List, KeyRow) {
    let dialect = reader.dialect();
    let mut conditions = Conditions::new(dialect);
    conditions.push(reader.viewer.is_owner_in(dialect, "a.applicant_id"));
    conditions.push(CallForProjectsNode::sees(&reader.viewer, dialect, "c"));
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "viewer.applications",
        parent: None,
        table: "application",
        from: format!("application AS a {} call_for_projects AS c ON c.id = a.call_id", dialect.join()),
        id: "a.id".into(),
        order: newest(),
        second: None,
        keys,
        conditions,
    };
    (list, row)
}

/// What is read of an organization that is joined as `r`: its columns and their joins.
fn organization(want: &Selection) -> (Fetch, <OrganizationNode as kernel::node::Node>::Columns) {
    let columns = OrganizationNode::columns(want);
    (columns.fetch("r"), columns)
}

/// The organizations that each of these applications comes from. Whoever sees an application sees its applicant, so the
/// applications must have been read for the viewer.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn applicants(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<OrganizationNode>, DomainError> {
    let (Fetch { columns: fetched, joins }, columns) = organization(want);
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} application AS a ON a.id = k.id \
             {then} organization AS r ON r.id = a.applicant_id {joins} ORDER BY k.n"
        )
    });
    let mut nodes = Vec::with_capacity(ids.len());
    for (_, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        nodes.push(OrganizationNode::read(columns, &mut row, &reader.viewer)?);
    }
    if nodes.len() != ids.len() {
        return Err(DomainError::Stored("an application without its applicant".into()));
    }
    OrganizationNode::fill(reader, &mut nodes, want).await?;
    Ok(nodes)
}

/// The partners of each of these applications that the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn partners(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let (Fetch { columns: fetched, joins }, columns) = organization(want);
    let sees = reader.viewer.sees_record(reader.dialect(), "r");
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} application_partner AS p ON p.application_id = k.id \
             {then} organization AS r ON r.id = p.organization_id {joins} WHERE {sees} ORDER BY k.n, p.position"
        )
    });
    let mut found: Vec<Vec<OrganizationNode>> = ids.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position].push(OrganizationNode::read(columns, &mut row, &reader.viewer)?);
    }
    kernel::node::fill_groups(reader, found, want).await
}

/// A decision as the database has it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What the funder has decided.
    pub status: ApplicationStatus,
    /// How much it gives.
    pub amount: Option<Money>,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub decided_at: DateTime,
    /// The funder, where it is wanted.
    pub funder: Option<OrganizationNode>,
}

/// The decisions on each of these applications, in their order, with their funders where these are wanted. Whoever sees an
/// application sees who has decided on it.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn decisions(
    reader: &Reader,
    ids: &[Uuid],
    funder: Option<&Selection>,
) -> Result<Vec<Vec<Decision>>, DomainError> {
    let wanted = funder.map(organization);
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        let (fetched, joins) = match &wanted {
            Some((Fetch { columns, joins }, _)) => {
                (format!(", {columns}"), format!("{then} organization AS r ON r.id = d.funder_id {joins}"))
            }
            None => Default::default(),
        };
        format!(
            "SELECT k.n, d.status, d.note, d.decided_at, d.amount_whole, d.amount_part, d.currency {fetched} \
             FROM {keys} {then} application_decision AS d ON d.application_id = k.id {joins} \
             ORDER BY k.n, d.decided_at, d.id"
        )
    });
    let (mut places, mut decisions, mut funders) = (Vec::new(), Vec::new(), Vec::new());
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        places.push(position);
        let (status, note) = (row.name()?, row.get()?);
        let decided_at = DateTime::from_micros(row.get()?);
        decisions.push(Decision { status, amount: parts(&mut row)?, note, decided_at, funder: None });
        if let Some((_, columns)) = &wanted {
            funders.push(OrganizationNode::read(*columns, &mut row, &reader.viewer)?);
        }
    }
    if let Some(want) = funder {
        OrganizationNode::fill(reader, &mut funders, want).await?;
    }
    let mut funders = funders.into_iter();
    let mut found: Vec<Vec<Decision>> = ids.iter().map(|_| Vec::new()).collect();
    for (position, mut decision) in places.into_iter().zip(decisions) {
        decision.funder = funders.next();
        found[position].push(decision);
    }
    Ok(found)
}
