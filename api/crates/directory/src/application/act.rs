//! What the members of an applicant do with an application: they make it, change it, submit it, take it back, delete it.

use std::sync::Arc;

use futures::future::BoxFuture;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::decide::settle;
use super::rules::{self, Act, Asked};
use super::write::{self, ApplicationInput, Call, Written};
use super::{ApplicationStatus, mail};
use identity::Identity;
use kernel::error::DomainError;
use kernel::input::Fields;
use kernel::messages::FilledMessage;
use kernel::messages::applications as messages;
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems};
use kernel::{RecordType, name_of};
use records::audit::{self, Action, Actor, Subject};
use records::reference::resolve;
use records::write::{
    Batch, IdempotencyKey, KeyState, Reference, Resolved, TransactionResult, claim, in_transaction, lock_ids,
};

/// What somebody does as a member of an applicant.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Makes a draft.
    Create {
        /// The call.
        call: Uuid,
        /// What is known of it.
        input: Box<ApplicationInput>,
        /// What makes it safe to send the same again.
        once: Option<IdempotencyKey>,
    },
    /// Changes it.
    Update {
        /// What changes.
        input: Box<ApplicationInput>,
        /// The revision that was seen.
        base_revision: Option<i32>,
    },
    /// Submits it.
    Submit,
    /// Takes it back.
    Withdraw,
    /// Deletes it.
    Delete,
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ApplicationOutcome {
    /// The application to show: as it was written, or as it is after a conflict.
    pub application: Option<Uuid>,
    /// Whether an earlier request with the same key has made it.
    pub before: bool,
    /// Why nothing was written.
    pub problems: Vec<Problem>,
}

impl ApplicationOutcome {
    pub(super) fn refused(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// The result of work in a transaction.
pub(super) type Outcome = Result<TransactionResult<ApplicationOutcome>, DomainError>;

/// The transaction has written, and is committed.
#[expect(clippy::unnecessary_wraps, reason = "it is what the work of a transaction answers")]
pub(super) fn done(id: Uuid, written: Vec<records::write::Written>) -> Outcome {
    let answer = ApplicationOutcome { application: Some(id), ..ApplicationOutcome::default() };
    Ok(TransactionResult { answer, written, kept: true })
}

/// The transaction has written nothing.
#[expect(clippy::unnecessary_wraps, reason = "it is what the work of a transaction answers")]
pub(super) fn ended(answer: ApplicationOutcome) -> Outcome {
    Ok(TransactionResult { answer, written: Vec::new(), kept: false })
}

pub(super) fn refused(problem: Problem) -> Outcome {
    ended(ApplicationOutcome::refused(problem))
}

/// Does something as a member of an applicant. `id` is that of the application, also of one that is made.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn act(
    identity: &Identity,
    viewer: Viewer,
    id: Uuid,
    deed: Deed,
) -> Result<ApplicationOutcome, DomainError> {
    let asked = Arc::new((viewer, deed));
    in_transaction(identity, move |identity, tx| -> BoxFuture<'_, Outcome> {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            match &asked.1 {
                Deed::Create { call, input, once } => {
                    create(identity, tx, &asked.0, (id, *call), input, once.as_ref()).await
                }
                deed => change(identity, tx, &asked.0, id, deed).await,
            }
        })
    })
    .await
}

/// Whether a call takes applications now. It closes to the second: the transaction that holds its lock decides.
fn refusal_of(batch: &Batch<'_>, call: &Call, submits: bool) -> Option<&'static kernel::messages::Message> {
    let now = batch.now.micros();
    let model = &call.model;
    if model.followed {
        return Some(&messages::CALL_ELSEWHERE);
    }
    if !model.draft && now > model.closes_key {
        return Some(&messages::CALL_CLOSED);
    }
    let waits = model.draft || (submits && now < model.opens_key);
    waits.then_some(&messages::CALL_NOT_OPEN)
}

/// Finds the organizations that an input names, and keeps them from being deleted meanwhile.
async fn resolve_all(
    batch: &mut Batch<'_>,
    viewer: &Viewer,
    references: &[Reference],
) -> Result<(), DomainError> {
    let found = resolve(batch, references, Some(viewer), true).await?;
    batch.resolved = Resolved::from(found);
    Ok(())
}

async fn create(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    (id, call): (Uuid, Uuid),
    input: &ApplicationInput,
    once: Option<&IdempotencyKey>,
) -> Outcome {
    if let Some(once) = once {
        match claim(identity, tx, once, id).await? {
            KeyState::First => {}
            KeyState::Again(id, _) => {
                let answer = ApplicationOutcome { application: Some(id), before: true, problems: Vec::new() };
                return ended(answer);
            }
            KeyState::Other => {
                let said = FilledMessage::new(&kernel::messages::KEY_REUSED);
                return refused(Problem::beside("idempotencyKey", said));
            }
        }
    }
    let mut batch = Batch::new(identity, tx);
    let at_call = |message| refused(Problem::beside("call", FilledMessage::new(message)));
    // The call first, as in all that depends on it. A hidden call is like one that is not there.
    let text = kernel::id::encode(RecordType::Call.prefix(), call);
    let reference = Reference { to: RecordType::Call, text: text.clone() };
    let found = resolve(&batch, std::slice::from_ref(&reference), Some(viewer), false).await?;
    let Some(call) = found.get(&reference).copied() else {
        let unknown = Problem::unknown_reference("call", RecordType::Call, &text);
        return refused(unknown.not_of_the_input());
    };
    lock_ids(&batch, &[call]).await?;
    let Some(call) = write::call(&batch, call).await? else {
        return at_call(&kernel::messages::NO_RECORD);
    };
    if let Some(message) = refusal_of(&batch, &call, false) {
        return at_call(message);
    }
    resolve_all(&mut batch, viewer, &input.references()).await?;
    let now = batch.now.micros();
    let mut row = Written::default();
    row.model = entity::application::Model {
        id,
        call_id: call.model.id,
        status: name_of(ApplicationStatus::Draft).to_owned(),
        revision: 1,
        written_by: viewer.account.filter(|_| !viewer.machine),
        created_at: now,
        updated_at: now,
        ..row.model
    };
    let mut problems = Problems::default();
    write::merge(&batch, &mut row, input, &mut Fields { new: true, problems: &mut problems });
    if !problems.concern("applicant") && !viewer.applies_for(row.model.applicant_id) {
        return refused(Problem::new("applicant", &messages::NOT_OF_THE_APPLICANT));
    }
    if !problems.is_empty() {
        return ended(ApplicationOutcome { problems: problems.take(), ..ApplicationOutcome::default() });
    }
    write::save(&batch, &row, None).await?;
    note(identity, tx, viewer, Action::Create, &row, None).await?;
    done(id, Vec::new())
}

async fn change(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    id: Uuid,
    deed: &Deed,
) -> Outcome {
    let mut batch = Batch::new(identity, tx);
    let Some((call, before)) = held(&batch, viewer, id).await? else { return refused(Problem::no_record()) };
    if !viewer.applies_for(before.model.applicant_id) {
        return refused(Problem::forbidden(&messages::NOT_OF_THE_APPLICANT));
    }
    let act = match deed {
        Deed::Create { .. } | Deed::Update { .. } => Act::Update,
        Deed::Submit => Act::Submit,
        Deed::Withdraw => Act::Withdraw,
        Deed::Delete => Act::Delete,
    };
    if let Deed::Update { base_revision: Some(base), .. } = deed
        && *base != before.model.revision
    {
        let problems = vec![Problem::conflict(before.model.revision)];
        return ended(ApplicationOutcome { application: Some(id), before: false, problems });
    }
    if let Some(problem) = not_in_state(&before, act) {
        return refused(problem);
    }
    if matches!(act, Act::Update | Act::Submit)
        && let Some(message) = refusal_of(&batch, &call, act == Act::Submit)
    {
        return refused(Problem::forbidden(message));
    }
    let mut after = before.clone();
    match deed {
        Deed::Create { input, .. } | Deed::Update { input, .. } => {
            if before.status() != ApplicationStatus::Draft && write::is_judged(&batch, id).await? {
                return refused(Problem::forbidden(&messages::A_FUNDER_HAS_DECIDED));
            }
            resolve_all(&mut batch, viewer, &input.references()).await?;
            let mut problems = Problems::default();
            write::merge(&batch, &mut after, input, &mut Fields { new: false, problems: &mut problems });
            if !viewer.applies_for(after.model.applicant_id) {
                return refused(Problem::new("applicant", &messages::NOT_OF_THE_APPLICANT));
            }
            if before.status() == ApplicationStatus::Submitted {
                check(&batch, &call, &after, &mut problems).await?;
            }
            if !problems.is_empty() {
                return ended(ApplicationOutcome {
                    problems: problems.take(),
                    ..ApplicationOutcome::default()
                });
            }
            if after == before {
                return ended(ApplicationOutcome { application: Some(id), ..ApplicationOutcome::default() });
            }
        }
        Deed::Submit => {
            let mut problems = Problems::default();
            check(&batch, &call, &after, &mut problems).await?;
            if !problems.is_empty() {
                // The application is as it was written before: the problems are beside the input of this mutation.
                let problems = problems.take().into_iter().map(Problem::not_of_the_input).collect();
                return ended(ApplicationOutcome { problems, ..ApplicationOutcome::default() });
            }
            name_of(ApplicationStatus::Submitted).clone_into(&mut after.model.status);
            after.model.submitted_at = Some(batch.now.micros());
            mail::received(identity, tx, &after).await?;
        }
        Deed::Withdraw => name_of(ApplicationStatus::Withdrawn).clone_into(&mut after.model.status),
        Deed::Delete => {
            write::delete(&batch, id).await?;
            note(identity, tx, viewer, Action::Delete, &before, Some(&before)).await?;
            return done(id, Vec::new());
        }
    }
    save(identity, tx, viewer, (&mut after, &before), Action::Update).await?;
    let written = settle(identity, tx, &call.model).await?;
    done(id, written)
}

/// An application that the viewer sees, with its call: both are locked, the call first.
pub(super) async fn held(
    batch: &Batch<'_>,
    viewer: &Viewer,
    id: Uuid,
) -> Result<Option<(Call, Written)>, DomainError> {
    let Some(call) = write::call_of(batch, viewer, id).await? else { return Ok(None) };
    lock_ids(batch, &[call]).await?;
    let (call, application) = (write::call(batch, call).await?, write::locked(batch, id).await?);
    Ok(call.zip(application))
}

/// The problem where an application is not in a state that allows it.
pub(super) fn not_in_state(application: &Written, act: Act) -> Option<Problem> {
    let status = application.status();
    let said = FilledMessage::new(&messages::APPLICATION_STATE).with("status", name_of(status));
    (!rules::allows(status, act)).then(|| Problem::beside("id", said))
}

/// Writes an application as it is now, with a new revision and an entry in its history.
pub(super) async fn save(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    (after, before): (&mut Written, &Written),
    action: Action,
) -> Result<(), DomainError> {
    let batch = Batch::new(identity, tx);
    after.model.revision += 1;
    after.model.updated_at = batch.now.micros();
    write::save(&batch, after, Some(before)).await?;
    note(identity, tx, viewer, action, after, Some(before)).await
}

/// Checks an application against its lot.
async fn check(
    batch: &Batch<'_>,
    call: &Call,
    application: &Written,
    problems: &mut Problems,
) -> Result<(), DomainError> {
    let regions = write::regions(batch, application.model.applicant_id).await?;
    let asked = Asked {
        genre: application.model.genre.as_deref(),
        requested: application.requested(),
        budget: application.budget(),
        episodes: application.model.episodes,
        minutes: application.minutes(),
        regions: regions.iter().map(String::as_str).collect(),
    };
    let mut found = Problems::default();
    rules::check(&call.terms, &asked, &mut found);
    // What is wrong with the text of a field is said once.
    let is_told =
        |problem: &Problem| problem.path.split('.').next().is_some_and(|field| problems.concern(field));
    let more: Vec<Problem> = found.take().into_iter().filter(|problem| !is_told(problem)).collect();
    problems.extend(more);
    Ok(())
}

/// The names of the fields in which two states of an application differ, as in the schema.
fn changed(after: &Written, before: Option<&Written>) -> Vec<String> {
    let blank = Written::default();
    let had = before.unwrap_or(&blank);
    let (new, old) = (&after.model, &had.model);
    let fields = [
        ("status", new.status != old.status),
        ("genre", new.genre != old.genre),
        ("projectTitle", new.project_title != old.project_title),
        ("summary", new.summary != old.summary),
        ("applicant", new.applicant_id != old.applicant_id),
        ("partners", after.partners != had.partners),
        ("requested", after.requested() != had.requested()),
        ("projectBudget", after.budget() != had.budget()),
        ("episodes", new.episodes != old.episodes),
        ("minutes", new.minutes != old.minutes),
        ("links", new.links != old.links),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

/// Notes in the history of an application what was done.
async fn note(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    action: Action,
    after: &Written,
    before: Option<&Written>,
) -> Result<(), DomainError> {
    let entry = audit::Entry {
        revision: (action != Action::Delete).then_some(after.model.revision),
        fields: changed(after, before),
        ..audit::Entry::new(Actor::of(Some(viewer)), action, Subject::Application(after.model.id))
    };
    audit::record(tx, identity.db.dialect(), vec![entry], identity.clock.now()).await
}
