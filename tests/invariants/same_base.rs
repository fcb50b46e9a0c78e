//! I8: of two writers with the same base exactly one wins, and the other gets both versions.

use serde_json::{Value, json};

use super::{consistent, rounds};
use crate::push::statuses;
use crate::support::place::{Partner, Place};
use crate::support::records::{ndjson, organization};
use crate::support::run;
use crate::support::server::Backend;

const UPDATE: &str = "mutation($id: ID!, $base: Int!, $input: OrganizationInput!) {
    updateOrganization(id: $id, baseRevision: $base, input: $input) { organization { name revision }
        conflict: userErrors { code path } } }";

fn record(name: &str, base: Option<i32>) -> Value {
    let mut line = organization("wallonie", "fought", json!({ "name": name }));
    line.as_object_mut().unwrap().remove("source");
    line["baseRevision"] = json!(base);
    line
}

async fn update(partner: &Partner, id: &str, base: i32, name: &str) -> Value {
    let variables = json!({"id": id, "base": base, "input": {"name": name}});
    partner.data(UPDATE, variables).await["updateOrganization"].take()
}

/// Whether a mutation won. Otherwise it must get the present record.
fn updated(payload: &Value, base: i32, other: &str) -> bool {
    if payload["conflict"] == json!([]) {
        assert_eq!(payload["organization"]["revision"], json!(base + 1));
        return true;
    }
    assert_eq!(payload["conflict"], json!([{"code": "CONFLICT", "path": ["baseRevision"]}]));
    assert_eq!(
        payload["organization"],
        json!({"name": other, "revision": base + 1}),
        "it is told what is there"
    );
    false
}

/// Whether a batch won. Otherwise it must get both versions.
fn pushed(payload: &Value, base: i32, own: &str, other: &str) -> bool {
    if statuses(payload) == ["UPDATED"] {
        assert_eq!(payload["results"][0]["currentRevision"], json!(base + 1));
        return true;
    }
    assert_eq!(statuses(payload), ["CONFLICT"]);
    let conflict = &payload["results"][0]["conflict"];
    assert_eq!((&conflict["baseRevision"], &conflict["currentRevision"]), (&json!(base), &json!(base + 1)));
    assert_eq!(conflict["current"], json!({"name": other, "revision": base + 1}));
    let submitted: Value = serde_json::from_str(conflict["submitted"].as_str().unwrap()).unwrap();
    assert_eq!((&submitted["name"], &conflict["differingFields"]), (&json!(own), &json!(["name"])));
    false
}

#[test]
fn two_processes_on_one_database() {
    run(async {
        let Some(place) = Place::new(Backend::Postgres).await else { return };
        let (key, other) = (place.key(&["w"]).await, Place::at(&place.url));
        let servers = [place.serve(), other.serve()];
        let [one, two] = servers.each_ref().map(|server| Partner::new(server.address(), Some(&key)));
        let made = one.push("w", "made", &[record("made", None)]).await;
        let id = made["results"][0]["record"]["id"].as_str().expect("an id").to_owned();
        let mut base = 1;
        let mut won = [0; 2];
        let mut count = |first: bool, second: bool| {
            assert_ne!(first, second, "exactly one wins");
            won[usize::from(second)] += 1;
        };
        for round in 0..rounds(8) {
            let [a, b] = ["a", "b"].map(|side| format!("{side} of {round}"));
            let (first, second) = tokio::join!(update(&one, &id, base, &a), update(&two, &id, base, &b));
            count(updated(&first, base, &b), updated(&second, base, &a));
            base += 1;
            let [a, b] = ["pushed", "written"].map(|side| format!("{side} in {round}"));
            let records = [record(&a, Some(base))];
            let (first, second) = tokio::join!(one.push("w", &a, &records), update(&two, &id, base, &b));
            count(pushed(&first, base, &a, &b), updated(&second, base, &a));
            base += 1;
            // Batches of one source run one after the other.
            let [a, b] = ["a", "b"].map(|side| format!("{side} pushed in {round}"));
            let (of_a, of_b) = ([record(&a, Some(base))], [record(&b, Some(base))]);
            let (first, second) = tokio::join!(one.push("w", &a, &of_a), two.push("w", &b, &of_b));
            count(pushed(&first, base, &a, &b), pushed(&second, base, &b, &a));
            base += 1;
        }
        let db = place.open().await;
        assert_eq!(consistent(&db).await["fought"].revision, base);
        db.close().await;
        println!("the first process won {} times, the second {} times", won[0], won[1]);
    });
}

#[test]
fn a_server_and_an_import_on_one_file() {
    run(async {
        let place = Place::new(Backend::Sqlite).await.expect("SQLite is always there");
        let (key, server) = (place.key(&["test-wallonie"]).await, place.serve());
        let partner = Partner::new(server.address(), Some(&key));
        let made = partner.push("test-wallonie", "made", &[record("made", None)]).await;
        let id = made["results"][0]["record"]["id"].as_str().expect("an id").to_owned();
        for round in 0..rounds(3) {
            let base = i32::try_from(round).unwrap() + 1;
            let [a, b] = ["written", "imported"].map(|side| format!("{side} in {round}"));
            let mut line = record(&b, Some(base));
            line["source"] = json!("test-wallonie");
            std::fs::write(place.folder.path().join("line.ndjson"), ndjson(&[line])).expect("a file");
            let mut command = place.command(&["import", "line.ndjson"]);
            let import = tokio::task::spawn_blocking(move || command.output());
            // About the time that the program takes to start.
            tokio::time::sleep(std::time::Duration::from_millis(60 + 25 * (round as u64 % 4))).await;
            let (written, imported) = tokio::join!(update(&partner, &id, base, &a), import);
            let imported = imported.expect("no panic").expect("the program runs");
            let said = String::from_utf8_lossy(&imported.stdout);
            let by_import = said.contains("1 updated");
            assert_eq!(by_import, imported.status.success(), "the loser gets an error: {said}");
            assert_ne!(by_import, updated(&written, base, &b), "exactly one wins: {said}");
        }
        let db = place.open().await;
        assert_eq!(consistent(&db).await["fought"].revision, i32::try_from(rounds(3)).unwrap() + 1);
        db.close().await;
    });
}
