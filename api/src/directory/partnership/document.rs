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
    let keys = ids.iter().map(|id| Key::Id(*id)).collect();
    let found = store::find(reader, keys, Columns::searched()).await?;
    Ok(found.into_iter().map(|partnership| partnership.map(|one| document(&one))).collect())
}

fn document(partnership: &super::Partnership) -> Document {
    let (head, card) = (&partnership.head, &partnership.card);
    let names = partnership.titles.iter().map(|title| Text { field: "title", text: title.text.clone() });
    let mut document = Document::new(SearchType::Partnership, head.id, head.revision, names.collect());
    document.localized("description", &partnership.details.descriptions);
    document.kinds(Vocabulary::PartnershipKind, [card.kind.as_str()]);
    document.sectors(&card.sectors);
    let regions = std::iter::once(&head.region).chain(&card.party_regions);
    document.regions(regions.map(String::as_str));
    document
}
