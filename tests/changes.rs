//! The change log: a reader that follows it misses no entry.

use std::collections::HashMap;

use passerelle::exchange::import::line::Line;
use passerelle::records::changes;
use passerelle::records::write::{self, End, Source, Submission};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::records::{organization, source};
use crate::support::server::TestServer;

fn submission(slug: &str, name: &str) -> Submission {
    let mut line = Line::parse(&organization("wallonie", slug, json!({"name": name})).to_string()).unwrap();
    let owner = Source { name: source("wallonie"), region: "wallonie".into() };
    Submission::of_source(owner, line.external_id.take().unwrap(), line.take_input().unwrap())
}

/// Reads the log until `done` is set and no entries are left.
async fn follow(server: &TestServer, done: tokio::sync::watch::Receiver<bool>) -> Vec<changes::Entry> {
    let mut seen: Vec<changes::Entry> = Vec::new();
    loop {
        let finished = *done.borrow();
        let page =
            changes::after(&server.app.db, seen.last().map_or(0, |entry| entry.seq), 50).await.unwrap();
        if page.is_empty() && finished {
            return seen;
        }
        seen.extend(page);
        tokio::task::yield_now().await;
    }
}

on_both_databases! {
    async fn sixteen_writers_and_a_reader_that_misses_nothing(server) {
        let (tell, done) = tokio::sync::watch::channel(false);
        let writers = async {
            let writer = async |writer: usize| {
                for round in 0..12 {
                    // A record of its own, and one that all writers share.
                    let batch = vec![submission(&format!("w{writer}-{}", round % 4), &format!("round {round}")), submission("shared", &format!("by {writer} in {round}"))];
                    write::write(&server.app, batch, End::PerItem).await.expect("a write");
                }
            };
            futures::future::join_all((0..16).map(writer)).await;
            tell.send(true).unwrap();
        };
        let ((), seen) = tokio::join!(writers, follow(&server, done));
        let numbers: Vec<i64> = seen.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1_i64..).take(numbers.len()).collect::<Vec<_>>(), "the log has no gaps, and the reader saw every entry");
        let mut revisions: HashMap<Uuid, i32> = HashMap::new();
        for entry in &seen {
            let last = revisions.insert(entry.record_id, entry.revision).unwrap_or(0);
            assert_eq!(entry.revision, last + 1, "revisions of a record rise by one");
        }
        let backend = server.app.db.dialect().backend();
        let rows = server.app.db.writer().query_all_raw(Statement::from_string(backend, "SELECT record_id, revision FROM sync_record")).await.unwrap();
        assert_eq!(rows.len(), 65);
        for row in rows {
            let (id, revision): (Uuid, i32) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
            assert_eq!(revisions[&id], revision, "the last entry is the present state");
        }
        let heads = Statement::from_string(backend, "SELECT COUNT(*) FROM view_head v JOIN change_log c ON c.seq = v.last_seq AND c.record_id = v.record_id AND c.op = v.op");
        let count: i64 = server.app.db.writer().query_one_raw(heads).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(count, 65);
    }
}

on_both_databases! {
    async fn a_caller_who_goes_away_leaves_nothing_half_open(server) {
        for round in 0..40 {
            let batch = vec![submission("a", &format!("round {round}"))];
            let write = write::write(&server.app, batch, End::PerItem);
            let _ = tokio::time::timeout(std::time::Duration::from_micros(round * 50), write).await;
        }
        server.app.tasks.close();
        server.app.tasks.wait().await;
        // No lock is left: the next write succeeds, and is the last in the log.
        server.app.tasks.reopen();
        write::write(&server.app, vec![submission("a", "the end")], End::PerItem).await.unwrap();
        let data = server.data("{ organization(by: {slug: \"a\"}) { name revision } }").await;
        assert_eq!(data["organization"]["name"], "the end");
        let backend = server.app.db.dialect().backend();
        let count = Statement::from_string(backend, "SELECT COUNT(*) FROM change_log");
        let logged: i64 = server.app.db.writer().query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(data["organization"]["revision"], logged);
    }
}
