//! `ETag` and `If-None-Match` (RFC 9110 section 13) for anonymous responses to GET.
//!
//! Such a response depends on the public views of the change log, the day, the statuses of calls for projects, which turn
//! with the clock, and the program. It stays the same while these do and the end of the views has not moved. (When tombstones are deleted, the end moves back to an earlier
//! number. They are older than a day, so no tag of today has that number.) A client that sends its tag gets 304 for one
//! statement, and nothing is executed. Caches must revalidate each time, because hidden data must not be served any
//! longer. Responses to signed-in callers depend on data outside the log, such as who has claimed a profile: they are
//! not cached. Neither are responses with one of the fields in [`LOCAL`], such as the places that an event has left.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::manifest::sha256;
use super::refusal::vary;
use records::changes::Head;

/// The fields of `Query` whose anonymous answers depend only on the log and the program.
pub(super) const TOLD: &[&str] = &[
    "__schema",
    "__type",
    "__typename",
    "callForProjects",
    "callsForProjects",
    "compareCalls",
    "consentText",
    "event",
    "events",
    "node",
    "nodes",
    "occupation",
    "occupations",
    "organization",
    "organizations",
    "partnership",
    "partnershipGraph",
    "partnerships",
    "region",
    "regionPairs",
    "regions",
    "sector",
    "sectors",
    "statistics",
    "talent",
    "talents",
    "terms",
    "territory",
];

/// Fields of records whose answers depend on tables that the log does not know. A document that selects one of them has
/// no tag, whatever type the field is selected on.
pub(super) const LOCAL: &[&str] = &["attendees", "delegation", "seatsLeft"];

/// The `ETag` of a state of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag(HeaderValue);

impl Tag {
    /// Makes the tag of a request from its parts and the end of the log. `None` if it is no valid header value.
    pub(super) fn new(head: Head, parts: &[&str]) -> Option<Self> {
        let Head { feed_id, seq } = head;
        // Each part is prefixed with its length, so that different parts cannot make the same text.
        let parts: Vec<String> = parts.iter().map(|part| format!("{} {part}\n", part.len())).collect();
        let hash = sha256(&format!("{feed_id} {seq}\n{}", parts.concat()));
        // Weak, as another process of the same program may write the same response in other bytes.
        HeaderValue::from_str(&format!("W/\"{}\"", hash.get(..32)?)).ok().map(Self)
    }

    /// Makes the tag of a response with this text.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        HeaderValue::from_str(&format!("W/\"{}\"", sha256(text).get(..32)?)).ok().map(Self)
    }

    /// Whether the request's `If-None-Match` has this tag.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let strong = |text: &str| text.trim().trim_start_matches("W/").to_owned();
        let own = self.0.to_str().map(strong).unwrap_or_default();
        let all = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(',')).any(|known| strong(known) == own)
    }

    /// Sets the headers `ETag` and `Cache-Control` of a response.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        headers.insert(ETAG, self.0);
    }

    /// The response 304 (Not Modified).
    pub(super) fn not_modified(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        vary(response.headers_mut());
        self.tell(response.headers_mut());
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
    use uuid::Uuid;

    use super::*;

    /// The other fields of `Query`: their answers depend on the caller, on other tables, or on the search engine.
    const UNTOLD: &[&str] = &[
        "accounts",
        "apiKeys",
        "changes",
        "erasureStatus",
        "history",
        "invitations",
        "matchOrganizations",
        "myDataExport",
        "proposals",
        "search",
        "sources",
        "suggest",
        "syncBucket",
        "syncDigest",
        "syncStatus",
        "viewer",
    ];

    #[test]
    fn of_each_field_it_is_said_whether_the_log_tells_its_answer() {
        let schema = parse_schema(include_str!("../../../../schema.graphql")).unwrap();
        let fields: BTreeSet<String> = schema
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) if definition.node.name.node == "Query" => {
                    Some(&definition.node.kind)
                }
                _ => None,
            })
            .flat_map(|kind| match kind {
                TypeKind::Object(object) => object.fields.as_slice(),
                _ => &[],
            })
            .map(|field| field.node.name.node.to_string())
            .collect();
        let said = TOLD.iter().chain(UNTOLD).filter(|name| !name.starts_with("__"));
        let said: BTreeSet<String> = said.map(|name| (*name).to_owned()).collect();
        assert_eq!(said, fields, "each field of Query must be in one of the two lists");
    }

    #[test]
    fn fields_beside_the_log_are_in_the_schema() {
        let schema = include_str!("../../../../schema.graphql");
        for field in LOCAL {
            let stands = |end: char| schema.contains(&format!("\n  {field}{end}"));
            assert!(stands(':') || stands('('), "no type has a field {field}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        let head = |seq| Head { feed_id: Uuid::nil(), seq };
        let tag = Tag::new(head(1), &["a", "b"]).unwrap();
        let text = tag.0.to_str().unwrap().to_owned();
        let known = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
            tag.is_known(&headers)
        };
        assert!(known(&text) && known(text.trim_start_matches("W/")));
        assert!(known(&format!("\"x\", {text}")));
        // `*` names no tag.
        assert!(!known("*"));
        assert!(!known("\"x\"") && !known("") && !known("W/") && !tag.is_known(&HeaderMap::new()));
        assert_ne!(tag, Tag::new(head(2), &["a", "b"]).unwrap());
        assert_ne!(tag, Tag::new(head(1), &["ab", ""]).unwrap());
        assert_eq!(tag, Tag::new(head(1), &["a", "b"]).unwrap());
    }
}
