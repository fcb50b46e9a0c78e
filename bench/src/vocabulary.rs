//! The slugs and labels that generated records use, read from `data/vocabulary.json`.
//!
//! The file is an extract of the vocabularies that the server ships. Each entry has a weight, its frequency;
//! territories have some of their towns.

use serde::Deserialize;

use crate::failure::Failure;

/// The extract, compiled in.
const DATA: &str = include_str!("../data/vocabulary.json");

/// The entries that records are made of, besides names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Vocabulary {
    /// The regions that have a source.
    pub(crate) regions: Vec<Region>,
    /// Brussels, where bodies of both Belgian regions sit.
    pub(crate) capital: Territory,
    /// Every sector.
    pub(crate) sectors: Vec<Term>,
    /// Kinds of organization.
    pub(crate) kinds: Vec<Kind>,
    /// Families of occupations.
    pub(crate) families: Vec<Family>,
    /// Kinds of partnership.
    pub(crate) partnership_kinds: Vec<PartnershipKind>,
}

/// A label in the three languages of the records.
#[derive(Debug, Deserialize)]
pub(crate) struct Labels {
    /// French.
    pub(crate) fr: String,
    /// Dutch.
    pub(crate) nl: String,
    /// English.
    pub(crate) en: String,
}

/// An entry that has nothing besides its labels.
#[derive(Debug, Deserialize)]
pub(crate) struct Term {
    /// Its slug.
    pub(crate) slug: String,
    /// Its names.
    pub(crate) labels: Labels,
}

/// A region whose records are made.
#[derive(Debug, Deserialize)]
pub(crate) struct Region {
    /// Its slug.
    pub(crate) slug: String,
    /// Its country, in two letters.
    pub(crate) country: String,
    /// The language of most of its records.
    pub(crate) language: Language,
    /// Its share of the records.
    pub(crate) weight: u64,
    /// Its names.
    pub(crate) labels: Labels,
    /// Its territories.
    pub(crate) territories: Vec<Territory>,
}

/// A territory and some of its towns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Territory {
    /// Its slug.
    pub(crate) slug: String,
    /// Its share of the region's records.
    pub(crate) weight: u64,
    /// Latitude of its centre, in degrees.
    pub(crate) latitude: f64,
    /// Longitude of its centre, in degrees.
    pub(crate) longitude: f64,
    /// The largest distance of an address from its centre, in degrees.
    pub(crate) spread: f64,
    /// Towns.
    pub(crate) cities: Vec<City>,
}

/// A town.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct City {
    /// Its name, in the language spoken there.
    pub(crate) name: String,
    /// One of its postal codes.
    pub(crate) postal_code: String,
}

/// A kind of organization.
#[derive(Debug, Deserialize)]
pub(crate) struct Kind {
    /// Its slug.
    pub(crate) slug: String,
    /// Its share; 0 for clusters and associations, which are chosen by the number of the organization.
    pub(crate) weight: u64,
    /// The style of the names of this kind.
    pub(crate) family: NameFamily,
    /// Its names.
    pub(crate) labels: Labels,
    /// The sectors of organizations of this kind.
    pub(crate) sectors: Vec<String>,
}

/// The style of an organization's name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NameFamily {
    /// Companies.
    Screen,
    /// Authorities, agencies, funds.
    Public,
    /// Clusters and associations.
    Network,
    /// Schools.
    School,
    /// Laboratories.
    Laboratory,
    /// Venues, festivals, archives.
    Culture,
}

/// Occupations that belong together.
#[derive(Debug, Deserialize)]
pub(crate) struct Family {
    /// Its share of the talents.
    pub(crate) weight: u64,
    /// The sectors of these talents.
    pub(crate) sectors: Vec<String>,
    /// The occupations.
    pub(crate) occupations: Vec<Term>,
}

/// A kind of partnership and the roles in it.
#[derive(Debug, Deserialize)]
pub(crate) struct PartnershipKind {
    /// Its slug.
    pub(crate) slug: String,
    /// Its share.
    pub(crate) weight: u64,
    /// The role of the first party.
    pub(crate) first: String,
    /// The role of the others.
    pub(crate) others: String,
    /// Its names.
    pub(crate) labels: Labels,
}

/// The languages of the records.
#[derive(Clone, Copy, Debug, Deserialize, serde::Serialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Language {
    /// French.
    Fr,
    /// Dutch.
    Nl,
    /// English.
    En,
}

impl Labels {
    /// The label in one language.
    pub(crate) fn get(&self, language: Language) -> &str {
        match language {
            Language::Fr => &self.fr,
            Language::Nl => &self.nl,
            Language::En => &self.en,
        }
    }

    /// The label as it stands inside a sentence.
    pub(crate) fn inside(&self, language: Language) -> String {
        let label = self.get(language);
        let mut letters = label.chars();
        match (letters.next(), letters.next()) {
            // "XR" and "3D" keep their capitals.
            (Some(first), Some(second)) if second.is_lowercase() => {
                first.to_lowercase().chain(label.chars().skip(1)).collect()
            }
            _ => label.to_owned(),
        }
    }
}

impl Vocabulary {
    /// Reads the extract.
    ///
    /// # Errors
    /// Fails where the compiled-in file does not fit the types here.
    pub(crate) fn load() -> Result<Self, Failure> {
        serde_json::from_str(DATA).map_err(Failure::during("data/vocabulary.json"))
    }

    /// The labels of a sector.
    pub(crate) fn sector(&self, slug: &str) -> Option<&Labels> {
        self.sectors.iter().find(|sector| sector.slug == slug).map(|sector| &sector.labels)
    }
}
