//! `bench feed`: the speed of the feed for the systems of partner regions, and the cost of clients that wait.

use std::fmt;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::random::Random;
use crate::results::{Measure, number, percentile};

mod idle;

/// The arguments of `bench feed`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the server answers GraphQL.
    #[arg(long, default_value = "http://127.0.0.1:8000/graphql")]
    url: String,
    /// Where another server of the same database does, which writes while the first is asked.
    #[arg(long)]
    writer_url: Option<String>,
    /// A key of the region's systems; to write it needs the role `EDITOR`. Without one everybody's feed is read.
    #[arg(long, env = "BENCH_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The region in which is written.
    #[arg(long, default_value = "wallonie")]
    region: String,
    /// Any of visible, pages, snapshot and idle.
    #[arg(long, value_delimiter = ',', default_values_t = Part::ALL)]
    measures: Vec<Part>,
    /// Writes of `visible`.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    writes: u32,
    /// Full pages of `pages` at least.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pages: u32,
    #[command(flatten)]
    idle: idle::Waiting,
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From a write to the answer of who waits for it.
    Visible,
    /// Pages of 500 with the records, and how long all of them take.
    Pages,
    /// A whole copy.
    Snapshot,
    /// Memory and processor of the server while many wait.
    Idle,
}

impl Part {
    const ALL: [Self; 4] = [Self::Visible, Self::Pages, Self::Snapshot, Self::Idle];
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Visible => "visible",
            Self::Pages => "pages",
            Self::Snapshot => "snapshot",
            Self::Idle => "idle",
        })
    }
}

/// Entries of a page: the most that the server allows.
const PAGE: usize = 500;
/// Time-out of waiting for a change.
const HOPELESS: Duration = Duration::from_secs(30);

/// The query of a page, with all fields that partners keep of a record.
const CHANGES: &str = "query($after: ChangeCursor) { changes(after: $after, first: 500) { cursor hasMore changes {
    operation reason recordType recordId revision contentHash lastOfTransaction
    record { __typename ...organization ...talent ...affiliation ...partnership } } } }
  fragment organization on Organization { id slug region { slug } visibility revision updatedAt
    name acronym otherNames kind { slug } status foundedOn territory { slug } sectors { slug } languages
    address { lines postalCode city country location { latitude longitude } } website email phone employeeCount
    identifiers { scheme value } descriptions { language text } memberOf { id } successor { id }
    sources { title url } claims { field value qualifier preferred } }
  fragment talent on Talent { id slug region { slug } visibility revision updatedAt
    displayName givenName familyName headlines { language text } biographies { language text } occupations { slug }
    sectors { slug } skills spokenLanguages: languages { language level } territory { slug } availability website
    links { label url } email phone sources { title url } claims { field value qualifier preferred } }
  fragment affiliation on Affiliation { id region { slug } visibility revision updatedAt talent { id }
    organization { id } role occupation { slug } period { startsOn endsOn } sources { title url } }
  fragment partnership on Partnership { id slug region { slug } visibility revision updatedAt
    titles { language text } descriptions { language text } kind { slug } partnershipStatus: status period { startsOn endsOn }
    regions { slug } sectors { slug } parties { organization { id } role contribution { amount currency } }
    sources { title url } claims { field value qualifier preferred } }";

/// Measures, and prints the table.
///
/// # Errors
/// Fails where the server cannot be reached, refuses anything, or gives a wrong answer.
pub(crate) fn command(arguments: &Arguments) -> Result<(), Failure> {
    let target = Target::parse(&arguments.url)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::during("starting the runtime"))?;
    let mut all = Vec::new();
    for part in &arguments.measures {
        eprintln!("{part} ...");
        all.extend(runtime.block_on(async {
            match part {
                Part::Visible => visible(arguments, &target).await,
                Part::Pages => pages(arguments, &target).await,
                Part::Snapshot => snapshot(arguments, &target).await,
                Part::Idle => {
                    let token = arguments.token.as_deref();
                    idle::measure(
                        &arguments.idle,
                        &target,
                        token,
                        &head(&mut reader(arguments, &target)).await?,
                    )
                    .await
                }
            }
        })?);
    }
    print!("{}", Measure::table(&all));
    Ok(())
}

fn client(target: &Target, token: Option<&str>) -> Client {
    token.map_or_else(|| Client::new(target), |token| Client::with_token(target, token))
}

fn reader(arguments: &Arguments, target: &Target) -> Client {
    client(target, arguments.token.as_deref())
}

/// Sends a query. Returns the data of the response, which must have no errors.
async fn ask(client: &mut Client, query: &str, variables: Value) -> Result<Value, Failure> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let (status, answer) = client.post(body.as_bytes()).await?;
    let mut read: Value = serde_json::from_slice(answer).map_err(Failure::during("an answer"))?;
    if status != 200 || read.get("errors").is_some() {
        return Err(Failure::new(format!("refused with status {status}: {read}")));
    }
    Ok(read["data"].take())
}

/// Reads the position at the end of the log.
async fn head(client: &mut Client) -> Result<String, Failure> {
    let data = ask(client, "{ changes(first: 1) { head } }", json!({})).await?;
    let head = data["changes"]["head"].as_str();
    head.map(str::to_owned).ok_or_else(|| Failure::new("the feed has no end"))
}

fn seconds(of: Duration) -> f64 {
    of.as_secs_f64()
}

fn milliseconds(of: Duration) -> f64 {
    of.as_secs_f64() * 1000.0
}

/// Measures from a write to the response for a client that waits for it. The time of the commit is not known from
/// outside: it is between the request of the mutation, from which the target counts here, and its response.
async fn visible(arguments: &Arguments, target: &Target) -> Result<Vec<Measure>, Failure> {
    let Some(token) = &arguments.token else {
        return Err(Failure::new(
            "--token is needed to write: leave `visible` out of --measures without one",
        ));
    };
    let place = arguments.writer_url.as_deref().map_or(Ok(target.clone()), Target::parse)?;
    let mut writer = Client::with_token(&place, token);
    let name = format!("Bench feed {}", std::process::id());
    let make = "mutation($input: OrganizationInput!) { createOrganization(input: $input) {
        organization { id } userErrors { path message } } }";
    let input = json!({ "name": name, "kind": "animation-studio", "region": arguments.region });
    let record = ask(&mut writer, make, json!({ "input": input })).await?;
    let Some(id) = record.pointer("/createOrganization/organization/id").and_then(Value::as_str) else {
        return Err(Failure::new(format!("no organization was made: {record}")));
    };
    let (tell, mut seen) = mpsc::unbounded_channel();
    let mut waiting = reader(arguments, target);
    let after = head(&mut waiting).await?;
    let task = tokio::spawn(wait(waiting, after, id.to_owned(), tell));
    let change =
        "mutation($id: ID!, $input: OrganizationInput!) { updateOrganization(id: $id, input: $input) {
        organization { revision } userErrors { path message } } }";
    let mut random = Random::of(1, 0, 0);
    let (mut from_sent, mut from_answered) = (Vec::new(), Vec::new());
    for turn in 0..arguments.writes {
        // Random pauses, so that writes are not in phase with timers of the server.
        tokio::time::sleep(Duration::from_millis(random.between(50, 350))).await;
        let sent = Instant::now();
        let input = json!({ "name": format!("{name} {turn}") });
        let written = ask(&mut writer, change, json!({ "id": id, "input": input })).await?;
        let answered = Instant::now();
        let Some(revision) =
            written.pointer("/updateOrganization/organization/revision").and_then(Value::as_i64)
        else {
            return Err(Failure::new(format!("it was not changed: {written}")));
        };
        loop {
            let heard = tokio::time::timeout(HOPELESS, seen.recv()).await;
            match heard.map_err(|_| Failure::new("who waits was not answered"))? {
                Some((at, now)) if now >= revision => {
                    from_sent.push(at - sent);
                    from_answered.push(at.saturating_duration_since(answered));
                    break;
                }
                Some(_) => {}
                None => return Err(task.await.map_err(Failure::during("waiting"))?),
            }
        }
    }
    task.abort();
    from_sent.sort_unstable();
    from_answered.sort_unstable();
    let by = if arguments.writer_url.is_some() { " (written by another server)" } else { "" };
    let figure = |what: &str, of: &[Duration], percent, at_most| {
        let is = milliseconds(percentile(of, percent));
        Measure::new(format!("{what}, p{percent}{by}"), is, at_most, "ms")
    };
    Ok(vec![
        figure("write sent to change seen", &from_sent, 50, Some(150.0)),
        figure("write sent to change seen", &from_sent, 99, Some(600.0)),
        figure("write answered to change seen", &from_answered, 50, None),
        figure("write answered to change seen", &from_answered, 99, None),
    ])
}

/// Waits for changes of a record, and sends the time and the revision of each. Returns the failure that ends it.
async fn wait(
    mut client: Client,
    mut after: String,
    id: String,
    tell: mpsc::UnboundedSender<(Instant, i64)>,
) -> Failure {
    let query = "query($after: ChangeCursor) { changes(after: $after, waitSeconds: 50) { cursor changes { recordId revision } } }";
    loop {
        let data = match ask(&mut client, query, json!({ "after": after })).await {
            Ok(data) => data,
            Err(failure) => return failure,
        };
        let at = Instant::now();
        let changes = data["changes"]["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        for change in changes.iter().filter(|change| change["recordId"] == *id) {
            if tell.send((at, change["revision"].as_i64().unwrap_or_default())).is_err() {
                return Failure::new("nobody measures any more");
            }
        }
        data["changes"]["cursor"].as_str().unwrap_or_default().clone_into(&mut after);
    }
}

/// Measures pages of 500 with the records, in repeated crawls from the beginning.
async fn pages(arguments: &Arguments, target: &Target) -> Result<Vec<Measure>, Failure> {
    let mut client = reader(arguments, target);
    let count =
        ask(&mut client, "{ syncDigest { count } }", json!({})).await?["syncDigest"]["count"].as_u64();
    let count = count.ok_or_else(|| Failure::new("nobody knows how many records there are"))?;
    let wanted = arguments.pages as usize;
    let (mut times, mut crawls) = (Vec::new(), Vec::new());
    while crawls.is_empty() || times.len() < wanted {
        let before = times.len();
        let (took, records) = crawl(&mut client, &mut times).await?;
        if records != count {
            return Err(Failure::new(format!("a crawl gave {records} records of {count}")));
        }
        crawls.push(took);
        if times.len() == before {
            return Err(Failure::new(format!("{count} records do not fill a page of {PAGE}")));
        }
    }
    times.sort_unstable();
    let page = |percent| milliseconds(percentile(&times, percent));
    let slowest = crawls.iter().max().copied().unwrap_or_default();
    Ok(vec![
        Measure::new(format!("page of {PAGE} with records, p50"), page(50), None, "ms"),
        Measure::new(format!("page of {PAGE} with records, p99"), page(99), Some(150.0), "ms"),
        Measure::new(
            format!("first crawl of {} records", thousands(count)),
            seconds(crawls[0]),
            target_for(count, 10.0),
            "s",
        ),
        Measure::new(format!("slowest of {} crawls", crawls.len()), seconds(slowest), None, "s"),
    ])
}

/// Formats a number for people. Exact up to 2^32: no directory here has more records.
fn thousands(count: u64) -> String {
    number(f64::from(u32::try_from(count).unwrap_or(u32::MAX)), 0)
}

/// The target, which is for about 20,000 records; `None` for more.
fn target_for(count: u64, at_most: f64) -> Option<f64> {
    (count <= 25_000).then_some(at_most)
}

/// Reads all pages from the beginning. Returns the time that it took, and the number of records. Adds the time of each
/// full page to `times`.
async fn crawl(client: &mut Client, times: &mut Vec<Duration>) -> Result<(Duration, u64), Failure> {
    let begun = Instant::now();
    let (mut after, mut records) = (Value::Null, 0);
    loop {
        let sent = Instant::now();
        let data = ask(client, CHANGES, json!({ "after": after })).await?;
        let took = sent.elapsed();
        let changes = data["changes"]["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let whole =
            |change: &Value| change["record"]["id"] == change["recordId"] || change["operation"] != "UPSERT";
        if !changes.iter().all(whole) {
            return Err(Failure::new("a change has no record"));
        }
        records += changes.len() as u64;
        if changes.len() == PAGE {
            times.push(took);
        }
        if data["changes"]["hasMore"] == json!(false) {
            return Ok((begun.elapsed(), records));
        }
        after = data["changes"]["cursor"].clone();
    }
}

/// Measures a whole copy, and checks its hash and counts.
async fn snapshot(arguments: &Arguments, target: &Target) -> Result<Vec<Measure>, Failure> {
    let client = reader(arguments, target);
    let begun = Instant::now();
    let mut copy = Copied::default();
    let status = client.get("/sync/snapshot", |part| copy.take(part)).await?;
    let took = begun.elapsed();
    if status != 200 {
        let said = String::from_utf8_lossy(&copy.last).into_owned();
        return Err(Failure::new(format!("no copy is given (status {status}): {said}")));
    }
    let records = copy.finish()?;
    Ok(vec![Measure::new(
        format!("copy of {} records", thousands(records)),
        seconds(took),
        target_for(records, 5.0),
        "s",
    )])
}

/// A copy while it is read. Its last line has the hash of all lines before it.
#[derive(Default)]
struct Copied {
    hash: Sha256,
    lines: u64,
    /// The line that was read last, or that is being read.
    last: Vec<u8>,
}

impl Copied {
    fn take(&mut self, part: &[u8]) {
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            // Another line follows, so the one before was not the last.
            if self.last.ends_with(b"\n") {
                self.hash.update(&self.last);
                self.lines += 1;
                self.last.clear();
            }
            self.last.extend_from_slice(line);
        }
    }

    /// Checks the last line. Returns the number of records.
    fn finish(self) -> Result<u64, Failure> {
        let last: Value = serde_json::from_slice(&self.last).map_err(Failure::during("the last line"))?;
        let hash = format!("{:x}", self.hash.finalize());
        let counts = last["counts"].as_object();
        let counted: u64 = counts.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
        // The first line has no record.
        if last["sha256"] != json!(hash) || counted + 1 != self.lines {
            return Err(Failure::new("the copy is not whole"));
        }
        Ok(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_whole_or_refused() -> Result<(), Failure> {
        let before = "{\"cursor\":\"c\"}\n{\"a\":1}\n{\"a\":2}\n";
        let hash = format!("{:x}", Sha256::digest(before));
        let whole =
            format!("{before}{{\"counts\":{{\"ORGANIZATION\":1,\"TALENT\":1}},\"sha256\":\"{hash}\"}}\n");
        let read = |text: &str, size: usize| {
            let mut copy = Copied::default();
            text.as_bytes().chunks(size).for_each(|part| copy.take(part));
            copy.finish()
        };
        for size in [1, 7, 1000] {
            assert_eq!(read(&whole, size)?, 2);
        }
        assert!(read(&whole.replace("{\"a\":2}\n", ""), 7).is_err());
        assert!(read(&whole.replace("\"a\":2", "\"a\":3"), 7).is_err());
        assert!(read(before, 7).is_err());
        assert!(read(&whole[..whole.len() - 9], 7).is_err());
        Ok(())
    }
}
