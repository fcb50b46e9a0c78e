//! I13 and I14: no data of an erased talent is left, and the talent stays erased. This holds while others push,
//! change, follow and copy the record, for later writes, and after the restore of a backup.

use std::fs;

use passerelle::exchange::import::file;
use passerelle::kernel::id;
use passerelle::kernel::read::Dialect;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rounds;
use crate::erasure::{CANARY, holds_canary, profile, tables_with_canary, with_canary};
use crate::feed::{Follower, member};
use crate::matrix::world::dump;
use crate::mutations::{call, editor, number, told, update};
use crate::on_both_databases;
use crate::push::{batch, item, partner, push_input, refused, sources, statuses};
use crate::support::place::{Partner, Place};
use crate::support::records::{Told, import_text, ndjson, options, source, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

/// A talent with the canary in every field.
fn person(n: usize, name: &str) -> Value {
    let mut fields = profile();
    fields["slug"] = json!(format!("{CANARY}-{n}"));
    fields["displayName"] = json!(format!("{CANARY} {name}"));
    let mut line = talent("wallonie", "x", fields);
    line["externalId"] = json!(format!("{CANARY}-{n}"));
    line
}

fn pushed(n: usize, name: &str, more: Value) -> Value {
    batch("wallonie", &[item(person(n, name), more)], json!({}))
}

async fn erase(server: &TestServer, id: &str) -> Value {
    call(server, "eraseTalent", "deletedId", &[("id", "ID!", json!(id))]).await
}

async fn read(server: &TestServer, path: &str) -> String {
    server.get(path).await.text().await.expect("an answer")
}

/// The number of log entries after the erasure of these records.
async fn after_erasure(server: &TestServer, ids: &[Uuid]) -> i64 {
    let mut count = 0;
    for record in ids {
        let text = match server.app.db.dialect() {
            Dialect::Postgres => format!("'{record}'"),
            Dialect::Sqlite => format!("X'{}'", record.simple()),
        };
        let sql = format!(
            "SELECT COUNT(*) FROM change_log WHERE record_id = {text} AND op <> 'ERASE' AND seq > \
             (SELECT MIN(seq) FROM change_log WHERE record_id = {text} AND op = 'ERASE')"
        );
        count += number(server, &sql).await;
    }
    count
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn late_writes_by_every_door_at_once(server) {
        sources(&server, &["wallonie"]).await;
        let own = server.beside(partner(&["wallonie"])).await;
        let desk = server.beside(editor(&["wallonie"])).await;
        let members = server.beside(member()).await;
        let replica = server.replica().await;
        let (mut anyone, mut inside) = (Follower::new(json!({})), Follower::new(json!({})));
        let (mut keyed, mut ids) = (Vec::new(), Vec::new());
        for n in 0..rounds(6) {
            let made = pushed(n, "made", json!({}));
            let answer = push_input(&own, made.clone()).await;
            assert_eq!(statuses(&answer), ["CREATED"], "{answer}");
            let of = answer["results"][0]["record"]["id"].as_str().unwrap().to_owned();
            anyone.step(&server).await;
            keyed.push(made);
            // All at once, started in a different order each round.
            let wait = |turn: usize| tokio::time::sleep(std::time::Duration::from_millis(((turn + n) % 4 * 6) as u64));
            let push = async {
                wait(0).await;
                for round in 0..3 {
                    let input = pushed(n, &format!("pushed {round}"), json!({"overwrite": true}));
                    let answer = push_input(&own, input.clone()).await;
                    if answer["results"] != json!([]) && statuses(&answer) == ["REJECTED"] {
                        assert_eq!(answer["results"][0]["userErrors"][0]["reason"], "ERASED", "{answer}");
                    }
                }
            };
            let change = async {
                wait(1).await;
                for round in 0..3 {
                    update(&desk, "talent", &of, None, json!({"displayName": format!("{CANARY} changed {round}")}), "id").await;
                }
            };
            let import = async {
                wait(2).await;
                let mut line = person(n, "imported");
                line["overwrite"] = json!(true);
                let input = Box::new(std::io::Cursor::new(ndjson(&[line]).into_bytes()));
                file::run(&replica, input, &options(), &mut Told::default()).await.expect("the import runs");
            };
            let copy = async {
                wait(3).await;
                read(&server, "/sync/snapshot").await;
                inside.step(&members).await;
            };
            let erase = async {
                wait(1).await;
                let answer = erase(&desk, &of).await;
                assert_eq!(told(&answer), [""; 0], "{answer}");
            };
            tokio::join!(push, change, import, copy, erase);
            ids.push(id::decode_any("", &of).unwrap().1);
        }
        if server.app.db.dialect() == Dialect::Postgres {
            // They wait for each other's locks without deadlocks.
            let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            assert_eq!(number(&server, sql).await, 0, "deadlocks");
        }
        // Every later write was refused, and left nothing.
        for (n, made) in keyed.iter().enumerate() {
            let of = id::encode("talent", ids[n]);
            for more in [json!({}), json!({"overwrite": true}), json!({"baseRevision": 1}), json!({"baseRevision": 99})] {
                let answer = push_input(&own, pushed(n, "late", more)).await;
                assert_eq!(refused(&answer["results"][0])[0].split(' ').next(), Some("NOT_ALLOWED_IN_STATE/ERASED"), "{answer}");
            }
            let again = push_input(&own, made.clone()).await;
            assert_eq!((&again["replayed"], &again["results"][0]["record"]), (&json!(true), &Value::Null));
            let (summary, bad) = import_text(&server, &ndjson(&[person(n, "late")]), &options()).await;
            assert_eq!((summary.created, summary.updated, bad.bad.len()), (0, 0, 1));
            assert_eq!(told(&update(&desk, "talent", &of, None, json!({"displayName": "late"}), "id").await), ["NOT_FOUND id"]);
            assert_eq!(told(&erase(&desk, &of).await), ["NOT_FOUND id"]);
        }
        assert_eq!(after_erasure(&server, &ids).await, 0, "no entry follows an erasure");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state <> 'ERASED'").await, 0);
        // Followers hold no record any more, and responses contain no data of them.
        anyone.catch_up(&server).await;
        inside.catch_up(&members).await;
        assert_eq!((anyone.records.len(), inside.records.len()), (0, 0));
        let fresh = Follower::new(json!({})).ask(&server).await;
        assert_eq!(fresh["data"]["changes"]["changes"], json!([]));
        let copy = read(&desk, "/sync/snapshot").await;
        assert!(!copy.contains(CANARY));
        let dump = dump(&server).await;
        assert!(!dump.to_lowercase().contains(CANARY), "{}", dump.lines().find(|line| line.contains(CANARY)).unwrap_or_default());
    }
}

/// The places of the canary: files, and tables of PostgreSQL.
async fn canaries(place: &Place) -> (Vec<std::path::PathBuf>, Vec<String>) {
    let tables = if place.url.starts_with("sqlite:") {
        Vec::new()
    } else {
        let db = sea_orm::Database::connect(&place.url).await.expect("PostgreSQL answers");
        let tables = tables_with_canary(&db).await;
        let _ = db.close().await;
        tables
    };
    (with_canary(&place.data()), tables)
}

on_both_databases! {
    async fn a_backup_does_not_bring_them_back(place: Place) {
        let key = place.key(&["test-wallonie"]).await;
        let mut server = place.serve_with(&place.url, &["--erasure-delay", "0 days"]);
        let partner = Partner::new(server.address(), Some(&key));
        let (first, second) = (item(person(1, "first"), json!({})), item(person(2, "second"), json!({})));
        let made = partner.push("test-wallonie", "first", std::slice::from_ref(&first)).await;
        let one = made["results"][0]["record"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(server.terminate(), Some(0));
        place.back_up().await;

        // One talent is erased after the backup. Another is created and erased after it.
        let mut server = place.serve_with(&place.url, &["--erasure-delay", "0 days"]);
        let partner = partner.at(server.address());
        let made = partner.push("test-wallonie", "second", std::slice::from_ref(&second)).await;
        let two = made["results"][0]["record"]["id"].as_str().expect("an id").to_owned();
        let found = canaries(&place).await;
        assert_ne!(found, (Vec::new(), Vec::new()), "the canary is detected");
        let erase = "mutation($id: ID!) { eraseTalent(id: $id) { deletedId userErrors { code } } }";
        for id in [&one, &two] {
            let erased = partner.data(erase, json!({ "id": id })).await;
            assert_eq!(erased["eraseTalent"], json!({"deletedId": id, "userErrors": []}));
        }
        let list = place.data().join("erased");
        until("it is kept outside of the database", async || {
            fs::read_to_string(&list).is_ok_and(|text| text.lines().count() == 2)
        })
        .await;
        server.kill();
        place.restore().await;
        assert_ne!(canaries(&place).await, (Vec::new(), Vec::new()), "the backup contains the canary");

        let mut server = place.serve_with(&place.url, &["--erasure-delay", "0 days"]);
        let partner = partner.at(server.address());
        let find = "query($id: ID!) { node(id: $id) { id } talents { totalCount } changes { changes { operation record { __typename } } } }";
        let found = partner.data(find, json!({ "id": one })).await;
        assert_eq!((&found["node"], &found["talents"]["totalCount"]), (&Value::Null, &json!(0)));
        assert!(!found.to_string().contains("UPSERT"), "{found}");
        for records in [[first], [second]] {
            for key in ["first", "second", "third"] {
                let answer = partner.push("test-wallonie", &format!("{key} again"), &records).await;
                let result = &answer["results"][0];
                assert_eq!(
                    (&result["status"], &result["userErrors"][0]["reason"]),
                    (&json!("REJECTED"), &json!("ERASED")),
                    "{answer}"
                );
            }
        }
        let copy = partner.get("/sync/snapshot").await.expect("an answer").text().await.expect("the snapshot is complete");
        assert!(!holds_canary(copy.as_bytes()));
        until("storage is cleaned", async || canaries(&place).await == (Vec::new(), Vec::new())).await;
        assert!(!holds_canary(&fs::read(place.folder.path().join("log")).expect("a log")), "the log contains the canary");
        assert_eq!(server.terminate(), Some(0));
        let line = person(1, "once more");
        assert_eq!(line["source"], json!(source("wallonie")));
        fs::write(place.folder.path().join("lines.ndjson"), ndjson(&[line])).expect("a file");
        let done = place.command(&["import", "lines.ndjson"]).output().expect("the program runs");
        assert!(String::from_utf8_lossy(&done.stderr).contains("was erased"));
        assert_eq!(canaries(&place).await, (Vec::new(), Vec::new()));
    }
}
