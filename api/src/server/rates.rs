//! What every answer says of the points that its caller has left.
//!
//! The names are those of the IETF's drafts of header fields for rate limits, up to their seventh: clients know these.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::identity::caller::Call;
use crate::throttle::Level;
use crate::traffic::Traffic;

/// Points that a caller may spend at once.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// Points that are left.
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until all are there again.
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Says how many points the caller has left, where they are counted.
pub(super) fn tell(traffic: &Traffic, call: &Call, headers: &mut HeaderMap) {
    let Some(Level { limit, left, full_in }) = traffic.points(call) else { return };
    headers.insert(LIMIT, HeaderValue::from(limit));
    headers.insert(REMAINING, HeaderValue::from(left));
    headers.insert(RESET, HeaderValue::from((full_in + 999) / 1000));
}
