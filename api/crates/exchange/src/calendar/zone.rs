//! Time zones of calendars: the component VTIMEZONE, and instants as clocks show them.

use std::collections::BTreeMap;

use ical::tree::cst::IcalCst;
use jiff::civil::{self, Weekday};
use jiff::tz::{self, Dst, Offset};
use jiff::{SignedDuration, Timestamp};

use super::property;
use kernel::value::DateTime;

/// The year up to which the changes of a zone's clocks are read. A rule that holds until then is taken to hold for ever.
const LAST_YEAR: i16 = 2060;
/// The beginning of clocks that have never changed.
const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A time zone of the IANA database.
#[derive(Clone, Debug)]
pub(super) struct Zone(tz::TimeZone);

/// An instant, as a property has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// The time that the clocks of the zone show.
    Local(String),
    /// In UTC: clocks show the time twice, and it is the later of both, for which a local time has no form.
    Utc(String),
}

/// When clocks change, year by year.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    daylight: bool,
    from: i32,
    to: i32,
    name: String,
    month: i8,
    /// Which of its weekdays in the month, from 1; -1 for the last.
    ordinal: i8,
    weekday: i8,
    time: civil::Time,
}

/// Changes by one rule, in years that follow each other.
#[derive(Clone, Debug)]
struct Run {
    rule: Rule,
    first: civil::DateTime,
    last: Timestamp,
    years: (i16, i16),
}

impl Zone {
    /// The zone of this name.
    pub(super) fn get(name: &str) -> Option<Self> {
        let zone = tz::TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some())?;
        // UTC needs no component: it has a form of its own.
        (zone != tz::TimeZone::UTC).then_some(Self(zone))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or_default()
    }

    /// An instant as a property has it.
    pub(super) fn stamp(&self, at: DateTime) -> Stamp {
        let Ok(instant) = Timestamp::from_microsecond(at.micros()) else { return Stamp::Utc(utc(at)) };
        let local = self.0.to_datetime(instant);
        let earlier = self.0.to_ambiguous_timestamp(local).earlier();
        if earlier.is_ok_and(|earlier| earlier == instant) {
            Stamp::Local(local.strftime("%Y%m%dT%H%M%S").to_string())
        } else {
            Stamp::Utc(utc(at))
        }
    }

    /// The component with all offsets from UTC that clocks have from an instant on.
    pub(super) fn component(&self, from: DateTime) -> IcalCst<'static> {
        let mut zone = IcalCst::empty("VTIMEZONE");
        zone.push(property::text("TZID", self.name()).into_owned());
        let from = Timestamp::from_microsecond(from.micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        let runs = self.runs(from);
        if runs.is_empty() {
            let info = self.0.to_offset_info(from);
            let seconds = info.offset().seconds();
            zone.push_component(observance(false, (seconds, seconds), info.abbreviation(), EPOCH));
        }
        for run in runs {
            let Run { rule: Rule { daylight, from, to, name, .. }, first, .. } = &run;
            let mut component = observance(*daylight, (*from, *to), name, *first);
            if let Some(rule) = run.recurs() {
                component.push(property::rule(rule));
            }
            zone.push_component(component);
        }
        zone
    }

    /// The changes of its clocks: the last one before an instant, and those after it.
    fn runs(&self, from: Timestamp) -> Vec<Run> {
        let before =
            self.0.preceding(from.saturating_add(SignedDuration::from_secs(1)).unwrap_or(from)).next();
        let after = self.0.following(from).take_while(|change| year(change.timestamp()) <= LAST_YEAR);
        // Each rule with the run that its next change may go on with.
        let mut open: BTreeMap<Rule, usize> = BTreeMap::new();
        let mut runs: Vec<Run> = Vec::new();
        for change in before.into_iter().chain(after) {
            let at = change.timestamp();
            let Ok(earlier) = at.checked_sub(SignedDuration::from_secs(1)) else { continue };
            let (from, to) = (self.0.to_offset(earlier), change.offset());
            // Some zones rename an offset without changing their clocks.
            if from == to {
                continue;
            }
            let onset = from.to_datetime(at);
            let rule = Rule::of(onset, change.dst(), (from, to), change.abbreviation());
            let going_on = open.get(&rule).and_then(|place| runs.get_mut(*place));
            if let Some(run) = going_on.filter(|run| run.years.1 + 1 == onset.year()) {
                (run.last, run.years.1) = (at, onset.year());
            } else {
                open.insert(rule.clone(), runs.len());
                runs.push(Run { rule, first: onset, last: at, years: (onset.year(), onset.year()) });
            }
        }
        runs
    }
}

impl Rule {
    fn of(onset: civil::DateTime, dst: Dst, (from, to): (Offset, Offset), name: &str) -> Self {
        let last = onset.date().last_of_month().day();
        let ordinal = if onset.day() + 7 > last { -1 } else { (onset.day() - 1) / 7 + 1 };
        Self {
            daylight: dst == Dst::Yes,
            from: from.seconds(),
            to: to.seconds(),
            name: name.to_owned(),
            month: onset.month(),
            ordinal,
            weekday: onset.weekday().to_monday_zero_offset(),
            time: onset.time(),
        }
    }
}

impl Run {
    /// The rule by which its changes recur; none for a single one.
    fn recurs(&self) -> Option<String> {
        let (first, last) = self.years;
        if first == last {
            return None;
        }
        let Rule { month, ordinal, .. } = self.rule;
        let weekday = match self.first.weekday() {
            Weekday::Monday => "MO",
            Weekday::Tuesday => "TU",
            Weekday::Wednesday => "WE",
            Weekday::Thursday => "TH",
            Weekday::Friday => "FR",
            Weekday::Saturday => "SA",
            Weekday::Sunday => "SU",
        };
        let until = if last == LAST_YEAR {
            String::new()
        } else {
            format!(";UNTIL={}", utc(DateTime::from_micros(self.last.as_microsecond())))
        };
        Some(format!("FREQ=YEARLY;BYMONTH={month};BYDAY={ordinal}{weekday}{until}"))
    }
}

fn year(at: Timestamp) -> i16 {
    Offset::UTC.to_datetime(at).year()
}

/// An instant in UTC, as a property has it.
pub(super) fn utc(at: DateTime) -> String {
    at.to_utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// A part of a zone: from a change of its clocks on, they have another offset.
fn observance(
    daylight: bool,
    (from, to): (i32, i32),
    name: &str,
    onset: civil::DateTime,
) -> IcalCst<'static> {
    let mut part = IcalCst::empty(if daylight { "DAYLIGHT" } else { "STANDARD" });
    // The change is written in the time that the clocks show until then.
    part.push(property::local_time("DTSTART", onset.strftime("%Y%m%dT%H%M%S").to_string(), None));
    part.push(property::offset("TZOFFSETFROM", from));
    part.push(property::offset("TZOFFSETTO", to));
    if !name.is_empty() {
        part.push(property::text("TZNAME", name).into_owned());
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::get(name).expect("a zone")
    }

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    /// The lines of a zone's component that tell when its clocks change.
    fn changes(name: &str, from: &str) -> Vec<String> {
        let text = zone(name).component(at(from)).to_string();
        let told = ["BEGIN:DAYLIGHT", "BEGIN:STANDARD", "DTSTART", "RRULE", "TZOFFSET", "TZNAME"];
        let lines = text.lines().filter(|line| told.iter().any(|told| line.starts_with(told)));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn clocks_of_the_union_change_by_two_rules() {
        assert_eq!(
            changes("Europe/Paris", "2009-07-01T00:00:00Z"),
            [
                "BEGIN:DAYLIGHT",
                "DTSTART:20090329T020000",
                "TZOFFSETFROM:+0100",
                "TZOFFSETTO:+0200",
                "TZNAME:CEST",
                "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
                "BEGIN:STANDARD",
                "DTSTART:20091025T030000",
                "TZOFFSETFROM:+0200",
                "TZOFFSETTO:+0100",
                "TZNAME:CET",
                "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
            ]
        );
    }

    #[test]
    fn rules_that_ended_have_an_end() {
        // The United States moved both changes in 2007.
        let changes = changes("America/New_York", "2005-06-01T00:00:00Z");
        let rules: Vec<&str> = changes.iter().filter_map(|line| line.strip_prefix("RRULE:")).collect();
        assert_eq!(
            rules,
            [
                "FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z",
                "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z",
                "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
                "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
            ]
        );
    }

    #[test]
    fn clocks_that_stay_have_one_part() {
        assert_eq!(
            changes("Asia/Kolkata", "2026-01-01T00:00:00Z"),
            [
                "BEGIN:STANDARD",
                "DTSTART:19451015T000000",
                "TZOFFSETFROM:+0630",
                "TZOFFSETTO:+0530",
                "TZNAME:IST",
            ]
        );
        // Brazil gave summer time up in 2019.
        let left = changes("America/Sao_Paulo", "2026-01-01T00:00:00Z");
        assert_eq!(left.iter().filter(|line| line.starts_with("BEGIN")).count(), 1, "{left:?}");
        assert_eq!(
            changes("Etc/GMT-3", "2026-01-01T00:00:00Z"),
            [
                "BEGIN:STANDARD",
                "DTSTART:19700101T000000",
                "TZOFFSETFROM:+0300",
                "TZOFFSETTO:+0300",
                "TZNAME:+03"
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_the_earlier_one() {
        let paris = zone("Europe/Paris");
        let stamp = |text: &str| match paris.stamp(at(text)) {
            Stamp::Local(text) | Stamp::Utc(text) => text,
        };
        assert_eq!(stamp("2026-07-01T07:00:00Z"), "20260701T090000");
        assert_eq!(stamp("2026-12-01T08:00:00Z"), "20261201T090000");
        assert_eq!(stamp("2026-10-25T00:30:00Z"), "20261025T023000");
        assert_eq!(stamp("2026-10-25T01:30:00Z"), "20261025T013000Z", "the later one, in UTC");
        assert_eq!(stamp("2026-03-29T01:00:00Z"), "20260329T030000");
        assert!(Zone::get("UTC").is_none() && Zone::get("Europe/Lille").is_none());
    }
}
