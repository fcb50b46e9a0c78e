//! The invariants of synchronisation with partner regions, each tested under faults.
//!
//! | | what holds | where it is tested |
//! |---|---|---|
//! | I1 | an acknowledged write is a row and one log entry; any other write is both or neither | [`acknowledged`]: kill -9 at any moment and around COMMIT, database connections cut anywhere and after COMMIT was sent. [`disk`]: statements and commits that fail anywhere, a full disk. `changes`: callers that disconnect |
//! | I2 | a follower misses nothing, and revisions never decrease | [`following`]: 32 writers in two processes, delayed messages, rollbacks. `changes`: a reader among 16 writers. `feed::history`: random histories |
//! | I3 | the log has no gaps | [`following`]: the same, and statements that time out. Every test here that calls [`consistent`] |
//! | I4 | a snapshot and the feed from its cursor equal the records; a truncated snapshot is refused | [`copies`]: concurrent writers, connections cut at any byte. `feed::snapshot`: for each kind of reader |
//! | I5 | a reader who was away when a record left their view ends without it | [`away`]: edits elsewhere, compaction and pruning in between. `feed::history`: the same at random |
//! | I6 | each kind of unusable cursor has its own code, and no data | [`restored`]: older backups restored, a lagging standby promoted. `feed`: each code. `feed::continuity`: detection, and sweeping |
//! | I7 | a batch is applied once, however often it is sent | [`once`]: cut before each message, killed and sent again, sent in any order by many. [`acknowledged`]: kill -9. `push::keys`: 16 at once, callers that disconnect |
//! | I8 | of two writers with the same base one wins, the other gets both versions | [`same_base`]: two processes. `push::batches`, `mutations::repeated`: within one |
//! | I13 | no data of an erased talent is left | [`erased`]: erased during pushes, the feed and snapshots, and from a restored backup. `erasure`: tables, files, index, logs. `push::keys`: with keys |
//! | I14 | an erased record stays erased | [`erased`]: concurrent late writes of every kind, pushed again, restored. `erasure`: imports, the file outside of the database |
//! | I15 | no response exceeds what the caller may see | [`grants`]: roles that change during streams, waiting requests, pages and snapshots. `matrix`: every field and state for every kind of viewer; `feed`, `search::leaks` |
//! | I16 | memory stays bounded | [`memory`]: many clients that wait, never read, or push |
//!
//! I9 to I12 are about peers, webhooks and other engines, which do not exist yet.
//!
//! A printed seed determines all random choices. `SEED=..` repeats a run as closely as the timing of processes
//! allows. `ROUNDS=..` multiplies its length. `DELAY=..` is the longest delay of a message in milliseconds:
//!
//! ```sh
//! ROUNDS=50 DELAY=200 cargo test -p passerelle --test integration -- invariants --nocapture
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle::kernel::read::{Database, Dialect};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::place::{NAME, Partner};
use crate::support::records::organization;
use crate::support::until;

mod acknowledged;
mod away;
mod copies;
mod disk;
mod erased;
mod following;
mod grants;
mod memory;
mod once;
mod restored;
mod same_base;

/// The seed of the environment, or a random one. Prints it.
fn seed() -> u64 {
    let seed = std::env::var("SEED").map_or_else(|_| rand::random(), |seed| seed.parse().expect("a number"));
    println!("SEED={seed}");
    seed
}

/// The number of rounds: that of a short run times `ROUNDS`.
fn rounds(of_a_short_run: usize) -> usize {
    of_a_short_run * crate::support::rounds() as usize
}

/// The rows of a statement.
async fn rows(db: &Database, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.dialect().backend(), sql);
    db.writer().query_all_raw(statement).await.expect(sql)
}

/// The integer that a statement returns.
async fn number(db: &Database, sql: &str) -> i64 {
    rows(db, sql).await[0].try_get_by_index(0).expect("a number")
}

/// Waits until PostgreSQL has finished the work of a killed program and closed its connections.
async fn abandoned(db: &Database) {
    if db.dialect() == Dialect::Sqlite {
        return;
    }
    let sql = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{NAME}'"
    );
    until("nobody is connected", async || number(db, &sql).await == 0).await;
}

/// A stored organization.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    id: Uuid,
    revision: i32,
}

/// Checks that records and log agree, if only organizations were ever created or changed, and nothing was swept. The
/// log must have no gaps, each revision one entry, and the newest entry the present revision. Returns the
/// organizations by slug.
async fn consistent(db: &Arc<Database>) -> BTreeMap<String, Stored> {
    let head = number(db, "SELECT head FROM feed_meta").await;
    let log = rows(db, "SELECT seq, record_id, op, revision FROM change_log ORDER BY seq").await;
    let numbers: Vec<i64> = log.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(numbers, (1..=head).collect::<Vec<i64>>(), "the log has no gaps");
    let mut newest: BTreeMap<Uuid, (i32, i64)> = BTreeMap::new();
    for (row, seq) in log.iter().zip(numbers) {
        let (id, op): (Uuid, String) = (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
        let revision: i32 = row.try_get_by_index(3).unwrap();
        assert_eq!(op, "UPSERT");
        let before = newest.insert(id, (revision, seq)).map_or(0, |(revision, _)| revision);
        assert_eq!(revision, before + 1, "each revision has one entry");
    }
    let mut found = BTreeMap::new();
    let sql = "SELECT o.slug, o.id, o.revision, s.revision, v.last_seq FROM organization AS o \
               LEFT JOIN sync_record AS s ON s.record_id = o.id LEFT JOIN view_head AS v ON v.record_id = o.id";
    for row in rows(db, sql).await {
        let (slug, id): (String, Uuid) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        let revision: i32 = row.try_get_by_index(2).unwrap();
        let (of_log, seq) = newest.remove(&id).expect("a record has an entry");
        assert_eq!(
            (revision, row.try_get_by_index::<Option<i32>>(3).unwrap()),
            (of_log, Some(of_log)),
            "{slug}"
        );
        assert_eq!(
            row.try_get_by_index::<Option<i64>>(4).unwrap(),
            Some(seq),
            "{slug} is read by its newest entry"
        );
        assert!(found.insert(slug, Stored { id, revision }).is_none(), "a record has one view");
    }
    assert_eq!(newest, BTreeMap::new(), "an entry has a record");
    assert_eq!(number(db, "SELECT COUNT(*) FROM sync_record").await, i64::try_from(found.len()).unwrap());
    found
}

/// A request without a response, which is sent again with the same key.
#[derive(Clone, Debug)]
struct Step {
    key: String,
    records: Vec<Value>,
    /// The slugs of its records with their expected revisions.
    expected: Vec<(String, i64)>,
    /// Whether it is a mutation for one record rather than a batch.
    single: bool,
}

/// A writer of records that no other writer changes. Remembers which revisions were acknowledged.
#[derive(Clone, Debug)]
struct Writer {
    name: String,
    source: String,
    random: StdRng,
    steps: u32,
    /// The acknowledged revisions by slug.
    acknowledged: BTreeMap<String, i64>,
    open: Option<Step>,
}

const CREATE: &str = "mutation($input: OrganizationInput!, $key: String!) {
    createOrganization(input: $input, idempotencyKey: $key) { organization { slug revision } userErrors { code path message } } }";

impl Writer {
    /// A writer for a source of its own.
    fn new(name: &str, source: &str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            random: StdRng::seed_from_u64(seed),
            steps: 0,
            acknowledged: BTreeMap::new(),
            open: None,
        }
    }

    /// Sends the open step, or a new one. Returns whether it was acknowledged.
    async fn step(&mut self, partner: &Partner) -> bool {
        let step = self.open.take().unwrap_or_else(|| self.next());
        let answered = if step.single {
            let input = step.records[0]["organization"].clone();
            let answer = partner.ask(CREATE, json!({"input": input, "key": step.key})).await.ok();
            let payload = answer.map(|mut answer| answer["data"]["createOrganization"].take());
            payload.filter(|payload| !payload.is_null()).map(|payload| {
                assert_eq!(payload["userErrors"], json!([]), "{payload}");
                vec![payload["organization"]["revision"].clone()]
            })
        } else {
            partner.try_push(&self.source, &step.key, &step.records).await.map(|payload| {
                let results = payload["results"].as_array().expect("results").iter();
                results
                    .map(|result| {
                        assert!(
                            matches!(result["status"].as_str(), Some("CREATED" | "UPDATED")),
                            "{payload}"
                        );
                        result["currentRevision"].clone()
                    })
                    .collect()
            })
        };
        let Some(revisions) = answered else {
            self.open = Some(step);
            return false;
        };
        let expected: Vec<Value> = step.expected.iter().map(|(_, revision)| json!(revision)).collect();
        assert_eq!(revisions, expected, "{}", step.key);
        self.acknowledged.extend(step.expected);
        true
    }

    /// A step with new and known records.
    fn next(&mut self) -> Step {
        self.steps += 1;
        let number = self.steps;
        let single = self.random.random_range(0..3) == 0;
        let (mut records, mut expected) = (Vec::new(), Vec::new());
        for place in 0..if single { 1 } else { self.random.random_range(1..5_usize) } {
            let known: Vec<(String, i64)> =
                self.acknowledged.iter().map(|(slug, revision)| (slug.clone(), *revision)).collect();
            let again = !single && !known.is_empty() && self.random.random_range(0..2) == 0;
            let (slug, revision) = if again {
                known[self.random.random_range(0..known.len())].clone()
            } else {
                (format!("{}-{number}-{place}", self.name), 0)
            };
            // Records created by the mutation belong to no source, so a push cannot change them.
            if expected.iter().any(|(there, _)| *there == slug) || (again && slug.ends_with("-single")) {
                continue;
            }
            let slug = if single { format!("{slug}-single") } else { slug };
            let mut line = organization("wallonie", &slug, json!({"name": format!("{slug} in {number}")}));
            line.as_object_mut().unwrap().remove("source");
            if revision > 0 {
                line["baseRevision"] = json!(revision);
            }
            records.push(line);
            expected.push((slug, revision + 1));
        }
        Step { key: format!("{}-{number}", self.name), records, expected, single }
    }

    /// Checks the records of this writer in the database: all acknowledged revisions, and all or none of the open
    /// step. Returns the number of records.
    fn check(&self, stored: &BTreeMap<String, Stored>) -> usize {
        let is_at = |slug: &str, revision: i64| {
            stored.get(slug).map_or(0, |stored| i64::from(stored.revision)) == revision
        };
        let open = self.open.iter().flat_map(|step| &step.expected);
        let open: BTreeMap<String, i64> = open.cloned().collect();
        let done: Vec<bool> = open.iter().map(|(slug, revision)| is_at(slug, *revision)).collect();
        assert!(done.iter().all(|one| *one == done[0]), "a step is done in part: {:?}", self.open);
        let all_done = done.first().copied().unwrap_or(false);
        for (slug, revision) in &self.acknowledged {
            let now = open.get(slug).filter(|_| all_done).unwrap_or(revision);
            assert!(is_at(slug, *now), "{slug} is not at {now}: {:?}", stored.get(slug));
        }
        let mine = format!("{}-", self.name);
        let count = stored.keys().filter(|slug| slug.starts_with(&mine)).count();
        let new = open.keys().filter(|slug| all_done && !self.acknowledged.contains_key(*slug)).count();
        assert_eq!(count, self.acknowledged.len() + new, "{} has nothing else", self.name);
        count
    }
}

/// Checks the database, and the records of each writer.
async fn checked(db: &Arc<Database>, writers: &[Writer]) -> BTreeMap<String, Stored> {
    let stored = consistent(db).await;
    let count: usize = writers.iter().map(|writer| writer.check(&stored)).sum();
    assert_eq!(count, stored.len(), "every record belongs to a writer");
    stored
}
