//! Whether the log goes on where it was: a database that was restored, or a standby that lagged when it took over, has
//! forgotten changes that others have read. Then the feed gets another id, and its readers load a snapshot.
//!
//! A server of PostgreSQL tells of itself: its identifier and its timeline, which a failover raises. Whatever the
//! database, the last known end of the log is kept in a file of the data folder, which must not be restored with it.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entity::{feed_history, feed_meta};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QuerySelect, Statement,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::head;
use crate::record::core::Core;
use crate::record::error::DomainError;
use crate::record::read::Dialect;
use crate::record::transact::transact;

/// The name of the file in the data folder.
const FILE: &str = "feed-head";
/// How often the end of the log is written there.
const EVERY: Duration = Duration::from_secs(1);
/// How far the numbers jump with a new feed, so that those of the old one are not met again.
const JUMP: i64 = 1_000_000;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read or written.
    #[error("the last known end of the log, `{path}`, cannot be used: {error}", path = .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
    /// The database failed.
    #[error("it could not be found out whether the log goes on: {0}")]
    Failed(#[from] DomainError),
}

/// Why the feed has begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is another database server, or one that has taken over from another.
    OtherServer,
    /// The log ends before what was read of it.
    Restored,
}

impl Why {
    /// What the operator is told.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OtherServer => "the database server is another one, or has taken over from another",
            Self::Restored => "the database is older than what was read of it",
        }
    }
}

/// What a database server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    system: i64,
    timeline: i32,
}

/// Looks whether the log goes on where it was, and begins a new feed where it does not, or notes what is so now where
/// the operator says that nothing was lost.
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
        // The server starts on a full disk, and the file is written again as soon as the log grows.
        Err(Unusable::File(path, error)) if is_full(&error) => {
            tracing::warn!(path = %path.display(), %error, "a restored database may not be noticed");
        }
        done => done?,
    }
    Ok(why)
}

/// Whether a file could not be written because its disk takes nothing more.
fn is_full(error: &std::io::Error) -> bool {
    use ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem)
}

/// Begins a new feed because the operator says so; answers its id.
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

/// The counter of the log, locked against those who write to it.
async fn locked(tx: &DatabaseTransaction) -> Result<feed_meta::Model, DomainError> {
    let meta = feed_meta::Entity::find_by_id(1_i16).lock_exclusive().one(tx).await?;
    meta.ok_or_else(|| DomainError::Stored("the log has no counter".into()))
}

/// Puts the present feed with those that ended, and begins a new one behind the end of it, as far as that is known.
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

/// What the database server says of itself; nothing where it says nothing.
async fn marks(dialect: Dialect, on: &DatabaseConnection) -> Option<Marks> {
    if dialect == Dialect::Sqlite {
        return None;
    }
    // The timeline that is written to: that of the last checkpoint is the old one for minutes after a failover.
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
            "the database server does not say who it is: run `passerelle feed rotate` after each restore or failover"
        );
        None
    })
}

/// The file with the last known end of the log.
pub fn marker(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Whether a database was used with a data folder.
pub fn is_marked(data_dir: &Path) -> bool {
    marker(data_dir).exists()
}

/// The last known end of the log of this instance.
fn read(data_dir: &Path, instance: Uuid) -> Result<Option<i64>, Unusable> {
    let text = match fs::read_to_string(marker(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::File(marker(data_dir), error)),
    };
    // That of another database says nothing of this one.
    let of = text.trim().split_once(' ').filter(|(of, _)| *of == instance.to_string());
    Ok(of.and_then(|(_, head)| head.parse().ok()))
}

/// Writes the end of the log, the whole file or nothing of it.
fn write(data_dir: &Path, instance: Uuid, head: i64) -> Result<(), Unusable> {
    let unusable = |error| Unusable::File(marker(data_dir), error);
    let mut file = tempfile::NamedTempFile::new_in(data_dir).map_err(unusable)?;
    writeln!(file, "{instance} {head}").map_err(unusable)?;
    file.persist(marker(data_dir)).map_err(|error| unusable(error.error))?;
    Ok(())
}

/// Keeps the end of the log in the file until it is told to stop.
pub fn start(core: &Core, data_dir: &Path, stop: CancellationToken) {
    let (own, data_dir) = (core.clone(), data_dir.to_owned());
    core.tasks.spawn(async move {
        let mut written = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let Ok(now) = head(&own.db).await else { continue };
            if written == Some(now.seq) {
                continue;
            }
            let kept = match own.instance(own.db.writer()).await {
                Ok(instance) => write(&data_dir, instance, now.seq),
                Err(error) => Err(error.into()),
            };
            match kept {
                Ok(()) => written = Some(now.seq),
                Err(error) => tracing::warn!(%error, "a restored database may not be noticed"),
            }
        }
    });
}
