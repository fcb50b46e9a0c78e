//! The audit log: who changed a record, and who read the contact data of a talent.

use std::time::Duration;

use entity::account;
use passerelle::directory::contact_read;
use passerelle::housekeeping::{self, Round, Sweeper, Swept};
use passerelle::identity::account as accounts;
use passerelle::identity::role::{Grant, Role};
use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use passerelle::records::audit;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mutations::{
    admin, call, delete, editor, made, member, number, owner, person, studio, told, update,
};
use crate::on_both_databases;
use crate::support::accounts::{account as made_account, data_as, sign_in};
use crate::support::records::{affiliation, import, import_text, ndjson, options, organization, talent};
use crate::support::server::{Setup, TestServer};
use crate::support::until;

/// The history of a record as a viewer sees it: action, revision and fields of each entry.
async fn history(by: &TestServer, id: &str) -> Vec<String> {
    let query = format!("{{ history(id: \"{id}\") {{ nodes {{ action revision fields }} }} }}");
    let data = by.data(&query).await;
    let entry = |entry: &Value| {
        let fields = entry["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field.as_str().unwrap())
            .collect::<Vec<_>>();
        format!("{} {} {}", entry["action"].as_str().unwrap(), entry["revision"], fields.join(","))
    };
    data["history"]["nodes"].as_array().unwrap().iter().map(entry).collect()
}

fn uuid(text: &str) -> Uuid {
    id::decode_any("", text).unwrap().1
}

on_both_databases! {
    async fn every_write_of_a_record_leaves_an_entry_without_values(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let mut input = studio("wallonie", "canary");
        (input["email"], input["name"]) = (json!("canary@example.org"), json!("Canary"));
        let id = made(&own, "organization", input).await;
        assert_eq!(told(&update(&own, "organization", &id, None, json!({"name": "Canary 2", "acronym": "CANARY", "sectors": []}), "id").await), [""; 0]);
        assert_eq!(told(&update(&own, "organization", &id, None, json!({"name": "Canary 2"}), "id").await), [""; 0], "nothing changes, nothing is noted");
        assert_eq!(told(&update(&own, "organization", &id, Some(1), json!({"name": "x"}), "id").await), ["CONFLICT baseRevision"]);
        let canary = made(&own, "talent", person("wallonie", "canary")).await;
        let role = json!({"talent": "canary", "organization": "canary", "roles": [{"language": "FR", "text": "canary"}]});
        let role = made(&own, "affiliation", role).await;
        call(&own, "confirmAffiliation", "affiliation { id }", &[("id", "ID!", json!(role))]).await;
        assert_eq!(told(&update(&own, "organization", &id, None, json!({"visibility": "MEMBERS"}), "id").await), [""; 0]);
        assert_eq!(history(&own, &role).await, ["UPDATE 3 visibility", "CONFIRM 2 assertedBy", "CREATE 1 talent,organization,roles,assertedBy"]);
        assert_eq!(told(&delete(&own, "affiliation", &role, None).await), [""; 0]);
        assert_eq!(told(&delete(&own, "organization", &id, None).await), [""; 0]);
        let created = "CREATE 1 slug,region,visibility,kind,status,name,servedRegions,email";
        assert_eq!(history(&own, &id).await, ["DELETE 4 ", "UPDATE 3 visibility", "UPDATE 2 name,acronym", created]);
        assert_eq!(history(&own, &canary).await.len(), 1);
        let data = own.data(&format!("{{ history(id: \"{id}\", last: 1) {{ totalCount nodes {{ at actor actorId source recordId }} }} }}")).await;
        assert_eq!(data["history"], json!({"totalCount": 4, "nodes": [{"at": "2026-11-22T10:00:00Z", "actor": "ACCOUNT",
            "actorId": id::encode("account", Uuid::from_u128(1)), "source": null, "recordId": id}]}));
        let rows = entity::audit::Entity::find().all(server.app.db.writer()).await.unwrap();
        assert!(rows.len() > 6 && !format!("{rows:?}").to_lowercase().contains("canary"));
    }
}

on_both_databases! {
    async fn sources_and_machines_are_told_from_people(server) {
        import(&server, &[organization("wallonie", "a", json!({}))]).await;
        import(&server, &[organization("wallonie", "a", json!({"name": "b"}))]).await;
        let machine = server.beside(Viewer { machine: true, ..editor(&["wallonie"]) }).await;
        let id = machine.data("{ organization(by: {slug: \"a\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        assert_eq!(told(&update(&machine, "organization", &id, None, json!({"name": "c"}), "id").await), [""; 0]);
        let data = machine.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ actor actorId source action }} }} }}")).await;
        let of_source = |action: &str| json!({"actor": "SOURCE", "actorId": null, "source": "test-wallonie", "action": action});
        let of_machine = json!({"actor": "API_KEY", "actorId": id::encode("api_key", Uuid::from_u128(1)), "source": null, "action": "UPDATE"});
        assert_eq!(data["history"]["nodes"], json!([of_machine, of_source("UPDATE"), of_source("CREATE")]));
    }
}

on_both_databases! {
    async fn a_history_is_for_the_staff_of_the_region_and_for_the_talent(server) {
        let both = server.beside(editor(&["wallonie", "flandre"])).await;
        let organization = made(&both, "organization", studio("wallonie", "o")).await;
        let talent = made(&both, "talent", person("wallonie", "t")).await;
        let gone = made(&both, "organization", studio("wallonie", "gone")).await;
        delete(&both, "organization", &gone, None).await;
        let document = |id: &str| format!("{{ history(id: \"{id}\") {{ totalCount nodes {{ action }} pageInfo {{ hasNextPage hasPreviousPage startCursor }} }} }}");
        let nothing = "organization_7zzzzzzzzzzzzzzzzzzzzzzzzz";
        let viewers = [
            ("anonymous", Viewer::anonymous(), [false; 3]),
            ("a member", member(9), [false; 3]),
            ("a neighbour", editor(&["flandre"]), [false; 3]),
            ("a partner", Viewer { writes: ["wallonie".to_owned()].into(), ..member(9) }, [false; 3]),
            ("a member of it", owner(&organization), [false; 3]),
            ("the talent", owner(&talent), [false, true, false]),
            ("a moderator", Viewer { staff_of: ["wallonie".to_owned()].into(), ..member(9) }, [true; 3]),
            ("an administrator", admin(), [true; 3]),
        ];
        for (who, viewer, sees) in viewers {
            let by = server.beside(viewer).await;
            let before = server.statements();
            let absent = by.data(&document(nothing)).await;
            assert_eq!(server.statements() - before, 2);
            for (id, sees) in [&organization, &talent, &gone].into_iter().zip(sees) {
                let before = server.statements();
                let data = by.data(&document(id)).await;
                assert_eq!(server.statements() - before, 2, "{who}");
                assert_eq!(data != absent, sees, "{who}: {data}");
            }
        }
        // The history of a moved record is visible to the staff of its present region.
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        assert_eq!(told(&update(&both, "organization", &organization, None, json!({"region": "flandre"}), "id").await), [""; 0]);
        assert_eq!((history(&flandre, &organization).await.len(), history(&wallonie, &organization).await.len()), (2, 0));
        // Ids of types without a history.
        assert_eq!(server.code("{ history(id: \"region_7zzzzzzzzzzzzzzzzzzzzzzzzz\") { totalCount } }").await, "BAD_USER_INPUT");
        assert_eq!(server.code("{ history(id: \"x\") { totalCount } }").await, "BAD_USER_INPUT");
    }
}

on_both_databases! {
    async fn a_duplicate_leaves_its_history_to_the_survivor(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let s = made(&own, "organization", studio("wallonie", "s")).await;
        let d = made(&own, "organization", studio("wallonie", "d")).await;
        let arguments = [("survivor", "ID!", json!(s)), ("duplicate", "ID!", json!(d))];
        assert_eq!(told(&call(&own, "mergeOrganizations", "organization { id }", &arguments).await), [""; 0]);
        let data = own.data(&format!("{{ history(id: \"{d}\") {{ nodes {{ action revision recordId }} }} }}")).await;
        let entries = data["history"]["nodes"].as_array().unwrap();
        let of = |action: &str, revision: i32, id: &str| json!({"action": action, "revision": revision, "recordId": id});
        for expected in [of("MERGE", 2, &s), of("MERGED", 2, &d), of("CREATE", 1, &s), of("CREATE", 1, &d)] {
            assert!(entries.contains(&expected), "{entries:?}");
        }
        assert_eq!((entries.len(), history(&own, &s).await.len()), (4, 4));
    }
}

on_both_databases! {
    async fn an_account_that_is_erased_leaves_no_trace_of_itself(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let id = made(&own, "organization", studio("wallonie", "a")).await;
        let db = &server.app.db;
        audit::forget_account(db.writer(), db.dialect(), Uuid::from_u128(1)).await.unwrap();
        let data = own.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ action actor actorId }} }} }}")).await;
        assert_eq!(data["history"]["nodes"], json!([{"action": "CREATE", "actor": "ERASED_ACCOUNT", "actorId": null}]));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM audit WHERE actor_id IS NOT NULL").await, 0);
        // The history is kept for 24 months.
        server.set_clock("2028-11-22T10:00:00Z");
        assert_eq!(housekeeping::sweep(&server.app).await.unwrap().history, 0);
        server.set_clock("2028-11-22T10:00:01Z");
        assert_eq!(housekeeping::sweep(&server.app).await.unwrap().history, 1);
    }
}

on_both_databases! {
    async fn a_clock_that_has_jumped_deletes_no_history(server) {
        let hours = Duration::from_hours;
        let entries = async || number(&server, "SELECT COUNT(*) FROM audit").await;
        let own = server.beside(editor(&["wallonie"])).await;
        made(&own, "organization", studio("wallonie", "a")).await;
        // There was no sweep before, so the history gives the last known time.
        let mut sweeper = Sweeper::default();
        server.set_clock("2030-03-06T10:00:00Z");
        assert_eq!(sweeper.sweep(&server.app, hours(0)).await.unwrap(), Round::Waits { days: 1200 });
        // The clock is corrected.
        server.set_clock("2026-11-22T12:00:00Z");
        assert_eq!(sweeper.sweep(&server.app, hours(2)).await.unwrap(), Round::Swept(Swept::default()));
        // A few days off is no jump.
        server.set_clock("2026-11-28T12:00:00Z");
        assert_eq!(sweeper.sweep(&server.app, hours(3)).await.unwrap(), Round::Swept(Swept::default()));
        server.set_clock("2030-03-06T10:00:00Z");
        for running in [10, 33] {
            assert!(matches!(sweeper.sweep(&server.app, hours(running)).await.unwrap(), Round::Waits { .. }));
            // A program that starts meanwhile waits as well.
            assert!(matches!(Sweeper::default().sweep(&server.app, hours(0)).await.unwrap(), Round::Waits { .. }));
        }
        assert_eq!(entries().await, 1);
        // The clock stays there, so it is accepted as right.
        let swept = sweeper.sweep(&server.app, hours(34)).await.unwrap();
        assert!(matches!(swept, Round::Swept(Swept { history: 1, .. })), "{swept:?}");
        assert_eq!(entries().await, 0);
        assert_eq!(sweeper.sweep(&server.app, hours(35)).await.unwrap(), Round::Swept(Swept::default()));
    }
}

on_both_databases! {
    async fn what_is_done_to_accounts_and_keys_is_noted(server) {
        let ana = made_account(&server.app, "ana@example.org", &[(Role::RegionAdmin, "wallonie")]).await;
        let email = "ana@example.org".parse().unwrap();
        let grant = || Grant { role: Role::Editor, region: Some("flandre".into()) };
        for given in [true, true, false] {
            assert!(accounts::set_grant(&server.app, &email, grant(), given).await.unwrap());
        }
        server.app.identity.signing().unwrap().rotate(&server.app).await.unwrap();
        let token = sign_in(&server, "ana@example.org").await.access;
        let create = "mutation { createApiKey(input: {name: \"canary\", region: \"wallonie\", roles: [EDITOR]}) { apiKey { id } secret userErrors { message } } }";
        let key = data_as(&server, &token, create).await["createApiKey"].take();
        let id = key["apiKey"]["id"].as_str().unwrap();
        for _ in 0..2 {
            data_as(&server, &token, &format!("mutation {{ revokeApiKey(id: \"{id}\") {{ userErrors {{ message }} }} }}")).await;
        }
        let admin = server.beside(admin()).await;
        assert_eq!(history(&admin, id).await, ["REVOKE null ", "CREATE null name,region,roles,expiresAt"]);
        let account = id::encode("account", ana);
        assert_eq!(history(&admin, &account).await, ["WITHDRAW_ROLE null roles", "GRANT_ROLE null roles", "CREATE null email,displayName,language,password,roles"]);
        for id in [id, account.as_str()] {
            let data = data_as(&server, &token, &format!("{{ history(id: \"{id}\") {{ totalCount }} }}")).await;
            assert_eq!(data["history"]["totalCount"], 0, "only administrators of the instance");
        }
        let data = admin.data(&format!("{{ key: history(id: \"{id}\") {{ nodes {{ actor actorId }} }} account: history(id: \"{account}\") {{ nodes {{ actor actorId }} }} }}")).await;
        assert_eq!(data["key"]["nodes"][0], json!({"actor": "ACCOUNT", "actorId": account}));
        assert_eq!(data["account"]["nodes"][0], json!({"actor": "COMMAND_LINE", "actorId": null}));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM audit WHERE action = 'ROTATE_KEYS'").await, 1);
        let rows = format!("{:?}", entity::audit::Entity::find().all(server.app.db.writer()).await.unwrap());
        assert!(!rows.contains("canary") && !rows.contains("example.org") && !rows.contains(key["secret"].as_str().unwrap()));
    }
}

/// An account that owns this talent's profile, and its access token.
async fn person_of(server: &TestServer, email: &str, talent: &str) -> (Uuid, String) {
    let id = made_account(&server.app, email, &[]).await;
    account::Entity::update_many()
        .col_expr(account::Column::TalentId, Expr::value(uuid(talent)))
        .filter(account::Column::Id.eq(id))
        .exec(server.app.db.writer())
        .await
        .unwrap();
    (id, sign_in(server, email).await.access)
}

/// Waits until `count` reads of contact data are written.
async fn noted(server: &TestServer, count: i64) {
    let reads = "SELECT COUNT(*) FROM contact_read";
    until("the reads are noted", async || number(server, reads).await == count).await;
}

/// A line with a talent whose contact data are visible to members.
fn reachable(slug: &str) -> Value {
    talent(
        "wallonie",
        slug,
        json!({"email": format!("{slug}@example.org"), "phone": "+32 1", "fieldVisibility": [{"group": "CONTACT", "visibility": "MEMBERS"}],
        "claims": [{"field": "email", "value": "claimed", "source": {"title": "x"}}, {"field": "givenName", "value": "claimed", "source": {"title": "x"}}]}),
    )
}

async fn id_of(server: &TestServer, slug: &str) -> String {
    let data = server.data(&format!("{{ talent(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    data["talent"]["id"].as_str().unwrap().to_owned()
}

const READS: &str = "{ viewer { contactReads { totalCount nodes { at reader name email phone } } } }";

on_both_databases! {
    with Setup::default().with_search();
    async fn whoever_is_shown_how_to_reach_a_person_is_noted_for_them(server) {
        import(&server, &[organization("wallonie", "o", json!({})), reachable("ana"), affiliation("wallonie", "ana", "o", json!({}))]).await;
        let ana = id_of(&server, "ana").await;
        let (_, own) = person_of(&server, "ana@example.org", &ana).await;
        made_account(&server.app, "bob@example.org", &[]).await;
        let bob = sign_in(&server, "bob@example.org").await.access;
        server.indexed().await;
        // Every path to contact data counts, each in its own minute. Unselected fields do not.
        let silent = [
            "{ talent(by: {slug: \"ana\"}) { displayName withheld claims(field: \"givenName\") { value } } }".to_owned(),
            "query($no: Boolean = false) { talent(by: {slug: \"ana\"}) { slug email @include(if: $no) } }".to_owned(),
        ];
        for query in &silent {
            data_as(&server, &bob, query).await;
        }
        let ways = [
            "{ talents { nodes { mail: email } } }".to_owned(),
            "{ organizations { nodes { affiliations { nodes { talent { phone } } } } } }".to_owned(),
            format!("{{ node(id: \"{ana}\") {{ ...card }} }} fragment card on Talent {{ email phone }}"),
            "{ search(query: \"ana\") { nodes { ... on Talent { email } } } }".to_owned(),
            "{ talent(by: {slug: \"ana\"}) { claims { field value } } }".to_owned(),
            "{ regions { talents { edges { node { email } } } } }".to_owned(),
        ];
        for (minute, query) in ways.iter().enumerate() {
            server.set_clock(&format!("2026-11-22T10:0{minute}:30Z"));
            let bob = sign_in(&server, "bob@example.org").await.access;
            let before = server.statements();
            data_as(&server, &own, query).await;
            let by_owner = server.statements() - before;
            server.data(query).await;
            let before = server.statements();
            data_as(&server, &bob, query).await;
            data_as(&server, &bob, query).await;
            // One statement for each read, and those that identify the caller.
            assert!(server.statements() - before <= 2 * by_owner + 4, "{query}");
            noted(&server, i64::try_from(minute).unwrap() + 1).await;
        }
        let data = data_as(&server, &own, READS).await;
        let reads = &data["viewer"]["contactReads"];
        let read = |minute: usize, email: bool, phone: bool| json!({"at": format!("2026-11-22T10:0{minute}:00Z"), "reader": "ACCOUNT", "name": "bob@example.org", "email": email, "phone": phone});
        assert_eq!(reads["nodes"], json!([read(5, true, false), read(4, true, false), read(3, true, false), read(2, true, true), read(1, false, true), read(0, true, false)]));
        assert_eq!(reads["totalCount"], 6);
        // Visible to the talent alone.
        for nobody in [data_as(&server, &sign_in(&server, "bob@example.org").await.access, READS).await, server.data(READS).await] {
            assert_eq!(nobody["viewer"]["contactReads"], json!({"totalCount": 0, "nodes": []}));
        }
        // In pages.
        let data = data_as(&server, &own, "{ viewer { contactReads(first: 4) { nodes { at } pageInfo { endCursor hasNextPage } } } }").await;
        let cursor = &data["viewer"]["contactReads"]["pageInfo"]["endCursor"];
        let data = data_as(&server, &own, &format!("{{ viewer {{ contactReads(first: 4, after: {cursor}) {{ nodes {{ at }} pageInfo {{ hasNextPage }} }} }} }}")).await;
        assert_eq!(data["viewer"]["contactReads"], json!({"nodes": [{"at": "2026-11-22T10:01:00Z"}, {"at": "2026-11-22T10:00:00Z"}], "pageInfo": {"hasNextPage": false}}));
    }
}

on_both_databases! {
    async fn a_list_of_a_hundred_is_noted_in_one_batch_and_costs_no_statement(server) {
        let lines: Vec<Value> = (0..100).map(|n| reachable(&format!("t{n}"))).collect();
        import(&server, &lines).await;
        let staff = server.beside(editor(&["wallonie"])).await;
        let (plain, contact) = ("{ talents(first: 100) { nodes { slug } } }", "{ talents(first: 100) { nodes { slug email phone } } }");
        let count = async |query: &str| {
            let before = server.statements();
            staff.data(query).await;
            server.statements() - before
        };
        assert_eq!((count(plain).await, number(&server, "SELECT COUNT(*) FROM contact_read").await), (1, 0));
        assert_eq!(count(contact).await, 1);
        noted(&server, 100).await;
        // A repetition in the same minute adds nothing, and anonymous readers are not noted.
        staff.data(contact).await;
        server.data(contact).await;
        server.set_clock("2026-11-22T10:01:00Z");
        staff.data(contact).await;
        noted(&server, 200).await;
        let both = "SELECT COUNT(*) FROM contact_read WHERE email = 1 AND phone = 1 AND reader = 'ACCOUNT'";
        assert_eq!(number(&server, both).await, 200);
        // Kept for a year, and deleted with the talent or the account.
        let db = &server.app.db;
        assert_eq!(told(&delete(&staff, "talent", &id_of(&server, "t0").await, None).await), [""; 0]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM contact_read").await, 198);
        server.set_clock("2027-11-22T10:00:01Z");
        assert_eq!(housekeeping::sweep(&server.app).await.unwrap().contact_reads, 99);
        contact_read::store::forget_reader(db.writer(), db.dialect(), Uuid::from_u128(1)).await.unwrap();
        assert_eq!(number(&server, "SELECT COUNT(*) FROM contact_read").await, 0);
    }
}

on_both_databases! {
    async fn a_stop_waits_until_what_was_shown_is_noted(server) {
        import(&server, &(0..50).map(|n| reachable(&format!("t{n}"))).collect::<Vec<_>>()).await;
        let mut staff = server.beside(editor(&["wallonie"])).await;
        staff.data("{ talents(first: 100) { nodes { email } } }").await;
        staff.stop().await;
        assert_eq!(number(&server, "SELECT COUNT(*) FROM contact_read").await, 50);
    }
}

on_both_databases! {
    async fn the_reads_of_a_duplicate_go_over_to_the_survivor(server) {
        import(&server, &[reachable("s"), reachable("d")]).await;
        let own = server.beside(editor(&["wallonie"])).await;
        own.data("{ talents { nodes { email } } }").await;
        noted(&server, 2).await;
        server.set_clock("2026-11-22T10:01:00Z");
        own.data("{ talent(by: {slug: \"d\"}) { email } }").await;
        noted(&server, 3).await;
        let (s, d) = (id_of(&server, "s").await, id_of(&server, "d").await);
        let arguments = [("survivor", "ID!", json!(s)), ("duplicate", "ID!", json!(d))];
        assert_eq!(told(&call(&own, "mergeTalents", "talent { id }", &arguments).await), [""; 0]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM contact_read").await, 2, "once for each minute");
        let backend = server.app.db.dialect().backend();
        let sql = "SELECT COUNT(*) FROM contact_read WHERE talent_id = $1";
        let row = server.app.db.writer().query_one_raw(Statement::from_sql_and_values(backend, sql, [uuid(&s).into()])).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 2);
    }
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn a_talent_who_is_erased_takes_along_what_was_noted_and_proposed(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        import(&server, &[organization("wallonie", "o", json!({})), reachable("ana-canary"), reachable("twice")]).await;
        let (ana, twice) = (id_of(&server, "ana-canary").await, id_of(&server, "twice").await);
        let arguments = [("survivor", "ID!", json!(ana)), ("duplicate", "ID!", json!(twice))];
        assert_eq!(told(&call(&own, "mergeTalents", "talent { email }", &arguments).await), [""; 0]);
        let (account, token) = person_of(&server, "ana@example.org", &ana).await;
        noted(&server, 1).await;
        let organization = own.data("{ organization(by: {slug: \"o\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let of = server.beside(owner(&organization)).await;
        for text in ["led by ana-canary", "led by nobody"] {
            let change = json!({"organization": organization, "change": {"descriptions": [{"language": "FR", "text": text}]}});
            assert_eq!(told(&call(&of, "proposeChange", "proposal { id }", &[("input", "ProposeChangeInput!", change)]).await), [""; 0]);
        }
        assert_eq!(told(&update(&own, "talent", &ana, None, json!({"skills": ["a"]}), "id").await), [""; 0]);
        let erased = data_as(&server, &token, &format!("mutation {{ eraseTalent(id: \"{ana}\") {{ deletedId userErrors {{ message }} }} }}")).await;
        assert_eq!(erased["eraseTalent"]["deletedId"], json!(ana));
        assert_eq!((number(&server, "SELECT COUNT(*) FROM contact_read").await, number(&server, "SELECT COUNT(*) FROM proposal").await), (0, 1));
        let data = own.data(&format!("{{ history(id: \"{ana}\") {{ nodes {{ action actor actorId }} }} }}")).await;
        assert_eq!(data["history"]["nodes"][0], json!({"action": "ERASE", "actor": "ERASED_ACCOUNT", "actorId": null}));
        let rows = format!("{:?}", entity::audit::Entity::find().all(server.app.db.writer()).await.unwrap());
        assert!(!rows.contains("canary") && !rows.contains(&account.to_string()));
        // Neither can be imported or found again, under either name.
        let data = server.data(&format!("{{ nodes(ids: [\"{ana}\", \"{twice}\"]) {{ id }} a: talent(by: {{slug: \"twice\"}}) {{ id }} }}")).await;
        assert_eq!(data, json!({"nodes": [null, null], "a": null}));
        let lines = ndjson(&[reachable("ana-canary"), reachable("twice")]);
        assert_eq!(import_text(&server, &lines, &options()).await.0.bad, 2);
    }
}
