//! The provenance of facts: sources, claims, and the ids that other systems use.

use async_graphql::{Enum, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};

use super::error::DomainError;
use super::read::Row;
use super::value::{Given, PartialDate, Url};

/// Where a fact comes from: an article, a web page, a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
pub struct Source {
    /// Title of the article or page; the host of its address where no title is known.
    pub title: String,
    /// Where it can be read, if anywhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<Url>,
    /// When it was published, as precisely as known.
    #[serde(rename = "publishedOn", skip_serializing_if = "Option::is_none", default)]
    pub published_on: Option<PartialDate>,
}

/// How exactly a source states a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClaimQualifier {
    /// As written.
    #[default]
    Exact,
    /// "Nearly 400", "about 1.8 million".
    Approximately,
    /// "More than 1,600".
    MoreThan,
    /// Announced, not yet seen.
    Expected,
}

/// What one source says of one field. Where sources differ, all their statements are kept, and the
/// preferred one is what the field itself answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
pub struct Claim {
    /// Name of the field, as in the schema.
    pub field: String,
    /// The value that the source states, as text.
    pub value: String,
    /// How exactly it states it.
    pub qualifier: ClaimQualifier,
    /// Whether the field answers this one.
    pub preferred: bool,
    /// Who says so.
    pub source: Source,
    /// What a reader should know about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// The id of a record in the system that owns it.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct ExternalId {
    /// Name of that system.
    pub source: String,
    /// The record's id there.
    pub id: String,
}

impl ExternalId {
    /// Selects the columns that [`ExternalId::read`] reads for the record `alias`, and joins their table.
    pub fn fetch(alias: &str, columns: &mut Vec<String>, joins: &mut Vec<String>) {
        columns.push(format!("{alias}_sync.source, {alias}_sync.external_id"));
        joins.push(format!("LEFT JOIN sync_record AS {alias}_sync ON {alias}_sync.record_id = {alias}.id"));
    }

    /// Reads the columns `source` and `external_id`; none where the record was created here.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub fn read(row: &mut Row) -> Result<Option<Self>, DomainError> {
        let (source, id): (Option<String>, Option<String>) = (row.get()?, row.get()?);
        Ok(source.zip(id).map(|(source, id)| Self { source, id }))
    }
}

/// Names a record by its id in the system that owns it.
#[derive(Clone, Debug, InputObject)]
pub struct ExternalIdInput {
    /// Name of the system.
    pub source: String,
    /// The record's id there.
    pub id: String,
}

/// A source, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceInput {
    /// Title of the article or page. May be left out where the address is given.
    pub title: Option<String>,
    /// Where it can be read.
    pub url: Option<Given<Url>>,
    /// When it was published, as precisely as known.
    pub published_on: Option<Given<PartialDate>>,
}

/// A claim, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimInput {
    /// Name of the field, as in the schema.
    pub field: String,
    /// The value that the source states, as text.
    pub value: String,
    /// How exactly it states it.
    #[serde(default)]
    #[graphql(default_with = "ClaimQualifier::Exact")]
    pub qualifier: ClaimQualifier,
    /// Whether the field answers this one.
    #[serde(default)]
    #[graphql(default)]
    pub preferred: bool,
    /// Who says so.
    pub source: SourceInput,
    /// What a reader should know about it.
    pub note: Option<String>,
}

impl Source {
    /// A source, with the host of its URL as default title; none where it has neither.
    pub fn new(title: Option<String>, url: Option<Url>, published_on: Option<PartialDate>) -> Option<Self> {
        let title = title.filter(|t| !t.trim().is_empty());
        let title = title.or_else(|| url.as_ref().map(Url::host))?;
        Some(Self { title, url, published_on })
    }
}
