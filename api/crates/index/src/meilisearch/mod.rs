//! Meilisearch, over HTTP.
//!
//! ```text
//! <prefix>_public, <prefix>_members          the live indexes
//! <prefix>_public__<generation>, ..          the indexes that are being built beside them
//! <prefix>_meta                              the position in the log
//! ```
//!
//! An accepted task may still fail: the position in the log is written only when all tasks before it have succeeded.
//! The indexes are derived data: where they are missing, of other settings or of another log, they are built anew.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use meilisearch_sdk::client::{Client, SwapIndexes};
use meilisearch_sdk::documents::DocumentsQuery;
use meilisearch_sdk::errors::Error;
use meilisearch_sdk::indexes::{Index, IndexesQuery};
use meilisearch_sdk::request::{HttpClient, Method};
use meilisearch_sdk::search::{
    FederationOptions, MatchingStrategies, MergeFacets, MultiSearchQuery, SearchQuery, SearchResults,
    Selectors,
};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use self::http::{Http, is_missing};
use self::layout::{NAMES, Row, facet_field, layout, ranking_rules, settings};
use self::tasks::{Chunk, Failure, chunks};
use super::engine::{
    Batch, Engine, EngineError, Found, Guard, Hit, MAX_FACET_VALUES, Position, Query, Refused, Target,
};
use crate::kind::{Audience, SearchType};
use kernel::value_of;

mod http;
mod layout;
mod query;
mod tasks;

/// Both audiences.
const AUDIENCES: [Audience; 2] = [Audience::Public, Audience::Members];
/// Concurrent tasks for each index, at most.
const IN_FLIGHT: usize = 4;
/// How often a task is sent at most, where it is lost.
const TRIES: usize = 3;
/// Id of the one document of the index with the position in the log.
const POSITION: &str = "position";

/// The address, the key and the time-outs of Meilisearch.
#[derive(Clone)]
pub struct Options {
    /// Its address.
    pub url: Url,
    /// A key that may search and change the indexes of the prefix.
    pub api_key: Option<String>,
    /// The prefix of the names of indexes.
    pub prefix: String,
    /// Time-out of a request. Searches have a shorter one of their own.
    pub request_time: Duration,
    /// Time-out of a task.
    pub task_time: Duration,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is left out.
        f.debug_struct("Options")
            .field("url", &self.url.as_str())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Options for this address, with default time-outs.
    pub fn new(url: Url, api_key: Option<String>, prefix: impl Into<String>) -> Self {
        Self {
            url,
            api_key,
            prefix: prefix.into(),
            request_time: Duration::from_secs(20),
            task_time: Duration::from_mins(10),
        }
    }
}

/// The engine Meilisearch.
#[derive(Debug)]
pub struct Meilisearch {
    client: Client<Http>,
    http: Http,
    url: String,
    prefix: String,
    layout: String,
    task_time: Duration,
    live: Mutex<Option<Place>>,
    shadow: Mutex<Option<Place>>,
}

/// A generation of the indexes, and its position in the log.
#[derive(Clone, Copy, Debug)]
struct Place {
    generation: u64,
    position: Option<Position>,
}

/// The document with the position in the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    id: String,
    feed_id: Uuid,
    generation: u64,
    seq: i64,
    layout: String,
}

impl Meilisearch {
    /// The engine of these options. No request is sent yet.
    ///
    /// # Errors
    /// A message for the operator where the key is no valid header, or the HTTP client cannot be made.
    pub fn new(options: &Options) -> Result<Self, String> {
        let http = Http::new(options.api_key.as_deref(), options.request_time)?;
        let url = options.url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            // The HTTP client adds the key. The SDK would show it in its debug output.
            client: Client::new_with_client(&url, None::<String>, http.clone()),
            http,
            url,
            prefix: options.prefix.clone(),
            layout: layout(),
            task_time: options.task_time,
            live: Mutex::default(),
            shadow: Mutex::default(),
        })
    }

    fn live_name(&self, audience: Audience) -> String {
        format!("{}_{}", self.prefix, audience.name())
    }

    fn shadow_name(&self, audience: Audience, generation: u64) -> String {
        format!("{}__{generation}", self.live_name(audience))
    }

    /// Reads the generation from the name of a shadow; `None` for any other index.
    fn generation_of(&self, name: &str) -> Option<u64> {
        AUDIENCES.into_iter().find_map(|audience| {
            name.strip_prefix(&self.live_name(audience))?.strip_prefix("__")?.parse().ok()
        })
    }

    fn meta_index(&self) -> Index<Http> {
        self.client.index(format!("{}_meta", self.prefix))
    }

    fn place(place: &Mutex<Option<Place>>) -> Option<Place> {
        *place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(place: &Mutex<Option<Place>>, to: Option<Place>) {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Reads the document with the position in the log; `None` where it is missing.
    async fn meta(&self) -> Result<Option<Meta>, EngineError> {
        match self.meta_index().get_document(POSITION).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error)
                if is_missing(&error, "index_not_found") || is_missing(&error, "document_not_found") =>
            {
                Ok(None)
            }
            // A document of another program.
            Err(Error::ParseError(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn write_meta(&self, generation: u64, position: Position) -> Result<(), EngineError> {
        let meta = Meta {
            id: POSITION.into(),
            feed_id: position.feed_id,
            generation,
            seq: position.seq,
            layout: self.layout.clone(),
        };
        let task = self.meta_index().add_or_replace(&[meta], Some("id")).await?;
        self.succeeded(task.task_uid).await
    }

    /// Whether there is an index of this name with our settings.
    async fn fits(&self, name: &str) -> Result<bool, EngineError> {
        match self.client.index(name).get_ranking_rules().await {
            Ok(rules) => Ok(rules == ranking_rules()),
            Err(error) if is_missing(&error, "index_not_found") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads when the index of this name was created. It keeps that time when it is renamed.
    async fn made_at(&self, name: &str) -> Result<Option<String>, EngineError> {
        match self.client.get_raw_index(name).await {
            Ok(index) => Ok(index["createdAt"].as_str().map(str::to_owned)),
            Err(error) if is_missing(&error, "index_not_found") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn position_now(&self) -> Result<Option<Position>, EngineError> {
        Self::set(&self.live, None);
        let Some(meta) = self.meta().await?.filter(|meta| meta.layout == self.layout) else {
            return Ok(None);
        };
        for audience in AUDIENCES {
            if !self.fits(&self.live_name(audience)).await? {
                return Ok(None);
            }
        }
        let position = Position { feed_id: meta.feed_id, seq: meta.seq };
        Self::set(&self.live, Some(Place { generation: meta.generation, position: Some(position) }));
        Ok(Some(position))
    }

    async fn drop_index(&self, name: &str) -> Result<(), EngineError> {
        let task = self.client.delete_index(name).await?;
        match self.outcome(task.task_uid).await? {
            Some(Ok(())) => Ok(()),
            Some(Err(failure)) if failure.code == "index_not_found" => Ok(()),
            Some(Err(failure)) => Err(failure.into()),
            None => Err(lost()),
        }
    }

    async fn begin_now(&self) -> Result<(), EngineError> {
        Self::set(&self.shadow, None);
        let mut generation = self.meta().await?.map_or(0, |meta| meta.generation);
        let mut left = Vec::new();
        let mut offset = 0;
        loop {
            let mut query = IndexesQuery::new(&self.client);
            let page = query.with_offset(offset).with_limit(100).execute().await?;
            offset += page.results.len();
            if page.results.is_empty() {
                break;
            }
            for index in page.results {
                if let Some(number) = self.generation_of(&index.uid) {
                    generation = generation.max(number);
                    left.push(index.uid);
                }
            }
        }
        for name in left {
            self.drop_index(&name).await?;
        }
        generation += 1;
        let settings = settings();
        let mut last = Vec::new();
        for audience in AUDIENCES {
            let name = self.shadow_name(audience, generation);
            let made = self.client.create_index(&name, Some("id")).await?;
            last.push(made.task_uid);
            last.push(self.client.index(name).set_settings(&settings).await?.task_uid);
        }
        for task in last {
            self.succeeded(task).await?;
        }
        Self::set(&self.shadow, Some(Place { generation, position: None }));
        Ok(())
    }

    async fn write_now(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> Result<Vec<Refused>, EngineError> {
        let place = match target {
            Target::Live => Self::place(&self.live),
            Target::Shadow => Self::place(&self.shadow),
        };
        let place = place.ok_or(EngineError::Building)?;
        if target == Target::Live {
            // Writing to a missing index would create one without settings. An index that another program has put in
            // its place has another position in the log.
            let same = |meta: Meta| meta.generation == place.generation && meta.layout == self.layout;
            if !self.meta().await?.is_some_and(same) {
                Self::set(&self.live, None);
                return Err(EngineError::Building);
            }
        }
        let from = place.position.map_or(0, |position| position.seq);
        let tag = format!("{}:{from}-{}", place.generation, position.seq);
        let mut jobs = VecDeque::new();
        for (audience, batch) in batches {
            let name = match target {
                Target::Live => self.live_name(audience),
                Target::Shadow => self.shadow_name(audience, place.generation),
            };
            jobs.extend(chunks(batch)?.into_iter().map(|chunk| (name.clone(), chunk, TRIES)));
        }
        let refused = self.send_all(jobs, &tag).await?;
        let reached = Some(Place { position: Some(position), ..place });
        match target {
            Target::Live => {
                self.write_meta(place.generation, position).await?;
                Self::set(&self.live, reached);
            }
            Target::Shadow => Self::set(&self.shadow, reached),
        }
        Ok(refused)
    }

    /// Sends all chunks, and waits until their tasks have succeeded. Returns the documents that were refused.
    async fn send_all(
        &self,
        mut jobs: VecDeque<(String, Chunk, usize)>,
        tag: &str,
    ) -> Result<Vec<Refused>, EngineError> {
        let mut sent = VecDeque::new();
        let mut refused = Vec::new();
        loop {
            while sent.len() < IN_FLIGHT * AUDIENCES.len()
                && let Some((name, chunk, tries)) = jobs.pop_front()
            {
                match self.send(&name, &chunk, tag).await {
                    Ok(task) => sent.push_back((task, name, chunk, tries)),
                    Err(error) => match Failure::of_payload(&error) {
                        Some(failure) => split(&name, chunk, failure, tries, &mut jobs, &mut refused),
                        None => return Err(error.into()),
                    },
                }
            }
            let Some((task, name, chunk, tries)) = sent.pop_front() else { return Ok(refused) };
            match self.outcome(task).await? {
                Some(Ok(())) => {}
                Some(Err(failure)) if failure.is_of_a_document() => {
                    split(&name, chunk, failure, tries, &mut jobs, &mut refused);
                }
                Some(Err(failure)) => return Err(failure.into()),
                // The task was canceled, or the engine has lost it.
                None if tries > 1 => jobs.push_back((name, chunk, tries - 1)),
                None => return Err(lost()),
            }
        }
    }

    /// Sends a chunk as one task. Returns the number of the task.
    async fn send(&self, name: &str, chunk: &Chunk, tag: &str) -> Result<u32, Error> {
        let path = format!("{}/indexes/{name}/documents", self.url);
        let queued: Queued = match chunk {
            Chunk::Documents(lines) => {
                let query = [("primaryKey", "id"), ("customMetadata", tag)];
                let body = futures::io::Cursor::new(tasks::body(lines));
                self.http
                    .stream_request(&path, Method::Post { query, body }, "application/x-ndjson", 202)
                    .await?
            }
            Chunk::Gone(ids) => {
                let query = [("customMetadata", tag)];
                let body: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                let path = format!("{path}/delete-batch");
                self.http.request(&path, Method::Post { query, body }, 202).await?
            }
        };
        Ok(queued.task_uid)
    }

    async fn swap_now(&self) -> Result<(), EngineError> {
        let shadow = Self::place(&self.shadow).ok_or(EngineError::Building)?;
        Self::set(&self.shadow, None);
        let position = shadow.position.ok_or(EngineError::Building)?;
        let mut swaps = Vec::new();
        let mut made = Vec::new();
        let mut old = Vec::new();
        for audience in AUDIENCES {
            let (next, live) = (self.shadow_name(audience, shadow.generation), self.live_name(audience));
            let there = if self.fits(&next).await? { self.made_at(&next).await? } else { None };
            // Where it is missing, another program has begun another one.
            made.push((live.clone(), there.ok_or(EngineError::Building)?));
            let rename = if self.made_at(&live).await?.is_some() {
                old.push(next.clone());
                None
            } else {
                Some(true)
            };
            swaps.push(SwapIndexes { indexes: (next, live), rename });
        }
        self.client.swap_indexes(&swaps).await?;
        for (live, made) in made {
            self.in_place(&live, &made).await?;
        }
        // After a stop before this write the old position is in force: changes after it are written again.
        self.write_meta(shadow.generation, position).await?;
        Self::set(&self.live, Some(shadow));
        for name in old {
            self.drop_index(&name).await?;
        }
        Ok(())
    }

    async fn search_now(&self, audience: Audience, query: &Query) -> Result<Found, EngineError> {
        let index = self.client.index(self.live_name(audience));
        let filters = query::filters(query);
        let names: Vec<String> = query.facets.iter().map(|facet| facet_field(*facet)).collect();
        let ask = |words| {
            let mut ask = SearchQuery::new(&index);
            ask.with_query(words)
                .with_attributes_to_retrieve(Selectors::Some(&["id", "type"]))
                .with_show_ranking_score(true)
                .with_matching_strategy(MatchingStrategies::ALL);
            if query.names {
                ask.with_attributes_to_search_on(&NAMES);
            }
            if !filters.is_empty() {
                ask.with_array_filter(filters.iter().map(String::as_str).collect());
            }
            ask
        };
        let (hits, total, counted) = if query.any {
            // The engine has no OR between words: it merges the hits of parts of the query.
            let parts = query::parts(&query.words);
            let mut parted = MultiSearchQuery::new(&self.client);
            for (words, weight) in &parts {
                parted.with_search_query_and_weight(ask(words), *weight);
            }
            let merged = FederationOptions {
                offset: Some(query.offset),
                limit: Some(query.limit),
                facets_by_index: Some([(index.uid.clone(), names)].into()),
                merge_facets: Some(MergeFacets { max_values_per_facet: Some(MAX_FACET_VALUES) }),
                ..FederationOptions::default()
            };
            let answer = parted.with_federation(merged).execute::<Row>().await?;
            (answer.hits, answer.estimated_total_hits, answer.facet_distribution)
        } else {
            let words = query::words(&query.words);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut ask = ask(words.as_str());
            ask.with_offset(query.offset).with_limit(query.limit).with_facets(Selectors::Some(&names));
            let answer: SearchResults<Row> = index.execute_query(&ask).await?;
            (answer.hits, answer.estimated_total_hits.unwrap_or_default(), answer.facet_distribution)
        };
        let hits = hits.into_iter().filter_map(|hit| {
            let of = hit.result.of.iter().find_map(|name| value_of::<SearchType>(name))?;
            let weighted = hit.federation.map(|merged| f64::from(merged.weighted_ranking_score));
            let score = weighted.or(hit.ranking_score).unwrap_or(1.0).clamp(0.0, 1.0);
            Some(Hit { id: hit.result.id, of, score })
        });
        let counted = counted.unwrap_or_default();
        let facets = query.facets.iter().map(|facet| {
            let values = counted.get(&facet_field(*facet)).into_iter().flatten();
            let mut values: Vec<(String, u64)> =
                values.map(|(value, count)| (value.clone(), *count as u64)).collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            (*facet, values)
        });
        Ok(Found { hits: hits.collect(), facets: facets.collect(), total: total as u64 })
    }

    async fn walk_now(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(Uuid, i32)>, EngineError> {
        let index = self.client.index(self.live_name(audience));
        let filter = format!("id > {}", query::quoted(&after.unwrap_or(Uuid::nil()).to_string()));
        let mut ask = DocumentsQuery::new(&index);
        ask.with_filter(&filter).with_sort(["id:asc"]).with_limit(limit).with_fields(["id", "_v"]);
        let found = ask.execute::<Row>().await?;
        Ok(found.results.into_iter().map(|row| (row.id, row.revision)).collect())
    }
}

/// The response to a task that was sent: its number.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queued {
    task_uid: u32,
}

fn lost() -> EngineError {
    EngineError::Failed("a task was canceled or lost".into())
}

/// Queues the halves of a chunk that was refused. A single record is added to `refused` instead.
fn split(
    name: &str,
    chunk: Chunk,
    failure: Failure,
    tries: usize,
    jobs: &mut VecDeque<(String, Chunk, usize)>,
    refused: &mut Vec<Refused>,
) {
    match chunk.halves() {
        Ok(halves) => jobs.extend(halves.map(|half| (name.to_owned(), half, tries))),
        Err(id) => refused.extend(id.map(|id| Refused { id, code: failure.code })),
    }
}

impl Engine for Meilisearch {
    fn name(&self) -> &'static str {
        "Meilisearch"
    }

    fn guard(&self) -> Guard {
        Guard::Lease(format!("search {}", self.prefix))
    }

    fn search<'a>(
        &'a self,
        audience: Audience,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, EngineError>> {
        self.search_now(audience, query).boxed()
    }

    fn position(&self) -> BoxFuture<'_, Result<Option<Position>, EngineError>> {
        self.position_now().boxed()
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.begin_now().boxed()
    }

    fn write(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<Refused>, EngineError>> {
        self.write_now(target, batches, position).boxed()
    }

    fn swap(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.swap_now().boxed()
    }

    fn walk(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, i32)>, EngineError>> {
        self.walk_now(audience, after, limit).boxed()
    }
}
