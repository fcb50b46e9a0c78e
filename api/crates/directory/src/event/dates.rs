//! The time that an event spans, whatever the precision of its dates.
//!
//! A date is a day of the event's time zone, a month or a year. It spans all that it may mean: `2009-07` is the whole month
//! of July there. Where the hour of the beginning or of the end is known, it counts instead. An event without an end spans
//! the days of its beginning, one without a beginning those of its end, and one without both spans nothing.

use entity::event::Model;

use kernel::list::length_class;
use kernel::messages::{self, FilledMessage};
use kernel::problem::Problem;
use kernel::value::{DateTime, PartialDate, TimeZone};

/// The dates of an event.
#[derive(Clone, Debug)]
pub(super) struct Dates {
    pub(super) zone: TimeZone,
    pub(super) starts_on: Option<PartialDate>,
    pub(super) ends_on: Option<PartialDate>,
    pub(super) starts_at: Option<DateTime>,
    pub(super) ends_at: Option<DateTime>,
}

/// The first instant of a time, and the first instant after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begins: DateTime,
    pub(super) ends: DateTime,
}

impl Span {
    /// The problem of a part of an event that lies outside it.
    pub(super) fn outside(self, path: String, zone: &TimeZone) -> Problem {
        let shown = |at: DateTime| zone.local(at).format("%Y-%m-%d %H:%M").to_string();
        let said = FilledMessage::new(&messages::events::OUTSIDE_EVENT).with("start", shown(self.begins));
        Problem::at(path, said.with("end", shown(self.ends)))
    }
}

impl Dates {
    /// The dates of a row; none where its time zone is not known.
    pub(super) fn of(row: &Model) -> Option<Self> {
        let date = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        Some(Self {
            zone: row.time_zone.parse().ok()?,
            starts_on: date(&row.starts_on),
            ends_on: date(&row.ends_on),
            starts_at: row.starts_at.map(DateTime::from_micros),
            ends_at: row.ends_at.map(DateTime::from_micros),
        })
    }

    /// The time that they span; none where there is no date.
    pub(super) fn span(&self) -> Option<Span> {
        let days = |date: Option<PartialDate>| date.map(|date| self.zone.span(date));
        let day_of = |at: Option<DateTime>| at.map(|at| self.zone.day(at));
        let first = days(self.starts_on)
            .or_else(|| day_of(self.starts_at).map(|day| (self.zone.begins(day), self.zone.ends(day))));
        let last = days(self.ends_on)
            .or_else(|| day_of(self.ends_at).map(|day| (self.zone.begins(day), self.zone.ends(day))));
        let begins = self.starts_at.or(first.map(|(begins, _)| begins)).or(last.map(|(begins, _)| begins))?;
        let ends = self.ends_at.or(last.map(|(_, ends)| ends)).or(first.map(|(_, ends)| ends))?;
        // Nothing overlaps a time without length, and an event may begin and end at once.
        Some(Span { begins, ends: ends.max(DateTime::from_micros(begins.micros() + 1)) })
    }
}

/// Sets the columns by which an event is found in time.
pub(super) fn place(row: &mut Model) {
    let span = Dates::of(row).and_then(|dates| dates.span());
    row.starts_at_key = span.map(|span| span.begins.micros());
    row.ends_at_key = span.map(|span| span.ends.micros());
    row.length_class = span.map(|span| length_class(span.ends.micros() - span.begins.micros()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(dates: [&str; 4]) -> String {
        let [starts_on, ends_on, starts_at, ends_at] = dates;
        let dates = Dates {
            zone: "Europe/Paris".parse().unwrap(),
            starts_on: starts_on.parse().ok(),
            ends_on: ends_on.parse().ok(),
            starts_at: starts_at.parse().ok(),
            ends_at: ends_at.parse().ok(),
        };
        dates.span().map_or("nothing".into(), |span| format!("{} {}", span.begins, span.ends))
    }

    #[test]
    fn dates_span_what_they_may_mean() {
        for (dates, expected) in [
            (["", "", "", ""], "nothing"),
            (["2009-07-01", "", "", ""], "2009-06-30T22:00:00Z 2009-07-01T22:00:00Z"),
            (["2009-07", "", "", ""], "2009-06-30T22:00:00Z 2009-07-31T22:00:00Z"),
            (["2024", "", "", ""], "2023-12-31T23:00:00Z 2024-12-31T23:00:00Z"),
            (["2024-11-07", "2024-11-08", "", ""], "2024-11-06T23:00:00Z 2024-11-08T23:00:00Z"),
            (["2024-11-07", "2025", "", ""], "2024-11-06T23:00:00Z 2025-12-31T23:00:00Z"),
            (["", "2009-06", "", ""], "2009-05-31T22:00:00Z 2009-06-30T22:00:00Z"),
            (["2026-03-29", "", "", ""], "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"),
            (["2026-05-01", "", "2026-05-01T08:00:00Z", ""], "2026-05-01T08:00:00Z 2026-05-01T22:00:00Z"),
            (
                ["", "", "2026-05-01T08:00:00Z", "2026-05-01T10:00:00Z"],
                "2026-05-01T08:00:00Z 2026-05-01T10:00:00Z",
            ),
            (
                ["2026-05-01", "2026-05-03", "2026-05-01T08:00:00Z", ""],
                "2026-05-01T08:00:00Z 2026-05-03T22:00:00Z",
            ),
            (["2026-05-01", "", "", "2026-05-01T10:00:00Z"], "2026-04-30T22:00:00Z 2026-05-01T10:00:00Z"),
            (
                ["", "", "2026-05-01T08:00:00Z", "2026-05-01T08:00:00Z"],
                "2026-05-01T08:00:00Z 2026-05-01T08:00:00.000001Z",
            ),
        ] {
            assert_eq!(span(dates), expected, "{dates:?}");
        }
    }

    proptest! {
        #[test]
        fn a_span_has_a_length_and_holds_both_ends(
            year in 1i32..=9998, month in 1u32..=12, more in 0u32..40, precision in 0usize..3, last in 0usize..3,
        ) {
            let first = chrono::NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            let end = first + chrono::TimeDelta::days(more.into());
            let text = |day: chrono::NaiveDate, precision: usize| day.to_string()[..[4, 7, 10][precision]].to_owned();
            let dates = Dates {
                zone: "Europe/Brussels".parse().unwrap(),
                starts_on: text(first, precision).parse().ok(),
                ends_on: text(end, last).parse().ok(),
                starts_at: None,
                ends_at: None,
            };
            let span = dates.span().unwrap();
            prop_assert!(span.begins < span.ends);
            prop_assert!(span.begins <= dates.zone.begins(first));
            prop_assert!(dates.zone.ends(end) <= span.ends);
        }
    }
}
