//! Mutations of registrations.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::event_registration::Model;
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, EntityTrait};
use uuid::Uuid;

use super::graphql::{EventRegistrationNode, PREFIX};
use super::store::{self, Target};
use super::write::Places;
use super::{MAX_MESSAGE, RegistrationStatus};
use identity::account::store as accounts;
use identity::mail::EventNews;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::input::Fields;
use kernel::messages::{self, FilledMessage, Message};
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems};
use kernel::read::Selection;
use kernel::user_error::UserError;
use kernel::{RecordType, name_of, value_of};
use records::handle::Core;
use records::mutation::{Mutator, confirmed, sent};
use records::write::{
    Batch, IdempotencyKey, KeyState, MAX_KEY, TransactionResult, Written, claim, in_transaction,
};

const _: () = assert!(MAX_MESSAGE == 2000, "the descriptions of `message` say so");

/// A registration for an event.
#[derive(Clone, Debug, InputObject)]
pub struct EventRegistrationInput {
    /// Id of the event.
    pub event: ID,
    /// Id of the organization that the person comes for: one of `organizations` of their account.
    pub organization: Option<ID>,
    /// What the organizers should know: 2,000 characters at most. They alone read it.
    pub message: Option<String>,
    /// Whether the person agrees to be shown to everybody among those who come, by name and organization; false where it
    /// is not given.
    pub listed: Option<bool>,
}

/// A registration as it is now, or why nothing was done.
#[derive(Clone, Debug, SimpleObject)]
pub struct EventRegistrationPayload {
    /// The registration; null where nothing was done.
    pub registration: Option<EventRegistrationNode>,
    /// All that is wrong, at once. Nothing was written then; empty where all went well.
    pub user_errors: Vec<UserError>,
}

/// What became of a request.
#[derive(Clone, Debug, Default)]
struct Outcome {
    registration: Option<Uuid>,
    /// Whether an earlier request with the same idempotency key made it.
    before: bool,
    problems: Vec<Problem>,
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

type Ended = Result<TransactionResult<Outcome>, DomainError>;

fn refused(outcome: impl Into<Outcome>) -> TransactionResult<Outcome> {
    TransactionResult { answer: outcome.into(), written: Vec::<Written>::new(), kept: false }
}

fn done(registration: Uuid) -> TransactionResult<Outcome> {
    let answer = Outcome { registration: Some(registration), ..Outcome::default() };
    TransactionResult { answer, written: Vec::<Written>::new(), kept: true }
}

/// Who may not change registrations at all: whoever is not signed in, and API keys.
fn nobody(viewer: &Viewer) -> Option<&'static Message> {
    if viewer.machine {
        return Some(&messages::REGISTERED_BY_PEOPLE);
    }
    (viewer.account.is_none() && !viewer.admin).then_some(&messages::NOT_SIGNED_IN)
}

/// Somebody who registers.
#[derive(Debug)]
struct Registrant {
    viewer: Viewer,
    event: Uuid,
    /// The event as it was named.
    event_text: String,
    organization: Option<Uuid>,
    message: Option<String>,
    listed: bool,
    once: Option<IdempotencyKey>,
}

/// The problem of an organization that an account does not belong to, whether it exists or not.
async fn organization_problem(
    tx: &DatabaseTransaction,
    account: Uuid,
    organization: Option<Uuid>,
) -> Result<Option<Problem>, DomainError> {
    let Some(organization) = organization else { return Ok(None) };
    let is_member = accounts::is_member(tx, account, organization).await?;
    Ok((!is_member).then(|| Problem::new("organization", &messages::NOT_YOUR_ORGANIZATION)))
}

/// Why somebody cannot register who has registered before.
fn again(known: Option<&Model>) -> Result<Option<&'static Message>, DomainError> {
    let Some(known) = known else { return Ok(None) };
    Ok(match status_of(known)? {
        RegistrationStatus::Cancelled => None,
        RegistrationStatus::Declined => Some(&messages::REGISTRATION_DECLINED),
        _ => Some(&messages::ALREADY_REGISTERED),
    })
}

fn status_of(registration: &Model) -> Result<RegistrationStatus, DomainError> {
    let unknown = || DomainError::Stored(format!("no such enum value: {}", registration.status));
    value_of(&registration.status).ok_or_else(unknown)
}

async fn register(core: &Core, tx: &DatabaseTransaction, asked: &Registrant) -> Ended {
    let batch = Batch::new(core, tx);
    let account = asked.viewer.person().unwrap_or_default();
    // Whoever has cancelled before gets the same registration again.
    let known = store::of_person(tx, asked.event, account).await?;
    let id = known.map_or_else(id::random, |known| known.id);
    if let Some(once) = &asked.once {
        match claim(core, tx, once, id).await? {
            KeyState::First => {}
            KeyState::Again(id, _) => {
                return Ok(refused(Outcome { registration: Some(id), before: true, ..Outcome::default() }));
            }
            KeyState::Other => {
                return Ok(refused(Problem::beside(
                    "idempotencyKey",
                    FilledMessage::new(&messages::KEY_REUSED),
                )));
            }
        }
    }
    // Locked: nobody is registered who is being erased.
    if accounts::lock(tx, account).await?.is_none() {
        return Ok(refused(Problem::new("", &messages::NOT_SIGNED_IN)));
    }
    let unknown = || Problem::unknown_reference("event", RecordType::Event, &asked.event_text);
    if !store::sees_event(&batch, &asked.viewer, asked.event).await? {
        return Ok(refused(unknown()));
    }
    let Some(mut places) = Places::lock(&batch, asked.event).await? else { return Ok(refused(unknown())) };
    let mut problems = Problems::default();
    problems.extend(organization_problem(tx, account, asked.organization).await?);
    let (given, mut message) =
        (asked.message.clone().map_or(MaybeUndefined::Undefined, MaybeUndefined::Value), None);
    Fields { new: true, problems: &mut problems }.text("message", &given, MAX_MESSAGE, &mut message);
    let known = store::of_person(tx, asked.event, account).await?;
    let admitted = match again(known.as_ref())? {
        Some(message) => Err(message),
        None => places.terms.admit(places.confirmed, batch.now),
    };
    let admitted = problems.note(admitted.map_err(|message| Problem::new("event", message)));
    let Some(status) = admitted.filter(|_| problems.is_empty()) else {
        return Ok(refused(Outcome { problems: problems.take(), ..Outcome::default() }));
    };
    let registration = Model {
        id,
        event_id: asked.event,
        account_id: account,
        organization_id: asked.organization,
        message,
        listed: asked.listed,
        status: name_of(status).to_owned(),
        registered_at: places.next_at(),
    };
    places.put(registration).await?;
    match status {
        RegistrationStatus::Confirmed => {
            places.take();
            places.tell(account, EventNews::Confirmed).await?;
        }
        RegistrationStatus::Waitlisted => places.tell(account, EventNews::Waitlisted).await?,
        _ => {}
    }
    places.settle().await?;
    Ok(done(id))
}

/// A change of a registration.
#[derive(Clone, Debug)]
enum Change {
    Cancel,
    Confirm,
    Decline,
    Update {
        listed: MaybeUndefined<bool>,
        message: MaybeUndefined<String>,
        organization: MaybeUndefined<Uuid>,
    },
}

impl Change {
    /// Why somebody who sees the registration may not do this.
    fn refusal(&self, target: Target) -> Option<&'static Message> {
        match self {
            Self::Cancel | Self::Update { .. } if !target.is_own => Some(&messages::NOT_YOUR_REGISTRATION),
            Self::Confirm | Self::Decline if !target.is_organizer => Some(&messages::ORGANIZERS_DECIDE),
            _ => None,
        }
    }
}

/// The registration is in a state in which this cannot be done.
fn in_state(message: &'static Message, status: RegistrationStatus) -> Problem {
    Problem::beside("id", FilledMessage::new(message).with("status", name_of(status)))
}

async fn change(core: &Core, tx: &DatabaseTransaction, viewer: &Viewer, id: Uuid, change: &Change) -> Ended {
    let batch = Batch::new(core, tx);
    let Some(target) = store::target(&batch, viewer, id).await? else {
        return Ok(refused(Problem::no_record()));
    };
    if let Some(message) = change.refusal(target) {
        return Ok(refused(Problem::forbidden(message)));
    }
    let Some(mut places) = Places::lock(&batch, target.event).await? else {
        return Ok(refused(Problem::no_record()));
    };
    // As it is under the lock.
    let found = entity::event_registration::Entity::find_by_id(id).one(tx).await?;
    let Some(mut registration) = found else { return Ok(refused(Problem::no_record())) };
    let status = status_of(&registration)?;
    let account = registration.account_id;
    let mut set = |status: RegistrationStatus| name_of(status).clone_into(&mut registration.status);
    match change {
        Change::Cancel => {
            if !status.is_active() {
                return Ok(refused(in_state(&messages::REGISTRATION_STATE, status)));
            }
            if places.terms.is_over(batch.now) {
                return Ok(refused(in_state(&messages::EVENT_OVER, status)));
            }
            set(RegistrationStatus::Cancelled);
            if status == RegistrationStatus::Confirmed {
                places.free();
            }
        }
        Change::Confirm => {
            if let Err(message) = places.terms.confirm(status, places.confirmed, batch.now) {
                return Ok(refused(in_state(message, status)));
            }
            set(RegistrationStatus::Confirmed);
            places.take();
            places.tell(account, EventNews::Confirmed).await?;
        }
        Change::Decline => {
            if !status.awaits_answer() {
                return Ok(refused(in_state(&messages::REGISTRATION_STATE, status)));
            }
            set(RegistrationStatus::Declined);
            places.tell(account, EventNews::Declined).await?;
        }
        Change::Update { listed, message, organization } => {
            if !status.is_active() {
                return Ok(refused(in_state(&messages::REGISTRATION_STATE, status)));
            }
            let mut problems = Problems::default();
            problems.extend(organization_problem(tx, account, organization.value().copied()).await?);
            let mut fields = Fields { new: false, problems: &mut problems };
            fields.text("message", message, MAX_MESSAGE, &mut registration.message);
            fields.set(organization, &mut registration.organization_id);
            registration.listed = fields.or(listed, false).unwrap_or(registration.listed);
            if !problems.is_empty() {
                let problems = problems.take().into_iter().map(Problem::not_of_the_input).collect();
                return Ok(refused(Outcome { problems, ..Outcome::default() }));
            }
        }
    }
    places.put(registration).await?;
    places.settle().await?;
    Ok(done(id))
}

/// The payload, with the registration as the caller selects it.
async fn payload(ctx: &Context<'_>, outcome: Outcome) -> GraphqlResult<EventRegistrationPayload> {
    let reader = Mutator::of(ctx)?.reader();
    let Outcome { registration, before, mut problems } = outcome;
    let is_done = problems.is_empty();
    confirmed(is_done, registration).graphql()?;
    let want = Selection::of(ctx).below("EventRegistrationPayload", "registration");
    let registration = match registration.zip(want) {
        Some((id, want)) => {
            let found = EventRegistrationNode::by_ids(reader, &[id], &want).await.graphql()?.pop().flatten();
            if before && found.is_none() {
                let gone = FilledMessage::new(&messages::KEY_WITHOUT_RECORD);
                problems.push(Problem::beside("idempotencyKey", gone));
            } else {
                confirmed(is_done, found.as_ref()).graphql()?;
            }
            found
        }
        None => None,
    };
    let user_errors = problems.iter().map(|problem| UserError::new(problem, &reader.languages)).collect();
    Ok(EventRegistrationPayload { registration, user_errors })
}

/// Makes a change, and answers its payload.
async fn changed(ctx: &Context<'_>, id: &ID, asked: Change) -> GraphqlResult<EventRegistrationPayload> {
    let mutator = Mutator::of(ctx)?;
    let id = id::decode("id", PREFIX, id).graphql()?;
    let viewer = mutator.reader().viewer.clone();
    if let Some(message) = nobody(&viewer) {
        return payload(ctx, Problem::forbidden(message).into()).await;
    }
    let asked = Arc::new((viewer, asked));
    let outcome = in_transaction(mutator.core(), move |core, tx| -> BoxFuture<'_, Ended> {
        let asked = Arc::clone(&asked);
        Box::pin(async move { change(core, tx, &asked.0, id, &asked.1).await })
    });
    payload(ctx, outcome.await.graphql()?).await
}

/// The problem of an idempotency key that has not the form of one.
fn key_problem(key: &str) -> Option<Problem> {
    let said = || FilledMessage::new(&messages::KEY_FORM).with("limit", MAX_KEY.to_string());
    let is_wrong = key.is_empty() || key.chars().count() > MAX_KEY;
    is_wrong.then(|| Problem::beside("idempotencyKey", said()))
}

/// What the idempotency keys of registrations are for.
const TYPE: &str = "EventRegistration";

/// Mutations of registrations.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegistrationMutation;

/// Mutations of registrations.
#[Object]
impl RegistrationMutation {
    /// Registers the person who is signed in for an event. Where anybody may come (OPEN), they are CONFIRMED as long as
    /// there is a place, else WAITLISTED: they move up by themselves when a place becomes free. `ON_APPROVAL`, they are
    /// REQUESTED until the organizers answer. A mail tells them when they have a place, wait, move up or are declined.
    /// A person has one registration for an event; whoever has cancelled may register again, at the end of the line.
    /// Registration closes at `registrationClosesAt`; without it, when the event begins, or where its hour is not known
    /// when it ends (CLOSED). An API key registers nobody (FORBIDDEN).
    async fn register_for_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For which event, and what the organizers should know.")]
        input: EventRegistrationInput,
        #[graphql(
            desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the registration that it made first. With another input it is a CONFLICT."
        )]
        idempotency_key: Option<String>,
    ) -> GraphqlResult<EventRegistrationPayload> {
        let mutator = Mutator::of(ctx)?;
        let event = id::decode("input.event", RecordType::Event.prefix(), &input.event).graphql()?;
        let organization = input
            .organization
            .as_ref()
            .map(|id| id::decode("input.organization", RecordType::Organization.prefix(), id));
        let organization = organization.transpose().graphql()?;
        let viewer = mutator.reader().viewer.clone();
        if let Some(message) = nobody(&viewer) {
            return payload(ctx, Problem::new("", message).into()).await;
        }
        let raw = sent(ctx, "input").graphql()?.unwrap_or_default();
        if let Some(problem) = idempotency_key.as_deref().and_then(key_problem) {
            return payload(ctx, problem.into()).await;
        }
        let once = idempotency_key.map(|key| IdempotencyKey::new(&viewer, &key, TYPE, &raw));
        let once = once.transpose().graphql()?;
        let asked = Arc::new(Registrant {
            viewer,
            event,
            event_text: input.event.to_string(),
            organization,
            message: input.message,
            listed: input.listed.unwrap_or_default(),
            once,
        });
        let outcome = in_transaction(mutator.core(), move |core, tx| -> BoxFuture<'_, Ended> {
            let asked = Arc::clone(&asked);
            Box::pin(async move { register(core, tx, &asked).await })
        });
        payload(ctx, outcome.await.graphql()?).await
    }

    /// Cancels a registration, until the event is over. The person may, and nobody else. Their place goes to whoever is
    /// first in line, at once.
    async fn cancel_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the registration.")] id: ID,
    ) -> GraphqlResult<EventRegistrationPayload> {
        changed(ctx, &id, Change::Cancel).await
    }

    /// Gives a place to somebody who has asked for one, or waits. The organizers may: members of an organizing
    /// organization, and those who write the records of the event's region. FULL where no place is left.
    async fn confirm_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the registration.")] id: ID,
    ) -> GraphqlResult<EventRegistrationPayload> {
        changed(ctx, &id, Change::Confirm).await
    }

    /// Declines somebody who has asked for a place, or waits. The organizers may. It is final: the person cannot register
    /// for the event again. A place that was given is not taken away.
    async fn decline_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the registration.")] id: ID,
    ) -> GraphqlResult<EventRegistrationPayload> {
        changed(ctx, &id, Change::Decline).await
    }

    /// Changes what a registration says, as long as it was neither cancelled nor declined. The person may, and nobody
    /// else. An argument that is absent keeps, null clears.
    async fn update_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the registration.")] id: ID,
        #[graphql(
            desc = "Whether the person agrees to be shown to everybody among those who come, by name and organization."
        )]
        listed: MaybeUndefined<bool>,
        #[graphql(desc = "What the organizers should know: 2,000 characters at most.")]
        message: MaybeUndefined<String>,
        #[graphql(
            desc = "Id of the organization that the person comes for: one of `organizations` of their account."
        )]
        organization: MaybeUndefined<ID>,
    ) -> GraphqlResult<EventRegistrationPayload> {
        let organization = match organization {
            MaybeUndefined::Undefined => MaybeUndefined::Undefined,
            MaybeUndefined::Null => MaybeUndefined::Null,
            MaybeUndefined::Value(id) => {
                let decoded = id::decode("organization", RecordType::Organization.prefix(), &id);
                MaybeUndefined::Value(decoded.graphql()?)
            }
        };
        changed(ctx, &id, Change::Update { listed, message, organization }).await
    }
}
