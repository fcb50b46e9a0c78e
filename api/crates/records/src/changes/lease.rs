//! Leases: they elect the one process, of several on one database, that may run a job.
//!
//! A lease expires if its holder does not renew it. All times are those of the database, so the clocks of the machines
//! need not agree.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use tokio::time::{Instant, sleep, timeout};

use kernel::read::{Database, Dialect};

/// A lease that this process has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: String,
    /// The fencing token: it rises with each holder, and a lease with a lower token is lost.
    token: i64,
}

impl Lease {
    /// Takes the lease of this name for `time`; `None` if another process holds it.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn take(db: &Arc<Database>, name: &str, time: Duration) -> Result<Option<Self>, DbErr> {
        let now = now(db.dialect());
        let sql = format!(
            "INSERT INTO lease (name, token, until) VALUES ($1, 1, {now} + {time}) \
             ON CONFLICT (name) DO UPDATE SET token = lease.token + 1, until = excluded.until \
             WHERE lease.until < {now} RETURNING token",
            time = time.as_micros(),
        );
        let taken = db.writer().query_one_raw(statement(db, sql, [name.into()])).await?;
        taken.map(|row| Ok(Self { name: name.to_owned(), token: row.try_get_by_index(0)? })).transpose()
    }

    /// Renews the lease for `time` from now on. Returns whether it was still held.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn keep(&self, db: &Arc<Database>, time: Duration) -> Result<bool, DbErr> {
        self.set(db, &format!("{} + {}", now(db.dialect()), time.as_micros())).await
    }

    /// Renews the lease again and again, each time for `time`. Returns when it is lost.
    pub async fn keep_on(&self, db: &Arc<Database>, time: Duration) {
        let mut ends = Instant::now() + time;
        loop {
            sleep(time / 3).await;
            let asked = Instant::now();
            // If the database does not answer in time, another process may have taken the lease.
            match timeout(ends.saturating_duration_since(asked), self.keep(db, time)).await {
                Ok(Ok(true)) => ends = asked + time,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => tracing::debug!(%error, name = self.name, "a lease could not be renewed"),
            }
        }
    }

    /// Releases the lease, so that the next process need not wait until it expires.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn give_back(&self, db: &Arc<Database>) -> Result<(), DbErr> {
        self.set(db, "0").await.map(|_| ())
    }

    /// Releases the lease, waiting for the database no longer than `time`. If that fails, the lease expires.
    pub async fn give_back_within(&self, db: &Arc<Database>, time: Duration) {
        if !matches!(timeout(time, self.give_back(db)).await, Ok(Ok(()))) {
            tracing::debug!(name = self.name, "a lease could not be released; it will expire");
        }
    }

    async fn set(&self, db: &Arc<Database>, until: &str) -> Result<bool, DbErr> {
        let sql = format!("UPDATE lease SET until = {until} WHERE name = $1 AND token = $2");
        let values = [self.name.as_str().into(), self.token.into()];
        Ok(db.writer().execute_raw(statement(db, sql, values)).await?.rows_affected() > 0)
    }
}

/// A query for whether somebody holds the lease of this name: 1 or 0, or NULL where nobody ever has.
pub fn is_held(dialect: Dialect, name: &str) -> String {
    let (now, name) = (now(dialect), name.replace('\'', "''"));
    format!("SELECT CASE WHEN until < {now} THEN 0 ELSE 1 END FROM lease WHERE name = '{name}'")
}

fn statement<const N: usize>(db: &Arc<Database>, sql: String, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(db.dialect().backend(), sql, values)
}

/// The SQL of the database's time, in microseconds since 1970.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    }
}
