//! Erasing a talent: no personal data is left anywhere, and the profile cannot come back.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use entity::{account, erasure_ledger};
use passerelle::identity::role::Role;
use passerelle::kernel::id;
use passerelle::kernel::read::Database;
use passerelle::records::erasure::settle::Erased;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, Statement};
use serde_json::{Value, json};

use crate::mutations::{admin, call, editor, member, number, owner, reason, told};
use crate::on_both_databases;
use crate::support::accounts;
use crate::support::postgres;
use crate::support::program::{Running, folder, program};
use crate::support::records::{
    affiliation, import, import_text, ndjson, options, organization, partnership, talent,
};
use crate::support::server::{Setup, TestServer};
use crate::support::template::Content;
use crate::support::{run, until};

/// A marker in every personal field, and nowhere else.
pub(crate) const CANARY: &str = "kanarievogel";

/// A profile with the canary in every text field.
pub(crate) fn profile() -> Value {
    let text = |what: &str| json!([{"language": "FR", "text": format!("{what} {CANARY}")}]);
    json!({
        "slug": format!("{CANARY}-slug"), "displayName": format!("Ana {CANARY}"), "givenName": format!("{CANARY}given"),
        "familyName": format!("{CANARY}family"), "nameVariants": [format!("{CANARY} variant")],
        "headlines": text("headline"), "biographies": text("biography"), "skills": [format!("{CANARY} skill")],
        "website": format!("https://{CANARY}.example.org/"),
        "links": [{"label": format!("{CANARY} reel"), "url": format!("https://example.org/{CANARY}")}],
        "email": format!("{CANARY}@example.org"), "phone": format!("+32 {CANARY}"),
        "sources": [{"title": format!("{CANARY} article"), "url": format!("https://example.org/{CANARY}/source")}],
        "claims": [{"field": "website", "value": format!("https://{CANARY}.example.com/"), "source": {"title": format!("{CANARY} source")},
            "note": format!("{CANARY} note")}],
        "occupations": ["monteur"], "visibility": "PUBLIC", "legalBasis": "CONSENT",
        "fieldVisibility": [{"group": "CONTACT", "visibility": "PUBLIC"}],
    })
}

/// The import lines of a region with that profile.
fn lines() -> Vec<Value> {
    let role = json!([{"language": "EN", "text": format!("role {CANARY}")}]);
    let mut person = talent("wallonie", "x", profile());
    person["externalId"] = json!(format!("{CANARY}-external"));
    let mut role = affiliation("wallonie", &format!("{CANARY}-slug"), "studio", json!({"roles": role}));
    role["externalId"] = json!(format!("{CANARY}-affiliation"));
    vec![
        organization("wallonie", "studio", json!({})),
        talent("wallonie", "somebody", json!({})),
        person,
        role,
        event(),
    ]
}

/// A line with an event, for which the person registers.
fn event() -> Value {
    let titles = json!([{"language": "FR", "text": "Marché"}]);
    let record = json!({"slug": "market", "region": "wallonie", "kind": "market", "titles": titles, "registrationMode": "OPEN"});
    json!({"source": "test-wallonie", "externalId": "evt-market", "event": record})
}

/// The files below a folder. Files may vanish while they are listed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(_) => found.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn holds_canary(bytes: &[u8]) -> bool {
    let canary = CANARY.as_bytes();
    bytes.windows(canary.len()).any(|window| window.eq_ignore_ascii_case(canary))
}

/// Files below a folder that contain the canary.
pub(crate) fn with_canary(folder: &Path) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| holds_canary(&bytes));
    files(folder).into_iter().filter(holds).collect()
}

/// Index files, whose encoded words cannot be searched for the canary.
fn indexed(folder: &Path) -> BTreeSet<PathBuf> {
    let words = |path: &PathBuf| path.extension().is_some_and(|kind| kind != "json" && kind != "lock");
    files(&folder.join("search"))
        .into_iter()
        .filter(|path| path.components().count() > 3)
        .filter(words)
        .collect()
}

/// Tables with a row that contains the canary.
pub(crate) async fn tables_with_canary(db: &DatabaseConnection) -> Vec<String> {
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    let backend = db.get_database_backend();
    let mut found = Vec::new();
    for row in db.query_all_raw(Statement::from_string(backend, names)).await.expect("the tables") {
        let table: String = row.try_get_by_index(0).expect("a name");
        // A row cast to text shows bytes in hexadecimal.
        let sql = format!(
            "SELECT count(*) FROM {table} AS t WHERE lower(t::text) LIKE '%{CANARY}%' \
             OR t::text LIKE '%' || encode(convert_to('{CANARY}', 'UTF8'), 'hex') || '%'"
        );
        let row = db
            .query_one_raw(Statement::from_string(backend, sql))
            .await
            .expect("a statement")
            .expect("a row");
        if row.try_get_by_index::<i64>(0).expect("a number") > 0 {
            found.push(table);
        }
    }
    found
}

/// The response of a running program.
async fn ask(address: &str, token: Option<&str>, query: &str, variables: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.post(format!("{address}/graphql"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let sent = request.json(&json!({"query": query, "variables": variables})).send().await;
    sent.expect("an answer").json().await.expect("JSON")
}

/// The real program with its own folder and database.
struct Place {
    folder: tempfile::TempDir,
    database: Option<String>,
}

impl Place {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        command.args(arguments).env("RUST_LOG", "debug").env("ERASURE_DELAY", "0 days");
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        let done = child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
    }

    /// Starts the server. Its log is appended to a file.
    fn serve(&self) -> Running {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log");
        Running::start_logging(&mut self.command(&["serve"]), log)
    }

    async fn connect(&self) -> Option<DatabaseConnection> {
        match &self.database {
            Some(url) => Some(sea_orm::Database::connect(url).await.expect("PostgreSQL answers")),
            None => None,
        }
    }

    /// Runs statements on the database of the running program.
    async fn execute(&self, statements: &[String]) {
        let file = || format!("sqlite://{}", self.data().join("passerelle.db").display());
        let db =
            Database::open(&self.database.clone().unwrap_or_else(file)).await.expect("the database opens");
        for statement in statements {
            db.writer().execute_unprepared(statement).await.expect(statement);
        }
        db.close().await;
    }

    /// The places of the canary: files, and tables of PostgreSQL.
    async fn canaries(&self) -> (Vec<PathBuf>, Vec<String>) {
        let tables = match self.connect().await {
            Some(db) => {
                let tables = tables_with_canary(&db).await;
                let _ = db.close().await;
                tables
            }
            None => Vec::new(),
        };
        (with_canary(&self.data()), tables)
    }
}

/// Lets the person, who has an account for their profile, register for an event.
async fn register(place: &Place, address: &str) {
    let email = format!("{CANARY}@example.org");
    let arguments = [
        "account",
        "create",
        "--email",
        &email,
        "--role",
        "MEMBER",
        "--region",
        "wallonie",
        "--password-stdin",
    ];
    assert!(place.run(&arguments, accounts::PASSWORD).contains(&email));
    let own = format!("email = '{email}'");
    let of_profile = format!("(SELECT id FROM talent WHERE slug = '{CANARY}-slug')");
    place
        .execute(&[
            format!("UPDATE account SET talent_id = {of_profile} WHERE {own}"),
            format!("DELETE FROM account_role WHERE account_id IN (SELECT id FROM account WHERE {own})"),
        ])
        .await;
    let signed_in =
        ask(address, None, accounts::SIGN_IN, json!({"email": email, "password": accounts::PASSWORD})).await;
    let token = signed_in["data"]["signIn"]["accessToken"].as_str().expect("a token").to_owned();
    let found = ask(address, None, "{ event(by: {slug: \"market\"}) { id } }", json!({})).await;
    let input =
        json!({"event": found["data"]["event"]["id"], "message": format!("I am {CANARY}."), "listed": true});
    let query = "mutation($input: EventRegistrationInput!) { registerForEvent(input: $input) { registration { status name } userErrors { message } } }";
    let registered = ask(address, Some(&token), query, json!({ "input": input })).await;
    assert_eq!(registered["data"]["registerForEvent"]["registration"]["status"], "CONFIRMED", "{registered}");
    let shown =
        ask(address, None, "{ event(by: {slug: \"market\"}) { attendees { nodes { name } } } }", json!({}))
            .await;
    assert!(holds_canary(shown.to_string().as_bytes()), "{shown}");
}

async fn nothing_is_left(place: Place) {
    const EDITOR: &str = "editor@example.org";
    fs::write(place.folder.path().join("lines.ndjson"), ndjson(&lines())).expect("a file");
    let made = place.run(
        &[
            "account",
            "create",
            "--email",
            EDITOR,
            "--role",
            "EDITOR",
            "--region",
            "wallonie",
            "--password-stdin",
        ],
        accounts::PASSWORD,
    );
    assert!(made.contains(EDITOR), "{made}");
    let imported = place.run(&["import", "--create-source", "lines.ndjson"], "");
    assert!(imported.contains("5 created"), "{imported}");
    assert!(!holds_canary(imported.as_bytes()), "{imported}");
    fs::remove_file(place.folder.path().join("lines.ndjson")).expect("it was there");
    let mut server = place.serve();
    let address = server.address().to_owned();
    let signed_in =
        ask(&address, None, accounts::SIGN_IN, json!({"email": EDITOR, "password": accounts::PASSWORD}))
            .await;
    let token = signed_in["data"]["signIn"]["accessToken"].as_str().expect("a token").to_owned();
    // A second revision, a second profile by a repeated request, and a refused change.
    let find = format!(
        "{{ talent(by: {{slug: \"{CANARY}-slug\"}}) {{ id email affiliations {{ nodes {{ id }} }} }} }}"
    );
    let found = ask(&address, Some(&token), &find, json!({})).await;
    let id = found["data"]["talent"]["id"].as_str().expect("the talent is visible").to_owned();
    let change = "mutation($id: ID!, $input: TalentInput!) { updateTalent(id: $id, input: $input) { userErrors { path } } }";
    for phone in [format!("{CANARY} 2"), CANARY.repeat(100)] {
        ask(&address, Some(&token), change, json!({"id": id, "input": {"phone": phone}})).await;
    }
    let create = "mutation($input: TalentInput!, $key: String) { createTalent(input: $input, idempotencyKey: $key) { talent { id } userErrors { path message } } }";
    let mut second = profile();
    second["slug"] = json!(format!("{CANARY}-second"));
    second["region"] = json!("wallonie");
    let again = json!({"input": second, "key": format!("{CANARY} key")});
    let created = ask(&address, Some(&token), create, again.clone()).await;
    let other = created["data"]["createTalent"]["talent"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{created}"))
        .to_owned();
    register(&place, &address).await;
    let search = format!(
        "{{ search(query: \"{CANARY}\") {{ estimatedTotalCount degraded }} suggest(prefix: \"{CANARY}\") {{ text }} }}"
    );
    until("the index has both", async || {
        let found = ask(&address, None, &search, json!({})).await;
        found["data"]["search"] == json!({"estimatedTotalCount": 2, "degraded": false})
    })
    .await;
    let (found, tables) = place.canaries().await;
    assert!(!found.is_empty() || !tables.is_empty(), "the canary is detected");
    let words = indexed(&place.data());
    assert!(!words.is_empty());

    let erase = "mutation($id: ID!) { eraseTalent(id: $id) { deletedId userErrors { code message } } }";
    for id in [&id, &other] {
        let erased = ask(&address, Some(&token), erase, json!({ "id": id })).await;
        assert_eq!(erased["data"]["eraseTalent"], json!({"deletedId": id, "userErrors": []}));
    }
    until("the index has none", async || {
        let found = ask(&address, None, &search, json!({})).await;
        found["data"]["search"] == json!({"estimatedTotalCount": 0, "degraded": false})
    })
    .await;
    until("storage is cleaned", async || place.canaries().await == (Vec::new(), Vec::new())).await;
    until("no file has its words", async || indexed(&place.data()).is_disjoint(&words)).await;
    let found =
        ask(&address, Some(&token), "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(found["data"], json!({ "node": null }));
    let left = ask(
        &address,
        Some(&token),
        "{ event(by: {slug: \"market\"}) { registrations { totalCount } attendees { totalCount } } }",
        json!({}),
    );
    let nothing = json!({"totalCount": 0});
    assert_eq!(left.await["data"]["event"], json!({"registrations": nothing, "attendees": nothing}));
    let repeated = ask(&address, Some(&token), create, again).await;
    assert_eq!(repeated["data"]["createTalent"]["talent"], Value::Null, "{repeated}");
    assert!(
        !holds_canary(&fs::read(place.folder.path().join("log")).expect("a log")),
        "the log contains the canary"
    );
    let ledger = fs::read_to_string(place.data().join("erased")).expect("the file of erased records");
    assert_eq!(ledger.lines().count(), 3, "two talents and an affiliation: {ledger}");

    // The region sends the profile again.
    fs::write(place.folder.path().join("lines.ndjson"), ndjson(&lines())).expect("a file");
    let imported = place.run(&["import", "lines.ndjson"], "");
    assert!(imported.contains("was erased"), "{imported}");
    fs::remove_file(place.folder.path().join("lines.ndjson")).expect("it was there");
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(place.canaries().await, (Vec::new(), Vec::new()));
}

#[test]
fn nothing_of_the_person_is_left_sqlite() {
    run(nothing_is_left(Place { folder: folder(), database: None }));
}

#[test]
fn nothing_of_the_person_is_left_postgres() {
    run(async {
        if let Some(database) = postgres::database(Content::Empty).await {
            nothing_is_left(Place { folder: folder(), database: Some(database.url.clone()) }).await;
        }
    });
}

async fn erase(server: &TestServer, id: &str) -> Value {
    call(server, "eraseTalent", "deletedId", &[("id", "ID!", json!(id))]).await
}

async fn id_of(server: &TestServer, slug: &str) -> String {
    let server = server.beside(admin()).await;
    let found = server.data(&format!("{{ talent(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    found["talent"]["id"].as_str().expect("the talent exists").to_owned()
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn the_log_says_so_in_every_view_that_it_was_ever_in(server) {
        import(&server, &[organization("wallonie", "studio", json!({})), talent("wallonie", "t", json!({})),
            affiliation("wallonie", "t", "studio", json!({}))]).await;
        let id = id_of(&server, "t").await;
        let own = server.beside(owner(&id)).await;
        for visibility in ["MEMBERS", "PRIVATE", "PUBLIC"] {
            let input = [("id", "ID!", json!(id)), ("input", "TalentInput!", json!({ "visibility": visibility, "legalBasis": "CONSENT" }))];
            assert_eq!(told(&call(&own, "updateTalent", "talent { id }", &input).await), [""; 0]);
        }
        let before = number(&server, "SELECT head FROM feed_meta").await;
        assert_eq!(erase(&own, &id).await["deletedId"], json!(id));
        let count = |what: &str| format!("SELECT COUNT(*) FROM change_log WHERE seq > {before} AND op = 'ERASE' {what}");
        assert_eq!(number(&server, &count("AND record_type = 'TALENT'")).await, 3);
        assert_eq!(number(&server, &count("AND record_type = 'AFFILIATION'")).await, 3);
        assert_eq!(number(&server, "SELECT head FROM feed_meta").await - before, 6, "no other entries");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM view_head WHERE op <> 'ERASE' AND record_id NOT IN (SELECT id FROM organization)").await, 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'ERASED' AND source IS NULL AND external_id IS NULL AND length(content_hash) = 0").await, 2);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization").await, 1, "the organization stays");
        // A second erasure finds nothing.
        assert_eq!(told(&erase(&own, &id).await), ["NOT_FOUND id"]);
        assert_eq!(number(&server, "SELECT head FROM feed_meta").await - before, 6);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn the_person_and_its_region_may(server) {
        import(&server, &[talent("wallonie", "a", json!({})), talent("wallonie", "b", json!({})),
            talent("wallonie", "hidden", json!({"visibility": "PRIVATE"}))]).await;
        let (a, b, hidden) = (id_of(&server, "a").await, id_of(&server, "b").await, id_of(&server, "hidden").await);
        assert_eq!(told(&erase(&server, &a).await), ["FORBIDDEN id"], "nobody");
        for viewer in [member(7), editor(&["flandre"]), owner(&b)] {
            let other = server.beside(viewer).await;
            assert_eq!(told(&erase(&other, &a).await), ["FORBIDDEN id"]);
            assert_eq!(told(&erase(&other, &hidden).await), ["NOT_FOUND id"], "hidden is absent");
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM erasure_ledger").await, 0);
        let region = server.beside(editor(&["wallonie"])).await;
        assert_eq!(told(&erase(&region, &a).await), [""; 0]);
        let own = server.beside(owner(&b)).await;
        assert_eq!(told(&erase(&own, &b).await), [""; 0]);
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 0);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn an_account_that_was_for_the_profile_goes_with_it(server) {
        import(&server, &[talent("wallonie", "a", json!({})), talent("wallonie", "b", json!({}))]).await;
        for (slug, grants) in [("a", [].as_slice()), ("b", [(Role::Member, "wallonie")].as_slice())] {
            let id = id_of(&server, slug).await;
            let (_, talent) = id::decode_any("", &id).unwrap();
            let email = format!("{slug}@example.org");
            let made = accounts::account(&server.app, &email, grants).await;
            account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(talent))
                .filter(account::Column::Id.eq(made)).exec(server.app.db.writer()).await.unwrap();
            let token = accounts::sign_in(&server, &email).await.access;
            let made = accounts::data_as(&server, &token, "mutation { createCalendarAddress { url } }").await;
            let url = made["createCalendarAddress"]["url"].as_str().unwrap().to_owned();
            let erase = format!("mutation {{ eraseTalent(id: \"{id}\") {{ deletedId userErrors {{ code }} }} }}");
            let erased = accounts::data_as(&server, &token, &erase).await;
            assert_eq!(erased["eraseTalent"], json!({"deletedId": id, "userErrors": []}));
            let (_, address) = url.split_once("directory.example").unwrap();
            let calendar = server.client.get(server.url(address)).send().await.unwrap();
            assert_eq!(calendar.status(), if grants.is_empty() { 404 } else { 200 });
            if grants.is_empty() {
                assert!(!accounts::is_good(&server, &token).await);
                let answer = accounts::try_sign_in(&server, &email, accounts::PASSWORD).await;
                assert_eq!(answer["data"]["signIn"]["userErrors"][0]["reason"], "WRONG_CREDENTIALS");
            } else {
                let viewer = accounts::data_as(&server, &token, "{ viewer { account { email talent { id } } } }").await;
                assert_eq!(viewer["viewer"]["account"], json!({"email": email, "talent": null}));
            }
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM session").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM account_network").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM calendar_address").await, 1);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn it_does_not_come_back(server) {
        let line = talent("wallonie", "t", json!({}));
        import(&server, &[organization("wallonie", "studio", json!({})), line.clone()]).await;
        let id = id_of(&server, "t").await;
        let region = server.beside(editor(&["wallonie"])).await;
        assert_eq!(told(&erase(&region, &id).await), [""; 0]);
        let mut overwriting = line.clone();
        overwriting["overwrite"] = json!(true);
        for line in [line, overwriting] {
            let (summary, refused) = import_text(&server, &ndjson(&[line]), &options()).await;
            assert_eq!((summary.created, refused.bad.len()), (0, 1));
            assert_eq!(refused.bad[0].1, "externalId");
            assert!(refused.bad[0].2.contains("erased"), "{:?}", refused.bad);
        }
        // The slug is free again. The id stays unusable in references and mutations.
        import(&server, &[talent("wallonie", "u", json!({"slug": "t"}))]).await;
        assert_ne!(id_of(&server, "t").await, id);
        let role = affiliation("wallonie", &id, "studio", json!({}));
        let (_, refused) = import_text(&server, &ndjson(&[role]), &options()).await;
        assert_eq!(refused.bad.len(), 1);
        let input = [("id", "ID!", json!(id)), ("input", "TalentInput!", json!({"displayName": "x"}))];
        assert_eq!(told(&call(&region, "updateTalent", "talent { id }", &input).await), ["NOT_FOUND id"]);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn a_backup_does_not_bring_it_back(server) {
        let lines = [talent("wallonie", "a", json!({})), talent("wallonie", "b", json!({}))];
        import(&server, &lines).await;
        let folder = folder();
        let mut erased = Erased::replay(&server.app, folder.path()).await.unwrap();
        let region = server.beside(editor(&["wallonie"])).await;
        let (a, b) = (id_of(&server, "a").await, id_of(&server, "b").await);
        assert_eq!(told(&erase(&region, &a).await), [""; 0]);
        erased.settle(&server.app).await.unwrap();
        assert_eq!(number(&server, "SELECT COUNT(*) FROM erasure_ledger WHERE settled_at IS NULL").await, 0);
        // Simulates an older backup: `b` takes the place of `a`, and the ledger is empty.
        let file = folder.path().join("erased");
        let (_, kept) = id::decode_any("", &a).unwrap();
        let (_, other) = id::decode_any("", &b).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&kept.to_string(), &other.to_string())).unwrap();
        erasure_ledger::Entity::delete_many().exec(server.app.db.writer()).await.unwrap();
        Erased::replay(&server.app, folder.path()).await.unwrap();
        assert_eq!(server.data("{ talents { totalCount } }").await["talents"]["totalCount"], 0);
        // The hash in the file belongs to `a`, which this backup lacks.
        let (_, refused) = import_text(&server, &ndjson(&lines), &options()).await;
        assert_eq!(refused.bad.len(), 1, "{refused:?}");
        // A truncated line is restored from the ledger. A damaged line is an error.
        fs::write(&file, format!("{text}TALENT 0192")).unwrap();
        Erased::replay(&server.app, folder.path()).await.unwrap().settle(&server.app).await.unwrap();
        assert!(fs::read_to_string(&file).unwrap().ends_with('\n'));
        fs::write(&file, format!("nonsense\n{text}")).unwrap();
        let refused = Erased::replay(&server.app, folder.path()).await.unwrap_err().to_string();
        assert!(refused.contains("line 1"), "{refused}");
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn partnerships_and_organizations_are_as_before(server) {
        import(&server, &[organization("wallonie", "a", json!({})), organization("flandre", "b", json!({})),
            partnership("wallonie", "p", &["a", "b"], json!({})), talent("wallonie", "t", json!({})),
            affiliation("wallonie", "t", "a", json!({}))]).await;
        let read = "{ organizations { nodes { slug revision affiliations { totalCount } } } partnerships { nodes { slug revision } } }";
        let region = server.beside(editor(&["wallonie"])).await;
        let before = server.data(read).await;
        let id = id_of(&server, "t").await;
        let refused = call(&region, "deleteTalent", "deletedId", &[("id", "ID!", json!(id))]).await;
        assert_eq!(reason(&refused), "REFERRED_TO");
        assert_eq!(told(&erase(&region, &id).await), [""; 0]);
        let text = before.to_string().replace("{\"totalCount\":1}", "{\"totalCount\":0}");
        assert_eq!(server.data(read).await.to_string(), text);
    }
}
