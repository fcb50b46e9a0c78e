//! `bench mutations`: single writes a second of the server, beside the synchronous writes a second of the disk.
//!
//! Writes that append to the change log are committed one after the other, so the disk's rate of synchronous writes
//! is their upper limit.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::results::number;

/// Duration of the measurement of the disk.
const DISK_TIME: Duration = Duration::from_secs(5);

/// The arguments of `bench mutations`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Address of the server's GraphQL endpoint.
    #[arg(long, default_value = "http://127.0.0.1:8000/graphql")]
    url: String,
    /// E-mail address of an account that writes the records of the region.
    #[arg(long)]
    email: String,
    /// Its password.
    #[arg(long, env = "BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    /// The region whose records are made.
    #[arg(long, default_value = "wallonie")]
    region: String,
    /// Mutations at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Seconds measured, for each kind of mutation.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A folder on the disk of the database, to measure its synchronous writes in.
    #[arg(long, default_value = ".")]
    disk: PathBuf,
}

/// The mutation that a connection repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Makes an organization.
    Create,
    /// Changes the organization of the connection.
    Update,
}

/// Measures the disk, then each kind of mutation.
///
/// # Errors
/// Fails where the disk cannot be written to, or the server refuses anything.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let disk = synchronous_writes(&arguments.disk)?;
    println!("the disk: {} synchronous writes/s", number(disk, 0));
    let target = Target::parse(&arguments.url)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::during("starting the runtime"))?;
    let token = runtime.block_on(sign_in(&target, arguments))?;
    for (name, work) in [("creating", Work::Create), ("changing", Work::Update)] {
        let mut times = runtime.block_on(load(&target, arguments, &token, work))?;
        times.sort_unstable();
        let at = |percent: usize| {
            let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
            number(time.map_or(0.0, Duration::as_secs_f64) * 1000.0, 1)
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let rate = times.len() as f64 / arguments.seconds as f64;
        println!(
            "{name} organizations, {} connections: {} mutations/s, {} % of the disk's rate; p50 {} ms, p99 {} ms",
            arguments.connections,
            number(rate, 0),
            number(100.0 * rate / disk, 0),
            at(50),
            at(99)
        );
    }
    // The speed of the disk may have changed meanwhile.
    let after = synchronous_writes(&arguments.disk)?;
    println!("the disk, once more: {} synchronous writes/s", number(after, 0));
    Ok(())
}

/// Measures how often in a second a block of 8 KiB is overwritten and synced to the disk, as a database does with its
/// log.
fn synchronous_writes(folder: &Path) -> Result<f64, Failure> {
    let mut file = scratch(folder)?;
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < DISK_TIME {
        let place = SeekFrom::Start(u64::from(count % 2048) * 8192);
        let written =
            file.seek(place).and_then(|_| file.write_all(&[0x5a; 8192])).and_then(|()| file.sync_data());
        written.map_err(Failure::during(folder.display()))?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// Creates a file without a name, filled so that overwriting it does not extend it.
fn scratch(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(format!("bench-disk-{}", std::process::id()));
    let made = File::options().create(true).truncate(true).read(true).write(true).open(&path);
    let mut file = made.map_err(Failure::during(path.display()))?;
    // The name is deleted at once, the file when it is closed.
    std::fs::remove_file(&path).map_err(Failure::during(path.display()))?;
    file.write_all(&vec![0; 2048 * 8192])
        .and_then(|()| file.sync_all())
        .map_err(Failure::during(path.display()))?;
    Ok(file)
}

async fn sign_in(target: &Target, arguments: &Arguments) -> Result<String, Failure> {
    let document =
        "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { message } } }";
    let input = json!({ "email": arguments.email, "password": arguments.password });
    let body = json!({ "query": document, "variables": { "input": input } }).to_string();
    let mut client = Client::new(target);
    let (_, answer) = client.post(body.as_bytes()).await?;
    let answer: Value = serde_json::from_slice(answer).map_err(Failure::during("signing in"))?;
    let token = answer.pointer("/data/signIn/accessToken").and_then(Value::as_str);
    token.map(str::to_owned).ok_or_else(|| Failure::new(format!("nobody was signed in: {answer}")))
}

/// Returns the times of the mutations that were answered before the end.
async fn load(
    target: &Target,
    arguments: &Arguments,
    token: &str,
    work: Work,
) -> Result<Vec<Duration>, Failure> {
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut tasks = JoinSet::new();
    for connection in 0..arguments.connections {
        let client = Client::with_token(target, token);
        let name = format!("Bench {} {connection}", std::process::id());
        tasks.spawn(one(client, arguments.region.clone(), name, work, until));
    }
    let mut times = Vec::new();
    while let Some(seen) = tasks.join_next().await {
        times.extend(seen.map_err(Failure::during("a connection"))??);
    }
    Ok(times)
}

async fn one(
    mut client: Client,
    region: String,
    name: String,
    work: Work,
    until: Instant,
) -> Result<Vec<Duration>, Failure> {
    const CREATE: &str = "mutation($input: OrganizationInput!) { done: createOrganization(input: $input) {
        organization { id } userErrors { message } } }";
    const UPDATE: &str =
        "mutation($id: ID!, $input: OrganizationInput!) { done: updateOrganization(id: $id, input: $input) {
        organization { id } userErrors { message } } }";
    let input = |number: usize| json!({ "name": format!("{name} {number}"), "kind": "animation-studio", "region": region });
    let (mut times, mut made) = (Vec::new(), None);
    loop {
        let number = times.len();
        let body = match &made {
            Some(id) if work == Work::Update => {
                json!({ "query": UPDATE, "variables": { "id": id, "input": { "name": format!("{name} {number}") } } })
            }
            _ => json!({ "query": CREATE, "variables": { "input": input(number) } }),
        };
        let sent = Instant::now();
        let (_, answer) = client.post(body.to_string().as_bytes()).await?;
        let received = Instant::now();
        let answer: Value = serde_json::from_slice(answer).map_err(Failure::during("an answer"))?;
        let Some(id) = answer.pointer("/data/done/organization/id").and_then(Value::as_str) else {
            return Err(Failure::new(format!("refused: {answer}")));
        };
        made = Some(id.to_owned());
        if received >= until {
            return Ok(times);
        }
        times.push(received - sent);
    }
}
