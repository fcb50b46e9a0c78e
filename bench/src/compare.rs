//! `bench compare`: the figures of the server beside those of the database alone.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::operations::{Operation, SINGLE};
use crate::results::{Results, number, table};

/// The arguments of `bench compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The figures of pgbench.
    #[arg(long)]
    pgbench: Option<PathBuf>,
    /// The figures of one run or more, each a column.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
}

/// Prints one table; a share of 100 % means as fast as the hand-written statement.
///
/// # Errors
/// Fails where a file cannot be read.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let runs = arguments.runs.iter().map(|path| Results::load(path)).collect::<Result<Vec<_>, _>>()?;
    let pgbench = arguments.pgbench.as_deref().map(Results::load).transpose()?;
    let mut head = vec!["requests/s".to_owned()];
    if pgbench.is_some() {
        head.push("pgbench".to_owned());
    }
    for path in &arguments.runs {
        head.push(path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()));
        if pgbench.is_some() {
            head.push("of it".to_owned());
        }
    }
    let rows = SINGLE.into_iter().chain([Operation::Mixed]).map(|operation| {
        let name = operation.name();
        let rate = |results: &Results| results.of(name).map(|figures| figures.requests_per_second);
        let text = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| number(rate, 0));
        let database = pgbench.as_ref().map(rate);
        let mut row = vec![name.to_owned()];
        row.extend(database.map(text));
        for run in &runs {
            let mine = rate(run);
            row.push(text(mine));
            if let Some(database) = database {
                row.push(match (mine, database) {
                    (Some(mine), Some(database)) if database > 0.0 => {
                        format!("{:.0} %", mine / database * 100.0)
                    }
                    _ => "-".to_owned(),
                });
            }
        }
        row
    });
    print!("{}", table(&head, rows));
    Ok(())
}
