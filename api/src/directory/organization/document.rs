//! How an organization looks in the search index.

use uuid::Uuid;

use super::store::{self, Columns};
use crate::directory::vocabulary::Vocabulary;
use crate::record::error::DomainError;
use crate::record::lookup::Key;
use crate::record::reader::Reader;
use crate::search::SearchType;
use crate::search::document::{Document, Text};

/// For each id, in order, what the reader's viewer may find of the organization.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn documents(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Document>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, &Columns::searched()).await?;
    Ok(found.into_iter().map(|organization| organization.map(|one| document(&one))).collect())
}

/// For each id, in order, the names of the organization that the reader's viewer may find it by, the main name first.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn names(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Own(*id)).collect();
    let found = store::find(reader, keys, &Columns::named()).await?;
    Ok(found.into_iter().map(|organization| organization.map(|one| names_of(&one))).collect())
}

/// What it is called, the main name first.
fn names_of(organization: &super::Organization) -> Vec<Text> {
    let (card, details) = (&organization.card, &organization.details);
    let mut names = vec![Text { field: "name", text: organization.name.clone() }];
    names.extend(card.acronym.iter().map(|text| Text { field: "acronym", text: text.clone() }));
    names.extend(details.other_names.iter().map(|text| Text { field: "otherNames", text: text.clone() }));
    names
}

fn document(organization: &super::Organization) -> Document {
    let (card, details) = (&organization.card, &organization.details);
    let head = &organization.head;
    let mut document =
        Document::new(SearchType::Organization, head.id, head.revision, names_of(organization));
    document.location = details
        .address
        .as_ref()
        .and_then(|address| address.location.map(|point| (point.latitude, point.longitude)));
    if let Some(city) = details.address.as_ref().and_then(|address| address.city.as_ref()) {
        document.text("address", city.clone());
    }
    document.localized("description", &details.descriptions);
    let kinds = std::iter::once(&card.kind).chain(&details.other_kinds);
    document.kinds(Vocabulary::OrganizationKind, kinds.map(String::as_str));
    document.sectors(&organization.sectors);
    document.territory(card.territory.as_deref());
    let regions = std::iter::once(&head.region).chain(&details.served_regions);
    document.regions(regions.map(String::as_str));
    document.languages(details.languages.iter().map(|language| language.tag()));
    document
}
