//! Affiliations as instances tell of them: replicated fields to a row, and back.

use entity::affiliation::Model;
use serde_json::Value;
use uuid::Uuid;

use super::AssertedBy;
use super::assertion::SideOf;
use super::write::{blank, last_day, sides};
use crate::directory::replicated::{Json, Named, Text, known, replicated};
use crate::record::error::DomainError;
use crate::record::provenance::Source;
use crate::record::value::{LocalizedText, PartialDate};
use crate::record::write::replica::{self, Refers, Unfit};
use crate::record::write::{Batch, Draft, Numbered};
use crate::record::{RecordType, Times, id as ids};
use crate::vocabulary::vocabularies;

replicated! {
    /// The replicated fields of an affiliation.
    struct Fields of Model {
        talent: String = by_hand,
        organization: String = by_hand,
        roles: Json<Vec<LocalizedText>>,
        occupation: Option<String>,
        starts_on: Option<Text<PartialDate>>,
        ends_on: Option<Text<PartialDate>>,
        as_of: Option<Text<PartialDate>>,
        asserted_by: Named<AssertedBy>,
        sources: Json<Vec<Source>>,
        // Only where there is one: records keep the hash that they had before this could be said.
        #[serde(skip_serializing_if = "Option::is_none")]
        disputed_by: Option<String>,
    }
}

/// The replicated fields of a row.
pub(super) fn told(row: &Model) -> Result<Value, DomainError> {
    let talent = ids::encode("talent", row.talent_id);
    Fields::of(row, talent, ids::encode("organization", row.organization_id)).told()
}

/// The row of an affiliation that has these replicated fields. Since when it is disputed is not among them: since the
/// last change that is known.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Model, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    known("occupation", "occupation", &vocabularies().occupations, &fields.occupation)?;
    if let Some(side) = fields.disputed_by.as_deref().filter(|side| SideOf::of_name(side).is_none()) {
        return Err(Unfit::new("disputedBy", format!("there is no side `{}`", replica::shown(side))));
    }
    let mut row = blank(id);
    row.talent_id = replica::id("talent", RecordType::Talent, &fields.talent)?;
    row.organization_id = replica::id("organization", RecordType::Organization, &fields.organization)?;
    fields.fill(times, &mut row);
    row.ends_last = last_day(row.ends_on.as_deref());
    row.sort_on = row.starts_on.clone().or_else(|| row.as_of.clone()).unwrap_or_default();
    row.disputed_at = row.disputed_by.as_ref().map(|_| row.updated_at);
    Ok(row)
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
