//! Calendar dates.

use std::fmt;
use std::str::FromStr;

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate};

use super::{Expected, ValueError, serde_as_text, text_of};

static EXPECTED: Expected = Expected {
    en: "a calendar day written YYYY-MM-DD, such as \"2009-07-01\"",
    fr: "un jour écrit AAAA-MM-JJ, comme « 2009-07-01 »",
    nl: "een dag geschreven als JJJJ-MM-DD, zoals \"2009-07-01\"",
    de: "ein Tag in der Form JJJJ-MM-TT, etwa „2009-07-01“",
};

/// A day of the Gregorian calendar, years 0001 to 9999, without time or time zone.
///
/// The text is the ISO 8601 calendar date in its extended form, which RFC 3339 calls `full-date`:
/// `YYYY-MM-DD` and nothing else. The order is that of the days, and the byte order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(NaiveDate);

impl Date {
    /// The day as a type of chrono.
    pub fn naive(self) -> NaiveDate {
        self.0
    }
}

impl TryFrom<NaiveDate> for Date {
    type Error = ValueError;

    /// The same day; years outside 1 to 9999 are refused.
    fn try_from(date: NaiveDate) -> Result<Self, ValueError> {
        if (1..=9999).contains(&date.year()) {
            Ok(Self(date))
        } else {
            Err(ValueError::unexpected(&EXPECTED, &date.to_string()))
        }
    }
}

impl FromStr for Date {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bytes = text.as_bytes();
        let date = if let [year @ .., b'-', m1, m2, b'-', d1, d2] = bytes
            && year.len() == 4
            && let (Some(year), Some(month), Some(day)) =
                (digits(year), digits(&[*m1, *m2]), digits(&[*d1, *d2]))
        {
            NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))
        } else {
            None
        };
        date.and_then(|date| Self::try_from(date).ok()).ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

/// Reads up to four ASCII digits, and nothing else, as a number.
pub(super) fn digits(bytes: &[u8]) -> Option<u16> {
    (bytes.len() <= 4 && bytes.iter().all(u8::is_ascii_digit))
        .then(|| bytes.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

serde_as_text!(Date);

/// A day of the Gregorian calendar, without time or time zone, written YYYY-MM-DD: "2026-11-21".
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
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
    use crate::value::PartialDate;

    #[test]
    fn reads_days_and_nothing_else() {
        assert_eq!(
            "2024-02-29".parse::<Date>().unwrap().naive(),
            NaiveDate::from_ymd_opt(2024, 2, 29).unwrap()
        );
        for text in [
            "",
            "2009",
            "2009-07",
            "2009-7-1",
            "2009-07-1",
            "2009-02-29",
            "0000-01-01",
            "10000-01-01",
            "+2009-07-01",
            "2009-07-01 ",
            " 2009-07-01",
            "2009/07/01",
            "20090701",
            "2009-W01-1",
            "2009-07-01T00:00:00Z",
            "2009-07-é",
            "-009-01-01",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    #[test]
    fn is_a_string_for_serde() {
        let date: Date = serde_json::from_str("\"0009-07-01\"").unwrap();
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"0009-07-01\"");
    }

    proptest! {
        #[test]
        fn text_and_order_agree(a in 1i32..=3_652_059, b in 1i32..=3_652_059) {
            let day = |days| Date::try_from(NaiveDate::from_num_days_from_ce_opt(days).unwrap()).unwrap();
            let (x, y) = (day(a), day(b));
            prop_assert_eq!(x.to_string().parse::<Date>().unwrap(), x);
            prop_assert_eq!(x.cmp(&y), x.to_string().cmp(&y.to_string()));
            prop_assert_eq!(PartialDate::from(x).to_string(), x.to_string());
            prop_assert_eq!(PartialDate::from(x).first_day(), x.naive());
        }
    }
}
