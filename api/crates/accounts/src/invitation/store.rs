//! SQL of invitations.

use std::sync::Arc;

use entity::invitation::{Column, Entity, Model};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::Invitation;
use identity::api_key::store::roles;
use kernel::columns_of;
use kernel::error::DomainError;
use kernel::list::{Conditions, List, Order};
use kernel::page::{Page, PageOf};
use kernel::read::{Database, Dialect, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;

const COLUMNS: &[&str] = &[
    "id",
    "email",
    "language",
    "region",
    "roles",
    "organization_id",
    "talent_id",
    "invited_by",
    "created_at",
    "expires_at",
];

fn read(row: &mut Row) -> Result<Invitation, DomainError> {
    let given = || DomainError::Stored("an invitation is not complete".into());
    Ok(Invitation {
        id: row.get()?,
        email: row.parsed()?.ok_or_else(given)?,
        language: row.parsed()?.ok_or_else(given)?,
        region: row.get()?,
        roles: roles(&row.get::<String>()?)?,
        organization: row.get()?,
        talent: row.get()?,
        invited_by: row.get()?,
        created_at: DateTime::from_micros(row.get()?),
        expires_at: DateTime::from_micros(row.get()?),
    })
}

/// The invitation with this id.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub(super) async fn by_id(db: &Arc<Database>, id: Uuid) -> Result<Option<Invitation>, DomainError> {
    let statement = KeyedStatement::by_id(db.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} invitation AS i ON i.id = k.id ORDER BY k.n",
            columns_of("i", COLUMNS)
        )
    });
    let rows = db.read(&statement, vec![vec![KeyValue::Id(id)]]).await?;
    rows.into_iter().next().map(|(_, mut row)| read(&mut row)).transpose()
}

/// The list of the valid invitations of these regions, the newest first.
pub(super) fn list(dialect: Dialect, regions: &[String], now: DateTime) -> (List, KeyRow) {
    let mut conditions = Conditions::new(dialect);
    match regions {
        [only] => {
            conditions.bind("region", KeyValue::Text(only.clone()));
            conditions.push("i.region = k.region");
        }
        several => conditions.one_of("regions", several, "i.region"),
    }
    conditions.bind("now", KeyValue::Int(now.micros()));
    conditions.push("i.expires_at > k.now");
    let (keys, row, conditions) = conditions.finish();
    let order = Order {
        name: "CREATED_AT",
        inner: "i.created_at".into(),
        outer: "r.created_at".into(),
        key_type: KeyType::Int,
        descending: true,
    };
    let list = List {
        name: "invitations",
        parent: None,
        table: "invitation",
        from: "invitation AS i".into(),
        id: "i.id".into(),
        order,
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// A page of that list.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub(super) async fn page(
    db: &Arc<Database>,
    list: &List,
    row: KeyRow,
    page: &Page,
    want_total: bool,
) -> Result<PageOf<Invitation>, DomainError> {
    list.read_one(db, row, page, COLUMNS, want_total, read).await
}

/// Adds an invitation.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn insert(on: &impl ConnectionTrait, row: Model) -> Result<(), DomainError> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(on).await?;
    Ok(())
}

/// The ids of the invitations of a region to a normalized e-mail address, except those to a profile.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn to(
    on: &impl ConnectionTrait,
    region: &str,
    email_key: &str,
) -> Result<Vec<Uuid>, DomainError> {
    let found = Entity::find().filter(Column::EmailKey.eq(email_key)).filter(Column::Region.eq(region));
    let found = found.filter(Column::TalentId.is_null());
    Ok(found.all(on).await?.into_iter().map(|row| row.id).collect())
}

/// Deletes the invitations that have expired.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete_expired(on: &impl ConnectionTrait, now: DateTime) -> Result<(), DomainError> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now.micros())).exec(on).await?;
    Ok(())
}
