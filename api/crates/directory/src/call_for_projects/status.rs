//! Where a call stands at an instant. It follows from what the record says and the clock, and is computed when it is read.
//!
//! The turn from one status to the next is also written: `turn.rs` writes a revision, so that followers and the search
//! learn of it.

use async_graphql::Enum;
use entity::call_for_projects::Model;
use serde::{Deserialize, Serialize};

use kernel::error::DomainError;
use kernel::name_of;
use kernel::read::Row;
use kernel::value::{DateTime, TimeZone};

/// Where a call for projects stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CallStatus {
    /// It is being prepared: the staff of its region and of its funders' regions see it.
    Draft,
    /// It is published and not open yet.
    Upcoming,
    /// It takes applications.
    Open,
    /// It takes none any more.
    Closed,
    /// It is closed, and every submitted application is decided.
    Awarded,
}

/// The facts that the status follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Whether it is not published yet.
    pub draft: bool,
    /// Whether it closed at an instant that is not known.
    pub closed: bool,
    /// Whether every submitted application is decided.
    pub decided: bool,
    /// The first instant at which it is open. Without it, it is open from its publication on.
    pub opens_at: Option<DateTime>,
    /// The last instant at which it is open.
    pub closes_at: Option<DateTime>,
}

/// The key of a call that opened before all instants, or closed then.
const LEAST: i64 = i64::MIN;
/// The key of a call that does not close.
const GREATEST: i64 = i64::MAX;
/// The day after all days, as text.
const NO_DAY: &str = "~";

impl Schedule {
    /// Reads the columns `draft`, `closed`, `decided`, `opens_at` and `closes_at`.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub fn read(row: &mut Row) -> Result<Self, DomainError> {
        Ok(Self {
            draft: row.get()?,
            closed: row.get()?,
            decided: row.get()?,
            opens_at: row.optional_time()?,
            closes_at: row.optional_time()?,
        })
    }

    /// The facts of a row.
    pub fn of(row: &Model) -> Self {
        Self {
            draft: row.draft,
            closed: row.closed,
            decided: row.decided,
            opens_at: row.opens_at.map(DateTime::from_micros),
            closes_at: row.closes_at.map(DateTime::from_micros),
        }
    }

    /// Where it stands at an instant.
    pub fn status(self, now: DateTime) -> CallStatus {
        let is_over = self.closed || self.closes_at.is_some_and(|last| last < now);
        match (self.draft, is_over, self.decided) {
            (true, ..) => CallStatus::Draft,
            (false, true, true) => CallStatus::Awarded,
            (false, true, false) => CallStatus::Closed,
            (false, false, _) if self.opens_at.is_some_and(|first| first > now) => CallStatus::Upcoming,
            (false, false, _) => CallStatus::Open,
        }
    }

    /// The instant of the next turn of the status after `now`, in microseconds; none where time alone does not turn it.
    pub fn turns_at(self, now: DateTime) -> Option<i64> {
        match self.status(now) {
            CallStatus::Upcoming => self.opens_at.map(DateTime::micros),
            CallStatus::Open => self.closes_at.map(|last| last.micros() + 1),
            CallStatus::Draft | CallStatus::Closed | CallStatus::Awarded => None,
        }
    }
}

/// Sets the columns that lists select calls by: the keys of its instants and its days.
pub(super) fn set_keys(row: &mut Model) {
    let zone: Option<TimeZone> = row.time_zone.parse().ok();
    let day = |at: i64| {
        let at = DateTime::from_micros(at);
        let day = zone.as_ref().map_or_else(|| at.to_utc().date_naive(), |zone| zone.day(at));
        day.format("%Y-%m-%d").to_string()
    };
    row.opens_key = row.opens_at.unwrap_or(LEAST);
    row.closes_key = if row.closed { LEAST } else { row.closes_at.unwrap_or(GREATEST) };
    if row.draft {
        (row.opens_day, row.closes_day) = (NO_DAY.to_owned(), String::new());
        return;
    }
    row.opens_day = row.opens_at.map_or_else(String::new, day);
    row.closes_day = match row.closes_at {
        Some(at) => day(at),
        // The only day of which it is known that it was open.
        None if row.closed => row.opens_day.clone(),
        None => NO_DAY.to_owned(),
    };
}

/// Sets the status that the revision says, and when this instance writes the next turn.
pub(super) fn set_turn(row: &mut Model, now: DateTime) {
    let schedule = Schedule::of(row);
    name_of(schedule.status(now)).clone_into(&mut row.status);
    row.followed = false;
    row.turns_at = schedule.turns_at(now);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn call() -> Schedule {
        Schedule {
            opens_at: Some(at("2027-01-04T08:00:00Z")),
            closes_at: Some(at("2027-03-01T16:00:00Z")),
            ..Schedule::default()
        }
    }

    #[test]
    fn the_first_and_the_last_instant_are_open() {
        for (now, status) in [
            ("2027-01-04T07:59:59.999999Z", CallStatus::Upcoming),
            ("2027-01-04T08:00:00Z", CallStatus::Open),
            ("2027-03-01T16:00:00Z", CallStatus::Open),
            ("2027-03-01T16:00:00.000001Z", CallStatus::Closed),
        ] {
            assert_eq!(call().status(at(now)), status, "{now}");
        }
        let decided = Schedule { decided: true, ..call() };
        assert_eq!(decided.status(at("2027-02-01T00:00:00Z")), CallStatus::Open);
        assert_eq!(decided.status(at("2027-04-01T00:00:00Z")), CallStatus::Awarded);
        assert_eq!(Schedule { draft: true, ..decided }.status(at("2027-04-01T00:00:00Z")), CallStatus::Draft);
    }

    #[test]
    fn what_is_not_known_does_not_close_it() {
        let now = at("2027-02-01T00:00:00Z");
        assert_eq!(Schedule::default().status(now), CallStatus::Open);
        assert_eq!(Schedule::default().turns_at(now), None);
        assert_eq!(Schedule { closed: true, ..Schedule::default() }.status(now), CallStatus::Closed);
    }

    proptest! {
        #[test]
        fn the_status_turns_at_the_instant_of_the_turn_and_not_before(
            opens in prop::option::of(0i64..1000), closes in prop::option::of(0i64..1000), now in 0i64..1000, decided: bool,
        ) {
            // No input closes a call before it opens.
            prop_assume!(opens.is_none() || closes.is_none() || opens <= closes);
            let time = DateTime::from_micros;
            let of = Schedule { decided, opens_at: opens.map(time), closes_at: closes.map(time), ..Schedule::default() };
            if let Some(turn) = of.turns_at(time(now)) {
                prop_assert!(turn > now);
                prop_assert_eq!(of.status(time(turn - 1)), of.status(time(now)));
                prop_assert_ne!(of.status(time(turn)), of.status(time(now)));
            } else {
                prop_assert_eq!(of.status(time(2000)), of.status(time(now)));
            }
        }

        #[test]
        fn the_keys_of_a_row_say_what_its_schedule_says(
            opens in prop::option::of(0i64..1000), closes in prop::option::of(0i64..1000), closed: bool, now in 0i64..1000,
        ) {
            let mut row = Model { opens_at: opens, closes_at: closes.filter(|_| !closed), closed, time_zone: "UTC".into(), ..Model::default() };
            set_keys(&mut row);
            let by_keys = if row.closes_key < now {
                CallStatus::Closed
            } else if row.opens_key > now {
                CallStatus::Upcoming
            } else {
                CallStatus::Open
            };
            prop_assert_eq!(by_keys, Schedule::of(&row).status(DateTime::from_micros(now)));
        }
    }

    #[test]
    fn days_are_those_of_the_place() {
        let mut row = Model {
            opens_at: Some(at("2027-01-03T23:00:00Z").micros()),
            closes_at: Some(at("2027-06-30T21:59:59Z").micros()),
            time_zone: "Europe/Brussels".into(),
            ..Model::default()
        };
        set_keys(&mut row);
        assert_eq!((row.opens_day.as_str(), row.closes_day.as_str()), ("2027-01-04", "2027-06-30"));
        row = Model { closes_at: None, closed: true, ..row };
        set_keys(&mut row);
        assert_eq!((row.closes_key, row.closes_day.as_str()), (LEAST, "2027-01-04"));
        row.draft = true;
        set_keys(&mut row);
        assert!(row.opens_day > row.closes_day);
    }
}
