//! The messages of `graphql-transport-ws`.

use async_graphql::ServerError;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::refusal::{Answer, RequestError};
use crate::request::GraphqlRequest;
use kernel::error::Code;

/// A message of a client.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// `connection_init`, with its payload.
    Init(Map<String, Value>),
    /// `ping`, to be answered by a pong with the same payload.
    Ping(Option<Map<String, Value>>),
    /// `pong`.
    Pong,
    /// `subscribe`: a request to execute an operation.
    Subscribe {
        /// The id of the operation, chosen by the client.
        id: String,
        /// The GraphQL request.
        asked: GraphqlRequest,
    },
    /// `complete`: the client cancels an operation.
    Complete {
        /// The id of the operation.
        id: String,
    },
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// The reason why the message is invalid.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let value: Value = serde_json::from_str(text).map_err(|_| "A message must be JSON")?;
        let Value::Object(mut members) = value else { return Err("A message must be an object") };
        let Some(Value::String(kind)) = members.remove("type") else {
            return Err("A message needs a `type` that is a string");
        };
        match kind.as_str() {
            "connection_init" => {
                Ok(Self::Init(object(&mut members, "payload", PAYLOAD)?.unwrap_or_default()))
            }
            "ping" => Ok(Self::Ping(object(&mut members, "payload", PAYLOAD)?)),
            "pong" => object(&mut members, "payload", PAYLOAD).map(|_| Self::Pong),
            "complete" => Ok(Self::Complete { id: id(&mut members)? }),
            "subscribe" => {
                let id = id(&mut members)?;
                let payload = object(&mut members, "payload", PAYLOAD)?;
                let asked =
                    GraphqlRequest::from_members(payload.ok_or("`subscribe` needs a `payload`")?, false)?;
                Ok(Self::Subscribe { id, asked })
            }
            "connection_ack" | "next" | "error" => Err("This message is the server's to send"),
            _ => Err("There is no message of this `type`"),
        }
    }
}

const PAYLOAD: &str = "`payload` must be an object";

fn id(members: &mut Map<String, Value>) -> Result<String, &'static str> {
    match members.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err("A message of an operation needs an `id` that is a string with something in it"),
    }
}

fn object(
    members: &mut Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<Map<String, Value>>, &'static str> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(wrong),
    }
}

/// A message of the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    /// Operations are accepted from now on.
    ConnectionAck,
    /// A ping, which the client must answer.
    Ping,
    /// The answer to a ping, with its payload.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a Map<String, Value>>,
    },
    /// A response of an operation.
    Next { id: &'a str, payload: &'a Answer },
    /// The errors that end an operation.
    Error { id: &'a str, payload: &'a [ServerError] },
    /// The end of an operation.
    Complete { id: &'a str },
}

impl ServerMessage<'_> {
    /// The text of the message, and whether it is the last of its operation. If it cannot be serialized, it becomes an
    /// error message.
    pub(super) fn text(&self) -> (String, bool) {
        let ends = matches!(self, Self::Error { .. } | Self::Complete { .. });
        match (serde_json::to_string(self), self) {
            (Ok(text), _) => (text, ends),
            (Err(error), Self::Next { id, .. } | Self::Error { id, .. }) => {
                tracing::error!(%error, "a response could not be serialized");
                let fault = RequestError::fault();
                let payload = serde_json::json!([{
                    "message": fault.message,
                    "extensions": {"code": Code::InternalServerError.as_str()},
                }]);
                let message = serde_json::json!({"type": "error", "id": id, "payload": payload});
                (message.to_string(), true)
            }
            // These hold only strings and parsed JSON, so serializing them cannot fail.
            (Err(_), _) => (String::new(), true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_or_refused() {
        let long = "[".repeat(200_000);
        for wrong in [
            "",
            "x",
            "null",
            "[]",
            "\"ping\"",
            &long,
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"error","id":"1","payload":[]}"#,
            r#"{"type":"connection_init","payload":1}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"pong","payload":true}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":1}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":null}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","extensions":"x"}}"#,
        ] {
            assert!(ClientMessage::read(wrong).is_err(), "{}", wrong.get(..80).unwrap_or(wrong));
        }
        for right in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"a":1},"more":[]}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{}}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":null,"variables":null,"extensions":null}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":"A","variables":{},"extensions":{},"x":1}}"#,
        ] {
            assert!(ClientMessage::read(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn messages_are_written_with_what_they_need_and_nothing_else() {
        assert_eq!(ServerMessage::ConnectionAck.text(), (r#"{"type":"connection_ack"}"#.into(), false));
        assert_eq!(ServerMessage::Pong { payload: None }.text().0, r#"{"type":"pong"}"#);
        let answer = Answer { data: Some(async_graphql::Value::Null), ..Answer::default() };
        let next = ServerMessage::Next { id: "1", payload: &answer };
        assert_eq!(next.text(), (r#"{"type":"next","id":"1","payload":{"data":null}}"#.into(), false));
        assert_eq!(
            ServerMessage::Complete { id: "1" }.text(),
            (r#"{"type":"complete","id":"1"}"#.into(), true)
        );
    }
}
