//! Mutations of partnerships.

use async_graphql::{Context, ID, Object};

use super::PartnershipNode;
use super::write::Partnerships;
use crate::record_mutations;
use kernel::error::GraphqlResult;
use records::mutation::answered;
use records::write::Answer;

record_mutations! {
    /// Mutations of partnerships.
    PartnershipMutation of Partnerships,
    /// A partnership as it was written, or why nothing was.
    PartnershipPayload {
        /// The partnership as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
        /// left it; null where nothing was written for another reason.
        partnership: PartnershipNode
    }
    create {
        /// Makes a partnership: it needs a kind, a region, a title and two parties. Those who write the records
        /// of that region may. The parties that they speak for have confirmed; the others are asked. It is
        /// PROPOSED until all have confirmed.
        create_partnership
    }
    update {
        /// Changes a partnership: an absent field keeps, null clears, a list replaces. Those who write the
        /// records of its region may. A party whose role or contribution changes is asked again.
        update_partnership("Id of the partnership.")
    }
    delete {
        /// Deletes a partnership. Those who write the records of its region may.
        delete_partnership("Id of the partnership.")
    }
    also PartnershipAnswers
}

async fn answer(
    ctx: &Context<'_>,
    id: &ID,
    organization: ID,
    yes: bool,
) -> GraphqlResult<PartnershipPayload> {
    answered::<Partnerships, _>(ctx, id, Answer { yes, organization: Some(organization.0) }).await
}

/// Mutations by which parties answer.
#[derive(Clone, Copy, Debug)]
pub struct PartnershipAnswers;

/// Mutations by which parties answer.
#[Object]
impl PartnershipAnswers {
    /// Confirms a partnership in the name of one of its parties: its people do, and those who write the
    /// records of its
    /// region. Once all parties have confirmed it is ACTIVE.
    async fn confirm_partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the partnership.")] id: ID,
        #[graphql(desc = "The party in whose name.")] organization: ID,
    ) -> GraphqlResult<PartnershipPayload> {
        answer(ctx, &id, organization, true).await
    }

    /// Declines a partnership in the name of one of its parties, who may do what they may confirm. It is
    /// DECLINED from
    /// then on, until that party confirms or is taken out. One that has ended cannot be declined.
    async fn decline_partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the partnership.")] id: ID,
        #[graphql(desc = "The party in whose name.")] organization: ID,
    ) -> GraphqlResult<PartnershipPayload> {
        answer(ctx, &id, organization, false).await
    }
}
