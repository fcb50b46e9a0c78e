//! The search document of an event.

use uuid::Uuid;

use super::EventNode;
use super::store::Columns;
use index::document::{Document, Searchable, Text};
use index::kind::SearchType;
use kernel::name_of;
use kernel::vocabulary::Vocabulary;

impl Searchable for EventNode {
    const OF: SearchType = SearchType::Event;
    const NAMED: Columns = Columns { card: false, details: false, online: false, seats: false };
    const SEARCHED: Columns = Columns { card: true, details: true, online: false, seats: false };

    fn version(&self) -> (Uuid, i32) {
        (self.row.head.id, self.row.head.revision)
    }

    fn names(&self) -> Vec<Text> {
        self.row.titles.iter().map(|title| Text { field: "title", text: title.text.clone() }).collect()
    }

    /// Organizations and people are left out: an event is found by them only where they may be seen.
    fn describe(&self, document: &mut Document) {
        let (card, details) = (&self.row.card, &self.row.details);
        let place = details.address.as_ref();
        document.location =
            place.and_then(|address| address.location.map(|point| (point.latitude, point.longitude)));
        if let Some(city) = place.and_then(|address| address.city.as_ref()) {
            document.text("address", city.clone());
        }
        if let Some(venue) = &card.venue {
            document.text("venue", venue.clone());
        }
        document.localized("description", &details.descriptions);
        document.kinds(Vocabulary::EventKind, [card.kind.as_str()]);
        document.sectors(&card.sectors);
        document.territory(card.territory.as_deref());
        let regions = std::iter::once(&self.row.head.region).chain(&card.regions);
        document.regions(regions.map(String::as_str));
        document.status(name_of(card.status));
        document.mode(name_of(card.mode));
    }
}
