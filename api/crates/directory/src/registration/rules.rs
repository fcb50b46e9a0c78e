//! The rules of places: who gets one, who waits, who moves up. They know no database.
//!
//! A registration is admitted by the [`Terms`] of its event and the places that are taken. Two things hold after each
//! step: the places that are taken grow only while there is one left, and nobody waits while there is a place that
//! needs no approval.

use entity::event::Model as Event;

use super::RegistrationStatus;
use crate::event::{EventStatus, RegistrationMode};
use kernel::error::DomainError;
use kernel::messages::{self, Message};
use kernel::value::DateTime;
use kernel::value_of;

/// What an event says about registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How people register.
    pub mode: RegistrationMode,
    /// The places; none where there is no limit.
    pub capacity: Option<u32>,
    /// Whether the event was cancelled.
    pub is_cancelled: bool,
    /// When registration closes: the deadline, else the beginning of the event. None where neither is known.
    pub closes_at: Option<DateTime>,
    /// When the event is over; none where it has no date.
    pub ends_at: Option<DateTime>,
}

impl Terms {
    /// Those of an event. Without a deadline, registration closes when the event begins, or when it ends where the hour
    /// of its beginning is not known.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the row has an unknown value.
    pub fn of(event: &Event) -> Result<Self, DomainError> {
        let unknown = |name: &str| DomainError::Stored(format!("no such enum value: {name}"));
        let mode = value_of(&event.registration_mode).ok_or_else(|| unknown(&event.registration_mode))?;
        let status: EventStatus = value_of(&event.status).ok_or_else(|| unknown(&event.status))?;
        let closes_at = event.registration_closes_at.or(event.starts_at);
        Ok(Self {
            mode,
            capacity: event.capacity.map(|places| u32::try_from(places).unwrap_or(0)),
            is_cancelled: status == EventStatus::Cancelled,
            closes_at: closes_at.map(DateTime::from_micros),
            ends_at: event.ends_at_key.map(DateTime::from_micros),
        })
    }

    /// The places that are left where so many are taken; none where there is no limit.
    pub fn seats_left(&self, confirmed: u32) -> Option<u32> {
        self.capacity.map(|capacity| capacity.saturating_sub(confirmed))
    }

    fn has_seat(&self, confirmed: u32) -> bool {
        self.seats_left(confirmed) != Some(0)
    }

    /// Whether the event is over.
    pub fn is_over(&self, now: DateTime) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }

    /// Why nothing about the registrations can be decided any more.
    pub fn ended(&self, now: DateTime) -> Option<&'static Message> {
        if self.is_cancelled {
            Some(&messages::EVENT_CANCELLED)
        } else if self.is_over(now) {
            Some(&messages::EVENT_OVER)
        } else {
            None
        }
    }

    /// What becomes of a new registration.
    ///
    /// # Errors
    /// Why the event takes none.
    pub fn admit(&self, confirmed: u32, now: DateTime) -> Result<RegistrationStatus, &'static Message> {
        if self.mode == RegistrationMode::None {
            return Err(&messages::NO_REGISTRATION_HERE);
        }
        if let Some(message) = self.ended(now) {
            return Err(message);
        }
        if self.closes_at.is_some_and(|end| now >= end) {
            return Err(&messages::REGISTRATION_CLOSED);
        }
        Ok(match self.mode {
            RegistrationMode::OnApproval => RegistrationStatus::Requested,
            _ if self.has_seat(confirmed) => RegistrationStatus::Confirmed,
            _ => RegistrationStatus::Waitlisted,
        })
    }

    /// How many of those in line move up now; none where all may.
    pub fn moving_up(&self, confirmed: u32, now: DateTime) -> Option<u32> {
        if self.mode == RegistrationMode::Open && self.ended(now).is_none() {
            self.seats_left(confirmed)
        } else {
            Some(0)
        }
    }

    /// Whether an organizer may confirm a registration that stands so.
    ///
    /// # Errors
    /// Why not.
    pub fn confirm(
        &self,
        status: RegistrationStatus,
        confirmed: u32,
        now: DateTime,
    ) -> Result<(), &'static Message> {
        if !status.awaits_answer() {
            return Err(&messages::REGISTRATION_STATE);
        }
        if let Some(message) = self.ended(now) {
            return Err(message);
        }
        if self.has_seat(confirmed) { Ok(()) } else { Err(&messages::NO_SEAT_LEFT) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use RegistrationStatus::{Cancelled, Confirmed, Declined, Requested, Waitlisted};

    const NOON: i64 = 1_795_341_600_000_000;

    fn at(seconds: i64) -> DateTime {
        DateTime::from_micros(NOON + seconds * 1_000_000)
    }

    fn terms(mode: RegistrationMode, capacity: Option<u32>) -> Terms {
        Terms { mode, capacity, is_cancelled: false, closes_at: None, ends_at: None }
    }

    #[test]
    fn a_registration_closes_to_the_microsecond() {
        let open = Terms {
            closes_at: Some(at(10)),
            ends_at: Some(at(20)),
            ..terms(RegistrationMode::Open, Some(1))
        };
        let just_before = DateTime::from_micros(at(10).micros() - 1);
        assert_eq!(open.admit(0, just_before), Ok(Confirmed));
        assert_eq!(open.admit(0, at(10)), Err(&messages::REGISTRATION_CLOSED));
        assert_eq!(open.admit(0, at(20)), Err(&messages::EVENT_OVER));
        let late = Terms { closes_at: Some(at(30)), ..open };
        assert_eq!(late.admit(0, at(20)), Err(&messages::EVENT_OVER), "no deadline outlasts the event");
        let cancelled = Terms { is_cancelled: true, ..open };
        assert_eq!(cancelled.admit(0, at(0)), Err(&messages::EVENT_CANCELLED));
        let elsewhere = Terms { mode: RegistrationMode::None, ..cancelled };
        assert_eq!(elsewhere.admit(0, at(0)), Err(&messages::NO_REGISTRATION_HERE));
        // Whoever waits moves up after the deadline too, until the event is over.
        assert_eq!((open.moving_up(0, at(15)), open.moving_up(0, at(20))), (Some(1), Some(0)));
    }

    #[test]
    fn places_are_for_those_whom_the_mode_admits() {
        let open = terms(RegistrationMode::Open, Some(2));
        assert_eq!((open.admit(1, at(0)), open.admit(2, at(0))), (Ok(Confirmed), Ok(Waitlisted)));
        assert_eq!((open.admit(3, at(0)), open.seats_left(3)), (Ok(Waitlisted), Some(0)), "it was lowered");
        let unlimited = terms(RegistrationMode::Open, None);
        assert_eq!((unlimited.admit(9999, at(0)), unlimited.moving_up(9, at(0))), (Ok(Confirmed), None));
        let mission = terms(RegistrationMode::OnApproval, Some(2));
        assert_eq!((mission.admit(2, at(0)), mission.moving_up(0, at(0))), (Ok(Requested), Some(0)));
        assert_eq!(mission.confirm(Requested, 1, at(0)), Ok(()));
        assert_eq!(mission.confirm(Requested, 2, at(0)), Err(&messages::NO_SEAT_LEFT));
        for status in [Confirmed, Declined, Cancelled] {
            assert_eq!(mission.confirm(status, 0, at(0)), Err(&messages::REGISTRATION_STATE), "{status:?}");
        }
    }

    /// Something that happens to an event or its registrations.
    #[derive(Clone, Debug)]
    enum Step {
        Register,
        Cancel(usize),
        Confirm(usize),
        Decline(usize),
        Resize(Option<u32>),
        Mode(RegistrationMode),
        CancelEvent(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        let mode = prop_oneof![
            Just(RegistrationMode::None),
            Just(RegistrationMode::Open),
            Just(RegistrationMode::Open),
            Just(RegistrationMode::OnApproval)
        ];
        prop_oneof![
            4 => Just(Step::Register),
            2 => any::<prop::sample::Index>().prop_map(|at| Step::Cancel(at.index(64))),
            1 => any::<prop::sample::Index>().prop_map(|at| Step::Confirm(at.index(64))),
            1 => any::<prop::sample::Index>().prop_map(|at| Step::Decline(at.index(64))),
            1 => prop::option::of(0u32..8).prop_map(Step::Resize),
            1 => mode.prop_map(Step::Mode),
            1 => any::<bool>().prop_map(Step::CancelEvent),
        ]
    }

    fn confirmed(all: &[RegistrationStatus]) -> u32 {
        u32::try_from(all.iter().filter(|status| **status == Confirmed).count()).unwrap()
    }

    proptest! {
        /// The order of the list is that of the registrations.
        #[test]
        fn no_place_is_sold_twice_and_nobody_is_passed_over(steps in prop::collection::vec(step(), 0..80)) {
            let mut terms = terms(RegistrationMode::Open, Some(3));
            let mut all: Vec<RegistrationStatus> = Vec::new();
            for step in steps {
                let (before, had) = (all.clone(), confirmed(&all));
                match step {
                    Step::Register => {
                        if let Ok(status) = terms.admit(had, at(0)) {
                            all.push(status);
                        }
                    }
                    Step::Cancel(one) => {
                        if let Some(status) = all.get_mut(one).filter(|status| status.is_active()) {
                            *status = Cancelled;
                        }
                    }
                    Step::Confirm(one) => {
                        if let Some(status) = all.get_mut(one)
                            && terms.confirm(*status, had, at(0)).is_ok()
                        {
                            *status = Confirmed;
                        }
                    }
                    Step::Decline(one) => {
                        if let Some(status) = all.get_mut(one).filter(|status| status.awaits_answer()) {
                            *status = Declined;
                        }
                    }
                    Step::Resize(capacity) => terms.capacity = capacity,
                    Step::Mode(mode) => terms.mode = mode,
                    Step::CancelEvent(is_cancelled) => terms.is_cancelled = is_cancelled,
                }
                let places = terms.moving_up(confirmed(&all), at(0)).map_or(usize::MAX, |places| places as usize);
                all.iter_mut().filter(|status| **status == Waitlisted).take(places).for_each(|status| *status = Confirmed);
                let (now, capacity) = (confirmed(&all), terms.capacity.unwrap_or(u32::MAX));
                prop_assert!(now <= capacity.max(had), "{before:?} {all:?} {terms:?}");
                let waits = all.contains(&Waitlisted);
                if terms.mode == RegistrationMode::Open && !terms.is_cancelled {
                    prop_assert!(!waits || now >= capacity, "somebody waits beside a place: {all:?} {terms:?}");
                }
                prop_assert_eq!(terms.seats_left(now), terms.capacity.map(|all| all.saturating_sub(now)));
                // Nobody moves up before somebody who has waited for longer.
                let moved = (0..before.len()).filter(|at| before[*at] == Waitlisted && all[*at] == Confirmed);
                if let (Some(last), true) = (moved.max(), terms.mode == RegistrationMode::Open) {
                    prop_assert!(!all[..last].contains(&Waitlisted), "{before:?} {all:?}");
                }
            }
        }
    }
}
