//! Erasing accounts.

use entity::{account, account_organization, account_role, api_key, session};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{application, contact_read, proposal, registration};
use identity::account::{email_key, network, store};
use identity::calendar_address;
use identity::invited;
use identity::mail;
use identity::one_time::{self, Purpose};
use kernel::error::DomainError;
use records::audit;
use records::changes::acknowledged;
use records::write::Batch;

/// Unlinks the accounts of erased talents from their profiles. An account without roles and organizations was for the
/// profile only, and is erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_talents(batch: &Batch<'_>, talents: &[Uuid]) -> Result<(), DomainError> {
    let found = account::Entity::find()
        .select_only()
        .column(account::Column::Id)
        .filter(account::Column::TalentId.is_in(talents.iter().copied()));
    let accounts: Vec<Uuid> = found.into_tuple().all(batch.tx).await?;
    for id in accounts {
        let role = account_role::Entity::find().filter(account_role::Column::AccountId.eq(id));
        let member =
            account_organization::Entity::find().filter(account_organization::Column::AccountId.eq(id));
        if role.one(batch.tx).await?.is_none() && member.one(batch.tx).await?.is_none() {
            erase(batch, id).await?;
        } else {
            account::Entity::update_many()
                .col_expr(account::Column::TalentId, Expr::value(Option::<Uuid>::None))
                .col_expr(account::Column::UpdatedAt, Expr::value(batch.now.micros()))
                .filter(account::Column::Id.eq(id))
                .exec(batch.tx)
                .await?;
        }
    }
    Ok(())
}

/// Erases an account and the data kept with it, including mails and invitations to its address. Its API keys, the
/// applications that it has made for its organizations, its decisions on proposals and applications, and its entries in the
/// history stay, without its id.
///
/// # Errors
/// [`DomainError::Database`].
async fn erase(batch: &Batch<'_>, id: Uuid) -> Result<(), DomainError> {
    let tx = batch.tx;
    // First, so that a mail about a registration is there to be deleted, or is never made.
    registration::write::forget_account(batch, id).await?;
    if let Some(row) = store::by_id(tx, id).await? {
        let email = row.email.parse().map_err(|_| DomainError::Stored("an account has no address".into()))?;
        mail::purge(tx, batch.core, &email).await?;
        // Invitations to an address that another issuer names may be another person's.
        if row.email_key == email_key(&email) {
            invited::purge_address(tx, &email).await?;
        }
    }
    one_time::withdraw(tx, Purpose::PasswordReset, id).await?;
    network::forget(tx, id).await?;
    calendar_address::store::forget(tx, id).await?;
    session::Entity::delete_many().filter(session::Column::AccountId.eq(id)).exec(tx).await?;
    account_role::Entity::delete_many().filter(account_role::Column::AccountId.eq(id)).exec(tx).await?;
    let member = account_organization::Column::AccountId.eq(id);
    account_organization::Entity::delete_many().filter(member).exec(tx).await?;
    api_key::Entity::update_many()
        .col_expr(api_key::Column::CreatedBy, Expr::value(Option::<Uuid>::None))
        .filter(api_key::Column::CreatedBy.eq(id))
        .exec(tx)
        .await?;
    proposal::store::purge_account(tx, batch.dialect, id).await?;
    application::write::forget_account(tx, batch.dialect, id).await?;
    contact_read::store::forget_reader(tx, batch.dialect, id).await?;
    audit::forget_account(tx, batch.dialect, id).await?;
    account::Entity::delete_by_id(id).exec(tx).await?;
    // Last: an acknowledgement is only written while the account exists.
    acknowledged::forget(tx, batch.dialect, id).await
}
