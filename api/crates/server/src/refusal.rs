//! Error responses: always a GraphQL response with a code and without data.

use async_graphql::{ErrorExtensionValues, ErrorExtensions as _, Pos, ServerError};
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::journal;
use super::request::Media;
use kernel::error::{Code, DomainError, REQUEST_ID, UNAVAILABLE};

/// The `Retry-After` in seconds if the database or another service is unavailable.
const AGAIN: &str = "2";

/// The error of a GraphQL request that cannot be executed.
#[derive(Clone, Debug)]
pub(super) struct RequestError {
    /// The value of `extensions.code`.
    pub code: Code,
    /// The message: what is wrong and what would be right.
    pub message: String,
    /// The positions in the document.
    pub locations: Vec<Pos>,
    /// The path of the argument whose value is invalid.
    pub argument: Option<String>,
}

impl From<&DomainError> for RequestError {
    /// The error for a failure before execution. The details are in the log.
    fn from(error: &DomainError) -> Self {
        Self::new(error.code(), error.extend().message)
    }
}

impl RequestError {
    /// An error without a position.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), locations: Vec::new(), argument: None }
    }

    /// An error at one position of the document.
    pub(super) fn at(code: Code, message: impl Into<String>, at: Pos) -> Self {
        Self { locations: vec![at], ..Self::new(code, message) }
    }

    /// An internal error. The details are in the log under the request's id.
    pub(super) fn fault() -> Self {
        Self::new(
            Code::InternalServerError,
            "Something went wrong on our side. Tell us the requestId if it happens again.",
        )
    }

    /// The error if a service that the response needs is unavailable. The details are in the log.
    pub(super) fn unavailable() -> Self {
        Self::new(Code::Unavailable, UNAVAILABLE)
    }

    /// Converts it to an error of the library.
    pub(super) fn into_server_error(self) -> ServerError {
        let mut error = ServerError::new(self.message, None);
        error.locations = self.locations;
        set_code(&mut error, self.code);
        if let (Some(argument), Some(extensions)) = (self.argument, &mut error.extensions) {
            extensions.set("argument", argument);
        }
        error
    }

    /// The response with this error alone.
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

/// Sets the code of an error. Adds the request's id if operators have to look up the reason.
pub(super) fn set_code(error: &mut ServerError, code: Code) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    if matches!(code, Code::InternalServerError | Code::Unavailable) {
        extensions.set("requestId", REQUEST_ID.try_with(Clone::clone).unwrap_or_default());
    }
}

/// The status of a response without data to a well-formed request.
///
/// Clients that accept only `application/json` take every other status for a transport failure, so they get 200 for
/// errors of their document. Errors of the server keep their status, because monitoring must see them.
pub(super) fn status_of(code: Code, media: Media) -> StatusCode {
    let described = code.described();
    let status = match media {
        Media::GraphqlResponse => described.status,
        Media::Json => described.status_json,
    };
    // A test checks that all codes of the table have a valid status.
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The refusal of an HTTP request, before it is known to be a GraphQL request.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The value of `extensions.code`.
    pub code: Code,
    /// The message: what is wrong and what would be right.
    pub message: String,
    /// The allowed methods, if another was used.
    pub allow: Option<&'static str>,
    /// Whether the connection must be closed because the rest of the body was not read.
    pub close: bool,
    /// The time in milliseconds after which a retry may succeed.
    pub retry_after_ms: Option<i64>,
}

impl Refusal {
    /// A refusal with this status.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            _ => Code::BadRequest,
        };
        Self { status, code, message: message.into(), allow: None, close: false, retry_after_ms: None }
    }

    /// A refusal of a method, with the allowed methods.
    pub(super) fn method(message: impl Into<String>, allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// A refusal of a caller that exceeds a rate or concurrency limit.
    pub(super) fn rate_limited(retry_after_ms: i64) -> Self {
        let message = DomainError::RateLimited { retry_after_ms }.extend().message;
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        Self { code: Code::RateLimited, retry_after_ms: Some(retry_after_ms), ..refusal }
    }

    /// A refusal of an invalid token. It does not say why the token is invalid: its owner must sign in again in any
    /// case.
    pub(super) fn unauthenticated() -> Self {
        let message = "The token in the header `Authorization` is not good: it is malformed, has expired, or its session \
                       or key has ended. Refresh the session or sign in again, without this header.";
        Self { code: Code::Unauthenticated, ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    /// Converts it to an error of the library.
    pub(super) fn to_server_error(&self) -> ServerError {
        let mut error = RequestError::new(self.code, self.message.as_str()).into_server_error();
        if let (Some(millis), Code::RateLimited) = (self.retry_after_ms, self.code) {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("retryAfterMs", millis);
        }
        error
    }

    /// The response.
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
            // Whole seconds, rounded up (RFC 9110 section 10.2.3).
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from((millis + 999) / 1000));
        }
        if self.close {
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        }
        response
    }
}

/// The response if a response cannot be serialized.
const UNWRITABLE: &str = r#"{"errors":[{"message":"Something went wrong on our side.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;

/// A GraphQL response as it is serialized: errors first, and no `data` if nothing was executed.
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
    /// Serializes the response.
    ///
    /// # Errors
    /// If a value in it cannot be serialized.
    fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
            .inspect_err(|error| tracing::error!(%error, "a response could not be serialized"))
    }

    /// The response as JSON, or [`UNWRITABLE`].
    pub(super) fn text(&self) -> String {
        self.json().unwrap_or_else(|_| UNWRITABLE.to_owned())
    }

    /// The HTTP response with this body.
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

/// Sets `Vary`: the request headers on which the response depends.
pub(super) fn vary(headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language, authorization"));
}
