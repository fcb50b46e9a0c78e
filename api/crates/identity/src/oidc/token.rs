//! Tokens of other issuers: the checks of RFC 8725 that need no key, and the claims about the caller.
//!
//! Unlike our own tokens, they may have several forms: any of the issuer's algorithms, access token or ID token,
//! several audiences, and further header parameters. Further parameters have no effect. Parameters that contain a
//! key, or require further processing, are refused.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::settings::{ALGORITHMS, Settings};
use crate::account::MAX_NAME;
use crate::role::Grant;
use kernel::value::{DateTime, EmailAddress, Language};

/// Header parameters that contain keys or URLs of keys, or change how the token is read.
const REFUSED: [&str; 9] = ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "enc", "cty"];
/// The accepted types of tokens (RFC 8725 section 3.11).
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];
/// Seconds by which an issuer's clock may be ahead.
const AHEAD: i64 = 60;
/// The last second of the year 9999. Later times are invalid.
const MAX_TIME: i64 = 253_402_300_799;
/// Maximum length of a subject, in characters (OpenID Connect Core 1.0 section 2).
const MAX_SUBJECT: usize = 255;

/// The header of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The key id.
    pub key_id: Option<String>,
}

#[derive(Deserialize)]
struct WrittenHead {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// The issuer's id of the caller.
    pub subject: String,
    /// When the token expires.
    pub expires_at: DateTime,
    all: Map<String, Value>,
}

/// The claims that are copied to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name to show.
    pub name: Option<String>,
    /// The e-mail address, if the issuer has verified it.
    pub email: Option<EmailAddress>,
    /// The language of messages.
    pub language: Option<Language>,
}

fn part<T: for<'de> Deserialize<'de>>(token: &str, at: usize) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok()?).ok()
}

/// The issuer in a token that is not verified yet.
pub fn issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        iss: String,
    }
    part::<Said>(token, 1).map(|said| said.iss)
}

/// The header of a token, if it is acceptable for this issuer.
pub fn head(token: &str, settings: &Settings) -> Option<Head> {
    let WrittenHead { alg, typ, kid, others } = part(token, 0)?;
    let algorithm = ALGORITHMS.into_iter().find(|algorithm| format!("{algorithm:?}") == alg)?;
    let right = settings.algorithms.contains(&algorithm)
        && typ.is_none_or(|typ| TYPES.iter().any(|right| right.eq_ignore_ascii_case(&typ)))
        && !REFUSED.iter().any(|member| others.contains_key(*member));
    right.then_some(Head { algorithm, key_id: kid })
}

/// Whether the claims of a token that is not verified yet are acceptable now: the checks that need no key.
pub fn may_be_good(token: &str, settings: &Settings, now: DateTime) -> bool {
    part(token, 1).and_then(|all| Claims::read(all, settings, now)).is_some()
}

/// Verifies a token and returns its claims; `None` if it was not signed with this key by this issuer for this
/// audience, or is not valid now.
pub fn verify(
    token: &str,
    head: &Head,
    key: &DecodingKey,
    settings: &Settings,
    now: DateTime,
) -> Option<Claims> {
    let mut rules = Validation::new(head.algorithm);
    rules.set_issuer(&[&settings.issuer]);
    rules.set_audience(&[&settings.audience]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // The library asks the machine for the time; ours is that of the identity.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    let all = jsonwebtoken::decode(token, key, &rules).ok()?.claims;
    Claims::read(all, settings, now)
}

impl Claims {
    fn read(all: Map<String, Value>, settings: &Settings, now: DateTime) -> Option<Self> {
        let text = |name: &str| all.get(name).and_then(Value::as_str);
        let is_for_us = match all.get("aud")? {
            Value::String(one) => *one == settings.audience,
            Value::Array(several) => several.iter().any(|one| one == settings.audience.as_str()),
            _ => false,
        };
        let subject = text("sub")?.to_owned();
        let right = text("iss")? == settings.issuer
            && is_for_us
            && (1..=MAX_SUBJECT).contains(&subject.chars().count())
            && !subject.contains(char::is_control)
            // Security event tokens (RFC 8417), such as logout tokens, are not credentials.
            && !all.contains_key("events");
        let expires = time(all.get("exp")?)?;
        let now = now.micros().div_euclid(1_000_000);
        let begins = ["nbf", "iat"].iter().filter_map(|name| all.get(*name));
        let has_begun = begins.map(time).all(|at| at.is_some_and(|at| at <= now + AHEAD));
        let expires_at = DateTime::from_micros(expires * 1_000_000);
        (right && has_begun && now < expires).then_some(Self { subject, expires_at, all })
    }

    /// The roles for the values of the issuer's role claim. A claim of another form gives none.
    pub fn grants(&self, settings: &Settings) -> Vec<Grant> {
        let mut names = settings.role_claim.iter();
        let first = names.next().and_then(|name| self.all.get(name));
        let found = names.try_fold(first, |at, name| at.map(|at| at.get(name)));
        let values = match found.flatten() {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        let roles = values.iter().filter_map(|value| settings.roles.get(value.as_str()?).copied());
        let mut grants: Vec<Grant> =
            roles.map(|role| Grant { role, region: Some(settings.region.clone()) }).collect();
        grants.sort_unstable();
        grants.dedup();
        grants
    }

    /// The claims that are copied to an account.
    pub fn profile(&self) -> Profile {
        let text = |name: &str| self.all.get(name).and_then(Value::as_str);
        let vouched = match self.all.get("email_verified") {
            Some(Value::Bool(vouched)) => *vouched,
            // Some issuers write it as a text.
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        Profile {
            name: ["name", "preferred_username"].into_iter().find_map(|name| shown(text(name)?)),
            email: text("email").filter(|_| vouched).and_then(|text| text.parse().ok()),
            language: text("locale").and_then(|tag| Language::from_tag(&tag.replace('_', "-"))),
        }
    }
}

/// Cleans and shortens a name for display; `None` if nothing is left.
pub fn shown(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name: String = name.trim().chars().take(MAX_NAME).collect();
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}

/// Seconds since 1970, rounded down.
fn time(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "what is too great stays so, and is no time")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64))?;
    (0..=MAX_TIME).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oidc::settings::parse;
    use crate::role::Role;

    const NOW: i64 = 1_800_000_000;

    fn settings(role_claim: &Value) -> Settings {
        let text = json!([{"issuer": "https://login.example", "audience": "here", "region": "wallonie",
            "role_claim": role_claim, "roles": {"editors": "EDITOR", "all": "MEMBER"}, "algorithms": ["ES256"]}]);
        parse(&text.to_string(), None).unwrap().remove(0)
    }

    fn claims(more: Value) -> Option<Claims> {
        let mut all = json!({"iss": "https://login.example", "aud": "here", "sub": "a", "exp": NOW + 60});
        if let (Value::Object(into), Value::Object(more)) = (&mut all, more) {
            into.extend(more);
        }
        let all: Map<String, Value> = serde_json::from_value(all).unwrap();
        Claims::read(all, &settings(&json!("groups")), DateTime::from_micros(NOW * 1_000_000))
    }

    #[test]
    fn headers_are_those_of_the_issuer() {
        let read = |text: &str| {
            let token = format!("{}.e30.", URL_SAFE_NO_PAD.encode(text));
            head(&token, &settings(&json!("groups")))
        };
        let right = Head { algorithm: Algorithm::ES256, key_id: Some("k".into()) };
        for typ in ["", r#","typ":"JWT""#, r#","typ":"At+JWT""#, r#","x5t":"AA","nonce":"b""#] {
            assert_eq!(read(&format!(r#"{{"alg":"ES256","kid":"k"{typ}}}"#)), Some(right.clone()), "{typ}");
        }
        for wrong in ["none", "None", "HS256", "RS256", "EdDSA", "es256", ""] {
            assert_eq!(read(&format!(r#"{{"alg":"{wrong}","kid":"k"}}"#)), None, "{wrong}");
        }
        for member in REFUSED {
            assert_eq!(read(&format!(r#"{{"alg":"ES256","kid":"k","{member}":null}}"#)), None, "{member}");
        }
        for wrong in
            [r#"{"alg":"ES256","alg":"none"}"#, r#"{"alg":"ES256","typ":"logout+jwt"}"#, "{}", "[]", ""]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn claims_are_for_us_and_now() {
        for right in [
            json!({}),
            json!({"aud": ["others", "here"]}),
            json!({"exp": f64::from(1_800_000_001) + 0.5}),
            json!({"nbf": NOW + 60, "iat": NOW}),
            json!({"sub": "é".repeat(255)}),
        ] {
            assert!(claims(right.clone()).is_some(), "{right}");
        }
        for wrong in [
            json!({"iss": "https://login.example/"}),
            json!({"iss": ["https://login.example"]}),
            json!({"aud": "there"}),
            json!({"aud": []}),
            json!({"aud": {"here": true}}),
            json!({"exp": NOW}),
            json!({"exp": "1900000000"}),
            json!({"exp": null}),
            json!({"exp": 1e300}),
            json!({"exp": -1}),
            json!({"nbf": NOW + 61}),
            json!({"iat": NOW + 61}),
            json!({"nbf": "now"}),
            json!({"sub": ""}),
            json!({"sub": 1}),
            json!({"sub": "a\u{0}"}),
            json!({"sub": "a".repeat(256)}),
            json!({"events": {}}),
        ] {
            assert!(claims(wrong.clone()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn roles_are_found_where_they_are_and_nowhere_else() {
        let all = json!({"groups": ["editors"], "a": {"b.c": {"roles": ["all", "editors", "all", 1, null]}}, "one": "all"});
        let claims = claims(all).unwrap();
        for (path, expected) in [
            (json!("groups"), &[Role::Editor][..]),
            (json!(["a", "b.c", "roles"]), &[Role::Member, Role::Editor]),
            (json!("one"), &[Role::Member]),
            (json!("a"), &[]),
            (json!("a.b.c.roles"), &[]),
            (json!("groups.editors"), &[]),
            (json!("exp"), &[]),
            (json!("nothing.there"), &[]),
        ] {
            let grants = claims.grants(&settings(&path));
            let expected: Vec<Grant> =
                expected.iter().map(|role| Grant { role: *role, region: Some("wallonie".into()) }).collect();
            assert_eq!(grants, expected, "{path}");
        }
    }

    #[test]
    fn a_profile_is_what_can_be_shown_and_is_vouched_for() {
        let profile = |more| claims(more).unwrap().profile();
        assert_eq!(profile(json!({"name": 1, "email": "a@example.org", "locale": "xx"})), Profile::default());
        let whole = json!({"name": " \u{7}", "preferred_username": " Ana\n", "email": "a@example.org",
            "email_verified": true, "locale": "nl_BE"});
        let expected = Profile {
            name: Some("Ana".into()),
            email: Some("a@example.org".parse().unwrap()),
            language: Some(Language::Nl),
        };
        assert_eq!(profile(whole), expected);
        assert_eq!(profile(json!({"name": "x".repeat(200)})).name.unwrap().len(), MAX_NAME);
        for said in [json!(false), json!("false"), json!(1), json!(null)] {
            assert_eq!(profile(json!({"email": "a@example.org", "email_verified": said})).email, None);
        }
    }
}
