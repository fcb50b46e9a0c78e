//! What a record holds for other systems: its hash, and which of its fields changed.

use std::sync::Arc;

use crate::record::audit;
use crate::record::error::DomainError;
use crate::record::write::{Kind, content_hash};

/// Rows as they are to be, each with the row as it is.
type Rows<R> = Arc<Vec<(R, Option<R>)>>;

/// What is told of the contents of a row.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// SHA-256 of its replicated fields.
    pub(super) hash: Vec<u8>,
    /// The names of the fields that differ from those of the row before; of a new one, those that hold something.
    pub(super) changed: Vec<String>,
}

impl Contents {
    pub(super) fn of<K: Kind>(row: &K::Row, before: Option<&K::Row>) -> Result<Self, DomainError> {
        let replicated = K::replicated(row)?;
        let replaced = before.map(K::replicated).transpose()?;
        let changed = audit::changed(replaced.as_ref(), &replicated);
        Ok(Self { hash: content_hash(&replicated)?, changed })
    }

    /// Those of the rows that are new, by their place, in a thread beside the statements that write them: for many
    /// records this takes about as long.
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
