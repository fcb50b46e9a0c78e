//! The JSON Web Key Set of an issuer (RFC 7517), and the choice of the key that verifies a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Maximum number of keys in a set.
const MAX_KEYS: usize = 200;
/// Minimum size of an RSA modulus in bits (RFC 7518 section 3.3).
const MIN_RSA_BITS: usize = 2048;
/// Maximum size of an RSA modulus in bits: larger ones make verification slow.
const MAX_RSA_BITS: usize = 8192;

/// The usable keys of a set.
#[derive(Default)]
pub struct Keys {
    /// Number of keys in the set, including unusable ones.
    published: usize,
    usable: Vec<Key>,
}

/// One key.
struct Key {
    id: Option<String>,
    /// Algorithms that it may verify.
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// The result of looking up the key of a token.
pub enum Found<'a> {
    /// The key.
    Key(&'a DecodingKey),
    /// The set has no key with this id.
    Unknown,
    /// No key may verify the token: none is for its algorithm, or several are possible.
    Unfit,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("published", &self.published).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Parses a set. Keys of unknown types are skipped, because others may be usable.
    ///
    /// # Errors
    /// The reason why it is not a key set.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let Set { keys } = serde_json::from_slice(text).map_err(|error| format!("no JWKS: {error}"))?;
        if keys.len() > MAX_KEYS {
            return Err(format!("a JWKS of {} keys", keys.len()));
        }
        Ok(Self { published: keys.len(), usable: keys.into_iter().filter_map(Key::read).collect() })
    }

    /// The key for a token with this header.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        let Some(id) = id else {
            return match &self.usable[..] {
                [only] if self.published == 1 && fits(&only) => Found::Key(&only.decoding),
                _ => Found::Unfit,
            };
        };
        let named = || self.usable.iter().filter(|key| key.id.as_deref() == Some(id));
        if named().next().is_none() {
            return Found::Unknown;
        }
        let mut fitting = named().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Found::Key(&key.decoding),
            _ => Found::Unfit,
        }
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let bits = bits(&URL_SAFE_NO_PAD.decode(&rsa.n).ok()?);
                if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
                    return None;
                }
                vec![PS256, PS384, PS512, RS256, RS384, RS512]
            }
            AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
                EllipticCurve::P256 => vec![ES256],
                EllipticCurve::P384 => vec![ES384],
                EllipticCurve::P521 | EllipticCurve::Ed25519 => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![EdDSA],
            AlgorithmParameters::OctetKeyPair(_) | AlgorithmParameters::OctetKey(_) => return None,
        };
        let common = jwk.common.clone();
        if common.public_key_use.is_some_and(|purpose| purpose != PublicKeyUse::Signature)
            || common.key_operations.is_some_and(|all| !all.contains(&KeyOperations::Verify))
        {
            return None;
        }
        if let Some(own) = common.key_algorithm {
            algorithms.retain(|algorithm| is(*algorithm, own));
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        (!algorithms.is_empty()).then_some(Self { id: common.key_id, algorithms, decoding })
    }
}

/// Whether the algorithm of a token is that of a key.
fn is(algorithm: Algorithm, own: KeyAlgorithm) -> bool {
    format!("{algorithm:?}") == format!("{own:?}")
}

/// The number of bits of a number, without leading zeros.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(bytes: usize, more: Value) -> Value {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0x80;
        let mut key = json!({"kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"});
        merge(&mut key, more);
        key
    }

    fn ed(more: Value) -> Value {
        let mut key =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "e", "x": URL_SAFE_NO_PAD.encode([7; 32])});
        merge(&mut key, more);
        key
    }

    fn merge(into: &mut Value, more: Value) {
        if let (Value::Object(into), Value::Object(more)) = (into, more) {
            into.extend(more);
        }
    }

    fn keys(all: &Value) -> Keys {
        Keys::parse(json!({ "keys": all }).to_string().as_bytes()).unwrap()
    }

    fn said(keys: &Keys, id: Option<&str>, algorithm: Algorithm) -> &'static str {
        match keys.find(id, algorithm) {
            Found::Key(_) => "key",
            Found::Unknown => "unknown",
            Found::Unfit => "unfit",
        }
    }

    #[test]
    fn a_key_verifies_what_it_is_for() {
        use Algorithm::{ES256, EdDSA, HS256, PS256, RS256};
        let both = keys(&json!([rsa(256, json!({"alg": "RS256"})), ed(json!({"use": "sig"}))]));
        for (id, algorithm, expected) in [
            (Some("r"), RS256, "key"),
            (Some("r"), PS256, "unfit"),
            (Some("r"), HS256, "unfit"),
            (Some("e"), EdDSA, "key"),
            (Some("e"), ES256, "unfit"),
            (Some("x"), EdDSA, "unknown"),
            (None, EdDSA, "unfit"),
        ] {
            assert_eq!(said(&both, id, algorithm), expected, "{id:?} {algorithm:?}");
        }
        let one = keys(&json!([ed(json!({}))]));
        assert_eq!((said(&one, None, EdDSA), said(&one, None, RS256)), ("key", "unfit"));
        // An unusable key counts, too: a token without a key id may mean it.
        assert_eq!(said(&keys(&json!([ed(json!({})), {"kty": "new"}])), None, EdDSA), "unfit");
        assert_eq!(said(&keys(&json!([ed(json!({})), ed(json!({}))])), Some("e"), EdDSA), "unfit");
    }

    #[test]
    fn what_must_not_verify_is_passed_over() {
        for wrong in [
            rsa(255, json!({})),
            rsa(128, json!({})),
            rsa(1025, json!({})),
            rsa(256, json!({"use": "enc"})),
            rsa(256, json!({"key_ops": ["sign"]})),
            rsa(256, json!({"alg": "RSA-OAEP"})),
            rsa(256, json!({"alg": "HS256"})),
            rsa(256, json!({"n": "é"})),
            ed(json!({"crv": "X25519"})),
            ed(json!({"alg": "ES256"})),
            json!({"kty": "oct", "kid": "o", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "crv": "P-521", "kid": "p", "x": "AA", "y": "AA"}),
            json!({"kty": "EC", "crv": "secp256k1", "kid": "p", "x": "AA", "y": "AA"}),
            json!(null),
            json!([]),
        ] {
            assert!(keys(&json!([wrong.clone()])).usable.is_empty(), "{wrong}");
        }
        assert_eq!(
            keys(&json!([rsa(256, json!({})), rsa(1024, json!({"key_ops": ["verify"]}))])).usable.len(),
            2
        );
        for wrong in ["", "[]", "{}", r#"{"keys": {}}"#] {
            assert!(Keys::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Keys::parse(json!({"keys": vec![1; MAX_KEYS + 1]}).to_string().as_bytes()).is_err());
    }
}
