//! Taking over a profile: from then on the person alone decides who sees it.
//!
//! The caller has made sure that the account was invited to this very profile: a claim is not a right of its own.

use std::sync::Arc;

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::consent::{Agreement, ConsentInput, Step};
use super::store::{Standing, standing};
use identity::Identity;
use identity::account;
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::messages::{ALREADY_CLAIMED, FilledMessage, HAS_PROFILE, Message, PROFILE_GONE, PROFILE_MERGED};
use kernel::problem::Problem;
use records::changes::Change;
use records::write::{RecordInput, Submission, apply, log_of};

/// Somebody who was invited takes a profile over.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The account; it must be there, committed or made in the same transaction.
    pub account: Uuid,
    /// The profile that it was invited to.
    pub talent: Uuid,
    /// The text that the person agrees to; without it nothing is claimed.
    pub consent: Option<ConsentInput>,
}

/// Lets an account take a profile over, inside the caller's transaction.
///
/// It sets `talent.claimed` and the legal basis CONSENT by a write through the one door, records the consent and the
/// confirmation, and makes the profile the account's own. The answer is either
///
/// - the entries of the change log, which the caller must append with [`records::changes::append`] as the **last**
///   statement before COMMIT; after it, the caller tells [`identity::caller::CallerCache::forget_account`], so
///   that the account's next request knows of its profile; or
/// - all that is in the way, and nothing was written: the caller rolls back. Their paths are `consent` for what is
///   wrong with the consent, and `token` for what is wrong with the account or the profile (claimed before, merged
///   or deleted since the invitation, or the account has another profile).
///
/// The account's row is locked first, then the record: whoever locks both must do so in this order.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn claim(
    identity: &Identity,
    tx: &DatabaseTransaction,
    claim: Claim,
) -> Result<Result<Vec<Change>, Vec<Problem>>, DomainError> {
    let agreement = Agreement { account: Some(claim.account), text: claim.consent };
    let account = account::store::lock(tx, claim.account).await?;
    let account = account.ok_or_else(|| DomainError::Stored("an account that claims is not there".into()))?;
    let problems = obstacles(tx, account.talent_id, claim.talent, claim.consent).await?;
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let submission = Submission {
        id: Some(claim.talent),
        exists: true,
        overwrite: true,
        step: Some(Arc::new(Step::Claim(agreement))),
        ..Submission::new(RecordInput::blank(RecordType::Talent))
    };
    let (outcomes, written) = apply(identity, tx, &[submission]).await?;
    let refused: Vec<Problem> = outcomes.into_iter().flat_map(|outcome| outcome.problems).collect();
    if !refused.is_empty() || written.is_empty() {
        // All obstacles were checked under the same locks.
        return Err(DomainError::Stored("a profile that can be claimed was not written".into()));
    }
    account::store::set_talent(tx, claim.account, claim.talent, identity.clock.now()).await?;
    Ok(Ok(log_of(&written)))
}

/// All that is in the way of a claim by an account with this profile, or none: with the same paths as [`claim`], and
/// under the same lock on the record, so that what is not in the way now is not later in the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn obstacles(
    tx: &DatabaseTransaction,
    own: Option<Uuid>,
    talent: Uuid,
    consent: Option<ConsentInput>,
) -> Result<Vec<Problem>, DomainError> {
    let mut problems: Vec<Problem> =
        Agreement { account: None, text: consent }.problem().into_iter().collect();
    let message = in_the_way(tx, own, talent).await?;
    problems.extend(message.map(|message| Problem::beside("token", FilledMessage::new(message))));
    Ok(problems)
}

/// Why an account with this profile, or none, cannot claim that one.
async fn in_the_way(
    tx: &DatabaseTransaction,
    own: Option<Uuid>,
    wanted: Uuid,
) -> Result<Option<&'static Message>, DomainError> {
    Ok(match standing(tx, wanted).await? {
        Standing::Merged => Some(&PROFILE_MERGED),
        Standing::Gone => Some(&PROFILE_GONE),
        Standing::Claimed => Some(&ALREADY_CLAIMED),
        Standing::Unclaimed => match own {
            // A profile that is gone counts as absent.
            Some(own) if own != wanted && standing(tx, own).await? != Standing::Gone => Some(&HAS_PROFILE),
            _ => None,
        },
    })
}
