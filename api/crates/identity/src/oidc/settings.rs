//! The file of `OIDC_ISSUERS`: the accepted issuers, and the roles that their tokens give.
//!
//! A list of objects:
//!
//! | member | meaning |
//! |---|---|
//! | `issuer` | exact value of `iss` in its tokens |
//! | `audience` | value that `aud` of its tokens must contain |
//! | `region` | slug of the region of the roles |
//! | `role_claim` | path of the claim with the roles: `realm_access.roles`, or a list of names if one has a dot |
//! | `roles` | role for each value of that claim; ADMIN is not allowed |
//! | `algorithms` | accepted signature algorithms; by default all asymmetric ones |
//! | `jwks_uri` | URL of its keys; by default that of its OpenID configuration |

use std::collections::BTreeMap;
use std::path::Path;

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use url::{Host, Url};

use crate::role::Role;
use kernel::vocabulary::vocabularies;
use kernel::{name_of, value_of};

/// The supported algorithms. All are asymmetric, so that a verifier cannot sign.
pub const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
];

/// Maximum size of the file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The source of an issuer's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// URL of the keys.
    Keys(Url),
    /// URL of the OpenID configuration, which has the URL of the keys.
    Discovery(Url),
}

/// An accepted issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `aud` of its tokens.
    pub audience: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// Path of the claim with the roles, from the outermost name.
    pub role_claim: Vec<String>,
    /// The role for each value of the claim.
    pub roles: BTreeMap<String, Role>,
    /// Accepted signature algorithms.
    pub algorithms: Vec<Algorithm>,
    /// Source of its keys.
    pub source: Source,
}

/// An error in the file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("OIDC_ISSUERS: {0}")]
pub struct Wrong(String);

/// An issuer as it is written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    issuer: String,
    audience: String,
    region: String,
    role_claim: ClaimPath,
    roles: BTreeMap<String, String>,
    algorithms: Option<Vec<String>>,
    jwks_uri: Option<String>,
}

/// The path of a claim: names separated by dots, or a list of names.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a claim is a text such as `realm_access.roles`, or a list of names")]
enum ClaimPath {
    Dotted(String),
    Names(Vec<String>),
}

/// Reads the issuers in a file. `own` is the issuer of our own tokens, which no other issuer may have as its name.
///
/// # Errors
/// [`Wrong`] with all errors.
pub fn read(path: &Path, own: Option<&Url>) -> Result<Vec<Settings>, Wrong> {
    let shown = path.display();
    let cannot = |error: std::io::Error| Wrong(format!("the file `{shown}` cannot be read: {error}"));
    if std::fs::metadata(path).map_err(cannot)?.len() > MAX_FILE {
        return Err(Wrong(format!("the file `{shown}` is longer than a list of issuers is")));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    parse(&text, own).map_err(|wrong| Wrong(format!("in the file `{shown}`, {wrong}")))
}

/// Parses the issuers in a text.
///
/// # Errors
/// All errors in it.
pub fn parse(text: &str, own: Option<&Url>) -> Result<Vec<Settings>, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let written: Vec<Written> = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("at `{}`: {}", error.path(), error.inner()))?;
    reader.end().map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    let mut all = Vec::with_capacity(written.len());
    let mut names: Vec<String> = Vec::with_capacity(written.len());
    for (at, written) in written.into_iter().enumerate() {
        let mut problems = Vec::new();
        // Names that differ only in a trailing slash mean one issuer, and one of them is wrong.
        if names.iter().any(|name| same(name, &written.issuer)) {
            problems.push(format!("the issuer `{}` is there twice", written.issuer));
        }
        names.push(written.issuer.clone());
        all.extend(check(written, own, &mut problems));
        wrong.extend(problems.into_iter().map(|problem| format!("issuer {}: {problem}", at + 1)));
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong.join("; ")) }
}

fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Checks an issuer and appends all errors to `wrong`.
fn check(written: Written, own: Option<&Url>, wrong: &mut Vec<String>) -> Option<Settings> {
    let address = |text: &str, member: &str, wrong: &mut Vec<String>| match reachable(text) {
        Ok(url) => Some(url),
        Err(problem) => {
            wrong.push(format!("`{member}` {problem}"));
            None
        }
    };
    let issuer_url = address(&written.issuer, "issuer", wrong);
    if own.is_some_and(|own| same(own.as_str(), &written.issuer)) {
        wrong.push("`issuer` is PUBLIC_URL: in that name this program signs itself".into());
    }
    if issuer_url.as_ref().is_some_and(|url| url.query().is_some() || url.fragment().is_some()) {
        wrong.push("`issuer` has a `?` or a `#`, which no issuer has".into());
    }
    let jwks = written.jwks_uri.as_deref().and_then(|uri| address(uri, "jwks_uri", wrong));
    if written.audience.trim().is_empty() {
        wrong.push("`audience` is empty: tokens for others would be good here".into());
    }
    if let Err(error) = vocabularies().regions.find("region", "region", &written.region) {
        wrong.push(format!("`region`: {error}"));
    }
    let role_claim = match written.role_claim {
        ClaimPath::Dotted(path) => path.split('.').map(str::to_owned).collect(),
        ClaimPath::Names(names) => names,
    };
    if role_claim.is_empty() || role_claim.iter().any(String::is_empty) {
        wrong.push("`role_claim` has no name, or an empty one".into());
    }
    let mut roles = BTreeMap::new();
    for (value, role) in written.roles {
        match value_of::<Role>(&role) {
            Some(role) if role.has_region() => {
                roles.insert(value, role);
            }
            Some(role) => {
                let role = name_of(role);
                wrong.push(format!("`roles`: {role} cannot be given by an issuer, for `{value}`"));
            }
            None => {
                let known = Role::OF_REGIONS.map(name_of).join(", ");
                wrong.push(format!("`roles`: there is no role `{role}`, for `{value}`; there are {known}"));
            }
        }
    }
    let algorithms = match written.algorithms {
        None => ALGORITHMS.to_vec(),
        Some(names) => {
            if names.is_empty() {
                wrong.push("`algorithms` is empty: leave it out, or name one".into());
            }
            names.iter().filter_map(|name| algorithm(name, wrong)).collect()
        }
    };
    let source = match written.jwks_uri {
        Some(_) => Source::Keys(jwks?),
        None => Source::Discovery(discovery(issuer_url?)),
    };
    Some(Settings {
        issuer: written.issuer,
        audience: written.audience,
        region: written.region,
        role_claim,
        roles,
        algorithms,
        source,
    })
}

fn algorithm(name: &str, wrong: &mut Vec<String>) -> Option<Algorithm> {
    let found = ALGORITHMS.into_iter().find(|algorithm| format!("{algorithm:?}") == name);
    if found.is_none() {
        let known = ALGORITHMS.map(|algorithm| format!("{algorithm:?}")).join(", ");
        wrong.push(format!(
            "`algorithms`: `{name}` is not one of {known}: only who has a private key may sign"
        ));
    }
    found
}

/// The URL of an issuer's OpenID configuration (OpenID Connect Discovery 1.0 section 4.1).
fn discovery(mut issuer: Url) -> Url {
    let path = format!("{}/.well-known/openid-configuration", issuer.path().trim_end_matches('/'));
    issuer.set_path(&path);
    issuer
}

/// Whether a URL leads to this host.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Parses a URL from which keys may be fetched: https, or http on this host, so that nobody can change the keys in
/// transit.
///
/// # Errors
/// A description of the error.
pub fn reachable(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("must be an address such as https://login.example")?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("must begin with https:// (http:// is for addresses of this machine only)".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no user name and no password".into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issuer(more: Value) -> Value {
        let mut issuer = json!({"issuer": "https://login.example/realms/a", "audience": "passerelle",
            "region": "wallonie", "role_claim": "realm_access.roles", "roles": {"editors": "EDITOR"}});
        if let (Value::Object(into), Value::Object(more)) = (&mut issuer, more) {
            into.extend(more);
        }
        issuer
    }

    fn wrong(more: Value) -> String {
        let own = Url::parse("https://directory.example").unwrap();
        parse(&json!([issuer(more)]).to_string(), Some(&own)).unwrap_err()
    }

    #[test]
    fn an_issuer_is_read() {
        let all = parse(&json!([issuer(json!({}))]).to_string(), None).unwrap();
        let expected = Settings {
            issuer: "https://login.example/realms/a".into(),
            audience: "passerelle".into(),
            region: "wallonie".into(),
            role_claim: vec!["realm_access".into(), "roles".into()],
            roles: [("editors".to_owned(), Role::Editor)].into(),
            algorithms: ALGORITHMS.to_vec(),
            source: Source::Discovery(
                Url::parse("https://login.example/realms/a/.well-known/openid-configuration").unwrap(),
            ),
        };
        assert_eq!(all, [expected]);
        let more = json!({"issuer": "http://[::1]:8080/", "role_claim": ["https://a.example/roles"],
            "algorithms": ["ES256", "EdDSA"], "jwks_uri": "http://localhost/keys?v=1"});
        let all = parse(&json!([issuer(more)]).to_string(), None).unwrap();
        assert_eq!(all[0].role_claim, ["https://a.example/roles"]);
        assert_eq!(all[0].algorithms, [Algorithm::ES256, Algorithm::EdDSA]);
        assert_eq!(all[0].source, Source::Keys(Url::parse("http://localhost/keys?v=1").unwrap()));
        assert_eq!(parse("[]", None), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (more, said) in [
            (json!({"issuer": "login.example"}), "`issuer` must be an address"),
            (json!({"issuer": "http://login.example"}), "`issuer` must begin with https://"),
            (json!({"issuer": "http://127.0.0.1.example"}), "`issuer` must begin with https://"),
            (json!({"issuer": "https://u:p@login.example"}), "`issuer` must have no user name"),
            (json!({"issuer": "https://login.example/?a=b"}), "`issuer` has a `?`"),
            (json!({"issuer": "https://directory.example/"}), "`issuer` is PUBLIC_URL"),
            (json!({"jwks_uri": "http://login.example/keys"}), "`jwks_uri` must begin with https://"),
            (json!({"audience": " "}), "`audience` is empty"),
            (json!({"region": "walonie"}), "`region`: There is no region `walonie`"),
            (
                json!({"roles": {"a": "EDITEUR"}}),
                "there is no role `EDITEUR`, for `a`; there are MEMBER, EDITOR",
            ),
            (json!({"roles": {"a": "ADMIN"}}), "ADMIN cannot be given by an issuer"),
            (json!({"role_claim": "a..b"}), "`role_claim` has no name"),
            (json!({"role_claim": []}), "`role_claim` has no name"),
            (json!({"role_claim": 1}), "at `[0].role_claim`: a claim is a text such as"),
            (json!({"algorithms": []}), "`algorithms` is empty"),
            (json!({"algorithms": ["HS256"]}), "`HS256` is not one of EdDSA, ES256"),
            (json!({"algorithms": ["none"]}), "`none` is not one of"),
            (json!({"keys": []}), "unknown field `keys`"),
        ] {
            let told = wrong(more);
            assert!(told.contains(said), "{told}");
        }
        let two = wrong(json!({"audience": "", "region": "x"}));
        assert!(two.contains("`audience`") && two.contains("`region`"), "all at once: {two}");
        let twice = json!([issuer(json!({})), issuer(json!({"issuer": "https://login.example/realms/a/"}))]);
        assert!(parse(&twice.to_string(), None).unwrap_err().starts_with("issuer 2: the issuer"));
        assert!(parse("{}", None).is_err() && parse("[] x", None).is_err());
    }
}
