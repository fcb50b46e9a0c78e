//! A stub of Meilisearch: the routes that the engine uses, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use passerelle::index::meilisearch::{Meilisearch, Options};
use serde_json::{Value, json};

/// The API key that the stub requires.
pub(crate) const KEY: &str = "the-key-of-the-engine";

/// A fault of a write of documents.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The task fails with this code.
    Fails(&'static str),
    /// The task is canceled.
    Canceled,
    /// The task is unknown when asked for.
    Forgotten,
    /// The write is refused, as the queue is full.
    QueueFull,
    /// The task never begins.
    Stuck,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Documents by index and id.
    pub(crate) indexes: BTreeMap<String, BTreeMap<String, Value>>,
    ranking: BTreeMap<String, Value>,
    /// The creation times of indexes, as sequence numbers.
    made: BTreeMap<String, usize>,
    tasks: Vec<Option<Value>>,
    /// The faults of the next writes, one each.
    pub(crate) faults: VecDeque<Fault>,
    /// A text in documents that makes their task fail.
    pub(crate) poison: Option<String>,
    /// Whether every response is an error.
    pub(crate) broken: bool,
    /// Whether requests get no response.
    pub(crate) silent: bool,
    /// The metadata of tasks.
    pub(crate) tags: Vec<String>,
    /// The number of documents of each write.
    pub(crate) sizes: Vec<usize>,
}

impl Store {
    /// Loses everything, as an engine with a new disk does.
    pub(crate) fn wipe(&mut self) {
        *self = Self::default();
    }

    fn task(&mut self, status: Option<&str>, error: &Value) -> Response {
        self.tasks.push(status.map(|status| json!({ "status": status, "error": error })));
        let queued = json!({
            "taskUid": self.tasks.len() - 1, "indexUid": null, "status": "enqueued", "type": "indexCreation",
            "enqueuedAt": "2026-11-22T10:00:00Z", "details": null,
        });
        answer(StatusCode::ACCEPTED, &queued)
    }

    fn done(&mut self) -> Response {
        self.task(Some("succeeded"), &Value::Null)
    }

    fn failed(&mut self, code: &str) -> Response {
        self.task(Some("failed"), &error(code))
    }

    fn write(&mut self, index: &str, query: &str, change: &Change) -> Response {
        let tags = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "customMetadata");
        self.tags.extend(tags.map(|(_, tag)| tag.into_owned()));
        let meta = index.ends_with("_meta");
        if !meta {
            match self.faults.pop_front() {
                Some(Fault::QueueFull) => {
                    return answer(StatusCode::UNPROCESSABLE_ENTITY, &error("no_space_left_on_device"));
                }
                Some(Fault::Fails(code)) => return self.failed(code),
                Some(Fault::Canceled) => return self.task(Some("canceled"), &Value::Null),
                Some(Fault::Forgotten) => return self.task(None, &Value::Null),
                Some(Fault::Stuck) => return self.task(Some("enqueued"), &Value::Null),
                None => {}
            }
        }
        match change {
            Change::Documents(documents) => {
                if !meta {
                    self.sizes.push(documents.len());
                }
                if let Some(poison) = self.poison.clone()
                    && documents.iter().any(|document| document.to_string().contains(&poison))
                {
                    return self.failed("invalid_document_geo_field");
                }
                let index = self.indexes.entry(index.into()).or_default();
                for document in documents {
                    index.insert(document["id"].as_str().unwrap_or_default().into(), document.clone());
                }
            }
            Change::Gone(ids) => {
                let Some(index) = self.indexes.get_mut(index) else { return self.failed("index_not_found") };
                index.retain(|id, _| !ids.contains(id));
            }
        }
        self.done()
    }

    fn swap(&mut self, swaps: &Value) -> Response {
        for swap in swaps.as_array().into_iter().flatten() {
            let [one, other] = [0, 1].map(|at| swap["indexes"][at].as_str().unwrap_or_default().to_owned());
            let rename = swap["rename"] == true;
            if !self.indexes.contains_key(&one) || self.indexes.contains_key(&other) == rename {
                return self.failed("index_not_found");
            }
            exchange(&mut self.indexes, &one, &other);
            exchange(&mut self.ranking, &one, &other);
            exchange(&mut self.made, &one, &other);
        }
        // The task is not visible to a key that is limited to some indexes.
        self.task(None, &Value::Null)
    }

    fn about(&self, uid: &str) -> Value {
        let time = "2026-11-22T10:00:00Z";
        let made = format!("2026-11-22T10:00:00.{:09}Z", self.made.get(uid).unwrap_or(&0));
        json!({ "uid": uid, "createdAt": made, "updatedAt": time, "primaryKey": "id" })
    }

    fn respond(&mut self, method: &Method, path: &[&str], query: &str, body: &[u8]) -> Response {
        let text = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        if let ["indexes", index, ..] = path
            && (*method == Method::GET || matches!(path.last(), Some(&"fetch" | &"search")))
            && !self.indexes.contains_key(*index)
        {
            return answer(StatusCode::NOT_FOUND, &error("index_not_found"));
        }
        match (method.as_str(), path) {
            ("GET", ["tasks", number]) => {
                let task = number.parse::<usize>().ok().and_then(|number| self.tasks.get(number)?.clone());
                match task {
                    Some(task) => answer(StatusCode::OK, &task),
                    None => answer(StatusCode::NOT_FOUND, &error("task_not_found")),
                }
            }
            ("GET", ["indexes"]) => {
                let begins = query.contains("offset=0") || !query.contains("offset");
                let found: Vec<Value> =
                    self.indexes.keys().filter(|_| begins).map(|uid| self.about(uid)).collect();
                answer(
                    StatusCode::OK,
                    &json!({ "results": found, "limit": 100, "offset": 0, "total": found.len() }),
                )
            }
            ("POST", ["indexes"]) => {
                let index = text()["uid"].as_str().unwrap_or_default().to_owned();
                self.made.insert(index.clone(), self.tasks.len());
                self.indexes.insert(index, BTreeMap::new());
                self.done()
            }
            ("GET", ["indexes", index]) => answer(StatusCode::OK, &self.about(index)),
            ("DELETE", ["indexes", index]) => {
                self.ranking.remove(*index);
                match self.indexes.remove(*index) {
                    Some(_) => self.done(),
                    None => self.failed("index_not_found"),
                }
            }
            ("PATCH", ["indexes", index, "settings"]) => {
                self.ranking.insert((*index).into(), text()["rankingRules"].clone());
                self.done()
            }
            ("GET", ["indexes", index, "settings", "ranking-rules"]) => {
                let default = json!(["words"]);
                answer(StatusCode::OK, self.ranking.get(*index).unwrap_or(&default))
            }
            ("POST", ["indexes", index, "documents"]) => {
                let documents = match text() {
                    Value::Array(documents) => documents,
                    _ => body
                        .split(|byte| *byte == b'\n')
                        .filter_map(|line| serde_json::from_slice(line).ok())
                        .collect(),
                };
                self.write(index, query, &Change::Documents(documents))
            }
            ("POST", ["indexes", index, "documents", "delete-batch"]) => {
                let ids = serde_json::from_slice(body).unwrap_or_default();
                self.write(index, query, &Change::Gone(ids))
            }
            ("GET", ["indexes", index, "documents", id]) => match self.indexes[*index].get(*id) {
                Some(document) => answer(StatusCode::OK, document),
                None => answer(StatusCode::NOT_FOUND, &error("document_not_found")),
            },
            ("POST", ["indexes", index, "documents", "fetch"]) => {
                let asked = text();
                let after = asked["filter"].as_str().unwrap_or_default();
                let after = after.trim_start_matches("id > \"").trim_end_matches('"');
                let limit = usize::try_from(asked["limit"].as_u64().unwrap_or(20)).unwrap_or(20);
                let found = self.indexes[*index].iter().filter(|(id, _)| id.as_str() > after);
                let found: Vec<&Value> = found.map(|(_, document)| document).take(limit).collect();
                answer(
                    StatusCode::OK,
                    &json!({ "results": found, "limit": limit, "offset": 0, "total": found.len() }),
                )
            }
            ("POST", ["indexes", index, "search"]) => {
                let asked = text();
                let words = asked["q"].as_str().unwrap_or_default();
                let fits = |document: &&Value| {
                    let text = document.to_string();
                    words.split_whitespace().all(|word| text.contains(word))
                };
                let found: Vec<Value> = self.indexes[*index].values().filter(fits).map(scored).collect();
                answer(
                    StatusCode::OK,
                    &json!({
                        "hits": found, "query": words, "processingTimeMs": 1, "limit": 20, "offset": 0,
                        "estimatedTotalHits": found.len(),
                        "facetDistribution": {"region": {"flandre": 1, "wallonie": 3}},
                    }),
                )
            }
            ("POST", ["swap-indexes"]) => self.swap(&text()),
            _ => answer(StatusCode::NOT_FOUND, &error("not_found")),
        }
    }
}

fn exchange<T>(map: &mut BTreeMap<String, T>, one: &str, other: &str) {
    let (first, second) = (map.remove(one), map.remove(other));
    map.extend(first.map(|first| (other.to_owned(), first)));
    map.extend(second.map(|second| (one.to_owned(), second)));
}

enum Change {
    Documents(Vec<Value>),
    Gone(Vec<String>),
}

fn scored(document: &Value) -> Value {
    json!({ "id": document["id"], "type": document["type"], "_rankingScore": 0.5 })
}

fn error(code: &str) -> Value {
    json!({ "message": "what the engine says is for the log", "code": code, "type": "internal", "link": "" })
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// A stub that runs until it is dropped.
pub(crate) struct Stub {
    store: Arc<Mutex<Store>>,
    pub(crate) options: Options,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Stub {
    pub(crate) async fn start() -> Self {
        let store = Arc::new(Mutex::new(Store::default()));
        let app = Router::new().fallback(route).with_state(Arc::clone(&store));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        let url = format!("http://{address}").parse().expect("an address");
        Self { store, options: Options::new(url, Some(KEY.into()), "p"), serving }
    }

    /// Its indexes, faults and counters.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no panic")
    }

    /// An engine for this stub.
    pub(crate) fn engine(&self) -> Meilisearch {
        Meilisearch::new(&self.options).expect("an engine")
    }
}

async fn route(State(store): State<Arc<Mutex<Store>>>, request: Request) -> Response {
    let key = request.headers().get(header::AUTHORIZATION).cloned();
    if key.is_none_or(|key| key != format!("Bearer {KEY}")) {
        return answer(StatusCode::FORBIDDEN, &error("invalid_api_key"));
    }
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, 64 << 20).await.expect("a body");
    let (silent, broken) = {
        let store = store.lock().expect("no panic");
        (store.silent, store.broken)
    };
    if silent {
        return std::future::pending().await;
    }
    if broken {
        return answer(StatusCode::INTERNAL_SERVER_ERROR, &error("internal"));
    }
    let path: Vec<&str> = parts.uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let mut store = store.lock().expect("no panic");
    store.respond(&parts.method, &path, parts.uri.query().unwrap_or_default(), &body)
}
