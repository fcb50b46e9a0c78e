//! Password recovery.

use passerelle::identity::role::Role;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{
    PASSWORD, account, ask, is_good, mutate, refresh, refusals, sign_in, try_sign_in,
};
use crate::support::mail::{number, waiting};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

const ANA: &str = "Ana.Exemple@Example.org";
const NEW: &str = "another horse battery";

const REQUEST: &str =
    "mutation($email: EmailAddress!) { requestPasswordReset(email: $email) { userErrors { code } } }";
const RESET: &str = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) {
    userErrors { code reason path message } } }";
const CHANGE: &str = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
    userErrors { code reason path message } } }";

async fn request(server: &TestServer, email: &str) -> Value {
    ask(server, None, REQUEST, json!({ "email": email })).await
}

async fn reset(server: &TestServer, token: &str, password: &str) -> Vec<String> {
    refusals(&mutate(server, None, RESET, json!({"input": {"token": token, "password": password}})).await)
}

async fn change(server: &TestServer, token: Option<&str>, current: &str, new: &str) -> Vec<String> {
    let input = json!({"input": {"currentPassword": current, "newPassword": new}});
    refusals(&mutate(server, token, CHANGE, input).await)
}

/// The token of a new password reset mail.
async fn link(server: &TestServer, email: &str) -> String {
    server.forget_mails().await;
    assert_eq!(request(server, email).await, json!({"data": {"requestPasswordReset": {"userErrors": []}}}));
    server.mail_to(ANA).await.token("password-reset")
}

const OVER: [&str; 1] = ["INVALID/TOKEN_NOT_GOOD input.token"];

on_both_databases! {
    with Setup::default().with_mail();
    async fn who_has_forgotten_a_password_chooses_another(server) {
        account(&server.app, ANA, &[(Role::Editor, "wallonie")]).await;
        let before = sign_in(&server, ANA).await;
        // The address is compared without case. The mail goes to the stored address.
        let token = link(&server, "ANA.EXEMPLE@EXAMPLE.ORG").await;
        assert!(token.starts_with("passerelle_reset_"));
        let mail = server.mail_to(ANA).await;
        assert_eq!(mail.subject, "Un nouveau mot de passe");
        // Input errors are reported at once, and do not use up the token.
        assert_eq!(reset(&server, &token, "").await, ["REQUIRED input.password"]);
        assert_eq!(reset(&server, &token, "x").await, ["INVALID/PASSWORD_TOO_SHORT input.password"]);
        assert_eq!(reset(&server, &token, &"é".repeat(1000)).await, ["TOO_LONG input.password"]);
        assert_eq!(reset(&server, "nonsense", "x").await, [OVER[0], "INVALID/PASSWORD_TOO_SHORT input.password"]);
        assert!(is_good(&server, &before.access).await);
        assert_eq!(reset(&server, &token, NEW).await, [""; 0]);
        // All sessions have ended at once.
        assert!(!is_good(&server, &before.access).await);
        assert_eq!(refresh(&server, &before.refresh).await, None);
        let answer = try_sign_in(&server, ANA, PASSWORD).await;
        assert_eq!(answer["data"]["signIn"]["userErrors"][0]["reason"], "WRONG_CREDENTIALS");
        let answer = try_sign_in(&server, ANA, NEW).await;
        assert!(answer["data"]["signIn"]["accessToken"].is_string(), "{answer}");
        // The token is used up.
        assert_eq!(reset(&server, &token, PASSWORD).await, OVER);
        let told = server.mails_to(ANA).await;
        assert!(told.iter().any(|mail| mail.subject == "Votre mot de passe a été modifié"), "{told:?}");
    }
}

on_both_databases! {
    with Setup::default().with_mail().without_rate_limit();
    async fn a_link_is_good_for_an_hour_and_only_the_last(server) {
        let id = account(&server.app, ANA, &[]).await;
        let first = link(&server, ANA).await;
        let second = link(&server, ANA).await;
        assert_eq!(reset(&server, &first, NEW).await, OVER);
        server.set_clock("2026-11-22T11:00:00Z");
        assert_eq!(reset(&server, &second, NEW).await, OVER);
        let third = link(&server, ANA).await;
        server.set_clock("2026-11-22T11:59:59Z");
        assert_eq!(reset(&server, &third, NEW).await, [""; 0]);
        // Tokens of other purposes or formats, and overlong ones.
        let fourth = link(&server, ANA).await;
        let own = fourth.strip_prefix("passerelle_reset_").unwrap();
        let tokens = sign_in_with(&server, NEW).await;
        for wrong in [
            String::new(),
            own.to_owned(),
            format!("passerelle_invitation_{own}"),
            format!("passerelle_refresh_{own}"),
            format!("{fourth}A"),
            fourth[..fourth.len() - 1].to_owned(),
            fourth.to_uppercase(),
            format!(" {fourth}"),
            "a".repeat(10_000),
            "\u{0}é\n".to_owned(),
            tokens,
        ] {
            assert_eq!(reset(&server, &wrong, PASSWORD).await, OVER, "{wrong}");
        }
        // The account is deleted.
        let gone = Statement::from_string(server.app.db.dialect().backend(), "DELETE FROM account");
        server.app.db.writer().execute_raw(gone).await.unwrap();
        assert_eq!(reset(&server, &fourth, PASSWORD).await, OVER, "{id}");
    }
}

async fn sign_in_with(server: &TestServer, password: &str) -> String {
    let answer = try_sign_in(server, ANA, password).await;
    answer["data"]["signIn"]["refreshToken"].as_str().expect("a token").to_owned()
}

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn nobody_learns_by_it_whether_there_is_an_account(server) {
        account(&server.app, ANA, &[]).await;
        let rows = async || {
            let count = async |table: &str| number(&server, &format!("SELECT COUNT(*) FROM {table}")).await;
            [count("mail_outbox").await, count("one_time_token").await, count("account").await]
        };
        let mut costs = Vec::new();
        for email in [ANA, "nobody@example.org", "\"odd one\"@[IPv6:2001:db8::1]"] {
            let before = (server.app.identity.hashing().computed(), server.statements(), rows().await);
            assert_eq!(request(&server, email).await, json!({"data": {"requestPasswordReset": {"userErrors": []}}}));
            let after = (server.app.identity.hashing().computed(), server.statements(), rows().await);
            let written: Vec<i64> = after.2.iter().zip(before.2).map(|(after, before)| after - before).collect();
            costs.push((after.0 - before.0, after.1 - before.1, written));
        }
        assert_eq!(costs[0], (0, 0, vec![1, 1, 0]));
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
        // Mails to nobody look like mails to somebody.
        let lengths = "SELECT COUNT(*) FROM mail_outbox WHERE length(address_hash) = 32 AND attempts = 0";
        assert_eq!(number(&server, lengths).await, 3);
        let answer = request(&server, "no address").await;
        let told = &answer["data"]["requestPasswordReset"]["userErrors"];
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{answer}");
        assert_eq!(number(&server, lengths).await, 3);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn nothing_is_sent_where_there_is_no_password(server) {
        account(&server.app, ANA, &[]).await;
        let none = Statement::from_string(server.app.db.dialect().backend(), "UPDATE account SET password_hash = NULL");
        server.app.db.writer().execute_raw(none).await.unwrap();
        request(&server, ANA).await;
        request(&server, "nobody@example.org").await;
        until("they are dropped", async || waiting(&server).await == 0).await;
        assert_eq!(server.mails(), []);
    }
}

on_both_databases! {
    async fn asking_has_limits_whether_or_not_there_is_an_account(server) {
        account(&server.app, ANA, &[]).await;
        for email in [ANA, "nobody@example.org"] {
            for _ in 0..3 {
                assert_eq!(request(&server, email).await.get("errors"), None);
            }
            let answer = request(&server, &email.to_uppercase()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{answer}");
            assert_eq!(answer["errors"][0]["extensions"]["retryAfterMs"], 20 * 60_000);
        }
        let mut limited = 0;
        for n in 0..30 {
            limited += i32::from(request(&server, &format!("nobody{n}@example.org")).await.get("errors").is_some());
        }
        assert_eq!(limited, 8);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn who_knows_the_password_changes_it(server) {
        account(&server.app, ANA, &[]).await;
        let (own, other) = (sign_in(&server, ANA).await, sign_in(&server, ANA).await);
        let token = link(&server, ANA).await;
        let own_token = Some(own.access.as_str());
        assert_eq!(change(&server, None, PASSWORD, NEW).await, ["FORBIDDEN/NOT_SIGNED_IN input"]);
        assert_eq!(change(&server, own_token, "", "x").await,
            ["INVALID/PASSWORD_TOO_SHORT input.newPassword", "REQUIRED input.currentPassword"]);
        assert_eq!(change(&server, own_token, &"a".repeat(1000), &"a".repeat(1000)).await,
            ["TOO_LONG input.newPassword", "TOO_LONG input.currentPassword"]);
        assert_eq!(change(&server, own_token, "wrong", NEW).await, ["INVALID/WRONG_PASSWORD input.currentPassword"]);
        assert!(is_good(&server, &other.access).await);
        assert_eq!(change(&server, own_token, PASSWORD, NEW).await, [""; 0]);
        // This session continues, the others have ended, and reset links are invalid.
        assert!(is_good(&server, &own.access).await && !is_good(&server, &other.access).await);
        assert!(refresh(&server, &own.refresh).await.is_some());
        assert_eq!(refresh(&server, &other.refresh).await, None);
        assert_eq!(reset(&server, &token, PASSWORD).await, OVER);
        sign_in_with(&server, NEW).await;
        // Guessing within a stolen session is limited like signing in.
        let own = own_token;
        let mut answers = Vec::new();
        for _ in 0..11 {
            let input = json!({"input": {"currentPassword": "wrong", "newPassword": PASSWORD}});
            answers.push(ask(&server, own, CHANGE, input).await);
        }
        assert_eq!(answers[8].get("errors"), None);
        assert_eq!(answers[10]["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{}", answers[10]);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn of_those_who_use_a_link_at_once_one_does(server) {
        account(&server.app, ANA, &[]).await;
        let token = link(&server, ANA).await;
        let passwords: Vec<String> = (0..8).map(|n| format!("{NEW} {n}")).collect();
        let all = futures::future::join_all(passwords.iter().map(|password| reset(&server, &token, password))).await;
        assert_eq!(all.iter().filter(|refusals| refusals.is_empty()).count(), 1, "{all:?}");
        assert!(all.iter().all(|refusals| refusals.is_empty() || *refusals == OVER), "{all:?}");
    }
}
