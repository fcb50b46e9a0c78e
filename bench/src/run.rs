//! `bench run`: a closed loop of requests, each answer checked.
//!
//! In a closed loop a connection sends its next request when it has the response to the last one. So the figures
//! are those of this number of clients without pauses. They do not show what happens when more requests arrive
//! than the server can serve. Each thread has its own connections and its own small runtime, so that the tool
//! moves no work between processors.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::operations::{Operation, Requests, SINGLE};
use crate::random::Random;
use crate::results::{Figures, Results};

/// Time-out of the last responses, after the end.
const GRACE: Duration = Duration::from_secs(15);
/// Time-out of collecting keys.
const PREPARATION: Duration = Duration::from_mins(2);

/// The arguments of `bench run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Address of the server's GraphQL endpoint.
    #[arg(long, default_value = "http://127.0.0.1:8000/graphql")]
    url: String,
    /// Requests at the same time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Seconds measured, for each operation.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Seconds before that which are not measured.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=600))]
    warmup: u64,
    /// Threads of this tool; one is enough unless the server answers from memory.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Any of Q1, Q2, Q3, Q4, Q5, search, suggest and mixed.
    #[arg(long, value_delimiter = ',', default_values_t = SINGLE.into_iter().chain([Operation::Mixed]))]
    operations: Vec<Operation>,
    /// Which requests are drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File for the figures of `bench compare`.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Collects keys, sends the load, prints the table.
///
/// # Errors
/// Fails where the server cannot be reached, gives a wrong answer, or stops answering.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let target = Target::parse(&arguments.url)?;
    let collecting = Instant::now();
    let requests = runtime()?.block_on(async {
        let mut client = Client::new(&target);
        timeout(PREPARATION, Requests::collect(&mut client, &arguments.operations))
            .await
            .unwrap_or_else(|_| Err(Failure::new("collecting keys took more than two minutes")))
    })?;
    eprintln!("keys collected in {:.1} s: {}", collecting.elapsed().as_secs_f64(), requests.summary());

    let requests = Arc::new(requests);
    let mut results = Results {
        tool: "run".to_owned(),
        target: arguments.url.clone(),
        connections: arguments.connections,
        seconds: arguments.seconds,
        operations: Vec::new(),
    };
    for &operation in &arguments.operations {
        let figures = measure(arguments, operation, &target, &requests)?;
        eprintln!("{operation}: {:.0} requests/s", figures.requests_per_second);
        results.operations.push(figures);
    }
    print!("{}", results.table());
    arguments.json.as_deref().map_or(Ok(()), |path| results.save(path))
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(Failure::during("starting the runtime"))
}

/// The times of a measurement, and whether to stop early.
#[derive(Clone)]
struct Schedule {
    counted_from: Instant,
    until: Instant,
    /// Set by the first wrong response, which ends all connections.
    stop: Arc<AtomicBool>,
}

/// The responses of one connection in the counted time.
#[derive(Default)]
struct Seen {
    /// Duration of each answer in nanoseconds; 4.29 s at most.
    times: Vec<u32>,
    bytes: u64,
}

/// Measures one operation.
fn measure(
    arguments: &Arguments,
    operation: Operation,
    target: &Target,
    requests: &Arc<Requests>,
) -> Result<Figures, Failure> {
    let start = Instant::now();
    let counted_from = start + Duration::from_secs(arguments.warmup);
    let schedule = Schedule {
        counted_from,
        until: counted_from + Duration::from_secs(arguments.seconds),
        stop: Arc::default(),
    };

    let threads = arguments.threads.min(arguments.connections);
    let workers: Vec<_> = (0..threads)
        .map(|worker| {
            let (schedule, target, requests, seed) =
                (schedule.clone(), target.clone(), Arc::clone(requests), arguments.seed);
            // Every `threads`-th connection, so that each belongs to one thread.
            let connections = (worker..arguments.connections).step_by(threads as usize);
            thread::spawn(move || -> Result<Vec<Seen>, Failure> {
                runtime()?.block_on(async {
                    let mut tasks = JoinSet::new();
                    for connection in connections {
                        let random = Random::of(seed, operation as u64, u64::from(connection));
                        tasks.spawn(bounded(
                            operation,
                            Client::new(&target),
                            random,
                            Arc::clone(&requests),
                            schedule.clone(),
                        ));
                    }
                    let mut all = Vec::new();
                    while let Some(seen) = tasks.join_next().await {
                        all.push(seen.map_err(Failure::during("a connection"))??);
                    }
                    Ok(all)
                })
            })
        })
        .collect();

    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.join().map_err(|_| Failure::new("a thread of the tool panicked"))??);
    }
    summarize(operation, &all, arguments.seconds)
}

/// Runs the load of one connection, with a time-out for a server that stops answering.
async fn bounded(
    operation: Operation,
    client: Client,
    random: Random,
    requests: Arc<Requests>,
    schedule: Schedule,
) -> Result<Seen, Failure> {
    let last = schedule.until + GRACE;
    let stop = Arc::clone(&schedule.stop);
    let outcome =
        timeout_at(last.into(), load(operation, client, random, requests, schedule)).await.unwrap_or_else(
            |_| Err(Failure::new(format!("{operation}: no answer {} s after the end", GRACE.as_secs()))),
        );
    if outcome.is_err() {
        stop.store(true, Ordering::Relaxed);
    }
    outcome
}

async fn load(
    operation: Operation,
    mut client: Client,
    mut random: Random,
    requests: Arc<Requests>,
    schedule: Schedule,
) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    let mut body = Vec::new();
    loop {
        let asked = requests.write(operation, &mut random, &mut body);
        let sent = Instant::now();
        let (status, answer) = client.post(&body).await?;
        let received = Instant::now();
        asked.check(status, answer)?;
        if received >= schedule.until || schedule.stop.load(Ordering::Relaxed) {
            return Ok(seen);
        }
        if sent >= schedule.counted_from {
            seen.times.push(u32::try_from((received - sent).as_nanos()).unwrap_or(u32::MAX));
            seen.bytes += u64::try_from(answer.len()).unwrap_or(u64::MAX);
        }
    }
}

/// Computes the figures of all connections.
fn summarize(operation: Operation, all: &[Seen], seconds: u64) -> Result<Figures, Failure> {
    let mut times: Vec<u32> = all.iter().flat_map(|seen| seen.times.iter().copied()).collect();
    if times.is_empty() {
        return Err(Failure::new(format!("{operation}: no answer within {seconds} s")));
    }
    times.sort_unstable();
    let at = |share: usize| f64::from(times[(times.len() * share / 100).min(times.len() - 1)]) / 1e6;
    let count = exact(times.len() as u64);
    Ok(Figures {
        name: operation.name().to_owned(),
        requests_per_second: count / exact(seconds),
        mean_ms: exact(times.iter().map(|&time| u64::from(time)).sum()) / 1e6 / count,
        p50_ms: Some(at(50)),
        p95_ms: Some(at(95)),
        p99_ms: Some(at(99)),
        bytes_per_answer: Some(exact(all.iter().map(|seen| seen.bytes).sum()) / count),
        answers: Some(times.len()),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sums here stay far below 2^53, or are averaged and printed with four digits"
)]
const fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_all_connections() -> Result<(), Failure> {
        let all = [
            Seen { times: (1..=50).map(|ms| ms * 1_000_000).collect(), bytes: 5_000 },
            Seen { times: (51..=100).map(|ms| ms * 1_000_000).collect(), bytes: 15_000 },
        ];
        let figures = summarize(Operation::Q1, &all, 10)?;
        assert_eq!((figures.requests_per_second, figures.mean_ms), (10.0, 50.5));
        assert_eq!([figures.p50_ms, figures.p95_ms, figures.p99_ms], [Some(51.0), Some(96.0), Some(100.0)]);
        assert_eq!((figures.bytes_per_answer, figures.answers), (Some(200.0), Some(100)));
        assert!(summarize(Operation::Q1, &[Seen::default()], 10).is_err());
        Ok(())
    }
}
