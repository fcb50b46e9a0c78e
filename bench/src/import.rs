//! `bench import`: the speed of an import, and its peak memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::results::number;
use crate::vocabulary::Vocabulary;

/// Interval at which the program's memory is read.
const LOOK: Duration = Duration::from_millis(20);

/// The arguments of `bench import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The program `passerelle`.
    #[arg(long)]
    program: PathBuf,
    /// The database to import into; best an empty one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Registers the sources of a generated file first; a value is needed if `generate` had a --source.
    #[arg(long, value_name = "SOURCE", num_args = 0..=1, require_equals = true, default_missing_value = "bench")]
    register: Option<String>,
    /// The file, one record per line.
    file: PathBuf,
}

/// Runs `passerelle import` and prints records per second and peak memory.
///
/// # Errors
/// Fails where the file cannot be read, or the program cannot be started or fails.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let records = count(&arguments.file)?;
    if let Some(prefix) = &arguments.register {
        for region in Vocabulary::load()?.regions {
            let source = format!("{prefix}-{}", region.slug);
            let status = program(arguments)
                .args(["source", "add", &source, "--region", &region.slug])
                .status()
                .map_err(Failure::during(arguments.program.display()))?;
            if !status.success() {
                // It may exist from an earlier run. If it does not, the import reports that.
                eprintln!("source {source}: not added ({status})");
            }
        }
    }
    let start = Instant::now();
    let mut child = program(arguments)
        .arg("import")
        .arg(&arguments.file)
        .spawn()
        .map_err(Failure::during(arguments.program.display()))?;
    let peak = watch(&mut child)?;
    let seconds = start.elapsed().as_secs_f64();
    // Exact up to 2^32 records, which no file here has.
    let rate = f64::from(u32::try_from(records).unwrap_or(u32::MAX)) / seconds;
    println!("{records} records in {seconds:.1} s: {} records/s", number(rate, 0));
    match peak {
        Some(kilobytes) => println!("peak resident memory: {} MB", number(f64::from(kilobytes) / 1024.0, 0)),
        None => println!("peak resident memory: not known on this system"),
    }
    Ok(())
}

fn program(arguments: &Arguments) -> Command {
    let mut command = Command::new(&arguments.program);
    command.env("DATABASE_URL", &arguments.database_url);
    command
}

/// Counts the lines that are not empty. The file is in the page cache then, so that the disk is not measured.
fn count(path: &Path) -> Result<u64, Failure> {
    let mut file =
        BufReader::with_capacity(1 << 18, File::open(path).map_err(Failure::during(path.display()))?);
    let (mut line, mut records) = (Vec::new(), 0);
    while file.read_until(b'\n', &mut line).map_err(Failure::during(path.display()))? > 0 {
        records += u64::from(!line.trim_ascii().is_empty());
        line.clear();
    }
    Ok(records)
}

/// Waits for the end of the program. Returns the last peak of its memory that the system reported, in kilobytes.
fn watch(child: &mut Child) -> Result<Option<u32>, Failure> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    loop {
        peak = peak.max(fs::read_to_string(&status).ok().as_deref().and_then(peak_memory));
        match child.try_wait().map_err(Failure::during("waiting for the import"))? {
            Some(exit) if exit.success() => return Ok(peak),
            Some(exit) => return Err(Failure::new(format!("the import failed ({exit})"))),
            None => thread::sleep(LOOK),
        }
    }
}

/// Reads the line `VmHWM` of a process's status.
fn peak_memory(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_peak() {
        assert_eq!(
            peak_memory("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n"),
            Some(20_480)
        );
        assert_eq!(peak_memory("Name:\tx\n"), None);
    }
}
