//! Merging duplicates: the survivor takes over the duplicate's data, and the duplicate's names resolve to it.

use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    admin, call, create, editor, logged, made, member, number, owner, person, reason, studio, told, update,
};
use crate::on_both_databases;
use crate::support::records::{
    affiliation, each, import, import_text, ndjson, options, organization, partnership, talent,
};
use crate::support::server::TestServer;

/// Merges two records, with base revisions if given.
async fn merge_seen(
    server: &TestServer,
    of: &str,
    ids: [&str; 2],
    seen: [Option<i32>; 2],
    fields: &str,
) -> Value {
    let name = if of == "talent" { "mergeTalents" } else { "mergeOrganizations" };
    let arguments = [
        ("survivor", "ID!", json!(ids[0])),
        ("duplicate", "ID!", json!(ids[1])),
        ("baseRevision", "Int", json!(seen[0])),
        ("duplicateRevision", "Int", json!(seen[1])),
    ];
    call(server, name, &format!("{of} {{ {fields} }}"), &arguments).await
}

async fn merge(server: &TestServer, of: &str, survivor: &str, duplicate: &str, fields: &str) -> Value {
    merge_seen(server, of, [survivor, duplicate], [None, None], fields).await
}

/// The id of the record with a slug.
async fn id_of(server: &TestServer, of: &str, slug: &str) -> String {
    let data = server.data(&format!("{{ {of}(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    data[of]["id"].as_str().unwrap_or_else(|| panic!("{of} {slug}: {data}")).to_owned()
}

fn uuid(text: &str) -> Uuid {
    id::decode_any("", text).unwrap().1
}

/// Runs a statement with ids.
async fn execute(server: &TestServer, sql: &str, ids: &[Uuid]) {
    let backend = server.app.db.dialect().backend();
    let values: Vec<sea_orm::Value> = ids.iter().map(|id| (*id).into()).collect();
    server.app.db.writer().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
}

/// Inserts an invitation to join an organization or to claim a profile.
async fn invite(server: &TestServer, organization: Option<&str>, talent: Option<&str>) {
    let row = entity::invitation::Model {
        id: server.app.new_id(),
        email: "x@example.org".into(),
        email_key: "x@example.org".into(),
        language: "FR".into(),
        region: "wallonie".into(),
        roles: "[]".into(),
        organization_id: organization.map(uuid),
        talent_id: talent.map(uuid),
        invited_by: Uuid::from_u128(1),
        created_at: 0,
        expires_at: i64::MAX,
    };
    let insert = entity::invitation::Entity::insert(row.into_active_model().reset_all());
    insert.exec_without_returning(server.app.db.writer()).await.unwrap();
}

/// The organization and talent of each invitation.
async fn invited(server: &TestServer) -> Vec<(Option<Uuid>, Option<Uuid>)> {
    let all = entity::invitation::Entity::find().all(server.app.db.writer()).await.unwrap();
    all.into_iter().map(|row| (row.organization_id, row.talent_id)).collect()
}

/// Counts rows that refer to missing organizations or talents, and redirects of more than one hop.
const DANGLING: &str = "SELECT (SELECT COUNT(*) FROM affiliation AS a WHERE NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = a.organization_id)
        OR NOT EXISTS (SELECT 1 FROM talent AS t WHERE t.id = a.talent_id))
    + (SELECT COUNT(*) FROM partnership_party AS p WHERE NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = p.organization_id))
    + (SELECT COUNT(*) FROM organization_member AS m WHERE NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = m.organization_id))
    + (SELECT COUNT(*) FROM organization AS s WHERE s.successor_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = s.successor_id))
    + (SELECT COUNT(*) FROM record_redirect AS d JOIN record_redirect AS e ON e.id = d.target_id)";

/// Two duplicate organizations, with related records of all kinds.
async fn twins(server: &TestServer) {
    let lines = [
        organization("wallonie", "cluster", json!({})),
        organization("wallonie", "other", json!({})),
        organization(
            "wallonie",
            "s",
            json!({"name": "Studio", "acronym": "ST", "sectors": ["animation"], "website": "https://s.example/",
            "identifiers": [{"scheme": "SIREN", "value": "732829320"}], "descriptions": [{"language": "FR", "text": "S"}]}),
        ),
        organization(
            "flandre",
            "d",
            json!({"name": "Stúdio Twee", "acronym": "ST2", "sectors": ["animation", "jeux-video"], "website": "https://d.example/",
            "email": "d@example.org", "foundedOn": "2009", "memberOf": ["cluster", "s"], "otherNames": ["Old", "Studio"],
            "identifiers": [{"scheme": "SIREN", "value": "404833048"}],
            "descriptions": [{"language": "FR", "text": "D"}, {"language": "NL", "text": "D nl"}],
            "claims": [{"field": "foundedOn", "value": "2009", "preferred": true, "source": {"title": "An article"}}]}),
        ),
        organization("nord-pas-de-calais", "before", json!({"successor": "d"})),
        organization("nord-pas-de-calais", "member", json!({"memberOf": ["d", "s"]})),
        talent("wallonie", "t1", json!({})),
        talent("wallonie", "t2", json!({})),
        affiliation(
            "wallonie",
            "t1",
            "s",
            json!({"roles": [{"language": "FR", "text": "Monteur"}], "sources": [{"title": "one"}]}),
        ),
        affiliation(
            "wallonie",
            "t1",
            "d",
            json!({"roles": [{"language": "FR", "text": "Monteur"}], "sources": [{"title": "two"}]}),
        ),
        affiliation("wallonie", "t2", "d", json!({})),
        partnership("wallonie", "three", &["s", "d", "other"], json!({})),
        partnership("flandre", "two", &["d", "other"], json!({})),
    ];
    import(server, &lines).await;
}

on_both_databases! {
    async fn what_the_duplicate_has_goes_over_to_the_survivor(server) {
        twins(&server).await;
        let both = server.beside(editor(&["wallonie", "flandre"])).await;
        let (s, d) = (id_of(&server, "organization", "s").await, id_of(&server, "organization", "d").await);
        let twice = server.data("{ talent(by: {slug: \"t1\"}) { affiliations { nodes { id organization { slug } } } } }").await;
        let twice = twice["talent"]["affiliations"]["nodes"].as_array().unwrap().clone();
        for (account, of) in [(1, &s), (1, &d), (2, &d)] {
            execute(&server, "INSERT INTO account_organization (account_id, organization_id) VALUES ($1, $2)", &[Uuid::from_u128(account), uuid(of)]).await;
        }
        invite(&server, Some(&d), None).await;
        let before = logged(&server).await;
        let fields = "id slug name acronym otherNames website email foundedOn revision region { slug } sectors { slug } memberOf { slug }
            identifiers { value } descriptions { text } claims { field preferred } predecessors { slug } members { nodes { slug } }
            externalId { id } affiliations { nodes { talent { slug } sources { title } } } partnerships { nodes { slug parties { organization { slug } } } }";
        let answer = merge_seen(&both, "organization", [&s, &d], [Some(1), Some(1)], fields).await;
        assert_eq!(answer["userErrors"], json!([]));
        let now = &answer["organization"];
        assert_eq!([&now["id"], &now["slug"], &now["name"], &now["acronym"], &now["website"], &now["region"]["slug"]], [&json!(s), &json!("s"), &json!("Studio"), &json!("ST"), &json!("https://s.example/"), &json!("wallonie")], "existing values stay");
        assert_eq!((&now["email"], &now["foundedOn"], &now["revision"]), (&json!("d@example.org"), &json!("2009"), &json!(2)), "empty fields are filled");
        assert_eq!(now["otherNames"], json!(["Stúdio Twee", "ST2", "Old"]));
        assert_eq!(each(&now["sectors"], "/slug"), ["animation", "jeux-video"]);
        assert_eq!(each(&now["memberOf"], "/slug"), ["cluster"], "not a member of itself");
        assert_eq!(each(&now["identifiers"], "/value").len(), 2);
        assert_eq!(each(&now["descriptions"], "/text"), ["S", "D nl"]);
        assert_eq!(now["claims"], json!([{"field": "foundedOn", "preferred": true}]));
        assert_eq!((each(&now["predecessors"], "/slug"), each(&now["members"]["nodes"], "/slug")), (vec!["before"], vec!["member"]));
        assert_eq!(now["externalId"]["id"], "org-s");
        let mut roles = now["affiliations"]["nodes"].as_array().unwrap().clone();
        roles.sort_by_key(|role| role["talent"]["slug"].to_string());
        assert_eq!(each(&json!(roles), "/talent/slug"), ["t1", "t2"]);
        assert_eq!(each(&roles[0]["sources"], "/title"), ["one", "two"], "equal affiliations become one");
        for found in now["partnerships"]["nodes"].as_array().unwrap() {
            assert_eq!(each(&found["parties"], "/organization/slug"), ["s", "other"], "{found}");
        }
        // One revision and one entry for each changed record: the survivor, the predecessor, the member, two
        // affiliations, two partnerships. One entry for each deleted record.
        let all = "SELECT COUNT(*) FROM change_log WHERE op = 'UPSERT' AND seq > ";
        assert_eq!(number(&server, &format!("{all}{before}")).await, 7);
        assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM change_log WHERE op = 'DELETE' AND seq > {before}")).await, 2);
        assert_eq!(number(&server, "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM change_log WHERE op = 'UPSERT' GROUP BY record_id, revision) AS x").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM sync_record WHERE state = 'DELETED'").await, 2);
        assert_eq!((number(&server, DANGLING).await, number(&server, "SELECT COUNT(*) FROM account_organization").await), (0, 2));
        assert_eq!(invited(&server).await, [(Some(uuid(&s)), None)]);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization_list AS l WHERE NOT EXISTS (SELECT 1 FROM organization AS o WHERE o.id = l.id)").await, 0);
        // All names of the duplicate resolve to the survivor: in reads,
        let gone = twice.iter().find(|role| role["organization"]["slug"] == "d").unwrap()["id"].as_str().unwrap();
        let kept = twice.iter().find(|role| role["organization"]["slug"] == "s").unwrap()["id"].as_str().unwrap();
        let query = format!("{{ a: organization(by: {{id: \"{d}\"}}) {{ id }} b: organization(by: {{slug: \"d\"}}) {{ id }} c: organization(by: {{identifier: {{scheme: SIREN, value: \"404833048\"}}}}) {{ id }}
            d: organization(by: {{externalId: {{source: \"test-flandre\", id: \"org-d\"}}}}) {{ id }} node(id: \"{d}\") {{ id }} role: node(id: \"{gone}\") {{ id }} }}");
        let data = server.data(&query).await;
        for name in ["a", "b", "c", "d", "node"] {
            assert_eq!(data[name]["id"], json!(s), "{name}");
        }
        assert_eq!(data["role"]["id"], json!(kept));
        // in references, in mutations,
        for (place, name) in [d.as_str(), "d", "test-flandre:org-d"].into_iter().enumerate() {
            let role = json!({"talent": "t2", "organization": name, "roles": [{"language": "FR", "text": format!("r{place}")}]});
            assert_eq!(create(&both, "affiliation", role, "organization { id }").await["affiliation"]["organization"]["id"], json!(s), "{name}");
        }
        assert_eq!(update(&both, "organization", &d, Some(2), json!({"acronym": "X"}), "id acronym").await["organization"], json!({"id": s, "acronym": "X"}));
        // and in imports. The source of another region may still not change or delete the survivor.
        let mut line = organization("flandre", "d", json!({"name": "By the source"}));
        line["overwrite"] = json!(true);
        let gone = json!({"source": "test-flandre", "externalId": "org-d", "delete": true, "organization": {}});
        let role = affiliation("wallonie", "t1", "test-flandre:org-d", json!({"startsOn": "2020"}));
        for (line, path) in [(line, "region"), (gone, "delete")] {
            let (summary, told) = import_text(&server, &ndjson(&[line]), &options()).await;
            assert_eq!((summary.bad, told.bad[0].1.as_str()), (1, path), "{:?}", told.bad);
        }
        assert_eq!(import_text(&server, &ndjson(&[role]), &options()).await.0.created, 1);
        assert_eq!((number(&server, DANGLING).await, number(&server, "SELECT COUNT(*) FROM organization").await), (0, 5));
    }
}

on_both_databases! {
    async fn an_external_id_goes_over_where_the_survivor_has_none_and_chains_are_one_hop(server) {
        import(&server, &[organization("wallonie", "d", json!({}))]).await;
        let own = server.beside(editor(&["wallonie"])).await;
        let d = id_of(&server, "organization", "d").await;
        let mut ids = vec![d.clone()];
        for slug in ["a", "b", "c"] {
            let next = made(&own, "organization", studio("wallonie", slug)).await;
            let answer = merge(&own, "organization", &next, ids.last().unwrap(), "id externalId { source id }").await;
            assert_eq!(answer["organization"], json!({"id": next, "externalId": {"source": "test-wallonie", "id": "org-d"}}));
            ids.push(next);
        }
        for id in &ids {
            assert_eq!(server.data(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await["node"]["id"], json!(ids[3]));
        }
        assert_eq!((number(&server, DANGLING).await, number(&server, "SELECT COUNT(*) FROM record_redirect").await), (0, 3));
        let again = import_text(&server, &ndjson(&[organization("wallonie", "d", json!({"name": "by the source"}))]), &options()).await;
        assert_eq!((again.0.created, again.0.bad), (0, 1), "the source gets a conflict");
    }
}

on_both_databases! {
    async fn what_cannot_be_merged_is_refused_and_nothing_is_written(server) {
        twins(&server).await;
        let both = server.beside(editor(&["wallonie", "flandre"])).await;
        let wallonie = server.beside(editor(&["wallonie"])).await;
        let (s, d, other) = (id_of(&server, "organization", "s").await, id_of(&server, "organization", "d").await, id_of(&server, "organization", "other").await);
        let mut secret = studio("flandre", "secret");
        secret["visibility"] = json!("PRIVATE");
        let secret = made(&both, "organization", secret).await;
        let nothing = "organization_7zzzzzzzzzzzzzzzzzzzzzzzzz";
        let (before, audited) = (logged(&server).await, number(&server, "SELECT COUNT(*) FROM audit").await);
        let answer = merge(&both, "organization", &s, &s, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["INVALID duplicate".to_owned()], "SAME_RECORD"));
        for (viewer, expected) in [
            (editor(&["wallonie"]), vec!["FORBIDDEN duplicate"]),
            (owner(&s), vec!["FORBIDDEN survivor", "FORBIDDEN duplicate"]),
            (Viewer { staff_of: ["wallonie".to_owned(), "flandre".to_owned()].into(), ..member(9) }, vec!["FORBIDDEN survivor", "FORBIDDEN duplicate"]),
            (Viewer::anonymous(), vec!["FORBIDDEN survivor"]),
        ] {
            let by = server.beside(viewer).await;
            let answer = merge(&by, "organization", &s, &d, "id").await;
            assert_eq!((told(&answer), &answer["organization"]), (expected.iter().map(|e| (*e).to_owned()).collect(), &Value::Null));
        }
        // Hidden and absent records give the same response.
        let hidden = merge(&wallonie, "organization", &s, &secret, "id").await;
        assert_eq!(hidden, merge(&wallonie, "organization", &s, nothing, "id").await);
        assert_eq!(told(&hidden), ["NOT_FOUND duplicate"]);
        assert_eq!(told(&merge(&wallonie, "organization", &secret, nothing, "id").await), ["NOT_FOUND survivor", "NOT_FOUND duplicate"]);
        let answer = merge_seen(&both, "organization", [&s, &d], [Some(7), Some(9)], "id revision").await;
        assert_eq!((told(&answer), &answer["organization"]), (vec!["CONFLICT baseRevision".to_owned(), "CONFLICT duplicateRevision".to_owned()], &json!({"id": s, "revision": 1})));
        // A partnership between only these two.
        let answer = merge(&both, "organization", &other, &d, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE duplicate".to_owned()], "PARTNERSHIP_OF_ONE"));
        let two = id_of(&server, "partnership", "two").await;
        assert!(answer["userErrors"][0]["message"].as_str().unwrap().contains(&two), "{answer}");
        // Records of another type.
        let person = id_of(&server, "talent", "t1").await;
        assert_eq!(both.code(&format!("mutation {{ mergeOrganizations(survivor: \"{s}\", duplicate: \"{person}\") {{ userErrors {{ code }} }} }}")).await, "BAD_USER_INPUT");
        assert_eq!((logged(&server).await, number(&server, "SELECT COUNT(*) FROM audit").await), (before, audited));
        // Duplicates that were merged before, as either argument, and by editors without rights on the survivor.
        assert_eq!(told(&merge(&both, "organization", &s, &d, "id").await), [""; 0]);
        let before = logged(&server).await;
        let answer = merge(&both, "organization", &s, &d, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE duplicate".to_owned()], "ALREADY_MERGED"));
        let answer = merge(&both, "organization", &d, &s, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["INVALID duplicate".to_owned()], "SAME_RECORD"));
        assert_eq!(told(&merge(&server.beside(editor(&["flandre"])).await, "organization", &other, &d, "id").await), ["FORBIDDEN survivor", "FORBIDDEN duplicate"]);
        assert_eq!(logged(&server).await, before);
    }
}

on_both_databases! {
    async fn successors_end_where_organizations_are_merged(server) {
        let own = server.beside(admin()).await;
        for slug in ["a", "b", "c", "x"] {
            made(&own, "organization", studio("wallonie", slug)).await;
        }
        let of = async |slug: &str| id_of(&server, "organization", slug).await;
        let (a, b, c) = (of("a").await, of("b").await, of("c").await);
        for (slug, next) in [("a", "b"), ("b", "c")] {
            let id = of(slug).await;
            assert_eq!(told(&update(&own, "organization", &id, None, json!({"successor": next, "status": "MERGED"}), "id").await), [""; 0]);
        }
        let before = logged(&server).await;
        let answer = merge(&own, "organization", &a, &c, "id").await;
        assert_eq!(told(&answer), ["INVALID duplicate"]);
        assert_eq!(reason(&answer), "SUCCESSOR_CYCLE");
        assert_eq!(logged(&server).await, before);
        // Into its successor, and the reverse.
        let answer = merge(&own, "organization", &a, &b, "id status successor { id }").await;
        assert_eq!(answer["organization"], json!({"id": a, "status": "MERGED", "successor": {"id": c}}));
        let answer = merge(&own, "organization", &c, &a, "id status successor { id } predecessors { id }").await;
        assert_eq!(answer["organization"], json!({"id": c, "status": "ACTIVE", "successor": null, "predecessors": []}));
        assert_eq!(number(&server, DANGLING).await, 0);
    }
}

/// Inserts the account of a talent.
async fn belongs(server: &TestServer, account: u128, talent: &str) {
    let sql = "INSERT INTO account (id, email, email_key, display_name, language, talent_id, created_at, updated_at) VALUES ($1, $3, $3, 'x', 'FR', $2, 0, 0)";
    let backend = server.app.db.dialect().backend();
    let values =
        [Uuid::from_u128(account).into(), uuid(talent).into(), format!("{account}@example.org").into()];
    server.app.db.writer().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
}

on_both_databases! {
    async fn a_claimed_profile_survives_and_its_decisions_stand(server) {
        let both = server.beside(editor(&["wallonie", "flandre"])).await;
        made(&both, "organization", studio("wallonie", "o")).await;
        let mut ids = Vec::new();
        for (slug, region) in [("mine", "wallonie"), ("yours", "flandre"), ("imported", "flandre")] {
            let mut input = person(region, slug);
            input["email"] = json!(format!("{slug}@example.org"));
            if slug == "mine" {
                (input["email"], input["fieldVisibility"]) = (Value::Null, json!([{"group": "CONTACT", "visibility": "PUBLIC"}]));
            }
            ids.push(made(&both, "talent", input).await);
            let role = json!({"talent": slug, "organization": "o", "roles": [{"language": "FR", "text": "Monteur"}]});
            let role = made(&both, "affiliation", role).await;
            call(&both, "confirmAffiliation", "affiliation { id }", &[("id", "ID!", json!(role))]).await;
        }
        let [mine, yours, imported] = &ids[..] else { panic!() };
        execute(&server, "UPDATE talent SET claimed = TRUE WHERE id = $1", &[uuid(mine)]).await;
        belongs(&server, 8, yours).await;
        let before = logged(&server).await;
        let answer = merge(&both, "talent", imported, mine, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE duplicate".to_owned()], "CLAIMED_SURVIVES"));
        let answer = merge(&both, "talent", mine, yours, "id").await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE duplicate".to_owned()], "BOTH_CLAIMED"));
        assert_eq!(told(&merge(&server.beside(owner(mine)).await, "talent", mine, imported, "id").await), ["FORBIDDEN survivor", "FORBIDDEN duplicate"]);
        assert_eq!(logged(&server).await, before);
        invite(&server, None, Some(imported)).await;
        let fields = "id visibility claimed email nameVariants fieldVisibility { group visibility } region { slug } affiliations { nodes { assertedBy region { slug } } }";
        let answer = merge(&both, "talent", mine, imported, fields).await;
        assert_eq!(answer["userErrors"], json!([]));
        let now = &answer["talent"];
        assert_eq!((&now["claimed"], &now["nameVariants"], &now["fieldVisibility"][0]), (&json!(true), &json!(["imported"]), &json!({"group": "CONTACT", "visibility": "PUBLIC"})));
        assert_eq!(invited(&server).await, [], "the invitation is gone");
        assert_eq!(now["email"], Value::Null, "hidden values do not become visible");
        // Both sides had confirmed it, and the person had not decided otherwise.
        assert_eq!(now["affiliations"]["nodes"], json!([{"assertedBy": "BOTH", "region": {"slug": "wallonie"}}]));
        assert_eq!(server.data(&format!("{{ node(id: \"{imported}\") {{ id }} }}")).await["node"]["id"], json!(mine));
        assert_eq!(number(&server, DANGLING).await, 0);
    }
}

on_both_databases! {
    async fn merging_shows_nothing_that_was_hidden(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        let all = json!({"email": "canary@example.org", "phone": "canary", "givenName": "canary", "skills": ["canary"], "nameVariants": ["canary"], "website": "https://canary.example/",
            "biographies": [{"language": "FR", "text": "canary"}], "headlines": [{"language": "FR", "text": "canary"}], "availability": "AVAILABLE",
            "claims": [{"field": "email", "value": "canary", "source": {"title": "canary"}}], "sources": [{"title": "canary"}]});
        let fields = "id email phone givenName skills nameVariants website biographies { text } headlines { text } availability claims { value } sources { title }";
        for (level, shown) in [("PRIVATE", 0), ("MEMBERS", 0), ("PUBLIC", 6)] {
            let survivor = made(&own, "talent", person("wallonie", "s")).await;
            let mut duplicate = person("wallonie", &format!("canary-{}", level.to_lowercase()));
            duplicate.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
            duplicate["visibility"] = json!(level);
            let duplicate = made(&own, "talent", duplicate).await;
            assert_eq!(told(&merge(&own, "talent", &survivor, &duplicate, "id").await), [""; 0]);
            let data = server.data(&format!("{{ node(id: \"{survivor}\") {{ ... on Talent {{ {fields} }} }} }}")).await;
            let canaries = data.to_string().matches("\"canary").count();
            assert!(canaries >= shown && (shown > 0 || canaries == 0), "{level}: {data}");
            let delete = json!(survivor);
            call(&own, "deleteTalent", "deletedId", &[("id", "ID!", delete)]).await;
        }
        // A duplicate no more visible than the survivor fills its empty fields.
        let mut private = person("wallonie", "p");
        private["visibility"] = json!("PRIVATE");
        let survivor = made(&own, "talent", private.clone()).await;
        private["slug"] = json!("q");
        private["email"] = json!("q@example.org");
        let duplicate = made(&own, "talent", private).await;
        let answer = merge(&own, "talent", &survivor, &duplicate, "email").await;
        assert_eq!(answer["talent"]["email"], "q@example.org");
    }
}

on_both_databases! {
    async fn what_was_disputed_of_either_is_disputed(server) {
        let both = server.beside(editor(&["wallonie", "flandre"])).await;
        let one = made(&both, "talent", person("wallonie", "one")).await;
        let two = made(&both, "talent", person("wallonie", "two")).await;
        made(&both, "organization", studio("flandre", "o")).await;
        let flandre = server.beside(editor(&["flandre"])).await;
        for (slug, disputes) in [("one", false), ("two", true)] {
            let role = json!({"talent": slug, "organization": "o", "roles": [{"language": "FR", "text": "Monteur"}]});
            let role = made(&flandre, "affiliation", role).await;
            let word = if disputes { "disputeAffiliation" } else { "confirmAffiliation" };
            let by = server.beside(owner(if disputes { &two } else { &one })).await;
            assert_eq!(told(&call(&by, word, "affiliation { id }", &[("id", "ID!", json!(role))]).await), [""; 0]);
        }
        let answer = merge(&both, "talent", &one, &two, "affiliations { nodes { assertedBy disputedAt visibility } }").await;
        assert_eq!(answer["talent"]["affiliations"]["nodes"], json!([{"assertedBy": "ORGANIZATION", "disputedAt": "2026-11-22T10:00:00Z", "visibility": "PRIVATE"}]));
        let seen = server.data("{ talent(by: {slug: \"one\"}) { affiliations { totalCount } } }").await;
        assert_eq!(seen["talent"]["affiliations"]["totalCount"], 0);
    }
}

on_both_databases! {
    async fn of_two_merges_at_once_one_is_made(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        for round in 0..4 {
            let a = made(&own, "organization", studio("wallonie", &format!("a{round}"))).await;
            let b = made(&own, "organization", studio("wallonie", &format!("b{round}"))).await;
            let calls = (0..6).map(|n| if n % 2 == 0 { merge(&own, "organization", &a, &b, "id") } else { merge(&own, "organization", &b, &a, "id") });
            let answers = futures::future::join_all(calls).await;
            assert_eq!(answers.iter().filter(|answer| answer["userErrors"] == json!([])).count(), 1, "{answers:?}");
            let data = own.data(&format!("{{ nodes(ids: [\"{a}\", \"{b}\"]) {{ id }} }}")).await;
            assert_eq!(data["nodes"][0], data["nodes"][1]);
        }
        assert_eq!((number(&server, DANGLING).await, number(&server, "SELECT COUNT(*) FROM organization").await), (0, 4));
    }
}

on_both_databases! {
    async fn what_refers_to_a_duplicate_while_it_is_merged_refers_to_the_survivor(server) {
        let own = server.beside(editor(&["wallonie"])).await;
        made(&own, "talent", person("wallonie", "t")).await;
        made(&own, "organization", studio("wallonie", "third")).await;
        import(&server, &[organization("wallonie", "source", json!({}))]).await;
        for round in 0..4 {
            let s = made(&own, "organization", studio("wallonie", &format!("s{round}"))).await;
            let d = made(&own, "organization", studio("wallonie", &format!("d{round}"))).await;
            let slug = format!("d{round}");
            let roles = (0..6).map(|n| {
                let role = json!({"talent": "t", "organization": d, "roles": [{"language": "FR", "text": format!("{round} {n}")}]});
                create(&own, "affiliation", role, "organization { id }")
            });
            let parties = json!([{"organization": slug, "role": "LEAD"}, {"organization": "third", "role": "PARTNER"}]);
            let alliance = json!({"kind": "co-funding", "region": "wallonie", "titles": [{"language": "FR", "text": slug}], "parties": parties});
            let lines: Vec<Value> = (0..20).map(|n| affiliation("wallonie", "t", &slug, json!({"startsOn": format!("{}", 1990 + n)}))).enumerate()
                .map(|(n, mut line)| { line["externalId"] = json!(format!("{round}-{n}")); line }).collect();
            let text = ndjson(&lines);
            let options = options();
            let (roles, alliance, member, merged, imported) = tokio::join!(
                futures::future::join_all(roles),
                create(&own, "partnership", alliance, "id"),
                create(&own, "organization", json!({"name": "m", "kind": "fund", "region": "wallonie", "memberOf": [d], "successor": slug}), "id"),
                merge(&own, "organization", &s, &d, "id"),
                import_text(&server, &text, &options),
            );
            for answer in roles.iter().chain([&alliance, &member, &merged]) {
                assert_eq!(answer["userErrors"], json!([]));
            }
            assert_eq!((imported.0.created, imported.0.bad), (20, 0), "{:?}", imported.1);
            let after = own.data(&format!("{{ node(id: \"{s}\") {{ ... on Organization {{ affiliations(first: 100) {{ totalCount }} partnerships {{ totalCount }} members {{ totalCount }} predecessors {{ id }} }} }} }}")).await;
            let counts = ["affiliations", "partnerships", "members"].map(|list| after["node"][list]["totalCount"].as_i64().unwrap());
            assert_eq!((counts, after["node"]["predecessors"].as_array().map(Vec::len)), ([26, 1, 1], Some(1)));
        }
        assert_eq!(number(&server, DANGLING).await, 0);
    }
}
