//! `passerelle reindex`: builds the search index anew, or compares it with the database.

use std::io::IsTerminal;

use crate::config::Config;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use search::reindex::reindex;
use search::store::{Drift, Outcome, Task};

use super::{Failure, engine, make_data_dir, open};

/// Records between two lines of progress, where no progress bar is shown.
const REPORT_EVERY: u64 = 10_000;

/// Builds the search index anew, beside the one that is searched
///
/// A running server does it when asked; without one, this command does it itself.
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// Compares the index with the database instead, and repairs what differs
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    pub(super) config: Config,
}

impl Reindex {
    pub(super) async fn run(self) -> Result<(), Failure> {
        make_data_dir(&self.config.data_dir)?;
        let app = open(&self.config).await?.app;
        let engine = engine(&self.config)?;
        let task = if self.check { Task::Check } else { Task::Rebuild };
        let bar = bar(task);
        let mut reported = 0;
        let done = reindex(&app, &engine, task, |done, total| {
            bar.set_length(total);
            bar.set_position(done);
            if bar.is_hidden() && done / REPORT_EVERY > reported / REPORT_EVERY {
                eprintln!("{done} of {total}");
            }
            reported = done;
        })
        .await;
        bar.finish_and_clear();
        app.db.close().await;
        let outcome = done.map_err(|error| {
            let searched = engine.name();
            Failure::failed(format!("the index could not be written to {searched}: {error}"))
        })?;
        println!("{}", told(task, &outcome));
        match outcome {
            Outcome::Checked(Drift { remaining: left @ 1.., .. }) => Err(Failure::failed(format!(
                "{left} documents still differ from the database after the repair: see the log, and build the index anew \
                 with `passerelle reindex`"
            ))),
            _ => Ok(()),
        }
    }
}

fn bar(task: Task) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let what = match task {
        Task::Rebuild => "records",
        Task::Check => "documents",
    };
    if let Ok(style) =
        ProgressStyle::with_template(&format!("{{pos}} of {{len}} {what} {{wide_bar}} {{eta}}"))
    {
        bar.set_style(style);
    }
    bar
}

fn told(task: Task, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rebuilt(records) if task == Task::Check => {
            format!("there was no index that fits the database: it was built, with {records} records")
        }
        Outcome::Rebuilt(records) => format!("the index was built, with {records} records"),
        Outcome::Checked(Drift { checked, missing, stale, extra, refused, remaining }) => {
            let refused = match refused {
                0 => String::new(),
                number => format!("; {number} records cannot be put into it, see the log of the server"),
            };
            match missing + stale + extra {
                0 => format!("{checked} documents are as the database has them{refused}"),
                drift if *remaining > 0 => format!(
                    "{checked} documents compared, {drift} differed: {missing} missing, {stale} stale, {extra} extra, and \
                     {remaining} still do{refused}"
                ),
                drift => format!(
                    "{checked} documents compared, {drift} repaired: {missing} missing, {stale} stale, {extra} extra{refused}"
                ),
            }
        }
        Outcome::Failed(reason) => reason.clone(),
    }
}
