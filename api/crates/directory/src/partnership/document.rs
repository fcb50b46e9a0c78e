//! The search document of a partnership.

use uuid::Uuid;

use super::PartnershipNode;
use super::store::Columns;
use index::document::{Document, Searchable, Text};
use index::kind::SearchType;
use kernel::vocabulary::Vocabulary;

impl Searchable for PartnershipNode {
    const OF: SearchType = SearchType::Partnership;
    const NAMED: Columns = Columns { card: false, details: false };
    const SEARCHED: Columns = Columns { card: true, details: true };

    fn version(&self) -> (Uuid, i32) {
        (self.row.head.id, self.row.head.revision)
    }

    fn names(&self) -> Vec<Text> {
        self.row.titles.iter().map(|title| Text { field: "title", text: title.text.clone() }).collect()
    }

    fn describe(&self, document: &mut Document) {
        let (head, card) = (&self.row.head, &self.row.card);
        document.localized("description", &self.row.details.descriptions);
        document.kinds(Vocabulary::PartnershipKind, [card.kind.as_str()]);
        document.sectors(&card.sectors);
        let regions = std::iter::once(&head.region).chain(&card.party_regions);
        document.regions(regions.map(String::as_str));
    }
}
