//! What becomes of registrations when a person is erased, and the export of one's own data.

use entity::account;
use passerelle::identity::role::Role;
use passerelle::kernel::value::Language;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{Actor, counts_are_right, editor, made, standings, uuid};
use crate::mutations::number;
use crate::on_both_databases;
use crate::support::accounts::{mutate, refusals};
use crate::support::records::{import, organization, talent};
use crate::support::server::{Setup, TestServer};

/// Gives somebody a profile, and returns its id.
async fn give_profile(server: &TestServer, actor: &Actor, slug: &str) -> String {
    import(server, &[talent("wallonie", slug, json!({}))]).await;
    let id = server.data(&format!("{{ talent(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await["talent"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    account::Entity::update_many()
        .col_expr(account::Column::TalentId, Expr::value(uuid(&id)))
        .filter(account::Column::Id.eq(actor.person.id))
        .exec(server.app.db.writer())
        .await
        .unwrap();
    id
}

async fn erase(server: &TestServer, by: &Actor, talent: &str) {
    let query = format!(
        "mutation {{ eraseTalent(id: \"{talent}\") {{ deletedId userErrors {{ code reason path message }} }} }}"
    );
    let payload = mutate(server, Some(&by.token), &query, json!({})).await;
    assert_eq!((refusals(&payload), &payload["deletedId"]), (vec![], &json!(talent)));
}

on_both_databases! {
    with Setup::default().with_mail().erasing_at_once();
    async fn whoever_is_erased_leaves_their_place(server) {
        let staff = editor(&server).await;
        let (market, mission) = (made(&server, "market", json!({"capacity": 1})).await, made(&server, "other", json!({"capacity": 1})).await);
        let (ana, ben) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await);
        let profile = give_profile(&server, &ana, "ana").await;
        let input = "listed: true, message: \"I am Ana.\"";
        let registration = ana.try_register(&server, &market, input).await["registration"].clone();
        ben.register(&server, &market).await;
        // At the other event she waits.
        ben.register(&server, &mission).await;
        ana.register(&server, &mission).await;
        server.forget_mails().await;
        erase(&server, &staff, &profile).await;
        assert_eq!(standings(&server, &staff, &market).await, ["ben CONFIRMED"]);
        assert_eq!(standings(&server, &staff, &mission).await, ["ben CONFIRMED"]);
        counts_are_right(&server).await;
        let left = "SELECT COUNT(*) FROM event_registration WHERE message IS NOT NULL OR listed";
        assert_eq!((number(&server, left).await, number(&server, "SELECT COUNT(*) FROM event_registration").await), (0, 2));
        let query = format!("{{ node(id: {}) {{ id }} event(by: {{id: \"{market}\"}}) {{ attendees {{ totalCount }} }} }}", registration["id"]);
        assert_eq!(staff.data(&server, &query).await, json!({"node": null, "event": {"attendees": {"totalCount": 0}}}));
        assert_eq!(server.mail_to("ben@example.org").await.subject, "Une place s’est libérée pour vous : market");
        assert_eq!(server.mails().len(), 1, "nobody writes to whoever is erased");
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn news_of_whoever_is_erased_is_told_to_nobody(server) {
        // This server sends no mails: news waits.
        let event = made(&server, "market", json!({})).await;
        let (staff, ana) = (editor(&server).await, Actor::new(&server, "ana").await);
        let profile = give_profile(&server, &ana, "ana").await;
        ana.register(&server, &event).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_notice").await, 1);
        erase(&server, &staff, &profile).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_notice").await, 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_registration").await, 0);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn an_account_that_stays_keeps_its_registrations(server) {
        let event = made(&server, "market", json!({"capacity": 1})).await;
        let staff = editor(&server).await;
        let ana = Actor::with(&server, "ana", Language::Fr, &[(Role::Member, "wallonie")]).await;
        let profile = give_profile(&server, &ana, "ana").await;
        ana.register(&server, &event).await;
        erase(&server, &staff, &profile).await;
        assert_eq!(standings(&server, &staff, &event).await, ["ana CONFIRMED"]);
        counts_are_right(&server).await;
    }
}

on_both_databases! {
    async fn one_s_own_data_has_them(server) {
        import(&server, &[organization("wallonie", "studio", json!({}))]).await;
        let studio = server.data("{ organization(by: {slug: \"studio\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let event = made(&server, "market", json!({})).await;
        let (ana, ben) = (Actor::new(&server, "ana").await, Actor::new(&server, "ben").await);
        ana.person.join(&server, uuid(&studio)).await;
        let input = format!("organization: \"{studio}\", message: \"Vegan.\", listed: true");
        let registration = ana.try_register(&server, &event, &input).await["registration"].clone();
        let export = async |by: &Actor| -> Value {
            let data = by.data(&server, "{ myDataExport { json } }").await;
            serde_json::from_str::<Value>(data["myDataExport"]["json"].as_str().unwrap()).unwrap()["registrations"].clone()
        };
        assert_eq!(export(&ana).await, json!([{"id": registration["id"], "event": event, "status": "CONFIRMED",
            "registeredAt": "2026-11-22T10:00:00Z", "organization": studio, "message": "Vegan.", "listed": true}]));
        assert_eq!(export(&ben).await, json!([]));
    }
}
