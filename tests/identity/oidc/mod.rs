//! Tokens of other issuers: their accounts and roles, how keys are read, and attacks.

use std::time::Duration;

use entity::account;
use passerelle::identity::oidc::fetch;
use passerelle::identity::role::Role;
use ring::hmac;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::mutations::{editor, made};
use crate::on_both_databases;
use crate::support::accounts::{
    self, PASSWORD, data_as, is_good, mutate, query_as, refusals, respond, sign_in, try_sign_in,
};
use crate::support::records::{each, import, organization};
use crate::support::server::TestServer;
use crate::support::until;
use issuer::{Fault, Issuer, Key, NOW, encode, issuers, with};

mod command;
mod issuer;

const WHO: &str =
    "{ viewer { authenticated account { id email displayName language talent { id } organizations { id } }
    roles { role region { slug } } } }";

/// A server that accepts tokens of one issuer.
async fn believing(server: &TestServer, issuer: &Issuer) -> TestServer {
    server.believing(issuers(&[issuer.settings()], fetch::TIME)).await
}

/// Whether a token is refused because its issuer cannot be reached.
async fn is_unavailable(server: &TestServer, token: &str) -> bool {
    let response = respond(server, &format!("Bearer {token}"), WHO).await;
    let status = response.status().as_u16();
    let answer: Value = response.json().await.expect("an answer is JSON");
    let code = answer["errors"][0]["extensions"]["code"].clone();
    assert_eq!(status == 503, code == "UNAVAILABLE", "{answer}");
    assert!(status == 200 || answer.get("data").is_none(), "{answer}");
    status == 503
}

/// Sets the clock to this many seconds after [`NOW`].
fn set_clock(server: &TestServer, seconds: i64) {
    let now = chrono::DateTime::from_timestamp(NOW + seconds, 0).expect("a time");
    server.set_clock(&now.to_rfc3339());
}

on_both_databases! {
    async fn a_token_names_an_account_with_the_roles_that_stand_in_it(server) {
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let token = |more: Value| key.token(&key.header(), &with(&issuer.claims(), more));
        let who = data_as(&own, &token(json!({})), WHO).await["viewer"].clone();
        let id = who["account"]["id"].clone();
        let nowhere = format!("{}@no-address.invalid", id.as_str().unwrap());
        assert_eq!(who, json!({"authenticated": true,
            "account": {"id": id, "email": nowhere, "displayName": "Ana Exemple", "language": "FR", "talent": null, "organizations": []},
            "roles": [{"role": "EDITOR", "region": {"slug": "wallonie"}}]}));
        // The same subject with another token: other roles, a new name and a verified address.
        let more = json!({"realm_access": null, "name": "Ana E.", "email": "ana@example.org", "email_verified": true});
        let who = data_as(&own, &token(more), WHO).await["viewer"].clone();
        assert_eq!((&who["account"]["id"], &who["roles"]), (&id, &json!([])));
        assert_eq!((&who["account"]["displayName"], &who["account"]["email"]), (&json!("Ana E."), &json!("ana@example.org")));
        // Missing claims change nothing.
        let silent = data_as(&own, &token(json!({"name": null})), WHO).await["viewer"].clone();
        assert_eq!(silent["account"], who["account"]);
        // Another subject is another account.
        let other = data_as(&own, &token(json!({"sub": "subject-2", "locale": "nl"})), WHO).await["viewer"].clone();
        assert_ne!(other["account"]["id"], id);
        assert_eq!(other["account"]["language"], "NL");
        assert_eq!(account::Entity::find().count(server.app.db.writer()).await.unwrap(), 2);
        // A server without this issuer in its settings.
        assert!(!is_good(&server, &token(json!({}))).await);
    }
}

on_both_databases! {
    async fn an_address_takes_no_account_over(server) {
        let local = accounts::account(&server.app, "ana@example.org", &[(Role::Admin, "")]).await;
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let more = json!({"email": "ana@example.org", "email_verified": true});
        let token = key.token(&key.header(), &with(&issuer.claims(), more));
        let who = data_as(&own, &token, WHO).await["viewer"].clone();
        assert_eq!(who["account"]["email"], "ana@example.org");
        assert_ne!(who["account"]["id"], json!(passerelle::kernel::id::encode("account", local)));
        assert_eq!(who["roles"], json!([{"role": "EDITOR", "region": {"slug": "wallonie"}}]));
        // The local account is unchanged. The other account has no password and cannot get one.
        let tokens = sign_in(&server, "ana@example.org").await;
        assert_eq!(data_as(&own, &tokens.access, WHO).await["viewer"]["account"]["id"], json!(passerelle::kernel::id::encode("account", local)));
        let more = json!({"sub": "subject-2", "email": "only@example.org", "email_verified": true});
        data_as(&own, &key.token(&key.header(), &with(&issuer.claims(), more)), WHO).await;
        let refused = try_sign_in(&server, "only@example.org", PASSWORD).await;
        assert_eq!(refused["data"]["signIn"]["accessToken"], Value::Null, "{refused}");
        let set = passerelle::identity::account::set_password(&server.app, &"only@example.org".parse().unwrap(), "hash".into()).await;
        assert!(!set.unwrap());
        let with_password = account::Entity::find().filter(account::Column::PasswordHash.is_not_null());
        assert_eq!(with_password.count(server.app.db.writer()).await.unwrap(), 1);
    }
}

on_both_databases! {
    async fn an_address_that_an_issuer_names_leads_to_no_mails_or_invitations(server) {
        const BEN: &str = "ben@example.org";
        accounts::account(&server.app, "chief@example.org", &[(Role::RegionAdmin, "wallonie")]).await;
        let chief = sign_in(&server, "chief@example.org").await.access;
        let invite = format!("mutation {{ inviteAccount(input: {{email: \"{BEN}\", region: \"wallonie\"}}) {{ userErrors {{ code }} }} }}");
        assert_eq!(data_as(&server, &chief, &invite).await["inviteAccount"]["userErrors"], json!([]));
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let token = key.token(&key.header(), &with(&issuer.claims(), json!({"email": BEN, "email_verified": true})));
        assert_eq!(data_as(&own, &token, WHO).await["viewer"]["account"]["email"], BEN);
        let export = data_as(&own, &token, "{ myDataExport { json } }").await["myDataExport"]["json"].clone();
        let export: Value = serde_json::from_str(export.as_str().unwrap()).unwrap();
        assert_eq!((&export["invitations"]["received"], &export["pendingMails"]), (&json!([]), &json!([])));
    }
}

on_both_databases! {
    async fn roles_are_for_the_region_of_the_issuer(server) {
        let mut lines = Vec::new();
        for region in ["wallonie", "flandre"] {
            for level in ["MEMBERS", "PRIVATE"] {
                let slug = format!("{region}-{}", level.to_lowercase());
                lines.push(organization(region, &slug, json!({"visibility": level})));
            }
        }
        import(&server, &lines).await;
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let as_one = |roles: Value| key.token(&key.header(), &with(&issuer.claims(), json!({"realm_access": {"roles": roles}})));
        let list = "{ organizations { totalCount nodes { slug } } }";
        let editor = as_one(json!(["editors", "unknown"]));
        let seen = data_as(&own, &editor, list).await;
        assert_eq!(each(&seen["organizations"]["nodes"], "/slug"), ["flandre-members", "wallonie-members", "wallonie-private"]);
        let create = |region: &str| format!("mutation {{ createOrganization(input: {{name: \"x\", kind: \"fund\", region: \"{region}\"}}) {{ userErrors {{ code }} }} }}");
        let written = data_as(&own, &editor, &create("wallonie")).await;
        assert_eq!(written["createOrganization"]["userErrors"], json!([]));
        let refused = data_as(&own, &editor, &create("flandre")).await;
        assert_eq!(refused["createOrganization"]["userErrors"], json!([{"code": "FORBIDDEN"}]));
        // Malformed claims grant nothing and cause no error.
        for roles in [json!(1), json!(null), json!({"editors": true}), json!([["editors"]]), json!([1, {}, null]), json!("editor"), json!([""])] {
            let token = as_one(roles.clone());
            assert_eq!(data_as(&own, &token, WHO).await["viewer"]["roles"], json!([]), "{roles}");
            let refused = data_as(&own, &token, &create("wallonie")).await;
            assert_eq!(refused["createOrganization"]["userErrors"], json!([{"code": "FORBIDDEN"}]), "{roles}");
            assert_eq!(data_as(&own, &token, list).await["organizations"]["totalCount"], 3, "members' records are visible");
        }
        // A string is one value, and repeated values are one role.
        for (roles, expected) in [(json!("members"), &["MEMBER"][..]), (json!(["admins", "editors", "admins"]), &["EDITOR", "REGION_ADMIN"])] {
            assert_eq!(each(&data_as(&own, &as_one(roles), WHO).await["viewer"]["roles"], "/role"), expected);
        }
        // Many groups are accepted if they fit into a header.
        let mut groups: Vec<String> = (0..1000).map(|i| format!("g{i}")).collect();
        groups.push("editors".into());
        assert_eq!(each(&data_as(&own, &as_one(json!(groups)), WHO).await["viewer"]["roles"], "/role"), ["EDITOR"]);
        groups.extend((0..3000).map(|i| format!("h{i}")));
        assert!(!is_good(&own, &as_one(json!(groups))).await);
    }
}

on_both_databases! {
    async fn keys_are_rotated_by_the_issuer_and_unknown_ones_asked_for_at_intervals(server) {
        let (old, new) = (Key::ed("old"), Key::rsa("new", false));
        let issuer = Issuer::start(&[&old]).await;
        let own = believing(&server, &issuer).await;
        let claims = with(&issuer.claims(), json!({"exp": NOW + 1_000_000}));
        assert!(is_good(&own, &old.token(&old.header(), &claims)).await);
        assert_eq!(issuer.asked(), (1, 1));
        // The issuer publishes the new key before it signs with it.
        issuer.publish(&[&old, &new]);
        let token = new.token(&new.header(), &claims);
        assert!(!is_good(&own, &token).await, "the keys were read just now");
        set_clock(&server, 30);
        assert!(is_good(&own, &token).await);
        assert_eq!(issuer.reads(), 2);
        // Unknown key ids cause no further reads.
        for round in 0..3 {
            set_clock(&server, 60 + 30 * round);
            for i in 0..20 {
                let header = with(&new.header(), json!({"kid": format!("invented-{round}-{i}")}));
                assert!(!is_good(&own, &new.token(&header, &claims)).await);
            }
        }
        assert_eq!(issuer.reads(), 5);
        // A withdrawn key stays valid for ten minutes. Then a request triggers a read in the background.
        issuer.publish(&[&new]);
        set_clock(&server, 120 + 599);
        assert!(is_good(&own, &old.token(&old.header(), &claims)).await);
        assert_eq!(issuer.reads(), 5);
        set_clock(&server, 120 + 600);
        assert!(is_good(&own, &token).await);
        until("the keys are read again", async || issuer.reads() == 6).await;
        // The issuer's response may still be on its way. Results are cached by token, so each try needs a new token.
        let mut tokens = (0..).map(|n| old.token(&old.header(), &with(&claims, json!({"jti": n}))));
        until("the withdrawn key is good no more", async || !is_good(&own, &tokens.next().expect("another")).await).await;
        // After an hour without requests, the keys are read before a token is verified.
        let last = Key::ed("last");
        issuer.publish(&[&last]);
        set_clock(&server, 2 * 3600);
        assert!(!is_good(&own, &token).await, "withdrawn without any calls meanwhile");
        assert!(is_good(&own, &last.token(&last.header(), &claims)).await);
    }
}

on_both_databases! {
    async fn one_reads_the_keys_for_all(server) {
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let all = (0..16).map(|i| {
            let token = key.token(&key.header(), &with(&issuer.claims(), json!({"jti": i})));
            let own = &own;
            async move { is_good(own, &token).await }
        });
        assert_eq!(futures::future::join_all(all).await, [true; 16]);
        assert_eq!(issuer.asked(), (1, 1));
        assert_eq!(account::Entity::find().count(server.app.db.writer()).await.unwrap(), 1, "one account for all tokens");
    }
}

on_both_databases! {
    async fn an_issuer_that_is_down_makes_no_token_bad(server) {
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        // A server with a short time-out: enough to detect an issuer that does not respond.
        let hurried = server.believing(issuers(&[issuer.settings()], Duration::from_millis(100))).await;
        let claims = with(&issuer.claims(), json!({"exp": NOW + 1_000_000}));
        let token = |n: i64| key.token(&key.header(), &with(&claims, json!({"jti": n})));
        let mut at = 0;
        for fault in [Fault::Missing, Fault::Silent, Fault::Endless, Fault::Moved, Fault::Garbage, Fault::NoSet] {
            let by = if fault == Fault::Silent { &hurried } else { &own };
            issuer.store().fault = fault;
            assert!(is_unavailable(by, &token(at)).await, "{fault:?}");
            let reads = issuer.store().configurations;
            assert!(is_unavailable(by, &token(at)).await, "{fault:?}");
            assert_eq!(issuer.store().configurations, reads, "asked just now");
            // A token that no key can make valid is still refused.
            assert!(!is_good(by, &key.token(&key.header(), &with(&claims, json!({"aud": "others"})))).await);
            at += 5;
            set_clock(&server, at);
        }
        issuer.store().fault = Fault::None;
        for configuration in [
            json!({"issuer": "https://other.example"}), json!({"issuer": format!("{}/", issuer.url)}), json!({"issuer": null}),
            json!({"jwks_uri": null}), json!({"jwks_uri": "http://keys.example/"}), json!({"jwks_uri": "file:///etc/passwd"}),
        ] {
            issuer.store().configuration = configuration.clone();
            assert!(is_unavailable(&own, &token(at)).await, "{configuration}");
            at += 5;
            set_clock(&server, at);
        }
        issuer.store().configuration = Value::Null;
        assert!(is_good(&own, &token(at)).await);
        // Down again: its keys stay in use for a day. A token signed with an unknown key may be valid.
        issuer.store().fault = Fault::Missing;
        for hours in [1, 2, 12, 23] {
            set_clock(&server, at + hours * 3600);
            assert!(is_good(&own, &token(at + hours)).await, "{hours}");
            let header = with(&key.header(), json!({"kid": "new"}));
            assert!(is_unavailable(&own, &key.token(&header, &claims)).await);
        }
        set_clock(&server, at + 24 * 3600);
        assert!(is_unavailable(&own, &token(at + 24)).await);
        issuer.store().fault = Fault::None;
        set_clock(&server, at + 24 * 3600 + 5);
        assert!(is_good(&own, &token(at + 24)).await);
    }
}

on_both_databases! {
    async fn nobody_waits_for_the_issuer_of_others(server) {
        accounts::account(&server.app, "ana@example.org", &[]).await;
        let (one, other) = (Key::ed("k"), Key::ec("k"));
        let (silent, lively) = (Issuer::start(&[&one]).await, Issuer::start(&[&other]).await);
        silent.store().fault = Fault::Silent;
        let own = server.believing(issuers(&[silent.settings(), lively.settings()], Duration::from_mins(10))).await;
        let token = one.token(&one.header(), &silent.claims());
        let url = own.url("/graphql");
        let body = json!({"query": "{ viewer { authenticated } }"});
        let waiting = tokio::spawn(own.client.post(url).bearer_auth(token).json(&body).send());
        until("the silent one is asked", async || silent.store().configurations == 1).await;
        assert!(is_good(&own, &other.token(&other.header(), &lively.claims())).await);
        let access = sign_in(&own, "ana@example.org").await.access;
        assert!(is_good(&own, &access).await);
        assert!(!is_good(&own, "nonsense").await);
        assert!(!waiting.is_finished());
        silent.wake();
        let answer: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
        assert_eq!(answer, json!({"data": {"viewer": {"authenticated": true}}}));
    }
}

on_both_databases! {
    async fn a_token_is_good_until_it_expires_and_no_longer(server) {
        let key = Key::ec("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let token = key.token(&key.header(), &with(&issuer.claims(), json!({"exp": NOW + 3, "nbf": null, "iat": null})));
        let statements = || server.statements();
        assert!(is_good(&own, &token).await);
        let before = statements();
        set_clock(&server, 2);
        assert!(is_good(&own, &token).await);
        assert_eq!(statements(), before, "remembered");
        set_clock(&server, 3);
        assert!(!is_good(&own, &token).await, "although the cache keeps it for longer");
    }
}

on_both_databases! {
    async fn every_algorithm_of_the_settings_is_good_and_no_other(server) {
        let keys = [Key::ed("a"), Key::ec("b"), Key::rsa("c", false), Key::rsa("d", true)];
        let issuer = Issuer::start(&keys.each_ref()).await;
        let own = believing(&server, &issuer).await;
        let strict = with(&issuer.settings(), json!({"algorithms": ["ES256"], "jwks_uri": format!("{}/keys", issuer.url)}));
        let strict = server.believing(issuers(&[strict], fetch::TIME)).await;
        for key in &keys {
            let token = key.token(&key.header(), &issuer.claims());
            assert!(is_good(&own, &token).await, "{}", key.algorithm);
            assert_eq!(is_good(&strict, &token).await, key.algorithm == "ES256", "{}", key.algorithm);
            for typ in [json!("at+jwt"), json!("application/AT+JWT"), json!(null)] {
                assert!(is_good(&own, &key.token(&with(&key.header(), json!({"typ": typ})), &issuer.claims())).await, "{typ}");
            }
            // The id of a key of another algorithm. Without an id, several keys are ambiguous.
            for other in keys.iter().filter(|other| other.algorithm != key.algorithm) {
                let header = with(&key.header(), json!({"kid": other.id()}));
                assert!(!is_good(&own, &key.token(&header, &issuer.claims())).await);
                let header = with(&key.header(), json!({"alg": other.algorithm}));
                assert!(!is_good(&own, &key.token(&header, &issuer.claims())).await);
            }
            assert!(!is_good(&own, &key.token(&with(&key.header(), json!({"kid": null})), &issuer.claims())).await);
        }
    }
}

on_both_databases! {
    async fn a_fresh_sign_in_at_the_issuer_shows_that_the_person_is_there(server) {
        const ERASE: &str = "mutation($id: ID!, $password: String) { eraseTalent(id: $id, password: $password) {
            deletedId scheduledFor userErrors { code reason path message } } }";
        let key = Key::ed("k");
        let issuer = Issuer::start(&[&key]).await;
        let own = believing(&server, &issuer).await;
        let token = |more: Value| key.token(&key.header(), &with(&issuer.claims(), more));
        data_as(&own, &token(json!({})), WHO).await;
        let region = server.beside(editor(&["wallonie"])).await;
        let id = made(&region, "talent", json!({"displayName": "Ana", "region": "wallonie"})).await;
        let talent = passerelle::kernel::id::decode_any("", &id).expect("an id").1;
        let theirs = account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(talent));
        theirs.exec(server.app.db.writer()).await.expect("the profile is linked");
        own.app.identity.callers().forget_all();
        for (more, password) in [
            (json!({"auth_time": NOW - 300}), None),
            // The account has no local password.
            (json!({"auth_time": NOW - 300}), Some(PASSWORD)),
            (json!({"auth_time": null, "iat": NOW - 300}), None),
        ] {
            let refused = mutate(&own, Some(&token(more)), ERASE, json!({"id": id, "password": password})).await;
            assert_eq!(refusals(&refused), ["REQUIRED/PASSWORD_REQUIRED password"]);
            assert_eq!((&refused["deletedId"], &refused["scheduledFor"]), (&Value::Null, &Value::Null));
        }
        let done = mutate(&own, Some(&token(json!({"auth_time": NOW - 299}))), ERASE, json!({ "id": id })).await;
        assert_eq!((refusals(&done), &done["deletedId"]), (Vec::new(), &Value::Null));
        assert!(done["scheduledFor"].is_string(), "{done}");
    }
}

on_both_databases! {
    async fn a_key_without_a_name_is_the_only_one(server) {
        let (mut old, mut new) = (Key::ec(""), Key::ec(""));
        for key in [&mut old, &mut new] {
            key.jwk = with(&key.jwk, json!({"kid": null}));
        }
        let issuer = Issuer::start(&[&old]).await;
        let own = believing(&server, &issuer).await;
        let token = |key: &Key| key.token(&json!({"alg": "ES256"}), &issuer.claims());
        assert!(is_good(&own, &token(&old)).await);
        issuer.publish(&[&new]);
        set_clock(&server, 30);
        assert!(is_good(&own, &token(&new)).await, "rotated without a key id");
        assert!(!is_good(&own, &token(&old)).await);
        assert_eq!(issuer.reads(), 2);
    }
}

on_both_databases! {
    async fn no_attack_makes_a_token_good(server) {
        accounts::account(&server.app, "ana@example.org", &[]).await;
        let (key, foreign) = (Key::rsa("k", false), Key::ed("k"));
        let issuer = Issuer::start(&[&key]).await;
        let other = Issuer::start(&[&foreign]).await;
        let settings = [issuer.settings(), with(&other.settings(), json!({"region": "flandre"}))];
        let own = server.believing(issuers(&settings, fetch::TIME)).await;
        let (header, claims) = (key.header(), issuer.claims());
        let good = key.token(&header, &claims);
        assert!(is_good(&own, &good).await);
        let mut bad = Vec::new();
        // Unsigned, or signed with public data.
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let header = with(&header, json!({"alg": alg}));
            bad.push(format!("{}.{}.", encode(header.to_string()), encode(claims.to_string())));
            bad.push(key.token(&header, &claims));
        }
        let n = key.jwk["n"].as_str().unwrap();
        for secret in [key.public(), n.as_bytes().to_vec(), key.jwk.to_string().into_bytes()] {
            for alg in ["HS256", "RS256"] {
                let message = format!("{}.{}", encode(with(&header, json!({"alg": alg})).to_string()), encode(claims.to_string()));
                let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
                bad.push(format!("{message}.{}", encode(signature)));
            }
        }
        // Keys in the header supplied by an attacker, and header members that must be understood.
        let forged = |header: &Value| foreign.token(&with(header, json!({"alg": "EdDSA"})), &claims);
        bad.push(forged(&header));
        for (member, value) in [
            ("jwk", foreign.jwk.clone()), ("jku", json!(format!("{}/keys", other.url))), ("x5u", json!("https://attacker.example/c.pem")),
            ("x5c", json!(["MIIB"])), ("crit", json!(["exp"])), ("crit", json!([])), ("b64", json!(false)), ("cty", json!("JWT")),
            ("zip", json!("DEF")), ("enc", json!("A256GCM")),
        ] {
            let header = with(&header, json!({member: value}));
            bad.push(key.token(&header, &claims));
            bad.push(forged(&header));
        }
        for kid in [json!("../../etc/passwd"), json!("' OR 1=1 --"), json!(1), json!("")] {
            bad.push(key.token(&with(&header, json!({"kid": kid})), &claims));
        }
        for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "id", ""] {
            bad.push(key.token(&with(&header, json!({"typ": typ})), &claims));
        }
        // Wrong audience, issuer, time or subject.
        for more in [
            json!({"aud": "others"}), json!({"aud": ["others"]}), json!({"aud": []}), json!({"aud": null}), json!({"aud": {"passerelle": 1}}),
            json!({"iss": "https://attacker.example"}), json!({"iss": format!("{}/", issuer.url)}), json!({"iss": [issuer.url]}), json!({"iss": null}),
            json!({"iss": other.url}),
            json!({"exp": NOW}), json!({"exp": NOW - 1}), json!({"exp": null}), json!({"exp": "tomorrow"}), json!({"exp": 1e300}), json!({"exp": -1}),
            json!({"nbf": NOW + 120}), json!({"nbf": "now"}), json!({"iat": NOW + 120}),
            json!({"sub": null}), json!({"sub": ""}), json!({"sub": 1}), json!({"sub": "a\u{0}b"}), json!({"sub": "x".repeat(256)}),
            json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
        ] {
            bad.push(key.token(&header, &with(&claims, more)));
        }
        // In the name of this server.
        let access = sign_in(&own, "ana@example.org").await.access;
        let parts: Vec<&str> = access.split('.').collect();
        let decoded = |part: &str| -> Value {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        let (own_header, own_claims) = (decoded(parts[0]), decoded(parts[1]));
        bad.push(foreign.token(&own_header, &own_claims));
        bad.push(key.token(&header, &own_claims));
        bad.push(foreign.token(&own_header, &with(&own_claims, json!({"iss": issuer.url, "aud": issuer::AUDIENCE}))));
        bad.push(key.token(&header, &with(&claims, json!({"iss": own_claims["iss"]}))));
        bad.push(key.token(&header, &with(&claims, json!({"iss": own_claims["iss"], "aud": own_claims["aud"]}))));
        // Changed, truncated and duplicated parts.
        let parts: Vec<&str> = good.split('.').collect();
        let more = encode(with(&claims, json!({"realm_access": {"roles": ["admins"]}})).to_string());
        bad.extend([
            format!("{}.{more}.{}", parts[0], parts[2]), format!("{}.{}", parts[0], parts[1]), format!("{}.{}.", parts[0], parts[1]),
            format!("{good}."), format!("{good}AA"), format!(".{good}"),
            key.token_of_text(&header.to_string().replacen('{', "{\"alg\":\"none\",", 1), &claims.to_string()),
            key.token_of_text(&header.to_string(), &claims.to_string().replacen('{', "{\"iss\":\"x\",", 1)),
            key.token_of_text(&header.to_string(), &claims.to_string().replacen('{', "{\"sub\":\"x\",", 1)),
            key.token_of_text(&header.to_string(), "[]"), key.token_of_text("null", &claims.to_string()),
        ]);
        for token in &bad {
            assert!(!is_good(&own, token).await, "{token}");
        }
        // All get the same response, and none created an account.
        let said = query_as(&own, &bad[0], WHO).await;
        for token in &bad {
            assert_eq!(query_as(&own, token, WHO).await, said);
        }
        assert_eq!(account::Entity::find().count(server.app.db.writer()).await.unwrap(), 2);
        assert!(is_good(&own, &good).await);
    }
}
