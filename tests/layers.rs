//! The layers: which crate uses which, which tables belong to which, and where SQL is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, the lowest first. Each uses those before it alone.
const CRATES: &[&str] = &[
    "kernel",
    "records",
    "identity",
    "index",
    "directory",
    "accounts",
    "search",
    "exchange",
    "server",
    "passerelle",
];

/// The tables of each crate. A crate names its own tables and those of the crates that it uses.
const TABLES: &[(&str, &[&str])] = &[
    (
        "kernel",
        &["audit", "housekeeping", "record_identifier", "record_redirect", "record_slug", "sync_record"],
    ),
    (
        "records",
        &[
            "change_log",
            "erasure_ledger",
            "erasure_view",
            "feed_history",
            "feed_meta",
            "idempotency",
            "instance",
            "lease",
            "source",
            "source_deletion",
            "sync_client",
            "view_head",
        ],
    ),
    (
        "identity",
        &[
            "account",
            "account_network",
            "account_organization",
            "account_role",
            "api_key",
            "calendar_address",
            "invitation",
            "mail_outbox",
            "one_time_token",
            "session",
            "signing_key",
        ],
    ),
    (
        "directory",
        &[
            "affiliation",
            "application",
            "application_decision",
            "application_partner",
            "application_reminder",
            "call_for_projects",
            "call_for_projects_contribution",
            "call_for_projects_lot",
            "call_for_projects_lot_funder",
            "call_for_projects_organizer",
            "consent",
            "contact_read",
            "event",
            "event_list",
            "event_notice",
            "event_organization",
            "event_registration",
            "event_seats",
            "event_session",
            "event_session_organization",
            "event_session_speaker",
            "event_speaker",
            "organization",
            "organization_list",
            "organization_member",
            "organization_name",
            "partnership",
            "partnership_list",
            "partnership_party",
            "proposal",
            "scheduled_erasure",
            "talent",
            "talent_list",
            "talent_upkeep",
        ],
    ),
    ("search", &["search_dead_letter", "search_job"]),
    ("exchange", &["full_push", "full_push_mention"]),
];

/// Tables that a crate names although they belong to a higher one, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "kernel",
        "idempotency",
        "the trial write of a database that was full needs a table that may have any row",
    ),
    ("records", "account", "the history names the account of each entry"),
];

/// The files with SQL beside `store.rs`, `write.rs` and `merging.rs`, each with the reason.
const SQL: &[(&str, &str)] = &[
    ("directory/src/history.rs", "reads the audit log of a record"),
    ("directory/src/organization/succession.rs", "follows chains of successors"),
    ("directory/src/statistics/mod.rs", "counts by region, kind and sector"),
    ("exchange/src/import/file.rs", "lets SQLite keep more pages in memory"),
    ("exchange/src/import/sample.rs", "loads the sample where the directory is empty"),
    ("exchange/src/import/source.rs", "one table with a few statements"),
    ("exchange/src/sync/digest.rs", "walks through tables in one snapshot"),
    ("identity/src/lag.rs", "counts for the metrics"),
    ("kernel/src/", "the builder of statements"),
    ("records/src/", "the write path and the change log"),
    ("search/src/fallback.rs", "the search in the database"),
    ("passerelle/src/housekeeping.rs", "deletes rows by age"),
];

fn folder(of: &str) -> PathBuf {
    let api = Path::new(env!("CARGO_MANIFEST_DIR"));
    if of == "passerelle" { api.to_owned() } else { api.join("crates").join(of) }
}

/// The sources of a crate below `src`: path from the folder of crates, and text without tests and comments.
fn sources(of: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let base = folder(of);
    let mut paths = Vec::new();
    walk(&base.join("src"), &mut paths);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (format!("{of}/{}", path.strip_prefix(&base).expect("within").display()), code)
    };
    paths.into_iter().map(read).collect()
}

/// The words after which a table is named in SQL or in Rust.
const BEFORE: &[&str] = &["FROM", "JOIN", "INTO", "UPDATE", "entity", "join_one"];

/// The words of a source that may be names of tables.
fn named(code: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut before = "";
    for word in code.split_inclusive(|c: char| !is_part(c)) {
        let name = word.trim_end_matches(|c: char| !is_part(c));
        if name.is_empty() {
            continue;
        }
        // `{source}` is a placeholder.
        if BEFORE.contains(&before) && !word.ends_with('}') {
            found.insert(name);
        }
        before = name;
    }
    for list in code.split("entity::{").skip(1) {
        let list = list.split("};").next().unwrap_or_default();
        found.extend(list.split(',').map(|name| name.trim().split("::").next().unwrap_or_default()));
    }
    found
}

#[test]
fn each_crate_uses_those_below_it_alone() {
    for (at, of) in CRATES.iter().enumerate() {
        let manifest = fs::read_to_string(folder(of).join("Cargo.toml")).expect("a manifest");
        for (place, used) in CRATES.iter().enumerate() {
            let uses = manifest.lines().any(|line| line.starts_with(&format!("{used} =")));
            assert!(!uses || place < at, "{of} uses {used}, which is not below it");
        }
    }
}

#[test]
fn every_table_belongs_to_a_crate_and_none_above_names_it() {
    let entities =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../entity/src")).expect("a folder");
    let names = entities.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let tables: BTreeSet<String> = names
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| !matches!(name.as_str(), "lib" | "json_text"))
        .collect();
    let listed: BTreeSet<String> =
        TABLES.iter().flat_map(|(_, tables)| tables.iter().map(|table| (*table).to_owned())).collect();
    assert_eq!(tables, listed, "TABLES must have each table of `entity` once");
    let position = |of: &str| CRATES.iter().position(|name| *name == of).expect("a crate");
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for of in CRATES {
        for (file, code) in sources(of) {
            for table in named(&code) {
                let owner = TABLES.iter().find(|(_, tables)| tables.contains(&table));
                let Some((owner, _)) = owner.filter(|(owner, _)| position(owner) > position(of)) else {
                    continue;
                };
                match EXCEPTIONS.iter().find(|(by, name, _)| by == of && *name == table) {
                    Some((by, name, _)) => _ = used.insert((by, name)),
                    None => wrong.push(format!("{file} names {table}, a table of {owner}")),
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(used.len(), EXCEPTIONS.len(), "only {used:?} are exceptions");
}

#[test]
fn sql_is_where_the_rule_says() {
    const WORDS: &[&str] =
        &["SELECT ", "INSERT INTO ", "DELETE FROM ", "UPDATE {", " SET ", "EXISTS (", "PRAGMA "];
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for of in CRATES {
        for (file, code) in sources(of) {
            let name = file.rsplit('/').next().unwrap_or_default();
            if matches!(name, "store.rs" | "write.rs" | "merging.rs")
                || !WORDS.iter().any(|word| code.contains(word))
            {
                continue;
            }
            match SQL.iter().find(|(allowed, _)| file.starts_with(allowed)) {
                Some((allowed, _)) => _ = used.insert(*allowed),
                None => wrong.push(file),
            }
        }
    }
    assert_eq!(wrong, [""; 0], "SQL belongs in store.rs, write.rs or merging.rs");
    let unused: Vec<_> =
        SQL.iter().filter(|(allowed, _)| !used.contains(allowed)).map(|(allowed, _)| allowed).collect();
    assert_eq!(unused, [&""; 0], "these have no SQL any more");
}
