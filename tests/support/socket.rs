//! A client of `graphql-transport-ws` that sends what a test asks for, valid or not.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// The time-out of all waits. It repeats the one of the tests, as tests inside the crate include this file too.
const HOPELESS: Duration = Duration::from_mins(5);

/// An open socket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Socket {
    /// Opens a socket with these headers beside the usual ones.
    ///
    /// # Errors
    /// The HTTP status, where the server refuses the upgrade.
    pub(crate) async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let headers: Vec<_> =
            [("sec-websocket-protocol", "graphql-transport-ws")].iter().chain(headers).copied().collect();
        Self::open_with(address, &headers).await
    }

    /// Opens a socket with these headers alone, without a subprotocol of its own.
    ///
    /// # Errors
    /// The HTTP status, where the server refuses the upgrade.
    pub(crate) async fn open_with(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("an address");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        let connection = TcpStream::connect(address).await.expect("the server listens");
        match timeout(HOPELESS, client_async(request, connection)).await.expect("the server answers") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens a socket and sends `connection_init`, so that it accepts operations.
    pub(crate) async fn begin(address: SocketAddr) -> Self {
        Self::begin_with(address, &json!({})).await
    }

    /// Opens a socket and sends `connection_init` with this payload.
    pub(crate) async fn begin_with(address: SocketAddr, payload: &Value) -> Self {
        let mut socket = Self::open(address, &[]).await.expect("the server opens the socket");
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        socket
    }

    /// Sends a message.
    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, message: Message) {
        // On any failure, the next read reports it.
        let _ = timeout(HOPELESS, self.0.send(message)).await.expect("the server reads");
    }

    /// Starts an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    /// The next frame, or `None` if the connection is closed.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        timeout(HOPELESS, self.0.next()).await.expect("the server says something")?.ok()
    }

    /// The next message other than a ping.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match self.frame().await.expect("the socket is open") {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("a message is JSON");
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The payload of the next message, which must be of this type and operation.
    pub(crate) async fn heard(&mut self, of: &str, id: &str) -> Value {
        let mut message = self.hear().await;
        assert_eq!((&message["type"], &message["id"]), (&json!(of), &json!(id)), "{message}");
        message["payload"].take()
    }

    /// The response to a query or mutation.
    pub(crate) async fn ask(&mut self, id: &str, query: &str) -> Value {
        self.subscribe(id, query).await;
        let answer = self.heard("next", id).await;
        self.heard("complete", id).await;
        answer
    }

    /// The code and the reason with which the server closes the socket. Skips all messages before.
    pub(crate) async fn ending(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Message::Close(None)) | None => panic!("the connection is closed without a reason"),
                Some(_) => {}
            }
        }
    }

    /// The code with which the server closes the socket. Skips all messages before.
    pub(crate) async fn code(&mut self) -> u16 {
        self.ending().await.0
    }
}
