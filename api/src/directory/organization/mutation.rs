//! Mutations of organizations.

use async_graphql::{Context, ID, Object};

use super::OrganizationNode;
use super::write::{OrganizationInput, Organizations};
use crate::record::RecordType;
use crate::record::error::{GraphqlResult, IntoGraphql};
use crate::record::mutation::{DeletePayload, MergeArguments, Mutator, payload, record_payload, sent};
use crate::record::write::RecordInput;

record_payload! {
    /// An organization as it was written, or why nothing was.
    OrganizationPayload,
    /// The organization as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
    /// left it; null where nothing was written for another reason.
    organization: OrganizationNode
}

/// Mutations of organizations.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganizationMutation;

/// Mutations of organizations.
#[Object]
impl OrganizationMutation {
    /// Makes an organization: it needs a name, a kind and a region. Those who write the records of that
    /// region may.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is known of it.")] input: OrganizationInput,
        #[graphql(
            desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the record that it made first. With another input it is a CONFLICT."
        )]
        idempotency_key: Option<String>,
    ) -> GraphqlResult<OrganizationPayload> {
        let raw = sent(ctx, "input").graphql()?;
        let record = RecordInput::new::<Organizations>(input);
        let done = Mutator::of(ctx)?.create(record, idempotency_key, raw).await.graphql()?;
        payload(ctx, done).await
    }

    /// Changes an organization: an absent field keeps, null clears, a list replaces. Those who write the
    /// records of its region may; to move it to another region, those of both.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the organization.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the record as it is. Without it you write over what others have changed."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "What changes.")] input: OrganizationInput,
    ) -> GraphqlResult<OrganizationPayload> {
        let record = RecordInput::new::<Organizations>(input);
        let done = Mutator::of(ctx)?.update(&id, base_revision, record).await.graphql()?;
        payload(ctx, done).await
    }

    /// Deletes an organization. It is refused while others refer to it: affiliations, partnerships, members,
    /// organizations that it succeeds.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the organization.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is deleted: CONFLICT."
        )]
        base_revision: Option<i32>,
    ) -> GraphqlResult<DeletePayload> {
        Mutator::of(ctx)?.delete(&id, base_revision, RecordType::Organization).await
    }

    /// Merges an organization that is in the directory twice: the duplicate goes, and its id, its slugs and its external
    /// id lead to the survivor from then on, also in imports. Those who write the records of the regions of both may.
    ///
    /// Affiliations, partnerships, members, the organizations that it continues, proposals and the accounts of its members
    /// go over to the survivor; an affiliation or a party that both had becomes one. Of the survivor only what is empty
    /// is filled from the duplicate (a status UNKNOWN counts as empty); its lists (names, kinds, regions served,
    /// languages, sectors, identifiers, memberships, descriptions in other languages, sources, claims) get what they
    /// lack. The name, the kind, the region, the visibility and every value that is there stay; the duplicate's name
    /// becomes one of the other names. It is refused where a partnership of the two alone would be left with one party.
    /// It cannot be undone.
    async fn merge_organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one that stays.")] survivor: ID,
        #[graphql(desc = "The one that goes.")] duplicate: ID,
        #[graphql(
            desc = "The revision of the survivor that you have read. Where another is present, nothing is written: CONFLICT, with the survivor as it is."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "The same for the duplicate.")] duplicate_revision: Option<i32>,
    ) -> GraphqlResult<OrganizationPayload> {
        let asked =
            MergeArguments { survivor: &survivor, duplicate: &duplicate, base_revision, duplicate_revision };
        let done = Mutator::of(ctx)?.merge::<Organizations>(&asked).await.graphql()?;
        payload(ctx, done).await
    }
}
