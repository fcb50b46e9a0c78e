//! GraphQL over HTTP: statuses, errors, media types and limits. Also the other endpoints.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::on_both_databases;
use crate::support::on_sqlite;
use crate::support::server::{Setup, TestServer};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// The status, media type, and code of the first error.
async fn outcome(response: reqwest::Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.expect("an answer is JSON");
    assert!(status == 200 || body.get("data").is_none(), "{body}");
    (status, media, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

fn post(server: &TestServer, accept: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    let request = server.client.post(server.url("/graphql"));
    request.header("accept", accept).header("content-type", JSON).body(body)
}

#[test]
fn statuses_follow_the_media_type() {
    on_sqlite(Setup::default(), |server| async move {
        let long = format!("{{ {}slug {}}}", "x { ".repeat(20), "} ".repeat(20));
        for (body, code, status) in [
            (json!({"query": "{ regions { slug } }"}), "", 200),
            (json!({"query": "{ organization(by: {id: \"x\"}) { id } }"}), "BAD_USER_INPUT", 200),
            (json!({"query": "{ regions { slug }"}), "GRAPHQL_PARSE_FAILED", 400),
            (json!({"query": ""}), "GRAPHQL_PARSE_FAILED", 400),
            (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED", 422),
            (json!({"query": long}), "QUERY_TOO_COMPLEX", 422),
            (
                json!({"query": "query A { regions { slug } } query B { regions { slug } }"}),
                "OPERATION_RESOLUTION_FAILURE",
                422,
            ),
            (
                json!({"query": "{ regions { slug } }", "operationName": "A"}),
                "OPERATION_RESOLUTION_FAILURE",
                422,
            ),
            (json!({"query": "query($id: ID!) { node(id: $id) { id } }"}), "BAD_USER_INPUT", 422),
            (
                json!({"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": null}}),
                "BAD_USER_INPUT",
                422,
            ),
            (
                json!({"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": [{}]}}),
                "BAD_USER_INPUT",
                422,
            ),
            (
                json!({"query": "query($s: String!) { sector(slug: $s) { slug } }", "variables": {"s": 1}}),
                "BAD_USER_INPUT",
                422,
            ),
            (json!({"query": "{ sector(slug: 1) { slug } }"}), "GRAPHQL_VALIDATION_FAILED", 422),
            (
                json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0".repeat(64)}}}),
                "PERSISTED_QUERY_NOT_FOUND",
                422,
            ),
        ] {
            let (got, media, found) =
                outcome(post(&server, GRAPHQL, body.to_string()).send().await.unwrap()).await;
            assert_eq!((got, found.as_str()), (status, code), "{body}");
            assert_eq!(media, format!("{GRAPHQL}; charset=utf-8"));
            let (got, media, found) = {
                let response = post(&server, JSON, body.to_string()).send().await.unwrap();
                let media = response.headers()["content-type"].to_str().unwrap().to_owned();
                let status = response.status().as_u16();
                let body: Value = response.json().await.unwrap();
                (
                    status,
                    media,
                    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned(),
                )
            };
            assert_eq!((got, found.as_str()), (200, code), "{body}");
            assert_eq!(media, format!("{JSON}; charset=utf-8"));
        }
    });
}

#[test]
fn what_is_no_request_is_refused() {
    on_sqlite(Setup::default(), |server| async move {
        for (body, status) in [
            (&b"{"[..], 400),
            (b"", 400),
            (b"\xff\xfe{}", 400),
            (b"{\"query\": \"\xff\"}", 400),
            (b"[]", 422),
            (b"[{\"query\": \"{ regions { slug } }\"}]", 422),
            (b"\"{ regions { slug } }\"", 422),
            (b"{}", 422),
            (b"{\"query\": 1}", 422),
            (b"{\"query\": \"{__typename}\", \"operationName\": 1}", 422),
            (b"{\"query\": \"{__typename}\", \"variables\": []}", 422),
            (b"{\"query\": \"{__typename}\", \"extensions\": \"x\"}", 422),
        ] {
            for accept in [GRAPHQL, JSON] {
                let (got, media, code) =
                    outcome(post(&server, accept, body.to_vec()).send().await.unwrap()).await;
                let shown = String::from_utf8_lossy(body);
                assert_eq!((got, code.as_str()), (status, "BAD_REQUEST"), "{shown}");
                assert_eq!(media, format!("{accept}; charset=utf-8"));
            }
        }
        let more = json!({"query": "{ __typename }", "variables": null, "operationName": null, "other": [1]});
        let (status, _, code) = outcome(post(&server, GRAPHQL, more.to_string()).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (200, ""));
    });
}

#[test]
fn methods_and_media_types_are_checked() {
    on_sqlite(Setup::default(), |server| async move {
        let body = json!({"query": "{ __typename }"}).to_string();
        for (media, status) in [
            (Some("application/json"), 200),
            (Some("application/json; charset=utf-8"), 200),
            (Some("Application/JSON;charset=\"UTF-8\""), 200),
            (Some("application/json; charset=latin1"), 415),
            (Some("text/plain"), 415),
            (Some("application/x-www-form-urlencoded"), 415),
            (Some("multipart/form-data; boundary=x"), 415),
            (None, 415),
        ] {
            let mut request = server.client.post(server.url("/graphql")).body(body.clone());
            if let Some(media) = media {
                request = request.header("content-type", media);
            }
            assert_eq!(outcome(request.send().await.unwrap()).await.0, status, "{media:?}");
        }
        let encoded = post(&server, JSON, body.clone()).header("content-encoding", "gzip");
        assert_eq!(outcome(encoded.send().await.unwrap()).await.0, 415);
        let (status, media, code) =
            outcome(post(&server, "image/png", body.clone()).send().await.unwrap()).await;
        assert_eq!(
            (status, media.as_str(), code.as_str()),
            (406, "application/json; charset=utf-8", "BAD_REQUEST")
        );
        for method in [reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::PATCH] {
            let response = server.client.request(method, server.url("/graphql")).send().await.unwrap();
            assert_eq!(response.headers()["allow"], "GET, POST");
            assert_eq!(outcome(response).await.0, 405);
        }
    });
}

#[test]
fn long_bodies_are_refused() {
    on_sqlite(Setup::default(), |server| async move {
        let long = json!({"query": "{ __typename }", "padding": "x".repeat(5_000_000)}).to_string();
        let (status, _, code) = outcome(post(&server, GRAPHQL, long.clone()).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (413, "PAYLOAD_TOO_LARGE"));
        let just = json!({"query": "{ __typename }", "padding": "x".repeat(4_000_000)}).to_string();
        assert_eq!(post(&server, GRAPHQL, just).send().await.unwrap().status(), 200);
        // Chunked, without a length.
        let mut socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let (chunk, head) = (
            format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20)),
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..5 {
            socket.write_all(chunk.as_bytes()).await.unwrap();
        }
        socket.write_all(b"0\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        socket.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 413");
    });
}

#[test]
fn queries_come_by_get_and_mutations_do_not() {
    on_sqlite(Setup::default(), |server| async move {
        let get = |pairs: &[(&str, &str)]| {
            let mut url = url::Url::parse(&server.url("/graphql")).unwrap();
            url.query_pairs_mut().extend_pairs(pairs);
            server.client.get(url).header("accept", GRAPHQL).send()
        };
        let two = "query A { a: __typename } query B($s: String!) { sector(slug: $s) { slug } }";
        let response = get(&[("query", two), ("operationName", "B"), ("variables", r#"{"s":"animation"}"#)])
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["data"]["sector"]["slug"], "animation");

        let empty =
            [("query", "{ __typename }"), ("operationName", ""), ("variables", ""), ("extensions", "")];
        assert_eq!(outcome(get(&empty).await.unwrap()).await.0, 200);
        let wrong = [("query", "{ __typename }"), ("variables", "{")];
        assert_eq!(outcome(get(&wrong).await.unwrap()).await.0, 400);
        assert_eq!(outcome(get(&[("a", "b")]).await.unwrap()).await.0, 422);

        let both = "query Q { __typename } mutation M { x }";
        let response = get(&[("query", both), ("operationName", "M")]).await.unwrap();
        assert_eq!(response.headers()["allow"], "POST");
        assert_eq!(outcome(response).await.0, 405);
        let head = server.client.head(server.url("/graphql?query=%7B__typename%7D")).send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    });
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn root_fields_come_in_the_order_of_the_request(server) {
        // Compare text, as parsed values lose the order of members.
        let query = "{ last: organizations(first: 1) { totalCount } ...F __typename sector(slug: \"animation\") { slug } }
                     fragment F on Query { statistics { organizationCount } regions { slug } }";
        for _ in 0..5 {
            let text = server.post(&json!({ "query": query })).await.text().await.unwrap();
            let place = |key: &str| text.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {text}"));
            let places = ["last", "statistics", "regions", "__typename", "sector"].map(place);
            assert!(places.is_sorted(), "{text}");
        }
    }
}

on_both_databases! {
    async fn a_field_that_fails_is_null_or_makes_null_what_holds_it(server) {
        let query = |text: &'static str| server.query(text);
        let answer = query("{ a: organization(by: {id: \"x\"}) { id } b: __typename }").await;
        assert_eq!(answer["data"], json!({"a": null, "b": "Query"}));
        assert_eq!(answer["errors"][0]["path"], json!(["a"]));
        let answer = query("{ b: __typename a: organizations(first: 101) { totalCount } }").await;
        assert_eq!(answer["data"], Value::Null);
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "first");
        let answer = query("{ region(slug: \"wallonie\") { slug organizations(last: -1) { totalCount } } }").await;
        assert_eq!(answer["data"], json!({"region": null}));
        assert_eq!(answer["errors"][0]["path"], json!(["region", "organizations"]));
    }
}

#[test]
fn doubling_fragments_are_refused_at_once() {
    on_sqlite(Setup::default(), |server| async move {
        let mut query = String::from("{ ...F0 }");
        for n in 0..28 {
            let _ = write!(query, " fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
        }
        query += " fragment F28 on Query { __typename }";
        assert_eq!(server.code(&query).await, "QUERY_TOO_COMPLEX");
        let mut chain = String::from("{ ...F0 }");
        for n in 0..2000 {
            let _ = write!(chain, " fragment F{n} on Query {{ ...F{} }}", n + 1);
        }
        chain += " fragment F2000 on Query { __typename }";
        assert_eq!(server.code(&chain).await, "QUERY_TOO_COMPLEX");
        let cycle = "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
        assert_eq!(server.code(cycle).await, "GRAPHQL_VALIDATION_FAILED");
        let wide = format!("{{ {} }}", "regions { slug } ".repeat(5001));
        assert_eq!(server.code(&wide).await, "QUERY_TOO_COMPLEX");
        let deep_list =
            format!("{{ nodes(ids: {}\"x\"{}) {{ id }} }}", "[".repeat(20_000), "]".repeat(20_000));
        assert_ne!(server.code(&deep_list).await, "");
        assert_eq!(server.data("{ __typename }").await["__typename"], "Query");
    });
}

#[test]
fn errors_are_few_and_short() {
    on_sqlite(Setup::default(), |server| async move {
        let many: Vec<String> = (0..500).map(|n| format!("x{n}")).collect();
        let many = many.join(" ");
        let answer = server.query(&format!("{{ {many} }}")).await;
        assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
        let answer = server.query(&format!("{{ {} ", "y".repeat(100_000))).await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().chars().count() <= 1001);
    });
}

/// The query that graphql-js 16 sends with all options.
const INTROSPECTION: &str = "
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
}
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";

#[test]
fn the_introspection_of_graphql_js_works_and_can_be_switched_off() {
    on_sqlite(Setup::default(), |server| async move {
        let data = server.data(INTROSPECTION).await;
        assert_eq!(data["__schema"]["queryType"]["name"], "Query");
        assert!(data["__schema"]["types"].as_array().unwrap().len() > 50);
        let circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
        assert_eq!(server.code(circular).await, "QUERY_TOO_COMPLEX");
        let text = server.get("/schema.graphql").await;
        assert_eq!(text.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text.text().await.unwrap(), passerelle::schema::sdl());
    });
    on_sqlite(Setup::default().without_introspection(), |server| async move {
        assert_eq!(server.code(INTROSPECTION).await, "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(server.data("{ __typename }").await["__typename"], "Query");
        assert_eq!(server.get("/schema.graphql").await.status(), 404);
    });
}

#[test]
fn depth_has_a_limit() {
    on_sqlite(Setup::default(), |server| async move {
        let nested = |levels: usize| {
            let middle = "parent { ".repeat(levels - 2) + "slug" + &" }".repeat(levels - 2);
            format!("{{ sector(slug: \"animation\") {{ {middle} }} }}")
        };
        server.data(&nested(12)).await;
        assert_eq!(server.code(&nested(13)).await, "QUERY_TOO_COMPLEX");
    });
}

#[test]
fn a_request_that_takes_too_long_ends() {
    on_sqlite(Setup::default().time_limit(Duration::ZERO), |server| async move {
        let query =
            json!({"query": "{ statistics { organizationCount talentCount } organizations { totalCount } }"});
        let (status, _, code) = outcome(server.post(&query).await).await;
        assert_eq!((status, code.as_str()), (504, "TIMEOUT"));
    });
}

#[test]
fn browsers_get_graphiql() {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    on_sqlite(Setup::default(), |server| async move {
        let get = |path: &str| server.client.get(server.url(path)).header("accept", browser).send();
        let page = get("/graphql").await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let page = page.text().await.unwrap();
        assert!(!page.contains("/*EXAMPLES*/"));
        assert!(!page.contains("https://"), "the page needs no other host: {page}");
        for (name, media_type) in [("graphiql.js", "text/javascript"), ("graphiql.css", "text/css")] {
            let start =
                page.find(&format!("graphql/{name}?v=")).expect("the page names the file and its version");
            let address = page[start..].split('"').next().unwrap();
            let file = get(&format!("/{address}")).await.unwrap();
            assert_eq!(file.headers()["content-type"], format!("{media_type}; charset=utf-8"));
            assert!(file.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{name}");
            assert!(file.bytes().await.unwrap().len() > 100_000, "{name} holds GraphiQL itself");
        }
        // A link with a query executes it, even in a browser.
        let answer = get("/graphql?query=%7B__typename%7D").await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8");
    });
    on_sqlite(Setup::default().without_graphiql(), |server| async move {
        let page =
            server.client.get(server.url("/graphql")).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.status(), 406);
        assert_eq!(server.get("/graphql/graphiql.js").await.status(), 404);
    });
}

on_both_databases! {
    async fn health_is_told(server) {
        let live = server.get("/healthz").await;
        assert_eq!(live.status(), 200);
        assert_eq!(live.json::<Value>().await.unwrap(), json!({"status": "ok"}));
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status(), 200);
        assert_eq!(ready.json::<Value>().await.unwrap(), json!({"status": "ok"}));
        server.app.db.close().await;
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status(), 503);
        assert_eq!(ready.json::<Value>().await.unwrap(), json!({"status": "unavailable"}));
    }
}

on_both_databases! {
    async fn a_fault_of_ours_shows_its_request_id_and_nothing_else(server) {
        server.app.db.close().await;
        let response = server.post(&json!({"query": "{ organizations { totalCount } }"})).await;
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "2"));
        let body: Value = response.json().await.unwrap();
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["requestId"], id.as_str());
        assert_eq!(error["extensions"], json!({"code": "UNAVAILABLE", "requestId": id}));
        assert_eq!(body.get("data"), None);
    }
}

on_both_databases! {
    async fn texts_in_another_language_are_noted(server) {
        let request = server.client.post(server.url("/graphql")).header("accept-language", "nl, fr;q=0.5");
        let body = json!({"query": "{ sector(slug: \"animation\") { name french: name(language: FR) } }"});
        let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer.get("extensions"), None, "{answer}");
        assert_ne!(answer["data"]["sector"]["name"], answer["data"]["sector"]["french"]);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn anything_is_found_by_its_id(server) {
        let data = server.data(
            "{ regions { id } territory(slug: \"valenciennes\") { id } sectors { id } occupations { id }
               organizations(first: 2) { nodes { id slug } } partnerships(first: 1) { nodes { id parties { role } } }
               talents(first: 1) { nodes { id affiliations { nodes { id } } } } }",
        ).await;
        let ids: Vec<Value> = [
            "/organizations/nodes/1/id", "/regions/0/id", "/territory/id", "/sectors/0/id", "/occupations/0/id",
            "/partnerships/nodes/0/id", "/talents/nodes/0/id", "/organizations/nodes/0/id", "/organizations/nodes/1/id",
        ]
        .iter()
        .map(|path| data.pointer(path).unwrap_or_else(|| panic!("{path} in {data}")).clone())
        .collect();
        let mut asked = ids.clone();
        asked.insert(1, json!("organization_01h455vb4pex5vsknk084sn02q"));
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
            ... on Record { slug region { slug } claims { field } }
            ... on Partnership { parties { organization { name } } }
            ... on Territory { region { slug } } } }";
        let before = server.statements();
        let answer = server.query_with(query, json!({ "ids": asked })).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let found: Vec<Value> = answer["data"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
        asked[1] = Value::Null;
        assert_eq!(found, asked);
        // One keyed read for each of three record types, and one for the parties.
        assert_eq!(server.statements() - before, 4);
        assert_eq!(answer["data"]["nodes"][0]["slug"], data["organizations"]["nodes"][1]["slug"]);

        let node = server.query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": ids[5] })).await;
        assert_eq!(node["data"]["node"]["id"], ids[5]);
    }
}

on_both_databases! {
    async fn ids_of_no_type_are_refused_with_what_was_expected(server) {
        for (id, expected) in [
            ("x", "organization_0"),
            ("animal_01h455vb4pex5vsknk084sn02q", "`organization_`"),
            ("organization_01h455vb4pex5vsknk084sn0", "organization_0"),
        ] {
            let answer = server.query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"], json!({"argument": "id", "code": "BAD_USER_INPUT"}), "{answer}");
            assert!(error["message"].as_str().unwrap().contains(expected), "{answer}");
            assert_eq!(answer["data"], json!({"node": null}));
        }
        let many: Vec<_> = (0..101).map(|_| "organization_01h455vb4pex5vsknk084sn02q").collect();
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let answer = server.query_with(query, json!({ "ids": many })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        let answer = server.query_with(query, json!({ "ids": many[1..] })).await;
        assert_eq!(answer["data"]["nodes"].as_array().unwrap().len(), 100);
    }
}

on_both_databases! {
    async fn a_stop_lets_requests_end(server) {
        let mut server = server;
        server.data("{ regions { slug } }").await;
        let begun = Instant::now();
        server.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(6), "an idle connection delayed the stop");
        assert!(server.client.get(server.url("/healthz")).send().await.is_err());
    }
}
