//! SQL of the addresses of calendars.

use entity::calendar_address::{Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::secret::Hash;
use kernel::value::DateTime;

/// Stores the address of an account in place of the one before.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn put(
    on: &impl ConnectionTrait,
    account: Uuid,
    hash: Hash,
    now: DateTime,
) -> Result<(), DomainError> {
    let row = Model { account_id: account, address_hash: hash.to_vec(), created_at: now.micros() };
    let replace = OnConflict::column(Column::AccountId)
        .update_columns([Column::AddressHash, Column::CreatedAt])
        .to_owned();
    let insert = Entity::insert(row.into_active_model().reset_all()).on_conflict(replace);
    insert.exec_without_returning(on).await?;
    Ok(())
}

/// Deletes the address of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, account: Uuid) -> Result<(), DomainError> {
    Entity::delete_many().filter(Column::AccountId.eq(account)).exec(on).await?;
    Ok(())
}
