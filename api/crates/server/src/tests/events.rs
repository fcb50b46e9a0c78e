use std::time::Duration;

use serde_json::{Value, json};

use super::{Small, SocketSettings, patient};

const SOON: Duration = Duration::from_millis(50);

async fn ask(server: &Small, query: &str, last: Option<&str>) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{}/graphql/stream", server.address));
    let request = request.header("accept", "text/event-stream").json(&json!({ "query": query }));
    let request = last.iter().fold(request, |request, last| request.header("last-event-id", *last));
    request.send().await.unwrap()
}

/// Parses the events of a stream, without comments: the `id`, `event` and `data` of each.
fn events(text: &str) -> Vec<(Option<String>, String, Value)> {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty() && *block != ":");
    let read = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.map(str::to_owned)
        };
        let data = field("data").unwrap();
        let data = if data.is_empty() { Value::Null } else { serde_json::from_str(&data).unwrap() };
        (field("id"), field("event").unwrap(), data)
    };
    blocks.map(read).collect()
}

fn next(data: &Value) -> (Option<String>, String, Value) {
    (None, "next".into(), json!({ "data": data }))
}

fn complete() -> (Option<String>, String, Value) {
    (None, "complete".into(), Value::Null)
}

#[tokio::test]
async fn a_stream_is_followed_to_its_end() {
    let server = Small::start(patient()).await;
    let response = ask(&server, "subscription { count(to: 2) { number } }", None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let text = response.text().await.unwrap();
    let expected =
        [next(&json!({"count": {"number": 1}})), next(&json!({"count": {"number": 2}})), complete()];
    assert_eq!(events(&text), expected, "{text}");
    let query = ask(&server, "{ hello }", None).await.text().await.unwrap();
    assert_eq!(events(&query), [next(&json!({"hello": "world"})), complete()]);
}

#[tokio::test]
async fn what_is_wrong_with_an_operation_is_an_event() {
    let server = Small::start(patient()).await;
    for (query, before, code) in [
        ("{", 0, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", 0, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { refuses }", 0, "BAD_USER_INPUT"),
        ("subscription { breaks }", 1, "BAD_USER_INPUT"),
        ("subscription { panics }", 0, "INTERNAL_SERVER_ERROR"),
    ] {
        let response = ask(&server, query, None).await;
        assert_eq!(response.status(), 200);
        let events = events(&response.text().await.unwrap());
        let (_, name, data) = &events[before];
        assert_eq!(
            (name.as_str(), &data["errors"][0]["extensions"]["code"]),
            ("next", &json!(code)),
            "{query}"
        );
        assert_eq!(data.get("data"), None);
        assert_eq!(events[before + 1..], [complete()]);
    }
}

#[tokio::test]
async fn a_stream_is_taken_up_again_after_the_last_event() {
    let server = Small::start(patient()).await;
    for (last, expected) in
        [(None, &["1", "2", "3"][..]), (Some("2"), &["3"]), (Some("3"), &[]), (Some(""), &["1", "2", "3"])]
    {
        let text = ask(&server, "subscription { places(to: 3) }", last).await.text().await.unwrap();
        let events = events(&text);
        let ids: Vec<&str> = events.iter().filter_map(|(id, ..)| id.as_deref()).collect();
        assert_eq!(ids, expected, "{text}");
        assert_eq!(events.len(), expected.len() + 1);
    }
}

#[tokio::test]
async fn a_quiet_stream_has_comments() {
    let server = Small::start(SocketSettings { ping_interval: SOON, ..patient() }).await;
    let mut response = ask(&server, "subscription { hangs }", None).await;
    let mut text = String::new();
    while text != ":\n\n:\n\n:\n\n" {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        assert!(":\n\n:\n\n:\n\n:\n\n:\n\n".starts_with(&text), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_stream() {
    let server = Small::start(patient()).await;
    let response = ask(&server, "subscription { hangs }", None).await;
    server.wait_for(1).await;
    drop(response);
    server.wait_for(0).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_stream() {
    let server = Small::start(SocketSettings { drain_time: 4 * SOON, ..patient() }).await;
    let mut response = ask(&server, "subscription { floods }", None).await;
    response.chunk().await.unwrap();
    server.wait_for(0).await;
}

#[tokio::test]
async fn a_stop_cuts_a_stream_so_that_its_client_asks_again() {
    let mut server = Small::start(patient()).await;
    let response = ask(&server, "subscription { lives }", None).await;
    server.wait_for(1).await;
    server.stop.cancel();
    let text = response.text().await.unwrap();
    assert!(!text.contains("complete"), "{text}");
    (&mut server.serving).await.unwrap().unwrap();
}
