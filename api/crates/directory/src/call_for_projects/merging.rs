//! Calls for projects of an organization that is merged into another.

use entity::call_for_projects_contribution::Model as Contribution;
use entity::call_for_projects_lot_funder::Model as Funder;
use uuid::Uuid;

use super::write::{CallsForProjects, Row, follow_regions};
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage};
use kernel::problem::Problem;
use kernel::value::{Currency, Decimal, Money};
use records::audit::Action;
use records::write::{Pair, RecordRow as _, Rewritten, lock_ids};

/// Lets the survivor contribute and organize where the duplicate did. Where both contribute, or fund a lot, the survivor
/// gives what both give together; it counts where both parts did.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn move_to(written: &mut Rewritten<'_, '_>, pair: Pair) -> Result<(), DomainError> {
    let batch = written.batch;
    let mut found = Vec::new();
    for table in
        ["call_for_projects_contribution", "call_for_projects_lot_funder", "call_for_projects_organizer"]
    {
        let of_table = |keys: &str, join: &str| {
            format!("SELECT k.n, p.call_id FROM {keys} {join} {table} AS p ON p.organization_id = k.id")
        };
        found.extend(written.ids(&[pair.duplicate], of_table).await?);
    }
    found.sort_unstable();
    found.dedup();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let rows = Row::load(batch, &found).await?;
    let mut changed: Vec<(Row, Row)> = Vec::new();
    for before in rows.into_values() {
        let mut row = before.clone();
        if replace(&mut row, pair).is_none() {
            written
                .problems
                .add(Problem::beside("duplicate", FilledMessage::new(&messages::calls::SUM_TOO_LARGE)));
            return Ok(());
        }
        changed.push((row, before));
    }
    follow_regions(batch, &mut changed).await?;
    written.save::<CallsForProjects>(changed, Action::Update).await
}

/// Puts the survivor in the place of the duplicate; none where an amount would be more than money can be.
fn replace(row: &mut Row, pair: Pair) -> Option<()> {
    let currency = row.model.currency.clone().unwrap_or_default();
    contributions(&mut row.contributions, pair, &currency)?;
    row.funders = funders(std::mem::take(&mut row.funders), pair, &currency)?;
    let is_there = row.organizers.iter().any(|one| one.organization_id == pair.survivor);
    if is_there {
        row.organizers.retain(|one| one.organization_id != pair.duplicate);
    }
    for (position, one) in (0..).zip(&mut row.organizers) {
        one.position = position;
        rename(&mut one.organization_id, pair);
    }
    Some(())
}

fn rename(organization: &mut Uuid, pair: Pair) {
    if *organization == pair.duplicate {
        *organization = pair.survivor;
    }
}

/// The sum of two stored amounts of a call.
fn together(one: &str, other: &str, currency: &str) -> Option<String> {
    let currency: Currency = currency.parse().ok()?;
    let money = |text: &str| Money::new(text.parse::<Decimal>().ok()?, currency).ok();
    Some(money(one)?.checked_add(money(other)?).ok()?.amount().to_string())
}

fn contributions(all: &mut Vec<Contribution>, pair: Pair, currency: &str) -> Option<()> {
    let place = |all: &[Contribution], id: Uuid| all.iter().position(|one| one.organization_id == id);
    if let (Some(kept), Some(gone)) = (place(all, pair.survivor), place(all, pair.duplicate)) {
        let other = all[gone].clone();
        let own = &mut all[kept];
        own.amount = together(&own.amount, &other.amount, currency)?;
        // A refusal of a part is one of the whole, and a part that nobody has confirmed is not confirmed with the other.
        own.declined_at = own.declined_at.or(other.declined_at);
        own.confirmed &= other.confirmed;
        own.confirmed_at = own.confirmed_at.max(other.confirmed_at).filter(|_| own.confirmed);
        all.remove(gone);
    }
    for (position, one) in (0..).zip(all) {
        one.position = position;
        rename(&mut one.organization_id, pair);
    }
    Some(())
}

fn funders(all: Vec<Funder>, pair: Pair, currency: &str) -> Option<Vec<Funder>> {
    let mut kept: Vec<Funder> = Vec::with_capacity(all.len());
    for mut one in all {
        rename(&mut one.organization_id, pair);
        let same =
            kept.iter_mut().find(|had| (had.lot, had.organization_id) == (one.lot, one.organization_id));
        if let Some(had) = same {
            had.amount = together(&had.amount, &one.amount, currency)?;
        } else {
            let before = kept.iter().filter(|had| had.lot == one.lot).count();
            one.position = i32::try_from(before).unwrap_or(i32::MAX);
            kept.push(one);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Pair = Pair { survivor: Uuid::from_u128(1), duplicate: Uuid::from_u128(2) };

    fn contribution(number: u128, amount: &str, confirmed: bool) -> Contribution {
        let organization_id = Uuid::from_u128(number);
        let confirmed_at = confirmed.then_some(7);
        Contribution {
            organization_id,
            amount: amount.into(),
            confirmed,
            confirmed_at,
            ..Contribution::default()
        }
    }

    fn funder(lot: i32, number: u128, amount: &str) -> Funder {
        Funder { lot, organization_id: Uuid::from_u128(number), amount: amount.into(), ..Funder::default() }
    }

    fn row() -> Row {
        Row {
            model: entity::call_for_projects::Model { currency: Some("EUR".into()), ..Default::default() },
            ..Row::default()
        }
    }

    #[test]
    fn the_survivor_gives_what_both_gave() {
        let mut row = row();
        row.contributions =
            vec![contribution(2, "5.00", true), contribution(3, "1.00", true), contribution(1, "7.50", true)];
        row.funders = vec![funder(0, 2, "2.00"), funder(0, 1, "3.00"), funder(1, 2, "4.00")];
        replace(&mut row, PAIR).unwrap();
        let given: Vec<(u128, &str, i32)> = row
            .contributions
            .iter()
            .map(|one| (one.organization_id.as_u128(), one.amount.as_str(), one.position))
            .collect();
        assert_eq!(given, [(3, "1.00", 0), (1, "12.50", 1)]);
        let shares: Vec<(i32, u128, &str, i32)> = row
            .funders
            .iter()
            .map(|one| (one.lot, one.organization_id.as_u128(), one.amount.as_str(), one.position))
            .collect();
        assert_eq!(shares, [(0, 1, "5.00", 0), (1, 1, "4.00", 0)]);
    }

    #[test]
    fn a_part_that_nobody_has_confirmed_is_not_confirmed_with_the_other() {
        let mut row = row();
        row.contributions = vec![contribution(1, "5.00", true), contribution(2, "5.00", false)];
        replace(&mut row, PAIR).unwrap();
        let one = &row.contributions[0];
        assert_eq!((row.contributions.len(), one.confirmed, one.confirmed_at), (1, false, None));
    }

    #[test]
    fn amounts_beyond_money_are_no_merge() {
        let mut row = row();
        row.contributions =
            vec![contribution(1, "999999999999999.00", true), contribution(2, "999999999999999.00", true)];
        assert!(replace(&mut row, PAIR).is_none());
    }
}
