//! Leases: which of several programs on one database does what only one may do at a time.
//!
//! A lease ends by itself when its holder stops keeping it. All times are the database's: the clocks of the
//! machines need not agree.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use tokio::time::{Instant, sleep, timeout};

use crate::record::read::{Database, Dialect};

/// A lease that this program has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: String,
    /// Counts the holders: one of an earlier number holds nothing any more.
    token: i64,
}

impl Lease {
    /// Takes the lease of this name for a time; nothing where another program holds it.
    ///
    /// # Errors
    /// Whatever the database says.
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

    /// Keeps it for a time from now on; says whether it was still held.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn keep(&self, db: &Arc<Database>, time: Duration) -> Result<bool, DbErr> {
        self.set(db, &format!("{} + {}", now(db.dialect()), time.as_micros())).await
    }

    /// Keeps it on and on, each time for so long; ends when it is lost.
    pub async fn keep_on(&self, db: &Arc<Database>, time: Duration) {
        let mut ends = Instant::now() + time;
        loop {
            sleep(time / 3).await;
            let asked = Instant::now();
            // A database that does not answer in time may have given the lease to somebody else.
            match timeout(ends.saturating_duration_since(asked), self.keep(db, time)).await {
                Ok(Ok(true)) => ends = asked + time,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => tracing::debug!(%error, name = self.name, "a lease could not be kept"),
            }
        }
    }

    /// Gives it back, so that the next program need not wait for its end.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn give_back(&self, db: &Arc<Database>) -> Result<(), DbErr> {
        self.set(db, "0").await.map(|_| ())
    }

    /// Gives it back where the database answers in time; where it does not, the lease ends by itself.
    pub async fn give_back_within(&self, db: &Arc<Database>, time: Duration) {
        if !matches!(timeout(time, self.give_back(db)).await, Ok(Ok(()))) {
            tracing::debug!(name = self.name, "a lease could not be given back; it ends by itself");
        }
    }

    async fn set(&self, db: &Arc<Database>, until: &str) -> Result<bool, DbErr> {
        let sql = format!("UPDATE lease SET until = {until} WHERE name = $1 AND token = $2");
        let values = [self.name.as_str().into(), self.token.into()];
        Ok(db.writer().execute_raw(statement(db, sql, values)).await?.rows_affected() > 0)
    }
}

fn statement<const N: usize>(db: &Arc<Database>, sql: String, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(db.dialect().backend(), sql, values)
}

/// The time of the database, in microseconds since 1970.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    }
}
