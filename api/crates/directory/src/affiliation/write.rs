//! The write path of affiliations: from an input to a row, and how they follow their talent and organization.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::affiliation::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Deserialize;
use uuid::Uuid;

use super::assertion::{Assertion, SideOf, Voice};
use super::{AffiliationNode, AssertedBy, replica};
use kernel::error::DomainError;
use kernel::input::{Fields, LocalizedTextInput, MAX_NAME};
use kernel::policy::{Facts, Viewer, Visibility, view_region};
use kernel::problem::{Problem, Problems};
use kernel::provenance::SourceInput;
use kernel::read::{KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::value::{DateTime, Given, PartialDate};
use kernel::vocabulary::vocabularies;
use kernel::{RecordType, messages, name_of, value_of};
use records::audit::Action;
use records::write::{
    self, Batch, Draft, InputFields, Kind, Numbered, RecordRow as _, Reference, Submission, Written,
    lock_ids, touch,
};

/// An affiliation, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AffiliationInput {
    /// The talent, by its id, its slug, or `source:externalId`.
    pub talent: MaybeUndefined<ID>,
    /// The organization, by its id, its slug, or `source:externalId`.
    pub organization: MaybeUndefined<ID>,
    /// What the person is or was there, the original first.
    pub roles: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the occupation that the role belongs to.
    pub occupation: MaybeUndefined<String>,
    /// The beginning, as precisely as known.
    pub starts_on: MaybeUndefined<Given<PartialDate>>,
    /// The end, as precisely as known.
    pub ends_on: MaybeUndefined<Given<PartialDate>>,
    /// When a source reported it, where the period is not known.
    pub as_of: MaybeUndefined<Given<PartialDate>>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
}

impl InputFields for AffiliationInput {
    fn references(&self, into: &mut Vec<Reference>) {
        let given = |to, id: &MaybeUndefined<ID>| {
            id.as_opt_ref().flatten().map(|id| Reference { to, text: id.0.clone() })
        };
        into.extend(given(RecordType::Talent, &self.talent));
        into.extend(given(RecordType::Organization, &self.organization));
    }
}

/// The write path of affiliations.
#[derive(Debug)]
pub struct Affiliations;

/// The facts that decide about an affiliation: its talent, that group of the talent's fields, and its organization.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub(super) talent: Facts,
    /// Whether the person has claimed their profile.
    claimed: bool,
    group: Facts,
    organization: Facts,
}

impl Sides {
    /// The strictest level of all: what is stored with the row. What a side disputes is private.
    pub(super) fn level(&self, row: &Model) -> Visibility {
        if row.disputed_by.is_some() {
            return Visibility::Private;
        }
        let parts = [&self.talent, &self.group, &self.organization];
        parts.into_iter().map(Facts::strictest).max().unwrap_or(Visibility::Private)
    }

    /// Sets what an affiliation has of its sides.
    pub(super) fn fill(self, row: &mut Model) {
        let level = self.level(row);
        let parts = [&self.talent, &self.group, &self.organization];
        let parts = parts.into_iter().map(|part| (part.region.as_str(), part.visibility));
        row.view_region = view_region(&self.talent.region, level, parts);
        row.visibility = level.code();
        row.region = self.talent.region;
    }

    /// The sides that a viewer speaks for.
    fn voice(&self, viewer: &Viewer) -> Voice {
        let speaks = |side: &Facts| viewer.speaks_for(&side.region, side.id);
        Voice {
            talent: speaks(&self.talent),
            own: viewer.owns.contains(&self.talent.id),
            decides: viewer.decides_for(self.claimed, self.talent.id),
            organization: speaks(&self.organization),
        }
    }
}

/// The assertion of an affiliation.
pub(super) fn assertion(row: &Model) -> Assertion {
    Assertion {
        by: value_of(&row.asserted_by).unwrap_or(AssertedBy::Source),
        disputed_by: row.disputed_by.as_deref().and_then(SideOf::of_name),
    }
}

/// Whether two rows say the same of the talent and the organization.
pub(super) fn same_words(one: &Model, other: &Model) -> bool {
    let words = |row: &Model| {
        let dates = (row.starts_on.clone(), row.ends_on.clone(), row.as_of.clone());
        (row.talent_id, row.organization_id, row.roles.clone(), row.occupation.clone(), dates)
    };
    words(one) == words(other)
}

/// Writes down who says so now: who answers, or who has changed what is said. What has changed is not what the
/// others have confirmed.
fn assert_anew(draft: &mut Draft<Model>, sides: &Sides, now: DateTime, problems: &mut Problems) {
    let voice = draft.viewer.as_deref().map(|viewer| sides.voice(viewer));
    let before = draft.before.as_ref().map(assertion);
    if let (Some(answer), Some(before), Some(voice)) = (&draft.answer, before, voice) {
        let said = if answer.yes { before.confirmed(voice) } else { before.disputed(voice) };
        match said {
            Ok(said) => {
                name_of(said.by).clone_into(&mut draft.row.asserted_by);
                let disputed = said.disputed_by.map(|side| side.name().to_owned());
                if disputed != draft.row.disputed_by {
                    draft.row.disputed_at = disputed.as_ref().map(|_| now.micros());
                    draft.row.disputed_by = disputed;
                }
            }
            Err(message) => problems.add(Problem::forbidden(message)),
        }
        return;
    }
    if draft.before.as_ref().is_some_and(|before| same_words(before, &draft.row)) {
        return;
    }
    let by = match voice {
        None => Some(AssertedBy::Source),
        // A writer for both sides leaves the assertion as it is.
        Some(Voice { talent: true, organization: true, .. }) if before.is_some() => return,
        Some(voice) => voice.asserts(),
    };
    let Some(by) = by else {
        // Nothing more is said to those who may not write it anyhow.
        problems.take();
        problems.add(Problem::new("", &messages::NEITHER_SIDE));
        return;
    };
    name_of(by).clone_into(&mut draft.row.asserted_by);
}

/// The facts about both sides of affiliations.
pub(super) async fn sides(batch: &Batch<'_>, rows: &[&Model]) -> Result<Vec<Option<Sides>>, DomainError> {
    let keys = KeyColumns::new(&[("talent_id", KeyType::Id), ("organization_id", KeyType::Id)]);
    let sql = format!(
        "SELECT k.n, t.claimed, t.id, t.region, t.visibility, t.affiliations_visibility, o.id, o.region, o.visibility \
         FROM {} {then} talent AS t ON t.id = k.talent_id {then} organization AS o ON o.id = k.organization_id",
        keys.source(batch.dialect),
        then = batch.dialect.join(),
    );
    let asked = rows.iter().map(|row| vec![KeyValue::Id(row.talent_id), KeyValue::Id(row.organization_id)]);
    let found = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, asked.collect()).await?;
    let mut all: Vec<Option<Sides>> = rows.iter().map(|_| None).collect();
    for (position, mut row) in found {
        let claimed: bool = row.get()?;
        let (id, region): (Uuid, String) = (row.get()?, row.get()?);
        let (level, group): (i16, i16) = (row.get()?, row.get()?);
        let talent = Facts { visibility: Visibility::from_code(level), region, id, parts: Vec::new() };
        let group = Facts { visibility: Visibility::from_code(group), ..talent.clone() };
        let organization = Facts {
            id: row.get()?,
            region: row.get()?,
            visibility: Visibility::from_code(row.get()?),
            parts: Vec::new(),
        };
        all[position] = Some(Sides { talent, claimed, group, organization });
    }
    Ok(all)
}

/// Makes affiliations follow their talents or organizations (by the column that refers to them) into the view
/// that these are in now.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn follow(batch: &Batch<'_>, column: &str, ids: &[Uuid]) -> Result<Vec<Written>, DomainError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let side = if column == "talent_id" { Column::TalentId } else { Column::OrganizationId };
    let found = Entity::find().select_only().column(Column::Id).filter(side.is_in(ids.iter().copied()));
    let mut found: Vec<Uuid> = found.into_tuple().all(batch.tx).await?;
    found.sort_unstable();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let rows: Vec<Model> = Model::load(batch, &found).await?.into_values().collect();
    let facts = sides(batch, &rows.iter().collect::<Vec<_>>()).await?;
    let moved = rows.into_iter().zip(facts).filter_map(|(before, sides)| {
        let mut row = before.clone();
        sides?.fill(&mut row);
        (row != before).then_some((row, before))
    });
    write::follow::<Affiliations>(batch, moved.collect()).await
}

/// Erases the affiliations of talents who are erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn erase(batch: &Batch<'_>, talents: &[Uuid]) -> Result<Vec<Written>, DomainError> {
    let of = Column::TalentId.is_in(talents.iter().copied());
    let found = Entity::find().select_only().column(Column::Id).filter(of);
    let found: Vec<Uuid> = found.into_tuple().all(batch.tx).await?;
    let revisions = touch(batch, &found).await?;
    let rows = Model::load(batch, &found).await?;
    Affiliations::delete(batch, &found).await?;
    let erased = rows.into_values().map(|row| {
        let revision = revisions.get(&row.id).copied().unwrap_or(row.revision) + 1;
        let written = Written::new::<Affiliations>(row.id, Some(&row), None, revision, Action::Erase);
        Written { erased_from: Some(Vec::new()), ..written }
    });
    Ok(erased.collect())
}

impl Kind for Affiliations {
    const HAS_REGION: bool = false;
    const IS_LISTED: bool = false;
    type Node = AffiliationNode;
    type Input = AffiliationInput;
    type Row = Model;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Model {
        Model {
            id,
            visibility: Visibility::Private.code(),
            asserted_by: name_of(AssertedBy::Source).to_owned(),
            ..Model::default()
        }
    }

    fn view(row: &Model) -> (String, Visibility) {
        (row.view_region.clone(), row.visibility())
    }

    /// Sets what affiliations have of their sides. A dispute that was there before keeps its time.
    async fn place(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Model>>,
        _: &mut [Problems],
    ) -> Result<(), DomainError> {
        let found = sides(batch, &drafts.iter().map(|(_, draft)| &draft.row).collect::<Vec<_>>()).await?;
        for ((_, Draft { row, before, .. }), found) in drafts.iter_mut().zip(found) {
            if let Some(before) = before.as_ref().filter(|before| before.disputed_by == row.disputed_by) {
                row.disputed_at = before.disputed_at;
            }
            found.ok_or_else(|| DomainError::Stored("an affiliation without its sides".into()))?.fill(row);
        }
        Ok(())
    }

    async fn refusal(
        batch: &Batch<'_>,
        viewer: &Viewer,
        before: &Model,
        submission: &Submission,
    ) -> Result<Option<Problem>, DomainError> {
        // The right to answer is checked with the answer itself.
        if submission.answer.is_some() {
            return Ok(None);
        }
        let found = sides(batch, &[before]).await?.pop().flatten();
        let missing = || DomainError::Stored("an affiliation without its sides".into());
        let voice = found.ok_or_else(missing)?.voice(viewer);
        let asserted = assertion(before).by;
        let may =
            if submission.removal.is_some() { voice.deletes(asserted) } else { voice.changes(asserted) };
        Ok((!may).then(|| Problem::forbidden(&messages::NOT_YOURS)))
    }

    fn merge(
        batch: &Batch<'_>,
        row: &mut Model,
        _: Option<&Model>,
        input: &AffiliationInput,
        fields: &mut Fields<'_>,
    ) {
        let (talent, organization) = (&mut row.talent_id, &mut row.organization_id);
        side(batch, RecordType::Talent, "talent", &input.talent, talent, fields);
        side(batch, RecordType::Organization, "organization", &input.organization, organization, fields);
        fields.texts("roles", &input.roles, MAX_NAME, &mut row.roles);
        if row.roles.is_empty() && !fields.problems.concern("roles") {
            fields.problems.add(Problem::required("roles"));
        }
        let occupation = &vocabularies().occupations;
        fields.slug("occupation", &input.occupation, occupation, &mut row.occupation);
        fields.scalar("startsOn", &input.starts_on, &mut row.starts_on);
        fields.scalar("endsOn", &input.ends_on, &mut row.ends_on);
        fields.scalar("asOf", &input.as_of, &mut row.as_of);
        fields.period("endsOn", row.starts_on.as_deref(), row.ends_on.as_deref());
        fields.sources("sources", &input.sources, &mut row.sources);
        derive(row);
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Model>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        let found = sides(batch, &drafts.iter().map(|(_, draft)| &draft.row).collect::<Vec<_>>()).await?;
        for ((index, draft), found) in drafts.iter_mut().zip(found) {
            match found {
                Some(sides) => {
                    assert_anew(draft, &sides, batch.now, &mut problems[*index]);
                    sides.fill(&mut draft.row);
                }
                None if !problems[*index].is_empty() => {}
                // The other side was in the same batch and was refused.
                None => problems[*index].add(Problem::unknown_reference("talent", RecordType::Talent, "")),
            }
        }
        Ok(())
    }
}

/// Sets the columns that follow from the dates.
pub(super) fn derive(row: &mut Model) {
    row.ends_last = last_day(row.ends_on.as_deref());
    row.sort_on = row.starts_on.clone().or_else(|| row.as_of.clone()).unwrap_or_default();
}

/// The last day that a partial date may mean, as text.
pub fn last_day(date: Option<&str>) -> Option<String> {
    let date: PartialDate = date?.parse().ok()?;
    Some(date.last_day().format("%Y-%m-%d").to_string())
}

/// Sets one side of the affiliation.
fn side(
    batch: &Batch<'_>,
    to: RecordType,
    path: &str,
    given: &MaybeUndefined<ID>,
    into: &mut Uuid,
    fields: &mut Fields<'_>,
) {
    match given {
        MaybeUndefined::Undefined if !fields.new => {}
        MaybeUndefined::Undefined | MaybeUndefined::Null => fields.problems.add(Problem::required(path)),
        MaybeUndefined::Value(text) => {
            *into = batch.resolved.find(to, text, path, fields.problems).unwrap_or_default();
        }
    }
}
