//! How a talent looks in the search index.

use uuid::Uuid;

use super::store::{self, Columns};
use crate::record::error::DomainError;
use crate::record::lookup::Key;
use crate::record::name_of;
use crate::record::reader::Reader;
use crate::search::SearchType;
use crate::search::document::{Document, Text};

/// For each id, in order, what the reader's viewer may find of the talent: nothing of a hidden group.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn documents(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Document>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, Columns::searched()).await?;
    Ok(found.into_iter().map(|talent| talent.map(|one| document(&one))).collect())
}

/// For each id, in order, the names of the talent that the reader's viewer may find it by, the main name first.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn names(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, Columns::named()).await?;
    Ok(found.into_iter().map(|talent| talent.map(|one| names_of(&one))).collect())
}

/// What it is called, the main name first.
fn names_of(talent: &super::Talent) -> Vec<Text> {
    let (card, details) = (&talent.card, &talent.details);
    let mut names = vec![Text { field: "displayName", text: talent.display_name.clone() }];
    names.extend(details.name_variants.iter().map(|text| Text { field: "nameVariants", text: text.clone() }));
    names.extend(card.given_name.iter().map(|text| Text { field: "givenName", text: text.clone() }));
    names.extend(card.family_name.iter().map(|text| Text { field: "familyName", text: text.clone() }));
    names
}

fn document(talent: &super::Talent) -> Document {
    let (card, details) = (&talent.card, &talent.details);
    let mut document =
        Document::new(SearchType::Talent, talent.head.id, talent.head.revision, names_of(talent));
    document.localized("headline", &details.headlines);
    document.skills(&card.skills);
    document.localized("biography", &details.biographies);
    document.occupations(&card.occupations);
    document.sectors(&card.sectors);
    document.territory(card.territory.as_deref());
    document.regions([talent.head.region.as_str()]);
    document.languages(card.languages.iter().map(|spoken| spoken.language.as_str()));
    document.availability(name_of(card.availability));
    document
}
