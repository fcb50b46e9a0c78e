//! `passerelle source`: the systems that own records.

use crate::config::Config;
use clap::{Args, Subcommand};
use exchange::import::source;
use kernel::error::DomainError;

use super::{Failure, make_data_dir, open};

/// Registers and lists the systems that own records
#[derive(Debug, Args)]
pub(super) struct Source {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Registers a source, which may write the records of its region
    Add {
        /// Name: lower-case letters, digits, `-`, `_` and `.`
        name: String,
        /// Slug of the region
        #[arg(long, value_name = "SLUG")]
        region: String,
        #[command(flatten)]
        config: Config,
    },
    /// Lists the sources with their regions
    List {
        #[command(flatten)]
        config: Config,
    },
}

impl Source {
    pub(super) fn config(&self) -> &Config {
        match &self.action {
            Action::Add { config, .. } | Action::List { config } => config,
        }
    }

    pub(super) async fn run(self) -> Result<(), Failure> {
        make_data_dir(&self.config().data_dir)?;
        let app = open(self.config()).await?.app;
        let told = match &self.action {
            Action::Add { name, region, .. } => {
                let added = source::add(&app, name, region).await;
                added.map(|source| println!("{} writes records of {}", source.name, source.region))
            }
            Action::List { .. } => source::all(app.db.writer()).await.map(|sources| {
                for source in sources {
                    println!("{}\t{}", source.name, source.region);
                }
            }),
        };
        app.db.close().await;
        told.map_err(|error| match error {
            DomainError::BadUserInput { message, .. } => Failure::usage(message),
            error => Failure::failed(error.to_string()),
        })
    }
}
