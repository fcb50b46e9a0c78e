//! Mutations of calls for projects.

use async_graphql::{Context, ID, Object};

use super::CallForProjectsNode;
use super::write::CallsForProjects;
use crate::record_mutations;
use kernel::error::GraphqlResult;
use records::mutation::answered;
use records::write::Answer;

record_mutations! {
    /// Mutations of calls for projects.
    CallForProjectsMutation of CallsForProjects,
    /// A call for projects as it was written, or why nothing was.
    CallForProjectsPayload {
        /// The call as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have left it; null
        /// where nothing was written for another reason.
        call_for_projects: CallForProjectsNode
    } with warnings
    create {
        /// Makes a call for projects: it needs a title and a region. Those who write the records of that region may.
        /// The contributions of organizations that they speak for count at once; the sides of the others are asked
        /// (`confirmContribution`), of which a warning tells.
        create_call_for_projects
    }
    update {
        /// Changes a call for projects: an absent field keeps, null clears, a list replaces. Those who write the
        /// records of its region may. A funder whose amount changes is asked again.
        update_call_for_projects("Id of the call.")
    }
    delete {
        /// Deletes a call for projects. Those who write the records of its region may.
        delete_call_for_projects("Id of the call.")
    }
    also ContributionAnswers
}

async fn answer(
    ctx: &Context<'_>,
    id: &ID,
    organization: ID,
    yes: bool,
) -> GraphqlResult<CallForProjectsPayload> {
    answered::<CallsForProjects, _>(ctx, id, Answer { yes, organization: Some(organization.0) }).await
}

/// Mutations by which funders answer.
#[derive(Clone, Copy, Debug)]
pub struct ContributionAnswers;

/// Mutations by which funders answer.
#[Object]
impl ContributionAnswers {
    /// Confirms what an organization contributes to a call: its members do, and those who write the records of its
    /// region. From then on it is shown to everybody and is part of the fund.
    async fn confirm_contribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the call.")] id: ID,
        #[graphql(desc = "The organization in whose name.")] organization: ID,
    ) -> GraphqlResult<CallForProjectsPayload> {
        answer(ctx, &id, organization, true).await
    }

    /// Declines what an organization is said to contribute to a call. Those may who may confirm it. It does not count
    /// from then on, until they confirm it.
    async fn decline_contribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the call.")] id: ID,
        #[graphql(desc = "The organization in whose name.")] organization: ID,
    ) -> GraphqlResult<CallForProjectsPayload> {
        answer(ctx, &id, organization, false).await
    }
}
