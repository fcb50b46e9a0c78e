//! The metrics of the database.

use std::fmt;
use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramVec, IntCounterVec, IntGaugeVec};
use sea_orm::metric::Info;
use sea_orm::{DatabaseConnection, DbErr};

use super::database::Dialect;
use crate::meter::{SECONDS, SIZES, counters, gauges, histogram, histograms};

/// The label of the pool for reads.
pub(super) const READ: &str = "read";
/// The label of the pool for long snapshots.
pub(super) const LONG: &str = "long";
/// The label of the pool for write transactions.
pub(super) const WRITE: &str = "write";

/// Counts the statements of a pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Listener(Arc<dyn Fn(&Info<'_>) + Send + Sync>);

impl Listener {
    /// Counts a statement that was sent.
    pub(super) fn note(&self, statement: &Info<'_>) {
        (self.0)(statement);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// The metrics of the database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DatabaseMetrics {
    statements: IntCounterVec,
    seconds: HistogramVec,
    transactions: IntCounterVec,
    exhausted: IntCounterVec,
    connections: IntGaugeVec,
    /// Number of keys in each execution of a read.
    pub(super) keys: Histogram,
    /// Number of readers that share an execution.
    pub(super) readers: Histogram,
}

impl Default for DatabaseMetrics {
    fn default() -> Self {
        let pool = ["pool"];
        Self {
            statements: counters(
                "sql_statements_total",
                "SQL statements that were sent, by pool of connections and whether they failed",
                &["pool", "outcome"],
            ),
            seconds: histograms(
                "sql_statement_duration_seconds",
                "How long SQL statements took, without the wait for a connection",
                &pool,
                SECONDS,
            ),
            transactions: counters("sql_transactions_total", "Transactions that were begun, by pool", &pool),
            exhausted: counters(
                "sql_pool_timeouts_total",
                "How often no connection was free in time, by pool",
                &pool,
            ),
            connections: gauges(
                "sql_pool_connections",
                "Connections that are open, by pool and whether something uses them",
                &["pool", "state"],
            ),
            keys: histogram("sql_batch_keys", "Keys that one batched read was sent with", SIZES),
            readers: histogram("sql_batch_readers", "Requests that shared one batched read", SIZES),
        }
    }
}

impl DatabaseMetrics {
    /// Counts the statements of a pool from now on.
    pub(super) fn listen(&self, pool: &'static str, connection: &mut DatabaseConnection) -> Listener {
        let outcome = |outcome| self.statements.with_label_values(&[pool, outcome]);
        let (done, failed) = (outcome("ok"), outcome("failed"));
        let seconds = self.seconds.with_label_values(&[pool]);
        // Exists from the beginning, so that the first time-out is seen as a rise from zero.
        self.exhausted.with_label_values(&[pool]);
        let listener = Listener(Arc::new(move |statement: &Info<'_>| {
            let count = if statement.failed { &failed } else { &done };
            count.inc();
            seconds.observe(statement.elapsed.as_secs_f64());
        }));
        let own = listener.clone();
        connection.set_metric_callback(move |statement| own.note(statement));
        listener
    }

    /// Counts a begun transaction, or its failure.
    pub(super) fn begun<T>(&self, pool: &'static str, begun: &Result<T, DbErr>) {
        match begun {
            Ok(_) => self.transactions.with_label_values(&[pool]).inc(),
            Err(error) => self.failed(pool, error),
        }
    }

    /// Counts an error, if it is a time-out of the pool.
    pub(super) fn failed(&self, pool: &'static str, error: &DbErr) {
        if matches!(error, DbErr::ConnectionAcquire(_)) {
            self.exhausted.with_label_values(&[pool]).inc();
        }
    }

    /// Updates the number of connections of a pool.
    pub(super) fn look(&self, pool: &'static str, dialect: Dialect, connection: &DatabaseConnection) {
        let (open, idle) = match dialect {
            Dialect::Postgres => {
                let pool = connection.get_postgres_connection_pool();
                (pool.size() as usize, pool.num_idle())
            }
            Dialect::Sqlite => {
                let pool = connection.get_sqlite_connection_pool();
                (pool.size() as usize, pool.num_idle())
            }
        };
        let set = |state, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.connections.with_label_values(&[pool, state]).set(count);
        };
        set("idle", idle);
        set("used", open.saturating_sub(idle));
    }

    /// The collectors of all these metrics.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.statements.clone()),
            Box::new(self.seconds.clone()),
            Box::new(self.transactions.clone()),
            Box::new(self.exhausted.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.keys.clone()),
            Box::new(self.readers.clone()),
        ]
    }
}
