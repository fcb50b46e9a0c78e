//! Transactions that write no records: each in a task of its own.

use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, SqlErr};
use tracing::Instrument as _;

use crate::handle::Core;
use kernel::error::DomainError;

/// Whether somebody else has just written what may be there once only.
pub fn is_twice(error: &DomainError) -> bool {
    matches!(error, DomainError::Database(error)
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Runs what writes in a transaction and a task of its own, so that a caller who goes away leaves nothing half
/// done. It is committed where the work succeeds.
///
/// # Errors
/// Those of the work, [`DomainError::Database`], and [`DomainError::Task`] where the work panicked.
pub async fn transact<C, T, W>(handle: &C, work: W) -> Result<T, DomainError>
where
    C: AsRef<Core> + Clone + Send + Sync + 'static,
    T: Send + 'static,
    W: for<'a> FnOnce(&'a C, &'a DatabaseTransaction) -> BoxFuture<'a, Result<T, DomainError>>
        + Send
        + 'static,
{
    let own = handle.clone();
    let core = handle.as_ref().clone();
    let (span, tasks) = (core.db.span("transaction"), core.tasks.clone());
    let all = async move {
        let tx = core.db.begin().await?;
        match work(&own, &tx).await {
            Ok(done) => {
                tx.commit().await?;
                core.heads.written();
                Ok(done)
            }
            Err(error) => {
                if let DomainError::Database(error) = &error {
                    core.db.note(error);
                }
                Err(tx.abandon(error).await)
            }
        }
    };
    let task = tasks.spawn(all.instrument(span));
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}
