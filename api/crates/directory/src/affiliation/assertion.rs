//! Who says that an affiliation is so, and who says that it is not.
//!
//! One side asserts it, the other confirms or disputes it. A source, such as an article, speaks for neither. A side
//! that disputes says no more that it is so; only that side takes its word back, by confirming.

use super::AssertedBy;
use kernel::messages::{self, Message};

/// The sides of an affiliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SideOf {
    Talent,
    Organization,
}

impl SideOf {
    /// The name in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Talent => "TALENT",
            Self::Organization => "ORGANIZATION",
        }
    }

    /// The side of a name in the database.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Self::Talent, Self::Organization].into_iter().find(|side| side.name() == name)
    }
}

/// The sides that somebody speaks for.
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own, and any of them go together")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Voice {
    /// Whether for the talent.
    pub(super) talent: bool,
    /// Whether it is the talent's own voice, rather than that of the region.
    pub(super) own: bool,
    /// Whether it takes back what the talent's side disputes: once the person has claimed their profile, they alone do.
    pub(super) decides: bool,
    /// Whether for the organization.
    pub(super) organization: bool,
}

impl Voice {
    const fn is_for(self, side: SideOf) -> bool {
        match side {
            SideOf::Talent => self.talent,
            SideOf::Organization => self.organization,
        }
    }

    const fn is_silent(self) -> bool {
        !self.talent && !self.organization
    }

    /// Who asserts what this voice writes. Whoever writes for both sides asserts it for one of them, and confirms it
    /// for the other when asked: a region's editor does not agree in the name of a person without saying so.
    pub(super) const fn asserts(self) -> Option<AssertedBy> {
        match (self.talent, self.organization) {
            (true, true) if self.own => Some(AssertedBy::Talent),
            (_, true) => Some(AssertedBy::Organization),
            (true, false) => Some(AssertedBy::Talent),
            (false, false) => None,
        }
    }

    /// Whether this voice changes what was asserted so: the talent's side does, as the record is of its region; the
    /// organization's where it has asserted it.
    pub(super) const fn changes(self, asserted: AssertedBy) -> bool {
        self.talent || (self.organization && matches!(asserted, AssertedBy::Organization | AssertedBy::Both))
    }

    /// Whether this voice deletes what was asserted so: the organization's side only where nobody else says it.
    pub(super) const fn deletes(self, asserted: AssertedBy) -> bool {
        self.talent || (self.organization && matches!(asserted, AssertedBy::Organization))
    }
}

/// The assertions about an affiliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    /// The sides that assert it.
    pub(super) by: AssertedBy,
    /// The sides that dispute it.
    pub(super) disputed_by: Option<SideOf>,
}

impl Assertion {
    const fn says(self, side: SideOf) -> bool {
        matches!(
            (self.by, side),
            (AssertedBy::Both, _)
                | (AssertedBy::Talent, SideOf::Talent)
                | (AssertedBy::Organization, SideOf::Organization)
        )
    }

    /// The same with what a side says now.
    const fn with(self, side: SideOf, says: bool) -> Self {
        let talent = if matches!(side, SideOf::Talent) { says } else { self.says(SideOf::Talent) };
        let organization =
            if matches!(side, SideOf::Organization) { says } else { self.says(SideOf::Organization) };
        let by = match (talent, organization) {
            (true, true) => AssertedBy::Both,
            (true, false) => AssertedBy::Talent,
            (false, true) => AssertedBy::Organization,
            (false, false) => AssertedBy::Source,
        };
        Self { by, ..self }
    }

    /// The assertions after this voice has confirmed. A second confirmation changes nothing.
    ///
    /// # Errors
    /// Why this voice cannot: it speaks for no side, or for none that has not said so itself.
    pub(super) fn confirmed(self, voice: Voice) -> Result<Self, &'static Message> {
        if voice.is_silent() {
            return Err(&messages::NEITHER_SIDE);
        }
        let decided = self.disputed_by == Some(SideOf::Talent) && !voice.decides;
        let mut now = self;
        for side in [SideOf::Talent, SideOf::Organization].into_iter().filter(|side| voice.is_for(*side)) {
            if side == SideOf::Talent && decided {
                continue;
            }
            now = now.with(side, true);
            now.disputed_by = now.disputed_by.filter(|by| *by != side);
        }
        if now != self || self.by == AssertedBy::Both {
            return Ok(now);
        }
        Err(if voice.talent && decided { &messages::TALENT_DECIDES } else { &messages::OTHER_SIDE })
    }

    /// The assertions after this voice has disputed it. A second dispute changes nothing.
    ///
    /// # Errors
    /// Why this voice cannot: it speaks for no side, or for none but the one that has said so.
    pub(super) fn disputed(self, voice: Voice) -> Result<Self, &'static Message> {
        if voice.is_silent() {
            return Err(&messages::NEITHER_SIDE);
        }
        let sides = [SideOf::Talent, SideOf::Organization];
        let mut mine = sides.into_iter().filter(|side| voice.is_for(*side));
        let disputes =
            if self.by == AssertedBy::Both { mine.next() } else { mine.find(|side| !self.says(*side)) };
        let side = disputes.ok_or(&messages::OTHER_SIDE)?;
        // Nobody else takes over a dispute of the person's and then confirms.
        let disputed_by = if self.disputed_by == Some(SideOf::Talent) { SideOf::Talent } else { side };
        Ok(Self { disputed_by: Some(disputed_by), ..self.with(side, false) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TALENT: Voice = Voice { talent: true, own: true, decides: true, organization: false };
    const ORGANIZATION: Voice = Voice { talent: false, own: false, decides: true, organization: true };
    const REGION_OF_BOTH: Voice = Voice { talent: true, own: false, decides: true, organization: true };
    const NOBODY: Voice = Voice { talent: false, own: false, decides: true, organization: false };

    fn said(by: AssertedBy) -> Assertion {
        Assertion { by, disputed_by: None }
    }

    #[test]
    fn one_side_asserts_and_the_other_confirms() {
        assert_eq!(ORGANIZATION.asserts(), Some(AssertedBy::Organization));
        assert_eq!(TALENT.asserts(), Some(AssertedBy::Talent));
        assert_eq!(REGION_OF_BOTH.asserts(), Some(AssertedBy::Organization));
        assert_eq!(NOBODY.asserts(), None);
        let by_organization = said(AssertedBy::Organization);
        assert_eq!(by_organization.confirmed(TALENT), Ok(said(AssertedBy::Both)));
        assert_eq!(by_organization.confirmed(REGION_OF_BOTH), Ok(said(AssertedBy::Both)));
        assert_eq!(by_organization.confirmed(ORGANIZATION), Err(&messages::OTHER_SIDE));
        assert_eq!(by_organization.confirmed(NOBODY), Err(&messages::NEITHER_SIDE));
        assert_eq!(said(AssertedBy::Source).confirmed(TALENT), Ok(said(AssertedBy::Talent)));
        assert_eq!(said(AssertedBy::Both).confirmed(ORGANIZATION), Ok(said(AssertedBy::Both)));
    }

    #[test]
    fn what_a_side_disputes_only_that_side_takes_back() {
        let disputed = said(AssertedBy::Organization).disputed(TALENT).unwrap();
        assert_eq!(disputed.disputed_by, Some(SideOf::Talent));
        assert_eq!(disputed.disputed(TALENT), Ok(disputed));
        assert_eq!(disputed.confirmed(ORGANIZATION), Err(&messages::OTHER_SIDE));
        assert_eq!(disputed.disputed(ORGANIZATION), Err(&messages::OTHER_SIDE));
        assert_eq!(disputed.confirmed(TALENT), Ok(said(AssertedBy::Both)));
        let region = Voice { own: false, decides: false, ..TALENT };
        assert_eq!(disputed.confirmed(region), Err(&messages::TALENT_DECIDES));
        assert_eq!(
            disputed.confirmed(Voice { decides: false, ..REGION_OF_BOTH }),
            Err(&messages::TALENT_DECIDES)
        );
        let of_both = said(AssertedBy::Both).disputed(TALENT).unwrap();
        assert_eq!(of_both, Assertion { by: AssertedBy::Organization, disputed_by: Some(SideOf::Talent) });
        let of_source = said(AssertedBy::Source).disputed(TALENT).unwrap();
        assert_eq!(of_source.disputed(ORGANIZATION).unwrap().disputed_by, Some(SideOf::Talent));
    }

    proptest! {
        #[test]
        fn no_voice_says_anything_for_a_side_that_it_does_not_speak_for(
            by in prop::sample::select(vec![AssertedBy::Talent, AssertedBy::Organization, AssertedBy::Both, AssertedBy::Source]),
            disputed in prop::sample::select(vec![None, Some(SideOf::Talent), Some(SideOf::Organization)]),
            talent: bool, organization: bool, decides: bool, yes: bool,
        ) {
            let voice = Voice { talent, own: false, decides, organization };
            let before = Assertion { by, disputed_by: disputed };
            let after = if yes { before.confirmed(voice) } else { before.disputed(voice) };
            if let Ok(after) = after {
                prop_assert!(decides || disputed != Some(SideOf::Talent) || after.disputed_by == disputed);
                for side in [SideOf::Talent, SideOf::Organization].into_iter().filter(|side| !voice.is_for(*side)) {
                    prop_assert_eq!(before.says(side), after.says(side));
                    prop_assert!((after.disputed_by == Some(side)) <= (before.disputed_by == Some(side)));
                    prop_assert!(before.disputed_by != Some(side) || after.disputed_by.is_some());
                }
            }
        }
    }
}
