//! Profiles that nobody confirms do not stay for ever.
//!
//! A profile that the directory shows with the person's consent is hidden some time after they last said that it is
//! right (by confirming it, agreeing or claiming it; else after it was made), and erased later. Before each they are
//! warned by mail, in their language, and have the whole time that the warning gives, however late it came. Where
//! nobody can be warned, the same happens at the same times. Profiles of people in a public role that was reported in
//! public are not concerned: they rest on the report, not on a consent that could grow old.
//!
//! Each step of each profile is one transaction: what was done and what is noted of it are there together or not at
//! all. A program that is killed anywhere, or two that do the same, do no harm.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::{Standing, standing};
use identity::Identity;
use kernel::error::DomainError;
use kernel::value::DateTime;
use records::transact::transact;

mod job;
pub mod store;
mod term;

pub use term::{Term, Terms};

use store::Profile;

/// The measure for a profile that nobody has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The person is warned that it will be hidden.
    WarnOfHiding,
    /// It is hidden.
    Hide,
    /// The person is warned that it will be erased.
    WarnOfErasure,
    /// It is erased.
    Erase,
}

/// The measure that a profile is due for, and the day that a warning names for the next one.
fn due(profile: &Profile, terms: &Terms, now: DateTime) -> Option<(Measure, DateTime)> {
    if !profile.rests_on_consent {
        return None;
    }
    let since = profile.confirmed_at.unwrap_or(profile.created_at);
    let (warned, warning, end, warn, act) = if profile.is_private {
        let (warning, end) = (terms.warning_of_erasure(since), terms.erasure(since));
        (profile.erasure_warned_at, warning, end, Measure::WarnOfErasure, Measure::Erase)
    } else {
        let (warning, end) = (terms.warning_of_hiding(since), terms.hiding(since));
        (profile.hiding_warned_at, warning, end, Measure::WarnOfHiding, Measure::Hide)
    };
    match warned {
        None => (now >= warning).then(|| (warn, end.max(terms.grace(now)))),
        Some(warned) => {
            let end = end.max(terms.grace(warned));
            (now >= end).then_some((act, end))
        }
    }
}

/// The number of profiles that were dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Persons who were warned, or could not be.
    pub warned: u64,
    /// Profiles that were hidden.
    pub hidden: u64,
    /// Profiles that were erased.
    pub erased: u64,
}

/// Profiles that are looked at together.
const BATCH: u32 = 100;

/// Goes through all profiles once and does what is due. A failure with one of them does not keep it from the others;
/// it is answered at the end.
///
/// # Errors
/// [`DomainError::Database`] and others of a single profile: the next sweep tries it again.
pub async fn sweep(identity: &Identity, terms: &Terms) -> Result<Swept, DomainError> {
    let (mut swept, mut failed, mut after) = (Swept::default(), None, Uuid::nil());
    loop {
        let ids = store::candidates(&identity.db, terms.horizons(identity.clock.now()), after, BATCH).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        for id in ids {
            // One measure may make the next one due: a profile that is long overdue is hidden and warned at once.
            loop {
                match step(identity, *terms, id).await {
                    Ok(Some(measure)) => match measure {
                        Measure::WarnOfHiding | Measure::WarnOfErasure => swept.warned += 1,
                        Measure::Hide => swept.hidden += 1,
                        Measure::Erase => swept.erased += 1,
                    },
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, %id, "a profile that nobody has confirmed could not be dealt with");
                        failed = Some(error);
                        break;
                    }
                }
            }
        }
    }
    failed.map_or(Ok(swept), Err)
}

/// Does what is due to a profile: one measure at most.
async fn step(identity: &Identity, terms: Terms, id: Uuid) -> Result<Option<Measure>, DomainError> {
    let done = transact(identity, move |identity, tx| {
        Box::pin(async move {
            // Locked: what the person says now comes before this, or finds it done.
            if matches!(standing(tx, id).await?, Standing::Gone | Standing::Merged) {
                return Ok(None);
            }
            let Some(profile) = store::profile(tx, identity.db.dialect(), id).await? else { return Ok(None) };
            let Some((measure, end)) = due(&profile, &terms, identity.clock.now()) else { return Ok(None) };
            match measure {
                Measure::WarnOfHiding | Measure::WarnOfErasure => {
                    job::warn(identity, tx, &profile, measure, end).await?;
                }
                Measure::Hide => job::hide(identity, tx, id).await?,
                Measure::Erase => job::erase(identity, tx, id).await?,
            }
            Ok(Some(measure))
        })
    });
    let done = done.await?;
    if done == Some(Measure::Erase) {
        identity.erased.notify_one();
        identity.callers().forget_all();
    }
    Ok(done)
}

/// Deals with profiles until `stop` is cancelled. Of several programs on one database one does it.
pub fn start(identity: &Identity, terms: Terms, stop: CancellationToken) {
    job::start(identity, terms, stop);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn profile() -> Profile {
        Profile {
            id: Uuid::nil(),
            region: "wallonie".into(),
            is_private: false,
            rests_on_consent: true,
            created_at: at("2020-01-01T00:00:00Z"),
            confirmed_at: Some(at("2026-01-31T12:00:00Z")),
            hiding_warned_at: None,
            erasure_warned_at: None,
            email: None,
            language: None,
        }
    }

    #[test]
    fn a_warning_comes_before_each_and_its_time_is_kept() {
        let terms = Terms::default();
        let due = |profile: &Profile, now: &str| due(profile, &terms, at(now));
        let mut profile = profile();
        assert_eq!(due(&profile, "2027-01-29T11:59:59Z"), None);
        let on = at("2027-02-28T12:00:00Z");
        assert_eq!(due(&profile, "2027-01-29T12:00:00Z"), Some((Measure::WarnOfHiding, on)));
        // However late it comes.
        let late = at("2027-04-11T00:00:00Z");
        assert_eq!(due(&profile, "2027-03-12T00:00:00Z"), Some((Measure::WarnOfHiding, late)));
        profile.hiding_warned_at = Some(at("2027-01-29T12:00:00Z"));
        assert_eq!(due(&profile, "2027-02-28T11:59:59Z"), None);
        assert_eq!(due(&profile, "2027-02-28T12:00:00Z"), Some((Measure::Hide, on)));
        profile.hiding_warned_at = Some(at("2027-03-12T00:00:00Z"));
        assert_eq!(due(&profile, "2027-04-10T23:59:59Z"), None);
        assert_eq!(due(&profile, "2027-04-11T00:00:00Z"), Some((Measure::Hide, late)));
        profile.is_private = true;
        assert_eq!(due(&profile, "2027-12-31T00:00:00Z"), None);
        let on = at("2028-01-31T12:00:00Z");
        assert_eq!(due(&profile, "2028-01-01T12:00:00Z"), Some((Measure::WarnOfErasure, on)));
        profile.erasure_warned_at = Some(at("2028-01-01T12:00:00Z"));
        assert_eq!(due(&profile, "2028-01-31T11:59:59Z"), None);
        assert_eq!(due(&profile, "2028-01-31T12:00:00Z"), Some((Measure::Erase, on)));
        profile.rests_on_consent = false;
        assert_eq!(due(&profile, "2099-01-01T00:00:00Z"), None);
    }

    #[test]
    fn who_never_said_anything_is_counted_from_the_making_of_the_record() {
        let never = Profile { confirmed_at: None, ..profile() };
        let (measure, _) = due(&never, &Terms::default(), at("2021-01-03T00:00:00Z")).unwrap();
        assert_eq!(measure, Measure::WarnOfHiding);
        assert_eq!(due(&never, &Terms::default(), at("2020-12-31T00:00:00Z")), None);
    }
}
