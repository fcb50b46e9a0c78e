//! Moving a whole directory to another server.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::*;
use crate::support::observer::Observer;

on_both_databases! {
    with Setup::default().with_sample();
    async fn a_directory_moves_to_the_other_kind_of_database(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it contains personal data");
        assert_eq!(fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".export")).count(), 0);
        // The export has the same records as the server's snapshot.
        let served = server.beside(admin()).await.get("/sync/snapshot").await.text().await.unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let records = |text: &str| text.lines().filter(|line| line.contains("\"recordId\"")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(records(&served), records(&text));

        let (code, said) = take(&other, folder.path(), &file);
        let count = records(&text).len();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("{count} records: {count} created, 0 updated, 0 unchanged")), "{said}");
        assert_eq!(all(&other).await, all(&server).await, "all records are equal");
        assert_eq!(digest(&other).await, digest(&server).await);
        let shared = "SELECT CAST(SUM(revision) AS BIGINT) FROM sync_record";
        assert_eq!(number(&other, shared).await, number(&server, shared).await);
        for query in [
            "{ organizations(first: 50) { totalCount nodes { id name members { totalCount } predecessors { id } partnerships { totalCount } affiliations { totalCount } } } }",
            "{ talents(first: 50) { totalCount nodes { id displayName affiliations { nodes { id role organization { name } } } } } }",
            "{ partnerships(first: 50) { totalCount nodes { id crossBorder totalContribution { amount } regions { slug } } } }",
            "{ organization(by: {externalId: {source: \"test-wallonie\", id: \"org-new\"}}) { id revision successor { id } memberOf { slug } address { location { latitude longitude } } } }",
            "{ region(slug: \"wallonie\") { organizations { totalCount } talents { totalCount } } }",
        ] {
            assert_eq!(other.data(query).await, server.beside(admin()).await.data(query).await, "{query}");
        }
        // The index follows the log, which has one entry for each record.
        assert_eq!(number(&other, "SELECT COUNT(*) FROM change_log").await, i64::try_from(count).unwrap());
        other.indexed().await;
        let found = other.data("{ search(query: \"Pictanovo\") { nodes { ... on Organization { slug } } } }").await;
        assert!(found.to_string().contains("pictanovo"), "{found}");

        // A second import writes nothing.
        let (code, said) = take(&other, folder.path(), &file);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("0 created, 0 updated, {count} unchanged")), "{said}");
        assert_eq!(number(&other, "SELECT head FROM feed_meta").await, i64::try_from(count).unwrap());
        // From there into a third database: imported records can be exported again.
        let Some(third) = elsewhere(&other).await else { return };
        let file = export(&other, folder.path(), &[]);
        assert_eq!(records(&fs::read_to_string(&file).unwrap()), records(&text));
        assert_eq!(take(&third, folder.path(), &file).0, Some(0));
        assert_eq!(digest(&third).await, digest(&server).await);
    }
}

on_both_databases! {
    async fn what_changed_since_comes_with_the_next_export(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        assert_eq!(take(&other, folder.path(), &export(&server, folder.path(), &[])).0, Some(0));
        // Both sides of an affiliation change at once, which makes one revision of it elsewhere.
        import(&server, &[talent("wallonie", "ada", json!({"visibility": "PRIVATE"})),
            organization("wallonie", "new", json!({"visibility": "MEMBERS"}))]).await;
        import(&server, &[talent("wallonie", "eve", json!({})), affiliation("wallonie", "eve", "new", json!({}))]).await;
        let (code, said) = take(&other, folder.path(), &export(&server, folder.path(), &[]));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("0 later here"), "{said}");
        assert_eq!(digest(&other).await, digest(&server).await);
        assert_eq!(all(&other).await, all(&server).await);
        let heads = "SELECT COUNT(*) FROM view_head v JOIN change_log c ON c.seq = v.last_seq AND c.record_id = v.record_id AND c.op = v.op";
        assert_eq!(number(&other, heads).await, number(&other, "SELECT COUNT(*) FROM view_head").await);
    }
}

on_both_databases! {
    async fn through_pipes_and_in_parts(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        // Parts without references to other parts, in any order.
        let parts = [export_text(&server, folder.path(), &["--types", "TALENT"]), export_text(&server, folder.path(), &["--types", "ORGANIZATION"]),
            export_text(&server, folder.path(), &["--types", "AFFILIATION,PARTNERSHIP"])];
        for part in &parts {
            let file = folder.path().join("part");
            fs::write(&file, part).unwrap();
            let done = program(&other, folder.path()).args(["import", "-"]).stdin(fs::File::open(&file).unwrap()).output().unwrap();
            assert!(done.status.success(), "{}", told(&done));
        }
        assert_eq!(digest(&other).await, digest(&server).await);
        let wallonie = export_text(&server, folder.path(), &["--regions", "wallonie"]);
        assert!(wallonie.contains("org-new") && !wallonie.contains("org-cluster"));
        for (arguments, word) in [(["--types", "TALENTS"], "AFFILIATION"), (["--regions", "walonie"], "wallonie")] {
            let done = program(&server, folder.path()).arg("export").args(arguments).output().unwrap();
            assert_eq!(done.status.code(), Some(2));
            assert!(told(&done).contains(word), "{}", told(&done));
        }
        // Lines with missing references are reported, and the others are imported.
        let Some(empty) = elsewhere(&server).await else { return };
        let file = folder.path().join("part");
        fs::write(&file, &wallonie).unwrap();
        let (code, said) = take(&empty, folder.path(), &file);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("memberOf: `organization_") && said.contains("is not here, and did not come in with the file"), "{said}");
        assert_eq!(number(&empty, "SELECT COUNT(*) FROM talent").await, 1, "{said}");
    }
}

fn export_text(server: &TestServer, folder: &Path, more: &[&str]) -> String {
    let done = program(server, folder).arg("export").args(more).output().unwrap();
    assert!(done.status.success(), "{}", told(&done));
    String::from_utf8(done.stdout).unwrap()
}

on_both_databases! {
    async fn killed_and_started_again_it_ends_in_the_same_state(server) {
        let Some(other) = elsewhere(&server).await else { return };
        let mut lines: Vec<Value> = (0..2500)
            .map(|i| organization("wallonie", &format!("o{i:04}"), json!({"sectors": ["animation"], "memberOf": ["o0000"], "successor": null})))
            .collect();
        lines[0] = organization("wallonie", "o0000", json!({}));
        lines.extend((0..500).map(|i| partnership("wallonie", &format!("p{i}"), &[&format!("o{i:04}"), &format!("o{:04}", i + 1)], json!({}))));
        import(&server, &lines).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        let observer = Observer::of(&other.database_url).await;
        let mut killed = 0;
        // At the first write, later in the first transaction, and in later ones.
        for (entries, millis) in [(0, 0), (0, 100), (1, 0), (1001, 0)] {
            let mut child = program(&other, folder.path()).arg("import").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            killed += usize::from(observer.kill_a_writer(&mut child, entries, Duration::from_millis(millis)).await);
            // The server reads during the import.
            other.data("{ organizations { totalCount } }").await;
        }
        assert!(killed > 0, "it was killed at least once");
        assert_eq!(take(&other, folder.path(), &file).0, Some(0));
        assert_eq!(digest(&other).await, digest(&server).await);
        assert_eq!(number(&other, "SELECT COUNT(*) FROM change_log").await, 3000, "one entry for each record");
        assert_eq!(number(&other, "SELECT head FROM feed_meta").await, 3000);
    }
}

on_both_databases! {
    async fn what_is_not_whole_is_not_taken_at_all(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        let text = fs::read_to_string(export(&server, folder.path(), &[])).unwrap();
        let bytes = text.as_bytes();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let cut = |at: usize| bytes[..at].to_vec();
        let mut changed = bytes.to_vec();
        let place = text.find("New name").unwrap();
        changed[place] = b'M';
        let mut shown = bytes.to_vec();
        let place = text.rfind("New name").unwrap();
        shown[place] = b'M';
        let renamed = |from: &str, to: &str| rewritten(&text, |_, line| Some(serde_json::from_str(&line.to_string().replace(from, to)).unwrap())).into_bytes();
        let header = |fields: Value| rewritten(&text, |place, mut line| {
            if place == 0 { line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone()); }
            Some(line)
        }).into_bytes();
        let unknown = rewritten(&text, |place, line| Some(if place == 1 { with_fields(line, 1, &json!({"sectors": ["alchemy"]})) } else { line }));
        let newer_field = rewritten(&text, |place, line| Some(if place == 1 { with_fields(line, 1, &json!({"aura": 1})) } else { line }));
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("without its last line", cut(text.len() - lines.last().unwrap().len()), "not whole"),
            ("cut in its last line", cut(text.len() - 1), "not whole"),
            ("cut in a record", cut(lines[0].len() + 100), "not whole"),
            ("cut in its first line", cut(lines[0].len()), "not whole"),
            ("a byte of the fields", changed, "nothing was imported"),
            ("a byte of what is shown", shown, "nothing was imported"),
            ("a line too many", [bytes, lines[1].as_bytes()].concat(), "behind its last line"),
            ("a line taken away", [lines[0], &lines[2..].concat()].concat().into_bytes(), "damaged"),
            ("twice", rewritten(&[lines[0], lines[1], &lines[1..].concat()].concat(), |_, line| Some(line)).into_bytes(), "each once"),
            ("newer", header(json!({"schemaVersion": 2})), "newer Passerelle"),
            ("a source of nowhere", header(json!({"sources": []})), "the source `test-"),
            ("a region of nowhere", header(json!({"sources": [{"name": "s", "region": "atlantis"}]})), "`atlantis`, which is no region"),
            ("another type", renamed("PARTNERSHIP", "CARTEL"), "`CARTEL`"),
            ("an unknown sector", unknown.into_bytes(), "sectors: There is no sector `alchemy`"),
            ("a field of a later program", newer_field.into_bytes(), "unknown field `aura`"),
        ];
        for (what, bytes, word) in cases {
            let file = folder.path().join("damaged");
            fs::write(&file, bytes).unwrap();
            let (code, said) = take(&other, folder.path(), &file);
            assert_eq!(code, Some(1), "{what}: {said}");
            assert!(said.contains(word) && said.contains("nothing was imported"), "{what}: {said}");
        }
        // A snapshot of a caller without write access lacks the replicated fields. Other files are no exports at all.
        let public = server.get("/sync/snapshot").await.text().await.unwrap();
        let file = folder.path().join("public");
        fs::write(&file, public).unwrap();
        let (code, said) = take(&other, folder.path(), &file);
        assert!(code == Some(1) && said.contains("canonical") && said.contains("passerelle export"), "{said}");
        fs::write(&file, "{\"feed\":1}\n").unwrap();
        assert!(take(&other, folder.path(), &file).1.contains("1 bad"), "other files are read as before");
        for table in ["organization", "sync_record", "change_log", "source"] {
            assert_eq!(number(&other, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        let done = program(&other, folder.path()).args(["import", "--strict", "all.ndjson"]).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{}", told(&done));
        // Differing vocabularies are reported. Records with known entries are imported.
        fs::write(&file, header(json!({"vocabularyHash": "another"}))).unwrap();
        let (code, said) = take(&other, folder.path(), &file);
        assert!(code == Some(0) && said.contains("other vocabularies"), "{said}");
    }
}
