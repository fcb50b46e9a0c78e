//! The networks from which accounts have signed in. Attempts to guess a password from elsewhere do not lock the owner
//! out of these networks. Only keyed hashes are stored, which do not reveal the networks.

use std::net::IpAddr;

use entity::account_network::{Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use crate::Identity;
use kernel::error::DomainError;
use kernel::throttle::network;
use kernel::value::DateTime;

/// Purpose of the keyed hashes.
const PURPOSE: &str = "network of an account";
/// Maximum number of networks kept for an account: those of the latest sign-ins.
const MOST: u64 = 20;
/// Months for which a network is kept without a sign-in.
pub const KEPT_MONTHS: u32 = 12;

fn hash(identity: &Identity, account: Uuid, from: IpAddr) -> Result<Vec<u8>, DomainError> {
    let text = [&account.as_bytes()[..], &network(from)].concat();
    Ok(identity.encryption()?.digest(PURPOSE, &text))
}

/// Records that an account has signed in from the network of `from`.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn note(
    on: &impl ConnectionTrait,
    identity: &Identity,
    account: Uuid,
    from: IpAddr,
) -> Result<(), DomainError> {
    let now = identity.clock.now().micros();
    let row = Model {
        account_id: account,
        network_hash: hash(identity, account, from)?,
        first_at: now,
        last_at: now,
    };
    let known = OnConflict::columns([Column::AccountId, Column::NetworkHash])
        .update_column(Column::LastAt)
        .to_owned();
    let row = Entity::insert(row.into_active_model().reset_all()).on_conflict(known);
    row.exec_without_returning(on).await?;
    let oldest = Entity::find()
        .select_only()
        .column(Column::NetworkHash)
        .filter(Column::AccountId.eq(account))
        .order_by_desc(Column::LastAt)
        .order_by_asc(Column::NetworkHash)
        .offset(MOST)
        .limit(1);
    if let Some(hash) = oldest.into_tuple::<Vec<u8>>().one(on).await? {
        Entity::delete_by_id((account, hash)).exec(on).await?;
    }
    Ok(())
}

/// Whether an account has signed in from the network of `from`. False without an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn is_known(identity: &Identity, account: Option<Uuid>, from: IpAddr) -> Result<bool, DomainError> {
    // The same statement runs without an account, so that its time does not reveal whether there is one.
    let account = account.unwrap_or_default();
    let found =
        Entity::find_by_id((account, hash(identity, account, from)?)).one(identity.db.reader()).await?;
    Ok(found.is_some())
}

/// Deletes the networks of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, account: Uuid) -> Result<(), DomainError> {
    Entity::delete_many().filter(Column::AccountId.eq(account)).exec(on).await?;
    Ok(())
}

/// Deletes networks whose last sign-in was before a time. Returns how many.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sweep(on: &impl ConnectionTrait, before: DateTime) -> Result<u64, DomainError> {
    Ok(Entity::delete_many().filter(Column::LastAt.lt(before.micros())).exec(on).await?.rows_affected)
}
