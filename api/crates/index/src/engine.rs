//! The interface of search engines.

use std::path::PathBuf;

use futures::future::BoxFuture;
use uuid::Uuid;

use super::document::Document;
use super::text::Word;
use crate::kind::{Audience, SearchFacet, SearchType};

/// Hits that can be paged through, at most. Engines need not sort more.
pub const MAX_HITS: usize = 1000;
/// Values of a facet at most: the most frequent ones.
pub const MAX_FACET_VALUES: usize = 100;

/// A query to an engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The words. Without any, all records that pass the filters are hits.
    pub words: Vec<Word>,
    /// Whether one of the words makes a hit; else a hit has all of them.
    pub any: bool,
    /// Whether the words are searched in names alone.
    pub names: bool,
    /// Filters that must all hold: a hit has one of the values of the facet.
    pub filters: Vec<(SearchFacet, Vec<String>)>,
    /// A circle: degrees north and east, and kilometres.
    pub near: Option<(f64, f64, f64)>,
    /// The facets to count.
    pub facets: Vec<SearchFacet>,
    /// Hits to skip.
    pub offset: usize,
    /// Hits to return at most.
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

/// The result of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The hits, the best first; equal ones by name.
    pub hits: Vec<Hit>,
    /// How many there are in all.
    pub total: u64,
    /// The values of the wanted facets, the most frequent first.
    pub facets: Vec<(SearchFacet, Vec<(String, u64)>)>,
}

/// The reason why an engine did not answer. Its text is for the log and the operator, never for clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no index to search yet.
    #[error("the search index is being built")]
    Building,
    /// The index has not passed the last withdrawal: a change that hid or erased something.
    #[error("the search index still has what was hidden or erased")]
    Behind,
    /// It cannot be reached, or failed.
    #[error("the search engine failed: {0}")]
    Failed(String),
}

/// A position in the change log of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The feed that the number belongs to.
    pub feed_id: Uuid,
    /// The number of the last entry.
    pub seq: i64,
}

/// Changes of the index of one audience.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Whole documents, to be added or replaced.
    pub documents: Vec<Document>,
    /// Records to be removed.
    pub gone: Vec<Uuid>,
    /// Whether some of these were erased: then their words must not stay in the files of the index either.
    pub erased: bool,
}

/// The index that a batch is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The index that is searched.
    Live,
    /// The one that is being built beside it.
    Shadow,
}

/// A document that an engine refuses for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The record.
    pub id: Uuid,
    /// The error code of the engine. It holds nothing of the document.
    pub code: String,
}

/// The lock that keeps two programs from writing to one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// An index in files of this machine: the file that the writing program locks.
    File(PathBuf),
    /// An index that several machines share: name of the lease that the writing program holds.
    Lease(String),
}

/// A search engine.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// The name of the engine, for people.
    fn name(&self) -> &'static str;

    /// The lock that a program must hold to write.
    fn guard(&self) -> Guard;

    /// Searches the live index of an audience.
    fn search<'a>(
        &'a self,
        audience: Audience,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, EngineError>>;

    /// The position in the log of the live index; `None` where there is no index, or one of another layout.
    fn position(&self) -> BoxFuture<'_, Result<Option<Position>, EngineError>>;

    /// Creates an empty index beside the live one, and drops what an earlier attempt has left.
    fn begin(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Writes a batch for each audience, and the position in the log that they lead to. Returns when the changes can be
    /// found, with the documents that were refused.
    fn write(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<Refused>, EngineError>>;

    /// Replaces the live index by the shadow.
    fn swap(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Releases locks of the engine that would keep another program from writing. The program that holds the guard
    /// calls it before giving that back.
    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Reads the next records of an audience's live index in the order of their ids, with their revisions.
    fn walk(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, i32)>, EngineError>>;
}
