//! The progress of clients, as administrators see it.

use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use passerelle::records::changes::acknowledged;
use sea_orm::EntityTrait as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{editor, member, some};
use crate::mutations::{admin, number};
use crate::on_both_databases;
use crate::support::accounts::{account, ask, data_as, mutate, query_as, sign_in};
use crate::support::records::{import, organization};
use crate::support::server::TestServer;
use crate::support::socket::Socket;
use crate::support::{found, until};

const DAY: i64 = 86_400_000_000;

/// The query for the clients' progress.
const CLIENTS: &str = "{ syncStatus { lastNumber floorNumber clients { totalCount nodes { kind id name region { slug } types regions acknowledged \
    acknowledgedAt lastSeenAt wentBackAt mustReload pending lagSeconds } } } }";

/// An API key of a region: its id and its secret.
pub(crate) async fn key(server: &TestServer, name: &str, region: &str) -> (uuid::Uuid, String) {
    let new =
        NewKey { name: name.into(), region: region.into(), roles: vec![Role::SyncPartner], expires_at: None };
    let (key, secret) = api_key::create(&server.app, new, Maker::Operator).await.expect("a key");
    (key.id, secret.expose_secret().to_owned())
}

/// The cursor of the page after a position, with this token.
pub(super) async fn page(server: &TestServer, token: &str, after: Option<&str>, more: &str) -> String {
    let after = after.map_or_else(String::new, |after| format!(", after: \"{after}\""));
    let query = format!("{{ changes(first: 2{after}{more}) {{ cursor hasMore }} }}");
    let data = data_as(server, token, &query).await;
    data["changes"]["cursor"].as_str().expect("a cursor").to_owned()
}

/// Follows the feed to its end, and sends the last cursor once more.
pub(super) async fn to_the_end(
    server: &TestServer,
    token: &str,
    mut after: Option<String>,
    more: &str,
) -> String {
    loop {
        let next = page(server, token, after.as_deref(), more).await;
        if after.as_ref() == Some(&next) {
            return next;
        }
        after = Some(next);
    }
}

/// The clients that a viewer sees, once they are as expected. Positions are written with a delay.
async fn clients(by: &TestServer, expected: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    found("the clients", async || {
        let data = by.data(CLIENTS).await;
        let nodes = data["syncStatus"]["clients"]["nodes"].as_array().expect("a list").clone();
        expected(&nodes).then_some(nodes)
    })
    .await
}

/// Waits until the client of this name is at a position.
pub(super) async fn at(server: &TestServer, name: &str, cursor: &str) {
    let by = server.beside(admin()).await;
    let there = |client: &Value| client["name"] == name && client["acknowledged"] == cursor;
    clients(&by, |nodes| nodes.iter().any(there)).await;
}

on_both_databases! {
    async fn what_is_presented_is_acknowledged(server) {
        import(&server, &some()).await;
        let by = server.beside(admin()).await;
        let (_, token) = key(&server, "CRM", "wallonie").await;
        let first = page(&server, &token, None, "").await;
        let second = page(&server, &token, Some(&first), "").await;
        let nodes = clients(&by, |nodes| nodes.len() == 1).await;
        assert_eq!(nodes[0]["acknowledged"], first, "only the first page is acknowledged");
        let expected = json!({"kind": "API_KEY", "name": "CRM", "region": {"slug": "wallonie"}, "regions": [],
            "types": ["ORGANIZATION", "TALENT", "AFFILIATION", "CALL", "EVENT", "PARTNERSHIP"], "pending": 2, "lagSeconds": 0, "mustReload": false, "wentBackAt": null});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(nodes[0][name], *value, "{name}");
        }
        server.pass(90_000_000);
        let nodes = clients(&by, |nodes| nodes[0]["lagSeconds"] == 90).await;
        assert_eq!(nodes[0]["pending"], 2);
        page(&server, &token, Some(&second), "").await;
        let nodes = clients(&by, |nodes| nodes[0]["pending"] == 0).await;
        assert_eq!((&nodes[0]["lagSeconds"], &nodes[0]["acknowledged"]), (&json!(0), &json!(second)));
        // Other types and regions are tracked separately. Anonymous clients are not tracked.
        let other = page(&server, &token, None, ", types: [TALENT], regions: [\"wallonie\"]").await;
        page(&server, &token, Some(&other), ", types: [TALENT], regions: [\"wallonie\"]").await;
        let public = server.data("{ changes(first: 1) { cursor } }").await;
        server.data(&format!("{{ changes(after: {}) {{ cursor }} }}", public["changes"]["cursor"])).await;
        let nodes = clients(&by, |nodes| nodes.len() == 2).await;
        assert!(nodes.iter().any(|node| node["types"] == json!(["TALENT"]) && node["regions"] == json!(["wallonie"])), "{nodes:?}");
        // An invalid cursor acknowledges nothing.
        let wrong = query_as(&server, &token, "{ changes(after: \"x\") { cursor } }").await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "CURSOR_INVALID");
        // Another program reads the same positions and keeps the furthest.
        let quiet = server.quiet().await.beside(admin()).await;
        assert_eq!(clients(&quiet, |nodes| nodes.len() == 2).await.len(), 2);
    }
}

on_both_databases! {
    async fn a_client_that_goes_back_is_where_it_is(server) {
        import(&server, &some()).await;
        let by = server.beside(admin()).await;
        let (_, token) = key(&server, "CRM", "wallonie").await;
        let first = page(&server, &token, None, "").await;
        let end = to_the_end(&server, &token, Some(first.clone()), "").await;
        clients(&by, |nodes| nodes.len() == 1 && nodes[0]["acknowledged"] == end).await;
        server.pass(1_000_000);
        page(&server, &token, Some(&first), "").await;
        let nodes = clients(&by, |nodes| nodes[0]["acknowledged"] == first).await;
        assert_eq!((&nodes[0]["wentBackAt"], &nodes[0]["acknowledgedAt"]), (&json!("2026-11-22T10:00:01Z"), &json!("2026-11-22T10:00:00Z")));
        assert_eq!(nodes[0]["pending"], 2);
        to_the_end(&server, &token, Some(first), "").await;
        let nodes = clients(&by, |nodes| nodes[0]["acknowledged"] == end).await;
        assert_eq!(nodes[0]["wentBackAt"], Value::Null);
    }
}

on_both_databases! {
    async fn subscriptions_and_snapshots_are_acknowledged(server) {
        import(&server, &some()).await;
        let by = server.beside(admin()).await;
        let (_, follows) = key(&server, "stream", "wallonie").await;
        let (_, copies) = key(&server, "copy", "flandre").await;
        let payload = json!({"authorization": format!("Bearer {follows}")});
        let mut socket = Socket::begin_with(server.address, &payload).await;
        socket.subscribe("1", "subscription { changes { cursor } }").await;
        let mut last = Value::Null;
        for _ in 0..4 {
            last = socket.heard("next", "1").await["data"]["changes"]["cursor"].take();
        }
        clients(&by, |nodes| nodes.len() == 1 && nodes[0]["acknowledged"] == last && nodes[0]["name"] == "stream").await;
        let data = by.data("{ syncStatus { activity { streams snapshots } } }").await;
        assert_eq!(data["syncStatus"]["activity"], json!({"streams": 1, "snapshots": 0}));

        let request = server.client.get(server.url("/sync/snapshot")).bearer_auth(&copies);
        let text = request.send().await.expect("an answer").text().await.expect("a text");
        let header: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        let nodes = clients(&by, |nodes| nodes.len() == 2).await;
        let copy = nodes.iter().find(|node| node["name"] == "copy").expect("the client is listed");
        assert_eq!(copy["acknowledged"], header["cursor"]);
        drop(socket);
        until("the stream has ended", async || server.app.traffic.streams() == 0).await;
    }
}

on_both_databases! {
    async fn clients_go_with_their_keys_and_with_time(server) {
        import(&server, &some()).await;
        let by = server.beside(admin()).await;
        let (id, token) = key(&server, "CRM", "wallonie").await;
        let (_, old) = key(&server, "old", "wallonie").await;
        for token in [&token, &old] {
            to_the_end(&server, token, None, "").await;
        }
        clients(&by, |nodes| nodes.len() == 2).await;
        api_key::revoke(&server.app, id, Maker::Operator).await.expect("it is revoked");
        let nodes = clients(&by, |nodes| nodes.len() == 1).await;
        assert_eq!(nodes[0]["name"], "old");
        server.pass(180 * DAY);
        assert_eq!(acknowledged::sweep(&server.app, server.app.retention).await.expect("a sweep"), 0, "the client may still continue");
        server.pass(1);
        assert_eq!(acknowledged::sweep(&server.app, server.app.retention).await.expect("a sweep"), 1);
        clients(&by, <[Value]>::is_empty).await;
    }
}

/// The `syncStatus` that a caller sees, in short.
async fn told(server: &TestServer, token: Option<&str>) -> Value {
    let answer = ask(server, token, "{ syncStatus { index { pending } activity { streams } fullPushes { source } clients { nodes { name } } } }", json!({})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["syncStatus"].clone()
}

fn names(status: &Value) -> Vec<&str> {
    let nodes = status["clients"]["nodes"].as_array().expect("a list");
    let mut names: Vec<&str> = nodes.iter().filter_map(|node| node["name"].as_str()).collect();
    names.sort_unstable();
    names
}

on_both_databases! {
    async fn everybody_is_told_what_concerns_them(server) {
        import(&server, &some()).await;
        let (_, south) = key(&server, "south", "wallonie").await;
        let (_, north) = key(&server, "north", "flandre").await;
        let mut tokens = Vec::new();
        for (email, role, region) in [("admin@example.org", Role::Admin, ""), ("walloon@example.org", Role::RegionAdmin, "wallonie"),
            ("editor@example.org", Role::Editor, "wallonie"), ("member@example.org", Role::Member, "wallonie")] {
            account(&server.app, email, &[(role, region)]).await;
            tokens.push(sign_in(&server, email).await.access);
        }
        for token in [&south, &north, &tokens[2]] {
            to_the_end(&server, token, None, "").await;
        }
        let by = server.beside(admin()).await;
        clients(&by, |nodes| nodes.len() == 3).await;
        let begin = |region: &str| format!("mutation {{ beginFullPush(source: \"test-{region}\") {{ userErrors {{ code }} }} }}");
        mutate(&server, Some(&south), &begin("wallonie"), json!({})).await;
        mutate(&server, Some(&north), &begin("flandre"), json!({})).await;

        let all = told(&server, Some(&tokens[0])).await;
        assert_eq!(names(&all), ["editor@example.org", "north", "south"]);
        assert_eq!(all["activity"], json!({"streams": 0}));
        assert_eq!(all["fullPushes"], json!([{"source": "test-flandre"}, {"source": "test-wallonie"}]));
        let region = told(&server, Some(&tokens[1])).await;
        assert_eq!(names(&region), ["editor@example.org", "south"]);
        assert_eq!((&region["activity"], &region["fullPushes"]), (&Value::Null, &json!([{"source": "test-wallonie"}])));
        let own = told(&server, Some(&north)).await;
        assert_eq!(names(&own), ["north"]);
        assert_eq!(own["fullPushes"], json!([{"source": "test-flandre"}]));
        for token in [None, Some(&tokens[2]), Some(&tokens[3])] {
            assert_eq!(told(&server, token.map(String::as_str)).await, Value::Null);
        }
        for viewer in [editor("wallonie"), member()] {
            assert_eq!(server.beside(viewer).await.data("{ syncStatus { feedId } }").await["syncStatus"], Value::Null);
        }
        // The list of clients has pages.
        let query = "{ syncStatus { clients(first: 2) { totalCount nodes { name } pageInfo { endCursor hasNextPage } } } }";
        let data = data_as(&server, &tokens[0], query).await;
        let page = &data["syncStatus"]["clients"];
        assert_eq!((&page["totalCount"], &page["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
        let query = format!("{{ syncStatus {{ clients(first: 2, after: {}) {{ nodes {{ name }} }} }} }}", page["pageInfo"]["endCursor"]);
        let rest = data_as(&server, &tokens[0], &query).await;
        assert_eq!(rest["syncStatus"]["clients"]["nodes"].as_array().map(Vec::len), Some(1));
        assert_ne!(rest["syncStatus"]["clients"]["nodes"][0], page["nodes"][0]);
    }
}

on_both_databases! {
    async fn following_costs_no_statement_more_for_who_is_noted(server) {
        import(&server, &some()).await;
        let (_, token) = key(&server, "CRM", "wallonie").await;
        let quiet = server.quiet().await;
        let end = to_the_end(&quiet, &token, None, "").await;
        at(&server, "CRM", &end).await;
        let public = server.data("{ changes { cursor } }").await["changes"]["cursor"].clone();
        let cost = async |token: Option<&str>, after: &Value| {
            let before = quiet.app.db.statements();
            let query = "query($after: ChangeCursor) { changes(after: $after) { cursor changes { record { __typename } } } }";
            let answer = ask(&quiet, token, query, json!({"after": after})).await;
            assert_eq!(answer["data"]["changes"]["changes"].as_array().map(Vec::len), Some(1), "{answer}");
            quiet.app.db.statements() - before
        };
        import(&server, &[organization("wallonie", "new", json!({}))]).await;
        cost(None, &public).await;
        assert_eq!(cost(Some(&token), &json!(end)).await, cost(None, &public).await);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_client").await, 1);
    }
}

on_both_databases! {
    async fn what_is_waiting_is_written_before_the_program_ends(server) {
        let mut server = server;
        import(&server, &some()).await;
        let (_, token) = key(&server, "CRM", "wallonie").await;
        let first = page(&server, &token, None, "").await;
        let second = page(&server, &token, Some(&first), "").await;
        page(&server, &token, Some(&second), "").await;
        server.stop().await;
        let replica = server.replica().await;
        let rows = entity::sync_client::Entity::find().all(replica.db.writer()).await.expect("a statement");
        assert_eq!(rows.iter().map(|row| row.cursor.as_str()).collect::<Vec<_>>(), [second]);
    }
}
