//! Conditional requests: which responses caches may store, and when they change.

use reqwest::Response;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, IF_NONE_MATCH};
use serde_json::json;

use crate::on_both_databases;
use crate::support::accounts::{account, sign_in};
use crate::support::records::{import, organization};
use crate::support::server::{Setup, TestServer};

const NAMES: &str = "query Names($n: Int) { organizations(first: $n) { totalCount nodes { name } } }";

async fn get(server: &TestServer, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Response {
    let mut url = url::Url::parse(&server.url("/graphql")).expect("an address");
    url.query_pairs_mut().extend_pairs(pairs);
    let request = server.client.get(url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("the server answers")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(HeaderValue::to_str).transpose().expect("a text").unwrap_or_default()
}

/// The tag of a response that may be cached.
async fn tag(server: &TestServer, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
    let response = get(server, pairs, headers).await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(response.headers(), "cache-control"), "public, no-cache");
    assert!(text(response.headers(), "vary").contains("authorization"));
    text(response.headers(), "etag").to_owned()
}

/// Whether a response may be cached.
fn is_kept(response: &Response) -> bool {
    let kept = text(response.headers(), "cache-control") != "no-store";
    assert_eq!(kept, response.headers().contains_key("etag"), "{response:?}");
    kept
}

on_both_databases! {
    async fn an_answer_is_good_until_something_changes(server) {
        import(&server, &[organization("wallonie", "one", json!({}))]).await;
        let two = [("query", NAMES), ("variables", r#"{"n": 2}"#)];
        let first = tag(&server, &two, &[]).await;
        let before = server.statements();
        let response = get(&server, &two, &[(IF_NONE_MATCH.as_str(), &first)]).await;
        assert_eq!(response.status(), 304);
        assert_eq!(text(response.headers(), "etag"), first);
        assert_eq!(text(response.headers(), "cache-control"), "public, no-cache");
        assert_eq!(response.bytes().await.unwrap().len(), 0);
        assert_eq!(server.statements() - before, 1, "only the end of the log is read");
        let known = format!("\"other\", {}", first.trim_start_matches("W/"));
        assert_eq!(get(&server, &two, &[(IF_NONE_MATCH.as_str(), &known)]).await.status(), 304);

        // Everything that the response depends on changes the tag.
        assert_eq!(tag(&server, &two, &[]).await, first);
        let one = [("query", NAMES), ("variables", r#"{"n": 1}"#)];
        assert_ne!(tag(&server, &one, &[]).await, first);
        assert_ne!(tag(&server, &two, &[("accept-language", "nl")]).await, first);
        assert_ne!(tag(&server, &two, &[("accept", "application/graphql-response+json")]).await, first);
        server.pass(86_400_000_000);
        assert_ne!(tag(&server, &two, &[]).await, first, "another day");

        let today = tag(&server, &two, &[]).await;
        import(&server, &[organization("wallonie", "two", json!({}))]).await;
        let response = get(&server, &two, &[(IF_NONE_MATCH.as_str(), &today)]).await;
        assert_eq!(response.status(), 200);
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["data"]["organizations"]["totalCount"], 2);
        // A record that became private is shown no longer.
        let seen = tag(&server, &two, &[]).await;
        import(&server, &[organization("wallonie", "two", json!({"visibility": "PRIVATE"}))]).await;
        let response = get(&server, &two, &[(IF_NONE_MATCH.as_str(), &seen)]).await;
        assert_eq!(response.status(), 200);
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["data"]["organizations"]["totalCount"], 1);
    }
}

on_both_databases! {
    async fn what_nobody_sees_changes_no_tag(server) {
        let private = |slug: &str, name: &str| organization("wallonie", slug, json!({"name": name, "visibility": "PRIVATE"}));
        let members = |slug: &str, name: &str| organization("wallonie", slug, json!({"name": name, "visibility": "MEMBERS"}));
        import(&server, &[organization("wallonie", "one", json!({}))]).await;
        let variables = [("query", NAMES), ("variables", r#"{"n": 2}"#)];
        let before = tag(&server, &variables, &[]).await;
        import(&server, &[private("a", "A"), members("b", "B")]).await;
        import(&server, &[private("a", "A more"), members("b", "B more")]).await;
        assert_eq!(tag(&server, &variables, &[]).await, before, "only hidden records were written");
        // A record that becomes visible or hidden changes the tag.
        import(&server, &[organization("wallonie", "b", json!({"visibility": "PUBLIC"}))]).await;
        let shown = tag(&server, &variables, &[]).await;
        assert_ne!(shown, before);
        import(&server, &[members("b", "B")]).await;
        let hidden = tag(&server, &variables, &[]).await;
        assert!(hidden != shown && hidden != before);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn other_answers_are_kept_nowhere(server) {
        for query in [
            "{ viewer { authenticated } }",
            "{ regions { slug } viewer { authenticated } }",
            "{ ...F } fragment F on Query { changes { cursor } }",
            "{ organizations(first: 1000) { totalCount } }",
            "{ nothing }",
            "{ __typename",
        ] {
            assert!(!is_kept(&get(&server, &[("query", query)], &[]).await), "{query}");
        }
        assert!(is_kept(&get(&server, &[("query", "{ regions { slug } }")], &[]).await));
        let report = get(&server, &[("query", "{ regions { slug } }")], &[("x-cost", "report")]).await;
        assert!(!is_kept(&report));
        assert!(!is_kept(&server.post(&json!({"query": "{ regions { slug } }"})).await));
        // Responses to signed-in callers depend on more than the log.
        account(&server.app, "me@example.org", &[]).await;
        let token = format!("Bearer {}", sign_in(&server, "me@example.org").await.access);
        let signed_in = [(AUTHORIZATION.as_str(), token.as_str()), (IF_NONE_MATCH.as_str(), "*")];
        let response = get(&server, &[("query", "{ regions { slug } }")], &signed_in).await;
        assert_eq!(response.status(), 200);
        assert!(!is_kept(&response));
        // The refusal of a token is not cached either.
        let wrong = [(AUTHORIZATION.as_str(), "Bearer x"), (IF_NONE_MATCH.as_str(), "*")];
        let response = get(&server, &[("query", "{ regions { slug } }")], &wrong).await;
        assert_eq!(response.status(), 401);
        assert!(!is_kept(&response));
    }
}
