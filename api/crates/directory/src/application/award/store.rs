//! SQL of awards that are read.

use uuid::Uuid;

use crate::application::store::{SUM, parts, sees, sum};
use crate::call_for_projects::CallForProjectsNode;
use kernel::error::DomainError;
use kernel::list::{Fetch, List, Order};
use kernel::node::Node as _;
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::value::{DateTime, Decimal, Money};
use records::write::rows_of;

/// The condition under which a viewer sees the award of the application `a` to the call `c`, apart from the call.
fn sees_award(viewer: &Viewer, dialect: Dialect) -> String {
    format!("(c.status = 'AWARDED' OR {})", sees(viewer, dialect, "a"))
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
        second: None,
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
pub async fn named_awards(reader: &Reader, call: Uuid) -> Result<Vec<NamedAward>, DomainError> {
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
