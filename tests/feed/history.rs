//! Random histories, with readers who stop and go on: whoever has caught up has what a new reader gets.

use std::collections::BTreeMap;

use passerelle::record::policy::Viewer;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{Follower, editor, member};
use crate::on_both_databases;
use crate::support::records::{
    affiliation, import_text, ndjson, options, organization, partnership, source, talent,
};
use crate::support::server::TestServer;

const LEVELS: [&str; 3] = ["PUBLIC", "MEMBERS", "PRIVATE"];
const REGIONS: [&str; 2] = ["wallonie", "flandre"];
/// Records of each type.
const RECORDS: usize = 5;

/// A random write. What cannot be done now, such as deleting what others refer to, is refused, which is no matter.
fn write(random: &mut StdRng) -> Value {
    let n = random.random_range(0..RECORDS);
    let m = random.random_range(0..RECORDS);
    let region = REGIONS[n % 2];
    let level = LEVELS[random.random_range(0..3)];
    let word = random.random_range(0..1000).to_string();
    let mut line = match random.random_range(0..4) {
        0 => organization(region, &format!("o{n}"), json!({"visibility": level, "name": word})),
        1 => {
            let groups = json!([{"group": "AFFILIATIONS", "visibility": LEVELS[random.random_range(0..3)]}]);
            talent(
                region,
                &format!("t{n}"),
                json!({"visibility": level, "displayName": word, "fieldVisibility": groups}),
            )
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

/// The ids and revisions that the lists of the schema show.
async fn listed(server: &TestServer) -> BTreeMap<String, i64> {
    let query = "{ organizations(first: 100) { nodes { id revision } } talents(first: 100) { nodes { id revision \
        affiliations(first: 100) { nodes { id revision } } } } partnerships(first: 100) { nodes { id revision } } }";
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
        for round in 0..rounds {
            let lines: Vec<Value> = (0..random.random_range(1..8)).map(|_| write(&mut random)).collect();
            import_text(&server, &ndjson(&lines), &options()).await;
            for (follower, of) in &mut readers {
                // Some take a page, some sleep.
                if random.random_range(0..3) == 0 {
                    follower.step(&servers[*of]).await;
                }
            }
            if round % 8 == 7 || round + 1 == rounds {
                for (follower, of) in &mut readers {
                    follower.catch_up(&servers[*of]).await;
                    let mut fresh = Follower::new(json!({}));
                    fresh.catch_up(&servers[*of]).await;
                    assert_eq!(follower.records, fresh.records, "SEED={seed}, round {round}, viewer {of}");
                    assert_eq!(fresh.records, listed(&servers[*of]).await, "SEED={seed}, round {round}, viewer {of}");
                }
            }
        }
        // Servers beside one must go before it.
        drop(servers);
    }
}
