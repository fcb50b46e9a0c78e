//! Reads a GraphQL request from HTTP, by the specification GraphQL over HTTP.

use std::time::Duration;

use async_graphql::Variables;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use futures::StreamExt;
use serde_json::Value;

use super::refusal::{Refusal, RequestError};
use crate::record::error::Code;

/// Bytes of a body that is too long which are read nevertheless, so that its sender gets to read the refusal.
const MAX_DRAINED: usize = 64 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The media types of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// The media type of GraphQL's own, with which statuses mean something.
    GraphqlResponse,
    /// What older clients accept.
    Json,
}

impl Media {
    /// The header that says so.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// One range of an `Accept` header.
struct Accepted<'a> {
    main: &'a str,
    sub: &'a str,
    /// In thousandths.
    weight: u16,
}

fn accepted(headers: &HeaderMap) -> Vec<Accepted<'_>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(accepted_range).collect()
}

fn accepted_range(range: &str) -> Option<Accepted<'_>> {
    let mut parts = range.split(';').map(str::trim);
    let (main, sub) = parts.next()?.split_once('/')?;
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    // A weight that is none counts as the best: refusing would help nobody.
    let weight = weight.and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000 after the clamp"
    )]
    let weight = (weight * 1000.0).round() as u16;
    Some(Accepted { main: main.trim(), sub: sub.trim(), weight })
}

/// The weight of a media type, and whether the header names it itself.
fn weight_of(ranges: &[Accepted<'_>], main: &str, sub: &str) -> (u16, bool) {
    let best = |of: &dyn Fn(&Accepted<'_>) -> bool| ranges.iter().filter(|r| of(r)).map(|r| r.weight).max();
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    if let Some(weight) = best(&|r| same(r.main, main) && same(r.sub, sub)) {
        return (weight, true);
    }
    let wide =
        best(&|r| same(r.main, main) && r.sub == "*").or_else(|| best(&|r| r.main == "*" && r.sub == "*"));
    (wide.unwrap_or(0), false)
}

/// The media type for the answer; none where the client accepts neither.
///
/// Who accepts anything, or says nothing, gets `application/json`, as ever.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let ranges = accepted(headers);
    if ranges.is_empty() {
        return Some(Media::Json);
    }
    let (graphql, named) = weight_of(&ranges, "application", "graphql-response+json");
    let (json, _) = weight_of(&ranges, "application", "json");
    match (graphql, json) {
        (0, 0) => None,
        _ if graphql > json || (graphql == json && named) => Some(Media::GraphqlResponse),
        // A wildcard stands for both: the older type wins.
        (_, 0) => Some(Media::GraphqlResponse),
        _ => Some(Media::Json),
    }
}

/// Whether a page is wanted rather than an answer: what a browser's address bar sends.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges = accepted(headers);
    let (html, named) = weight_of(&ranges, "text", "html");
    let (graphql, _) = weight_of(&ranges, "application", "graphql-response+json");
    let (json, _) = weight_of(&ranges, "application", "json");
    named && html > graphql.max(json)
}

/// Whether events are accepted; who says nothing accepts them.
pub(super) fn accepts_events(headers: &HeaderMap) -> bool {
    let ranges = accepted(headers);
    ranges.is_empty() || weight_of(&ranges, "text", "event-stream").0 > 0
}

/// A well-formed request.
#[derive(Debug)]
pub(super) struct Asked {
    /// The document.
    pub query: String,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Variables,
    /// Whether it came by GET, which only reads.
    pub by_get: bool,
}

/// Why a request is not executed.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is not well formed.
    Refused(Refusal),
    /// It is well formed, and asks for something that the server does not do.
    Error(RequestError),
}

impl From<Refusal> for Unreadable {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message)
}

/// What is JSON, and no GraphQL request.
fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Reads the request, whose body may have so many bytes.
///
/// # Errors
/// Why it is not one.
pub(super) async fn read(parts: &Parts, body: Body, max_body: usize) -> Result<Asked, Unreadable> {
    match parts.method {
        Method::GET | Method::HEAD => from_address(parts.uri.query().unwrap_or_default()),
        Method::POST => {
            check_content_type(&parts.headers)?;
            let bytes = read_body(&parts.headers, body, max_body).await?;
            from_body(&bytes)
        }
        _ => {
            Err(Refusal::method("Send GraphQL requests with POST, or queries with GET.", "GET, POST").into())
        }
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse = |message: &str| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json") {
        return Err(refuse("Send the request as JSON, with the header `Content-Type: application/json`."));
    }
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    if charset.is_some_and(|charset| {
        !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("utf8")
    }) {
        return Err(refuse("Send the request in UTF-8."));
    }
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Err(refuse("Send the body as it is, without `Content-Encoding`."));
    }
    Ok(())
}

async fn read_body(headers: &HeaderMap, body: Body, max_body: usize) -> Result<Vec<u8>, Refusal> {
    let max_drained = MAX_DRAINED.max(max_body);
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let reading = async {
        let mut stream = body.into_data_stream();
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(64 * 1024));
        let mut length = 0;
        let mut too_long = announced.is_some_and(|length| length > max_body);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| bad("The body ended before it was complete."))?;
            length += chunk.len();
            too_long |= length > max_body;
            if length > max_drained {
                break;
            }
            if too_long {
                bytes.clear();
            } else {
                bytes.extend_from_slice(&chunk);
            }
        }
        if too_long {
            let message = format!("The body is too long: at most {max_body} bytes are read.");
            let refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message);
            return Err(Refusal { close: length > max_drained, ..refusal });
        }
        Ok(bytes)
    };
    let too_slow = || {
        let message = format!("The body did not arrive within {} seconds.", BODY_TIME.as_secs());
        Refusal { close: true, ..Refusal::new(StatusCode::REQUEST_TIMEOUT, message) }
    };
    tokio::time::timeout(BODY_TIME, reading).await.map_err(|_| too_slow())?
}

fn from_body(bytes: &[u8]) -> Result<Asked, Unreadable> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| bad(format!("The body is not JSON: {error}.")))?;
    let mut members = match value {
        Value::Object(members) => members,
        Value::Array(_) => return Err(malformed("Send one request at a time: batches are not read.").into()),
        _ => {
            return Err(malformed(
                "The body is JSON and no object: send {\"query\": \"{ regions { slug } }\"}.",
            )
            .into());
        }
    };
    let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
    let (query, operation_name) = (take("query"), take("operationName"));
    let (variables, extensions) = (take("variables"), take("extensions"));
    let document_id = take("documentId");
    asked(query, operation_name, variables, extensions, document_id.as_ref(), false)
}

fn from_address(query: &str) -> Result<Asked, Unreadable> {
    let find = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        // An empty parameter counts as one that is not there.
        pairs.find(|(n, _)| n == name).map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    };
    let json = |name: &str| {
        let parse = |text: String| {
            let parsed: Result<Value, _> = serde_json::from_str(&text);
            parsed.map_err(|error| bad(format!("The parameter `{name}` is not JSON: {error}.")))
        };
        Ok::<_, Refusal>(find(name).map(parse).transpose()?.filter(|value| !value.is_null()))
    };
    let text = |name: &str| find(name).map(Value::String);
    asked(
        text("query"),
        text("operationName"),
        json("variables")?,
        json("extensions")?,
        text("documentId").as_ref(),
        true,
    )
}

fn asked(
    query: Option<Value>,
    operation_name: Option<Value>,
    variables: Option<Value>,
    extensions: Option<Value>,
    document_id: Option<&Value>,
    by_get: bool,
) -> Result<Asked, Unreadable> {
    let text = |name: &str, value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("`{name}` must be a string."))),
    };
    let object = |name: &str, value: Option<Value>| match value {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(Value::Object(members)) => Ok(Value::Object(members)),
        Some(_) => Err(malformed(format!("`{name}` must be an object."))),
    };
    let extensions = object("extensions", extensions)?;
    let operation_name = text("operationName", operation_name)?;
    let variables = Variables::from_json(object("variables", variables)?);
    match text("query", query)? {
        Some(query) => Ok(Asked { query, operation_name, variables, by_get }),
        // The message is what clients of automatic persisted queries look for: they then send the text.
        None if extensions.get("persistedQuery").is_some() => Err(Unreadable::Error(RequestError::new(
            Code::PersistedQueryNotSupported,
            "PersistedQueryNotSupported",
        ))),
        None if document_id.is_some() => Err(Unreadable::Error(RequestError::new(
            Code::PersistedQueryNotSupported,
            "This server keeps no documents under ids: send the text as `query`.",
        ))),
        None => Err(malformed("`query` is missing: it holds the text of the GraphQL document.").into()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        headers
    }

    #[test]
    fn accept_chooses_the_media_type() {
        use Media::{GraphqlResponse, Json};
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
        for (accept, expected) in [
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("application/json", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.5, application/json", Some(Json)),
            ("application/graphql-response+json; charset=utf-8", Some(GraphqlResponse)),
            ("Application/JSON ; q=0.1", Some(Json)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0, application/json;q=0", None),
            ("text/html", None),
            ("image/png, text/*", None),
        ] {
            assert_eq!(negotiate(&headers(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_browser_prefers_the_page() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("*/*", false),
            ("application/json, text/html", false),
            ("text/html;q=0.5, application/json", false),
        ] {
            assert_eq!(prefers_html(&headers(accept)), expected, "{accept}");
        }
    }
}
