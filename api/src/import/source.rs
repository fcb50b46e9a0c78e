//! Sources: the systems that own records. Each belongs to one region.

use entity::source::{Entity, Model};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};

use crate::directory::vocabulary::vocabularies;
use crate::record::error::DomainError;
use crate::record::value::DateTime;
use crate::record::write::Source;

/// Registers a source. Registering the same again changes nothing.
///
/// # Errors
/// `BAD_USER_INPUT` for a name that is not allowed or taken by another region, or an unknown region.
pub async fn add(
    on: &impl ConnectionTrait,
    now: DateTime,
    name: &str,
    region: &str,
) -> Result<Source, DomainError> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_' || c == b'.';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        let message = "The name of a source has lower-case letters, digits, `-`, `_` and `.`, at most 64.";
        return Err(DomainError::bad_input("name", message));
    }
    vocabularies().regions.find("region", "region", region)?;
    if let Some(known) = find(on, name).await? {
        if known.region == region {
            return Ok(known);
        }
        let message = format!("The source `{name}` belongs to `{}` already.", known.region);
        return Err(DomainError::bad_input("name", message));
    }
    let model = Model { name: name.to_owned(), region: region.to_owned(), created_at: now.micros() };
    let insert = model.into_active_model().reset_all();
    Entity::insert(insert).exec_without_returning(on).await?;
    Ok(Source { name: name.to_owned(), region: region.to_owned() })
}

/// The source of a name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(on: &impl ConnectionTrait, name: &str) -> Result<Option<Source>, DomainError> {
    let found = Entity::find_by_id(name.to_owned()).one(on).await?;
    Ok(found.map(|source| Source { name: source.name, region: source.region }))
}

/// All sources, by name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all(on: &impl ConnectionTrait) -> Result<Vec<Source>, DomainError> {
    let found = Entity::find().order_by_asc(entity::source::Column::Name).all(on).await?;
    Ok(found.into_iter().map(|source| Source { name: source.name, region: source.region }).collect())
}
