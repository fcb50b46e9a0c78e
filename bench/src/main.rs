//! `bench`: generates data, puts load on a running server, and measures the database alone.
//!
//! Every command has its own module and ends by itself. `README.md` says how to use them together. Nothing
//! here depends on the server's code: it is measured from outside, as clients see it.

mod client;
mod compare;
mod directory;
mod failure;
mod feed;
mod generate;
mod import;
mod index;
mod mutations;
mod names;
mod operations;
mod pgbench;
mod push;
mod random;
mod record;
mod results;
mod run;
mod texts;
mod vocabulary;
#[rustfmt::skip]
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures Passerelle: makes data, sends load, and sets the figures beside the database's own.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Subcommand)]
enum Command {
    /// Writes a directory of any size as NDJSON for `passerelle import`.
    Generate(generate::Arguments),
    /// Sends the measured operations to a running server and prints what came back how fast.
    Run(run::Arguments),
    /// Runs the same operations as single hand-written statements with pgbench.
    Pgbench(pgbench::Arguments),
    /// Times `passerelle import` of a file and watches its memory.
    Import(import::Arguments),
    /// Times `passerelle reindex`.
    Index(index::IndexArguments),
    /// Times how soon the search finds a record that was just written.
    Freshness(index::FreshnessArguments),
    /// Times single mutations, beside the disk's synchronous writes.
    Mutations(mutations::Arguments),
    /// Times batches of records that systems push.
    Push(push::Arguments),
    /// Times the feed as partner regions use it: pages, copies, waiting, and what waiting costs the server.
    Feed(feed::Arguments),
    /// Prints the figures of `run` beside those of `pgbench`.
    Compare(compare::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Generate(arguments) => generate::command(&arguments),
        Command::Run(arguments) => run::command(&arguments),
        Command::Pgbench(arguments) => pgbench::command(&arguments),
        Command::Import(arguments) => import::command(&arguments),
        Command::Index(arguments) => index::index(&arguments),
        Command::Freshness(arguments) => index::freshness(&arguments),
        Command::Mutations(arguments) => mutations::command(&arguments),
        Command::Push(arguments) => push::command(&arguments),
        Command::Feed(arguments) => feed::command(&arguments),
        Command::Compare(arguments) => compare::command(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
