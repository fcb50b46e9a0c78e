//! The small values that records are made of: dates, addresses of the web, money, identifiers,
//! languages, and the order of words.
//!
//! A value of these types is valid by construction: all input is read with `FromStr` (or the equivalent
//! named in the type). The text that `Display` writes reads back to the same value. Nothing here reads a
//! clock, a database or a setting.

mod collation;
mod country;
mod date;
mod date_time;
mod decimal;
mod email;
mod given;
mod identifier;
mod language;
mod partial_date;
pub mod slug;
mod time_zone;
mod url;

use std::fmt;

use async_graphql::Value;

pub use collation::{SORT_KEY_BYTES, SORT_KEY_CHARACTERS, fold, sort_key};
pub use country::Country;
pub use date::Date;
pub use date_time::DateTime;
pub use decimal::{Currency, Decimal, Money};
pub use email::EmailAddress;
pub use given::Given;
pub use identifier::{Identifier, IdentifierScheme};
pub use language::{Language, LanguagePreferences, LocalizedText, Served};
pub use partial_date::PartialDate;
pub use time_zone::{Hour, LocalTime, TimeZone};
pub use url::Url;

/// The form of a value that is accepted, in each language of the directory: with an article, and usually an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    en: &'static str,
    fr: &'static str,
    nl: &'static str,
    de: &'static str,
}

impl Expected {
    /// The form in a language.
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Fr => self.fr,
            Language::Nl => self.nl,
            Language::De => self.de,
        }
    }
}

/// The error for a text that is not a value of its type.
///
/// The message is one English sentence fit for an API user, without capital and full stop: it states what
/// was expected and repeats at most 80 characters of what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The text does not have the expected form, or names something that does not exist.
    #[error("expected {}, but found {found}", .expected.en)]
    Unexpected {
        /// The form that is accepted.
        expected: &'static Expected,
        /// The start of what was given instead.
        found: Found,
    },
    /// The text is refused and may hold a secret, so that it is not repeated.
    #[error("expected {}", .expected.en)]
    Withheld {
        /// The form that is accepted.
        expected: &'static Expected,
    },
    /// Two amounts of different currencies were to be added.
    #[error("expected amounts of one currency, but found {left} and {right}")]
    CurrenciesDiffer {
        /// The currency of the first amount.
        left: Currency,
        /// The currency of the second amount.
        right: Currency,
    },
}

impl ValueError {
    /// Makes an error that repeats the start of `found`.
    pub fn unexpected(expected: &'static Expected, found: &str) -> Self {
        Self::Unexpected { expected, found: Found::text(found) }
    }
}

/// The rejected input in an error: a short, printable rendering of it, never the whole of a long text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found(String);

impl Found {
    /// How many characters of a rejected text are repeated.
    const CHARACTERS: usize = 80;

    fn text(text: &str) -> Self {
        Self(format!("\"{}\"", Self::excerpt(text)))
    }

    fn excerpt(text: &str) -> String {
        let mut rest = text.chars();
        let mut excerpt: String = rest
            .by_ref()
            .take(Self::CHARACTERS)
            .map(|c| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        if rest.next().is_some() {
            excerpt.push('…');
        }
        excerpt
    }

    fn value(value: &Value) -> Self {
        match value {
            Value::Null => Self("null".to_owned()),
            Value::Number(number) => Self(Self::excerpt(&number.to_string())),
            Value::String(text) => Self::text(text),
            Value::Boolean(boolean) => Self(boolean.to_string()),
            Value::Binary(_) => Self("binary data".to_owned()),
            Value::Enum(name) => Self(Self::excerpt(name)),
            Value::List(_) => Self("a list".to_owned()),
            Value::Object(_) => Self("an object".to_owned()),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character is invisible, or changes how its neighbours are shown: controls, invisible
/// separators and the marks that reverse the direction of writing (Unicode UAX #9).
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Takes the text out of a GraphQL input value; anything else is an error that names what was expected.
fn text_of(value: Value, expected: &'static Expected) -> Result<String, ValueError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(ValueError::Unexpected { expected, found: Found::value(&other) }),
    }
}

/// Writes a type with serde as the text of its `Display`, and reads it with its `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use serde_as_text;

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use proptest::prelude::*;

    use super::*;

    struct Query;

    #[Object]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    impl Query {
        async fn day(&self, day: Date) -> Date {
            day
        }
        async fn about(&self, date: PartialDate) -> PartialDate {
            date
        }
        async fn at(&self, at: DateTime) -> DateTime {
            at
        }
        async fn page(&self, url: Url) -> Url {
            url
        }
        async fn email(&self, email: EmailAddress) -> EmailAddress {
            email
        }
        async fn decimal(&self, decimal: Decimal) -> Decimal {
            decimal
        }
        async fn money(&self, amount: Decimal, currency: String) -> async_graphql::Result<Money> {
            Ok(Money::new(amount, currency.parse()?)?)
        }
        async fn identifier(
            &self,
            scheme: IdentifierScheme,
            value: String,
        ) -> async_graphql::Result<Identifier> {
            Ok(Identifier::parse(scheme, &value)?)
        }
        async fn text(&self, language: Language) -> LocalizedText {
            LocalizedText { language, text: "x".to_owned() }
        }
    }

    /// Runs a query to its end without a runtime: nothing in it ever waits.
    fn run(query: &str) -> Result<serde_json::Value, String> {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let mut future = std::pin::pin!(schema.execute(query));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let response = loop {
            if let std::task::Poll::Ready(response) = future.as_mut().poll(&mut context) {
                break response;
            }
        };
        match response.errors.first() {
            Some(error) => Err(error.message.clone()),
            None => Ok(response.data.into_json().unwrap()),
        }
    }

    #[test]
    fn the_schema_says_what_the_contract_says() {
        let options = async_graphql::SDLExportOptions::new().include_specified_by();
        let sdl = Schema::new(Query, EmptyMutation, EmptySubscription).sdl_with_options(options);
        for line in [
            "scalar DateTime @specifiedBy",
            "scalar Date @specifiedBy",
            "scalar PartialDate @specifiedBy",
            "scalar URL @specifiedBy",
            "scalar EmailAddress @specifiedBy",
            "scalar Decimal",
            "amount: Decimal!",
            "currency: String!",
            "scheme: IdentifierScheme!",
            "value: String!",
            "url: URL\n",
            "language: Language!",
            "text: String!",
        ] {
            assert!(sdl.contains(line), "{line} is missing from\n{sdl}");
        }
        for item in [
            "SIREN", "SIRET", "BCE", "VAT", "LEI", "ISNI", "ORCID", "ROR", "RNA", "WIKIDATA", "EIDR", "FR",
            "NL", "EN", "DE",
        ] {
            assert!(
                sdl.contains(&format!("\"\"\"\n\t{item}\n")),
                "{item} is missing or has no description in\n{sdl}"
            );
        }
        for name in [
            "scalar DateTime",
            "scalar Date ",
            "scalar PartialDate",
            "scalar URL",
            "scalar EmailAddress",
            "scalar Decimal",
            "type Money",
            "type Identifier",
            "type LocalizedText",
            "enum Language",
            "enum IdentifierScheme",
        ] {
            assert!(sdl.contains(&format!("\"\"\"\n{name}")), "{name} has no description in\n{sdl}");
        }
    }

    #[test]
    fn values_go_through_graphql_in_their_canonical_form() {
        let reply =
            run(r#"{ day(day: "2009-07-01") about(date: "2009-07") at(at: "2026-11-21T11:00:00+01:00")
                 page(url: " https://www.flega.be/ ") email(email: "info@flega.be") decimal(decimal: 1850000)
                 money(amount: "1850000", currency: "EUR") { amount currency }
                 identifier(scheme: ORCID, value: "0000000218250097") { scheme value url }
                 text(language: NL) { language } }"#);
        let expected = serde_json::json!({
            "day": "2009-07-01", "about": "2009-07", "at": "2026-11-21T10:00:00Z",
            "page": "https://www.flega.be/", "email": "info@flega.be", "decimal": "1850000",
            "money": { "amount": "1850000.00", "currency": "EUR" },
            "identifier": { "scheme": "ORCID", "value": "0000-0002-1825-0097", "url": "https://orcid.org/0000-0002-1825-0097" },
            "text": { "language": "NL" },
        });
        assert_eq!(reply.unwrap(), expected);
    }

    #[test]
    fn refusals_name_what_was_expected() {
        for (query, part) in [
            (r#"{ day(day: "2009-02-30") }"#, "YYYY-MM-DD"),
            ("{ day(day: 2009) }", "but found 2009"),
            (r#"{ about(date: "July") }"#, "\"2009-07\""),
            (r#"{ at(at: "yesterday") }"#, "RFC 3339"),
            (r#"{ page(url: "flega.be") }"#, "http"),
            (r#"{ email(email: "flega.be") }"#, "e-mail address"),
            ("{ decimal(decimal: 1.5) }", "as a string"),
            (r#"{ money(amount: "1", currency: "ECU") { amount } }"#, "ISO 4217"),
            (r#"{ identifier(scheme: SIREN, value: "1") { value } }"#, "SIREN"),
            ("{ day(day: {a: 1}) }", "an object"),
        ] {
            let message = run(query).unwrap_err();
            assert!(message.contains(part), "{query}: {message}");
        }
    }

    #[test]
    fn a_long_or_strange_text_is_cut_in_the_message() {
        let message = "\u{202e}\n".repeat(3000).parse::<Date>().unwrap_err().to_string();
        assert!(message.chars().count() < 250, "{message}");
        assert!(!message.contains(is_hidden));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic_and_no_message_is_long(text in "\\PC{0,300}|.{0,300}") {
            let errors = [
                text.parse::<Date>().err(), text.parse::<PartialDate>().err(), text.parse::<DateTime>().err(),
                text.parse::<Url>().err(), text.parse::<EmailAddress>().err(), text.parse::<Decimal>().err(),
                text.parse::<Currency>().err(), text.parse::<IdentifierScheme>().err(), text.parse::<Language>().err(),
            ];
            for error in errors.into_iter().flatten() {
                prop_assert!(error.to_string().chars().count() < 260);
            }
            LanguagePreferences::parse(&text);
            sort_key(&text);
            fold(&text);
        }
    }
}
