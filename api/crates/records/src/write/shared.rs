//! The row of `sync_record` that every record has: its owner, its revision, and the lock for changes.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Batch, rows_of};
use kernel::error::DomainError;
use kernel::read::{Dialect, KeyedStatement};

/// The row of a record in `sync_record`.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) id: Uuid,
    /// The source system that owns it.
    pub(super) source: Option<String>,
    pub(super) revision: i32,
    pub(super) origin: String,
    pub(super) content_hash: Vec<u8>,
    pub(super) live: bool,
    pub(super) erased: bool,
}

/// Locks these records, in the order of their ids.
pub(super) async fn lock(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Shared>, DomainError> {
    let lock = if batch.dialect == Dialect::Postgres { "FOR UPDATE OF s" } else { "" };
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, s.record_id, s.source, s.revision, s.origin, s.content_hash, s.state FROM {keys} \
             {then} sync_record AS s ON s.record_id = k.id ORDER BY s.record_id {lock}"
        )
    });
    let rows = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    rows.into_iter()
        .map(|(_, mut row)| {
            let id: Uuid = row.get()?;
            let source = row.get()?;
            let (revision, origin, content_hash) = (row.get()?, row.get()?, row.get()?);
            let state: String = row.get()?;
            let (live, erased) = (state == "LIVE", state == "ERASED");
            let shared = Shared { id, source, revision, origin, content_hash, live, erased };
            Ok((id, shared))
        })
        .collect()
}

/// Locks these records, so that nobody changes or deletes them until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lock_ids(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
    lock(batch, ids).await.map(|_| ())
}

/// Locks a record, and returns its revision; none where it does not exist.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn revision_of(batch: &Batch<'_>, id: Uuid) -> Result<Option<i32>, DomainError> {
    let found = lock(batch, &[id]).await?.remove(&id);
    Ok(found.filter(|shared| shared.live).map(|shared| shared.revision))
}

/// Locks records that change because others do, in the order of their ids. Returns their revisions, which the caller
/// raises.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn touch(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>, DomainError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    Ok(lock(batch, &ids).await?.into_iter().map(|(id, shared)| (id, shared.revision)).collect())
}
