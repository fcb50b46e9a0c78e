//! Places, sectors, occupations and terms: shipped with the program, held in memory, joined by no query.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use async_graphql::Enum;
use entity::JsonText;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::DomainError;
use crate::id;
use crate::read::keyed::hex;
use crate::value::{Language, LocalizedText, PartialDate, Url, fold};

pub mod graphql;

/// The small vocabularies of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum Vocabulary {
    /// Kinds of organizations: production company, school, fund.
    OrganizationKind,
    /// Kinds of partnerships: co-funding, membership, trade mission.
    PartnershipKind,
    /// Kinds of events and of their sessions.
    EventKind,
    /// Kinds of offers: stages, equipment, training.
    OfferKind,
    /// Genres of calls for projects.
    CallGenre,
    /// Families of occupations.
    OccupationFamily,
}

/// How a region takes part in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegionRole {
    /// Keeps its own records here.
    Member,
    /// Takes part through some of its organizations.
    Associated,
    /// Known because others refer to it.
    Context,
}

/// Labels by language, as the files have them.
#[derive(Clone, Debug, Default, Deserialize)]
struct Texts(serde_json::Map<String, serde_json::Value>);

impl Texts {
    /// The texts, that of `own` first.
    fn ordered(self, own: Language) -> Vec<LocalizedText> {
        let mut texts: Vec<LocalizedText> = self
            .0
            .into_iter()
            .filter_map(|(tag, text)| {
                let language = [Language::Fr, Language::Nl, Language::En, Language::De]
                    .into_iter()
                    .find(|language| language.tag() == tag)?;
                Some(LocalizedText { language, text: text.as_str()?.to_owned() })
            })
            .collect();
        // Stable: the others keep the order of the file.
        texts.sort_by_key(|text| text.language != own);
        texts
    }
}

/// Anything with a slug and labels, as the files have it.
#[derive(Debug, Deserialize)]
struct Entry<T> {
    slug: String,
    labels: Texts,
    #[serde(default)]
    definitions: Texts,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(flatten)]
    more: T,
}

/// An entry of a vocabulary.
#[derive(Debug)]
pub struct Term {
    /// Identity, made from type and slug: the same on every deployment.
    pub id: Uuid,
    /// Readable name, stable.
    pub slug: String,
    /// Labels by language, the entry's own language first.
    pub labels: Vec<LocalizedText>,
    /// Definitions by language.
    pub definitions: Vec<LocalizedText>,
    /// Other words that people use for it.
    pub aliases: Vec<String>,
}

impl Term {
    /// The label in a language, else the first one, else the slug.
    pub fn label(&self, language: Language) -> &str {
        let label =
            self.labels.iter().find(|label| label.language == language).or_else(|| self.labels.first());
        label.map_or(self.slug.as_str(), |label| label.text.as_str())
    }
}

/// A region.
#[derive(Debug)]
pub struct Region {
    /// The parts that all entries have.
    pub term: Term,
    /// How it takes part.
    pub role: RegionRole,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// NUTS 2024 code.
    pub nuts_code: Option<String>,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Last day of a region that was merged into its successor.
    pub valid_until: Option<PartialDate>,
    /// Slug of the region that continues it.
    pub successor: Option<String>,
    /// Official languages.
    pub languages: Vec<Language>,
}

/// A territory below a region.
#[derive(Debug)]
pub struct Territory {
    /// The parts that all entries have.
    pub term: Term,
    /// Slug of its region.
    pub region: String,
    /// Slug of the territory that it is part of.
    pub parent: Option<String>,
    /// NUTS 2024 code.
    pub nuts_code: Option<String>,
    /// Degrees north of its centroid.
    pub latitude: f64,
    /// Degrees east of its centroid.
    pub longitude: f64,
}

/// A sector of the image industry.
#[derive(Debug)]
pub struct Sector {
    /// The parts that all entries have.
    pub term: Term,
    /// Slug of the sector that it is part of.
    pub parent: Option<String>,
    /// NACE Rev. 2.1 classes.
    pub nace_codes: Vec<String>,
}

/// An occupation.
#[derive(Debug)]
pub struct Occupation {
    /// The parts that all entries have.
    pub term: Term,
    /// Slug of its family.
    pub family: String,
    /// ISCO-08 unit group.
    pub isco_code: Option<String>,
    /// ESCO occupation.
    pub esco_uri: Option<Url>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionFile {
    role: RegionRole,
    country: String,
    nuts_code: Option<String>,
    time_zone: String,
    valid_until: Option<PartialDate>,
    successor: Option<String>,
    languages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TerritoryFile {
    region: String,
    parent: Option<String>,
    nuts_code: Option<String>,
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SectorFile {
    parent: Option<String>,
    #[serde(default)]
    nace_codes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OccupationFile {
    family: String,
    isco_code: Option<String>,
    esco_uri: Option<Url>,
}

#[derive(Debug, Deserialize)]
struct LanguageFile {
    #[serde(rename = "iso6391")]
    two_letters: Option<String>,
    #[serde(rename = "iso6393")]
    three_letters: String,
}

#[derive(Debug, Deserialize)]
struct Nothing {}

/// Entries of one type, by slug and by id.
#[derive(Debug)]
pub struct Entries<T> {
    /// The entries, in the order of the file.
    pub all: Vec<T>,
    by_slug: HashMap<String, usize>,
    by_id: HashMap<Uuid, usize>,
    /// By folded label in each language. A label that two entries share is that of neither.
    by_label: HashMap<String, Option<usize>>,
}

/// An entry that has a slug.
pub trait Named {
    /// The parts that all entries have.
    fn term(&self) -> &Term;
}

impl Named for Term {
    fn term(&self) -> &Term {
        self
    }
}

macro_rules! named {
    ($($entry:ty),*) => {
        $(impl Named for $entry {
            fn term(&self) -> &Term {
                &self.term
            }
        })*
    };
}
named!(Region, Territory, Sector, Occupation);

impl<T: Named> Entries<T> {
    fn new(all: Vec<T>) -> Self {
        let by_slug = all.iter().enumerate().map(|(i, entry)| (entry.term().slug.clone(), i)).collect();
        let by_id = all.iter().enumerate().map(|(i, entry)| (entry.term().id, i)).collect();
        let mut by_label: HashMap<String, Option<usize>> = HashMap::new();
        for (i, entry) in all.iter().enumerate() {
            for label in &entry.term().labels {
                let found = by_label.entry(fold(&label.text)).or_insert(Some(i));
                *found = found.filter(|other| *other == i);
            }
        }
        Self { all, by_slug, by_id, by_label }
    }

    /// The entry of a slug.
    pub fn get(&self, slug: &str) -> Option<&T> {
        self.by_slug.get(slug).map(|i| &self.all[*i])
    }

    /// The entry of an id.
    pub fn by_id(&self, id: Uuid) -> Option<&T> {
        self.by_id.get(&id).map(|i| &self.all[*i])
    }

    /// The entry that a text means, which people write: its slug, or its label in any language, whatever the case and the
    /// accents.
    pub fn meant(&self, text: &str) -> Option<&T> {
        let by_label = || self.by_label.get(&fold(text.trim())).copied().flatten().map(|i| &self.all[i]);
        self.get(text).or_else(by_label)
    }

    /// The entry of a slug that somebody typed.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` on `argument` that names near matches, or all slugs where there are few.
    pub fn find(&self, argument: &str, what: &str, slug: &str) -> Result<&T, DomainError> {
        self.get(slug).ok_or_else(|| {
            let near = self.near(slug);
            let listed: Vec<String> = near.all().iter().map(|term| format!("`{}`", term.slug)).collect();
            let listed = listed.join(", ");
            let hint = match near {
                Near::Every(_) => format!("Known are {listed}."),
                Near::Some(_) => format!("Did you mean {listed}?"),
                Near::None => "See the schema's queries for all of them.".to_owned(),
            };
            DomainError::bad_input(argument, format!("There is no {what} `{}`. {hint}", shown(slug)))
        })
    }

    /// The slugs that somebody filters by, all known.
    ///
    /// # Errors
    /// See [`Entries::find`].
    pub fn checked(
        &self,
        argument: &str,
        what: &str,
        slugs: Option<&[String]>,
    ) -> Result<Vec<String>, DomainError> {
        let slugs = slugs.unwrap_or_default();
        slugs.iter().map(|slug| self.find(argument, what, slug).map(|_| slug.clone())).collect()
    }

    /// The entries that a word may mean which means none.
    pub fn near(&self, word: &str) -> Near<'_> {
        const FEW: usize = 12;
        const BEST: usize = 5;
        if self.all.len() <= FEW {
            return Near::Every(self.all.iter().map(Named::term).collect());
        }
        let cut: String = word.chars().take(60).collect();
        let word = fold(&cut);
        let mut scored: Vec<(f64, &Term)> = self
            .all
            .iter()
            .map(|entry| {
                let term = entry.term();
                let names =
                    term.labels.iter().map(|l| fold(&l.text)).chain(term.aliases.iter().map(|a| fold(a)));
                let names = names.chain([term.slug.replace('-', " ")]);
                let score = names.map(|name| likeness(&word, &name)).fold(0.0, f64::max);
                (score, term)
            })
            .filter(|(score, _)| *score >= 0.55)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.slug.cmp(&b.1.slug)));
        scored.truncate(BEST);
        let best: Vec<&Term> = scored.into_iter().map(|(_, term)| term).collect();
        if best.is_empty() { Near::None } else { Near::Some(best) }
    }
}

/// The entries of a vocabulary that an unknown word may mean.
#[derive(Debug)]
pub enum Near<'a> {
    /// All entries of a small vocabulary.
    Every(Vec<&'a Term>),
    /// Those that are most like the word.
    Some(Vec<&'a Term>),
    /// None is like it.
    None,
}

impl Near<'_> {
    /// The entries.
    pub fn all(&self) -> &[&Term] {
        match self {
            Self::Every(terms) | Self::Some(terms) => terms,
            Self::None => &[],
        }
    }
}

/// The beginning of a word that is unknown, for an error.
pub fn shown(word: &str) -> String {
    word.chars().take(60).flat_map(char::escape_debug).collect()
}

/// How alike two folded names are, from 0 to 1: by edits, or by one beginning with the other.
fn likeness(a: &str, b: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(a, b);
    // Short aliases (`DA`, `FX`) begin too many words to mean anything.
    let begins = |whole: &str, part: &str, least| part.chars().count() >= least && whole.starts_with(part);
    let begins = begins(b, a, 3) || begins(a, b, 4);
    if begins { edits.max(0.8) } else { edits }
}

/// The facet under which the lists show what belongs to a sector.
pub fn sector_facet(slug: &str) -> String {
    format!("s:{slug}")
}

/// The facet under which the lists show who has an occupation.
pub fn occupation_facet(slug: &str) -> String {
    format!("o:{slug}")
}

/// The facet under which the lists show what is for a genre.
pub fn genre_facet(slug: &str) -> String {
    format!("g:{slug}")
}

/// The genre of a facet; none of another facet.
pub fn genre_of_facet(facet: &str) -> Option<&str> {
    facet.strip_prefix("g:")
}

/// The facets under which a record with these sectors and occupations is listed.
pub fn facets<'a>(sectors: impl IntoIterator<Item = &'a String>, occupations: &[String]) -> JsonText {
    facets_with(sectors, occupations.iter().map(|slug| occupation_facet(slug)))
}

/// The facets under which a record with these sectors, and with these other facets, is listed.
pub fn facets_with<'a>(
    sectors: impl IntoIterator<Item = &'a String>,
    others: impl IntoIterator<Item = String>,
) -> JsonText {
    let sectors = sectors.into_iter().flat_map(|slug| vocabularies().sector_with_ancestors(slug));
    let facets = sectors.map(|slug| sector_facet(slug)).chain(others);
    JsonText::of(&facets.chain([String::new()]).collect::<BTreeSet<_>>())
}

/// The regions under which a record is listed: these, and all of them together.
pub fn list_regions<'a>(regions: impl IntoIterator<Item = &'a str>) -> JsonText {
    JsonText::of(&regions.into_iter().chain([""]).collect::<BTreeSet<_>>())
}

/// The facets of a filter by sectors.
///
/// # Errors
/// `BAD_USER_INPUT` for an unknown slug.
pub fn sector_facets(argument: &str, slugs: Option<&[String]>) -> Result<Vec<Vec<String>>, DomainError> {
    let checked = vocabularies().sectors.checked(argument, "sector", slugs)?;
    Ok(if checked.is_empty() {
        Vec::new()
    } else {
        vec![checked.iter().map(|slug| sector_facet(slug)).collect()]
    })
}

/// The territories of a filter with all those within them.
///
/// # Errors
/// `BAD_USER_INPUT` for an unknown slug.
pub fn territories_within(slugs: &[String]) -> Result<Vec<String>, DomainError> {
    let all = vocabularies();
    let checked = all.territories.checked("filter.territories", "territory", Some(slugs))?;
    Ok(checked.iter().flat_map(|slug| all.territory_with_descendants(slug)).cloned().collect())
}

/// All vocabularies.
#[derive(Debug)]
pub struct Vocabularies {
    /// Regions.
    pub regions: Entries<Region>,
    /// Territories.
    pub territories: Entries<Territory>,
    /// Sectors.
    pub sectors: Entries<Sector>,
    /// Occupations.
    pub occupations: Entries<Occupation>,
    /// Languages that talents speak, by their ISO 639-1 code, else ISO 639-3.
    pub languages: Entries<Term>,
    terms: HashMap<Vocabulary, Entries<Term>>,
    descendants: HashMap<String, Vec<String>>,
    ancestors: HashMap<String, Vec<String>>,
    territory_descendants: HashMap<String, Vec<String>>,
}

impl Vocabularies {
    /// The terms of a vocabulary.
    pub fn terms(&self, vocabulary: Vocabulary) -> &Entries<Term> {
        // Every value of the enum is loaded, see `load`; the test below goes through them.
        &self.terms[&vocabulary]
    }

    /// A sector and all sectors below it.
    pub fn sector_with_descendants(&self, slug: &str) -> &[String] {
        self.descendants.get(slug).map_or(&[], Vec::as_slice)
    }

    /// A sector and all sectors above it.
    pub fn sector_with_ancestors(&self, slug: &str) -> &[String] {
        self.ancestors.get(slug).map_or(&[], Vec::as_slice)
    }

    /// A territory and all territories below it.
    pub fn territory_with_descendants(&self, slug: &str) -> &[String] {
        self.territory_descendants.get(slug).map_or(&[], Vec::as_slice)
    }
}

/// The vocabularies of this program.
pub fn vocabularies() -> &'static Vocabularies {
    static ALL: LazyLock<Vocabularies> = LazyLock::new(load);
    &ALL
}

/// Reads one of the files that are part of the program.
#[expect(clippy::expect_used, reason = "the files are compiled in, and a test reads them all")]
fn entries<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<Entry<T>> {
    serde_json::from_str(text).expect("a vocabulary file is valid")
}

fn term<T>(type_name: &str, own: Language, entry: Entry<T>) -> (Term, T) {
    let term = Term {
        id: id::of_vocabulary(type_name, &entry.slug),
        slug: entry.slug,
        labels: entry.labels.ordered(own),
        definitions: entry.definitions.ordered(own),
        aliases: entry.aliases,
    };
    (term, entry.more)
}

fn language(tag: &str) -> Language {
    [Language::Nl, Language::En, Language::De].into_iter().find(|l| l.tag() == tag).unwrap_or(Language::Fr)
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../data/vocabularies/", $name, ".json"))
    };
}

/// The files of the vocabularies as they are compiled in: what is derived from them can be told from what was
/// derived from others.
pub const FILES: [&str; 11] = [
    file!("regions"),
    file!("territories"),
    file!("sectors"),
    file!("occupations"),
    file!("languages"),
    file!("organization_kinds"),
    file!("partnership_kinds"),
    file!("event_kinds"),
    file!("offer_kinds"),
    file!("call_genres"),
    file!("occupation_families"),
];

/// Hash of all vocabularies, in hexadecimal.
pub fn hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let mut hash = Sha256::new();
        for file in FILES {
            hash.update(file);
        }
        hex(&hash.finalize())
    });
    &HASH
}

fn load() -> Vocabularies {
    let regions: Vec<Region> = entries::<RegionFile>(file!("regions"))
        .into_iter()
        .map(|entry| {
            let languages: Vec<Language> = entry.more.languages.iter().map(|tag| language(tag)).collect();
            let own = languages.first().copied().unwrap_or(Language::Fr);
            let (term, more) = term("region", own, entry);
            Region {
                term,
                role: more.role,
                country: more.country,
                nuts_code: more.nuts_code,
                time_zone: more.time_zone,
                valid_until: more.valid_until,
                successor: more.successor,
                languages,
            }
        })
        .collect();
    let own_of = |slug: &str| {
        let region = regions.iter().find(|region| region.term.slug == slug);
        region.and_then(|region| region.languages.first().copied()).unwrap_or(Language::Fr)
    };
    let territories: Vec<Territory> = entries::<TerritoryFile>(file!("territories"))
        .into_iter()
        .map(|entry| {
            let own = own_of(&entry.more.region);
            let (term, more) = term("territory", own, entry);
            let TerritoryFile { region, parent, nuts_code, latitude, longitude } = more;
            Territory { term, region, parent, nuts_code, latitude, longitude }
        })
        .collect();
    // The vocabularies were written in French first.
    let sectors: Vec<Sector> = entries::<SectorFile>(file!("sectors"))
        .into_iter()
        .map(|entry| {
            let (term, more) = term("sector", Language::Fr, entry);
            Sector { term, parent: more.parent, nace_codes: more.nace_codes }
        })
        .collect();
    let occupations = entries::<OccupationFile>(file!("occupations")).into_iter().map(|entry| {
        let (term, more) = term("occupation", Language::Fr, entry);
        Occupation { term, family: more.family, isco_code: more.isco_code, esco_uri: more.esco_uri }
    });
    let languages = entries::<LanguageFile>(file!("languages")).into_iter().map(|entry| {
        let (mut term, codes) = term("language", Language::Fr, entry);
        term.slug = codes.two_letters.unwrap_or(codes.three_letters);
        term
    });
    let terms = |type_name: &str, text: &str| {
        let all = entries::<Nothing>(text).into_iter().map(|entry| term(type_name, Language::Fr, entry).0);
        Entries::new(all.collect())
    };
    let sector_parents: Vec<(&str, Option<&str>)> =
        sectors.iter().map(|s| (s.term.slug.as_str(), s.parent.as_deref())).collect();
    let territory_parents: Vec<(&str, Option<&str>)> =
        territories.iter().map(|t| (t.term.slug.as_str(), t.parent.as_deref())).collect();
    let ancestors = ancestors(&sector_parents);
    Vocabularies {
        descendants: inverted(&ancestors),
        territory_descendants: inverted(&self::ancestors(&territory_parents)),
        ancestors,
        regions: Entries::new(regions),
        territories: Entries::new(territories),
        sectors: Entries::new(sectors),
        occupations: Entries::new(occupations.collect()),
        languages: Entries::new(languages.collect()),
        terms: HashMap::from([
            (Vocabulary::OrganizationKind, terms("organization_kind", file!("organization_kinds"))),
            (Vocabulary::PartnershipKind, terms("partnership_kind", file!("partnership_kinds"))),
            (Vocabulary::EventKind, terms("event_kind", file!("event_kinds"))),
            (Vocabulary::OfferKind, terms("offer_kind", file!("offer_kinds"))),
            (Vocabulary::CallGenre, terms("call_genre", file!("call_genres"))),
            (Vocabulary::OccupationFamily, terms("occupation_family", file!("occupation_families"))),
        ]),
    }
}

/// Each entry with itself and all entries above it, nearest first.
fn ancestors(parents: &[(&str, Option<&str>)]) -> HashMap<String, Vec<String>> {
    let parent_of: HashMap<&str, Option<&str>> = parents.iter().copied().collect();
    let line = |slug: &str| {
        let mut line = vec![slug.to_owned()];
        let mut next = parent_of.get(slug).copied().flatten();
        while let Some(parent) = next.filter(|parent| !line.iter().any(|seen| seen == parent)) {
            line.push(parent.to_owned());
            next = parent_of.get(parent).copied().flatten();
        }
        line
    };
    parents.iter().map(|(slug, _)| ((*slug).to_owned(), line(slug))).collect()
}

/// Each entry with itself and all entries below it.
fn inverted(ancestors: &HashMap<String, Vec<String>>) -> HashMap<String, Vec<String>> {
    let mut below: HashMap<String, Vec<String>> = HashMap::new();
    for (slug, line) in ancestors {
        for ancestor in line {
            below.entry(ancestor.clone()).or_default().push(slug.clone());
        }
    }
    for slugs in below.values_mut() {
        slugs.sort_unstable();
    }
    below
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::*;

    #[test]
    fn every_file_is_read_and_every_reference_resolves() {
        let all = vocabularies();
        for vocabulary in Vocabulary::items() {
            assert!(!all.terms(vocabulary.value).all.is_empty());
        }
        assert_eq!((all.regions.all.len(), all.territories.all.len(), all.sectors.all.len()), (7, 29, 73));
        for territory in &all.territories.all {
            assert!(all.regions.get(&territory.region).is_some());
            assert!(territory.parent.as_ref().is_none_or(|parent| all.territories.get(parent).is_some()));
        }
        for sector in &all.sectors.all {
            assert!(sector.parent.as_ref().is_none_or(|parent| all.sectors.get(parent).is_some()));
        }
        for occupation in &all.occupations.all {
            assert!(all.terms(Vocabulary::OccupationFamily).get(&occupation.family).is_some());
        }
    }

    #[test]
    fn a_sector_stands_for_its_descendants() {
        let all = vocabularies();
        assert!(all.sector_with_descendants("cinema-audiovisuel").contains(&"cinema".to_owned()));
        assert!(all.sector_with_ancestors("cinema").contains(&"cinema-audiovisuel".to_owned()));
        assert!(!all.sector_with_descendants("cinema").contains(&"cinema-audiovisuel".to_owned()));
    }

    #[test]
    fn a_mistyped_slug_names_near_matches() {
        let error =
            vocabularies().sectors.find("filter.sectors", "sector", "cinéma-audiovisual").unwrap_err();
        assert!(error.to_string().contains("`cinema-audiovisuel`"), "{error}");
        let error = vocabularies().regions.find("filter.regions", "region", "wallonia").unwrap_err();
        assert!(error.to_string().contains("`wallonie`"), "{error}");
    }
}
