//! SQL of sessions.

use entity::session;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::MAX_SESSIONS;
use kernel::error::DomainError;
use kernel::secret::Hash;
use kernel::value::DateTime;

/// Adds a session.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(on: &impl ConnectionTrait, session: session::Model) -> Result<(), DomainError> {
    session::Entity::insert(session.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// The session of a family of tokens, locked, so that requests with the same token run one after the other.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lock(tx: &DatabaseTransaction, family: &Hash) -> Result<Option<session::Model>, DomainError> {
    let found = session::Entity::find().filter(session::Column::FamilyHash.eq(family.to_vec()));
    Ok(found.lock_exclusive().one(tx).await?)
}

/// The time of the sign-in of a session; `None` where it has ended.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn created_at(on: &impl ConnectionTrait, id: Uuid) -> Result<Option<DateTime>, DomainError> {
    let found = session::Entity::find_by_id(id).one(on).await?;
    Ok(found.map(|session| DateTime::from_micros(session.created_at)))
}

/// Overwrites a session.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn update(on: &impl ConnectionTrait, session: session::Model) -> Result<(), DomainError> {
    session.into_active_model().reset_all().update(on).await?;
    Ok(())
}

/// Deletes a session.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete(on: &impl ConnectionTrait, id: Uuid) -> Result<(), DomainError> {
    session::Entity::delete_by_id(id).exec(on).await?;
    Ok(())
}

/// Deletes all sessions of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete_of_account(on: &impl ConnectionTrait, account: Uuid) -> Result<(), DomainError> {
    session::Entity::delete_many().filter(session::Column::AccountId.eq(account)).exec(on).await?;
    Ok(())
}

/// Deletes all sessions of an account but one.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete_others(on: &impl ConnectionTrait, account: Uuid, kept: Uuid) -> Result<(), DomainError> {
    session::Entity::delete_many()
        .filter(session::Column::AccountId.eq(account))
        .filter(session::Column::Id.ne(kept))
        .exec(on)
        .await?;
    Ok(())
}

/// Deletes all expired sessions, and those of an account beyond the [`MAX_SESSIONS`] that were refreshed last.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn tidy(on: &impl ConnectionTrait, account: Uuid, now: DateTime) -> Result<(), DomainError> {
    session::Entity::delete_many().filter(session::Column::ExpiresAt.lte(now.micros())).exec(on).await?;
    let oldest_kept: Option<i64> = session::Entity::find()
        .select_only()
        .column(session::Column::RefreshedAt)
        .filter(session::Column::AccountId.eq(account))
        .order_by_desc(session::Column::RefreshedAt)
        .offset(MAX_SESSIONS - 1)
        .limit(1)
        .into_tuple()
        .one(on)
        .await?;
    if let Some(oldest_kept) = oldest_kept {
        session::Entity::delete_many()
            .filter(session::Column::AccountId.eq(account))
            .filter(session::Column::RefreshedAt.lt(oldest_kept))
            .exec(on)
            .await?;
    }
    Ok(())
}
