//! A damaged database is detected and reported as not ready.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;

use crate::on_both_databases;
use crate::support::records::{import, organization};
use crate::support::server::TestServer;

/// Damages the table of organizations.
async fn damage(server: &TestServer) {
    let db = server.app.db.writer();
    let dialect = server.app.db.dialect();
    if dialect == passerelle::kernel::read::Dialect::Postgres {
        // The pages of PostgreSQL are out of reach, so the table raises its error for a damaged page.
        for sql in [
            "CREATE FUNCTION damaged() RETURNS boolean AS $$ BEGIN RAISE EXCEPTION 'invalid page' USING ERRCODE = 'XX001'; \
             END $$ LANGUAGE plpgsql",
            "ALTER TABLE organization RENAME TO organization_before",
            "CREATE VIEW organization AS SELECT * FROM organization_before WHERE damaged()",
        ] {
            db.execute_unprepared(sql).await.expect(sql);
        }
        return;
    }
    let number = async |sql: &str| -> i64 {
        let row = db.query_one_raw(Statement::from_string(dialect.backend(), sql)).await.expect(sql);
        row.expect("a row").try_get_by_index(0).expect("a number")
    };
    db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.expect("the WAL is written to the file");
    let size = number("PRAGMA page_size").await;
    let page = number("SELECT rootpage FROM sqlite_master WHERE name = 'organization'").await;
    let path = server.database_url.trim_start_matches("sqlite://");
    let file = File::options().write(true).open(path).expect("the file");
    let at = u64::try_from((page - 1) * size).expect("a place");
    let garbage = vec![0xff; usize::try_from(size).expect("a size")];
    file.write_all_at(&garbage, at).expect("the page is overwritten");
}

on_both_databases! {
    async fn a_damaged_database_is_not_ready(server) {
        import(&server, &[organization("wallonie", "one", serde_json::json!({}))]).await;
        damage(&server).await;
        // Another program has no pages in its cache.
        let other = server.quiet().await;
        let status = async |path: &str| other.get(path).await.status().as_u16();
        assert_eq!(status("/readyz").await, 200, "the damaged page is unread");
        let answer = other.query("{ organizations { nodes { name } } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{answer}");
        assert_eq!(status("/readyz").await, 503);
        assert_eq!(status("/healthz").await, 200);
        // Other tables are still readable.
        let answer = other.query("{ regions { slug } }").await;
        assert!(answer["errors"] == Value::Null, "{answer}");
        assert_eq!(status("/readyz").await, 503, "the server stays unready");
    }
}

#[test]
fn an_empty_file_in_place_of_the_database_is_refused() {
    use crate::command::fails;
    use crate::support::program::{Running, folder, program};
    let folder = folder();
    let mut server = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert_eq!(server.terminate(), Some(0));
    let database = folder.path().join("data/passerelle.db");
    File::create(&database).expect("the file is emptied");
    for command in [&["serve"][..], &["migrate"], &["account", "list"]] {
        let (code, told) = fails(program(folder.path()).args(command));
        assert_eq!(code, 1);
        assert!(told.contains("0 bytes") && told.contains("feed-head"), "{told}");
    }
    assert_eq!(std::fs::metadata(&database).expect("the file exists").len(), 0, "the file is unchanged");
    // The operator removes `feed-head` to begin with a new database.
    std::fs::remove_file(folder.path().join("data/feed-head")).expect("the file exists");
    assert_eq!(Running::start(program(folder.path()).arg("serve")).terminate(), Some(0));
}
