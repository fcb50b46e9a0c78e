//! What the staff of the funders' regions do with an application: they put it on the short list, award money to it, or
//! reject it.

use std::sync::Arc;

use entity::{application_decision, call_for_projects};
use futures::future::BoxFuture;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::act::{ApplicationOutcome, Outcome, done, ended, held, not_in_state, refused, save};
use super::rules::{self, Act, Award, Share};
use super::write::{self, Call, Written};
use super::{ApplicationStatus, mail};
use crate::call_for_projects::lots::above_zero;
use crate::call_for_projects::turn;
use crate::partnership::write::MoneyInput;
use identity::Identity;
use kernel::error::DomainError;
use kernel::input::{Fields, MAX_TEXT};
use kernel::messages::applications as messages;
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems};
use kernel::value::Decimal;
use kernel::{RecordType, name_of, value_of};
use records::audit::Action;
use records::reference::resolve;
use records::write::{Batch, Reference, in_transaction};

/// What somebody decides for a funder.
#[derive(Clone, Debug)]
pub(super) enum Judgement {
    /// Puts it on the short list, for all its funders.
    Shortlist,
    /// Decides for one funder.
    Decide {
        /// How much the funder gives; none where it rejects.
        amount: Option<MoneyInput>,
        /// The funder, as it was written; none where the viewer decides for one only.
        funder: Option<String>,
        /// Why, in words for the applicant.
        note: Option<String>,
    },
}

/// Decides on an application.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn judge(
    identity: &Identity,
    viewer: Viewer,
    id: Uuid,
    judgement: Judgement,
) -> Result<ApplicationOutcome, DomainError> {
    let asked = Arc::new((viewer, judgement));
    in_transaction(identity, move |identity, tx| -> BoxFuture<'_, Outcome> {
        let asked = Arc::clone(&asked);
        Box::pin(async move { judge_in(identity, tx, &asked.0, id, &asked.1).await })
    })
    .await
}

async fn judge_in(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    id: Uuid,
    judgement: &Judgement,
) -> Outcome {
    let batch = Batch::new(identity, tx);
    // Whoever awards holds the lock of the call: what is left is read once all earlier awards are committed.
    let Some((call, before)) = held(&batch, viewer, id).await? else { return refused(Problem::no_record()) };
    let genre = before.model.genre.clone().unwrap_or_default();
    let funders = call.terms.funders(&genre);
    let own: Vec<&Share> = funders.iter().filter(|share| viewer.decides_in(&share.region)).collect();
    if own.is_empty() {
        return refused(Problem::forbidden(&messages::ONLY_FUNDERS_DECIDE));
    }
    if call.model.followed {
        return refused(Problem::forbidden(&messages::CALL_ELSEWHERE));
    }
    let mut after = before.clone();
    let Judgement::Decide { amount, funder, note } = judgement else {
        if let Some(problem) = not_in_state(&before, Act::Shortlist) {
            return refused(problem);
        }
        name_of(ApplicationStatus::Shortlisted).clone_into(&mut after.model.status);
        save(identity, tx, viewer, (&mut after, &before), Action::Update).await?;
        return done(id, Vec::new());
    };
    if let Some(problem) = not_in_state(&before, Act::Decide) {
        return refused(problem);
    }
    let mut problems = Problems::default();
    let chosen = match funder {
        Some(text) => chosen(&batch, viewer, funders, text, &mut problems).await?,
        None => only(&own, &mut problems),
    };
    let decisions = write::decisions(&batch, id).await?;
    if let Some(share) = chosen
        && decisions.iter().any(|decision| decision.funder_id == share.funder)
    {
        problems.add(Problem::new("funder", &messages::DECIDED_ALREADY));
    }
    let given = award(&batch, (&call, &before), amount.as_ref(), chosen, &decisions, &mut problems).await?;
    let kept = note_of(note.as_ref(), &mut problems);
    let (Some(share), true) = (chosen, problems.is_empty()) else {
        let problems = problems.take().into_iter().map(Problem::not_of_the_input).collect();
        return ended(ApplicationOutcome { problems, ..ApplicationOutcome::default() });
    };
    let status = if amount.is_some() { ApplicationStatus::Awarded } else { ApplicationStatus::Rejected };
    let parts = given.map(kernel::value::Money::parts);
    let decision = application_decision::Model {
        id: identity.new_id(),
        application_id: id,
        call_id: call.model.id,
        genre,
        funder_id: share.funder,
        status: name_of(status).to_owned(),
        amount_whole: parts.map(|(whole, _)| whole),
        amount_part: parts.map(|(_, part)| part),
        currency: given.map(|money| money.currency().code().to_owned()),
        note: kept,
        decided_by: viewer.account,
        decided_at: batch.now.micros(),
    };
    let all = decisions.iter().chain([&decision]);
    let all: Vec<(Uuid, ApplicationStatus)> =
        all.filter_map(|one| Some((one.funder_id, value_of(&one.status)?))).collect();
    let stands = rules::decided(before.status(), funders, &all);
    write::add_decision(&batch, decision).await?;
    name_of(stands).clone_into(&mut after.model.status);
    if stands != before.status() {
        after.model.decided_at = Some(batch.now.micros());
    }
    save(identity, tx, viewer, (&mut after, &before), Action::Update).await?;
    if status == ApplicationStatus::Awarded || stands != before.status() {
        mail::decided(identity, tx, &after).await?;
    }
    let written = settle(identity, tx, &call.model).await?;
    done(id, written)
}

/// The funder that a text names, where the viewer decides for it.
async fn chosen<'a>(
    batch: &Batch<'_>,
    viewer: &Viewer,
    funders: &'a [Share],
    text: &str,
    problems: &mut Problems,
) -> Result<Option<&'a Share>, DomainError> {
    let reference = Reference { to: RecordType::Organization, text: text.to_owned() };
    let found = resolve(batch, std::slice::from_ref(&reference), Some(viewer), false).await?;
    let Some(id) = found.get(&reference) else {
        problems.add(Problem::unknown_reference("funder", RecordType::Organization, text));
        return Ok(None);
    };
    let Some(share) = funders.iter().find(|share| share.funder == *id) else {
        problems.add(Problem::new("funder", &messages::NO_FUNDER));
        return Ok(None);
    };
    if !viewer.decides_in(&share.region) {
        problems.add(Problem::new("funder", &messages::NOT_YOUR_FUNDER));
        return Ok(None);
    }
    Ok(Some(share))
}

/// The one funder for which the viewer decides.
fn only<'a>(own: &[&'a Share], problems: &mut Problems) -> Option<&'a Share> {
    if let [one] = own {
        return Some(one);
    }
    problems.add(Problem::new("funder", &messages::FUNDER_NEEDED));
    None
}

/// The amount of an award, checked against what is left; none for a rejection.
async fn award(
    batch: &Batch<'_>,
    (call, application): (&Call, &Written),
    amount: Option<&MoneyInput>,
    funder: Option<&Share>,
    decisions: &[application_decision::Model],
    problems: &mut Problems,
) -> Result<Option<kernel::value::Money>, DomainError> {
    let Some(given) = amount else { return Ok(None) };
    let (_, given) = above_zero("amount", given, &mut Fields { new: false, problems });
    let (Some(given), Some(funder)) = (given, funder) else { return Ok(None) };
    let Some(requested) = application.requested() else {
        return Err(DomainError::Stored("a submitted application that asks for nothing".into()));
    };
    let mut before = Decimal::ZERO;
    for decision in decisions {
        let parts = decision.amount_whole.zip(decision.amount_part);
        let one = parts.and_then(|(whole, part)| Decimal::of_parts(whole.into(), part.into()));
        before = one.and_then(|one| before.checked_add(one)).unwrap_or(before);
    }
    let award = Award {
        genre: application.model.genre.as_deref().unwrap_or_default(),
        funder: funder.funder,
        amount: given,
        requested,
        awarded: before,
    };
    rules::check_award(&call.terms, &write::spent(batch, call.model.id).await?, &award, problems);
    Ok(Some(given))
}

/// A note, checked.
fn note_of(given: Option<&String>, problems: &mut Problems) -> Option<String> {
    let given =
        given.cloned().map_or(async_graphql::MaybeUndefined::Undefined, async_graphql::MaybeUndefined::Value);
    let mut kept = None;
    Fields { new: false, problems }.text("note", &given, MAX_TEXT, &mut kept);
    kept
}

/// Lets a call follow what has become of its applications: once it is closed and all of them are decided it is AWARDED, and
/// from then on each further award is told with a new revision of the call. Before it is closed, nothing is told.
pub(super) async fn settle(
    identity: &Identity,
    tx: &DatabaseTransaction,
    call: &call_for_projects::Model,
) -> Result<Vec<records::write::Written>, DomainError> {
    let is_over = !call.draft && identity.clock.now().micros() > call.closes_key;
    if is_over { turn::follow(identity, tx, call.id).await } else { Ok(Vec::new()) }
}
