//! SQL of applications and awards that are read.

use uuid::Uuid;

use super::ApplicationStatus;
use crate::call_for_projects::CallForProjectsNode;
use crate::organization::OrganizationNode;
use crate::talent::Link;
use identity::role::Role;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, List, Order};
use kernel::node::{ColumnGroups as _, Node as _};
use kernel::policy::Viewer;
use kernel::read::{
    Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection,
};
use kernel::reader::Reader;
use kernel::value::{Currency, DateTime, Decimal, Money};
use kernel::value::{EmailAddress, Language};
use kernel::{all_of, columns_of, name_of};
use records::write::rows_of;
use sea_orm::{ConnectionTrait, Statement};

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

/// The condition under which a viewer sees the award of the application `a` to the call `c`, apart from the call.
fn sees_award(viewer: &Viewer, dialect: Dialect) -> String {
    format!("(c.status = 'AWARDED' OR {})", sees(viewer, dialect, "a"))
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

/// An award as the database has it.
#[derive(Clone, Debug)]
pub struct Award {
    /// Identity.
    pub id: Uuid,
    /// The application.
    pub application: Uuid,
    /// Slug of the genre.
    pub genre: String,
    /// How much.
    pub amount: Money,
    /// When it was decided.
    pub decided_at: DateTime,
    /// The organization that gives it.
    pub funder: Uuid,
    /// Title of the project.
    pub project_title: String,
    /// The organization that gets it.
    pub applicant: Uuid,
    /// IANA name of the time zone of the call.
    pub time_zone: String,
}

/// The columns of an award `r`, and of the application and the call that it belongs to.
pub(super) fn fetch_award(dialect: Dialect) -> Fetch {
    let then = dialect.join();
    Fetch {
        columns: "r.id, r.application_id, r.genre, r.amount_whole, r.amount_part, r.currency, r.decided_at, r.funder_id, \
                  a.project_title, a.applicant_id, c.time_zone"
            .into(),
        joins: format!(
            "{then} application AS a ON a.id = r.application_id {then} call_for_projects AS c ON c.id = r.call_id"
        ),
    }
}

/// Reads what [`fetch_award`] selects.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub(super) fn read_award(row: &mut Row) -> Result<Award, DomainError> {
    let (id, application, genre) = (row.get()?, row.get()?, row.get()?);
    let amount = parts(row)?.ok_or_else(|| DomainError::Stored("an award without an amount".into()))?;
    Ok(Award {
        id,
        application,
        genre,
        amount,
        decided_at: DateTime::from_micros(row.get()?),
        funder: row.get()?,
        project_title: row.get()?,
        applicant: row.get()?,
        time_zone: row.get()?,
    })
}

/// For each id, in order, the award if the viewer sees it and its call.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn awards_by_ids(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Award>>, DomainError> {
    let dialect = reader.dialect();
    let Fetch { columns, joins } = fetch_award(dialect);
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {columns} FROM {keys} {then} application_decision AS r ON r.id = k.id {joins} \
             WHERE r.status = 'AWARDED' AND {} AND {} ORDER BY k.n",
            sees_award(&reader.viewer, dialect),
            CallForProjectsNode::sees(&reader.viewer, dialect, "c"),
        )
    });
    let mut found: Vec<Option<Award>> = ids.iter().map(|_| None).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(ids)).await? {
        found[position] = Some(read_award(&mut row)?);
    }
    Ok(found)
}

/// The list of the awards of each call that the viewer sees, in the order in which they were decided. The parent is a call
/// that the viewer sees.
pub(super) fn list_of_awards(reader: &Reader) -> List {
    let (dialect, then) = (reader.dialect(), reader.dialect().join());
    List {
        name: "callForProjects.awards",
        parent: Some("call_id"),
        table: "application_decision",
        from: format!(
            "application_decision AS d {then} application AS a ON a.id = d.application_id \
             {then} call_for_projects AS c ON c.id = d.call_id"
        ),
        id: "d.id".into(),
        order: Order {
            name: "DECIDED_AT",
            inner: "d.decided_at".into(),
            outer: "r.decided_at".into(),
            key_type: KeyType::Int,
            descending: false,
        },
        keys: KeyColumns::new(&[("call_id", KeyType::Id)]),
        conditions: vec![
            "d.call_id = k.call_id AND d.status = 'AWARDED'".into(),
            sees_award(&reader.viewer, dialect),
        ],
    }
}

/// For each of these calls, which the viewer sees, what was awarded so far to each genre, as far as the viewer sees it.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn awarded_by_genre(
    reader: &Reader,
    calls: &[Uuid],
) -> Result<Vec<Vec<(String, Decimal)>>, DomainError> {
    let dialect = reader.dialect();
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, d.genre, {SUM} FROM {keys} \
             {then} application_decision AS d ON d.call_id = k.id AND d.status = 'AWARDED' \
             {then} application AS a ON a.id = d.application_id {then} call_for_projects AS c ON c.id = d.call_id \
             WHERE {} GROUP BY k.n, d.genre ORDER BY k.n",
            sees_award(&reader.viewer, dialect)
        )
    });
    let mut found: Vec<Vec<(String, Decimal)>> = calls.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, rows_of(calls)).await? {
        let genre = row.get()?;
        found[position].push((genre, sum(&mut row)?));
    }
    Ok(found)
}

/// An award with the names that a table shows.
#[derive(Clone, Debug)]
pub struct NamedAward {
    /// The award.
    pub award: Award,
    /// The applicant's name, where the viewer sees it.
    pub applicant: Option<String>,
    /// The funder's name, where the viewer sees it.
    pub funder: Option<String>,
    /// The names of the partners that the viewer sees.
    pub partners: Vec<String>,
}

/// All awards of a call that the viewer sees, as far as they see them, in the order in which they were decided.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn named_awards(reader: &Reader, call: Uuid) -> Result<Vec<NamedAward>, DomainError> {
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let Fetch { columns, joins } = fetch_award(dialect);
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {columns}, o.name, p.name FROM {keys} \
             {then} application_decision AS r ON r.call_id = k.id AND r.status = 'AWARDED' {joins} \
             LEFT JOIN organization AS o ON o.id = a.applicant_id AND {} \
             LEFT JOIN organization AS p ON p.id = r.funder_id AND {} WHERE {} ORDER BY r.decided_at, r.id",
            viewer.sees_record(dialect, "o"),
            viewer.sees_record(dialect, "p"),
            sees_award(viewer, dialect),
        )
    });
    let mut found: Vec<NamedAward> = Vec::new();
    for (_, mut row) in reader.db.read(&statement, rows_of(&[call])).await? {
        let award = read_award(&mut row)?;
        found.push(NamedAward { award, applicant: row.get()?, funder: row.get()?, partners: Vec::new() });
    }
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, o.name FROM {keys} {then} application_partner AS p ON p.application_id = k.id \
             {then} organization AS o ON o.id = p.organization_id WHERE {} ORDER BY k.n, p.position",
            viewer.sees_record(dialect, "o"),
        )
    });
    let ids: Vec<Uuid> = found.iter().map(|named| named.award.application).collect();
    if !ids.is_empty() {
        for (position, mut row) in reader.db.read(&statement, rows_of(&ids)).await? {
            found[position].partners.push(row.get()?);
        }
    }
    Ok(found)
}

/// Somebody who gets a mail.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    /// The address of the account.
    pub to: EmailAddress,
    /// The language of the account.
    pub language: Language,
}

fn recipients(rows: Vec<(usize, Row)>) -> Result<Vec<Recipient>, DomainError> {
    let mut found = Vec::with_capacity(rows.len());
    for (_, mut row) in rows {
        let (to, language) = (row.parsed()?, row.parsed()?);
        // An account of another issuer may have no address.
        found.extend(to.map(|to| Recipient { to, language: language.unwrap_or(Language::En) }));
    }
    Ok(found)
}

/// The accounts of the members of an organization.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn accounts_of_organization(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    organization: Uuid,
) -> Result<Vec<Recipient>, DomainError> {
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, a.email, a.language FROM {keys} \
             {then} account_organization AS m ON m.organization_id = k.id \
             {then} account AS a ON a.id = m.account_id ORDER BY a.id"
        )
    });
    recipients(statement.query(on, dialect, rows_of(&[organization])).await?)
}

/// The accounts of the staff of the regions whose organizations fund a call.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn accounts_of_funders(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    call: Uuid,
) -> Result<Vec<Recipient>, DomainError> {
    let roles: Vec<String> =
        all_of::<Role>().filter(|role| role.is_staff()).map(|role| format!("'{}'", name_of(role))).collect();
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT DISTINCT k.n, a.email, a.language, a.id FROM {keys} \
             {then} call_for_projects_contribution AS f ON f.call_id = k.id AND f.confirmed \
             {then} account_role AS g ON g.region = f.region AND g.role IN ({}) \
             {then} account AS a ON a.id = g.account_id ORDER BY a.id",
            roles.join(", ")
        )
    });
    recipients(statement.query(on, dialect, rows_of(&[call])).await?)
}

/// The calls that close between these instants and take applications here, whose funders were not reminded.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn closing(
    db: &std::sync::Arc<Database>,
    from: DateTime,
    until: DateTime,
) -> Result<Vec<Uuid>, DomainError> {
    let keys = KeyColumns::new(&[("from_key", KeyType::Int), ("until_key", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, c.id FROM {} {} call_for_projects AS c ON c.closes_key >= k.from_key \
         AND c.closes_key <= k.until_key AND NOT c.draft AND NOT c.followed \
         WHERE NOT EXISTS (SELECT 1 FROM application_reminder AS m WHERE m.call_id = c.id) ORDER BY c.closes_key, c.id",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let row = vec![KeyValue::Int(from.micros()), KeyValue::Int(until.micros())];
    let rows = db.read(&KeyedStatement { sql, keys }, vec![row]).await?;
    rows.into_iter().map(|(_, mut row)| row.get()).collect()
}

/// Notes that the funders of a call are reminded; false where they were before.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn note_reminder(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    call: Uuid,
    now: DateTime,
) -> Result<bool, DomainError> {
    let sql = "INSERT INTO application_reminder (call_id, reminded_at) VALUES ($1, $2) ON CONFLICT (call_id) DO NOTHING";
    let values = [call.into(), now.micros().into()];
    let inserted = on.execute_raw(Statement::from_sql_and_values(dialect.backend(), sql, values)).await?;
    Ok(inserted.rows_affected() > 0)
}

/// The numbers of drafts and of submitted applications to a call that nobody has taken back.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn counts(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    call: Uuid,
) -> Result<(i64, i64), DomainError> {
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, a.status, COUNT(*) FROM {keys} {then} application AS a ON a.call_id = k.id \
             GROUP BY k.n, a.status"
        )
    });
    let (mut drafts, mut submissions) = (0, 0);
    for (_, mut row) in statement.query(on, dialect, rows_of(&[call])).await? {
        let (status, count): (ApplicationStatus, i64) = (row.name()?, row.get()?);
        match status {
            ApplicationStatus::Draft => drafts += count,
            ApplicationStatus::Withdrawn => {}
            _ => submissions += count,
        }
    }
    Ok((drafts, submissions))
}
