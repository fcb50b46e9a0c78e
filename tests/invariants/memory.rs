//! I16: memory stays bounded, however many clients wait, stop reading a stream or a snapshot, or push.

use std::fs::File;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::rounds;
use crate::on_both_databases;
use crate::push::{org, statuses};
use crate::support::HOPELESS;
use crate::support::place::Partner;
use crate::support::program::Running;
use crate::support::records::{ndjson, organization};

/// The number of records at the beginning.
const RECORDS: usize = 3000;
/// The allowed growth in megabytes: in all, and for each socket that is not read. The server keeps a page of 5 MB for
/// each. All records would be 30 MB.
const BOUND: (f64, f64) = (80.0, 12.0);

/// The fields of a record of this size in kilobytes. Its text is cheap to index.
fn fields(name: &str, kilobytes: usize) -> Value {
    json!({"name": name, "descriptions": [{"language": "FR", "text": "x".repeat(1000 * kilobytes)}]})
}

fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

/// A connection with a small receive buffer.
async fn connect(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = address.trim_start_matches("http://").parse().expect("an address");
    socket.connect(address).await.expect("it listens")
}

/// Subscribes to all changes with most fields of the records, and reads none.
async fn never_reads(address: &str) -> impl Sized {
    use futures::SinkExt as _;
    let url = address.replace("http:", "ws:") + "/graphql";
    let mut request = url.into_client_request().expect("an address");
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = client_async(request, connect(address).await).await.expect("a socket");
    socket.send(Message::text(json!({"type": "connection_init"}).to_string())).await.expect("it reads");
    let acknowledged = socket.next().await.expect("an answer").expect("an answer");
    assert!(acknowledged.to_text().unwrap().contains("connection_ack"));
    let query = "subscription { changes { cursor recordId record { ... on Organization { id slug name
        descriptions { text } region { slug } sectors { slug } } } } }";
    let subscribe = json!({"type": "subscribe", "id": "1", "payload": {"query": query}});
    socket.send(Message::text(subscribe.to_string())).await.expect("it reads");
    socket
}

/// Requests a snapshot with this header, and reads only its beginning.
async fn copies_slowly(address: &str, header: &str) -> TcpStream {
    let mut stream = connect(address).await;
    let request = format!("GET /sync/snapshot HTTP/1.1\r\nHost: x\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).await.expect("an answer");
    assert_eq!(&beginning, b"HTTP/1.1 200");
    stream
}

on_both_databases! {
    async fn memory_is_bounded(place: Place) {
        let key = place.key(&["w"]).await;
        let lines: Vec<Value> = (0..RECORDS)
            .map(|n| organization("wallonie", &format!("o{n}"), fields(&format!("o{n}"), 10)))
            .collect();
        std::fs::write(place.folder.path().join("lines.ndjson"), ndjson(&lines)).expect("a file");
        place.run(&["import", "--create-source", "lines.ndjson"]);
        // Leaves out the memory of the embedded search: the configured engine does not respond.
        let log = File::create(place.folder.path().join("log")).expect("a log");
        let mut command = place.command(&["serve"]);
        let server = Running::start_logging(command.env("MEILI_URL", "http://127.0.0.1:9"), log);
        let partner = Partner::new(server.address(), Some(&key));
        // Warm up: the memory of a first response is not counted.
        let page =
            "{ changes(first: 500) { changes { record { ... on Organization { id descriptions { text } } } } } }";
        partner.data(page, json!({})).await;
        let before = resident(server.id());
        // A long run has the numbers of the contract: 200 waiting requests and 50 idle readers.
        let (waiting, unread) = (rounds(60).min(200), rounds(10).min(50));

        let address = server.address();
        let streams = futures::future::join_all((0..unread).map(|_| never_reads(address))).await;
        let token = format!("Authorization: Bearer {key}\r\n");
        let copies = (copies_slowly(address, "").await, copies_slowly(address, &token).await);
        // All streams read the database at once, so other requests may have to retry.
        let head = loop {
            let answer = partner
                .ask("{ changes(first: 1, types: [TALENT]) { head } }", json!({}))
                .await
                .expect("an answer");
            if answer["data"] != Value::Null {
                break answer["data"]["changes"]["head"].clone();
            }
        };
        let wait = "query($after: ChangeCursor) { changes(after: $after, types: [TALENT], waitSeconds: 50) { changes { recordId } } }";
        let polls: Vec<_> = (0..waiting)
            .map(|_| {
                let (partner, head) = (partner.clone(), head.clone());
                tokio::spawn(async move {
                    loop {
                        let answer = partner.ask(wait, json!({ "after": head })).await.expect("an answer");
                        let changes = answer["data"]["changes"]["changes"].as_array().cloned();
                        // Retry after an empty page, and when the database is overloaded.
                        let code = &answer["errors"][0]["extensions"]["code"];
                        assert!(changes.is_some() || *code == "UNAVAILABLE", "{answer}");
                        if let Some(changes) = changes.filter(|changes| !changes.is_empty()) {
                            return changes.len();
                        }
                    }
                })
            })
            .collect();
        let mut most = before;
        for round in 0..i32::try_from(rounds(2)).unwrap() {
            let base = (round > 0).then_some(round);
            let records: Vec<Value> = (0..500)
                .map(|n| {
                    org(
                        "wallonie",
                        &format!("p{n}"),
                        fields(&format!("p{n} {round}"), 3),
                        json!({"baseRevision": base}),
                    )
                })
                .collect();
            let answer = partner.push("w", &format!("{round}"), &records).await;
            assert_eq!(statuses(&answer), [if round == 0 { "CREATED" } else { "UPDATED" }; 500]);
            most = most.max(resident(server.id()));
        }
        println!("{before:.0} MB before, {most:.0} MB at most");
        #[expect(clippy::cast_precision_loss, reason = "at most 50")]
        let bound = BOUND.0 + BOUND.1 * unread as f64;
        assert!(most - before < bound, "{before:.0} MB have become {most:.0} MB");
        // One change ends all waiting requests.
        let ada = json!({"externalId": "tal-ada", "talent": {"slug": "ada", "displayName": "ada", "region": "wallonie",
            "visibility": "PUBLIC", "legalBasis": "CONSENT"}});
        partner.push("w", "ada", &[ada]).await;
        for poll in polls {
            let changes = tokio::time::timeout(HOPELESS, poll).await;
            assert_eq!(changes.expect("every request ends").expect("no panic"), 1);
        }
        drop((streams, copies));
    }
}
