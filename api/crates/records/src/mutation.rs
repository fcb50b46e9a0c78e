//! The common part of all record mutations: from arguments to the write path, and back to a payload.
//!
//! A payload shows the written record like any read: by the caller's selection set and rights. `userErrors` lists all
//! problems of the input at once. A GraphQL error is only for failures that no form could have prevented.

use async_graphql::{Context, ID, SimpleObject};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

use super::write::{
    Answer, Caller, IdempotencyKey, KeyedWrite, Kind, MAX_KEY, Merge, Mergeable, Merged, RecordInput,
    Removal, Status, Step, Submission, TransactionResult, in_transaction, merge, write_once,
};
use crate::handle::Core;
use kernel::RecordType;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::lookup::Key;
use kernel::messages::{self, FilledMessage, Message};
use kernel::node::{self, Node};
use kernel::problem::Problem;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, Warning};
use kernel::value::DateTime;

/// What was deleted, when it will be, or why it is not.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct DeletePayload {
    /// The id of the record that is gone; null where nothing was deleted, or not yet. It is given to no other record.
    pub deleted_id: Option<ID>,
    /// When the erasure runs that was requested: until then it can be stopped with `stopErasure`. Null for what is done
    /// at once.
    pub scheduled_for: Option<DateTime>,
    /// Why nothing was deleted; empty where the record is gone or its erasure is scheduled.
    pub user_errors: Vec<UserError>,
}

/// The outcome of a mutation.
#[derive(Clone, Debug, Default)]
pub struct MutationOutcome {
    /// The record to show: as written, or the present one after a conflict.
    id: Option<Uuid>,
    /// Whether an earlier request with the same idempotency key created the record.
    before: bool,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl MutationOutcome {
    fn refused(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    /// The keys and the selection to read for the payload's field `field`; none where the field is not selected or
    /// there is no record to show.
    pub fn wanted(&self, ctx: &Context<'_>, payload: &str, field: &str) -> Option<(Vec<Key>, Selection)> {
        Some((vec![Key::Id(self.id?)], Selection::of(ctx).below(payload, field)?))
    }

    /// The user errors in the reader's language. `shown` is false where the record is selected and was not found.
    ///
    /// # Errors
    /// [`DomainError::Unconfirmed`] where there is neither a record nor a problem: a payload always has one of them.
    pub fn user_errors(self, reader: &Reader, shown: bool) -> Result<Vec<UserError>, DomainError> {
        let is_there = self.id.is_some() && (shown || self.before);
        if self.problems.is_empty() && !is_there {
            return Err(DomainError::Unconfirmed);
        }
        let gone = (self.before && !shown)
            .then(|| Problem::beside("idempotencyKey", FilledMessage::new(&messages::KEY_WITHOUT_RECORD)));
        let problems = self.problems.iter().chain(&gone);
        Ok(problems.map(|problem| UserError::new(problem, &reader.languages)).collect())
    }
}

/// The payload of the mutations of a record type.
pub trait Payload: Sized {
    /// Name of the payload in the schema.
    const NAME: &'static str;
    /// The field that shows the record.
    const FIELD: &'static str;
    /// The record.
    type Node: Node;
    /// The payload with a record, or with the problems for which nothing was written.
    fn new(node: Option<Self::Node>, warnings: Vec<Warning>, user_errors: Vec<UserError>) -> Self;
}

/// The payload of a mutation, with the record as the caller selects and sees it.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Unconfirmed`].
pub async fn payload<P: Payload>(ctx: &Context<'_>, done: MutationOutcome) -> GraphqlResult<P> {
    let reader = Mutator::of(ctx)?.reader();
    let wanted = done.wanted(ctx, P::NAME, P::FIELD);
    let node = match &wanted {
        Some((keys, want)) => node::find(reader, keys.clone(), want).await.graphql()?.next().flatten(),
        None => None,
    };
    let shown = wanted.is_none() || node.is_some();
    let warnings = done.warnings.iter().map(|warning| Warning::new(warning, &reader.languages)).collect();
    Ok(P::new(node, warnings, done.user_errors(reader, shown).graphql()?))
}

/// The mutation that makes a record.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Unconfirmed`].
pub async fn create<K: Kind, P: Payload>(
    ctx: &Context<'_>,
    input: K::Input,
    key: Option<String>,
) -> GraphqlResult<P> {
    let raw = sent(ctx, "input").graphql()?;
    payload(ctx, Mutator::of(ctx)?.create(RecordInput::new::<K>(input), key, raw).await.graphql()?).await
}

/// The mutation that changes a record.
///
/// # Errors
/// See [`Mutator::update`].
pub async fn update<K: Kind, P: Payload>(
    ctx: &Context<'_>,
    id: &ID,
    base_revision: Option<i32>,
    input: K::Input,
) -> GraphqlResult<P> {
    let record = RecordInput::new::<K>(input);
    payload(ctx, Mutator::of(ctx)?.update(id, base_revision, record).await.graphql()?).await
}

/// The mutation that merges a duplicate into a survivor.
///
/// # Errors
/// See [`Mutator::update`].
pub async fn merged<K: Mergeable, P: Payload>(
    ctx: &Context<'_>,
    asked: &MergeArguments<'_>,
) -> GraphqlResult<P> {
    payload(ctx, Mutator::of(ctx)?.merge::<K>(asked).await.graphql()?).await
}

/// The mutation by which a side says something of a record.
///
/// # Errors
/// See [`Mutator::update`].
pub async fn answered<K: Kind, P: Payload>(ctx: &Context<'_>, id: &ID, answer: Answer) -> GraphqlResult<P> {
    payload(ctx, Mutator::of(ctx)?.answer(id, answer, K::TYPE).await.graphql()?).await
}

/// Checks that a written record was read back, if the payload `wanted` it.
///
/// # Errors
/// [`DomainError::Unconfirmed`] where it is wanted and was not found.
pub fn confirmed<T>(wanted: bool, found: Option<T>) -> Result<Option<T>, DomainError> {
    if wanted && found.is_none() { Err(DomainError::Unconfirmed) } else { Ok(found) }
}

/// The arguments of a merge.
#[derive(Clone, Copy, Debug)]
pub struct MergeArguments<'a> {
    /// The record that stays.
    pub survivor: &'a ID,
    /// The record that goes.
    pub duplicate: &'a ID,
    /// The revision of the survivor that was seen.
    pub base_revision: Option<i32>,
    /// The revision of the duplicate that was seen.
    pub duplicate_revision: Option<i32>,
}

/// The write path for the caller of a request.
#[derive(Clone, Copy, Debug)]
pub struct Mutator<'a> {
    core: &'a Core,
    reader: &'a Arc<Reader>,
}

impl<'a> Mutator<'a> {
    /// The mutator of the request.
    ///
    /// # Errors
    /// Only where the schema is executed without request data.
    pub fn of(ctx: &Context<'a>) -> GraphqlResult<Self> {
        Ok(Self { core: ctx.data()?, reader: Reader::of(ctx)? })
    }

    /// The program.
    pub fn core(&self) -> &'a Core {
        self.core
    }

    /// The reader of the request, for reading back.
    pub fn reader(&self) -> &'a Arc<Reader> {
        self.reader
    }

    /// Creates a record. `input` is the argument as sent, for comparison with later requests that have the same
    /// idempotency key.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn create(
        &self,
        record: RecordInput,
        key: Option<String>,
        input: Option<Value>,
    ) -> Result<MutationOutcome, DomainError> {
        if let Some(message) = self.nobody() {
            return Ok(MutationOutcome::refused(Problem::new("", message)));
        }
        let once = match key {
            None => None,
            Some(key) if key.is_empty() || key.chars().count() > MAX_KEY => {
                let said = FilledMessage::new(&messages::KEY_FORM).with("limit", MAX_KEY.to_string());
                return Ok(MutationOutcome::refused(Problem::beside("idempotencyKey", said)));
            }
            Some(key) => {
                let made = record.record_type().name();
                Some(IdempotencyKey::new(&self.reader.viewer, &key, made, &input.unwrap_or_default())?)
            }
        };
        let submission = Submission { id: Some(self.core.new_id()), ..self.submission(record) };
        self.write(submission, once).await
    }

    /// Changes a record.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for what is no id of its type, [`DomainError::Database`].
    pub async fn update(
        &self,
        id: &ID,
        base_revision: Option<i32>,
        record: RecordInput,
    ) -> Result<MutationOutcome, DomainError> {
        let submission = Submission { base_revision, ..self.submission(record) };
        self.with_record(id, submission).await
    }

    /// Changes a record, and takes a step beside the change of its fields.
    ///
    /// # Errors
    /// See [`Mutator::update`].
    pub async fn update_with(
        &self,
        id: &ID,
        base_revision: Option<i32>,
        record: RecordInput,
        step: Arc<dyn Step>,
    ) -> Result<MutationOutcome, DomainError> {
        let submission = Submission { base_revision, step: Some(step), ..self.submission(record) };
        self.with_record(id, submission).await
    }

    /// Confirms or disputes a record in the name of one side. Its fields stay as they are.
    ///
    /// # Errors
    /// See [`Mutator::update`].
    pub async fn answer(
        &self,
        id: &ID,
        answer: Answer,
        of: RecordType,
    ) -> Result<MutationOutcome, DomainError> {
        let submission = Submission { answer: Some(answer), ..self.submission(RecordInput::blank(of)) };
        self.with_record(id, submission).await
    }

    /// Deletes a record of a type.
    ///
    /// # Errors
    /// See [`Mutator::update`].
    pub async fn delete(
        &self,
        id: &ID,
        base_revision: Option<i32>,
        of: RecordType,
    ) -> GraphqlResult<DeletePayload> {
        let (removal, blank) = (Some(Removal::Delete), RecordInput::blank(of));
        self.removed(id, Submission { base_revision, removal, ..self.submission(blank) }).await
    }

    async fn removed(&self, id: &ID, submission: Submission) -> GraphqlResult<DeletePayload> {
        let prefix = submission.input.record_type().prefix();
        let done = self.with_record(id, submission).await.graphql()?;
        let deleted_id = done.id.filter(|_| done.problems.is_empty()).map(|id| graphql_id(prefix, id));
        Ok(DeletePayload {
            deleted_id,
            user_errors: done.user_errors(self.reader, true).graphql()?,
            ..DeletePayload::default()
        })
    }

    /// Erases a record of a type, with all dependent rows.
    ///
    /// # Errors
    /// See [`Mutator::update`].
    pub async fn erase(&self, id: &ID, of: RecordType) -> GraphqlResult<DeletePayload> {
        let submission =
            Submission { removal: Some(Removal::Erase), ..self.submission(RecordInput::blank(of)) };
        self.removed(id, submission).await
    }

    /// Merges a duplicate into a survivor.
    ///
    /// # Errors
    /// See [`Mutator::update`].
    pub async fn merge<K: Mergeable + 'static>(
        &self,
        asked: &MergeArguments<'_>,
    ) -> Result<MutationOutcome, DomainError> {
        let decode = |argument: &str, id: &ID| id::decode(argument, K::TYPE.prefix(), id);
        let (survivor, duplicate) =
            (decode("survivor", asked.survivor)?, decode("duplicate", asked.duplicate)?);
        if let Some(message) = self.nobody() {
            return Ok(MutationOutcome::refused(Problem::beside("survivor", FilledMessage::new(message))));
        }
        let merge_of = Arc::new(Merge {
            viewer: self.reader.viewer.clone(),
            survivor,
            duplicate,
            survivor_revision: asked.base_revision,
            duplicate_revision: asked.duplicate_revision,
        });
        let merged = in_transaction(self.core, move |core, tx| {
            let asked = Arc::clone(&merge_of);
            Box::pin(async move {
                let (answer, written) = merge::<K>(core, tx, &asked).await?;
                let kept = !written.is_empty();
                Ok(TransactionResult { answer, written, kept })
            })
        })
        .await?;
        let Merged { survivor, problems, accounts } = merged;
        for account in accounts {
            self.core.account_changed(account);
        }
        Ok(MutationOutcome { id: survivor, problems, ..MutationOutcome::default() })
    }

    /// The message for a caller who may write nothing at all; none for other callers.
    pub fn nobody(&self) -> Option<&'static Message> {
        let viewer = &self.reader.viewer;
        (!viewer.signed_in && !viewer.writes_anything()).then_some(&messages::NOT_SIGNED_IN)
    }

    fn submission(&self, record: RecordInput) -> Submission {
        let by = Caller::Person(Arc::new(self.reader.viewer.clone()));
        // People choose with `baseRevision` whether to detect conflicts. Without it they overwrite.
        Submission { by, overwrite: true, ..Submission::new(record) }
    }

    async fn with_record(&self, id: &ID, submission: Submission) -> Result<MutationOutcome, DomainError> {
        let id = id::decode("id", submission.input.record_type().prefix(), id)?;
        if let Some(message) = self.nobody() {
            return Ok(MutationOutcome::refused(Problem::forbidden(message)));
        }
        self.write(Submission { id: Some(id), exists: true, ..submission }, None).await
    }

    async fn write(
        &self,
        submission: Submission,
        once: Option<IdempotencyKey>,
    ) -> Result<MutationOutcome, DomainError> {
        let outcome = match write_once(self.core, submission, once).await? {
            KeyedWrite::Before(id) => {
                return Ok(MutationOutcome { id: Some(id), before: true, ..MutationOutcome::default() });
            }
            KeyedWrite::Otherwise => {
                let problem = Problem::beside("idempotencyKey", FilledMessage::new(&messages::KEY_REUSED));
                return Ok(MutationOutcome::refused(problem));
            }
            KeyedWrite::Now(outcomes) => outcomes.into_iter().next(),
        };
        let outcome = outcome.ok_or_else(|| DomainError::Stored("a write without an outcome".into()))?;
        // After a refusal, the record is shown only on a conflict.
        let shown = outcome.status != Status::Rejected;
        Ok(MutationOutcome {
            id: outcome.id.filter(|_| shown),
            before: false,
            problems: outcome.problems,
            warnings: outcome.warnings,
        })
    }
}

/// An argument as it was sent, with variables replaced: for comparing requests.
///
/// # Errors
/// [`DomainError::Stored`] where it is no JSON.
pub fn sent(ctx: &Context<'_>, argument: &str) -> Result<Option<Value>, DomainError> {
    let found = Selection::root(ctx).arguments.into_iter().find(|(name, _)| name == argument);
    let json = found.map(|(_, value)| value.into_json());
    json.transpose().map_err(|error| DomainError::Stored(error.to_string()))
}
