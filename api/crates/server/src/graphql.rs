//! `/graphql`: queries and mutations over HTTP. A request to upgrade to a WebSocket is passed on to [`socket`].
//!
//! | outcome | `application/graphql-response+json` | `application/json` |
//! |---|---|---|
//! | executed, with or without field errors | 200 | 200 |
//! | the document does not parse | 400 | 200 |
//! | the document is invalid or too complex, its operation is not found, or its variables are invalid | 422 | 200 |
//! | the body is not JSON, or not a GraphQL request | 400, 422 | the same |
//! | the access token in the header `Authorization` is invalid | 401 | the same |
//! | only documents of the manifest are executed, and this is not one of them | 403 | 200 |
//! | the caller has no points left | 429 | the same |
//! | the method, `Accept`, the length or the media type is wrong | 405, 406, 413, 415 | the same |
//! | the server failed, is unavailable, or took too long | 500, 503, 504 | the same |

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};

use super::execution::{self, CostWanted, Operation, ResponseMode, Unexecuted};
use super::refusal::{self, Answer, Refusal, RequestError};
use super::request::{self, GraphqlRequest, Media};
use super::{Shared, address, graphiql, rates, socket};
use identity::caller::{BearerToken, Call, IdentifyError};
use kernel::error::Code;
use kernel::throttle::{Caller, network};
use records::changes::Resumption;

/// Answers a request to `/graphql`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if socket::is_asked_for(&parts) {
        return socket::open(&shared, parts).await;
    }
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let asks = parts.uri.query().is_some_and(request::is_asked_in);
    if shared.settings.graphiql && reads && !asks && request::prefers_html(&parts.headers) {
        return graphiql::page();
    }
    let Some(media) = request::negotiate(&parts.headers) else {
        let message = "Accept `application/graphql-response+json` or `application/json`.";
        return Refusal::new(StatusCode::NOT_ACCEPTABLE, message).respond(Media::Json);
    };
    // The body is read even if the token is invalid, so that the client can read the refusal.
    let call = call(&shared, &parts).await;
    let room = || shared.rooms.body(&caller(&shared, &parts, &call));
    let asked = request::read(&parts, body, shared.settings.limits.body, room, pay(&shared, &call)).await;
    let call = match call {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(media),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(media),
    };
    let answered = match asked {
        Ok(asked) => answer(&shared, &parts.headers, &call, asked, media).await,
        Err(refusal) => Err(Unexecuted::Refused(refusal)),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(Unexecuted::Refused(refusal)) => refusal.respond(media),
        Err(Unexecuted::Error(error)) => error.respond(media),
        Err(Unexecuted::Invalid(errors)) => {
            let status = refusal::status_of(Code::GraphqlValidationFailed, media);
            Answer { errors, ..Answer::default() }.respond(status, media)
        }
    };
    rates::tell(&shared.app.traffic, &call, response.headers_mut());
    response
}

async fn answer(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    call: &Call,
    asked: GraphqlRequest,
    media: Media,
) -> Result<Response<Body>, Unexecuted> {
    let wanted = CostWanted::of(headers).map_err(Unexecuted::Refused)?;
    let operation = Operation::read(shared, call, asked, ResponseMode::One, wanted)?;
    if wanted == CostWanted::Only {
        return Ok(operation.charged().answer().respond(StatusCode::OK, media));
    }
    let languages = execution::languages(headers);
    let tag = operation.tag(shared, call, &languages, media).await;
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(headers)) {
        return Ok(tag.clone().not_modified());
    }
    let answer = operation.prepare(shared, call.clone(), languages, Resumption::default()).answer().await?;
    let mut response = answer.respond(StatusCode::OK, media);
    if let Some(tag) = tag.filter(|_| answer.errors.is_empty()) {
        tag.tell(response.headers_mut());
    }
    Ok(response)
}

/// Charges one point for reading the request. Unidentified callers are not charged: they are refused anyway.
pub(super) fn pay(
    shared: &Shared,
    call: &Result<Call, IdentifyError>,
) -> impl FnOnce() -> Result<(), Refusal> {
    move || call.as_ref().map_or(Ok(()), |call| Operation::pay(shared, call))
}

/// The caller for concurrency limits. A caller with an invalid token is counted by network, as unknown.
pub(super) fn caller(shared: &Shared, parts: &Parts, call: &Result<Call, IdentifyError>) -> Caller {
    match call {
        Ok(call) => call.caller(),
        Err(_) => Caller { key: network(address::of(shared, parts)), known: false },
    }
}

/// Identifies the caller of a request, and its address.
pub(super) async fn call(shared: &Shared, parts: &Parts) -> Result<Call, IdentifyError> {
    let presented = BearerToken::of(&parts.headers)?;
    let (identity, nobody) = (shared.app.identity.clone(), shared.settings.viewer.clone());
    let known = presented.identify(&identity).await?;
    Ok(Call { identity, presented, known, nobody, from: address::of(shared, parts) })
}

/// The response if a handler panicked.
pub(super) fn panicked() -> Response<Body> {
    RequestError::fault().respond(Media::Json)
}
