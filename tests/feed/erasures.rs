//! Whether all clients that have received a record have received its erasure.

use passerelle::exchange::sync::status;
use passerelle::kernel::error::DomainError;
use passerelle::kernel::policy::Viewer;
use passerelle::records::changes::retention::{self, Retention};
use serde_json::{Value, json};

use super::clients::{at, key, to_the_end};
use super::{editor, member, some};
use crate::mutations::{admin, number};
use crate::on_both_databases;
use crate::support::accounts::{data_as, query_as};
use crate::support::records::{import, talent};
use crate::support::server::{Setup, TestServer};

const HOUR: i64 = 3_600_000_000;

const STATUS: &str = "id recordType erasedAt complete overdue outstanding indexPassed \
    clients { totalCount nodes { passed client { name id region { slug } pending mustReload } } }";

async fn status_of(by: &TestServer, id: &str) -> Value {
    let data = by.data(&format!("{{ erasureStatus(id: \"{id}\") {{ {STATUS} }} }}")).await;
    data["erasureStatus"].clone()
}

/// Each client's name and whether it has passed, sorted by name.
fn passed(status: &Value) -> Vec<(String, bool)> {
    let nodes = status["clients"]["nodes"].as_array().expect("a list").iter();
    let mut all: Vec<(String, bool)> = nodes
        .map(|node| {
            (
                node["client"]["name"].as_str().unwrap_or("-").to_owned(),
                node["passed"].as_bool().expect("a flag"),
            )
        })
        .collect();
    all.sort();
    all
}

async fn erasures(by: &TestServer) -> (i64, i64) {
    let data = by.data("{ syncStatus { erasures { outstanding overdue } } }").await;
    let of = |name: &str| data["syncStatus"]["erasures"][name].as_i64().expect("a number");
    (of("outstanding"), of("overdue"))
}

async fn talent_id(server: &TestServer, slug: &str) -> String {
    let data = server.data(&format!("{{ talent(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    data["talent"]["id"].as_str().expect("an id").to_owned()
}

async fn erase(server: &TestServer, id: &str) {
    let by = server.beside(admin()).await;
    let data = by.data(&format!("mutation {{ eraseTalent(id: \"{id}\") {{ deletedId }} }}")).await;
    assert_eq!(data["eraseTalent"]["deletedId"], id);
}

fn moderator(region: &str) -> Viewer {
    Viewer { staff_of: [region.to_owned()].into(), ..member() }
}

/// The number of erasures that somebody has not applied in time.
async fn overdue(server: &TestServer) -> Result<i64, DomainError> {
    status::overdue(&server.app, &server.app.search, server.app.sync).await
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn whoever_has_followed_a_record_takes_its_erasure(server) {
        import(&server, &some()).await;
        let ada = talent_id(&server, "ada").await;
        let (_, south) = key(&server, "south", "wallonie").await;
        let (_, north) = key(&server, "north", "flandre").await;
        let (_, late) = key(&server, "late", "flandre").await;
        let (_, things) = key(&server, "things", "wallonie").await;
        let end = to_the_end(&server, &south, None, "").await;
        let mut places = vec![("south", south.clone(), end.clone(), "")];
        let end = to_the_end(&server, &north, None, "").await;
        places.push(("north", north.clone(), end, ""));
        let end = to_the_end(&server, &things, None, ", types: [ORGANIZATION]").await;
        places.push(("things", things.clone(), end, ", types: [ORGANIZATION]"));
        let elsewhere = ", regions: [\"flandre\"]";
        let (_, flemish) = key(&server, "flemish", "flandre").await;
        let end = to_the_end(&server, &flemish, None, elsewhere).await;
        places.push(("flemish", flemish, end, elsewhere));
        for (name, _, end, _) in &places {
            at(&server, name, end).await;
        }
        let by = server.beside(admin()).await;
        assert_eq!(status_of(&by, &ada).await, Value::Null, "it is not erased");
        assert_eq!(erasures(&by).await, (0, 0));

        erase(&server, &ada).await;
        // A client that starts now never had the record.
        let end = to_the_end(&server, &late, None, "").await;
        at(&server, "late", &end).await;
        let found = status_of(&by, &ada).await;
        let pair = |name: &str, passed| (name.to_owned(), passed);
        assert_eq!(passed(&found), [pair("late", true), pair("north", false), pair("south", false)]);
        assert_eq!((&found["complete"], &found["overdue"], &found["outstanding"]), (&json!(false), &json!(false), &json!(2)));
        assert_eq!((&found["id"], &found["recordType"], &found["clients"]["totalCount"]), (&json!(ada), &json!("TALENT"), &json!(3)));
        assert_eq!(found["indexPassed"], Value::Null, "there is no engine");
        // The affiliation was erased with the talent.
        assert_eq!(erasures(&by).await, (2, 0));

        // Only the staff of the region see the status.
        for viewer in [editor("wallonie"), moderator("wallonie")] {
            assert_eq!(passed(&status_of(&server.beside(viewer).await, &ada).await).len(), 3);
        }
        for viewer in [Viewer::anonymous(), member(), editor("flandre")] {
            assert_eq!(status_of(&server.beside(viewer).await, &ada).await, Value::Null);
        }
        let data = data_as(&server, &south, &format!("{{ erasureStatus(id: \"{ada}\") {{ complete }} syncStatus {{ erasures {{ outstanding overdue }} }} }}")).await;
        assert_eq!((&data["erasureStatus"], &data["syncStatus"]["erasures"]), (&Value::Null, &json!({"outstanding": 2, "overdue": 0})));
        let data = data_as(&server, &late, "{ syncStatus { erasures { outstanding } } }").await;
        assert_eq!(data["syncStatus"]["erasures"], json!({"outstanding": 0}), "a system sees only its own");
        for (id, code) in [("x", "BAD_USER_INPUT"), ("account_01jcr5bbgqekvavmza4yqxn3b1", "BAD_USER_INPUT")] {
            assert_eq!(by.code(&format!("{{ erasureStatus(id: \"{id}\") {{ complete }} }}")).await, code, "{id}");
        }

        let (_, _, from, _) = &places[0];
        let end = to_the_end(&server, &south, Some(from.clone()), "").await;
        at(&server, "south", &end).await;
        assert_eq!(passed(&status_of(&by, &ada).await), [pair("late", true), pair("north", false), pair("south", true)]);
        server.pass(24 * HOUR);
        assert_eq!(erasures(&by).await, (2, 0), "clients have a day");
        server.pass(1);
        assert_eq!(erasures(&by).await, (2, 2));
        assert_eq!(status_of(&by, &ada).await["overdue"], json!(true));
        assert_eq!(overdue(&server).await.expect("a number"), 2);

        let (_, _, from, _) = &places[1];
        let end = to_the_end(&server, &north, Some(from.clone()), "").await;
        at(&server, "north", &end).await;
        let found = status_of(&by, &ada).await;
        assert_eq!((&found["complete"], &found["overdue"], &found["outstanding"]), (&json!(true), &json!(false), &json!(0)));
        assert_eq!(erasures(&by).await, (0, 0));
        assert_eq!(overdue(&server).await.expect("a number"), 0);

        // A client that goes back, as a restored one does, may hold the record again.
        let (_, _, from, _) = &places[1];
        data_as(&server, &north, &format!("{{ changes(after: \"{from}\", first: 1) {{ cursor }} }}")).await;
        at(&server, "north", from).await;
        assert_eq!(erasures(&by).await, (2, 2));
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn it_is_known_also_when_the_tombstone_is_gone(server) {
        import(&server, &some()).await;
        import(&server, &[talent("wallonie", "bob", json!({}))]).await;
        let (ada, by) = (talent_id(&server, "ada").await, server.beside(admin()).await);
        let (_, south) = key(&server, "south", "wallonie").await;
        let (_, north) = key(&server, "north", "wallonie").await;
        let from = to_the_end(&server, &south, None, "").await;
        to_the_end(&server, &north, None, "").await;
        at(&server, "south", &from).await;
        at(&server, "north", &from).await;
        erase(&server, &ada).await;
        let end = to_the_end(&server, &north, Some(from.clone()), "").await;
        at(&server, "north", &end).await;
        server.pass(31 * 24 * HOUR);
        let kept = Retention { superseded_days: 7, tombstone_days: 30 };
        assert_eq!(retention::sweep(&server.app, kept).await.expect("a sweep").tombstones, 2);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM view_head WHERE op = 'ERASE'").await, 0);

        let found = status_of(&by, &ada).await;
        assert_eq!(passed(&found), [("north".to_owned(), true), ("south".to_owned(), false)]);
        assert_eq!((&found["overdue"], erasures(&by).await), (&json!(true), (2, 2)));
        assert_eq!(passed(&status_of(&server.beside(moderator("wallonie")).await, &ada).await).len(), 2);
        assert_eq!(found["clients"]["nodes"][0]["client"]["mustReload"], json!(true), "it comes first, and must load a snapshot");
        let refused = query_as(&server, &south, &format!("{{ changes(after: \"{from}\") {{ cursor }} }}")).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "CURSOR_EXPIRED");
        let request = server.client.get(server.url("/sync/snapshot")).bearer_auth(&south);
        let text = request.send().await.expect("an answer").text().await.expect("a text");
        let header: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        at(&server, "south", header["cursor"].as_str().expect("a cursor")).await;
        assert_eq!(status_of(&by, &ada).await["complete"], json!(true));
        assert_eq!(erasures(&by).await, (0, 0));
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once().with_search();
    async fn the_index_counts(server) {
        import(&server, &some()).await;
        server.indexed().await;
        let (ada, by) = (talent_id(&server, "ada").await, server.beside(admin()).await);
        let index = async || by.data("{ syncStatus { index { pending lagSeconds position } } }").await["syncStatus"]["index"].clone();
        assert_eq!((&index().await["pending"], index().await["position"].is_string()), (&json!(0), true));
        server.stop_following().await;
        erase(&server, &ada).await;
        assert_eq!(index().await["pending"], json!(2));
        let found = status_of(&by, &ada).await;
        assert_eq!((&found["indexPassed"], &found["complete"], &found["outstanding"]), (&json!(false), &json!(false), &json!(0)));
        assert_eq!(erasures(&by).await, (2, 0));
        server.pass(25 * HOUR);
        assert_eq!(overdue(&server).await.expect("a number"), 2);
        assert_eq!(index().await["lagSeconds"], json!(25 * 3600));
    }
}
