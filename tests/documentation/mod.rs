//! The documentation is true: every example runs, every link has a target, and every name exists in the program.
//!
//! Each page is run from beginning to end against the real program with the sample directory and its accounts:
//!
//! | block | effect |
//! |---|---|
//! | `graphql` | sent as a request; a following block `json variables` holds its variables |
//! | `sh` | run: `curl` against this server, `passerelle` in its folder |
//! | `ws` | messages sent (`>`) and expected (`<`) over a WebSocket |
//! | `json`, `http` after these | the expected response, see [`compare`]; without it, there must be no error |
//! | `ndjson`, `json` with `file=name` | written into the folder |
//! | `text` | nothing |
//!
//! A comment `<!-- example: as=editor.wallonie language=nl keep=NAME:/data/… -->` before a block sets the caller, the
//! language, and a variable `$NAME` that keeps part of the response (`NAME:header/etag`: a header). With `wait`, the
//! block is repeated until the response matches. A page that begins with `<!-- server: NAME=value … -->` runs against
//! a server with these settings.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args as _;
use passerelle::config::Config;
use passerelle::kernel::error::{Code, Retry};
use passerelle::kernel::messages;
use passerelle::kernel::value::Language;
use tempfile::TempDir;

use self::reader::{Reader, root};
use crate::support::program::{Running, folder, program};
use crate::support::{HOPELESS, run};

mod compare;
mod page;
mod reader;
mod shell;

/// The pages, with their names.
fn pages() -> Vec<(String, String)> {
    let docs = std::fs::read_dir(root().join("docs")).expect("there is documentation");
    let mut paths: Vec<_> = docs.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|of| of == "md"));
    paths.push(root().join("README.md"));
    paths.sort();
    let name = |path: &Path| {
        let name = path.strip_prefix(root()).expect("it is in this repository");
        name.to_str().expect("UTF-8").to_owned()
    };
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("a page"))).collect()
}

/// A data folder that the program has initialized.
fn begun() -> TempDir {
    let place = folder();
    let mut server = Running::start(program(place.path()).args(["serve", "--demo"]));
    run(async {
        indexed(place.path(), server.address()).await;
    });
    assert_eq!(server.terminate(), Some(0));
    place
}

/// Waits until the search index holds the sample.
async fn indexed(place: &Path, server: &str) {
    let mut reader = Reader::new(place, server);
    let page = "```graphql\n{ search(query: \"pictanovo\", first: 1) { degraded estimatedTotalCount } }\n```\n```json\n\
        {\"data\": {\"search\": {\"degraded\": false, \"estimatedTotalCount\": 4}}}\n```\n";
    let end = Instant::now() + HOPELESS;
    while let Err(told) = reader.read(page).await {
        assert!(Instant::now() < end, "{told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Runs a page against its own server, in a copy of this folder, so that pages do not affect each other. Returns the
/// number of examples checked.
///
/// # Errors
/// The line of the example, and the difference.
fn read(page: &str, template: &Path) -> Result<usize, String> {
    let place = folder();
    copy(template, place.path());
    let mut command = program(place.path());
    for (setting, value) in settings_of(page) {
        // The manifest must exist when the server starts, even if the page writes it.
        if setting == "DOCUMENTS_MANIFEST" {
            std::fs::write(place.path().join(value), "{}").expect("a file");
        }
        command.env(setting, value);
    }
    let server = Running::start(command.args(["serve", "--demo"]));
    let mut read = Ok(0);
    run(async {
        indexed(place.path(), server.address()).await;
        read = Reader::new(place.path(), server.address()).read(page).await;
    });
    read
}

#[test]
fn every_example_is_as_it_is_shown() {
    let template = begun();
    let only = std::env::var("PAGE").unwrap_or_default();
    let pages: Vec<(String, String)> = pages().into_iter().filter(|(name, _)| name.contains(&only)).collect();
    // Two threads: one runs while the other waits for its server or a response.
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, page)) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let read = read(page, template.path()).map_err(|told| format!("{name}, {told}"));
                    results.lock().expect("no panic").push(read);
                }
            });
        }
    });
    let (read, wrong): (Vec<_>, Vec<_>) =
        results.into_inner().expect("no panic").into_iter().partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read.into_iter().filter_map(Result::ok).sum::<usize>() > 0);
}

/// The settings of the server that a page asks for.
fn settings_of(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let first = page.lines().next().and_then(|line| line.strip_prefix("<!-- server: ")?.strip_suffix(" -->"));
    first.unwrap_or_default().split_whitespace().filter_map(|word| word.split_once('='))
}

/// Wrong pages, each with a part of the expected error.
const WRONG: &[(&str, &str)] = &[
    ("```graphql\n{ nothing }\n```\n", "Unknown field"),
    ("```graphql\n{ regions { slug }\n```\n", "GRAPHQL_PARSE_FAILED"),
    ("```graphql\n{ __typename }\n```\n```json\n{\"data\": {\"__typename\": \"Other\"}}\n```\n", "\"Other\""),
    ("```graphql\n{ __typename }\n```\n```json\n{\"data\": {}}\n```\n", "/data/__typename"),
    (
        "```graphql\nquery($s: String!) { sector(slug: $s) { slug } }\n```\n```json variables\n{}\n```\n",
        "missing",
    ),
    (
        "```graphql\nquery($s: String!) { sector(slug: $s) { slug } }\n```\n```json variables\n{\"s\": \"$NO\"}\n```\n",
        "$NO",
    ),
    (
        "```graphql\nmutation { signIn(input: {email: \"a@b.example\", password: \"wrong\"}) { userErrors { code } } }\n```\n",
        "refused",
    ),
    ("```json\n{\"data\": {}}\n```\n", "nobody knows how to run `json`"),
    ("```js\nfetch('/')\n```\n", "nobody knows how to run `js`"),
    ("```\n{ regions { slug } }\n```\n", "nobody knows how to run ``"),
    ("```graphql\n{ regions { slug } }\n", "no end"),
    ("```sh\nrm -r data\n```\n", "nobody knows how to run `rm"),
    ("```sh\ncurl -s http://127.0.0.1:8000/nothing\n```\n```http\nHTTP/1.1 200 OK\n```\n", "404"),
    (
        "```sh\ncurl -s http://127.0.0.1:8000/healthz\n```\n```http\nHTTP/1.1 200 OK\nx-none: 1\n```\n",
        "x-none",
    ),
    ("```sh\ncurl -s http://127.0.0.1:8000/healthz\n```\n```json\n{\"status\": \"bad\"}\n```\n", "/status"),
    ("```sh\ncurl -s https://elsewhere.example/\n```\n", "elsewhere"),
    ("```sh\npasserelle nothing\n```\n", "has failed"),
    ("```sh\npasserelle import missing.ndjson\n```\n", "has failed"),
    ("<!-- example: file=a.ndjson -->\n```ndjson\nno\n```\n", "expected"),
    ("<!-- example: keep=A:/data/none -->\n```graphql\n{ __typename }\n```\n", "/data/none"),
    ("<!-- example: as=nobody -->\n```graphql\n{ __typename }\n```\n", "nobody@demo.example"),
    ("```ws\n> {\"type\": \"connection_init\"}\n< {\"type\": \"pong\"}\n```\n", "pong"),
    (
        "```ws\n> {\"type\": \"subscribe\", \"id\": \"1\", \"payload\": {\"query\": \"{ a }\"}}\n< closed 4400\n```\n",
        "4401",
    ),
];

#[test]
fn an_example_that_is_wrong_is_found() {
    let place = folder();
    let server = Running::start(program(place.path()).args(["serve", "--demo"]));
    run(async {
        for (page, says) in WRONG {
            let told = Reader::new(place.path(), server.address()).read(page).await;
            assert!(told.as_ref().is_err_and(|told| told.contains(says)), "{page}: {told:?}");
        }
        let right = "```text\nwhatever\n```\n```graphql\n{ __typename }\n```\n```json\n{\"data\": {\"__typename\": \"…\"}}\n```\n";
        assert_eq!(Reader::new(place.path(), server.address()).read(right).await, Ok(1));
    });
}

/// The environment variables of the program's settings.
fn settings() -> BTreeSet<String> {
    let command = Config::augment_args(clap::Command::new("serve"));
    let names =
        command.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    names.collect()
}

/// The first column of a table with this header.
fn first_column(page: &str, head: &str) -> BTreeSet<String> {
    let rows = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_setting_is_in_the_table_and_every_row_is_a_setting() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let listed = first_column(&readme, "| setting (environment or flag) |");
    let settings = settings();
    assert_eq!(listed.difference(&settings).collect::<Vec<_>>(), [] as [&String; 0], "no settings");
    assert_eq!(settings.difference(&listed).collect::<Vec<_>>(), [] as [&String; 0], "missing in the table");
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for (name, page) in pages() {
        let path = root().join(&name);
        for link in page::links(&page) {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.parent().expect("a folder").join(file) };
            if !target.exists() {
                wrong.push(format!("{name}: {link} leads nowhere"));
            } else if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).expect("a page");
                if !page::anchors(&text).iter().any(|name| name == anchor) {
                    wrong.push(format!("{name}: {link} leads to no heading"));
                }
            }
        }
        for page in page::links(&page).iter().filter(|link| link.starts_with("docs/") && name == "README.md")
        {
            assert!(!page.is_empty());
        }
    }
    let index = std::fs::read_to_string(root().join("docs/README.md")).expect("an index");
    let linked = page::links(&index);
    for (name, _) in pages().iter().filter(|(name, _)| name.starts_with("docs/") && name != "docs/README.md")
    {
        let name = name.trim_start_matches("docs/");
        if !linked.iter().any(|link| link == name) {
            wrong.push(format!("docs/README.md does not link to {name}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Words in capitals that are not names of the program.
const CAPITALS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "PATH", "TEST_POSTGRES_URL"];
/// Names that are not in the schema: members of `extensions`, of snapshot lines and of socket messages.
const MEMBERS: &[&str] = &[
    "requestId",
    "addedViews",
    "removedViews",
    "addedTypes",
    "removedTypes",
    "resumeCursor",
    "operationName",
    "documentId",
    "persistedQuery",
    "sha256Hash",
    "requestedQueryCost",
    "maximumAvailable",
    "persistedDocuments",
    "persistConfig",
];

#[test]
fn every_name_is_one_of_the_program() {
    let schema = passerelle::schema::sdl();
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let mut known = words(schema);
    known.extend(settings());
    known.extend(Code::ALL.iter().map(|code| code.as_str().to_owned()));
    let messages = messages::all().chain(messages::WARNINGS.iter().copied());
    known.extend(messages.filter_map(|message| message.reason).map(str::to_owned));
    known.extend(CAPITALS.iter().chain(MEMBERS).map(|word| (*word).to_owned()));
    // Values of `extensions` that say how to recover from a cursor error.
    known.extend(["SNAPSHOT", "SNAPSHOT_KEEP_IDS", "SNAPSHOT_AND_ALARM", "RESUME"].map(str::to_owned));
    let mut wrong = Vec::new();
    for (name, page) in pages() {
        for code in page::code(&page) {
            // Names of the schema contain capitals, those of files and programs do not.
            let named = |word: &&str| {
                let only = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                only && word.len() > 3
                    && word.starts_with(|c: char| c.is_ascii_alphabetic())
                    && word.chars().any(|c| c.is_ascii_uppercase())
            };
            let parts = code.split(|c: char| " .(){}[]:,!?@$=`'\"/<>".contains(c));
            let unknown = parts.filter(named).filter(|word| {
                !known.contains(*word) && !["CURSOR_", "OTEL_"].iter().any(|of| word.starts_with(of))
            });
            let is_prose = code.contains("://")
                || code.contains('@') && code.contains(".example")
                || code.contains('/')
                || code.contains('-')
                || code.contains('$');
            wrong.extend(unknown.filter(|_| !is_prose).map(|word| format!("{name}: `{word}` of `{code}`")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table of error codes.
fn codes() -> String {
    let mut table =
        String::from("| code | status | what happened | again? | what to do |\n|---|---|---|---|---|\n");
    for code in Code::ALL {
        let described = code.described();
        let status = if described.status == described.status_json {
            described.status.to_string()
        } else {
            format!("{} ({})", described.status, described.status_json)
        };
        let others = described.others.iter().filter(|other| **other != described.status);
        let others = others.map(|status| format!(", {status}"));
        let again = match described.retry {
            Retry::No => "no",
            Retry::Later => "later",
            Retry::AfterWaiting => "after `retryAfterMs`",
        };
        let (meaning, action) = (described.meaning.trim(), described.action);
        let status = status + &others.collect::<String>();
        let _ = writeln!(table, "| `{}` | {status} | {meaning} | {again} | {action} |", described.name);
    }
    table
}

/// The table of user error codes, with their descriptions from the schema and their reasons.
fn refusals() -> String {
    let schema = passerelle::schema::sdl();
    let (_, rest) = schema.split_once("enum UserErrorCode {").expect("the schema has the enum");
    let (body, _) = rest.split_once("\n}").expect("it ends");
    let values = body.split("\"\"\"").skip(1).collect::<Vec<_>>();
    let mut table = String::from("| code | what it means | reasons |\n|---|---|---|\n");
    for pair in values.chunks(2) {
        let (meaning, name) = (pair[0].trim(), pair.get(1).map_or("", |name| name.trim()));
        let of_code = messages::all().filter(|message| name_of_code(message.code) == name);
        let reasons: BTreeSet<&str> = of_code.filter_map(|message| message.reason).collect();
        let reasons: Vec<String> = reasons.iter().map(|reason| format!("`{reason}`")).collect();
        let _ = writeln!(table, "| `{name}` | {meaning} | {} |", reasons.join(", "));
    }
    table
}

fn name_of_code(code: passerelle::kernel::problem::UserErrorCode) -> String {
    match async_graphql::InputType::to_value(&code) {
        async_graphql::Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}

/// The table of reasons of these messages, under this heading.
fn reasons<'a>(heading: &str, messages: impl Iterator<Item = &'a messages::Message>) -> String {
    let all: BTreeSet<(&str, &str)> =
        messages.filter_map(|message| Some((message.reason?, message.text(Language::En)))).collect();
    let rows = all.iter().map(|(reason, text)| format!("| `{reason}` | {} |\n", text.replace('|', "\\|")));
    format!("| {heading} | message |\n|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_tables_of_codes_are_those_of_the_program() {
    let path = root().join("docs/errors.md");
    let mut page = std::fs::read_to_string(&path).expect("a page");
    let before = page.clone();
    let warnings = reasons("code", messages::WARNINGS.iter().copied());
    let reasons = reasons("reason", messages::all());
    for (name, table) in
        [("codes", codes()), ("refusals", refusals()), ("reasons", reasons), ("warnings", warnings)]
    {
        let (open, close) =
            (format!("<!-- {name}: written by UPDATE_DOCS=1 -->\n"), format!("<!-- end of {name} -->"));
        let start = page.find(&open).expect("the page has a marker") + open.len();
        let end = page.find(&close).expect("it ends");
        page.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs/errors.md is written");
        return;
    }
    assert!(
        page == before,
        "docs/errors.md is stale: run `UPDATE_DOCS=1 cargo test --test integration documentation::the_tables` and review"
    );
}
