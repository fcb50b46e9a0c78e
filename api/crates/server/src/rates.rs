//! The rate limit headers of every response: the points that the caller has left.
//!
//! The names are those of the IETF drafts "`RateLimit` header fields for HTTP" up to the seventh, which clients know.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use identity::caller::Call;
use identity::traffic::Traffic;
use kernel::throttle::Level;

/// The number of points in a full token bucket.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// The number of points left.
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// The seconds until the bucket is full again.
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Sets the headers, if the caller's points are counted.
pub(super) fn tell(traffic: &Traffic, call: &Call, headers: &mut HeaderMap) {
    let Some(Level { limit, left, full_in }) = traffic.points(call) else { return };
    headers.insert(LIMIT, HeaderValue::from(limit));
    headers.insert(REMAINING, HeaderValue::from(left));
    headers.insert(RESET, HeaderValue::from((full_in + 999) / 1000));
}
