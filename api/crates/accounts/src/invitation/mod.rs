//! Invitations, by which people get accounts and roles.
//!
//! The link of a mail proves access to the mailbox. That is enough to create an account with its address. It is not
//! enough to enter an existing account, which needs its password: the invitation is then accepted by the signed-in
//! account. The inviter does not learn whether there was an account.

use std::net::IpAddr;

use entity::invitation::Model;
use sea_orm::DatabaseTransaction;
use secrecy::SecretString;
use uuid::Uuid;

use super::administration::{organization_of, regions_of, signed_in};
use directory::organization::store::region_by_id;
use directory::talent::claim::{Claim, obstacles};
use directory::talent::consent::{Agreement, ConsentInput};
use identity::Identity;
use identity::account::{MAX_NAME, NewAccount, email_key, note, password_problem, store as accounts};
use identity::api_key::store::roles_text;
use identity::caller::{Credential, IdentifiedCaller};
use identity::invited;
use identity::mail::{self, Mail, Template};
use identity::one_time::{self, Purpose};
use identity::role::{self, Grant, Role};
use identity::session::{self, Begun, Opened};
use kernel::error::DomainError;
use kernel::input::check_line;
use kernel::messages::accounts as said;
use kernel::page::{PageArguments, PageOf};
use kernel::problem::{OperationError, Problem, Problems};
use kernel::read::KeyValue;
use kernel::value::{DateTime, EmailAddress, Given, Language};
use kernel::vocabulary::vocabularies;
use records::audit::{Action, Actor};
use records::changes;
use records::transact::{is_twice, transact};

pub mod graphql;
mod store;
pub mod talent;

/// Days for which an invitation is valid.
const DAYS: i64 = 14;
/// Microseconds of a day.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Identity.
    pub id: Uuid,
    /// The address that was invited.
    pub email: EmailAddress,
    /// Language of the mail.
    pub language: Language,
    /// Slug of the region that invites.
    pub region: String,
    /// Roles that the person will get in the region.
    pub roles: Vec<Role>,
    /// An organization of the region that the person will belong to.
    pub organization: Option<Uuid>,
    /// A profile that the person is asked to take over.
    pub talent: Option<Uuid>,
    /// The account that invites.
    pub invited_by: Uuid,
    /// When it was created.
    pub created_at: DateTime,
    /// When it expires.
    pub expires_at: DateTime,
}

/// An invitation to be created.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The address.
    pub email: Given<EmailAddress>,
    /// Slug of the region.
    pub region: String,
    /// Roles that the person will get in the region.
    pub roles: Vec<Role>,
    /// An organization of the region that the person will belong to.
    pub organization: Option<Uuid>,
    /// Language of the mail; `None` for the region's first language.
    pub language: Option<Language>,
}

/// Invites an address. Earlier invitations of the region to the address are withdrawn, so that only the last link is
/// valid. The function does not check whether there is an account with the address.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::RateLimited`] after too many invitations.
pub async fn invite(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    new: NewInvitation,
) -> Result<Invitation, OperationError> {
    let known = signed_in(known)?;
    let by = known.viewer.account.ok_or_else(|| DomainError::Stored("nobody is signed in".into()))?;
    let mut problems = Problems::default();
    let email = problems.note(new.email.read("email"));
    let region = vocabularies().regions.get(&new.region).ok_or(&said::NO_REGION);
    let region =
        region.and_then(|of| known.administers(&new.region).then_some(of).ok_or(&said::NOT_YOUR_PEOPLE));
    let region = problems.note(region.map_err(|message| Problem::new("region", message)));
    if new.roles.is_empty() {
        problems.add(Problem::required("roles"));
    } else if new.roles.iter().any(|role| !role.has_region()) {
        problems.add(Problem::new("roles", &said::NO_ROLE_OF_INVITATIONS));
    }
    let mut organization = None;
    if let Some(id) = new.organization {
        let found = organization_of(&identity.db, known, id).await?;
        organization = found.filter(|(_, of)| *of == new.region).map(|(id, _)| id);
        if organization.is_none() {
            problems.add(Problem::new("organization", &said::NO_ORGANIZATION_OF_REGION));
        }
    }
    let (Some(region), Some(email), true) = (region, email, problems.is_empty()) else {
        return Err(OperationError::Refused(problems.take()));
    };
    let (key, now) = (email_key(email), identity.clock.now());
    identity.throttles().invitation(by, &key, now)?;
    let mut roles = new.roles;
    roles.sort_unstable();
    roles.dedup();
    let invitation = Invitation {
        id: identity.new_id(),
        email: email.clone(),
        language: new.language.or(region.languages.first().copied()).unwrap_or(Language::En),
        region: new.region,
        roles,
        organization,
        talent: None,
        invited_by: by,
        created_at: now,
        expires_at: DateTime::from_micros(now.micros() + DAYS * DAY),
    };
    let written = invitation.clone();
    transact(identity, move |identity, tx| Box::pin(async move { write(tx, identity, written, key).await }))
        .await?;
    Ok(invitation)
}

async fn write(
    tx: &DatabaseTransaction,
    identity: &Identity,
    invitation: Invitation,
    email_key: String,
) -> Result<(), DomainError> {
    store::delete_expired(tx, identity.clock.now()).await?;
    let earlier = match invitation.talent {
        Some(talent) => invited::of_talent(tx, talent).await?,
        None => store::to(tx, &invitation.region, &email_key).await?,
    };
    for earlier in earlier {
        invited::end(tx, earlier).await?;
    }
    let until = invitation.expires_at;
    let token = one_time::issue(tx, identity, Purpose::Invitation, invitation.id, until).await?;
    let region = invitation.region.clone();
    let template = if invitation.talent.is_some() {
        Template::ProfileInvitation { token, region, days: DAYS }
    } else {
        Template::Invitation { token, region, days: DAYS }
    };
    let mail = Mail {
        to: Some(invitation.email.clone()),
        language: invitation.language,
        template,
        until: Some(until),
    };
    mail::enqueue(tx, identity, mail).await?;
    let row = Model {
        id: invitation.id,
        email: invitation.email.to_string(),
        email_key,
        language: invitation.language.to_string(),
        region: invitation.region,
        roles: roles_text(&invitation.roles),
        organization_id: invitation.organization,
        talent_id: invitation.talent,
        invited_by: invitation.invited_by,
        created_at: invitation.created_at.micros(),
        expires_at: until.micros(),
    };
    store::insert(tx, row).await
}

/// A page of the valid invitations of the regions that the caller administers, the newest first. `region` limits it
/// to one region.
///
/// # Errors
/// `BAD_USER_INPUT` for wrong arguments; [`DomainError::Database`].
pub async fn page(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    region: Option<&str>,
    arguments: &PageArguments,
    want_total: bool,
) -> Result<PageOf<Invitation>, DomainError> {
    let all = || vocabularies().regions.all.iter().map(|entry| entry.term.slug.clone()).collect();
    let regions: Vec<String> = regions_of(known, region).unwrap_or_else(all);
    let (list, row) = store::list(identity.db.dialect(), &regions, identity.clock.now());
    let page = list.page(arguments, std::slice::from_ref(&row))?;
    store::page(&identity.db, &list, row, &page, want_total).await
}

/// Withdraws an invitation, so that its link is no longer valid.
///
/// # Errors
/// [`OperationError::Refused`] where the caller sees no valid invitation with this id; [`DomainError::Database`].
pub async fn revoke(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    id: Uuid,
) -> Result<Invitation, OperationError> {
    let found = store::by_id(&identity.db, id).await?.filter(|found| {
        found.expires_at > identity.clock.now() && known.is_some_and(|known| known.administers(&found.region))
    });
    let found = found.ok_or_else(|| Problem::forbidden(&said::NO_INVITATION))?;
    transact(identity, move |_, tx| Box::pin(async move { invited::end(tx, id).await })).await?;
    Ok(found)
}

/// The input for accepting an invitation.
#[derive(Debug)]
pub struct Acceptance {
    /// The token of the mail.
    pub token: SecretString,
    /// The password of the new account.
    pub password: Option<SecretString>,
    /// The name of the new account.
    pub display_name: Option<String>,
    /// The language of messages to the new account; `None` for that of the invitation.
    pub language: Option<Language>,
    /// The consent, where a profile is taken over.
    pub consent: Option<ConsentInput>,
}

/// The person who accepts an invitation.
enum Guest {
    /// An existing account that is signed in.
    Account(Uuid),
    /// A new account.
    New(Box<NewAccount>),
}

/// The outcome of an acceptance.
enum Accepted {
    Yes(Begun),
    /// The link is no longer valid.
    Over,
    /// There is an account with the address, which is not signed in.
    SignInFirst,
    /// The profile cannot be taken over.
    Refused(Vec<Problem>),
}

fn over() -> Problem {
    Problem::new("token", &said::LINK_OVER)
}

/// Accepts an invitation: creates an account with its address, or grants its roles to the signed-in account with the
/// address. Opens a session for the account.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; the token can then still be used. [`DomainError::RateLimited`] after too
/// many attempts.
pub async fn accept(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    given: Acceptance,
    from: IpAddr,
) -> Result<Opened, OperationError> {
    identity.throttles().one_time(from, identity.clock.now())?;
    let invitation = match one_time::look(identity, Purpose::Invitation, &given.token).await? {
        Some(id) => store::by_id(&identity.db, id).await?,
        None => None,
    };
    let guest = match known {
        Some(known) => Guest::Account(of_address(known, invitation.as_ref())?),
        None => Guest::New(Box::new(newcomer(identity, invitation.as_ref(), &given).await?)),
    };
    // `of_address` and `newcomer` have refused a missing invitation already.
    let invitation = invitation.ok_or_else(over)?;
    let (token, consent) = (given.token, given.consent);
    let accepted = transact(identity, move |identity, tx| {
        Box::pin(async move { settle(tx, identity, invitation, guest, &token, consent).await })
    });
    match accepted.await {
        Ok(Accepted::Yes(begun)) => {
            identity.callers().forget_account(begun.account());
            session::opened(identity, begun).await
        }
        Ok(Accepted::Over) => Err(over().into()),
        Ok(Accepted::SignInFirst) => Err(Problem::new("", &said::SIGN_IN_FIRST).into()),
        Ok(Accepted::Refused(problems)) => {
            Err(OperationError::Refused(problems.into_iter().map(Problem::of_the_input).collect()))
        }
        // Another request has created the account in the meantime.
        Err(error) if is_twice(&error) => Err(Problem::new("", &said::SIGN_IN_FIRST).into()),
        Err(error) => Err(error.into()),
    }
}

/// The signed-in account, if it has the invited address. The address of an account of another issuer does not count,
/// because it was not verified here.
fn of_address(known: &IdentifiedCaller, invitation: Option<&Invitation>) -> Result<Uuid, Problem> {
    let invitation = invitation.ok_or_else(over)?;
    match &known.credential {
        Credential::Session { account, .. } if email_key(&account.email) == email_key(&invitation.email) => {
            Ok(account.id)
        }
        _ => Err(Problem::new("", &said::OTHER_ACCOUNT)),
    }
}

/// The account to create for a caller who is not signed in.
async fn newcomer(
    identity: &Identity,
    invitation: Option<&Invitation>,
    given: &Acceptance,
) -> Result<NewAccount, OperationError> {
    let mut problems = Problems::default();
    if let Some(invitation) = invitation {
        // The link proves access to the mailbox, so only the owner learns of the account.
        if accounts::credentials(&identity.db, &email_key(&invitation.email)).await?.is_some() {
            return Err(Problem::new("", &said::SIGN_IN_FIRST).into());
        }
    } else {
        problems.add(over());
    }
    let password = given.password.clone().unwrap_or_default();
    problems.extend(password_problem("password", &password));
    let name = given.display_name.clone().unwrap_or_default();
    check_line("displayName", &name, MAX_NAME, &mut problems);
    if invitation.is_some_and(|invitation| invitation.talent.is_some()) {
        let agreement = Agreement { account: None, text: given.consent };
        agreement.problem().into_iter().for_each(|problem| problems.add(problem.of_the_input()));
    }
    problems.none_or_refused()?;
    let invitation = invitation.ok_or_else(over)?;
    Ok(NewAccount {
        email: invitation.email.clone(),
        display_name: name,
        language: given.language.unwrap_or(invitation.language),
        password_hash: identity.hashing().hash(password).await?,
        grants: Vec::new(),
    })
}

/// Writes all changes of an accepted invitation.
async fn settle(
    tx: &DatabaseTransaction,
    identity: &Identity,
    invitation: Invitation,
    guest: Guest,
    token: &SecretString,
    consent: Option<ConsentInput>,
) -> Result<Accepted, DomainError> {
    let now = identity.clock.now();
    if let Guest::New(new) = &guest
        && accounts::by_email(tx, &email_key(&new.email)).await?.is_some()
    {
        return Ok(Accepted::SignInFirst);
    }
    // Obstacles to a claim are checked before anything is written.
    if let Some(talent) = invitation.talent {
        let own = match &guest {
            Guest::Account(id) => accounts::lock(tx, *id).await?.and_then(|account| account.talent_id),
            Guest::New(_) => None,
        };
        let problems = obstacles(tx, own, talent, consent).await?;
        if !problems.is_empty() {
            return Ok(Accepted::Refused(problems));
        }
    }
    // The invitation is void if its sender may no longer invite.
    let stands = if let Some(talent) = invitation.talent {
        talent::stands(identity, tx, &invitation, talent).await?
    } else {
        let inviter = accounts::grants_of(tx, invitation.invited_by).await?;
        role::administers(&inviter, &invitation.region)
    };
    if !stands || one_time::redeem(tx, identity, Purpose::Invitation, token).await?.is_none() {
        return Ok(Accepted::Over);
    }
    let account = match guest {
        Guest::Account(id) => id,
        Guest::New(new) => {
            let id = identity.new_id();
            accounts::insert(tx, id, *new, now).await?;
            let fields = ["email", "displayName", "language", "password"];
            note(identity, tx, Actor::Account(id), Action::Create, id, None, &fields).await?;
            id
        }
    };
    if !invitation.roles.is_empty() {
        let (actor, region) = (Actor::Account(invitation.invited_by), Some(invitation.region.clone()));
        note(identity, tx, actor, Action::GrantRole, account, region, &["roles"]).await?;
    }
    let grants = invitation.roles.iter();
    let grants = grants.map(|role| Grant { role: *role, region: Some(invitation.region.clone()) });
    accounts::give(tx, account, grants.collect(), now).await?;
    if let Some(organization) = invitation.organization {
        // The organization may have been deleted or moved to another region in the meantime.
        let dialect = identity.db.dialect();
        let key = vec![vec![KeyValue::Id(organization)]];
        let found = region_by_id(dialect).query(tx, dialect, key).await?;
        if let Some((_, mut row)) = found.into_iter().next() {
            let (id, region): (Uuid, String) = (row.get()?, row.get()?);
            if region == invitation.region {
                accounts::join(tx, account, id).await?;
            }
        }
    }
    invited::delete(tx, invitation.id).await?;
    let begun = session::begin(tx, identity, account).await?;
    if let Some(talent) = invitation.talent {
        let entries = talent::certain(identity, tx, Claim { account, talent, consent }).await?;
        changes::append(tx, identity.db.dialect(), entries, now).await?;
    }
    Ok(Accepted::Yes(begun))
}
