//! What people do with their own profile beside changing it: confirm it, take their consent back.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::consent::{self, ConsentAct, ConsentInput, Step, text};
use super::mutation::TalentPayload;
use super::store::{Standing, standing};
use super::{TalentNode, erasing, upkeep};
use identity::Identity;
use identity::caller::Call;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::messages::{NOT_YOUR_PROFILE, language_of};
use kernel::node::by_ids;
use kernel::policy::Viewer;
use kernel::problem::Problem;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::UserError;
use kernel::value::Language;
use kernel::{RecordType, id};
use records::mutation::{Mutator, confirmed};
use records::transact::transact;
use records::write::{RecordInput, Submission, write_last};

/// What a mutation of one's own profile answers: the profile as it is now, or what is in the way.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn payload(
    ctx: &Context<'_>,
    reader: &Reader,
    done: Result<Uuid, Vec<Problem>>,
) -> Result<TalentPayload, DomainError> {
    let id = match done {
        Ok(id) => id,
        Err(problems) => {
            let user_errors = problems.iter().map(|problem| UserError::new(problem, &reader.languages));
            return Ok(TalentPayload { talent: None, user_errors: user_errors.collect() });
        }
    };
    let talent = match Selection::of(ctx).below("TalentPayload", "talent") {
        Some(want) => confirmed(true, by_ids(reader, &[id], &want).await?.next().flatten())?,
        None => None,
    };
    Ok(TalentPayload { talent, user_errors: Vec::new() })
}

/// The caller's own profile that the argument `id` names, or why it is not theirs.
async fn own(mutator: &Mutator<'_>, id: &ID) -> Result<Result<Uuid, Problem>, DomainError> {
    let id = id::decode("id", "talent", id)?;
    if let Some(message) = mutator.nobody() {
        return Ok(Err(Problem::forbidden(message)));
    }
    // Asked in any case: what is hidden costs what is absent costs.
    let found = by_ids::<TalentNode>(mutator.reader(), &[id], &Selection::default()).await?.next().flatten();
    Ok(match found.map(|node| node.row.head.id) {
        None => Err(Problem::no_record()),
        Some(id) if mutator.reader().viewer.owns.contains(&id) => Ok(id),
        Some(_) => Err(Problem::forbidden(&NOT_YOUR_PROFILE)),
    })
}

/// Notes that the person says that their profile is right; nothing where they have not claimed it.
async fn confirm(identity: &Identity, talent: Uuid) -> Result<Option<Uuid>, DomainError> {
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            if standing(tx, talent).await? != Standing::Claimed {
                return Ok(None);
            }
            upkeep::store::confirm(tx, &[talent], identity.clock.now()).await?;
            Ok(Some(talent))
        })
    })
    .await
}

/// Takes back what the person agreed to and hides the profile; nothing where they have not claimed it.
async fn withdraw(
    identity: &Identity,
    viewer: &Viewer,
    talent: Uuid,
    language: Language,
) -> Result<Option<Uuid>, DomainError> {
    let account = viewer.account;
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            if standing(tx, talent).await? != Standing::Claimed {
                return Ok(None);
            }
            let now = identity.clock.now();
            let all = consent::store::of_one(tx, identity.db.dialect(), talent).await?;
            let given = all.into_iter().find(|each| each.act == ConsentAct::Given);
            let text = given.map_or(ConsentInput { version: text::CURRENT, language }, |given| {
                ConsentInput { version: given.version, language: given.language }
            });
            consent::store::withdraw(tx, talent, account, text, now).await?;
            // Without consent the profile is not shown again, also where its erasure is stopped.
            erasing::store::stay_private(tx, talent).await?;
            let submission = Submission {
                id: Some(talent),
                exists: true,
                overwrite: true,
                step: Some(Arc::new(Step::Withdraw(account))),
                ..Submission::new(RecordInput::blank(RecordType::Talent))
            };
            write_last(identity, tx, submission).await?;
            Ok(Some(talent))
        })
    })
    .await
}

/// Mutations of one's own profile.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnTalentMutation;

/// Mutations of one's own profile.
#[Object]
impl OwnTalentMutation {
    /// Says that one's own profile is still right; only who has claimed it may. A profile that is shown with consent
    /// and is not confirmed is hidden after a time (13 months unless the instance is set otherwise), and erased
    /// later (24 months), each time after a warning by mail. One that was hidden stays so: show it again with
    /// `updateTalent`.
    async fn confirm_talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the talent.")] id: ID,
    ) -> GraphqlResult<TalentPayload> {
        let mutator = Mutator::of(ctx)?;
        let done = match own(&mutator, &id).await.graphql()? {
            Ok(id) => confirm(&Call::of(ctx)?.identity, id)
                .await
                .graphql()?
                .ok_or(Problem::forbidden(&NOT_YOUR_PROFILE)),
            Err(problem) => Err(problem),
        };
        payload(ctx, mutator.reader(), done.map_err(|problem| vec![problem])).await.graphql()
    }

    /// Takes back all that one has agreed to for one's own profile: it is PRIVATE at once. Only who has claimed the
    /// profile may. To have the data erased as well, erase the profile.
    async fn withdraw_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which profile.")] id: ID,
    ) -> GraphqlResult<TalentPayload> {
        let mutator = Mutator::of(ctx)?;
        let reader = mutator.reader();
        let done = match own(&mutator, &id).await.graphql()? {
            Ok(id) => {
                let done =
                    withdraw(&Call::of(ctx)?.identity, &reader.viewer, id, language_of(&reader.languages))
                        .await;
                done.graphql()?.ok_or(Problem::forbidden(&NOT_YOUR_PROFILE))
            }
            Err(problem) => Err(problem),
        };
        payload(ctx, reader, done.map_err(|problem| vec![problem])).await.graphql()
    }
}
