//! Mutations of affiliations.

use async_graphql::{Context, ID, Object};

use super::AffiliationNode;
use super::write::Affiliations;
use crate::record_mutations;
use kernel::error::GraphqlResult;
use records::mutation::answered;
use records::write::Answer;

record_mutations! {
    /// Mutations of affiliations.
    AffiliationMutation of Affiliations,
    /// An affiliation as it was written, or why nothing was.
    AffiliationPayload {
        /// The affiliation as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
        /// left it; null where nothing was written for another reason.
        affiliation: AffiliationNode
    }
    create {
        /// Makes an affiliation: it needs a talent, an organization and a role. Those who speak for the talent or
        /// for the organization may: the person, members of the organization, and those who write the records of
        /// the region of either. It is asserted by that side; the other is asked to confirm.
        create_affiliation
    }
    update {
        /// Changes an affiliation: an absent field keeps, null clears, a list replaces. The talent's side may;
        /// the organization's side where it has asserted the role. What has changed must be confirmed anew by the
        /// other side.
        update_affiliation("Id of the affiliation.")
    }
    delete {
        /// Deletes an affiliation. The talent's side may; the organization's side where nobody else has asserted
        /// the role.
        delete_affiliation("Id of the affiliation.")
    }
    also AffiliationAnswers
}

/// Mutations by which the sides answer.
#[derive(Clone, Copy, Debug)]
pub struct AffiliationAnswers;

/// Mutations by which the sides answer.
#[Object]
impl AffiliationAnswers {
    /// Confirms an affiliation in the name of the side that has not asserted it; then it is asserted by BOTH.
    /// A side
    /// that has disputed it takes that back.
    async fn confirm_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
    ) -> GraphqlResult<AffiliationPayload> {
        answered::<Affiliations, _>(ctx, &id, Answer { yes: true, organization: None }).await
    }

    /// Says, in the name of the side that has not asserted it, that an affiliation is not so. From then on
    /// only the two
    /// sides and the staff of their regions see it, until the side that disputes it confirms.
    async fn dispute_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
    ) -> GraphqlResult<AffiliationPayload> {
        answered::<Affiliations, _>(ctx, &id, Answer { yes: false, organization: None }).await
    }
}
