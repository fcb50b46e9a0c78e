//! Partnerships as instances tell of them: replicated fields to a row with its parties, and back.

use entity::partnership::Model;
use entity::partnership_party;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::write::{Row, add_up, starts_key};
use super::{PartnershipStatus, PartyRole};
use crate::affiliation::write::last_day;
use crate::replicated::{Field as _, Json, Level, Named, Slug, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::{Claim, Source};
use kernel::value::{Currency, Decimal, LocalizedText, PartialDate, sort_key};
use kernel::vocabulary::{Vocabulary, facets, vocabularies};
use kernel::{RecordType, id as ids};
use records::write::replica::{self, InvalidRevision, Refers, Replicated};

replicated! {
    /// The replicated fields of a partnership.
    pub struct Fields of Model {
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
        // Only where there is one: records keep the hash that they had before this could be said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        call: Option<String> = by_hand,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        event: Option<String> = by_hand,
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

impl Replicated for Fields {
    type Row = Row;

    fn of(row: &Row) -> Result<Self, DomainError> {
        let told = |of: RecordType, id: Option<Uuid>| id.map(|id| ids::encode(of.prefix(), id));
        Ok(Self::of_columns(
            &row.model,
            row.parties.iter().map(Party::of).collect(),
            told(RecordType::Call, row.model.call_id),
            told(RecordType::Event, row.model.event_id),
        ))
    }

    fn fill(&self, row: &mut Row) -> Result<(), InvalidRevision> {
        let all = vocabularies();
        known("region", "region", &all.regions, [&self.region])?;
        known("sectors", "sector", &all.sectors, self.sectors.entries())?;
        let kinds = all.terms(Vocabulary::PartnershipKind);
        known("kind", "kind of partnership", kinds, [&self.kind])?;
        let model = &mut row.model;
        self.fill_columns(model);
        let subject = |path: &str, of: RecordType, text: &Option<String>| {
            text.as_ref().map(|text| replica::id(path, of, text)).transpose()
        };
        model.call_id = subject("call", RecordType::Call, &self.call)?;
        model.event_id = subject("event", RecordType::Event, &self.event)?;
        model.name_key = sort_key(self.titles.entries().next().map_or("", |title| title.text.as_str()));
        model.facets = facets(self.sectors.entries(), &[]);
        model.ends_last = last_day(model.ends_on.as_deref());
        let key = starts_key(model);
        let parties = self.parties.iter().enumerate().map(|(place, party)| {
            Ok(partnership_party::Model {
                partnership_id: model.id,
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
        row.parties = parties.collect::<Result<Vec<_>, InvalidRevision>>()?;
        add_up(row);
        Ok(())
    }

    /// The parties, and what it is about.
    fn refers(row: &Row) -> Result<Vec<Refers>, DomainError> {
        let to = RecordType::Organization;
        let ids = row.parties.iter().map(|party| party.organization_id);
        let call = row.model.call_id.map(|id| Refers { path: "call", to: RecordType::Call, id });
        let event = row.model.event_id.map(|id| Refers { path: "event", to: RecordType::Event, id });
        Ok(ids.map(|id| Refers { path: "parties", to, id }).chain(call).chain(event).collect())
    }
}
