//! SQL of the signing keys.

use std::cmp::Reverse;

use entity::{instance, signing_key};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect,
};

use kernel::error::DomainError;
use kernel::value::DateTime;

/// The row of the instance, locked to serialize the creation of keys and first accounts, and the withdrawal of ADMIN.
/// SQLite has one writer at a time anyway.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`] where it is missing.
pub async fn lock_instance(tx: &DatabaseTransaction) -> Result<instance::Model, DomainError> {
    let row = instance::Entity::find_by_id(1_i16).lock_exclusive().one(tx).await?;
    row.ok_or_else(|| DomainError::Stored("the row of the instance is missing".into()))
}

/// All keys: the one that signs, then the others, the newest first.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all(on: &impl ConnectionTrait) -> Result<Vec<signing_key::Model>, DomainError> {
    let mut keys = signing_key::Entity::find().all(on).await?;
    keys.sort_by_key(|key| (key.retired_at.is_some(), Reverse((key.retired_at, key.created_at))));
    Ok(keys)
}

/// Adds a key.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(on: &impl ConnectionTrait, key: signing_key::Model) -> Result<(), DomainError> {
    signing_key::Entity::insert(key.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// Retires the keys that still sign.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn retire(on: &impl ConnectionTrait, at: DateTime) -> Result<(), DomainError> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::RetiredAt, Expr::value(at.micros()))
        .filter(signing_key::Column::RetiredAt.is_null())
        .exec(on)
        .await?;
    Ok(())
}

/// Deletes all keys.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete_all(on: &impl ConnectionTrait) -> Result<(), DomainError> {
    signing_key::Entity::delete_many().exec(on).await?;
    Ok(())
}

/// Deletes the keys that stopped signing before a time.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete_retired(on: &impl ConnectionTrait, before: DateTime) -> Result<(), DomainError> {
    signing_key::Entity::delete_many()
        .filter(signing_key::Column::RetiredAt.lt(before.micros()))
        .exec(on)
        .await?;
    Ok(())
}
