//! Unconfirmed profiles: warned, hidden and erased.

use passerelle::directory::talent::upkeep::{self, Swept, Terms, sweep};
use passerelle::kernel::trusted_clock;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::somebody;
use crate::mutations::{editor, made, number, reason, told, update};
use crate::on_both_databases;
use crate::support::accounts::{data_as, mutate, sign_in};
use crate::support::records::{import, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

/// The counts of one sweep: warned, hidden, erased.
async fn swept(server: &TestServer) -> (u64, u64, u64) {
    let Swept { warned, hidden, erased } = sweep(&server.app, &Terms::default()).await.expect("a sweep");
    (warned, hidden, erased)
}

const NOTHING: (u64, u64, u64) = (0, 0, 0);
const WARNED: (u64, u64, u64) = (1, 0, 0);
const HIDDEN: (u64, u64, u64) = (0, 1, 0);
const ERASED: (u64, u64, u64) = (0, 0, 1);

const SHOW: &str = "mutation($id: ID!) { updateTalent(id: $id, input: {visibility: PUBLIC}, consent: {version: 1, language: FR}) { userErrors { code reason path } } }";
const CONFIRM: &str = "mutation($id: ID!) { confirmTalent(id: $id) { userErrors { code reason path } } }";

/// A profile as staff of its region see it.
async fn seen(server: &TestServer, id: &str) -> Value {
    let staff = server.beside(editor(&["wallonie"])).await;
    staff.data(&format!("{{ talent(by: {{id: \"{id}\"}}) {{ visibility revision }} }}")).await["talent"]
        .clone()
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn a_profile_is_hidden_after_13_months_and_erased_after_24_each_after_one_warning(server) {
        let (id, token) = somebody(&server, "ana@example.org", json!({"displayName": "Ana", "region": "wallonie"})).await;
        assert_eq!(told(&mutate(&server, Some(&token), SHOW, json!({"id": id})).await), [""; 0]);
        let region = server.beside(editor(&["wallonie"])).await;
        let studio = made(&region, "organization", json!({"name": "Studio", "kind": "animation-studio", "region": "wallonie"})).await;
        made(&region, "affiliation", json!({"talent": id, "organization": studio, "roles": [{"language": "FR", "text": "Monteuse"}]})).await;
        server.set_clock("2027-11-22T09:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2027-11-22T10:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        assert_eq!(swept(&server).await, NOTHING, "once");
        let mail = server.mail_to("ana@example.org").await;
        assert_eq!(mail.subject, "Votre profil dans l’annuaire (Wallonie) : toujours juste ?");
        assert!(mail.text.contains("il sera masqué le 2027-12-22") && mail.text.contains("\n\nhttps://directory.example/account\n\n"), "{}", mail.text);
        server.forget_mails().await;
        server.set_clock("2027-12-22T09:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        assert_eq!(seen(&server, &id).await, json!({"visibility": "PUBLIC", "revision": 3}));
        server.set_clock("2027-12-22T10:00:00Z");
        assert_eq!(swept(&server).await, HIDDEN);
        assert_eq!(seen(&server, &id).await, json!({"visibility": "PRIVATE", "revision": 4}));
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log WHERE op = 'LEAVE' AND record_type = 'TALENT'").await, 2);
        assert_eq!(swept(&server).await, NOTHING);
        assert_eq!(server.mails_to("ana@example.org").await, [], "hiding sends no mail");
        // Only the person can make it public again.
        assert_eq!(reason(&update(&region, "talent", &id, None, json!({"visibility": "PUBLIC"}), "id").await), "TALENT_DECIDES");

        server.set_clock("2028-10-23T09:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2028-10-23T10:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        assert_eq!(swept(&server).await, NOTHING);
        let mail = server.mail_to("ana@example.org").await;
        assert!(mail.text.contains("effacé le 2028-11-22"), "{}", mail.text);
        server.set_clock("2028-11-22T09:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2028-11-22T10:00:00Z");
        assert_eq!(swept(&server).await, ERASED);
        assert_eq!(swept(&server).await, NOTHING);
        assert_eq!(seen(&server, &id).await, Value::Null);
        for table in ["talent", "affiliation", "talent_upkeep", "consent"] {
            assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        // The account remains without a profile, and may claim another one.
        let token = sign_in(&server, "ana@example.org").await.access;
        assert_eq!(data_as(&server, &token, "{ viewer { account { email talent { id } } } }").await["viewer"]["account"], json!({"email": "ana@example.org", "talent": null}));
    }
}

on_both_databases! {
    async fn whoever_confirms_agrees_or_claims_begins_anew(server) {
        let (id, token) = somebody(&server, "ana@example.org", json!({"displayName": "Ana", "region": "wallonie"})).await;
        assert_eq!(told(&mutate(&server, Some(&token), SHOW, json!({"id": id})).await), [""; 0]);
        server.set_clock("2027-12-01T00:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        let token = sign_in(&server, "ana@example.org").await.access;
        assert_eq!(told(&mutate(&server, Some(&token), CONFIRM, json!({"id": id})).await), [""; 0]);
        server.set_clock("2028-11-30T00:00:00Z");
        assert_eq!(swept(&server).await, NOTHING);
        // Warned again, and hidden this time. A confirmation does not show it again. Making it public confirms it.
        server.set_clock("2028-12-02T00:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        server.set_clock("2029-01-01T00:00:00Z");
        assert_eq!(swept(&server).await, HIDDEN);
        server.set_clock("2029-11-15T00:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        let token = sign_in(&server, "ana@example.org").await.access;
        assert_eq!(told(&mutate(&server, Some(&token), CONFIRM, json!({"id": id})).await), [""; 0]);
        assert_eq!(seen(&server, &id).await["visibility"], "PRIVATE");
        server.set_clock("2029-12-15T00:00:00Z");
        assert_eq!(swept(&server).await, NOTHING, "not erased");
        let token = sign_in(&server, "ana@example.org").await.access;
        assert_eq!(told(&mutate(&server, Some(&token), SHOW, json!({"id": id})).await), [""; 0]);
        server.set_clock("2030-12-14T00:00:00Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2030-12-16T00:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
    }
}

on_both_databases! {
    async fn it_concerns_those_whose_basis_is_consent_whether_or_not_they_can_be_warned(server) {
        import(&server, &[
            talent("wallonie", "unreachable", json!({})),
            talent("wallonie", "reachable", json!({"email": "reachable@example.org"})),
            talent("wallonie", "reported", json!({"legalBasis": "PUBLIC_ROLE", "email": "reported@example.org"})),
            talent("wallonie", "private", json!({"visibility": "PRIVATE"})),
        ]).await;
        server.set_clock("2027-12-01T00:00:00Z");
        assert_eq!(swept(&server).await, (2, 0, 0));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM mail_outbox").await, 1, "only one of them has an address");
        server.set_clock("2028-01-01T00:00:00Z");
        assert_eq!(swept(&server).await, (0, 2, 0));
        // A profile hidden for lack of a confirmation needs the person's consent to be shown again. Its source and
        // staff cannot show it on the basis of consent.
        let again = talent("wallonie", "unreachable", json!({"skills": ["x"]}));
        let text = crate::support::records::ndjson(&[{ let mut line = again; line["overwrite"] = json!(true); line }]);
        let (_, bad) = crate::support::records::import_text(&server, &text, &crate::support::records::options()).await;
        assert_eq!(bad.bad.iter().map(|(_, path, _)| path.as_str()).collect::<Vec<_>>(), ["visibility"]);
        let region = server.beside(editor(&["wallonie"])).await;
        let id = region.data("{ talent(by: {slug: \"unreachable\"}) { id } }").await["talent"]["id"].as_str().unwrap().to_owned();
        assert_eq!(reason(&update(&region, "talent", &id, None, json!({"visibility": "MEMBERS", "legalBasis": "CONSENT"}), "id").await), "CONSENT_LAPSED");
        assert_eq!(told(&update(&region, "talent", &id, None, json!({"visibility": "MEMBERS", "legalBasis": "PUBLIC_ROLE"}), "id").await), [""; 0]);
        // In the end the remaining profiles are erased, including the one that was always private.
        server.set_clock("2028-11-01T00:00:00Z");
        assert_eq!(swept(&server).await, (2, 0, 0));
        server.set_clock("2028-12-02T00:00:00Z");
        assert_eq!(swept(&server).await, (0, 0, 2));
        let left = region.data("{ talents { nodes { slug visibility } } }").await;
        assert_eq!(left["talents"]["nodes"], json!([{"slug": "reported", "visibility": "PUBLIC"}, {"slug": "unreachable", "visibility": "MEMBERS"}]));
    }
}

on_both_databases! {
    async fn a_late_warning_gives_its_whole_time(server) {
        import(&server, &[talent("wallonie", "late", json!({"email": "late@example.org"}))]).await;
        // As after a long downtime, or with a wrong clock.
        server.set_clock("2031-01-01T00:00:00Z");
        assert_eq!(swept(&server).await, WARNED);
        server.set_clock("2031-01-30T23:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2031-01-31T00:00:00Z");
        assert_eq!(swept(&server).await, (1, 1, 0), "hidden, and warned of the next at once");
        server.set_clock("2031-03-01T23:59:59Z");
        assert_eq!(swept(&server).await, NOTHING);
        server.set_clock("2031-03-02T00:00:00Z");
        assert_eq!(swept(&server).await, ERASED);
    }
}

/// More profiles with e-mail addresses than one batch holds. Returns their number.
async fn many(server: &TestServer) -> u32 {
    let count = 120;
    let lines: Vec<Value> = (0..count)
        .map(|number| {
            talent("wallonie", &format!("t{number}"), json!({"email": format!("t{number}@example.org")}))
        })
        .collect();
    import(server, &lines).await;
    count
}

on_both_databases! {
    async fn two_that_sweep_at_once_or_one_that_is_cut_off_do_everything_once(server) {
        let count = u64::from(many(&server).await);
        server.set_clock("2027-12-01T00:00:00Z");
        let terms = Terms::default();
        // Interrupted at many points. A profile's step, once begun, ends in its own task.
        for polls in 0..40 {
            let sweeping = sweep(&server.app, &terms);
            let cut = async {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                () = cut => {}
                _ = sweeping => {}
            }
        }
        let (one, other) = tokio::join!(sweep(&server.app, &terms), sweep(&server.app, &terms));
        assert!(one.unwrap().warned + other.unwrap().warned <= count);
        assert_eq!(swept(&server).await, NOTHING);
        let total = i64::try_from(count).unwrap();
        assert_eq!(number(&server, "SELECT COUNT(*) FROM mail_outbox").await, total);
        server.set_clock("2028-01-01T00:00:00Z");
        let (one, other) = tokio::join!(sweep(&server.app, &terms), sweep(&server.app, &terms));
        assert_eq!(one.unwrap().hidden + other.unwrap().hidden, count);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM talent WHERE visibility = 2 AND revision = 2").await, total);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log WHERE op = 'LEAVE'").await, total);
    }
}

on_both_databases! {
    async fn the_job_sweeps_while_it_holds_its_lease(server) {
        import(&server, &[talent("wallonie", "ana", json!({"email": "ana@example.org"}))]).await;
        server.set_clock("2027-12-01T00:00:00Z");
        // Simulate that the housekeeping ran all the time, so that the clock is trusted.
        trusted_clock::trust(&server.app.db, server.app.clock.now()).await.expect("the clock is trusted");
        let stop = CancellationToken::new();
        upkeep::start(&server.app, Terms::default(), stop.clone());
        upkeep::start(&server.app, Terms::default(), stop.clone());
        let warned = async || number(&server, "SELECT COUNT(*) FROM talent_upkeep WHERE hiding_warned_at IS NOT NULL").await == 1;
        until("a profile is warned of", warned).await;
        assert_eq!(number(&server, "SELECT token FROM lease WHERE name = 'profiles'").await, 1, "only one of the two jobs holds the lease");
        stop.cancel();
        let given_back = async || number(&server, "SELECT until FROM lease WHERE name = 'profiles'").await == 0;
        until("the lease is given back", given_back).await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM mail_outbox").await, 1);
    }
}
