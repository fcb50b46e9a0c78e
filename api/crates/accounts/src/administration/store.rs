//! SQL of accounts as administrators see them.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Entry;
use identity::account::Account;
use identity::account::store::grant;
use identity::role::Grant;
use kernel::columns_of;
use kernel::error::DomainError;
use kernel::list::{Conditions, List, Order};
use kernel::page::{Page, PageOf};
use kernel::read::{Database, Dialect, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;

const COLUMNS: &[&str] = &["id", "email", "display_name", "language", "talent_id", "created_at"];

fn read(row: &mut Row) -> Result<Entry, DomainError> {
    let given = || DomainError::Stored("an account is not complete".into());
    let account = Account {
        id: row.get()?,
        email: row.parsed()?.ok_or_else(given)?,
        display_name: row.get()?,
        language: row.parsed()?.ok_or_else(given)?,
        talent: row.get()?,
        organizations: Vec::new(),
    };
    Ok(Entry { account, grants: Vec::new(), created_at: DateTime::from_micros(row.get()?) })
}

/// Adds the condition that the account `a` has a role in one of the regions, or belongs to an organization of one.
/// `None` adds no condition.
fn within(conditions: &mut Conditions, regions: Option<&[String]>) {
    let Some(regions) = regions else { return };
    let condition = "EXISTS (SELECT 1 FROM account_role AS g WHERE g.region = v.value AND g.account_id = a.id) \
                     OR EXISTS (SELECT 1 FROM account_organization AS m JOIN organization AS o \
                     ON o.id = m.organization_id WHERE m.account_id = a.id AND o.region = v.value)";
    conditions.any("regions", regions, "", condition);
}

/// The list of the accounts of these regions, or of all accounts, the newest first.
pub(super) fn list(dialect: Dialect, regions: Option<&[String]>) -> (List, KeyRow) {
    let mut conditions = Conditions::new(dialect);
    within(&mut conditions, regions);
    if conditions.is_empty() {
        conditions.push("TRUE");
    }
    let (keys, row, conditions) = conditions.finish();
    let order = Order {
        name: "CREATED_AT",
        inner: "a.created_at".into(),
        outer: "r.created_at".into(),
        key_type: KeyType::Int,
        descending: true,
    };
    let list = List {
        name: "accounts",
        parent: None,
        table: "account",
        from: "account AS a".into(),
        id: "a.id".into(),
        order,
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// A page of that list.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn page(
    db: &Arc<Database>,
    list: &List,
    row: KeyRow,
    page: &Page,
    want_total: bool,
) -> Result<PageOf<Entry>, DomainError> {
    list.read_one(db, row, page, COLUMNS, want_total, read).await
}

/// The account with this id, if it is in one of these regions.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn find(
    db: &Arc<Database>,
    id: Uuid,
    regions: Option<&[String]>,
) -> Result<Option<Entry>, DomainError> {
    let mut conditions = Conditions::new(db.dialect());
    conditions.bind("account", KeyValue::Id(id));
    within(&mut conditions, regions);
    conditions.push("a.id = k.account");
    let (keys, row, conditions) = conditions.finish();
    let sql = format!(
        "SELECT k.n, {} FROM {} {} account AS a ON {} ORDER BY k.n",
        columns_of("a", COLUMNS),
        keys.source(db.dialect()),
        db.dialect().join(),
        conditions.iter().map(|condition| format!("({condition})")).collect::<Vec<_>>().join(" AND "),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![row]).await?;
    rows.into_iter().next().map(|(_, mut row)| read(&mut row)).transpose()
}

fn ids_of(entries: &[Entry]) -> Vec<KeyRow> {
    entries.iter().map(|entry| vec![KeyValue::Id(entry.account.id)]).collect()
}

/// The roles of accounts, by the account's position in `entries`.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub(super) async fn grants(
    db: &Arc<Database>,
    entries: &[Entry],
) -> Result<HashMap<usize, Vec<Grant>>, DomainError> {
    let statement = KeyedStatement::by_id(db.dialect(), |keys, then| {
        format!(
            "SELECT k.n, g.role, g.region FROM {keys} {then} account_role AS g ON g.account_id = k.id \
             ORDER BY k.n, g.role, g.region"
        )
    });
    let mut found: HashMap<usize, Vec<Grant>> = HashMap::new();
    for (place, mut row) in db.read(&statement, ids_of(entries)).await? {
        let role: String = row.get()?;
        found.entry(place).or_default().push(grant(&role, row.get()?)?);
    }
    Ok(found)
}

/// The organizations that accounts belong to, by the account's position in `entries`.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn organizations(
    db: &Arc<Database>,
    entries: &[Entry],
) -> Result<HashMap<usize, Vec<Uuid>>, DomainError> {
    let statement = KeyedStatement::by_id(db.dialect(), |keys, then| {
        format!(
            "SELECT k.n, m.organization_id FROM {keys} {then} account_organization AS m ON m.account_id = k.id \
             ORDER BY k.n, m.organization_id"
        )
    });
    let mut found: HashMap<usize, Vec<Uuid>> = HashMap::new();
    for (place, mut row) in db.read(&statement, ids_of(entries)).await? {
        found.entry(place).or_default().push(row.get()?);
    }
    Ok(found)
}
