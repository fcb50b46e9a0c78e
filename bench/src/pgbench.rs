//! `bench pgbench`: the same operations as one hand-written statement each, without a server.
//!
//! The rates of the database's own load tool are the reference: the difference to a slower server is the cost
//! of the server itself. The statements are the files of `sql/`. They depend on the tables; this module does
//! not.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::failure::Failure;
use crate::operations::{Operation, SINGLE};
use crate::results::{Figures, Results};

/// Creates tables of random keys for the statements.
const SETUP: &str = include_str!("../sql/setup.sql");
/// Drops them.
const TEARDOWN: &str = include_str!("../sql/teardown.sql");

/// The statements, with the `\\set` lines that choose the keys.
const Q1: &str = include_str!("../sql/q1.sql");
const Q2: &str = include_str!("../sql/q2.sql");
const Q3: &str = include_str!("../sql/q3.sql");
const Q4: &str = include_str!("../sql/q4.sql");
const Q5: &str = include_str!("../sql/q5.sql");

/// The arguments of `bench pgbench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The database, filled as it is for `bench run`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Seconds for each statement.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Connections at the same time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Threads of pgbench.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Any of Q1, Q2, Q3, Q4, Q5.
    #[arg(long, value_delimiter = ',', default_values_t = SINGLE)]
    operations: Vec<Operation>,
    /// File for the figures of `bench compare`.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// The statement of an operation; searches and `mixed` have none.
const fn statement(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::Q1 => Some(Q1),
        Operation::Q2 => Some(Q2),
        Operation::Q3 => Some(Q3),
        Operation::Q4 => Some(Q4),
        Operation::Q5 => Some(Q5),
        Operation::Search | Operation::Suggest | Operation::Mixed => None,
    }
}

/// Makes keys, runs pgbench once per statement, drops the keys, prints the table.
///
/// # Errors
/// Fails where the programs are not there or fail.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let statements = arguments
        .operations
        .iter()
        .map(|&operation| statement(operation).map(|text| (operation, text)))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Failure::new("mixed has no statement of its own"))?;
    let (pgbench, psql) = (find("pgbench")?, find("psql")?);
    let folder = Scratch::new()?;
    let url = &arguments.database_url;
    let script = |name: &str, text: &str| -> Result<PathBuf, Failure> {
        let path = folder.0.join(name);
        fs::write(&path, text).map_err(Failure::during(path.display()))?;
        Ok(path)
    };
    let run_psql = |path: &Path| {
        run(
            Command::new(&psql)
                .args(["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file"])
                .arg(path)
                .arg(url),
            "psql",
        )
    };
    run_psql(&script("setup.sql", SETUP)?)?;
    let measured = statements.into_iter().map(|(operation, text)| {
        let path = script(&format!("{operation}.sql"), text)?;
        let output = run(
            Command::new(&pgbench)
                .args(["--no-vacuum", "--protocol=prepared", "--file"])
                .arg(path)
                .arg(format!("--client={}", arguments.connections))
                .arg(format!("--jobs={}", arguments.threads.min(arguments.connections)))
                .arg(format!("--time={}", arguments.seconds))
                .arg(url),
            "pgbench",
        )?;
        let figures = read(operation, &String::from_utf8_lossy(&output.stdout))?;
        eprintln!("{operation}: {:.0} statements/s", figures.requests_per_second);
        Ok(figures)
    });
    let measured: Result<Vec<Figures>, Failure> = measured.collect();
    // The keys are dropped in any case. The first failure is returned.
    let cleaned = run_psql(&script("teardown.sql", TEARDOWN)?);
    let results = Results {
        tool: "pgbench".to_owned(),
        target: without_password(url),
        connections: arguments.connections,
        seconds: arguments.seconds,
        operations: measured?,
    };
    cleaned?;
    print!("{}", results.table());
    arguments.json.as_deref().map_or(Ok(()), |path| results.save(path))
}

/// Runs a program to its end.
fn run(command: &mut Command, name: &str) -> Result<Output, Failure> {
    let output = command.output().map_err(Failure::during(name))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(Failure::new(format!(
        "{name} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

/// Finds a program on PATH, or in Debian's folders of PostgreSQL, the newest version first.
fn find(program: &str) -> Result<PathBuf, Failure> {
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    installed.sort_by(|a, b| b.cmp(a));
    on_path
        .into_iter()
        .chain(installed.into_iter().map(|(_, folder)| folder))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::new(format!(
                "the program {program} is not there: neither on PATH nor in /usr/lib/postgresql/*/bin; it comes with PostgreSQL"
            ))
        })
}

/// Parses the report of pgbench.
fn read(operation: Operation, report: &str) -> Result<Figures, Failure> {
    let after = |label: &str| -> Option<f64> {
        report
            .lines()
            .find_map(|line| line.trim().strip_prefix(label))?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    };
    match (after("tps = "), after("latency average = ")) {
        (Some(rate), Some(mean)) => Ok(Figures {
            name: operation.name().to_owned(),
            requests_per_second: rate,
            mean_ms: mean,
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
            bytes_per_answer: None,
            answers: None,
        }),
        _ => Err(Failure::new(format!("{operation}: pgbench printed no figures: {report}"))),
    }
}

/// Removes the user, the password and the query from an address, which is written into a file.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "postgres".to_owned();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

/// A temporary folder, which is deleted when this value is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("bench-pgbench-{}", std::process::id()));
        fs::create_dir(&path).map_err(Failure::during(path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_report() -> Result<(), Failure> {
        let report = "number of transactions actually processed: 10\nlatency average = 1.250 ms\n\
                      initial connection time = 3.4 ms\ntps = 25600.5 (without initial connection time)\n";
        let figures = read(Operation::Q2, report)?;
        assert_eq!((figures.requests_per_second, figures.mean_ms), (25_600.5, 1.25));
        assert!(read(Operation::Q2, "").is_err());
        Ok(())
    }

    #[test]
    fn passwords_stay_out_of_files() {
        assert_eq!(without_password("postgres://me:p@ss@db:5432/x?password=y"), "postgres://db:5432/x");
        assert_eq!(without_password("postgres:///x?host=/run/db"), "postgres:///x");
        assert_eq!(without_password("host=db password=y"), "postgres");
    }

    #[test]
    fn every_single_operation_has_a_commented_statement() {
        for operation in SINGLE {
            assert!(statement(operation).is_some_and(|text| text.starts_with("-- ")), "{operation}");
        }
    }
}
