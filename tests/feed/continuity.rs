//! The feed after its database was restored, and after its tombstones were swept.

use passerelle::records::changes::continuity::{self, Why};
use passerelle::records::changes::retention::{self, Retention, Swept};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{Follower, code};
use crate::on_both_databases;
use crate::support::records::{import, organization, source};
use crate::support::server::{Backend, TestServer};

async fn execute(server: &TestServer, sql: &str) {
    let backend = server.app.db.dialect().backend();
    server.app.db.writer().execute_raw(Statement::from_string(backend, sql)).await.expect("it is SQL");
}

async fn number(server: &TestServer, sql: &str) -> i64 {
    let backend = server.app.db.dialect().backend();
    let row =
        server.app.db.writer().query_one_raw(Statement::from_string(backend, sql)).await.expect("it is SQL");
    row.expect("a row").try_get_by_index(0).expect("a number")
}

fn named(name: &str) -> Value {
    organization("wallonie", "halo", json!({"name": name}))
}

on_both_databases! {
    async fn who_follows_a_database_that_was_restored_is_told(server) {
        let folder = tempfile::tempdir().unwrap();
        let check = async |continues| continuity::check(&server.app, folder.path(), continues).await.unwrap();
        import(&server, &[named("one")]).await;
        assert_eq!(check(false).await, None, "there is no previous state");
        import(&server, &[named("two")]).await;
        let mut follower = Follower::new(json!({}));
        follower.catch_up(&server).await;
        assert_eq!(check(false).await, None, "the log has grown");
        // Simulates a backup from before the second write.
        execute(&server, "DELETE FROM change_log WHERE seq = 2").await;
        execute(&server, "UPDATE view_head SET last_seq = 1").await;
        execute(&server, "UPDATE organization SET revision = 1").await;
        execute(&server, "UPDATE sync_record SET revision = 1").await;
        execute(&server, "UPDATE feed_meta SET head = 1").await;
        assert_eq!(code(&follower.ask(&server).await).0, "CURSOR_AHEAD", "until it is noticed");
        assert_eq!(check(false).await, Some(Why::Restored));
        assert_eq!(code(&follower.ask(&server).await), ("CURSOR_FEED_CHANGED".into(), "SNAPSHOT_KEEP_IDS".into()));
        assert_eq!(check(false).await, None, "the new feed is known");
        let mut fresh = Follower::new(json!({}));
        assert_eq!(fresh.catch_up(&server).await.len(), 1);
        import(&server, &[named("three")]).await;
        assert_eq!(fresh.catch_up(&server).await.len(), 1, "the new feed goes on");
        assert!(number(&server, "SELECT head FROM feed_meta").await > 1_000_000, "numbers of the old feed are not reused");

        continuity::rotate(&server.app).await.unwrap();
        assert_eq!(code(&fresh.ask(&server).await).0, "CURSOR_FEED_CHANGED");
        assert_eq!(code(&follower.ask(&server).await).0, "CURSOR_FEED_CHANGED", "the first feed is still recognized");
    }
}

#[test]
fn another_server_of_the_database_is_noticed() {
    crate::support::run(async {
        let Some(server) = TestServer::spawn(Backend::Postgres).await else { return };
        let folder = tempfile::tempdir().unwrap();
        let check = async |continues| continuity::check(&server.app, folder.path(), continues).await.unwrap();
        assert_eq!(check(false).await, None);
        let timeline = number(&server, "SELECT timeline::bigint FROM feed_meta").await;
        assert!(timeline > 0, "the timeline is known");
        execute(&server, "UPDATE feed_meta SET timeline = timeline - 1").await;
        assert_eq!(check(true).await, None, "the operator confirms that nothing was lost");
        assert_eq!(number(&server, "SELECT timeline::bigint FROM feed_meta").await, timeline);
        execute(&server, "UPDATE feed_meta SET system_identifier = 7").await;
        assert_eq!(check(false).await, Some(Why::OtherServer));
        assert_eq!(check(false).await, None);
    });
}

on_both_databases! {
    async fn what_nobody_needs_is_swept_and_who_was_away_for_too_long_is_told(server) {
        const DAY: i64 = 86_400_000_000;
        let delete = |slug: &str| json!({"source": source("wallonie"), "externalId": format!("org-{slug}"), "delete": true, "organization": {}});
        let mut early = Follower::new(json!({}));
        early.catch_up(&server).await;
        for name in ["one", "two", "three"] {
            import(&server, &[named(name)]).await;
        }
        let mut late = Follower::new(json!({}));
        import(&server, &[organization("wallonie", "gone", json!({}))]).await;
        late.step(&server).await;
        import(&server, &[delete("gone")]).await;
        let sweep = async || retention::sweep(&server.app, Retention::default()).await.unwrap();
        assert_eq!(sweep().await, Swept::default(), "all entries are recent");

        server.pass(8 * DAY);
        assert_eq!(sweep().await, Swept { superseded: 3, tombstones: 0 });
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log").await, 2);
        // Cursors at swept entries still work.
        assert_eq!(early.clone().catch_up(&server).await.len(), 2);
        assert_eq!(late.clone().catch_up(&server).await.len(), 1);

        server.pass(173 * DAY);
        assert_eq!(sweep().await, Swept { superseded: 1, tombstones: 1 }, "the tombstone and its entry");
        assert_eq!(sweep().await, Swept::default());
        for follower in [&early, &late] {
            assert_eq!(code(&follower.ask(&server).await), ("CURSOR_EXPIRED".into(), "SNAPSHOT".into()));
        }
        let mut fresh = Follower::new(json!({"first": 1}));
        fresh.catch_up(&server).await;
        assert_eq!(fresh.records.len(), 1);
    }
}
