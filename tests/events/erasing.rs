//! A talent who is erased speaks at no event any more.

use serde_json::{Value, json};

use super::fair;
use crate::erasure::CANARY;
use crate::matrix::world::dump;
use crate::mutations::{admin, call, made};
use crate::on_both_databases;
use crate::support::records::{import, talent};
use crate::support::server::Setup;

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn an_erased_speaker_is_in_no_event(server) {
        let all = server.beside(admin()).await;
        import(&server, &[talent("wallonie", "stays", json!({})), talent("wallonie", "goes", json!({"displayName": CANARY, "slug": "goes"}))]).await;
        let id = all.data("{ talent(by: {slug: \"goes\"}) { id } }").await["talent"]["id"].as_str().unwrap().to_owned();
        let more = json!({"speakers": ["goes", "stays"], "programme": [{"kind": "stand", "speakers": ["goes"]}, {"kind": "demo", "speakers": ["stays", "goes"]}]});
        let event = made(&all, "event", fair("fair", more)).await;
        made(&all, "event", fair("other", json!({"speakers": ["stays"]}))).await;
        let session = "{ event(by: {slug: \"fair\"}) { programme { id } } }";
        let before = all.data(session).await;
        let erased = call(&all, "eraseTalent", "deletedId", &[("id", "ID!", json!(id))]).await;
        assert_eq!(erased["deletedId"], json!(id));
        let data = all.data("{ event(by: {slug: \"fair\"}) { revision speakers { slug } programme { speakers { slug } } } other: event(by: {slug: \"other\"}) { revision } }").await;
        assert_eq!(data, json!({"event": {"revision": 2, "speakers": [{"slug": "stays"}], "programme": [{"speakers": []}, {"speakers": [{"slug": "stays"}]}]}, "other": {"revision": 1}}));
        assert_eq!(all.data(session).await, before, "sessions keep their ids");
        // Followers learn of it, with the hash of what is left.
        let feed = all.data("{ changes(types: [EVENT]) { changes { operation revision contentHash canonical recordId } } }").await;
        let changes: Vec<&Value> = feed["changes"]["changes"].as_array().unwrap().iter().filter(|change| change["recordId"] == json!(event)).collect();
        let last = changes.last().expect("an entry");
        assert_eq!((&last["operation"], &last["revision"]), (&json!("UPSERT"), &json!(2)));
        let canonical = last["canonical"].as_str().unwrap();
        let hash = passerelle::records::write::content_hash(&serde_json::from_str(canonical).unwrap()).unwrap();
        assert_eq!(last["contentHash"], json!(passerelle::kernel::read::keyed::hex(&hash)));
        assert!(!canonical.contains(&id));
        let uuid = passerelle::kernel::id::decode_any("", &id).unwrap().1;
        let rows = dump(&server).await.to_lowercase();
        let in_events: Vec<&str> = rows.lines().filter(|line| line.contains(&uuid.simple().to_string()) || line.contains(&uuid.to_string())).collect();
        // The tombstone, the ledger and the log name the id; no event does.
        assert!(in_events.iter().all(|line| !line.contains("stand") && !line.contains("demo")), "{in_events:?}");
        assert!(!rows.contains(CANARY), "the name is nowhere");
        for table in ["event_speaker", "event_session_speaker"] {
            let left = crate::mutations::number(&server, &format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(left, if table == "event_speaker" { 2 } else { 1 });
        }
    }
}
