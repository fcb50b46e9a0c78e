//! Mutations of affiliations.

use async_graphql::{Context, ID, Object};

use super::AffiliationNode;
use super::write::{AffiliationInput, Affiliations};
use crate::record::RecordType;
use crate::record::error::{GraphqlResult, IntoGraphql};
use crate::record::mutation::{DeletePayload, Mutator, payload, record_payload, sent};
use crate::record::write::{Answer, RecordInput};

record_payload! {
    /// An affiliation as it was written, or why nothing was.
    AffiliationPayload,
    /// The affiliation as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
    /// left it; null where nothing was written for another reason.
    affiliation: AffiliationNode
}

async fn answer(ctx: &Context<'_>, id: &ID, yes: bool) -> GraphqlResult<AffiliationPayload> {
    let answer = Answer { yes, organization: None };
    let done = Mutator::of(ctx)?.answer(id, answer, RecordType::Affiliation).await.graphql()?;
    payload(ctx, done).await
}

/// Mutations of affiliations.
#[derive(Clone, Copy, Debug, Default)]
pub struct AffiliationMutation;

/// Mutations of affiliations.
#[Object]
impl AffiliationMutation {
    /// Makes an affiliation: it needs a talent, an organization and a role. Those who speak for the talent or
    /// for the organization may: the person, members of the organization, and those who write the records of
    /// the region of either. It is asserted by that side; the other is asked to confirm.
    async fn create_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is known of it.")] input: AffiliationInput,
        #[graphql(
            desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the record that it made first. With another input it is a CONFLICT."
        )]
        idempotency_key: Option<String>,
    ) -> GraphqlResult<AffiliationPayload> {
        let raw = sent(ctx, "input").graphql()?;
        let record = RecordInput::new::<Affiliations>(input);
        let done = Mutator::of(ctx)?.create(record, idempotency_key, raw).await.graphql()?;
        payload(ctx, done).await
    }

    /// Changes an affiliation: an absent field keeps, null clears, a list replaces. The talent's side may;
    /// the organization's side where it has asserted the role. What has changed must be confirmed anew by the
    /// other side.
    async fn update_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the record as it is. Without it you write over what others have changed."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "What changes.")] input: AffiliationInput,
    ) -> GraphqlResult<AffiliationPayload> {
        let record = RecordInput::new::<Affiliations>(input);
        let done = Mutator::of(ctx)?.update(&id, base_revision, record).await.graphql()?;
        payload(ctx, done).await
    }

    /// Confirms an affiliation in the name of the side that has not asserted it; then it is asserted by BOTH.
    /// A side
    /// that has disputed it takes that back.
    async fn confirm_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
    ) -> GraphqlResult<AffiliationPayload> {
        answer(ctx, &id, true).await
    }

    /// Says, in the name of the side that has not asserted it, that an affiliation is not so. From then on
    /// only the two
    /// sides and the staff of their regions see it, until the side that disputes it confirms.
    async fn dispute_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
    ) -> GraphqlResult<AffiliationPayload> {
        answer(ctx, &id, false).await
    }

    /// Deletes an affiliation. The talent's side may; the organization's side where nobody else has asserted
    /// the role.
    async fn delete_affiliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the affiliation.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is deleted: CONFLICT."
        )]
        base_revision: Option<i32>,
    ) -> GraphqlResult<DeletePayload> {
        Mutator::of(ctx)?.delete(&id, base_revision, RecordType::Affiliation).await
    }
}
