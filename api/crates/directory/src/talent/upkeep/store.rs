//! SQL of the upkeep of profiles: when each was confirmed, and what came of it where it was not.

use std::collections::HashSet;
use std::sync::Arc;

use entity::talent_upkeep::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::Measure;
use crate::talent::LegalBasis;
use kernel::error::DomainError;
use kernel::name_of;
use kernel::policy::Visibility;
use kernel::read::{Database, Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::{DateTime, EmailAddress, Language};
use records::write::rows_of;

/// The facts that the upkeep of a profile depends on.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The profile.
    pub id: Uuid,
    /// Slug of the region that answers for it.
    pub region: String,
    /// Whether only the person and the staff of the region see it.
    pub is_private: bool,
    /// Whether the directory shows it with the person's consent.
    pub rests_on_consent: bool,
    /// When the record was made.
    pub created_at: DateTime,
    /// When the person last said that it is right.
    pub confirmed_at: Option<DateTime>,
    /// When they were warned since then that it would be hidden.
    pub hiding_warned_at: Option<DateTime>,
    /// When they were warned since then that it would be erased.
    pub erasure_warned_at: Option<DateTime>,
    /// The address of the account, else that of the profile.
    pub email: Option<EmailAddress>,
    /// The language of the account.
    pub language: Option<Language>,
}

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

fn blank(talent: Uuid) -> Model {
    Model {
        talent_id: talent,
        confirmed_at: None,
        hiding_warned_at: None,
        hidden_at: None,
        erasure_warned_at: None,
    }
}

/// Adds rows; of those that are there, replaces these columns.
async fn put(
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

/// Those of these profiles that were hidden because nobody has confirmed them, and have not been confirmed since.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn hidden(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    talents: &[Uuid],
) -> Result<HashSet<Uuid>, DomainError> {
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n FROM {keys} {then} talent_upkeep AS u ON u.talent_id = k.id AND u.hidden_at IS NOT NULL"
        )
    });
    let rows = statement.query(on, dialect, rows_of(talents)).await?;
    Ok(rows.into_iter().map(|(position, _)| talents[position]).collect())
}

/// Profiles after this one, in the order of their ids, to which something may have to be done: those that others see
/// and that were confirmed last before the first instant, and private ones before the second. At most so many.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn candidates(
    db: &Arc<Database>,
    (hiding, erasure): (DateTime, DateTime),
    after: Uuid,
    limit: u32,
) -> Result<Vec<Uuid>, DomainError> {
    let keys =
        KeyColumns::new(&[("after", KeyType::Id), ("hiding", KeyType::Int), ("erasure", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, t.id FROM {} {} talent AS t ON t.id > k.after \
         LEFT JOIN talent_upkeep AS u ON u.talent_id = t.id \
         WHERE t.legal_basis = '{}' AND COALESCE(u.confirmed_at, t.created_at) <= \
         CASE WHEN t.visibility < {} THEN k.hiding ELSE k.erasure END ORDER BY t.id LIMIT {limit}",
        keys.source(db.dialect()),
        db.dialect().join(),
        name_of(LegalBasis::Consent),
        Visibility::Private.code(),
    );
    let row = vec![KeyValue::Id(after), KeyValue::Int(hiding.micros()), KeyValue::Int(erasure.micros())];
    // The limit is the whole statement's: it must not carry another reader's key.
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![row]).await?;
    rows.into_iter().map(|(_, mut row)| row.get()).collect()
}

/// The facts that the upkeep of this profile depends on; none where there is no such profile.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn profile(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    id: Uuid,
) -> Result<Option<Profile>, DomainError> {
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, t.region, t.visibility, t.legal_basis, t.created_at, u.confirmed_at, u.hiding_warned_at, \
             u.erasure_warned_at, COALESCE(a.email, t.email), a.language FROM {keys} {then} talent AS t ON t.id = k.id \
             LEFT JOIN talent_upkeep AS u ON u.talent_id = t.id LEFT JOIN account AS a ON a.talent_id = t.id"
        )
    });
    let rows = statement.query(on, dialect, rows_of(&[id])).await?;
    let Some((_, mut row)) = rows.into_iter().next() else { return Ok(None) };
    let (region, visibility, basis): (String, i16, LegalBasis) = (row.get()?, row.get()?, row.name()?);
    let created_at = DateTime::from_micros(row.get()?);
    let mut time = || Ok::<_, DomainError>(row.get::<Option<i64>>()?.map(DateTime::from_micros));
    let (confirmed_at, hiding_warned_at, erasure_warned_at) = (time()?, time()?, time()?);
    Ok(Some(Profile {
        id,
        region,
        is_private: Visibility::from_code(visibility) == Visibility::Private,
        rests_on_consent: basis == LegalBasis::Consent,
        created_at,
        confirmed_at,
        hiding_warned_at,
        erasure_warned_at,
        email: row.parsed()?,
        language: row.parsed()?,
    }))
}

/// Notes that the person was warned, or that there was nobody to warn.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn note_warning(
    on: &impl ConnectionTrait,
    talent: Uuid,
    of: Measure,
    now: DateTime,
) -> Result<(), DomainError> {
    let warned = Some(now.micros());
    let (row, column) = if of == Measure::WarnOfErasure {
        (Model { erasure_warned_at: warned, ..blank(talent) }, Column::ErasureWarnedAt)
    } else {
        (Model { hiding_warned_at: warned, ..blank(talent) }, Column::HidingWarnedAt)
    };
    put(on, std::iter::once(row), &[column]).await
}
