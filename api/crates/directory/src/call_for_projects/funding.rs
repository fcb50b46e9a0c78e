//! The money of a call: the sums that follow from its contributions, and the checks that its parts fit together.

use std::collections::HashMap;

use entity::call_for_projects_lot::Model as LotRow;
use entity::call_for_projects_lot_funder::Model as Funder;
use uuid::Uuid;

use super::write::Row;
use kernel::messages::{FilledMessage, calls};
use kernel::problem::{Problem, Problems};
use kernel::value::{Currency, Decimal, Money};

/// A stored amount. What is stored was checked when it was written.
fn number(text: &str) -> Decimal {
    text.parse().unwrap_or(Decimal::ZERO)
}

/// The sum of stored amounts as money; none where there is none, or the sum is beyond what money can be.
fn sum<'a>(amounts: impl Iterator<Item = &'a str>, currency: &str) -> Option<Money> {
    let currency: Currency = currency.parse().ok()?;
    let mut total: Option<Money> = None;
    for amount in amounts {
        let next = Money::new(amount.parse().ok()?, currency).ok()?;
        total = Some(match total {
            Some(total) => total.checked_add(next).ok()?,
            None => next,
        });
    }
    total
}

/// Sets the fund and the budgets of the lots, from the contributions that count.
pub(super) fn add_up(row: &mut Row) {
    let currency = row.model.currency.clone().unwrap_or_default();
    let counted = row.contributions.iter().filter(|one| one.confirmed);
    let fund = sum(counted.clone().map(|one| one.amount.as_str()), &currency);
    let counts: Vec<Uuid> = counted.map(|one| one.organization_id).collect();
    row.model.fund_amount = fund.map(|money| money.amount().to_string());
    for lot in &mut row.lots {
        let shares = row.funders.iter().filter(|funder| funder.lot == lot.position);
        let shares = shares.filter(|funder| counts.contains(&funder.organization_id));
        let budget = sum(shares.map(|funder| funder.amount.as_str()), &currency);
        lot.budget = budget.map(|money| money.amount().to_string());
    }
}

/// Checks that neither the lots together nor the ceiling of one are above the fund. Contributions that do not count yet
/// are part of it.
pub(super) fn check_fund(row: &Row, problems: &mut Problems) {
    let currency = row.model.currency.as_deref().unwrap_or_default();
    let fund = sum(row.contributions.iter().map(|one| one.amount.as_str()), currency);
    if fund.is_none() && !row.contributions.is_empty() {
        // Each of them is money, so only their sum is not.
        problems.add(Problem::new("contributions", &calls::SUM_TOO_LARGE));
        return;
    }
    let fund = fund.map(Money::amount);
    if let Some(fund) = fund {
        let mut shares = row.funders.iter().map(|funder| number(&funder.amount));
        // Amounts of money have so few digits that the sum of all shares of a call fits.
        let in_lots = shares.try_fold(Decimal::ZERO, Decimal::checked_add).unwrap_or(fund);
        if in_lots > fund {
            let said = FilledMessage::new(&calls::LOTS_ABOVE_FUND).with("fund", shown(fund, currency));
            problems.add(Problem::at("lots", said.with("lots", shown(in_lots, currency))));
        }
        for LotRow { position, ceiling, .. } in &row.lots {
            if ceiling.as_deref().is_some_and(|ceiling| number(ceiling) > fund) {
                let said = FilledMessage::new(&calls::CEILING_ABOVE_FUND).with("fund", shown(fund, currency));
                problems.add(Problem::at(format!("lots.{position}.ceiling"), said));
            }
        }
    }
}

/// Checks what each funder gives to all lots together. The share that goes beyond what it contributes is the wrong one.
/// Nothing is known of those `doubtful` organizations whose contribution is wrong itself.
pub(super) fn check_shares(row: &Row, doubtful: &[Uuid], problems: &mut Problems) {
    let currency = row.model.currency.as_deref().unwrap_or_default();
    let mut left: HashMap<Uuid, Decimal> =
        row.contributions.iter().map(|one| (one.organization_id, number(&one.amount))).collect();
    for Funder { lot, position, organization_id, amount, .. } in &row.funders {
        let path = format!("lots.{lot}.funders.{position}");
        match left.get_mut(organization_id) {
            None if doubtful.contains(organization_id) => {}
            None => problems.add(Problem::new(format!("{path}.organization"), &calls::NOT_A_FUNDER)),
            Some(left) => {
                let share = number(amount);
                if share > *left {
                    let said =
                        FilledMessage::new(&calls::ABOVE_CONTRIBUTION).with("left", shown(*left, currency));
                    problems.add(Problem::at(format!("{path}.amount"), said));
                }
                *left = left.checked_sub(share).filter(|left| *left > Decimal::ZERO).unwrap_or(Decimal::ZERO);
            }
        }
    }
}

/// An amount for a message, as clients write it.
fn shown(amount: Decimal, currency: &str) -> String {
    format!("{amount} {currency}")
}
