//! Access tokens: JSON Web Tokens (RFC 7519) of the form of RFC 9068, verified as RFC 8725 says.
//!
//! A token cannot influence its verification. The algorithm is fixed, the key is one of ours, found by its id, and a
//! header with any parameter other than `alg`, `typ` and `kid` is refused. So keys and URLs of keys (`jwk`, `jku`,
//! `x5c`, `x5u`) and extensions (`crit`) have no effect.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ALGORITHM;
use kernel::id;
use kernel::value::DateTime;

/// Lifetime of a token, in microseconds.
pub const LIFETIME: i64 = 600_000_000;
/// The type in the header: a token of another type is no access token, whoever signed it (RFC 8725 section 3.11).
const TYPE: &str = "at+jwt";
/// Maximum size of a token, in bytes. Ours have about 500.
const MAX_BYTES: usize = 2048;
/// Seconds by which the clock of the replica that signed may be ahead.
const AHEAD: i64 = 5;

/// The issuer and the audience that every token must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `iss`.
    pub issuer: String,
    /// `aud`: this instance, and no other.
    pub audience: String,
}

/// The only accepted form of a header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims of a token. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// The id of a token's key, if its header is acceptable.
pub fn key_id(token: &str) -> Option<String> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: StrictHeader = serde_json::from_slice(&header).ok()?;
    // Types compare without regard to case (RFC 7515 section 4.1.9).
    (header.alg == ALGORITHM && header.typ.eq_ignore_ascii_case(TYPE)).then_some(header.kid)
}

impl Claims {
    /// The claims of a new token.
    pub fn new(expected: &Expected, account: Uuid, session: Uuid, token: Uuid, now: DateTime) -> Self {
        let now = now.micros().div_euclid(1_000_000);
        Self {
            iss: expected.issuer.clone(),
            aud: expected.audience.clone(),
            sub: id::encode("account", account),
            sid: id::encode("session", session),
            jti: token.to_string(),
            iat: now,
            nbf: now,
            exp: now + LIFETIME / 1_000_000,
        }
    }

    /// Signs the claims and returns the token.
    ///
    /// # Errors
    /// Only for an invalid key.
    pub fn sign(&self, key_id: String, key: &EncodingKey) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header { typ: Some(TYPE.into()), kid: Some(key_id), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, self, key)
    }

    /// Verifies a token whose header [`key_id`] has accepted, and returns its claims; `None` if it was not signed
    /// with this key by this issuer for this audience, or is not valid now.
    pub fn verify(token: &str, key: &DecodingKey, expected: &Expected, now: DateTime) -> Option<Self> {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&expected.issuer]);
        rules.set_audience(&[&expected.audience]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library asks the machine for the time; ours is that of the identity.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Self>(token, key, &rules).ok()?.claims;
        let now = now.micros().div_euclid(1_000_000);
        (claims.nbf <= now + AHEAD && now < claims.exp).then_some(claims)
    }

    /// When the token expires.
    pub fn expires_at(&self) -> DateTime {
        DateTime::from_micros(self.exp.saturating_mul(1_000_000))
    }

    /// The account.
    pub fn account(&self) -> Option<Uuid> {
        id::decode("sub", "account", &self.sub).ok()
    }

    /// The session.
    pub fn session(&self) -> Option<Uuid> {
        id::decode("sid", "session", &self.sid).ok()
    }
}
