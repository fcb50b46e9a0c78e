//! The check at start-up that the log continues. A restored database, or a standby that lagged when it took over, lacks
//! changes that readers have already seen. Then the feed gets a new id, and its readers load a snapshot.
//!
//! PostgreSQL reports the identifier of its server and its timeline, which a failover raises. For every database, the
//! last known end of the log is also kept in a file of the data folder. This file must not be restored with the
//! database.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entity::{feed_history, feed_meta};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QuerySelect, Statement,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Head, head};
use crate::handle::Core;
use crate::transact::transact;
use crate::worker::{Job, Worker};
use kernel::error::DomainError;
use kernel::read::Dialect;

/// The name of the file in the data folder.
const FILE: &str = "feed-head";
/// The interval at which the end of the log is written there.
const EVERY: Duration = Duration::from_secs(1);
/// The gap between the numbers of two feeds, so that a new feed does not reuse numbers of the old one.
const JUMP: i64 = 1_000_000;

/// The error of a file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The file cannot be read or written.
    #[error("the last known end of the log, `{path}`, cannot be used: {error}", path = .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
    /// The database failed.
    #[error("it could not be found out whether the log goes on: {0}")]
    Failed(#[from] DomainError),
}

/// The reason why a new feed has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The database server is another one, or has taken over after a failover.
    OtherServer,
    /// The log ends before its last known end.
    Restored,
}

impl Why {
    /// The reason as text for the operator.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OtherServer => "the database server is another one, or has taken over from another",
            Self::Restored => "the database is older than what was read of it",
        }
    }
}

/// The identity of a database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    system: i64,
    timeline: i32,
}

/// Checks that the log continues, and begins a new feed if it does not. Returns why a new feed has begun, if one has.
/// With `continues` the operator confirms that nothing was lost: the present state is noted, and the feed stays.
///
/// # Errors
/// [`Unusable`].
pub async fn check(core: &Core, data_dir: &Path, continues: bool) -> Result<Option<Why>, Unusable> {
    let instance = core.instance(core.db.writer()).await?;
    let known = read(data_dir, instance)?;
    let marks = marks(core.db.dialect(), core.db.writer()).await;
    let why = transact(core, move |core, tx| {
        Box::pin(async move {
            let meta = locked(tx).await?;
            let before = meta.system_identifier.zip(meta.timeline);
            let before = before.map(|(system, timeline)| Marks { system, timeline });
            let why = match (before, marks) {
                (Some(before), Some(now)) if before != now => Some(Why::OtherServer),
                _ => known.filter(|known| meta.head < *known).map(|_| Why::Restored),
            };
            let why = why.filter(|_| !continues);
            let mut changed = meta.clone().into_active_model();
            if let Some(marks) = marks {
                changed.system_identifier = ActiveValue::Set(Some(marks.system));
                changed.timeline = ActiveValue::Set(Some(marks.timeline));
            }
            if why.is_some() {
                begin(core, tx, &meta, known.unwrap_or(0), &mut changed).await?;
            }
            if changed.is_changed() {
                changed.update(tx).await?;
            }
            Ok(why)
        })
    });
    let why = why.await?;
    match write(data_dir, instance, head(&core.db).await?.seq) {
        // A full disk must not prevent the start. The file is written again when the log grows.
        Err(Unusable::File(path, error)) if is_full(&error) => {
            tracing::warn!(path = %path.display(), %error, "a restored database may not be noticed");
        }
        done => done?,
    }
    Ok(why)
}

/// Whether a file could not be written because its disk is full or read-only, or a size limit is reached.
fn is_full(error: &std::io::Error) -> bool {
    use ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem)
}

/// Begins a new feed at the operator's request. Returns its id.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn rotate(core: &Core) -> Result<Uuid, DomainError> {
    transact(core, |core, tx| {
        Box::pin(async move {
            let meta = locked(tx).await?;
            let mut changed = meta.clone().into_active_model();
            let id = begin(core, tx, &meta, 0, &mut changed).await?;
            changed.update(tx).await?;
            Ok(id)
        })
    })
    .await
}

/// Reads the row of the log's counter and locks it against writers.
async fn locked(tx: &DatabaseTransaction) -> Result<feed_meta::Model, DomainError> {
    let meta = feed_meta::Entity::find_by_id(1_i16).lock_exclusive().one(tx).await?;
    meta.ok_or_else(|| DomainError::Stored("the log has no counter".into()))
}

/// Moves the present feed to the history, and begins a new one after its last known end.
async fn begin(
    core: &Core,
    tx: &DatabaseTransaction,
    meta: &feed_meta::Model,
    known: i64,
    changed: &mut feed_meta::ActiveModel,
) -> Result<Uuid, DomainError> {
    let retired =
        feed_history::Model { feed_id: meta.feed_id, head: meta.head, retired_at: core.clock.now().micros() };
    feed_history::Entity::insert(retired.into_active_model().reset_all()).exec_without_returning(tx).await?;
    let id = core.new_id();
    changed.feed_id = ActiveValue::Set(id);
    changed.head = ActiveValue::Set(meta.head.max(known) + JUMP);
    Ok(id)
}

/// Reads the identity of the database server; `None` for SQLite, or if the server does not allow it.
async fn marks(dialect: Dialect, on: &DatabaseConnection) -> Option<Marks> {
    if dialect == Dialect::Sqlite {
        return None;
    }
    // The timeline of the current write position: that of the last checkpoint stays the old one for minutes after a
    // failover.
    let sql = "SELECT s.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int \
               FROM pg_control_system() AS s";
    let asked = on.query_one_raw(Statement::from_string(dialect.backend(), sql)).await;
    let read = asked.and_then(|row| match row {
        Some(row) => Ok(Some(Marks { system: row.try_get_by_index(0)?, timeline: row.try_get_by_index(1)? })),
        None => Ok(None),
    });
    read.unwrap_or_else(|error| {
        tracing::warn!(
            %error,
            "the database server hides its identity: run `passerelle feed rotate` after each restore or failover"
        );
        None
    })
}

/// The path of the file with the last known end of the log.
pub fn marker(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Whether a database was used with this data folder.
pub fn is_marked(data_dir: &Path) -> bool {
    marker(data_dir).exists()
}

/// Reads the last known end of the log of this instance.
fn read(data_dir: &Path, instance: Uuid) -> Result<Option<i64>, Unusable> {
    let text = match fs::read_to_string(marker(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::File(marker(data_dir), error)),
    };
    // The file of another database says nothing about this one.
    let of = text.trim().split_once(' ').filter(|(of, _)| *of == instance.to_string());
    Ok(of.and_then(|(_, head)| head.parse().ok()))
}

/// Writes the end of the log to the file, atomically.
fn write(data_dir: &Path, instance: Uuid, head: i64) -> Result<(), Unusable> {
    let unusable = |error| Unusable::File(marker(data_dir), error);
    let mut file = tempfile::NamedTempFile::new_in(data_dir).map_err(unusable)?;
    writeln!(file, "{instance} {head}").map_err(unusable)?;
    file.persist(marker(data_dir)).map_err(|error| unusable(error.error))?;
    Ok(())
}

/// Starts the task that writes the end of the log to the file until `stop` is cancelled.
pub fn start(core: &Core, data_dir: &Path, stop: CancellationToken) {
    let worker = Worker {
        rest: EVERY,
        retry: (EVERY, EVERY),
        ..Worker::new("feed-head", "a restored database may not be noticed")
    };
    let (head, data_dir) = (core.heads.watch(&core.db), data_dir.to_owned());
    worker.start(core, stop, Marking { head, data_dir, written: None });
}

/// The job that writes the file.
struct Marking {
    head: watch::Receiver<Option<Head>>,
    data_dir: PathBuf,
    /// What the file says, as far as this job has written it.
    written: Option<i64>,
}

impl Job for Marking {
    type Error = Unusable;

    async fn run(&mut self, core: &Core) -> Result<(), Unusable> {
        let Some(now) = *self.head.borrow_and_update() else { return Ok(()) };
        write(&self.data_dir, core.instance(core.db.writer()).await?, now.seq)?;
        self.written = Some(now.seq);
        Ok(())
    }

    async fn woken(&mut self, _: &Core) {
        let written = self.written;
        let grown = |head: &Option<Head>| head.is_some_and(|head| Some(head.seq) != written);
        if self.head.wait_for(grown).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
