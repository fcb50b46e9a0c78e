//! The program at rest: its statements while no request arrives.

use std::time::{Duration, Instant};

use crate::on_both_databases;
use crate::support::place::Partner;
use crate::support::program::Running;
use crate::support::until;

/// The metrics of a program, line by line.
async fn metrics(server: &Partner) -> Vec<(String, f64)> {
    let text = server.get("/metrics").await.expect("an answer").text().await.expect("a text");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').expect("a value"))
        .map(|(series, value)| (series.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// The statements that a program has sent, with some of those that this question costs.
async fn statements(server: &Partner) -> f64 {
    let counted = metrics(server).await.into_iter();
    counted
        .filter(|(series, _)| series.starts_with("passerelle_sql_statements_total"))
        .map(|(_, count)| count)
        .sum()
}

on_both_databases! {
    async fn a_program_at_rest_sends_a_statement_a_second(place: Place) {
        let mut command = place.command(&["serve", "--demo"]);
        command.env("METRICS_FROM", "127.0.0.0/8");
        let running = Running::start_appending(&mut command, &place.folder.path().join("log"));
        let server = Partner::new(running.address(), None);
        until("the index has followed the log", async || {
            metrics(&server).await.contains(&("passerelle_follower_lag_entries{follower=\"search\"}".to_owned(), 0.0))
        }).await;
        // Jobs that begin with the program end after a while. A test that waits in vain has found one that never rests.
        until("the program is at rest", async || {
            // The statements of the request itself.
            let mut costs = f64::INFINITY;
            let mut last = statements(&server).await;
            for _ in 0..5 {
                let next = statements(&server).await;
                costs = costs.min(next - last);
                last = next;
            }
            let begun = Instant::now();
            tokio::time::sleep(Duration::from_secs(3)).await;
            let sent = statements(&server).await - last - costs;
            sent <= begun.elapsed().as_secs_f64() + 1.0
        }).await;
    }
}
