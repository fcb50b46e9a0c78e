//! The database: its connection pools, its dialect, its time-outs, and the count of statements.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::{self, Executor as _};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value,
};
use tracing::{Instrument, Span};

use super::batch::ReadQueues;
use super::keyed::{KeyRow, KeyedStatement, Row};
use super::meters::{self, DatabaseMetrics, Listener};
use super::span;
use super::storage::Fault;
use super::transaction::{RetiredConnections, StatementFailures, Transaction};
use super::writing::WriteHealth;
use crate::error::DomainError;

/// The SQL dialect of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL 15 or newer.
    Postgres,
    /// The SQLite that is compiled into the program.
    Sqlite,
}

impl Dialect {
    /// The dialect as a type of sea-orm.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Postgres => DbBackend::Postgres,
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// The join of a table to the keys before it. SQLite may reverse the order of a plain join and read the keys again
    /// for each row of the table. Its CROSS JOIN keeps the order, and takes a condition as well.
    pub fn join(self) -> &'static str {
        match self {
            Self::Postgres => "JOIN",
            Self::Sqlite => "CROSS JOIN",
        }
    }

    /// Joins the keys with the one row of a table that matches a condition, as `alias`. For a plain join, PostgreSQL
    /// would go on scanning the table by a plan from the time when it was small. This join looks up each key.
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

    /// The same, where there may be no row.
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

    /// The condition that the text `haystack` contains the text `needle`.
    pub fn contains(self, haystack: &str, needle: &str) -> String {
        match self {
            Self::Postgres => format!("strpos({haystack}, {needle}) > 0"),
            Self::Sqlite => format!("instr({haystack}, {needle}) > 0"),
        }
    }

    /// The id whose 32 hexadecimal digits are in `expression`.
    pub fn id_from_hex(self, expression: &str) -> String {
        match self {
            Self::Postgres => format!("({expression})::uuid"),
            Self::Sqlite => format!("unhex({expression})"),
        }
    }

    /// Joins the keys with several rows each, as `r`. `inner` is a complete `SELECT key ..` of the rows, with their
    /// limit. `table` is the table of the rows, and `key` its column that identifies them.
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
    /// The pool for long snapshots, which must not take the connections of other reads.
    long: Pool,
    write: Pool,
    /// Whether writes succeed.
    writing: Arc<WriteHealth>,
    lanes: ReadQueues,
    statements: Arc<AtomicU64>,
    waits: Waits,
    /// Whether a statement has found the database damaged.
    damaged: Arc<AtomicBool>,
    /// The metrics of the database.
    pub meters: DatabaseMetrics,
}

/// A connection pool.
#[derive(Clone, Debug)]
struct Pool {
    name: &'static str,
    connection: DatabaseConnection,
    listener: Listener,
    retirement: Arc<RetiredConnections>,
}

impl Pool {
    /// Opens a pool, or prepares one that is opened on first use. `limit` is the time-out of statements on PostgreSQL,
    /// unless its operator has set one.
    async fn open(
        name: &'static str,
        mut options: ConnectOptions,
        limit: Option<Duration>,
        meters: &DatabaseMetrics,
    ) -> Result<Self, DbErr> {
        let retirement = Arc::new(RetiredConnections::default());
        let writes = name == meters::WRITE;
        let own = Arc::clone(&retirement);
        options.map_sqlx_sqlite_pool_opts(move |pool| own.guard_sqlite(pool, writes));
        let own = Arc::clone(&retirement);
        options.map_sqlx_postgres_pool_opts(move |pool| {
            let pool = own.guard_postgres(pool, writes);
            let Some(limit) = limit else { return pool };
            let sql = format!(
                "SELECT set_config('statement_timeout', '{}', false) WHERE current_setting('statement_timeout') = '0'",
                limit.as_millis().max(1)
            );
            pool.after_connect(move |connection, _| {
                let sql = sql.clone();
                Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(sql)).await.map(|_| ()) })
            })
        });
        let mut connection = sea_orm::Database::connect(options).await?;
        let listener = meters.listen(name, &mut connection);
        Ok(Self { name, connection, listener, retirement })
    }
}

/// The options of the pools of a database.
struct Pools {
    read: ConnectOptions,
    long: ConnectOptions,
    write: ConnectOptions,
}

/// Whether SQLite could not be opened because its disk is full or fails.
fn lacks_room(error: &DbErr) -> bool {
    matches!(Fault::of(error), Some(Fault::Full | Fault::Failing))
}

/// The target of reads.
#[derive(Debug)]
enum Side {
    /// Any connection: each statement sees the data that is committed at that time.
    Pool(Pool),
    /// One transaction: all statements see the same data.
    Snapshot(Transaction),
}

/// The time-outs of the database. An operation that exceeds one fails as UNAVAILABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Time-out for a free connection.
    connection: Duration,
    /// Time-out of a statement, with its waits for locks; none where it has no limit.
    statement: Option<Duration>,
    /// Time-out for the write lock of SQLite, which another process may hold.
    writer: Duration,
    /// Time-out for the next statement of a transaction, in the notation of PostgreSQL. The transaction is then rolled
    /// back.
    idle: &'static str,
}

impl Waits {
    /// Time-outs of a server whose requests may take as long as `limit`. Each ends before the request does, so that the
    /// client gets an error.
    pub fn of_requests(limit: Duration) -> Self {
        Self { connection: limit * 2 / 5, statement: Some(limit * 4 / 5), writer: limit * 2 / 5, idle: "10s" }
    }

    /// Time-outs of a command, which may take longer, also between two statements of a transaction.
    pub const fn of_commands() -> Self {
        let wait = Duration::from_secs(30);
        Self { connection: wait, statement: None, writer: wait, idle: "10min" }
    }
}

impl Default for Waits {
    /// Time-outs of a server whose requests may take ten seconds.
    fn default() -> Self {
        Self::of_requests(Duration::from_secs(10))
    }
}

/// Connections for reads: twice the cores of a small machine; more only queue in the database.
const READ_CONNECTIONS: u32 = 4;
/// Maximum long snapshots at the same time.
pub const LONG_READS: u32 = 4;
/// Pauses before each attempt to open a file whose connection is being closed.
const CLOSING: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1500),
];
/// Bytes that are written to test whether writing works.
const TRIAL: usize = 128 * 1024;

impl Database {
    /// Opens the database of a URL, `sqlite://path` or `postgres://..`, with the default time-outs.
    ///
    /// # Errors
    /// The error of the driver. Nothing has been written then.
    pub async fn open(url: &str) -> Result<Arc<Self>, DbErr> {
        Self::open_with(url, Waits::default()).await
    }

    /// Opens the database of a URL, with these time-outs.
    ///
    /// # Errors
    /// The error of the driver. Nothing has been written then.
    pub async fn open_with(url: &str, waits: Waits) -> Result<Arc<Self>, DbErr> {
        let dialect = if url.starts_with("sqlite:") { Dialect::Sqlite } else { Dialect::Postgres };
        let meters = DatabaseMetrics::default();
        let (mut pools, limit) = match dialect {
            Dialect::Postgres => (Self::postgres_pools(url, waits), waits.statement),
            Dialect::Sqlite => (Self::sqlite_pools(url, waits, None), None),
        };
        let write = match Pool::open(meters::WRITE, pools.write, limit, &meters).await {
            Ok(write) => write,
            // On a full disk, SQLite cannot create the shared-memory file for the index of its write-ahead log. A
            // process that is alone can keep that index in its own memory.
            Err(error) if dialect == Dialect::Sqlite && lacks_room(&error) => {
                let Some((write, alone)) = Self::open_alone(url, waits, &meters).await else {
                    return Err(error);
                };
                pools = alone;
                tracing::error!(
                    %error,
                    "the database was opened without its shared memory, for which the disk has no room: other programs \
                     cannot open it until this one is started again"
                );
                write
            }
            Err(error) => return Err(error),
        };
        let read = Pool::open(meters::READ, pools.read, limit, &meters).await?;
        pools.long.connect_lazy(true).min_connections(0);
        let long = Pool::open(meters::LONG, pools.long, None, &meters).await?;
        let (lanes, statements, writing) = (ReadQueues::default(), Arc::default(), Arc::default());
        Ok(Arc::new(Self {
            dialect,
            read: Side::Pool(read),
            long,
            write,
            writing,
            lanes,
            statements,
            waits,
            damaged: Arc::default(),
            meters,
        }))
    }

    /// Opens a SQLite database for this process alone; none where that fails too. The driver closes the failed
    /// connection in another thread. Until then, SQLite refuses to open the file in another way, so this tries several
    /// times.
    async fn open_alone(url: &str, waits: Waits, meters: &DatabaseMetrics) -> Option<(Pool, Pools)> {
        for pause in CLOSING {
            tokio::time::sleep(pause).await;
            let pools = Self::sqlite_pools(url, waits, Some("unix-excl"));
            match Pool::open(meters::WRITE, pools.write.clone(), None, meters).await {
                Ok(write) => return Some((write, pools)),
                Err(error) => tracing::debug!(%error, "the database does not open without its shared memory"),
            }
        }
        None
    }

    fn postgres_pools(url: &str, waits: Waits) -> Pools {
        let reading = |connections, idle: &'static str| {
            let mut options = Self::options(url, connections, waits);
            // Statements with arrays would be planned again at every call, which costs more than running them.
            options.map_sqlx_postgres_opts(move |o| {
                o.options([
                    ("plan_cache_mode", "force_generic_plan"),
                    ("jit", "off"),
                    // Rows are looked up by their id, each once: memoizing them only costs time.
                    ("enable_memoize", "off"),
                    ("default_transaction_read_only", "on"),
                    ("idle_in_transaction_session_timeout", idle),
                ])
                .statement_cache_capacity(500)
            });
            options
        };
        let (read, long) = (reading(READ_CONNECTIONS, waits.idle), reading(LONG_READS, "10min"));
        let mut write = Self::options(url, 8, waits);
        write.map_sqlx_postgres_opts(move |o| {
            o.options([
                ("idle_in_transaction_session_timeout", waits.idle),
                ("jit", "off"),
                ("plan_cache_mode", "force_generic_plan"),
                // A plan that is made while tables are small, as at the start of a first import, must be good after
                // they have grown: keys are looked up in an index, one by one.
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
            ])
            .statement_cache_capacity(500)
        });
        Pools { read, long, write }
    }

    /// The pools of SQLite, with this VFS (its file layer) where it is not the default one.
    fn sqlite_pools(url: &str, waits: Waits, vfs: Option<&'static str>) -> Pools {
        let open = move |o| {
            let options = Self::sqlite(o, waits).statement_cache_capacity(500);
            match vfs {
                Some(vfs) => options.vfs(vfs),
                None => options,
            }
        };
        let reading = |connections| {
            let mut options = Self::options(url, connections, waits);
            options.map_sqlx_sqlite_opts(open);
            options
        };
        let mut write = Self::options(url, 1, waits);
        write.map_sqlx_sqlite_opts(move |o| {
            // A transaction that changes more pages than the cache holds writes them out, and reads them again, before
            // its end. A batch of an import changes at most 64 MB.
            open(o).create_if_missing(true).pragma("cache_size", "-64000")
        });
        Pools { read: reading(READ_CONNECTIONS), long: reading(LONG_READS), write }
    }

    /// A snapshot of the database, for several reads that must agree, in a short time. It must be taken and read in a
    /// spawned task, so that its transaction ends even if the request is dropped.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn snapshot(&self) -> Result<Arc<Self>, DbErr> {
        match &self.read {
            Side::Pool(read) => self.snapshot_on(read).await,
            Side::Snapshot(_) => Err(DbErr::Custom("a snapshot is no database to take another of".into())),
        }
    }

    /// A snapshot with up to ten minutes between two statements: [`LONG_READS`] at a time.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn long_snapshot(&self) -> Result<Arc<Self>, DbErr> {
        self.snapshot_on(&self.long).await
    }

    async fn snapshot_on(&self, pool: &Pool) -> Result<Arc<Self>, DbErr> {
        let options = TransactionOptions {
            isolation_level: (self.dialect == Dialect::Postgres).then_some(IsolationLevel::RepeatableRead),
            access_mode: (self.dialect == Dialect::Postgres).then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        Ok(Arc::new(Self {
            dialect: self.dialect,
            read: Side::Snapshot(self.begin_on(pool, options).await?),
            long: self.long.clone(),
            write: self.write.clone(),
            writing: Arc::clone(&self.writing),
            lanes: ReadQueues::default(),
            statements: Arc::clone(&self.statements),
            waits: self.waits,
            damaged: Arc::clone(&self.damaged),
            meters: self.meters.clone(),
        }))
    }

    /// Begins a transaction in a spawned task. sqlx 0.9.0 leaves a connection in an open transaction if the future of
    /// its BEGIN is dropped, as when a client disconnects. The task completes BEGIN in any case, and rolls back a
    /// transaction that nobody takes. Every transaction begins here.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where transactions begin")]
    async fn begin_on(&self, pool: &Pool, options: TransactionOptions) -> Result<Transaction, DbErr> {
        let (watch, mut connection) = (Arc::new(StatementFailures::default()), pool.connection.clone());
        let (listener, own) = (pool.listener.clone(), Arc::clone(&watch));
        connection.set_metric_callback(move |statement| {
            listener.note(statement);
            own.note(statement);
        });
        let retirement = Arc::clone(&pool.retirement);
        let task = tokio::spawn(async move {
            let begun = connection.begin_with_options(options).await;
            // After other errors there was no connection to begin on.
            if matches!(begun, Err(DbErr::Exec(_) | DbErr::Query(_))) {
                retirement.retire();
            }
            begun
        });
        let begun = task.await.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string())));
        self.meters.begun(pool.name, &begun);
        let writing = (pool.name == meters::WRITE).then(|| Arc::clone(&self.writing));
        if let (Err(error), Some(writing)) = (&begun, &writing) {
            writing.failed(error);
        }
        if let Err(error) = &begun {
            self.note(error);
        }
        Ok(Transaction::new(begun?, watch, Arc::clone(&pool.retirement), writing))
    }

    /// Notes an error which says that the database is damaged: later reads cannot be trusted.
    pub fn note(&self, error: &DbErr) {
        if Fault::of(error) == Some(Fault::Damaged) && !self.damaged.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the database is damaged: restore a copy, and start again");
        }
    }

    /// Whether a statement has found the database damaged since the start.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// The transaction of a snapshot; none where this is no snapshot.
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
            // Data for undoing a statement is kept in memory rather than in a file.
            .pragma("temp_store", "MEMORY")
    }

    /// The SQL dialect of this database.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs `work`; none where it takes longer than the time-out of statements.
    pub(super) async fn patiently<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.waits.statement {
            Some(limit) => tokio::time::timeout(limit, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// The queues of batched reads.
    pub(super) fn lanes(&self) -> &ReadQueues {
        &self.lanes
    }

    /// Number of statements sent by reads since the start.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Runs a keyed statement. Returns each row found with the position of its key, from 0.
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

    /// The tracing span of a database operation.
    pub fn span(&self, operation: &'static str) -> Span {
        span::sql(self.dialect, operation)
    }

    /// Runs a keyed statement at once, without batching: for statements that several readers must not share.
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
            // SQLite has no time-out of statements: the statement runs on in its connection, and nobody waits for it.
            Side::Pool(pool) if self.dialect == Dialect::Sqlite => self
                .patiently(pool.connection.query_all_raw(statement))
                .await
                .ok_or(DomainError::ReadTimedOut)?,
            Side::Pool(pool) => pool.connection.query_all_raw(statement).await,
            Side::Snapshot(transaction) => transaction.query_all_raw(statement).await,
        };
        let rows = rows.inspect_err(|error| {
            self.meters.failed(meters::READ, error);
            self.note(error);
        })?;
        rows.into_iter().map(Row::positioned).collect()
    }

    /// Begins a write transaction. Its work must run in a spawned task (see `records::write`), or is rolled back
    /// when the caller is dropped.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let immediate = TransactionOptions {
            isolation_level: (self.dialect == Dialect::Postgres).then_some(IsolationLevel::ReadCommitted),
            access_mode: (self.dialect == Dialect::Postgres).then_some(AccessMode::ReadWrite),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        };
        self.begin_on(&self.write, immediate).await
    }

    /// Runs a statement without a time-out and outside of a transaction, such as the cleaning of a table.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn execute_at_leisure(&self, sql: &str) -> Result<(), DbErr> {
        if self.dialect == Dialect::Sqlite {
            return self.write.connection.execute_unprepared(sql).await.map(|_| ());
        }
        let failed = |error: sqlx::Error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
        let mut connection =
            self.write.connection.get_postgres_connection_pool().acquire().await.map_err(failed)?;
        // The connection is closed afterwards in any case: nobody else must get it without a time-out.
        connection.close_on_drop();
        connection.execute("SET statement_timeout = 0").await.map_err(failed)?;
        connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.map_err(failed)?;
        Ok(())
    }

    /// Updates the metrics of the pools.
    pub fn look_at_pools(&self) {
        if let Side::Pool(read) = &self.read {
            self.meters.look(meters::READ, self.dialect, &read.connection);
        }
        self.meters.look(meters::LONG, self.dialect, &self.long.connection);
        self.meters.look(meters::WRITE, self.dialect, &self.write.connection);
    }

    /// The connection pool for reads that are not part of a response.
    pub fn reader(&self) -> &DatabaseConnection {
        match &self.read {
            Side::Pool(pool) => &pool.connection,
            Side::Snapshot(_) => &self.long.connection,
        }
    }

    /// The connection for migrations and administration.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.write.connection
    }

    /// The outcome of the last write. Nothing is written to find it out.
    pub fn writing(&self) -> &WriteHealth {
        &self.writing
    }

    /// The fault that makes writes fail; none where the last write succeeded. Some time after a failure, another write
    /// is tried, so that a recovery is noticed where nobody writes.
    pub async fn check_writing(self: &Arc<Self>) -> Option<Fault> {
        if self.writing.is_due() {
            // The attempt notes its outcome itself.
            let _ = self.try_writing().await;
        }
        self.writing.fault()
    }

    /// Writes a row of the size of a large record, and deletes it again.
    ///
    /// # Errors
    /// [`DomainError::Database`]; [`Database::writing`] says whether it is the disk.
    pub async fn try_writing(self: &Arc<Self>) -> Result<(), DomainError> {
        let own = Arc::clone(self);
        let task = tokio::spawn(async move {
            let tx = own.begin().await?;
            match own.write_and_delete(&tx).await {
                Ok(()) => {
                    tx.commit().await?;
                    own.writing.succeeded();
                    Ok(())
                }
                Err(error) => Err(tx.abandon(error.into()).await),
            }
        });
        task.await.map_err(|error| DomainError::Task(error.to_string()))?
    }

    /// The write of [`Database::try_writing`]. No other transaction sees its row.
    async fn write_and_delete(&self, tx: &Transaction) -> Result<(), DbErr> {
        let key: [u8; 32] = rand::random();
        // Random, so that it cannot be compressed.
        let mut text = String::with_capacity(TRIAL);
        while text.len() < TRIAL {
            // Writing into a text cannot fail.
            let _ = write!(text, "{:016x}", rand::random::<u64>());
        }
        let insert = "INSERT INTO idempotency (key_hash, request_hash, record_id, expires_at, outcome) \
                      VALUES ($1, $2, $3, $4, $5)";
        let key = || Value::from(key.to_vec());
        let values = [key(), key(), uuid::Uuid::nil().into(), 0_i64.into(), text.into()];
        tx.execute_raw(Statement::from_sql_and_values(self.dialect.backend(), insert, values)).await?;
        let delete = "DELETE FROM idempotency WHERE key_hash = $1";
        tx.execute_raw(Statement::from_sql_and_values(self.dialect.backend(), delete, [key()])).await?;
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// The error of the driver.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let one = Statement::from_string(self.dialect.backend(), "SELECT 1");
        match &self.read {
            Side::Pool(pool) => pool.connection.query_one_raw(one).await.map(|_| ()),
            Side::Snapshot(transaction) => transaction.query_one_raw(one).await.map(|_| ()),
        }
    }

    /// Closes all pools, waiting for running statements.
    pub async fn close(&self) {
        if let Side::Pool(pool) = &self.read {
            let _ = pool.connection.clone().close().await;
        }
        let _ = self.long.connection.clone().close().await;
        let _ = self.write.connection.clone().close().await;
    }
}
