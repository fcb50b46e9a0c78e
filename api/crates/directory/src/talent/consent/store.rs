//! SQL of consents: rows are added and read, and go only with their talent.

use std::collections::HashMap;
use std::sync::Arc;

use entity::consent;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::{Agreement, Consent, ConsentAct, ConsentInput, ConsentPurpose};
use kernel::error::DomainError;
use kernel::read::{Database, Dialect, KeyRow, KeyValue, KeyedStatement, Row};
use kernel::value::{DateTime, Language};
use kernel::{id, name_of};

/// Keeps what somebody has agreed to for these profiles. An agreement without a text is none, and is not kept.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn give(
    on: &impl ConnectionTrait,
    talents: &[Uuid],
    agreement: Agreement,
    purpose: ConsentPurpose,
    now: DateTime,
) -> Result<(), DomainError> {
    let Some(text) = agreement.text else { return Ok(()) };
    let row = |talent: &Uuid| row(*talent, agreement.account, ConsentAct::Given, purpose, text, now);
    let rows: Vec<consent::ActiveModel> = talents.iter().map(row).collect();
    if !rows.is_empty() {
        consent::Entity::insert_many(rows).exec_without_returning(on).await?;
    }
    Ok(())
}

/// Keeps that somebody has taken back what they had agreed to. `text` is the text of the last consent.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn withdraw(
    on: &impl ConnectionTrait,
    talent: Uuid,
    account: Option<Uuid>,
    text: ConsentInput,
    now: DateTime,
) -> Result<(), DomainError> {
    let row = row(talent, account, ConsentAct::Withdrawn, ConsentPurpose::All, text, now);
    consent::Entity::insert(row).exec_without_returning(on).await?;
    Ok(())
}

/// Forgets what was agreed to for profiles that are erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, talents: &[Uuid]) -> Result<(), DomainError> {
    let theirs = consent::Column::TalentId.is_in(talents.iter().copied());
    consent::Entity::delete_many().filter(theirs).exec(on).await?;
    Ok(())
}

fn row(
    talent: Uuid,
    account: Option<Uuid>,
    act: ConsentAct,
    purpose: ConsentPurpose,
    text: ConsentInput,
    now: DateTime,
) -> consent::ActiveModel {
    let row = consent::Model {
        id: id::new(now),
        talent_id: talent,
        account_id: account,
        act: name_of(act).to_owned(),
        purpose: name_of(purpose).to_owned(),
        text_version: text.version,
        language: text.language.to_string(),
        at: now.micros(),
    };
    row.into_active_model().reset_all()
}

/// The consents given and withdrawn for each of these profiles, the latest first.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn of(db: &Arc<Database>, talents: &[Uuid]) -> Result<HashMap<Uuid, Vec<Consent>>, DomainError> {
    let statement = statement(db.dialect());
    let mut all: HashMap<Uuid, Vec<Consent>> = HashMap::new();
    for (position, mut row) in db.read(&statement, keys(talents)).await? {
        all.entry(talents[position]).or_default().push(read(&mut row)?);
    }
    Ok(all)
}

/// The same for one profile, inside a transaction.
///
/// # Errors
/// See [`of`].
pub async fn of_one(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    talent: Uuid,
) -> Result<Vec<Consent>, DomainError> {
    let rows = statement(dialect).query(on, dialect, keys(&[talent])).await?;
    rows.into_iter().map(|(_, mut row)| read(&mut row)).collect()
}

fn keys(talents: &[Uuid]) -> Vec<KeyRow> {
    talents.iter().map(|id| vec![KeyValue::Id(*id)]).collect()
}

fn statement(dialect: Dialect) -> KeyedStatement {
    KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, c.act, c.purpose, c.text_version, c.language, c.at FROM {keys} {then} consent AS c \
             ON c.talent_id = k.id ORDER BY k.n, c.at DESC, c.id DESC"
        )
    })
}

fn read(row: &mut Row) -> Result<Consent, DomainError> {
    let (act, purpose, version) = (row.name()?, row.name()?, row.get()?);
    let language: Option<Language> = row.parsed()?;
    let language = language.ok_or_else(|| DomainError::Stored("a consent without a language".into()))?;
    Ok(Consent { act, purpose, version, language, at: DateTime::from_micros(row.get()?) })
}
