//! The replicated contents of a record: their hash, and the fields that changed.

use std::sync::Arc;

use crate::audit;
use crate::write::{Kind, content_hash};
use kernel::error::DomainError;

/// New rows, each with the present row, if any.
type Rows<R> = Arc<Vec<(R, Option<R>)>>;

/// The hash of a row, and its changed fields.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// SHA-256 of its replicated fields.
    pub(super) hash: Vec<u8>,
    /// The names of the fields that differ from the present row. For a new row, the fields that have a value.
    pub(super) changed: Vec<String>,
}

impl Contents {
    pub(super) fn of<K: Kind>(row: &K::Row, before: Option<&K::Row>) -> Result<Self, DomainError> {
        let replicated = K::replicated(row)?;
        let replaced = before.map(K::replicated).transpose()?;
        let changed = audit::changed(replaced.as_ref(), &replicated);
        Ok(Self { hash: content_hash(&replicated)?, changed })
    }

    /// The contents of those rows that are new, by position. They are computed in a blocking thread while the
    /// statements write the rows: for many records, both take about as long.
    pub(super) fn of_new<K: Kind>(
        rows: &Rows<K::Row>,
    ) -> impl Future<Output = Result<Vec<(usize, Self)>, DomainError>> + Send + use<K> {
        let rows = Arc::clone(rows);
        let taken = tokio::task::spawn_blocking(move || {
            let new = rows.iter().enumerate().filter(|(_, (_, before))| before.is_none());
            new.map(|(place, (row, _))| Ok((place, Self::of::<K>(row, None)?))).collect()
        });
        async { taken.await.map_err(|error| DomainError::Task(error.to_string()))? }
    }
}
