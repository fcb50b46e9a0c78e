//! Deletes data that has been kept for long enough: history, reads of contact data, decided proposals, networks of
//! accounts, positions of clients, and old entries of the change log. Also logs a warning about erasures that
//! followers of the feed have not applied in time.
//!
//! Every program on a database does this, in small batches. Rows that another program deletes meanwhile are simply
//! gone.
//!
//! A wrong clock must not delete anything. If the clock has jumped ahead of the time at which it was last trusted
//! ([`Sweeper`]), nothing is deleted until the program has run with it for a day.

use std::time::{Duration, Instant};

use chrono::Months;
use sea_orm::{ConnectionTrait, Statement};
use tokio_util::sync::CancellationToken;

use directory::{contact_read, proposal};
use exchange::sync::status;
use identity::account::network;
use kernel::error::DomainError;
use kernel::value::DateTime;
use kernel::{id, trusted_clock};
use records::audit;
use records::changes::{acknowledged, retention};
use records::worker::{Job, Worker};
use server::app::App;

/// Interval between two sweeps.
const EVERY: Duration = Duration::from_hours(1);
/// Rows that are deleted in one statement.
const BATCH: u32 = 1000;
/// Time for which the program runs with a clock that has jumped before it trusts it. A wrong clock is corrected in
/// that time; otherwise, the program had been off for long.
const WATCHED: Duration = Duration::from_hours(24);

/// The numbers of deleted rows.
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

/// The outcome of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The numbers of deleted rows.
    Swept(Swept),
    /// The clock is this many days ahead of when it was last trusted, and nothing was deleted.
    Waits {
        /// Days.
        days: i64,
    },
}

/// Sweeps while the clock can be trusted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweeper {
    /// The running time of this program when the jump of the clock was first noticed.
    jumped: Option<Duration>,
}

impl Sweeper {
    /// Deletes what has been kept for long enough, unless the clock has jumped. `running` is the running time of this
    /// program, by a monotonic clock.
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

/// Sweeps now and every hour until `stop` is cancelled.
pub fn start(app: &App, stop: CancellationToken) {
    let hourly =
        |name, failure| Worker { every: Some(EVERY), retry: (EVERY, EVERY), ..Worker::new(name, failure) };
    let sweeping = Sweeping { sweeper: Sweeper::default(), begun: Instant::now() };
    hourly("sweep", "sweeping failed; it is tried again in an hour").start(app, stop.clone(), sweeping);
    hourly("overdue", "overdue erasures could not be counted").start(app, stop, Overdue);
}

struct Sweeping {
    sweeper: Sweeper,
    begun: Instant,
}

impl Job<App> for Sweeping {
    type Error = DomainError;

    async fn run(&mut self, app: &App) -> Result<(), DomainError> {
        match self.sweeper.sweep(app, self.begun.elapsed()).await? {
            Round::Swept(swept) if swept != Swept::default() => tracing::info!(?swept, "swept"),
            Round::Swept(_) => {}
            Round::Waits { days } => tracing::warn!(
                days,
                "the clock is far ahead of the last sweep: nothing is deleted until the program has run with it for a day; \
                 if the clock is wrong, correct it"
            ),
        }
        Ok(())
    }
}

struct Overdue;

impl Job<App> for Overdue {
    type Error = DomainError;

    async fn run(&mut self, app: &App) -> Result<(), DomainError> {
        let late = status::overdue(app, &app.search, app.sync).await?;
        if late > 0 {
            // Without ids, which would reveal the erased records.
            tracing::warn!(
                records = late,
                hours = app.sync.erasure_hours,
                "followers of the feed have not applied erasures in time: see syncStatus"
            );
        }
        Ok(())
    }
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

/// The time this number of months ago.
fn months_ago(app: &App, months: u32) -> DateTime {
    let before = app.clock.now().to_utc().checked_sub_months(Months::new(months));
    before.map_or(DateTime::from_micros(0), Into::into)
}

/// Deletes the rows of a table that are older than this number of months, the oldest first. Their ids are UUIDs of
/// version 7, which begin with the time.
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
