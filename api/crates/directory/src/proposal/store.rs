//! SQL of proposals.

use entity::proposal::{Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, Statement,
};
use serde_json::Value;
use uuid::Uuid;

use super::{KEPT_DAYS, ProposalState};
use kernel::error::DomainError;
use kernel::input::to_json;
use kernel::list::{Conditions, Fetch, List, Order, filled};
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::value::DateTime;
use kernel::{columns_of, id, name_of};
use records::write::{Batch, rows_of};

/// A proposal in an answer.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Identity.
    pub id: Uuid,
    /// The organization that it is about.
    pub organization: Uuid,
    /// Where it stands.
    pub state: ProposalState,
    /// The input.
    pub change: Value,
    /// The revision that the proposer had seen.
    pub base_revision: i32,
    /// Why, in the proposer's words.
    pub comment: Option<String>,
    /// The account that proposes.
    pub proposed_by: Option<Uuid>,
    /// When.
    pub proposed_at: DateTime,
    /// When it was decided.
    pub decided_at: Option<DateTime>,
    /// Why it was decided so.
    pub decision: Option<String>,
}

const COLUMNS: &[&str] = &[
    "id",
    "organization_id",
    "state",
    "change",
    "base_revision",
    "comment",
    "proposed_by",
    "proposed_at",
    "decided_at",
    "decision",
];

/// The columns and joins of a proposal `r`.
pub fn fetch() -> Fetch {
    Fetch { columns: columns_of("r", COLUMNS), joins: String::new() }
}

/// Reads what [`fetch`] selects.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub fn read(row: &mut Row) -> Result<Proposal, DomainError> {
    Ok(Proposal {
        id: row.get()?,
        organization: row.get()?,
        state: row.name()?,
        change: row.json()?,
        base_revision: row.get()?,
        comment: row.get()?,
        proposed_by: row.get()?,
        proposed_at: DateTime::from_micros(row.get()?),
        decided_at: row.get::<Option<i64>>()?.map(DateTime::from_micros),
        decision: row.get()?,
    })
}

/// The list of the proposals that the viewer sees and that fit, the newest first.
pub fn list(
    reader: &Reader,
    organization: Option<Uuid>,
    states: Option<&Vec<ProposalState>>,
) -> (List, KeyRow) {
    let dialect = reader.dialect();
    let mut conditions = Conditions::new(dialect);
    if let Some(id) = organization {
        conditions.bind("organization_id", KeyValue::Id(id));
        conditions.push(
            "p.organization_id = COALESCE((SELECT d.target_id FROM record_redirect AS d \
             WHERE d.id = k.organization_id), k.organization_id)",
        );
    }
    if let Some(states) = filled(states) {
        let names: Vec<&str> = states.iter().map(|state| name_of(*state)).collect();
        conditions.one_of("states", &names, "p.state");
    }
    conditions.push(reader.viewer.sees_proposal(dialect, "p", "o"));
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "proposals",
        parent: None,
        table: "proposal",
        from: format!("proposal AS p {} organization AS o ON o.id = p.organization_id", dialect.join()),
        id: "p.id".into(),
        order: Order {
            name: "NEWEST",
            inner: "p.proposed_at".into(),
            outer: "r.proposed_at".into(),
            key_type: KeyType::Int,
            descending: true,
        },
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// The proposal of an id, where the viewer sees it.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(reader: &Reader, id: Uuid) -> Result<Option<Proposal>, DomainError> {
    let dialect = reader.dialect();
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} proposal AS r ON r.id = k.id {then} organization AS o ON o.id = r.organization_id \
             WHERE {} ORDER BY k.n",
            fetch().columns,
            reader.viewer.sees_proposal(dialect, "r", "o")
        )
    });
    let rows = reader.db.read(&statement, rows_of(&[id])).await?;
    rows.into_iter().next().map(|(_, mut row)| read(&mut row)).transpose()
}

/// The organization that an id means: the survivor, where it was merged.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn meant(batch: &Batch<'_>, organization: Uuid) -> Result<Uuid, DomainError> {
    let found = entity::record_redirect::Entity::find_by_id(organization).one(batch.tx).await?;
    Ok(found.map_or(organization, |redirect| redirect.target_id))
}

/// The organization of a proposal and its region, where the viewer sees the proposal.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn seen(
    batch: &Batch<'_>,
    viewer: &Viewer,
    proposal: Uuid,
) -> Result<Option<(Uuid, String)>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, o.id, o.region FROM {keys} {then} proposal AS p ON p.id = k.id \
             {then} organization AS o ON o.id = p.organization_id WHERE {}",
            viewer.sees_proposal(batch.dialect, "p", "o")
        )
    });
    let rows = statement.query(batch.tx, batch.dialect, rows_of(&[proposal])).await?;
    rows.into_iter().next().map(|(_, mut row)| Ok((row.get()?, row.get()?))).transpose()
}

/// A proposal, locked until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn locked(batch: &Batch<'_>, proposal: Uuid) -> Result<Option<Model>, DomainError> {
    Ok(Entity::find_by_id(proposal).lock_exclusive().one(batch.tx).await?)
}

/// The number of proposals for an organization that wait for an answer.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn pending(batch: &Batch<'_>, organization: Uuid) -> Result<i64, DomainError> {
    let found = Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::State.eq(name_of(ProposalState::Pending)));
    Ok(i64::try_from(found.count(batch.tx).await?).unwrap_or(i64::MAX))
}

/// Adds a proposal.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(batch: &Batch<'_>, proposal: Model) -> Result<(), DomainError> {
    Entity::insert(proposal.into_active_model().reset_all()).exec_without_returning(batch.tx).await?;
    Ok(())
}

/// Writes what was decided.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn update(batch: &Batch<'_>, proposal: Model) -> Result<(), DomainError> {
    proposal.into_active_model().reset_all().update(batch.tx).await?;
    Ok(())
}

/// Deletes proposals that were decided long ago, up to a limit. Returns their number.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sweep(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    now: DateTime,
    limit: u32,
) -> Result<u64, DomainError> {
    let before = now.micros() - KEPT_DAYS * 24 * 60 * 60 * 1_000_000;
    let sql = format!(
        "DELETE FROM proposal WHERE id IN (SELECT id FROM proposal WHERE decided_at < $1 ORDER BY decided_at LIMIT {limit})"
    );
    let statement = Statement::from_sql_and_values(dialect.backend(), sql, [before.into()]);
    Ok(on.execute_raw(statement).await?.rows_affected())
}

/// Deletes the proposals that an account has made, and forgets which it has decided: for an account that is erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge_account(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    account: Uuid,
) -> Result<(), DomainError> {
    for sql in [
        "DELETE FROM proposal WHERE proposed_by = $1",
        "UPDATE proposal SET decided_by = NULL WHERE decided_by = $1",
    ] {
        let statement = Statement::from_sql_and_values(dialect.backend(), sql, [account.into()]);
        on.execute_raw(statement).await?;
    }
    Ok(())
}

/// Deletes the proposals in which any of these texts stands, in a field or a comment.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge_mentions(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    texts: &[String],
) -> Result<(), DomainError> {
    let keys = KeyColumns::new(&[("plain", KeyType::Text), ("json", KeyType::Text)]);
    let sql = format!(
        "DELETE FROM proposal WHERE EXISTS (SELECT 1 FROM {} WHERE {} OR {} OR {})",
        keys.source(dialect),
        dialect.contains("proposal.change", "k.json"),
        dialect.contains("COALESCE(proposal.comment, '')", "k.plain"),
        dialect.contains("COALESCE(proposal.decision, '')", "k.plain"),
    );
    let rows = texts.iter().map(|text| {
        let quoted = to_json(text);
        vec![KeyValue::Text(text.clone()), KeyValue::Text(quoted.trim_matches('"').to_owned())]
    });
    KeyedStatement { sql, keys }.execute(on, dialect, rows.collect()).await.map(|_| ())
}

/// Letters of a text at least by which proposals about somebody are found: a shorter one is in too many words.
const SHORTEST: usize = 4;

/// Deletes the proposals that name a talent: by id, slug, name or how to reach them, as long as the row is there. To be
/// called before the talent is erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge_talent(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    talent: Uuid,
) -> Result<(), DomainError> {
    let mut texts = vec![id::encode("talent", talent), talent.to_string()];
    if let Some(row) = entity::talent::Entity::find_by_id(talent).one(on).await? {
        let variants: Vec<String> = row.name_variants.read()?;
        texts.extend([row.slug, row.display_name]);
        texts.extend(variants);
        texts.extend([row.email, row.phone, row.website].into_iter().flatten());
    }
    texts.retain(|text| text.chars().count() >= SHORTEST);
    purge_mentions(on, dialect, &texts).await
}
