//! The component VEVENT of an event.

use chrono::NaiveDate;
use ical::tree::cst::IcalCst;
use serde::Deserialize;

use super::property;
use super::zone::{Stamp, Zone, utc};
use directory::event::EventStatus;
use kernel::value::{DateTime, PartialDate};

/// An event as the document of calendars reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalendarEvent {
    id: String,
    revision: i32,
    created_at: DateTime,
    updated_at: DateTime,
    kind: Named,
    status: EventStatus,
    title: String,
    description: Option<String>,
    parent: Option<Related>,
    starts_on: Option<PartialDate>,
    ends_on: Option<PartialDate>,
    starts_at: Option<DateTime>,
    ends_at: Option<DateTime>,
    time_zone: String,
    venue: Option<String>,
    address: Option<Address>,
    website: Option<String>,
    online_url: Option<String>,
    sectors: Vec<Named>,
}

#[derive(Clone, Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Related {
    id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    lines: Vec<String>,
    postal_code: Option<String>,
    city: Option<String>,
    country: String,
    location: Option<Point>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Point {
    latitude: f64,
    longitude: f64,
}

/// When an event takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// Whole days: the first, and the first after them.
    Days(NaiveDate, Option<NaiveDate>),
    /// From an instant, until another where that is known.
    Hours(DateTime, Option<DateTime>),
}

/// A component, and what it needs beside it.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// The component.
    pub(super) text: String,
    /// The time zone that it names, and the first instant that it names there.
    pub(super) zone: Option<(Zone, DateTime)>,
}

/// The day of a date that is known to the day.
fn day_of(date: Option<PartialDate>) -> Option<NaiveDate> {
    date.filter(|date| date.day().is_some()).map(PartialDate::first_day)
}

impl CalendarEvent {
    /// When it takes place; none where that is not known to the day. An hour counts where the end can be told from it: an event
    /// of several days that only has the hour of its beginning takes whole days.
    fn time(&self) -> Option<Time> {
        let last = day_of(self.ends_on);
        if let Some(start) = self.starts_at {
            let later = last.filter(|last| Some(*last) != day_of(self.starts_on));
            if self.ends_at.is_some() || later.is_none() {
                return Some(Time::Hours(start, self.ends_at));
            }
        }
        let first = day_of(self.starts_on)?;
        Some(Time::Days(first, last.and_then(|last| last.succ_opt())))
    }

    /// Its component; none where it is not known to the day when it takes place. `firm`: whether the reader's own part in it is
    /// certain.
    pub(super) fn component(&self, firm: bool) -> Option<Component> {
        let time = self.time()?;
        let mut event = IcalCst::empty("VEVENT");
        event.push(property::text("UID", &self.id));
        event.push(property::instant("DTSTAMP", utc(self.updated_at)));
        event.push(property::instant("CREATED", utc(self.created_at)));
        event.push(property::instant("LAST-MODIFIED", utc(self.updated_at)));
        event.push(property::integer("SEQUENCE", self.revision));
        event.push(property::text("STATUS", self.status(firm)));
        event.push(property::text("SUMMARY", &self.title));
        let zone = match time {
            Time::Days(first, after) => {
                let text = |day: NaiveDate| day.format("%Y%m%d").to_string();
                event.push(property::day("DTSTART", text(first)));
                if let Some(after) = after {
                    event.push(property::day("DTEND", text(after)));
                }
                None
            }
            Time::Hours(start, end) => self.hours(&mut event, start, end),
        };
        if let Some(description) = &self.description {
            event.push(property::text("DESCRIPTION", description));
        }
        let place = self.place();
        if !place.is_empty() {
            event.push(property::text("LOCATION", place));
        }
        if let Some(Point { latitude, longitude }) = self.address.as_ref().and_then(|it| it.location) {
            event.push(property::point("GEO", latitude, longitude));
        }
        let categories: Vec<String> =
            [&self.kind].into_iter().chain(&self.sectors).map(|one| one.name.clone()).collect();
        event.push(property::texts("CATEGORIES", &categories));
        if let Some(parent) = &self.parent {
            event.push(property::text("RELATED-TO", &parent.id));
        }
        if let Some(website) = &self.website {
            event.push(property::uri("URL", website));
        }
        if let Some(online) = &self.online_url {
            event.push(property::uri("CONFERENCE", online));
        }
        Some(Component { text: event.to_string(), zone })
    }

    /// Adds its hours, as the clocks of its time zone show them. Returns the zone where a property names it.
    fn hours(
        &self,
        event: &mut IcalCst<'_>,
        start: DateTime,
        end: Option<DateTime>,
    ) -> Option<(Zone, DateTime)> {
        let zone = Zone::get(&self.time_zone);
        let mut named = false;
        for (name, at) in [("DTSTART", Some(start)), ("DTEND", end)] {
            let Some(at) = at else { continue };
            match zone.as_ref().map_or_else(|| Stamp::Utc(utc(at)), |zone| zone.stamp(at)) {
                Stamp::Local(text) => {
                    named = true;
                    let zone = zone.as_ref().map(Zone::name).map(str::to_owned);
                    event.push(property::local_time(name, text, zone.as_deref()).into_owned());
                }
                Stamp::Utc(text) => {
                    event.push(property::instant(name, text));
                }
            }
        }
        zone.filter(|_| named).map(|zone| (zone, start))
    }

    /// An event that does not take place when it was to is cancelled for calendars. A new date makes it another time.
    fn status(&self, firm: bool) -> &'static str {
        match self.status {
            EventStatus::Cancelled | EventStatus::Postponed => "CANCELLED",
            EventStatus::Scheduled if firm => "CONFIRMED",
            EventStatus::Scheduled | EventStatus::Announced => "TENTATIVE",
        }
    }

    /// The place in a line.
    fn place(&self) -> String {
        let mut parts: Vec<String> = self.venue.iter().cloned().collect();
        if let Some(Address { lines, postal_code, city, country, .. }) = &self.address {
            parts.extend(lines.iter().cloned());
            let town: Vec<&str> = [postal_code, city].into_iter().flatten().map(String::as_str).collect();
            parts.extend(Some(town.join(" ")).filter(|town| !town.is_empty()));
            parts.push(country.clone());
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(more: &Value) -> CalendarEvent {
        let mut event = json!({
            "id": "event_01h455vb4pex5vsknk084sn02q", "revision": 3, "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-02-01T10:20:30.5Z", "kind": {"name": "Market"}, "status": "SCHEDULED", "title": "T",
            "description": null, "parent": null, "startsOn": null, "endsOn": null, "startsAt": null, "endsAt": null,
            "timeZone": "Europe/Paris", "venue": null, "address": null, "website": null, "onlineUrl": null, "sectors": [],
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    /// The unfolded lines of an event's component.
    fn lines(more: &Value) -> Vec<String> {
        let text = event(more).component(true).unwrap().text;
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        text.replace("\r\n ", "").lines().map(str::to_owned).collect()
    }

    /// The lines of the dates.
    fn dates(more: &Value) -> Vec<String> {
        let Some(component) = event(more).component(true) else { return Vec::new() };
        let lines =
            component.text.lines().filter(|line| line.starts_with("DTSTART") || line.starts_with("DTEND"));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_component_has_what_calendars_ask_for() {
        let sequence = json!({"startsOn": "2026-07-01", "title": "L'été, les images; \"fin\"\nde série", "website": "https://example.org/a,b",
            "description": "é".repeat(100), "venue": "Halle\\A", "parent": {"id": "event_01h455vb4pex5vsknk084sn02r"},
            "address": {"lines": ["1, rue X"], "postalCode": "59000", "city": "Lille", "country": "FR", "location": {"latitude": 50.63, "longitude": 3.06}},
            "sectors": [{"name": "Animation"}, {"name": "VFX, post-production"}], "onlineUrl": "https://example.org/live"});
        assert_eq!(
            lines(&sequence),
            [
                "BEGIN:VEVENT".to_owned(),
                "UID:event_01h455vb4pex5vsknk084sn02q".into(),
                "DTSTAMP:20260201T102030Z".into(),
                "CREATED:20260101T000000Z".into(),
                "LAST-MODIFIED:20260201T102030Z".into(),
                "SEQUENCE:3".into(),
                "STATUS:CONFIRMED".into(),
                r#"SUMMARY:L'été\, les images\; "fin"\nde série"#.into(),
                "DTSTART;VALUE=DATE:20260701".into(),
                format!("DESCRIPTION:{}", "é".repeat(100)),
                r"LOCATION:Halle\\A\, 1\, rue X\, 59000 Lille\, FR".into(),
                "GEO:50.63;3.06".into(),
                r"CATEGORIES:Market,Animation,VFX\, post-production".into(),
                "RELATED-TO:event_01h455vb4pex5vsknk084sn02r".into(),
                "URL:https://example.org/a,b".into(),
                "CONFERENCE;VALUE=URI:https://example.org/live".into(),
                "END:VEVENT".into(),
            ]
        );
    }

    #[test]
    fn days_are_whole_and_hours_are_local() {
        let none: [&str; 0] = [];
        for (more, expected) in [
            (
                json!({"startsOn": "2026-07-01", "endsOn": "2026-07-03"}),
                vec!["DTSTART;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260704"],
            ),
            (
                json!({"startsOn": "2026-12-31", "endsOn": "2026-12-31"}),
                vec!["DTSTART;VALUE=DATE:20261231", "DTEND;VALUE=DATE:20270101"],
            ),
            // What is known to the month or the year is no day of a calendar.
            (json!({"startsOn": "2026-07"}), none.to_vec()),
            (json!({"startsOn": "2026", "endsOn": "2026-07-01"}), none.to_vec()),
            (json!({"endsOn": "2026-07-01"}), none.to_vec()),
            (json!({}), none.to_vec()),
            (json!({"startsOn": "2026-07-01", "endsOn": "2026-08"}), vec!["DTSTART;VALUE=DATE:20260701"]),
            (
                json!({"startsOn": "2026-07-01", "endsOn": "2026-07-01", "startsAt": "2026-07-01T07:00:00Z", "endsAt": "2026-07-01T16:00:00Z"}),
                vec!["DTSTART;TZID=Europe/Paris:20260701T090000", "DTEND;TZID=Europe/Paris:20260701T180000"],
            ),
            (json!({"startsAt": "2026-12-01T08:00:00Z"}), vec!["DTSTART;TZID=Europe/Paris:20261201T090000"]),
            // Of several days, with the hour of the beginning alone.
            (
                json!({"startsOn": "2024-11-07", "endsOn": "2024-11-08", "startsAt": "2024-11-07T08:00:00Z"}),
                vec!["DTSTART;VALUE=DATE:20241107", "DTEND;VALUE=DATE:20241109"],
            ),
            (
                json!({"startsOn": "2026-07-01", "endsAt": "2026-07-01T16:00:00Z"}),
                vec!["DTSTART;VALUE=DATE:20260701"],
            ),
            // The night on which clocks go back: the second half past two has no local form.
            (
                json!({"startsAt": "2026-10-25T00:30:00Z", "endsAt": "2026-10-25T01:30:00Z"}),
                vec!["DTSTART;TZID=Europe/Paris:20261025T023000", "DTEND:20261025T013000Z"],
            ),
            (
                json!({"startsAt": "2026-07-01T07:00:00Z", "timeZone": "UTC"}),
                vec!["DTSTART:20260701T070000Z"],
            ),
        ] {
            assert_eq!(dates(&more), expected, "{more}");
        }
    }

    #[test]
    fn what_does_not_take_place_is_cancelled() {
        let status = |status: &str, firm: bool| {
            let event = event(&json!({"startsOn": "2026-07-01", "status": status}));
            let text = event.component(firm).unwrap().text;
            text.lines().find_map(|line| line.strip_prefix("STATUS:")).unwrap().to_owned()
        };
        assert_eq!(status("SCHEDULED", true), "CONFIRMED");
        assert_eq!(status("SCHEDULED", false), "TENTATIVE", "a waiting list is no place");
        assert_eq!(status("ANNOUNCED", true), "TENTATIVE");
        for gone in ["CANCELLED", "POSTPONED"] {
            assert_eq!(status(gone, true), "CANCELLED");
            assert_eq!(status(gone, false), "CANCELLED");
        }
    }
}
