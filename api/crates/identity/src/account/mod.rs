//! Accounts: people who sign in.

use std::collections::BTreeSet;

use entity::account::Model;
use icu_normalizer::ComposingNormalizer;
use sea_orm::DatabaseTransaction;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::password;
use super::role::Grant;
use crate::Identity;
use kernel::error::DomainError;
use kernel::input::check_line;
use kernel::messages::{FilledMessage, accounts as said};
use kernel::name_of;
use kernel::problem::{Problem, Problems};
use kernel::value::{EmailAddress, Language};
use kernel::vocabulary::vocabularies;
use records::audit::{self, Action, Actor, Subject};
use records::transact::{is_twice, transact};

pub mod network;
pub mod store;

/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 100;

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Identity.
    pub id: Uuid,
    /// E-mail address as it was given.
    pub email: EmailAddress,
    /// Name that is shown.
    pub display_name: String,
    /// Language of messages to the owner.
    pub language: Language,
    /// Profile of the owner.
    pub talent: Option<Uuid>,
    /// Organizations that the owner belongs to.
    pub organizations: Vec<Uuid>,
}

impl Account {
    /// The records that the owner of the account owns: the profile and the organizations.
    pub fn owns(&self) -> BTreeSet<Uuid> {
        self.talent.iter().chain(&self.organizations).copied().collect()
    }

    /// The account of a row.
    ///
    /// # Errors
    /// [`DomainError::Stored`] for an invalid address or language.
    pub(super) fn from_row(row: Model, organizations: Vec<Uuid>) -> Result<Self, DomainError> {
        let stored = |error: &dyn std::fmt::Display| DomainError::Stored(error.to_string());
        Ok(Self {
            id: row.id,
            email: row.email.parse().map_err(|error| stored(&error))?,
            display_name: row.display_name,
            language: row.language.parse().map_err(|error| stored(&error))?,
            talent: row.talent_id,
            organizations,
        })
    }
}

/// Returns the normalized form by which e-mail addresses are compared: NFC, lower case, and the domain in ASCII
/// (IDNA). RFC 5321 section 2.4 allows mailboxes that differ only in case, but in practice they are the same.
pub fn email_key(email: &EmailAddress) -> String {
    let text = email.as_str();
    let local = text.strip_suffix(email.domain()).unwrap_or(text);
    let local = ComposingNormalizer::new_nfc().normalize(&local.to_lowercase()).into_owned();
    // An address literal in brackets is not a domain name.
    let domain =
        url::Host::parse(email.domain()).map_or_else(|_| email.domain().to_lowercase(), |h| h.to_string());
    local + &domain
}

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// E-mail address to sign in with.
    pub email: EmailAddress,
    /// Name that is shown.
    pub display_name: String,
    /// Language of messages to the owner.
    pub language: Language,
    /// Argon2id hash of the password, in PHC form.
    pub password_hash: String,
    /// Roles of the account.
    pub grants: Vec<Grant>,
}

/// The reason why an account was not created or changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotMade {
    /// An account with this e-mail address exists.
    #[error("there is an account with the e-mail address {0} already")]
    Exists(EmailAddress),
    /// The input is invalid.
    #[error("{0}")]
    Wrong(String),
    /// The program failed.
    #[error("{0}")]
    Failed(#[from] DomainError),
}

/// Checks that a role of a region has a known region, and that ADMIN has none.
///
/// # Errors
/// [`NotMade::Wrong`].
pub fn check_grant(grant: &Grant) -> Result<(), NotMade> {
    let role = name_of(grant.role);
    match &grant.region {
        Some(_) if !grant.role.has_region() => {
            Err(NotMade::Wrong(format!("the role {role} is for the whole instance: leave the region out")))
        }
        None if grant.role.has_region() => {
            Err(NotMade::Wrong(format!("the role {role} is for a region: say which with --region")))
        }
        Some(region) => match vocabularies().regions.find("region", "region", region) {
            Ok(_) => Ok(()),
            Err(error) => Err(NotMade::Wrong(error.to_string())),
        },
        None => Ok(()),
    }
}

/// Returns the problem of a new password that is empty, too short or too long.
pub fn password_problem(path: &str, password: &SecretString) -> Option<Problem> {
    if password.expose_secret().is_empty() {
        Some(Problem::required(path))
    } else if password::is_too_short(password) {
        let said =
            FilledMessage::new(&said::PASSWORD_TOO_SHORT).with("limit", password::MIN_LENGTH.to_string());
        Some(Problem::at(path, said))
    } else if password::is_too_long(password) {
        Some(Problem::too_long(path, password::MAX_LENGTH))
    } else {
        None
    }
}

/// Writes an action on an account into the history.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn note(
    identity: &Identity,
    tx: &DatabaseTransaction,
    actor: Actor,
    action: Action,
    account: Uuid,
    region: Option<String>,
    fields: &[&str],
) -> Result<(), DomainError> {
    let entry = audit::Entry {
        region,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..audit::Entry::new(actor, action, Subject::Account(account))
    };
    audit::record(tx, identity.db.dialect(), vec![entry], identity.clock.now()).await
}

/// Creates an account from the command line.
///
/// # Errors
/// [`NotMade`].
pub async fn create(identity: &Identity, new: NewAccount) -> Result<Uuid, NotMade> {
    let mut problems = Problems::default();
    check_line("name", &new.display_name, MAX_NAME, &mut problems);
    if let Some(problem) = problems.take().first() {
        return Err(NotMade::Wrong(format!("the name: {}", problem.message(Language::En))));
    }
    new.grants.iter().try_for_each(check_grant)?;
    let email = new.email.clone();
    let id = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let (id, now) = (identity.new_id(), identity.clock.now());
            if store::by_email(tx, &email_key(&new.email)).await?.is_some() {
                return Ok(None);
            }
            store::insert(tx, id, new, now).await?;
            let fields = ["email", "displayName", "language", "password", "roles"];
            note(identity, tx, Actor::CommandLine, Action::Create, id, None, &fields).await?;
            Ok(Some(id))
        })
    });
    match id.await {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(NotMade::Exists(email)),
        // Another transaction has created it in the meantime.
        Err(error) if is_twice(&error) => Err(NotMade::Exists(email)),
        Err(error) => Err(error.into()),
    }
}

/// Sets the password of the account with this address, and ends its sessions. Returns whether there is such an
/// account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn set_password(
    identity: &Identity,
    email: &EmailAddress,
    password_hash: String,
) -> Result<bool, DomainError> {
    let key = email_key(email);
    let account = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let Some(account) = store::by_email(tx, &key).await? else { return Ok(None) };
            store::set_password(tx, account.id, password_hash, identity.clock.now()).await?;
            super::session::store::delete_of_account(tx, account.id).await?;
            note(identity, tx, Actor::CommandLine, Action::SetPassword, account.id, None, &["password"])
                .await?;
            Ok(Some(account.id))
        })
    })
    .await?;
    if let Some(id) = account {
        identity.callers().forget_account(id);
    }
    Ok(account.is_some())
}

/// Grants a role to the account with this address, or withdraws it, with effect from the next request. Returns
/// whether there is such an account. Repeating a change has no effect.
///
/// # Errors
/// [`NotMade::Wrong`] for a role that lacks its region or must have none; [`NotMade::Failed`].
pub async fn set_grant(
    identity: &Identity,
    email: &EmailAddress,
    grant: Grant,
    given: bool,
) -> Result<bool, NotMade> {
    check_grant(&grant)?;
    let key = email_key(email);
    let account = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let Some(account) = store::by_email(tx, &key).await? else { return Ok(None) };
            let region = grant.region.clone();
            let changed = if given {
                store::give(tx, account.id, vec![grant], identity.clock.now()).await?
            } else {
                store::take(tx, account.id, grant).await?
            };
            if changed {
                let action = if given { Action::GrantRole } else { Action::WithdrawRole };
                note(identity, tx, Actor::CommandLine, action, account.id, region, &["roles"]).await?;
            }
            Ok(Some(account.id))
        })
    })
    .await?;
    if let Some(id) = account {
        identity.callers().forget_account(id);
    }
    Ok(account.is_some())
}

/// An account with its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The account.
    pub account: Account,
    /// Its roles.
    pub grants: Vec<Grant>,
}

/// Returns all accounts, sorted by e-mail address.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all(identity: &Identity) -> Result<Vec<Listed>, DomainError> {
    store::all(identity.db.writer()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_case_and_in_one_form() {
        let key = |text: &str| email_key(&text.parse().unwrap());
        assert_eq!(key("Ana.Exemple@Example.ORG"), "ana.exemple@example.org");
        assert_eq!(key("REN\u{c9}@exemple.fr"), key("rene\u{301}@EXEMPLE.fr"));
        assert_eq!(key("user@M\u{fc}nchen.example"), key("user@xn--mnchen-3ya.example"));
        assert_eq!(key("\"A@b\"@Example.org"), "\"a@b\"@example.org");
        assert_eq!(key("user@[IPv6:2001:DB8::1]"), "user@[ipv6:2001:db8::1]");
        assert_ne!(key("a+tag@example.org"), key("a@example.org"));
    }

    #[test]
    fn roles_have_a_region_or_none() {
        use super::super::role::Role;
        let check = |role, region: Option<&str>| {
            check_grant(&Grant { role, region: region.map(str::to_owned) }).is_ok()
        };
        assert!(check(Role::Admin, None) && !check(Role::Admin, Some("wallonie")));
        assert!(check(Role::Editor, Some("wallonie")));
        assert!(!check(Role::Editor, None) && !check(Role::Editor, Some("nowhere")));
    }
}
