//! Affiliations as other instances tell of them: from replicated fields to a row.

use entity::affiliation::Model;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::AssertedBy;
use super::assertion::SideOf;
use super::write::{blank, last_day, sides};
use crate::directory::vocabulary::vocabularies;
use crate::record::error::DomainError;
use crate::record::input::to_json;
use crate::record::provenance::Source;
use crate::record::value::{LocalizedText, PartialDate};
use crate::record::write::replica::{self, Refers, Unfit, known};
use crate::record::write::{Batch, Draft, Numbered};
use crate::record::{RecordType, Times, name_of};

/// The replicated fields of an affiliation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    talent: String,
    organization: String,
    roles: Vec<LocalizedText>,
    occupation: Option<String>,
    starts_on: Option<PartialDate>,
    ends_on: Option<PartialDate>,
    as_of: Option<PartialDate>,
    asserted_by: AssertedBy,
    sources: Vec<Source>,
    disputed_by: Option<String>,
}

/// The row of an affiliation that has these replicated fields. Since when it is disputed is not among them: since the
/// last change that is known.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    known("occupation", "occupation", &vocabularies().occupations, &fields.occupation)?;
    if let Some(side) = fields.disputed_by.as_deref().filter(|side| SideOf::of_name(side).is_none()) {
        return Err(Unfit::new("disputedBy", format!("there is no side `{}`", replica::shown(side))));
    }
    let starts_on = fields.starts_on.map(|date| date.to_string());
    let ends_on = fields.ends_on.map(|date| date.to_string());
    let as_of = fields.as_of.map(|date| date.to_string());
    Ok(Model {
        created_at: times.created_at.micros(),
        updated_at: times.updated_at.micros(),
        talent_id: replica::id("talent", RecordType::Talent, &fields.talent)?,
        organization_id: replica::id("organization", RecordType::Organization, &fields.organization)?,
        roles: to_json(&fields.roles),
        occupation: fields.occupation,
        ends_last: last_day(ends_on.as_deref()),
        sort_on: starts_on.clone().or_else(|| as_of.clone()).unwrap_or_default(),
        starts_on,
        ends_on,
        as_of,
        asserted_by: name_of(fields.asserted_by).to_owned(),
        sources: to_json(&fields.sources),
        disputed_at: fields.disputed_by.as_ref().map(|_| times.updated_at.micros()),
        disputed_by: fields.disputed_by,
        ..blank(id)
    })
}

/// The talent and the organization.
pub(super) fn refers(row: &Model) -> Vec<Refers> {
    vec![
        Refers { path: "talent", to: RecordType::Talent, id: row.talent_id },
        Refers { path: "organization", to: RecordType::Organization, id: row.organization_id },
    ]
}

/// Sets what affiliations have of their sides. Who has disputed one before has disputed it since then.
pub(super) async fn place(batch: &Batch<'_>, drafts: &mut Numbered<Draft<Model>>) -> Result<(), DomainError> {
    let found = sides(batch, &drafts.iter().map(|(_, draft)| &draft.row).collect::<Vec<_>>()).await?;
    for ((_, Draft { row, before, .. }), found) in drafts.iter_mut().zip(found) {
        if let Some(before) = before.as_ref().filter(|before| before.disputed_by == row.disputed_by) {
            row.disputed_at = before.disputed_at;
        }
        found.ok_or_else(|| DomainError::Stored("an affiliation without its sides".into()))?.fill(row);
    }
    Ok(())
}
