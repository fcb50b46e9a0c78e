//! SQL of mails about applications: who gets them, and which calls close soon.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::application::ApplicationStatus;
use identity::role::Role;
use kernel::error::DomainError;
use kernel::read::{Database, Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::{DateTime, EmailAddress, Language};
use kernel::{all_of, name_of};
use records::write::rows_of;

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
    db: &Arc<Database>,
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
