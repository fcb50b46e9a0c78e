//! SQL of queued mails.

use std::sync::Arc;

use entity::mail_outbox::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;

/// Adds a row.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn insert(on: &impl ConnectionTrait, row: Model) -> Result<(), DomainError> {
    let row: ActiveModel = row.into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(on).await?;
    Ok(())
}

/// When the next mail is due.
pub(super) const NEXT: &str = "SELECT MIN(next_at) FROM mail_outbox";

/// The due rows, the earliest first.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn due(
    on: &impl ConnectionTrait,
    now: DateTime,
    limit: u64,
) -> Result<Vec<Model>, DomainError> {
    let due = Entity::find().filter(Column::NextAt.lte(now.micros())).order_by_asc(Column::NextAt);
    Ok(due.limit(limit).all(on).await?)
}

/// Postpones a row after a failed attempt.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn put_off(
    on: &impl ConnectionTrait,
    id: Uuid,
    attempts: i32,
    next_at: DateTime,
) -> Result<(), DomainError> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(attempts))
        .col_expr(Column::NextAt, Expr::value(next_at.micros()))
        .filter(Column::Id.eq(id))
        .exec(on)
        .await?;
    Ok(())
}

/// Deletes a row.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete(on: &impl ConnectionTrait, id: Uuid) -> Result<(), DomainError> {
    Entity::delete_by_id(id).exec(on).await?;
    Ok(())
}

/// Deletes all rows of an address.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete_of(on: &impl ConnectionTrait, address: &[u8]) -> Result<(), DomainError> {
    Entity::delete_many().filter(Column::AddressHash.eq(address.to_vec())).exec(on).await?;
    Ok(())
}

/// The times at which the queued mails to an address were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn waiting(db: &Arc<Database>, address: &[u8]) -> Result<Vec<DateTime>, DomainError> {
    let keys = KeyColumns::new(&[("hash", KeyType::Bytes)]);
    let sql = format!(
        "SELECT k.n, m.created_at FROM {} {} mail_outbox AS m ON m.address_hash = k.hash AND m.sealed IS NOT NULL \
         ORDER BY k.n, m.created_at",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![KeyValue::Bytes(address.to_vec())]]).await?;
    rows.into_iter().map(|(_, mut row)| Ok(DateTime::from_micros(row.get()?))).collect()
}
