//! The HTTP client: sends the API key, has time-outs, and keeps the engine's own codes in errors.
//!
//! The SDK's own client has no time-out, and fills a buffer of 8 MiB with zeros for every request that has a body,
//! which would slow each search.

use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::AsyncReadExt;
use meilisearch_sdk::errors::Error;
use meilisearch_sdk::request::{HttpClient, Method};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;

/// Time-out of connecting.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// An error response of the engine.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status}, {code}: {message}")]
pub(super) struct Refused {
    pub(super) status: u16,
    /// The error code of the engine; empty where it gave none.
    pub(super) code: String,
    message: String,
}

impl Refused {
    /// Returns the error response that an error of the SDK holds.
    pub(super) fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

/// Whether the error has this code, of an object that is missing. Its status need not be 404: where one request has
/// several searches, it is that of the request.
pub(super) fn is_missing(error: &Error, code: &str) -> bool {
    Refused::of(error).is_some_and(|refused| refused.code == code)
}

/// The text has all causes, for the log.
impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        if is_missing(&error, "index_not_found") {
            return Self::Building;
        }
        let mut text = error.to_string();
        let mut cause = match &error {
            // Its text is that of the inner error.
            Error::Other(inner) => inner.source(),
            other => std::error::Error::source(other),
        };
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        Self::Failed(text)
    }
}

/// The client of one engine.
#[derive(Clone, Debug)]
pub(super) struct Http(reqwest::Client);

impl Http {
    pub(super) fn new(api_key: Option<&str>, request_time: Duration) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        if let Some(key) = api_key {
            let mut value = HeaderValue::try_from(format!("Bearer {key}"))
                .map_err(|_| "MEILI_API_KEY holds characters that no key has".to_owned())?;
            // Hides the key in debug output and in log lines.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_TIME)
            .timeout(request_time)
            // A redirect must not send the key elsewhere.
            .redirect(Policy::none())
            .build();
        client.map(Self).map_err(|error| format!("the client of Meilisearch cannot be made: {error}"))
    }

    async fn send<Query: Serialize + Sync, Output: DeserializeOwned>(
        &self,
        verb: reqwest::Method,
        url: &str,
        query: &Query,
        body: Option<(&str, Vec<u8>)>,
        expected: u16,
    ) -> Result<Output, Error> {
        let mut request = self.0.request(verb, url).query(query);
        if let Some((of, bytes)) = body {
            request = request.header(CONTENT_TYPE, of).body(bytes);
        }
        let lost = |error: reqwest::Error| Error::Other(Box::new(error.without_url()));
        let response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(lost)?;
        if status == expected {
            let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            return serde_json::from_slice(text).map_err(Error::ParseError);
        }
        let ErrorBody { code, message } = serde_json::from_slice(&bytes).unwrap_or_default();
        Err(Error::Other(Box::new(Refused { status, code, message })))
    }
}

/// The body of an error response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: String,
    message: String,
}

fn verb<Query, Body>(method: &Method<Query, Body>) -> reqwest::Method {
    match method {
        Method::Get { .. } => reqwest::Method::GET,
        Method::Post { .. } => reqwest::Method::POST,
        Method::Patch { .. } => reqwest::Method::PATCH,
        Method::Put { .. } => reqwest::Method::PUT,
        Method::Delete { .. } => reqwest::Method::DELETE,
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn request<Query, Body, Output>(
        &self,
        url: &str,
        method: Method<Query, Body>,
        expected_status_code: u16,
    ) -> Result<Output, Error>
    where
        Query: Serialize + Send + Sync,
        Body: Serialize + Send + Sync,
        Output: DeserializeOwned + 'static + Send,
    {
        let body = method.body().map(serde_json::to_vec).transpose()?;
        let body = body.map(|bytes| ("application/json", bytes));
        self.send(verb(&method), url, method.query(), body, expected_status_code).await
    }

    async fn stream_request<
        Query: Serialize + Send + Sync,
        Body: futures::AsyncRead + Send + Sync + 'static,
        Output: DeserializeOwned + 'static,
    >(
        &self,
        url: &str,
        method: Method<Query, Body>,
        content_type: &str,
        expected_status_code: u16,
    ) -> Result<Output, Error> {
        let verb = verb(&method);
        let (query, body) = match method {
            Method::Get { query } | Method::Delete { query } => (query, None),
            Method::Post { query, body } | Method::Patch { query, body } | Method::Put { query, body } => {
                (query, Some(body))
            }
        };
        let body = match body {
            Some(body) => {
                let mut bytes = Vec::new();
                let read = pin!(body).read_to_end(&mut bytes).await;
                read.map_err(|error| Error::Other(Box::new(error)))?;
                Some((content_type, bytes))
            }
            None => None,
        };
        self.send(verb, url, &query, body, expected_status_code).await
    }

    fn is_tokio(&self) -> bool {
        true
    }
}
