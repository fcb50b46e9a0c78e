//! Random histories of writes, erasures and sweeps, with readers that pause and continue. A reader that has caught up
//! holds what a new reader gets.

use std::collections::BTreeMap;

use passerelle::kernel::policy::Viewer;
use passerelle::records::changes::ChangeCursor;
use passerelle::records::changes::retention::{self, Retention};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{Follower, code, editor, member};
use crate::mutations::{call, number};
use crate::on_both_databases;
use crate::support::records::{
    affiliation, import_text, ndjson, options, organization, partnership, source, talent,
};
use crate::support::server::{Setup, TestServer};

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;
const LEVELS: [&str; 3] = ["PUBLIC", "MEMBERS", "PRIVATE"];
const REGIONS: [&str; 2] = ["wallonie", "flandre"];
/// The number of records of each type.
const RECORDS: usize = 5;

/// A random write. It may be refused, such as deleting a record that others refer to. That does not matter.
fn write(random: &mut StdRng, erased: &[usize; RECORDS]) -> Value {
    let n = random.random_range(0..RECORDS);
    let m = random.random_range(0..RECORDS);
    let region = REGIONS[n % 2];
    let level = LEVELS[random.random_range(0..3)];
    let word = random.random_range(0..1000).to_string();
    let mut line = match random.random_range(0..4) {
        0 => organization(region, &format!("o{n}"), json!({"visibility": level, "name": word})),
        1 => {
            let groups = json!([{"group": "AFFILIATIONS", "visibility": LEVELS[random.random_range(0..3)]}]);
            let fields = json!({"visibility": level, "displayName": word, "fieldVisibility": groups});
            let mut line = talent(region, &format!("t{n}"), fields);
            // After an erasure, a new talent needs a new external id.
            line["externalId"] = json!(format!("t{n} after {}", erased[n]));
            line
        }
        2 => affiliation(
            region,
            &format!("t{n}"),
            &format!("o{m}"),
            json!({"roles": [{"language": "EN", "text": word}]}),
        ),
        _ => {
            let other = format!("o{}", (m + 1) % RECORDS);
            let more = json!({"visibility": level, "titles": [{"language": "EN", "text": word}]});
            partnership(region, &format!("p{n}"), &[&format!("o{m}"), &other], more)
        }
    };
    if random.random_range(0..6) == 0 {
        let kind = ["organization", "talent", "affiliation", "partnership"]
            .into_iter()
            .find(|kind| line.get(kind).is_some());
        line[kind.unwrap()] = json!({});
        line["delete"] = json!(true);
    }
    line["source"] = json!(source(region));
    line
}

/// Erases a random talent, if it exists.
async fn erase(server: &TestServer, random: &mut StdRng, erased: &mut [usize; RECORDS]) {
    let n = random.random_range(0..RECORDS);
    let found = server.data(&format!("{{ talent(by: {{slug: \"t{n}\"}}) {{ id }} }}")).await;
    let id = found["talent"]["id"].clone();
    if !id.is_null() {
        let answer = call(server, "eraseTalent", "deletedId", &[("id", "ID!", id)]).await;
        assert_eq!(answer["userErrors"], json!([]));
        erased[n] += 1;
    }
}

/// Lets a reader take a page. A reader that was away for longer than tombstones are kept must begin anew, and no
/// other reader must.
async fn step(server: &TestServer, follower: &mut Follower) {
    let refused = code(&follower.ask(server).await);
    if refused.0.is_empty() {
        follower.step(server).await;
        return;
    }
    assert_eq!(refused, ("CURSOR_EXPIRED".into(), "SNAPSHOT".into()));
    let position = ChangeCursor::read(follower.after.as_deref().unwrap()).expect("a position");
    let floor = number(server, "SELECT floor FROM feed_meta").await;
    assert!(position.seq.max(position.base) < floor, "{position:?} is not too old");
    *follower = Follower::new(follower.variables.clone());
    follower.step(server).await;
}

/// The ids and revisions that the schema's lists show.
async fn listed(server: &TestServer) -> BTreeMap<String, i64> {
    let query = "{ organizations(first: 100) { nodes { id revision } } talents(first: 100) { nodes { id revision \
        affiliations(first: 20) { nodes { id revision } } } } partnerships(first: 100) { nodes { id revision } } }";
    let data = server.data(query).await;
    let mut all = BTreeMap::new();
    let mut add = |node: &Value| {
        all.insert(node["id"].as_str().unwrap().to_owned(), node["revision"].as_i64().unwrap());
    };
    for list in ["organizations", "talents", "partnerships"] {
        for node in data[list]["nodes"].as_array().unwrap() {
            add(node);
            node.pointer("/affiliations/nodes")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .for_each(&mut add);
        }
    }
    all
}

on_both_databases! {
    with Setup::default().erasing_at_once();
    async fn whoever_has_caught_up_has_what_is_there(server) {
        let seed = std::env::var("SEED").map_or_else(|_| rand::random(), |seed| seed.parse().expect("a number"));
        println!("SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let rounds = std::env::var("ROUNDS").map_or(25, |rounds| rounds.parse().expect("a number"));
        let viewers = [Viewer::anonymous(), member(), editor("wallonie"), Viewer { admin: true, ..member() }];
        let (mut servers, mut readers) = (Vec::new(), Vec::new());
        for viewer in viewers {
            for variables in [json!({"first": 1}), json!({"first": 7}), json!({})] {
                readers.push((Follower::new(variables), servers.len()));
            }
            servers.push(server.beside(viewer).await);
        }
        let (admin, mut erased) = (servers.len() - 1, [0; RECORDS]);
        for round in 0..rounds {
            let lines: Vec<Value> = (0..random.random_range(1..8)).map(|_| write(&mut random, &erased)).collect();
            import_text(&server, &ndjson(&lines), &options()).await;
            if random.random_range(0..10) == 0 {
                erase(&servers[admin], &mut random, &mut erased).await;
            }
            server.pass(random.random_range(0..4) * DAY);
            if random.random_range(0..5) == 0 {
                let kept = Retention { superseded_days: 3, tombstone_days: 12 };
                retention::sweep(&server.app, kept).await.expect("the log is swept");
            }
            for (follower, of) in &mut readers {
                // Some readers take a page, others pause.
                if random.random_range(0..3) == 0 {
                    step(&servers[*of], follower).await;
                }
            }
            if round % 8 == 7 || round + 1 == rounds {
                for (follower, of) in &mut readers {
                    step(&servers[*of], follower).await;
                    follower.catch_up(&servers[*of]).await;
                    let mut fresh = Follower::new(json!({}));
                    fresh.catch_up(&servers[*of]).await;
                    assert_eq!(follower.records, fresh.records, "SEED={seed}, round {round}, viewer {of}");
                    assert_eq!(fresh.records, listed(&servers[*of]).await, "SEED={seed}, round {round}, viewer {of}");
                }
            }
        }
        // The other servers must be dropped before `server`.
        drop(servers);
    }
}
