//! Mutations of partnerships.

use async_graphql::{Context, ID, Object};

use super::PartnershipNode;
use super::write::{PartnershipInput, Partnerships};
use crate::record::RecordType;
use crate::record::error::{GraphqlResult, IntoGraphql};
use crate::record::mutation::{DeletePayload, Mutator, payload, record_payload, sent};
use crate::record::write::{Answer, RecordInput};

record_payload! {
    /// A partnership as it was written, or why nothing was.
    PartnershipPayload,
    /// The partnership as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
    /// left it; null where nothing was written for another reason.
    partnership: PartnershipNode
}

async fn answer(
    ctx: &Context<'_>,
    id: &ID,
    organization: ID,
    yes: bool,
) -> GraphqlResult<PartnershipPayload> {
    let answer = Answer { yes, organization: Some(organization.0) };
    let done = Mutator::of(ctx)?.answer(id, answer, RecordType::Partnership).await.graphql()?;
    payload(ctx, done).await
}

/// Mutations of partnerships.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartnershipMutation;

/// Mutations of partnerships.
#[Object]
impl PartnershipMutation {
    /// Makes a partnership: it needs a kind, a region, a title and two parties. Those who write the records
    /// of that region may. The parties that they speak for have confirmed; the others are asked. It is
    /// PROPOSED until all have confirmed.
    async fn create_partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is known of it.")] input: PartnershipInput,
        #[graphql(
            desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the record that it made first. With another input it is a CONFLICT."
        )]
        idempotency_key: Option<String>,
    ) -> GraphqlResult<PartnershipPayload> {
        let raw = sent(ctx, "input").graphql()?;
        let record = RecordInput::new::<Partnerships>(input);
        let done = Mutator::of(ctx)?.create(record, idempotency_key, raw).await.graphql()?;
        payload(ctx, done).await
    }

    /// Changes a partnership: an absent field keeps, null clears, a list replaces. Those who write the
    /// records of its region may. A party whose role or contribution changes is asked again.
    async fn update_partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the partnership.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the record as it is. Without it you write over what others have changed."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "What changes.")] input: PartnershipInput,
    ) -> GraphqlResult<PartnershipPayload> {
        let record = RecordInput::new::<Partnerships>(input);
        let done = Mutator::of(ctx)?.update(&id, base_revision, record).await.graphql()?;
        payload(ctx, done).await
    }

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

    /// Deletes a partnership. Those who write the records of its region may.
    async fn delete_partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the partnership.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is deleted: CONFLICT."
        )]
        base_revision: Option<i32>,
    ) -> GraphqlResult<DeletePayload> {
        Mutator::of(ctx)?.delete(&id, base_revision, RecordType::Partnership).await
    }
}
