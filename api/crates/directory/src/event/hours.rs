//! Opening hours: local times of the event's time zone, and the instants that they are.

use async_graphql::{InputObject, SimpleObject};
use entity::JsonText;
use entity::event::Model;
use serde::{Deserialize, Serialize};

use super::dates::Dates;
use kernel::error::DomainError;
use kernel::input::{Fields, MAX_NAME, check_line};
use kernel::messages::{self, FilledMessage};
use kernel::problem::Problem;
use kernel::read::Row;
use kernel::value::{Date, DateTime, Given, Hour, LocalTime, TimeZone};

/// A day on which an event is open, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpeningHoursInput {
    /// The day.
    pub date: Given<Date>,
    /// When it opens: a local time of the event's time zone, `09:00`.
    pub opens: String,
    /// When it closes, later on the same day; `24:00` is its end. A night is two entries, one on each day.
    pub closes: String,
    /// The place, where the event has several.
    pub venue: Option<String>,
}

/// A day with opening hours as the column has it, and as others are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Day {
    date: Date,
    opens: Hour,
    closes: Hour,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    venue: Option<String>,
}

/// A day on which an event is open.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct OpeningHours {
    /// The day, in the event's time zone.
    pub date: Date,
    /// The hour at which it opens, as clocks there show it: `09:00`.
    pub opens: String,
    /// The hour at which it closes, as clocks there show it; `24:00` is the end of the day.
    pub closes: String,
    /// When it opens.
    pub opens_at: DateTime,
    /// When it closes.
    pub closes_at: DateTime,
    /// The place, where the event has several.
    pub venue: Option<String>,
}

impl OpeningHours {
    /// Reads the days, and then the time zone that their hours are in.
    pub(super) fn read(row: &mut Row) -> Result<Vec<Self>, DomainError> {
        let (days, zone): (Vec<Day>, String) = (row.json()?, row.get()?);
        let zone: TimeZone =
            zone.parse().map_err(|_| DomainError::Stored(format!("no time zone `{zone}`")))?;
        let hours = days.into_iter().map(|Day { date, opens, closes, venue }| Self {
            date,
            opens: opens.to_string(),
            closes: closes.to_string(),
            opens_at: zone.instant(date.naive(), opens),
            closes_at: zone.instant(date.naive(), closes),
            venue,
        });
        Ok(hours.collect())
    }
}

/// Sets the days, in their order in time.
pub(super) fn set(given: &[OpeningHoursInput], row: &mut Model, fields: &mut Fields<'_>) {
    let path = "openingHours";
    if !fields.fits(path, given) {
        return;
    }
    let mut days = Vec::new();
    for (place, input) in given.iter().enumerate() {
        let path = format!("{path}.{place}");
        let date = fields.read(&format!("{path}.date"), &input.date).copied();
        let mut hour = |name: &str, text: &str| {
            let read = text.parse::<Hour>().map_err(|error| Problem::value(format!("{path}.{name}"), &error));
            fields.problems.note(read)
        };
        let (opens, closes) = (hour("opens", &input.opens), hour("closes", &input.closes));
        let venue =
            input.venue.as_ref().map(|venue| venue.trim().to_owned()).filter(|venue| !venue.is_empty());
        if let Some(venue) = &venue {
            check_line(&format!("{path}.venue"), venue, MAX_NAME, fields.problems);
        }
        if let (Some(date), Some(opens), Some(closes)) = (date, opens, closes) {
            days.push((place, Day { date, opens, closes, venue }));
        }
    }
    if let Some(dates) = Dates::of(row) {
        for (place, day) in &days {
            check(&format!("{path}.{place}"), day, &dates, fields);
        }
    }
    let mut days: Vec<Day> = days.into_iter().map(|(_, day)| day).collect();
    days.sort_by_key(|day| (day.date, day.opens));
    days.dedup();
    row.opening_hours = JsonText::of(&days);
}

/// Checks the stored days, after the dates or the time zone of the event have changed.
pub(super) fn check_stored(row: &Model, fields: &mut Fields<'_>) {
    let days: Vec<Day> = row.opening_hours.read().unwrap_or_default();
    if let Some(dates) = Dates::of(row) {
        for (place, day) in days.iter().enumerate() {
            check(&format!("openingHours.{place}"), day, &dates, fields);
        }
    }
}

/// Checks a day: its hours exist, they are in order, and it is one of the event's.
fn check(path: &str, day: &Day, dates: &Dates, fields: &mut Fields<'_>) {
    let mut instant = |name: &str, hour: Hour| match dates.zone.at(day.date.naive(), hour) {
        LocalTime::Once(instant) => Some(instant),
        LocalTime::Twice(instant) => {
            fields.problems.warn(format!("{path}.{name}"), &messages::events::TIME_TWICE);
            Some(instant)
        }
        LocalTime::Never => {
            let said = FilledMessage::new(&messages::events::TIME_SKIPPED).with("hour", hour.to_string());
            let said = said.with("date", day.date.to_string()).with("zone", dates.zone.name());
            fields.problems.add(Problem::at(format!("{path}.{name}"), said));
            None
        }
    };
    if let (Some(opens), Some(closes)) = (instant("opens", day.opens), instant("closes", day.closes))
        && closes <= opens
    {
        let said = FilledMessage::new(&messages::ENDS_BEFORE).with("end", day.closes.to_string());
        let said = said.with("start", day.opens.to_string());
        fields.problems.add(Problem::at(format!("{path}.closes"), said));
    }
    let (begins, ends) = (dates.zone.begins(day.date.naive()), dates.zone.ends(day.date.naive()));
    let outside = |event: super::dates::Span| ends <= event.begins || event.ends <= begins;
    if let Some(event) = dates.span().filter(|event| outside(*event)) {
        fields.problems.add(event.outside(format!("{path}.date"), &dates.zone));
    }
}
