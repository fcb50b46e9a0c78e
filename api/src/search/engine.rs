//! What a search engine must be able to do.

use std::path::PathBuf;

use futures::future::BoxFuture;
use uuid::Uuid;

use super::document::Document;
use super::text::Word;
use crate::search::kind::{Audience, SearchFacet, SearchType};

/// Hits that can be paged through; engines sort no more.
pub const MAX_HITS: usize = 1000;
/// Values that a facet counts; the most frequent ones.
pub const MAX_FACET_VALUES: usize = 100;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The words; none lists by the filters alone.
    pub words: Vec<Word>,
    /// Whether a record with some of the words is a hit; else it must have all.
    pub any: bool,
    /// Whether the words count in names alone.
    pub names: bool,
    /// Each of these must hold: a record has one of the values of a facet.
    pub filters: Vec<(SearchFacet, Vec<String>)>,
    /// A circle: degrees north and east, and kilometres.
    pub near: Option<(f64, f64, f64)>,
    /// Which facets to count.
    pub facets: Vec<SearchFacet>,
    /// Hits to leave out at the beginning.
    pub offset: usize,
    /// Hits wanted.
    pub limit: usize,
}

/// A hit: a record, and how well it fits, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The record.
    pub id: Uuid,
    /// Its type.
    pub of: SearchType,
    /// How well it fits.
    pub score: f64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The hits, the best first; equal ones by name.
    pub hits: Vec<Hit>,
    /// How many there are in all.
    pub total: u64,
    /// The values of the wanted facets, the most frequent first.
    pub facets: Vec<(SearchFacet, Vec<(String, u64)>)>,
}

/// Why an engine did not answer. It never says what the engine said: that is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no index to search yet.
    #[error("the search index is being built")]
    Building,
    /// Its index has not passed the last change that took something away.
    #[error("the search index still has what was hidden or erased")]
    Behind,
    /// It cannot be reached, or failed.
    #[error("the search engine failed: {0}")]
    Failed(String),
}

/// A place in the change log, by feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The feed whose numbers these are.
    pub feed_id: Uuid,
    /// The last entry.
    pub seq: i64,
}

/// What changes in the index of one audience.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Documents that are there now, whole.
    pub documents: Vec<Document>,
    /// Records that are not there any more.
    pub gone: Vec<Uuid>,
    /// Whether some of these were erased: what the index was made of must not keep their words either.
    pub erased: bool,
}

/// Where a batch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The index that is searched.
    Live,
    /// The one that is being built beside it.
    Shadow,
}

/// A document that an engine does not take, whatever is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The record.
    pub id: Uuid,
    /// What the engine says of it: a code, and nothing that is in the document.
    pub code: String,
}

/// What keeps two programs from writing to one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// An index in files of this machine: the file that the writing program locks.
    File(PathBuf),
    /// An index that several machines share: name of the lease that the writing program holds.
    Lease(String),
}

/// A search engine.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// For people.
    fn name(&self) -> &'static str;

    /// What a program must hold to write.
    fn guard(&self) -> Guard;

    /// Searches what an audience may find.
    fn search<'a>(
        &'a self,
        audience: Audience,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, EngineError>>;

    /// The place in the log that the live index has; nothing where there is no index, or one of another layout.
    fn position(&self) -> BoxFuture<'_, Result<Option<Position>, EngineError>>;

    /// Makes an empty index beside the live one. What an earlier attempt has left is dropped.
    fn begin(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Writes a batch, and that the log has been followed to this place. Done when it can be found; tells what is
    /// left out for good.
    fn write(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<Refused>, EngineError>>;

    /// Puts the shadow in the place of the live index.
    fn swap(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Lets go of what would keep another program from writing. Whoever has the right to write calls it before giving
    /// that right back.
    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The next records of an audience's live index in the order of their ids, with their revisions.
    fn walk(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, i32)>, EngineError>>;
}
