//! What follows organizations and accounts: merges, and erasures.

use entity::{account, application, application_decision};
use passerelle::directory::application::write::forget_account;
use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use uuid::Uuid;

use super::{FIELDS, MEMBER, animation, apply, award, euros, id_of, reject, stage, submitted, web};
use crate::matrix::world::dump;
use crate::mutations::{admin, call, made, number, owner, person, studio, told};
use crate::on_both_databases;
use crate::support::accounts::account as account_of;
use crate::support::server::{Setup, TestServer};

async fn id_named(server: &TestServer, slug: &str) -> String {
    server.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await["organization"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn merged(server: &TestServer, survivor: &str, duplicate: &str) {
    let all = server.beside(admin()).await;
    let arguments = [("survivor", "ID!", json!(survivor)), ("duplicate", "ID!", json!(duplicate))];
    assert_eq!(told(&call(&all, "mergeOrganizations", "organization { id }", &arguments).await), [""; 0]);
}

on_both_databases! {
    async fn a_merge_moves_applications_partners_and_decisions(server) {
        let stage = stage(&server).await;
        let all = server.beside(admin()).await;
        let twin = made(&all, "organization", studio("wallonie", "twin")).await;
        let mut input = animation();
        input["partners"] = json!(["p", "twin"]);
        let id = submitted(&stage.member, &stage.call, input).await;
        let mut input = web("a", "500");
        input["partners"] = json!(["twin"]);
        let own = submitted(&stage.member, &stage.call, input).await;
        let (a, p) = (id_named(&server, "a").await, id_named(&server, "p").await);
        // The partner `twin` is `p`, which is a partner already; then `p` is the applicant itself.
        merged(&server, &p, &twin).await;
        let shown = |id: &str| format!("{{ node(id: \"{id}\") {{ ... on Application {{ {FIELDS} }} }} }}");
        assert_eq!(stage.wallonie.data(&shown(&id)).await["node"]["partners"], json!([{"slug": "p"}]));
        assert_eq!(stage.wallonie.data(&shown(&own)).await["node"]["partners"], json!([{"slug": "p"}]));
        merged(&server, &p, &a).await;
        let node = stage.wallonie.data(&shown(&id)).await["node"].clone();
        assert_eq!((&node["applicant"]["slug"], &node["partners"]), (&json!("p"), &json!([])));
        // Two funders that have both decided have decided together.
        let (w, w2) = (id_named(&server, "w").await, id_named(&server, "w2").await);
        assert_eq!(told(&award(&stage.wallonie, &own, euros("100.7512"), Some("w")).await), [""; 0]);
        assert_eq!(told(&award(&stage.wallonie, &own, euros("50.5"), Some("w2")).await), [""; 0]);
        let member = server.beside(crate::applications::member_of(MEMBER, &p)).await;
        let third = submitted(&member, &stage.call, web("p", "500")).await;
        assert_eq!(told(&reject(&stage.wallonie, &third, Some("w")).await), [""; 0]);
        assert_eq!(told(&award(&stage.wallonie, &third, euros("5"), Some("w2")).await), [""; 0]);
        merged(&server, &w, &w2).await;
        for (id, amount) in [(&own, "151.2512"), (&third, "5.00")] {
            let node = stage.wallonie.data(&shown(id)).await["node"].clone();
            let decisions: Vec<_> = node["decisions"].as_array().unwrap().iter().map(|one| (one["funder"]["slug"].clone(), one["amount"]["amount"].clone())).collect();
            assert_eq!(decisions, [(json!("w"), json!(amount))]);
            assert_eq!(node["awarded"]["amount"], json!(amount));
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application_decision").await, 2);
    }
}

on_both_databases! {
    async fn an_application_belongs_to_the_organization_and_its_author_is_forgotten(server) {
        let stage = stage(&server).await;
        let id = id_of(&apply(&stage.member, &stage.call, animation(), None).await);
        let other = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(told(&award(&stage.wallonie, &other, euros("1"), None).await), [""; 0]);
        let db = &server.app.db;
        let authors = async || {
            let rows = application::Entity::find().all(db.writer()).await.unwrap();
            rows.into_iter().filter_map(|row| row.written_by).collect::<Vec<_>>()
        };
        assert_eq!(authors().await, [Uuid::from_u128(MEMBER); 2]);
        forget_account(db.writer(), db.dialect(), Uuid::from_u128(MEMBER)).await.unwrap();
        forget_account(db.writer(), db.dialect(), Uuid::from_u128(1)).await.unwrap();
        assert_eq!(authors().await, Vec::<Uuid>::new());
        let decided = application_decision::Entity::find().all(db.writer()).await.unwrap();
        assert_eq!(decided.into_iter().map(|row| row.decided_by).collect::<Vec<_>>(), [None]);
        assert!(id::decode_any("", &id).is_ok());
        let node = stage.member.data(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await;
        assert_eq!(node["node"]["id"], json!(id), "it is still there");
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn the_application_of_an_erased_person_stays_without_them(server) {
        let stage = stage(&server).await;
        let talent = made(&server.beside(admin()).await, "talent", person("wallonie", "ana")).await;
        let ana = account_of(&server.app, "ana@example.org", &[]).await;
        let own_profile = account::Entity::update_many()
            .col_expr(account::Column::TalentId, Expr::value(id::decode_any("", &talent).unwrap().1))
            .filter(account::Column::Id.eq(ana));
        own_profile.exec(server.app.db.writer()).await.unwrap();
        let (_, a) = id::decode_any("", &id_named(&server, "a").await).unwrap();
        let own = Viewer { owns: [a].into(), account: Some(ana), ..crate::mutations::member(1) };
        let (own, erasing) = (server.beside(own).await, server.beside(owner(&talent)).await);
        let id = submitted(&own, &stage.call, animation()).await;
        let holds = async || {
            let (whole, id) = (dump(&server).await.to_lowercase(), ana.to_string());
            whole.contains(&id) || whole.contains(&id.replace('-', ""))
        };
        assert!(holds().await, "the account is there");
        let erased = call(&erasing, "eraseTalent", "deletedId", &[("id", "ID!", json!(talent))]).await;
        assert_eq!(erased["deletedId"], json!(talent));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account").await, 0);
        assert!(!holds().await, "no table knows the account");
        let node = stage.member.data(&format!("{{ node(id: \"{id}\") {{ ... on Application {{ status projectTitle }} }} }}")).await;
        assert_eq!(node["node"], json!({"status": "SUBMITTED", "projectTitle": "Les Petits Pas"}));
    }
}
