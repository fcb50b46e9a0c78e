//! Administration of a region: roles, memberships and the list of accounts.

use passerelle::identity::role::Role;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, account_id, ask, data_as, mutate, refusals, sign_in};
use crate::support::server::{Setup, TestServer};

const CHIEF: &str = "chief@example.org";

const LIST: &str = "query($region: String, $first: Int, $after: String) {
    accounts(region: $region, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { createdAt account { email organizations { slug } } roles { role region { slug } } } } }";

fn set(name: &str, input: &str) -> String {
    format!(
        "mutation($input: {input}!) {{ {name}(input: $input) {{
        entry {{ account {{ email organizations {{ slug }} }} roles {{ role region {{ slug }} }} }}
        userErrors {{ code reason path message }} }} }}"
    )
}

async fn role(
    server: &TestServer,
    token: Option<&str>,
    name: &str,
    account: &str,
    role: &str,
    region: Option<&str>,
) -> Value {
    let input = json!({"account": account, "role": role, "region": region});
    mutate(server, token, &set(name, "RoleInput"), json!({ "input": input })).await
}

async fn list(server: &TestServer, token: &str, variables: Value) -> Value {
    let mut answer = ask(server, Some(token), LIST, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["accounts"].take()
}

fn emails(page: &Value) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["account"]["email"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn roles_are_given_and_taken_at_once(server) {
        account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie")]).await;
        let ana = account(&server.app, "ana@example.org", &[(Role::Member, "wallonie"), (Role::Editor, "flandre")]).await;
        let (ana, id) = (sign_in(&server, "ana@example.org").await.access, account_id(ana));
        let chief = sign_in(&server, CHIEF).await.access;
        let roles = async || data_as(&server, &ana, "{ viewer { roles { role region { slug } } } }").await["viewer"]["roles"].take();
        let create = "mutation { createOrganization(input: {name: \"Studio Exemple\", kind: \"animation-studio\", region: \"wallonie\"}) { userErrors { code } } }";
        assert_eq!(data_as(&server, &ana, create).await["createOrganization"]["userErrors"][0]["code"], "FORBIDDEN");
        for _ in 0..2 {
            let payload = role(&server, Some(&chief), "grantRole", &id, "EDITOR", Some("wallonie")).await;
            assert_eq!(refusals(&payload), [""; 0]);
            // Roles of other regions are hidden.
            assert_eq!(payload["entry"]["roles"], json!([
                {"role": "EDITOR", "region": {"slug": "wallonie"}}, {"role": "MEMBER", "region": {"slug": "wallonie"}},
            ]));
        }
        assert_eq!(roles().await.as_array().unwrap().len(), 3);
        assert_eq!(data_as(&server, &ana, create).await["createOrganization"]["userErrors"], json!([]));
        for _ in 0..2 {
            let payload = role(&server, Some(&chief), "revokeRole", &id, "EDITOR", Some("wallonie")).await;
            assert_eq!(refusals(&payload), [""; 0]);
        }
        assert_eq!(roles().await, json!([{"role": "EDITOR", "region": {"slug": "flandre"}}, {"role": "MEMBER", "region": {"slug": "wallonie"}}]));
        assert_eq!(data_as(&server, &ana, create).await["createOrganization"]["userErrors"][0]["code"], "FORBIDDEN");
    }
}

on_both_databases! {
    async fn only_administrators_give_roles_and_only_what_is_theirs(server) {
        account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie")]).await;
        account(&server.app, "root@example.org", &[(Role::Admin, "")]).await;
        let editor = account(&server.app, "editor@example.org", &[(Role::Editor, "wallonie")]).await;
        let foreign = account(&server.app, "foreign@example.org", &[(Role::Editor, "flandre")]).await;
        let [chief, root, own] = [CHIEF, "root@example.org", "editor@example.org"];
        let (chief, root) = (sign_in(&server, chief).await.access, sign_in(&server, root).await.access);
        let own = sign_in(&server, own).await.access;
        let (editor, foreign) = (account_id(editor), account_id(foreign));
        let nobody = account_id(uuid::Uuid::from_u128(1));
        for name in ["grantRole", "revokeRole"] {
            let said = async |token: Option<&str>, id: &str, what: &str, region: Option<&str>|
                refusals(&role(&server, token, name, id, what, region).await);
            assert_eq!(said(None, &editor, "MEMBER", Some("wallonie")).await, ["FORBIDDEN/NOT_SIGNED_IN input"]);
            assert_eq!(said(Some(&own), &editor, "MEMBER", Some("wallonie")).await, ["FORBIDDEN input.region"]);
            let chief = Some(chief.as_str());
            assert_eq!(said(chief, &editor, "MEMBER", Some("flandre")).await, ["FORBIDDEN input.region"]);
            assert_eq!(said(chief, &editor, "ADMIN", None).await, ["FORBIDDEN input.role"]);
            assert_eq!(said(chief, &editor, "ADMIN", Some("wallonie")).await, ["INVALID input.region"]);
            assert_eq!(said(chief, &editor, "MEMBER", None).await, ["REQUIRED input.region"]);
            assert_eq!(said(chief, &editor, "MEMBER", Some("nowhere")).await, ["NOT_FOUND input.region"]);
            // An account of another region and an unknown one: the same response at the same cost.
            let mut costs = Vec::new();
            for id in [&foreign, &nobody] {
                let before = server.statements();
                costs.push((role(&server, chief, name, id, "MEMBER", Some("wallonie")).await, server.statements() - before));
            }
            assert_eq!(refusals(&costs[0].0), ["NOT_FOUND input.account"]);
            assert_eq!(costs[0], costs[1]);
            assert_eq!(said(Some(&root), &foreign, "ADMIN", None).await, [""; 0]);
            assert_eq!(said(Some(&root), &nobody, "ADMIN", None).await, ["NOT_FOUND input.account"]);
        }
        let wrong = ask(&server, Some(&root), &set("grantRole", "RoleInput"), json!({"input": {"account": "x", "role": "MEMBER"}})).await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}

on_both_databases! {
    async fn the_last_administrator_stays(server) {
        let one = account_id(account(&server.app, "one@example.org", &[(Role::Admin, "")]).await);
        let two = account_id(account(&server.app, "two@example.org", &[]).await);
        let (first, second) = (sign_in(&server, "one@example.org").await.access, sign_in(&server, "two@example.org").await.access);
        let last = ["NOT_ALLOWED_IN_STATE/LAST_ADMINISTRATOR input.role"];
        let take = async |token: &str, id: &str| refusals(&role(&server, Some(token), "revokeRole", id, "ADMIN", None).await);
        assert_eq!(take(&first, &one).await, last);
        // Revoking a role that the account lacks succeeds.
        assert_eq!(take(&first, &two).await, [""; 0]);
        assert_eq!(refusals(&role(&server, Some(&first), "grantRole", &two, "ADMIN", None).await), [""; 0]);
        // If two administrators revoke each other's role at once, one keeps it.
        let (a, b) = tokio::join!(take(&first, &two), take(&second, &one));
        assert!(a.is_empty() != b.is_empty(), "{a:?} {b:?}");
        let count = crate::support::mail::number(&server, "SELECT COUNT(*) FROM account_role WHERE role = 'ADMIN'").await;
        assert_eq!(count, 1);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn members_of_organizations_come_and_go(server) {
        account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie")]).await;
        server.set_clock("2026-11-22T10:00:01Z");
        let ana = account_id(account(&server.app, "ana@example.org", &[(Role::Member, "wallonie")]).await);
        let foreign = account_id(account(&server.app, "foreign@example.org", &[(Role::Member, "flandre")]).await);
        let (chief, own) = (sign_in(&server, CHIEF).await.access, sign_in(&server, "ana@example.org").await.access);
        let first_of = async |region: &str| {
            let query = format!("{{ organizations(first: 1, filter: {{regions: [\"{region}\"]}}) {{ nodes {{ id slug region {{ slug }} }} }} }}");
            let data = server.data(&query).await;
            let node = &data["organizations"]["nodes"][0];
            assert_eq!(node["region"]["slug"], region);
            (node["id"].as_str().unwrap().to_owned(), node["slug"].as_str().unwrap().to_owned())
        };
        let (id, slug) = first_of("wallonie").await;
        let (elsewhere, _) = first_of("flandre").await;
        let change = async |name: &str, token: Option<&str>, account: &str, organization: &str| {
            let input = json!({"input": {"account": account, "organization": organization}});
            mutate(&server, token, &set(name, "MembershipInput"), input).await
        };
        let belongs = async || data_as(&server, &own, "{ viewer { account { organizations { slug } } } }").await["viewer"]["account"]["organizations"].take();
        for name in ["addOrganizationMember", "removeOrganizationMember"] {
            assert_eq!(refusals(&change(name, None, &ana, &id).await), ["FORBIDDEN/NOT_SIGNED_IN input"]);
            assert_eq!(refusals(&change(name, Some(&own), &ana, &id).await), ["NOT_FOUND input.organization", "NOT_FOUND input.account"]);
            assert_eq!(refusals(&change(name, Some(&chief), &foreign, &elsewhere).await), ["NOT_FOUND input.organization", "NOT_FOUND input.account"]);
        }
        assert_eq!(belongs().await, json!([]));
        for _ in 0..2 {
            let payload = change("addOrganizationMember", Some(&chief), &ana, &id).await;
            assert_eq!(payload["entry"]["account"]["organizations"], json!([{ "slug": slug }]), "{payload}");
            assert_eq!(belongs().await, json!([{ "slug": slug }]));
        }
        // A member of an organization of the region is still listed without a role.
        assert_eq!(refusals(&role(&server, Some(&chief), "revokeRole", &ana, "MEMBER", Some("wallonie")).await), [""; 0]);
        let page = list(&server, &chief, json!({"region": "wallonie"})).await;
        assert_eq!(emails(&page), ["ana@example.org", CHIEF]);
        for expected in [[""; 0].as_slice(), &["NOT_FOUND input.account"]] {
            assert_eq!(refusals(&change("removeOrganizationMember", Some(&chief), &ana, &id).await), expected);
            assert_eq!(belongs().await, json!([]));
        }
    }
}

on_both_databases! {
    async fn accounts_are_listed_for_those_who_administer_them(server) {
        account(&server.app, "root@example.org", &[(Role::Admin, "")]).await;
        for (n, region) in ["wallonie", "flandre", "wallonie", "wallonie"].iter().enumerate() {
            server.set_clock(&format!("2026-11-22T10:00:0{}Z", n + 1));
            account(&server.app, &format!("client{n}@example.org"), &[(Role::Member, region), (Role::Editor, region)]).await;
        }
        server.set_clock("2026-11-22T10:00:09Z");
        account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie"), (Role::Member, "flandre")]).await;
        let (root, chief) = (sign_in(&server, "root@example.org").await.access, sign_in(&server, CHIEF).await.access);
        let client = sign_in(&server, "client0@example.org").await.access;
        let own = [CHIEF, "client3@example.org", "client2@example.org", "client0@example.org"];
        for variables in [json!({}), json!({"region": "wallonie"})] {
            let page = list(&server, &chief, variables).await;
            assert_eq!((emails(&page), &page["totalCount"]), (own.to_vec(), &json!(4)));
            assert_eq!(page["nodes"][0]["roles"], json!([{"role": "REGION_ADMIN", "region": {"slug": "wallonie"}}]));
            assert_eq!(page["nodes"][1]["createdAt"], "2026-11-22T10:00:04Z");
        }
        assert_eq!(list(&server, &chief, json!({"region": "flandre"})).await["totalCount"], 0);
        assert_eq!(list(&server, &client, json!({})).await["totalCount"], 0);
        let nobody = ask(&server, None, LIST, json!({})).await;
        assert_eq!(nobody["data"]["accounts"]["nodes"], json!([]));
        let all = list(&server, &root, json!({})).await;
        assert_eq!((all["nodes"].as_array().unwrap().len(), &all["totalCount"]), (6, &json!(6)));
        assert_eq!(emails(&list(&server, &root, json!({"region": "flandre"})).await), [CHIEF, "client1@example.org"]);
        // Paging.
        let mut found = Vec::new();
        let mut after = Value::Null;
        for _ in 0..4 {
            let page = list(&server, &chief, json!({"first": 1, "after": after})).await;
            found.push(emails(&page)[0].to_owned());
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(found, own);
        let wrong = ask(&server, Some(&chief), LIST, json!({"region": "nowhere"})).await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        // The number of statements does not depend on the number of accounts.
        let mut costs = Vec::new();
        for first in [1, 6] {
            let before = server.statements();
            list(&server, &root, json!({"first": first})).await;
            costs.push(server.statements() - before);
        }
        assert_eq!(costs[0], costs[1]);
    }
}
