//! Every error code is reached over HTTP, and behaves as documented.

use std::sync::Arc;
use std::time::Duration;

use passerelle::identity::traffic::Limits;
use passerelle::kernel::error::{Code, Retry};
use passerelle::records::changes::ChangeCursor;
use passerelle::records::changes::continuity;
use passerelle::records::changes::retention::{self, Retention};
use passerelle::server::{Limits as RequestLimits, Manifest, Trust};
use reqwest::RequestBuilder;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::feed::{Follower, member};
use crate::search::stub::Stub;
use crate::support::accounts::{account, sign_in};
use crate::support::records::{import, organization, source};
use crate::support::server::{Backend, Setup, TestServer};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// A request that fails with an error, and everything that it depends on.
struct Reached {
    request: RequestBuilder,
    /// Must outlive the request.
    _server: TestServer,
    _stub: Option<Stub>,
}

fn asking(server: &TestServer, body: &Value) -> RequestBuilder {
    server.client.post(server.url("/graphql")).json(body)
}

async fn execute(server: &TestServer, sql: &str) {
    let backend = server.app.db.dialect().backend();
    server.app.db.writer().execute_raw(Statement::from_string(backend, sql)).await.expect("it is SQL");
}

/// A server with this setup, or `None` if there is no PostgreSQL.
async fn started(backend: Backend, setup: Setup) -> Option<TestServer> {
    TestServer::with(backend, setup).await
}

/// A document on a server with default settings.
async fn document(backend: Backend, text: &str) -> Option<Reached> {
    let server = started(backend, Setup::default()).await?;
    let request = asking(&server, &json!({ "query": text }));
    Some(Reached { request, _server: server, _stub: None })
}

/// A request for changes after a cursor, once `happens` has changed the server or the cursor.
async fn follow(
    backend: Backend,
    happens: impl AsyncFnOnce(&TestServer, &mut ChangeCursor),
) -> Option<Reached> {
    let server = started(backend, Setup::default()).await?;
    import(&server, &[organization("wallonie", "halo", json!({}))]).await;
    let mut follower = Follower::new(json!({}));
    follower.catch_up(&server).await;
    let after = follower.after.expect("a position");
    let mut cursor = ChangeCursor::read(&after).expect("a valid cursor");
    happens(&server, &mut cursor).await;
    let query = "query($after: ChangeCursor) { changes(after: $after) { cursor } }";
    let request = asking(&server, &json!({"query": query, "variables": {"after": cursor.text()}}));
    Some(Reached { request, _server: server, _stub: None })
}

/// A request that fails with this code. The match is exhaustive, so a new code needs a request.
#[expect(clippy::too_many_lines, reason = "one request for each code")]
async fn reach(backend: Backend, code: Code) -> Option<Reached> {
    let plain = Setup::default;
    let done = |server: TestServer, request| Some(Reached { request, _server: server, _stub: None });
    match code {
        Code::BadRequest => {
            let server = started(backend, plain()).await?;
            let request = asking(&server, &json!([]));
            done(server, request)
        }
        Code::PayloadTooLarge => {
            let limits = RequestLimits { body: 10, ..RequestLimits::default() };
            let server = started(backend, plain().limits(limits)).await?;
            let request = asking(&server, &json!({"query": "{ __typename }"}));
            done(server, request)
        }
        Code::GraphqlParseFailed => document(backend, "{").await,
        Code::GraphqlValidationFailed => document(backend, "{ nothing }").await,
        Code::OperationResolutionFailure => document(backend, "query A { a } query B { b }").await,
        Code::QueryTooComplex => {
            document(
                backend,
                "{ sectors { parent { parent { parent { parent { parent { parent { parent { parent { parent
                { parent { parent { slug } } } } } } } } } } } } }",
            )
            .await
        }
        Code::BadUserInput => {
            let server = started(backend, plain()).await?;
            let query = "query($id: ID!) { node(id: $id) { id } }";
            let request = asking(&server, &json!({"query": query, "variables": {"id": {}}}));
            done(server, request)
        }
        Code::Unauthenticated => {
            let server = started(backend, plain()).await?;
            let request = asking(&server, &json!({"query": "{ __typename }"})).bearer_auth("x");
            done(server, request)
        }
        Code::Forbidden => {
            let server = started(backend, plain()).await?;
            let request = server.client.get(server.url("/graphql")).header("upgrade", "websocket");
            let request = request.header("connection", "upgrade").header("origin", "https://other.example");
            done(server, request)
        }
        Code::RateLimited => {
            let limits = Limits { anonymous_points: 1, ..Limits::default() };
            let server = started(backend, plain().with_limits(limits)).await?;
            server.data("{ __typename }").await;
            let request = asking(&server, &json!({"query": "{ __typename }"}));
            done(server, request)
        }
        Code::PersistedQueryNotFound => {
            let server = started(backend, plain()).await?;
            let request = asking(&server, &json!({"documentId": "sha256:0"}));
            done(server, request)
        }
        Code::PersistedQueryNotSupported => {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("manifest.json");
            std::fs::write(&path, "{}").expect("a file");
            let manifest = Manifest::read(&path).expect("a manifest");
            let server = started(backend, plain().documents(Trust::Only, manifest)).await?;
            let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": "0".repeat(64)}});
            let request = asking(&server, &json!({ "extensions": extensions }));
            done(server, request)
        }
        Code::Timeout => {
            let server = started(backend, plain().time_limit(Duration::ZERO)).await?;
            let query = "{ statistics { organizationCount } organizations { totalCount } }";
            let request = asking(&server, &json!({ "query": query }));
            done(server, request)
        }
        Code::Unavailable => {
            let server = started(backend, plain()).await?;
            account(&server.app, "ann@example.org", &[]).await;
            let token = sign_in(&server, "ann@example.org").await.access;
            // The cached caller expires.
            server.pass(6_000_000);
            server.app.db.close().await;
            let request = asking(&server, &json!({"query": "{ __typename }"})).bearer_auth(token);
            done(server, request)
        }
        Code::InternalServerError => {
            let server = started(backend, plain()).await?;
            import(&server, &[organization("wallonie", "halo", json!({}))]).await;
            execute(&server, "UPDATE organization SET kind = 'no-such-kind'").await;
            let query = "{ organization(by: {slug: \"halo\"}) { kind { slug } } }";
            let request = asking(&server, &json!({ "query": query }));
            done(server, request)
        }
        Code::SearchUnavailable => {
            let stub = Stub::start().await;
            let server = started(backend, plain().with_engine(Arc::new(stub.engine()))).await?;
            let names: Vec<Value> =
                (0..4).map(|n| organization("wallonie", &format!("zebra-{n}"), json!({}))).collect();
            import(&server, &names).await;
            server.indexed().await;
            let query = "query($after: String) { search(query: \"zebra\", first: 2, after: $after) {
                degraded pageInfo { endCursor } } }";
            let first = server.query_with(query, json!({})).await;
            assert_eq!(first["data"]["search"]["degraded"], false, "{first}");
            let after = &first["data"]["search"]["pageInfo"]["endCursor"];
            let request = asking(&server, &json!({"query": query, "variables": {"after": after}}));
            stub.store().broken = true;
            Some(Reached { request, _server: server, _stub: Some(stub) })
        }
        Code::IndexLagging => {
            let server = started(backend, plain().with_search()).await?;
            import(&server, &[organization("wallonie", "halo", json!({}))]).await;
            server.indexed().await;
            let mut follower = Follower::new(json!({}));
            follower.catch_up(&server).await;
            let mut cursor =
                ChangeCursor::read(&follower.after.expect("a position")).expect("a valid cursor");
            cursor.seq += 1;
            let query = "query($at: ChangeCursor) { search(query: \"halo\", notBefore: $at) { degraded } }";
            let request = asking(&server, &json!({"query": query, "variables": {"at": cursor.text()}}));
            done(server, request)
        }
        Code::CursorInvalid => follow(backend, async |_, cursor| cursor.feed_id = uuid::Uuid::max()).await,
        Code::CursorFeedChanged => {
            follow(backend, async |server, _| {
                continuity::rotate(&server.app).await.expect("a new feed");
            })
            .await
        }
        Code::CursorAhead => follow(backend, async |_, cursor| cursor.seq += 1).await,
        Code::CursorForked => follow(backend, async |_, cursor| cursor.tag ^= 1).await,
        Code::CursorExpired => {
            let followed = follow(backend, async |server, _| {
                let gone = json!({"source": source("wallonie"), "externalId": "org-halo", "delete": true, "organization": {}});
                import(server, &[gone]).await;
                server.pass(181 * 86_400_000_000);
                retention::sweep(&server.app, Retention::default()).await.expect("the log is swept");
            });
            Box::pin(followed).await
        }
        Code::CursorViewsChanged => {
            let server = started(backend, plain().viewer(member())).await?;
            import(&server, &[organization("wallonie", "halo", json!({}))]).await;
            let mut follower = Follower::new(json!({}));
            follower.catch_up(&server).await;
            let query = "query($after: ChangeCursor) { changes(after: $after, types: [TALENT]) { cursor } }";
            let request = asking(&server, &json!({"query": query, "variables": {"after": follower.after}}));
            done(server, request)
        }
    }
}

async fn check(backend: Backend) {
    for &code in Code::ALL {
        let described = code.described();
        let Some(reached) = Box::pin(reach(backend, code)).await else { return };
        for (accept, expected) in [(GRAPHQL, described.status), (JSON, described.status_json)] {
            let request = reached.request.try_clone().expect("the body is in memory");
            let response = request.header("accept", accept).send().await.expect("the server answers");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let answer: Value = response.json().await.expect("an answer is JSON");
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], described.name, "{answer}");
            // A field error comes with data, even if that is null.
            let right = if answer.get("data").is_some() {
                vec![200]
            } else {
                [&[expected], described.others].concat()
            };
            assert!(right.contains(&status), "{status} {answer} and not {right:?}");
            let message = error["message"].as_str().expect("a message");
            assert!(
                message.ends_with(['.', '!'])
                    || message.starts_with("PersistedQuery")
                    || !error["locations"].is_null(),
                "{message}"
            );
            let extensions = error["extensions"].as_object().expect("extensions");
            for name in extensions.keys().filter(|name| *name != "code") {
                assert!(
                    described.extensions.contains(&name.as_str()),
                    "{name} of {} is not described",
                    described.name
                );
            }
            let waits = described.retry == Retry::AfterWaiting;
            assert_eq!(waits, extensions.get("retryAfterMs").is_some_and(Value::is_i64), "{answer}");
            if matches!(code, Code::InternalServerError | Code::Unavailable) {
                assert_eq!(
                    error["extensions"]["requestId"].as_str().map(str::as_bytes),
                    headers.get("x-request-id").map(reqwest::header::HeaderValue::as_bytes)
                );
                let told =
                    ["no-such-kind", "organization", "pool", "SQL"].iter().any(|word| message.contains(word));
                assert!(!told, "{message}");
            }
        }
    }
}

#[test]
fn every_code_is_reached_on_sqlite() {
    crate::support::run(check(Backend::Sqlite));
}

#[test]
fn every_code_is_reached_on_postgres() {
    crate::support::run(check(Backend::Postgres));
}

#[test]
fn every_code_has_its_own_name_and_its_statuses_are_statuses() {
    let mut names = std::collections::BTreeSet::new();
    for code in Code::ALL {
        let described = code.described();
        assert!(names.insert(described.name), "{} is there twice", described.name);
        let all = [&[described.status, described.status_json], described.others].concat();
        assert!(
            all.iter().all(|status| reqwest::StatusCode::from_u16(*status).is_ok_and(|of| of.as_u16() < 600))
        );
    }
}

/// The code and message of the first error of a document with variables.
async fn code_of(server: &TestServer, query: &str, variables: Value) -> (String, String) {
    let answer = server.query_with(query, variables).await;
    let error = &answer["errors"][0];
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

#[test]
fn a_variable_is_the_fault_of_the_document_or_of_its_value() {
    crate::support::run(async {
        const DOCUMENT: &str = "GRAPHQL_VALIDATION_FAILED";
        const VALUE: &str = "BAD_USER_INPUT";
        let server = TestServer::spawn(Backend::Sqlite).await.expect("SQLite is always there");
        for (query, variables, code) in [
            ("query($a: Int) { __typename }", json!({"a": 1}), DOCUMENT),
            ("query($a: Int) { __typename }", json!({}), DOCUMENT),
            ("{ sector(slug: $a) { slug } }", json!({"a": "animation"}), DOCUMENT),
            ("query Q { sector(slug: $a) { slug } }", json!({"a": "animation"}), DOCUMENT),
            ("query($a: Nothing) { sector(slug: $a) { slug } }", json!({"a": "animation"}), DOCUMENT),
            ("query($a: Nothing!) { sector(slug: $a) { slug } }", json!({}), DOCUMENT),
            ("query($a: [Nothing!]!) { nodes(ids: $a) { id } }", json!({}), DOCUMENT),
            ("query($a: Region!) { sector(slug: $a) { slug } }", json!({"a": {}}), DOCUMENT),
            ("query($a: Region!) { sector(slug: $a) { slug } }", json!({}), DOCUMENT),
            ("query($a: Int = \"x\") { organizations(first: $a) { totalCount } }", json!({}), DOCUMENT),
            ("{ sector(slug: 1) { slug } }", json!({}), DOCUMENT),
            ("{ organizations(first: \"x\") { totalCount } }", json!({}), DOCUMENT),
            ("query($a: String!) { sector(slug: $a) { slug } }", json!({}), VALUE),
            ("query($a: String!) { sector(slug: $a) { slug } }", json!({"a": null}), VALUE),
            ("query($a: String!) { sector(slug: $a) { slug } }", json!({"a": 1}), VALUE),
            ("query($a: Int) { organizations(first: $a) { totalCount } }", json!({"a": "x"}), VALUE),
            ("query($a: Int) { organizations(first: $a) { totalCount } }", json!({"a": 101}), VALUE),
            ("query($a: OrganizationBy!) { organization(by: $a) { id } }", json!({"a": {}}), VALUE),
            (
                "query($a: OrganizationBy!) { organization(by: $a) { id } }",
                json!({"a": {"nothing": 1}}),
                VALUE,
            ),
            (
                "query($a: OrganizationOrder) { organizations(orderBy: $a) { totalCount } }",
                json!({"a": "NOTHING"}),
                VALUE,
            ),
        ] {
            let (found, message) = code_of(&server, query, variables.clone()).await;
            assert_eq!(found, code, "{query} {variables}: {message}");
        }
    });
}

/// Invalid arguments: the query, the failing field, the argument, and a part of the message that names valid values.
const ARGUMENTS: &[(&str, &str, &str, &str)] = &[
    ("{ organizations(first: 101) { totalCount } }", "organizations", "first", "at most 100"),
    ("{ organizations(last: -1) { totalCount } }", "organizations", "last", "at least 0"),
    ("{ organizations(first: 1, last: 1) { totalCount } }", "organizations", "last", "first"),
    ("{ organizations(after: \"x\") { totalCount } }", "organizations", "after", "cursor"),
    ("{ organizations(before: \"x\") { totalCount } }", "organizations", "before", "cursor"),
    (
        "{ organizations(filter: {sectors: [\"animatoin\"]}) { totalCount } }",
        "organizations",
        "filter.sectors",
        "`animation`",
    ),
    (
        "{ organizations(filter: {regions: [\"walonie\"]}) { totalCount } }",
        "organizations",
        "filter.regions",
        "`wallonie`",
    ),
    (
        "{ organizations(filter: {kinds: [\"studio\"]}) { totalCount } }",
        "organizations",
        "filter.kinds",
        "There is no",
    ),
    (
        "{ organizations(filter: {territories: [\"lile\"]}) { totalCount } }",
        "organizations",
        "filter.territories",
        "`lille-metropole`",
    ),
    (
        "{ organizations(filter: {memberOf: [\"x\"]}) { totalCount } }",
        "organizations",
        "filter.memberOf",
        "looks like",
    ),
    (
        "{ organizations(filter: {near: {latitude: 91, longitude: 0, radiusKm: 1}}) { totalCount } }",
        "organizations",
        "filter.near.latitude",
        "90",
    ),
    (
        "{ organization(by: {id: \"talent_01h455vb4pex5vsknk084sn02q\"}) { id } }",
        "organization",
        "by.id",
        "`organization_`",
    ),
    (
        "{ organization(by: {identifier: {scheme: SIREN, value: \"1\"}}) { id } }",
        "organization",
        "by.identifier.value",
        "",
    ),
    (
        "{ talents(filter: {occupations: [\"montuer\"]}) { totalCount } }",
        "talents",
        "filter.occupations",
        "`monteur`",
    ),
    (
        "{ talents(filter: {languages: [\"xx\"]}) { totalCount } }",
        "talents",
        "filter.languages",
        "There is no",
    ),
    ("{ node(id: \"x\") { id } }", "node", "id", "looks like"),
    ("{ nodes(ids: [\"x\"]) { id } }", "nodes", "ids", "looks like"),
    ("{ search(query: \"a\", first: 101) { estimatedTotalCount } }", "search", "first", "100"),
    ("{ search(query: \"a\", after: \"x\") { estimatedTotalCount } }", "search", "after", ""),
    ("{ suggest(prefix: \"a\", first: 21) { text } }", "suggest", "first", "20"),
    ("{ matchOrganizations(first: 21, queries: []) { query } }", "matchOrganizations", "first", "20"),
    ("{ partnershipGraph(maxNodes: 0) { truncated } }", "partnershipGraph", "maxNodes", "2000"),
    ("{ compareCalls(ids: []) { calls { id } } }", "compareCalls", "ids", "2 to 10"),
    (
        "{ callsForProjects(filter: {genres: [\"opera\"]}) { totalCount } }",
        "callsForProjects",
        "filter.genres",
        "Known are",
    ),
    ("{ changes(first: 0) { cursor } }", "changes", "first", "from 1 to 500"),
    ("{ changes(waitSeconds: 51) { cursor } }", "changes", "waitSeconds", "from 0 to 50"),
    ("{ changes(regions: [\"walonie\"]) { cursor } }", "changes", "regions", "`wallonie`"),
    ("{ syncBucket(bucket: 256) { recordId } }", "syncBucket", "bucket", "from 0 to 255"),
    ("{ statistics(regions: [\"walonie\"]) { talentCount } }", "statistics", "regions", "`wallonie`"),
    ("{ history(id: \"region_01h455vb4pex5vsknk084sn02q\") { totalCount } }", "history", "id", ""),
];

#[test]
fn an_argument_that_is_wrong_is_named_with_what_would_be_right() {
    crate::support::run(async {
        let setup = Setup::default().with_search();
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        server.indexed().await;
        let mut wrong = Vec::new();
        for (query, field, argument, right) in ARGUMENTS {
            let answer = server.query(query).await;
            let error = &answer["errors"][0];
            let named = error["extensions"] == json!({"code": "BAD_USER_INPUT", "argument": argument});
            let says = error["message"].as_str().is_some_and(|message| message.contains(right));
            if !named || !says || error["path"] != json!([field]) {
                wrong.push(format!("{query}: {error} and not {argument}, {right}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn a_variable_that_is_wrong_is_named() {
    crate::support::run(async {
        let server = TestServer::spawn(Backend::Sqlite).await.expect("SQLite is always there");
        let query = "query($by: OrganizationBy!) { organization(by: $by) { id } }";
        let answer =
            server.query_with(query, json!({"by": {"identifier": {"scheme": "NONE", "value": "1"}}})).await;
        let error = &answer["errors"][0];
        assert_eq!(
            error["extensions"],
            json!({"code": "BAD_USER_INPUT", "argument": "by.identifier.scheme"}),
            "{answer}"
        );
        assert_eq!(answer.get("data"), None, "{answer}");
    });
}

#[test]
fn who_may_not_ask_for_the_schema_does_not_find_it_out_by_guessing() {
    let guesses = [
        ("{ organisations { totalCount } }", json!({}), &["organizations"][..]),
        ("{ regions { slugg } }", json!({}), &["Region", "\"slug\""]),
        ("{ sector(slugg: \"a\") { slug } }", json!({}), &["Sector", "\"slug\""]),
        ("{ sector }", json!({}), &["slug", "String!\" is"]),
        ("{ organization(by: {slugg: \"a\"}) { id } }", json!({}), &["OrganizationBy"]),
        (
            "{ organizations(filter: {regoins: []}) { totalCount } }",
            json!({}),
            &["OrganizationFilter", "regions"],
        ),
        ("{ organizations(orderBy: NOTHING) { totalCount } }", json!({}), &["OrganizationOrder", "NAME"]),
        ("{ regions }", json!({}), &["Region"]),
        ("{ regions { slug { x } } }", json!({}), &["Slug"]),
        ("{ regions { ... on Talent { id } } }", json!({}), &["Region\""]),
        ("mutation { signIn(input: {}) { accessToken } }", json!({}), &["SignInInput", "email", "password"]),
        ("mutation { signIn { accessToken } }", json!({}), &["SignInInput", "input"]),
        (
            "query($by: OrganizationBy!) { organization(by: $by) { id } }",
            json!({"by": {"nothing": "a"}}),
            &["externalId", "slug"],
        ),
        (
            "query($n: Int) { organizations(filter: {query: $n}) { totalCount } }",
            json!({"n": 1}),
            &["OrganizationFilter"],
        ),
        // Values with quotation marks.
        (
            "{ organizations(filter: {updatedSince: \"x\\\"y\"}) { totalCount } }",
            json!({}),
            &["OrganizationFilter"],
        ),
        (
            "query($d: DateTime) { organizations(filter: {updatedSince: $d}) { totalCount } }",
            json!({"d": "x\" (occurred while parsing \"\"y"}),
            &["OrganizationFilter"],
        ),
        ("{ regions { slug @skipp(if: true) } }", json!({}), &["\"skip\""]),
        ("{ regions { slug @skip(iff: true) } }", json!({}), &["\"if\""]),
    ];
    crate::support::run(async {
        let open = TestServer::spawn(Backend::Sqlite).await.expect("SQLite is always there");
        let hint = code_of(&open, guesses[0].0, json!({})).await.1;
        assert!(hint.contains("Did you mean") && hint.contains("organizations"), "{hint}");
        let closed = Setup::default().without_introspection();
        let server = TestServer::with(Backend::Sqlite, closed.clone()).await.expect("SQLite is always there");
        for (query, variables, secret) in guesses.clone() {
            let (code, message) = code_of(&server, query, variables).await;
            assert!(
                ["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code.as_str()),
                "{query}: {message}"
            );
            assert!(!message.contains("Did you mean"), "{message}");
            for name in secret.iter().filter(|name| !query.contains(name.trim_matches('"'))) {
                assert!(!message.contains(name), "{query}: {message} reveals {name}");
            }
        }
        // Signed-in callers get the hints as before.
        let setup = closed.viewer(member());
        let own = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        assert_eq!(code_of(&own, guesses[0].0, json!({})).await.1, hint);
    });
}
