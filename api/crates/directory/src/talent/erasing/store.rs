//! SQL of erasures that are scheduled.

use std::collections::HashSet;

use entity::scheduled_erasure::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::read::{Dialect, KeyedStatement};
use kernel::value::DateTime;
use records::write::rows_of;

/// The scheduled erasure of a profile, locked until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lock(tx: &DatabaseTransaction, talent: Uuid) -> Result<Option<Model>, DomainError> {
    Ok(Entity::find_by_id(talent).lock_exclusive().one(tx).await?)
}

/// Those of these profiles that wait for their erasure.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn scheduled(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    talents: &[Uuid],
) -> Result<HashSet<Uuid>, DomainError> {
    if talents.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!("SELECT k.n FROM {keys} {then} scheduled_erasure AS s ON s.talent_id = k.id")
    });
    let rows = statement.query(on, dialect, rows_of(talents)).await?;
    Ok(rows.into_iter().map(|(position, _)| talents[position]).collect())
}

/// Adds one.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(on: &impl ConnectionTrait, row: Model) -> Result<(), DomainError> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// Notes that the person wants it themselves.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_person(on: &impl ConnectionTrait, talent: Uuid) -> Result<(), DomainError> {
    Entity::update_many()
        .col_expr(Column::ByPerson, Expr::value(true))
        .filter(Column::TalentId.eq(talent))
        .exec(on)
        .await?;
    Ok(())
}

/// Notes that a profile stays PRIVATE where its erasure is stopped.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn stay_private(on: &impl ConnectionTrait, talent: Uuid) -> Result<(), DomainError> {
    Entity::update_many()
        .col_expr(Column::Visibility, Expr::value(Visibility::Private.code()))
        .filter(Column::TalentId.eq(talent))
        .exec(on)
        .await?;
    Ok(())
}

/// Deletes those of these profiles.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete(on: &impl ConnectionTrait, talents: &[Uuid]) -> Result<(), DomainError> {
    let theirs = Column::TalentId.is_in(talents.iter().copied());
    Entity::delete_many().filter(theirs).exec(on).await?;
    Ok(())
}

/// When the next erasure is due.
pub(super) const NEXT: &str = "SELECT MIN(due_at) FROM scheduled_erasure";

/// Profiles whose erasure is due, the oldest first, up to a limit.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn due(on: &impl ConnectionTrait, now: DateTime, limit: u64) -> Result<Vec<Uuid>, DomainError> {
    let due = Entity::find().select_only().column(Column::TalentId).filter(Column::DueAt.lte(now.micros()));
    Ok(due
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::TalentId)
        .limit(limit)
        .into_tuple()
        .all(on)
        .await?)
}
