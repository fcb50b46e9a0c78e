//! Invitations.

use passerelle::identity::role::Role;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{
    PASSWORD, account, ask, data_as, is_good, mutate, refusals, sign_in, try_sign_in,
};
use crate::support::mail::{number, waiting};
use crate::support::server::{Setup, TestServer};

const BEN: &str = "Ben.Voorbeeld@Example.org";
const CHIEF: &str = "chief@example.org";

const INVITE: &str = "mutation($input: InviteAccountInput!) { inviteAccount(input: $input) {
    invitation { id email language region { slug } roles organization { slug } createdAt expiresAt }
    userErrors { code reason path message } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeInvitation(id: $id) {
    invitation { email } userErrors { code reason path message } } }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    accessToken refreshToken expiresAt
    viewer { account { email displayName language organizations { slug } } roles { role region { slug } } }
    userErrors { code reason path message } } }";
const LIST: &str = "{ invitations { totalCount nodes { id email } } }";

async fn invite(server: &TestServer, token: &str, input: Value) -> Value {
    mutate(server, Some(token), INVITE, json!({ "input": input })).await
}

/// Invites, and returns the token of the mail.
async fn link(server: &TestServer, token: &str, input: Value) -> String {
    server.forget_mails().await;
    let email = input["email"].as_str().unwrap().to_owned();
    let payload = invite(server, token, input).await;
    assert_eq!(refusals(&payload), [""; 0], "{payload}");
    server.mail_to(&email).await.token("invitation")
}

async fn accept(server: &TestServer, token: Option<&str>, input: Value) -> Value {
    mutate(server, token, ACCEPT, json!({ "input": input })).await
}

fn newcomer(token: &str) -> Value {
    json!({"token": token, "password": PASSWORD, "displayName": "Ben Voorbeeld"})
}

/// The access token of an administrator of Wallonia.
async fn chief(server: &TestServer) -> String {
    account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie")]).await;
    sign_in(server, CHIEF).await.access
}

async fn organization(server: &TestServer, slug: &str) -> String {
    let data = server.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    data["organization"]["id"].as_str().expect("an organization").to_owned()
}

async fn first_of(server: &TestServer, region: &str) -> (String, String) {
    let query = format!(
        "{{ organizations(first: 1, filter: {{regions: [\"{region}\"]}}) {{ nodes {{ id slug region {{ slug }} }} }} }}"
    );
    let data = server.data(&query).await;
    let node = &data["organizations"]["nodes"][0];
    assert_eq!(node["region"]["slug"], region, "{data}");
    (node["id"].as_str().unwrap().to_owned(), node["slug"].as_str().unwrap().to_owned())
}

const OVER: [&str; 1] = ["INVALID/TOKEN_NOT_GOOD input.token"];

on_both_databases! {
    with Setup::default().with_sample().with_mail();
    async fn somebody_new_is_invited_and_takes_part(server) {
        let admin = chief(&server).await;
        let (id, slug) = first_of(&server, "wallonie").await;
        let payload = invite(&server, &admin, json!({
            "email": BEN, "region": "wallonie", "roles": ["EDITOR", "MEMBER", "EDITOR"], "organization": id, "language": "NL",
        })).await;
        let invitation = &payload["invitation"];
        assert_eq!(refusals(&payload), [""; 0]);
        assert_eq!((&invitation["email"], &invitation["language"]), (&json!(BEN), &json!("NL")));
        assert_eq!((&invitation["roles"], &invitation["region"]["slug"]), (&json!(["MEMBER", "EDITOR"]), &json!("wallonie")));
        assert_eq!((&invitation["organization"]["slug"], &invitation["expiresAt"]), (&json!(slug), &json!("2026-12-06T10:00:00Z")));
        let mail = server.mail_to(BEN).await;
        assert_eq!(mail.subject, "Uitnodiging voor de gids van Wallonië");
        let token = mail.token("invitation");
        assert!(token.starts_with("passerelle_invitation_"));
        let listed = data_as(&server, &admin, LIST).await;
        assert_eq!(listed["invitations"], json!({"totalCount": 1, "nodes": [{"id": invitation["id"], "email": BEN}]}));
        let payload = accept(&server, None, json!({"token": token, "password": PASSWORD, "displayName": " Ben Voorbeeld "})).await;
        assert_eq!(refusals(&payload), [""; 0], "{payload}");
        assert_eq!(payload["viewer"], json!({
            "account": {"email": BEN, "displayName": "Ben Voorbeeld", "language": "NL", "organizations": [{"slug": slug}]},
            "roles": [{"role": "EDITOR", "region": {"slug": "wallonie"}}, {"role": "MEMBER", "region": {"slug": "wallonie"}}],
        }));
        assert!(is_good(&server, payload["accessToken"].as_str().unwrap()).await);
        sign_in(&server, &BEN.to_lowercase()).await;
        // The token is used up, and the invitation is no longer pending.
        assert_eq!(refusals(&accept(&server, None, newcomer(&token)).await), OVER);
        assert_eq!(data_as(&server, &admin, LIST).await["invitations"]["totalCount"], 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM one_time_token").await, 0);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn all_that_is_wrong_is_said_and_uses_nothing_up(server) {
        let admin = chief(&server).await;
        let token = link(&server, &admin, json!({"email": BEN, "region": "wallonie"})).await;
        let wrong = async |input: Value| refusals(&accept(&server, None, input).await);
        assert_eq!(wrong(json!({"token": token})).await, ["REQUIRED input.password", "REQUIRED input.displayName"]);
        assert_eq!(wrong(json!({"token": token, "password": "x", "displayName": "a\nb"})).await,
            ["INVALID/PASSWORD_TOO_SHORT input.password", "INVALID/CONTROL_CHARACTERS input.displayName"]);
        assert_eq!(wrong(json!({"token": token, "password": "é".repeat(1000), "displayName": "<b>Ben</b>"})).await,
            ["TOO_LONG input.password", "INVALID/MARKUP input.displayName"]);
        assert_eq!(wrong(json!({"token": "a".repeat(10_000), "password": "", "displayName": "a".repeat(101)})).await,
            [OVER[0], "REQUIRED input.password", "TOO_LONG input.displayName"]);
        for bad in ["", "nonsense", "\u{0}", &token[1..], &format!("{token}A"), &token.replace("invitation", "reset")] {
            assert_eq!(wrong(newcomer(bad)).await, OVER, "{bad}");
        }
        let answer = ask(&server, None, ACCEPT, json!({"input": {"token": token, "language": "XX"}})).await;
        assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{answer}");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account").await, 1);
        assert_eq!(wrong(newcomer(&token)).await, [""; 0]);
        let language = server.app.db.writer().query_one_raw(Statement::from_string(server.app.db.dialect().backend(),
            format!("SELECT language FROM account WHERE email = '{BEN}'"))).await.unwrap().unwrap();
        // The default is the language of the region.
        assert_eq!(language.try_get_by_index::<String>(0).unwrap(), "FR");
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn an_account_that_is_there_is_not_taken_over(server) {
        let admin = chief(&server).await;
        account(&server.app, BEN, &[(Role::Member, "flandre")]).await;
        account(&server.app, "eve@example.org", &[]).await;
        // The invitation and the response are the same as for an address without an account.
        let token = link(&server, &admin, json!({"email": BEN, "region": "wallonie", "roles": ["EDITOR"]})).await;
        let first = ["NOT_ALLOWED_IN_STATE/SIGN_IN_FIRST input"];
        let stolen = json!({"token": token, "password": "a password of somebody else", "displayName": "Eve"});
        assert_eq!(refusals(&accept(&server, None, stolen.clone()).await), first);
        let eve = sign_in(&server, "eve@example.org").await.access;
        let other = ["FORBIDDEN/OTHER_ACCOUNT input"];
        assert_eq!(refusals(&accept(&server, Some(&eve), stolen).await), other);
        let machine = machine(&server, &admin).await;
        assert_eq!(refusals(&accept(&server, Some(&machine), newcomer(&token)).await), other);
        assert_eq!(try_sign_in(&server, BEN, "a password of somebody else").await["data"]["signIn"]["accessToken"], Value::Null);
        let ben = sign_in(&server, BEN).await.access;
        let payload = accept(&server, Some(&ben), json!({"token": token})).await;
        assert_eq!(refusals(&payload), [""; 0], "{payload}");
        assert_eq!(payload["viewer"]["roles"], json!([
            {"role": "EDITOR", "region": {"slug": "wallonie"}}, {"role": "MEMBER", "region": {"slug": "flandre"}},
        ]));
        // The existing session has the roles at once.
        let roles = data_as(&server, &ben, "{ viewer { roles { role } } }").await;
        assert_eq!(roles["viewer"]["roles"], json!([{"role": "EDITOR"}, {"role": "MEMBER"}]));
        assert_eq!(refusals(&accept(&server, Some(&ben), json!({"token": token})).await), OVER);
        sign_in(&server, BEN).await;
    }
}

async fn machine(server: &TestServer, admin: &str) -> String {
    let made = mutate(
        server,
        Some(admin),
        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }",
        json!({"input": {"name": "CRM", "region": "wallonie", "roles": ["REGION_ADMIN"]}}),
    )
    .await;
    made["secret"].as_str().expect("a key").to_owned()
}

on_both_databases! {
    with Setup::default().with_sample().with_mail();
    async fn only_administrators_of_the_region_invite(server) {
        let admin = chief(&server).await;
        let input = json!({"email": BEN, "region": "wallonie"});
        let said = async |token: Option<&str>, input: &Value| refusals(&mutate(&server, token, INVITE, json!({"input": input})).await);
        assert_eq!(said(None, &input).await, ["FORBIDDEN/NOT_SIGNED_IN input"]);
        for role in [Role::Member, Role::Editor, Role::Moderator, Role::SyncPartner] {
            let email = format!("{}@example.org", passerelle::kernel::name_of(role).to_lowercase());
            account(&server.app, &email, &[(role, "wallonie")]).await;
            let token = sign_in(&server, &email).await.access;
            assert_eq!(said(Some(&token), &input).await, ["FORBIDDEN input.region"]);
            assert_eq!(data_as(&server, &token, LIST).await["invitations"], json!({"totalCount": 0, "nodes": []}));
        }
        assert_eq!(said(Some(&machine(&server, &admin).await), &input).await, ["FORBIDDEN/NOT_SIGNED_IN input"]);
        let own = Some(admin.as_str());
        assert_eq!(said(own, &json!({"email": BEN, "region": "flandre"})).await, ["FORBIDDEN input.region"]);
        assert_eq!(said(own, &json!({"email": BEN, "region": "nowhere"})).await, ["NOT_FOUND input.region"]);
        // An organization of another region and an unknown one: the same response.
        let foreign = first_of(&server, "flandre").await.0;
        let nobodys = passerelle::kernel::id::encode("organization", uuid::Uuid::from_u128(1));
        for organization in [foreign, nobodys] {
            let input = json!({"email": BEN, "region": "wallonie", "roles": ["MEMBER", "ADMIN"], "organization": organization});
            assert_eq!(said(own, &input).await, ["INVALID input.roles", "NOT_FOUND input.organization"]);
        }
        let input = json!({"email": BEN, "region": "wallonie", "roles": []});
        assert_eq!(said(own, &input).await, ["REQUIRED input.roles"]);
        let wrong = json!({"input": {"email": BEN, "region": "wallonie", "organization": "pictanovo"}});
        assert_eq!(ask(&server, own, INVITE, wrong).await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(waiting(&server).await, 0);
        // An administrator of the instance may invite to any region.
        account(&server.app, "root@example.org", &[(Role::Admin, "")]).await;
        let root = sign_in(&server, "root@example.org").await.access;
        assert_eq!(said(Some(&root), &json!({"email": BEN, "region": "flandre", "roles": ["REGION_ADMIN"]})).await, [""; 0]);
        let _ = organization(&server, "pictanovo").await;
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn an_invitation_ends(server) {
        let admin = chief(&server).await;
        account(&server.app, "flemish@example.org", &[(Role::RegionAdmin, "flandre")]).await;
        let foreign = sign_in(&server, "flemish@example.org").await.access;
        let id_of = |payload: &Value| payload["invitation"]["id"].as_str().unwrap().to_owned();
        let input = json!({"email": BEN, "region": "wallonie"});
        // Revoked, only by an administrator of the region.
        let token = link(&server, &admin, input.clone()).await;
        let listed = data_as(&server, &admin, LIST).await;
        let id = listed["invitations"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let revoke = async |token: &str, id: &str| mutate(&server, Some(token), REVOKE, json!({"id": id})).await;
        assert_eq!(refusals(&revoke(&foreign, &id).await), ["NOT_FOUND id"]);
        assert_eq!(data_as(&server, &foreign, LIST).await["invitations"]["totalCount"], 0);
        assert_eq!(revoke(&admin, &id).await["invitation"]["email"], BEN);
        assert_eq!(refusals(&revoke(&admin, &id).await), ["NOT_FOUND id"]);
        assert_eq!(refusals(&accept(&server, None, newcomer(&token)).await), OVER);
        // Sent again: only the last link is valid.
        let first = link(&server, &admin, input.clone()).await;
        let second = link(&server, &admin, json!({"email": BEN.to_uppercase(), "region": "wallonie"})).await;
        assert_eq!(data_as(&server, &admin, LIST).await["invitations"]["totalCount"], 1);
        assert_eq!(refusals(&accept(&server, None, newcomer(&first)).await), OVER);
        // Expired.
        server.set_clock("2026-12-06T10:00:00Z");
        let admin = sign_in(&server, CHIEF).await.access;
        assert_eq!(refusals(&accept(&server, None, newcomer(&second)).await), OVER);
        assert_eq!(data_as(&server, &admin, LIST).await["invitations"]["totalCount"], 0);
        // The inviter has lost the role.
        let token = link(&server, &admin, input.clone()).await;
        let none = Statement::from_string(server.app.db.dialect().backend(), "DELETE FROM account_role WHERE region = 'wallonie'");
        server.app.db.writer().execute_raw(none).await.unwrap();
        assert_eq!(refusals(&accept(&server, None, newcomer(&token)).await), OVER);
        // Too many invitations to one address.
        let mut limited = 0;
        for n in 0..7 {
            let input = json!({"input": {"email": BEN, "region": "flandre"}});
            let fresh = sign_in(&server, "flemish@example.org").await.access;
            let answer = ask(&server, Some(&fresh), INVITE, input).await;
            limited += i32::from(answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED");
            if n == 0 {
                id_of(&answer["data"]["inviteAccount"]);
            }
        }
        assert!(limited >= 1, "no request is rate limited");
    }
}

on_both_databases! {
    with Setup::default().with_mail().without_rate_limit();
    async fn invitations_are_listed_in_pages(server) {
        let admin = chief(&server).await;
        for n in 0..5 {
            server.set_clock(&format!("2026-11-22T10:00:0{n}Z"));
            invite(&server, &admin, json!({"email": format!("client{n}@example.org"), "region": "wallonie"})).await;
        }
        let page = async |arguments: &str| {
            let query = format!("{{ invitations({arguments}) {{ totalCount nodes {{ email }} pageInfo {{ hasNextPage endCursor }} }} }}");
            data_as(&server, &admin, &query).await["invitations"].take()
        };
        let first = page("first: 2, region: \"wallonie\"").await;
        assert_eq!(first["nodes"], json!([{"email": "client4@example.org"}, {"email": "client3@example.org"}]));
        assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(5), &json!(true)));
        let after = first["pageInfo"]["endCursor"].as_str().unwrap();
        let second = page(&format!("first: 9, region: \"wallonie\", after: \"{after}\"")).await;
        assert_eq!(second["nodes"], json!([{"email": "client2@example.org"}, {"email": "client1@example.org"}, {"email": "client0@example.org"}]));
        assert_eq!(page("region: \"flandre\"").await["totalCount"], 0);
        // Concurrent acceptances create one account.
        let token = link(&server, &admin, json!({"email": BEN, "region": "wallonie"})).await;
        let all = futures::future::join_all((0..6).map(|_| accept(&server, None, newcomer(&token)))).await;
        let made = all.iter().filter(|payload| payload["accessToken"].is_string()).count();
        assert_eq!(made, 1, "{all:?}");
    }
}
