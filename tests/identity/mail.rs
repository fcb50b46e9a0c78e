//! Mails: queued in the transaction of their cause and sent afterwards, despite failures in between.

use std::os::unix::fs::PermissionsExt as _;

use entity::account;
use passerelle::identity::mail::{self, Mail, Template};
use passerelle::identity::role::Role;
use passerelle::kernel::value::Language;
use passerelle::server::app::App;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement};

use crate::on_both_databases;
use crate::support::accounts;
use crate::support::mail::{MailServer, Manner, number, waiting};
use crate::support::program::{Running, folder, program};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::until;

const ANA: &str = "ana.exemple@example.org";
const TOKEN: &str = "passerelle_invitation_SECRET";

fn invitation(to: &str, language: Language) -> Mail {
    let template = Template::Invitation { token: TOKEN.into(), region: "wallonie".into(), days: 14 };
    Mail { to: Some(to.parse().unwrap()), language, template, until: None }
}

async fn enqueue(app: &App, mail: Mail) {
    let tx = app.db.begin().await.unwrap();
    mail::enqueue(&tx, app, mail).await.unwrap();
    tx.commit().await.unwrap();
}

async fn purge(app: &App, address: &str) {
    let tx = app.db.begin().await.unwrap();
    mail::purge(&tx, app, &address.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn without_a_mail_server_mails_are_files_of_their_owner(server) {
        for (language, subject, word) in [
            (Language::Fr, "Invitation à l’annuaire : Wallonie", "Bonjour,"),
            (Language::Nl, "Uitnodiging voor de gids van Wallonië", "Hallo,"),
            (Language::En, "Invitation to the directory of Wallonia", "Hello,"),
            (Language::De, "Einladung zum Verzeichnis: Wallonien", "Guten Tag,"),
        ] {
            enqueue(&server.app, invitation(ANA, language)).await;
            let mail = server.mail_to(ANA).await;
            assert_eq!((mail.subject.as_str(), mail.from.as_str()), (subject, "Passerelle <noreply@directory.example>"));
            assert!(mail.text.starts_with(word), "{}", mail.text);
            assert_eq!(mail.token("invitation"), TOKEN);
            assert!(mail.headers.contains(&"Auto-Submitted: auto-generated".to_owned()));
            assert!(mail.headers.contains(&"Date: Sun, 22 Nov 2026 10:00:00 +0000".to_owned()), "{:?}", mail.headers);
            server.forget_mails().await;
        }
        enqueue(&server.app, invitation("\"odd one\"@m\u{fc}nchen.example", Language::De)).await;
        assert_eq!(server.mail_to("\"odd one\"@xn--mnchen-3ya.example").await.token("invitation"), TOKEN);
        let folder = server.data_dir.as_ref().unwrap().path().join("mail");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for entry in std::fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
}

on_both_databases! {
    async fn nothing_of_a_mail_that_waits_can_be_read(server) {
        enqueue(&server.app, invitation(ANA, Language::Fr)).await;
        let all = Statement::from_string(server.app.db.dialect().backend(), "SELECT address_hash, sealed FROM mail_outbox");
        let rows = server.app.db.writer().query_all_raw(all).await.unwrap();
        assert_eq!(rows.len(), 1);
        for column in ["address_hash", "sealed"] {
            let bytes: Vec<u8> = rows[0].try_get("", column).unwrap();
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for secret in [ANA, "example", "wallonie", "invit", "bonjour", "secret"] {
                assert!(!text.contains(secret), "{column}");
            }
        }
        // A mail that is not committed is not sent.
        let tx = server.app.db.begin().await.unwrap();
        mail::enqueue(&tx, &server.app, invitation(ANA, Language::Fr)).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(waiting(&server).await, 1);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn erasing_an_address_takes_what_waits_and_what_was_written(server) {
        enqueue(&server.app, invitation(ANA, Language::Fr)).await;
        enqueue(&server.app, invitation("ben@example.org", Language::Fr)).await;
        assert_eq!(server.mails_to(ANA).await.len(), 1);
        // The comparison of addresses ignores case. Purging includes mails queued in the same transaction.
        let tx = server.app.db.begin().await.unwrap();
        mail::enqueue(&tx, &server.app, invitation(ANA, Language::Nl)).await.unwrap();
        mail::purge(&tx, &server.app, &ANA.to_uppercase().parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(server.mails_to(ANA).await.is_empty());
        assert_eq!(server.mails_to("ben@example.org").await.len(), 1);
        // Purging an address without mails.
        purge(&server.app, "nobody@example.org").await;
        assert!(server.mails_to("nobody@example.org").await.is_empty());
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn a_mail_to_nobody_is_dropped(server) {
        enqueue(&server.app, Mail { to: None, ..invitation(ANA, Language::Fr) }).await;
        until("the mail is dropped", async || waiting(&server).await == 0).await;
        assert_eq!(server.mails(), []);
    }
}

/// Runs a test with a mail server.
fn with_mail_server(backend: Backend, manner: Manner, test: impl AsyncFnOnce(TestServer, MailServer)) {
    crate::support::run(async {
        let mails = MailServer::start(manner).await;
        if let Some(server) = TestServer::with(backend, Setup::default().with_smtp(&mails.url())).await {
            test(server, mails).await;
        }
    });
}

async fn mails_leave_over_smtp(server: TestServer, mails: MailServer) {
    enqueue(&server.app, invitation(ANA, Language::Fr)).await;
    enqueue(&server.app, invitation("o'brien+tag@[IPv6:2001:db8::1]", Language::En)).await;
    let received = mails.wait_for(2).await;
    let to_ana = received.iter().find(|mail| mail.to == format!("<{ANA}>")).expect("a mail");
    assert_eq!(to_ana.from.split(' ').next(), Some("<noreply@directory.example>"));
    assert_eq!((to_ana.letter.to.as_str(), to_ana.letter.token("invitation").as_str()), (ANA, TOKEN));
    assert!(to_ana.letter.text.contains("invité·e"), "{}", to_ana.letter.text);
    assert!(received.iter().any(|mail| mail.to == "<o'brien+tag@[IPv6:2001:db8::1]>"), "{received:?}");
    until("they are deleted", async || waiting(&server).await == 0).await;
    assert_eq!(mails.received().len(), 2);
    assert_eq!(server.mails(), [], "no mail is written to a file");
}

async fn what_is_refused_is_put_off_and_given_up(server: TestServer, mails: MailServer) {
    enqueue(&server.app, invitation(ANA, Language::Fr)).await;
    let attempts =
        async || number(&server, "SELECT CAST(COALESCE(MAX(attempts), 0) AS BIGINT) FROM mail_outbox").await;
    let attempted = async |count: i64| until("an attempt", async || attempts().await >= count).await;
    attempted(1).await;
    // A mail is retried later, and given up after three days.
    server.set_clock("2026-11-22T10:00:31Z");
    attempted(2).await;
    server.set_clock("2026-11-25T09:59:59Z");
    attempted(3).await;
    server.set_clock("2026-11-25T10:00:00Z");
    assert_eq!(waiting(&server).await, 1);
    server.set_clock("2026-11-25T15:00:00Z");
    until("it is given up", async || waiting(&server).await == 0).await;
    assert_eq!(mails.received().len(), 0);
}

mod over_smtp {
    use super::*;

    #[test]
    fn mails_leave_sqlite() {
        with_mail_server(Backend::Sqlite, Manner::Accepts, mails_leave_over_smtp);
    }

    #[test]
    fn mails_leave_postgres() {
        with_mail_server(Backend::Postgres, Manner::Accepts, mails_leave_over_smtp);
    }

    #[test]
    fn what_is_refused_sqlite() {
        with_mail_server(Backend::Sqlite, Manner::Refuses, what_is_refused_is_put_off_and_given_up);
    }

    #[test]
    fn what_is_refused_postgres() {
        with_mail_server(Backend::Postgres, Manner::Refuses, what_is_refused_is_put_off_and_given_up);
    }
}

/// A free port.
async fn free_port() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_mail_server_that_is_away_keeps_nobody_waiting_and_loses_nothing() {
    crate::support::run(async {
        let port = free_port().await;
        let setup = Setup::default().with_smtp(&format!("smtp://{port}"));
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        for n in 0..25 {
            enqueue(&server.app, invitation(&format!("client{n}@example.org"), Language::Fr)).await;
        }
        let untried = async || number(&server, "SELECT COUNT(*) FROM mail_outbox WHERE attempts = 0").await;
        until("each is tried once", async || untried().await == 0).await;
        assert_eq!(waiting(&server).await, 25);
        let mails = MailServer::start_on(port, Manner::Accepts).await;
        server.set_clock("2026-11-22T10:00:30Z");
        let received = mails.wait_for(25).await;
        until("they are deleted", async || waiting(&server).await == 0).await;
        let mut ids: Vec<&str> = received.iter().map(|mail| mail.letter.message_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), mails.received().len()), (25, 25));
    });
}

#[test]
fn of_two_programs_one_sends() {
    crate::support::run(async {
        let mails = MailServer::start(Manner::Accepts).await;
        let setup = Setup::default().with_smtp(&mails.url());
        let Some(server) = TestServer::with(Backend::Postgres, setup).await else { return };
        let mut replica = server.replica().await;
        replica.mail = server.app.mail.clone();
        let stop = tokio_util::sync::CancellationToken::new();
        replica.mail.start(&replica, stop.clone());
        for n in 0..50 {
            let app = if n % 2 == 0 { &server.app } else { &replica };
            enqueue(app, invitation(&format!("client{n}@example.org"), Language::Fr)).await;
        }
        until("all are sent", async || waiting(&server).await == 0).await;
        assert_eq!(mails.received().len(), 50);
        stop.cancel();
    });
}

/// The response of a running program to a document.
async fn send(program: &Running, query: &str) -> serde_json::Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(format!("{}/graphql", program.address())).json(&serde_json::json!({ "query": query }));
    request.send().await.expect("the server answers").json().await.expect("an answer is JSON")
}

#[test]
fn a_program_that_is_killed_while_it_sends_goes_on_where_it_was() {
    crate::support::run(async {
        let folder = folder();
        let create = program(folder.path())
            .args(["account", "create", "--role", "ADMIN", "--email", ANA])
            .output()
            .unwrap();
        assert!(create.status.success());
        // A mail server that accepts mails without acknowledging them.
        let silent = MailServer::start(Manner::HangsUpSilently).await;
        let with = |mails: &MailServer| {
            let mut command = program(folder.path());
            command.arg("serve").env("SMTP_URL", mails.url()).env("MAIL_FROM", "noreply@directory.example");
            command.env("PUBLIC_URL", "https://directory.example");
            command
        };
        let mut killed = Running::start(&mut with(&silent));
        let answer = send(
            &killed,
            &format!("mutation {{ requestPasswordReset(email: \"{ANA}\") {{ userErrors {{ code }} }} }}"),
        )
        .await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let first = silent.wait_for(1).await;
        killed.kill();
        // End the lease of the killed program, instead of waiting for it.
        let db = passerelle::kernel::read::Database::open(&format!(
            "sqlite://{}",
            folder.path().join("data/passerelle.db").display()
        ))
        .await
        .unwrap();
        let end =
            Statement::from_string(db.dialect().backend(), "UPDATE lease SET until = 0 WHERE name = 'mail'");
        assert_eq!(db.writer().execute_raw(end).await.unwrap().rows_affected(), 1);
        db.close().await;
        let mails = MailServer::start(Manner::Accepts).await;
        let running = Running::start(&mut with(&mails));
        let second = mails.wait_for(1).await;
        // The same mail with the same Message-ID, so that recipients can recognize it.
        assert_eq!(second[0].letter, first[0].letter);
        let reset = format!(
            "mutation {{ resetPassword(input: {{token: \"{}\", password: \"a new horse battery\"}}) {{ userErrors {{ code }} }} }}",
            second[0].letter.token("password-reset")
        );
        assert_eq!(
            send(&running, &reset).await,
            serde_json::json!({"data": {"resetPassword": {"userErrors": []}}})
        );
        assert_eq!(mails.wait_for(2).await.len(), 2);
    });
}

#[test]
fn settings_of_mails_are_checked_at_the_start() {
    let folder = folder();
    for (setting, value, said) in [
        ("SMTP_URL", "mail.example", "MAIL_FROM"),
        ("MAIL_FROM", "nobody", "it must be an address"),
        ("LINK_URL", "directory.example", "it must be an address"),
    ] {
        let refused = program(folder.path()).arg("serve").env(setting, value).output().unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{error}");
        assert!(error.contains(said) && error.lines().count() == 1, "{error}");
    }
    let wrong = program(folder.path())
        .arg("serve")
        .env("MAIL_FROM", "a@x.example")
        .env("SMTP_URL", "smtp://me:s3cret@mail.example")
        .output()
        .unwrap();
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        wrong.status.code() == Some(2) && error.contains("smtps://") && !error.contains("s3cret"),
        "{error}"
    );
}

on_both_databases! {
    with Setup::default().with_mail().erasing_at_once();
    async fn who_is_erased_leaves_no_mails_behind(server) {
        const GONE: &str = "Gone.Exemple@Example.org";
        let own = accounts::account(&server.app, GONE, &[]).await;
        accounts::account(&server.app, "chief@example.org", &[(Role::RegionAdmin, "wallonie")]).await;
        let chief = accounts::sign_in(&server, "chief@example.org").await.access;
        let made = accounts::data_as(&server, &chief, "mutation {
            createTalent(input: {displayName: \"Ana Exemple\", region: \"wallonie\"}) { talent { id } userErrors { message } }
            inviteAccount(input: {email: \"gone.exemple@example.org\", region: \"wallonie\"}) { userErrors { message } }
            requestPasswordReset(email: \"gone.exemple@example.org\") { userErrors { message } } }").await;
        let id = made["createTalent"]["talent"]["id"].as_str().expect("a talent").to_owned();
        let (_, talent) = passerelle::kernel::id::decode_any("", &id).unwrap();
        account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(talent))
            .filter(account::Column::Id.eq(own)).exec(server.app.db.writer()).await.unwrap();
        assert_eq!(server.mails_to(GONE).await.len(), 1);
        assert_eq!(server.mails_to("gone.exemple@example.org").await.len(), 1);
        // One more mail, which is not due in time.
        let tx = server.app.db.begin().await.unwrap();
        mail::enqueue(&tx, &server.app, invitation(GONE, Language::Fr)).await.unwrap();
        let later = Statement::from_string(server.app.db.dialect().backend(), "UPDATE mail_outbox SET next_at = 9000000000000000");
        tx.execute_raw(later).await.unwrap();
        tx.commit().await.unwrap();
        let token = accounts::sign_in(&server, GONE).await.access;
        let erase = format!("mutation {{ eraseTalent(id: \"{id}\") {{ deletedId userErrors {{ code }} }} }}");
        assert_eq!(accounts::data_as(&server, &token, &erase).await["eraseTalent"]["deletedId"], id);
        until("nothing waits", async || waiting(&server).await == 0).await;
        assert_eq!(server.mails(), []);
        for table in ["invitation", "one_time_token", "mail_outbox"] {
            assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
    }
}
