//! Hostile requests, each with its expected error code, and the costs of requests.

use std::fmt::Write as _;

use passerelle::server::Limits;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::on_sqlite;
use crate::support::server::{Setup, TestServer};

/// Nested fields.
fn nested(open: &str, levels: usize, inner: &str) -> String {
    format!("{{ {}{inner}{} }}", open.repeat(levels), " }".repeat(levels))
}

/// A chain of fragments that each spread the next `times` times.
fn fragments(count: usize, times: usize) -> String {
    let mut text = String::from("{ ...F0 }");
    for n in 0..count {
        let spreads = format!("...F{} ", n + 1).repeat(times);
        let _ = write!(text, " fragment F{n} on Query {{ {spreads}}}");
    }
    let _ = write!(text, " fragment F{count} on Query {{ __typename }}");
    text
}

/// `count` items, each made from its number.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" ")
}

const COMPLEX: &str = "QUERY_TOO_COMPLEX";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const UNPARSED: &str = "GRAPHQL_PARSE_FAILED";
const INPUT: &str = "BAD_USER_INPUT";
const REQUEST: &str = "BAD_REQUEST";
const OPERATION: &str = "OPERATION_RESOLUTION_FAILURE";
const LARGE: &str = "PAYLOAD_TOO_LARGE";

/// Documents: name, text and expected code.
#[expect(clippy::too_many_lines, reason = "a table")]
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let text = str::to_owned;
    let introspection = "{ __schema { types { fields { type { name } } } } }";
    vec![
        ("28 doubling fragments", fragments(28, 2), COMPLEX),
        ("90 doubling fragments", fragments(90, 2), COMPLEX),
        (
            "doubling fragments that nothing spreads",
            fragments(28, 2).replacen("...F0", "__typename", 1),
            COMPLEX,
        ),
        ("fragments that are spread ten times", fragments(5, 10), COMPLEX),
        ("a chain of 99 fragments", fragments(99, 1), COMPLEX),
        ("a chain of 2000 fragments", fragments(2000, 1), COMPLEX),
        (
            "101 fragments",
            text("{ __typename } ") + &many(101, |n| format!("fragment F{n} on Query {{ __typename }}")),
            COMPLEX,
        ),
        (
            "501 spreads of one fragment",
            format!("{{ {} }} fragment F on Query {{ __typename }}", "...F ".repeat(501)),
            COMPLEX,
        ),
        ("a fragment in itself", text("{ ...A } fragment A on Query { ...A }"), INVALID),
        (
            "two fragments in each other",
            text("{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }"),
            INVALID,
        ),
        (
            "a fragment in itself, below a field",
            text("{ sectors { ...S } } fragment S on Sector { children { ...S } }"),
            INVALID,
        ),
        ("a fragment that is not there", text("{ ...Nothing }"), INVALID),
        (
            "a fragment in itself that nothing spreads",
            text("{ __typename } fragment A on Query { ...A }"),
            INVALID,
        ),
        ("a fragment on a type that is not there", text("{ ... on Nothing { x } }"), INVALID),
        ("a fragment on a type that cannot be", text("{ regions { ... on Talent { id } } }"), INVALID),
        ("13 fields within each other", nested("sectors { ", 12, "slug"), COMPLEX),
        ("40 fields within each other", nested("sectors { ", 40, "slug"), COMPLEX),
        ("500 fields within each other", nested("a { ", 500, "a"), COMPLEX),
        ("10000 fields within each other", nested("a{", 10_000, "a"), COMPLEX),
        ("40 inline fragments within each other", nested("... { ", 40, "__typename"), COMPLEX),
        ("400 inline fragments within each other", nested("...{", 400, "__typename"), COMPLEX),
        (
            "the parent of the child of the parent",
            text("{ sectors { ") + &"parent { children { ".repeat(6) + "slug" + &" } }".repeat(6) + " } }",
            COMPLEX,
        ),
        (
            "introspection round in a circle",
            introspection.replace("name", "fields { type { fields { name } } }"),
            COMPLEX,
        ),
        (
            "types within types, 25 deep",
            introspection.replace("name", &format!("{}name{}", "ofType { ".repeat(25), " }".repeat(25))),
            COMPLEX,
        ),
        (
            "introspection 20 times",
            format!("{{ {} }}", many(20, |n| format!("a{n}: __schema {{ types {{ name }} }}"))),
            COMPLEX,
        ),
        ("31 aliases", format!("{{ {} }}", many(31, |n| format!("a{n}: __typename"))), COMPLEX),
        (
            "31 aliases, some in a fragment",
            format!(
                "{{ {} ...F }} fragment F on Query {{ {} }}",
                many(20, |n| format!("a{n}: __typename")),
                many(11, |n| format!("b{n}: __typename"))
            ),
            COMPLEX,
        ),
        ("1000 aliases", format!("{{ {} }}", many(1000, |n| format!("a{n}:__typename"))), COMPLEX),
        ("51 directives on a field", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(51)), COMPLEX),
        ("51 directives that are not there", format!("{{ __typename {} }}", "@x ".repeat(51)), COMPLEX),
        ("51 directives on the operation", format!("query {} {{ __typename }}", "@x ".repeat(51)), COMPLEX),
        (
            "51 directives on a variable",
            format!("query($a: Int {}) {{ __typename }}", "@x ".repeat(51)),
            COMPLEX,
        ),
        (
            "51 directives on fragments",
            format!("{{ __typename }} fragment F on Query {} {{ __typename }}", "@x ".repeat(51)),
            COMPLEX,
        ),
        ("a directive that is not there", text("{ __typename @x }"), INVALID),
        ("a directive of the schema in a document", text("{ __typename @cost(weight: \"0\") }"), INVALID),
        ("@defer", text("{ ... @defer { __typename } }"), INVALID),
        ("@stream", text("{ regions @stream { slug } }"), INVALID),
        ("11 operations", many(11, |n| format!("query A{n} {{ __typename }}")), COMPLEX),
        ("two operations and no name", text("query A { __typename } query B { __typename }"), OPERATION),
        ("two operations of one name", text("query A { __typename } query A { __typename }"), INVALID),
        ("a nameless operation among others", text("{ __typename } query A { __typename }"), INVALID),
        ("2001 fields", format!("{{ {} }}", "__typename ".repeat(2001)), COMPLEX),
        ("60000 tokens", "{ ".repeat(60_000), COMPLEX),
        (
            "a list within 900 lists",
            format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(900), "]".repeat(900)),
            COMPLEX,
        ),
        (
            "a list within 20000 lists",
            format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(20_000), "]".repeat(20_000)),
            COMPLEX,
        ),
        (
            "an object within 400 objects",
            format!("{{ organization(by: {}1{}) {{ id }} }}", "{a: ".repeat(400), "}".repeat(400)),
            INVALID,
        ),
        (
            "an object within 20000 objects",
            format!("{{ organization(by: {}1{}) {{ id }} }}", "{a: ".repeat(20_000), "}".repeat(20_000)),
            COMPLEX,
        ),
        ("40 kB of spaces", format!("{{ __typename{} }}", " ".repeat(40_000)), COMPLEX),
        ("40 kB of comments", format!("#{}\n{{ __typename }}", "x".repeat(40_000)), COMPLEX),
        ("a name of 40 kB", format!("{{ {} }}", "x".repeat(40_000)), COMPLEX),
        ("a text of 40 kB", format!("{{ sector(slug: \"{}\") {{ slug }} }}", "x".repeat(40_000)), COMPLEX),
        ("a name of 20 kB", format!("{{ {} }}", "x".repeat(20_000)), INVALID),
        ("a page of a million", text("{ organizations(first: 1000000) { nodes { id } } }"), COMPLEX),
        (
            "a page of more than there are numbers",
            text("{ organizations(first: 99999999999999999999) { nodes { id } } }"),
            INVALID,
        ),
        ("a page of 101", text("{ organizations(first: 101) { totalCount } }"), INPUT),
        ("a page of less than nothing", text("{ organizations(first: -1) { totalCount } }"), INPUT),
        ("pages from both ends", text("{ organizations(first: 1, last: 1) { totalCount } }"), INPUT),
        (
            "pages within pages",
            text("{ organizations(first: 100) { nodes { partnerships(first: 100) { nodes { id } } } } }"),
            COMPLEX,
        ),
        (
            "pages within pages, through edges and fragments",
            text(
                "{ ...A } fragment A on Query { organizations(first: 100) { edges { node { ...B } } } }
                 fragment B on Organization { members(last: 100) { edges { node { id } } } }",
            ),
            COMPLEX,
        ),
        (
            "pages within pages within pages, none of which says how long",
            text("{ organizations { nodes { members { nodes { affiliations { nodes { id } } } } } } }"),
            COMPLEX,
        ),
        (
            "30 long pages",
            format!(
                "{{ {} }}",
                many(30, |n| format!(
                    "a{n}: talents(first: 100) {{ nodes {{ id region {{ name }} sectors {{ name }} claims {{ value }} }} }}"
                ))
            ),
            COMPLEX,
        ),
        (
            "changes of many pages at once",
            format!(
                "{{ {} }}",
                many(10, |n| format!("a{n}: changes(first: 500) {{ changes {{ record {{ id }} }} }}"))
            ),
            COMPLEX,
        ),
        (
            "30 pushes",
            format!(
                "mutation {{ {} }}",
                many(30, |n| format!(
                    "a{n}: pushRecords(input: {{idempotencyKey: \"{n}\", source: \"s\", records: []}}) {{ results {{ record {{ id }} }} }}"
                ))
            ),
            COMPLEX,
        ),
        (
            "several searches at once",
            format!(
                "{{ {} }}",
                many(30, |n| format!(
                    "a{n}: matchOrganizations(queries: [{}]) {{ query }}",
                    "{name: \"x\"} ".repeat(20)
                ))
            ),
            COMPLEX,
        ),
        (
            "the network 12 times",
            format!(
                "{{ {} }}",
                many(12, |n| format!(
                    "a{n}: partnershipGraph(maxNodes: 2000) {{ nodes {{ organization {{ id }} }} }}"
                ))
            ),
            COMPLEX,
        ),
        ("nothing", text(""), UNPARSED),
        ("spaces alone", text("   "), UNPARSED),
        ("a comment alone", text("# { __typename }"), UNPARSED),
        ("no end", text("{ __typename"), UNPARSED),
        ("a text without end", text("{ sector(slug: \"x) { slug } }"), UNPARSED),
        ("a block without end", text("{ sector(slug: \"\"\"x) { slug } }"), UNPARSED),
        ("a set of nothing", text("{ }"), UNPARSED),
        ("a sign of no language", text("{ __typename \u{0} }"), UNPARSED),
        ("words of another language", text("SELECT * FROM account"), UNPARSED),
        ("a schema", text("type Query { a: Int }"), UNPARSED),
        ("a field that is not there", text("{ account { passwordHash } }"), INVALID),
        ("an argument that is not there", text("{ regions(where: \"1=1\") { slug } }"), INVALID),
        ("an id of SQL", text("{ node(id: \"x' OR '1'='1\") { id } }"), INPUT),
        ("an id of another kind", text("{ node(id: \"account_\") { id } }"), INPUT),
        ("a cursor of one's own", text("{ organizations(after: \"AAAA\") { totalCount } }"), INPUT),
        ("a mutation as a query", text("query { signOut(input: {}) { userErrors { code } } }"), INVALID),
        ("a subscription with one answer", text("subscription { changes { cursor } }"), REQUEST),
        ("a value that no list has", text("{ organizations(orderBy: PASSWORD) { totalCount } }"), INVALID),
        (
            "a filter that is not there",
            text("{ organizations(filter: {__proto__: 1}) { totalCount } }"),
            INVALID,
        ),
        ("none of several keys", text("{ organization(by: {}) { id } }"), INVALID),
        ("several of several keys", text("{ organization(by: {id: \"a\", slug: \"b\"}) { id } }"), INVALID),
        ("a number beyond all numbers", text("{ suggest(prefix: \"a\", first: 1e400) { text } }"), INVALID),
        ("an object without fields", text("{ regions }"), INVALID),
        ("fields of a word", text("{ regions { slug { x } } }"), INVALID),
        (
            "a type by name, 260 times",
            format!("{{ {} }}", "__type(name: \"X\") { name } ".repeat(260)),
            COMPLEX,
        ),
        (
            "a subscription of two fields",
            text("subscription { changes { cursor } b: changes { cursor } }"),
            REQUEST,
        ),
        ("an argument twice", text("{ sector(slug: \"a\", slug: \"b\") { slug } }"), INVALID),
        (
            "a variable twice",
            text("query($a: Int, $a: Int) { suggest(prefix: \"x\", first: $a) { text } }"),
            INVALID,
        ),
    ]
}

/// Bodies: name, body and expected code.
fn bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let long = |n: usize| json!({"query": "{ __typename }", "padding": "x".repeat(n)}).to_string();
    let variable = |text: &str, variables: Value| {
        json!({"query": text, "variables": variables}).to_string().into_bytes()
    };
    vec![
        ("5 MB", long(5_000_000).into_bytes(), LARGE),
        (
            "a long list in thousands of places",
            variable(
                &format!(
                    "query($i: [ID!]!) {{ {} }} fragment F on Query {{ {} }}",
                    "...F ".repeat(30),
                    "nodes(ids: $i) { id } ".repeat(150)
                ),
                json!({ "i": vec![0; 500_000] }),
            ),
            COMPLEX,
        ),
        ("JSON within JSON", ("[".repeat(100_000) + &"]".repeat(100_000)).into_bytes(), REQUEST),
        (
            "a variable within 100000 lists",
            format!(
                "{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":{}{}}}}}",
                "[".repeat(100_000),
                "]".repeat(100_000)
            )
            .into_bytes(),
            REQUEST,
        ),
        ("a batch", b"[{\"query\":\"{__typename}\"},{\"query\":\"{__typename}\"}]".to_vec(), REQUEST),
        ("a batch of nothing", b"[]".to_vec(), REQUEST),
        ("bytes that are no text", b"{\"query\":\"\xc3\x28\"}".to_vec(), REQUEST),
        ("half a surrogate", b"{\"query\":\"\\ud800\"}".to_vec(), REQUEST),
        ("a number for the query", b"{\"query\":1}".to_vec(), REQUEST),
        ("a list of variables", b"{\"query\":\"{__typename}\",\"variables\":[1]}".to_vec(), REQUEST),
        ("nothing at all", b"".to_vec(), REQUEST),
        (
            "a long page by a variable",
            variable("query($n: Int) { organizations(first: $n) { nodes { id } } }", json!({"n": 1_000_000})),
            COMPLEX,
        ),
        (
            "a long page by a default",
            variable("query($n: Int = 1000000) { organizations(first: $n) { nodes { id } } }", json!({})),
            COMPLEX,
        ),
        (
            "6000 ids",
            variable("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({"ids": vec!["x"; 6000]})),
            COMPLEX,
        ),
        (
            "101 ids",
            variable("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({"ids": vec!["x"; 101]})),
            INPUT,
        ),
        (
            "a variable of another type",
            variable("query($id: ID!) { node(id: $id) { id } }", json!({"id": {"$ne": null}})),
            INPUT,
        ),
        (
            "a variable that is missing",
            variable("query($id: ID!) { node(id: $id) { id } }", json!({})),
            INPUT,
        ),
        (
            "an operation of the prototype",
            json!({"query": "query A { __typename }", "operationName": "__proto__"}).to_string().into_bytes(),
            OPERATION,
        ),
        (
            "a hash for a document",
            json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0".repeat(64)}}})
                .to_string()
                .into_bytes(),
            "PERSISTED_QUERY_NOT_FOUND",
        ),
    ]
}

/// Malformed requests: name, method, suffix of `/graphql`, headers, body, expected status and code.
type Request = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    u16,
    &'static str,
);

const TYPENAME: &str = "{\"query\":\"{__typename}\"}";
const SIGN_OUT: &str = "?query=mutation%7BsignOut(input:%7B%7D)%7BuserErrors%7Bcode%7D%7D%7D";
const AS_JSON: (&str, &str) = ("content-type", "application/json");
const REQUESTS: &[Request] = &[
    ("a mutation by GET", "GET", SIGN_OUT, &[], "", 405, REQUEST),
    ("a mutation by HEAD", "HEAD", SIGN_OUT, &[], "", 405, ""),
    (
        "a mutation among queries, by GET",
        "GET",
        "?query=query%20A%7Ba%7Dmutation%20B%7Bb%7D&operationName=B",
        &[],
        "",
        405,
        REQUEST,
    ),
    ("PUT", "PUT", "", &[AS_JSON], TYPENAME, 405, REQUEST),
    ("DELETE", "DELETE", "", &[], "", 405, REQUEST),
    ("PATCH", "PATCH", "", &[AS_JSON], TYPENAME, 405, REQUEST),
    ("TRACE", "TRACE", "", &[], "", 405, REQUEST),
    ("a method of nobody", "EVIL", "", &[], "", 405, REQUEST),
    ("no media type", "POST", "", &[], TYPENAME, 415, REQUEST),
    ("text, which any page may send", "POST", "", &[("content-type", "text/plain")], TYPENAME, 415, REQUEST),
    (
        "a form, which any page may send",
        "POST",
        "",
        &[("content-type", "application/x-www-form-urlencoded")],
        "query=%7B__typename%7D",
        415,
        REQUEST,
    ),
    (
        "parts, which any page may send",
        "POST",
        "",
        &[("content-type", "multipart/form-data; boundary=x")],
        "--x--",
        415,
        REQUEST,
    ),
    (
        "a document as it is",
        "POST",
        "",
        &[("content-type", "application/graphql")],
        "{__typename}",
        415,
        REQUEST,
    ),
    (
        "XML",
        "POST",
        "",
        &[("content-type", "text/xml")],
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
        415,
        REQUEST,
    ),
    (
        "another alphabet",
        "POST",
        "",
        &[("content-type", "application/json; charset=utf-7")],
        TYPENAME,
        415,
        REQUEST,
    ),
    ("a compressed body", "POST", "", &[AS_JSON, ("content-encoding", "gzip")], TYPENAME, 415, REQUEST),
    ("an answer as a picture", "POST", "", &[AS_JSON, ("accept", "image/png")], TYPENAME, 406, REQUEST),
    ("an answer as nothing", "POST", "", &[AS_JSON, ("accept", "*/*;q=0")], TYPENAME, 406, REQUEST),
    (
        "a token of nobody",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Bearer x")],
        TYPENAME,
        401,
        "UNAUTHENTICATED",
    ),
    (
        "a token without a signature",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.")],
        TYPENAME,
        401,
        "UNAUTHENTICATED",
    ),
    (
        "a name and a password",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Basic YTpi")],
        TYPENAME,
        401,
        "UNAUTHENTICATED",
    ),
    (
        "a token of nothing",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Bearer ")],
        TYPENAME,
        401,
        "UNAUTHENTICATED",
    ),
    (
        "two tokens",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Bearer x"), ("authorization", "Bearer y")],
        TYPENAME,
        401,
        "UNAUTHENTICATED",
    ),
    (
        "a token of nobody, and no body",
        "POST",
        "",
        &[AS_JSON, ("authorization", "Bearer x")],
        "",
        401,
        "UNAUTHENTICATED",
    ),
    ("a cost that is no word", "POST", "", &[AS_JSON, ("x-cost", "0")], TYPENAME, 400, REQUEST),
    ("a query of nothing by GET", "GET", "?query=", &[], "", 422, REQUEST),
    ("nothing by GET", "GET", "", &[], "", 422, REQUEST),
    (
        "variables by GET that are no JSON",
        "GET",
        "?query=%7B__typename%7D&variables=%7B",
        &[],
        "",
        400,
        REQUEST,
    ),
    ("a list of variables by GET", "GET", "?query=%7B__typename%7D&variables=%5B%5D", &[], "", 422, REQUEST),
    (
        "extensions by GET that are no object",
        "GET",
        "?query=%7B__typename%7D&extensions=1",
        &[],
        "",
        422,
        REQUEST,
    ),
    ("bytes by GET that are no text", "GET", "?query=%ff%fe", &[], "", 200, UNPARSED),
    ("an id for a document", "GET", "?documentId=sha256:0", &[], "", 200, "PERSISTED_QUERY_NOT_FOUND"),
    ("a subscription by GET", "GET", "?query=subscription%7Bchanges%7Bcursor%7D%7D", &[], "", 200, REQUEST),
    (
        "a handshake without a key",
        "GET",
        "",
        &[("upgrade", "websocket"), ("connection", "upgrade")],
        "",
        400,
        REQUEST,
    ),
    (
        "a handshake of another site",
        "GET",
        "",
        &[("upgrade", "websocket"), ("connection", "upgrade"), ("origin", "https://evil.example")],
        "",
        403,
        "FORBIDDEN",
    ),
    ("an address above", "GET", "/../../etc/passwd", &[], "", 404, REQUEST),
    ("an address below", "POST", "/x", &[AS_JSON], TYPENAME, 404, REQUEST),
    (
        "events as JSON",
        "GET",
        "/stream?query=%7B__typename%7D",
        &[("accept", "application/json")],
        "",
        406,
        REQUEST,
    ),
    (
        "a mutation as events by GET",
        "GET",
        "/stream?query=mutation%7Ba%7D",
        &[("accept", "text/event-stream")],
        "",
        405,
        REQUEST,
    ),
    (
        "the cost alone as events",
        "GET",
        "/stream?query=%7B__typename%7D",
        &[("x-cost", "only")],
        "",
        400,
        REQUEST,
    ),
];

#[test]
fn requests_of_the_wrong_form_are_refused_with_their_status() {
    on_sqlite(Setup::default(), |server| async move {
        let mut wrong = Vec::new();
        for (name, method, rest, headers, body, status, code) in REQUESTS.iter().copied() {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let mut request = server.client.request(method, server.url(&format!("/graphql{rest}")));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.body(body).send().await.expect("the server answers");
            let got = response.status().as_u16();
            let text = response.text().await.unwrap();
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            let found = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            if (got, found) != (status, code) || answer.get("data").is_some() {
                wrong.push(format!("{name}: {got} {text} and not {status} {code}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn hostile_requests_are_refused_with_their_code() {
    on_sqlite(Setup::default(), |server| async move {
        let as_body = |text: String| json!({ "query": text }).to_string().into_bytes();
        let documents = documents().into_iter().map(|(name, text, code)| (name, as_body(text), code));
        let all: Vec<_> = documents.chain(bodies()).collect();
        let count = all.len() + REQUESTS.len();
        let mut wrong = Vec::new();
        for (name, body, code) in all {
            let request =
                server.client.post(server.url("/graphql")).header("content-type", "application/json");
            let response = request.body(body).send().await.expect("the server answers");
            let status = response.status();
            let answer: Value = response.json().await.expect("an answer is JSON");
            let error = &answer["errors"][0];
            if error["extensions"]["code"] != code || status.is_server_error() {
                wrong.push(format!("{name}: {status} {error} and not {code}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(count >= 150, "only {count} requests");
        assert_eq!(server.data("{ __typename }").await["__typename"], "Query");
    });
}

/// The status and body of the response to a request with this header `X-Cost`.
async fn asked(server: &TestServer, wanted: &str, body: Value) -> (u16, Value) {
    let request = server.client.post(server.url("/graphql")).header("x-cost", wanted).json(&body);
    let request = request.header("accept", "application/graphql-response+json");
    let response = request.send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.expect("an answer is JSON"))
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn answers_say_what_they_cost_where_they_are_asked(server) {
        let text = "query($n: Int) { organizations(first: $n) { nodes { name sectors { name } } totalCount } }";
        let body = json!({"query": text, "variables": {"n": 4}});
        // The connection, four organizations with an assumed three sectors each, and a count.
        let cost = json!({"requestedQueryCost": 8, "maximumAvailable": 5000});
        let (status, answer) = asked(&server, "report", body.clone()).await;
        assert_eq!((status, &answer["extensions"]["cost"]), (200, &cost), "{answer}");
        assert_eq!(answer["data"]["organizations"]["nodes"].as_array().map(Vec::len), Some(4));
        let plain: Value = server.post(&body).await.json().await.unwrap();
        assert_eq!(plain.get("extensions"), None, "{plain}");

        let before = server.statements();
        let (status, answer) = asked(&server, "only", body.clone()).await;
        assert_eq!((status, answer), (200, json!({"data": {}, "extensions": {"cost": cost}})));
        let many = json!({"query": text, "variables": {"n": 100_000}});
        let (status, answer) = asked(&server, "Only", many.clone()).await;
        assert_eq!((status, &answer["extensions"]["cost"]["requestedQueryCost"]), (200, &json!(130_002)));
        let follow = json!({"query": "subscription { changes { record { id } } }"});
        let (status, answer) = asked(&server, "only", follow).await;
        assert_eq!((status, &answer["extensions"]["cost"]["requestedQueryCost"]), (200, &json!(2)));
        assert_eq!(server.statements(), before, "nothing was executed");

        let (status, answer) = asked(&server, "report", many).await;
        assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (422, &json!("QUERY_TOO_COMPLEX")));
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("130002 points") && message.contains("at most 5000"), "{message}");
        let (status, answer) = asked(&server, "maybe", body).await;
        assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (400, &json!("BAD_REQUEST")));
    }
}

#[test]
fn a_long_page_of_whole_records_can_be_followed() {
    on_sqlite(Setup::default(), |server| async move {
        // The fields of snapshots, for the page of the example.
        let document = include_str!("../examples/follow/changes.graphql");
        let fragments = &document[document.find("fragment organization").expect("fragments")..];
        let text = format!(
            "{{ changes(first: 250) {{ cursor changes {{ record {{ ...organization ...talent ...affiliation ...partnership
                ...call_for_projects ...event }} }} }} }}
             {fragments}"
        );
        let (status, answer) = asked(&server, "report", json!({ "query": text })).await;
        let points = answer["extensions"]["cost"]["requestedQueryCost"].as_u64().unwrap_or(0);
        assert!(status == 200 && answer.get("errors").is_none() && points > 1000, "{answer}");
    });
}

#[test]
fn events_say_what_they_cost() {
    on_sqlite(Setup::default(), |server| async move {
        let request = server.client.get(server.url("/graphql/stream?query=%7Bregions%7Bslug%7D%7D"));
        let text = request.header("x-cost", "report").send().await.unwrap().text().await.unwrap();
        assert!(text.contains(r#""cost":{"requestedQueryCost":1,"maximumAvailable":5000}"#), "{text}");
    });
}

#[test]
fn a_mutation_whose_cost_is_asked_is_not_run() {
    on_sqlite(Setup::default(), |server| async move {
        let text = "mutation { requestPasswordReset(email: \"a@b.example\") { userErrors { code } } }";
        let (status, answer) = asked(&server, "only", json!({ "query": text })).await;
        assert_eq!((status, &answer["data"]), (200, &json!({})));
        // The mutation, its payload, and a tenth of the cost of its user errors.
        assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], 12);
    });
}

#[test]
fn the_operator_says_how_much_is_allowed() {
    let limits = Limits {
        body: 1000,
        document: 300,
        tokens: 60,
        aliases: 2,
        directives: 1,
        depth: 3,
        operations: 2,
        fragments: 1,
        spreads: 2,
        cost: 30,
        page: 25,
        errors: 3,
        ..Limits::default()
    };
    on_sqlite(Setup::default().limits(limits), |server| async move {
        for (text, code, says) in [
            ("{ a: __typename b: __typename c: __typename }", COMPLEX, "more than 2 aliases"),
            ("{ __typename @skip(if: false) @include(if: true) }", COMPLEX, "more than 1 directives"),
            ("{ sectors { children { children { slug } } } }", COMPLEX, "4 levels deep: at most 3"),
            ("query A { a } query B { a } query C { a }", COMPLEX, "3 operations: at most 2"),
            (
                "{ ...A } fragment A on Query { __typename } fragment B on Query { __typename }",
                COMPLEX,
                "2 fragments: at most 1",
            ),
            ("{ ...A ...A ...A } fragment A on Query { __typename }", COMPLEX, "more than 2 of them"),
            (
                "{ organizations(first: 25) { nodes { id } } talents(first: 25) { nodes { id } } }",
                COMPLEX,
                "costs",
            ),
            ("{ organizations(first: 26) { totalCount } }", INPUT, "at most 25"),
            ("{ organizations(first: 25) { totalCount } }", "", ""),
        ] {
            let answer = server.query(text).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"].as_str().unwrap_or_default(), code, "{text}: {answer}");
            assert!(error["message"].as_str().unwrap_or_default().contains(says), "{text}: {answer}");
        }
        let answer = server.query(&format!("{{ {} }}", "__typename ".repeat(61))).await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("at most 300"), "{answer}");
        let answer = server.query(&format!("{{ {} }}", "a ".repeat(61))).await;
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("60 tokens"), "{answer}");
        let answer = server.query("{ a1 a2 a3 a4 a5 }").await;
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(3));
        let long = json!({"query": "{ __typename }", "padding": "x".repeat(1000)});
        assert_eq!(server.post(&long).await.status(), 413);
    });
}
