//! SQL of accounts that other issuers name.

use std::sync::Arc;

use entity::account;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use crate::account::Account;
use kernel::error::DomainError;
use kernel::read::{Database, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;

/// The account of an issuer's subject.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn find(db: &Arc<Database>, issuer: &str, subject: &str) -> Result<Option<Account>, DomainError> {
    let keys = KeyColumns::new(&[("issuer", KeyType::Text), ("subject", KeyType::Text)]);
    let (source, join) = (keys.source(db.dialect()), db.dialect().join());
    let account = format!("{join} account AS a ON a.issuer = k.issuer AND a.subject = k.subject");
    let people = format!(
        "SELECT k.n, a.id, a.email, a.display_name, a.language, a.talent_id FROM {source} {account} ORDER BY k.n"
    );
    let organizations = format!(
        "SELECT k.n, o.organization_id FROM {source} {account} \
         {join} account_organization AS o ON o.account_id = a.id ORDER BY k.n, o.organization_id"
    );
    let key = || vec![vec![KeyValue::Text(issuer.to_owned()), KeyValue::Text(subject.to_owned())]];
    let people = KeyedStatement { sql: people, keys: keys.clone() };
    let organizations = KeyedStatement { sql: organizations, keys };
    let (people, organizations) = tokio::try_join!(db.read(&people, key()), db.read(&organizations, key()))?;
    let Some((_, mut row)) = people.into_iter().next() else { return Ok(None) };
    let missing = || DomainError::Stored("an account is not complete".into());
    Ok(Some(Account {
        id: row.get()?,
        email: row.parsed()?.ok_or_else(missing)?,
        display_name: row.get()?,
        language: row.parsed()?.ok_or_else(missing)?,
        talent: row.get()?,
        organizations: organizations.into_iter().map(|(_, mut row)| row.get()).collect::<Result<_, _>>()?,
    }))
}

/// Adds an account, unless the issuer's subject has one.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(on: &impl ConnectionTrait, row: account::Model) -> Result<(), DomainError> {
    let there =
        OnConflict::columns([account::Column::Issuer, account::Column::Subject]).do_nothing().to_owned();
    let insert = account::Entity::insert(row.into_active_model().reset_all()).on_conflict(there);
    insert.exec_without_returning(on).await?;
    Ok(())
}

/// Updates the name and the address of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn update(
    on: &impl ConnectionTrait,
    id: Uuid,
    name: String,
    email: String,
    now: DateTime,
) -> Result<(), DomainError> {
    account::Entity::update_many()
        .col_expr(account::Column::DisplayName, Expr::value(name))
        .col_expr(account::Column::Email, Expr::value(email))
        .col_expr(account::Column::UpdatedAt, Expr::value(now.micros()))
        .filter(account::Column::Id.eq(id))
        .exec(on)
        .await?;
    Ok(())
}
