//! The search document of a call for projects.

use uuid::Uuid;

use super::CallForProjectsNode;
use super::store::Columns;
use index::document::{Document, Searchable, Text};
use index::kind::SearchType;
use kernel::vocabulary::genre_of_facet;

impl Searchable for CallForProjectsNode {
    const OF: SearchType = SearchType::Call;
    const NAMED: Columns = Columns { card: false, details: false };
    const SEARCHED: Columns = Columns::ALL;

    fn version(&self) -> (Uuid, i32) {
        (self.row.head.id, self.row.head.revision)
    }

    fn names(&self) -> Vec<Text> {
        self.row.titles.iter().map(|title| Text { field: "title", text: title.text.clone() }).collect()
    }

    fn describe(&self, document: &mut Document) {
        let card = &self.row.card;
        document.localized("description", &self.row.details.descriptions);
        document.status(&card.told);
        document.genres(card.facets.iter().filter_map(|facet| genre_of_facet(facet)));
        document.sectors(&card.sectors);
        document.regions(card.list_regions.iter().map(String::as_str));
    }
}
