//! What facets call the values of enums, which are in no vocabulary.

use std::collections::HashMap;
use std::sync::LazyLock;

use index::kind::SearchFacet;
use kernel::value::{Language, LocalizedText};

/// A value with its label in French, Dutch, English and German.
type Row = (&'static str, [&'static str; 4]);

const TYPES: &[Row] = &[
    ("ORGANIZATION", ["Organisations", "Organisaties", "Organizations", "Organisationen"]),
    ("TALENT", ["Talents", "Talenten", "Talents", "Talente"]),
    ("PARTNERSHIP", ["Partenariats", "Partnerschappen", "Partnerships", "Partnerschaften"]),
    ("CALL", ["Appels à projets", "Projectoproepen", "Calls for projects", "Projektaufrufe"]),
    ("EVENT", ["Événements", "Evenementen", "Events", "Veranstaltungen"]),
];

const AVAILABILITIES: &[Row] = &[
    ("AVAILABLE", ["Disponible", "Beschikbaar", "Available", "Verfügbar"]),
    (
        "FROM_DATE",
        [
            "Disponible à partir d’une date",
            "Beschikbaar vanaf een datum",
            "Available from a date",
            "Ab einem Datum verfügbar",
        ],
    ),
    ("UNAVAILABLE", ["Indisponible", "Niet beschikbaar", "Unavailable", "Nicht verfügbar"]),
    ("UNKNOWN", ["Non précisé", "Niet opgegeven", "Not stated", "Nicht angegeben"]),
];

const STATUSES: &[Row] = &[
    ("UPCOMING", ["À venir", "Binnenkort", "Upcoming", "Demnächst"]),
    ("OPEN", ["Ouvert", "Open", "Open", "Offen"]),
    ("CLOSED", ["Clos", "Gesloten", "Closed", "Geschlossen"]),
    ("AWARDED", ["Attribué", "Toegekend", "Awarded", "Vergeben"]),
    ("ANNOUNCED", ["Annoncé", "Aangekondigd", "Announced", "Angekündigt"]),
    ("SCHEDULED", ["Programmé", "Gepland", "Scheduled", "Geplant"]),
    ("POSTPONED", ["Reporté", "Uitgesteld", "Postponed", "Verschoben"]),
    ("CANCELLED", ["Annulé", "Geannuleerd", "Cancelled", "Abgesagt"]),
];

const MODES: &[Row] = &[
    ("ONSITE", ["Sur place", "Ter plaatse", "On site", "Vor Ort"]),
    ("ONLINE", ["En ligne", "Online", "Online", "Online"]),
    (
        "HYBRID",
        ["Sur place et en ligne", "Ter plaatse en online", "On site and online", "Vor Ort und online"],
    ),
];

/// The labels of a value of an enum, by language; none where the values of the facet have no labels of their own.
pub(crate) fn labels(facet: SearchFacet, value: &str) -> Option<&'static [LocalizedText]> {
    static ALL: LazyLock<HashMap<&str, Vec<LocalizedText>>> = LazyLock::new(|| {
        let rows = [TYPES, AVAILABILITIES, STATUSES, MODES].into_iter().flatten();
        let texts = |labels: &[&str; 4]| {
            let languages = [Language::Fr, Language::Nl, Language::En, Language::De];
            let texts = languages.into_iter().zip(labels);
            texts.map(|(language, text)| LocalizedText { language, text: (*text).to_owned() }).collect()
        };
        rows.map(|(value, labels)| (*value, texts(labels))).collect()
    });
    match facet {
        SearchFacet::Type | SearchFacet::Availability | SearchFacet::Status | SearchFacet::Mode => {
            ALL.get(value).map(Vec::as_slice)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use async_graphql::resolver_utils::EnumType;

    use super::*;
    use directory::call_for_projects::status::CallStatus;
    use directory::event::{EventMode, EventStatus};
    use directory::talent::Availability;
    use index::kind::SearchType;

    fn of<T: EnumType>() -> HashSet<&'static str> {
        T::items().iter().map(|item| item.name).collect()
    }

    fn in_table(rows: &[Row]) -> HashSet<&'static str> {
        rows.iter().map(|(value, _)| *value).collect()
    }

    #[test]
    fn each_value_has_a_label_in_each_language() {
        assert_eq!(in_table(TYPES), of::<SearchType>());
        assert_eq!(in_table(AVAILABILITIES), of::<Availability>());
        assert_eq!(in_table(MODES), of::<EventMode>());
        let mut statuses = of::<CallStatus>();
        // Drafts are in no index.
        statuses.remove("DRAFT");
        statuses.extend(of::<EventStatus>());
        assert_eq!(in_table(STATUSES), statuses);
        for (facet, rows) in [
            (SearchFacet::Type, TYPES),
            (SearchFacet::Availability, AVAILABILITIES),
            (SearchFacet::Status, STATUSES),
            (SearchFacet::Mode, MODES),
        ] {
            for (value, _) in rows {
                assert_eq!(labels(facet, value).unwrap().len(), 4, "{value}");
            }
        }
        assert_eq!(labels(SearchFacet::Skill, "OPEN"), None);
    }
}
