//! The GraphiQL page at `/graphql` for browsers, with the example queries in its tabs.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Response};

use super::manifest::sha256;

/// The examples, in the order of the tabs.
const EXAMPLES: [&str; 10] = [
    include_str!("../../../graphiql/examples/1-regions.graphql"),
    include_str!("../../../graphiql/examples/2-organizations.graphql"),
    include_str!("../../../graphiql/examples/3-organization.graphql"),
    include_str!("../../../graphiql/examples/4-talents.graphql"),
    include_str!("../../../graphiql/examples/5-cross-border-partnerships.graphql"),
    include_str!("../../../graphiql/examples/6-partnership-graph.graphql"),
    include_str!("../../../graphiql/examples/7-statistics.graphql"),
    include_str!("../../../graphiql/examples/8-claims.graphql"),
    include_str!("../../../graphiql/examples/9-match.graphql"),
    include_str!("../../../graphiql/examples/10-calls.graphql"),
];

// `npm run build` in `api/graphiql` makes these files. They are committed, so that a build needs neither Node.js nor
// network access, and the page needs no other host.
const SCRIPT: &str = include_str!("../../../graphiql/dist/graphiql.js");
const STYLE: &str = include_str!("../../../graphiql/dist/graphiql.css");

/// The content security policy: the page may load resources of this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page with the examples.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let tabs: Vec<serde_json::Value> =
        EXAMPLES.iter().map(|query| serde_json::json!({ "query": query })).collect();
    // Only `<` could end the script element.
    let tabs = serde_json::Value::Array(tabs).to_string().replace('<', "\\u003c");
    let page = include_str!("../../../graphiql/index.html").replace("/*EXAMPLES*/", &tabs);
    // Browsers cache each version of a file for ever.
    let with_version = |page: String, name: &str, content: &str| {
        let version = sha256(content);
        page.replace(name, &format!("{name}?v={}", version.get(..16).unwrap_or(&version)))
    };
    with_version(with_version(page, "graphiql.js", SCRIPT), "graphiql.css", STYLE)
});

/// The response with the page.
pub(super) fn page() -> Response<Body> {
    let mut response = file("text/html; charset=utf-8", PAGE.as_str());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // The same URL returns GraphQL responses to clients that accept JSON.
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// The script of GraphiQL.
pub(super) async fn script() -> Response<Body> {
    file("text/javascript; charset=utf-8", SCRIPT)
}

/// The style sheet of GraphiQL.
pub(super) async fn style() -> Response<Body> {
    file("text/css; charset=utf-8", STYLE)
}

fn file(media_type: &'static str, content: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_all_examples() {
        let start = PAGE.find("id=\"examples\">").unwrap() + "id=\"examples\">".len();
        let end = start + PAGE[start..].find("</script>").unwrap();
        let tabs: Vec<serde_json::Value> = serde_json::from_str(&PAGE[start..end]).unwrap();
        let files =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../graphiql/examples")).unwrap();
        assert_eq!(tabs.len(), files.count());
        assert!(tabs[0]["query"].as_str().unwrap().contains("query Regions"));
    }

    /// Checks that the committed bundle was made from the committed sources and lock file.
    #[test]
    fn the_bundle_is_made_of_what_is_here() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../graphiql"));
        let sums = std::fs::read_to_string(folder.join("dist/SHA256SUMS")).unwrap();
        let named: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
        for name in
            ["main.js", "package-lock.json", "dist/graphiql.js", "dist/graphiql.css", "dist/LICENSES.txt"]
        {
            assert!(named.contains(&name), "{name} is in SHA256SUMS");
        }
        for line in sums.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            let file = std::fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(
                sha256(&file),
                sum,
                "{name} has changed: run `npm ci && npm run build` in api/graphiql"
            );
        }
    }
}
