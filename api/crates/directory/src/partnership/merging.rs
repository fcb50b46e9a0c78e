//! Partnerships of an organization that is merged into another.

use entity::partnership_party::Model as Party;

use super::write::{Partnerships, Row, add_up, derive, organizations, organizations_of};
use super::{PartnershipNode, consent};
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage};
use kernel::node::Node as _;
use kernel::problem::Problem;
use kernel::read::KeyedStatement;
use kernel::{RecordType, id, name_of};
use records::audit::Action;
use records::write::{Pair, RecordRow as _, Rewritten, lock_ids, rows_of};

/// Lets the survivor be a party where the duplicate was. Where both were, they are one: it has the survivor's role and
/// contribution, and those of the duplicate where the survivor has none. A partnership of the two alone is a problem.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn move_to(written: &mut Rewritten<'_, '_>, pair: Pair) -> Result<(), DomainError> {
    let batch = written.batch;
    let found = written
        .ids(&[pair.duplicate], |keys, join| {
            format!("SELECT k.n, p.partnership_id FROM {keys} {join} partnership_party AS p ON p.organization_id = k.id")
        })
        .await?;
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let rows = Row::load(batch, &found).await?;
    let known = organizations(batch, organizations_of(rows.values())).await?;
    let mut changed: Vec<(Row, Row)> = Vec::new();
    let mut lonely = Vec::new();
    for (id, before) in rows {
        let mut row = before.clone();
        replace(&mut row, pair);
        if row.parties.len() < 2 {
            lonely.push(id);
            continue;
        }
        name_of(consent::answered(before.status(), &row.parties)).clone_into(&mut row.model.status);
        add_up(&mut row);
        let _ = derive(&mut row, &known);
        changed.push((row, before));
    }
    if !lonely.is_empty() {
        lonely.sort_unstable();
        let who = shown(written, &lonely).await?;
        let who = if who.is_empty() { String::new() } else { format!("({})", who.join(", ")) };
        let said = FilledMessage::new(&messages::PARTNERSHIP_OF_ONE).with("who", who);
        written.problems.add(Problem::beside("duplicate", said));
        return Ok(());
    }
    written.save::<Partnerships>(changed, Action::Update).await
}

/// The ids, as clients see them, of those of these partnerships that the viewer sees: a few of them.
async fn shown(written: &Rewritten<'_, '_>, ids: &[uuid::Uuid]) -> Result<Vec<String>, DomainError> {
    let batch = written.batch;
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, r.id FROM {keys} {then} partnership AS r ON r.id = k.id WHERE {} ORDER BY k.n LIMIT 10",
            PartnershipNode::sees(written.viewer, batch.dialect, "r")
        )
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found
        .into_iter()
        .map(|(_, mut row)| Ok(id::encode(RecordType::Partnership.prefix(), row.get()?)))
        .collect()
}

/// Puts the survivor in the place of the duplicate.
fn replace(row: &mut Row, pair: Pair) {
    let Some(place) = row.parties.iter().position(|party| party.organization_id == pair.duplicate) else {
        return;
    };
    match row.parties.iter().position(|party| party.organization_id == pair.survivor) {
        None => row.parties[place].organization_id = pair.survivor,
        Some(kept) => {
            let gone = row.parties[place].clone();
            join(&mut row.parties[kept], &gone);
            row.parties.remove(place);
            for (position, party) in (0..).zip(&mut row.parties) {
                party.position = position;
            }
        }
    }
}

/// Joins a party with the same one. A word that it has given to the same terms counts, and a refusal always.
fn join(kept: &mut Party, gone: &Party) {
    let same = Party { organization_id: kept.organization_id, ..gone.clone() };
    let confirmed = kept.confirmed_at.or(gone.confirmed_at.filter(|_| consent::same_terms(kept, &same)));
    kept.title = kept.title.take().or_else(|| gone.title.clone());
    if kept.contribution_amount.is_none() {
        kept.contribution_amount.clone_from(&gone.contribution_amount);
        kept.contribution_currency.clone_from(&gone.contribution_currency);
    }
    kept.declined_at = kept.declined_at.or(gone.declined_at);
    kept.confirmed_at = confirmed.filter(|_| kept.declined_at.is_none());
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn party(number: u128) -> Party {
        Party {
            partnership_id: Uuid::nil(),
            position: 0,
            organization_id: Uuid::from_u128(number),
            role: "PARTNER".into(),
            title: None,
            contribution_amount: None,
            contribution_currency: None,
            confirmed_at: None,
            starts_key: "~".into(),
            declined_at: None,
        }
    }

    #[test]
    fn a_word_given_to_other_terms_is_no_word() {
        let confirmed = Party { confirmed_at: Some(1), ..party(2) };
        let mut kept = party(1);
        join(&mut kept, &confirmed);
        assert_eq!(kept.confirmed_at, Some(1));
        let mut kept = Party { role: "LEAD".into(), ..party(1) };
        join(&mut kept, &confirmed);
        assert_eq!((kept.confirmed_at, kept.role.as_str()), (None, "LEAD"));
        let mut kept = Party { confirmed_at: Some(1), contribution_amount: Some("5".into()), ..party(1) };
        join(&mut kept, &Party { declined_at: Some(2), contribution_amount: Some("7".into()), ..party(2) });
        assert_eq!(
            (kept.confirmed_at, kept.declined_at, kept.contribution_amount.as_deref()),
            (None, Some(2), Some("5"))
        );
    }
}
