//! The search service: it asks the engine, and falls back to the database where that does not answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::fallback;
use super::meters::SearchMetrics;
use super::withdrawn::Behind;
use index::engine::{Engine, EngineError, Found, Hit, Position, Query};
use index::kind::{Audience, SearchFacet, SearchType};
use index::text::{Word, query_words};
use kernel::error::DomainError;
use kernel::reader::Reader;
use kernel::{all_of, name_of};

/// Default time-out of the engine.
const ENGINE_TIME: Duration = Duration::from_millis(800);
/// Default time that searches wait for the index to pass the last withdrawal.
const FORGET_TIME: Duration = Duration::from_secs(1);
/// Time that a search waits for the index to catch up with `notBefore`.
const CATCH_UP_TIME: Duration = Duration::from_secs(2);

/// The search of this program: its engine, and the position of its index in the log.
#[derive(Clone, Debug)]
pub struct Search {
    engine: Option<Arc<dyn Engine>>,
    breaker: Arc<Breaker>,
    behind: Arc<Behind>,
    reached: watch::Receiver<Option<Position>>,
    /// Its metrics.
    pub meters: SearchMetrics,
    /// Time-out of the engine, after which the database answers.
    pub engine_time: Duration,
    /// Time that searches wait for an index that still has hidden or erased records. Then the database answers.
    pub forget_time: Duration,
}

impl Default for Search {
    /// A search without an engine, which answers from the database.
    fn default() -> Self {
        Self::of(None, watch::channel(None).1)
    }
}

/// The source of the hits of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The search engine.
    Engine,
    /// The database, as the fallback.
    Database,
}

/// Whether a search returns totals and facets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It does. The index must have passed the last withdrawal, as it must not count hidden or erased records.
    Yes,
    /// It returns hits alone, each of which is read again.
    No,
}

/// The result of a search.
#[derive(Debug)]
pub struct Answer {
    /// The hits.
    pub found: Found,
    /// The query that was run in the end, without the words that were left out.
    pub query: Query,
    /// The source of the hits.
    pub by: AnsweredBy,
}

impl Search {
    /// The search of this engine, and the sender by which its follower publishes the position of the index.
    pub fn new(engine: Arc<dyn Engine>) -> (Self, watch::Sender<Option<Position>>) {
        let (sender, reached) = watch::channel(None);
        (Self::of(Some(engine), reached), sender)
    }

    fn of(engine: Option<Arc<dyn Engine>>, reached: watch::Receiver<Option<Position>>) -> Self {
        let (breaker, behind, meters) = (Arc::default(), Arc::default(), SearchMetrics::default());
        let (engine_time, forget_time) = (ENGINE_TIME, FORGET_TIME);
        Self { engine, breaker, behind, reached, meters, engine_time, forget_time }
    }

    /// Whether there is a search engine, and so an index that follows the log.
    pub fn has_engine(&self) -> bool {
        self.engine.is_some()
    }

    /// The name of the search engine, if there is one.
    pub fn engine_name(&self) -> Option<&'static str> {
        self.engine.as_ref().map(|engine| engine.name())
    }

    /// Whether the circuit breaker is open, because the engine has failed.
    pub fn is_spared(&self) -> bool {
        self.breaker.is_open()
    }

    /// The position of the index in the log.
    pub fn reached(&self) -> Option<Position> {
        *self.reached.borrow()
    }

    /// Waits for two seconds at most until the index reaches a position in the log. Returns whether it has.
    pub async fn wait_for(&self, position: Position) -> bool {
        let there = |reached: &Option<Position>| {
            reached.is_some_and(|at| at.feed_id == position.feed_id && at.seq >= position.seq)
        };
        let mut reached = self.reached.clone();
        matches!(tokio::time::timeout(CATCH_UP_TIME, reached.wait_for(there)).await, Ok(Ok(_)))
    }

    /// Searches these types for `text`. `begun` is the source of the first page, which further pages must have too.
    /// A query for names is extended to all fields where too few names match. Where hits are counted, the engine is
    /// asked only if its index has passed the last withdrawal from the viewer's audience.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the database has to answer and cannot either;
    /// [`DomainError::SearchUnavailable`] where the first page was given and the engine does not answer now.
    pub async fn find(
        &self,
        reader: &Reader,
        types: &[SearchType],
        text: &str,
        mut query: Query,
        begun: Option<AnsweredBy>,
        counted: Counted,
    ) -> Result<Answer, DomainError> {
        query.words = query_words(text);
        // All types need no filter: it would cost as much as the search itself.
        if !all_of::<SearchType>().all(|of| types.contains(&of)) {
            let types = types.iter().map(|of| name_of(*of).to_owned()).collect();
            query.filters.push((SearchFacet::Type, types));
        }
        let own = fallback::own(reader, types, text, &query).await?;
        let mut rest = own.rest(&query);
        if begun != Some(AnsweredBy::Database) {
            match self.ask_for(reader, &mut rest, counted).await? {
                Ok(found) => {
                    let found = own.before(found, &query);
                    let query = Query { words: rest.words, any: rest.any, ..query };
                    return Ok(Answer { found, query, by: AnsweredBy::Engine });
                }
                Err(error) if begun.is_some() => {
                    tracing::debug!(%error, "the search engine does not answer a further page");
                    return Err(DomainError::SearchUnavailable);
                }
                Err(error) => tracing::debug!(%error, "no answer of the search engine: asking the database"),
            }
        }
        let found = own.before(fallback::find(reader, types, text, &rest).await?, &query);
        Ok(Answer { found, query, by: AnsweredBy::Database })
    }

    /// Finds organizations whose names have any of these words, those with most of them first, with one request
    /// to the engine.
    ///
    /// # Errors
    /// [`EngineError`] where the engine does not answer.
    pub async fn named(
        &self,
        reader: &Reader,
        words: Vec<Word>,
        limit: usize,
    ) -> Result<Vec<Hit>, EngineError> {
        let filters = vec![(SearchFacet::Type, vec![name_of(SearchType::Organization).to_owned()])];
        let query = Query { words, any: true, names: true, filters, limit, ..Query::default() };
        Ok(self.engine(Audience::of(&reader.viewer), &query).await?.hits)
    }

    /// Asks the engine, unless hits are counted and its index has not passed the last withdrawal.
    async fn ask_for(
        &self,
        reader: &Reader,
        query: &mut Query,
        counted: Counted,
    ) -> Result<Result<Found, EngineError>, DomainError> {
        let audience = Audience::of(&reader.viewer);
        if self.has_engine()
            && counted == Counted::Yes
            && !self.behind.has_passed(reader, audience, &self.reached, self.forget_time).await?
        {
            self.meters.requests.with_label_values(&["behind"]).inc();
            return Ok(Err(EngineError::Behind));
        }
        Ok(self.ask(audience, query).await)
    }

    /// Searches for records with all words. Where there are none, words that no record has are left out. Where that
    /// does not help, one word is enough for a hit, and records with most words come first.
    async fn ask(&self, audience: Audience, query: &mut Query) -> Result<Found, EngineError> {
        if query.names {
            let found = self.engine(audience, query).await?;
            if found.hits.len() == query.limit {
                return Ok(found);
            }
            query.names = false;
        }
        let found = self.engine(audience, query).await?;
        if found.total > 0 || query.words.len() < 2 {
            return Ok(found);
        }
        let mut known = Vec::new();
        for word in &query.words {
            let alone = Query { words: vec![word.clone()], ..Query::default() };
            if self.engine(audience, &alone).await?.total > 0 {
                known.push(word.clone());
            }
        }
        if known.is_empty() {
            return Ok(found);
        }
        if known.len() < query.words.len() {
            query.words = known;
            let found = self.engine(audience, query).await?;
            if found.total > 0 || query.words.len() < 2 {
                return Ok(found);
            }
        }
        query.any = true;
        self.engine(audience, query).await
    }

    async fn engine(&self, audience: Audience, query: &Query) -> Result<Found, EngineError> {
        let engine = self.engine.as_ref().ok_or(EngineError::Building)?;
        let begun = Instant::now();
        if !self.breaker.lets_through(begun) {
            self.meters.requests.with_label_values(&["spared"]).inc();
            return Err(EngineError::Failed("it is given a moment to recover".into()));
        }
        let answer = match tokio::time::timeout(self.engine_time, engine.search(audience, query)).await {
            Ok(answer) => answer,
            Err(_) => Err(EngineError::Failed("no answer in time".into())),
        };
        match &answer {
            Err(error @ EngineError::Failed(_)) => self.breaker.failed(error, Instant::now()),
            Ok(_) | Err(EngineError::Building | EngineError::Behind) => self.breaker.answered(),
        }
        self.meters.asked(begun.elapsed(), &answer);
        answer
    }
}
