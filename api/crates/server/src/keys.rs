//! `/.well-known/jwks.json`: the public keys with which other systems verify access tokens of this server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};

use super::Shared;
use super::refusal::RequestError;
use super::request::Media;

/// The keys, as a JSON Web Key Set (RFC 7517).
pub(super) async fn published(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let app = &shared.app;
    let keys = match app.identity.signing() {
        Ok(signing) => signing.published(app).await,
        Err(error) => Err(error),
    };
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return RequestError::from(&error).respond(Media::Json),
    };
    let mut response = Response::new(Body::from(keys.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    // A verifier that meets an unknown key id fetches the keys again in any case.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
