//! The subscription `recordChanged`: what a page learns of the records that it shows.

use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};

use super::{editor, member, some};
use crate::on_both_databases;
use crate::support::records::{import, organization, source, talent};
use crate::support::server::TestServer;
use crate::support::socket::Socket;
use crate::support::until;

/// A subscription to these ids.
fn watch(ids: &[&str]) -> String {
    format!(
        "subscription {{ recordChanged(ids: {}) {{ recordType recordId operation reason revision lastOfTransaction \
         externalId {{ id }} record {{ ... on Organization {{ name }} ... on Talent {{ displayName }} }} }} }}",
        json!(ids)
    )
}

/// A socket with a subscription to these ids, which has noted the end of the log.
async fn watching(server: &TestServer, ids: &[&str]) -> Socket {
    let before = server.app.heads.waiting();
    let mut socket = Socket::begin(server.address).await;
    socket.subscribe("page", &watch(ids)).await;
    until("the subscription waits", async || server.app.heads.waiting() > before).await;
    socket
}

/// The next change that a socket is told.
async fn told(socket: &mut Socket) -> Value {
    let mut payload = socket.heard("next", "page").await;
    assert_eq!(payload.get("errors"), None, "{payload}");
    payload["data"]["recordChanged"].take()
}

/// The next change in short.
async fn short(socket: &mut Socket) -> String {
    let change = told(socket).await;
    let text = |name: &str| change[name].as_str().unwrap().to_owned();
    format!("{} {} {}", text("operation"), text("reason"), change["revision"])
}

async fn id_of(server: &TestServer, kind: &str, slug: &str) -> String {
    let data = server.data(&format!("{{ {kind}(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    data[kind]["id"].as_str().unwrap().to_owned()
}

fn halo(more: Value) -> Value {
    organization("wallonie", "halo", more)
}

on_both_databases! {
    async fn a_page_is_told_of_its_records_as_far_as_it_may_see_them(server) {
        let (members, staff) = (server.beside(member()).await, server.beside(editor("wallonie")).await);
        import(&server, &some()).await;
        import(&server, &[organization("wallonie", "hidden", json!({"visibility": "PRIVATE"}))]).await;
        let (halo_id, ada_id) = (id_of(&server, "organization", "halo").await, id_of(&server, "talent", "ada").await);
        let hidden_id = id_of(&staff, "organization", "hidden").await;
        let ids = [halo_id.as_str(), &ada_id, &hidden_id, "organization_01h455vb4pex5vsknk084sn02q"];
        let mut anyone = watching(&server, &ids).await;
        let mut signed_in = watching(&members, &ids).await;
        let mut own = watching(&staff, &ids).await;

        // A record that the page does not show, and one that most do not see, are told to nobody else.
        import(&server, &[organization("flandre", "klank", json!({"name": "Klank!"}))]).await;
        import(&server, &[organization("wallonie", "hidden", json!({"visibility": "PRIVATE", "name": "Still hidden"}))]).await;
        assert_eq!(short(&mut own).await, "UPSERT CHANGED 2");
        import(&server, &[halo(json!({"name": "Halo Films"}))]).await;
        for socket in [&mut anyone, &mut signed_in, &mut own] {
            assert_eq!(told(socket).await, json!({"recordType": "ORGANIZATION", "recordId": halo_id, "operation": "UPSERT",
                "reason": "CHANGED", "revision": 2, "lastOfTransaction": true, "externalId": {"id": "org-halo"},
                "record": {"name": "Halo Films"}}));
        }
        // What leaves the view is told once. Whoever saw it before learns nothing more.
        import(&server, &[halo(json!({"visibility": "MEMBERS"}))]).await;
        assert_eq!(told(&mut anyone).await, json!({"recordType": "ORGANIZATION", "recordId": halo_id, "operation": "DELETE",
            "reason": "OUT_OF_VIEW", "revision": 3, "lastOfTransaction": true, "externalId": null, "record": null}));
        assert_eq!(short(&mut signed_in).await, "UPSERT CHANGED 3");
        assert_eq!(short(&mut own).await, "UPSERT CHANGED 3");
        import(&server, &[halo(json!({"visibility": "PRIVATE", "name": "Secret"}))]).await;
        assert_eq!(short(&mut signed_in).await, "DELETE OUT_OF_VIEW 4");
        assert_eq!(short(&mut own).await, "UPSERT CHANGED 4");
        import(&server, &[halo(json!({"visibility": "PUBLIC"}))]).await;
        for socket in [&mut anyone, &mut signed_in, &mut own] {
            assert_eq!(short(socket).await, "UPSERT CHANGED 5");
        }
        // The affiliation goes first. It is not on the page.
        let delete = |kind: &str, id: &str| json!({"source": source("wallonie"), "externalId": id, "delete": true, "overwrite": true, kind: {}});
        import(&server, &[delete("affiliation", "aff-ada-halo"), delete("talent", "tal-ada")]).await;
        for socket in [&mut anyone, &mut signed_in, &mut own] {
            assert_eq!(short(socket).await, "DELETE DELETED 2");
        }
        // A write by another program on the same database.
        let replica = server.replica().await;
        let text = crate::support::records::ndjson(&[halo(json!({"name": "Halo again"}))]);
        let input = Box::new(std::io::Cursor::new(text.into_bytes()));
        passerelle::exchange::import::file::run(&replica, input, &crate::support::records::options(), &mut crate::support::records::Told::default()).await.unwrap();
        assert_eq!(told(&mut anyone).await["record"]["name"], "Halo again");
    }
}

on_both_databases! {
    async fn a_person_is_told_of_their_own_hidden_profile(server) {
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE"}))]).await;
        let staff = server.beside(editor("wallonie")).await;
        let id = id_of(&staff, "talent", "ada").await;
        let uuid = passerelle::kernel::id::decode("id", "talent", &id).unwrap();
        let own = server.beside(Viewer { owns: [uuid].into(), ..member() }).await;
        let (mut ada, mut other) = (watching(&own, &[&id]).await, watching(&server, &[&id]).await);
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE", "displayName": "Ada L."}))]).await;
        assert_eq!(told(&mut ada).await["record"]["displayName"], "Ada L.");
        // Her profile appears to others, and is hidden again: she sees it all the while.
        import(&server, &[talent("wallonie", "ada", json!({"displayName": "Ada"}))]).await;
        assert_eq!(short(&mut ada).await, "UPSERT CHANGED 3");
        assert_eq!(short(&mut other).await, "UPSERT CHANGED 3");
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE"}))]).await;
        assert_eq!(short(&mut ada).await, "UPSERT CHANGED 4");
        assert_eq!(short(&mut other).await, "DELETE OUT_OF_VIEW 4");
        // The id of another type is the id of nothing.
        let wrong = id.replace("talent_", "organization_");
        let mut mistaken = watching(&own, &[&wrong, &id]).await;
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE", "displayName": "A."}))]).await;
        assert_eq!(told(&mut mistaken).await["recordType"], "TALENT");
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE", "displayName": "A. L."}))]).await;
        assert_eq!(told(&mut mistaken).await["revision"], 6, "once for each change");
    }
}

on_both_databases! {
    async fn events_of_http_tell_the_same_and_take_nothing_up(server) {
        import(&server, &some()).await;
        let id = id_of(&server, "organization", "halo").await;
        let request = server.client.post(server.url("/graphql/stream")).header("accept", "text/event-stream");
        let request = request.header("last-event-id", "x").json(&json!({"query": watch(&[&id])}));
        let before = server.app.heads.waiting();
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        until("the subscription waits", async || server.app.heads.waiting() > before).await;
        import(&server, &[halo(json!({"name": "Halo Films"}))]).await;
        let mut text = String::new();
        while !text.contains("\n\nevent: next") && !text.starts_with("event: next") {
            text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().expect("an event")).unwrap());
        }
        assert!(text.contains("\"name\":\"Halo Films\""), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("id:")), "there is no place to go on from: {text}");
    }
}

on_both_databases! {
    async fn what_cannot_be_watched_is_refused(server) {
        let id = "organization_01h455vb4pex5vsknk084sn02q";
        let region = id.replace("organization", "region");
        let mut socket = Socket::begin(server.address).await;
        for (at, ids) in [vec![], vec![id; 101], vec!["x"], vec![id, &region], vec![id, "nothing_01h455vb4pex5vsknk084sn02q"]].iter().enumerate() {
            socket.subscribe(&at.to_string(), &watch(ids)).await;
            let errors = socket.heard("error", &at.to_string()).await;
            assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT", "{errors}");
            assert_eq!(errors[0]["extensions"]["argument"], "ids", "{errors}");
        }
        // Where the feed is not public, records are not followed either without signing in.
        let closed = server.closed().await;
        let mut socket = Socket::begin(closed.address).await;
        socket.subscribe("page", &watch(&[id])).await;
        assert_eq!(socket.heard("error", "page").await[0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}
