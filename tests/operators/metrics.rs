//! `/metrics`: access, format and counts.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::identity::role::Role;
use serde_json::json;

use crate::mutations::{editor, made, studio};
use crate::on_both_databases;
use crate::support::accounts::{account, sign_in};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::socket::Socket;
use crate::support::until;

/// The metrics of a response, by name and labels as written.
#[derive(Debug)]
struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// The metrics of a server that allows access from this host.
    async fn read(server: &TestServer) -> Self {
        let response = server.get("/metrics").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self::parse(&response.text().await.unwrap())
    }

    /// Parses the text format (version 0.0.4), and checks the rules of Prometheus for format and names.
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
        let (mut helped, mut family) = (BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "one help: {line}");
                name.clone_into(&mut family);
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, of) = rest.split_once(' ').expect("a type");
                assert_eq!(name, family, "the help comes before the type");
                assert!(matches!(of, "counter" | "gauge" | "histogram"), "{line}");
                assert!(types.insert(name.to_owned(), of.to_owned()).is_none(), "one type: {line}");
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().expect("a number");
            assert!(value >= 0.0 && !value.is_nan(), "{line}");
            let name = series.split('{').next().unwrap();
            let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(
                name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(letters),
                "{line}"
            );
            let of = types.get(&family).expect("a type");
            let suffixes: &[&str] = if of == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            let fits = suffixes.iter().any(|suffix| format!("{family}{suffix}") == name);
            assert!(fits, "{name} belongs to {family}");
            assert_eq!(family.ends_with("_total"), of == "counter", "{family}");
            assert!(
                !["_milliseconds", "_ms", "_kb", "_percent"].iter().any(|unit| family.contains(unit)),
                "{family}"
            );
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
        for (family, _) in types.iter().filter(|(_, of)| *of == "histogram") {
            check_histogram(family, &samples);
        }
        Self(samples)
    }

    fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }
}

/// Checks that buckets are cumulative, and that the last one has the total.
fn check_histogram(family: &str, samples: &BTreeMap<String, f64>) {
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in samples {
        let Some(labels) = series.strip_prefix(&format!("{family}_bucket{{")) else { continue };
        let (before, bound) = labels.split_once("le=\"").expect("a bound");
        let bound = bound.split('"').next().unwrap();
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
        buckets.entry(before.trim_end_matches(',').to_owned()).or_default().push((bound, *value));
    }
    for (labels, mut all) in buckets {
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{family} {labels}: {all:?}");
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let (bound, last) = *all.last().unwrap();
        assert!(bound.is_infinite() && samples.contains_key(&format!("{family}_sum{labels}")));
        assert!((last - samples[&format!("{family}_count{labels}")]).abs() < 0.5, "{family} {labels}");
    }
}

fn here() -> Setup {
    Setup::default().metrics_from("127.0.0.0/8")
}

on_both_databases! {
    async fn metrics_are_for_administrators_and_named_networks(server) {
        account(&server.app, "admin@example.org", &[(Role::Admin, "")]).await;
        account(&server.app, "region@example.org", &[(Role::RegionAdmin, "wallonie")]).await;
        let admin = sign_in(&server, "admin@example.org").await.access;
        let region = sign_in(&server, "region@example.org").await.access;
        let read = async |token: Option<&str>| {
            let request = server.client.get(server.url("/metrics"));
            let request = match token { Some(token) => request.bearer_auth(token), None => request };
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        let nothing = server.get("/nothing").await.text().await.unwrap();
        for token in [None, Some(region.as_str())] {
            assert_eq!(read(token).await, (404, nothing.clone()), "same as an unknown path");
        }
        assert_eq!(read(Some("nobody")).await.0, 401);
        let (status, text) = read(Some(&admin)).await;
        assert_eq!(status, 200);
        Metrics::parse(&text);
    }
}

// The test is the only client, so all counts are known.
on_both_databases! {
    with here().viewer(editor(&["wallonie"]));
    async fn requests_and_statements_are_counted(server) {
        let quiet = server.quiet_with(|settings| {
            settings.metrics_from = vec!["127.0.0.0/8".parse().unwrap()];
            settings.viewer = editor(&["wallonie"]);
        }).await;
        let server = &quiet;
        let list = json!({"query": "query List { organizations(first: 5) { nodes { name } } }"});
        // A series appears with its first count.
        server.post(&list).await;
        let (before, statements) = (Metrics::read(server).await, server.statements());
        for _ in 0..3 {
            assert_eq!(server.post(&list).await.status(), 200);
        }
        server.query("{ nothing }").await;
        server.query("{ regions { slug } }").await;
        server.query("{").await;
        let read = server.statements() - statements;
        assert_eq!(read, 3, "a statement for each list");
        made(server, "organization", studio("wallonie", "one")).await;
        let after = Metrics::read(server).await;
        let rise = |series: &str| after.get(series) - before.get(series);
        let is = |series: &str, expected: f64| {
            assert!((rise(series) - expected).abs() < 0.5, "{series}: {} {after:?}", rise(series));
        };
        is("passerelle_operations_total{operation=\"List\",outcome=\"ok\",type=\"query\"}", 3.0);
        is("passerelle_operations_total{operation=\"none\",outcome=\"refused\",type=\"query\"}", 1.0);
        is("passerelle_operations_total{operation=\"none\",outcome=\"ok\",type=\"query\"}", 1.0);
        is("passerelle_operations_total{operation=\"none\",outcome=\"ok\",type=\"mutation\"}", 1.0);
        is("passerelle_operation_duration_seconds_count{operation=\"List\",type=\"query\"}", 3.0);
        is("passerelle_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"}", 1.0);
        is("passerelle_errors_total{code=\"GRAPHQL_PARSE_FAILED\"}", 1.0);
        is("passerelle_http_responses_total{route=\"/graphql\",status=\"200\"}", 5.0);
        is("passerelle_sql_transactions_total{pool=\"write\"}", 1.0);
        assert!(rise("passerelle_sql_statements_total{outcome=\"ok\",pool=\"read\"}") >= 3.0, "{after:?}");
        assert!(rise("passerelle_sql_statements_total{outcome=\"ok\",pool=\"write\"}") > 1.0, "{after:?}");
        assert!(rise("passerelle_sql_batch_keys_count") >= 3.0, "{after:?}");
        assert!(rise("passerelle_sql_batch_readers_count") >= 3.0, "{after:?}");
        assert!(after.get("passerelle_sql_pool_connections{pool=\"read\",state=\"idle\"}") >= 1.0, "{after:?}");
        assert!(after.get("process_resident_memory_bytes") > 1e6, "{after:?}");
        assert!(after.get("process_open_fds") > 3.0, "{after:?}");
        assert!((after.get("passerelle_change_log_entries") - 1.0).abs() < 0.5, "{after:?}");
        assert_eq!(after.0.get("passerelle_mail_outbox_messages"), Some(&0.0));
    }
}

on_both_databases! {
    with here().with_sample().with_search();
    async fn searches_sockets_and_followers_are_counted(server) {
        server.indexed().await;
        server.data("query Find { search(query: \"film\") { edges { cursor } } }").await;
        let mut socket = Socket::begin(server.address).await;
        socket.subscribe("1", "subscription Follow { changes { cursor } }").await;
        let events = server.client.post(server.url("/graphql/stream")).header("accept", "text/event-stream");
        let events = events.json(&json!({"query": "subscription { changes { cursor } }"})).send().await.unwrap();
        let metrics = Metrics::read(&server).await;
        assert!(metrics.get("passerelle_search_requests_total{outcome=\"ok\"}") >= 1.0, "{metrics:?}");
        assert!(metrics.get("passerelle_search_duration_seconds_count") >= 1.0, "{metrics:?}");
        assert_eq!(metrics.0.get("passerelle_search_spared"), Some(&0.0));
        assert_eq!(metrics.0.get("passerelle_follower_lag_entries{follower=\"search\"}"), Some(&0.0));
        assert_eq!(metrics.0.get("passerelle_sockets_open"), Some(&1.0));
        assert_eq!(metrics.0.get("passerelle_event_streams_open"), Some(&1.0));
        drop((socket, events));
        let followed = "passerelle_operations_total{operation=\"Follow\",outcome=\"ok\",type=\"subscription\"}";
        until("all are closed, and counted", async || {
            let metrics = Metrics::read(&server).await;
            let open = metrics.get("passerelle_sockets_open") + metrics.get("passerelle_event_streams_open");
            open < 0.5 && metrics.0.get(followed) == Some(&1.0)
        }).await;
    }
}

#[test]
fn without_the_database_the_rest_is_told() {
    crate::support::run(async {
        let server = TestServer::with(Backend::Sqlite, here()).await.unwrap();
        server.app.db.close().await;
        let response = server.query("{ organizations { totalCount } }").await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE");
        let metrics = Metrics::read(&server).await;
        assert_eq!(metrics.0.get("passerelle_errors_total{code=\"UNAVAILABLE\"}"), Some(&1.0));
        let failed = "passerelle_operations_total{operation=\"none\",outcome=\"failed\",type=\"query\"}";
        assert_eq!(metrics.0.get(failed), Some(&1.0));
        assert_eq!(metrics.0.get("passerelle_change_log_entries"), None, "an unknown value is left out");
    });
}
