//! The cost of idle clients: memory and processor time of the server while many wait for changes and none come.

use std::fs;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{ask, client};
use crate::client::{Client, Target};
use crate::failure::Failure;
use crate::results::Measure;

/// Who waits, and for how long the server is looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Waiting {
    /// The process of the server, which must run on this machine.
    #[arg(long)]
    pid: Option<u32>,
    /// Requests that wait.
    #[arg(long, default_value_t = 200)]
    polls: u32,
    /// Sockets with a subscription.
    #[arg(long, default_value_t = 50)]
    streams: u32,
    /// Seconds for which the server is looked at.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

/// The pause before the measurement, in which the server settles.
const SETTLE: Duration = Duration::from_secs(3);
/// Clock ticks of a second, in which systems count the time of processes: 100 in Linux on every common machine.
const TICKS: f64 = 100.0;

/// Lets clients wait from the end of the log on, and measures the server meanwhile.
pub(super) async fn measure(
    arguments: &Waiting,
    target: &Target,
    token: Option<&str>,
    head: &str,
) -> Result<Vec<Measure>, Failure> {
    let Some(pid) = arguments.pid else {
        return Err(Failure::new(
            "--pid is needed to look at the server: leave `idle` out of --measures without it",
        ));
    };
    let mut waiting = JoinSet::new();
    for _ in 0..arguments.polls {
        waiting.spawn(poll(client(target, token), head.to_owned()));
    }
    for _ in 0..arguments.streams {
        let stream = open(target, token, head).await?;
        waiting.spawn(listen(stream));
    }
    sleep(SETTLE).await;
    let (before, begun) = (Process::look(pid)?, Instant::now());
    sleep(Duration::from_secs(arguments.seconds)).await;
    let (after, took) = (Process::look(pid)?, begun.elapsed());
    if let Some(ended) = waiting.try_join_next() {
        return Err(ended.map_err(Failure::during("waiting"))?);
    }
    let who = format!("{} long polls and {} streams", arguments.polls, arguments.streams);
    let promised = |at_most: f64| (arguments.polls <= 200 && arguments.streams <= 50).then_some(at_most);
    // Ticks of less than a year are exact.
    let used = (after.ticks - before.ticks) / TICKS / took.as_secs_f64() * 100.0;
    Ok(vec![
        Measure::new(format!("memory with {who} idle"), after.resident, promised(300.0), "MB"),
        Measure::new("the most that it ever was", after.peak, None, "MB"),
        Measure::new(format!("of one processor with {who} idle"), used, promised(5.0), "%"),
    ])
}

/// Memory and processor time of a process, from `/proc`.
struct Process {
    /// Resident memory, in megabytes.
    resident: f64,
    /// The peak of the resident memory, in megabytes.
    peak: f64,
    /// Processor time, in clock ticks ([`TICKS`] of a second).
    ticks: f64,
}

impl Process {
    fn look(pid: u32) -> Result<Self, Failure> {
        let read = |what: &str| {
            let path = format!("/proc/{pid}/{what}");
            fs::read_to_string(&path).map_err(Failure::during(path))
        };
        let (status, stat) = (read("status")?, read("stat")?);
        let unclear = || Failure::new("the system says of the server what is not understood here");
        let resident = megabytes(&status, "VmRSS:").ok_or_else(unclear)?;
        let peak = megabytes(&status, "VmHWM:").ok_or_else(unclear)?;
        Ok(Self { resident, peak, ticks: ticks(&stat).ok_or_else(unclear)? })
    }
}

fn megabytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kilobytes) / 1024.0)
}

/// Returns the user and system time of a process, in clock ticks. Its name in the line may have spaces and brackets.
fn ticks(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let field = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some(field(11)? + field(12)?)
}

/// Waits for changes in a loop. Returns the failure that ends it.
async fn poll(mut client: Client, after: String) -> Failure {
    let query = "query($after: ChangeCursor) { changes(after: $after, waitSeconds: 50) { cursor changes { recordId } } }";
    let mut after = after;
    loop {
        match ask(&mut client, query, json!({ "after": after })).await {
            Ok(data) => data["changes"]["cursor"].as_str().unwrap_or_default().clone_into(&mut after),
            Err(failure) => return failure,
        }
    }
}

/// Opens a WebSocket with a subscription that begins after a position.
async fn open(
    target: &Target,
    token: Option<&str>,
    after: &str,
) -> Result<WebSocketStream<TcpStream>, Failure> {
    let address = format!("ws://{}{}", target.authority(), target.path());
    let mut request = address.into_client_request().map_err(Failure::during("the address"))?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let connection = TcpStream::connect(target.authority()).await;
    let connection = connection.map_err(Failure::during("opening a socket"))?;
    let opened = client_async(request, connection).await;
    let (mut socket, _) = opened.map_err(Failure::during("opening a socket"))?;
    let payload =
        token.map_or_else(|| json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
    let init = json!({ "type": "connection_init", "payload": payload }).to_string();
    socket.send(Message::text(init)).await.map_err(Failure::during("beginning"))?;
    let acknowledged = next(&mut socket).await?;
    if acknowledged["type"] != "connection_ack" {
        return Err(Failure::new(format!("a socket is not taken: {acknowledged}")));
    }
    let query = "subscription($after: ChangeCursor) { changes(after: $after) { cursor recordId record { __typename } } }";
    let payload = json!({ "query": query, "variables": { "after": after } });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload }).to_string();
    socket.send(Message::text(subscribe)).await.map_err(Failure::during("subscribing"))?;
    Ok(socket)
}

/// Returns the next message that is no ping. Pings are answered.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Result<Value, Failure> {
    loop {
        let message = socket.next().await.ok_or_else(|| Failure::new("a socket was closed"))?;
        match message.map_err(Failure::during("listening"))? {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).map_err(Failure::during("a message"))?;
                if message["type"] != "ping" {
                    return Ok(message);
                }
                let pong = json!({ "type": "pong" }).to_string();
                socket.send(Message::text(pong)).await.map_err(Failure::during("answering"))?;
            }
            Message::Close(frame) => return Err(Failure::new(format!("a socket was closed: {frame:?}"))),
            _ => {}
        }
    }
}

/// Reads changes until something else comes, which is returned as a failure.
async fn listen(mut socket: WebSocketStream<TcpStream>) -> Failure {
    loop {
        match next(&mut socket).await {
            Ok(message) if message["type"] == "next" && message["payload"].get("errors").is_none() => {}
            Ok(message) => return Failure::new(format!("a subscription ended: {message}")),
            Err(failure) => return failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        let status = "Name:\tx\nVmHWM:\t  20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!((megabytes(status, "VmRSS:"), megabytes(status, "VmHWM:")), (Some(10.0), Some(20.0)));
        assert_eq!(megabytes("Name:\tx\n", "VmRSS:"), None);
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 2 0 0 0 130 20 0 0 20 0 9 0 8 0";
        assert_eq!(ticks(stat), Some(150.0));
        assert_eq!(ticks("4711 (a) S 1"), None);
    }
}
