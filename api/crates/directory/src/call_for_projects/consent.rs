//! Which contributions count: what the side of each organization says of it.
//!
//! Whoever writes a call speaks for some of its funders, and these contributions count at once. The others are asked:
//! theirs counts once somebody who speaks for the organization has confirmed it. A contribution that a source reports
//! counts without a time at which it was confirmed. One whose amount changes is asked again.

use entity::call_for_projects_contribution::Model as Contribution;

use kernel::value::DateTime;

/// Whether an organization is asked for the same in both.
pub(super) fn same_terms(one: &Contribution, other: &Contribution) -> bool {
    (one.organization_id, &one.amount) == (other.organization_id, &other.amount)
}

/// Writes down what the side of an organization answers.
pub(super) fn answer(contribution: &mut Contribution, yes: bool, now: DateTime) {
    if yes && contribution.confirmed {
        return;
    }
    contribution.confirmed = yes;
    contribution.confirmed_at = yes.then_some(now.micros());
    contribution.declined_at = (!yes).then(|| contribution.declined_at.unwrap_or(now.micros()));
}

/// Keeps the answers to those that are the same as before in the same currency.
pub(super) fn keep(contributions: &mut [Contribution], before: &[Contribution], same_currency: bool) {
    for contribution in contributions {
        let had = before.iter().find(|had| same_currency && same_terms(had, contribution));
        if let Some(had) = had {
            contribution.confirmed = had.confirmed;
            contribution.confirmed_at = had.confirmed_at;
            contribution.declined_at = had.declined_at;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn contribution(number: u128, amount: &str) -> Contribution {
        Contribution {
            organization_id: Uuid::from_u128(number),
            amount: amount.to_owned(),
            ..Contribution::default()
        }
    }

    #[test]
    fn an_answer_stays_as_long_as_the_amount_does() {
        let mut asked = contribution(1, "5.00");
        answer(&mut asked, true, DateTime::from_micros(7));
        assert_eq!((asked.confirmed, asked.confirmed_at), (true, Some(7)));
        answer(&mut asked, true, DateTime::from_micros(8));
        assert_eq!(asked.confirmed_at, Some(7));
        let kept = |amount: &str, same_currency: bool| {
            let mut now = [contribution(1, amount)];
            keep(&mut now, std::slice::from_ref(&asked), same_currency);
            now[0].confirmed
        };
        assert_eq!((kept("5.00", true), kept("6.00", true), kept("5.00", false)), (true, false, false));
        answer(&mut asked, false, DateTime::from_micros(9));
        answer(&mut asked, false, DateTime::from_micros(10));
        assert_eq!((asked.confirmed, asked.confirmed_at, asked.declined_at), (false, None, Some(9)));
    }

    #[test]
    fn what_a_source_reported_is_confirmed_without_a_time() {
        let mut reported = Contribution { confirmed: true, ..contribution(1, "5.00") };
        answer(&mut reported, true, DateTime::from_micros(7));
        assert_eq!(reported.confirmed_at, None);
    }
}
