//! Mutations of proposals.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::graphql::{PREFIX, ProposalNode};
use super::{Decision, Draft, MAX_PENDING, ProposalOutcome, ProposalState, decide, propose};
use crate::organization::OrganizationNode;
use crate::organization::write::OrganizationInput;
use identity::caller::Call;
use kernel::error::{GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::messages::FilledMessage;
use kernel::node::by_ids;
use kernel::problem::Problem;
use kernel::read::Selection;
use kernel::user_error::UserError;
use records::mutation::{Mutator, confirmed, sent};

const _: () = assert!(MAX_PENDING == 20, "the description of `proposeChange` says so");

/// A change that is proposed.
#[derive(Clone, Debug, InputObject)]
pub struct ProposeChangeInput {
    /// Id of the organization.
    pub organization: ID,
    /// What would change: an absent field keeps, null clears, a list replaces.
    pub change: OrganizationInput,
    /// Why, in words for those who decide: 2,000 characters at most.
    pub comment: Option<String>,
    /// The revision that you have read. Where another is present, nothing is proposed: CONFLICT, with the organization as
    /// it is.
    pub base_revision: Option<i32>,
}

/// A proposal, or why there is none.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProposalPayload {
    /// The proposal as it is now; null where there is none to show.
    pub proposal: Option<ProposalNode>,
    /// The organization with what was accepted. Where somebody else has changed it meanwhile (CONFLICT), as they have left
    /// it; null otherwise.
    pub organization: Option<OrganizationNode>,
    /// All that is wrong, at once. Nothing was written then; empty where all went well.
    pub user_errors: Vec<UserError>,
}

async fn payload(ctx: &Context<'_>, done: ProposalOutcome) -> GraphqlResult<ProposalPayload> {
    let reader = Mutator::of(ctx)?.reader();
    let want = Selection::of(ctx);
    let below = |name: &str| want.below("ProposalPayload", name);
    // A payload has what was written, or says why nothing was.
    let is_done = done.problems.is_empty();
    confirmed(is_done, done.proposal.or(done.organization)).graphql()?;
    let proposal = match done.proposal.zip(below("proposal")) {
        Some((id, below)) => {
            confirmed(is_done, ProposalNode::find(reader, id, &below).await.graphql()?).graphql()?
        }
        None => None,
    };
    let organization = match done.organization.zip(below("organization")) {
        Some((id, below)) => {
            let found = by_ids(reader, &[id], &below).await.graphql()?.next().flatten();
            confirmed(is_done, found).graphql()?
        }
        None => None,
    };
    let user_errors =
        done.problems.iter().map(|problem| UserError::new(problem, &reader.languages)).collect();
    Ok(ProposalPayload { proposal, organization, user_errors })
}

/// What becomes of a proposal.
async fn decided(
    ctx: &Context<'_>,
    id: &ID,
    state: ProposalState,
    comment: Option<String>,
    base_revision: Option<i32>,
) -> GraphqlResult<ProposalPayload> {
    let mutator = Mutator::of(ctx)?;
    let proposal = id::decode("id", PREFIX, id).graphql()?;
    let done = if let Some(message) = mutator.nobody() {
        ProposalOutcome::refused(Problem::forbidden(message))
    } else {
        let viewer = mutator.reader().viewer.clone();
        let decision = Decision { viewer, proposal, state, comment, base_revision };
        decide(&Call::of(ctx)?.identity, decision).await.graphql()?
    };
    payload(ctx, done).await
}

/// Mutations of proposals.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProposalMutation;

/// Mutations of proposals.
#[Object]
impl ProposalMutation {
    /// Proposes a change of an organization to those who write the records of its region. Its members may. All that is
    /// wrong with it is said at once, as if it were written. At most 20 proposals for an organization wait for an answer.
    async fn propose_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is proposed.")] input: ProposeChangeInput,
    ) -> GraphqlResult<ProposalPayload> {
        let mutator = Mutator::of(ctx)?;
        let organization = id::decode("input.organization", "organization", &input.organization).graphql()?;
        if let Some(message) = mutator.nobody() {
            let problem = Problem::at("organization", FilledMessage::new(message));
            return payload(ctx, ProposalOutcome::refused(problem)).await;
        }
        let mut raw = sent(ctx, "input").graphql()?.unwrap_or_default();
        let draft = Draft {
            viewer: mutator.reader().viewer.clone(),
            organization,
            change: raw.get_mut("change").map(serde_json::Value::take).unwrap_or_default(),
            comment: input.comment,
            base_revision: input.base_revision,
        };
        let done = propose(&Call::of(ctx)?.identity, draft).await.graphql()?;
        payload(ctx, done).await
    }

    /// Takes back a proposal that nobody has decided yet. Who has made it may.
    async fn withdraw_proposal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the proposal.")] id: ID,
    ) -> GraphqlResult<ProposalPayload> {
        decided(ctx, &id, ProposalState::Withdrawn, None, None).await
    }

    /// Accepts a proposal, which writes it, or refuses it. Those who write the records of the organization's region may.
    /// Where somebody has changed what it would change since it was made, it is a CONFLICT with the organization as it
    /// is; changes of other fields do no harm. What the organization may not become any more is said with the path
    /// `change` and the field.
    async fn review_proposal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the proposal.")] id: ID,
        #[graphql(desc = "Whether it is accepted.")] accept: bool,
        #[graphql(desc = "Why, in words for who has proposed it: 2,000 characters at most.")] comment: Option<
            String,
        >,
        #[graphql(
            desc = "The revision of the organization that you have read. Where another is present, nothing is decided: CONFLICT, with the organization as it is."
        )]
        base_revision: Option<i32>,
    ) -> GraphqlResult<ProposalPayload> {
        let state = if accept { ProposalState::Accepted } else { ProposalState::Refused };
        decided(ctx, &id, state, comment, base_revision).await
    }
}
