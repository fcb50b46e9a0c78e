//! `passerelle api-key`: API keys, with which programs of a region call.

use crate::config::Config;
use clap::{Args, Subcommand};
use identity::api_key::{self, Maker, NewKey};
use kernel::problem::OperationError;
use kernel::value::{DateTime, Language};
use kernel::{id, name_of};
use secrecy::ExposeSecret as _;
use server::app::App;

use super::{Failure, account, make_data_dir, open};

/// Makes, lists and revokes API keys
#[derive(Debug, Args)]
pub(super) struct ApiKey {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes a key, which is shown only once
    Create {
        /// What it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Slug of the region of its roles
        #[arg(long, value_name = "SLUG")]
        region: String,
        /// What it may do there; may be given several times
        #[arg(long, required = true, value_parser = account::roles())]
        role: Vec<String>,
        /// After how many days it ends: three years at most
        #[arg(long, default_value_t = api_key::DEFAULT_DAYS, value_name = "DAYS")]
        days: i64,
        #[command(flatten)]
        config: Config,
    },
    /// Lists the keys, the newest first
    List {
        #[command(flatten)]
        config: Config,
    },
    /// Revokes a key; a server that runs notices within seconds
    Revoke {
        /// Its id, as it is listed
        id: String,
        #[command(flatten)]
        config: Config,
    },
}

fn undone(undone: OperationError) -> Failure {
    match undone {
        OperationError::Refused(all) => {
            let told =
                all.iter().map(|problem| format!("{}: {}", problem.path, problem.message(Language::En)));
            Failure::usage(told.collect::<Vec<_>>().join(" "))
        }
        OperationError::Failed(error) => Failure::failed(error.to_string()),
    }
}

impl ApiKey {
    pub(super) fn config(&self) -> &Config {
        match &self.action {
            Action::Create { config, .. } | Action::List { config } | Action::Revoke { config, .. } => config,
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
        match self.action {
            Action::Create { name, region, role, days, .. } => {
                let roles = role.iter().map(|name| account::role(name)).collect::<Result<_, _>>()?;
                let micros = days.saturating_mul(24 * 3600 * 1_000_000);
                let expires_at = app.clock.now().micros().saturating_add(micros);
                let expires_at = Some(DateTime::from_micros(expires_at).into());
                let new = NewKey { name, region, roles, expires_at };
                let (key, secret) = api_key::create(app, new, Maker::Operator).await.map_err(undone)?;
                println!("{} is made; it ends on {}", id::encode("api_key", key.id), key.expires_at);
                println!("The key, shown only now: {}", secret.expose_secret());
            }
            Action::List { .. } => {
                let keys = api_key::all(app, None, Maker::Operator).await;
                for key in keys.map_err(|error| Failure::failed(error.to_string()))? {
                    let roles = key.roles.iter().map(|role| name_of(*role)).collect::<Vec<_>>().join(", ");
                    let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("used {at}"));
                    let ends = match key.revoked_at {
                        Some(at) => format!("revoked {at}"),
                        None => format!("ends {}", key.expires_at),
                    };
                    let id = id::encode("api_key", key.id);
                    println!("{id}\t{}\t{roles} of {}\t{used}\t{ends}", key.name, key.region);
                }
            }
            Action::Revoke { id, .. } => {
                let id =
                    id::decode("id", "api_key", &id).map_err(|error| Failure::usage(error.to_string()))?;
                let key = api_key::revoke(app, id, Maker::Operator).await.map_err(undone)?;
                println!("{} is revoked: {}", id::encode("api_key", id), key.name);
            }
        }
        Ok(())
    }
}
