//! Search in the database: names that begin with the text that was typed.
//!
//! It is the fallback while the engine cannot answer. It also finds private records, which are in no index: only their
//! owners and the staff of their region may see them.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::found;
use directory::KINDS;
use index::document::Document;
use index::engine::{Found, Hit, MAX_FACET_VALUES, Query};
use index::kind::SearchType;
use kernel::error::DomainError;
use kernel::geo::{chord_squared, unit_vector};
use kernel::policy::Visibility;
use kernel::read::{KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::reader::Reader;
use kernel::value::sort_key;

/// Hits at most.
const MAX_HITS: usize = 50;
/// Names of each type that are read before the filters apply, at most.
const CANDIDATES: u32 = 200;

/// Hits with the sort key of their name, which orders them, and their documents.
type Hits = Vec<(Vec<u8>, Hit, Document)>;

/// Finds the records of these types that are in an index, whose name begins with `text`, and that pass the filters.
/// Facets are not counted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    types: &[SearchType],
    text: &str,
    query: &Query,
) -> Result<Found, DomainError> {
    let mut hits = Hits::new();
    for of in types {
        let sees = reader.viewer.level_condition("l.visibility");
        // `own` finds private records, for administrators too.
        let indexed = format!("{sees} AND l.visibility < {}", Visibility::Private.code());
        let everywhere = vec![prefix(vec![KeyValue::Text(String::new())], text)];
        let candidates = names(reader, *of, BY_REGION, &indexed, everywhere).await?;
        hits.extend(fitting(reader, *of, candidates, query, 0.5).await?);
    }
    let hits = first(hits);
    let total = hits.len() as u64;
    let page = hits.into_iter().skip(query.offset).take(query.limit);
    Ok(Found { hits: page.map(|(_, hit, _)| hit).collect(), total, facets: Vec::new() })
}

/// Private records that were found by their name: they are in no index.
#[derive(Debug, Default)]
pub struct Own(Hits);

/// Finds the private records of these types that the viewer may see, and whose name begins with `text`.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn own(
    reader: &Reader,
    types: &[SearchType],
    text: &str,
    query: &Query,
) -> Result<Own, DomainError> {
    let viewer = &reader.viewer;
    if !viewer.sees_private() {
        return Ok(Own::default());
    }
    let own = || viewer.insider_regions().into_iter().map(str::to_owned).collect();
    let regions: Vec<String> = if viewer.admin { vec![String::new()] } else { own() };
    let mut hits = Hits::new();
    for of in types {
        // The list of a region also has records of other regions that serve it. Hidden ones are excluded here, so that
        // they take no place among the candidates and cost no further statement.
        let private = format!(
            "l.visibility = {} AND EXISTS (SELECT 1 FROM {} AS r WHERE r.id = l.id AND {})",
            Visibility::Private.code(),
            of.table(),
            KINDS.of(of.record_type()).sees(viewer, reader.dialect(), "r"),
        );
        let keys = regions.iter().map(|region| prefix(vec![KeyValue::Text(region.clone())], text));
        let mut candidates = names(reader, *of, BY_REGION, &private, keys.collect()).await?;
        let keys = viewer.owns.iter().map(|id| prefix(vec![KeyValue::Id(*id)], text));
        candidates.extend(names(reader, *of, BY_ID, &private, keys.collect()).await?);
        hits.extend(fitting(reader, *of, candidates, query, 1.0).await?);
    }
    Ok(Own(first(hits)))
}

impl Own {
    /// Returns the query to the engine for the rest of a page: these hits come before those of the engine.
    pub fn rest(&self, query: &Query) -> Query {
        let before = self.0.len();
        let taken = before.saturating_sub(query.offset).min(query.limit);
        let offset = query.offset.saturating_sub(before);
        Query { offset, limit: query.limit - taken, ..query.clone() }
    }

    /// Puts the hits of the page before those of the engine, and adds all hits to the total and to the facets.
    pub fn before(self, mut found: Found, query: &Query) -> Found {
        for (facet, values) in &mut found.facets {
            for (_, _, document) in &self.0 {
                for (_, value) in document.values.iter().filter(|(of, _)| of == facet) {
                    match values.iter_mut().find(|(known, _)| known == value) {
                        Some((_, count)) => *count += 1,
                        None => values.push((value.clone(), 1)),
                    }
                }
            }
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(MAX_FACET_VALUES);
        }
        found.total += self.0.len() as u64;
        let page = self.0.into_iter().skip(query.offset).take(query.limit);
        found.hits.splice(0..0, page.map(|(_, hit, _)| hit));
        found
    }
}

/// Returns the first hits by name, each once.
fn first(mut hits: Hits) -> Hits {
    hits.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    hits.dedup_by_key(|(_, hit, _)| hit.id);
    hits.truncate(MAX_HITS);
    hits
}

/// Reads the candidates, and returns those that the viewer may see and that pass the filters.
async fn fitting(
    reader: &Reader,
    of: SearchType,
    candidates: Vec<(Vec<u8>, Uuid)>,
    query: &Query,
    score: f64,
) -> Result<Hits, DomainError> {
    let ids: BTreeSet<Uuid> = candidates.iter().map(|(_, id)| *id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Hits::new());
    }
    let mut documents: HashMap<Uuid, Document> = ids
        .iter()
        .copied()
        .zip(found::documents(of, reader, &ids).await?)
        .filter_map(|(id, one)| Some((id, one?)))
        .collect();
    let fitting = candidates.into_iter().filter_map(|(key, id)| {
        let document = documents.remove(&id).filter(|document| fits(document, query))?;
        Some((key, Hit { id, of, score }, document))
    });
    Ok(fitting.collect())
}

/// Reads for each text, in order, the ids of organizations whose name begins with it: the first `most` by name. One
/// statement reads those of all texts.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizations(
    reader: &Reader,
    texts: &[&str],
    most: usize,
) -> Result<Vec<Vec<Uuid>>, DomainError> {
    let dialect = reader.dialect();
    let (table, list) = (SearchType::Organization.table(), SearchType::Organization.list());
    let keys = KeyColumns::new(&[("low", KeyType::Bytes), ("high", KeyType::Bytes)]);
    let sees = reader.viewer.level_condition("l.visibility");
    let inner = format!(
        "SELECT l.id FROM {list} AS l WHERE l.facet = '' AND l.region = '' AND l.name_key >= k.low \
         AND l.name_key < k.high AND {sees} ORDER BY l.name_key, l.id LIMIT {most}"
    );
    let sql = format!(
        "SELECT k.n, r.id FROM {} {} ORDER BY k.n, r.name_key, r.id",
        keys.source(dialect),
        dialect.join_some(table, "id", &inner),
    );
    let mut found: Vec<Vec<Uuid>> = texts.iter().map(|_| Vec::new()).collect();
    let rows = texts.iter().map(|text| prefix(KeyRow::new(), text)).collect();
    for (position, mut row) in reader.db.read(&KeyedStatement { sql, keys }, rows).await? {
        found[position].push(row.get()?);
    }
    Ok(found)
}

fn fits(document: &Document, query: &Query) -> bool {
    let one_of = |(facet, values): &(_, Vec<String>)| {
        document.values.iter().any(|(of, value)| of == facet && values.contains(value))
    };
    query.filters.iter().all(one_of)
        && query.near.is_none_or(|(latitude, longitude, km)| {
            document.location.is_some_and(|(north, east)| {
                let (from, to) = (unit_vector(latitude, longitude), unit_vector(north, east));
                from.iter().zip(to).map(|(a, b)| (a - b).powi(2)).sum::<f64>() <= chord_squared(km)
            })
        })
}

/// Key column and join condition of names in the list of a region, and of the name of one record.
const BY_REGION: (&str, KeyType, &str) = ("region", KeyType::Text, "l.facet = '' AND l.region = k.region");
const BY_ID: (&str, KeyType, &str) = ("id", KeyType::Id, "l.facet = '' AND l.region = '' AND l.id = k.id");

/// Adds the range of names that begin with a text to a key.
fn prefix(mut key: KeyRow, text: &str) -> KeyRow {
    let low = beginning(text);
    let mut high = low.clone();
    high.extend([0xff; 4]);
    key.extend([KeyValue::Bytes(low), KeyValue::Bytes(high)]);
    key
}

/// Reads names in their order, as a range of the list's index.
async fn names(
    reader: &Reader,
    of: SearchType,
    (key, key_type, by): (&str, KeyType, &str),
    sees: &str,
    wanted: Vec<KeyRow>,
) -> Result<Vec<(Vec<u8>, Uuid)>, DomainError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = reader.dialect();
    let list = of.list();
    let keys = KeyColumns::new(&[(key, key_type), ("low", KeyType::Bytes), ("high", KeyType::Bytes)]);
    let sql = format!(
        "SELECT k.n, l.name_key, l.id FROM {} {} {list} AS l ON {by} \
         AND l.name_key >= k.low AND l.name_key < k.high AND {sees} ORDER BY l.name_key, l.id LIMIT {CANDIDATES}",
        keys.source(dialect),
        dialect.join(),
    );
    // `LIMIT` spans all keys, so the statement must not be shared with other readers.
    let rows = reader.db.read_alone(&KeyedStatement { sql, keys }, wanted).await?;
    rows.into_iter().map(|(_, mut row)| Ok((row.get()?, row.get()?))).collect()
}

/// Returns the common prefix of the sort keys of all names that begin with these letters, without regard to accents and
/// case: the weights of the first level (Unicode Technical Standard #10, section 7.3).
fn beginning(text: &str) -> Vec<u8> {
    let mut key = sort_key(text);
    if let Some(end) = key.iter().position(|byte| *byte == 1) {
        key.truncate(end);
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_begin_with_their_beginnings(name in "[A-Za-zéèïœŒ0-9' -]{1,40}", cut in 1_usize..40) {
            let name = name.trim();
            let typed: String = name.chars().take(cut).collect();
            let typed = typed.trim().to_uppercase();
            prop_assert!(sort_key(name).starts_with(&beginning(&typed)), "{typed} {name}");
        }
    }
}
