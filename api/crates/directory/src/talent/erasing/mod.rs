//! Erasures that can still be stopped.
//!
//! A person who erases themselves cannot take it back, and neither can staff who erase the wrong profile. So the profile
//! is hidden at once, a mail goes to the person, and the erasure runs after a time ([`Delay`]) unless the link of the
//! mail stops it. What is scheduled is a row of the database, so that a job runs it whatever happens to the program.
//!
//! Lock order: the row of the schedule comes before the record.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use entity::{account, scheduled_erasure, talent};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use secrecy::SecretString;
use uuid::Uuid;

use super::consent::Step;
use super::store::{Standing, standing};
use super::upkeep::Term;
use super::upkeep::store::profile;
use identity::Identity;
use identity::caller::Call;
use identity::mail::{self, Mail, Template};
use identity::one_time::{self, Purpose};
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage, accounts as said};
use kernel::policy::{Viewer, Visibility};
use kernel::problem::{OperationError, Problem};
use kernel::value::{DateTime, Language};
use kernel::vocabulary::vocabularies;
use records::audit::{self, Action, Actor, Subject};
use records::write::{Caller, RecordInput, Submission, TransactionResult, Written, apply, in_transaction};

pub mod graphql;
pub mod holder;
mod job;
pub mod store;

pub use job::{run_due, start};

/// The time between a request to erase a profile and the erasure, in which the request can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay(Term);

impl Delay {
    /// Erasures run at once.
    pub const NONE: Self = Self(Term::Days(0));

    /// When an erasure runs that is requested now; none where it runs at once.
    pub fn after(self, now: DateTime) -> Option<DateTime> {
        (self != Self::NONE).then(|| self.0.after(now))
    }
}

impl Default for Delay {
    fn default() -> Self {
        Self(Term::Days(3))
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text.split_whitespace().collect::<Vec<_>>().as_slice(), ["0", "day" | "days"]) {
            return Ok(Self::NONE);
        }
        let term: Result<Term, String> = text.parse();
        term.map(Self).map_err(|error| format!("{error}, or `0 days` for none"))
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Forgets that profiles wait for their erasure: they are erased, or their person takes them over.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, talents: &[Uuid]) -> Result<(), DomainError> {
    for talent in talents {
        one_time::withdraw(on, Purpose::KeepProfile, *talent).await?;
    }
    store::delete(on, talents).await
}

/// A change of a profile that is a step alone.
fn submission(talent: Uuid, viewer: Option<Arc<Viewer>>, step: Step) -> Submission {
    Submission {
        by: viewer.map_or(Caller::Program, Caller::Person),
        id: Some(talent),
        exists: true,
        overwrite: true,
        step: Some(Arc::new(step)),
        ..Submission::new(RecordInput::blank(RecordType::Talent))
    }
}

/// An entry of the history of a profile.
fn entry(talent: Uuid, region: String, actor: Actor, action: Action) -> audit::Entry {
    let subject = Subject::Record(RecordType::Talent, talent);
    audit::Entry { region: Some(region), ..audit::Entry::new(actor, action, subject) }
}

fn refused<T>(problems: Vec<Problem>) -> TransactionResult<Result<T, Vec<Problem>>> {
    TransactionResult { answer: Err(problems), written: Vec::new(), kept: false }
}

/// Hides a profile and schedules its erasure, for a viewer who may write it. Answers when the erasure runs. Where it is
/// scheduled already, that time stays.
///
/// # Errors
/// [`OperationError::Refused`] where the viewer may not erase it; [`DomainError::Database`].
pub async fn schedule(
    identity: &Identity,
    delay: Delay,
    viewer: &Viewer,
    talent: Uuid,
) -> Result<DateTime, OperationError> {
    let viewer = Arc::new(viewer.clone());
    let done = in_transaction(identity, move |identity, tx| {
        let viewer = Arc::clone(&viewer);
        Box::pin(async move { schedule_in(identity, tx, delay, viewer, talent).await })
    });
    done.await?.map_err(OperationError::Refused)
}

async fn schedule_in(
    identity: &Identity,
    tx: &DatabaseTransaction,
    delay: Delay,
    viewer: Arc<Viewer>,
    id: Uuid,
) -> Result<TransactionResult<Result<DateTime, Vec<Problem>>>, DomainError> {
    let now = identity.clock.now();
    let by_person = viewer.owns.contains(&id);
    let waiting = store::lock(tx, id).await?;
    // Locked: what is read of the profile now is what the erasure, if it is stopped, gives back.
    standing(tx, id).await?;
    let before = talent::Entity::find_by_id(id).one(tx).await?;
    let actor = Actor::of(Some(viewer.as_ref()));
    let (outcomes, written) =
        apply(identity, tx, &[submission(id, Some(viewer), Step::AwaitErasure)]).await?;
    let problems: Vec<Problem> = outcomes.into_iter().flat_map(|outcome| outcome.problems).collect();
    if !problems.is_empty() {
        return Ok(refused(problems));
    }
    if let Some(waiting) = waiting {
        if by_person && !waiting.by_person {
            store::by_person(tx, id).await?;
        }
        let due = DateTime::from_micros(waiting.due_at);
        return Ok(TransactionResult { answer: Ok(due), written, kept: true });
    }
    let missing = || DomainError::Stored("a profile that can be erased is not there".into());
    let before = before.ok_or_else(missing)?;
    let due = delay.after(now).unwrap_or(now);
    let row = scheduled_erasure::Model {
        talent_id: id,
        requested_at: now.micros(),
        due_at: due.micros(),
        by_person,
        visibility: before.visibility,
    };
    store::insert(tx, row).await?;
    let told = entry(id, before.region, actor, Action::ScheduleErasure);
    audit::record(tx, identity.db.dialect(), vec![told], now).await?;
    tell(identity, tx, id, due, by_person).await?;
    Ok(TransactionResult { answer: Ok(due), written, kept: true })
}

/// Tells the person, where they can be reached, and gives them a link that stops it.
async fn tell(
    identity: &Identity,
    tx: &DatabaseTransaction,
    talent: Uuid,
    due: DateTime,
    by_person: bool,
) -> Result<(), DomainError> {
    let Some(profile) = profile(tx, identity.db.dialect(), talent).await? else { return Ok(()) };
    let Some(to) = profile.email else { return Ok(()) };
    let of_region = vocabularies().regions.get(&profile.region);
    let of_region = of_region.and_then(|region| region.languages.first().copied());
    let language = profile.language.or(of_region).unwrap_or(Language::En);
    one_time::withdraw(tx, Purpose::KeepProfile, talent).await?;
    let token = one_time::issue(tx, identity, Purpose::KeepProfile, talent, due).await?;
    let on = due.to_utc().date_naive();
    let template = Template::ErasureScheduled { token, region: profile.region, on, by_person };
    mail::enqueue(tx, identity, Mail { to: Some(to), language, template, until: Some(due) }).await
}

/// The person who stops an erasure.
#[derive(Clone, Debug)]
enum Stop {
    /// Whoever has the link of the mail.
    Link(SecretString),
    /// Somebody who may write this profile. Where the person has requested the erasure, they alone may stop it.
    Caller(Arc<Viewer>, Uuid),
}

/// Stops an erasure with the token of the mail. Answers which profile stays.
///
/// # Errors
/// [`OperationError::Refused`] for a token that is good for nothing; [`DomainError::RateLimited`] after too many attempts.
pub async fn stop_with(call: &Call, token: SecretString) -> Result<Uuid, OperationError> {
    let identity = &call.identity;
    identity.throttles().one_time(call.from, identity.clock.now())?;
    stop(identity, Stop::Link(token)).await
}

/// Stops an erasure, for a viewer who sees the profile. Answers which profile stays.
///
/// # Errors
/// [`OperationError::Refused`] where no erasure is scheduled, or the viewer may not stop it.
pub async fn stop_by(identity: &Identity, viewer: &Viewer, talent: Uuid) -> Result<Uuid, OperationError> {
    stop(identity, Stop::Caller(Arc::new(viewer.clone()), talent)).await
}

async fn stop(identity: &Identity, by: Stop) -> Result<Uuid, OperationError> {
    let done = in_transaction(identity, move |identity, tx| {
        let by = by.clone();
        Box::pin(async move { stop_in(identity, tx, by).await })
    });
    done.await?.map_err(OperationError::Refused)
}

async fn stop_in(
    identity: &Identity,
    tx: &DatabaseTransaction,
    by: Stop,
) -> Result<TransactionResult<Result<Uuid, Vec<Problem>>>, DomainError> {
    let no_link = || refused(vec![Problem::beside("token", FilledMessage::new(&said::LINK_OVER))]);
    let id = match &by {
        Stop::Link(token) => match one_time::redeem(tx, identity, Purpose::KeepProfile, token).await? {
            Some(id) => id,
            None => return Ok(no_link()),
        },
        Stop::Caller(_, id) => *id,
    };
    let waiting = store::lock(tx, id).await?;
    let stands = matches!(standing(tx, id).await?, Standing::Claimed | Standing::Unclaimed);
    let row = talent::Entity::find_by_id(id).one(tx).await?;
    let (viewer, account) = match by {
        Stop::Link(_) => {
            let (Some(_), true) = (&waiting, stands) else { return Ok(no_link()) };
            (None, account_of(tx, id).await?)
        }
        Stop::Caller(viewer, _) => {
            let problem = match (&row, &waiting) {
                (None, _) => Some(Problem::no_record()),
                (Some(row), _) if !viewer.writes_talent(&row.region, id) => {
                    Some(Problem::forbidden(&messages::NOT_YOURS))
                }
                (_, None) => Some(Problem::forbidden(&messages::NO_ERASURE)),
                (_, Some(waiting)) if waiting.by_person && !viewer.owns.contains(&id) => {
                    Some(Problem::forbidden(&messages::ERASURE_OF_THE_PERSON))
                }
                _ => None,
            };
            if let Some(problem) = problem {
                return Ok(refused(vec![problem]));
            }
            (Some(viewer), None)
        }
    };
    let missing = || DomainError::Stored("a profile that waits for its erasure is not there".into());
    let (waiting, row) = waiting.zip(row).ok_or_else(missing)?;
    let actor = match (&viewer, account) {
        (Some(viewer), _) => Actor::of(Some(viewer.as_ref())),
        (None, Some(account)) => Actor::Account(account),
        (None, None) => Actor::Program,
    };
    forget(tx, &[id]).await?;
    let step = Step::Keep { account, visibility: Visibility::from_code(waiting.visibility) };
    let (outcomes, written) = apply(identity, tx, &[submission(id, viewer, step)]).await?;
    let problems: Vec<Problem> = outcomes.into_iter().flat_map(|outcome| outcome.problems).collect();
    if !problems.is_empty() {
        return Err(DomainError::Stored(format!("a profile could not be kept: {problems:?}")));
    }
    let told = entry(id, row.region, actor, Action::StopErasure);
    audit::record(tx, identity.db.dialect(), vec![told], identity.clock.now()).await?;
    Ok(TransactionResult { answer: Ok(id), written, kept: true })
}

/// The account whose profile it is.
async fn account_of(on: &impl ConnectionTrait, talent: Uuid) -> Result<Option<Uuid>, DomainError> {
    let found = account::Entity::find().select_only().column(account::Column::Id);
    Ok(found.filter(account::Column::TalentId.eq(talent)).into_tuple().one(on).await?)
}

/// Erases a profile whose erasure is due. Answers whether it was.
async fn run(identity: &Identity, talent: Uuid) -> Result<bool, DomainError> {
    in_transaction(identity, move |identity, tx| {
        Box::pin(async move {
            // Another program may have done it meanwhile, or somebody has stopped it.
            let now = identity.clock.now().micros();
            if store::lock(tx, talent).await?.is_none_or(|waiting| waiting.due_at > now) {
                return Ok(TransactionResult { answer: false, written: Vec::<Written>::new(), kept: false });
            }
            let (outcomes, written) =
                apply(identity, tx, &[Submission::erasing(RecordType::Talent, talent)]).await?;
            if let Some(problem) = outcomes.iter().flat_map(|outcome| &outcome.problems).next() {
                return Err(DomainError::Stored(format!("a scheduled erasure was refused: {problem:?}")));
            }
            // Also of a profile that was erased by another way.
            forget(tx, &[talent]).await?;
            Ok(TransactionResult { answer: true, written, kept: true })
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_a_term_or_none() {
        for (text, delay) in [
            ("3 days", Delay::default()),
            (" 0  days ", Delay::NONE),
            ("0 day", Delay::NONE),
            ("1 month", Delay(Term::Months(1))),
        ] {
            assert_eq!(text.parse(), Ok(delay), "{text}");
            assert_eq!(delay.to_string().parse(), Ok(delay));
        }
        for wrong in ["", "0", "days", "-1 days", "0 months", "three days", "0 days 0"] {
            assert!(wrong.parse::<Delay>().is_err(), "{wrong}");
        }
        let now: DateTime = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(Delay::NONE.after(now), None);
        assert_eq!(Delay::default().after(now), "2026-11-25T10:00:00Z".parse().ok());
    }
}
