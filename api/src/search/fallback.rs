//! Answers from the database while the engine cannot answer: names that begin with what was typed.

use uuid::Uuid;

use super::SearchType;
use super::document::Document;
use super::engine::{Found, Hit, Query};
use crate::record::error::DomainError;
use crate::record::geo::{chord_squared, unit_vector};
use crate::record::read::{KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use crate::record::reader::Reader;
use crate::record::value::sort_key;

/// Hits at most.
const MAX_HITS: usize = 50;
/// Names of each type that are looked at, before the filters.
const CANDIDATES: u32 = 200;

/// The records of these types whose name begins with `text`, as far as the filters let them through. Nothing is
/// counted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    types: &[SearchType],
    text: &str,
    query: &Query,
) -> Result<Found, DomainError> {
    let mut hits: Vec<(Vec<u8>, Hit)> = Vec::new();
    for of in types {
        let candidates = names(reader, *of, text).await?;
        let ids: Vec<Uuid> = candidates.iter().map(|(_, id)| *id).collect();
        let documents = of.documents(reader, &ids).await?;
        let fitting = candidates
            .into_iter()
            .zip(documents)
            .filter(|(_, document)| document.as_ref().is_some_and(|document| fits(document, query)));
        hits.extend(fitting.map(|((key, id), _)| (key, Hit { id, of: *of, score: 0.5 })));
    }
    hits.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    hits.truncate(MAX_HITS);
    let total = hits.len() as u64;
    let page = hits.into_iter().skip(query.offset).take(query.limit);
    Ok(Found { hits: page.map(|(_, hit)| hit).collect(), total, facets: Vec::new() })
}

/// For each text, in order, ids of the organizations whose name begins with it: so many at most, by name. One
/// statement for all texts.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizations(
    reader: &Reader,
    texts: &[&str],
    most: usize,
) -> Result<Vec<Vec<Uuid>>, DomainError> {
    let dialect = reader.dialect();
    let (table, list) = SearchType::Organization.tables();
    let keys = KeyColumns::new(&[("low", KeyType::Bytes), ("high", KeyType::Bytes)]);
    let sees = reader.viewer.level_condition("l.visibility");
    let inner = format!(
        "SELECT l.id FROM {list} AS l WHERE l.facet = '' AND l.region = '' AND l.name_key >= k.low \
         AND l.name_key < k.high AND {sees} ORDER BY l.name_key, l.id LIMIT {most}"
    );
    let sql = format!(
        "SELECT k.n, r.id FROM {} {} ORDER BY k.n, r.name_key, r.id",
        keys.source(dialect),
        dialect.join_some(table, &inner),
    );
    let mut found: Vec<Vec<Uuid>> = texts.iter().map(|_| Vec::new()).collect();
    let rows = texts.iter().map(|text| range(text)).collect();
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

/// Names in their order, by the list that orders them anyway.
async fn names(reader: &Reader, of: SearchType, text: &str) -> Result<Vec<(Vec<u8>, Uuid)>, DomainError> {
    let dialect = reader.dialect();
    let (_, list) = of.tables();
    let keys = KeyColumns::new(&[("low", KeyType::Bytes), ("high", KeyType::Bytes)]);
    let sees = reader.viewer.level_condition("l.visibility");
    let sql = format!(
        "SELECT k.n, l.name_key, l.id FROM {} {} {list} AS l ON l.facet = '' AND l.region = '' \
         AND l.name_key >= k.low AND l.name_key < k.high AND {sees} ORDER BY l.name_key, l.id LIMIT {CANDIDATES}",
        keys.source(dialect),
        dialect.join(),
    );
    // The limit is the whole statement's: it must not carry another reader's key.
    let rows = reader.db.read_alone(&KeyedStatement { sql, keys }, vec![range(text)]).await?;
    rows.into_iter().map(|(_, mut row)| Ok((row.get()?, row.get()?))).collect()
}

/// The ends of the part of the list in which names begin with a text.
fn range(text: &str) -> KeyRow {
    let low = beginning(text);
    let mut high = low.clone();
    high.extend([0xff; 4]);
    vec![KeyValue::Bytes(low), KeyValue::Bytes(high)]
}

/// The bytes with which the keys of all names begin that begin with these letters, whatever their accents and
/// case: the part of the key before its first level ends (Unicode Technical Standard #10, section 7.3).
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
