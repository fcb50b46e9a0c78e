//! The part of an erasure that runs in its transaction, and the check that recognizes erased records when they are
//! submitted again.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::handle::Core;
use crate::write::{Batch, Written, rows_of};
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::read::{KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};

/// The purpose of the keyed hashes of external ids.
const PURPOSE: &str = "erasure ledger";

/// The keyed hash of an external id.
///
/// # Errors
/// [`DomainError::Stored`] in a program without an encryption key.
fn digest(core: &Core, source: &str, external_id: &str) -> Result<Vec<u8>, DomainError> {
    let text = [source.as_bytes(), &[0], external_id.as_bytes()].concat();
    Ok(core.encryption()?.digest(PURPOSE, &text))
}

/// The positions of the pairs of source and external id that belonged to erased records.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`] in a program without an encryption key.
pub(crate) async fn erased(
    core: &Core,
    batch: &Batch<'_>,
    names: &[(String, String)],
) -> Result<BTreeSet<usize>, DomainError> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let keys = KeyColumns::new(&[("hash", KeyType::Bytes)]);
    let sql = format!(
        "SELECT k.n FROM {} {} erasure_ledger AS e ON e.external_hash = k.hash",
        keys.source(batch.dialect),
        batch.dialect.join(),
    );
    let hashed = names.iter().map(|(source, id)| Ok(vec![KeyValue::Bytes(digest(core, source, id)?)]));
    let hashed = hashed.collect::<Result<Vec<KeyRow>, DomainError>>()?;
    let found = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, hashed).await?;
    Ok(found.into_iter().map(|(position, _)| position).collect())
}

/// Strips the shared rows of erased records, and of the duplicates that were merged into them. Writes the ledger, and
/// adds to `erased_from` every view that a record was ever in. `sync_record` must have the erasure already.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`] in a program without an encryption key.
pub(crate) async fn strip(
    core: &Core,
    batch: &Batch<'_>,
    written: &mut [Written],
) -> Result<(), DomainError> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    for (place, record) in written.iter().enumerate().filter(|(_, record)| record.erased_from.is_some()) {
        places.insert(record.id, place);
    }
    if places.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<Uuid> = places.keys().copied().collect();
    ids.sort_unstable();
    for (position, region, visibility) in views(batch, &ids).await? {
        let record = &mut written[places[&ids[position]]];
        record.erased_from.get_or_insert_default().push((region, visibility));
    }
    let mut types: Vec<RecordType> = ids.iter().map(|id| written[places[id]].record_type).collect();
    for (position, id) in duplicates(batch, &ids).await? {
        ids.push(id);
        types.push(types[position]);
    }
    let names = external_ids(batch, &ids).await?;
    let rows = ids.iter().enumerate().map(|(position, id)| {
        let hash = names.get(&position).map(|(source, name)| digest(core, source, name)).transpose()?;
        let of = KeyValue::Text(types[position].name().to_owned());
        Ok(vec![KeyValue::Id(*id), of, KeyValue::Bytes(hash.unwrap_or_default())])
    });
    let rows = rows.collect::<Result<Vec<KeyRow>, DomainError>>()?;
    let keys = KeyColumns::new(&[("id", KeyType::Id), ("type", KeyType::Text), ("hash", KeyType::Bytes)]);
    let sql = format!(
        "INSERT INTO erasure_ledger (record_id, record_type, external_hash, erased_at) \
         SELECT k.id, k.type, CASE WHEN length(k.hash) > 0 THEN k.hash END, {} FROM {} WHERE TRUE ON CONFLICT DO NOTHING",
        batch.now.micros(),
        keys.source(batch.dialect),
    );
    KeyedStatement { sql, keys }.execute(batch.tx, batch.dialect, rows).await?;
    let statements = [
        "UPDATE sync_record SET source = NULL, external_id = NULL, content_hash = substr(content_hash, 1, 0), state = 'ERASED' \
         WHERE record_id IN (SELECT k.id FROM {keys})",
        "DELETE FROM record_redirect WHERE target_id IN (SELECT k.id FROM {keys})",
        "DELETE FROM record_slug WHERE record_id IN (SELECT k.id FROM {keys})",
        "DELETE FROM record_identifier WHERE record_id IN (SELECT k.id FROM {keys})",
    ];
    for statement in statements {
        batch.for_ids(&ids, |keys| statement.replace("{keys}", keys)).await?;
    }
    Ok(())
}

/// The views that records were ever in, by position.
async fn views(batch: &Batch<'_>, ids: &[Uuid]) -> Result<Vec<(usize, String, Visibility)>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, v.region, v.visibility FROM {keys} {then} view_head AS v ON v.record_id = k.id \
             ORDER BY k.n, v.region, v.visibility"
        )
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    let view = found
        .into_iter()
        .map(|(position, mut row)| Ok((position, row.get()?, Visibility::from_code(row.get()?))));
    view.collect()
}

/// The ids of the duplicates that were merged into these records, each with the position of its record.
async fn duplicates(batch: &Batch<'_>, ids: &[Uuid]) -> Result<Vec<(usize, Uuid)>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, d.id FROM {keys} {then} record_redirect AS d ON d.target_id = k.id ORDER BY k.n, d.id"
        )
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found.into_iter().map(|(position, mut row)| Ok((position, row.get()?))).collect()
}

/// The source and external id of each record, by position.
async fn external_ids(
    batch: &Batch<'_>,
    ids: &[Uuid],
) -> Result<HashMap<usize, (String, String)>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, s.source, s.external_id FROM {keys} {then} sync_record AS s ON s.record_id = k.id \
             WHERE s.source IS NOT NULL AND s.external_id IS NOT NULL ORDER BY k.n"
        )
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found.into_iter().map(|(position, mut row)| Ok((position, (row.get()?, row.get()?)))).collect()
}
