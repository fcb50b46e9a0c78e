//! `/export/awards.csv`: the awards of a call for projects as a table (see [`directory::application::csv`]).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use url::form_urlencoded;

use super::Shared;
use super::graphql::call;
use super::refusal::{Refusal, RequestError};
use super::request::Media;
use super::snapshot::refused;
use directory::application::csv;
use identity::caller::{Call, IdentifyError};
use kernel::error::DomainError;
use kernel::reader::Reader;
use kernel::value::LanguagePreferences;

/// Points that an export costs, as a query of a page of a hundred awards with their organizations does.
const POINTS: u64 = 100;

/// Answers a request to `/export/awards.csv`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = match call(&shared, &parts).await {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    match table(&shared, &call, parts.uri.query().unwrap_or_default()).await {
        Ok(Some(text)) => found(text),
        Ok(None) => {
            Refusal::new(StatusCode::NOT_FOUND, "There is no such call for projects.").respond(Media::Json)
        }
        Err(error) => refused(&error),
    }
}

/// The table that the parameters ask for; none where the caller sees no such call.
async fn table(shared: &Shared, call: &Call, query: &str) -> Result<Option<String>, DomainError> {
    let limited = |retry_after_ms| DomainError::RateLimited { retry_after_ms };
    shared.app.traffic.pay(call).map_err(limited)?;
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "call");
    let Some((_, text)) = given.filter(|(_, text)| !text.is_empty()) else {
        let message =
            "Name a call for projects by its id or its slug: /export/awards.csv?call=call_for_projects_…";
        return Err(DomainError::bad_input("call", message));
    };
    shared.app.traffic.pay_rest(call, POINTS - 1).map_err(limited)?;
    let (viewer, now) = (call.viewer().clone(), shared.app.clock.now());
    let reader = Reader::new(Arc::clone(&shared.app.db), viewer, LanguagePreferences::default(), now);
    csv::of(&reader, &text).await
}

fn found(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"awards.csv\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
