//! SQL of single-use tokens.

use std::sync::Arc;

use entity::one_time_token::{Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, Statement,
};
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::read::{Database, Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::secret::Hash;
use kernel::value::DateTime;

/// Adds a token.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn insert(
    on: &impl ConnectionTrait,
    hash: Hash,
    purpose: &str,
    subject: Uuid,
    now: DateTime,
    until: DateTime,
) -> Result<(), DomainError> {
    let row = Model {
        token_hash: hash.to_vec(),
        purpose: purpose.to_owned(),
        subject_id: subject,
        created_at: now.micros(),
        expires_at: until.micros(),
    };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// The subject of the token with this hash, if it is valid for this purpose now.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn find(
    db: &Arc<Database>,
    hash: Hash,
    purpose: &str,
    now: DateTime,
) -> Result<Option<Uuid>, DomainError> {
    let keys =
        KeyColumns::new(&[("hash", KeyType::Bytes), ("purpose", KeyType::Text), ("now", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, t.subject_id FROM {} {} one_time_token AS t ON t.token_hash = k.hash AND t.purpose = k.purpose \
         AND t.expires_at > k.now ORDER BY k.n",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let key =
        vec![KeyValue::Bytes(hash.to_vec()), KeyValue::Text(purpose.to_owned()), KeyValue::Int(now.micros())];
    let rows = db.read(&KeyedStatement { sql, keys }, vec![key]).await?;
    rows.into_iter().next().map(|(_, mut row)| row.get()).transpose()
}

/// Deletes the token with this hash, if it is valid for this purpose now, and returns its subject.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn take(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    hash: Hash,
    purpose: &str,
    now: DateTime,
) -> Result<Option<Uuid>, DomainError> {
    let sql = "DELETE FROM one_time_token WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 \
               RETURNING subject_id";
    let values = [hash.to_vec().into(), purpose.into(), now.micros().into()];
    let row = on.query_one_raw(Statement::from_sql_and_values(dialect.backend(), sql, values)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Deletes the tokens of a purpose for a subject.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete_of(
    on: &impl ConnectionTrait,
    purpose: &str,
    subject: Uuid,
) -> Result<(), DomainError> {
    Entity::delete_many()
        .filter(Column::SubjectId.eq(subject))
        .filter(Column::Purpose.eq(purpose))
        .exec(on)
        .await?;
    Ok(())
}

/// Deletes the tokens that have expired.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete_expired(on: &impl ConnectionTrait, now: DateTime) -> Result<(), DomainError> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now.micros())).exec(on).await?;
    Ok(())
}
