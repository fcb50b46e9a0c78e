//! Instants.

use std::fmt;
use std::str::FromStr;

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use super::{Expected, ValueError, serde_as_text, text_of};

static EXPECTED: Expected = Expected {
    en: "a date and time with its offset (RFC 3339), such as \"2026-11-21T10:00:00Z\"",
    fr: "une date et une heure avec leur décalage (RFC 3339), comme « 2026-11-21T10:00:00Z »",
    nl: "een datum en tijd met tijdsverschil (RFC 3339), zoals \"2026-11-21T10:00:00Z\"",
    de: "Datum und Uhrzeit mit Zeitverschiebung (RFC 3339), etwa „2026-11-21T10:00:00Z“",
};

/// An instant in microseconds since the Unix epoch, from the year 0000 to the year 9999.
///
/// The text is RFC 3339. Any offset is accepted. Output is always UTC with `Z`, and has a fraction of six
/// digits only where the microseconds are not zero. Digits beyond the microsecond are dropped. A leap
/// second (`:60`) is read as the first second of the next minute, as Unix time counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime(i64);

impl DateTime {
    /// The Unix epoch, `1970-01-01T00:00:00Z`.
    pub const EPOCH: Self = Self(0);
    /// The first instant that can be written, `0000-01-01T00:00:00Z`.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// The last instant that can be written, `9999-12-31T23:59:59.999999Z`.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The instant at this number of microseconds since the Unix epoch.
    ///
    /// An instant outside the years 0000 to 9999, which RFC 3339 cannot write, becomes [`Self::MIN`] or
    /// [`Self::MAX`].
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the Unix epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant as a type of chrono.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "chrono knows every instant of the years 0000 to 9999"
    )]
    pub fn to_utc(self) -> chrono::DateTime<Utc> {
        chrono::DateTime::from_timestamp_micros(self.0).expect("a year from 0000 to 9999")
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    /// The same instant to the microsecond, within the years 0000 to 9999 as in [`DateTime::from_micros`].
    fn from(instant: chrono::DateTime<Utc>) -> Self {
        Self::from_micros(instant.timestamp_micros())
    }
}

impl FromStr for DateTime {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        chrono::DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|instant| instant.timestamp_micros())
            .filter(|micros| (Self::MIN.0..=Self::MAX.0).contains(micros))
            .map(Self)
            .ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = if self.0 % 1_000_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
        f.write_str(&self.to_utc().to_rfc3339_opts(precision, true))
    }
}

serde_as_text!(DateTime);

/// An instant as RFC 3339 writes it. Any offset is accepted; answers are always in UTC, with a fraction
/// of six digits only where there is one: "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456Z".
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(text_of(value, &EXPECTED)?.parse::<Self>()?)
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_utc_and_reads_any_offset() {
        for (text, canonical) in [
            ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
            ("2026-11-21t10:00:00z", "2026-11-21T10:00:00Z"),
            ("2026-11-21T10:00:00.000000Z", "2026-11-21T10:00:00Z"),
            ("2026-11-21T10:00:00.1Z", "2026-11-21T10:00:00.100000Z"),
            ("2026-11-21T10:00:00.123456Z", "2026-11-21T10:00:00.123456Z"),
            ("2026-11-21T10:00:00.1234569Z", "2026-11-21T10:00:00.123456Z"),
            ("1960-01-01T00:00:00.9999999Z", "1960-01-01T00:00:00.999999Z"),
            ("2026-11-21T11:00:00+01:00", "2026-11-21T10:00:00Z"),
            ("2026-11-20T22:30:00-11:30", "2026-11-21T10:00:00Z"),
            ("2026-11-21T10:00:00-00:00", "2026-11-21T10:00:00Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), canonical, "{text}");
        }
        assert_eq!(DateTime::MIN.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(DateTime::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(DateTime::from_micros(i64::MIN), DateTime::MIN);
        assert_eq!(DateTime::from_micros(i64::MAX), DateTime::MAX);
        assert_eq!(DateTime::EPOCH.to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00Z",
            "2026-02-30T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00+0100",
            "2026-11-21T10:00:00+24:00",
            " 2026-11-21T10:00:00Z",
            "2026-11-21T10:00:00Z ",
            "1795255200",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "+2026-11-21T10:00:00Z",
        ] {
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(micros in DateTime::MIN.0..=DateTime::MAX.0, minutes in -1439i32..=1439) {
            let instant = DateTime::from_micros(micros);
            prop_assert_eq!(instant.to_string().parse::<DateTime>().unwrap(), instant);
            prop_assert_eq!(DateTime::from(instant.to_utc()), instant);
            prop_assert_eq!(serde_json::from_value::<DateTime>(serde_json::to_value(instant).unwrap()).unwrap(), instant);
            let there = instant.to_utc().with_timezone(&chrono::FixedOffset::east_opt(minutes * 60).unwrap());
            prop_assume!((0..=9999).contains(&chrono::Datelike::year(&there)));
            prop_assert_eq!(there.to_rfc3339().parse::<DateTime>().unwrap(), instant);
        }
    }
}
