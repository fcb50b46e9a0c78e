//! Scheduled erasures: the profile is hidden and the person gets a mail. The erasure can be stopped until it is due.

use entity::account;
use passerelle::directory::talent::erasing::run_due;
use passerelle::identity::role::Role;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{claim_for, somebody, uuid_of};
use crate::mutations::{delete, editor, made, number, reason, told, update};
use crate::on_both_databases;
use crate::push::{batch, item, partner, push_input, sources, statuses};
use crate::support::accounts::{self, PASSWORD, data_as, mutate, refusals, sign_in};
use crate::support::mail::Letter;
use crate::support::place::Partner;
use crate::support::records::{import, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

const ANA: &str = "ana@example.org";
const ERASE: &str = "mutation($id: ID!, $password: String) { eraseTalent(id: $id, password: $password) {
    deletedId scheduledFor userErrors { code reason path message } } }";
const STOP: &str = "mutation($id: ID, $token: String) { stopErasure(id: $id, token: $token) {
    talentId userErrors { code reason path message } } }";
const SHOW: &str = "mutation($id: ID!) { updateTalent(id: $id, input: {visibility: PUBLIC}, consent: {version: 1, language: FR}) {
    talent { visibility } userErrors { code reason path message } } }";

/// The id of a public, claimed profile, and an access token of its owner.
async fn shown(server: &TestServer) -> (String, String) {
    let (id, token) = somebody(server, ANA, json!({"displayName": "Ana", "region": "wallonie"})).await;
    assert_eq!(told(&mutate(server, Some(&token), SHOW, json!({ "id": id })).await), [""; 0]);
    (id, token)
}

/// The payload of `eraseTalent`.
async fn erase(server: &TestServer, token: &str, id: &str, password: Option<&str>) -> Value {
    mutate(server, Some(token), ERASE, json!({"id": id, "password": password})).await
}

/// The time of an erasure that must be scheduled.
fn scheduled(payload: &Value) -> &str {
    assert_eq!((&payload["deletedId"], &payload["userErrors"]), (&Value::Null, &json!([])), "{payload}");
    payload["scheduledFor"].as_str().unwrap_or_else(|| panic!("{payload}"))
}

fn nothing_done(payload: &Value) -> bool {
    payload["deletedId"].is_null() && payload["scheduledFor"].is_null()
}

/// The visibility of a profile, as staff of its region see it.
async fn visibility(server: &TestServer, id: &str) -> Value {
    let staff = server.beside(editor(&["wallonie"])).await;
    staff.data(&format!("{{ talent(by: {{id: \"{id}\"}}) {{ visibility }} }}")).await["talent"]["visibility"]
        .clone()
}

/// The number of public profiles.
async fn public(server: &TestServer) -> Value {
    server.data("{ talents { totalCount } }").await["talents"]["totalCount"].clone()
}

/// The history of a profile, latest first.
async fn history(server: &TestServer, id: &str) -> Vec<String> {
    let staff = server.beside(editor(&["wallonie"])).await;
    let data = staff.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ action actor }} }} }}")).await;
    let nodes = data["history"]["nodes"].as_array().expect("a list").iter();
    nodes
        .map(|node| format!("{} {}", node["action"].as_str().unwrap(), node["actor"].as_str().unwrap()))
        .collect()
}

/// The only mail to an address. Deletes it.
async fn mail(server: &TestServer, address: &str) -> Letter {
    let mail = server.mail_to(address).await;
    server.forget_mails().await;
    mail
}

/// The access token of an editor.
async fn staff(server: &TestServer) -> String {
    accounts::account(&server.app, "editor@example.org", &[(Role::Editor, "wallonie")]).await;
    sign_in(server, "editor@example.org").await.access
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn who_erases_themselves_has_three_days_to_stop_it(server) {
        let (id, token) = shown(&server).await;
        assert_eq!(public(&server).await, 1);
        // An attacker with only the access token, which is not from a recent sign-in.
        server.set_clock("2026-11-22T10:05:00Z");
        let refused = erase(&server, &token, &id, None).await;
        assert_eq!(refusals(&refused), ["REQUIRED/PASSWORD_REQUIRED password"]);
        assert!(nothing_done(&refused));
        for (wrong, why) in [("", "REQUIRED password"), ("a wrong one", "INVALID/WRONG_PASSWORD password")] {
            let refused = erase(&server, &token, &id, Some(wrong)).await;
            assert_eq!(refusals(&refused), [why]);
            assert!(nothing_done(&refused));
        }
        assert_eq!((public(&server).await, server.mails().len()), (json!(1), 0));

        let done = erase(&server, &token, &id, Some(PASSWORD)).await;
        assert_eq!(scheduled(&done), "2026-11-25T10:05:00Z");
        assert_eq!((public(&server).await, visibility(&server, &id).await), (json!(0), json!("PRIVATE")));
        assert_eq!(history(&server, &id).await[..2], ["SCHEDULE_ERASURE ACCOUNT", "UPDATE ACCOUNT"]);
        let export = data_as(&server, &token, "{ myDataExport { json } }").await;
        let export: Value = serde_json::from_str(export["myDataExport"]["json"].as_str().unwrap()).unwrap();
        assert_eq!(export["profile"]["scheduledErasure"], json!({"requestedAt": "2026-11-22T10:05:00Z",
            "scheduledFor": "2026-11-25T10:05:00Z", "requestedByYou": true}));
        let letter = mail(&server, ANA).await;
        assert_eq!(letter.subject, "Votre profil dans l’annuaire (Wallonie) sera effacé le 2026-11-25");
        let link = letter.token("keep-profile");

        // A second request changes nothing, and sends no mail.
        server.set_clock("2026-11-22T10:07:00Z");
        assert_eq!(scheduled(&erase(&server, &token, &id, Some(PASSWORD)).await), "2026-11-25T10:05:00Z");
        // Meanwhile it cannot be made public.
        assert_eq!(reason(&mutate(&server, Some(&token), SHOW, json!({"id": id})).await), "ERASURE_SCHEDULED");
        server.set_clock("2026-11-25T10:04:59Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
        // The link stops the erasure, once.
        let wrong = mutate(&server, None, STOP, json!({"token": link.replace("keep_", "reset_")})).await;
        assert_eq!((refusals(&wrong), &wrong["talentId"]), (vec!["INVALID/TOKEN_NOT_GOOD token".to_owned()], &Value::Null));
        assert_eq!(mutate(&server, None, STOP, json!({"token": link})).await, json!({"talentId": id, "userErrors": []}));
        assert_eq!((public(&server).await, visibility(&server, &id).await), (json!(1), json!("PUBLIC")));
        assert_eq!(history(&server, &id).await[..2], ["STOP_ERASURE ACCOUNT", "UPDATE ACCOUNT"]);
        assert_eq!(refusals(&mutate(&server, None, STOP, json!({"token": link})).await), ["INVALID/TOKEN_NOT_GOOD token"]);
        server.set_clock("2026-11-25T10:05:00Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
        assert_eq!((server.mails().len(), visibility(&server, &id).await), (0, json!("PUBLIC")));

        // A recent sign-in replaces the password. This time the erasure is not stopped.
        let token = sign_in(&server, ANA).await.access;
        assert_eq!(scheduled(&erase(&server, &token, &id, None).await), "2026-11-28T10:05:00Z");
        let link = mail(&server, ANA).await.token("keep-profile");
        // After a clock jump nothing is erased.
        server.set_clock("2030-03-06T10:00:00Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
        server.set_clock("2026-11-28T10:05:00Z");
        assert_eq!(refusals(&mutate(&server, None, STOP, json!({"token": link})).await), ["INVALID/TOKEN_NOT_GOOD token"], "too late");
        assert_eq!(run_due(&server.app).await.unwrap(), 1);
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
        assert_eq!((visibility(&server, &id).await, history(&server, &id).await[0].as_str()), (Value::Null, "ERASE PROGRAM"));
        for table in ["talent", "scheduled_erasure", "one_time_token", "consent"] {
            assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM erasure_ledger").await, 1);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn what_staff_erase_waits_as_well(server) {
        let staff = staff(&server).await;
        import(&server, &[talent("wallonie", "ana", json!({"email": ANA})), talent("wallonie", "bea", json!({}))]).await;
        let ids = server.data("{ talents { nodes { id slug } } }").await["talents"]["nodes"].clone();
        let ids: Vec<&str> = ids.as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
        for id in &ids {
            assert_eq!(scheduled(&erase(&server, &staff, id, None).await), "2026-11-25T10:00:00Z");
        }
        assert_eq!(public(&server).await, 0);
        let link = mail(&server, ANA).await.token("keep-profile");
        // A new import by the region does not make the profile public.
        let again = talent("wallonie", "bea", json!({}));
        let (summary, refused) = crate::support::records::import_text(&server, &crate::support::records::ndjson(&[again]), &crate::support::records::options()).await;
        assert_eq!((summary.updated, refused.bad.len()), (0, 1), "{refused:?}");
        assert_eq!(refused.bad[0].1, "visibility");
        // Such profiles cannot be merged.
        let region = server.beside(editor(&["wallonie"])).await;
        let merge = [("survivor", "ID!", json!(ids[0])), ("duplicate", "ID!", json!(ids[1]))];
        assert_eq!(reason(&crate::mutations::call(&region, "mergeTalents", "talent { id }", &merge).await), "ERASURE_SCHEDULED");
        // The person can stop it with the link, and staff can stop what staff requested. Others cannot.
        assert_eq!(mutate(&server, None, STOP, json!({"token": link})).await["userErrors"], json!([]));
        let other = server.beside(editor(&["flandre"])).await;
        let stop = |id: &str| [("id", "ID", json!(id))];
        assert_eq!(told(&crate::mutations::call(&other, "stopErasure", "talentId", &stop(ids[1])).await), ["NOT_FOUND id"]);
        assert_eq!(told(&crate::mutations::call(&other, "stopErasure", "talentId", &stop(ids[0])).await), ["FORBIDDEN id"]);
        assert_eq!(told(&crate::mutations::call(&server, "stopErasure", "talentId", &stop(ids[1])).await), ["FORBIDDEN id"]);
        assert_eq!(mutate(&server, Some(&staff), STOP, json!({"id": ids[1]})).await, json!({"talentId": ids[1], "userErrors": []}));
        assert_eq!(refusals(&mutate(&server, Some(&staff), STOP, json!({"id": ids[1]})).await), ["NOT_ALLOWED_IN_STATE/NO_ERASURE_SCHEDULED id"]);
        assert_eq!(public(&server).await, 2);
        let both = server.code(&format!("mutation {{ stopErasure(id: \"{}\", token: \"x\") {{ talentId }} }}", ids[0])).await;
        assert_eq!(both, "BAD_USER_INPUT");
        assert_eq!(server.code("mutation { stopErasure { talentId } }").await, "BAD_USER_INPUT");
        server.set_clock("2026-12-22T10:00:00Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn staff_do_not_stop_what_the_person_wants(server) {
        let staff = staff(&server).await;
        let (id, token) = shown(&server).await;
        assert_eq!(scheduled(&erase(&server, &staff, &id, None).await), "2026-11-25T10:00:00Z");
        server.set_clock("2026-11-22T10:02:00Z");
        assert_eq!(scheduled(&erase(&server, &token, &id, None).await), "2026-11-25T10:00:00Z", "the erasure is now the person's request");
        assert_eq!(refusals(&mutate(&server, Some(&staff), STOP, json!({"id": id})).await), ["FORBIDDEN/REQUESTED_BY_PERSON id"]);
        assert_eq!(mutate(&server, Some(&token), STOP, json!({"id": id})).await["talentId"], json!(id));
        assert_eq!(visibility(&server, &id).await, "PUBLIC");

        // After a withdrawal of consent, stopping the erasure does not make the profile public.
        assert!(!scheduled(&erase(&server, &token, &id, None).await).is_empty());
        let withdraw = "mutation($id: ID!) { withdrawConsent(id: $id) { userErrors { code } } }";
        assert_eq!(mutate(&server, Some(&token), withdraw, json!({"id": id})).await["userErrors"], json!([]));
        assert_eq!(mutate(&server, Some(&token), STOP, json!({"id": id})).await["talentId"], json!(id));
        assert_eq!(visibility(&server, &id).await, "PRIVATE");

        // A profile deleted meanwhile is still erased, with the data that a deletion keeps.
        assert!(!scheduled(&erase(&server, &token, &id, None).await).is_empty());
        let region = server.beside(editor(&["wallonie"])).await;
        assert_eq!(told(&delete(&region, "talent", &id, None).await), [""; 0]);
        assert!(number(&server, "SELECT COUNT(*) FROM consent").await > 0);
        server.set_clock("2026-11-25T10:02:00Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 1);
        for table in ["consent", "scheduled_erasure"] {
            assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'ERASED'").await, 1);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn who_takes_a_profile_over_keeps_it(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let id = made(&region, "talent", json!({"displayName": "Ana", "region": "wallonie"})).await;
        let staff = staff(&server).await;
        assert_eq!(scheduled(&erase(&server, &staff, &id, None).await), "2026-11-25T10:00:00Z");
        let account = accounts::account(&server.app, ANA, &[]).await;
        assert_eq!(claim_for(&server, account, &id, Some(1)).await, [""; 0]);
        let token = sign_in(&server, ANA).await.access;
        assert_eq!(mutate(&server, Some(&token), SHOW, json!({"id": id})).await["talent"]["visibility"], "PUBLIC");
        server.set_clock("2026-12-22T10:00:00Z");
        assert_eq!(run_due(&server.app).await.unwrap(), 0);
    }
}

on_both_databases! {
    async fn a_push_erases_at_once(server) {
        sources(&server, &["wallonie"]).await;
        let system = server.beside(partner(&["wallonie"])).await;
        let line = talent("wallonie", "ana", json!({}));
        push_input(&system, batch("wallonie", &[item(line.clone(), json!({}))], json!({}))).await;
        let id = server.data("{ talents { nodes { id } } }").await["talents"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let staff = staff(&server).await;
        assert!(!scheduled(&erase(&server, &staff, &id, None).await).is_empty());
        let gone = push_input(&system, batch("wallonie", &[json!({"externalId": "tal-ana", "erase": true, "talent": {}})], json!({}))).await;
        assert_eq!(statuses(&gone), ["UPDATED"]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'ERASED'").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM scheduled_erasure").await, 0);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn without_a_delay_the_person_still_has_to_be_there(server) {
        let (id, token) = shown(&server).await;
        server.set_clock("2026-11-22T10:05:00Z");
        assert_eq!(refusals(&erase(&server, &token, &id, None).await), ["REQUIRED/PASSWORD_REQUIRED password"]);
        let done = erase(&server, &token, &id, Some(PASSWORD)).await;
        assert_eq!(done, json!({"deletedId": id, "scheduledFor": null, "userErrors": []}));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM talent").await, 0);
    }
}

on_both_databases! {
    async fn an_old_id_needs_the_password_as_well(server) {
        let (id, token) = shown(&server).await;
        let region = server.beside(editor(&["wallonie"])).await;
        let twice = made(&region, "talent", json!({"displayName": "Ana", "region": "wallonie"})).await;
        let merge = [("survivor", "ID!", json!(id)), ("duplicate", "ID!", json!(twice))];
        assert_eq!(told(&crate::mutations::call(&region, "mergeTalents", "talent { id }", &merge).await), [""; 0]);
        server.set_clock("2026-11-22T10:05:00Z");
        assert_eq!(refusals(&erase(&server, &token, &twice, None).await), ["REQUIRED/PASSWORD_REQUIRED password"]);
        assert_eq!(scheduled(&erase(&server, &token, &twice, Some(PASSWORD)).await), "2026-11-25T10:05:00Z");
        assert_eq!(visibility(&server, &id).await, "PRIVATE");
        // Other fields may still be changed.
        assert_eq!(told(&update(&region, "talent", &id, None, json!({"skills": ["editing"]}), "id").await), [""; 0]);
    }
}

on_both_databases! {
    async fn a_kill_loses_no_erasure(place: Place) {
        let key = place.key(&["test-wallonie"]).await;
        let mut server = place.serve();
        let system = Partner::new(server.address(), Some(&key));
        let person = item(talent("wallonie", "ana", json!({"email": ANA})), json!({}));
        let made = system.push("test-wallonie", "one", &[person]).await;
        let id = made["results"][0]["record"]["id"].as_str().expect("an id").to_owned();
        let done = system.data(ERASE, json!({ "id": id })).await;
        assert!(!scheduled(&done["eraseTalent"]).is_empty());
        server.kill();

        // Simulates that three days have passed.
        let db = place.open().await;
        db.writer().execute_unprepared("UPDATE scheduled_erasure SET due_at = 1").await.expect("a statement");
        db.close().await;
        let mut server = place.serve();
        let system = system.at(server.address());
        let find = "query($id: ID!) { node(id: $id) { id } }";
        until("it is erased", async || system.data(find, json!({ "id": id })).await["node"].is_null()).await;
        assert_eq!(server.terminate(), Some(0));
        let db = place.open().await;
        let row = db.writer().query_one_raw(sea_orm::Statement::from_string(db.dialect().backend(),
            "SELECT (SELECT COUNT(*) FROM talent) + (SELECT COUNT(*) FROM scheduled_erasure) + (SELECT COUNT(*) FROM one_time_token)"));
        assert_eq!(row.await.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap(), 0);
        db.close().await;
    }
}

on_both_databases! {
    async fn of_programs_that_run_it_at_once_one_does(server) {
        let staff = staff(&server).await;
        import(&server, &[talent("wallonie", "ana", json!({}))]).await;
        let id = server.data("{ talents { nodes { id } } }").await["talents"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        assert!(!scheduled(&erase(&server, &staff, &id, None).await).is_empty());
        server.set_clock("2026-11-25T10:00:00Z");
        let other = server.replica().await;
        let (one, two) = tokio::join!(run_due(&server.app), run_due(&other));
        assert_eq!(one.unwrap() + two.unwrap(), 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM erasure_ledger").await, 1);
        other.db.close().await;
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn the_mail_goes_to_the_account(server) {
        let region = server.beside(editor(&["wallonie"])).await;
        let id = made(&region, "talent", json!({"displayName": "Ana", "region": "wallonie", "email": "work@example.org"})).await;
        let own = accounts::account(&server.app, ANA, &[]).await;
        account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(uuid_of(&id)))
            .filter(account::Column::Id.eq(own)).exec(server.app.db.writer()).await.unwrap();
        let token = sign_in(&server, ANA).await.access;
        assert!(!scheduled(&erase(&server, &token, &id, None).await).is_empty());
        assert!(mail(&server, ANA).await.text.contains("2026-11-25"));
        assert_eq!(server.mails_to("work@example.org").await, []);
    }
}
