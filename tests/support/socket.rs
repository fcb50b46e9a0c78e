//! A client of `graphql-transport-ws` that does what it is told, right or wrong.

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

/// What is not there after so long never comes. It is a value of its own, as tests within the crate have this file too.
const HOPELESS: Duration = Duration::from_mins(5);

/// A socket that is open.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Socket {
    /// Opens a socket with these headers beside the usual ones.
    ///
    /// # Errors
    /// The status of HTTP, where the server does not open it.
    pub(crate) async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let headers: Vec<_> =
            [("sec-websocket-protocol", "graphql-transport-ws")].iter().chain(headers).copied().collect();
        Self::open_with(address, &headers).await
    }

    /// Opens a socket with these headers, and no subprotocol beside them.
    ///
    /// # Errors
    /// The status of HTTP, where the server does not open it.
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

    /// Opens a socket and begins, so that operations are taken.
    pub(crate) async fn begin(address: SocketAddr) -> Self {
        Self::begin_with(address, &json!({})).await
    }

    /// Opens a socket and begins with this payload, so that operations are taken.
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
        // Whatever fails here is seen by what is heard next.
        let _ = timeout(HOPELESS, self.0.send(message)).await.expect("the server reads");
    }

    /// Asks for an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    /// The next frame; nothing where the connection is gone.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        timeout(HOPELESS, self.0.next()).await.expect("the server says something")?.ok()
    }

    /// The next message that is no ping.
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

    /// The answer to a query or mutation.
    pub(crate) async fn ask(&mut self, id: &str, query: &str) -> Value {
        self.subscribe(id, query).await;
        let answer = self.heard("next", id).await;
        self.heard("complete", id).await;
        answer
    }

    /// The code and the reason with which the server closes the socket, whatever it says before.
    pub(crate) async fn ending(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Message::Close(None)) | None => panic!("the connection is gone without a reason"),
                Some(_) => {}
            }
        }
    }

    /// The code with which the server closes the socket, whatever it says before.
    pub(crate) async fn code(&mut self) -> u16 {
        self.ending().await.0
    }
}
