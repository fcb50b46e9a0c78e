//! Imports of files from regions.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use passerelle::exchange::import::file::{Format, Options};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::observer::Observer;
use crate::support::records::{
    affiliation, each, import, import_text, ndjson, options, organization, partnership, talent,
};
use crate::support::server::{Backend, ENCRYPTION_KEY, Setup, TestServer};

/// The integer that a statement returns.
async fn number(server: &TestServer, sql: &str) -> i64 {
    let db = server.app.db.writer();
    let row = db.query_one_raw(Statement::from_string(server.app.db.dialect().backend(), sql)).await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

on_both_databases! {
    async fn the_same_file_again_changes_nothing(server) {
        let lines = [
            organization("wallonie", "a", json!({"memberOf": ["test-flandre:org-b"], "descriptions": [{"language": "FR", "text": "é"}], "identifiers": [{"scheme": "BCE", "value": "0403.170.701"}]})),
            organization("flandre", "b", json!({"address": {"country": "BE", "latitude": 50.5, "longitude": 4}})),
            talent("flandre", "t", json!({})), affiliation("flandre", "t", "a", json!({})), partnership("wallonie", "p", &["a", "b"], json!({})),
        ];
        let first = import(&server, &lines).await;
        assert_eq!((first.created, first.updated, first.unchanged), (5, 0, 0));
        let head = number(&server, "SELECT head FROM feed_meta").await;
        let again = import(&server, &lines).await;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 5));
        assert_eq!(number(&server, "SELECT head FROM feed_meta").await, head);
        let data = server.data("{ organization(by: {externalId: {source: \"test-wallonie\", id: \"org-a\"}}) { revision externalId { source id } memberOf { slug } identifiers { value } } }").await;
        assert_eq!(data["organization"], json!({"revision": 1, "externalId": {"source": "test-wallonie", "id": "org-a"},
            "memberOf": [{"slug": "b"}], "identifiers": [{"value": "0403170701"}]}));
    }
}

on_both_databases! {
    async fn an_edited_line_changes_its_record_and_old_slugs_resolve(server) {
        import(&server, &[organization("wallonie", "old-name", json!({"name": "Old", "acronym": "O", "sectors": ["animation"]}))]).await;
        let edited = json!({"source": "test-wallonie", "externalId": "org-old-name", "organization": {"slug": "new-name", "name": "New", "acronym": null}});
        let summary = import(&server, &[edited]).await;
        assert_eq!(summary.updated, 1);
        let data = server.data("{ organization(by: {slug: \"old-name\"}) { slug name acronym revision sectors { slug } } organizations(filter: {sectors: [\"animation\"]}) { nodes { name } } }").await;
        assert_eq!(data["organization"], json!({"slug": "new-name", "name": "New", "acronym": null, "revision": 2, "sectors": [{"slug": "animation"}]}));
        assert_eq!(data["organizations"]["nodes"], json!([{"name": "New"}]));
        // A former slug stays with its record.
        let (summary, told) = import_text(&server, &ndjson(&[organization("flandre", "old-name", json!({}))]), &options()).await;
        assert_eq!((summary.bad, told.bad[0].1.as_str()), (1, "slug"));
    }
}

on_both_databases! {
    async fn ids_of_merged_duplicates_resolve(server) {
        import(&server, &[organization("wallonie", "survivor", json!({})), organization("wallonie", "duplicate", json!({}))]).await;
        let data = server.data("{ a: organization(by: {slug: \"survivor\"}) { id } b: organization(by: {slug: \"duplicate\"}) { id } }").await;
        let uuid = |node: &Value| passerelle::kernel::id::decode_any("", node["id"].as_str().unwrap()).unwrap().1;
        let backend = server.app.db.dialect().backend();
        let insert = Statement::from_sql_and_values(backend, "INSERT INTO record_redirect (id, target_id) VALUES ($1, $2)", [uuid(&data["b"]).into(), uuid(&data["a"]).into()]);
        server.app.db.writer().execute_raw(insert).await.unwrap();
        let id = data["b"]["id"].as_str().unwrap();
        let found = server.data(&format!("{{ organization(by: {{id: \"{id}\"}}) {{ slug }} node(id: \"{id}\") {{ ... on Organization {{ slug }} }} }}")).await;
        assert_eq!(found, json!({"organization": {"slug": "survivor"}, "node": {"slug": "survivor"}}));
    }
}

on_both_databases! {
    async fn references_may_point_to_later_lines_and_in_circles(server) {
        // More lines than a batch lie between the two ends of each reference.
        let mut lines = vec![
            affiliation("wallonie", "late", "last", json!({})), partnership("flandre", "p", &["last", "first"], json!({})),
            organization("wallonie", "first", json!({"successor": "last"})),
        ];
        lines.extend((0..700).map(|i| organization("wallonie", &format!("filler-{i}"), json!({}))));
        lines.extend([talent("wallonie", "late", json!({})), organization("flandre", "last", json!({"memberOf": ["test-wallonie:org-first"]}))]);
        let summary = import(&server, &lines).await;
        assert_eq!((summary.lines, summary.created), (705, 705));
        let data = server.data("{ organization(by: {slug: \"first\"}) { successor { slug memberOf { slug } } } talent(by: {slug: \"late\"}) { affiliations { nodes { organization { slug } } } } }").await;
        assert_eq!(data["organization"]["successor"], json!({"slug": "last", "memberOf": [{"slug": "first"}]}));
        assert_eq!(data["talent"]["affiliations"]["nodes"][0]["organization"]["slug"], "last");
    }
}

on_both_databases! {
    async fn bad_lines_are_told_by_number_field_and_reason(server) {
        let good = organization("wallonie", "good", json!({})).to_string();
        let bad = [
            ("{\"source\": \"test-wallonie\"", "", "EOF"),
            ("[]", "", "JSON object"),
            (r#"{"source":"test-wallonie","organization":{}}"#, "externalId", "255"),
            (r#"{"source":"test-wallonie","externalId":"x"}"#, "", "exactly one"),
            (r#"{"source":"nobody","externalId":"x","affiliation":{"roles":[]}}"#, "source", "passerelle source add nobody"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"studios"}}"#, "kind", "`studios` is not known here. Did you mean `"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"fund","foundedOn":"2009-02-30"}}"#, "organization.foundedOn", "date"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"fund","foundedOn":"2010","dissolvedOn":"2009"}}"#, "dissolvedOn", "before"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"fund","identifiers":[{"scheme":"SIREN","value":"123456789"}]}}"#, "identifiers.0.value", "SIREN"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"flandre","name":"N","kind":"fund"}}"#, "region", "not of `flandre`"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"fund","successor":"nothing"}}"#, "successor", "no organization `nothing`"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":" ","kind":"fund"}}"#, "name", "required"),
            (r#"{"source":"test-wallonie","externalId":"x","organization":{"region":"wallonie","name":"N","kind":"fund","slug":"Not a slug"}}"#, "slug", "lower-case"),
            (r#"{"source":"test-wallonie","externalId":"x","talent":{"region":"wallonie","displayName":"N","visibility":"PUBLIC"}}"#, "legalBasis", "required"),
            (r#"{"source":"test-wallonie","externalId":"x","partnership":{"region":"wallonie","kind":"co-funding","titles":[{"language":"FR","text":"t"}],"parties":[{"organization":"good","role":"LEAD"}]}}"#, "parties", "two parties"),
            (r#"{"source":"test-wallonie","externalId":"x","partnership":{"region":"wallonie","kind":"co-funding","titles":[{"language":"FR","text":"t"}],"parties":[{"organization":"good","role":"LEAD"},{"organization":"test-wallonie:org-good","role":"LEAD"}]}}"#, "parties.1.organization", "already"),
            (r#"{"source":"test-wallonie","externalId":"x","erase":true,"talent":{}}"#, "erase", "not possible by file"),
        ];
        let text: Vec<&str> = std::iter::once(good.as_str()).chain(bad.iter().map(|(line, _, _)| *line)).collect();
        let text = text.join("
");
        let (summary, told) = import_text(&server, &text, &options()).await;
        assert_eq!((summary.created, summary.bad), (1, bad.len() as u64), "{told:?}");
        for (number, (line, path, word)) in bad.iter().enumerate() {
            let found = told.bad.iter().find(|(n, _, _)| *n == number as u64 + 2).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(found.1, *path, "{line}: {found:?}");
            assert!(found.2.contains(word), "{line}: {found:?}");
        }
    }
}

on_both_databases! {
    async fn strict_puts_nothing_in(server) {
        let strict = Options { strict: true, ..options() };
        let lines = [organization("wallonie", "a", json!({"successor": "b"})), organization("wallonie", "b", json!({}))];
        let text = ndjson(&lines) + "{}\n";
        let (summary, _) = import_text(&server, &text, &strict).await;
        assert_eq!((summary.bad, summary.kept), (1, false));
        for table in ["organization", "organization_list", "record_slug", "sync_record", "change_log", "view_head", "source"] {
            assert_eq!(number(&server, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        let (summary, _) = import_text(&server, &ndjson(&lines), &strict).await;
        assert_eq!((summary.created, summary.kept), (2, true));
        assert_eq!(number(&server, "SELECT COUNT(DISTINCT tx_seq) FROM change_log").await, 1);
        assert_eq!(number(&server, "SELECT MAX(seq) FROM change_log").await, number(&server, "SELECT head FROM feed_meta").await);
    }
}

on_both_databases! {
    async fn strict_takes_a_file_longer_than_a_statement_of_the_log(server) {
        let strict = Options { strict: true, ..options() };
        let lines: Vec<Value> = (0..2_500).map(|i| organization("wallonie", &format!("o{i}"), json!({}))).collect();
        let (summary, told) = import_text(&server, &ndjson(&lines), &strict).await;
        assert_eq!((summary.created, summary.kept), (2_500, true), "{told:?}");
        assert_eq!(number(&server, "SELECT COUNT(DISTINCT tx_seq) FROM change_log").await, 1);
        assert_eq!(number(&server, "SELECT MAX(seq) FROM change_log").await, 2_500);
    }
}

on_both_databases! {
    async fn what_names_a_bad_line_is_bad_and_takes_nothing_from_others(server) {
        let bad = organization("wallonie", "bad", json!({"memberOf": ["nobody"], "slug": "wanted", "identifiers": [{"scheme": "SIREN", "value": "552008443"}]}));
        let mut foreign = organization("flandre", "foreign", json!({"slug": "wanted"}));
        foreign["source"] = "test-wallonie".into();
        let lines = [
            organization("wallonie", "first", json!({"memberOf": ["test-wallonie:org-bad"]})),
            organization("wallonie", "second", json!({"successor": "test-wallonie:org-first"})),
            bad, foreign,
            organization("wallonie", "good", json!({"slug": "wanted", "identifiers": [{"scheme": "SIREN", "value": "552008443"}]})),
        ];
        for round in 0..2 {
            let (summary, told) = import_text(&server, &ndjson(&lines), &options()).await;
            let good = if round == 0 { summary.created } else { summary.unchanged };
            assert_eq!((good, summary.bad), (1, 4), "{told:?}");
            let fields: Vec<&str> = told.bad.iter().map(|(_, field, _)| field.as_str()).collect();
            for field in ["memberOf.0", "successor", "region"] {
                assert!(fields.contains(&field), "{told:?}");
            }
        }
        let data = server.data("{ organizations { nodes { slug } } }").await;
        assert_eq!(data["organizations"]["nodes"], json!([{"slug": "wanted"}]));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization_member").await, 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log").await, 1);
    }
}

on_both_databases! {
    async fn a_revision_of_what_is_not_here_is_a_conflict(server) {
        let mut line = organization("wallonie", "a", json!({}));
        line["baseRevision"] = 3.into();
        let (summary, told) = import_text(&server, &line.to_string(), &options()).await;
        assert_eq!((summary.created, summary.bad, told.bad[0].1.as_str()), (0, 1, "baseRevision"));
    }
}

on_both_databases! {
    async fn what_somebody_else_changed_is_a_conflict(server) {
        import(&server, &[organization("wallonie", "a", json!({}))]).await;
        // Simulate a revision by another writer.
        server.app.db.writer().execute_unprepared("UPDATE sync_record SET origin = 'an-editor', revision = 2").await.unwrap();
        let line = |more: Value| {
            let mut line = organization("wallonie", "a", json!({"name": "changed"}));
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line.to_string()
        };
        let (summary, told) = import_text(&server, &line(json!({})), &options()).await;
        assert_eq!((summary.bad, told.bad[0].1.as_str()), (1, "baseRevision"));
        assert_eq!(import_text(&server, &line(json!({"baseRevision": 1})), &options()).await.0.bad, 1);
        assert_eq!(import_text(&server, &line(json!({"baseRevision": 2})), &options()).await.0.updated, 1);
        assert_eq!(server.data("{ organization(by: {slug: \"a\"}) { name revision } }").await["organization"], json!({"name": "changed", "revision": 3}));
    }
}

on_both_databases! {
    async fn a_table_of_organizations_comes_in(server) {
        let table = "source,externalId,name,kind,region,sectors,siren,city,country,latitude,longitude,description_fr,description_nl,otherNames,employeeCount\n\
            crm,1,\"Studio, Lille\",animation-studio,nord-pas-de-calais,animation; jeux-video,200093201,Lille,FR,50.63,3.05,Un studio,Een studio,A;B,12\n\
            crm,2,Deux,animation-studio,nord-pas-de-calais,,,,,,,,,,\n\
            crm,3,Trois,animation-studio,nord-pas-de-calais,,,,,,,,,,many\n";
        let csv = Options { format: Format::Csv, ..options() };
        let (summary, told) = import_text(&server, table, &csv).await;
        assert_eq!((summary.created, summary.bad), (2, 1));
        assert_eq!((told.bad[0].0, told.bad[0].1.as_str()), (4, "employeeCount"));
        let data = server.data("{ organization(by: {identifier: {scheme: SIREN, value: \"200093201\"}}) { slug name sectors { slug } otherNames employeeCount
            address { city country location { latitude } } descriptions { language text } } }").await;
        assert_eq!(data["organization"], json!({"slug": "studio-lille", "name": "Studio, Lille", "sectors": [{"slug": "animation"}, {"slug": "jeux-video"}],
            "otherNames": ["A", "B"], "employeeCount": 12, "address": {"city": "Lille", "country": "FR", "location": {"latitude": 50.63}},
            "descriptions": [{"language": "FR", "text": "Un studio"}, {"language": "NL", "text": "Een studio"}]}));
    }
}

on_both_databases! {
    async fn namesakes_get_slugs_of_their_own(server) {
        let line = |id: &str| json!({"source": "s", "externalId": id, "organization": {"name": "Même Nom", "kind": "fund", "region": "wallonie"}});
        import(&server, &[line("1"), line("2")]).await;
        import(&server, &[line("3")]).await;
        let data = server.data("{ organizations { nodes { slug } } }").await;
        let slugs = each(&data["organizations"]["nodes"], "/slug");
        assert!(slugs.contains(&"meme-nom") && slugs.iter().all(|slug| slug.starts_with("meme-nom")), "{slugs:?}");
    }
}

on_both_databases! {
    async fn what_others_refer_to_is_not_deleted(server) {
        import(&server, &[organization("wallonie", "a", json!({})), talent("wallonie", "t", json!({})), affiliation("wallonie", "t", "a", json!({}))]).await;
        let delete = |kind: &str, id: &str| json!({"source": "test-wallonie", "externalId": id, "delete": true, kind: {}}).to_string();
        let (summary, told) = import_text(&server, &delete("organization", "org-a"), &options()).await;
        assert_eq!((summary.bad, told.bad[0].1.as_str()), (1, "delete"));
        let both = delete("affiliation", "aff-t-a") + "\n" + &delete("talent", "tal-t") + "\n";
        assert_eq!(import_text(&server, &both, &options()).await.0.bad, 0);
        assert_eq!(import_text(&server, &delete("organization", "org-a"), &options()).await.0.updated, 1);
        assert_eq!(server.data("{ organizations { totalCount } }").await["organizations"]["totalCount"], 0);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization_list").await, 0);
        // It may come back, with a higher revision.
        import(&server, &[organization("wallonie", "a", json!({}))]).await;
        assert_eq!(server.data("{ organization(by: {slug: \"a\"}) { revision } }").await["organization"]["revision"], 3);
    }
}

/// An import that is killed at any moment and started again beside a running server ends in the same state.
fn killed_and_started_again(backend: Backend) {
    crate::support::run(async {
        let Some(server) = TestServer::with(backend, Setup::default()).await else { return };
        let mut lines: Vec<Value> = (0..1500)
            .map(|i| organization("wallonie", &format!("o{i:04}"), json!({"sectors": ["animation"]})))
            .collect();
        lines.extend((0..1500).map(|i| {
            partnership(
                "wallonie",
                &format!("p{i:04}"),
                &[&format!("o{i:04}"), &format!("o{:04}", (i + 1) % 1500)],
                json!({}),
            )
        }));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.ndjson");
        std::fs::File::create(&file).unwrap().write_all(ndjson(&lines).as_bytes()).unwrap();
        let import = || {
            Command::new(env!("CARGO_BIN_EXE_passerelle"))
                .args(["import", "--create-source", "--database-url", &server.database_url])
                .arg("--data-dir")
                .arg(folder.path())
                .arg(&file)
                .env("ENCRYPTION_KEY", ENCRYPTION_KEY)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let observer = Observer::of(&server.database_url).await;
        let mut killed = 0;
        // At the first write, later in the first transaction, and in later ones.
        for (entries, millis) in [(0, 0), (0, 100), (1, 0), (1001, 0)] {
            let later = Duration::from_millis(millis);
            killed += usize::from(observer.kill_a_writer(&mut import(), entries, later).await);
            // The server reads during the import.
            server.data("{ organizations { totalCount } }").await;
        }
        assert!(killed > 0, "it was killed at least once");
        assert_eq!(import().wait().unwrap().code(), Some(0));
        let data = server.data("{ organizations { totalCount } partnerships { totalCount nodes { revision parties { organization { slug } } } } }").await;
        assert_eq!(
            (&data["organizations"]["totalCount"], &data["partnerships"]["totalCount"]),
            (&json!(1500), &json!(1500))
        );
        assert_eq!(
            number(&server, "SELECT COUNT(*) FROM change_log").await,
            3000,
            "one entry for each record"
        );
        assert_eq!(number(&server, "SELECT CAST(MAX(revision) AS BIGINT) FROM sync_record").await, 1);
        assert_eq!(number(&server, "SELECT COUNT(*) FROM organization_list").await, 1500 * 4);
        assert_eq!(import().wait().unwrap().code(), Some(0));
        assert_eq!(number(&server, "SELECT COUNT(*) FROM change_log").await, 3000);
    });
}

#[test]
fn killed_and_started_again_sqlite() {
    killed_and_started_again(Backend::Sqlite);
}

#[test]
fn killed_and_started_again_postgres() {
    killed_and_started_again(Backend::Postgres);
}
