//! The embedded engine: tantivy, in a folder of the data folder.
//!
//! ```text
//! search/current        number of the generation that is searched
//! search/<generation>/  one folder per audience
//! ```
//!
//! A generation is never repaired. Where it is missing, damaged or of another layout, a new one is built beside it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use self::index::AudienceIndex;
use super::engine::{Batch, Engine, EngineError, Found, Guard, Position, Query, Refused, Target};
use crate::kind::Audience;
use kernel::private;

mod collector;
mod index;
mod word;

/// The file with the number of the generation that is searched, and the file that replaces it.
const CURRENT: &str = "current";
const NEXT: &str = "current.next";

/// The index of one generation for both audiences.
#[derive(Debug)]
struct Generation {
    number: u64,
    public: AudienceIndex,
    members: AudienceIndex,
}

impl Generation {
    fn folder(root: &Path, number: u64, audience: Audience) -> PathBuf {
        root.join(number.to_string()).join(audience.name())
    }

    fn open(root: &Path, number: u64) -> tantivy::Result<Self> {
        let open = |audience| AudienceIndex::open(&Self::folder(root, number, audience));
        Ok(Self { number, public: open(Audience::Public)?, members: open(Audience::Members)? })
    }

    fn create(root: &Path, number: u64) -> tantivy::Result<Self> {
        let create = |audience| AudienceIndex::create(&Self::folder(root, number, audience));
        Ok(Self { number, public: create(Audience::Public)?, members: create(Audience::Members)? })
    }

    fn is_sound(&self) -> bool {
        self.public.is_sound() && self.members.is_sound()
    }

    /// The position in the log that both audiences have reached.
    fn position(&self) -> tantivy::Result<Option<Position>> {
        // A stop between the two writes leaves one behind. The batch that it lacks is written to both again.
        Ok(match (self.public.position()?, self.members.position()?) {
            (Some(a), Some(b)) if a.feed_id == b.feed_id => Some(if a.seq < b.seq { a } else { b }),
            _ => None,
        })
    }

    fn of(&self, audience: Audience) -> &AudienceIndex {
        match audience {
            Audience::Public => &self.public,
            Audience::Members => &self.members,
        }
    }
}

/// The embedded engine.
#[derive(Debug)]
pub struct Embedded(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    live: RwLock<Option<Arc<Generation>>>,
    /// Whether a search or a write has failed: its files may be damaged.
    suspected: AtomicBool,
    shadow: RwLock<Option<Arc<Generation>>>,
}

impl Embedded {
    /// The engine in this folder, which is not read or created yet.
    pub fn new(root: PathBuf) -> Self {
        Self(Arc::new(Folder {
            root,
            live: RwLock::default(),
            suspected: AtomicBool::new(false),
            shadow: RwLock::default(),
        }))
    }

    /// Runs work that reads and writes files on the blocking pool.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, EngineError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, EngineError>> {
        let folder = Arc::clone(&self.0);
        async move {
            let done = tokio::task::spawn_blocking(move || work(&folder)).await;
            done.map_err(|error| EngineError::Failed(error.to_string()))?
        }
        .boxed()
    }
}

impl From<tantivy::TantivyError> for EngineError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Folder {
    fn current(&self) -> Option<u64> {
        fs::read_to_string(self.root.join(CURRENT)).ok()?.trim().parse().ok()
    }

    /// The generation that this program searches. Another program may have swapped it since.
    fn live(&self) -> Option<Arc<Generation>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the current generation, and opens it where needed; `None` where it is missing or cannot be used.
    fn reopen(&self) -> Option<Arc<Generation>> {
        let number = self.current()?;
        let suspected = self.suspected.swap(false, Ordering::Relaxed);
        if let Some(live) = self.live().filter(|live| live.number == number)
            && (!suspected || live.is_sound())
        {
            return Some(live);
        }
        match Generation::open(&self.root, number) {
            Ok(generation) if !generation.is_sound() => {
                tracing::warn!(number, "the search index is damaged and will be built anew");
                None
            }
            Ok(generation) => {
                let generation = Arc::new(generation);
                *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&generation));
                Some(generation)
            }
            Err(error) => {
                tracing::warn!(%error, number, "the search index cannot be used and will be built anew");
                None
            }
        }
    }

    fn target(&self, target: Target) -> Result<Arc<Generation>, EngineError> {
        let found = match target {
            Target::Live => self.live(),
            Target::Shadow => self.shadow.read().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        found.ok_or(EngineError::Building)
    }

    fn begin(&self) -> Result<(), EngineError> {
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = None;
        private::make_folder(&self.root)?;
        for file in [CURRENT, NEXT] {
            clear(&self.root.join(file))?;
        }
        let current = self.current();
        let mut last = current.unwrap_or(0);
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok()) else {
                continue;
            };
            last = last.max(number);
            if Some(number) != current {
                remove(&entry.path())?;
            }
        }
        let shadow = Generation::create(&self.root, last + 1)?;
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(shadow));
        Ok(())
    }

    /// Drops the writers, whose locks keep other programs from writing.
    fn release(&self) {
        *self.shadow.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(live) = self.live() {
            live.public.release();
            live.members.release();
        }
    }

    fn swap(&self) -> Result<(), EngineError> {
        let taken = self.shadow.write().unwrap_or_else(PoisonError::into_inner).take();
        let shadow = taken.ok_or(EngineError::Building)?;
        if let Err(error) = shadow.public.compact().and_then(|()| shadow.members.compact()) {
            tracing::warn!(%error, "the search index could not be compacted, and is slower than it could be");
        }
        // The rename is atomic: the new number is in force completely, or not at all.
        let (next, current) = (self.root.join(NEXT), self.root.join(CURRENT));
        let mut file = fs::File::create(&next)?;
        writeln!(file, "{}", shadow.number)?;
        file.sync_all()?;
        fs::rename(next, current)?;
        let old = self.live.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&shadow));
        if let Some(old) = old {
            // Searches that still run keep its files open.
            let _ = remove(&self.root.join(old.number.to_string()));
        }
        Ok(())
    }
}

/// Deletes a file or a folder.
fn remove(path: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Deletes a folder that is in the place of one of our files.
fn clear(path: &Path) -> std::io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { Ok(()) }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "the embedded index"
    }

    fn guard(&self) -> Guard {
        Guard::File(self.0.root.join("lock"))
    }

    fn search<'a>(
        &'a self,
        audience: Audience,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, EngineError>> {
        let query = query.clone();
        self.run(move |folder| {
            let live = folder.live().ok_or(EngineError::Building)?;
            let found = live.of(audience).search(&query);
            if found.is_err() {
                folder.suspected.store(true, Ordering::Relaxed);
            }
            Ok(found?)
        })
    }

    fn position(&self) -> BoxFuture<'_, Result<Option<Position>, EngineError>> {
        self.run(|folder| {
            let Some(live) = folder.reopen() else { return Ok(None) };
            Ok(live.position().unwrap_or_else(|error| {
                tracing::warn!(%error, "the search index cannot be read and will be built anew");
                None
            }))
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.run(Folder::begin)
    }

    fn write(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<Refused>, EngineError>> {
        self.run(move |folder| {
            let generation = folder.target(target)?;
            for (audience, batch) in &batches {
                if let Err(error) = generation.of(*audience).write(batch, position) {
                    // The files may be damaged: `reopen` checks them before the next use.
                    folder.suspected.store(true, Ordering::Relaxed);
                    return Err(error.into());
                }
            }
            // This engine refuses no document.
            Ok(Vec::new())
        })
    }

    fn swap(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.run(Folder::swap)
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        let released = self.run(|folder| {
            folder.release();
            Ok(())
        });
        async move {
            if let Err(error) = released.await {
                tracing::warn!(%error, "the locks of the search index could not be released");
            }
        }
        .boxed()
    }

    fn walk(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, i32)>, EngineError>> {
        self.run(move |folder| {
            let live = folder.live().ok_or(EngineError::Building)?;
            Ok(live.of(audience).walk(after, limit)?)
        })
    }
}
