//! `bench index`: the speed of building a search index. `bench freshness`: the time until a new record can be found.

use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::results::number;

/// Interval at which the search is asked for a new record.
const POLL: Duration = Duration::from_millis(5);
/// Time-out of finding a record.
const LONGEST: Duration = Duration::from_secs(30);

/// The arguments of `bench index`.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexArguments {
    /// The program `passerelle`; its settings come from the environment.
    #[arg(long)]
    program: PathBuf,
}

/// Runs `passerelle reindex` and prints records per second.
///
/// # Errors
/// Fails where the program cannot be started or fails.
pub(crate) fn index(arguments: &IndexArguments) -> Result<(), Failure> {
    let start = Instant::now();
    let done = Command::new(&arguments.program)
        .arg("reindex")
        .output()
        .map_err(Failure::during(arguments.program.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    let told = String::from_utf8_lossy(&done.stdout);
    let records = told.split_whitespace().find_map(|word| word.parse::<u32>().ok());
    let (true, Some(records)) = (done.status.success(), records) else {
        return Err(Failure::new(format!("reindex failed: {}", String::from_utf8_lossy(&done.stderr))));
    };
    // Each record is in two indexes: that of the public and that of members.
    println!(
        "{records} records in {seconds:.1} s: {} records/s, {} documents/s",
        number(f64::from(records) / seconds, 0),
        number(2.0 * f64::from(records) / seconds, 0)
    );
    Ok(())
}

/// The arguments of `bench freshness`.
#[derive(Debug, clap::Args)]
pub(crate) struct FreshnessArguments {
    /// The program `passerelle`; its database is that of the server.
    #[arg(long)]
    program: PathBuf,
    /// Address of the server's GraphQL endpoint.
    #[arg(long, default_value = "http://127.0.0.1:8000/graphql")]
    url: String,
    /// Number of records that are written, one after the other.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    records: u32,
}

/// Writes records one by one with `passerelle import`, and times from the end of each import until the server's
/// search finds the record.
///
/// # Errors
/// Fails where the program or the server fails, or a record cannot be found in time.
pub(crate) fn freshness(arguments: &FreshnessArguments) -> Result<(), Failure> {
    let target = Target::parse(&arguments.url)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::during("starting the runtime"))?;
    let file = std::env::temp_dir().join(format!("bench-freshness-{}.ndjson", process::id()));
    let mut times = Vec::new();
    for record in 0..arguments.records {
        let word = word(process::id(), record);
        let line = json!({
            "source": "bench-freshness", "externalId": word,
            "organization": { "name": word, "kind": "animation-studio", "region": "wallonie" },
        });
        fs::write(&file, format!("{line}\n")).map_err(Failure::during(file.display()))?;
        let done = Command::new(&arguments.program)
            .args(["import", "--create-source"])
            .arg(&file)
            .output()
            .map_err(Failure::during(arguments.program.display()))?;
        let committed = Instant::now();
        if !done.status.success() {
            return Err(Failure::new(format!("import failed: {}", String::from_utf8_lossy(&done.stderr))));
        }
        runtime.block_on(found(&mut Client::new(&target), &word, committed))?;
        times.push(committed.elapsed());
    }
    let _ = fs::remove_file(&file);
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_millis();
    println!(
        "commit to searchable, {} records: p50 {} ms, p90 {} ms, p99 {} ms",
        times.len(),
        at(50),
        at(90),
        at(99)
    );
    Ok(())
}

/// Waits until the search finds a word.
async fn found(client: &mut Client, word: &str, since: Instant) -> Result<(), Failure> {
    let document = "query($query: String!) { search(query: $query) { degraded estimatedTotalCount } }";
    let body = json!({ "query": document, "variables": { "query": word } }).to_string();
    loop {
        let (_, answer) = client.post(body.as_bytes()).await?;
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        if answer.pointer("/data/search") == Some(&json!({ "degraded": false, "estimatedTotalCount": 1 })) {
            return Ok(());
        }
        if since.elapsed() > LONGEST {
            return Err(Failure::new(format!("`{word}` was not found in time: {answer}")));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A word that no other record has, and that differs from all others by more than a typo.
fn word(process: u32, record: u32) -> String {
    let mut number = u64::from(process) << 32 | u64::from(record.wrapping_mul(2_654_435_761));
    let mut word = String::from("fresh");
    for _ in 0..14 {
        let letter = u8::try_from(number % 26).unwrap_or_default();
        word.push(char::from(b'a' + letter));
        number /= 26;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_in_more_than_a_typo() {
        let words: Vec<String> = (0..200).map(|record| word(7, record)).collect();
        for (at, one) in words.iter().enumerate() {
            for other in &words[at + 1..] {
                let differing = one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
                assert!(differing > 2, "{one} {other}");
            }
        }
    }
}
