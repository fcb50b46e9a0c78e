//! Changes that the members of an organization propose, and that those who write the records of its region accept or
//! refuse.
//!
//! A proposal is the input of an update, kept as JSON. The door says at once what is wrong with it, by a dry run; it is
//! written through the door when it is accepted, in one transaction with the state of the proposal. Whoever proposes or
//! decides holds the organization's lock first, the proposal's after it.
//!
//! Proposals may name people. A decided one is deleted after [`KEPT_DAYS`], one of an organization that is deleted with
//! it, and [`store::purge_account`] and [`store::purge_talent`] delete those of and about somebody who is erased.

use std::sync::Arc;

use async_graphql::{Enum, InputType, Value as GraphqlValue};
use entity::organization::Model as Organization;
use entity::proposal::Model;
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, DbErr, TransactionTrait};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::organization::write::{OrganizationInput, Organizations};
use identity::Identity;
use kernel::error::DomainError;
use kernel::input::{Fields, to_json};
use kernel::messages::{self, FilledMessage};
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems, UserErrorCode};
use kernel::read::keyed::hex;
use kernel::{RecordType, name_of, value_of};
use records::audit::{self, Action, Actor, Subject};
use records::write::{
    Batch, Caller, Kind as _, RecordInput, RecordRow as _, Status, Submission, TransactionResult, Written,
    apply, in_transaction, revision_of,
};

pub mod graphql;
pub mod mutation;
pub mod store;

/// Proposals for one organization that may wait for an answer.
pub const MAX_PENDING: i64 = 20;
/// Characters of a comment at most.
pub const MAX_COMMENT: usize = 2000;
/// Bytes of a proposed change, as JSON, at most.
pub const MAX_CHANGE: usize = 100_000;
/// For how many days a proposal is kept once it is decided.
pub const KEPT_DAYS: i64 = 90;

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum ProposalState {
    /// Nobody has decided yet.
    Pending,
    /// It is written.
    Accepted,
    /// It is not written, and will not be.
    Refused,
    /// Its proposer has taken it back.
    Withdrawn,
}

/// A change that somebody proposes.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The account that proposes it.
    pub viewer: Viewer,
    /// The organization.
    pub organization: Uuid,
    /// The input, as it was sent.
    pub change: Value,
    /// Why, in words.
    pub comment: Option<String>,
    /// The revision of the organization that was seen.
    pub base_revision: Option<i32>,
}

/// A decision about a proposal.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Who.
    pub viewer: Viewer,
    /// The proposal.
    pub proposal: Uuid,
    /// The status that it gets.
    pub state: ProposalState,
    /// Why, in words.
    pub comment: Option<String>,
    /// The revision of the organization that was seen.
    pub base_revision: Option<i32>,
}

/// The outcome.
#[derive(Clone, Debug, Default)]
pub struct ProposalOutcome {
    /// The proposal to show.
    pub proposal: Option<Uuid>,
    /// The organization to show: as it was written, or as it is where somebody has changed it.
    pub organization: Option<Uuid>,
    /// Why nothing was written.
    pub problems: Vec<Problem>,
}

impl ProposalOutcome {
    fn refused(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// The input of an update that is kept as JSON.
///
/// # Errors
/// [`DomainError::Stored`] where it is none.
fn input_of(change: &Value) -> Result<OrganizationInput, DomainError> {
    let wrong = |error: String| DomainError::Stored(format!("a proposed change: {error}"));
    let value = GraphqlValue::from_json(change.clone()).map_err(|error| wrong(error.to_string()))?;
    OrganizationInput::parse(Some(value))
        .map_err(|error| wrong(error.into_server_error(async_graphql::Pos::default()).message))
}

/// The fields that a change sets, by themselves or because of others.
fn fields_of(change: &Value) -> Vec<String> {
    let mut fields: Vec<String> =
        change.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    // The region of the seat follows the territory unless it is given.
    if fields.iter().any(|name| name == "territory") && !fields.iter().any(|name| name == "seatRegion") {
        fields.push("seatRegion".to_owned());
    }
    fields
}

/// For each field that a change sets, a hash of what it is now: it tells later whether somebody has changed it, and
/// nothing else.
fn seen_of(proposal: Uuid, change: &Value, row: &Organization) -> Result<Map<String, Value>, DomainError> {
    let present = Organizations::replicated(row)?;
    let mut seen = Map::new();
    for name in fields_of(change) {
        let value = present.get(name.as_str()).unwrap_or(&Value::Null);
        let hash = Sha256::new().chain_update(proposal.as_bytes()).chain_update(&name).chain_update([0]);
        let hash = hash.chain_update(serde_json_canonicalizer::to_vec(value)?).finalize();
        seen.insert(name, hex(&hash[..16]).into());
    }
    Ok(seen)
}

/// A comment, checked.
fn comment(path: &str, given: Option<&String>, problems: &mut Problems) -> Option<String> {
    let given =
        given.cloned().map_or(async_graphql::MaybeUndefined::Undefined, async_graphql::MaybeUndefined::Value);
    let mut kept = None;
    Fields { new: false, problems }.text(path, &given, MAX_COMMENT, &mut kept);
    kept
}

fn submission(viewer: &Viewer, organization: Uuid, input: OrganizationInput) -> Submission {
    Submission {
        by: Caller::Person(Arc::new(viewer.clone())),
        id: Some(organization),
        exists: true,
        overwrite: true,
        ..Submission::new(RecordInput::new::<Organizations>(input))
    }
}

async fn note(
    identity: &Identity,
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    action: Action,
    (organization, region, revision): (Uuid, &str, Option<i32>),
    fields: Vec<String>,
) -> Result<(), DomainError> {
    let subject = Subject::Record(RecordType::Organization, organization);
    let entry = audit::Entry {
        region: Some(region.to_owned()),
        revision,
        fields,
        ..audit::Entry::new(Actor::of(Some(viewer)), action, subject)
    };
    audit::record(tx, identity.db.dialect(), vec![entry], identity.clock.now()).await
}

type Outcome = Result<TransactionResult<ProposalOutcome>, DomainError>;

fn ended(answer: ProposalOutcome, written: Vec<Written>, kept: bool) -> TransactionResult<ProposalOutcome> {
    TransactionResult { answer, written, kept }
}

/// Proposes a change.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn propose(identity: &Identity, draft: Draft) -> Result<ProposalOutcome, DomainError> {
    let draft = Arc::new(draft);
    in_transaction(identity, move |identity, tx| -> BoxFuture<'_, Outcome> {
        let draft = Arc::clone(&draft);
        Box::pin(async move { propose_in(identity, tx, &draft).await })
    })
    .await
}

async fn propose_in(identity: &Identity, tx: &DatabaseTransaction, draft: &Draft) -> Outcome {
    let refused = |problems: Vec<Problem>| {
        Ok(ended(ProposalOutcome { problems, ..ProposalOutcome::default() }, Vec::new(), false))
    };
    let batch = Batch::new(identity, tx);
    let organization = store::meant(&batch, draft.organization).await?;
    let revision = revision_of(&batch, organization).await?;
    let asked = Submission {
        proposal: true,
        base_revision: draft.base_revision,
        ..submission(&draft.viewer, organization, input_of(&draft.change)?)
    };
    // A trial of the write path: its writes are rolled back at once, its locks stay.
    #[expect(
        clippy::disallowed_methods,
        reason = "a savepoint within a transaction that was begun where all are"
    )]
    let trial = tx.begin().await?;
    // Where it fails, all is rolled back: nothing is asked of the savepoint, which SQLite may have rolled back already.
    let mut tried = apply(identity, &trial, &[asked]).await?;
    trial.rollback().await?;
    let outcome = tried.0.pop().ok_or_else(|| DomainError::Stored("a write without an outcome".into()))?;
    let told = outcome.problems.into_iter().map(|problem| match problem.path.as_str() {
        _ if problem.is_of_the_input() => {
            let path = format!("change.{}", problem.path);
            problem.with_field(path.trim_end_matches('.'))
        }
        "id" => problem.with_field("organization"),
        other => {
            let path = other.to_owned();
            problem.with_field(path)
        }
    });
    let told: Vec<Problem> = told.collect();
    // Nothing more is said to those who may not propose it anyhow.
    if told.iter().any(|problem| problem.path == "organization" && problem.code != UserErrorCode::Conflict) {
        return refused(told);
    }
    if outcome.status == Status::Conflict {
        let answer = ProposalOutcome {
            organization: Some(organization),
            problems: told,
            ..ProposalOutcome::default()
        };
        return Ok(ended(answer, Vec::new(), false));
    }
    let mut problems = Problems::default();
    for problem in told {
        problems.add(problem);
    }
    let comment = comment("comment", draft.comment.as_ref(), &mut problems);
    if outcome.status == Status::Unchanged {
        problems.add(Problem::new("change", &messages::NOTHING_PROPOSED));
    }
    let change = to_json(&draft.change);
    if change.len() > MAX_CHANGE {
        problems.add(Problem::too_long("change", MAX_CHANGE));
    }
    if store::pending(&batch, organization).await? >= MAX_PENDING {
        let said = FilledMessage::new(&messages::TOO_MANY_PROPOSALS).with("limit", MAX_PENDING.to_string());
        problems.add(Problem::at("organization", said));
    }
    if !problems.is_empty() {
        return refused(problems.take());
    }
    let row = Organization::load(&batch, &[organization]).await?.remove(&organization);
    let (Some(row), Some(revision)) = (row, revision) else {
        return refused(vec![Problem::new("organization", &messages::NO_RECORD)]);
    };
    let id = identity.new_id();
    let proposal = Model {
        id,
        organization_id: organization,
        state: name_of(ProposalState::Pending).to_owned(),
        seen: to_json(&seen_of(id, &draft.change, &row)?),
        change,
        base_revision: revision,
        comment,
        proposed_by: draft.viewer.account,
        proposed_at: identity.clock.now().micros(),
        decided_by: None,
        decided_at: None,
        decision: None,
    };
    store::insert(&batch, proposal).await?;
    let about = (organization, row.region.as_str(), None);
    note(identity, tx, &draft.viewer, Action::Propose, about, fields_of(&draft.change)).await?;
    Ok(ended(ProposalOutcome { proposal: Some(id), ..ProposalOutcome::default() }, Vec::new(), true))
}

/// Accepts, refuses or withdraws a proposal.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn decide(identity: &Identity, decision: Decision) -> Result<ProposalOutcome, DomainError> {
    let decision = Arc::new(decision);
    in_transaction(identity, move |identity, tx| -> BoxFuture<'_, Outcome> {
        let decision = Arc::clone(&decision);
        Box::pin(async move { decide_in(identity, tx, &decision).await })
    })
    .await
}

async fn decide_in(identity: &Identity, tx: &DatabaseTransaction, decision: &Decision) -> Outcome {
    let refused = |problem: Problem| Ok(ended(ProposalOutcome::refused(problem), Vec::new(), false));
    let (batch, viewer) = (Batch::new(identity, tx), &decision.viewer);
    let Some((organization, region)) = store::seen(&batch, viewer, decision.proposal).await? else {
        return refused(Problem::no_record());
    };
    let revision = revision_of(&batch, organization).await?;
    let Some(proposal) = store::locked(&batch, decision.proposal).await? else {
        return refused(Problem::no_record());
    };
    if proposal.organization_id != organization {
        // Its organization was merged into another one meanwhile.
        return Err(DbErr::Custom("could not serialize: the organization was merged".into()).into());
    }
    let own = viewer.account.is_some() && proposal.proposed_by == viewer.account;
    match decision.state {
        ProposalState::Withdrawn if !own => {
            return refused(Problem::forbidden(&messages::NOT_YOUR_PROPOSAL));
        }
        ProposalState::Accepted | ProposalState::Refused if !viewer.writes_in(&region) => {
            return refused(Problem::forbidden(&messages::OTHERS_REVIEW));
        }
        _ => {}
    }
    if value_of::<ProposalState>(&proposal.state) != Some(ProposalState::Pending) {
        let said = FilledMessage::new(&messages::PROPOSAL_DECIDED).with("state", proposal.state);
        return refused(Problem::beside("id", said));
    }
    let mut problems = Problems::default();
    let comment = comment("comment", decision.comment.as_ref(), &mut problems);
    if !problems.is_empty() {
        let problems = problems.take().into_iter().map(Problem::not_of_the_input).collect();
        return Ok(ended(ProposalOutcome { problems, ..ProposalOutcome::default() }, Vec::new(), false));
    }
    let conflict = |problem| {
        let answer = ProposalOutcome {
            proposal: Some(proposal.id),
            organization: Some(organization),
            problems: vec![problem],
        };
        Ok(ended(answer, Vec::new(), false))
    };
    if decision.base_revision.is_some() && decision.base_revision != revision {
        return conflict(Problem::conflict(revision.unwrap_or_default()));
    }
    let change: Value = serde_json::from_str(&proposal.change)?;
    let (mut written, mut shown, mut now) = (Vec::new(), None, None);
    if decision.state == ProposalState::Accepted {
        let row = Organization::load(&batch, &[organization]).await?.remove(&organization);
        let Some(row) = row else { return refused(Problem::no_record()) };
        let changed = changed_since(&proposal, &change, &row)?;
        if !changed.is_empty() {
            let said = FilledMessage::new(&messages::CHANGED_SINCE).with("fields", changed.join(", "));
            return conflict(Problem::beside("id", said));
        }
        let asked = submission(viewer, organization, input_of(&change)?);
        let (mut outcomes, records) = apply(identity, tx, &[asked]).await?;
        let outcome = outcomes.pop().ok_or_else(|| DomainError::Stored("no outcome".into()))?;
        if !outcome.problems.is_empty() {
            let told = outcome.problems.into_iter().map(|problem| {
                let path = format!("change.{}", problem.path);
                if problem.is_of_the_input() {
                    problem.with_argument(path.trim_end_matches('.'))
                } else {
                    problem
                }
            });
            let answer = ProposalOutcome {
                proposal: Some(proposal.id),
                problems: told.collect(),
                ..ProposalOutcome::default()
            };
            return Ok(ended(answer, Vec::new(), false));
        }
        (written, shown, now) = (records, Some(organization), outcome.revision);
    }
    let id = proposal.id;
    let decided = Model {
        state: name_of(decision.state).to_owned(),
        decided_by: viewer.account,
        decided_at: Some(identity.clock.now().micros()),
        decision: comment,
        ..proposal
    };
    store::update(&batch, decided).await?;
    let action = match decision.state {
        ProposalState::Accepted => Action::AcceptProposal,
        ProposalState::Withdrawn => Action::WithdrawProposal,
        ProposalState::Refused | ProposalState::Pending => Action::RefuseProposal,
    };
    note(identity, tx, viewer, action, (organization, &region, now), fields_of(&change)).await?;
    Ok(ended(
        ProposalOutcome { proposal: Some(id), organization: shown, problems: Vec::new() },
        written,
        true,
    ))
}

/// The fields that a proposal would change and that somebody has changed since it was made.
fn changed_since(proposal: &Model, change: &Value, row: &Organization) -> Result<Vec<String>, DomainError> {
    let seen: Map<String, Value> = serde_json::from_str(&proposal.seen)?;
    let present = seen_of(proposal.id, change, row)?;
    Ok(present
        .into_iter()
        .filter(|(name, hash)| seen.get(name) != Some(hash))
        .map(|(name, _)| name)
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_reads_back_as_it_was_sent() {
        let change = json!({"acronym": null, "status": "ACTIVE", "foundedOn": "2009-05", "memberOf": ["a"],
            "descriptions": [{"language": "FR", "text": "é"}], "address": {"country": "FR", "lines": ["1"]}});
        let input = input_of(&change).unwrap();
        assert!(input.acronym.is_null() && input.name.is_undefined());
        assert_eq!(input.founded_on.value().unwrap().value().unwrap().to_string(), "2009-05");
        assert!(input_of(&json!({"nothing": 1})).is_ok(), "the schema has refused it before");
        assert!(input_of(&json!({"status": "NONE"})).is_err());
        assert_eq!(fields_of(&json!({"territory": null})), ["territory", "seatRegion"]);
        assert_eq!(fields_of(&json!({"territory": null, "seatRegion": null})), ["territory", "seatRegion"]);
    }
}
