//! `passerelle key`: the keys that sign access tokens.

use crate::config::Config;
use clap::{Args, Subcommand};
use identity::oidc::Issuers;
use identity::signing;

use super::{Failure, encryption_key, identified, make_data_dir, open};

/// Renews the keys that sign access tokens
#[derive(Debug, Args)]
pub(super) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes a new key, which signs from now on; nobody is signed out, and servers that run notice within seconds
    Rotate {
        /// Throws the keys before it away, for when the `ENCRYPTION_KEY` that opens them is lost: clients have to refresh
        /// their access tokens
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        config: Config,
    },
}

impl Key {
    pub(super) fn config(&self) -> &Config {
        let Action::Rotate { config, .. } = &self.action;
        config
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        let Action::Rotate { replace, config } = &self.action;
        make_data_dir(&config.data_dir)?;
        let opened = open(config).await?;
        if *replace {
            let replaced = signing::replace(&opened.app, &encryption_key(config, &opened.name)?).await;
            opened.app.db.close().await;
            replaced.map_err(|error| Failure::failed(error.to_string()))?;
            println!(
                "A new key signs from now on. Access tokens from before are good no more; sessions go on."
            );
            return Ok(());
        }
        let app = identified(config, opened, Issuers::default()).await?;
        let rotated = match app.identity.signing() {
            Ok(signing) => signing.rotate(&app).await,
            Err(error) => Err(error),
        };
        app.db.close().await;
        let id = rotated.map_err(|error| Failure::failed(error.to_string()))?;
        println!(
            "The key {id} signs from now on. Those before it verify until the last of their tokens has expired."
        );
        Ok(())
    }
}
