//! `/sync/snapshot`: a copy of all records that the caller may follow, at one instant (see [`exchange::sync::snapshot`]).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use url::form_urlencoded;

use super::Shared;
use super::graphql::call;
use super::pace::Allowance;
use super::refusal::{Refusal, RequestError};
use super::request::Media;
use exchange::sync::feed::acknowledge;
use exchange::sync::feed::graphql::{again, following};
use exchange::sync::feed::scope::Following;
use exchange::sync::snapshot::{self, Failure, Sink};
use identity::caller::{Call, IdentifyError};
use kernel::RecordType;
use kernel::error::{Code, DomainError};
use records::changes::Scope;

/// The capacity of the queue of unread parts.
const WAITING: usize = 4;
/// The time-out of a copy.
const TIME: Duration = Duration::from_mins(10);

/// Answers a request to `/sync/snapshot`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = match call(&shared, &parts).await {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    let asked = SnapshotParameters::read(parts.uri.query().unwrap_or_default());
    let asked = asked.and_then(|asked| asked.following(&call).map(|following| (asked, following)));
    let (asked, following) = match asked {
        Ok(asked) => asked,
        Err(error) => return refused(&error),
    };
    let turn = match shared.rooms.copy(&call.caller()) {
        Ok(turn) => turn,
        Err(refusal) => return refusal.respond(Media::Json),
    };
    let copying = match shared.app.traffic.snapshot(&call) {
        Ok(copying) => copying,
        Err(error) => return refused(&error),
    };
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let tasks = shared.app.tasks.clone();
    tasks.spawn(async move {
        let stopping = shared.stopping.clone();
        let mut lines = Lines {
            call: call.clone(),
            asked,
            scope: following.scope.clone(),
            sender: sender.clone(),
            allowance: Allowance::new(shared.settings.capacity.copy_pace),
        };
        let run = |request| shared.schema.once(shared.app.given_to(request));
        let made = tokio::select! {
            made = tokio::time::timeout(TIME, snapshot::make(&call, &shared.app.contact_reads, &following, run, &mut lines)) => made.ok(),
            () = stopping.cancelled() => None,
        };
        drop(turn);
        match made {
            Some(Ok(copied)) => return acknowledge(&call, &following, &copied.cursor),
            // A client that disconnects is still charged. A fault of the server is not charged.
            Some(Err(Failure::Gone)) => {}
            Some(Err(Failure::Failed(error))) => {
                copying.take_back();
                tracing::error!(%error, "a snapshot could not be made");
            }
            // Time-out, or the server stops.
            None => copying.take_back(),
        }
        // Aborts the response. A client also detects an incomplete copy by its missing last line.
        let aborted = sender.send(Err(std::io::Error::other("the snapshot is not whole")));
        tokio::select! {
            biased;
            _ = aborted => {}
            () = stopping.cancelled() => {}
        }
    });
    let body = Body::from_stream(futures::stream::poll_fn(move |context| receiver.poll_recv(context)));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The response to a request that is invalid or not permitted.
pub(super) fn refused(error: &DomainError) -> Response<Body> {
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

/// The URL parameters `types` and `regions`, each repeated or separated by commas.
struct SnapshotParameters {
    types: Vec<RecordType>,
    regions: Vec<String>,
}

impl SnapshotParameters {
    fn read(query: &str) -> Result<Self, DomainError> {
        let (mut types, mut regions) = (Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            for word in value.split(',').filter(|word| !word.is_empty()) {
                match name.as_ref() {
                    "types" => types.extend(snapshot::types_of([word].into_iter())?),
                    "regions" => regions.push(word.to_owned()),
                    _ => {}
                }
            }
        }
        Ok(Self { types, regions })
    }

    /// The types and views that the caller follows with these parameters.
    fn following(&self, call: &Call) -> Result<Following, DomainError> {
        following(call, Some(&self.types), Some(&self.regions))
    }
}

/// The sink of a copy. It checks the caller's permissions again with each part, as a copy can take ten minutes.
struct Lines {
    call: Call,
    asked: SnapshotParameters,
    scope: Scope,
    sender: mpsc::Sender<Result<Bytes, std::io::Error>>,
    /// The time for which the server still waits for a slow client.
    allowance: Allowance,
}

impl Lines {
    async fn ask_again(&mut self) -> Result<(), Failure> {
        let refused = |error| match error {
            DomainError::Unauthenticated(_) => Failure::Gone,
            error => Failure::Failed(error),
        };
        self.call = again(&self.call).await.map_err(refused)?;
        let now = self.asked.following(&self.call).map_err(refused)?;
        if now.scope == self.scope { Ok(()) } else { Err(Failure::Gone) }
    }
}

impl Sink for Lines {
    async fn take(&mut self, lines: Vec<u8>, _: usize) -> Result<(), Failure> {
        self.ask_again().await?;
        let (bytes, begun) = (lines.len(), Instant::now());
        let Ok(sent) = timeout(self.allowance.left(), self.sender.send(Ok(lines.into()))).await else {
            tracing::info!("a copy is aborted: its client reads too slowly");
            return Err(Failure::Gone);
        };
        self.allowance.waited(begun.elapsed());
        self.allowance.took(bytes);
        sent.map_err(|_| Failure::Gone)
    }
}
