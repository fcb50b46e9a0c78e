//! Partnerships as instances tell of them: replicated fields to a row with its parties, and back.

use std::collections::BTreeSet;

use entity::partnership::Model;
use entity::partnership_party;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::write::{Row, add_up, blank, derive, organizations, starts_key};
use super::{PartnershipStatus, PartyRole};
use crate::directory::affiliation::write::last_day;
use crate::directory::replicated::{Field as _, Json, Level, Named, Slug, Text, known, replicated};
use crate::record::error::DomainError;
use crate::record::input::to_json;
use crate::record::provenance::{Claim, Source};
use crate::record::value::{Currency, Decimal, LocalizedText, PartialDate, sort_key};
use crate::record::write::replica::{self, Refers, Unfit};
use crate::record::write::{Batch, Draft, Numbered};
use crate::record::{RecordType, Times, id as ids};
use crate::vocabulary::{Vocabulary, sector_facet, vocabularies};

replicated! {
    /// The replicated fields of a partnership.
    struct Fields of Model {
        slug: Slug,
        region: String,
        #[serde(rename = "visibility")]
        declared_visibility: Level,
        kind: String,
        status: Named<PartnershipStatus>,
        titles: Json<Vec<LocalizedText>>,
        descriptions: Json<Vec<LocalizedText>>,
        starts_on: Option<Text<PartialDate>>,
        ends_on: Option<Text<PartialDate>>,
        sectors: Json<Vec<String>>,
        parties: Vec<Party> = by_hand,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

/// The replicated fields of a party.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Party {
    organization: String,
    role: Named<PartyRole>,
    title: Option<String>,
    amount: Option<Text<Decimal>>,
    currency: Option<Text<Currency>>,
    confirmed_at: Option<i64>,
    // Only where there is one: records keep the hash that they had before this could be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    declined_at: Option<i64>,
}

impl Party {
    fn of(party: &partnership_party::Model) -> Self {
        Self {
            organization: ids::encode("organization", party.organization_id),
            role: Named::of(&party.role),
            title: party.title.clone(),
            amount: Option::of(&party.contribution_amount),
            currency: Option::of(&party.contribution_currency),
            confirmed_at: party.confirmed_at,
            declined_at: party.declined_at,
        }
    }
}

/// The replicated fields of a row.
pub(super) fn told(row: &Row) -> Result<Value, DomainError> {
    Fields::of(&row.model, row.parties.iter().map(Party::of).collect()).told()
}

/// The row of a partnership that has these replicated fields.
pub(super) fn row(id: Uuid, times: Times, fields: &Value) -> Result<Row, Unfit> {
    let fields: Fields = replica::fields(fields)?;
    let all = vocabularies();
    known("region", "region", &all.regions, [&fields.region])?;
    known("sectors", "sector", &all.sectors, fields.sectors.told().into_iter().flatten())?;
    let kinds = all.terms(Vocabulary::PartnershipKind);
    known("kind", "kind of partnership", kinds, [&fields.kind])?;
    let mut model = blank(id);
    fields.fill(times, &mut model);
    let original = fields.titles.told().and_then(|titles| titles.first());
    model.name_key = sort_key(original.map(|title| title.text.as_str()).unwrap_or_default());
    let sectors = fields.sectors.told().into_iter().flatten();
    let sectors = sectors.flat_map(|slug| all.sector_with_ancestors(slug)).map(|slug| sector_facet(slug));
    model.facets = to_json(&sectors.chain([String::new()]).collect::<BTreeSet<_>>());
    model.ends_last = last_day(model.ends_on.as_deref());
    let key = starts_key(&model);
    let parties = fields.parties.iter().enumerate().map(|(place, party)| {
        Ok(partnership_party::Model {
            partnership_id: id,
            position: i32::try_from(place).unwrap_or(i32::MAX),
            organization_id: replica::id("parties", RecordType::Organization, &party.organization)?,
            role: party.role.column(),
            title: party.title.clone(),
            contribution_amount: party.amount.column(),
            contribution_currency: party.currency.column(),
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
