//! Partnerships as other instances tell of them: from replicated fields to a row and its parties.

use std::collections::BTreeSet;

use entity::partnership::Model;
use entity::partnership_party;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::write::{Row, add_up, blank, derive, organizations, starts_key};
use super::{PartnershipStatus, PartyRole};
use crate::directory::affiliation::write::last_day;
use crate::directory::vocabulary::{Vocabulary, sector_facet, vocabularies};
use crate::record::error::DomainError;
use crate::record::input::to_json;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{Currency, Decimal, LocalizedText, PartialDate, sort_key};
use crate::record::write::replica::{self, Refers, Unfit, known};
use crate::record::write::{Batch, Draft, Numbered};
use crate::record::{RecordType, Times, name_of};

/// The replicated fields of a partnership.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    slug: String,
    region: String,
    visibility: i16,
    kind: String,
    status: PartnershipStatus,
    titles: Vec<LocalizedText>,
    descriptions: Vec<LocalizedText>,
    starts_on: Option<PartialDate>,
    ends_on: Option<PartialDate>,
    sectors: Vec<String>,
    parties: Vec<Party>,
    sources: Vec<Source>,
    claims: Vec<Claim>,
}

/// The replicated fields of a party.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Party {
    organization: String,
    role: PartyRole,
    title: Option<String>,
    amount: Option<Decimal>,
    currency: Option<Currency>,
    confirmed_at: Option<i64>,
    declined_at: Option<i64>,
}

/// The row of a partnership that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Row, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("sectors", "sector", &all.sectors, &fields.sectors)?;
    let kinds = all.terms(Vocabulary::PartnershipKind);
    known("kind", "kind of partnership", kinds, [&fields.kind])?;
    let original = fields.titles.first().map(|title| title.text.as_str()).unwrap_or_default();
    let sectors = fields.sectors.iter().flat_map(|slug| all.sector_with_ancestors(slug));
    let facets: BTreeSet<String> = sectors.map(|slug| sector_facet(slug)).chain([String::new()]).collect();
    let ends_on = fields.ends_on.map(|date| date.to_string());
    let model = Model {
        slug: replica::slug(fields.slug)?,
        region: fields.region,
        declared_visibility: replica::level("visibility", fields.visibility)?,
        created_at: times.created_at.micros(),
        updated_at: times.updated_at.micros(),
        kind: fields.kind,
        status: name_of(fields.status).to_owned(),
        name_key: sort_key(original),
        starts_on: fields.starts_on.map(|date| date.to_string()),
        ends_last: last_day(ends_on.as_deref()),
        ends_on,
        sectors: to_json(&fields.sectors),
        facets: to_json(&facets),
        titles: to_json(&fields.titles),
        descriptions: to_json(&fields.descriptions),
        sources: to_json(&fields.sources),
        claims: to_json(&fields.claims),
        ..blank(id)
    };
    let key = starts_key(&model);
    let parties = fields.parties.into_iter().enumerate().map(|(place, party)| {
        Ok(partnership_party::Model {
            partnership_id: id,
            position: i32::try_from(place).unwrap_or(i32::MAX),
            organization_id: replica::id("parties", RecordType::Organization, &party.organization)?,
            role: name_of(party.role).to_owned(),
            title: party.title,
            contribution_amount: party.amount.map(|amount| amount.to_string()),
            contribution_currency: party.currency.map(|currency| currency.to_string()),
            confirmed_at: party.confirmed_at,
            starts_key: key.clone(),
            declined_at: party.declined_at,
        })
    });
    let parties = parties.collect::<Result<Vec<_>, Unfit>>()?;
    let mut row = Row::new(model, parties);
    add_up(&mut row);
    Ok(row)
}

/// The parties.
pub(super) fn refers(row: &Row) -> Vec<Refers> {
    let party = |party: &partnership_party::Model| Refers {
        path: "parties",
        to: RecordType::Organization,
        id: party.organization_id,
    };
    row.parties.iter().map(party).collect()
}

/// Sets what follows from the parties.
pub(super) async fn place(batch: &Batch<'_>, drafts: &mut Numbered<Draft<Row>>) -> Result<(), DomainError> {
    let parties = drafts.iter().flat_map(|(_, draft)| &draft.row.parties);
    let ids: BTreeSet<Uuid> = parties.map(|party| party.organization_id).collect();
    let facts = organizations(batch, ids).await?;
    for (_, draft) in drafts.iter_mut() {
        let placed = derive(&mut draft.row, &facts);
        placed.ok_or_else(|| DomainError::Stored("a partnership without its parties".into()))?;
    }
    Ok(())
}
