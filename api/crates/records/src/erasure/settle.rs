//! The part of an erasure that runs after the commit: it cleans the storage of deleted rows, and appends the ids to a
//! file beside the database.
//!
//! The file is append-only and holds only record types, ids and keyed hashes. Restoring a backup of the database brings
//! back records that were erased after the backup. At the next start, the program reads the file and erases them again
//! before it serves requests. The file must therefore not be restored with the database.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::erasure_ledger;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, Statement,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::changes::Head;
use crate::handle::Core;
use crate::worker::{Job, Worker};
use crate::write::{End, Submission, write};
use kernel::error::DomainError;
use kernel::read::Dialect;
use kernel::{RecordType, value_of};

/// The name of the file in the data folder.
const FILE: &str = "erased";

/// The time after which it is looked again for what other programs have erased, where the log has grown.
const OTHERS: Duration = Duration::from_secs(30);

/// How far back the ledger is read again for erasures by other processes, in microseconds. The clocks of two machines
/// differ by less.
const OVERLAP: i64 = 600_000_000;

/// The error of the file of erased records.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read or written.
    #[error("the list of what was erased, `{path}`, cannot be used: {error}", path = .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
    /// A line of it cannot be parsed.
    #[error("line {line} of `{path}` is damaged: the list of what was erased must be whole", path = .0.display(), line = .1)]
    Damaged(PathBuf, usize),
    /// The database failed, or a record could not be erased.
    #[error("what was erased could not be erased again: {0}")]
    Failed(#[from] DomainError),
}

/// The file of erased records, and the ids that are known to be in it.
#[derive(Debug)]
pub struct Erased {
    path: PathBuf,
    known: HashSet<Uuid>,
    /// The time up to which the ledger was read, in microseconds since 1970.
    read_to: i64,
}

/// A line of the file: a record's type and id, and its keyed hash or `-`.
fn line(row: &erasure_ledger::Model) -> String {
    let hash = row.external_hash.as_ref().map_or_else(|| "-".to_owned(), |bytes| STANDARD.encode(bytes));
    format!("{} {} {hash}\n", row.record_type, row.record_id)
}

fn parse(line: &str) -> Option<(RecordType, Uuid, Option<Vec<u8>>)> {
    let mut parts = line.split(' ');
    let (of, id, hash) = (value_of(parts.next()?)?, parts.next()?.parse().ok()?, parts.next()?);
    let hash = if hash == "-" { None } else { Some(STANDARD.decode(hash).ok()?) };
    parts.next().is_none().then_some((of, id, hash))
}

impl Erased {
    /// Reads the file in a data folder, and erases again the records that the ledger lacks: the database may be a
    /// restored backup.
    ///
    /// # Errors
    /// [`Unusable`].
    pub async fn replay(core: &Core, folder: &Path) -> Result<Self, Unusable> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Unusable::File(path, error)),
        };
        let mut lines = Vec::new();
        for (place, text) in text.split_inclusive('\n').enumerate() {
            match text.strip_suffix('\n').and_then(parse) {
                Some(entry) => lines.push(entry),
                // A crash may have cut the last line. The ledger still has its record.
                None if !text.ends_with('\n') => {
                    let whole = text.len() as u64;
                    let file = fs::File::options().write(true).open(&path);
                    let shorter = file.and_then(|file| file.set_len(file.metadata()?.len() - whole));
                    shorter.map_err(|error| Unusable::File(path.clone(), error))?;
                }
                None => return Err(Unusable::Damaged(path, place + 1)),
            }
        }
        let known: HashSet<Uuid> = lines.iter().map(|(_, id, _)| *id).collect();
        let ledger = erasure_ledger::Entity::find().all(core.db.writer()).await.map_err(DomainError::from)?;
        let ledger: HashSet<Uuid> = ledger.into_iter().map(|row| row.record_id).collect();
        let missing: Vec<_> = lines.into_iter().filter(|(_, id, _)| !ledger.contains(id)).collect();
        if !missing.is_empty() {
            tracing::warn!(
                records = missing.len(),
                "the database was restored from before an erasure: erasing the records again"
            );
        }
        for (of, id, hash) in missing {
            write(core, vec![Submission::erasing(of, id)], End::PerItem).await?;
            // A record that the backup does not have must not be imported again either.
            remember(core, of, id, hash).await?;
        }
        Ok(Self { path, known, read_to: 0 })
    }

    /// Settles erasures now and after each further one, until `stop` is cancelled.
    pub fn start(self, core: &Core, stop: CancellationToken) {
        let failure = "erased records are not cleaned from storage yet; trying again";
        let worker = Worker::new("erased", failure);
        let log = core.heads.watch(&core.db);
        worker.start(core, stop, Settling { erased: self, log, settled: None });
    }

    /// Appends the records that the file lacks, and cleans the storage of those that are not settled yet.
    ///
    /// # Errors
    /// [`Unusable`]; the call can be repeated.
    pub async fn settle(&mut self, core: &Core) -> Result<(), Unusable> {
        use erasure_ledger::{Column, Entity};
        let since = self.read_to.saturating_sub(OVERLAP);
        let rows = Entity::find()
            .filter(Column::ErasedAt.gte(since))
            .order_by_asc(Column::ErasedAt)
            .all(core.db.writer())
            .await
            .map_err(DomainError::from)?;
        let mut lines = String::new();
        let mut added = Vec::new();
        for row in rows.iter().filter(|row| !self.known.contains(&row.record_id)) {
            lines += &line(row);
            added.push(row.record_id);
        }
        if !added.is_empty() {
            append(&self.path, &lines).map_err(|error| Unusable::File(self.path.clone(), error))?;
            self.known.extend(added);
        }
        let open: Vec<Uuid> =
            rows.iter().filter(|row| row.settled_at.is_none()).map(|row| row.record_id).collect();
        if !open.is_empty() {
            clean(core).await.map_err(DomainError::from)?;
            Entity::update_many()
                .col_expr(Column::SettledAt, Expr::value(core.clock.now().micros()))
                .filter(Column::RecordId.is_in(open))
                .exec(core.db.writer())
                .await
                .map_err(DomainError::from)?;
        }
        if let Some(last) = rows.last() {
            // A clock that was ahead must not hide the rows that follow.
            self.read_to = last.erased_at.min(core.clock.now().micros());
        }
        Ok(())
    }
}

/// The job that settles.
struct Settling {
    erased: Erased,
    /// Grows with what other programs erase, as with all that is written.
    log: watch::Receiver<Option<Head>>,
    /// When it was last settled.
    settled: Option<Instant>,
}

impl Job for Settling {
    type Error = Unusable;

    async fn run(&mut self, core: &Core) -> Result<(), Unusable> {
        self.erased.settle(core).await?;
        self.settled = Some(Instant::now());
        Ok(())
    }

    async fn woken(&mut self, core: &Core) {
        let Some(settled) = self.settled else { return };
        let log = async {
            if self.log.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep_until(settled + OTHERS).await;
        };
        tokio::select! {
            () = log => {}
            () = core.erased.notified() => {}
        }
    }
}

/// Appends lines to the file and syncs it to disk. Only its owner can read the file.
fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = fs::File::options().create(true).append(true).mode(0o600).open(path)?;
    let before = file.metadata()?.len();
    let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // The next attempt would continue a line that was cut, which counts as damage.
        file.set_len(before)?;
    }
    written
}

/// Removes deleted rows from the files of the database.
async fn clean(core: &Core) -> Result<(), DbErr> {
    let (on, backend) = (core.db.writer(), core.db.dialect().backend());
    match core.db.dialect() {
        // Deleted rows are overwritten at once; older pages stay in the write-ahead log until it is emptied.
        Dialect::Sqlite => {
            let emptied = Statement::from_string(backend, "PRAGMA wal_checkpoint(TRUNCATE)");
            let busy = match on.query_one_raw(emptied).await? {
                Some(row) => row.try_get_by_index::<i32>(0)? != 0,
                None => false,
            };
            if busy { Err(DbErr::Custom("the write-ahead log is in use".into())) } else { Ok(()) }
        }
        // Until VACUUM runs, deleted rows stay readable in the files.
        Dialect::Postgres => {
            let tables: Vec<&str> = core.kinds.personal().collect();
            core.db.execute_at_leisure(&format!("VACUUM {}", tables.join(", "))).await
        }
    }
}

/// Adds a record to the ledger, if it is not there.
async fn remember(core: &Core, of: RecordType, id: Uuid, hash: Option<Vec<u8>>) -> Result<(), DomainError> {
    let row = erasure_ledger::Model {
        record_id: id,
        record_type: of.name().to_owned(),
        external_hash: hash,
        erased_at: core.clock.now().micros(),
        settled_at: None,
    };
    let there = OnConflict::column(erasure_ledger::Column::RecordId).do_nothing().to_owned();
    erasure_ledger::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(there)
        .exec_without_returning(core.db.writer())
        .await?;
    Ok(())
}
