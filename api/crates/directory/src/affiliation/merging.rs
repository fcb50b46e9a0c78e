//! Affiliations of a talent or an organization that is merged into another.

use entity::affiliation::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::assertion::SideOf;
use super::write::{Affiliations, assertion, same_words, sides};
use super::{AssertedBy, Side};
use kernel::error::DomainError;
use kernel::name_of;
use kernel::problem::Problems;
use kernel::provenance::Source;
use records::audit::Action;
use records::write::{Pair, Rewritten, lock_ids, unite};

/// Lets the affiliations of the duplicate be those of the survivor. One that both had becomes one: it says what either
/// said, and is disputed where either was. `claimed` says that the person has claimed the surviving profile: what others
/// have asserted in the name of the duplicate they have not.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn move_to(
    written: &mut Rewritten<'_, '_>,
    side: Side,
    pair: Pair,
    claimed: bool,
) -> Result<(), DomainError> {
    let batch = written.batch;
    let (column, sql) = match side {
        Side::Talent => (Column::TalentId, "talent_id"),
        Side::Organization => (Column::OrganizationId, "organization_id"),
    };
    let found = written
        .ids(&[pair.survivor, pair.duplicate], |keys, join| {
            format!("SELECT k.n, a.id FROM {keys} {join} affiliation AS a ON a.{sql} = k.id")
        })
        .await?;
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let both = [pair.survivor, pair.duplicate];
    let rows =
        Entity::find().filter(Column::Id.is_in(found)).filter(column.is_in(both)).all(batch.tx).await?;
    let of = |row: &Model| if side == Side::Talent { row.talent_id } else { row.organization_id };
    let (mut moving, staying): (Vec<Model>, Vec<Model>) =
        rows.into_iter().partition(|row| of(row) == pair.duplicate);
    moving.sort_by_key(|row| row.id);
    let mut kept: Vec<(Model, Model)> = staying.into_iter().map(|row| (row.clone(), row)).collect();
    let mut gone: Vec<(Model, Uuid)> = Vec::new();
    for before in moving {
        let mut row = before.clone();
        match side {
            Side::Talent => row.talent_id = pair.survivor,
            Side::Organization => row.organization_id = pair.survivor,
        }
        if claimed {
            name_of(without_the_talent(assertion(&row).by)).clone_into(&mut row.asserted_by);
        }
        match kept.iter_mut().find(|(other, _)| same_words(other, &row)) {
            Some((other, _)) => {
                join(other, &row, &mut written.problems)?;
                gone.push((before, other.id));
            }
            None => kept.push((row, before)),
        }
    }
    let facts = sides(batch, &kept.iter().map(|(row, _)| row).collect::<Vec<_>>()).await?;
    for ((row, _), sides) in kept.iter_mut().zip(facts) {
        let Some(sides) = sides else { continue };
        sides.fill(row);
    }
    kept.retain(|(row, before)| row != before);
    written.remove::<Affiliations>(gone).await?;
    written.save::<Affiliations>(kept, Action::Update).await
}

/// The assertion that remains without the talent's.
const fn without_the_talent(by: AssertedBy) -> AssertedBy {
    match by {
        AssertedBy::Both | AssertedBy::Organization => AssertedBy::Organization,
        AssertedBy::Talent | AssertedBy::Source => AssertedBy::Source,
    }
}

/// The assertion that two join into.
fn either(one: AssertedBy, other: AssertedBy) -> AssertedBy {
    match (one, other) {
        (AssertedBy::Source, by) | (by, AssertedBy::Source) => by,
        (one, other) if one == other => one,
        _ => AssertedBy::Both,
    }
}

/// Joins what is said of an affiliation with what is said of the same one.
fn join(kept: &mut Model, gone: &Model, problems: &mut Problems) -> Result<(), DomainError> {
    let (mut one, other) = (assertion(kept), assertion(gone));
    one.by = either(one.by, other.by);
    // The person's dispute takes precedence over the organization's.
    let disputed = [other.disputed_by, one.disputed_by];
    let by = disputed.iter().flatten().find(|side| **side == SideOf::Talent);
    let by = by.or_else(|| disputed.iter().flatten().next());
    let since = [kept.disputed_at, gone.disputed_at].into_iter().flatten().min();
    if let Some(side) = by {
        // A side that disputes an affiliation does not assert it.
        one.by = match (side, one.by) {
            (SideOf::Talent, AssertedBy::Both) => AssertedBy::Organization,
            (SideOf::Talent, AssertedBy::Talent) | (SideOf::Organization, AssertedBy::Organization) => {
                AssertedBy::Source
            }
            (SideOf::Organization, AssertedBy::Both) => AssertedBy::Talent,
            (_, by) => by,
        };
        kept.disputed_by = Some(side.name().to_owned());
        kept.disputed_at = since;
    }
    name_of(one.by).clone_into(&mut kept.asserted_by);
    unite::<Source>("sources", &mut kept.sources, &gone.sources, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_either_says_both_say() {
        use AssertedBy::{Both, Organization, Source, Talent};
        for (one, other, together) in [
            (Source, Source, Source),
            (Source, Talent, Talent),
            (Talent, Organization, Both),
            (Both, Source, Both),
        ] {
            assert_eq!((either(one, other), either(other, one)), (together, together));
        }
        assert_eq!(
            [Both, Organization, Talent, Source].map(without_the_talent),
            [Organization, Organization, Source, Source]
        );
    }
}
