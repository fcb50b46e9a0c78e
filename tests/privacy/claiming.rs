//! Claiming a profile by invitation.

use passerelle::identity::role::Role;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::claim_for;
use crate::mutations::{editor, made, number};
use crate::on_both_databases;
use crate::support::accounts::{PASSWORD, account, data_as, mutate, refusals, sign_in};
use crate::support::server::{Setup, TestServer};

const INVITE: &str = "mutation($talent: ID!, $email: EmailAddress!, $language: Language) { inviteTalent(talent: $talent, email: $email, language: $language) {
    invitation { email language region { slug } roles talent { displayName } expiresAt } userErrors { code reason path message } } }";
const CLAIM: &str = "mutation($token: String!, $consent: ConsentInput) { claimTalent(token: $token, consent: $consent) {
    talent { id displayName claimed legalBasis visibility email consents { purpose } } userErrors { code reason path message } } }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    accessToken viewer { account { email talent { id claimed } } roles { role } } userErrors { code reason path message } } }";
const ME: &str = "{ viewer { account { talent { id } } } }";

fn agreed() -> Value {
    json!({"version": 1, "language": "NL"})
}

/// A private profile in Wallonia.
async fn profile(server: &TestServer) -> String {
    let region = server.beside(editor(&["wallonie"])).await;
    made(&region, "talent", json!({"displayName": "Ana", "region": "wallonie", "email": "ana@example.org"}))
        .await
}

/// The access token of an account with a role in a region.
async fn staff(server: &TestServer, email: &str, role: Role, region: &str) -> String {
    account(&server.app, email, &[(role, region)]).await;
    sign_in(server, email).await.access
}

async fn invite(server: &TestServer, by: &str, talent: &str, email: &str) -> Value {
    mutate(server, Some(by), INVITE, json!({"talent": talent, "email": email})).await
}

/// Invites, and returns the token of the mail.
async fn link(server: &TestServer, by: &str, talent: &str, email: &str) -> String {
    server.forget_mails().await;
    let payload = invite(server, by, talent, email).await;
    assert_eq!(refusals(&payload), [""; 0], "{payload}");
    server.mail_to(email).await.token("invitation")
}

async fn claim(server: &TestServer, by: Option<&str>, token: &str, consent: Value) -> Value {
    mutate(server, by, CLAIM, json!({"token": token, "consent": consent})).await
}

const OVER: [&str; 1] = ["INVALID/TOKEN_NOT_GOOD token"];

on_both_databases! {
    with Setup::default().with_mail();
    async fn somebody_who_is_signed_in_claims_the_profile_that_they_were_invited_to(server) {
        let talent = profile(&server).await;
        let editor = staff(&server, "editor@example.org", Role::Editor, "wallonie").await;
        let payload = mutate(&server, Some(&editor), INVITE, json!({"talent": talent, "email": "ana@example.org", "language": "DE"})).await;
        assert_eq!(payload["invitation"], json!({"email": "ana@example.org", "language": "DE", "region": {"slug": "wallonie"}, "roles": [],
            "talent": {"displayName": "Ana"}, "expiresAt": "2026-12-06T10:00:00Z"}));
        let mail = server.mail_to("ana@example.org").await;
        assert_eq!(mail.subject, "Ihr Profil im Verzeichnis (Wallonien)");
        assert!(!mail.text.contains("Ana"));
        let token = mail.token("invitation");

        account(&server.app, "ana@work.example", &[]).await;
        let ana = sign_in(&server, "ana@work.example").await.access;
        assert_eq!(data_as(&server, &ana, ME).await["viewer"]["account"]["talent"], Value::Null);
        // Errors do not use up the token.
        assert_eq!(refusals(&claim(&server, None, &token, agreed()).await), ["FORBIDDEN/NOT_SIGNED_IN "]);
        assert_eq!(refusals(&claim(&server, Some(&ana), &token, Value::Null).await), ["REQUIRED/CONSENT_REQUIRED consent"]);
        assert_eq!(refusals(&claim(&server, Some(&ana), &token, json!({"version": 9, "language": "FR"})).await), ["INVALID/CONSENT_OUTDATED consent.version"]);
        for bad in ["", "nonsense", "\u{0}", &token[1..], &format!("{token}A")] {
            assert_eq!(refusals(&claim(&server, Some(&ana), bad, agreed()).await), OVER, "{bad}");
        }
        let payload = claim(&server, Some(&ana), &token, agreed()).await;
        assert_eq!(refusals(&payload), [""; 0], "{payload}");
        // The payload is read with the person's new rights.
        assert_eq!(payload["talent"], json!({"id": talent, "displayName": "Ana", "claimed": true, "legalBasis": "CONSENT", "visibility": "PRIVATE",
            "email": "ana@example.org", "consents": [{"purpose": "CLAIM"}]}));
        assert_eq!(data_as(&server, &ana, ME).await["viewer"]["account"]["talent"]["id"], json!(talent));
        // The history names the account as the actor.
        let history = data_as(&server, &editor, &format!("{{ history(id: \"{talent}\", first: 1) {{ nodes {{ action actor fields }} }} }}")).await;
        assert_eq!(history["history"]["nodes"], json!([{"action": "UPDATE", "actor": "ACCOUNT", "fields": ["claimed"]}]));
        // The token is used up.
        assert_eq!(refusals(&claim(&server, Some(&ana), &token, agreed()).await), OVER);
        assert_eq!(refusals(&invite(&server, &editor, &talent, "ana@example.org").await), ["NOT_ALLOWED_IN_STATE/ALREADY_CLAIMED talent"]);
        assert_eq!((number(&server, "SELECT COUNT(*) FROM invitation").await, number(&server, "SELECT COUNT(*) FROM one_time_token").await), (0, 0));
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn somebody_new_makes_an_account_with_their_profile(server) {
        let talent = profile(&server).await;
        let editor = staff(&server, "editor@example.org", Role::Editor, "wallonie").await;
        let token = link(&server, &editor, &talent, "ana@example.org").await;
        let input = |consent: Value| json!({"input": {"token": token, "password": PASSWORD, "displayName": "Ana", "consent": consent}});
        let wrong = json!({"input": {"token": token, "password": "x", "displayName": "Ana"}});
        assert_eq!(refusals(&mutate(&server, None, ACCEPT, wrong).await), ["INVALID/PASSWORD_TOO_SHORT input.password", "REQUIRED/CONSENT_REQUIRED input.consent"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account").await, 1);
        let payload = mutate(&server, None, ACCEPT, input(agreed())).await;
        assert_eq!(refusals(&payload), [""; 0], "{payload}");
        assert_eq!(payload["viewer"], json!({"account": {"email": "ana@example.org", "talent": {"id": talent, "claimed": true}}, "roles": []}));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM consent").await, 1);
        let ana = payload["accessToken"].as_str().unwrap();
        assert_eq!(data_as(&server, ana, ME).await["viewer"]["account"]["talent"]["id"], json!(talent));
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn an_invitation_that_cannot_be_kept_any_more_makes_nothing(server) {
        let talent = profile(&server).await;
        let editor = staff(&server, "editor@example.org", Role::Editor, "wallonie").await;
        let token = link(&server, &editor, &talent, "ana@example.org").await;
        let ben = account(&server.app, "ben@example.org", &[]).await;
        let other = made(&server.beside(crate::mutations::editor(&["wallonie"])).await, "talent", json!({"displayName": "Ben", "region": "wallonie"})).await;
        assert_eq!(claim_for(&server, ben, &other, Some(1)).await, [""; 0]);
        let as_ben = sign_in(&server, "ben@example.org").await.access;
        assert_eq!(refusals(&claim(&server, Some(&as_ben), &token, agreed()).await), ["NOT_ALLOWED_IN_STATE/HAS_PROFILE token"]);
        // Another account has claimed it meanwhile: no account is created.
        let eva = account(&server.app, "eva@example.org", &[]).await;
        assert_eq!(claim_for(&server, eva, &talent, Some(1)).await, [""; 0]);
        let input = json!({"input": {"token": token, "password": PASSWORD, "displayName": "Ana", "consent": agreed()}});
        assert_eq!(refusals(&mutate(&server, None, ACCEPT, input).await), ["NOT_ALLOWED_IN_STATE/ALREADY_CLAIMED input.token"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account").await, 3);
        // The inviter must still have write access when the invitation is accepted.
        let third = profile(&server).await;
        let token = link(&server, &editor, &third, "carla@example.org").await;
        server.app.db.writer().execute_unprepared("DELETE FROM account_role WHERE role = 'EDITOR'").await.unwrap();
        account(&server.app, "carla@example.org", &[]).await;
        let carla = sign_in(&server, "carla@example.org").await.access;
        assert_eq!(refusals(&claim(&server, Some(&carla), &token, agreed()).await), OVER);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM talent WHERE claimed").await, 2);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn only_those_who_write_the_region_invite_and_the_last_link_is_good(server) {
        let talent = profile(&server).await;
        let absent = "talent_01h455vb4pex5vsknk084sn02q";
        let moderator = staff(&server, "moderator@example.org", Role::Moderator, "wallonie").await;
        let stranger = staff(&server, "stranger@example.org", Role::Editor, "flandre").await;
        assert_eq!(refusals(&invite(&server, &moderator, &talent, "ana@example.org").await), ["FORBIDDEN talent"]);
        let hidden = invite(&server, &stranger, &talent, "ana@example.org").await;
        assert_eq!((refusals(&hidden), &hidden), (vec!["NOT_FOUND talent".to_owned()], &invite(&server, &stranger, absent, "ana@example.org").await));
        let nobody = mutate(&server, None, INVITE, json!({"talent": talent, "email": "ana@example.org"})).await;
        assert_eq!(refusals(&nobody), ["FORBIDDEN/NOT_SIGNED_IN "]);
        let admin = staff(&server, "admin@example.org", Role::Admin, "").await;
        let editor = staff(&server, "editor@example.org", Role::RegionAdmin, "wallonie").await;
        let first = link(&server, &admin, &talent, "ana@example.org").await;
        // An invitation to a role is independent of it.
        let role = "mutation { inviteAccount(input: {email: \"ana@example.org\", region: \"wallonie\"}) { userErrors { code reason path message } } }";
        assert_eq!(refusals(&mutate(&server, Some(&editor), role, json!({})).await), [""; 0]);
        let second = link(&server, &editor, &talent, "ana@elsewhere.example").await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM invitation").await, 2);
        account(&server.app, "ana@example.org", &[]).await;
        let ana = sign_in(&server, "ana@example.org").await.access;
        let export = data_as(&server, &ana, "{ myDataExport { json } }").await["myDataExport"]["json"].as_str().unwrap().to_owned();
        let export: Value = serde_json::from_str(&export).unwrap();
        assert_eq!(export["invitations"]["received"].as_array().map(Vec::len), Some(1));
        assert_eq!(refusals(&claim(&server, Some(&ana), &first, agreed()).await), OVER);
        assert_eq!(refusals(&claim(&server, Some(&ana), &second, agreed()).await), [""; 0]);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn of_many_who_claim_at_once_one_does(server) {
        let talent = profile(&server).await;
        let editor = staff(&server, "editor@example.org", Role::Editor, "wallonie").await;
        let token = link(&server, &editor, &talent, "ana@example.org").await;
        let mut all = Vec::new();
        for number in 0..8 {
            let email = format!("a{number}@example.org");
            account(&server.app, &email, &[]).await;
            all.push(sign_in(&server, &email).await.access);
        }
        let claims = all.iter().map(|access| claim(&server, Some(access), &token, agreed()));
        let answers = futures::future::join_all(claims).await;
        let done = answers.iter().filter(|answer| refusals(answer).is_empty()).count();
        assert_eq!(done, 1, "{answers:?}");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account WHERE talent_id IS NOT NULL").await, 1);
        assert_eq!((number(&server, "SELECT COUNT(*) FROM consent").await, number(&server, "SELECT COUNT(*) FROM change_log").await), (1, 2));
    }
}
