//! Slugs and identifiers: unique within a type, and former slugs still resolve.
//!
//! A name of a hidden record is not refused: a refusal would reveal the hidden record to anybody who guesses its name.
//! A requested slug gets digits instead, like a generated one. A requested identifier is stored with the record.
//! Lookups by it still find the hidden record, until somebody who sees both records merges them. Only the digits in the
//! slug of a record that was really written remain as a hint.

use std::collections::HashMap;

use sea_orm::DbErr;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::write::{Batch, Draft, Kind, Numbered, RecordRow as _, rows_of};
use kernel::error::DomainError;
use kernel::input::IdentifierInput;
use kernel::messages::{self, FilledMessage};
use kernel::problem::{Problem, Problems};
use kernel::read::keyed::hex;
use kernel::read::{KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::Identifier;
use kernel::value::slug::MAX_SLUG;

/// A slug with digits that distinguish it from a namesake's. The digits are derived from the salt.
fn with_salt(slug: &str, salt: &str, round: usize) -> String {
    let hash = Sha256::digest(salt);
    let digits = hex(&hash[..2 + 2 * round]);
    let room = MAX_SLUG - digits.len() - 1;
    let cut = &slug[..slug.len().min(room)];
    format!("{}-{digits}", cut.trim_end_matches('-'))
}

/// The record that has a slug or an identifier.
#[derive(Clone, Copy, Debug)]
struct Owner {
    id: Uuid,
    /// Whether the writer sees it.
    is_seen: bool,
}

/// For the table `alias` of slugs or identifiers: the columns `record_id` and whether the writer sees that record, and
/// the join for the latter. A batch without a reader sees everything.
fn owner_of<K: Kind>(batch: &Batch<'_>, alias: &str) -> (String, String) {
    let Some(viewer) = batch.reader.as_deref() else {
        return (format!("{alias}.record_id, TRUE"), String::new());
    };
    let seen = K::sees(viewer, batch.dialect, "o");
    let join = format!("LEFT JOIN {} AS o ON o.id = {alias}.record_id AND {seen}", K::TYPE.prefix());
    (format!("{alias}.record_id, o.id IS NOT NULL"), join)
}

/// The owners of these slugs.
async fn taken<K: Kind>(
    batch: &Batch<'_>,
    slugs: Vec<String>,
) -> Result<HashMap<String, Owner>, DomainError> {
    let keys = KeyColumns::new(&[("slug", KeyType::Text)]);
    let (columns, join) = owner_of::<K>(batch, "s");
    let sql = format!(
        "SELECT k.n, s.slug, {columns} FROM {} {} {join} ORDER BY k.n",
        keys.source(batch.dialect),
        batch.dialect.join_one(
            "record_slug",
            "s",
            &format!("s.record_type = '{}' AND s.slug = k.slug", K::TYPE.name())
        ),
    );
    let rows: Vec<KeyRow> = slugs.into_iter().map(|slug| vec![KeyValue::Text(slug)]).collect();
    let found = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, rows).await?;
    let owner = |mut row: Row| Ok((row.get()?, Owner { id: row.get()?, is_seen: row.get()? }));
    found.into_iter().map(|(_, row)| owner(row)).collect()
}

/// The records that have these slugs, or had them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn owners<K: Kind>(
    batch: &Batch<'_>,
    slugs: impl Iterator<Item = String>,
) -> Result<HashMap<String, Uuid>, DomainError> {
    let found = taken::<K>(batch, slugs.collect()).await?;
    Ok(found.into_iter().map(|(slug, owner)| (slug, owner.id)).collect())
}

/// Makes the slugs of drafts unique. A generated slug that is taken gets digits, and so does a requested one that a
/// hidden record has. A requested slug of another visible record is refused.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn settle<K: Kind>(
    batch: &Batch<'_>,
    drafts: &mut Numbered<Draft<K::Row>>,
    problems: &mut [Problems],
) -> Result<(), DomainError> {
    for round in 0..3 {
        let asked = drafts.iter_mut().filter_map(|(_, draft)| K::slug(&mut draft.row).cloned());
        let asked: Vec<String> = asked.collect();
        if asked.is_empty() {
            return Ok(());
        }
        let mut owners = taken::<K>(batch, asked).await?;
        let mut changed = false;
        for (index, draft) in drafts.iter_mut() {
            let id = draft.row.id();
            // A malformed slug of a new record has been refused, and is empty here.
            let Some(slug) = K::slug(&mut draft.row).filter(|slug| !slug.is_empty()) else { continue };
            let owner = owners.get(slug.as_str()).copied().filter(|owner| owner.id != id);
            if owner.is_some_and(|owner| !owner.is_seen) {
                draft.slug_salt.get_or_insert_with(|| id.to_string());
            }
            match (owner, &draft.slug_salt) {
                (Some(_), Some(salt)) => {
                    *slug = with_salt(slug, salt, round);
                    changed = true;
                }
                (Some(_), None) if round == 0 => {
                    let said = FilledMessage::new(&messages::SLUG_TAKEN).with("slug", slug.as_str());
                    problems[*index].add(Problem::at("slug", said));
                }
                (Some(_), None) => {}
                (None, _) => {
                    owners.insert(slug.clone(), Owner { id, is_seen: true });
                }
            }
        }
        if !changed {
            break;
        }
    }
    Ok(())
}

/// Refuses drafts with an identifier of another visible record, and notes identifiers of hidden records in `held`.
/// `given` returns the identifiers of a submission as they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn identifiers<'g, K: Kind>(
    batch: &Batch<'_>,
    drafts: &mut Numbered<Draft<K::Row>>,
    problems: &mut [Problems],
    given: impl Fn(usize) -> &'g [IdentifierInput],
) -> Result<(), DomainError> {
    let mut rows: Vec<KeyRow> = Vec::new();
    let mut asked: Vec<(usize, usize, Identifier)> = Vec::new();
    let mut in_batch: HashMap<(String, String), Uuid> = HashMap::new();
    for (at, (index, draft)) in drafts.iter().enumerate() {
        let id = draft.row.id();
        let identifiers = K::identifiers(&draft.row)?;
        // The place of each in the input, as invalid and repeated ones are not in the row.
        let given = if identifiers.is_empty() { &[] } else { given(*index) };
        for identifier in identifiers {
            let is_it = |one: &IdentifierInput| {
                Identifier::parse(one.scheme, &one.value).is_ok_and(|parsed| parsed == identifier)
            };
            let place = given.iter().position(is_it).unwrap_or_default();
            let (scheme, value) = (identifier.scheme().as_str().to_owned(), identifier.value().to_owned());
            if *in_batch.entry((scheme.clone(), value.clone())).or_insert(id) != id {
                problems[*index].add(duplicate(place));
            }
            rows.push(vec![KeyValue::Text(scheme), KeyValue::Text(value)]);
            asked.push((at, place, identifier));
        }
    }
    let keys = KeyColumns::new(&[("scheme", KeyType::Text), ("value", KeyType::Text)]);
    let (columns, join) = owner_of::<K>(batch, "i");
    let sql = format!(
        "SELECT k.n, {columns} FROM {} {} {join} ORDER BY k.n",
        keys.source(batch.dialect),
        batch.dialect.join_one("record_identifier", "i", &same_identifier::<K>()),
    );
    for (position, mut row) in (KeyedStatement { sql, keys }).query(batch.tx, batch.dialect, rows).await? {
        let owner = Owner { id: row.get()?, is_seen: row.get()? };
        let (at, place, identifier) = &asked[position];
        let (index, draft) = &mut drafts[*at];
        if owner.id == draft.row.id() {
            continue;
        }
        if owner.is_seen {
            problems[*index].add(duplicate(*place));
        } else {
            draft.held.push(identifier.clone());
        }
    }
    Ok(())
}

/// The identifiers of these rows that other records hold, and that they keep (see the module documentation).
///
/// # Errors
/// [`DomainError::Database`].
pub async fn held_by_others<K: Kind>(
    batch: &Batch<'_>,
    rows: &[(K::Row, Option<K::Row>)],
) -> Result<Vec<Identifier>, DomainError> {
    let mut all: Vec<(Uuid, Identifier)> = Vec::new();
    for (row, _) in rows {
        all.extend(K::identifiers(row)?.into_iter().map(|identifier| (row.id(), identifier)));
    }
    let keys = KeyColumns::new(&[("scheme", KeyType::Text), ("value", KeyType::Text), ("id", KeyType::Id)]);
    let sql = format!(
        "SELECT k.n FROM {} {} WHERE i.record_id <> k.id ORDER BY k.n",
        keys.source(batch.dialect),
        batch.dialect.join_one("record_identifier", "i", &same_identifier::<K>()),
    );
    let row = |(id, identifier): &(Uuid, Identifier)| {
        let (scheme, value) = (identifier.scheme().as_str().to_owned(), identifier.value().to_owned());
        vec![KeyValue::Text(scheme), KeyValue::Text(value), KeyValue::Id(*id)]
    };
    let wanted: Vec<KeyRow> = all.iter().map(row).collect();
    let found = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, wanted).await?;
    Ok(found.into_iter().map(|(position, _)| all[position].1.clone()).collect())
}

/// The condition that the row `i` has the identifier of the key.
fn same_identifier<K: Kind>() -> String {
    format!("i.record_type = '{}' AND i.scheme = k.scheme AND i.value = k.value", K::TYPE.name())
}

fn duplicate(place: usize) -> Problem {
    Problem::new(format!("identifiers.{place}.value"), &messages::IDENTIFIER_TAKEN)
}

/// Stores the slugs and identifiers of saved rows, except identifiers that are `held` by other records. Former slugs
/// stay.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn keep<K: Kind>(
    batch: &Batch<'_>,
    saved: &[(K::Row, Option<K::Row>)],
    held: &[Identifier],
) -> Result<(), DomainError> {
    let record_type = K::TYPE.name();
    let mut slugs: Vec<KeyRow> = Vec::new();
    let mut identifiers: Vec<KeyRow> = Vec::new();
    let mut known: Vec<Uuid> = Vec::new();
    for (row, before) in saved {
        let record_id = row.id();
        let mut row = row.clone();
        let slug = K::slug(&mut row).cloned();
        let former = before.clone().and_then(|mut before| K::slug(&mut before).cloned());
        if let Some(slug) = slug.filter(|slug| former.as_ref() != Some(slug)) {
            slugs.push(vec![KeyValue::Text(slug), KeyValue::Id(record_id)]);
        }
        let own = K::identifiers(&row)?;
        let had = before.as_ref().map(K::identifiers).transpose()?.unwrap_or_default();
        if own == had {
            continue;
        }
        if !had.is_empty() {
            known.push(record_id);
        }
        identifiers.extend(own.iter().filter(|own| !held.contains(own)).map(|identifier| {
            let (scheme, value) = (identifier.scheme().as_str().to_owned(), identifier.value().to_owned());
            vec![KeyValue::Text(scheme), KeyValue::Text(value), KeyValue::Id(record_id)]
        }));
    }
    let names = [("slug", KeyType::Text), ("record_id", KeyType::Id)];
    claim(batch, "record_slug", record_type, &names, slugs).await?;
    if !known.is_empty() {
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        let source = keys.source(batch.dialect);
        let sql = format!("DELETE FROM record_identifier WHERE record_id IN (SELECT k.id FROM {source})");
        KeyedStatement { sql, keys }.execute(batch.tx, batch.dialect, rows_of(&known)).await?;
    }
    let names = [("scheme", KeyType::Text), ("value", KeyType::Text), ("record_id", KeyType::Id)];
    claim(batch, "record_identifier", record_type, &names, identifiers).await
}

/// Stores slugs or identifiers with their records. Each was free when the batch checked it. If another transaction has
/// taken one since, the error makes the batch run again.
async fn claim(
    batch: &Batch<'_>,
    table: &str,
    record_type: &str,
    columns: &[(&str, KeyType)],
    rows: Vec<KeyRow>,
) -> Result<(), DomainError> {
    let wanted = rows.len() as u64;
    let keys = KeyColumns::new(columns);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let (name, record_id) = (names[..names.len() - 1].join(", "), "record_id");
    let sql = format!(
        "INSERT INTO {table} (record_type, {name}, {record_id}) SELECT '{record_type}', k.{}, k.{record_id} FROM {} \
         WHERE TRUE ON CONFLICT (record_type, {name}) DO UPDATE SET {record_id} = excluded.{record_id} \
         WHERE {table}.{record_id} = excluded.{record_id}",
        names[..names.len() - 1].join(", k."),
        keys.source(batch.dialect)
    );
    let claimed = KeyedStatement { sql, keys }.execute(batch.tx, batch.dialect, rows).await?;
    if claimed < wanted {
        return Err(
            DbErr::Custom(format!("could not serialize: a name in {table} was taken meanwhile")).into()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use kernel::value::slug::{is_well_formed, of_name};

    proptest! {
        #[test]
        fn every_name_makes_a_well_formed_slug(name in ".{0,300}", salt: String, round in 0usize..3) {
            let slug = of_name(&name);
            prop_assert!(is_well_formed(&slug), "{}", slug);
            prop_assert!(is_well_formed(&with_salt(&slug, &salt, round)));
        }
    }
}
