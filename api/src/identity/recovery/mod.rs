//! New passwords: for who has forgotten theirs, and for who knows it.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::account::{email_key, network, note, password_problem, store as accounts};
use super::caller::{Credential, Known};
use super::one_time::{self, Purpose};
use super::password;
use super::session::store as sessions;
use crate::identity::Identity;
use crate::mail::{self, Mail, Template};
use crate::record::audit::{Action, Actor};
use crate::record::error::DomainError;
use crate::record::messages::{self, accounts as said};
use crate::record::problem::{Problem, Problems, Undone};
use crate::record::transact::transact;
use crate::record::value::{DateTime, EmailAddress, Language};

pub mod graphql;

/// Minutes for which a link to choose a new password is good.
const MINUTES: i64 = 60;

/// Sends a link to choose a new password to the address of an account. What it answers and what it costs does not
/// tell whether there is one: where there is none, the same is written, about nobody.
///
/// # Errors
/// [`DomainError::RateLimited`] after too many requests; [`DomainError::Database`].
pub async fn request(identity: &Identity, email: &EmailAddress, from: IpAddr) -> Result<(), DomainError> {
    let key = email_key(email);
    identity.throttles().password_reset(&key, from, identity.clock.now())?;
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            // Who has no password here signs in elsewhere, and changes it there.
            let account = accounts::by_email(tx, &key).await?.filter(|row| row.password_hash.is_some());
            let stored = |text: &str| DomainError::Stored(text.to_owned());
            let (subject, to, language) = match account {
                // It goes to the address that is kept, not to the one that was typed.
                Some(row) => {
                    let to = row.email.parse().map_err(|_| stored("an account has no address"))?;
                    let language = row.language.parse().map_err(|_| stored("an account has no language"))?;
                    (row.id, Some(to), language)
                }
                None => (identity.new_id(), None, Language::En),
            };
            let until = DateTime::from_micros(identity.clock.now().micros() + MINUTES * 60_000_000);
            // The last link is the only one that is good.
            one_time::withdraw(tx, Purpose::PasswordReset, subject).await?;
            let token = one_time::issue(tx, identity, Purpose::PasswordReset, subject, until).await?;
            let template = Template::PasswordReset { token, minutes: MINUTES };
            mail::enqueue(tx, identity, Mail { to, language, template, until: Some(until) }).await
        })
    })
    .await
}

/// Sets the password of the account that a token is about, and ends all its sessions.
///
/// # Errors
/// [`Undone::Refused`] with what is wrong: then the token can still be used; [`DomainError::RateLimited`] after too many
/// attempts.
pub async fn reset(
    identity: &Identity,
    token: SecretString,
    password: SecretString,
    from: IpAddr,
) -> Result<(), Undone> {
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
            // Whoever has the mailbox may sign in from there next, however many guess.
            network::note(tx, identity, id, from).await?;
            tell(identity, tx, &account).await?;
            Ok(Some(account))
        })
    });
    let account = account.await?.ok_or_else(over)?;
    identity.callers().forget_account(account.id);
    // Who has guessed too often before they asked need not wait to sign in.
    identity.throttles().forgive(&account.email_key, from);
    Ok(())
}

/// Sets another password for who knows the present one, and ends their other sessions.
///
/// # Errors
/// [`Undone::Refused`] with what is wrong; [`DomainError::RateLimited`] after too many attempts.
pub async fn change(
    identity: &Identity,
    known: Option<&Known>,
    current: SecretString,
    new: SecretString,
    from: IpAddr,
) -> Result<(), Undone> {
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

/// Tells the owner of an account that the password is another one now.
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
