//! GraphiQL for those who open `/graphql` in a browser, with the example queries in its tabs.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Response};

/// The examples, in the order of the tabs.
const EXAMPLES: [&str; 9] = [
    include_str!("../../graphiql/examples/1-regions.graphql"),
    include_str!("../../graphiql/examples/2-organizations.graphql"),
    include_str!("../../graphiql/examples/3-organization.graphql"),
    include_str!("../../graphiql/examples/4-talents.graphql"),
    include_str!("../../graphiql/examples/5-cross-border-partnerships.graphql"),
    include_str!("../../graphiql/examples/6-partnership-graph.graphql"),
    include_str!("../../graphiql/examples/7-statistics.graphql"),
    include_str!("../../graphiql/examples/8-claims.graphql"),
    include_str!("../../graphiql/examples/9-match.graphql"),
];

#[cfg(not(feature = "bundled-graphiql"))]
mod files {
    pub(super) const PAGE: &str = include_str!("../../graphiql/index.html");
    pub(super) const SCRIPT: &str = include_str!("../../graphiql/graphiql.js");
    /// Only these very files of the delivery network may run.
    pub(super) const POLICY: &str = "default-src 'none'; \
        script-src 'self' https://cdn.jsdelivr.net/npm/react@18.3.1/umd/react.production.min.js \
        https://cdn.jsdelivr.net/npm/react-dom@18.3.1/umd/react-dom.production.min.js \
        https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.js; \
        style-src https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.css; \
        font-src data:; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
        frame-ancestors 'none'";
}

#[cfg(feature = "bundled-graphiql")]
mod files {
    pub(super) const PAGE: &str = include_str!("../../graphiql/bundled.html");
    pub(super) const SCRIPT: &str = include_str!("../../graphiql/dist/graphiql.js");
    pub(super) const STYLE: &str = include_str!("../../graphiql/dist/graphiql.css");
    pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
        font-src data:; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
        frame-ancestors 'none'";
}

/// The page with the examples in it.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let tabs: Vec<serde_json::Value> =
        EXAMPLES.iter().map(|query| serde_json::json!({ "query": query })).collect();
    // Inside a script element only `<` could end it.
    let tabs = serde_json::Value::Array(tabs).to_string().replace('<', "\\u003c");
    files::PAGE.replace("/*EXAMPLES*/", &tabs)
});

/// The page.
pub(super) fn page() -> Response<Body> {
    let mut response = file("text/html; charset=utf-8", PAGE.as_str());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(files::POLICY));
    // The same address gives answers to those who accept JSON.
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// What starts GraphiQL in the page.
pub(super) async fn script() -> Response<Body> {
    file("text/javascript; charset=utf-8", files::SCRIPT)
}

/// Its style.
#[cfg(feature = "bundled-graphiql")]
pub(super) async fn style() -> Response<Body> {
    file("text/css; charset=utf-8", files::STYLE)
}

fn file(media_type: &'static str, content: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
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
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/graphiql/examples")).unwrap();
        assert_eq!(tabs.len(), files.count());
        assert!(tabs[0]["query"].as_str().unwrap().contains("query Regions"));
    }
}
