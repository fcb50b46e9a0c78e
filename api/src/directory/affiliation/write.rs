//! How affiliations are written: from an input to a row, and how they follow their talent and organization.

use std::collections::{HashMap, HashSet};

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::affiliation::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::AssertedBy;
use crate::directory::vocabulary::vocabularies;
use crate::record::error::DomainError;
use crate::record::input::{Fields, LocalizedTextInput, MAX_NAME, from_json};
use crate::record::policy::{Facts, Visibility};
use crate::record::problem::{Problem, Problems};
use crate::record::provenance::SourceInput;
use crate::record::read::{KeyColumns, KeyType, KeyValue, KeyedStatement};
use crate::record::value::{DateTime, Identifier, PartialDate};
use crate::record::write::{Batch, Draft, Kind, Numbered, RecordInput, Reference, Written, touch};
use crate::record::{RecordType, id, name_of};

/// An affiliation, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AffiliationInput {
    /// The talent.
    pub talent: MaybeUndefined<ID>,
    /// The organization.
    pub organization: MaybeUndefined<ID>,
    /// What the person is or was there, the original first.
    pub roles: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the occupation that the role belongs to.
    pub occupation: MaybeUndefined<String>,
    /// The beginning, as precisely as known.
    pub starts_on: MaybeUndefined<PartialDate>,
    /// The end, as precisely as known.
    pub ends_on: MaybeUndefined<PartialDate>,
    /// When a source reported it, where the period is not known.
    pub as_of: MaybeUndefined<PartialDate>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
}

impl AffiliationInput {
    /// The records that it refers to.
    pub fn references(&self, into: &mut Vec<Reference>) {
        let given = |to, id: &MaybeUndefined<ID>| {
            id.as_opt_ref().flatten().map(|id| Reference { to, text: id.0.clone() })
        };
        into.extend(given(RecordType::Talent, &self.talent));
        into.extend(given(RecordType::Organization, &self.organization));
    }
}

/// How the door writes affiliations.
#[derive(Debug)]
pub struct Affiliations;

fn blank(id: Uuid) -> Model {
    Model {
        id,
        region: String::new(),
        visibility: Visibility::Private.code(),
        revision: 0,
        created_at: 0,
        updated_at: 0,
        talent_id: Uuid::nil(),
        organization_id: Uuid::nil(),
        roles: "[]".to_owned(),
        occupation: None,
        starts_on: None,
        ends_on: None,
        ends_last: None,
        as_of: None,
        sort_on: String::new(),
        asserted_by: name_of(AssertedBy::Source).to_owned(),
        sources: "[]".to_owned(),
    }
}

/// The facts about both sides of affiliations.
async fn sides(batch: &Batch<'_>, rows: &[&Model]) -> Result<Vec<Option<Facts>>, DomainError> {
    let keys = KeyColumns::new(&[("talent_id", KeyType::Id), ("organization_id", KeyType::Id)]);
    let sql = format!(
        "SELECT k.n, t.id, t.region, t.visibility, t.affiliations_visibility, o.id, o.region, o.visibility \
         FROM {} {then} talent AS t ON t.id = k.talent_id {then} organization AS o ON o.id = k.organization_id",
        keys.source(batch.dialect),
        then = batch.dialect.join(),
    );
    let asked = rows.iter().map(|row| vec![KeyValue::Id(row.talent_id), KeyValue::Id(row.organization_id)]);
    let found = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, asked.collect()).await?;
    let mut all: Vec<Option<Facts>> = rows.iter().map(|_| None).collect();
    for (position, mut row) in found {
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
        all[position] = Some(Facts { parts: vec![group, organization], ..talent });
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
    let rows = Entity::find().filter(side.is_in(ids.iter().copied())).all(batch.tx).await?;
    let facts = sides(batch, &rows.iter().collect::<Vec<_>>()).await?;
    let moved = rows.into_iter().zip(facts).filter_map(|(row, facts)| {
        let facts = facts?;
        let same = row.visibility == facts.strictest().code() && row.region == facts.region;
        (!same).then_some((row, facts))
    });
    let moved: Vec<(Model, Facts)> = moved.collect();
    let revisions = touch(batch, &moved.iter().map(|(row, _)| row.id).collect::<Vec<_>>()).await?;
    let mut written = Vec::new();
    let mut changed = Vec::new();
    for (mut row, facts) in moved {
        let before = (row.region.clone(), Visibility::from_code(row.visibility));
        row.region.clone_from(&facts.region);
        row.visibility = facts.strictest().code();
        row.revision = revisions.get(&row.id).copied().unwrap_or(row.revision) + 1;
        row.updated_at = batch.now.micros();
        written.push(Written {
            record_type: RecordType::Affiliation,
            id: row.id,
            before: Some(before),
            after: Some((row.region.clone(), facts.strictest())),
            revision: row.revision,
            content_hash: Vec::new(),
            origin: String::new(),
            external: None,
        });
        changed.push(row);
    }
    batch.upsert::<Entity, _>(changed).await?;
    Ok(written)
}

impl Kind for Affiliations {
    const TYPE: RecordType = RecordType::Affiliation;
    type Input = AffiliationInput;
    type Row = Model;

    fn of(input: &RecordInput) -> Option<&AffiliationInput> {
        if let RecordInput::Affiliation(input) = input { Some(input) } else { None }
    }

    fn id(row: &Model) -> Uuid {
        row.id
    }

    fn region(row: &Model) -> &str {
        &row.region
    }

    fn visibility(row: &Model) -> Visibility {
        Visibility::from_code(row.visibility)
    }

    fn slug(_: &mut Model) -> Option<&mut String> {
        None
    }

    fn identifiers(_: &Model) -> Result<Vec<Identifier>, DomainError> {
        Ok(Vec::new())
    }

    fn replicated(row: &Model) -> Result<serde_json::Value, DomainError> {
        Ok(json!({
            "talent": id::encode("talent", row.talent_id),
            "organization": id::encode("organization", row.organization_id),
            "roles": from_json(&row.roles)?, "occupation": row.occupation, "startsOn": row.starts_on,
            "endsOn": row.ends_on, "asOf": row.as_of, "assertedBy": row.asserted_by,
            "sources": from_json(&row.sources)?,
        }))
    }

    fn stamp(row: &mut Model, revision: i32, now: DateTime, before: Option<&Model>) {
        row.revision = revision;
        row.updated_at = now.micros();
        row.created_at = before.map_or(row.updated_at, |before| before.created_at);
    }

    async fn load(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Model>, DomainError> {
        let rows = Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(batch.tx).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    fn merge(
        batch: &Batch<'_>,
        id: Uuid,
        before: Option<&Model>,
        input: &AffiliationInput,
        problems: &mut Problems,
    ) -> Option<Model> {
        let mut row = before.cloned().unwrap_or_else(|| blank(id));
        let mut fields = Fields { new: before.is_none(), problems };
        side(batch, RecordType::Talent, "talent", &input.talent, &mut row.talent_id, &mut fields);
        side(
            batch,
            RecordType::Organization,
            "organization",
            &input.organization,
            &mut row.organization_id,
            &mut fields,
        );
        fields.texts("roles", &input.roles, MAX_NAME, &mut row.roles);
        if row.roles == "[]" {
            fields.problems.add(Problem::required("roles"));
        }
        let occupation =
            |path: &str, slug: &str| vocabularies().occupations.find(path, "occupation", slug).map(|_| ());
        fields.slug("occupation", &input.occupation, occupation, &mut row.occupation);
        fields.shown(&input.starts_on, &mut row.starts_on);
        fields.shown(&input.ends_on, &mut row.ends_on);
        fields.shown(&input.as_of, &mut row.as_of);
        fields.period("endsOn", row.starts_on.as_deref(), row.ends_on.as_deref());
        fields.sources("sources", &input.sources, &mut row.sources);
        row.ends_last = last_day(row.ends_on.as_deref());
        row.sort_on = row.starts_on.clone().or_else(|| row.as_of.clone()).unwrap_or_default();
        fields.problems.is_empty().then_some(row)
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Model>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        let facts = sides(batch, &drafts.iter().map(|(_, draft)| &draft.row).collect::<Vec<_>>()).await?;
        for ((index, draft), facts) in drafts.iter_mut().zip(facts) {
            match facts {
                Some(facts) => {
                    draft.row.visibility = facts.strictest().code();
                    draft.row.region = facts.region;
                }
                // The other side was in the same batch and was refused.
                None => problems[*index].add(Problem::unknown_reference("talent", RecordType::Talent, "")),
            }
        }
        Ok(())
    }

    async fn save(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<Vec<Written>, DomainError> {
        batch.upsert::<Entity, _>(rows.iter().map(|(row, _)| row.clone()).collect()).await?;
        Ok(Vec::new())
    }

    async fn referred(_: &Batch<'_>, _: &[Uuid]) -> Result<HashSet<Uuid>, DomainError> {
        Ok(HashSet::new())
    }

    async fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
        batch
            .for_ids(ids, |keys| format!("DELETE FROM affiliation WHERE id IN (SELECT k.id FROM {keys})"))
            .await
    }
}

/// The last day that a partial date may mean, as text.
pub(crate) fn last_day(date: Option<&str>) -> Option<String> {
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
