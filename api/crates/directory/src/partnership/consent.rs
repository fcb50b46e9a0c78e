//! What the parties of a partnership say: whether they take part, and where it stands because of that.
//!
//! Whoever writes a partnership speaks for some of its parties, and these have confirmed. The others are asked: it
//! is PROPOSED until all have confirmed, and DECLINED once one has declined. What a source reports was not asked of
//! anybody: it stays ACTIVE, whoever confirms.

use entity::partnership_party::Model as Party;

use super::PartnershipStatus;

/// Whether a party is asked the same in both: to be this, and to give this.
pub(super) fn same_terms(one: &Party, other: &Party) -> bool {
    let terms = |party: &Party| {
        (
            party.organization_id,
            party.role.clone(),
            party.contribution_amount.clone(),
            party.contribution_currency.clone(),
        )
    };
    terms(one) == terms(other)
}

/// Where a partnership stands by the words of its parties alone.
fn follows(parties: &[Party]) -> PartnershipStatus {
    if parties.iter().any(|party| party.declined_at.is_some()) {
        PartnershipStatus::Declined
    } else if parties.iter().all(|party| party.confirmed_at.is_some()) {
        PartnershipStatus::Active
    } else {
        PartnershipStatus::Proposed
    }
}

/// Whether the parties are the same and have said the same.
fn same_words(one: &[Party], other: &[Party]) -> bool {
    let said = |party: &Party| (party.confirmed_at.is_some(), party.declined_at.is_some());
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| same_terms(one, other) && said(one) == said(other))
}

/// Where a partnership stands once somebody has written it, who asked for this status or for none.
///
/// # Errors
/// The status that follows from the answers of the parties, where another one was requested than they allow.
pub(super) fn written(
    before: Option<(PartnershipStatus, &[Party])>,
    asked: Option<PartnershipStatus>,
    parties: &[Party],
) -> Result<PartnershipStatus, PartnershipStatus> {
    let follows = follows(parties);
    let asked = asked.filter(|asked| before.is_none_or(|(status, _)| status != *asked));
    match (asked, before) {
        (Some(asked @ (PartnershipStatus::Ended | PartnershipStatus::Proposed)), _) => Ok(asked),
        (Some(asked), _) if asked == follows => Ok(asked),
        (Some(_), _) => Err(follows),
        (None, Some((PartnershipStatus::Ended, _))) => Ok(PartnershipStatus::Ended),
        (None, Some((status, had))) if same_words(had, parties) => Ok(status),
        (None, _) => Ok(follows),
    }
}

/// Where a partnership stands once a party has answered.
pub(super) fn answered(before: PartnershipStatus, parties: &[Party]) -> PartnershipStatus {
    match (before, follows(parties)) {
        (PartnershipStatus::Ended, _) => PartnershipStatus::Ended,
        (PartnershipStatus::Active, PartnershipStatus::Proposed) => PartnershipStatus::Active,
        (_, follows) => follows,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::PartnershipStatus::{Active, Declined, Ended, Proposed};
    use super::*;

    /// A party that has said nothing (0), has confirmed (1) or has declined (2).
    fn party(number: u128, word: u8) -> Party {
        Party {
            partnership_id: Uuid::nil(),
            position: 0,
            organization_id: Uuid::from_u128(number),
            role: "PARTNER".into(),
            title: None,
            contribution_amount: None,
            contribution_currency: None,
            confirmed_at: (word == 1).then_some(1),
            starts_key: "~".into(),
            declined_at: (word == 2).then_some(1),
        }
    }

    fn parties(words: &[u8]) -> Vec<Party> {
        words.iter().zip(1..).map(|(word, number)| party(number, *word)).collect()
    }

    #[test]
    fn a_new_one_is_proposed_until_all_have_confirmed() {
        assert_eq!(written(None, None, &parties(&[1, 0])), Ok(Proposed));
        assert_eq!(written(None, None, &parties(&[1, 1])), Ok(Active));
        assert_eq!(written(None, Some(Active), &parties(&[1, 0])), Err(Proposed));
        assert_eq!(written(None, Some(Active), &parties(&[1, 1])), Ok(Active));
        assert_eq!(written(None, Some(Ended), &parties(&[0, 0])), Ok(Ended));
        assert_eq!(written(None, Some(Declined), &parties(&[1, 1])), Err(Active));
    }

    #[test]
    fn what_a_source_reported_stays_until_its_parties_change() {
        let reported = parties(&[0, 0]);
        let before = Some((Active, &reported[..]));
        assert_eq!(written(before, None, &reported), Ok(Active));
        assert_eq!(written(before, Some(Active), &reported), Ok(Active));
        assert_eq!(written(before, None, &parties(&[0, 0, 0])), Ok(Proposed));
        assert_eq!(answered(Active, &parties(&[1, 0])), Active);
        assert_eq!(answered(Active, &parties(&[0, 2])), Declined);
    }

    #[test]
    fn answers_move_it() {
        assert_eq!(answered(Proposed, &parties(&[1, 1])), Active);
        assert_eq!(answered(Proposed, &parties(&[1, 2])), Declined);
        assert_eq!(answered(Declined, &parties(&[1, 1])), Active);
        assert_eq!(answered(Ended, &parties(&[1, 1])), Ended);
    }

    proptest! {
        #[test]
        fn nobody_makes_it_active_for_a_party_that_was_asked_and_has_not_confirmed(
            words in prop::collection::vec(0u8..3, 2..5), asked in prop::sample::select(vec![None, Some(Active), Some(Proposed), Some(Ended), Some(Declined)]),
        ) {
            let parties = parties(&words);
            if written(None, asked, &parties) == Ok(Active) || answered(Proposed, &parties) == Active {
                prop_assert!(words.iter().all(|word| *word == 1));
            }
        }
    }
}
