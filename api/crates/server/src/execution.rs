//! The execution of operations, the same for all transports: one way to prepare an operation, and one to finish a
//! response.
//!
//! | outcome | HTTP | WebSocket | server-sent events |
//! |---|---|---|---|
//! | executed, with or without field errors | the response | `next` | `next` |
//! | not executed: [`Unexecuted`] | the status of its error | `error` | `next` with the errors |
//! | the root field of a subscription failed, at once or later | | `error` | `next` with the errors |
//!
//! The last two outcomes end a stream.
//!
//! Over HTTP the header `X-Cost` requests the cost of the operation. With `report`, the response has it in
//! `extensions.cost`. With `only`, the response has nothing else and the operation is not executed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Name, Request, Response, ServerError, Value, Variables};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tracing::Instrument;

use super::answer::{self, Executed};
use super::compile::{self, Document, Plan};
use super::conditional::Tag;
use super::limits;
use super::refusal::{Answer, Refusal, RequestError};
use super::request::{GraphqlRequest, Media};
use super::{Shared, cost, journal};
use directory::contact_read;
use exchange::sync::feed::store::{PublicState, public_state};
use identity::caller::Call;
use kernel::error::Code;
use kernel::page::MAX_PAGE;
use kernel::patience::Patience;
use kernel::policy::Viewer;
use kernel::reader::Reader;
use kernel::value::LanguagePreferences;
use records::changes::Resumption;

/// A schema that executes operations: that of the program, or a small one in tests of this layer.
pub(super) trait Run: Send + Sync {
    /// Executes a query or mutation.
    fn once(&self, request: Request) -> BoxFuture<'_, Response>;

    /// Executes a subscription.
    fn stream(&self, request: Request) -> BoxStream<'static, Response>;
}

impl<E: Executor> Run for E {
    fn once(&self, request: Request) -> BoxFuture<'_, Response> {
        self.execute(request).boxed()
    }

    fn stream(&self, request: Request) -> BoxStream<'static, Response> {
        self.execute_stream(request, None)
    }
}

/// The number of responses that a transport can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// One: an HTTP response.
    One,
    /// Any number, as subscriptions need: a WebSocket or server-sent events.
    Many,
}

/// The header that requests the cost.
const X_COST: &str = "x-cost";

/// The request for the cost of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CostWanted {
    /// The cost is not requested.
    #[default]
    No,
    /// The cost is reported with the response.
    Report,
    /// The cost is reported and nothing is executed, even if it exceeds the limit.
    Only,
}

impl CostWanted {
    /// Reads the header.
    ///
    /// # Errors
    /// If the value is unknown: a client that misspells `only` must not have its operation executed.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        match headers.get(X_COST).map(HeaderValue::as_bytes) {
            None => Ok(Self::No),
            Some(text) if text.eq_ignore_ascii_case(b"report") => Ok(Self::Report),
            Some(text) if text.eq_ignore_ascii_case(b"only") => Ok(Self::Only),
            Some(_) => {
                let message = "The header `X-Cost` is `report` (the cost beside the answer) or `only` (the cost, without \
                               running anything).";
                Err(Refusal::new(StatusCode::BAD_REQUEST, message))
            }
        }
    }
}

/// The cost of an operation and its limit, in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OperationCost {
    points: u64,
    most: u64,
}

impl OperationCost {
    /// The value of `extensions.cost`.
    fn value(self) -> Value {
        let members = [("requestedQueryCost", self.points), ("maximumAvailable", self.most)];
        Value::Object(members.into_iter().map(|(name, points)| (Name::new(name), points.into())).collect())
    }

    /// The response that reports only the cost.
    pub(super) fn answer(self) -> Answer {
        let extensions = Value::Object([(Name::new("cost"), self.value())].into_iter().collect());
        // An empty object, as if every field were skipped. Null would mean a failure.
        Answer {
            data: Some(Value::Object(IndexMap::new())),
            extensions: Some(extensions),
            ..Answer::default()
        }
    }
}

/// The reason why a response has no data.
#[derive(Debug)]
pub(super) enum Unexecuted {
    /// The HTTP request was refused.
    Refused(Refusal),
    /// The GraphQL request has an error.
    Error(RequestError),
    /// Validation errors, or errors of the root field of a subscription.
    Invalid(Vec<ServerError>),
}

impl From<RequestError> for Unexecuted {
    fn from(mut error: RequestError) -> Self {
        answer::shorten(&mut error.message);
        Self::Error(error)
    }
}

impl Unexecuted {
    /// The code of the first error.
    fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code.as_str()),
            Self::Error(error) => Some(error.code.as_str()),
            Self::Invalid(errors) => errors.first().map(journal::code_of),
        }
    }

    /// The errors, for transports without a status.
    pub(super) fn into_errors(self) -> Vec<ServerError> {
        match self {
            Self::Refused(refusal) => {
                vec![refusal.to_server_error()]
            }
            Self::Error(error) => vec![error.into_server_error()],
            Self::Invalid(errors) => errors,
        }
    }
}

/// The preferred languages of a request.
pub(super) fn languages(headers: &HeaderMap) -> LanguagePreferences {
    let text = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    LanguagePreferences::parse(text)
}

/// An operation of a valid document within the limits, with its variables.
#[derive(Debug)]
pub(super) struct Operation {
    document: Arc<Document>,
    plan: Arc<Plan>,
    /// Its name in the document.
    name: Option<Name>,
    asked: GraphqlRequest,
    /// The coerced values of its variables.
    variables: Variables,
    kind: OperationType,
    charged: OperationCost,
    report: bool,
}

impl Operation {
    /// Charges the caller one point for reading the request. The rest is charged when the cost is known.
    ///
    /// # Errors
    /// If the caller has no points left.
    pub(super) fn pay(shared: &Shared, call: &Call) -> Result<(), Refusal> {
        shared.app.traffic.pay(call).map_err(Refusal::rate_limited)
    }

    /// Reads the requested operation and charges its cost. The caller must have [paid](Self::pay) already.
    ///
    /// # Errors
    /// [`Unexecuted`] if there is no such operation, the transport does not carry it, or the caller has no points left.
    pub(super) fn read(
        shared: &Shared,
        call: &Call,
        asked: GraphqlRequest,
        way: ResponseMode,
        wanted: CostWanted,
    ) -> Result<Self, Unexecuted> {
        let operation = Self::find(shared, call, asked, way, wanted)?;
        if wanted != CostWanted::Only {
            let paid = shared.app.traffic.pay_rest(call, operation.charged.points);
            paid.map_err(|again| Unexecuted::Refused(Refusal::rate_limited(again)))?;
        }
        Ok(operation)
    }

    fn find(
        shared: &Shared,
        call: &Call,
        mut asked: GraphqlRequest,
        way: ResponseMode,
        wanted: CostWanted,
    ) -> Result<Self, Unexecuted> {
        let discreet = !shared.settings.introspection && !call.viewer().signed_in;
        let document = shared.documents.find(&asked.document)?;
        let operation = match operation(&document, asked.operation_name.as_deref()) {
            Ok(operation) => operation,
            // The document has an anonymous operation and is invalid, so the validation errors say more.
            Err(_) if document.operations.contains_key(&None) && !document.invalid.is_empty() => {
                return Err(Self::invalid(&document, shared.settings.limits.errors, discreet));
            }
            Err(error) => return Err(error.into()),
        };
        let (name, kind) = (operation.name.clone(), operation.kind);
        journal::operation(name.as_deref(), kind);
        if asked.by_get && kind == OperationType::Mutation {
            let message = "Send mutations with POST: GET only reads.";
            return Err(Unexecuted::Refused(Refusal::method(message, "POST")));
        }
        if kind == OperationType::Subscription && way == ResponseMode::One && wanted != CostWanted::Only {
            let message = "A subscription has many answers: open a WebSocket with the subprotocol \
                           `graphql-transport-ws` here, or ask /graphql/stream for `text/event-stream`.";
            return Err(RequestError::new(Code::BadRequest, message).into());
        }
        let most = &shared.settings.limits;
        if !document.invalid.is_empty() {
            return Err(Self::invalid(&document, most.errors, discreet));
        }
        let compiler = shared.documents.compiler();
        let given = std::mem::take(&mut asked.variables);
        let (plan, variables) = compiler.plan(&document, operation, given).map_err(|mut error| {
            answer::tell(&mut error.message, &document.text, discreet);
            error
        })?;
        let variable = |name: &str| variables.get(name);
        limits::check_values(plan.uses, &variables)?;
        let charged = OperationCost { points: plan.cost.points(&variable), most: most.cost };
        if charged.points > charged.most && wanted != CostWanted::Only {
            let OperationCost { points, most } = charged;
            let message = format!(
                "The operation costs {points} points: at most {most} are allowed. Ask for less at once, such as fewer \
                 items with `first`. /schema.graphql says with @cost and @listSize what costs how much."
            );
            return Err(RequestError::new(Code::QueryTooComplex, message).into());
        }
        check_pages(&plan, most.page, &variable)?;
        let report = wanted == CostWanted::Report;
        Ok(Self { document, plan, name, asked, variables, kind, charged, report })
    }

    /// The validation errors of a document, prepared for the client.
    fn invalid(document: &Document, max_errors: usize, discreet: bool) -> Unexecuted {
        let mut errors: Vec<ServerError> = document.invalid.iter().take(max_errors).cloned().collect();
        for error in &mut errors {
            answer::tell(&mut error.message, &document.text, discreet);
        }
        Unexecuted::Invalid(errors)
    }

    /// The cost of the operation.
    pub(super) fn charged(&self) -> OperationCost {
        self.charged
    }

    /// Returns the `ETag` of the response, if the operation is a cacheable query by GET of an anonymous caller.
    pub(super) async fn tag(
        &self,
        shared: &Shared,
        call: &Call,
        languages: &LanguagePreferences,
        media: Media,
    ) -> Option<Tag> {
        if !self.asked.by_get || !self.plan.cacheable || self.report || *call.viewer() != Viewer::anonymous()
        {
            return None;
        }
        // Read before anything else, so that concurrent writes belong to the next tag. Writes to views that are not
        // public do not change the tag, and so do not reveal that they happened.
        let now = shared.app.clock.now();
        let PublicState { head, turns } = public_state(&shared.app.db, now).await.ok()?;
        let today = now.to_utc().date_naive();
        let variables = serde_json::to_string(&self.variables).ok()?;
        let name = self.name.as_ref().map_or("", Name::as_str);
        let state = format!("{today} {turns:?} {media:?} {languages:?}");
        Tag::new(head, &[&shared.edition, &state, name, &variables, &self.document.text])
    }

    /// Whether it is a subscription.
    pub(super) fn is_stream(&self) -> bool {
        self.kind == OperationType::Subscription
    }

    /// Prepares the operation to be executed for this caller.
    pub(super) fn prepare(
        self,
        shared: &Arc<Shared>,
        call: Call,
        languages: LanguagePreferences,
        resumption: Resumption,
    ) -> Prepared {
        let app = &shared.app;
        let reader = Reader::new(Arc::clone(&app.db), call.viewer().clone(), languages, app.clock.now());
        let resumption = Arc::new(resumption);
        let patience = Arc::new(Patience::until(shared.stopping.clone()));
        let document = self.plan.document(&self.variables);
        let mut request = Request::new(String::new())
            .variables(self.variables)
            .data(Arc::clone(&reader))
            .data(Arc::clone(&resumption))
            .data(Arc::clone(&patience))
            .data(call);
        request = app.given_to(request);
        if let Some(memory) = self.asked.memory {
            // The variables are as large as the body, so its memory stays reserved while they exist.
            request = request.data(memory);
        }
        request.set_parsed_query(document);
        let frame = ResponseContext {
            shared: Arc::clone(shared),
            reader,
            resumption,
            patience,
            kind: self.kind,
            document: self.document,
            plan: self.plan,
            name: self.name,
            report: self.report.then_some(self.charged),
        };
        Prepared { request, frame }
    }
}

/// An operation that is ready to be executed.
pub(super) struct Prepared {
    request: Request,
    frame: ResponseContext,
}

/// A response in a stream.
#[derive(Debug)]
pub(super) struct Event {
    /// The response.
    pub answer: Answer,
    /// The position from which the stream can resume after it, if it can.
    pub id: Option<String>,
}

impl Prepared {
    /// Executes a query or mutation.
    ///
    /// # Errors
    /// The reason why there is no data.
    pub(super) async fn answer(self) -> Result<Answer, Unexecuted> {
        let span = journal::span(self.frame.name.as_deref(), self.frame.kind);
        let answer = self.run().instrument(span.clone()).await;
        let code = match &answer {
            Ok(answer) => answer.errors.first().map(journal::code_of),
            Err(unexecuted) => unexecuted.code(),
        };
        if let Some(code) = code {
            journal::failed(&span, code);
        }
        answer
    }

    async fn run(self) -> Result<Answer, Unexecuted> {
        let Self { request, frame } = self;
        let limit = frame.shared.settings.limits.time;
        let execution = AssertUnwindSafe(frame.shared.schema.once(request)).catch_unwind();
        match frame.patience.limit(limit, execution).await {
            Some(Ok(response)) => frame.finish(response),
            Some(Err(_)) => {
                tracing::error!("a resolver panicked");
                Err(RequestError::fault().into())
            }
            None => {
                let seconds = limit.as_secs_f32();
                let message =
                    format!("The answer was not ready after {seconds} seconds. Ask for less at once.");
                Err(RequestError::new(Code::Timeout, message).into())
            }
        }
    }

    /// Returns the stream of responses: one of a query or mutation, any number of a subscription. An error ends the
    /// stream.
    pub(super) fn answers(self) -> BoxStream<'static, Result<Event, Unexecuted>> {
        if self.frame.kind != OperationType::Subscription {
            let answer = async move { Ok(Event { answer: self.answer().await?, id: None }) };
            return stream::once(answer).boxed();
        }
        let Self { request, frame } = self;
        let responses = frame.shared.schema.stream(request);
        let span = journal::span(frame.name.as_deref(), frame.kind);
        stream::unfold(Some((responses, frame, span)), |state| async move {
            let (mut responses, frame, span) = state?;
            let next = responses.next().instrument(span.clone());
            let Ok(response) = AssertUnwindSafe(next).catch_unwind().await else {
                tracing::error!("a subscription panicked");
                return Some((Err(RequestError::fault().into()), None));
            };
            let response = response?;
            // Null that propagates from a field below spoils one response. An error of the root field ends the
            // stream.
            let failed =
                response.data == Value::Null && response.errors.iter().any(|error| error.path.len() <= 1);
            Some(match frame.finish(response) {
                Ok(Answer { errors, .. }) if failed => (Err(Unexecuted::Invalid(errors)), None),
                Ok(answer) => {
                    let id = frame.resumption.take();
                    (Ok(Event { answer, id }), Some((responses, frame, span)))
                }
                Err(unexecuted) => (Err(unexecuted), None),
            })
        })
        .boxed()
    }
}

/// The context that finishes a response.
struct ResponseContext {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
    resumption: Arc<Resumption>,
    patience: Arc<Patience>,
    kind: OperationType,
    document: Arc<Document>,
    plan: Arc<Plan>,
    name: Option<Name>,
    /// The cost to report in the response.
    report: Option<OperationCost>,
}

impl ResponseContext {
    /// Corrects a response, adds its extensions, and notes the contact data that it shows.
    fn finish(&self, mut response: Response) -> Result<Answer, Unexecuted> {
        if !response.errors.is_empty() {
            let root = match self.kind {
                OperationType::Query => "Query",
                OperationType::Mutation => "Mutation",
                OperationType::Subscription => "Subscription",
            };
            let executed = Executed {
                text: &self.document.text,
                set: self.plan.root(),
                root,
                discreet: !self.shared.settings.introspection && !self.reader.viewer.signed_in,
            };
            let max_errors = self.shared.settings.limits.errors;
            if !answer::mend(&mut response, executed, &self.shared.contract.shapes, max_errors) {
                return Err(Unexecuted::Invalid(response.errors));
            }
        }
        if self.kind != OperationType::Subscription && is_unavailable(&response) {
            return Err(RequestError::unavailable().into());
        }
        answer::put_in_order(&mut response.data, self.plan.root());
        let reader = &self.reader;
        contact_read::note(
            &self.shared.app,
            &self.shared.app.contact_reads,
            &reader.viewer,
            reader.shown_contacts(),
        );
        let substitutes = reader.substitutes();
        if !substitutes.is_empty() {
            response.extensions.insert("languages".into(), Value::List(substitutes));
        }
        if let Some(charged) = self.report {
            response.extensions.insert("cost".into(), charged.value());
        }
        let extensions = (!response.extensions.is_empty()).then(|| {
            let members = response.extensions.into_iter().map(|(name, value)| (Name::new(name), value));
            Value::Object(members.collect())
        });
        Ok(Answer { errors: response.errors, data: Some(response.data), extensions })
    }
}

/// Whether a response has no data because a service that it needs is unavailable. Then its HTTP status must be an
/// error, for clients that read only the status.
fn is_unavailable(response: &Response) -> bool {
    let nothing = match &response.data {
        Value::Object(data) => data.values().all(|value| *value == Value::Null),
        data => *data == Value::Null,
    };
    let code = Code::Unavailable.as_str();
    nothing
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| journal::code_of(error) == code)
}

/// Selects the operation to execute (`GetOperation`).
fn operation<'a>(document: &'a Document, name: Option<&str>) -> Result<&'a compile::Operation, RequestError> {
    let fail = |message: String| Err(RequestError::new(Code::OperationResolutionFailure, message));
    let operations = &document.operations;
    if let Some(name) = name {
        return match operations.get(&Some(name.to_owned())) {
            Some(operation) => Ok(operation),
            None if operations.contains_key(&None) => {
                fail("`operationName` is given, and the only operation of the document has no name.".into())
            }
            None => fail(format!("The document has no operation `{name}`.")),
        };
    }
    let mut all = operations.values();
    match (all.next(), all.next()) {
        (Some(operation), None) => Ok(operation),
        // Every document has at least one operation.
        _ => fail("The document has several operations: say with `operationName` which one.".into()),
    }
}

/// Refuses pages that exceed the operator's limit, if that is lower than the one of the schema.
fn check_pages(plan: &Plan, most: u32, variable: &cost::Variables<'_>) -> Result<(), RequestError> {
    if most >= MAX_PAGE.unsigned_abs() {
        return Ok(());
    }
    for (size, at) in &plan.pages {
        let items = size.with(variable);
        if items > u64::from(most) {
            let message = format!("A page of {items} items is asked for: at most {most} fit on one.");
            return Err(RequestError::at(Code::BadUserInput, message, *at));
        }
    }
    Ok(())
}
