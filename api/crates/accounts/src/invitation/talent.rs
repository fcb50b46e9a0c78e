//! Invitations to take over a profile, sent by those who write the records of its region to the person it is about.
//!
//! The link proves access to the mailbox under which the region knows the person. A signed-in person claims the
//! profile with their account, whose address may be another. A new person accepts the invitation, which creates an
//! account.

use std::net::IpAddr;

use sea_orm::DatabaseTransaction;
use secrecy::SecretString;
use uuid::Uuid;

use super::{DAY, DAYS, Invitation, over, store, write};
use crate::administration::signed_in;
use directory::talent::TalentNode;
use directory::talent::claim::{Claim, claim, obstacles};
use directory::talent::consent::ConsentInput;
use directory::talent::store::Columns;
use directory::talent::upkeep;
use identity::Identity;
use identity::account::{email_key, store as accounts};
use identity::caller::IdentifiedCaller;
use identity::invited;
use identity::one_time::{self, Purpose};
use identity::role;
use kernel::error::DomainError;
use kernel::lookup::Key;
use kernel::messages::{ALREADY_CLAIMED, FilledMessage, NO_RECORD, NOT_YOURS};
use kernel::node::rows;
use kernel::problem::{OperationError, Problem};
use kernel::reader::Reader;
use kernel::value::{DateTime, EmailAddress, Language};
use kernel::vocabulary::vocabularies;
use records::changes::{self, Change};
use records::transact::transact;

/// An invitation to take over a profile, to be created.
#[derive(Clone, Debug)]
pub struct NewTalentInvitation {
    /// The profile.
    pub talent: Uuid,
    /// The address of the person.
    pub email: EmailAddress,
    /// Language of the mail; `None` for the region's first language.
    pub language: Option<Language>,
}

/// Invites the person whom a profile is about. An earlier invitation to the profile is withdrawn.
///
/// # Errors
/// [`OperationError::Refused`] where the caller may not write the profile's region, or the profile is claimed;
/// [`DomainError::RateLimited`] after too many invitations.
pub async fn invite(
    identity: &Identity,
    reader: &Reader,
    known: Option<&IdentifiedCaller>,
    new: NewTalentInvitation,
) -> Result<Invitation, OperationError> {
    let known = signed_in(known).map_err(Problem::not_of_the_input)?;
    let by = known.viewer.account.ok_or_else(|| DomainError::Stored("nobody is signed in".into()))?;
    let found =
        rows::<TalentNode>(reader, vec![Key::Id(new.talent)], Columns::SEARCHED).await?.pop().flatten();
    let found = found.map(|node| node.row);
    let refused = |message| Err(Problem::beside("talent", FilledMessage::new(message)).into());
    let Some(found) = found else { return refused(&NO_RECORD) };
    if !known.viewer.writes_in(&found.head.region) {
        return refused(&NOT_YOURS);
    }
    if found.card.claimed {
        return refused(&ALREADY_CLAIMED);
    }
    let (key, now) = (email_key(&new.email), identity.clock.now());
    identity.throttles().invitation(by, &key, now)?;
    let region = found.head.region;
    let of_region = vocabularies().regions.get(&region).and_then(|known| known.languages.first().copied());
    let invitation = Invitation {
        id: identity.new_id(),
        email: new.email,
        language: new.language.or(of_region).unwrap_or(Language::En),
        region,
        roles: Vec::new(),
        organization: None,
        talent: Some(found.head.id),
        invited_by: by,
        created_at: now,
        expires_at: DateTime::from_micros(now.micros() + DAYS * DAY),
    };
    let written = invitation.clone();
    transact(identity, move |identity, tx| Box::pin(async move { write(tx, identity, written, key).await }))
        .await?;
    Ok(invitation)
}

/// Whether an invitation to a profile is still valid: its sender may still write the region that answers for the
/// profile.
pub(super) async fn stands(
    identity: &Identity,
    tx: &DatabaseTransaction,
    invitation: &Invitation,
    talent: Uuid,
) -> Result<bool, DomainError> {
    let grants = accounts::grants_of(tx, invitation.invited_by).await?;
    let inviter = role::viewer(invitation.invited_by, &grants, [].into());
    // A deleted profile is refused by the claim itself.
    let profile = upkeep::store::profile(tx, identity.db.dialect(), talent).await?;
    Ok(profile.is_none_or(|profile| inviter.writes_in(&profile.region)))
}

/// Claims a profile after this transaction has found no obstacles. Returns the entries of the change log, which must
/// be appended last.
pub(super) async fn certain(
    identity: &Identity,
    tx: &DatabaseTransaction,
    certain: Claim,
) -> Result<Vec<Change>, DomainError> {
    let unexpected = |_| DomainError::Stored("a claim was refused that nothing was in the way of".into());
    claim(identity, tx, certain).await?.map_err(unexpected)
}

/// The outcome of a claim.
enum Claimed {
    Yes(Uuid),
    /// The link is no longer valid.
    Over,
    Refused(Vec<Problem>),
}

/// Claims the profile of an invitation for the signed-in account, with the invitation's token. Returns the id of the
/// profile.
///
/// # Errors
/// [`OperationError::Refused`] with all obstacles; the token can then still be used. [`DomainError::RateLimited`] after too
/// many attempts.
pub async fn claim_with(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    token: SecretString,
    consent: Option<ConsentInput>,
    from: IpAddr,
) -> Result<Uuid, OperationError> {
    let known = signed_in(known).map_err(Problem::not_of_the_input)?;
    let account = known.viewer.account.ok_or_else(|| DomainError::Stored("nobody is signed in".into()))?;
    identity.throttles().one_time(from, identity.clock.now())?;
    let invitation = match one_time::look(identity, Purpose::Invitation, &token).await? {
        Some(id) => store::by_id(&identity.db, id).await?,
        None => None,
    };
    let invitation = invitation.and_then(|found| found.talent.map(|talent| (found, talent)));
    let Some((invitation, talent)) = invitation else { return Err(over().not_of_the_input().into()) };
    let done = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let Some(row) = accounts::lock(tx, account).await? else { return Ok(Claimed::Over) };
            let problems = obstacles(tx, row.talent_id, talent, consent).await?;
            if !problems.is_empty() {
                return Ok(Claimed::Refused(problems));
            }
            if !stands(identity, tx, &invitation, talent).await?
                || one_time::redeem(tx, identity, Purpose::Invitation, &token).await?.is_none()
            {
                return Ok(Claimed::Over);
            }
            invited::delete(tx, invitation.id).await?;
            let entries = certain(identity, tx, Claim { account, talent, consent }).await?;
            changes::append(tx, identity.db.dialect(), entries, identity.clock.now()).await?;
            Ok(Claimed::Yes(talent))
        })
    });
    match done.await {
        Ok(Claimed::Yes(talent)) => {
            identity.callers().forget_account(account);
            Ok(talent)
        }
        Ok(Claimed::Refused(problems)) => Err(OperationError::Refused(problems)),
        Ok(Claimed::Over) => Err(over().not_of_the_input().into()),
        Err(error) => Err(error.into()),
    }
}
