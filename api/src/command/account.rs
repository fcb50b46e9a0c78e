//! `passerelle account`: the accounts of people.

use std::io::Read as _;

use crate::config::Config;
use async_graphql::resolver_utils::EnumType as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use identity::account::{self, NewAccount, NotMade};
use identity::password;
use identity::role::{Grant, Role};
use kernel::secret;
use kernel::value::{EmailAddress, Language};
use kernel::{id, name_of, value_of};
use secrecy::{ExposeSecret as _, SecretString};
use server::app::App;

use super::{Failure, make_data_dir, open};

/// Makes and lists accounts
#[derive(Debug, Args)]
pub(super) struct Account {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes an account: the first administrator with `--role ADMIN`
    Create {
        /// E-mail address to sign in with
        #[arg(long, value_name = "ADDRESS")]
        email: EmailAddress,
        /// What they may do
        #[arg(long, value_parser = roles())]
        role: String,
        /// Slug of the region where, for all roles but ADMIN
        #[arg(long, value_name = "SLUG")]
        region: Option<String>,
        /// Name that is shown [default: what stands before the @]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Language of messages to them: fr, nl, en or de
        #[arg(long, default_value = "en", value_name = "LANGUAGE", value_parser = language)]
        language: Language,
        /// Reads the password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        config: Config,
    },
    /// Lists the accounts with their roles
    List {
        #[command(flatten)]
        config: Config,
    },
    /// Gives an account one more role
    Grant {
        /// E-mail address of the account
        #[arg(long, value_name = "ADDRESS")]
        email: EmailAddress,
        /// What they may do
        #[arg(long, value_parser = roles())]
        role: String,
        /// Slug of the region where, for all roles but ADMIN
        #[arg(long, value_name = "SLUG")]
        region: Option<String>,
        #[command(flatten)]
        config: Config,
    },
    /// Takes a role away from an account
    Withdraw {
        /// E-mail address of the account
        #[arg(long, value_name = "ADDRESS")]
        email: EmailAddress,
        /// What they may do no more
        #[arg(long, value_parser = roles())]
        role: String,
        /// Slug of the region where, for all roles but ADMIN
        #[arg(long, value_name = "SLUG")]
        region: Option<String>,
        #[command(flatten)]
        config: Config,
    },
    /// Sets a new password and ends the sessions of an account
    Password {
        /// E-mail address of the account
        #[arg(long, value_name = "ADDRESS")]
        email: EmailAddress,
        /// Reads the password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        config: Config,
    },
}

/// A parser that accepts the names of the roles as values of an option.
pub(super) fn roles() -> PossibleValuesParser {
    PossibleValuesParser::new(Role::items().iter().map(|item| item.name))
}

/// The role of a name that [`roles`] has accepted.
pub(super) fn role(name: &str) -> Result<Role, Failure> {
    value_of(name).ok_or_else(|| Failure::usage(format!("there is no role `{name}`")))
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "it must be fr, nl, en or de".to_owned())
}

/// Reads a password from standard input, or generates one. Returns whether it was generated.
fn chosen(from_stdin: bool) -> Result<(SecretString, bool), Failure> {
    if !from_stdin {
        return Ok((secret::password(), true));
    }
    let mut text = String::new();
    let longest = u64::try_from(password::MAX_LENGTH * 4 + 2).unwrap_or(u64::MAX);
    let read = std::io::stdin().take(longest).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("the password cannot be read: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let password = SecretString::from(line.strip_suffix('\r').unwrap_or(line));
    if account::password_problem("password", &password).is_some() {
        let (min, max) = (password::MIN_LENGTH, password::MAX_LENGTH);
        return Err(Failure::usage(format!("a password has {min} to {max} characters")));
    }
    Ok((password, false))
}

fn tell_password(password: &SecretString, made_up: bool) {
    if made_up {
        println!("Its password, shown only now: {}", password.expose_secret());
    }
}

fn no_account(email: &EmailAddress) -> Failure {
    Failure::failed(format!(
        "there is no account with the e-mail address {email}: `passerelle account list` shows all"
    ))
}

async fn set_grant(
    app: &App,
    email: &EmailAddress,
    name: &str,
    region: Option<String>,
    given: bool,
) -> Result<(), Failure> {
    let grant = Grant { role: role(name)?, region };
    match account::set_grant(app, email, grant, given).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(no_account(email)),
        Err(NotMade::Wrong(message)) => Err(Failure::usage(message)),
        Err(error) => Err(Failure::failed(error.to_string())),
    }
}

impl Account {
    pub(super) fn config(&self) -> &Config {
        match &self.action {
            Action::Create { config, .. }
            | Action::List { config }
            | Action::Grant { config, .. }
            | Action::Withdraw { config, .. }
            | Action::Password { config, .. } => config,
        }
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        make_data_dir(&self.config().data_dir)?;
        let app = open(self.config()).await?.app;
        let done = self.act(&app).await;
        app.db.close().await;
        done
    }

    async fn act(self, app: &App) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
        match self.action {
            Action::Create { email, role: name, region, name: shown, language, password_stdin, .. } => {
                let (password, made_up) = chosen(password_stdin)?;
                let hash =
                    app.identity.hashing().hash(password.clone()).await.map_err(|error| failed(&error))?;
                let local = email.as_str().split('@').next().unwrap_or_default().to_owned();
                let new = NewAccount {
                    display_name: shown.unwrap_or(local),
                    language,
                    password_hash: hash,
                    grants: vec![Grant { role: role(&name)?, region: region.clone() }],
                    email,
                };
                let shown = new.email.clone();
                let id = account::create(app, new).await.map_err(|error| match error {
                    NotMade::Exists(email) => Failure::failed(format!(
                        "there is an account with the e-mail address {email} already: sign in with it, set a new \
                         password with `passerelle account password --email {email}`, or choose another address"
                    )),
                    NotMade::Wrong(message) => Failure::usage(message),
                    NotMade::Failed(error) => failed(&error),
                })?;
                let place = region.map_or_else(String::new, |region| format!(" of {region}"));
                println!("{} is made: {shown}, {name}{place}", id::encode("account", id));
                tell_password(&password, made_up);
            }
            Action::List { .. } => {
                for listed in account::all(app).await.map_err(|error| failed(&error))? {
                    let grants = listed.grants.iter().map(|grant| match &grant.region {
                        Some(region) => format!("{} of {region}", name_of(grant.role)),
                        None => name_of(grant.role).to_owned(),
                    });
                    let grants = grants.collect::<Vec<_>>().join(", ");
                    let account = listed.account;
                    let id = id::encode("account", account.id);
                    println!("{id}\t{}\t{}\t{grants}", account.email, account.display_name);
                }
            }
            Action::Grant { email, role: name, region, .. } => {
                set_grant(app, &email, &name, region, true).await?;
                println!("{email} has the role {name} now; a server that runs notices within seconds.");
            }
            Action::Withdraw { email, role: name, region, .. } => {
                set_grant(app, &email, &name, region, false).await?;
                println!("{email} has the role {name} no more; a server that runs notices within seconds.");
            }
            Action::Password { email, password_stdin, .. } => {
                let (password, made_up) = chosen(password_stdin)?;
                let hash =
                    app.identity.hashing().hash(password.clone()).await.map_err(|error| failed(&error))?;
                if !account::set_password(app, &email, hash).await.map_err(|error| failed(&error))? {
                    return Err(no_account(&email));
                }
                println!("The password of {email} is set, and its sessions have ended.");
                tell_password(&password, made_up);
            }
        }
        Ok(())
    }
}
