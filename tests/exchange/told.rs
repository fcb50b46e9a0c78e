//! Reports of an import about refused records: newer here, conflicting, erased, or with names in use. Also who may
//! read the replicated fields.

use uuid::Uuid;

use super::*;
use crate::mutations::call;
use crate::support::until;

/// Writes a changed export to a file.
fn write(folder: &Path, text: String) -> PathBuf {
    let file = folder.join("changed.ndjson");
    fs::write(&file, text).unwrap();
    file
}

on_both_databases! {
    async fn what_is_later_here_stays(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(take(&other, folder.path(), &file).0, Some(0));
        let new = "{ organization(by: {slug: \"new\"}) { id name revision } }";
        let before = other.data(new).await["organization"].take();
        let id = before["id"].as_str().unwrap().to_owned();
        let history = other.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ action actor revision }} }} }}")).await;
        assert_eq!(history["history"]["nodes"], json!([{"action": "CREATE", "actor": "COMMAND_LINE", "revision": before["revision"]}]));

        // Change the record here, to a newer revision.
        let named = call(&other, "updateOrganization", "organization { revision }", &[("id", "ID!", json!(id)), ("input", "OrganizationInput!", json!({"name": "Local"}))]).await;
        assert_eq!(named["organization"]["revision"].as_i64(), before["revision"].as_i64().map(|revision| revision + 1), "{named}");
        let head = number(&other, "SELECT head FROM feed_meta").await;
        let (code, said) = take(&other, folder.path(), &file);
        assert!(code == Some(0) && said.contains("1 later here") && said.contains("it stays"), "{said}");
        assert_eq!(other.data(new).await["organization"]["name"], "Local");
        assert_eq!(number(&other, "SELECT head FROM feed_meta").await, head, "nothing was written");

        // The same revision with other fields.
        let fork = |revision: i64, fields: &Value| rewritten(&text, |_, line| {
            Some(if line["recordId"] == json!(id) { with_fields(line, revision, fields) } else { line })
        });
        let (code, said) = take(&other, folder.path(), &write(folder.path(), fork(3, &json!({"name": "Fork"}))));
        assert!(code == Some(1) && said.contains("says something else") && said.contains("1 bad"), "{said}");
        assert_eq!(other.data(new).await["organization"]["name"], "Local");
        // A newer revision is stored unchanged.
        let (code, said) = take(&other, folder.path(), &write(folder.path(), fork(7, &json!({"name": "Later"}))));
        assert!(code == Some(0) && said.contains("1 updated"), "{said}");
        let now = other.data(new).await["organization"].take();
        assert_eq!((&now["name"], &now["revision"]), (&json!("Later"), &json!(7)));
        let origin = "SELECT COUNT(*) FROM sync_record WHERE revision = 7 AND origin = 'test-wallonie' AND external_id = 'org-new'";
        assert_eq!(number(&other, origin).await, 1);

        // A slug or external id that another record has here.
        let taken = fork(8, &json!({"slug": "old"}));
        let (code, said) = take(&other, folder.path(), &write(folder.path(), taken));
        assert!(code == Some(1) && said.contains("slug: `old` is the slug of `organization_"), "{said}");
        let stolen = rewritten(&fork(8, &json!({"name": "Thief"})), |_, mut line| {
            if line["recordId"] == json!(id) {
                line["record"]["externalId"]["id"] = "org-old".into();
            }
            Some(line)
        });
        let (code, said) = take(&other, folder.path(), &write(folder.path(), stolen));
        assert!(code == Some(1) && said.contains("externalId: it is that of `organization_"), "{said}");
        assert_eq!(other.data(new).await["organization"]["name"], "Later");
    }
}

on_both_databases! {
    async fn what_was_erased_stays_erased(server) {
        let Some(other) = elsewhere(&server).await else { return };
        fill(&server).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(take(&other, folder.path(), &file).0, Some(0));
        let ada = other.data("{ talent(by: {slug: \"ada\"}) { id } }").await["talent"]["id"].as_str().unwrap().to_owned();
        let erased = call(&other, "eraseTalent", "deletedId", &[("id", "ID!", json!(ada))]).await;
        assert_eq!(erased["userErrors"], json!([]));
        let later = rewritten(&text, |_, line| Some(if line["recordId"] == json!(ada) { with_fields(line, 99, &json!({})) } else { line }));
        for file in [file.clone(), write(folder.path(), later)] {
            let (_, said) = take(&other, folder.path(), &file);
            // The affiliation was erased with the talent.
            assert!(said.contains("2 erased here"), "{said}");
            assert_eq!(other.data("{ talent(by: {slug: \"ada\"}) { id } }").await["talent"], Value::Null);
        }
        // Neither under another id with the same external id.
        let other_id = rewritten(&text, |_, line| Some(serde_json::from_str(&line.to_string().replace(&ada, "talent_7zzzzzzzzzzzzzzzzzzzzzzzzz")).unwrap()));
        let person_last = rewritten(&other_id, |_, line| (line.get("recordId").is_none() || line["recordType"] == "TALENT").then_some(line));
        let mut lines: Vec<&str> = person_last.lines().collect();
        // Lines are sorted by id within a type, so the changed line must come last.
        let talents: Vec<usize> = (0..lines.len()).filter(|place| lines[*place].contains("\"recordType\":\"TALENT\"")).collect();
        let place = *talents.iter().find(|place| lines[**place].contains("talent_7zzz")).unwrap();
        lines.swap(place, *talents.last().unwrap());
        let sorted = rewritten(&(lines.join("\n") + "\n"), |_, line| Some(line));
        let (code, said) = take(&other, folder.path(), &write(folder.path(), sorted));
        assert!(code == Some(0) && said.contains("1 erased here"), "{said}");
    }
}

on_both_databases! {
    async fn a_deleted_record_comes_back_with_a_later_revision_only(server) {
        let Some(other) = elsewhere(&server).await else { return };
        import(&server, &[organization("wallonie", "gone", json!({}))]).await;
        let folder = folder();
        let file = export(&server, folder.path(), &[]);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(take(&other, folder.path(), &file).0, Some(0));
        let delete = json!({"source": "test-wallonie", "externalId": "org-gone", "delete": true, "organization": {}});
        import(&other, &[delete]).await;
        let (code, said) = take(&other, folder.path(), &file);
        assert!(code == Some(0) && said.contains("1 later here"), "{said}");
        assert_eq!(number(&other, "SELECT COUNT(*) FROM organization").await, 0);
        let later = rewritten(&text, |place, line| Some(if place == 1 { with_fields(line, 3, &json!({})) } else { line }));
        assert!(take(&other, folder.path(), &write(folder.path(), later)).1.contains("1 created"));
        assert_eq!(other.data("{ organization(by: {slug: \"gone\"}) { revision } }").await["organization"]["revision"], 3);
        assert_eq!(import_text(&other, &organization("wallonie", "gone", json!({"name": "again"})).to_string(), &options()).await.0.updated, 1);
    }
}

on_both_databases! {
    async fn fields_and_their_hash_are_told_to_the_same(server) {
        fill(&server).await;
        let changes = "{ changes(first: 500) { changes { recordId contentHash canonical record { __typename } } } }";
        let mut seen = 0;
        for (viewer, wallonie, flandre) in [(Viewer::anonymous(), false, false), (editor("wallonie"), true, false), (admin(), true, true)] {
            let server = server.beside(viewer).await;
            let data = server.data(changes).await;
            let copy = server.get("/sync/snapshot").await.text().await.unwrap();
            let copied: Vec<Value> = copy.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let sources = copied[0]["sources"].to_string();
            assert_eq!((sources.contains("test-wallonie"), sources.contains("test-flandre")), (wallonie, flandre));
            for change in data["changes"]["changes"].as_array().unwrap() {
                let line = copied.iter().find(|line| line["recordId"] == change["recordId"]).unwrap();
                assert_eq!((&line["contentHash"], &line["canonical"]), (&change["contentHash"], &change["canonical"]));
                assert_eq!(change["contentHash"].is_null(), change["canonical"].is_null(), "{change}");
                if let (Some(hash), Some(text)) = (change["contentHash"].as_str(), change["canonical"].as_str()) {
                    assert_eq!(hex(&Sha256::digest(text)), hash);
                    seen += 1;
                }
            }
            let told = data.to_string();
            assert_eq!(told.contains("ada@example.org"), wallonie, "{told}");
            assert_eq!(told.contains("Twee"), flandre);
        }
        assert!(seen > 10);
    }
}

on_both_databases! {
    async fn whoever_is_told_the_fields_of_a_person_is_noted_for_them(server) {
        fill(&server).await;
        let reader = Viewer { account: Some(Uuid::from_u128(5)), ..editor("wallonie") };
        let reading = server.beside(reader).await;
        let reads = "SELECT COUNT(*) FROM contact_read";
        reading.data("{ changes { changes { recordId contentHash } } }").await;
        reading.data("{ changes { changes { canonical } } }").await;
        until("a read is noted", async || number(&server, reads).await > 0).await;
        assert_eq!(number(&server, reads).await, 1, "only the talent with contact data");
    }
}
