//! `/sync/snapshot`: all that somebody may follow, as it is at one instant, a line of JSON for each record.
//!
//! The first line says what it is a copy of, and the position from which to follow; the last one how many records of
//! each type there were, and the hash of all bytes before it. Without the last line the copy is not whole. Nothing is
//! stored: lines are made as fast as they are read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Value, Variables};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use url::form_urlencoded;

use super::Shared;
use super::graphql::call;
use super::refusal::{Refusal, RequestError};
use super::request::Media;
use crate::changes::fault::View;
use crate::directory::contact_read;
use crate::directory::vocabulary;
use crate::identity::caller::{Call, Unidentified};
use crate::record::error::{Code, DomainError};
use crate::record::id::encode;
use crate::record::read::Database;
use crate::record::read::keyed::hex;
use crate::record::reader::Reader;
use crate::record::value::LanguagePreferences;
use crate::record::write::SCHEMA_VERSION;
use crate::record::{RecordType, all_of, name_of, value_of};
use crate::sync::digest::{Held, Walk};
use crate::sync::feed::graphql::following;
use crate::sync::feed::scope::Following;
use crate::sync::feed::{acknowledge, end_of, store};

/// What is told of each record.
const DOCUMENT: &str = include_str!("../sync/snapshot.graphql");
/// Records that are read at once: `nodes` takes no more.
const RECORDS: usize = 100;
/// Parts of the answer that may wait to be read.
const WAITING: usize = 4;
/// How long a copy may take.
const TIME: Duration = Duration::from_mins(10);
/// Milliseconds after which another copy may be tried where too many are being made.
const BUSY: i64 = 30_000;

/// Answers a request to `/sync/snapshot`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = match call(&shared, &parts).await {
        Ok(call) => call,
        Err(Unidentified::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(Unidentified::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    let following = match asked(&call, parts.uri.query().unwrap_or_default()) {
        Ok(following) => following,
        Err(error) => return refused(&error),
    };
    let Ok(turn) = Arc::clone(&shared.snapshots).try_acquire_owned() else {
        let message = "Too many copies are being made at the moment. Try again in half a minute.";
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
        return Refusal { retry_after_ms: Some(BUSY), ..refusal }.respond(Media::Json);
    };
    let copying = match shared.app.traffic.snapshot(&call) {
        Ok(copying) => copying,
        Err(error) => return refused(&error),
    };
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let tasks = shared.app.tasks.clone();
    tasks.spawn(async move {
        let stopping = shared.stopping.clone();
        let copy = Copy { shared, call, following, sender: sender.clone(), hash: Sha256::new() };
        let made = tokio::select! {
            made = tokio::time::timeout(TIME, copy.make()) => made.unwrap_or(Err(Failure::Late)),
            () = stopping.cancelled() => Err(Failure::Late),
        };
        drop(turn);
        if let Err(failure) = made {
            // Whoever went away has had what they took; what is our fault counts for nobody.
            if !matches!(failure, Failure::Gone) {
                copying.take_back();
            }
            if let Failure::Failed(error) = &failure {
                tracing::error!(%error, "a snapshot could not be made");
            }
            // The answer ends in the middle, as an error: without its last line nobody takes it for whole.
            let _ = sender.try_send(Err(std::io::Error::other("the snapshot is not whole")));
        }
    });
    let body = Body::from_stream(futures::stream::poll_fn(move |context| receiver.poll_recv(context)));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to who asks for what there is not, or may not ask.
fn refused(error: &DomainError) -> Response<Body> {
    match error {
        DomainError::BadUserInput { message, .. } => {
            Refusal { code: Code::BadUserInput, ..Refusal::new(StatusCode::BAD_REQUEST, message.clone()) }
                .respond(Media::Json)
        }
        DomainError::RateLimited { retry_after_ms } => {
            Refusal::rate_limited(*retry_after_ms).respond(Media::Json)
        }
        DomainError::Unauthenticated(_) => Refusal::unauthenticated().respond(Media::Json),
        _ => RequestError::from(error).respond(Media::Json),
    }
}

/// What the address asks for: `types` and `regions`, each several times or with commas.
fn asked(call: &Call, query: &str) -> Result<Following, DomainError> {
    let (mut types, mut regions) = (Vec::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        for word in value.split(',').filter(|word| !word.is_empty()) {
            match name.as_ref() {
                "types" => types.push(value_of::<RecordType>(word).ok_or_else(|| {
                    let known: Vec<&str> = all_of::<RecordType>().map(name_of).collect();
                    DomainError::bad_input("types", format!("`types` must be some of {}.", known.join(", ")))
                })?),
                "regions" => regions.push(word.to_owned()),
                _ => {}
            }
        }
    }
    following(call, Some(&types), Some(&regions))
}

/// Why a copy is not whole.
enum Failure {
    /// Nobody reads it any more.
    Gone,
    /// It took too long, or the server stops.
    Late,
    Failed(DomainError),
}

impl From<DomainError> for Failure {
    fn from(error: DomainError) -> Self {
        Self::Failed(error)
    }
}

/// A copy that is being made.
struct Copy {
    shared: Arc<Shared>,
    call: Call,
    following: Following,
    sender: mpsc::Sender<Result<Bytes, std::io::Error>>,
    hash: Sha256,
}

impl Copy {
    async fn send(&mut self, lines: Vec<u8>) -> Result<(), Failure> {
        self.hash.update(&lines);
        self.sender.send(Ok(lines.into())).await.map_err(|_| Failure::Gone)
    }

    async fn make(mut self) -> Result<(), Failure> {
        let app = self.call.app.clone();
        let document = self.shared.documents.read(DOCUMENT);
        let document =
            document.map_err(|_| DomainError::Stored("the document of snapshots is wrong".into()))?;
        let instance = app.instance(app.db.writer()).await?;
        let db = app.db.long_snapshot().await.map_err(DomainError::from)?;
        let state = store::state(&db, None).await?;
        let view =
            |(region, visibility): &View| json!({"region": region, "visibility": name_of(*visibility)});
        let cursor = end_of(&state, self.following.scope.clone());
        let header = json!({
            "instanceId": instance,
            "feedId": state.feed_id,
            "cursor": cursor.text(),
            "views": self.following.views.iter().map(view).collect::<Vec<_>>(),
            "schemaVersion": SCHEMA_VERSION,
            "vocabularyHash": vocabulary::hash(),
            "startedAt": app.clock.now().to_utc().to_rfc3339(),
        });
        self.send(line(&header)).await?;
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let viewer = self.call.viewer().clone();
        let following = self.following.clone();
        for of in all_of::<RecordType>().filter(|of| following.follows(*of)) {
            let count = counts.entry(of.name()).or_default();
            let mut walk = Walk::new(&db, &viewer, &following, of);
            while let Some(held) = walk.next().await? {
                for some in held.chunks(RECORDS) {
                    let lines = self.lines(&db, &document, some).await?;
                    *count += some.len() as u64;
                    self.send(lines).await?;
                }
            }
        }
        let hash = hex(&self.hash.clone().finalize());
        self.send(line(&json!({"counts": counts, "sha256": hash}))).await?;
        acknowledge(&self.call, &self.following, &cursor);
        Ok(())
    }

    /// The lines of some records.
    async fn lines(
        &self,
        db: &Arc<Database>,
        document: &ExecutableDocument,
        some: &[Held],
    ) -> Result<Vec<u8>, DomainError> {
        let app = &self.call.app;
        let today = app.clock.now().to_utc().date_naive();
        let reader =
            Reader::new(Arc::clone(db), self.call.viewer().clone(), LanguagePreferences::default(), today);
        let ids = some.iter().map(|held| Value::from(encode(held.record_type.prefix(), held.id)));
        let variables = [(Name::new("ids"), Value::List(ids.collect()))];
        let mut request = async_graphql::Request::new(String::new())
            .variables(Variables::from_value(Value::Object(variables.into_iter().collect())))
            .data(Arc::clone(&reader))
            .data(app.clone())
            .data(self.call.clone());
        request.set_parsed_query(document.clone());
        let response = self.shared.schema.once(request).await;
        if let Some(error) = response.errors.first() {
            return Err(DomainError::Stored(format!("a record cannot be told: {error}")));
        }
        contact_read::note(app, &reader.viewer, reader.shown_contacts());
        let data = response.data.into_json()?;
        let nodes = data["nodes"].as_array().cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for (held, node) in some.iter().zip(nodes) {
            if node.is_null() {
                return Err(DomainError::Stored("a record is in a view and cannot be read".into()));
            }
            lines.extend(line(&json!({
                "recordType": held.record_type.name(),
                "recordId": node["id"],
                "revision": held.revision,
                "contentHash": Some(&held.content_hash).filter(|hash| !hash.is_empty()),
                "record": node,
            })));
        }
        Ok(lines)
    }
}

/// A line of JSON.
fn line(value: &serde_json::Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}
