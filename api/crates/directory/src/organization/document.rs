//! The search document of an organization.

use uuid::Uuid;

use super::OrganizationNode;
use super::store::Columns;
use index::document::{Document, Searchable, Text};
use index::kind::SearchType;
use kernel::vocabulary::Vocabulary;

impl Searchable for OrganizationNode {
    const OF: SearchType = SearchType::Organization;
    const NAMED: Columns = Columns { sectors: false, card: true, details: true, contact: false };
    const SEARCHED: Columns = Columns { sectors: true, card: true, details: true, contact: false };

    fn version(&self) -> (Uuid, i32) {
        (self.row.head.id, self.row.head.revision)
    }

    fn names(&self) -> Vec<Text> {
        let (card, details) = (&self.row.card, &self.row.details);
        let mut names = vec![Text { field: "name", text: self.row.name.clone() }];
        names.extend(card.acronym.iter().map(|text| Text { field: "acronym", text: text.clone() }));
        names.extend(details.other_names.iter().map(|text| Text { field: "otherNames", text: text.clone() }));
        names
    }

    fn describe(&self, document: &mut Document) {
        let (card, details) = (&self.row.card, &self.row.details);
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
        document.sectors(&self.row.sectors.slugs);
        document.territory(card.territory.as_deref());
        let regions = std::iter::once(&self.row.head.region).chain(&details.served_regions);
        document.regions(regions.map(String::as_str));
        document.languages(details.languages.iter().map(|language| language.tag()));
    }
}
