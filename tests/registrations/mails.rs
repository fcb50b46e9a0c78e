//! What mails tell, in the language of the person, once.

use passerelle::identity::oidc::Issuers;
use passerelle::kernel::clock::Clock;
use passerelle::kernel::value::Language;
use passerelle::server::app::App;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{Actor, editor, event, made};
use crate::mutations::number;
use crate::on_both_databases;
use crate::support::accounts::{Person, mutate, refusals};
use crate::support::mail::written;
use crate::support::place::Partner;
use crate::support::records::{import, ndjson};
use crate::support::server::{Setup, TestServer, identified};
use crate::support::until;

fn titles() -> Value {
    json!([{"language": "FR", "text": "Assises de l’image"}, {"language": "NL", "text": "Beeldcongres"}])
}

/// The subjects of the mails to somebody since the last call, in no particular order.
async fn subjects(server: &TestServer, name: &str) -> Vec<String> {
    let mut all: Vec<String> =
        server.mails_to(&format!("{name}@example.org")).await.into_iter().map(|mail| mail.subject).collect();
    all.sort();
    all
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn each_is_told_in_their_language(server) {
        let event_id = made(&server, "assises", json!({"capacity": 1, "titles": titles()})).await;
        let ana = Actor::with(&server, "ana", Language::Nl, &[]).await;
        let ben = Actor::with(&server, "ben", Language::De, &[]).await;
        let cas = Actor::new(&server, "cas").await;
        let first = ana.register(&server, &event_id).await;
        ben.register(&server, &event_id).await;
        cas.register(&server, &event_id).await;
        assert_eq!(subjects(&server, "ana").await, ["U hebt een plaats: Beeldcongres"]);
        assert_eq!(subjects(&server, "ben").await, ["Sie stehen auf der Warteliste: Assises de l’image"]);
        let mail = server.mail_to("cas@example.org").await;
        assert_eq!(mail.subject, "Vous êtes sur la liste d’attente : Assises de l’image");
        assert!(mail.text.contains("\n\nAssises de l’image\n\n"), "{}", mail.text);
        server.forget_mails().await;

        ana.on(&server, "cancelRegistration", &first).await;
        assert_eq!(subjects(&server, "ben").await, ["Ein Platz ist für Sie frei geworden: Assises de l’image"]);
        assert_eq!((subjects(&server, "ana").await.len(), subjects(&server, "cas").await.len()), (0, 0));
        server.forget_mails().await;

        // A larger capacity tells whoever moves up, also where a file has brought it.
        import(&server, &[event("assises", json!({"capacity": 5, "titles": titles()}))]).await;
        assert_eq!(subjects(&server, "cas").await, ["Une place s’est libérée pour vous : Assises de l’image"]);
        assert_eq!(server.mails().len(), 1);
        server.forget_mails().await;

        // A cancellation tells those who come, once.
        for _ in 0..2 {
            import(&server, &[event("assises", json!({"capacity": 5, "titles": titles(), "status": "CANCELLED"}))]).await;
        }
        assert_eq!(subjects(&server, "ben").await, ["Abgesagt: Assises de l’image"]);
        assert_eq!(subjects(&server, "cas").await, ["Annulé : Assises de l’image"]);
        assert_eq!(server.mails().len(), 2, "whoever has cancelled is not told");
        server.forget_mails().await;
        // So does the deletion of an event that is still to come.
        import(&server, &[event("assises", json!({"capacity": 5, "titles": titles(), "status": "SCHEDULED"}))]).await;
        let query = format!("mutation {{ deleteEvent(id: \"{event_id}\") {{ userErrors {{ code path reason message }} }} }}");
        assert_eq!(refusals(&mutate(&server, Some(&editor(&server).await.token), &query, json!({})).await), [""; 0]);
        assert_eq!(subjects(&server, "ben").await, ["Nicht mehr im Verzeichnis: Assises de l’image"]);
        assert_eq!(server.mails().len(), 2);
    }
}

on_both_databases! {
    with Setup::default().with_mail();
    async fn organizers_answer_by_mail(server) {
        let event_id = made(&server, "mission", json!({"registrationMode": "ON_APPROVAL"})).await;
        let staff = editor(&server).await;
        let (ana, ben) = (Actor::with(&server, "ana", Language::En, &[]).await, Actor::with(&server, "ben", Language::Nl, &[]).await);
        let (first, second) = (ana.register(&server, &event_id).await, ben.register(&server, &event_id).await);
        assert_eq!(server.mails_to("ana@example.org").await, []);
        staff.on(&server, "confirmRegistration", &first).await;
        staff.on(&server, "declineRegistration", &second).await;
        assert_eq!(subjects(&server, "ana").await, ["You have a place: mission"]);
        assert_eq!(subjects(&server, "ben").await, ["Uw inschrijving is geweigerd: mission"]);
        // What is refused tells nobody.
        staff.on(&server, "confirmRegistration", &second).await;
        assert_eq!((subjects(&server, "ana").await.len(), subjects(&server, "ben").await.len()), (1, 1));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM event_notice").await, 0);
    }
}

on_both_databases! {
    async fn news_outlives_a_kill_and_a_change_by_a_command(place: Place) {
        let lines = |capacity: u32| {
            let line = event("market", json!({"capacity": capacity, "startsAt": null, "endsAt": null}));
            std::fs::write(place.folder.path().join("lines.ndjson"), ndjson(&[line])).expect("a file");
            place.run(&["import", "--create-source", "lines.ndjson"]);
        };
        lines(2);
        let app = App::new(place.open().await, Clock::System);
        let app = identified(app, false, Issuers::default()).await;
        let mut tokens = Vec::new();
        for number in 0..6 {
            let person = Person::on(&app, &format!("p{number}"), Language::En, Vec::new()).await;
            tokens.push(person.token_on(&app).await);
        }
        let mut server = place.serve();
        let find = "{ event(by: {slug: \"market\"}) { id seatsLeft } }";
        let found = Partner::new(server.address(), None).data(find, json!({})).await;
        let id = found["event"]["id"].as_str().expect("an id").to_owned();
        let register = "mutation($event: ID!) { registerForEvent(input: {event: $event}) { registration { status } userErrors { message } } }";
        for token in &tokens {
            let payload = Partner::new(server.address(), Some(token)).data(register, json!({"event": id})).await;
            assert_eq!(payload["registerForEvent"]["userErrors"], json!([]));
        }
        server.kill();
        // Nobody sends mails now. Two of those who wait move up.
        lines(4);
        let moved = "SELECT COUNT(*) FROM event_notice WHERE news = 'MOVED_UP'";
        assert_eq!(integer(&app, moved).await, 2);
        server = place.serve();
        let subjects = || {
            let mut all: Vec<String> = written(&place.data()).into_iter().map(|mail| format!("{} {}", mail.to, mail.subject)).collect();
            all.sort();
            all
        };
        let told = |number: u32, what: &str| format!("p{number}@example.org {what}: market");
        let mut expected: Vec<String> = (0..2).map(|number| told(number, "You have a place")).collect();
        expected.extend((2..6).map(|number| told(number, "You are on the waiting list")));
        expected.extend((2..4).map(|number| told(number, "A place has become free for you")));
        expected.sort();
        until("all are told", async || subjects() == expected).await;
        assert_eq!(integer(&app, "SELECT COUNT(*) FROM event_notice").await, 0);
        let left = Partner::new(server.address(), None).data(find, json!({})).await;
        assert_eq!(left["event"]["seatsLeft"], 0);
        app.db.close().await;
    }
}

/// The number that a statement answers.
async fn integer(app: &App, sql: &str) -> i64 {
    let statement = Statement::from_string(app.db.dialect().backend(), sql);
    let row = app.db.writer().query_one_raw(statement).await.expect("an answer").expect("a row");
    row.try_get_by_index(0).expect("a number")
}
