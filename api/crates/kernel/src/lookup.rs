//! Lookups of one record by id, slug, identifier or external id. Former slugs and ids of merged duplicates still
//! resolve.

use async_graphql::{ID, OneofObject};
use uuid::Uuid;

use super::error::DomainError;
use super::provenance::ExternalIdInput;
use super::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue};
use super::{RecordType, id};

/// The key by which one record is looked up.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// Its id, or that of a duplicate which was merged into it.
    Id(Uuid),
    /// Its own id. The id of a merged duplicate finds nothing.
    Own(Uuid),
    /// Its present slug, or a former one.
    Slug(String),
    /// An official identifier: scheme and canonical text.
    Identifier(&'static str, String),
    /// The id in the system that owns it: source and id.
    ExternalId(String, String),
}

/// Names one record, in one of three ways.
#[derive(Clone, Debug, OneofObject)]
pub enum RecordBy {
    /// By its id, or that of a duplicate that was merged into it.
    Id(ID),
    /// By its slug, or a former one.
    Slug(String),
    /// By its id in the system that owns the record.
    ExternalId(ExternalIdInput),
}

/// An input that names one record.
pub trait By {
    /// The key of a record of this type.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a wrong id or identifier.
    fn key(self, of: RecordType) -> Result<Key, DomainError>;
}

impl By for RecordBy {
    fn key(self, of: RecordType) -> Result<Key, DomainError> {
        Ok(match self {
            Self::Id(id) => Key::Id(id::decode("by.id", of.prefix(), &id)?),
            Self::Slug(slug) => Key::slug(&slug),
            Self::ExternalId(by) => Key::external_id(&by.source, &by.id),
        })
    }
}

/// The SQL that turns keys of one kind into ids.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Columns of the keys.
    pub keys: KeyColumns,
    /// Joins to the keys `k`.
    pub join: String,
    /// SQL expression of the id that is found.
    pub id: &'static str,
}

impl Key {
    /// The key of a slug from a client. NUL is removed: PostgreSQL stores no NUL in a text, and no slug has one.
    pub fn slug(text: &str) -> Self {
        Self::Slug(text.replace('\0', ""))
    }

    /// The key of an external id from a client, without NUL.
    pub fn external_id(source: &str, id: &str) -> Self {
        Self::ExternalId(source.replace('\0', ""), id.replace('\0', ""))
    }

    /// The lookup for keys of this kind.
    pub fn lookup(&self, record_type: RecordType, dialect: Dialect) -> Lookup {
        let name = record_type.name();
        let text = KeyType::Text;
        match self {
            Self::Id(_) => Lookup {
                keys: KeyColumns::new(&[("id", KeyType::Id)]),
                join: "LEFT JOIN record_redirect AS d ON d.id = k.id".into(),
                id: "COALESCE(d.target_id, k.id)",
            },
            Self::Own(_) => {
                Lookup { keys: KeyColumns::new(&[("id", KeyType::Id)]), join: String::new(), id: "k.id" }
            }
            Self::Slug(_) => Lookup {
                keys: KeyColumns::new(&[("slug", text)]),
                join: dialect.join_one(
                    "record_slug",
                    "d",
                    &format!("d.record_type = '{name}' AND d.slug = k.slug"),
                ),
                id: "d.record_id",
            },
            Self::Identifier(..) => Lookup {
                keys: KeyColumns::new(&[("scheme", text), ("value", text)]),
                join: dialect.join_one(
                    "record_identifier",
                    "d",
                    &format!("d.record_type = '{name}' AND d.scheme = k.scheme AND d.value = k.value"),
                ),
                id: "d.record_id",
            },
            Self::ExternalId(..) => Lookup {
                keys: KeyColumns::new(&[("source", text), ("external_id", text)]),
                join: dialect.join_one(
                    "sync_record",
                    "d",
                    "d.source = k.source AND d.external_id = k.external_id",
                ) + " LEFT JOIN record_redirect AS e ON e.id = d.record_id",
                id: "COALESCE(e.target_id, d.record_id)",
            },
        }
    }

    /// The row of keys for its lookup.
    pub fn into_row(self) -> KeyRow {
        match self {
            Self::Id(id) | Self::Own(id) => vec![KeyValue::Id(id)],
            Self::Slug(slug) => vec![KeyValue::Text(slug)],
            Self::Identifier(scheme, value) => vec![KeyValue::Text(scheme.into()), KeyValue::Text(value)],
            Self::ExternalId(source, id) => vec![KeyValue::Text(source), KeyValue::Text(id)],
        }
    }
}
