//! The document of a record in the index: words by weight, values to filter by, a location.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::kind::{SearchFacet, SearchType};
use kernel::error::DomainError;
use kernel::lookup::Key;
use kernel::node::{Node, rows};
use kernel::reader::Reader;
use kernel::value::{LocalizedText, fold, sort_key};
use kernel::vocabulary::{self, Named, Term, Vocabulary, vocabularies};

/// Increment it when documents get other words or values, or when an index may hold documents that do not belong there:
/// those of version 1 kept duplicates that were merged.
const VERSION: u32 = 3;

/// The name of the present form of documents. It changes with the vocabularies, as documents hold their labels and
/// aliases. An index with another name is built anew.
pub fn layout() -> &'static str {
    static LAYOUT: LazyLock<String> = LazyLock::new(|| {
        let mut hash = Sha256::new();
        hash.update(VERSION.to_be_bytes());
        for file in vocabulary::FILES {
            hash.update(file);
        }
        hash.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    });
    &LAYOUT
}

/// A record that can be found.
pub trait Searchable: Node {
    /// The type.
    const OF: SearchType;
    /// The groups of columns that its names need.
    const NAMED: Self::Columns;
    /// The groups of columns that its document needs.
    const SEARCHED: Self::Columns;
    /// Its id and its revision.
    fn version(&self) -> (Uuid, i32);
    /// Its names, the main one first.
    fn names(&self) -> Vec<Text>;
    /// Adds everything but the names to its document.
    fn describe(&self, document: &mut Document);
}

/// Reads the document of each id, in order, as the reader's viewer may see the record; `None` where it is hidden.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn documents<N: Searchable>(
    reader: &Reader,
    ids: &[Uuid],
) -> Result<Vec<Option<Document>>, DomainError> {
    let found = rows::<N>(reader, own(ids), N::SEARCHED).await?;
    let document = |node: N| {
        let (id, revision) = node.version();
        let mut document = Document::new(N::OF, id, revision, node.names());
        node.describe(&mut document);
        document
    };
    Ok(found.into_iter().map(|node| node.map(document)).collect())
}

/// Reads the names of each id, in order, that the reader's viewer may see, the main name first; `None` where the record
/// is hidden.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn names<N: Searchable>(
    reader: &Reader,
    ids: &[Uuid],
) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
    let found = rows::<N>(reader, own(ids), N::NAMED).await?;
    Ok(found.into_iter().map(|node| node.map(|node| node.names())).collect())
}

fn own(ids: &[Uuid]) -> Vec<Key> {
    ids.iter().map(|id| Key::Own(*id)).collect()
}

/// A text of a record, and the field of the schema that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Name of the field.
    pub field: &'static str,
    /// The text.
    pub text: String,
}

/// A record as one audience may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The record.
    pub id: Uuid,
    /// Its type.
    pub of: SearchType,
    /// Its revision.
    pub revision: i32,
    /// Its names, the main one first: acronyms, former and variant names count as names.
    pub names: Vec<Text>,
    /// Texts about it.
    pub texts: Vec<Text>,
    /// Labels and aliases of its vocabulary entries, in every language.
    pub labels: Vec<String>,
    /// Values to filter by and to count.
    pub values: Vec<(SearchFacet, String)>,
    /// Degrees north and east, where known.
    pub location: Option<(f64, f64)>,
}

impl Document {
    /// A document of this record with its names alone.
    pub fn new(of: SearchType, id: Uuid, revision: i32, names: Vec<Text>) -> Self {
        Self {
            id,
            of,
            revision,
            names,
            texts: Vec::new(),
            labels: Vec::new(),
            values: vec![(SearchFacet::Type, kernel::name_of(of).to_owned())],
            location: None,
        }
    }

    /// The main name.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", |name| &name.text)
    }

    /// The first bytes of the main name's sort key: hits with equal scores come in this order.
    pub fn order(&self) -> u64 {
        let mut first = [0; 8];
        first.iter_mut().zip(sort_key(self.name())).for_each(|(to, from)| *to = from);
        u64::from_be_bytes(first)
    }

    /// Adds a text that a field shows.
    pub fn text(&mut self, field: &'static str, text: impl Into<String>) {
        self.texts.push(Text { field, text: text.into() });
    }

    /// Adds a text in all its languages.
    pub fn localized(&mut self, field: &'static str, texts: &[LocalizedText]) {
        self.texts.extend(texts.iter().map(|one| Text { field, text: one.text.clone() }));
    }

    fn words(&mut self, term: &Term) {
        self.labels.extend(term.labels.iter().map(|label| label.text.clone()));
        self.labels.extend(term.aliases.iter().cloned());
    }

    fn value(&mut self, facet: SearchFacet, value: &str) {
        let value = (facet, value.to_owned());
        if !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    /// Adds sectors and their ancestors.
    pub fn sectors(&mut self, slugs: &[String]) {
        let all = vocabularies();
        for slug in slugs.iter().flat_map(|slug| all.sector_with_ancestors(slug)) {
            if let Some(sector) = all.sectors.get(slug) {
                self.words(sector.term());
                self.value(SearchFacet::Sector, slug);
            }
        }
    }

    /// Adds occupations. Their families are left out: the words of these would find too much.
    pub fn occupations(&mut self, slugs: &[String]) {
        for occupation in slugs.iter().filter_map(|slug| vocabularies().occupations.get(slug)) {
            self.words(occupation.term());
            self.value(SearchFacet::Occupation, &occupation.term().slug);
        }
    }

    /// Adds kinds of a vocabulary.
    pub fn kinds<'a>(&mut self, vocabulary: Vocabulary, slugs: impl IntoIterator<Item = &'a str>) {
        for term in slugs.into_iter().filter_map(|slug| vocabularies().terms(vocabulary).get(slug)) {
            self.words(term);
            self.value(SearchFacet::Kind, &term.slug);
        }
    }

    /// Adds a territory and its ancestors. The record is located at the centre of it unless it has a location already.
    pub fn territory(&mut self, slug: Option<&str>) {
        let mut next = slug;
        while let Some(territory) = next.and_then(|slug| vocabularies().territories.get(slug)) {
            self.words(territory.term());
            self.value(SearchFacet::Territory, &territory.term().slug);
            self.location = self.location.or(Some((territory.latitude, territory.longitude)));
            next = territory.parent.as_deref();
        }
    }

    /// Adds regions.
    pub fn regions<'a>(&mut self, slugs: impl IntoIterator<Item = &'a str>) {
        for region in slugs.into_iter().filter_map(|slug| vocabularies().regions.get(slug)) {
            self.words(region.term());
            self.value(SearchFacet::Region, &region.term().slug);
        }
    }

    /// Adds skills, as values and as texts.
    pub fn skills(&mut self, skills: &[String]) {
        for skill in skills {
            self.text("skills", skill.clone());
            self.value(SearchFacet::Skill, &fold(skill));
        }
    }

    /// Adds languages, by their codes.
    pub fn languages<'a>(&mut self, codes: impl IntoIterator<Item = &'a str>) {
        for code in codes {
            self.value(SearchFacet::Language, code);
        }
    }

    /// Adds a status.
    pub fn status(&mut self, name: &str) {
        self.value(SearchFacet::Status, name);
    }

    /// Adds genres.
    pub fn genres<'a>(&mut self, slugs: impl IntoIterator<Item = &'a str>) {
        let genres = vocabularies().terms(Vocabulary::CallGenre);
        for term in slugs.into_iter().filter_map(|slug| genres.get(slug)) {
            self.words(term);
            self.value(SearchFacet::Genre, &term.slug);
        }
    }

    /// Adds a mode.
    pub fn mode(&mut self, name: &str) {
        self.value(SearchFacet::Mode, name);
    }

    /// Adds an availability.
    pub fn availability(&mut self, name: &str) {
        self.value(SearchFacet::Availability, name);
    }
}
