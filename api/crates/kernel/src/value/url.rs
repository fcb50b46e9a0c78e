//! Addresses of web pages.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::{Expected, ValueError, is_hidden, serde_as_text, text_of};

static EXPECTED: Expected = Expected {
    en: "an absolute http(s) URL of at most 2,048 characters, such as \"https://www.example.org/\"",
    fr: "une adresse web complète de 2 048 caractères au plus, comme « https://www.example.org/ »",
    nl: "een volledig webadres van hoogstens 2.048 tekens, zoals \"https://www.example.org/\"",
    de: "eine vollständige Webadresse mit höchstens 2.048 Zeichen, etwa „https://www.example.org/“",
};
static EXPECTED_PUBLIC: Expected = Expected {
    en: "a URL without user name or password",
    fr: "une adresse web sans nom d’utilisateur ni mot de passe",
    nl: "een webadres zonder gebruikersnaam of wachtwoord",
    de: "eine Webadresse ohne Benutzername und Passwort",
};

/// The absolute `http` or `https` address of a page, at most 2,048 characters.
///
/// URLs are read by the WHATWG URL standard, with stricter rules against confusing ones: two slashes after
/// the scheme, a host, no user name or password, no spaces, backslashes, quotes, angle brackets or
/// invisible characters. The text is kept as it was given, without the white space around it; only a text
/// that begins with `www.` gets `https://`. Two spellings of one URL are two values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url(String);

impl Url {
    /// Maximum characters of a URL.
    pub const MAX_CHARACTERS: usize = 2_048;

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host in lower case, as it is written in the address: a name, or an IP address (version 6 in
    /// brackets).
    pub fn host(&self) -> String {
        let authority = authority(&self.0).unwrap_or_default();
        let end = match authority.find(']') {
            Some(bracket) => bracket + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        authority[..end].to_lowercase()
    }

    /// Takes a URL that the program has built from checked parts.
    pub(super) fn trusted(text: String) -> Self {
        debug_assert!(text.parse::<Self>().is_ok());
        Self(text)
    }
}

/// The authority of an http(s) URL, between the two slashes and the path; none for another text.
fn authority(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(&rest[..end])
}

impl FromStr for Url {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let refuse = || ValueError::unexpected(&EXPECTED, text);
        // People leave the scheme out. What begins with `www.` is a host, and nothing else.
        let is_host = text.len() > 4 && text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
        let text = &if is_host { Cow::Owned(format!("https://{text}")) } else { Cow::Borrowed(text) };
        let authority = authority(text).ok_or_else(refuse)?;
        if authority.contains('@') {
            return Err(ValueError::Withheld { expected: &EXPECTED_PUBLIC });
        }
        let confusing = |c: char| c.is_whitespace() || is_hidden(c) || matches!(c, '\\' | '<' | '>' | '"');
        // Percent-encoded hosts are refused: people must be able to read the host.
        if authority.is_empty()
            || authority.contains('%')
            || text.contains(confusing)
            || text.chars().count() > Self::MAX_CHARACTERS
        {
            return Err(refuse());
        }
        match ::url::Url::parse(text) {
            Ok(url) if url.has_host() => Ok(Self(text.clone().into_owned())),
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(Url);

/// The absolute http or https address of a page, at most 2,048 characters, without user name or password.
/// It is answered as it was given; an address that begins with `www.` gets `https://`.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(text_of(value, &EXPECTED)?.parse::<Self>()?)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_was_given_and_knows_the_host() {
        for (text, host) in [
            ("https://www.flega.be/", "www.flega.be"),
            ("HTTP://Example.ORG", "example.org"),
            ("http://example.org:8080/a?b=c@d#e", "example.org"),
            ("https://münchen.example/straße", "münchen.example"),
            ("https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
            ("http://192.0.2.1/x", "192.0.2.1"),
            ("http://[2001:DB8::1]:80/x", "[2001:db8::1]"),
            ("http://localhost:8000", "localhost"),
            ("https://example.org?x=https://other.example/", "example.org"),
            ("https://www.hln.be/kortrijk/2-miljoen-euro~a8fce44f/", "www.hln.be"),
            ("https://fr.wikipedia.org/wiki/Tourcoing_(Nord)", "fr.wikipedia.org"),
            ("https://www.wikidata.org/wiki/Q42", "www.wikidata.org"),
            ("https://search.gleif.org/#/record/5493001KJTIIGC8Y1R12", "search.gleif.org"),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!(url.as_str(), text);
            assert_eq!(url.host(), host, "{text}");
        }
        assert_eq!(" \thttps://example.org/\n".parse::<Url>().unwrap().as_str(), "https://example.org/");
        let longest = format!("https://example.org/{}", "é".repeat(Url::MAX_CHARACTERS - 20));
        assert_eq!(longest.parse::<Url>().unwrap().as_str(), longest);
        assert!(format!("{longest}x").parse::<Url>().is_err());
    }

    #[test]
    fn a_host_without_its_scheme_gets_it() {
        for text in ["www.exemple.example", "WWW.exemple.example/a?b", " www.exemple.example "] {
            assert_eq!(text.parse::<Url>().unwrap().as_str(), format!("https://{}", text.trim()));
        }
        for text in ["www.", "www. exemple.example", "www.user@exemple.example", "wwwexemple.example"] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_public_page() {
        for text in [
            "",
            "example.org",
            "//example.org",
            "/path",
            "ftp://example.org",
            "javascript:alert(1)",
            "mailto:a@example.org",
            "data:text/html,x",
            "https:",
            "https://",
            "https:///example.org",
            "https:example.org",
            "https:/example.org",
            "https:\\\\example.org",
            "https://example.org\\@evil.example",
            "https://exa mple.org",
            "https://example.org/a b",
            "https://example.org/\u{0}",
            "https://example.org/a\nb",
            "https://example.org/\u{202e}gpj",
            "https://ex%61mple.org",
            "https://:80/",
            "https://?x",
            "https://example.org:99999/",
            "https://[::1",
            "https://<b>.example/",
            "https://example.org/\"x",
            "https://\u{200b}",
            "https://./x y",
            "https://999.999.999.999/",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }

    #[test]
    fn does_not_repeat_a_password() {
        for text in [
            "https://user:hunter2@example.org/",
            "https://hunter2@example.org",
            "https://@example.org/hunter2",
        ] {
            let message = text.parse::<Url>().unwrap_err().to_string();
            assert!(message.contains("password") && !message.contains("hunter2"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn host_is_the_one_a_browser_goes_to(text in "https?://[a-z0-9.:@\\[\\]-]{1,20}[/?#]?[ -~]{0,20}") {
            if let Ok(url) = text.parse::<Url>() {
                let parsed = ::url::Url::parse(url.as_str()).unwrap();
                prop_assert_eq!(parsed.username(), "");
                prop_assert_eq!(::url::Host::parse(&url.host()).unwrap(), parsed.host().unwrap().to_owned());
                prop_assert_eq!(url.to_string().parse::<Url>().unwrap(), url);
            }
        }
    }
}
