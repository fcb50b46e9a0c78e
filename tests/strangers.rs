//! Resource limits of anonymous clients: connections, sockets, memory and time.

use std::fs::File;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use passerelle::server::{Capacity, Limits, Pace};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::on_both_databases;
use crate::support::accounts::{account, sign_in};
use crate::support::program::{Running, folder, program};
use crate::support::records::{import, organization};
use crate::support::server::{Setup, TestServer};
use crate::support::socket::Socket;
use crate::support::{HOPELESS, on_sqlite, run, until};

/// The memory limit of the program in megabytes, whatever anonymous clients do.
const BOUND: f64 = 600.0;

/// The resident memory of a process in megabytes.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

/// A connection with a small receive buffer.
async fn narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(address).await.expect("it listens")
}

/// The head of a request with a body of this length in bytes.
fn head(length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Everything the server sends until the connection closes or is reset.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(HOPELESS, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a long body without its last byte, and keeps the connection open.
async fn unfinished(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = 4_000_000;
    let body = vec![b' '; length - 1];
    let sent = async {
        stream.write_all(head(length).as_bytes()).await?;
        stream.write_all(&body).await
    };
    // A refused body is not read to its end.
    let _ = timeout(Duration::from_secs(5), sent).await;
    stream
}

#[test]
fn unfinished_bodies_and_silent_sockets_leave_memory_to_others() {
    run(async {
        let folder = folder();
        let log = File::create(folder.path().join("log")).expect("a log");
        let server = Running::start_logging(program(folder.path()).args(["serve", "--demo"]), log);
        let address: SocketAddr = server.address().trim_start_matches("http://").parse().expect("an address");
        let before = resident(server.id());
        let bodies = futures::future::join_all((0..300).map(|_| unfinished(address))).await;
        let with_bodies = resident(server.id());
        // Initialized sockets, which stay open, and are idle.
        let mut sockets = Vec::new();
        let mut refused = 0;
        for _ in 0..150 {
            match Socket::open(address, &[]).await {
                Ok(mut socket) => {
                    socket.say(json!({"type": "connection_init"})).await;
                    sockets.push(socket);
                }
                Err(status) => {
                    assert!(matches!(status, 429 | 503), "{status}");
                    refused += 1;
                }
            }
        }
        let with_sockets = resident(server.id());
        println!(
            "{before:.0} MB before, {with_bodies:.0} MB with bodies, {with_sockets:.0} MB with {} sockets",
            sockets.len()
        );
        assert!(with_sockets < BOUND, "{before:.0} MB have become {with_bodies:.0} and {with_sockets:.0} MB");
        // A socket takes the memory that it needs, not its maximum.
        assert!(
            with_sockets - with_bodies < 150.0 * 0.1,
            "{with_bodies:.0} MB have become {with_sockets:.0} MB"
        );
        assert_eq!(refused, 0, "the limit of an address is higher");
        // Other requests still succeed.
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let asked = client.post(format!("{}/graphql", server.address()));
        let answer = asked.json(&json!({"query": "{ regions { slug } }"})).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        drop((bodies, sockets));
    });
}

#[test]
fn an_address_has_so_many_connections() {
    let capacity = Capacity { connections_per_address: 3, ..Capacity::default() };
    on_sqlite(Setup::default().capacity(capacity), |server| async move {
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(server.address).await.expect("it listens");
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it reads");
            let mut beginning = [0; 12];
            stream.read_exact(&mut beginning).await.expect("an answer");
            assert_eq!(&beginning, b"HTTP/1.1 200");
            open.push(stream);
        }
        let mut fourth = TcpStream::connect(server.address).await.expect("it listens");
        let told = rest(&mut fourth).await;
        assert!(told.starts_with("HTTP/1.1 503") && told.contains("UNAVAILABLE"), "{told}");
        let (head, body) = told.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{told}");
        // The closed connection frees its place.
        drop(open.pop());
        until("there is room", async || server.client.get(server.url("/healthz")).send().await.is_ok()).await;
    });
}

#[test]
fn a_client_has_so_many_sockets() {
    let capacity = Capacity { sockets: 4, sockets_per_client: 2, ..Capacity::default() };
    on_sqlite(Setup::default().capacity(capacity), |server| async move {
        account(&server.app, "me@example.org", &[]).await;
        let bearer = format!("Bearer {}", sign_in(&server, "me@example.org").await.access);
        let token = [("authorization", bearer.as_str())];
        let first = Socket::begin(server.address).await;
        let second = Socket::begin(server.address).await;
        assert_eq!(Socket::open(server.address, &[]).await.err(), Some(429));
        let third = Socket::open(server.address, &token).await.expect("their own");
        let fourth = Socket::open(server.address, &token).await.expect("their own");
        assert_eq!(Socket::open(server.address, &token).await.err(), Some(429));
        drop(first);
        until("there is room", async || Socket::open(server.address, &[]).await.is_ok()).await;
        drop((second, third, fourth));
    });
}

#[test]
fn bodies_share_one_memory() {
    let capacity = Capacity { body_memory: 400_000, ..Capacity::default() };
    let limits = Limits { body: 200_000, ..Limits::default() };
    on_sqlite(Setup::default().limits(limits).capacity(capacity), |server| async move {
        account(&server.app, "me@example.org", &[]).await;
        let token = sign_in(&server, "me@example.org").await.access;
        let long = format!("{{\"query\": \"{{ regions {{ slug }} }}\"{}}}", " ".repeat(190_000));
        let post = async |body: String, token: Option<&str>| {
            let request =
                server.client.post(server.url("/graphql")).header("content-type", "application/json");
            let request = token.into_iter().fold(request.body(body), reqwest::RequestBuilder::bearer_auth);
            // The error response may be lost with the connection if it comes while the body is being sent.
            request.send().await.ok().map(|response| response.status().as_u16())
        };
        // An unfinished body takes the memory of its address. If it is itself refused, because the other came first,
        // both are sent again.
        let stream = Mutex::new(None);
        until("the other is refused", async || {
            until("there is room", async || post(long.clone(), None).await == Some(200)).await;
            let mut first = TcpStream::connect(server.address).await.expect("it listens");
            first.write_all(head(long.len()).as_bytes()).await.expect("it reads");
            first.write_all(&long.as_bytes()[..long.len() - 1]).await.expect("it reads");
            let is_refused = matches!(post(long.clone(), None).await, Some(429) | None);
            let waits = first.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            let is_done = is_refused && waits;
            *stream.lock().unwrap() = is_done.then_some(first);
            is_done
        })
        .await;
        let mut stream = stream.into_inner().unwrap().expect("it waits");
        assert_eq!(post(long.clone(), Some(&token)).await, Some(200), "accounts have memory of their own");
        assert_eq!(
            post("{\"query\": \"{ regions { slug } }\"}".into(), None).await,
            Some(200),
            "short ones need none"
        );
        stream.write_all(b"}").await.expect("it reads");
        let mut beginning = [0; 12];
        stream.read_exact(&mut beginning).await.expect("an answer");
        assert_eq!(&beginning, b"HTTP/1.1 200");
        until("there is room again", async || post(long.clone(), None).await == Some(200)).await;
    });
}

#[test]
fn heads_that_never_end_and_silent_connections_are_closed() {
    let capacity = Capacity { header_time: Duration::from_millis(300), ..Capacity::default() };
    on_sqlite(Setup::default().capacity(capacity), |server| async move {
        let begun = ["", "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Long: "];
        for beginning in begun {
            let mut stream = TcpStream::connect(server.address).await.expect("it listens");
            stream.write_all(beginning.as_bytes()).await.expect("it reads");
            assert!(!rest(&mut stream).await.starts_with("HTTP/1.1 2"), "{beginning:?}");
        }
        // A slowly sent head gets no more time.
        let mut stream = TcpStream::connect(server.address).await.expect("it listens");
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nX: ").await;
        until("it is closed", async || stream.write_all(b"x").await.is_err()).await;
        // An idle connection after a response.
        let mut stream = TcpStream::connect(server.address).await.expect("it listens");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it reads");
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
        // A WebSocket is not limited by the header time-out.
        let mut socket = Socket::begin(server.address).await;
        let mut closed = TcpStream::connect(server.address).await.expect("it listens");
        rest(&mut closed).await;
        assert_eq!(socket.ask("1", "{ __typename }").await["data"]["__typename"], "Query");
        assert_eq!(server.get("/healthz").await.status(), 200);
    });
}

/// Imports records for a snapshot longer than the system's send buffer.
async fn long_copy(server: &TestServer) {
    let text = "x".repeat(12_000);
    let lines: Vec<Value> = (0..1400)
        .map(|n| {
            let fields = json!({"descriptions": [{"language": "FR", "text": text}]});
            organization("wallonie", &format!("o{n}"), fields)
        })
        .collect();
    import(server, &lines).await;
}

/// Requests a snapshot and reads only the status.
async fn copies_slowly(server: &TestServer, token: Option<&str>) -> (TcpStream, String) {
    let mut stream = narrow(server.address).await;
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!("GET /sync/snapshot HTTP/1.1\r\nHost: x\r\n{token}\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).await.expect("an answer");
    let status = String::from_utf8_lossy(&beginning[9..]).into_owned();
    (stream, status)
}

/// A server that soon closes connections of slow readers. Normal clients are fast enough on any machine.
fn hasty() -> Setup {
    let pace = Pace { grace: Duration::from_secs(2), bytes_per_second: 32 * 1024 };
    Setup::default().capacity(Capacity { pace, copy_pace: pace, ..Capacity::default() })
}

/// A server that never gives up on slow readers of snapshots.
fn patient() -> Setup {
    let copy_pace = Pace { grace: HOPELESS, ..Capacity::default().copy_pace };
    Setup::default().capacity(Capacity { copy_pace, ..Capacity::default() })
}

on_both_databases! {
    with patient();
    async fn slow_copies_of_strangers_keep_no_partner_out(server) {
        long_copy(&server).await;
        account(&server.app, "me@example.org", &[]).await;
        let token = sign_in(&server, "me@example.org").await.access;
        let (first, status) = copies_slowly(&server, None).await;
        assert_eq!(status, "200");
        let (_, status) = copies_slowly(&server, None).await;
        assert_eq!(status, "429", "one snapshot of a client at a time");
        let (own, status) = copies_slowly(&server, Some(&token)).await;
        assert_eq!(status, "200");
        drop(first);
        until("the place is free", async || copies_slowly(&server, None).await.1 == "200").await;
        drop(own);
    }
}

on_both_databases! {
    with hasty();
    async fn copies_that_are_not_read_end(server) {
        long_copy(&server).await;
        let (mut slow, status) = copies_slowly(&server, None).await;
        assert_eq!(status, "200");
        until("it has ended", async || server.app.traffic.snapshots() == 0).await;
        assert!(!rest(&mut slow).await.contains("\"sha256\""), "the snapshot is incomplete");
        // A fast reader gets the whole snapshot.
        let whole = server.get("/sync/snapshot").await;
        assert_eq!(whole.status(), 200);
        assert!(whole.text().await.expect("the snapshot is complete").contains("\"sha256\""));
    }
}

#[test]
fn answers_that_nobody_reads_are_given_up() {
    on_sqlite(hasty(), |server| async move {
        long_copy(&server).await;
        let mut stream = narrow(server.address).await;
        // Long responses, requested one after the other.
        let query = "{ organizations(first: 100) { nodes { descriptions { text } } } }";
        let request = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            json!({"query": query}).to_string().len(),
            json!({"query": query}),
        );
        until("the connection is closed", async || {
            match timeout(Duration::from_secs(1), stream.write_all(request.as_bytes())).await {
                Ok(written) => written.is_err(),
                // The server reads no more while the client does not read the response, so the write cannot succeed.
                Err(_) => stream.peer_addr().is_err(),
            }
        })
        .await;
    });
}
