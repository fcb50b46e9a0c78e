//! The search document of a talent: nothing of a hidden group is in it.

use uuid::Uuid;

use super::TalentNode;
use super::store::Columns;
use index::document::{Document, Searchable, Text};
use index::kind::SearchType;
use kernel::name_of;

impl Searchable for TalentNode {
    const OF: SearchType = SearchType::Talent;
    const NAMED: Columns = Columns::SEARCHED;
    const SEARCHED: Columns = Columns::SEARCHED;

    fn version(&self) -> (Uuid, i32) {
        (self.row.head.id, self.row.head.revision)
    }

    fn names(&self) -> Vec<Text> {
        let (card, details) = (&self.row.card, &self.row.details);
        let mut names = vec![Text { field: "displayName", text: self.row.display_name.clone() }];
        names.extend(
            details.name_variants.iter().map(|text| Text { field: "nameVariants", text: text.clone() }),
        );
        names.extend(card.given_name.iter().map(|text| Text { field: "givenName", text: text.clone() }));
        names.extend(card.family_name.iter().map(|text| Text { field: "familyName", text: text.clone() }));
        names
    }

    fn describe(&self, document: &mut Document) {
        let (card, details) = (&self.row.card, &self.row.details);
        document.localized("headline", &details.headlines);
        document.skills(&card.skills);
        document.localized("biography", &details.biographies);
        document.occupations(&card.occupations);
        document.sectors(&card.sectors);
        document.territory(card.territory.as_deref());
        document.regions([self.row.head.region.as_str()]);
        document.languages(card.languages.iter().map(|spoken| spoken.language.as_str()));
        document.availability(name_of(card.availability));
    }
}
