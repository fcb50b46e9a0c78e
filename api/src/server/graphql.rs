//! `/graphql`: from the request to the response.
//!
//! | what happened | `application/graphql-response+json` | `application/json` |
//! |---|---|---|
//! | executed, with or without errors in fields | 200 | 200 |
//! | the document does not parse | 400 | 200 |
//! | it is invalid, too complex, names no operation, or has wrong variables | 422 | 200 |
//! | the body is no JSON, or no GraphQL request | 400, 422 | the same |
//! | the header `Authorization` holds no good token | 401 | the same |
//! | method, `Accept`, length or media type are wrong | 405, 406, 413, 415 | the same |
//! | the server failed, cannot answer, or took too long | 500, 503, 504 | the same |

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Positioned, Value};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use futures::FutureExt;

use super::answer::{self, Executed};
use super::refusal::{Answer, Refusal, RequestError};
use super::request::{self, Asked, Media, Unreadable};
use super::{Shared, address, graphiql};
use crate::directory::contact_read;
use crate::identity::caller::{Call, Presented, Unidentified};
use crate::record::error::Code;
use crate::record::patience::Patience;
use crate::record::reader::Reader;
use crate::record::value::LanguagePreferences;

/// Answers a request to `/graphql`.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let asks = parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("query=")));
    if shared.settings.graphiql && reads && !asks && request::prefers_html(&parts.headers) {
        return graphiql::page();
    }
    let Some(media) = request::negotiate(&parts.headers) else {
        let message = "Accept `application/graphql-response+json` or `application/json`.";
        return Refusal::new(StatusCode::NOT_ACCEPTABLE, message).respond(Media::Json);
    };
    // The body is read even where the token is not good: its sender gets to read the refusal.
    let call = call(&shared, &parts).await;
    let asked = match request::read(&parts, body).await {
        Ok(asked) => asked,
        Err(_) if matches!(call, Err(Unidentified::Refused)) => {
            return Refusal::unauthenticated().respond(media);
        }
        Err(Unreadable::Refused(refusal)) => return refusal.respond(media),
        Err(Unreadable::Error(error)) => return error.respond(media),
    };
    let call = match call {
        Ok(call) => call,
        Err(Unidentified::Refused) => return Refusal::unauthenticated().respond(media),
        Err(Unidentified::Failed(error)) => return RequestError::from(&error).respond(media),
    };
    match execute(&shared, &parts.headers, call, asked).await {
        Ok(answer) => answer.respond(StatusCode::OK, media),
        Err(Unexecuted::Refused(refusal)) => refusal.respond(media),
        Err(Unexecuted::Error(mut error)) => {
            answer::shorten(&mut error.message);
            error.respond(media)
        }
        Err(Unexecuted::Invalid(answer)) => {
            answer.respond(super::refusal::status_of(Code::GraphqlValidationFailed, media), media)
        }
    }
}

/// Who calls, from where.
pub(super) async fn call(shared: &Shared, parts: &Parts) -> Result<Call, Unidentified> {
    let presented = Presented::of(&parts.headers)?;
    let (app, nobody) = (shared.app.clone(), shared.settings.viewer.clone());
    let known = presented.identify(&app).await?;
    Ok(Call { app, presented, known, nobody, from: address::of(shared, parts) })
}

/// Why there is no data.
enum Unexecuted {
    Refused(Refusal),
    Error(RequestError),
    Invalid(Answer),
}

impl From<RequestError> for Unexecuted {
    fn from(error: RequestError) -> Self {
        Self::Error(error)
    }
}

async fn execute(
    shared: &Shared,
    headers: &HeaderMap,
    call: Call,
    asked: Asked,
) -> Result<Answer, Unexecuted> {
    let document = shared.documents.read(&asked.query)?;
    let operation = operation(&document, asked.operation_name.as_deref())?;
    if asked.by_get && operation.node.ty != OperationType::Query {
        return Err(Unexecuted::Refused(Refusal::method(
            "Send mutations with POST: GET only reads.",
            "POST",
        )));
    }
    check_variables(&operation.node, &asked)?;
    let root = match operation.node.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => {
            let message = "Subscriptions are not answered here.";
            return Err(RequestError::new(Code::BadRequest, message).into());
        }
    };
    let keys = answer::keys_of(&document, &operation.node.selection_set.node);

    let languages = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let app = &shared.app;
    let reader = Reader::new(
        Arc::clone(&app.db),
        call.viewer().clone(),
        LanguagePreferences::parse(languages),
        app.clock.now().to_utc().date_naive(),
    );
    let patience = Arc::<Patience>::default();
    let mut request = async_graphql::Request::new(String::new())
        .variables(asked.variables)
        .data(Arc::clone(&reader))
        .data(app.search.clone())
        .data(app.clone())
        .data(Arc::clone(&patience))
        .data(call);
    request.operation_name.clone_from(&asked.operation_name);
    request.set_parsed_query(ExecutableDocument::clone(&document));

    let execution = AssertUnwindSafe(shared.schema.execute(request)).catch_unwind();
    let mut response = match patience.limit(shared.settings.time_limit, execution).await {
        Some(Ok(response)) => response,
        Some(Err(_)) => {
            tracing::error!("a resolver panicked");
            return Err(RequestError::fault().into());
        }
        None => {
            let seconds = shared.settings.time_limit.as_secs_f32();
            let message = format!("The answer was not ready after {seconds} seconds. Ask for less at once.");
            return Err(RequestError::new(Code::Timeout, message).into());
        }
    };
    if !response.errors.is_empty() {
        let executed =
            Executed { query: &asked.query, operation_name: asked.operation_name.as_deref(), root };
        if !answer::mend(&mut response, executed, &shared.shapes) {
            return Err(Unexecuted::Invalid(Answer { errors: response.errors, ..Answer::default() }));
        }
    }
    if let Value::Object(data) = &mut response.data {
        answer::put_in_order(data, &keys);
    }
    contact_read::note(app, &reader.viewer, reader.shown_contacts());
    let substitutes = reader.substitutes();
    if !substitutes.is_empty() {
        response.extensions.insert("languages".into(), Value::List(substitutes));
    }
    let extensions = (!response.extensions.is_empty()).then(|| {
        let members =
            response.extensions.into_iter().map(|(name, value)| (async_graphql::Name::new(name), value));
        Value::Object(members.collect())
    });
    Ok(Answer { errors: response.errors, data: Some(response.data), extensions })
}

/// The operation that is to be executed.
fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, RequestError> {
    let fail = |message: String| Err(RequestError::new(Code::OperationResolutionFailure, message));
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Single(_), Some(_)) => {
            fail("`operationName` is given, and the only operation of the document has no name.".into())
        }
        (DocumentOperations::Multiple(operations), Some(name)) => match operations.get(name) {
            Some(operation) => Ok(operation),
            None => fail(format!("The document has no operation `{name}`.")),
        },
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(operation), None) => Ok(operation),
                _ => fail("The document has several operations: say with `operationName` which one.".into()),
            }
        }
    }
}

/// Refuses variables that must have a value and have none. What a value is made of, validation checks.
fn check_variables(operation: &OperationDefinition, asked: &Asked) -> Result<(), RequestError> {
    for definition in &operation.variable_definitions {
        let (at, definition) = (definition.pos, &definition.node);
        let (name, expected) = (&definition.name.node, &definition.var_type.node);
        let problem = match asked.variables.get(name) {
            None if definition.default_value.is_none() => "missing",
            Some(Value::Null) => "null",
            _ => continue,
        };
        if !expected.nullable {
            let message = format!("The variable `${name}` is {problem}: it must be a `{expected}`.");
            return Err(RequestError::at(Code::BadUserInput, message, at));
        }
    }
    Ok(())
}

/// The answer to what a handler of ours could not foresee.
pub(super) fn panicked() -> Response<Body> {
    RequestError::fault().respond(Media::Json)
}
