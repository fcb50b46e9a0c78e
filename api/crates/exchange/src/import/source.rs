//! Sources: the systems that own records. Each belongs to one region.

use std::sync::Arc;

use entity::source::{Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryOrder,
};
use uuid::Uuid;

use identity::api_key::Maker;
use kernel::error::DomainError;
use kernel::id;
use kernel::messages::accounts::NO_REGION;
use kernel::messages::{FilledMessage, pushing};
use kernel::problem::{OperationError, Problem, Problems};
use kernel::read::{Database, Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;
use kernel::vocabulary::vocabularies;
use records::audit::{self, Action, Actor, Subject};
use records::handle::Core;
use records::transact::transact;
use records::write::Source;

pub mod graphql;

/// Characters of a name at most.
const MAX_NAME: usize = 64;

/// A source that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name and its region.
    pub source: Source,
    /// When it was registered.
    pub created_at: DateTime,
}

impl Registered {
    fn of(model: Model) -> Self {
        let source = Source { name: model.name, region: model.region };
        Self { source, created_at: DateTime::from_micros(model.created_at) }
    }
}

/// The id of a source, for clients and for its history. It is derived from the name.
pub fn id_of(name: &str) -> Uuid {
    id::of_vocabulary("source", name)
}

/// Whether a source may have this name.
fn is_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed)
}

/// Registers a source within a transaction. Returns a source that has this name already unchanged, also where its
/// region is another.
///
/// # Errors
/// [`DomainError::Database`].
async fn register(
    tx: &impl ConnectionTrait,
    dialect: Dialect,
    now: DateTime,
    by: Actor,
    new: Source,
) -> Result<Registered, DomainError> {
    let model = Model { name: new.name.clone(), region: new.region, created_at: now.micros() };
    let there = OnConflict::column(entity::source::Column::Name).do_nothing().to_owned();
    let insert = Entity::insert(model.clone().into_active_model().reset_all()).on_conflict(there);
    if insert.exec_without_returning(tx).await? > 0 {
        let entry = audit::Entry {
            region: Some(model.region.clone()),
            fields: ["name", "region"].map(str::to_owned).to_vec(),
            ..audit::Entry::new(by, Action::Create, Subject::Source(id_of(&model.name)))
        };
        audit::record(tx, dialect, vec![entry], now).await?;
        return Ok(Registered::of(model));
    }
    let found = Entity::find_by_id(new.name).one(tx).await?;
    found.map(Registered::of).ok_or_else(|| DomainError::Stored("a source has gone".into()))
}

/// Checks the name and the region of a source that is registered on the command line.
fn refusal(name: &str, region: &str) -> Result<(), DomainError> {
    if !is_name(name) {
        let message = "The name of a source has lower-case letters, digits, `-`, `_` and `.`, at most 64.";
        return Err(DomainError::bad_input("name", message));
    }
    vocabularies().regions.find("region", "region", region).map(|_| ())
}

/// Returns the source, or an error where it belongs to another region.
fn of_region(found: Registered, region: &str) -> Result<Source, DomainError> {
    if found.source.region == region {
        return Ok(found.source);
    }
    let Source { name, region } = found.source;
    Err(DomainError::bad_input("name", format!("The source `{name}` belongs to `{region}` already.")))
}

/// Registers a source on the command line. Registering the same again changes nothing.
///
/// # Errors
/// `BAD_USER_INPUT` for a name that is not allowed or taken by another region, or an unknown region.
pub async fn add(core: &Core, name: &str, region: &str) -> Result<Source, DomainError> {
    refusal(name, region)?;
    let new = Source { name: name.to_owned(), region: region.to_owned() };
    let found = registered(core, Maker::Operator.actor(), new).await?;
    of_region(found, region)
}

/// Like [`add`], in a transaction of the caller.
///
/// # Errors
/// Those of [`add`].
pub async fn add_within(
    core: &Core,
    tx: &DatabaseTransaction,
    name: &str,
    region: &str,
) -> Result<Source, DomainError> {
    refusal(name, region)?;
    let new = Source { name: name.to_owned(), region: region.to_owned() };
    let by = Maker::Operator.actor();
    of_region(register(tx, core.db.dialect(), core.clock.now(), by, new).await?, region)
}

async fn registered(core: &Core, by: Actor, new: Source) -> Result<Registered, DomainError> {
    let now = core.clock.now();
    transact(core, move |core, tx| {
        Box::pin(async move { register(tx, core.db.dialect(), now, by, new).await })
    })
    .await
}

/// Registers a source for an administrator of its region. Registering the same again changes nothing.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::Database`].
pub async fn register_for(core: &Core, maker: Maker<'_>, new: Source) -> Result<Registered, OperationError> {
    let mut wrong = Problems::default();
    if !is_name(&new.name) {
        let said = FilledMessage::new(&pushing::SOURCE_NAME_FORM).with("limit", MAX_NAME.to_string());
        wrong.add(Problem::at("name", said));
    }
    if vocabularies().regions.get(&new.region).is_none() {
        wrong.add(Problem::new("region", &NO_REGION));
    } else if !maker.may(&new.region) {
        wrong.add(Problem::new("region", &pushing::NOT_YOUR_SOURCES));
    }
    wrong.none_or_refused()?;
    let region = new.region.clone();
    let found = registered(core, maker.actor(), new).await?;
    if found.source.region != region {
        // The caller must not learn to which region it belongs.
        return Err(Problem::new("name", &pushing::SOURCE_TAKEN).into());
    }
    Ok(found)
}

/// Reads the source of this name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(on: &impl ConnectionTrait, name: &str) -> Result<Option<Source>, DomainError> {
    let found = Entity::find_by_id(name.to_owned()).one(on).await?;
    Ok(found.map(|source| Source { name: source.name, region: source.region }))
}

/// Reads all sources, ordered by name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all(on: &impl ConnectionTrait) -> Result<Vec<Source>, DomainError> {
    let found = Entity::find().order_by_asc(entity::source::Column::Name).all(on).await?;
    Ok(found.into_iter().map(|source| Source { name: source.name, region: source.region }).collect())
}

/// Reads the sources of these regions, ordered by name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_regions<'a>(
    db: &Arc<Database>,
    regions: impl Iterator<Item = &'a str>,
) -> Result<Vec<Registered>, DomainError> {
    let keys = KeyColumns::new(&[("region", KeyType::Text)]);
    let sql = format!(
        "SELECT k.n, s.name, s.region, s.created_at FROM {} {} source AS s ON s.region = k.region",
        keys.source(db.dialect()),
        db.dialect().join(),
    );
    let rows = regions.map(|region| vec![KeyValue::Text(region.to_owned())]).collect();
    let found = db.read(&KeyedStatement { sql, keys }, rows).await?.into_iter().map(|(_, mut row)| {
        let model = Model { name: row.get()?, region: row.get()?, created_at: row.get()? };
        Ok(Registered::of(model))
    });
    let mut found = found.collect::<Result<Vec<_>, DomainError>>()?;
    found.sort_unstable_by(|one, other| one.source.name.cmp(&other.source.name));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for right in ["a", "cirm-nord.2_x", &"a".repeat(MAX_NAME)] {
            assert!(is_name(right), "{right}");
        }
        for wrong in ["", "A", "é", "a b", "a:b", &"a".repeat(MAX_NAME + 1)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
