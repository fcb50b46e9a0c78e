//! Administration of accounts: administrators list accounts, and grant and withdraw roles and memberships.
//!
//! An administrator of a region sees the accounts that have a role in it or belong to one of its organizations. Other
//! accounts are hidden, and are invited by e-mail address. Administrators of the instance see all accounts.

use std::sync::Arc;

use uuid::Uuid;

use directory::organization::store::region_by_id;
use identity::Identity;
use identity::account::{Account, note, store as accounts};
use identity::caller::IdentifiedCaller;
use identity::role::{Grant, Role};
use identity::signing::store::lock_instance;
use kernel::error::DomainError;
use kernel::messages::{self, accounts as said};
use kernel::page::{PageArguments, PageOf};
use kernel::problem::{OperationError, Problem, Problems};
use kernel::read::{Database, KeyValue};
use kernel::value::DateTime;
use kernel::vocabulary::vocabularies;
use records::audit::{Action, Actor};
use records::transact::transact;

pub mod graphql;
mod store;

/// An account, as the administrators of its region see it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// Its roles; empty unless they were read.
    pub grants: Vec<Grant>,
    /// When it was made.
    pub created_at: DateTime,
}

/// The regions that the caller administers, or only `region` if it is one of them. `None` stands for the whole
/// instance.
pub(super) fn regions_of(known: Option<&IdentifiedCaller>, region: Option<&str>) -> Option<Vec<String>> {
    if region.is_none() && known.is_some_and(|known| known.viewer.admin && known.account().is_some()) {
        return None;
    }
    let all = vocabularies().regions.all.iter().map(|entry| entry.term.slug.clone());
    let decides = |slug: &str| known.is_some_and(|known| known.administers(slug));
    Some(all.filter(|slug| region.is_none_or(|region| region == slug) && decides(slug)).collect())
}

/// The caller, if they are signed in with an account.
///
/// # Errors
/// A problem of the whole input for an anonymous caller or an API key.
pub(super) fn signed_in(known: Option<&IdentifiedCaller>) -> Result<&IdentifiedCaller, Problem> {
    known.filter(|known| known.account().is_some()).ok_or_else(|| Problem::new("", &messages::NOT_SIGNED_IN))
}

/// A page of the accounts that the caller sees, the newest first. `region` limits it to one region.
///
/// # Errors
/// `BAD_USER_INPUT` for wrong arguments; [`DomainError::Database`].
pub async fn page(
    db: &Arc<Database>,
    known: Option<&IdentifiedCaller>,
    region: Option<&str>,
    arguments: &PageArguments,
    want_total: bool,
) -> Result<PageOf<Entry>, DomainError> {
    let regions = regions_of(known, region);
    let (list, row) = store::list(db.dialect(), regions.as_deref());
    let page = list.page(arguments, std::slice::from_ref(&row))?;
    store::page(db, &list, row, &page, want_total).await
}

/// The account with this id, if the caller sees it.
///
/// # Errors
/// [`OperationError::Refused`] where they do not; [`DomainError::Database`].
pub async fn find(db: &Arc<Database>, known: &IdentifiedCaller, id: Uuid) -> Result<Entry, OperationError> {
    let found = store::find(db, id, regions_of(Some(known), None).as_deref()).await?;
    Ok(found.ok_or_else(|| Problem::new("account", &said::NO_ACCOUNT))?)
}

/// Returns the problems of a role and its region.
fn check_grant(known: &IdentifiedCaller, grant: &Grant) -> Problems {
    let mut problems = Problems::default();
    match &grant.region {
        None if grant.role.has_region() => problems.add(Problem::new("region", &said::ROLE_NEEDS_REGION)),
        Some(_) if !grant.role.has_region() => {
            problems.add(Problem::new("region", &said::ROLE_HAS_NO_REGION));
        }
        None if !known.viewer.admin => problems.add(Problem::new("role", &said::ADMINISTRATORS_ONLY)),
        Some(region) if vocabularies().regions.get(region).is_none() => {
            problems.add(Problem::new("region", &said::NO_REGION));
        }
        Some(region) if !known.administers(region) => {
            problems.add(Problem::new("region", &said::NOT_YOUR_PEOPLE));
        }
        _ => {}
    }
    problems
}

/// Grants a role to an account, or withdraws it, with effect from the next request. Repeating a change has no effect.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::Database`].
pub async fn set_role(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    account: Uuid,
    grant: Grant,
    given: bool,
) -> Result<Entry, OperationError> {
    let known = signed_in(known)?;
    check_grant(known, &grant).none_or_refused()?;
    let entry = find(&identity.db, known, account).await?;
    let actor = Actor::of(Some(&known.viewer));
    let done = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let last_one_stays = !given && grant.role == Role::Admin;
            if last_one_stays {
                // Serializes two administrators who withdraw the role from each other, so that one of them keeps it.
                lock_instance(tx).await?;
            }
            if accounts::grants_of(tx, account).await?.contains(&grant) == given {
                return Ok(true);
            }
            if last_one_stays && accounts::count_with(tx, Role::Admin).await? == 1 {
                return Ok(false);
            }
            let action = if given { Action::GrantRole } else { Action::WithdrawRole };
            note(identity, tx, actor, action, account, grant.region.clone(), &["roles"]).await?;
            if given {
                accounts::give(tx, account, vec![grant], identity.clock.now()).await?;
                return Ok(true);
            }
            accounts::take(tx, account, grant).await?;
            Ok(true)
        })
    });
    if !done.await? {
        return Err(Problem::new("role", &said::LAST_ADMINISTRATOR).into());
    }
    identity.callers().forget_account(account);
    Ok(entry)
}

/// The organization with this id, and its region, if the caller administers that region.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn organization_of(
    db: &Arc<Database>,
    known: &IdentifiedCaller,
    id: Uuid,
) -> Result<Option<(Uuid, String)>, DomainError> {
    let rows = db.read(&region_by_id(db.dialect()), vec![vec![KeyValue::Id(id)]]).await?;
    let found: Option<(Uuid, String)> = rows
        .into_iter()
        .next()
        .map(|(_, mut row)| Ok::<_, DomainError>((row.get()?, row.get()?)))
        .transpose()?;
    Ok(found.filter(|(_, region)| known.administers(region)))
}

/// Makes an account a member of an organization, or ends its membership.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::Database`].
pub async fn set_membership(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    account: Uuid,
    organization: Uuid,
    belongs: bool,
) -> Result<Entry, OperationError> {
    let known = signed_in(known)?;
    let mut problems = Problems::default();
    let found = organization_of(&identity.db, known, organization).await?;
    if found.is_none() {
        problems.add(Problem::new("organization", &said::NO_ORGANIZATION_OF_REGION));
    }
    let entry = match find(&identity.db, known, account).await {
        Ok(entry) => Some(entry),
        Err(OperationError::Refused(all)) => {
            problems.extend(all);
            None
        }
        Err(failed) => return Err(failed),
    };
    let (Some(entry), Some((organization, region))) = (entry, found) else {
        return Err(OperationError::Refused(problems.take()));
    };
    let actor = Actor::of(Some(&known.viewer));
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            note(identity, tx, actor, Action::Update, account, Some(region), &["organizations"]).await?;
            if belongs {
                accounts::join(tx, account, organization).await
            } else {
                accounts::leave(tx, account, organization).await
            }
        })
    })
    .await?;
    identity.callers().forget_account(account);
    Ok(entry)
}
