//! SQL of the upkeep of profiles: when each was confirmed, and what came of it where it was not.

use std::collections::HashSet;

use entity::talent_upkeep::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use crate::record::error::DomainError;
use crate::record::read::{Dialect, KeyColumns, KeyType, KeyedStatement};
use crate::record::value::DateTime;
use crate::record::write::rows_of;

/// Notes that the person has said that these profiles are right. What came of it that nobody had is over.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn confirm(on: &impl ConnectionTrait, talents: &[Uuid], now: DateTime) -> Result<(), DomainError> {
    let row = |talent: &Uuid| Model {
        talent_id: *talent,
        confirmed_at: Some(now.micros()),
        hiding_warned_at: None,
        hidden_at: None,
        erasure_warned_at: None,
    };
    let columns = [Column::ConfirmedAt, Column::HidingWarnedAt, Column::HiddenAt, Column::ErasureWarnedAt];
    put(on, talents.iter().map(row), &columns).await
}

/// Notes that these profiles were hidden because nobody has confirmed them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn hide(on: &impl ConnectionTrait, talents: &[Uuid], now: DateTime) -> Result<(), DomainError> {
    put(
        on,
        talents.iter().map(|talent| Model { hidden_at: Some(now.micros()), ..blank(*talent) }),
        &[Column::HiddenAt],
    )
    .await
}

pub(super) fn blank(talent: Uuid) -> Model {
    Model {
        talent_id: talent,
        confirmed_at: None,
        hiding_warned_at: None,
        hidden_at: None,
        erasure_warned_at: None,
    }
}

/// Adds rows; of those that are there, replaces these columns.
pub(super) async fn put(
    on: &impl ConnectionTrait,
    rows: impl Iterator<Item = Model>,
    columns: &[Column],
) -> Result<(), DomainError> {
    let rows: Vec<ActiveModel> = rows.map(|row| row.into_active_model().reset_all()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let there = OnConflict::column(Column::TalentId).update_columns(columns.iter().copied()).to_owned();
    Entity::insert_many(rows).on_conflict(there).exec_without_returning(on).await?;
    Ok(())
}

/// Which of these profiles were hidden because nobody has confirmed them, and have not been confirmed since.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn hidden(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    talents: &[Uuid],
) -> Result<HashSet<Uuid>, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Id)]);
    let sql = format!(
        "SELECT k.n FROM {} {} talent_upkeep AS u ON u.talent_id = k.id AND u.hidden_at IS NOT NULL",
        keys.source(dialect),
        dialect.join(),
    );
    let rows = KeyedStatement { sql, keys }.query(on, dialect, rows_of(talents)).await?;
    Ok(rows.into_iter().map(|(position, _)| talents[position]).collect())
}
