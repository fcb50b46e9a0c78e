//! The documents and the settings of the indexes.

use std::collections::BTreeMap;

use meilisearch_sdk::settings::{
    FacetSortValue, FacetingSettings, MinWordSizeForTypos, PaginationSetting, Settings, TypoToleranceSettings,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::{self, Document};
use crate::engine::MAX_FACET_VALUES;
use crate::kind::SearchFacet;
use crate::text::indexed;
use kernel::{all_of, name_of};

/// Increment it when documents get another form: every index is then built anew.
const VERSION: u32 = 1;

/// Hits that the engine counts at most: more than there are.
const MAX_TOTAL: usize = 1_000_000_000;

/// A word that no query has. Labels and texts begin with it, so that only names can begin with the words of a query:
/// these rank first.
const NO_NAME: &str = "\u{e000}";

/// Bytes of a value that the engine can filter by.
pub(super) const MAX_VALUE: usize = 468;

/// Name of the field of a facet.
pub(super) fn facet_field(facet: SearchFacet) -> String {
    name_of(facet).to_ascii_lowercase()
}

/// The ranking rules by falling weight: the number of words that match; names before labels, and these before texts;
/// words without typos; whole names and exact words; the order of names. The id makes the order the same every time.
const RANKING: [&str; 6] = ["words", "attributeRank", "typo", "exactness", "_order:asc", "id:asc"];

/// The fields that hold names.
pub(super) const NAMES: [&str; 3] = ["whole", "name", "names"];

/// The ranking rules, by which an index is known to have these settings.
pub(super) fn ranking_rules() -> Vec<String> {
    RANKING.map(str::to_owned).into()
}

/// The settings of an index.
pub(super) fn settings() -> Settings {
    let facets = all_of::<SearchFacet>().map(facet_field);
    Settings {
        searchable_attributes: Some(["whole", "name", "names", "labels", "texts"].map(str::to_owned).into()),
        filterable_attributes: Some(facets.chain(["_geo".into(), "id".into()]).map(Into::into).collect()),
        // For the documents route. Attributes of ranking rules need no entry.
        sortable_attributes: Some(vec!["id".into()]),
        // The engine returns no other fields.
        displayed_attributes: Some(["id", "type", "_v"].map(str::to_owned).into()),
        ranking_rules: Some(ranking_rules()),
        typo_tolerance: Some(TypoToleranceSettings {
            enabled: Some(true),
            disable_on_attributes: Some(Vec::new()),
            disable_on_words: Some(Vec::new()),
            min_word_size_for_typos: Some(MinWordSizeForTypos { one_typo: Some(5), two_typos: Some(9) }),
            disable_on_numbers: Some(false),
        }),
        // Words are folded, and stop words left out of queries, before the engine sees them.
        stop_words: Some(Vec::new()),
        synonyms: Some(std::collections::HashMap::new()),
        // No ranking rule depends on the distance between words.
        proximity_precision: Some("byAttribute".into()),
        faceting: Some(FacetingSettings {
            max_values_per_facet: MAX_FACET_VALUES,
            sort_facet_values_by: Some(BTreeMap::from([("*".into(), FacetSortValue::Count)])),
        }),
        // It limits totals as well. The limit of paging is checked before the engine is asked.
        pagination: Some(PaginationSetting { max_total_hits: MAX_TOTAL }),
        // A worse order is better than an answer after the time-out.
        search_cutoff_ms: Some(700),
        ..Settings::default()
    }
}

/// The name of the present settings and documents. An index with another name is built anew.
pub(super) fn layout() -> String {
    let settings = serde_json::to_string(&settings()).unwrap_or_default();
    let hash = Sha256::digest(format!("{VERSION} {} {settings}", document::layout()));
    hash.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A document as it is sent to the engine, with folded words.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    id: String,
    /// The names of one word: a query of an acronym ranks these above names that contain it.
    whole: Vec<String>,
    name: String,
    names: Vec<String>,
    labels: Vec<String>,
    texts: Vec<String>,
    #[serde(flatten)]
    facets: BTreeMap<String, Vec<String>>,
    #[serde(rename = "_geo", skip_serializing_if = "Option::is_none")]
    geo: Option<Geo>,
    #[serde(rename = "_v")]
    revision: i32,
    #[serde(rename = "_order")]
    order: String,
}

#[derive(Debug, Serialize)]
struct Geo {
    lat: f64,
    lng: f64,
}

impl Entry {
    pub(super) fn of(document: &Document) -> Self {
        let mut facets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (facet, value) in document.values.iter().filter(|(_, value)| value.len() <= MAX_VALUE) {
            facets.entry(facet_field(*facet)).or_default().push(value.clone());
        }
        let mut names = document.names.iter().map(|name| indexed(&name.text));
        Self {
            id: document.id.to_string(),
            whole: names.clone().filter(|name| !name.is_empty() && !name.contains(' ')).collect(),
            name: names.next().unwrap_or_default(),
            names: names.collect(),
            labels: no_names(document.labels.iter().map(|label| indexed(label))),
            texts: no_names(document.texts.iter().map(|text| indexed(&text.text))),
            facets,
            geo: document.location.map(|(lat, lng)| Geo { lat, lng }),
            revision: document.revision,
            // With a letter in front: it must never be taken for a number.
            order: format!("x{:016x}", document.order()),
        }
    }
}

fn no_names(texts: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(NO_NAME.to_owned()).chain(texts).collect()
}

/// A hit of the engine.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: uuid::Uuid,
    #[serde(rename = "type", default)]
    pub(super) of: Vec<String>,
    #[serde(rename = "_v", default)]
    pub(super) revision: i32,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::document::Text;
    use crate::kind::SearchType;

    #[test]
    fn documents_hold_folded_words() {
        let name = |text: &str| Text { field: "name", text: text.into() };
        let names = vec![name("Pôle de l’Image"), name("P.I.")];
        let mut document = Document::new(SearchType::Organization, Uuid::from_u128(7), 3, names);
        document.text("description", "Une Œuvre");
        document.location = Some((50.5, 3.25));
        let mut entry = serde_json::to_value(Entry::of(&document)).unwrap();
        let order = entry["_order"].take();
        assert!(order.as_str().unwrap().starts_with('x'), "{order}");
        assert_eq!(
            entry,
            json!({
                "id": "00000000-0000-0000-0000-000000000007", "whole": ["pi"], "name": "pole de image",
                "names": ["pi"], "labels": [NO_NAME], "texts": [NO_NAME, "une oeuvre"], "type": ["ORGANIZATION"],
                "_geo": {"lat": 50.5, "lng": 3.25}, "_v": 3, "_order": null,
            })
        );
    }

    #[test]
    fn the_layout_has_a_name() {
        assert_eq!(layout(), layout());
        assert_eq!(layout().len(), 16);
    }
}
