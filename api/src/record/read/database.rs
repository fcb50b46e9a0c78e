//! The database: its pools, one dialect, how long anything waits for it, and the count of statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::{self, Executor as _};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use tracing::{Instrument, Span};

use super::batch::Lanes;
use super::keyed::{KeyRow, KeyedStatement, Row};
use super::meters::{self, Meters};
use crate::record::error::DomainError;
use crate::telemetry;

/// The SQL that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL 15 or newer.
    Postgres,
    /// The SQLite that is compiled into the program.
    Sqlite,
}

impl Dialect {
    /// The same as sea-orm names it.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Postgres => DbBackend::Postgres,
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// The join of a table to the keys before it. SQLite may turn the order of a plain join around and read the
    /// keys again for each row of the table; its CROSS JOIN keeps the order, and takes a condition as well.
    pub fn join(self) -> &'static str {
        match self {
            Self::Postgres => "JOIN",
            Self::Sqlite => "CROSS JOIN",
        }
    }

    /// Joins the keys with the one row of a table that a condition leaves of it, as `alias`. A plan of PostgreSQL that was
    /// made while the table was small would go on walking through it when it has grown: this one looks up each key.
    pub fn join_one(self, table: &str, alias: &str, condition: &str) -> String {
        match self {
            Self::Postgres => {
                format!(
                    "JOIN LATERAL (SELECT * FROM {table} AS {alias} WHERE {condition} LIMIT 1) AS {alias} ON TRUE"
                )
            }
            Self::Sqlite => format!("CROSS JOIN {table} AS {alias} ON {condition}"),
        }
    }

    /// The same where there may be none.
    pub fn left_join_one(self, table: &str, alias: &str, condition: &str) -> String {
        match self {
            Self::Postgres => format!("LEFT {}", self.join_one(table, alias, condition)),
            Self::Sqlite => format!("LEFT JOIN {table} AS {alias} ON {condition}"),
        }
    }

    /// A table expression with the column `v.value` for each entry of the JSON list in `expression`.
    pub fn each(self, expression: &str) -> String {
        self.each_as(expression, "v")
    }

    /// A table expression with the column `<alias>.value` for each entry of the JSON list in `expression`.
    pub fn each_as(self, expression: &str, alias: &str) -> String {
        match self {
            Self::Postgres => format!("jsonb_array_elements_text(({expression})::jsonb) AS {alias}(value)"),
            Self::Sqlite => format!("json_each({expression}) AS {alias}"),
        }
    }

    /// Whether the text `needle` stands in the text `haystack`.
    pub fn contains(self, haystack: &str, needle: &str) -> String {
        match self {
            Self::Postgres => format!("strpos({haystack}, {needle}) > 0"),
            Self::Sqlite => format!("instr({haystack}, {needle}) > 0"),
        }
    }

    /// The id whose 32 hexadecimal digits stand in `expression`.
    pub fn id_from_hex(self, expression: &str) -> String {
        match self {
            Self::Postgres => format!("({expression})::uuid"),
            Self::Sqlite => format!("unhex({expression})"),
        }
    }

    /// Joins the keys with at most so many rows each; `inner` is a complete `SELECT key ..` of them and
    /// `table` the table whose row `r` is wanted, which this key column identifies.
    pub fn join_some(self, table: &str, key: &str, inner: &str) -> String {
        match self {
            Self::Postgres => {
                format!("CROSS JOIN LATERAL ({inner}) AS x JOIN {table} AS r ON r.{key} = x.{key}")
            }
            // SQLite has no LATERAL; CROSS JOIN makes the keys the outer loop.
            Self::Sqlite => format!("CROSS JOIN {table} AS r ON r.{key} IN ({inner})"),
        }
    }
}

/// The pools of one database.
#[derive(Debug)]
pub struct Database {
    dialect: Dialect,
    read: Side,
    /// For snapshots that are read for long: they must not take the connections of others.
    long: DatabaseConnection,
    write: DatabaseConnection,
    lanes: Lanes,
    statements: Arc<AtomicU64>,
    waits: Waits,
    /// What is counted of it.
    pub meters: Meters,
}

/// Where reads go.
#[derive(Debug)]
enum Side {
    /// To any connection: each statement sees what is committed then.
    Pool(DatabaseConnection),
    /// To one transaction: all statements see the same.
    Snapshot(DatabaseTransaction),
}

/// How long the database is waited for before it is given up. What is given up fails as UNAVAILABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// For a free connection.
    connection: Duration,
    /// For a statement, with the locks that it waits for; nothing where it may take as long as it does.
    statement: Option<Duration>,
    /// For the one lock of SQLite for writes, where another program has it.
    writer: Duration,
    /// For the next statement of a transaction, as PostgreSQL writes it: then it is rolled back.
    idle: &'static str,
}

impl Waits {
    /// Of a server whose requests may take so long: each wait ends while there is somebody to be told.
    pub fn of_requests(limit: Duration) -> Self {
        Self { connection: limit * 2 / 5, statement: Some(limit * 4 / 5), writer: limit * 2 / 5, idle: "10s" }
    }

    /// Of a command, which has time: also to work out what it writes next.
    pub const fn of_commands() -> Self {
        let wait = Duration::from_secs(30);
        Self { connection: wait, statement: None, writer: wait, idle: "10min" }
    }
}

impl Default for Waits {
    /// Of a server whose requests may take ten seconds.
    fn default() -> Self {
        Self::of_requests(Duration::from_secs(10))
    }
}

/// Connections for reads: twice the cores of a small machine; more only queue in the database.
const READ_CONNECTIONS: u32 = 4;
/// Snapshots that are read for long at the same time.
pub const LONG_READS: u32 = 2;

impl Database {
    /// Opens the database of a URL, `sqlite://path` or `postgres://..`, for a server with the usual limits.
    ///
    /// # Errors
    /// Whatever the driver says; nothing has been written then.
    pub async fn open(url: &str) -> Result<Arc<Self>, DbErr> {
        Self::open_with(url, Waits::default()).await
    }

    /// Opens the database of a URL, which is waited for no longer than this.
    ///
    /// # Errors
    /// Whatever the driver says; nothing has been written then.
    pub async fn open_with(url: &str, waits: Waits) -> Result<Arc<Self>, DbErr> {
        let dialect = if url.starts_with("sqlite:") { Dialect::Sqlite } else { Dialect::Postgres };
        let (read, mut long, write) = match dialect {
            Dialect::Postgres => {
                let reading = |connections, idle: &'static str| {
                    let mut options = Self::options(url, connections, waits);
                    // Array statements are replanned at every call otherwise, at more than the cost of running them.
                    options.map_sqlx_postgres_opts(move |o| {
                        o.options([
                            ("plan_cache_mode", "force_generic_plan"),
                            ("jit", "off"),
                            // Rows are looked up by their own id, each once: remembering them only costs.
                            ("enable_memoize", "off"),
                            ("default_transaction_read_only", "on"),
                            ("idle_in_transaction_session_timeout", idle),
                        ])
                        .statement_cache_capacity(500)
                    });
                    options
                };
                let (mut read, long) = (reading(READ_CONNECTIONS, waits.idle), reading(LONG_READS, "10min"));
                Self::limit_statements(&mut read, waits);
                let mut write = Self::options(url, 8, waits);
                Self::limit_statements(&mut write, waits);
                write.map_sqlx_postgres_opts(move |o| {
                    o.options([
                        ("idle_in_transaction_session_timeout", waits.idle),
                        ("jit", "off"),
                        ("plan_cache_mode", "force_generic_plan"),
                        // What is planned once while tables are small, as at the beginning of a first import, must
                        // be good when they have grown: keys are looked up in an index, one by one.
                        ("enable_seqscan", "off"),
                        ("enable_hashjoin", "off"),
                        ("enable_mergejoin", "off"),
                    ])
                    .statement_cache_capacity(500)
                });
                (read, long, write)
            }
            Dialect::Sqlite => {
                let reading = |connections| {
                    let mut options = Self::options(url, connections, waits);
                    options
                        .map_sqlx_sqlite_opts(move |o| Self::sqlite(o, waits).statement_cache_capacity(500));
                    options
                };
                let mut write = Self::options(url, 1, waits);
                write.map_sqlx_sqlite_opts(move |o| {
                    // A transaction that changes more pages than fit writes them out, and reads them again, before its
                    // end: 64 MB is what a batch of an import changes at most.
                    Self::sqlite(o, waits)
                        .create_if_missing(true)
                        .statement_cache_capacity(500)
                        .pragma("cache_size", "-64000")
                });
                (reading(READ_CONNECTIONS), reading(LONG_READS), write)
            }
        };
        let meters = Meters::default();
        let mut write = sea_orm::Database::connect(write).await?;
        meters.listen(meters::WRITE, &mut write);
        let mut read = sea_orm::Database::connect(read).await?;
        meters.listen(meters::READ, &mut read);
        long.connect_lazy(true).min_connections(0);
        let mut long = sea_orm::Database::connect(long).await?;
        meters.listen(meters::LONG, &mut long);
        let (lanes, statements) = (Lanes::default(), Arc::default());
        Ok(Arc::new(Self { dialect, read: Side::Pool(read), long, write, lanes, statements, waits, meters }))
    }

    /// Lets PostgreSQL give up what takes too long, unless it has a limit of its operator's.
    fn limit_statements(options: &mut ConnectOptions, waits: Waits) {
        let Some(limit) = waits.statement else { return };
        let sql = format!(
            "SELECT set_config('statement_timeout', '{}', false) WHERE current_setting('statement_timeout') = '0'",
            limit.as_millis().max(1)
        );
        options.map_sqlx_postgres_pool_opts(move |pool| {
            let sql = sql.clone();
            pool.after_connect(move |connection, _| {
                let sql = sql.clone();
                Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(sql)).await.map(|_| ()) })
            })
        });
    }

    /// The database as it is now, for several reads that must agree, in a short time. Must be taken and read in a task
    /// of its own: what is dropped while its transaction begins would leave it open.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn snapshot(&self) -> Result<Arc<Self>, DbErr> {
        match &self.read {
            Side::Pool(read) => self.snapshot_on(read).await,
            Side::Snapshot(_) => Err(DbErr::Custom("a snapshot is no database to take another of".into())),
        }
    }

    /// The same for as long as ten minutes: [`LONG_READS`] at a time.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn long_snapshot(&self) -> Result<Arc<Self>, DbErr> {
        self.snapshot_on(&self.long).await
    }

    async fn snapshot_on(&self, connection: &DatabaseConnection) -> Result<Arc<Self>, DbErr> {
        let pool = if matches!(&self.read, Side::Pool(read) if std::ptr::eq(read, connection)) {
            meters::READ
        } else {
            meters::LONG
        };
        let options = TransactionOptions {
            isolation_level: (self.dialect == Dialect::Postgres).then_some(IsolationLevel::RepeatableRead),
            access_mode: (self.dialect == Dialect::Postgres).then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        Ok(Arc::new(Self {
            dialect: self.dialect,
            read: Side::Snapshot(self.begin_on(pool, connection, options).await?),
            long: self.long.clone(),
            write: self.write.clone(),
            lanes: Lanes::default(),
            statements: Arc::clone(&self.statements),
            waits: self.waits,
            meters: self.meters.clone(),
        }))
    }

    /// Begins a transaction in a task of its own. A BEGIN that is dropped half-way, as when a client goes away, leaves its
    /// connection in a transaction that nobody ends (sqlx 0.9.0): this task ends in any case, and rolls back what nobody
    /// takes. Every transaction begins here.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where transactions begin")]
    async fn begin_on(
        &self,
        pool: &'static str,
        connection: &DatabaseConnection,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, DbErr> {
        let connection = connection.clone();
        let task = tokio::spawn(async move { connection.begin_with_options(options).await });
        let begun = task.await.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string())));
        self.meters.begun(pool, &begun);
        begun
    }

    /// The transaction of a snapshot; nothing of a database that is none.
    pub fn transaction(&self) -> Option<&DatabaseTransaction> {
        match &self.read {
            Side::Pool(_) => None,
            Side::Snapshot(transaction) => Some(transaction),
        }
    }

    fn options(url: &str, connections: u32, waits: Waits) -> ConnectOptions {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(waits.connection)
            .max_lifetime(Duration::from_mins(30))
            .test_before_acquire(false)
            .sqlx_logging(false);
        options
    }

    fn sqlite(
        options: sea_orm::sqlx::sqlite::SqliteConnectOptions,
        waits: Waits,
    ) -> sea_orm::sqlx::sqlite::SqliteConnectOptions {
        use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
        options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(waits.writer)
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-16000")
            // What a statement may have to undo is kept in memory rather than in a file.
            .pragma("temp_store", "MEMORY")
    }

    /// The SQL that this database speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What `work` comes to; nothing where it takes longer than a statement may.
    pub(super) async fn patiently<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.waits.statement {
            Some(limit) => tokio::time::timeout(limit, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// The lanes in which reads travel together.
    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Number of statements sent by reads since the start.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Runs a keyed statement: for each row found, the position of its key, from 0, and the row after it.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read(
        self: &Arc<Self>,
        statement: &KeyedStatement,
        keys: Vec<KeyRow>,
    ) -> Result<Vec<(usize, Row)>, DomainError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        match self.dialect {
            Dialect::Sqlite => self.read_alone(statement, keys).await,
            Dialect::Postgres => self.lanes.read(self, statement, keys).instrument(self.span("SELECT")).await,
        }
    }

    /// The span of what is asked of the database, if it is for somebody.
    pub(crate) fn span(&self, operation: &'static str) -> Span {
        telemetry::sql(self.dialect, operation)
    }

    /// Runs a keyed statement at once, alone: for statements whose text is not safe for several readers.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read_alone(
        &self,
        statement: &KeyedStatement,
        keys: Vec<KeyRow>,
    ) -> Result<Vec<(usize, Row)>, DomainError> {
        self.meters.readers.observe(1.0);
        self.send(statement, keys).instrument(self.span("SELECT")).await
    }

    /// Sends a keyed statement.
    pub(super) async fn send(
        &self,
        statement: &KeyedStatement,
        keys: Vec<KeyRow>,
    ) -> Result<Vec<(usize, Row)>, DomainError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.meters.keys.observe(u32::try_from(keys.len()).unwrap_or(u32::MAX).into());
        let statement = statement.keys.statement(self.dialect, &statement.sql, keys);
        let rows = match &self.read {
            // SQLite knows no limit for a statement: it runs on in its connection, and nobody waits for it.
            Side::Pool(pool) if self.dialect == Dialect::Sqlite => {
                self.patiently(pool.query_all_raw(statement)).await.ok_or(DomainError::Crowded)?
            }
            Side::Pool(pool) => pool.query_all_raw(statement).await,
            Side::Snapshot(transaction) => transaction.query_all_raw(statement).await,
        };
        let rows = rows.inspect_err(|error| self.meters.failed(meters::READ, error))?;
        rows.into_iter().map(Row::positioned).collect()
    }

    /// Begins a transaction that writes. What is done in it must run in a task of its own (see
    /// [`super::super::write`]), or is rolled back with its caller.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate = TransactionOptions {
            isolation_level: (self.dialect == Dialect::Postgres).then_some(IsolationLevel::ReadCommitted),
            access_mode: (self.dialect == Dialect::Postgres).then_some(AccessMode::ReadWrite),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        };
        self.begin_on(meters::WRITE, &self.write, immediate).await
    }

    /// Runs a statement that may take as long as it does, such as cleaning a table, outside of a transaction.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn execute_at_leisure(&self, sql: &str) -> Result<(), DbErr> {
        if self.dialect == Dialect::Sqlite {
            return self.write.execute_unprepared(sql).await.map(|_| ());
        }
        let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
        let mut connection = self.write.get_postgres_connection_pool().acquire().await.map_err(failed)?;
        // Closed afterwards, whatever happens: nobody else must get it without a limit.
        connection.close_on_drop();
        connection.execute("SET statement_timeout = 0").await.map_err(failed)?;
        connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.map_err(failed)?;
        Ok(())
    }

    /// Notes how many connections there are now.
    pub fn look_at_pools(&self) {
        if let Side::Pool(read) = &self.read {
            self.meters.look(meters::READ, self.dialect, read);
        }
        self.meters.look(meters::LONG, self.dialect, &self.long);
        self.meters.look(meters::WRITE, self.dialect, &self.write);
    }

    /// The connections for reads that are no part of a request's answer.
    pub fn reader(&self) -> &DatabaseConnection {
        match &self.read {
            Side::Pool(pool) => pool,
            Side::Snapshot(_) => &self.long,
        }
    }

    /// The connection for migrations and administration.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let one = Statement::from_string(self.dialect.backend(), "SELECT 1");
        match &self.read {
            Side::Pool(pool) => pool.query_one_raw(one).await.map(|_| ()),
            Side::Snapshot(transaction) => transaction.query_one_raw(one).await.map(|_| ()),
        }
    }

    /// Closes both pools, waiting for what is running.
    pub async fn close(&self) {
        if let Side::Pool(pool) = &self.read {
            let _ = pool.clone().close().await;
        }
        let _ = self.long.clone().close().await;
        let _ = self.write.clone().close().await;
    }
}
