//! Transactions, and the connections that must not be used after one.
//!
//! The drivers count the transaction depth of a connection by the statements that they have sent, and do not ask the
//! database. SQLite rolls back by itself when its disk is full or fails. The depth in sqlx 0.9.0 then stays above zero,
//! its next BEGIN becomes a SAVEPOINT, and its COMMIT commits nothing (`docs/development/sqlite-rollback.md`).
//! PostgreSQL answers COMMIT without an error after a failed statement, although it has rolled back. Three rules
//! prevent a lost write from counting as done:
//!
//! - A transaction in which a statement has failed is not committed.
//! - A connection whose BEGIN, COMMIT or ROLLBACK has failed is closed, with all others that the pool had open then.
//! - A connection that returns to the pool inside a transaction, or is counted as inside one, is closed.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::BoxFuture;
use sea_orm::metric::Info;
use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{Connection as _, Database, Error, Executor as _, Postgres, Row as _, Sqlite};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::writing::WriteHealth;
use crate::error::DomainError;

/// Whether a statement of one transaction has failed.
#[derive(Debug, Default)]
pub(super) struct StatementFailures {
    failed: AtomicBool,
}

impl StatementFailures {
    /// Notes a statement that was sent.
    pub(super) fn note(&self, statement: &Info<'_>) {
        if statement.failed {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}

/// The connections of a pool that must not be used again: those that were open at the stored time.
#[derive(Debug, Default)]
pub(super) struct RetiredConnections(Mutex<Option<Instant>>);

impl RetiredConnections {
    /// Makes the pool close every connection that is open now before its next use.
    pub(super) fn retire(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age was open at the stored time.
    fn includes(&self, age: Duration) -> bool {
        let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| age >= at.elapsed())
    }

    /// Makes a pool of SQLite close retired connections, and those that return inside a transaction. The write pool
    /// checks with a ROLLBACK: if it succeeds, a transaction was open.
    pub(super) fn guard_sqlite(
        self: &Arc<Self>,
        pool: PoolOptions<Sqlite>,
        writes: bool,
    ) -> PoolOptions<Sqlite> {
        self.guard(pool, move |connection| {
            Box::pin(async move {
                // A rollback that was queued when the transaction was dropped runs first.
                if writes {
                    return Ok(connection.execute("ROLLBACK").await.is_err());
                }
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
    }

    /// The same for PostgreSQL. Outside of a transaction, the timestamps of transaction and statement are equal. An
    /// aborted transaction answers no statement.
    pub(super) fn guard_postgres(
        self: &Arc<Self>,
        pool: PoolOptions<Postgres>,
        writes: bool,
    ) -> PoolOptions<Postgres> {
        self.guard(pool, move |connection| {
            Box::pin(async move {
                if !writes || connection.is_in_transaction() {
                    return Ok(true);
                }
                let times = "SELECT transaction_timestamp() = statement_timestamp()";
                connection.fetch_one(times).await?.try_get(0)
            })
        })
    }

    /// Makes a pool close connections that were retired, are counted as inside a transaction, or return inside one.
    /// `is_alone` asks the database whether there is none.
    fn guard<D: Database>(
        self: &Arc<Self>,
        pool: PoolOptions<D>,
        is_alone: impl for<'c> Fn(&'c mut D::Connection) -> BoxFuture<'c, Result<bool, Error>>
        + Send
        + Sync
        + 'static,
    ) -> PoolOptions<D> {
        let (taken, released, is_alone) = (Arc::clone(self), Arc::clone(self), Arc::new(is_alone));
        pool.before_acquire(move |connection, meta| {
            let sound = !connection.is_in_transaction() && !taken.includes(meta.age);
            Box::pin(async move { Ok(sound) })
        })
        .after_release(move |connection, meta| {
            let (retired, is_alone) = (released.includes(meta.age), Arc::clone(&is_alone));
            Box::pin(async move {
                let is_sound = !retired && is_alone(connection).await?;
                Ok(is_sound && !connection.is_in_transaction())
            })
        })
    }
}

/// An open transaction. It is rolled back when it is dropped.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    watch: Arc<StatementFailures>,
    retirement: Arc<RetiredConnections>,
    /// The place where its outcome is noted, if it writes.
    writing: Option<Arc<WriteHealth>>,
}

impl Transaction {
    pub(super) fn new(
        inner: DatabaseTransaction,
        watch: Arc<StatementFailures>,
        retirement: Arc<RetiredConnections>,
        writing: Option<Arc<WriteHealth>>,
    ) -> Self {
        Self { inner, watch, retirement, writing }
    }

    /// Commits. The writes are durable where this returns `Ok`.
    ///
    /// # Errors
    /// The error of the driver. If a statement has failed and its error was ignored, the transaction is rolled back,
    /// and an error says so.
    pub async fn commit(self) -> Result<(), DbErr> {
        if self.watch.failed.load(Ordering::Relaxed) {
            self.rollback().await?;
            return Err(DbErr::Custom("a statement of the transaction failed: it was rolled back".into()));
        }
        let Self { inner, retirement, writing, .. } = self;
        match inner.commit().await {
            Ok(()) => {
                if let Some(writing) = writing {
                    writing.committed();
                }
                Ok(())
            }
            Err(error) => {
                retirement.retire();
                if let Some(writing) = writing {
                    writing.failed(&error);
                }
                Err(error)
            }
        }
    }

    /// Rolls back.
    ///
    /// # Errors
    /// The error of the driver. Nothing was written either way.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await.inspect_err(|_| self.retirement.retire())
    }

    /// Rolls back because of an error, and returns that error. An error of the rollback says less, as where SQLite has
    /// already rolled back by itself.
    pub async fn abandon(self, error: DomainError) -> DomainError {
        if let (DomainError::Database(error), Some(writing)) = (&error, &self.writing) {
            writing.failed(error);
        }
        if let Err(further) = self.rollback().await {
            tracing::debug!(error = %further, "the rollback of a failed transaction failed");
        }
        error
    }
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(stmt).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let done = self.inner.execute_unprepared(sql).await;
        // The metric callback, which notes other failures, is not called for these statements.
        done.inspect_err(|_| self.watch.failed.store(true, Ordering::Relaxed))
    }

    async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(stmt).await
    }

    async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(stmt).await
    }
}
