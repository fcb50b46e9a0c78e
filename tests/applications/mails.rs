//! Mails: received, decided, and once before the call closes.

use entity::account_organization;
use passerelle::directory::application::mail::reminder::{remind, start};
use passerelle::identity::role::Role;
use passerelle::kernel::trusted_clock;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{AFTER, animation, apply, award, euros, id_of, reject, stage, submitted, tell};
use crate::mutations::{number, told, update};
use crate::on_both_databases;
use crate::support::accounts::account;
use crate::support::server::{Setup, TestServer};
use crate::support::until;

/// An account that is a member of the organization `a`.
async fn joined(server: &TestServer, email: &str) -> Uuid {
    let id = account(&server.app, email, &[]).await;
    let data = server.data("{ organization(by: {slug: \"a\"}) { id } }").await;
    let (_, organization_id) =
        passerelle::kernel::id::decode_any("", data["organization"]["id"].as_str().unwrap()).unwrap();
    let row = account_organization::Model { account_id: id, organization_id };
    let row = row.into_active_model().reset_all();
    account_organization::Entity::insert(row).exec_without_returning(server.app.db.writer()).await.unwrap();
    id
}

const QUEUED: &str = "SELECT COUNT(*) FROM mail_outbox";

on_both_databases! {
    with Setup::default().with_mail();
    async fn members_of_the_applicant_learn_in_their_language_what_becomes_of_it(server) {
        let stage = stage(&server).await;
        joined(&server, "ana@example.org").await;
        account(&server.app, "ben@example.org", &[(Role::Editor, "wallonie")]).await;
        let id = submitted(&stage.member, &stage.call, animation()).await;
        let mail = server.mail_to("ana@example.org").await;
        assert_eq!(mail.subject, "Votre candidature a été reçue");
        assert!(mail.text.contains(&format!("\n\nhttps://directory.example/account#application={id}\n\n")), "{}", mail.text);
        server.forget_mails().await;
        assert_eq!(told(&award(&stage.wallonie, &id, euros("1"), None).await), [""; 0]);
        assert_eq!(server.mail_to("ana@example.org").await.subject, "Votre candidature : un financeur accorde une aide");
        server.forget_mails().await;
        let other = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(server.mail_to("ana@example.org").await.subject, "Votre candidature a été reçue");
        server.forget_mails().await;
        assert_eq!(told(&reject(&stage.wallonie, &other, None).await), [""; 0]);
        assert_eq!(server.mails_to("ana@example.org").await, [], "another funder may still award money");
        assert_eq!(told(&reject(&stage.flandre, &other, None).await), [""; 0]);
        assert_eq!(server.mail_to("ana@example.org").await.subject, "Votre candidature n’a pas été retenue");
        assert_eq!(server.mails_to("ben@example.org").await, []);
        // A refusal sends nothing.
        server.forget_mails().await;
        assert_ne!(told(&award(&stage.wallonie, &other, euros("1"), None).await), [""; 0]);
        assert_eq!(server.mails_to("ana@example.org").await, []);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn the_staff_of_the_funders_are_reminded_once_72_hours_before(server) {
        let stage = stage(&server).await;
        for (email, role, region) in [
            ("w@example.org", Role::Editor, "wallonie"), ("f@example.org", Role::Moderator, "flandre"), ("n@example.org", Role::RegionAdmin, "nord-pas-de-calais"),
            ("b@example.org", Role::Editor, "bruxelles-capitale"), ("m@example.org", Role::Member, "wallonie"), ("s@example.org", Role::SyncPartner, "wallonie"),
        ] {
            account(&server.app, email, &[(role, region)]).await;
        }
        id_of(&apply(&stage.member, &stage.call, animation(), None).await);
        for _ in 0..2 {
            submitted(&stage.member, &stage.call, animation()).await;
        }
        let gone = submitted(&stage.member, &stage.call, animation()).await;
        assert_eq!(told(&tell(&stage.member, "withdraw", &gone).await), [""; 0]);
        server.set_clock("2026-11-28T11:59:59Z");
        assert_eq!(remind(&server.app).await.unwrap(), 0);
        server.set_clock("2026-11-28T12:00:00Z");
        // Two programs at once, and one that is cut off at many points.
        for polls in 0..20 {
            let cut = async {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                () = cut => {}
                _ = remind(&server.app) => {}
            }
        }
        let (one, other) = tokio::join!(remind(&server.app), remind(&server.app));
        assert!(one.unwrap() + other.unwrap() <= 1);
        for email in ["w@example.org", "f@example.org", "n@example.org"] {
            let mail = server.mail_to(email).await;
            assert_eq!(mail.subject, "Un appel à projets se clôt le 2026-12-01 12:00 UTC");
            assert!(mail.text.contains("Candidatures déposées : 2. Brouillons pas encore déposés : 1."), "{}", mail.text);
            assert!(mail.text.contains(&format!("#call={}", stage.call)), "{}", mail.text);
        }
        for email in ["b@example.org", "m@example.org", "s@example.org"] {
            assert_eq!(server.mails_to(email).await, [], "{email}");
        }
        // Once, also where the call closes later.
        server.forget_mails().await;
        assert_eq!(told(&update(&stage.wallonie, "callForProjects", &stage.call, None, json!({"closesAt": "2026-12-10T12:00:00Z"}), "id").await), [""; 0]);
        server.set_clock("2026-12-09T12:00:00Z");
        assert_eq!((remind(&server.app).await.unwrap(), number(&server, QUEUED).await), (0, 0));
    }
}

on_both_databases! {
    async fn nobody_is_reminded_too_late_or_of_a_draft(server) {
        let stage = stage(&server).await;
        account(&server.app, "w@example.org", &[(Role::Editor, "wallonie")]).await;
        let set = async |change| {
            assert_eq!(told(&update(&stage.wallonie, "callForProjects", &stage.call, None, change, "id").await), [""; 0]);
        };
        set(json!({"draft": true})).await;
        server.set_clock("2026-12-01T00:00:00Z");
        assert_eq!(remind(&server.app).await.unwrap(), 0);
        server.set_clock(AFTER);
        set(json!({"draft": false})).await;
        assert_eq!(remind(&server.app).await.unwrap(), 0, "it has closed");
        set(json!({"closesAt": "2026-12-02T00:00:00Z"})).await;
        assert_eq!((remind(&server.app).await.unwrap(), number(&server, QUEUED).await), (1, 1));
    }
}

on_both_databases! {
    async fn the_job_reminds_while_it_holds_its_lease(server) {
        stage(&server).await;
        account(&server.app, "w@example.org", &[(Role::Editor, "wallonie")]).await;
        server.set_clock("2026-11-30T00:00:00Z");
        trusted_clock::trust(&server.app.db, server.app.clock.now()).await.expect("the clock is trusted");
        let stop = CancellationToken::new();
        start(&server.app, stop.clone());
        start(&server.app, stop.clone());
        until("the staff are reminded", async || number(&server, QUEUED).await == 1).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM lease WHERE name = 'applications'").await, 1);
        stop.cancel();
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application_reminder").await, 1);
    }
}
