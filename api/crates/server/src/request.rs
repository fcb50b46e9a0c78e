//! The parser of HTTP requests, according to the specification GraphQL over HTTP.

use std::time::Duration;

use async_graphql::Variables;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use futures::StreamExt;
use serde_json::{Map, Value};

use super::capacity::BodyRoom;
use super::refusal::Refusal;
use kernel::error::Code;
use kernel::throttle::Permit;

/// The bytes that are read of a body that is too long, so that the client can read the refusal.
const MAX_DRAINED: usize = 64 * 1024 * 1024;
/// The time-out for reading a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The maximum number of values in the JSON of a body. A value takes as little as two bytes in the text, and many times
/// more in memory.
const MAX_VALUES: usize = 300_000;

/// The media types of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// The media type of GraphQL, with meaningful statuses.
    GraphqlResponse,
    /// The media type of older clients.
    Json,
}

impl Media {
    /// The value of the header `Content-Type`.
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
    // An invalid weight counts as 1, as refusing it would help nobody.
    let weight = weight.and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000 after the clamp"
    )]
    let weight = (weight * 1000.0).round() as u16;
    Some(Accepted { main: main.trim(), sub: sub.trim(), weight })
}

/// The weight of a media type, and whether the header names it without a wildcard.
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

/// Chooses the media type of the response; `None` if the client accepts neither.
///
/// Clients that accept anything, or send no `Accept`, get `application/json` for compatibility.
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
        // If a wildcard matches both, the older type wins.
        (_, 0) => Some(Media::GraphqlResponse),
        _ => Some(Media::Json),
    }
}

/// Whether a client prefers HTML, as a browser does for its address bar.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges = accepted(headers);
    let (html, named) = weight_of(&ranges, "text", "html");
    let (graphql, _) = weight_of(&ranges, "application", "graphql-response+json");
    let (json, _) = weight_of(&ranges, "application", "json");
    named && html > graphql.max(json)
}

/// Whether the client accepts server-sent events. A client without `Accept` does.
pub(super) fn accepts_events(headers: &HeaderMap) -> bool {
    let ranges = accepted(headers);
    ranges.is_empty() || weight_of(&ranges, "text", "event-stream").0 > 0
}

/// The reference to a document.
#[derive(Debug)]
pub(super) enum DocumentReference {
    /// Its text.
    Text(String),
    /// The id of a trusted document.
    Id(String),
    /// The hash of an automatic persisted query.
    Hash {
        /// The SHA-256 hash in hexadecimal.
        hash: String,
        /// The text, if the client registers it.
        text: Option<String>,
    },
}

/// A well-formed GraphQL request.
#[derive(Debug)]
pub(super) struct GraphqlRequest {
    /// The document.
    pub document: DocumentReference,
    /// The name of the operation to execute.
    pub operation_name: Option<String>,
    /// The values of variables.
    pub variables: Variables,
    /// Whether it was sent with GET, which permits no mutations.
    pub by_get: bool,
    /// The part of the shared memory that its body has reserved.
    pub memory: Option<Permit>,
}

impl GraphqlRequest {
    /// Reads a request from its JSON members. Null counts as absent.
    ///
    /// # Errors
    /// The reason why it is malformed.
    pub(super) fn from_members(mut members: Map<String, Value>, by_get: bool) -> Result<Self, &'static str> {
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
        let text = |value, wrong| match value {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong),
        };
        let object = |value, wrong| match value {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(_) => Err(wrong),
        };
        let operation_name = text(take("operationName"), "`operationName` must be a string.")?;
        let variables = object(take("variables"), "`variables` must be an object.")?;
        let extensions = object(take("extensions"), "`extensions` must be an object.")?;
        let query = text(take("query"), "`query` must be a string.")?;
        let id = text(take("documentId"), "`documentId` must be a string.")?;
        let document = match (query, id, persisted_query(&extensions)?) {
            (Some(_), Some(_), _) => {
                return Err("Send `documentId` or `query`, and not both.");
            }
            (None, Some(id), _) => DocumentReference::Id(id),
            (text, None, Some(hash)) => DocumentReference::Hash { hash, text },
            (Some(text), None, None) => DocumentReference::Text(text),
            (None, None, None) => {
                return Err("`query` is missing: it holds the text of the GraphQL document.");
            }
        };
        let variables = Variables::from_json(Value::Object(variables));
        Ok(Self { document, operation_name, variables, by_get, memory: None })
    }
}

/// The hash of an automatic persisted query, in lower case.
fn persisted_query(extensions: &Map<String, Value>) -> Result<Option<String>, &'static str> {
    let Some(query) = extensions.get("persistedQuery").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let hash = query["sha256Hash"].as_str().filter(|hash| {
        query["version"] == 1 && hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let wrong = "`extensions.persistedQuery` must have `version` 1 and, as `sha256Hash`, the 64 hexadecimal digits of a \
                 SHA-256.";
    Ok(Some(hash.ok_or(wrong)?.to_ascii_lowercase()))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message)
}

/// The refusal of JSON that is not a GraphQL request.
fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Reads a request with a body of at most `max_body` bytes. The caller is charged when the body has arrived, before it
/// is parsed.
///
/// # Errors
/// The refusal of a malformed request, or of a caller that exceeds a limit.
pub(super) async fn read(
    parts: &Parts,
    body: Body,
    max_body: usize,
    room: impl FnOnce() -> Result<BodyRoom, Refusal>,
    pay: impl FnOnce() -> Result<(), Refusal>,
) -> Result<GraphqlRequest, Refusal> {
    match parts.method {
        Method::GET | Method::HEAD => {
            pay()?;
            from_address(parts.uri.query().unwrap_or_default())
        }
        Method::POST => {
            check_content_type(&parts.headers)?;
            let mut room = room()?;
            let bytes = read_body(&parts.headers, body, max_body, &mut room).await?;
            let memory = Some(room.whole());
            pay()?;
            Ok(GraphqlRequest { memory, ..from_body(&bytes)? })
        }
        _ => Err(Refusal::method("Send GraphQL requests with POST, or queries with GET.", "GET, POST")),
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

async fn read_body(
    headers: &HeaderMap,
    body: Body,
    max_body: usize,
    room: &mut BodyRoom,
) -> Result<Vec<u8>, Refusal> {
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
                bytes = Vec::new();
                continue;
            }
            let needed = bytes.len() + chunk.len();
            if needed > bytes.capacity() {
                // Doubles the capacity as `Vec` does, but reserves the memory first and stays within `max_body`.
                let capacity = (bytes.capacity() * 2).min(max_body).max(needed);
                room.reach(capacity)?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&chunk);
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

/// An upper bound of the number of values in a JSON text.
fn values(text: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b':' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

fn from_body(bytes: &[u8]) -> Result<GraphqlRequest, Refusal> {
    if values(bytes) > MAX_VALUES {
        let message = format!("The body holds too many values: at most {MAX_VALUES} are read.");
        return Err(Refusal { code: Code::QueryTooComplex, ..malformed(message) });
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| bad(format!("The body is not JSON: {error}.")))?;
    match value {
        Value::Object(members) => GraphqlRequest::from_members(members, false).map_err(malformed),
        Value::Array(_) => Err(malformed("Send one request at a time: batches are not read.")),
        _ => Err(malformed("The body is JSON and no object: send {\"query\": \"{ regions { slug } }\"}.")),
    }
}

/// Whether the query of a URL has parameters of a GraphQL request.
pub(super) fn is_asked_in(query: &str) -> bool {
    let asks = ["query", "documentId", "extensions"];
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| asks.contains(&name.as_ref()))
}

/// The URL parameters that hold JSON. The others are plain strings.
const JSON_PARAMETERS: [&str; 2] = ["variables", "extensions"];

fn from_address(query: &str) -> Result<GraphqlRequest, Refusal> {
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        // An empty parameter counts as absent. The first of several wins.
        if value.is_empty() || members.contains_key(name.as_ref()) {
            continue;
        }
        let value = if JSON_PARAMETERS.contains(&name.as_ref()) {
            let parsed = serde_json::from_str(&value);
            parsed.map_err(|error| bad(format!("The parameter `{name}` is not JSON: {error}.")))?
        } else {
            Value::String(value.into_owned())
        };
        members.insert(name.into_owned(), value);
    }
    GraphqlRequest::from_members(members, true).map_err(malformed)
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
    fn values_are_counted_before_they_are_read() {
        for (text, expected) in [
            ("", 1),
            ("1", 1),
            ("[]", 2),
            ("[1,2,3]", 4),
            (r#"{"a":1,"b":[2]}"#, 6),
            (r#""a,b:[{""#, 1),
            (r#"["\\",","]"#, 3),
            (r#"["\"",1]"#, 3),
        ] {
            assert_eq!(values(text.as_bytes()), expected, "{text}");
        }
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(from_body(many.as_bytes()).unwrap_err().code, Code::QueryTooComplex);
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
