//! What is deleted once it has been kept for long enough: history, reads of contact data, decided proposals, and what
//! nobody needs any more of the change log. And whoever has not taken what was erased is told of in the log.
//!
//! Every program on a database does it, a little at a time: rows that another one deletes meanwhile are simply gone.
//!
//! A clock that is wrong must delete nothing: where it has jumped ahead of when it was last trusted ([`Sweeper`]), nothing
//! is deleted until the program has run with it for a day.

use std::time::{Duration, Instant};

use chrono::Months;
use sea_orm::{ConnectionTrait, Statement};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::changes::{acknowledged, retention};
use crate::directory::{contact_read, proposal};
use crate::identity::account::network;
use crate::record::error::DomainError;
use crate::record::value::DateTime;
use crate::record::{audit, id, trusted_clock};
use crate::sync::status;

/// How often it is looked for what has been kept for long enough.
const EVERY: Duration = Duration::from_hours(1);
/// Rows that are deleted in one statement.
const BATCH: u32 = 1000;
/// How long a clock that has jumped further is watched before it is trusted: somebody sets it right meanwhile, or the
/// program had been off for long.
const WATCHED: Duration = Duration::from_hours(24);

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
    /// Networks from which accounts have signed in.
    pub networks: u64,
}

/// What became of an hour's sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// So much was deleted.
    Swept(Swept),
    /// The clock is this many days ahead of when it was last trusted, and nothing was deleted.
    Waits {
        /// Days.
        days: i64,
    },
}

/// Sweeps, as long as the clock can be trusted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweeper {
    /// For how long this program had run when the clock was first seen to have jumped.
    jumped: Option<Duration>,
}

impl Sweeper {
    /// Deletes what has been kept for long enough, unless the clock has jumped. `running` is how long this program has run,
    /// by a clock that nobody sets.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn sweep(&mut self, app: &App, running: Duration) -> Result<Round, DomainError> {
        let now = app.clock.now();
        if let Some(days) = trusted_clock::days_ahead(&app.db, now).await? {
            let jumped = *self.jumped.get_or_insert(running);
            if running.saturating_sub(jumped) < WATCHED {
                return Ok(Round::Waits { days });
            }
        }
        self.jumped = None;
        let swept = sweep(app).await?;
        trusted_clock::trust(&app.db, now).await?;
        Ok(Round::Swept(swept))
    }
}

/// Sweeps now and every hour until it is told to stop.
pub fn start(app: &App, stop: CancellationToken) {
    let own = app.clone();
    app.tasks.spawn(async move {
        let (mut sweeper, begun) = (Sweeper::default(), Instant::now());
        loop {
            let sweeping = sweeper.sweep(&own, begun.elapsed());
            match tokio::select! { () = stop.cancelled() => return, swept = sweeping => swept } {
                Ok(Round::Swept(swept)) if swept != Swept::default() => tracing::info!(?swept, "swept"),
                Ok(Round::Swept(_)) => {}
                Ok(Round::Waits { days }) => tracing::warn!(
                    days,
                    "the clock is ahead of the last time that anything was swept: nothing is deleted until it was so for \
                     a day; set the clock, if it is wrong"
                ),
                Err(error) => tracing::warn!(%error, "sweeping failed; it is tried again in an hour"),
            }
            match tokio::select! { () = stop.cancelled() => return, late = status::overdue(&own, &own.search, own.sync) => late } {
                // Ids would say who was there.
                Ok(late) if late > 0 => tracing::warn!(
                    records = late,
                    hours = own.sync.erasure_hours,
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
        clients: acknowledged::sweep(app, app.retention).await?,
        networks: network::sweep(app.db.writer(), months_ago(app, network::KEPT_MONTHS)).await?,
    };
    loop {
        let gone = proposal::store::sweep(app.db.writer(), app.db.dialect(), app.clock.now(), BATCH).await?;
        swept.proposals += gone;
        if gone < BATCH.into() {
            return Ok(swept);
        }
    }
}

/// The time so many months ago.
fn months_ago(app: &App, months: u32) -> DateTime {
    let before = app.clock.now().to_utc().checked_sub_months(Months::new(months));
    before.map_or(DateTime::from_micros(0), Into::into)
}

/// Deletes the rows of a table that are so many months old, the oldest first. Their ids are UUIDs of version 7, which
/// begin with the time.
async fn sweep_table(app: &App, table: &str, months: u32) -> Result<u64, DomainError> {
    let before = id::first_at(months_ago(app, months));
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
