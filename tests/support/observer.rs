//! Detects from outside that a program is writing to a database, in order to kill it in the middle of a write.

use std::process::Child;
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::until;

/// A connection to a database beside the programs that use it.
pub(crate) struct Observer {
    db: DatabaseConnection,
    /// Does not wait for SQLite's write lock.
    hurried: DatabaseConnection,
}

impl Observer {
    /// Connects to the database of a URL.
    pub(crate) async fn of(url: &str) -> Self {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let db = sea_orm::Database::connect(options.clone()).await.expect("the database opens");
        options.map_sqlx_sqlite_opts(|options| options.busy_timeout(Duration::ZERO));
        let hurried = sea_orm::Database::connect(options).await.expect("the database opens");
        Self { db, hurried }
    }

    /// The number that a statement returns.
    async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let row = self.db.query_one_raw(statement).await.expect(sql);
        row.expect("a row").try_get_by_index(0).expect("a number")
    }

    /// Whether another connection is in a transaction that writes.
    async fn sees_a_writer(&self) -> bool {
        if self.db.get_database_backend() == DbBackend::Sqlite {
            // SQLite has one writer at a time, which holds the lock.
            if let Err(error) = self.hurried.execute_unprepared("BEGIN IMMEDIATE").await {
                assert!(error.to_string().contains("locked"), "{error}");
                return true;
            }
            self.hurried.execute_unprepared("ROLLBACK").await.expect("it was begun");
            return false;
        }
        let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL";
        self.number(sql).await > 0
    }

    /// Kills a program while it writes: `later` after the log has at least `entries` entries. Returns whether the
    /// program was still running.
    pub(crate) async fn kill_a_writer(&self, child: &mut Child, entries: i64, later: Duration) -> bool {
        until("the program writes", async || {
            has_ended(child)
                || (self.number("SELECT COUNT(*) FROM change_log").await >= entries
                    && self.sees_a_writer().await)
        })
        .await;
        tokio::time::sleep(later).await;
        let ran = !has_ended(child);
        child.kill().expect("it can be killed");
        child.wait().expect("it was started");
        // PostgreSQL notices the closed connection a moment later.
        until("nobody writes", async || !self.sees_a_writer().await).await;
        ran
    }
}

/// Whether a program has exited.
fn has_ended(child: &mut Child) -> bool {
    child.try_wait().expect("it was started").is_some()
}
