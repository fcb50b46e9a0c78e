//! API keys: creation, use, listing and revocation.

use entity::api_key;
use passerelle::identity::role::Role;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, data_as, is_good, query_as, sign_in};
use crate::support::records::{import, organization};
use crate::support::server::TestServer;
use crate::support::until;

const KEY: &str = "apiKey { id name region { slug } roles createdAt expiresAt lastUsedAt revokedAt }
    secret userErrors { code reason message path }";

/// The payload of `createApiKey`. `more` holds further fields of the input.
async fn create(server: &TestServer, token: &str, region: &str, roles: &str, more: &str) -> Value {
    let input = format!("{{name: \"CRM\", region: \"{region}\", roles: [{roles}]{more}}}");
    let mut answer =
        query_as(server, token, &format!("mutation {{ createApiKey(input: {input}) {{ {KEY} }} }}")).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["createApiKey"].take()
}

async fn revoke(server: &TestServer, token: &str, id: &str) -> Value {
    let document = format!(
        "mutation {{ revokeApiKey(id: \"{id}\") {{ apiKey {{ id revokedAt }} userErrors {{ code path }} }} }}"
    );
    data_as(server, token, &document).await["revokeApiKey"].take()
}

async fn signed_in(server: &TestServer, email: &str, role: Role, region: &str) -> String {
    account(&server.app, email, &[(role, region)]).await;
    sign_in(server, email).await.access
}

on_both_databases! {
    async fn a_key_is_made_used_listed_and_revoked(server) {
        import(&server, &[organization("wallonie", "hidden", json!({"visibility": "PRIVATE"}))]).await;
        let admin = signed_in(&server, "w@example.org", Role::RegionAdmin, "wallonie").await;
        let made = create(&server, &admin, "wallonie", "EDITOR, SYNC_PARTNER, EDITOR", "").await;
        let key = &made["apiKey"];
        assert_eq!(made["userErrors"], json!([]));
        assert_eq!(key["roles"], json!(["EDITOR", "SYNC_PARTNER"]));
        assert_eq!((&key["createdAt"], &key["expiresAt"]), (&json!("2026-11-22T10:00:00Z"), &json!("2027-11-22T10:00:00Z")));
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("passerelle_key_") && secret.len() == 58, "{}", secret.len());
        let row = api_key::Entity::find().one(server.app.db.writer()).await.unwrap().unwrap();
        assert!(!format!("{row:?}").contains(&secret[15..]), "only the hash is stored");

        // A key has roles, but no account.
        let seen = data_as(&server, secret, "{ viewer { authenticated account { id } roles { role region { slug } } } organizations { nodes { slug } } }").await;
        assert_eq!(seen["viewer"], json!({"authenticated": true, "account": null, "roles": [
            {"role": "EDITOR", "region": {"slug": "wallonie"}}, {"role": "SYNC_PARTNER", "region": {"slug": "wallonie"}}]}));
        assert_eq!(seen["organizations"]["nodes"], json!([{"slug": "hidden"}]));

        // Its last use is recorded to the minute, with a short delay.
        let list = "{ apiKeys { id name lastUsedAt revokedAt } }";
        server.set_clock("2026-11-22T10:07:59Z");
        let admin_again = sign_in(&server, "w@example.org").await.access;
        assert!(is_good(&server, secret).await);
        until("its use is noted", async || {
            data_as(&server, &admin_again, list).await["apiKeys"][0]["lastUsedAt"] == "2026-11-22T10:07:00Z"
        }).await;

        let id = key["id"].as_str().unwrap();
        assert_eq!(revoke(&server, &admin_again, id).await, json!({"apiKey": {"id": id, "revokedAt": "2026-11-22T10:07:59Z"}, "userErrors": []}));
        assert!(!is_good(&server, secret).await);
        server.set_clock("2026-11-22T10:08:30Z");
        assert_eq!(revoke(&server, &admin_again, id).await["apiKey"]["revokedAt"], "2026-11-22T10:07:59Z");
        assert!(!is_good(&server, secret).await);
        let listed = data_as(&server, &admin_again, list).await;
        assert_eq!(listed["apiKeys"][0]["revokedAt"], "2026-11-22T10:07:59Z");
    }
}

on_both_databases! {
    async fn a_key_ends(server) {
        let admin = signed_in(&server, "a@example.org", Role::Admin, "").await;
        let made = create(&server, &admin, "flandre", "MEMBER", ", expiresAt: \"2026-11-22T10:00:03Z\"").await;
        let secret = made["secret"].as_str().unwrap();
        assert!(is_good(&server, secret).await);
        server.set_clock("2026-11-22T10:00:03Z");
        assert!(!is_good(&server, secret).await);
    }
}

on_both_databases! {
    async fn a_key_that_another_program_revokes_ends_within_seconds(server) {
        let admin = signed_in(&server, "a@example.org", Role::Admin, "").await;
        let made = create(&server, &admin, "flandre", "MEMBER", "").await;
        let secret = made["secret"].as_str().unwrap();
        assert!(is_good(&server, secret).await);
        let replica = server.replica().await;
        let id = passerelle::kernel::id::decode("id", "api_key", made["apiKey"]["id"].as_str().unwrap()).unwrap();
        passerelle::identity::api_key::revoke(&replica, id, passerelle::identity::api_key::Maker::Operator).await.unwrap();
        replica.db.close().await;
        server.set_clock("2026-11-22T10:00:05Z");
        assert!(!is_good(&server, secret).await);
    }
}

on_both_databases! {
    async fn only_administrators_of_the_region_manage_its_keys(server) {
        let wallonie = signed_in(&server, "w@example.org", Role::RegionAdmin, "wallonie").await;
        let flandre = signed_in(&server, "f@example.org", Role::RegionAdmin, "flandre").await;
        let admin = signed_in(&server, "a@example.org", Role::Admin, "").await;
        let editor = signed_in(&server, "e@example.org", Role::Editor, "wallonie").await;
        let made = create(&server, &wallonie, "wallonie", "REGION_ADMIN", "").await;
        let (id, machine) = (made["apiKey"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        let forbidden = |answer: &Value| {
            assert_eq!((&answer["apiKey"], &answer["secret"]), (&Value::Null, &Value::Null));
            assert_eq!(answer["userErrors"][0]["code"], "FORBIDDEN");
            assert_eq!(answer["userErrors"][0]["path"], json!(["input", "region"]));
        };
        let missing = json!({"apiKey": null, "userErrors": [{"code": "NOT_FOUND", "path": ["id"]}]});
        let none = "api_key_00000000000000000000000000";
        // An API key cannot create keys, whatever its roles.
        for token in [&flandre, &editor, machine] {
            forbidden(&create(&server, token, "wallonie", "MEMBER", "").await);
            // The existence of the key is not revealed.
            assert_eq!(revoke(&server, token, id).await, missing);
            assert_eq!(revoke(&server, token, none).await, missing);
            assert_eq!(data_as(&server, token, "{ apiKeys { id } }").await, json!({"apiKeys": []}));
        }
        let anonymous = server.data("mutation { createApiKey(input: {name: \"x\", region: \"wallonie\", roles: [MEMBER]}) { apiKey { id } secret userErrors { code path } } }").await;
        forbidden(&anonymous["createApiKey"]);
        assert_eq!(server.data("{ apiKeys { id } }").await, json!({"apiKeys": []}));
        for token in [&wallonie, &admin] {
            for list in ["apiKeys", "apiKeys(region: \"wallonie\")"] {
                assert_eq!(data_as(&server, token, &format!("{{ {list} {{ id }} }}")).await, json!({"apiKeys": [{"id": id}]}));
            }
            assert_eq!(data_as(&server, token, "{ apiKeys(region: \"flandre\") { id } }").await, json!({"apiKeys": []}));
        }
        assert!(is_good(&server, machine).await);
        assert_eq!(revoke(&server, &admin, id).await["userErrors"], json!([]));
        assert!(!is_good(&server, machine).await);
    }
}

on_both_databases! {
    async fn all_that_is_wrong_is_said_in_the_reader_s_language(server) {
        let admin = signed_in(&server, "a@example.org", Role::Admin, "").await;
        let document = "mutation { createApiKey(input: {name: \" \", region: \"nowhere\", roles: [ADMIN], expiresAt: \"2020-01-01T00:00:00Z\"}) { secret userErrors { code message path } } }";
        let request = server.client.post(server.url("/graphql")).json(&json!({ "query": document }));
        let request = request.header("authorization", format!("Bearer {admin}")).header("accept-language", "nl");
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let errors = answer["data"]["createApiKey"]["userErrors"].as_array().unwrap();
        let told: Vec<(&str, &str)> = errors.iter().map(|e| (e["code"].as_str().unwrap(), e["path"][1].as_str().unwrap())).collect();
        assert_eq!(told, [("REQUIRED", "name"), ("NOT_FOUND", "region"), ("INVALID", "roles"), ("INVALID", "expiresAt")]);
        assert_eq!(errors[0]["message"], "Dit veld is verplicht.");
        for id in ["x", "organization_00000000000000000000000000"] {
            let answer = query_as(&server, &admin, &format!("mutation {{ revokeApiKey(id: \"{id}\") {{ userErrors {{ code }} }} }}")).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        }
    }
}
