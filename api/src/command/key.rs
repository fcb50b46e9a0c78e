//! `passerelle key`: the keys that sign access tokens.

use clap::{Args, Subcommand};
use passerelle::config::Config;

use super::{Failure, identified, make_data_dir, open};

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
        #[command(flatten)]
        config: Config,
    },
}

impl Key {
    pub(super) fn config(&self) -> &Config {
        let Action::Rotate { config } = &self.action;
        config
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.config();
        make_data_dir(&config.data_dir)?;
        let app = identified(config, open(config).await?).await?;
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
