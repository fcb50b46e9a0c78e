//! Mutations of talents.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::consent::{Agreement, ConsentInput, Step};
use super::write::{TalentInput, Talents};
use super::{TalentNode, erasing};
use crate::record_mutations;
use kernel::error::{GraphqlResult, IntoGraphql};
use records::mutation::{DeletePayload, Mutator, payload};
use records::write::RecordInput;

record_mutations! {
    /// Mutations of talents.
    TalentMutation of Talents,
    /// A talent as it was written, or why nothing was.
    TalentPayload {
        /// The talent as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have left
        /// it; null where nothing was written for another reason.
        talent: TalentNode
    }
    create {
        /// Makes a talent: it needs a name and a region. Those who write the records of that region may. Without
        /// a visibility the person stays PRIVATE.
        create_talent
    }
    delete {
        /// Deletes a talent. The person and those who write the records of the region may. It is refused while
        /// affiliations refer to it. It removes the record and not what others have kept of it.
        delete_talent("Id of the talent.")
    }
    merge {
        /// Merges a talent who is in the directory twice: the duplicate goes, and its id, its slugs and its external id lead
        /// to the survivor from then on, also in imports. Those who write the records of the regions of both may. A profile
        /// that its person has claimed is never the one that goes, and two claimed ones are not merged.
        ///
        /// Affiliations go over to the survivor; one that both had becomes one, and is disputed where either was. Of the
        /// survivor only what is empty is filled from the duplicate, and its lists (name variants, identifiers, occupations,
        /// sectors, skills, languages, links, texts in other languages, sources, claims) get what they lack; but nothing
        /// that fewer may see in the duplicate than in the survivor, group by group. Who sees the survivor, and its legal
        /// basis, stay as they are. Invitations to claim the duplicate end. It cannot be undone.
        merge_talents
    }
    also OtherTalentMutation
}

/// Mutations that only talents have.
#[derive(Clone, Copy, Debug)]
pub struct OtherTalentMutation;

/// Mutations that only talents have.
#[Object]
impl OtherTalentMutation {
    /// Changes a talent: an absent field keeps, null clears, a list replaces. The person and those who write
    /// the records of the region may. Who sees the profile, and why the directory shows it, only the person
    /// decides once they have claimed it; where they show more of it, or to more people, they agree to the present
    /// text. Whoever takes a profile out of PRIVATE that nobody has claimed says its `legalBasis`.
    async fn update_talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the talent.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the record as it is. Without it you write over what others have changed."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "What changes.")] input: TalentInput,
        #[graphql(
            desc = "Required where the person makes `visibility` or a group of `fieldVisibility` of their claimed profile visible to more people; it is recorded then, and passed over otherwise."
        )]
        consent: Option<ConsentInput>,
    ) -> GraphqlResult<TalentPayload> {
        let record = RecordInput::new::<Talents>(input);
        let mutator = Mutator::of(ctx)?;
        let agreement = Agreement { account: mutator.reader().viewer.account, text: consent };
        let step = Arc::new(Step::Agree(agreement));
        let done = mutator.update_with(&id, base_revision, record, step).await.graphql()?;
        payload(ctx, done).await
    }

    /// Erases a talent: nothing that was known of the person stays anywhere, and the profile never comes back, from
    /// whatever source. Its affiliations go with it, and the account of a person who has no role and belongs to no
    /// organization. Who kept a copy is told by the change log. The person and those who write the records of the
    /// region may.
    ///
    /// The erasure waits, three days unless the instance is set otherwise: `scheduledFor` says until when. Meanwhile the
    /// profile is PRIVATE, and the person, where they can be reached, has a mail with a link to stop it (`stopErasure`).
    /// Asking again changes nothing and answers the same time.
    async fn erase_talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the talent.")] id: ID,
        #[graphql(
            desc = "The password of the person who erases themselves. It is not needed within five minutes after they have signed in; those who sign in elsewhere do that again instead. Staff need none."
        )]
        password: Option<String>,
    ) -> GraphqlResult<DeletePayload> {
        erasing::graphql::erase(ctx, &id, password).await
    }
}
