//! Time zones, and what dates and hours of a place are as instants.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{self, AmbiguousOffset};

use super::{DateTime, Expected, PartialDate, ValueError, serde_as_text};

static EXPECTED: Expected = Expected {
    en: "the name of a time zone in the IANA database, such as \"Europe/Paris\"",
    fr: "un fuseau horaire IANA, comme « Europe/Brussels »",
    nl: "een IANA-tijdzone, zoals \"Europe/Brussels\"",
    de: "eine IANA-Zeitzone, etwa „Europe/Brussels“",
};
static EXPECTED_HOUR: Expected = Expected {
    en: "an hour of the day written HH:MM, such as \"09:00\"",
    fr: "une heure de la journée, comme « 09:00 »",
    nl: "een uur van de dag, zoals \"09:00\"",
    de: "eine Uhrzeit, etwa „09:00“",
};

/// Minutes of a day without a change of clocks.
const DAY: u16 = 24 * 60;

/// A time zone of the IANA database, of which the program has a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

/// An hour of the day, to the minute. `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u16);

/// The instant that an hour of a day is in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalTime {
    /// There is one.
    Once(DateTime),
    /// Clocks go back and show the hour twice: this is the earlier one.
    Twice(DateTime),
    /// Clocks go forward and skip the hour.
    Never,
}

impl LocalTime {
    /// The instant, the earlier one of two.
    pub fn instant(self) -> Option<DateTime> {
        match self {
            Self::Once(instant) | Self::Twice(instant) => Some(instant),
            Self::Never => None,
        }
    }
}

impl TimeZone {
    /// Its name in the database.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day that it is there at an instant.
    pub fn day(&self, at: DateTime) -> NaiveDate {
        self.local(at).date()
    }

    /// The date and time that clocks there show at an instant.
    pub fn local(&self, at: DateTime) -> chrono::NaiveDateTime {
        let offset = match Timestamp::from_microsecond(at.micros()) {
            Ok(instant) => self.0.to_offset(instant).seconds(),
            // Instants of the last days of the year 9999, after those that the library knows.
            Err(_) => 0,
        };
        at.to_utc().naive_utc() + chrono::TimeDelta::seconds(offset.into())
    }

    /// The first instant of a day. Where clocks skip midnight it is the first hour that there is.
    pub fn begins(&self, day: NaiveDate) -> DateTime {
        let midnight =
            civil(day).and_then(|date| self.0.to_timestamp(date.to_datetime(civil::Time::midnight())).ok());
        midnight.map_or(DateTime::MAX, |instant| DateTime::from_micros(instant.as_microsecond()))
    }

    /// The first instant after a day.
    pub fn ends(&self, day: NaiveDate) -> DateTime {
        day.succ_opt().map_or(DateTime::MAX, |next| self.begins(next))
    }

    /// The first instant of the days that a date may mean, and the first instant after them.
    pub fn span(&self, date: PartialDate) -> (DateTime, DateTime) {
        (self.begins(date.first_day()), self.ends(date.last_day()))
    }

    /// The instant that an hour of a day is: the earlier one of two, and where clocks skip the hour, the one that they would
    /// have shown it at without.
    pub fn instant(&self, day: NaiveDate, hour: Hour) -> DateTime {
        let skipped = || DateTime::from_micros(self.begins(day).micros() + i64::from(hour.0) * 60_000_000);
        self.at(day, hour).instant().unwrap_or_else(skipped)
    }

    /// The instant that an hour of a day is.
    pub fn at(&self, day: NaiveDate, hour: Hour) -> LocalTime {
        if hour == Hour::END_OF_DAY {
            return LocalTime::Once(self.ends(day));
        }
        let minutes = i64::from(hour.0);
        let (of_day, of_hour) = (i8::try_from(minutes / 60), i8::try_from(minutes % 60));
        let time = of_day.ok().zip(of_hour.ok()).and_then(|(h, m)| civil::Time::new(h, m, 0, 0).ok());
        let Some((date, time)) = civil(day).zip(time) else { return LocalTime::Never };
        let found = self.0.to_ambiguous_timestamp(date.to_datetime(time));
        let kind = found.offset();
        let instant =
            || found.earlier().map_or(DateTime::MAX, |it| DateTime::from_micros(it.as_microsecond()));
        match kind {
            AmbiguousOffset::Unambiguous { .. } => LocalTime::Once(instant()),
            AmbiguousOffset::Fold { .. } => LocalTime::Twice(instant()),
            AmbiguousOffset::Gap { .. } => LocalTime::Never,
        }
    }
}

fn civil(day: NaiveDate) -> Option<civil::Date> {
    let (year, month, day) = (i16::try_from(day.year()), i8::try_from(day.month()), i8::try_from(day.day()));
    civil::Date::new(year.ok()?, month.ok()?, day.ok()?).ok()
}

impl FromStr for TimeZone {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let found = tz::TimeZone::get(text).ok().filter(|zone| zone.iana_name().is_some());
        found.map(Self).ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Hour {
    /// The end of a day.
    pub const END_OF_DAY: Self = Self(DAY);
}

impl FromStr for Hour {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let two = |digits: [u8; 2]| {
            digits
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| u16::from(digits[0] - b'0') * 10 + u16::from(digits[1] - b'0'))
        };
        let minutes = match text.as_bytes() {
            [h1, h2, b':', m1, m2] => two([*h1, *h2]).zip(two([*m1, *m2])),
            _ => None,
        };
        minutes
            .filter(|(_, minutes)| *minutes < 60)
            .map(|(hours, minutes)| hours * 60 + minutes)
            .filter(|minutes| *minutes <= DAY)
            .map(Self)
            .ok_or_else(|| ValueError::unexpected(&EXPECTED_HOUR, text))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

serde_as_text!(TimeZone);
serde_as_text!(Hour);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        name.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(name: &str, date: &str, hour: &str) -> String {
        match zone(name).at(day(date), hour.parse().unwrap()) {
            LocalTime::Once(instant) => instant.to_string(),
            LocalTime::Twice(instant) => format!("twice {instant}"),
            LocalTime::Never => "never".into(),
        }
    }

    #[test]
    fn hours_are_instants_in_summer_and_in_winter() {
        for (name, date, hour, instant) in [
            ("Europe/Paris", "2026-07-01", "09:00", "2026-07-01T07:00:00Z"),
            ("Europe/Brussels", "2026-12-01", "09:00", "2026-12-01T08:00:00Z"),
            ("Europe/Paris", "2026-12-01", "24:00", "2026-12-01T23:00:00Z"),
            ("Europe/London", "2026-07-01", "00:00", "2026-06-30T23:00:00Z"),
            ("UTC", "2026-07-01", "23:59", "2026-07-01T23:59:00Z"),
            ("Asia/Kolkata", "2026-07-01", "09:00", "2026-07-01T03:30:00Z"),
        ] {
            assert_eq!(at(name, date, hour), instant, "{name} {date} {hour}");
        }
    }

    #[test]
    fn clocks_skip_an_hour_in_march_and_repeat_one_in_october() {
        for (hour, instant) in [
            ("01:59", "2026-03-29T00:59:00Z"),
            ("02:00", "never"),
            ("02:30", "never"),
            ("02:59", "never"),
            ("03:00", "2026-03-29T01:00:00Z"),
        ] {
            assert_eq!(at("Europe/Paris", "2026-03-29", hour), instant, "{hour}");
        }
        for (hour, instant) in [
            ("01:59", "2026-10-24T23:59:00Z"),
            ("02:00", "twice 2026-10-25T00:00:00Z"),
            ("02:30", "twice 2026-10-25T00:30:00Z"),
            ("03:00", "2026-10-25T02:00:00Z"),
        ] {
            assert_eq!(at("Europe/Paris", "2026-10-25", hour), instant, "{hour}");
        }
    }

    #[test]
    fn days_are_as_long_as_their_clocks_say() {
        let paris = zone("Europe/Paris");
        let hours =
            |text: &str| (paris.ends(day(text)).micros() - paris.begins(day(text)).micros()) / 3_600_000_000;
        assert_eq!([hours("2026-03-29"), hours("2026-10-25"), hours("2026-07-01")], [23, 25, 24]);
        // Clocks go forward at midnight there.
        assert_eq!(zone("Asia/Beirut").begins(day("2026-03-29")).to_string(), "2026-03-28T22:00:00Z");
        assert_eq!(zone("Asia/Beirut").day("2026-03-28T22:00:00Z".parse().unwrap()), day("2026-03-29"));
    }

    #[test]
    fn a_partial_date_spans_what_it_may_mean() {
        let span = |text: &str| {
            let (begins, ends) = zone("Europe/Paris").span(text.parse().unwrap());
            format!("{begins} {ends}")
        };
        assert_eq!(span("2009-07-01"), "2009-06-30T22:00:00Z 2009-07-01T22:00:00Z");
        assert_eq!(span("2009-07"), "2009-06-30T22:00:00Z 2009-07-31T22:00:00Z");
        assert_eq!(span("2009"), "2008-12-31T23:00:00Z 2009-12-31T23:00:00Z");
        assert!(span("9999").ends_with("9999-12-31T23:59:59.999999Z"));
    }

    #[test]
    fn names_are_those_of_the_database() {
        assert_eq!(zone("europe/paris").name(), "Europe/Paris");
        for text in [
            "",
            "Europe",
            "Europe/Lille",
            "CEST",
            "+01:00",
            "Etc/Unknown",
            "Europe/Paris ",
            "../etc/passwd",
            "local",
        ] {
            assert!(text.parse::<TimeZone>().is_err(), "{text}");
        }
    }

    #[test]
    fn hours_have_four_digits() {
        for text in ["00:00", "09:00", "23:59", "24:00"] {
            assert_eq!(text.parse::<Hour>().unwrap().to_string(), text);
        }
        for text in
            ["", "9:00", "09:60", "24:01", "25:00", "0900", "09:00:00", "09h00", "-9:00", "+9:00", "٠٩:٠٠"]
        {
            assert!(text.parse::<Hour>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_hour_is_shown_by_the_clocks_at_its_instant(
            days in 719_163i32..=760_000,
            minutes in 0u16..DAY,
            name in prop::sample::select(vec!["Europe/Paris", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
        ) {
            let (zone, day) = (zone(name), NaiveDate::from_num_days_from_ce_opt(days).unwrap());
            let hour = Hour(minutes);
            if let Some(instant) = zone.at(day, hour).instant() {
                let local = zone.local(instant);
                prop_assert_eq!(local.date(), day);
                prop_assert_eq!(local.format("%H:%M").to_string(), hour.to_string());
                prop_assert!(zone.begins(day) <= instant && instant < zone.ends(day));
            }
        }

        #[test]
        fn every_instant_lies_in_its_day(
            micros in 0i64..=4_102_444_800_000_000,
            name in prop::sample::select(vec!["Europe/Paris", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
        ) {
            let (zone, instant) = (zone(name), DateTime::from_micros(micros));
            let day = zone.day(instant);
            prop_assert!(zone.begins(day) <= instant && instant < zone.ends(day));
        }
    }
}
