//! `bench push`: records a second that systems of a region can push, in batches in which all records change.
//!
//! A source has one batch at a time, so each source is one connection. First its records are made, then they are
//! changed batch by batch, over and over, each from the revision that it has.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::results::{Measure, number, percentile};

/// The arguments of `bench push`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Address of the server's GraphQL endpoint.
    #[arg(long, default_value = "http://127.0.0.1:8000/graphql")]
    url: String,
    /// A key of a system of the region, with the role `SYNC_PARTNER`.
    #[arg(long, env = "BENCH_TOKEN", hide_env_values = true)]
    token: String,
    /// Sources of the region, each of which pushes on a connection of its own.
    #[arg(long, default_value = "bench-push", value_delimiter = ',')]
    source: Vec<String>,
    /// The region whose records are made.
    #[arg(long, default_value = "wallonie")]
    region: String,
    /// Records of a batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=500))]
    batch: u32,
    /// Batches of a source, of which each makes its own records.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batches: u32,
    /// Seconds measured.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

/// Records of a batch at most.
const LARGEST: u32 = 500;
/// Target of the 99th percentile for a batch of this size, in milliseconds.
const TARGET: f64 = 1500.0;

const PUSH: &str = "mutation($input: PushRecordsInput!) { pushRecords(input: $input) {
    cursor results { status currentRevision } userErrors { code reason message retryAfterMs } } }";

/// Makes the records, then changes them for some time.
///
/// # Errors
/// Fails where the server refuses anything, or does not write a record.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let target = Target::parse(&arguments.url)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::during("starting the runtime"))?;
    runtime.block_on(async {
        let mut revisions = Vec::new();
        let made = measure(arguments, &target, &mut revisions, None).await?;
        told("made", arguments, &made);
        let until = Instant::now() + Duration::from_secs(arguments.seconds);
        let changed = measure(arguments, &target, &mut revisions, Some(until)).await?;
        let slow = told("changed", arguments, &changed);
        if arguments.batch == LARGEST {
            let what = format!("a batch of {LARGEST}, all changed, p99");
            print!("{}", Measure::table(&[Measure::new(what, slow, Some(TARGET), "ms")]));
        }
        Ok(())
    })
}

/// The result of a measurement.
struct Measured {
    /// The time of each batch.
    times: Vec<Duration>,
    /// The time of all batches together.
    whole: Duration,
}

fn told(what: &str, arguments: &Arguments, measured: &Measured) -> f64 {
    let mut times = measured.times.clone();
    times.sort_unstable();
    let at = |percent: usize| percentile(&times, percent).as_secs_f64() * 1000.0;
    // Exact up to 2^32 records, which no run here has.
    let records = u32::try_from(times.len()).unwrap_or(u32::MAX).saturating_mul(arguments.batch);
    println!(
        "{what} {records} records in batches of {}, {} sources: {} records/s; a batch p50 {} ms, p99 {} ms",
        arguments.batch,
        arguments.source.len(),
        number(f64::from(records) / measured.whole.as_secs_f64(), 0),
        number(at(50), 0),
        number(at(99), 0)
    );
    at(99)
}

/// Pushes for all sources concurrently: each of their batches once, or over and over until a time. `revisions` has the
/// revision of each batch, by source.
async fn measure(
    arguments: &Arguments,
    target: &Target,
    revisions: &mut Vec<Vec<i32>>,
    until: Option<Instant>,
) -> Result<Measured, Failure> {
    revisions.resize(arguments.source.len(), vec![0; arguments.batches as usize]);
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for (place, source) in arguments.source.iter().enumerate() {
        let pusher = Pusher {
            client: Client::with_token(target, &arguments.token),
            source: source.clone(),
            region: arguments.region.clone(),
            batch: arguments.batch,
        };
        tasks.spawn(pusher.run(place, std::mem::take(&mut revisions[place]), until));
    }
    let mut times = Vec::new();
    while let Some(seen) = tasks.join_next().await {
        let (place, after, each) = seen.map_err(Failure::during("a connection"))??;
        revisions[place] = after;
        times.extend(each);
    }
    Ok(Measured { times, whole: begun.elapsed() })
}

/// The client of one source.
struct Pusher {
    client: Client,
    source: String,
    region: String,
    batch: u32,
}

impl Pusher {
    async fn run(
        mut self,
        place: usize,
        mut revisions: Vec<i32>,
        until: Option<Instant>,
    ) -> Result<(usize, Vec<i32>, Vec<Duration>), Failure> {
        let mut times = Vec::new();
        loop {
            for (batch, revision) in revisions.iter_mut().enumerate() {
                if until.is_some_and(|until| Instant::now() >= until) {
                    return Ok((place, revisions, times));
                }
                times.push(self.push(batch, revision).await?);
            }
            if until.is_none() {
                return Ok((place, revisions, times));
            }
        }
    }

    /// Pushes the next revision of a batch. Returns the time that it took.
    async fn push(&mut self, batch: usize, revision: &mut i32) -> Result<Duration, Failure> {
        let records: Vec<Value> = (0..self.batch).map(|one| self.record(batch, one, *revision)).collect();
        let key = format!("{}-{}-{batch}-{revision}", self.source, std::process::id());
        let input = json!({ "source": self.source, "idempotencyKey": key, "records": records });
        let body = json!({ "query": PUSH, "variables": { "input": input } }).to_string();
        loop {
            let sent = Instant::now();
            let (_, answer) = self.client.post(body.as_bytes()).await?;
            let took = sent.elapsed();
            let answer: Value = serde_json::from_slice(answer).map_err(Failure::during("an answer"))?;
            let payload = &answer["data"]["pushRecords"];
            if let Some(after) = payload["userErrors"][0]["retryAfterMs"].as_u64() {
                tokio::time::sleep(Duration::from_millis(after)).await;
                continue;
            }
            let results = payload["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            let next = results.first().and_then(|result| result["currentRevision"].as_i64());
            let is_right = |result: &Value| {
                matches!(result["status"].as_str(), Some("CREATED" | "UPDATED"))
                    && result["currentRevision"].as_i64() == next
            };
            let next = next.and_then(|next| i32::try_from(next).ok());
            match next.filter(|_| results.len() == records.len() && results.iter().all(is_right)) {
                Some(next) => *revision = next,
                None => return Err(Failure::new(format!("not all were written: {answer}"))),
            }
            return Ok(took);
        }
    }

    /// A record with a value that it did not have before: organizations and people in turn.
    fn record(&self, batch: usize, one: u32, revision: i32) -> Value {
        let name = format!("Bench {} {batch} {one}", self.source);
        let text = format!("What {name} does, told for the {revision}th time in a sentence of some length.");
        let texts = json!([{ "language": "FR", "text": text }, { "language": "NL", "text": text }]);
        let (external_id, base) = (format!("{batch}-{one}"), (revision > 0).then_some(revision));
        if one.is_multiple_of(2) {
            let organization = json!({
                "name": name, "kind": "animation-studio", "region": self.region, "status": "ACTIVE",
                "descriptions": texts, "sectors": ["animation"], "website": "https://bench.example/",
                "foundedOn": "1998", "languages": ["FR", "NL"],
            });
            return json!({ "externalId": external_id, "baseRevision": base, "organization": organization });
        }
        let talent = json!({
            "displayName": name, "region": self.region, "visibility": "PUBLIC", "legalBasis": "CONSENT",
            "headlines": texts, "occupations": ["monteur"], "sectors": ["animation"], "skills": ["bench", "pushing"],
        });
        json!({ "externalId": external_id, "baseRevision": base, "talent": talent })
    }
}
