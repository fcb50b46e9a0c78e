//! SQL of callers: keyed reads that return one row for each role of an account.

use std::sync::Arc;

use uuid::Uuid;

use super::IdentifiedCaller;
use crate::account::Account;
use crate::account::store::grant;
use crate::api_key;
use crate::role::Grant;
use kernel::error::DomainError;
use kernel::read::{Database, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::secret::Hash;
use kernel::value::DateTime;

/// The caller of a session; `None` where it has ended.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn by_session(
    db: &Arc<Database>,
    session: Uuid,
    now: DateTime,
) -> Result<Option<IdentifiedCaller>, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Id)]);
    let found = by_row(db, keys, vec![KeyValue::Id(session)], "session AS s ON s.id = k.id", "s.expires_at");
    let found = found.await?.filter(|(_, _, expires_at)| now < *expires_at);
    Ok(found.map(|(account, grants, expires_at)| {
        IdentifiedCaller::with_account(session, account, grants, expires_at)
    }))
}

/// The caller whose calendar the address with this hash opens.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn by_calendar(db: &Arc<Database>, hash: &Hash) -> Result<Option<IdentifiedCaller>, DomainError> {
    let keys = KeyColumns::new(&[("hash", KeyType::Bytes)]);
    let address = "calendar_address AS s ON s.address_hash = k.hash";
    let never = DateTime::MAX.micros().to_string();
    let found = by_row(db, keys, vec![KeyValue::Bytes(hash.to_vec())], address, &never).await?;
    Ok(found.map(|(account, grants, ends_at)| IdentifiedCaller::with_token(account, grants, ends_at)))
}

/// The account that a row `s` names as `account_id`, its roles, and when the row expires.
async fn by_row(
    db: &Arc<Database>,
    keys: KeyColumns,
    key: KeyRow,
    row: &str,
    expires_at: &str,
) -> Result<Option<(Account, Vec<Grant>, DateTime)>, DomainError> {
    let (source, join) = (keys.source(db.dialect()), db.dialect().join());
    let people = format!(
        "SELECT k.n, {expires_at}, a.id, a.email, a.display_name, a.language, a.talent_id, r.role, r.region \
         FROM {source} {join} {row} \
         {join} account AS a ON a.id = s.account_id LEFT JOIN account_role AS r ON r.account_id = a.id \
         ORDER BY k.n, r.role, r.region"
    );
    let organizations = format!(
        "SELECT k.n, o.organization_id FROM {source} {join} {row} \
         {join} account_organization AS o ON o.account_id = s.account_id ORDER BY k.n, o.organization_id"
    );
    let people = KeyedStatement { sql: people, keys: keys.clone() };
    let organizations = KeyedStatement { sql: organizations, keys };
    let read = (db.read(&people, vec![key.clone()]), db.read(&organizations, vec![key]));
    let (people, organizations) = tokio::try_join!(read.0, read.1)?;
    let organizations = organizations.into_iter().map(|(_, mut row)| row.get());
    let organizations = organizations.collect::<Result<Vec<Uuid>, _>>()?;

    let mut found: Option<(Account, DateTime)> = None;
    let mut grants: Vec<Grant> = Vec::new();
    for (_, mut row) in people {
        let expires_at = DateTime::from_micros(row.get()?);
        let account = Account {
            id: row.get()?,
            email: given(row.parsed()?)?,
            display_name: row.get()?,
            language: given(row.parsed()?)?,
            talent: row.get()?,
            organizations: organizations.clone(),
        };
        if let (Some(role), Some(region)) = (row.get::<Option<String>>()?, row.get::<Option<String>>()?) {
            grants.push(grant(&role, region)?);
        }
        found = Some((account, expires_at));
    }
    Ok(found.map(|(account, expires_at)| (account, grants, expires_at)))
}

fn given<T>(value: Option<T>) -> Result<T, DomainError> {
    value.ok_or_else(|| DomainError::Stored("an account is not complete".into()))
}

/// The caller of the API key with this hash; `None` where there is none, or it was revoked or has expired.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn by_key(
    db: &Arc<Database>,
    hash: &Hash,
    now: DateTime,
) -> Result<Option<IdentifiedCaller>, DomainError> {
    let keys = KeyColumns::new(&[("hash", KeyType::Bytes)]);
    let sql = format!(
        "SELECT k.n, a.id, a.region, a.roles, a.expires_at, a.last_used_at FROM {} {} api_key AS a \
         ON a.key_hash = k.hash AND a.revoked_at IS NULL ORDER BY k.n",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Bytes(hash.to_vec())]]).await?;
    let Some((_, mut row)) = rows.into_iter().next() else { return Ok(None) };
    let (id, region, roles): (Uuid, String, String) = (row.get()?, row.get()?, row.get()?);
    let (expires_at, last_used_at) = (DateTime::from_micros(row.get()?), row.get()?);
    let roles = api_key::store::roles(&roles)?.into_iter();
    let grants = roles.map(|role| Grant { role, region: Some(region.clone()) }).collect();
    Ok((now < expires_at).then(|| IdentifiedCaller::with_key(id, last_used_at, grants, expires_at)))
}
