//! What is deleted once it has been kept for long enough: history, reads of contact data, decided proposals, and what
//! nobody needs any more of the change log. And whoever has not taken what was erased is told of in the log.
//!
//! Every program on a database does it, a little at a time: rows that another one deletes meanwhile are simply gone.

use std::time::Duration;

use chrono::Months;
use sea_orm::{ConnectionTrait, Statement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::changes::{acknowledged, retention};
use crate::directory::{contact_read, proposal};
use crate::record::error::DomainError;
use crate::record::{audit, id};
use crate::sync::status;

/// How often it is looked for what has been kept for long enough.
const EVERY: Duration = Duration::from_hours(1);
/// Rows that are deleted in one statement.
const BATCH: u32 = 1000;

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries of the history of records.
    pub history: u64,
    /// Reads of contact data.
    pub contact_reads: u64,
    /// Proposals.
    pub proposals: u64,
    /// Of the change log.
    pub log: retention::Swept,
    /// Positions of clients.
    pub clients: u64,
}

/// Sweeps now and every hour until it is told to stop.
pub fn start(app: &App, stop: CancellationToken) {
    let own = app.clone();
    app.tasks.spawn(async move {
        loop {
            match tokio::select! { () = stop.cancelled() => return, swept = sweep(&own) => swept } {
                Ok(swept) if swept != Swept::default() => tracing::info!(?swept, "swept"),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "sweeping failed; it is tried again in an hour"),
            }
            match tokio::select! { () = stop.cancelled() => return, late = status::overdue(&own) => late } {
                // Ids would say who was there.
                Ok(late) if late > 0 => tracing::warn!(
                    records = late,
                    hours = own.erasure_hours,
                    "erased records have not been taken by all who have followed them in time: see syncStatus"
                ),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "nobody knows whether all have taken what was erased"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    });
}

/// Deletes what has been kept for long enough.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sweep(app: &App) -> Result<Swept, DomainError> {
    let mut swept = Swept {
        history: sweep_table(app, "audit", audit::KEPT_MONTHS).await?,
        contact_reads: sweep_table(app, "contact_read", contact_read::KEPT_MONTHS).await?,
        proposals: 0,
        log: retention::sweep(app, app.retention).await?,
        clients: acknowledged::sweep(app).await?,
    };
    loop {
        let gone = proposal::store::sweep(app.db.writer(), app.db.dialect(), app.clock.now(), BATCH).await?;
        swept.proposals += gone;
        if gone < BATCH.into() {
            return Ok(swept);
        }
    }
}

/// Deletes the rows of a table that are so many months old, the oldest first. Their ids are UUIDs of version 7, which
/// begin with the time.
async fn sweep_table(app: &App, table: &str, months: u32) -> Result<u64, DomainError> {
    let before = app.clock.now().to_utc().checked_sub_months(Months::new(months));
    let before = before.map_or(Uuid::nil(), |before| id::first_at(before.into()));
    let sql = format!(
        "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < $1 ORDER BY id LIMIT {BATCH})"
    );
    let mut swept = 0;
    loop {
        let statement =
            Statement::from_sql_and_values(app.db.dialect().backend(), sql.as_str(), [before.into()]);
        let gone = app.db.writer().execute_raw(statement).await?.rows_affected();
        swept += gone;
        if gone < BATCH.into() {
            return Ok(swept);
        }
    }
}
