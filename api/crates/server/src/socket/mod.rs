//! Operations over a WebSocket: the protocol `graphql-transport-ws`.
//!
//! A socket is one future: dropping it drops all its streams. Each operation sends its own messages one by one through
//! the [`Outbox`], and polls its stream again only when the last message has been sent. So nothing queues up for a
//! client that reads slowly: back-pressure reaches the streams.
//!
//! | code | when |
//! |---|---|
//! | 1001 | the server stops; queries and mutations in progress were answered, or took too long |
//! | 1002, 1009 | a message is unreadable or too long |
//! | 1013 | the caller cannot be identified: the database or a token issuer is unavailable |
//! | 4400 | a message is invalid |
//! | 4401 | `subscribe` before `connection_ack` |
//! | 4403 | the access token is invalid or has expired |
//! | 4406 | the client does not offer `graphql-transport-ws` |
//! | 4408 | no `connection_init` in time |
//! | 4409 | the id of a `subscribe` is in use |
//! | 4413 | the client has not read a message, or not answered a ping, in time |
//! | 4429 | a second `connection_init` |
//!
//! Before the socket is open, a refusal is an HTTP response: 400 for an invalid handshake, 401 for an invalid token in
//! the header `Authorization`, 403 for a page of another site, 429 or 503 if too many sockets are open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{AUTHORIZATION, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use futures::future::{AbortHandle, Abortable, BoxFuture};
use futures::stream::{FuturesUnordered, SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};
use tracing::Instrument;

use super::execution::{self, CostWanted, Operation, ResponseMode, Unexecuted};
use super::journal::{self, Entry};
use super::metrics::Open;
use super::refusal::{Refusal, RequestError};
use super::request::{GraphqlRequest, Media};
use super::{Shared, graphql, origin};
use identity::caller::{BearerToken, Call, IdentifyError};
use kernel::error::{Code, REQUEST_ID};
use kernel::value::LanguagePreferences;
use records::changes::Resumption;

mod ending;
mod message;

use ending::Ending;
use message::{ClientMessage, ServerMessage};

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// The factor by which a message may exceed its limit and still be read, so that the client gets the reason for the
/// close. A longer one ends the reading.
const READABLE: usize = 2;
/// The size of the read buffer that each open socket has, in bytes.
const READ_BUFFER: usize = 4 * 1024;

/// The settings of sockets, and of event streams where they apply.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The time-out for `connection_init`.
    pub begin_time: Duration,
    /// The interval of pings to the client, and of comments in event streams.
    pub ping_interval: Duration,
    /// The interval at which the caller is identified again while operations run.
    pub check_interval: Duration,
    /// The time-out for sending a message, and for the answer to a ping.
    pub drain_time: Duration,
    /// The time for which queries and mutations may go on after a stop was requested.
    pub finish_time: Duration,
    /// The time-out for the client's close frame.
    pub close_time: Duration,
    /// The maximum size of a message in bytes.
    pub max_message: usize,
    /// The maximum number of concurrent operations of a socket.
    pub max_operations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            begin_time: Duration::from_secs(3),
            ping_interval: Duration::from_secs(12),
            // The result is cached for five seconds, so the database is queried no more often than that.
            check_interval: Duration::from_secs(1),
            drain_time: Duration::from_secs(30),
            finish_time: Duration::from_secs(4),
            close_time: Duration::from_secs(2),
            max_message: 64 * 1024,
            max_operations: 100,
        }
    }
}

/// Whether a request asks to upgrade to a WebSocket.
pub(super) fn is_asked_for(parts: &Parts) -> bool {
    let upgrade = parts.headers.get(UPGRADE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.method == Method::GET && upgrade.eq_ignore_ascii_case("websocket")
}

/// Opens a socket.
pub(super) async fn open(shared: &Arc<Shared>, mut parts: Parts) -> Response<Body> {
    if !origin::is_allowed(&parts.headers, &shared.settings.origins) {
        let message = "Pages of this site may not open a WebSocket here. Whoever runs the server names those that may \
                       in CORS_ORIGINS.";
        return Refusal::new(StatusCode::FORBIDDEN, message).respond(Media::Json);
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(wrong) => {
            let message = format!("This is no handshake of a WebSocket (RFC 6455). {}.", wrong.body_text());
            return Refusal::new(wrong.status(), message).respond(Media::Json);
        }
    };
    let call = match graphql::call(shared, &parts).await {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    let place = match shared.rooms.socket(&call.caller()) {
        Ok(place) => place,
        Err(refusal) => return refusal.respond(Media::Json),
    };
    let languages = execution::languages(&parts.headers);
    let shared = Arc::clone(shared);
    let readable = shared.settings.socket.max_message.saturating_mul(READABLE);
    // Counted from here on, so that a stop also waits for sockets that are just opening.
    let token = shared.sockets.token();
    let open = Open::new(&shared.meters.sockets);
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(readable).max_frame_size(readable);
    upgrade.read_buffer_size(READ_BUFFER).on_upgrade(async move |socket| {
        serve(shared, call, languages, socket).await;
        drop((token, open, place));
    })
}

/// Serves a socket until it ends.
async fn serve(shared: Arc<Shared>, call: Call, languages: LanguagePreferences, socket: WebSocket) {
    let settings = shared.settings.socket.clone();
    let speaks = socket.protocol().is_some();
    let (sink, mut source) = socket.split();
    let outbox = Arc::new(Outbox { sink: Mutex::new(sink), drain_time: settings.drain_time });
    let ending = if speaks {
        let connection = Connection {
            shared,
            settings: settings.clone(),
            call,
            languages,
            outbox: Arc::clone(&outbox),
            phase: Phase::Opened,
            replies: false,
            stops: false,
            running: HashMap::new(),
            begun: 0,
            errands: FuturesUnordered::new(),
        };
        // All streams are dropped with the connection, before the close frame is sent.
        connection.run(&mut source).await
    } else {
        Ending::unknown_protocol()
    };
    tracing::debug!(?ending, "a socket ends");
    if ending == Ending::Gone {
        return;
    }
    let farewell = async {
        if let Some(frame) = ending.frame() {
            // After any error the connection is lost.
            let _ = outbox.sink.lock().await.send(Message::Close(Some(frame))).await;
        }
        // Reads until the client closes too. Unread data would reset the connection before the client has read
        // the reason.
        while let Some(Ok(_)) = source.next().await {}
    };
    let _ = timeout(settings.close_time, farewell).await;
}

/// The sender of messages, one at a time.
#[derive(Debug)]
struct Outbox {
    sink: Mutex<SplitSink<WebSocket, Message>>,
    drain_time: Duration,
}

impl Outbox {
    /// Sends a message after those before it. Fails if the connection is lost or the client reads too slowly.
    async fn send(&self, message: Message) -> Result<(), Ending> {
        let mut sink = self.sink.lock().await;
        match timeout(self.drain_time, sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::Gone),
            Err(_) => Err(Ending::not_drained()),
        }
    }

    /// Sends a protocol message. Returns whether it ends its operation.
    async fn say(&self, said: ServerMessage<'_>) -> Result<bool, Ending> {
        let (text, ends) = said.text();
        self.send(Message::Text(text.into())).await?;
        Ok(ends)
    }
}

/// The phase of the GraphQL handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `connection_init` has not been received.
    Opened,
    /// `connection_init` was received and the caller is being identified.
    Initialized,
    /// Operations are accepted.
    Acknowledged,
}

/// A running operation.
#[derive(Debug)]
struct Running {
    /// Distinguishes it from other operations with the same id.
    number: u64,
    streams: bool,
    abort: AbortHandle,
}

/// The result of an errand.
enum ErrandResult {
    /// A message of the client was answered.
    Replied,
    /// The handshake was completed for this caller.
    Acknowledged(Call),
    /// The client was pinged.
    Pinged,
    /// The caller was identified again.
    Checked(Call),
    /// An operation has ended.
    Ended { id: String, number: u64 },
    /// An operation was aborted.
    Aborted,
}

/// A future that runs concurrently with reading.
type Errand = BoxFuture<'static, Result<ErrandResult, Ending>>;

struct Connection {
    shared: Arc<Shared>,
    settings: Settings,
    /// The caller, as last identified.
    call: Call,
    languages: LanguagePreferences,
    outbox: Arc<Outbox>,
    phase: Phase,
    /// Whether a reply is being sent. Nothing is read meanwhile, which slows down a client that does not read its
    /// replies.
    replies: bool,
    /// Whether the server is stopping. Nothing more is read then.
    stops: bool,
    running: HashMap<String, Running>,
    begun: u64,
    errands: FuturesUnordered<Errand>,
}

impl Connection {
    /// Serves the client. Returns the reason of the end.
    async fn run(mut self, source: &mut SplitStream<WebSocket>) -> Ending {
        match self.converse(source).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn converse(&mut self, source: &mut SplitStream<WebSocket>) -> Result<Ending, Ending> {
        let now = Instant::now();
        let stopping = self.shared.stopping.clone();
        let every = |period: Duration| {
            let mut interval = interval_at(now + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let (mut pings, mut checks) =
            (every(self.settings.ping_interval), every(self.settings.check_interval));
        let (mut pinging, mut checking) = (false, false);
        // The time of the first ping since the last message of the client.
        let mut unanswered: Option<Instant> = None;
        let mut begin = std::pin::pin!(sleep(self.settings.begin_time));
        let mut finish = now;
        loop {
            if self.stops && self.running.is_empty() && !self.replies {
                return Ok(Ending::going_away());
            }
            tokio::select! {
                message = source.next(), if !self.replies && !self.stops => {
                    unanswered = None;
                    self.hear(message)?;
                }
                Some(done) = self.errands.next() => match done? {
                    ErrandResult::Replied => self.replies = false,
                    ErrandResult::Acknowledged(call) => {
                        self.call = call;
                        self.phase = Phase::Acknowledged;
                        self.replies = false;
                    }
                    ErrandResult::Pinged => {
                        pinging = false;
                        unanswered = unanswered.or(Some(Instant::now()));
                    }
                    ErrandResult::Checked(call) => {
                        checking = false;
                        self.call = call;
                    }
                    ErrandResult::Ended { id, number } => {
                        if self.running.get(&id).is_some_and(|running| running.number == number) {
                            self.running.remove(&id);
                        }
                    }
                    ErrandResult::Aborted => {}
                },
                () = &mut begin, if self.phase == Phase::Opened && !self.stops => {
                    return Ok(Ending::not_begun());
                }
                _ = pings.tick(), if !pinging => {
                    if unanswered.is_some_and(|since| since.elapsed() >= self.settings.drain_time) {
                        return Ok(Ending::not_drained());
                    }
                    pinging = true;
                    self.errands.push(ping(Arc::clone(&self.outbox)).boxed());
                }
                _ = checks.tick(), if !checking && !self.running.is_empty() => {
                    checking = true;
                    let (call, limit) = (self.call.clone(), self.settings.drain_time);
                    self.errands.push(
                        async move {
                            // Without the time-out, streams would go on for a caller whose access may have ended.
                            let checked = timeout(limit, again(&call)).await;
                            checked.map_err(|_| Ending::try_again())?.map(ErrandResult::Checked)
                        }
                        .boxed(),
                    );
                }
                () = stopping.cancelled(), if !self.stops => {
                    self.stops = true;
                    finish = Instant::now() + self.settings.finish_time;
                    // Subscriptions may never end, so they are aborted.
                    self.running.retain(|_, running| {
                        if running.streams {
                            running.abort.abort();
                        }
                        !running.streams
                    });
                }
                () = sleep_until(finish), if self.stops => return Ok(Ending::going_away()),
            }
        }
    }

    /// Handles a message of the client.
    fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ending> {
        let text = match message {
            None => return Err(Ending::Gone),
            Some(Err(_)) => return Err(Ending::unreadable()),
            Some(Ok(Message::Close(_))) => return Err(Ending::Closed),
            // The library answers WebSocket pings.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(Ending::invalid("Messages must be text")),
            Some(Ok(Message::Text(text))) => text,
        };
        if text.len() > self.settings.max_message {
            return Err(Ending::too_long(self.settings.max_message));
        }
        match ClientMessage::read(&text).map_err(Ending::invalid)? {
            ClientMessage::Init(payload) => self.begin(&payload),
            ClientMessage::Ping(payload) => {
                let outbox = Arc::clone(&self.outbox);
                self.reply(async move {
                    outbox.say(ServerMessage::Pong { payload: payload.as_ref() }).await?;
                    Ok(ErrandResult::Replied)
                });
                Ok(())
            }
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, asked } => self.subscribe(id, asked),
            ClientMessage::Complete { id } => {
                if let Some(running) = self.running.remove(&id) {
                    running.abort.abort();
                }
                Ok(())
            }
        }
    }

    /// Runs a reply to the last message. Nothing more is read until it has been sent.
    fn reply(&mut self, reply: impl Future<Output = Result<ErrandResult, Ending>> + Send + 'static) {
        self.replies = true;
        self.errands.push(reply.boxed());
    }

    /// Identifies the caller, and then acknowledges the connection.
    fn begin(&mut self, payload: &Map<String, Value>) -> Result<(), Ending> {
        if self.phase != Phase::Opened {
            return Err(Ending::begun_twice());
        }
        self.phase = Phase::Initialized;
        let mut call = self.call.clone();
        if let Some(headers) = credentials(payload)? {
            call.presented = BearerToken::of(&headers).map_err(|_| Ending::forbidden())?;
        }
        let outbox = Arc::clone(&self.outbox);
        self.reply(async move {
            let call = again(&call).await?;
            outbox.say(ServerMessage::ConnectionAck).await?;
            Ok(ErrandResult::Acknowledged(call))
        });
        Ok(())
    }

    /// Executes an operation.
    fn subscribe(&mut self, id: String, asked: GraphqlRequest) -> Result<(), Ending> {
        if self.phase != Phase::Acknowledged {
            return Err(Ending::unauthorized());
        }
        if self.running.contains_key(&id) {
            return Err(Ending::in_use(&id));
        }
        let most = self.settings.max_operations;
        let (shared, outbox) = (Arc::clone(&self.shared), Arc::clone(&self.outbox));
        let (call, languages) = (self.call.clone(), self.languages.clone());
        let full = self.running.len() >= most;
        let request_id = shared.app.new_id().simple().to_string();
        let entry = Entry::new(&shared.meters, journal::Transport::Socket, &request_id, None);
        let operation = entry.within(|| {
            Operation::pay(&shared, &self.call).map_err(Unexecuted::Refused)?;
            if full {
                let message =
                    format!("At most {most} operations run on a socket at once. Complete one first.");
                return Err(RequestError::new(Code::BadRequest, message).into());
            }
            Operation::read(&shared, &self.call, asked, ResponseMode::Many, CostWanted::No)
        });
        let operation = match operation {
            Ok(operation) => operation,
            Err(unexecuted) => {
                self.reply(entry.scope(async move {
                    fail(&outbox, &id, unexecuted).await?;
                    Ok(ErrandResult::Replied)
                }));
                return Ok(());
            }
        };
        self.begun += 1;
        let span = tracing::info_span!("operation", id = request_id);
        let (number, streams, name) = (self.begun, operation.is_stream(), id.clone());
        let work = async move {
            // The token may have expired since the last check.
            let call = match call.again().await {
                Ok(call) => call,
                Err(IdentifyError::Refused) => return Err(Ending::forbidden()),
                Err(IdentifyError::Failed(error)) => {
                    return fail(&outbox, &name, RequestError::from(&error).into()).await;
                }
            };
            let prepared = operation.prepare(&shared, call, languages, Resumption::default());
            let mut answers = prepared.answers();
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(event) => {
                        journal::errors(&event.answer.errors);
                        if outbox.say(ServerMessage::Next { id: &name, payload: &event.answer }).await? {
                            journal::ended();
                            return Ok(());
                        }
                    }
                    Err(unexecuted) => return fail(&outbox, &name, unexecuted).await,
                }
            }
            journal::ended();
            outbox.say(ServerMessage::Complete { id: &name }).await.map(|_| ())
        };
        let work = entry.scope(work);
        let (abort, registration) = AbortHandle::new_pair();
        self.running.insert(id.clone(), Running { number, streams, abort });
        let work = Abortable::new(REQUEST_ID.scope(request_id, work).instrument(span), registration);
        self.errands.push(
            async move {
                match work.await {
                    Ok(ended) => ended.map(|()| ErrandResult::Ended { id, number }),
                    Err(_) => Ok(ErrandResult::Aborted),
                }
            }
            .boxed(),
        );
        Ok(())
    }
}

/// Sends the errors that end an operation.
async fn fail(outbox: &Outbox, id: &str, unexecuted: Unexecuted) -> Result<(), Ending> {
    let errors = unexecuted.into_errors();
    journal::errors(&errors);
    journal::ended();
    outbox.say(ServerMessage::Error { id, payload: &errors }).await.map(|_| ())
}

/// Pings the client with a frame and with a message. Every WebSocket answers the frame. Scripts in browsers see only
/// the message, by which they can notice that the server is gone.
async fn ping(outbox: Arc<Outbox>) -> Result<ErrandResult, Ending> {
    outbox.say(ServerMessage::Ping).await?;
    outbox.send(Message::Ping(bytes::Bytes::new())).await?;
    Ok(ErrandResult::Pinged)
}

/// Identifies the caller again.
async fn again(call: &Call) -> Result<Call, Ending> {
    call.again().await.map_err(|unidentified| match unidentified {
        IdentifyError::Refused => Ending::forbidden(),
        IdentifyError::Failed(error) => {
            tracing::warn!(%error, "a socket ends: its caller cannot be identified");
            Ending::try_again()
        }
    })
}

/// Reads the credentials in the payload of `connection_init` as an `Authorization` header, because browsers do not let
/// pages set headers of a WebSocket. `None` if there are none; then the header of the handshake counts.
fn credentials(payload: &Map<String, Value>) -> Result<Option<HeaderMap>, Ending> {
    let mut headers = HeaderMap::new();
    let shown = payload
        .iter()
        .filter(|(name, value)| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) && !value.is_null());
    for (_, value) in shown {
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        headers.append(AUTHORIZATION, value.ok_or_else(Ending::forbidden)?);
    }
    Ok((!headers.is_empty()).then_some(headers))
}
