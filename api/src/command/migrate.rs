//! `passerelle migrate`.

use crate::config::Config;
use clap::Args;

use super::{Failure, make_data_dir, open};

/// Brings the database to the layout of this program, and ends.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    pub(super) config: Config,
}

impl Migrate {
    /// Runs the command.
    pub(super) async fn run(self) -> Result<(), Failure> {
        if self.config.database_url.is_none() {
            make_data_dir(&self.config.data_dir)?;
        }
        let opened = open(&self.config).await?;
        opened.app.db.close().await;
        println!("The database ({}) is up to date.", opened.name);
        Ok(())
    }
}
