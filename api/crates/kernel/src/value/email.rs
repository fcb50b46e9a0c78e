//! E-mail addresses.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::{Expected, ValueError, is_hidden, serde_as_text, text_of};

static EXPECTED: Expected = Expected {
    en: "an e-mail address such as \"name@example.org\"",
    fr: "une adresse électronique comme « nom@example.org »",
    nl: "een e-mailadres zoals \"naam@example.org\"",
    de: "eine E-Mail-Adresse wie „name@example.org“",
};

/// The e-mail address of one mailbox, at most 254 bytes.
///
/// The form is the `Mailbox` of RFC 5321 section 4.1.2, with the letters of any script that RFC 6531 adds:
/// a local part of at most 64 bytes, plain (`first.last+tag`) or quoted (`"first last"`), and a domain that
/// is a fully qualified name, internationalised or not, or an address literal (`[192.0.2.1]`). The limit of
/// 254 bytes follows from the 256 that RFC 5321 section 4.5.3.1.3 allows for a path with its brackets. A
/// valid form does not mean that the mailbox exists. The text is kept as it was given, without the white
/// space around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Maximum bytes of an address in UTF-8.
    pub const MAX_BYTES: usize = 254;
    const MAX_LOCAL_BYTES: usize = 64;

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain after the last `@`, as it was given.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Whether a character may stand in a local part without quotes: `atext` of RFC 5322 section 3.2.3, or
/// a visible character beyond ASCII (RFC 6531 section 3.3).
fn is_atom(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_whitespace() && !is_hidden(c)
    }
}

fn is_local_part(text: &str) -> bool {
    if text.is_empty() || text.len() > EmailAddress::MAX_LOCAL_BYTES {
        return false;
    }
    match text.strip_prefix('"') {
        None => text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom)),
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted_content),
    }
}

/// Whether a text may stand between the quotes of a local part: visible characters and blanks, of which
/// the quote and the backslash follow a backslash.
fn is_quoted_content(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        let fine = match c {
            '"' => false,
            '\\' => matches!(characters.next(), Some(' '..='~')),
            ' '..='~' => true,
            other => is_atom(other),
        };
        if !fine {
            return false;
        }
    }
    true
}

fn is_domain(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        return literal.strip_suffix(']').is_some_and(|address| match address.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => address.parse::<Ipv4Addr>().is_ok(),
        });
    }
    if text.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '.' && c != '-')
        || text.contains(is_hidden)
    {
        return false;
    }
    // The host parser checks and encodes internationalised names (UTS #46); what is left are plain labels.
    match ::url::Host::parse(text) {
        Ok(::url::Host::Domain(domain)) => {
            domain.contains('.')
                && domain.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
        }
        _ => false,
    }
}

impl FromStr for EmailAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        match text.rsplit_once('@') {
            Some((local, domain))
                if text.len() <= Self::MAX_BYTES && is_local_part(local) && is_domain(domain) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ValueError::unexpected(&EXPECTED, text)),
        }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(EmailAddress);

/// An e-mail address, at most 254 bytes: "name@example.org". Tags, quoted names and internationalised
/// domains are fine. It is answered as it was given.
#[Scalar(name = "EmailAddress", specified_by_url = "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2")]
impl ScalarType for EmailAddress {
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
    fn accepts_odd_but_legal_addresses() {
        for text in [
            "info@flega.be",
            "first.last+tag@example.org",
            "o'brien@example.org",
            "!#$%&'*+-/=?^_`{|}~@example.org",
            "\"first last\"@example.org",
            "\"a@b\"@example.org",
            "\"a\\\"b\"@example.org",
            "\"\"@example.org",
            "user@münchen.example",
            "user@xn--mnchen-3ya.example",
            "rené@exemple.fr",
            "user@sub.domain.example.org",
            "1@2.example",
            "user@[192.0.2.1]",
            "user@[IPv6:2001:db8::1]",
            "USER@EXAMPLE.ORG",
            "user@例え.テスト",
        ] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), text);
        }
        assert_eq!(" info@flega.be\n".parse::<EmailAddress>().unwrap().as_str(), "info@flega.be");
        assert_eq!("\"a@b\"@Example.org".parse::<EmailAddress>().unwrap().domain(), "Example.org");
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "@",
            "user",
            "user@",
            "@example.org",
            "user@localhost",
            "user@example.org.",
            "user@.example.org",
            "user@example..org",
            ".user@example.org",
            "user.@example.org",
            "us..er@example.org",
            "us er@example.org",
            "a@b@example.org",
            "user@-a.example",
            "user@a-.example",
            "user@exa_mple.org",
            "user@192.0.2.1",
            "user@[192.0.2]",
            "user@[::1]",
            "user@ex%61mple.org",
            "\"a\"b@example.org",
            "\"a@example.org",
            "\"@example.org",
            "\"a\\\"@example.org",
            "user@example.org\nBcc: x@example.org",
            "us\ner@example.org",
            "user\u{200b}@example.org",
            "Name <user@example.org>",
            "user@example.org, b@example.org",
            "mailto:user@",
            "user(comment)@example.org",
            "user@exa\u{ad}mple.org",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn keeps_the_limits_of_length() {
        let local = "a".repeat(64);
        assert!(format!("{local}@example.org").parse::<EmailAddress>().is_ok());
        assert!(format!("{local}a@example.org").parse::<EmailAddress>().is_err());
        let label = "b".repeat(61);
        let domain = format!("{label}.{label}.{label}.be");
        let address = format!("{local}@{domain}");
        assert_eq!(address.len(), 253);
        assert!(address.parse::<EmailAddress>().is_ok());
        assert!(format!("{local}@b{domain}").parse::<EmailAddress>().is_ok());
        assert!(format!("{local}@bb{domain}").parse::<EmailAddress>().is_err());
        assert!(format!("user@{}.be", "b".repeat(64)).parse::<EmailAddress>().is_err());
    }

    proptest! {
        #[test]
        fn plain_addresses_read_back(text in "[a-z0-9]{1,10}([.+_-][a-z0-9]{1,10}){0,3}@([a-z][a-z0-9]{0,9}\\.){1,3}(be|fr|eu)") {
            let address: EmailAddress = text.parse().unwrap();
            prop_assert_eq!(address.to_string(), &*text);
            let json = serde_json::to_string(&address).unwrap();
            prop_assert_eq!(serde_json::from_str::<EmailAddress>(&json).unwrap(), address);
        }

        #[test]
        fn no_address_holds_a_line_break(text in "[a-z\"@. \r\n]{0,12}@[a-z.\r\n]{0,8}") {
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert!(!address.as_str().contains(['\r', '\n']));
            }
        }
    }
}
