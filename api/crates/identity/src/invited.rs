//! The end of invitations: with the profile or the address that they are for.

use entity::invitation::{Column, Entity};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::account::email_key;
use crate::one_time::{self, Purpose};
use kernel::error::DomainError;
use kernel::value::EmailAddress;

/// The invitations to take a profile over.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_talent(on: &impl ConnectionTrait, talent: Uuid) -> Result<Vec<Uuid>, DomainError> {
    let found = Entity::find().filter(Column::TalentId.eq(talent)).all(on).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// Deletes an invitation.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete(on: &impl ConnectionTrait, id: Uuid) -> Result<(), DomainError> {
    Entity::delete_by_id(id).exec(on).await?;
    Ok(())
}

/// The ids of all invitations to a normalized e-mail address.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all_to(on: &impl ConnectionTrait, email_key: &str) -> Result<Vec<Uuid>, DomainError> {
    let found = Entity::find().filter(Column::EmailKey.eq(email_key));
    Ok(found.all(on).await?.into_iter().map(|row| row.id).collect())
}

/// Deletes an invitation and its link.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn end(on: &impl ConnectionTrait, id: Uuid) -> Result<(), DomainError> {
    one_time::withdraw(on, Purpose::Invitation, id).await?;
    delete(on, id).await
}

/// Deletes all invitations to an address, for who erases what is held about a person.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge_address(on: &impl ConnectionTrait, address: &EmailAddress) -> Result<(), DomainError> {
    for id in all_to(on, &email_key(address)).await? {
        end(on, id).await?;
    }
    Ok(())
}

/// Deletes the invitations to a profile that is erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge_talent(on: &impl ConnectionTrait, talent: Uuid) -> Result<(), DomainError> {
    for id in of_talent(on, talent).await? {
        end(on, id).await?;
    }
    Ok(())
}
