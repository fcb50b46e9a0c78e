//! New passwords: resetting a forgotten one, and changing a known one.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::account::{email_key, network, note, password_problem, store as accounts};
use super::caller::{Credential, IdentifiedCaller};
use super::one_time::{self, Purpose};
use super::password;
use super::session::store as sessions;
use crate::Identity;
use crate::mail::{self, Mail, Template};
use kernel::error::DomainError;
use kernel::messages::{self, accounts as said};
use kernel::problem::{OperationError, Problem, Problems};
use kernel::value::{DateTime, EmailAddress, Language};
use records::audit::{Action, Actor};
use records::transact::transact;

/// Minutes for which a link to choose a new password is valid.
const MINUTES: i64 = 60;

/// Sends a link to choose a new password to the address of an account. Neither the result nor the cost reveals
/// whether there is an account: without one, the same rows are written for a random subject.
///
/// # Errors
/// [`DomainError::RateLimited`] after too many requests; [`DomainError::Database`].
pub async fn request(identity: &Identity, email: &EmailAddress, from: IpAddr) -> Result<(), DomainError> {
    let key = email_key(email);
    identity.throttles().password_reset(&key, from, identity.clock.now())?;
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            // Accounts without a password sign in with another issuer, and change their password there.
            let account = accounts::by_email(tx, &key).await?.filter(|row| row.password_hash.is_some());
            let stored = |text: &str| DomainError::Stored(text.to_owned());
            let (subject, to, language) = match account {
                // The mail goes to the stored address, not to the one that was typed.
                Some(row) => {
                    let to = row.email.parse().map_err(|_| stored("an account has no address"))?;
                    let language = row.language.parse().map_err(|_| stored("an account has no language"))?;
                    (row.id, Some(to), language)
                }
                None => (identity.new_id(), None, Language::En),
            };
            let until = DateTime::from_micros(identity.clock.now().micros() + MINUTES * 60_000_000);
            // Only the last link is valid.
            one_time::withdraw(tx, Purpose::PasswordReset, subject).await?;
            let token = one_time::issue(tx, identity, Purpose::PasswordReset, subject, until).await?;
            let template = Template::PasswordReset { token, minutes: MINUTES };
            mail::enqueue(tx, identity, Mail { to, language, template, until: Some(until) }).await
        })
    })
    .await
}

/// Sets the password of a token's account, and ends all its sessions.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; the token can then still be used. [`DomainError::RateLimited`] after too
/// many attempts.
pub async fn reset(
    identity: &Identity,
    token: SecretString,
    password: SecretString,
    from: IpAddr,
) -> Result<(), OperationError> {
    identity.throttles().one_time(from, identity.clock.now())?;
    let over = || Problem::new("token", &said::LINK_OVER);
    let mut problems = Problems::default();
    if one_time::look(identity, Purpose::PasswordReset, &token).await?.is_none() {
        problems.add(over());
    }
    problems.extend(password_problem("password", &password));
    problems.none_or_refused()?;
    let hash = identity.hashing().hash(password).await?;
    let account = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let Some(id) = one_time::redeem(tx, identity, Purpose::PasswordReset, &token).await? else {
                return Ok(None);
            };
            let Some(account) = accounts::by_id(tx, id).await? else { return Ok(None) };
            accounts::set_password(tx, id, hash, identity.clock.now()).await?;
            note(identity, tx, Actor::Account(id), Action::SetPassword, id, None, &["password"]).await?;
            sessions::delete_of_account(tx, id).await?;
            // The owner of the mailbox can then sign in from this network, even while others guess the password.
            network::note(tx, identity, id, from).await?;
            tell(identity, tx, &account).await?;
            Ok(Some(account))
        })
    });
    let account = account.await?.ok_or_else(over)?;
    identity.callers().forget_account(account.id);
    // An owner who guessed too often before the reset need not wait to sign in.
    identity.throttles().forgive(&account.email_key, from);
    Ok(())
}

/// Changes the password of a caller who knows the current one, and ends their other sessions.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::RateLimited`] after too many attempts.
pub async fn change(
    identity: &Identity,
    known: Option<&IdentifiedCaller>,
    current: SecretString,
    new: SecretString,
    from: IpAddr,
) -> Result<(), OperationError> {
    let Some(Credential::Session { session, account }) = known.map(|known| &known.credential) else {
        return Err(Problem::new("", &messages::NOT_SIGNED_IN).into());
    };
    let session = *session;
    let mut problems = Problems::default();
    problems.extend(password_problem("newPassword", &new));
    if current.expose_secret().is_empty() {
        problems.add(Problem::required("currentPassword"));
    } else if password::is_too_long(&current) {
        problems.add(Problem::too_long("currentPassword", password::MAX_LENGTH));
    } else {
        let key = email_key(&account.email);
        let is_known = network::is_known(identity, Some(account.id), from);
        let attempt = identity.throttles().sign_in(&key, from, identity.clock.now(), is_known).await?;
        let hash = accounts::credentials(&identity.db, &key).await?.and_then(|(_, hash)| hash);
        if identity.hashing().verify(current, hash).await? {
            identity.throttles().signed_in(&key, from, attempt);
        } else {
            problems.add(Problem::new("currentPassword", &said::WRONG_PASSWORD));
        }
    }
    problems.none_or_refused()?;
    let hash = identity.hashing().hash(new).await?;
    let id = account.id;
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            let Some(account) = accounts::by_id(tx, id).await? else { return Ok(()) };
            accounts::set_password(tx, id, hash, identity.clock.now()).await?;
            note(identity, tx, Actor::Account(id), Action::SetPassword, id, None, &["password"]).await?;
            sessions::delete_others(tx, id, session).await?;
            one_time::withdraw(tx, Purpose::PasswordReset, id).await?;
            tell(identity, tx, &account).await
        })
    })
    .await?;
    identity.callers().forget_account(id);
    Ok(())
}

/// Queues the mail about a changed password to the owner of the account.
async fn tell(
    identity: &Identity,
    on: &impl sea_orm::ConnectionTrait,
    account: &entity::account::Model,
) -> Result<(), DomainError> {
    let stored = |_| DomainError::Stored("an account has no address or language".into());
    let mail = Mail {
        to: Some(account.email.parse().map_err(stored)?),
        language: account.language.parse().map_err(stored)?,
        template: Template::PasswordChanged,
        until: None,
    };
    mail::enqueue(on, identity, mail).await
}
