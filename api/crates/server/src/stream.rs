//! `/graphql/stream`: operations over server-sent events, one request for each (the distinct connections mode of
//! GraphQL over SSE).
//!
//! Responses are events `next`, also those with errors of the request. The event `complete` ends the stream. A response
//! that ends without it was cut, because the server stops or the client has read nothing for too long. The client then
//! reconnects, with `Last-Event-ID` if the events had an `id`.
//!
//! Comments prevent proxies from closing an idle stream. A token that expires during the stream is reported as an error
//! followed by `complete`, because reconnecting with the same token would be refused.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;
use futures::future::OptionFuture;
use futures::stream;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use tracing::Instrument;

use super::execution::{self, CostWanted, Operation, Prepared, ResponseMode, Unexecuted};
use super::metrics::Open;
use super::refusal::{Answer, Refusal, RequestError, vary};
use super::request::{self, Media};
use super::{Shared, graphql, journal, rates};
use identity::caller::{Call, IdentifyError};
use records::changes::Resumption;

/// The header with the `id` of the last event that the client has received.
const LAST_EVENT_ID: &str = "last-event-id";

/// Answers a request to `/graphql/stream`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if !request::accepts_events(&parts.headers) {
        let message = "Accept `text/event-stream`. One answer as JSON is given at /graphql.";
        return Refusal::new(StatusCode::NOT_ACCEPTABLE, message).respond(Media::Json);
    }
    if parts.method == Method::HEAD {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
        return response;
    }
    let call = graphql::call(&shared, &parts).await;
    let room = || shared.rooms.body(&graphql::caller(&shared, &parts, &call));
    let paid = graphql::pay(&shared, &call);
    let asked = request::read(&parts, body, shared.settings.limits.body, room, paid).await;
    let call = match call {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    let wanted = match CostWanted::of(&parts.headers) {
        Ok(CostWanted::Only) => {
            let message = "Ask /graphql for the cost alone, also of a subscription.";
            return Refusal::new(StatusCode::BAD_REQUEST, message).respond(Media::Json);
        }
        Ok(wanted) => wanted,
        Err(refusal) => return refusal.respond(Media::Json),
    };
    let operation = asked
        .map_err(Unexecuted::Refused)
        .and_then(|asked| Operation::read(&shared, &call, asked, ResponseMode::Many, wanted));
    let mut rates = HeaderMap::new();
    rates::tell(&shared.app.traffic, &call, &mut rates);
    let last = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let last = last.filter(|id| !id.is_empty()).map(str::to_owned);
    let prepared = match operation {
        Ok(operation) => {
            let languages = execution::languages(&parts.headers);
            Ok(operation.prepare(&shared, call.clone(), languages, Resumption::after(last)))
        }
        Err(Unexecuted::Refused(refusal)) => {
            let mut response = refusal.respond(Media::Json);
            response.headers_mut().extend(rates);
            return response;
        }
        Err(unexecuted) => Err(unexecuted),
    };
    // The channel holds one event, so a client that reads slowly holds up the task that feeds the stream.
    let (sender, receiver) = mpsc::channel(1);
    // Counted from here on, not only once the task runs.
    let open = Open::new(&shared.meters.streams);
    let feeding = feed(shared, call, prepared, sender, open);
    tokio::spawn(journal::carry_on(feeding).in_current_span());
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    vary(headers);
    // Prevents proxies from buffering the response.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.extend(rates);
    response
}

/// Writes events until the operation ends, the client disconnects or reads nothing, or the server stops.
async fn feed(
    shared: Arc<Shared>,
    mut call: Call,
    prepared: Result<Prepared, Unexecuted>,
    sender: Sender<Bytes>,
    _open: Open,
) {
    let settings = &shared.settings.socket;
    let send = async |event: Bytes| {
        tokio::select! {
            sent = timeout(settings.drain_time, sender.send(event)) => matches!(sent, Ok(Ok(()))),
            () = shared.stopping.cancelled() => false,
        }
    };
    let end = async || {
        journal::ended();
        send(complete()).await
    };
    let fail = async |unexecuted: Unexecuted| {
        let answer = Answer { errors: unexecuted.into_errors(), ..Answer::default() };
        send(next(&answer, None)).await && end().await
    };
    let mut answers = match prepared {
        Ok(prepared) => prepared.answers(),
        Err(unexecuted) => {
            fail(unexecuted).await;
            return;
        }
    };
    // The first comment is sent at once, so that the client sees that it is connected.
    let mut comments = interval(settings.ping_interval);
    let mut checks = interval_at(Instant::now() + settings.check_interval, settings.check_interval);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut checking = None;
    // The time since which the channel has been full.
    let mut full: Option<Instant> = None;
    loop {
        let going_on = tokio::select! {
            answer = answers.next() => match answer {
                Some(Ok(event)) => send(next(&event.answer, event.id.as_deref())).await,
                Some(Err(unexecuted)) => {
                    fail(unexecuted).await;
                    return;
                }
                None => {
                    end().await;
                    return;
                }
            },
            // Does not wait for the client: the operation must go on, as it may hold a database connection.
            _ = comments.tick() => match sender.try_send(Bytes::from_static(b":\n\n")) {
                Ok(()) => {
                    full = None;
                    true
                }
                Err(TrySendError::Full(_)) => full.get_or_insert_with(Instant::now).elapsed() < settings.drain_time,
                Err(TrySendError::Closed(_)) => false,
            },
            _ = checks.tick(), if checking.is_none() => {
                let asking = call.clone();
                checking = Some(async move { asking.again().await }.boxed());
                true
            }
            Some(checked) = OptionFuture::from(checking.as_mut()), if checking.is_some() => {
                checking = None;
                match checked {
                    Ok(now) => {
                        call = now;
                        true
                    }
                    Err(IdentifyError::Refused) => {
                        fail(Unexecuted::Refused(Refusal::unauthenticated())).await;
                        return;
                    }
                    // Without `complete`, so that the client reconnects.
                    Err(IdentifyError::Failed(error)) => {
                        tracing::warn!(%error, "a stream ends: its caller cannot be identified");
                        false
                    }
                }
            }
            () = shared.stopping.cancelled() => false,
            () = sender.closed() => false,
        };
        if !going_on {
            return;
        }
    }
}

/// A response as an event.
fn next(answer: &Answer, id: Option<&str>) -> Bytes {
    journal::errors(&answer.errors);
    let mut text = String::new();
    // A line break would end the field. Ids of this server have none.
    if let Some(id) = id.filter(|id| !id.contains(['\n', '\r', '\0'])) {
        text.push_str("id: ");
        text.push_str(id);
        text.push('\n');
    }
    text.push_str("event: next\ndata: ");
    // Serialized JSON has no line breaks: within strings they are escaped.
    text.push_str(&answer.text());
    text.push_str("\n\n");
    text.into()
}

/// The event that ends the stream. It has a data field because browsers ignore events without one.
fn complete() -> Bytes {
    Bytes::from_static(b"event: complete\ndata: \n\n")
}
