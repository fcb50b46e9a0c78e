//! `passerelle feed`: the change log that other systems follow.

use crate::config::Config;
use clap::{Args, Subcommand};
use records::changes::continuity;

use super::{Failure, make_data_dir, open};

/// Looks after the log of changes that other systems follow
#[derive(Debug, Args)]
pub(super) struct Feed {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begins a new feed, as after a database was restored: whoever follows is told to load a snapshot
    Rotate {
        #[command(flatten)]
        config: Config,
    },
}

impl Feed {
    pub(super) fn config(&self) -> &Config {
        let Action::Rotate { config } = &self.action;
        config
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        let Action::Rotate { config } = &self.action;
        make_data_dir(&config.data_dir)?;
        let app = open(config).await?.app;
        let rotated = continuity::rotate(&app).await;
        app.db.close().await;
        let id = rotated.map_err(|error| Failure::failed(error.to_string()))?;
        println!("The feed is {id} from now on. Whoever follows is told to load a snapshot.");
        Ok(())
    }
}
