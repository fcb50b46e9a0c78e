//! The right to write to an index, which one program holds at a time: a file lock or a lease.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use index::engine::Guard;
use kernel::private;
use kernel::read::Database;
use records::changes::lease::Lease;

/// The duration of a lease that is not renewed.
pub const LEASE_TIME: Duration = Duration::from_secs(15);

/// The right to write to an index.
#[derive(Debug)]
pub struct Held {
    /// The name of the index, under which jobs and dead letters are stored.
    pub index: String,
    by: By,
}

#[derive(Debug)]
enum By {
    /// The lock is released when the file is closed, at the latest when the process ends.
    File {
        _locked: File,
    },
    Lease {
        lease: Lease,
        time: Duration,
    },
}

/// An error while the right to write is taken.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// A file cannot be used.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
}

impl Held {
    /// Takes the right to write, for `time` where it is a lease; `None` where another program holds it.
    ///
    /// # Errors
    /// Fails where files or the database fail.
    pub async fn take(db: &Arc<Database>, guard: &Guard, time: Duration) -> Result<Option<Self>, GuardError> {
        match guard {
            Guard::File(path) => {
                let path = path.clone();
                let locked = tokio::task::spawn_blocking(move || lock(&path)).await;
                let locked = locked.map_err(std::io::Error::other)??;
                Ok(locked.map(|(file, index)| Self { index, by: By::File { _locked: file } }))
            }
            Guard::Lease(name) => {
                let lease = Lease::take(db, name, time).await?;
                Ok(lease.map(|lease| Self { index: name.clone(), by: By::Lease { lease, time } }))
            }
        }
    }

    /// Renews the right until it is lost.
    pub async fn keep(&self, db: &Arc<Database>) {
        let By::Lease { lease, time } = &self.by else { return std::future::pending().await };
        lease.keep_on(db, *time).await;
    }

    /// Gives the right back.
    pub async fn give_back(self, db: &Arc<Database>) {
        if let By::Lease { lease, time } = self.by {
            lease.give_back_within(db, time).await;
        }
    }
}

/// Reads the name of the index of a guard; `None` where nothing was ever written to the index.
///
/// # Errors
/// Fails where its file cannot be read.
pub fn index_of(guard: &Guard) -> std::io::Result<Option<String>> {
    match guard {
        Guard::Lease(name) => Ok(Some(name.clone())),
        Guard::File(path) => match std::fs::read_to_string(path) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// Locks the file of an index; `None` where another program has. The file holds the name of the index, so that other
/// programs can store jobs for the holder.
fn lock(path: &Path) -> std::io::Result<Option<(File, String)>> {
    // Only the owner may read the index.
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    private::make_folder(&folder).map_err(|error| unusable(&folder, &error))?;
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(|error| unusable(path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(unusable(path, &error)),
    }
    let mut name = String::new();
    file.read_to_string(&mut name)?;
    let name = if name.trim().is_empty() {
        let name = Uuid::from_u128(rand::random()).to_string();
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{name}")?;
        file.sync_all()?;
        name
    } else {
        name.trim().to_owned()
    };
    Ok(Some((file, name)))
}

/// Adds the path to an error, and advice where something of another kind is in its place.
fn unusable(path: &Path, error: &std::io::Error) -> std::io::Error {
    let path = path.display();
    let text = match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            format!("`{path}` is a file, where the folder of the search index belongs: move it away")
        }
        ErrorKind::IsADirectory => {
            format!("`{path}` is a folder, where a file of the search index belongs: move it away")
        }
        _ => format!("`{path}` cannot be used: {error}"),
    };
    std::io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_same_name_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("search").join("lock");
        assert_eq!(index_of(&Guard::File(path.clone())).unwrap(), None);
        let (first, name) = lock(&path).unwrap().unwrap();
        assert!(lock(&path).unwrap().is_none());
        assert_eq!(index_of(&Guard::File(path.clone())).unwrap(), Some(name.clone()));
        drop(first);
        assert_eq!(lock(&path).unwrap().unwrap().1, name);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (file, inside) = (folder.path().join("search"), folder.path().join("other"));
        std::fs::write(&file, "").unwrap();
        let told = lock(&file.join("lock")).unwrap_err().to_string();
        assert!(told.contains("search` is a file"), "{told}");
        std::fs::create_dir_all(inside.join("lock")).unwrap();
        let told = lock(&inside.join("lock")).unwrap_err().to_string();
        assert!(told.contains("lock` is a folder"), "{told}");
    }
}
