//! SQL of accounts.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{account, account_organization, account_role};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::{Account, Listed, NewAccount, email_key};
use crate::role::{Grant, Role};
use kernel::error::DomainError;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;
use kernel::{name_of, value_of};

/// The account with this normalized e-mail address.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_email(on: &impl ConnectionTrait, key: &str) -> Result<Option<account::Model>, DomainError> {
    Ok(account::Entity::find().filter(account::Column::EmailKey.eq(key)).one(on).await?)
}

/// The account with this id.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_id(on: &impl ConnectionTrait, id: Uuid) -> Result<Option<account::Model>, DomainError> {
    Ok(account::Entity::find_by_id(id).one(on).await?)
}

/// The roles of an account.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn grants_of(on: &impl ConnectionTrait, id: Uuid) -> Result<Vec<Grant>, DomainError> {
    let rows = account_role::Entity::find().filter(account_role::Column::AccountId.eq(id)).all(on).await?;
    rows.into_iter().map(|row| grant(&row.role, row.region)).collect()
}

/// The number of accounts with a role.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn count_with(on: &impl ConnectionTrait, role: Role) -> Result<u64, DomainError> {
    Ok(account_role::Entity::find().filter(account_role::Column::Role.eq(name_of(role))).count(on).await?)
}

/// Makes an account a member of an organization, unless it is one.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn join(on: &impl ConnectionTrait, account: Uuid, organization: Uuid) -> Result<(), DomainError> {
    use account_organization::Column::{AccountId, OrganizationId};
    let row = account_organization::Model { account_id: account, organization_id: organization };
    let there = OnConflict::columns([AccountId, OrganizationId]).do_nothing().to_owned();
    let row = account_organization::Entity::insert(row.into_active_model().reset_all()).on_conflict(there);
    row.exec_without_returning(on).await?;
    Ok(())
}

/// Whether an account is a member of an organization.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn is_member(
    on: &impl ConnectionTrait,
    account: Uuid,
    organization: Uuid,
) -> Result<bool, DomainError> {
    Ok(account_organization::Entity::find_by_id((account, organization)).one(on).await?.is_some())
}

/// Ends the membership of an account in an organization.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn leave(on: &impl ConnectionTrait, account: Uuid, organization: Uuid) -> Result<(), DomainError> {
    account_organization::Entity::delete_by_id((account, organization)).exec(on).await?;
    Ok(())
}

/// The id and password hash of the account with this normalized e-mail address.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn credentials(
    db: &Arc<Database>,
    key: &str,
) -> Result<Option<(Uuid, Option<String>)>, DomainError> {
    let keys = KeyColumns::new(&[("email_key", KeyType::Text)]);
    let sql = format!(
        "SELECT k.n, a.id, a.password_hash FROM {} {} account AS a ON a.email_key = k.email_key ORDER BY k.n",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let key = KeyValue::Text(key.to_owned());
    let rows = db.read(&KeyedStatement { sql, keys }, vec![vec![key]]).await?;
    rows.into_iter().next().map(|(_, mut row)| Ok((row.get()?, row.get()?))).transpose()
}

/// The account with this id, locked until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lock(tx: &DatabaseTransaction, id: Uuid) -> Result<Option<account::Model>, DomainError> {
    Ok(account::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}

/// Makes an account the owner of a profile.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn set_talent(
    on: &impl ConnectionTrait,
    id: Uuid,
    talent: Uuid,
    now: DateTime,
) -> Result<(), DomainError> {
    account::Entity::update_many()
        .col_expr(account::Column::TalentId, Expr::value(talent))
        .col_expr(account::Column::UpdatedAt, Expr::value(now.micros()))
        .filter(account::Column::Id.eq(id))
        .exec(on)
        .await?;
    Ok(())
}

/// Whether there is any account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn any(on: &impl ConnectionTrait) -> Result<bool, DomainError> {
    Ok(account::Entity::find().one(on).await?.is_some())
}

/// Adds an account with its roles.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(
    on: &impl ConnectionTrait,
    id: Uuid,
    new: NewAccount,
    now: DateTime,
) -> Result<(), DomainError> {
    let row = account::Model {
        id,
        email_key: email_key(&new.email),
        email: new.email.to_string(),
        display_name: new.display_name.trim().to_owned(),
        language: new.language.to_string(),
        password_hash: Some(new.password_hash),
        talent_id: None,
        issuer: None,
        subject: None,
        created_at: now.micros(),
        updated_at: now.micros(),
    };
    account::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(on).await?;
    give(on, id, new.grants, now).await.map(|_| ())
}

/// Grants an account the roles that it lacks. Returns whether it lacked any.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn give(
    on: &impl ConnectionTrait,
    account: Uuid,
    grants: Vec<Grant>,
    now: DateTime,
) -> Result<bool, DomainError> {
    use account_role::Column::{AccountId, Region, Role};
    let rows = grants.into_iter().map(|grant| {
        let (role, region) = (name_of(grant.role).to_owned(), grant.region.unwrap_or_default());
        account_role::Model { account_id: account, role, region, granted_at: now.micros() }
            .into_active_model()
            .reset_all()
    });
    let rows: Vec<account_role::ActiveModel> = rows.collect();
    if rows.is_empty() {
        return Ok(false);
    }
    let there = OnConflict::columns([AccountId, Role, Region]).do_nothing().to_owned();
    let given = account_role::Entity::insert_many(rows).on_conflict(there).exec_without_returning(on).await?;
    Ok(given > 0)
}

/// Withdraws a role from an account. Returns whether the account had it.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn take(on: &impl ConnectionTrait, account: Uuid, grant: Grant) -> Result<bool, DomainError> {
    let key = (account, name_of(grant.role).to_owned(), grant.region.unwrap_or_default());
    Ok(account_role::Entity::delete_by_id(key).exec(on).await?.rows_affected > 0)
}

/// Sets the password hash of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn set_password(
    on: &impl ConnectionTrait,
    id: Uuid,
    hash: String,
    now: DateTime,
) -> Result<(), DomainError> {
    account::Entity::update_many()
        .col_expr(account::Column::PasswordHash, Expr::value(hash))
        .col_expr(account::Column::UpdatedAt, Expr::value(now.micros()))
        .filter(account::Column::Id.eq(id))
        .exec(on)
        .await?;
    Ok(())
}

/// The grant of a stored role and region.
///
/// # Errors
/// [`DomainError::Stored`] for an unknown role.
pub fn grant(role: &str, region: String) -> Result<Grant, DomainError> {
    let known = value_of(role).ok_or_else(|| DomainError::Stored(format!("no such role: {role}")))?;
    Ok(Grant { role: known, region: Some(region).filter(|region| !region.is_empty()) })
}

/// All accounts with their roles, by e-mail address.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn all(on: &impl ConnectionTrait) -> Result<Vec<Listed>, DomainError> {
    let accounts = account::Entity::find().order_by_asc(account::Column::EmailKey).all(on).await?;
    let mut grants: HashMap<Uuid, Vec<Grant>> = HashMap::new();
    let rows = account_role::Entity::find()
        .order_by_asc(account_role::Column::Role)
        .order_by_asc(account_role::Column::Region);
    for row in rows.all(on).await? {
        grants.entry(row.account_id).or_default().push(grant(&row.role, row.region)?);
    }
    let mut organizations: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in account_organization::Entity::find().all(on).await? {
        organizations.entry(row.account_id).or_default().push(row.organization_id);
    }
    let listed = accounts.into_iter().map(|row| {
        let grants = grants.remove(&row.id).unwrap_or_default();
        let organizations = organizations.remove(&row.id).unwrap_or_default();
        Ok(Listed { account: Account::from_row(row, organizations)?, grants })
    });
    listed.collect()
}
