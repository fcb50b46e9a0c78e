//! What a search asks of the engine, and what it does where the engine does not answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::engine::{Engine, EngineError, Found, Hit, Position, Query};
use super::fallback;
use super::meters::Meters;
use super::text::{Word, query_words};
use super::withdrawn::Behind;
use crate::record::error::DomainError;
use crate::record::reader::Reader;
use crate::record::{all_of, name_of};
use crate::search::kind::{Audience, SearchFacet, SearchType};

/// How long an engine may take, where nothing else is said.
const ENGINE_TIME: Duration = Duration::from_millis(800);
/// How long searches wait for an index that still has what was withdrawn, where nothing else is said.
const FORGET_TIME: Duration = Duration::from_secs(1);
/// How long a reader waits for the index to catch up.
const CATCH_UP_TIME: Duration = Duration::from_secs(2);

/// The search of this program: its engine, and how far its index has followed the log.
#[derive(Clone, Debug)]
pub struct Search {
    engine: Option<Arc<dyn Engine>>,
    breaker: Arc<Breaker>,
    behind: Arc<Behind>,
    reached: watch::Receiver<Option<Position>>,
    /// What is counted of it.
    pub meters: Meters,
    /// How long the engine may take for an answer: then the database answers.
    pub engine_time: Duration,
    /// How long searches wait for the index where it still has what was hidden or erased: then the database answers.
    pub forget_time: Duration,
}

impl Default for Search {
    /// A search without an engine, which answers from the database.
    fn default() -> Self {
        Self::of(None, watch::channel(None).1)
    }
}

/// Who has answered a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The search engine.
    Engine,
    /// The database in its place.
    Database,
}

/// Whether totals and facets of a search are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// They are: the index must not count what nobody may find any more.
    Yes,
    /// Only hits are, each of which is read again.
    No,
}

/// What was found, and how.
#[derive(Debug)]
pub struct Answer {
    /// The hits.
    pub found: Found,
    /// What was asked of the engine in the end: with the words that count.
    pub query: Query,
    /// Who has answered.
    pub by: AnsweredBy,
}

impl Search {
    /// The search of this engine; its follower tells how far it is.
    pub fn new(engine: Arc<dyn Engine>) -> (Self, watch::Sender<Option<Position>>) {
        let (sender, reached) = watch::channel(None);
        (Self::of(Some(engine), reached), sender)
    }

    fn of(engine: Option<Arc<dyn Engine>>, reached: watch::Receiver<Option<Position>>) -> Self {
        let (breaker, behind, meters) = (Arc::default(), Arc::default(), Meters::default());
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

    /// Whether the engine is spared for a moment, because it has failed.
    pub fn is_spared(&self) -> bool {
        self.breaker.is_open()
    }

    /// How far the index has followed the log.
    pub fn reached(&self) -> Option<Position> {
        *self.reached.borrow()
    }

    /// Waits a little for the index to reach a place in the log; says whether it has.
    pub async fn wait_for(&self, position: Position) -> bool {
        let there = |reached: &Option<Position>| {
            reached.is_some_and(|at| at.feed_id == position.feed_id && at.seq >= position.seq)
        };
        let mut reached = self.reached.clone();
        matches!(tokio::time::timeout(CATCH_UP_TIME, reached.wait_for(there)).await, Ok(Ok(_)))
    }

    /// Finds what `text` means among these types. Pages go on as they began: `begun` says who answered the first.
    /// A query for names is one for anything else as well where too few names fit. Where hits are counted, an index is
    /// asked only if it has passed the last change that took something away from what the viewer may find.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the database has to answer and cannot either;
    /// [`DomainError::SearchUnavailable`] where the engine has begun and does not answer any more.
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
        // All types are no filter: looking for each would cost as much as the search itself.
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
                Err(error) => tracing::debug!(%error, "the search engine does not answer: the database does"),
            }
        }
        let found = own.before(fallback::find(reader, types, text, &rest).await?, &query);
        Ok(Answer { found, query, by: AnsweredBy::Database })
    }

    /// Finds organizations whose names have any of these words, the most of them first, with one question to the
    /// engine.
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

    /// Asks the engine, where its index may answer.
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

    /// All words must be there. Where no record has all of them, words that nobody has are left out; where that
    /// does not help, the records with most of them come.
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
