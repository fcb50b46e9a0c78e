//! Registration of sources, the systems that own records.

use passerelle::exchange::import::source;
use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{item, partner, push_input};
use crate::mutations::{editor, number};
use crate::on_both_databases;
use crate::support::accounts::{account, data_as, mutate, query_as, refusals, sign_in};
use crate::support::records::organization;
use crate::support::server::TestServer;

async fn register(server: &TestServer, token: Option<&str>, name: &str, region: &str) -> Value {
    let query = "mutation($input: RegisterSourceInput!) { registerSource(input: $input) {
        source { id name region { slug } createdAt } userErrors { code reason path message } } }";
    mutate(server, token, query, json!({"input": {"name": name, "region": region}})).await
}

async fn region_admin(server: &TestServer, email: &str, region: &str) -> String {
    account(&server.app, email, &[(Role::RegionAdmin, region)]).await;
    sign_in(server, email).await.access
}

on_both_databases! {
    async fn administrators_of_a_region_register_its_sources(server) {
        let south = region_admin(&server, "south@example.org", "wallonie").await;
        let north = region_admin(&server, "north@example.org", "flandre").await;
        let made = register(&server, Some(&south), "cirm", "wallonie").await;
        assert_eq!(refusals(&made), [""; 0]);
        assert_eq!((&made["source"]["name"], &made["source"]["region"]["slug"]), (&json!("cirm"), &json!("wallonie")));
        assert_eq!(register(&server, Some(&south), "cirm", "wallonie").await["source"], made["source"], "a repetition changes nothing");

        assert_eq!(refusals(&register(&server, Some(&south), "cirm2", "flandre").await), ["FORBIDDEN/NOT_YOUR_SOURCES input.region"]);
        assert_eq!(refusals(&register(&server, Some(&south), "Cirm 2", "nowhere").await),
            ["INVALID/SOURCE_NAME_FORM input.name", "NOT_FOUND input.region"], "all at once");
        let taken = register(&server, Some(&north), "cirm", "flandre").await;
        assert_eq!(refusals(&taken), ["NOT_UNIQUE/SOURCE_TAKEN input.name"]);
        assert!(!taken.to_string().contains("wallonie"), "the owner is not revealed");
        // Without the right to register, the response does not reveal whether the source exists.
        assert_eq!(refusals(&register(&server, Some(&north), "cirm", "wallonie").await), ["FORBIDDEN/NOT_YOUR_SOURCES input.region"]);
        let new = NewKey { name: "machine".into(), region: "wallonie".into(), roles: vec![Role::RegionAdmin, Role::SyncPartner], expires_at: None };
        let (_, key) = api_key::create(&server.app, new, Maker::Operator).await.expect("a key");
        let machine = key.expose_secret();
        for token in [None, Some(machine)] {
            assert_eq!(refusals(&register(&server, token, "x", "wallonie").await), ["FORBIDDEN/NOT_YOUR_SOURCES input.region"]);
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM source").await, 1);

        // Records can be pushed for it.
        let record = item(organization("wallonie", "a", json!({})), json!({}));
        let pushing = server.beside(partner(&["wallonie"])).await;
        let pushed = push_input(&pushing, json!({"source": "cirm", "idempotencyKey": "1", "records": [record]})).await;
        assert_eq!(pushed["results"][0]["status"], "CREATED", "{pushed}");
    }
}

on_both_databases! {
    async fn who_has_registered_a_source_is_known_to_its_staff(server) {
        let south = region_admin(&server, "south@example.org", "wallonie").await;
        let north = region_admin(&server, "north@example.org", "flandre").await;
        let id = register(&server, Some(&south), "cirm", "wallonie").await["source"]["id"].as_str().expect("an id").to_owned();
        source::add(&server.app, "vaf", "flandre").await.expect("a source");
        source::add(&server.app, "vaf", "flandre").await.expect("the same");
        let sources = async |token: &str| data_as(&server, token, "{ sources { id name region { slug } } }").await["sources"].clone();
        assert_eq!(sources(&south).await, json!([{"id": id, "name": "cirm", "region": {"slug": "wallonie"}}]));
        let flemish = sources(&north).await;
        let vaf = flemish[0]["id"].as_str().expect("an id");
        let history = async |token: &str, id: &str| {
            let query = format!("{{ history(id: \"{id}\") {{ nodes {{ action actor fields revision recordId }} }} }}");
            data_as(&server, token, &query).await["history"]["nodes"].clone()
        };
        let entry = |actor: &str, id: &str| json!([{"action": "CREATE", "actor": actor, "fields": ["name", "region"], "revision": null, "recordId": id}]);
        assert_eq!(history(&south, &id).await, entry("ACCOUNT", &id));
        assert_eq!(history(&north, vaf).await, entry("COMMAND_LINE", vaf));
        assert_eq!(history(&north, &id).await, json!([]));
        let all = server.beside(crate::mutations::admin()).await;
        assert_eq!(all.data("{ sources { name } }").await["sources"], json!([{"name": "cirm"}, {"name": "vaf"}]));
        assert_eq!(all.data("{ sources(region: \"flandre\") { name } }").await["sources"], json!([{"name": "vaf"}]));
        assert_eq!(server.beside(editor(&["wallonie"])).await.data("{ sources { name } }").await["sources"], json!([{"name": "cirm"}]));
        assert_eq!(server.beside(partner(&["flandre"])).await.data("{ sources { name } }").await["sources"], json!([{"name": "vaf"}]));
        assert_eq!(server.data("{ sources { name } }").await["sources"], json!([]));
        let wrong = query_as(&server, &south, "{ sources(region: \"walonie\") { name } }").await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}
