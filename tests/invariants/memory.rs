//! I16: memory stays bounded, however many wait, follow without reading, copy without reading, and push.

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

/// Records that are there in the beginning.
const RECORDS: usize = 3000;
/// How many megabytes more the server may have than before, and how many more for each socket that is not read: a page
/// is kept for each, which has 5. All that there is for it would be 30.
const BOUND: (f64, f64) = (80.0, 12.0);

/// What a record says, in so many kilobytes: in words that give little work to an index.
fn fields(name: &str, kilobytes: usize) -> Value {
    json!({"name": name, "descriptions": [{"language": "FR", "text": "x".repeat(1000 * kilobytes)}]})
}

fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}

/// A connection over which little is on its way.
async fn connect(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = address.trim_start_matches("http://").parse().expect("an address");
    socket.connect(address).await.expect("it listens")
}

/// Follows everything with all that a record has, and reads nothing of it.
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

/// Asks for a copy with this header, and reads only its beginning.
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
        // The search has a memory of its own: the engine that is named does not answer.
        let log = File::create(place.folder.path().join("log")).expect("a log");
        let mut command = place.command(&["serve"]);
        let server = Running::start_logging(command.env("MEILI_URL", "http://127.0.0.1:9"), log);
        let partner = Partner::new(server.address(), Some(&key));
        // What it takes to answer at all is no part of this.
        let page =
            "{ changes(first: 500) { changes { record { ... on Organization { id descriptions { text } } } } } }";
        partner.data(page, json!({})).await;
        let before = resident(server.id());
        // A long run has as many as the contract speaks of: 200 who wait, and 50 who do not read.
        let (waiting, unread) = (rounds(60).min(200), rounds(10).min(50));

        let address = server.address();
        let streams = futures::future::join_all((0..unread).map(|_| never_reads(address))).await;
        let token = format!("Authorization: Bearer {key}\r\n");
        let copies = (copies_slowly(address, "").await, copies_slowly(address, &token).await);
        // All who follow are read for at once: others may have to ask again.
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
                        // Where nothing came in time, or too many ask for the database, they ask again.
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
        // A change that they wait for answers all of them.
        let ada = json!({"externalId": "tal-ada", "talent": {"slug": "ada", "displayName": "ada", "region": "wallonie",
            "visibility": "PUBLIC", "legalBasis": "CONSENT"}});
        partner.push("w", "ada", &[ada]).await;
        for poll in polls {
            let changes = tokio::time::timeout(HOPELESS, poll).await;
            assert_eq!(changes.expect("nobody is forgotten").expect("no panic"), 1);
        }
        drop((streams, copies));
    }
}
