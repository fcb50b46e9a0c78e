//! `/graphql/stream`: operations over server-sent events, one request for each (the distinct connections mode of
//! GraphQL over SSE).
//!
//! The answers are events `next`, with what is wrong with an operation as one of them; `complete` says that there are
//! no more. A response that ends without it was cut: because the server stops, or because the client took nothing for
//! too long. The client then asks again, with `Last-Event-ID` where the events had an `id`.
//!
//! Comments keep proxies from taking a quiet stream for a dead one. A token that ends while the stream lives is told
//! as an error, and `complete`: asking again with the same one would lead nowhere.

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

use super::execution::{self, CostWanted, Operation, Prepared, Unexecuted, Way};
use super::metrics::Open;
use super::refusal::{Answer, Refusal, RequestError, vary};
use super::request::{self, Media};
use super::{Shared, graphql, journal, rates};
use crate::changes::Resumption;
use crate::identity::caller::{Call, Unidentified};

/// The header with the `id` of the last event that the client has.
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
        Err(Unidentified::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(Unidentified::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
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
        .and_then(|asked| Operation::read(&shared, &call, asked, Way::Many, wanted));
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
    // What the client has not taken waits in the channel's one place, and what feeds the stream waits for that.
    let (sender, receiver) = mpsc::channel(1);
    // From here on, and not only when the task has begun.
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
    // Some proxies collect a response before they pass it on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.extend(rates);
    response
}

/// Writes events until the operation ends, the client goes away or takes nothing, or the server stops.
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
    // The first comment comes at once: the client sees that it is connected.
    let mut comments = interval(settings.ping_interval);
    let mut checks = interval_at(Instant::now() + settings.check_interval, settings.check_interval);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut checking = None;
    // Since when the channel has had no place for a comment.
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
            // The operation goes on meanwhile: it may hold a connection of the database.
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
                    Err(Unidentified::Refused) => {
                        fail(Unexecuted::Refused(Refusal::unauthenticated())).await;
                        return;
                    }
                    // Whoever asks again may get an answer.
                    Err(Unidentified::Failed(error)) => {
                        tracing::warn!(%error, "a stream ends, as it cannot be found out who calls");
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

/// An answer as an event.
fn next(answer: &Answer, id: Option<&str>) -> Bytes {
    journal::errors(&answer.errors);
    let mut text = String::new();
    // A line break would end the field, and nothing of ours has one.
    if let Some(id) = id.filter(|id| !id.contains(['\n', '\r', '\0'])) {
        text.push_str("id: ");
        text.push_str(id);
        text.push('\n');
    }
    text.push_str("event: next\ndata: ");
    // JSON has no line breaks outside of strings, and escapes them inside.
    text.push_str(&answer.text());
    text.push_str("\n\n");
    text.into()
}

/// There are no more answers. Browsers pass over events without data.
fn complete() -> Bytes {
    Bytes::from_static(b"event: complete\ndata: \n\n")
}
