//! The types that can be found: how each is read, as documents for the index and as nodes for an answer.

use async_graphql::Union;
use uuid::Uuid;

use super::SearchType;
use super::document::{Document, Text};
use crate::directory::organization::{self, OrganizationNode};
use crate::directory::partnership::{self, PartnershipNode};
use crate::directory::talent::{self, TalentNode};
use crate::record::RecordType;
use crate::record::error::DomainError;
use crate::record::lookup::Key;
use crate::record::read::Selection;
use crate::record::reader::Reader;

/// Anything that can be found.
#[derive(Clone, Debug, Union)]
pub enum SearchResult {
    /// An organization.
    Organization(Box<OrganizationNode>),
    /// A talent.
    Talent(Box<TalentNode>),
    /// A partnership.
    Partnership(Box<PartnershipNode>),
}

impl SearchType {
    /// The type of a record that can be found; none of one that cannot.
    pub fn of(record_type: RecordType) -> Option<Self> {
        match record_type {
            RecordType::Organization => Some(Self::Organization),
            RecordType::Talent => Some(Self::Talent),
            RecordType::Partnership => Some(Self::Partnership),
            RecordType::Affiliation => None,
        }
    }

    /// The type of its records.
    pub const fn record_type(self) -> RecordType {
        match self {
            Self::Organization => RecordType::Organization,
            Self::Talent => RecordType::Talent,
            Self::Partnership => RecordType::Partnership,
        }
    }

    /// The table of its records, and its list by name.
    pub const fn tables(self) -> (&'static str, &'static str) {
        match self {
            Self::Organization => ("organization", "organization_list"),
            Self::Talent => ("talent", "talent_list"),
            Self::Partnership => ("partnership", "partnership_list"),
        }
    }

    /// For each id, in order, what the reader's viewer may find of the record. The id of a duplicate that was merged
    /// finds nothing: the index holds the survivor under its own id.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub async fn documents(
        self,
        reader: &Reader,
        ids: &[Uuid],
    ) -> Result<Vec<Option<Document>>, DomainError> {
        match self {
            Self::Organization => organization::document::documents(reader, ids).await,
            Self::Talent => talent::document::documents(reader, ids).await,
            Self::Partnership => partnership::document::documents(reader, ids).await,
        }
    }

    /// For each id, in order, the names that the reader's viewer may find the record by, the main name first.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub async fn names(self, reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
        match self {
            Self::Organization => organization::document::names(reader, ids).await,
            Self::Talent => talent::document::names(reader, ids).await,
            Self::Partnership => partnership::document::names(reader, ids).await,
        }
    }

    /// For each id, in order, the record as the reader's viewer may see it; nothing for the id of a duplicate.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub async fn nodes(
        self,
        reader: &Reader,
        ids: &[Uuid],
        want: &Selection,
    ) -> Result<Vec<Option<SearchResult>>, DomainError> {
        let keys = ids.iter().map(|id| Key::Own(*id)).collect();
        Ok(match self {
            Self::Organization => organization::find(reader, keys, want)
                .await?
                .map(|found| found.map(|node| SearchResult::Organization(Box::new(node))))
                .collect(),
            Self::Talent => talent::find(reader, keys, want)
                .await?
                .map(|found| found.map(|node| SearchResult::Talent(Box::new(node))))
                .collect(),
            Self::Partnership => partnership::find(reader, keys, want)
                .await?
                .map(|found| found.map(|node| SearchResult::Partnership(Box::new(node))))
                .collect(),
        })
    }
}
