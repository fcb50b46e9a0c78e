//! How long a profile lasts that nobody confirms: times in months or days, as people count them.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, Months};

use kernel::value::DateTime;

/// A time in calendar months or in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// So many calendar months: from 31 January one month is to the last day of February.
    Months(u32),
    /// So many days of 24 hours.
    Days(u32),
}

/// Months or days of a term at most: a hundred years.
const MAX_MONTHS: u32 = 1200;
const MAX_DAYS: u32 = 36_525;

impl Term {
    /// The instant so much later.
    pub fn after(self, instant: DateTime) -> DateTime {
        let later = match self {
            Self::Months(months) => instant.to_utc().checked_add_months(Months::new(months)),
            Self::Days(days) => instant.to_utc().checked_add_days(Days::new(days.into())),
        };
        later.map_or(DateTime::MAX, DateTime::from)
    }

    /// The instant so much earlier.
    pub fn before(self, instant: DateTime) -> DateTime {
        let earlier = match self {
            Self::Months(months) => instant.to_utc().checked_sub_months(Months::new(months)),
            Self::Days(days) => instant.to_utc().checked_sub_days(Days::new(days.into())),
        };
        earlier.map_or(DateTime::MIN, DateTime::from)
    }
}

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it must be a number of months or days, such as `13 months` or `400 days`".to_owned();
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u32 = number.parse().map_err(|_| wrong())?;
        match unit.trim_start() {
            "month" | "months" if (1..=MAX_MONTHS).contains(&number) => Ok(Self::Months(number)),
            "day" | "days" if (1..=MAX_DAYS).contains(&number) => Ok(Self::Days(number)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Months(months) => write!(f, "{months} months"),
            Self::Days(days) => write!(f, "{days} days"),
        }
    }
}

/// How long profiles last that nobody confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    hide_after: Term,
    erase_after: Term,
    warn_before: Term,
}

impl Default for Terms {
    fn default() -> Self {
        Self { hide_after: Term::Months(13), erase_after: Term::Months(24), warn_before: Term::Days(30) }
    }
}

impl Terms {
    /// These terms.
    ///
    /// # Errors
    /// Fails where a profile would be erased before it is hidden, or a warning would come before what precedes it.
    pub fn new(hide_after: Term, erase_after: Term, warn_before: Term) -> Result<Self, String> {
        let terms = Self { hide_after, erase_after, warn_before };
        // Months differ in length: what holds from this day on holds from any other but for a day or two.
        let first = DateTime::EPOCH;
        if terms.warning_of_hiding(first) < first {
            return Err(format!(
                "PROFILE_WARN_BEFORE ({warn_before}) is longer than PROFILE_HIDE_AFTER ({hide_after})"
            ));
        }
        if terms.warning_of_erasure(first) < terms.hiding(first) {
            return Err(format!(
                "PROFILE_ERASE_AFTER ({erase_after}) must be later than PROFILE_HIDE_AFTER ({hide_after}), by \
                 PROFILE_WARN_BEFORE ({warn_before}) at least"
            ));
        }
        Ok(terms)
    }

    /// When a profile is hidden that was confirmed last at this time.
    pub fn hiding(&self, confirmed: DateTime) -> DateTime {
        self.hide_after.after(confirmed)
    }

    /// When its person is warned of that.
    pub fn warning_of_hiding(&self, confirmed: DateTime) -> DateTime {
        self.warn_before.before(self.hiding(confirmed))
    }

    /// When it is erased.
    pub fn erasure(&self, confirmed: DateTime) -> DateTime {
        self.erase_after.after(confirmed)
    }

    /// When its person is warned of that.
    pub fn warning_of_erasure(&self, confirmed: DateTime) -> DateTime {
        self.warn_before.before(self.erasure(confirmed))
    }

    /// The end of the time that a warning gives.
    pub fn grace(&self, warned: DateTime) -> DateTime {
        self.warn_before.after(warned)
    }

    /// Confirmations that are later than this need no warning of hiding yet, and those later than the second none of
    /// erasure: for a first choice, a few days on the safe side of months that differ in length.
    pub(super) fn horizons(&self, now: DateTime) -> (DateTime, DateTime) {
        let margin = Term::Days(4);
        let horizon = |term: Term| margin.after(term.before(self.warn_before.after(now)));
        (horizon(self.hide_after), horizon(self.erase_after))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terms_are_written_in_months_or_days() {
        for (text, term) in
            [("13 months", Term::Months(13)), ("1month", Term::Months(1)), (" 400 days", Term::Days(400))]
        {
            assert_eq!(text.parse(), Ok(term), "{text}");
            assert_eq!(term.to_string().parse(), Ok(term));
        }
        for wrong in [
            "",
            "13",
            "months",
            "0 days",
            "-1 days",
            "1.5 months",
            "13 years",
            "1201 months",
            "99999999999 days",
        ] {
            assert!(wrong.parse::<Term>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_comes_first_is_first() {
        let (hide, erase, warn) = (Term::Months(13), Term::Months(24), Term::Days(30));
        assert_eq!(Terms::new(hide, erase, warn), Ok(Terms::default()));
        assert!(Terms::new(hide, Term::Months(13), warn).is_err());
        assert!(Terms::new(hide, Term::Months(12), warn).is_err());
        assert!(Terms::new(Term::Days(20), erase, warn).is_err());
        assert!(Terms::new(hide, Term::Days(400), warn).is_err());
        assert!(Terms::new(Term::Days(31), Term::Days(61), warn).is_ok());
    }

    proptest! {
        #[test]
        fn whoever_is_to_be_warned_is_within_the_horizon(now in 0i64..4_000_000_000_000_000, ago in 0i64..100_000_000_000_000) {
            let (now, terms) = (DateTime::from_micros(now), Terms::default());
            let confirmed = DateTime::from_micros(now.micros() - ago);
            let (hiding, erasure) = terms.horizons(now);
            prop_assert!(now < terms.warning_of_hiding(confirmed) || confirmed <= hiding);
            prop_assert!(now < terms.warning_of_erasure(confirmed) || confirmed <= erasure);
        }
    }
}
