//! The records that a caller's roles make visible.

use std::collections::BTreeSet;

use entity::{account, account_organization, account_role};
use passerelle::identity::account::set_grant;
use passerelle::identity::role::{Grant, Role};
use passerelle::kernel::id;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::accounts::{PASSWORD, SIGN_IN, account, data_as, is_good, query_as, sign_in};
use crate::support::records::{each, import, organization, talent};
use crate::support::server::TestServer;

const LIST: &str = "{ organizations(first: 100) { totalCount nodes { slug } } }";

async fn fill(server: &TestServer) {
    let mut lines = Vec::new();
    for region in ["wallonie", "flandre"] {
        for level in ["PUBLIC", "MEMBERS", "PRIVATE"] {
            let slug = format!("{region}-{}", level.to_lowercase());
            lines.push(organization(region, &slug, json!({"visibility": level})));
            lines.push(talent(region, &format!("t-{slug}"), json!({"visibility": level})));
        }
    }
    import(server, &lines).await;
}

fn slugs(data: &Value) -> BTreeSet<String> {
    let list = &data["organizations"];
    let slugs: BTreeSet<String> = each(&list["nodes"], "/slug").into_iter().map(str::to_owned).collect();
    assert_eq!(list["totalCount"], slugs.len());
    slugs
}

on_both_databases! {
    async fn each_role_sees_what_it_is_for(server) {
        fill(&server).await;
        let public = ["flandre-public", "wallonie-public"];
        let members = ["flandre-members", "flandre-public", "wallonie-members", "wallonie-public"];
        let set = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(slugs(&server.data(LIST).await), set(&public));
        for role in [Role::Member, Role::Editor, Role::Moderator, Role::RegionAdmin, Role::SyncPartner] {
            let email = format!("{}@example.org", id::encode("x", Uuid::from_u128(role as u128)));
            account(&server.app, &email, &[(role, "wallonie")]).await;
            let token = sign_in(&server, &email).await.access;
            let mut expected = set(&members);
            // Staff of the region, and roles that write its records.
            let inside = role.is_staff() || role.writes();
            if inside {
                expected.insert("wallonie-private".into());
            }
            assert_eq!(slugs(&data_as(&server, &token, LIST).await), expected, "{role:?}");
            // A single record by slug: hidden and absent give the same response.
            let one = |slug: &str| format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ slug }} }}");
            let own = data_as(&server, &token, &one("wallonie-private")).await;
            assert_eq!(own["organization"]["slug"].is_string(), inside, "{role:?}");
            let other = query_as(&server, &token, &one("flandre-private")).await;
            assert_eq!(other, query_as(&server, &token, &one("nothing")).await);
        }
        account(&server.app, "admin@example.org", &[(Role::Admin, "")]).await;
        let admin = sign_in(&server, "admin@example.org").await.access;
        assert_eq!(slugs(&data_as(&server, &admin, LIST).await).len(), 6);
        account(&server.app, "two@example.org", &[(Role::Editor, "flandre"), (Role::Moderator, "wallonie")]).await;
        let two = sign_in(&server, "two@example.org").await.access;
        assert_eq!(slugs(&data_as(&server, &two, LIST).await).len(), 6);
    }
}

on_both_databases! {
    async fn each_role_writes_what_it_is_for(server) {
        for role in [Role::Member, Role::Editor, Role::Moderator, Role::RegionAdmin, Role::SyncPartner] {
            let email = format!("{}@example.org", id::encode("x", Uuid::from_u128(role as u128)));
            account(&server.app, &email, &[(role, "wallonie")]).await;
            let token = sign_in(&server, &email).await.access;
            let create = |region: &str| {
                format!(
                    r#"mutation {{ createOrganization(input: {{name: "{role:?} of {region}", kind: "fund", region: "{region}"}},
                        idempotencyKey: "same") {{ organization {{ name }} userErrors {{ code path }} }} }}"#
                )
            };
            let own = data_as(&server, &token, &create("wallonie")).await;
            let own = &own["createOrganization"];
            assert_eq!(own["organization"].is_object(), role.writes(), "{role:?}: {own}");
            assert_eq!(own["userErrors"][0]["code"] == "FORBIDDEN", !role.writes(), "{role:?}: {own}");
            let other = data_as(&server, &token, &create("flandre")).await;
            let other = &other["createOrganization"];
            // If the first write succeeded, its idempotency key conflicts here.
            let code = if role.writes() { ["FORBIDDEN", "CONFLICT"] } else { ["FORBIDDEN"; 2] };
            assert!(other["organization"].is_null(), "{role:?}: {other}");
            assert!(code.iter().any(|code| other["userErrors"][0]["code"] == *code), "{role:?}: {other}");
        }
        let all = server.data("{ organizations { totalCount } }").await;
        assert_eq!(all["organizations"]["totalCount"], 3, "idempotency keys belong to a caller");
    }
}

/// The UUID of the record with a slug.
async fn id_of(server: &TestServer, token: &str, field: &str, slug: &str) -> Uuid {
    let data = data_as(server, token, &format!("{{ {field}(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    id::decode("id", field, data[field]["id"].as_str().unwrap()).unwrap()
}

on_both_databases! {
    async fn people_see_what_is_their_own(server) {
        fill(&server).await;
        account(&server.app, "admin@example.org", &[(Role::Admin, "")]).await;
        let admin = sign_in(&server, "admin@example.org").await.access;
        let talent = id_of(&server, &admin, "talent", "t-flandre-private").await;
        let organization = id_of(&server, &admin, "organization", "wallonie-private").await;
        let ana = account(&server.app, "ana@example.org", &[(Role::Member, "flandre")]).await;
        let db = server.app.db.writer();
        account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(talent))
            .filter(account::Column::Id.eq(ana)).exec(db).await.unwrap();
        let belongs = account_organization::Model { account_id: ana, organization_id: organization };
        account_organization::Entity::insert(belongs.into_active_model().reset_all()).exec_without_returning(db).await.unwrap();
        let token = sign_in(&server, "ana@example.org").await.access;
        let own = id::encode("account", ana);
        let document = format!("{{ viewer {{ account {{ id talent {{ slug fieldVisibility {{ group }} region {{ slug }} }} organizations {{ slug region {{ slug }} }} }}
            roles {{ role region {{ slug organizations {{ totalCount }} }} }} }}
            node(id: \"{own}\") {{ id __typename ... on Account {{ email talent {{ slug }} }} }} }}");
        let data = data_as(&server, &token, &document).await;
        let shown = &data["viewer"]["account"];
        assert_eq!(shown["talent"]["slug"], "t-flandre-private");
        assert_eq!(shown["talent"]["fieldVisibility"].as_array().map(Vec::len), Some(4));
        assert_eq!(shown["organizations"], json!([{"slug": "wallonie-private", "region": {"slug": "wallonie"}}]));
        assert_eq!(data["viewer"]["roles"][0]["region"]["organizations"]["totalCount"], 2);
        assert_eq!(data["node"], json!({"id": own, "__typename": "Account", "email": "ana@example.org", "talent": {"slug": "t-flandre-private"}}));
        // The payload of `signIn` is read as the new caller, in the same request.
        let document = SIGN_IN.replace("expiresAt", "viewer { account { talent { slug withheld fieldVisibility { group } } organizations { slug } } }");
        let answer = server.query_with(&document, json!({"email": "ana@example.org", "password": PASSWORD})).await;
        let shown = &answer["data"]["signIn"]["viewer"]["account"];
        assert_eq!(shown["talent"]["withheld"], json!([]), "{answer}");
        assert_eq!(shown["talent"]["fieldVisibility"].as_array().map(Vec::len), Some(4));
        assert_eq!(shown["organizations"], json!([{"slug": "wallonie-private"}]));
        // No other caller finds the account, even by its id.
        let node = format!("{{ node(id: \"{own}\") {{ id }} nodes(ids: [\"{own}\"]) {{ id }} }}");
        let nothing = json!({"node": null, "nodes": [null]});
        assert_eq!(data_as(&server, &admin, &node).await, nothing);
        assert_eq!(server.data(&node).await, nothing);
    }
}

on_both_databases! {
    async fn what_changes_elsewhere_is_noticed_within_seconds(server) {
        fill(&server).await;
        let ana = account(&server.app, "ana@example.org", &[(Role::Editor, "wallonie")]).await;
        let token = sign_in(&server, "ana@example.org").await.access;
        assert_eq!(slugs(&data_as(&server, &token, LIST).await).len(), 5);
        let db = server.app.db.writer();
        account_role::Entity::delete_many().filter(account_role::Column::AccountId.eq(ana)).exec(db).await.unwrap();
        server.set_clock("2026-11-22T10:00:05Z");
        assert_eq!(slugs(&data_as(&server, &token, LIST).await).len(), 4);
        // A session ended by another program.
        let other = server.replica().await;
        passerelle::identity::account::set_password(&other, &"ana@example.org".parse().unwrap(), "x".into()).await.unwrap();
        other.db.close().await;
        server.set_clock("2026-11-22T10:00:10Z");
        assert!(!is_good(&server, &token).await);
    }
}

on_both_databases! {
    async fn a_role_is_given_and_taken_at_once(server) {
        fill(&server).await;
        account(&server.app, "ana@example.org", &[]).await;
        let token = sign_in(&server, "ana@example.org").await.access;
        let email = "Ana@example.org".parse().unwrap();
        let grant = || Grant { role: Role::Editor, region: Some("wallonie".into()) };
        for (given, seen) in [(false, 4), (true, 5), (true, 5), (false, 4)] {
            assert!(set_grant(&server.app, &email, grant(), given).await.unwrap());
            assert_eq!(slugs(&data_as(&server, &token, LIST).await).len(), seen);
        }
        assert!(!set_grant(&server.app, &"nobody@example.org".parse().unwrap(), grant(), true).await.unwrap());
    }
}

on_both_databases! {
    async fn a_known_token_costs_no_statement(server) {
        account(&server.app, "ana@example.org", &[(Role::Editor, "wallonie")]).await;
        let token = sign_in(&server, "ana@example.org").await.access;
        let document = "{ viewer { authenticated account { email } roles { role region { slug } } } }";
        data_as(&server, &token, document).await;
        let before = server.statements();
        for _ in 0..10 {
            data_as(&server, &token, document).await;
        }
        assert_eq!(server.statements(), before);
    }
}
