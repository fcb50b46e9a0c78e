//! How the server says no: always as a GraphQL answer, with a code and without data.

use async_graphql::{ErrorExtensionValues, ErrorExtensions as _, Pos, ServerError};
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::journal;
use super::request::Media;
use crate::record::error::{Code, DomainError, REQUEST_ID, UNAVAILABLE};

/// After how many seconds it is worth trying again where the database or something else does not answer.
const AGAIN: &str = "2";

/// A request that was understood and cannot be executed.
#[derive(Clone, Debug)]
pub(super) struct RequestError {
    /// What `extensions.code` says.
    pub code: Code,
    /// What is wrong and what would be right.
    pub message: String,
    /// Where in the document.
    pub locations: Vec<Pos>,
    /// The argument whose value is wrong, as a path.
    pub argument: Option<String>,
}

impl From<&DomainError> for RequestError {
    /// What a failure before the execution is answered with; what happened stands in the log.
    fn from(error: &DomainError) -> Self {
        Self::new(error.code(), error.extend().message)
    }
}

impl RequestError {
    /// An error of the whole document.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), locations: Vec::new(), argument: None }
    }

    /// An error at one place of the document.
    pub(super) fn at(code: Code, message: impl Into<String>, at: Pos) -> Self {
        Self { locations: vec![at], ..Self::new(code, message) }
    }

    /// A fault of ours; what happened stands in the log under the request's id.
    pub(super) fn fault() -> Self {
        Self::new(
            Code::InternalServerError,
            "Something went wrong on our side. Tell us the requestId if it happens again.",
        )
    }

    /// What something that the answer needs does not give at the moment; what happened stands in the log.
    pub(super) fn unavailable() -> Self {
        Self::new(Code::Unavailable, UNAVAILABLE)
    }

    /// The same as the library writes it.
    pub(super) fn into_server_error(self) -> ServerError {
        let mut error = ServerError::new(self.message, None);
        error.locations = self.locations;
        set_code(&mut error, self.code);
        if let (Some(argument), Some(extensions)) = (self.argument, &mut error.extensions) {
            extensions.set("argument", argument);
        }
        error
    }

    /// The answer that consists of this error.
    pub(super) fn respond(self, media: Media) -> Response<Body> {
        let (code, status) = (self.code, status_of(self.code, media));
        let answer = Answer { errors: vec![self.into_server_error()], ..Answer::default() };
        let mut response = answer.respond(status, media);
        if code == Code::Unavailable {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN));
        }
        response
    }
}

/// Sets the code of an error, and the request's id where operators have to look for the reason.
pub(super) fn set_code(error: &mut ServerError, code: Code) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    if matches!(code, Code::InternalServerError | Code::Unavailable) {
        extensions.set("requestId", REQUEST_ID.try_with(Clone::clone).unwrap_or_default());
    }
}

/// The status of an answer without data to a request that was well formed.
///
/// Clients that accept only `application/json` take every other status for a failure of the transport, so they
/// get 200 for what is wrong with their document. What is wrong with the server keeps its status for them too:
/// monitoring has to see it.
pub(super) fn status_of(code: Code, media: Media) -> StatusCode {
    let described = code.described();
    let status = match media {
        Media::GraphqlResponse => described.status,
        Media::Json => described.status_json,
    };
    // All of the table are statuses, which a test goes through.
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A request that is refused for its form, before it is known to be a GraphQL request.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The status of HTTP.
    pub status: StatusCode,
    /// What `extensions.code` says.
    pub code: Code,
    /// What is wrong and what would be right.
    pub message: String,
    /// The methods that are allowed, where another was used.
    pub allow: Option<&'static str>,
    /// Whether the connection ends, because the rest of the body was not read.
    pub close: bool,
    /// After how many milliseconds the same may be tried again.
    pub retry_after_ms: Option<i64>,
}

impl Refusal {
    /// A refusal of this status.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            _ => Code::BadRequest,
        };
        Self { status, code, message: message.into(), allow: None, close: false, retry_after_ms: None }
    }

    /// A refusal of a method, naming those that are allowed.
    pub(super) fn method(message: impl Into<String>, allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// A refusal of who has asked too often, or too much at once.
    pub(super) fn rate_limited(retry_after_ms: i64) -> Self {
        let message = DomainError::RateLimited { retry_after_ms }.extend().message;
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        Self { code: Code::RateLimited, retry_after_ms: Some(retry_after_ms), ..refusal }
    }

    /// A refusal of a token that is not good. Why it is not is nobody's business but the owner's, who signs in
    /// again in any case.
    pub(super) fn unauthenticated() -> Self {
        let message = "The token in the header `Authorization` is not good: it is malformed, has expired, or its session \
                       or key has ended. Refresh the session or sign in again, without this header.";
        Self { code: Code::Unauthenticated, ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    /// The same as the library writes it.
    pub(super) fn to_server_error(&self) -> ServerError {
        let mut error = RequestError::new(self.code, self.message.as_str()).into_server_error();
        if let (Some(millis), Code::RateLimited) = (self.retry_after_ms, self.code) {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("retryAfterMs", millis);
        }
        error
    }

    /// The answer.
    pub(super) fn respond(self, media: Media) -> Response<Body> {
        let errors = vec![self.to_server_error()];
        let mut response = Answer { errors, ..Answer::default() }.respond(self.status, media);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 section 3.
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(millis) = self.retry_after_ms {
            // In whole seconds, none of them too early (RFC 9110 section 10.2.3).
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from((millis + 999) / 1000));
        }
        if self.close {
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        }
        response
    }
}

/// What is answered where an answer cannot be written.
const UNWRITABLE: &str = r#"{"errors":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;

/// An answer as it is written: errors first, and no `data` where nothing was executed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<async_graphql::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<async_graphql::Value>,
}

impl Answer {
    /// The answer as JSON.
    ///
    /// # Errors
    /// Where something in it cannot be written.
    fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
            .inspect_err(|error| tracing::error!(%error, "an answer could not be written"))
    }

    /// The answer as JSON, or that it could not be written.
    pub(super) fn text(&self) -> String {
        self.json().unwrap_or_else(|_| UNWRITABLE.to_owned())
    }

    /// The response with this body.
    pub(super) fn respond(&self, status: StatusCode, media: Media) -> Response<Body> {
        journal::errors(&self.errors);
        let (status, body) = match self.json() {
            Ok(body) => (status, body),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, UNWRITABLE.to_owned()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        vary(headers);
        response
    }
}

/// Says on which headers of a request an answer depends.
pub(super) fn vary(headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language, authorization"));
}
