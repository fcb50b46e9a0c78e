//! What every layer uses: values, ids, visibility, keyed reads, pages, claims, problems and their messages, vocabularies.

use async_graphql::resolver_utils::{EnumItem, EnumType};
use uuid::Uuid;

pub mod abstract_type;
pub mod clock;
pub mod crypto;
pub mod encryption;
pub mod error;
pub mod geo;
pub mod id;
pub mod input;
pub mod list;
pub mod lookup;
pub mod messages;
pub mod meter;
pub mod node;
pub mod page;
pub mod patience;
pub mod policy;
pub mod private;
pub mod problem;
pub mod provenance;
pub mod read;
pub mod reader;
pub mod secret;
pub mod throttle;
pub mod trusted_clock;
pub mod types;
pub mod user_error;
pub mod value;
pub mod vocabulary;

use error::DomainError;
use policy::{Facts, Visibility};
use read::Row;
pub use types::RecordType;
use value::DateTime;

/// The GraphQL name of an enum value, which the database stores as well.
pub fn name_of<T: EnumType>(value: T) -> &'static str {
    T::items().iter().find(|item: &&EnumItem<T>| item.value == value).map_or("", |item| item.name)
}

/// The enum value of a GraphQL name.
pub fn value_of<T: EnumType>(name: &str) -> Option<T> {
    T::items().iter().find(|item| item.name == name).map(|item| item.value)
}

/// Every value of an enum, in the order of its declaration.
pub fn all_of<T: EnumType>() -> impl Iterator<Item = T> {
    T::items().iter().map(|item| item.value)
}

/// The columns that every record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Identity, the same on every deployment.
    pub id: Uuid,
    /// Slug of the region that answers for the record.
    pub region: String,
    /// The visibility. A record that is made of others stores the strictest visibility of its parts.
    pub visibility: Visibility,
    /// Grows by one with each effective change.
    pub revision: i32,
}

impl Head {
    /// The columns that [`Head::read`] reads, in order.
    pub const COLUMNS: &'static [&'static str] = &["id", "region", "visibility", "revision"];

    /// Reads the columns of [`Head::COLUMNS`].
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub fn read(row: &mut Row) -> Result<Self, DomainError> {
        Ok(Self {
            id: row.get()?,
            region: row.get()?,
            visibility: Visibility::from_code(row.get()?),
            revision: row.get()?,
        })
    }

    /// The facts that decide who may see the record, without those of its parts.
    pub fn facts(&self) -> Facts {
        Facts { visibility: self.visibility, region: self.region.clone(), id: self.id, parts: Vec::new() }
    }
}

/// The times at which a record was created and last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The time of creation.
    pub created_at: DateTime,
    /// The time of the last change.
    pub updated_at: DateTime,
}

impl Times {
    /// Reads the columns `created_at` and `updated_at`.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub fn read(row: &mut Row) -> Result<Self, DomainError> {
        let mut time = || Ok::<_, DomainError>(DateTime::from_micros(row.get()?));
        Ok(Self { created_at: time()?, updated_at: time()? })
    }
}

/// `alias.column` for each column, with commas.
pub fn columns_of(alias: &str, columns: &[&str]) -> String {
    columns.iter().map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
}
