//! SQL of API keys.

use std::cmp::Reverse;
use std::sync::Arc;

use entity::api_key::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use super::ApiKey;
use crate::role::Role;
use kernel::error::DomainError;
use kernel::input::to_json;
use kernel::read::{Database, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;
use kernel::{columns_of, name_of, value_of};

/// Roles as they are stored: a JSON list of names.
pub fn roles_text(roles: &[Role]) -> String {
    to_json(&roles.iter().map(|role| name_of(*role)).collect::<Vec<_>>())
}

/// Parses stored roles.
///
/// # Errors
/// [`DomainError::Stored`] for an unknown role.
pub fn roles(text: &str) -> Result<Vec<Role>, DomainError> {
    let names: Vec<String> = serde_json::from_str(text)?;
    let unknown = |name: &str| DomainError::Stored(format!("no such role: {name}"));
    names.iter().map(|name| value_of(name).ok_or_else(|| unknown(name))).collect()
}

/// The key of a row.
///
/// # Errors
/// [`DomainError::Stored`] for an unknown role.
pub fn read(row: Model) -> Result<ApiKey, DomainError> {
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        region: row.region,
        roles: roles(&row.roles)?,
        created_at: DateTime::from_micros(row.created_at),
        expires_at: DateTime::from_micros(row.expires_at),
        last_used_at: row.last_used_at.map(DateTime::from_micros),
        revoked_at: row.revoked_at.map(DateTime::from_micros),
    })
}

const COLUMNS: &[&str] =
    &["id", "name", "region", "roles", "created_at", "expires_at", "last_used_at", "revoked_at"];

fn read_columns(row: &mut Row) -> Result<ApiKey, DomainError> {
    let (id, name, region) = (row.get()?, row.get()?, row.get()?);
    let text: String = row.get()?;
    let (created_at, expires_at) = (DateTime::from_micros(row.get()?), DateTime::from_micros(row.get()?));
    let mut time = || Ok::<_, DomainError>(row.get::<Option<i64>>()?.map(DateTime::from_micros));
    let (last_used_at, revoked_at) = (time()?, time()?);
    Ok(ApiKey { id, name, region, roles: roles(&text)?, created_at, expires_at, last_used_at, revoked_at })
}

async fn find(
    db: &Arc<Database>,
    column: &str,
    key_type: KeyType,
    keys: Vec<KeyRow>,
) -> Result<Vec<ApiKey>, DomainError> {
    let columns = KeyColumns::new(&[("value", key_type)]);
    let sql = format!(
        "SELECT k.n, {} FROM {} {} api_key AS a ON a.{column} = k.value ORDER BY k.n",
        columns_of("a", COLUMNS),
        columns.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys: columns }, keys).await?;
    let keys = rows.into_iter().map(|(_, mut row)| read_columns(&mut row));
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
    keys.sort_by_key(|key| Reverse((key.created_at, key.id)));
    Ok(keys)
}

/// The key with this id.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn by_id(db: &Arc<Database>, id: Uuid) -> Result<Option<ApiKey>, DomainError> {
    Ok(find(db, "id", KeyType::Id, vec![vec![KeyValue::Id(id)]]).await?.pop())
}

/// The keys of these regions, the newest first.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn of_regions<'a>(
    db: &Arc<Database>,
    regions: impl Iterator<Item = &'a str>,
) -> Result<Vec<ApiKey>, DomainError> {
    let keys = regions.map(|region| vec![KeyValue::Text(region.to_owned())]).collect();
    find(db, "region", KeyType::Text, keys).await
}

/// Adds a key.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(on: &impl ConnectionTrait, row: Model) -> Result<(), DomainError> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// Revokes a key, unless it is revoked already. Returns whether it was not.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn revoke(on: &impl ConnectionTrait, id: Uuid, at: DateTime) -> Result<bool, DomainError> {
    let revoked = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(at.micros()))
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null())
        .exec(on)
        .await?;
    Ok(revoked.rows_affected > 0)
}

/// Records the minute of a use, unless a later one is recorded.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn note_use(on: &impl ConnectionTrait, id: Uuid, minute: i64) -> Result<(), DomainError> {
    let earlier = Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lt(minute));
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(minute))
        .filter(Column::Id.eq(id))
        .filter(earlier)
        .exec(on)
        .await?;
    Ok(())
}
