//! The check of the `Origin` of WebSocket handshakes.
//!
//! Browsers let every page open a WebSocket to every server, and only report the origin of the page (RFC 6455 section
//! 10.2). Pages of this server and of the operator's origins are allowed.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use url::{Origin, Url};

/// Whether a handshake comes from an allowed origin, or has none.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    let mut all = headers.get_all(ORIGIN).iter();
    let Some(header) = all.next() else { return true };
    let page = header.to_str().ok().and_then(|text| Url::parse(text).ok());
    // An opaque origin is sent as `null`, which is no URL.
    let (None, Some(page)) = (all.next(), page) else { return false };
    let origin = page.origin();
    if allowed.contains(&origin) {
        return true;
    }
    // The requested host with the page's scheme, as the server does not know its own scheme behind a proxy.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = host.and_then(|host| Url::parse(&format!("{}://{host}", page.scheme())).ok());
    origin.is_tuple() && own.is_some_and(|own| own.origin() == origin)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn pages_of_this_server_and_of_named_origins_may() {
        let allowed: Vec<Origin> = ["https://app.example", "http://localhost:3000"]
            .map(|url| Url::parse(url).unwrap().origin())
            .into();
        for (origins, host, expected) in [
            (&[][..], "directory.example", true),
            (&["https://directory.example"], "directory.example", true),
            (&["https://directory.example:443"], "directory.example", true),
            (&["https://directory.example"], "directory.example:443", true),
            (&["http://127.0.0.1:8000"], "127.0.0.1:8000", true),
            (&["http://[::1]:8000"], "[::1]:8000", true),
            (&["https://APP.example"], "directory.example", true),
            (&["http://localhost:3000"], "localhost:8000", true),
            (&["http://app.example"], "directory.example", false),
            (&["http://localhost:3001"], "localhost:8000", false),
            (&["https://directory.example:8443"], "directory.example", false),
            (&["https://directory.example.evil.example"], "directory.example", false),
            (&["https://evil.example"], "directory.example", false),
            (&["null"], "directory.example", false),
            (&[""], "directory.example", false),
            (&["file:///x"], "directory.example", false),
            (&["https://directory.example", "https://evil.example"], "directory.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            for origin in origins {
                headers.append(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_allowed(&headers, &allowed), expected, "{origins:?} {host}");
        }
    }
}
