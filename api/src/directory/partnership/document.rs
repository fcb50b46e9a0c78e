//! How a partnership looks in the search index.

use uuid::Uuid;

use super::store::{self, Columns};
use crate::directory::vocabulary::Vocabulary;
use crate::record::error::DomainError;
use crate::record::lookup::Key;
use crate::record::reader::Reader;
use crate::search::SearchType;
use crate::search::document::{Document, Text};

/// For each id, in order, what the reader's viewer may find of the partnership.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn documents(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Document>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, Columns::searched()).await?;
    Ok(found.into_iter().map(|partnership| partnership.map(|one| document(&one))).collect())
}

/// For each id, in order, the names of the partnership that the reader's viewer may find it by, the main name first.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn names(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, Columns::named()).await?;
    Ok(found.into_iter().map(|partnership| partnership.map(|one| names_of(&one))).collect())
}

/// What it is called, the main name first.
fn names_of(partnership: &super::Partnership) -> Vec<Text> {
    partnership.titles.iter().map(|title| Text { field: "title", text: title.text.clone() }).collect()
}

fn document(partnership: &super::Partnership) -> Document {
    let (head, card) = (&partnership.head, &partnership.card);
    let mut document = Document::new(SearchType::Partnership, head.id, head.revision, names_of(partnership));
    document.localized("description", &partnership.details.descriptions);
    document.kinds(Vocabulary::PartnershipKind, [card.kind.as_str()]);
    document.sectors(&card.sectors);
    let regions = std::iter::once(&head.region).chain(&card.party_regions);
    document.regions(regions.map(String::as_str));
    document
}
