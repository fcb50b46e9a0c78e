//! Erasures in the schema.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{Delay, schedule, stop_by, stop_with};
use crate::talent::TalentNode;
use identity::caller::Call;
use identity::presence;
use kernel::RecordType;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::node::by_ids;
use kernel::problem::{OperationError, Problem};
use kernel::read::Selection;
use kernel::user_error::{UserError, outcome};
use records::mutation::{DeletePayload, Mutator};

/// Erases a talent for who calls, now or later.
pub(in crate::talent) async fn erase(
    ctx: &Context<'_>,
    id: &ID,
    password: Option<String>,
) -> GraphqlResult<DeletePayload> {
    let (call, mutator, delay) = (Call::of(ctx)?, Mutator::of(ctx)?, *ctx.data::<Delay>()?);
    let reader = mutator.reader();
    let meant = id::decode("id", RecordType::Talent.prefix(), id).graphql()?;
    // A duplicate's id leads to the profile that it was merged into.
    let found =
        by_ids::<TalentNode>(reader, &[meant], &Selection::default()).await.graphql()?.next().flatten();
    let talent = found.map_or(meant, |node| node.row.head.id);
    let refused = |user_errors| Ok(DeletePayload { user_errors, ..DeletePayload::default() });
    if reader.viewer.owns.contains(&talent) {
        let there = presence::prove(call, password.map(Into::into)).await;
        if let Err(user_errors) = outcome(there, &reader.languages).graphql()? {
            return refused(user_errors);
        }
    }
    if mutator.nobody().is_some() || delay.after(call.identity.clock.now()).is_none() {
        return mutator.erase(id, RecordType::Talent).await;
    }
    let done = schedule(&call.identity, delay, &reader.viewer, talent).await;
    match outcome(done, &reader.languages).graphql()? {
        Ok(due) => Ok(DeletePayload { scheduled_for: Some(due), ..DeletePayload::default() }),
        Err(user_errors) => refused(user_errors),
    }
}

/// The profile whose erasure was stopped, or why it was not.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct StopErasurePayload {
    /// The id of the profile that stays; null where nothing was stopped.
    pub talent_id: Option<ID>,
    /// Why it was not stopped; empty where it was.
    pub user_errors: Vec<UserError>,
}

/// Mutations of erasures.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErasureMutation;

/// Mutations of erasures.
#[Object]
impl ErasureMutation {
    /// Stops an erasure that `eraseTalent` has scheduled: the profile is shown again to those who saw it before. The
    /// person may, by the link of the mail or signed in; the staff of the region only where the person has not requested
    /// the erasure themselves. Give exactly one of `token` and `id`.
    async fn stop_erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What stood behind `#keep-profile=` in the link of the mail. It is good once, until the erasure."
        )]
        token: Option<String>,
        #[graphql(desc = "Id of the talent, for who is signed in.")] id: Option<ID>,
    ) -> GraphqlResult<StopErasurePayload> {
        let (call, mutator) = (Call::of(ctx)?, Mutator::of(ctx)?);
        let reader = mutator.reader();
        let done = match (token, id) {
            (Some(token), None) => stop_with(call, token.into()).await,
            (None, Some(id)) => {
                let meant = id::decode("id", RecordType::Talent.prefix(), &id).graphql()?;
                if let Some(message) = mutator.nobody() {
                    Err(OperationError::from(Problem::forbidden(message)))
                } else {
                    let want = Selection::default();
                    let found =
                        by_ids::<TalentNode>(reader, &[meant], &want).await.graphql()?.next().flatten();
                    match found {
                        None => Err(OperationError::from(Problem::no_record())),
                        Some(node) => {
                            stop_by(&Call::of(ctx)?.identity, &reader.viewer, node.row.head.id).await
                        }
                    }
                }
            }
            (Some(_), Some(_)) | (None, None) => {
                let message = "Give exactly one of `token` and `id`.";
                return Err(DomainError::bad_input("token", message.to_owned())).graphql();
            }
        };
        Ok(match outcome(done, &reader.languages).graphql()? {
            Ok(talent) => StopErasurePayload {
                talent_id: Some(graphql_id(RecordType::Talent.prefix(), talent)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => StopErasurePayload { talent_id: None, user_errors },
        })
    }
}
