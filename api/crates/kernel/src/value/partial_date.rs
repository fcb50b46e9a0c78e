//! Dates known to the year, the month or the day.

use std::fmt;
use std::str::FromStr;

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate};

use super::date::{Date, digits};
use super::{Expected, ValueError, serde_as_text, text_of};

static EXPECTED: Expected = Expected {
    en: "a date known to the year, month or day, such as \"2009\", \"2009-07\" or \"2009-07-01\"",
    fr: "une date connue à l’année, au mois ou au jour près, comme « 2009 », « 2009-07 » ou « 2009-07-01 »",
    nl: "een datum op het jaar, de maand of de dag nauwkeurig, zoals \"2009\", \"2009-07\" of \"2009-07-01\"",
    de: "ein Datum auf Jahr, Monat oder Tag genau, etwa „2009“, „2009-07“ oder „2009-07-01“",
};

/// A date of the Gregorian calendar that is as precise as what is known: a year, a month or a day.
///
/// The text is EDTF level 0 (Library of Congress, Extended Date/Time Format; also ISO 8601-2:2019),
/// dates only, years 0001 to 9999. The order is the byte order of the text, so that a less precise date
/// comes before the more precise ones it contains: `2009` < `2009-01` < `2009-01-01` < `2009-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialDate {
    year: u16,
    // 0 where it is not known; the derived order relies on that, and on the order of these fields.
    month: u8,
    day: u8,
}

impl PartialDate {
    /// Makes a date from a year (1 to 9999), a month (1 to 12) and a day of that month.
    ///
    /// # Errors
    /// Refuses what is no date, and a day without a month.
    pub fn new(year: u16, month: Option<u8>, day: Option<u8>) -> Result<Self, ValueError> {
        let real = (1..=9999).contains(&year)
            && match (month, day) {
                (None, None) => true,
                (None, Some(_)) => false,
                (Some(month), day) => {
                    NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day.unwrap_or(1)))
                        .is_some()
                }
            };
        if real {
            Ok(Self { year, month: month.unwrap_or(0), day: day.unwrap_or(0) })
        } else {
            let part = |number: Option<u8>| number.map_or(String::new(), |number| format!("-{number:02}"));
            Err(ValueError::unexpected(&EXPECTED, &format!("{year:04}{}{}", part(month), part(day))))
        }
    }

    /// The year, 1 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, where it is known.
    pub fn month(self) -> Option<u8> {
        (self.month != 0).then_some(self.month)
    }

    /// The day of the month, 1 to 31, where it is known.
    pub fn day(self) -> Option<u8> {
        (self.day != 0).then_some(self.day)
    }

    /// The first day that this date can mean: `2009` gives 1 January 2009.
    pub fn first_day(self) -> NaiveDate {
        self.with_day(u32::from(self.month.max(1)), u32::from(self.day.max(1)))
    }

    /// The last day that this date can mean: `2009-02` gives 28 February 2009.
    pub fn last_day(self) -> NaiveDate {
        let month = if self.month == 0 { 12 } else { u32::from(self.month) };
        let day = if self.day == 0 {
            u32::from(self.with_day(month, 1).num_days_in_month())
        } else {
            u32::from(self.day)
        };
        self.with_day(month, day)
    }

    #[expect(clippy::expect_used, reason = "the parts of a date were checked when it was made")]
    fn with_day(self, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(i32::from(self.year), month, day).expect("a checked date exists")
    }
}

impl From<Date> for PartialDate {
    /// The same day.
    #[expect(clippy::expect_used, reason = "a date has a year of four digits, and small months and days")]
    fn from(date: Date) -> Self {
        let date = date.naive();
        Self {
            year: u16::try_from(date.year()).expect("a year from 1 to 9999"),
            month: u8::try_from(date.month()).expect("a month from 1 to 12"),
            day: u8::try_from(date.day()).expect("a day from 1 to 31"),
        }
    }
}

impl FromStr for PartialDate {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refuse = || ValueError::unexpected(&EXPECTED, text);
        let part = |from: usize| match text.as_bytes().get(from..from + 3) {
            Some([b'-', two @ ..]) => {
                digits(two).and_then(|number| u8::try_from(number).ok()).map(Some).ok_or_else(refuse)
            }
            _ => Ok(None),
        };
        let year = text.as_bytes().get(..4).and_then(digits).ok_or_else(refuse)?;
        let (month, day) = match text.len() {
            4 => (None, None),
            7 => (Some(part(4)?.ok_or_else(refuse)?), None),
            10 => (Some(part(4)?.ok_or_else(refuse)?), Some(part(7)?.ok_or_else(refuse)?)),
            _ => return Err(refuse()),
        };
        Self::new(year, month, day).map_err(|_| refuse())
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month != 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day != 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

serde_as_text!(PartialDate);

/// A date of the Gregorian calendar that is as precise as what is known: a year "2009", a month
/// "2009-07" or a day "2009-07-01". In lists, "2009" comes before "2009-01".
#[Scalar(name = "PartialDate", specified_by_url = "https://www.loc.gov/standards/datetime/")]
impl ScalarType for PartialDate {
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

    fn read(text: &str) -> PartialDate {
        text.parse().unwrap()
    }

    #[test]
    fn spans_the_days_it_can_mean() {
        for (text, first, last) in [
            ("2009", "2009-01-01", "2009-12-31"),
            ("2009-02", "2009-02-01", "2009-02-28"),
            ("2000-02", "2000-02-01", "2000-02-29"),
            ("1900-02", "1900-02-01", "1900-02-28"),
            ("2009-07-01", "2009-07-01", "2009-07-01"),
            ("0001", "0001-01-01", "0001-12-31"),
            ("9999-12", "9999-12-01", "9999-12-31"),
        ] {
            assert_eq!(read(text).first_day().to_string(), first, "{text}");
            assert_eq!(read(text).last_day().to_string(), last, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2",
            "209",
            "02009",
            "0000",
            "2009-",
            "2009-0",
            "2009-00",
            "2009-13",
            "2009-1",
            "2009-7-1",
            "2009-02-29",
            "2009-07-00",
            "2009-07-32",
            "2009-07-1",
            "2009/07",
            "2009-07-01T00:00:00Z",
            " 2009",
            "2009 ",
            "+2009",
            "-009",
            "2009-+7",
            "2009~",
            "2009?",
            "200X",
            "20é",
            "2009-0é",
            "２００９",
            "2009-07-0\u{661}",
        ] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
        assert!(PartialDate::new(2009, None, Some(1)).is_err());
        assert!(PartialDate::new(10000, None, None).is_err());
    }

    #[test]
    fn is_ordered_as_its_text() {
        let dates = ["2009", "2009-01", "2009-01-01", "2009-01-31", "2009-02", "2009-12-31", "2010"];
        assert!(dates.windows(2).all(|pair| read(pair[0]) < read(pair[1])));
    }

    #[test]
    fn is_a_string_for_serde() {
        assert_eq!(serde_json::to_string(&read("2009-07")).unwrap(), "\"2009-07\"");
        assert_eq!(serde_json::from_str::<PartialDate>("\"2009-07\"").unwrap(), read("2009-07"));
        assert!(serde_json::from_str::<PartialDate>("2009").is_err());
    }

    fn any_partial_date() -> impl Strategy<Value = PartialDate> {
        (1u16..=9999, 0u8..=12, 0u8..=31).prop_filter_map("a real date", |(year, month, day)| {
            let some = |number: u8| (number > 0).then_some(number);
            PartialDate::new(year, some(month), some(day)).ok()
        })
    }

    proptest! {
        #[test]
        fn text_and_order_agree(a in any_partial_date(), b in any_partial_date()) {
            prop_assert_eq!(read(&a.to_string()), a);
            prop_assert_eq!(a.cmp(&b), a.to_string().as_bytes().cmp(b.to_string().as_bytes()));
            prop_assert!(a.first_day() <= a.last_day());
        }
    }
}
