//! I5: a record leaves the view of a reader who is away. The reader ends without it, whatever happens to it
//! elsewhere.

use passerelle::records::changes::retention::{self, Retention};
use serde_json::{Value, json};

use crate::feed::{Follower, code, editor, member, told};
use crate::mutations::{admin, update};
use crate::on_both_databases;
use crate::support::records::{affiliation, import, organization, talent};
use crate::support::server::TestServer;

const DAY: i64 = 86_400_000_000;

async fn sweep(server: &TestServer, days: i64) {
    server.pass(days * DAY);
    retention::sweep(&server.app, Retention::default()).await.expect("the log is swept");
}

/// A reader that begins now.
async fn fresh(server: &TestServer) -> Follower {
    let mut fresh = Follower::new(json!({}));
    fresh.catch_up(server).await;
    fresh
}

on_both_databases! {
    async fn a_record_that_left_is_gone_for_who_was_away(server) {
        let (members, staff) = (server.beside(member()).await, server.beside(editor("flandre")).await);
        let desk = server.beside(admin()).await;
        import(&server, &[organization("wallonie", "halo", json!({})), talent("wallonie", "ada", json!({})),
            affiliation("wallonie", "ada", "halo", json!({}))]).await;
        let id = server.data("{ organization(by: {slug: \"halo\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let change = async |input: Value| {
            let answer = update(&desk, "organization", &id, None, input, "id").await;
            assert_eq!(answer["userErrors"], json!([]));
        };
        let (mut anyone, mut insider) = (fresh(&server).await, fresh(&members).await);
        let mut of_region = fresh(&server).await;
        of_region.variables = json!({"regions": ["wallonie"]});
        of_region.after = None;
        of_region.catch_up(&server).await;
        assert_eq!((anyone.records.len(), of_region.records.len()), (3, 3));

        // It leaves the public view, and changes three times while hidden from it.
        change(json!({"visibility": "MEMBERS"})).await;
        for edit in 0..3 {
            change(json!({"name": format!("edit {edit}")})).await;
            sweep(&server, 8).await;
        }
        assert_eq!(told(&anyone.clone().catch_up(&server).await), ["DELETE OUT_OF_VIEW 2", "DELETE OUT_OF_VIEW 2"]);
        assert_eq!(told(&insider.catch_up(&members).await), ["UPSERT CHANGED 2", "UPSERT CHANGED 5"]);
        // It moves to another region, and then into that region's private view.
        change(json!({"region": "flandre"})).await;
        change(json!({"visibility": "PRIVATE"})).await;
        change(json!({"name": "hidden"})).await;
        sweep(&server, 8).await;
        insider.catch_up(&members).await;
        assert_eq!(insider.records, fresh(&members).await.records);
        assert_eq!(insider.records.len(), 1, "the talent remains");
        assert!(fresh(&staff).await.records.contains_key(&id));
        // It becomes public in the other region. A reader of one region gets only its removal.
        change(json!({"visibility": "PUBLIC"})).await;
        let mut back = anyone.clone();
        back.catch_up(&server).await;
        assert_eq!(back.records, fresh(&server).await.records);
        of_region.catch_up(&server).await;
        assert!(!of_region.records.contains_key(&id));
        change(json!({"visibility": "PRIVATE"})).await;

        // Once the tombstones are swept, readers who were away for that long get an error.
        sweep(&server, 181).await;
        assert_eq!(code(&anyone.ask(&server).await), ("CURSOR_EXPIRED".into(), "SNAPSHOT".into()));
        anyone = fresh(&server).await;
        assert!(!anyone.records.contains_key(&id));
        // A reader who was not away continues.
        change(json!({"visibility": "PUBLIC"})).await;
        assert_eq!(told(&anyone.catch_up(&server).await).len(), 2);
        assert_eq!(anyone.records, fresh(&server).await.records);
    }
}
