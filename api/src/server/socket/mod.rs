//! Operations over a WebSocket: the protocol `graphql-transport-ws`.
//!
//! All that belongs to a socket is one future: dropping it drops every stream at once. Each operation sends its own
//! messages, one after the other through the [`Outbox`], and polls its stream for the next only when the socket has
//! taken the last. So nothing queues up for a client that reads slowly: what feeds the streams waits for it.
//!
//! | code | when |
//! |---|---|
//! | 1001 | the server stops; queries and mutations that were begun got their answer |
//! | 1002, 1009 | a message is unreadable or too long |
//! | 1013 | it cannot be found out who calls: the database or an issuer of tokens does not answer |
//! | 4400 | a message is invalid |
//! | 4401 | `subscribe` before `connection_ack` |
//! | 4403 | the token is not good, or is good no more |
//! | 4406 | the client does not offer `graphql-transport-ws` |
//! | 4408 | no `connection_init` in time |
//! | 4409 | the id of a `subscribe` is in use |
//! | 4413 | the client does not take what is sent, or does not answer a ping, for too long |
//! | 4429 | a second `connection_init` |
//!
//! Before the socket is open, HTTP says no: 400 where the handshake is wrong, 401 where the header `Authorization` is
//! not good, 403 to a page of another site, 429 or 503 where too many sockets are open.

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

use super::execution::{self, CostWanted, Operation, Unexecuted, Way};
use super::journal::{self, Entry};
use super::metrics::Open;
use super::refusal::{Refusal, RequestError};
use super::request::{Asked, Media};
use super::{Shared, graphql, origin};
use crate::changes::Resumption;
use crate::identity::caller::{Call, Presented, Unidentified};
use crate::record::error::{Code, REQUEST_ID};
use crate::record::value::LanguagePreferences;

mod ending;
mod message;

use ending::Ending;
use message::{Heard, Said};

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// How many times as long as allowed a message may be to be read at all. Whoever sends one of this length gets to
/// read why the socket closes; a longer one ends the reading.
const READABLE: usize = 2;
/// Bytes that a socket reads at once: each has a buffer of this size for as long as it is open.
const READ_BUFFER: usize = 4 * 1024;

/// How sockets behave, and event streams as far as they have the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a client may take to send `connection_init`.
    pub begin_time: Duration,
    /// How often the client is pinged; event streams carry a comment as often.
    pub ping_interval: Duration,
    /// How often it is asked again who calls, while operations run.
    pub check_interval: Duration,
    /// How long a client may take to take a message, or to answer a ping.
    pub drain_time: Duration,
    /// How long queries and mutations that were begun may go on after the server was told to stop.
    pub finish_time: Duration,
    /// How long a client may take to answer that the socket is closed.
    pub close_time: Duration,
    /// Bytes of a message at most.
    pub max_message: usize,
    /// Operations of a socket at once at most.
    pub max_operations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            begin_time: Duration::from_secs(3),
            ping_interval: Duration::from_secs(12),
            // What is found out is remembered for five seconds: the database is asked no more often than that.
            check_interval: Duration::from_secs(1),
            drain_time: Duration::from_secs(30),
            finish_time: Duration::from_secs(4),
            close_time: Duration::from_secs(2),
            max_message: 64 * 1024,
            max_operations: 100,
        }
    }
}

/// Whether a request wants to become a WebSocket.
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
        Err(Unidentified::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(Unidentified::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    let place = match shared.rooms.socket(&call.caller()) {
        Ok(place) => place,
        Err(refusal) => return refusal.respond(Media::Json),
    };
    let languages = execution::languages(&parts.headers);
    let shared = Arc::clone(shared);
    let readable = shared.settings.socket.max_message.saturating_mul(READABLE);
    // Counted from now on: a stop waits for sockets that open.
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
        // Every stream is dropped with the connection, before the client is told anything.
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
            // Whatever this fails with, the connection is gone.
            let _ = outbox.sink.lock().await.send(Message::Close(Some(frame))).await;
        }
        // Until the client has said that it closes, too: what it still sends must not reset the connection before it
        // has read the reason.
        while let Some(Ok(_)) = source.next().await {}
    };
    let _ = timeout(settings.close_time, farewell).await;
}

/// Sends messages, one at a time.
#[derive(Debug)]
struct Outbox {
    sink: Mutex<SplitSink<WebSocket, Message>>,
    drain_time: Duration,
}

impl Outbox {
    /// Sends a message: its turn comes, and then the socket takes it, or the connection ends.
    async fn send(&self, message: Message) -> Result<(), Ending> {
        let mut sink = self.sink.lock().await;
        match timeout(self.drain_time, sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::Gone),
            Err(_) => Err(Ending::not_drained()),
        }
    }

    /// Says something. Answers whether the operation that it is about has ended with it.
    async fn say(&self, said: Said<'_>) -> Result<bool, Ending> {
        let (text, ends) = said.text();
        self.send(Message::Text(text.into())).await?;
        Ok(ends)
    }
}

/// How far the handshake of GraphQL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The client has said nothing yet.
    Opened,
    /// The client has said who it is, which is being looked at.
    Initialized,
    /// Operations are taken.
    Acknowledged,
}

/// An operation that runs.
#[derive(Debug)]
struct Running {
    /// Tells it from others of the same name.
    number: u64,
    streams: bool,
    abort: AbortHandle,
}

/// What was done.
enum Done {
    /// A message of the client was replied to.
    Replied,
    /// The client was begun with, for this caller.
    Acknowledged(Call),
    /// The client was pinged.
    Pinged,
    /// It was asked again who calls.
    Checked(Call),
    /// An operation has ended.
    Ended { id: String, number: u64 },
    /// An operation was ended.
    Aborted,
}

/// Something to do beside reading.
type Errand = BoxFuture<'static, Result<Done, Ending>>;

struct Connection {
    shared: Arc<Shared>,
    settings: Settings,
    /// Who calls, as far as is known now.
    call: Call,
    languages: LanguagePreferences,
    outbox: Arc<Outbox>,
    phase: Phase,
    /// Whether a reply is on its way. Nothing is read meanwhile: who asks much and takes nothing has to wait.
    replies: bool,
    /// Whether the server stops. Nothing is read any more.
    stops: bool,
    running: HashMap<String, Running>,
    begun: u64,
    errands: FuturesUnordered<Errand>,
}

impl Connection {
    /// Serves the client. Answers why no more.
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
        // When the client was pinged that has said nothing since.
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
                    Done::Replied => self.replies = false,
                    Done::Acknowledged(call) => {
                        self.call = call;
                        self.phase = Phase::Acknowledged;
                        self.replies = false;
                    }
                    Done::Pinged => {
                        pinging = false;
                        unanswered = unanswered.or(Some(Instant::now()));
                    }
                    Done::Checked(call) => {
                        checking = false;
                        self.call = call;
                    }
                    Done::Ended { id, number } => {
                        if self.running.get(&id).is_some_and(|running| running.number == number) {
                            self.running.remove(&id);
                        }
                    }
                    Done::Aborted => {}
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
                            // Without an answer, streams would go on for somebody who may be nobody by now.
                            let checked = timeout(limit, again(&call)).await;
                            checked.map_err(|_| Ending::try_again())?.map(Done::Checked)
                        }
                        .boxed(),
                    );
                }
                () = stopping.cancelled(), if !self.stops => {
                    self.stops = true;
                    finish = Instant::now() + self.settings.finish_time;
                    // Streams have no end to wait for.
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

    /// Acts on what the client has sent.
    fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ending> {
        let text = match message {
            None => return Err(Ending::Gone),
            Some(Err(_)) => return Err(Ending::unreadable()),
            Some(Ok(Message::Close(_))) => return Err(Ending::Closed),
            // Pings of WebSockets are answered below us.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(Ending::invalid("Messages must be text")),
            Some(Ok(Message::Text(text))) => text,
        };
        if text.len() > self.settings.max_message {
            return Err(Ending::too_long(self.settings.max_message));
        }
        match Heard::read(&text).map_err(Ending::invalid)? {
            Heard::Init(payload) => self.begin(&payload),
            Heard::Ping(payload) => {
                let outbox = Arc::clone(&self.outbox);
                self.reply(async move {
                    outbox.say(Said::Pong { payload: payload.as_ref() }).await?;
                    Ok(Done::Replied)
                });
                Ok(())
            }
            Heard::Pong => Ok(()),
            Heard::Subscribe { id, asked } => self.subscribe(id, asked),
            Heard::Complete { id } => {
                if let Some(running) = self.running.remove(&id) {
                    running.abort.abort();
                }
                Ok(())
            }
        }
    }

    /// Does something for what was read last, before anything else is read.
    fn reply(&mut self, reply: impl Future<Output = Result<Done, Ending>> + Send + 'static) {
        self.replies = true;
        self.errands.push(reply.boxed());
    }

    /// Finds out who calls, and takes operations from then on.
    fn begin(&mut self, payload: &Map<String, Value>) -> Result<(), Ending> {
        if self.phase != Phase::Opened {
            return Err(Ending::begun_twice());
        }
        self.phase = Phase::Initialized;
        let mut call = self.call.clone();
        if let Some(headers) = credentials(payload)? {
            call.presented = Presented::of(&headers).map_err(|_| Ending::forbidden())?;
        }
        let outbox = Arc::clone(&self.outbox);
        self.reply(async move {
            let call = again(&call).await?;
            outbox.say(Said::ConnectionAck).await?;
            Ok(Done::Acknowledged(call))
        });
        Ok(())
    }

    /// Executes an operation.
    fn subscribe(&mut self, id: String, asked: Asked) -> Result<(), Ending> {
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
        let entry = Entry::new(&shared.meters, journal::Way::Socket, &request_id, None);
        let operation = entry.within(|| {
            Operation::pay(&shared, &self.call).map_err(Unexecuted::Refused)?;
            if full {
                let message =
                    format!("At most {most} operations run on a socket at once. Complete one first.");
                return Err(RequestError::new(Code::BadRequest, message).into());
            }
            Operation::read(&shared, &self.call, asked, Way::Many, CostWanted::No)
        });
        let operation = match operation {
            Ok(operation) => operation,
            Err(unexecuted) => {
                self.reply(entry.scope(async move {
                    fail(&outbox, &id, unexecuted).await?;
                    Ok(Done::Replied)
                }));
                return Ok(());
            }
        };
        self.begun += 1;
        let span = tracing::info_span!("operation", id = request_id);
        let (number, streams, name) = (self.begun, operation.is_stream(), id.clone());
        let work = async move {
            // A token may have ended since it was last looked at.
            let call = match call.again().await {
                Ok(call) => call,
                Err(Unidentified::Refused) => return Err(Ending::forbidden()),
                Err(Unidentified::Failed(error)) => {
                    return fail(&outbox, &name, RequestError::from(&error).into()).await;
                }
            };
            let prepared = operation.prepare(&shared, call, languages, Resumption::default());
            let mut answers = prepared.answers();
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(event) => {
                        journal::errors(&event.answer.errors);
                        if outbox.say(Said::Next { id: &name, payload: &event.answer }).await? {
                            journal::ended();
                            return Ok(());
                        }
                    }
                    Err(unexecuted) => return fail(&outbox, &name, unexecuted).await,
                }
            }
            journal::ended();
            outbox.say(Said::Complete { id: &name }).await.map(|_| ())
        };
        let work = entry.scope(work);
        let (abort, registration) = AbortHandle::new_pair();
        self.running.insert(id.clone(), Running { number, streams, abort });
        let work = Abortable::new(REQUEST_ID.scope(request_id, work).instrument(span), registration);
        self.errands.push(
            async move {
                match work.await {
                    Ok(ended) => ended.map(|()| Done::Ended { id, number }),
                    Err(_) => Ok(Done::Aborted),
                }
            }
            .boxed(),
        );
        Ok(())
    }
}

/// Tells the client why an operation has no more answers.
async fn fail(outbox: &Outbox, id: &str, unexecuted: Unexecuted) -> Result<(), Ending> {
    let errors = unexecuted.into_errors();
    journal::errors(&errors);
    journal::ended();
    outbox.say(Said::Error { id, payload: &errors }).await.map(|_| ())
}

/// Pings the client twice over: every WebSocket answers the frame, and the message can be seen by those who have no
/// other way to notice that the server is gone, such as scripts in browsers.
async fn ping(outbox: Arc<Outbox>) -> Result<Done, Ending> {
    outbox.say(Said::Ping).await?;
    outbox.send(Message::Ping(bytes::Bytes::new())).await?;
    Ok(Done::Pinged)
}

/// Who calls now.
async fn again(call: &Call) -> Result<Call, Ending> {
    call.again().await.map_err(|unidentified| match unidentified {
        Unidentified::Refused => Ending::forbidden(),
        Unidentified::Failed(error) => {
            tracing::warn!(%error, "a socket ends, as it cannot be found out who calls");
            Ending::try_again()
        }
    })
}

/// What the payload of `connection_init` shows to say who calls, as the header that it stands for: browsers let no
/// page set headers of a WebSocket. Nothing where it shows nothing; the header of the handshake counts then.
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
