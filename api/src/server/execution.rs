//! Executes what was asked, whatever way it came: one way to prepare an operation, and one to finish each answer.
//!
//! | what happened | over HTTP | over a socket | as events |
//! |---|---|---|---|
//! | executed, with or without errors in fields | the answer | `next` | `next` |
//! | not executed: [`Unexecuted`] | the status of its error | `error` | `next` with the errors |
//! | the field of a subscription failed, at its beginning or later | | `error` | `next` with the errors |
//!
//! A stream ends with what is in the last two rows.
//!
//! Over HTTP the header `X-Cost` asks what the operation costs: with `report` the answers have it in `extensions.cost`,
//! with `only` it is the answer, and nothing is run.

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
use super::request::{Asked, Media};
use super::{Shared, cost, journal};
use crate::changes::Resumption;
use crate::directory::contact_read;
use crate::identity::caller::Call;
use crate::record::error::Code;
use crate::record::page::MAX_PAGE;
use crate::record::patience::Patience;
use crate::record::policy::Viewer;
use crate::record::reader::Reader;
use crate::record::value::LanguagePreferences;
use crate::sync::feed::store::public_head;

/// What runs operations: the schema, and in tests of this layer a small one.
pub(super) trait Run: Send + Sync {
    /// Runs a query or a mutation.
    fn once(&self, request: Request) -> BoxFuture<'_, Response>;

    /// Runs a subscription.
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

/// How many answers a way can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One, as a response has one body.
    One,
    /// As many as there are: what subscriptions need.
    Many,
}

/// The header that asks for the cost.
const X_COST: &str = "x-cost";

/// Whether somebody wants to know what an operation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CostWanted {
    /// Nobody asks.
    #[default]
    No,
    /// With the answer.
    Report,
    /// In place of the answer, whatever the limit is.
    Only,
}

impl CostWanted {
    /// What the header says.
    ///
    /// # Errors
    /// Where it says something else: who wanted nothing to be run must not be misunderstood.
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

/// What an operation costs, and what it may, in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    points: u64,
    most: u64,
}

impl Charged {
    /// As `extensions.cost` says it.
    fn value(self) -> Value {
        let members = [("requestedQueryCost", self.points), ("maximumAvailable", self.most)];
        Value::Object(members.into_iter().map(|(name, points)| (Name::new(name), points.into())).collect())
    }

    /// The answer that says nothing else.
    pub(super) fn answer(self) -> Answer {
        let extensions = Value::Object([(Name::new("cost"), self.value())].into_iter().collect());
        // As if every field had been skipped: data that is null would be a failure.
        Answer {
            data: Some(Value::Object(IndexMap::new())),
            extensions: Some(extensions),
            ..Answer::default()
        }
    }
}

/// Why there is no data.
#[derive(Debug)]
pub(super) enum Unexecuted {
    /// Refused for its form.
    Refused(Refusal),
    /// Something is wrong with it.
    Error(RequestError),
    /// Validation refused it, or the field of a subscription failed.
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

    /// The errors, where there is no status to say more.
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

/// The languages that a request prefers.
pub(super) fn languages(headers: &HeaderMap) -> LanguagePreferences {
    let text = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    LanguagePreferences::parse(text)
}

/// An operation of a valid document within the limits, with all its variables.
#[derive(Debug)]
pub(super) struct Operation {
    document: Arc<Document>,
    plan: Arc<Plan>,
    /// Its name in the document.
    name: Option<Name>,
    asked: Asked,
    /// The values of its variables, coerced.
    variables: Variables,
    kind: OperationType,
    charged: Charged,
    report: bool,
}

impl Operation {
    /// Lets the caller pay for being read, whatever is asked. The rest is paid when its cost is known.
    ///
    /// # Errors
    /// Where they have no point left.
    pub(super) fn pay(shared: &Shared, call: &Call) -> Result<(), Refusal> {
        shared.app.traffic.pay(call).map_err(Refusal::rate_limited)
    }

    /// The operation that is asked for, by who has [paid](Self::pay).
    ///
    /// # Errors
    /// [`Unexecuted`] where there is none, it is not answered this way, or the caller has no points left.
    pub(super) fn read(
        shared: &Shared,
        call: &Call,
        asked: Asked,
        way: Way,
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
        mut asked: Asked,
        way: Way,
        wanted: CostWanted,
    ) -> Result<Self, Unexecuted> {
        let discreet = !shared.settings.introspection && !call.viewer().signed_in;
        let document = shared.documents.find(&asked.document)?;
        let operation = match operation(&document, asked.operation_name.as_deref()) {
            Ok(operation) => operation,
            // None of them can be meant by a name.
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
        if kind == OperationType::Subscription && way == Way::One && wanted != CostWanted::Only {
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
        let charged = Charged { points: plan.cost.points(&variable), most: most.cost };
        if charged.points > charged.most && wanted != CostWanted::Only {
            let Charged { points, most } = charged;
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

    /// Why a document is not executed.
    fn invalid(document: &Document, max_errors: usize, discreet: bool) -> Unexecuted {
        let mut errors: Vec<ServerError> = document.invalid.iter().take(max_errors).cloned().collect();
        for error in &mut errors {
            answer::tell(&mut error.message, &document.text, discreet);
        }
        Unexecuted::Invalid(errors)
    }

    /// What it costs.
    pub(super) fn charged(&self) -> Charged {
        self.charged
    }

    /// What tells the state of its answer from others, as long as it is a query by GET whose answer everybody is given.
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
        // Before anything is read: what is written meanwhile belongs to the next state. What is written where not everybody
        // sees it changes nothing of the tag, and so tells nobody that there was something.
        let head = public_head(&shared.app.db).await.ok()?;
        let today = shared.app.clock.now().to_utc().date_naive();
        let variables = serde_json::to_string(&self.variables).ok()?;
        let name = self.name.as_ref().map_or("", Name::as_str);
        let state = format!("{today} {media:?} {languages:?}");
        Tag::new(head, &[&shared.edition, &state, name, &variables, &self.document.text])
    }

    /// Whether it is a subscription.
    pub(super) fn is_stream(&self) -> bool {
        self.kind == OperationType::Subscription
    }

    /// The operation, ready to be executed for who calls.
    pub(super) fn prepare(
        self,
        shared: &Arc<Shared>,
        call: Call,
        languages: LanguagePreferences,
        resumption: Resumption,
    ) -> Prepared {
        let app = &shared.app;
        let today = app.clock.now().to_utc().date_naive();
        let reader = Reader::new(Arc::clone(&app.db), call.viewer().clone(), languages, today);
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
            // The variables are as long as the body was: its memory is taken for as long as they are there.
            request = request.data(memory);
        }
        request.set_parsed_query(document);
        let frame = Frame {
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
    frame: Frame,
}

/// An answer of a stream.
#[derive(Debug)]
pub(super) struct Event {
    /// The answer.
    pub answer: Answer,
    /// Where the stream can be taken up again after it, if it can.
    pub id: Option<String>,
}

impl Prepared {
    /// The one answer of a query or mutation.
    ///
    /// # Errors
    /// Why there is no data.
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

    /// All answers: one of a query or mutation, those of a subscription as they come. An error is the last.
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
                tracing::error!("the stream of a subscription panicked");
                return Some((Err(RequestError::fault().into()), None));
            };
            let response = response?;
            // A field below that may not be null spoils one answer; where the field of the root itself fails, its
            // stream has.
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

/// What an answer is finished with.
struct Frame {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
    resumption: Arc<Resumption>,
    patience: Arc<Patience>,
    kind: OperationType,
    document: Arc<Document>,
    plan: Arc<Plan>,
    name: Option<Name>,
    /// What the answer says of the cost.
    report: Option<Charged>,
}

impl Frame {
    /// Puts an answer right, and notes what it shows.
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

/// Whether there is nothing in an answer, because something that it needs does not answer: whoever reads no more of it than
/// its status must see that.
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

/// The operation that is to be executed (`GetOperation`).
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
        // No document is without an operation.
        _ => fail("The document has several operations: say with `operationName` which one.".into()),
    }
}

/// Refuses pages of more items than the operator allows, where that is less than the schema says.
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
