//! The write path of partnerships: from an input to a row and its parties, and how they follow these.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::JsonText;
use entity::partnership::{Entity, Model};
use entity::partnership_party;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Deserialize;
use uuid::Uuid;

use super::{PartnershipNode, PartnershipStatus, PartyRole, consent, replica};
use crate::affiliation::write::last_day;
use kernel::error::DomainError;
use kernel::input::{Fields, LocalizedTextInput, MAX_NAME, MAX_TEXT};
use kernel::messages::{self, FilledMessage};
use kernel::policy::{Viewer, Visibility, view_region};
use kernel::problem::{Problem, Problems};
use kernel::provenance::{ClaimInput, SourceInput};
use kernel::read::KeyedStatement;
use kernel::value::{Currency, DateTime, Decimal, Given, LocalizedText, Money, PartialDate, sort_key};
use kernel::vocabulary::{Vocabulary, facets, list_regions, vocabularies};
use kernel::{RecordType, name_of, value_of};
use records::write::{
    self, Batch, Draft, InputFields, Kind, Numbered, RecordRow as _, Reference, Submission, Written,
    lock_ids, rows_of,
};
use records::{input_fields, record_row};

/// An amount of money, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct MoneyInput {
    /// Exact decimal.
    pub amount: Given<Decimal>,
    /// ISO 4217 code.
    pub currency: String,
}

/// A party of a partnership, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct PartnershipPartyInput {
    /// The organization, by its id, its slug, or `source:externalId`.
    pub organization: ID,
    /// What it does.
    pub role: PartyRole,
    /// How the source words it.
    pub title: Option<String>,
    /// What it gives.
    pub contribution: Option<MoneyInput>,
}

/// A partnership, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PartnershipInput {
    /// Readable name for addresses; made from the title where it is not given. Digits are added to one that is not free, where
    /// you cannot see which record has it.
    pub slug: MaybeUndefined<String>,
    /// Slug of its kind.
    pub kind: MaybeUndefined<String>,
    /// Where it stands. Where it is not said, a mutation takes it from what the parties have said (PROPOSED until all
    /// have confirmed), and an import says ACTIVE.
    pub status: MaybeUndefined<PartnershipStatus>,
    /// Its title, the original first.
    pub titles: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// What it is about, the original first.
    pub descriptions: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the region that answers for it.
    pub region: MaybeUndefined<String>,
    /// The beginning, as precisely as known.
    pub starts_on: MaybeUndefined<Given<PartialDate>>,
    /// The end, as precisely as known.
    pub ends_on: MaybeUndefined<Given<PartialDate>>,
    /// The organizations that take part, two at least.
    pub parties: MaybeUndefined<Vec<PartnershipPartyInput>>,
    /// The call for projects that it is about, by its id, its slug, or `source:externalId`.
    pub call: MaybeUndefined<ID>,
    /// The event that it is about, by its id, its slug, or `source:externalId`.
    pub event: MaybeUndefined<ID>,
    /// Slugs of its sectors.
    pub sectors: MaybeUndefined<Vec<String>>,
    /// Who may see it; PUBLIC where it is not given. Those who may not see all parties do not see it.
    pub visibility: MaybeUndefined<Visibility>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
    /// Statements by source, where sources differ or are unsure.
    pub claims: MaybeUndefined<Vec<ClaimInput>>,
}

impl InputFields for PartnershipInput {
    input_fields!(slug region);

    fn references(&self, into: &mut Vec<Reference>) {
        let parties = self.parties.as_opt_ref().flatten().into_iter().flatten();
        let to = RecordType::Organization;
        into.extend(parties.map(|party| Reference { to, text: party.organization.0.clone() }));
        for (to, given) in [(RecordType::Call, &self.call), (RecordType::Event, &self.event)] {
            into.extend(given.as_opt_ref().flatten().map(|id| Reference { to, text: id.0.clone() }));
        }
    }
}

/// A partnership's row with its parties.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(super) model: Model,
    pub(super) parties: Vec<partnership_party::Model>,
    /// The status that was asked for with this write.
    asked: Option<PartnershipStatus>,
}

impl Row {
    pub(super) fn status(&self) -> PartnershipStatus {
        value_of(&self.model.status).unwrap_or(PartnershipStatus::Proposed)
    }

    /// Updates the answers of the parties after a write by somebody who speaks for some of them. A party that is asked
    /// something new has not answered yet.
    fn agree(
        &mut self,
        before: Option<&Self>,
        viewer: &Viewer,
        organizations: &HashMap<Uuid, PartyFacts>,
        now: DateTime,
        problems: &mut Problems,
    ) {
        for party in &mut self.parties {
            let asked_before =
                before.is_some_and(|before| before.parties.iter().any(|had| consent::same_terms(had, party)));
            let speaks = organizations
                .get(&party.organization_id)
                .is_some_and(|facts| viewer.speaks_for(&facts.region, party.organization_id));
            if speaks && !asked_before {
                party.confirmed_at = Some(now.micros());
            }
        }
        let had = before.map(|before| (before.status(), before.parties.as_slice()));
        match consent::written(had, self.asked, &self.parties) {
            Ok(status) => name_of(status).clone_into(&mut self.model.status),
            Err(follows) => {
                let said = FilledMessage::new(&messages::STATUS_FOLLOWS).with("status", name_of(follows));
                problems.add(Problem::at("status", said));
            }
        }
    }

    /// Writes down what a party answers.
    fn answer(&mut self, organization: Uuid, yes: bool, now: DateTime) {
        let before = self.status();
        for party in self.parties.iter_mut().filter(|party| party.organization_id == organization) {
            let said = |had: Option<i64>, is: bool| is.then(|| had.unwrap_or(now.micros()));
            party.confirmed_at = said(party.confirmed_at, yes);
            party.declined_at = said(party.declined_at, !yes);
        }
        name_of(consent::answered(before, &self.parties)).clone_into(&mut self.model.status);
    }
}

record_row!(Row { model: Model } loaded by load);

/// The write path of partnerships.
#[derive(Debug)]
pub struct Partnerships;

/// The start in lists by party: what is not known comes last.
pub(super) fn starts_key(row: &Model) -> String {
    row.starts_on.clone().unwrap_or_else(|| "~".to_owned())
}

/// The facts of a party that its partnerships depend on.
#[derive(Clone, Debug)]
pub(super) struct PartyFacts {
    region: String,
    country: String,
    visibility: Visibility,
}

pub(super) async fn organizations(
    batch: &Batch<'_>,
    ids: BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, PartyFacts>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, o.id, o.region, o.country, o.visibility FROM {keys} {then} organization AS o ON o.id = k.id"
        )
    });
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let found = statement.query(batch.tx, batch.dialect, rows_of(&ids)).await?;
    let facts = |(_, mut row): (usize, kernel::read::Row)| {
        let (id, region, country) = (row.get()?, row.get()?, row.get()?);
        Ok((id, PartyFacts { region, country, visibility: Visibility::from_code(row.get()?) }))
    };
    found.into_iter().map(facts).collect()
}

/// The organizations that are parties of these partnerships.
pub(super) fn organizations_of<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeSet<Uuid> {
    rows.flat_map(|row| &row.parties).map(|party| party.organization_id).collect()
}

/// Facts that follow from the parties. None where an organization is missing.
pub(super) fn derive(partnership: &mut Row, organizations: &HashMap<Uuid, PartyFacts>) -> Option<()> {
    let Row { model: row, parties, .. } = partnership;
    let facts: Option<Vec<&PartyFacts>> =
        parties.iter().map(|p| organizations.get(&p.organization_id)).collect();
    let facts = facts?;
    let strictest = facts.iter().map(|party| party.visibility.code()).max().unwrap_or(0);
    row.visibility = row.declared_visibility.max(strictest);
    let own = (row.region.as_str(), Visibility::from_code(row.declared_visibility));
    let parts = facts.iter().map(|party| (party.region.as_str(), party.visibility)).chain([own]);
    row.view_region = view_region(&row.region, Visibility::from_code(row.visibility), parts);
    row.cross_border = facts.iter().map(|party| party.country.as_str()).collect::<BTreeSet<_>>().len() > 1;
    let regions: BTreeSet<&str> = facts.iter().map(|party| party.region.as_str()).collect();
    row.party_regions = JsonText::of(&regions);
    row.list_regions = list_regions(regions.into_iter().chain([row.region.as_str()]));
    Some(())
}

/// The sum of the contributions; none where there is none, or in several currencies.
fn total(parties: &[partnership_party::Model]) -> Option<Money> {
    let mut sum: Option<Money> = None;
    for party in parties {
        let (Some(amount), Some(currency)) = (&party.contribution_amount, &party.contribution_currency)
        else {
            continue;
        };
        let money = Money::new(amount.parse().ok()?, currency.parse().ok()?).ok()?;
        sum = Some(match sum {
            Some(sum) => sum.checked_add(money).ok()?,
            None => money,
        });
    }
    sum
}

/// The rows of these ids, with their parties.
async fn load(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Row>, DomainError> {
    let rows = batch.load::<Entity>(ids).await?;
    let mut all: HashMap<Uuid, Row> = HashMap::new();
    for (id, model) in rows {
        all.insert(id, Row { model, ..Row::default() });
    }
    let parties = partnership_party::Entity::find()
        .filter(partnership_party::Column::PartnershipId.is_in(ids.iter().copied()))
        .order_by_asc(partnership_party::Column::Position)
        .all(batch.tx)
        .await?;
    for party in parties {
        all.entry(party.partnership_id).and_modify(|row| row.parties.push(party));
    }
    Ok(all)
}

/// Makes partnerships follow their parties into the view, the regions and the countries that these are in now.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn follow(batch: &Batch<'_>, organization_ids: &[Uuid]) -> Result<Vec<Written>, DomainError> {
    if organization_ids.is_empty() {
        return Ok(Vec::new());
    }
    let parties = partnership_party::Entity::find()
        .filter(partnership_party::Column::OrganizationId.is_in(organization_ids.iter().copied()))
        .all(batch.tx)
        .await?;
    let ids: BTreeSet<Uuid> = parties.into_iter().map(|party| party.partnership_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &ids).await?;
    let rows = Row::load(batch, &ids).await?;
    let known = organizations(batch, organizations_of(rows.values())).await?;
    let mut moved: Vec<(Row, Row)> = Vec::new();
    for before in rows.into_values() {
        let mut after = before.clone();
        if derive(&mut after, &known).is_some() && after.model != before.model {
            moved.push((after, before));
        }
    }
    write::follow::<Partnerships>(batch, moved).await
}

impl Kind for Partnerships {
    const PARTS: &'static [(&'static str, &'static str)] = &[("partnership_party", "partnership_id")];
    type Node = PartnershipNode;
    type Input = PartnershipInput;
    type Row = Row;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Row {
        Row { model: Model { id, ..Model::default() }, ..Row::default() }
    }

    fn view(row: &Row) -> (String, Visibility) {
        (row.model.view_region.clone(), row.visibility())
    }

    fn slug(row: &mut Row) -> Option<&mut String> {
        Some(&mut row.model.slug)
    }

    /// Sets what follows from the parties.
    async fn place(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        _: &mut [Problems],
    ) -> Result<(), DomainError> {
        let known =
            organizations(batch, organizations_of(drafts.iter().map(|(_, draft)| &draft.row))).await?;
        for (_, draft) in drafts.iter_mut() {
            let placed = derive(&mut draft.row, &known);
            placed.ok_or_else(|| DomainError::Stored("a partnership without its parties".into()))?;
        }
        Ok(())
    }

    async fn refusal(
        batch: &Batch<'_>,
        viewer: &Viewer,
        before: &Row,
        submission: &Submission,
    ) -> Result<Option<Problem>, DomainError> {
        let Some(answer) = &submission.answer else {
            let refused = !viewer.writes_in(&before.model.region);
            return Ok(refused.then(|| Problem::forbidden(&messages::NOT_YOURS)));
        };
        let text = answer.organization.as_deref().unwrap_or_default();
        let Some(party) = batch.resolved.get(RecordType::Organization, text) else {
            let unknown = Problem::unknown_reference("organization", RecordType::Organization, text);
            return Ok(Some(unknown.not_of_the_input()));
        };
        let at_party = |message| Ok(Some(Problem::beside("organization", FilledMessage::new(message))));
        if !before.parties.iter().any(|one| one.organization_id == party) {
            return at_party(&messages::NO_PARTY);
        }
        let facts = organizations(batch, [party].into()).await?;
        if !facts.get(&party).is_some_and(|facts| viewer.speaks_for(&facts.region, party)) {
            return at_party(&messages::NOT_YOUR_PARTY);
        }
        let ended = !answer.yes && before.status() == PartnershipStatus::Ended;
        Ok(ended.then(|| Problem::forbidden(&messages::PARTNERSHIP_ENDED)))
    }

    fn merge(
        batch: &Batch<'_>,
        partnership: &mut Row,
        _: Option<&Row>,
        input: &PartnershipInput,
        fields: &mut Fields<'_>,
    ) {
        let all = vocabularies();
        partnership.asked = input.status.as_opt_ref().flatten().copied();
        let row = &mut partnership.model;
        let kind = all.terms(Vocabulary::PartnershipKind);
        let region = &all.regions;
        let sector = &all.sectors;
        fields.required_slug("kind", &input.kind, kind, &mut row.kind);
        fields.required_slug("region", &input.region, region, &mut row.region);
        fields.name(&input.status, PartnershipStatus::Active, &mut row.status);
        fields.texts("titles", &input.titles, MAX_NAME, &mut row.titles);
        let titles: Vec<LocalizedText> = row.titles.read().unwrap_or_default();
        let original = titles.first().map(|title| title.text.clone()).unwrap_or_default();
        if original.is_empty() && !fields.problems.concern("titles") {
            fields.problems.add(Problem::required("titles"));
        }
        fields.record_slug(&input.slug, &original, &mut row.slug);
        row.name_key = sort_key(&original);
        fields.texts("descriptions", &input.descriptions, MAX_TEXT, &mut row.descriptions);
        fields.scalar("startsOn", &input.starts_on, &mut row.starts_on);
        fields.scalar("endsOn", &input.ends_on, &mut row.ends_on);
        fields.period("endsOn", row.starts_on.as_deref(), row.ends_on.as_deref());
        row.ends_last = last_day(row.ends_on.as_deref());
        for (path, to, given, into) in [
            ("call", RecordType::Call, &input.call, &mut row.call_id),
            ("event", RecordType::Event, &input.event, &mut row.event_id),
        ] {
            match given {
                MaybeUndefined::Undefined => {}
                MaybeUndefined::Null => *into = None,
                MaybeUndefined::Value(text) => {
                    *into = batch.resolved.find(to, text, path, fields.problems).or(*into);
                }
            }
        }
        fields.slugs("sectors", &input.sectors, sector, &mut row.sectors);
        fields.visibility(&input.visibility, Visibility::Public, &mut row.declared_visibility);
        fields.sources("sources", &input.sources, &mut row.sources);
        fields.claims("claims", &input.claims, &mut row.claims);
        row.facets = facets(&row.sectors.read::<Vec<String>>().unwrap_or_default(), &[]);
        parties(batch, partnership, input, fields);
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        let known =
            organizations(batch, organizations_of(drafts.iter().map(|(_, draft)| &draft.row))).await?;
        for (index, draft) in drafts.iter_mut() {
            let problems = &mut problems[*index];
            if derive(&mut draft.row, &known).is_none() && problems.is_empty() {
                // A party was in the same batch and was refused.
                problems.add(Problem::unknown_reference("parties", RecordType::Organization, ""));
            }
            let Some(viewer) = &draft.viewer else { continue };
            match &draft.answer {
                Some(answer) => {
                    let organization = answer.organization.as_deref();
                    let party =
                        organization.and_then(|text| batch.resolved.get(RecordType::Organization, text));
                    if let Some(party) = party {
                        draft.row.answer(party, answer.yes, batch.now);
                    }
                }
                None => draft.row.agree(draft.before.as_ref(), viewer, &known, batch.now, problems),
            }
        }
        Ok(())
    }

    async fn save(batch: &Batch<'_>, rows: &[(Row, Option<Row>)]) -> Result<Vec<Written>, DomainError> {
        let known = rows.iter().filter(|(_, before)| before.is_some()).map(|(row, _)| row.model.id);
        batch.delete_where("partnership_party", "partnership_id", &known.collect::<Vec<_>>()).await?;
        Row::store(batch, Self::IS_LISTED, rows).await?;
        let parties = rows.iter().flat_map(|(row, _)| row.parties.iter().cloned());
        batch.upsert::<partnership_party::Entity, _>(parties.collect()).await?;
        Ok(Vec::new())
    }
}

/// Sets the parties and what follows from their contributions.
fn parties(batch: &Batch<'_>, partnership: &mut Row, input: &PartnershipInput, fields: &mut Fields<'_>) {
    let id = partnership.model.id;
    let given = match &input.parties {
        MaybeUndefined::Undefined if !fields.new => None,
        MaybeUndefined::Undefined | MaybeUndefined::Null => Some(&[][..]),
        MaybeUndefined::Value(parties) => Some(parties.as_slice()),
    };
    if let Some(given) = given {
        if given.len() < 2 {
            fields.problems.add(Problem::new("parties", &messages::TOO_FEW_PARTIES));
        }
        if given.len() > kernel::input::MAX_ENTRIES {
            fields.problems.add(Problem::too_many("parties", kernel::input::MAX_ENTRIES));
            return;
        }
        let mut kept: Vec<partnership_party::Model> = Vec::new();
        for (place, party) in given.iter().enumerate() {
            let path = format!("parties.{place}.organization");
            let found =
                batch.resolved.find(RecordType::Organization, &party.organization, &path, fields.problems);
            let Some(organization_id) = found else { continue };
            if kept.iter().any(|other| other.organization_id == organization_id) {
                fields.problems.add(Problem::new(path, &messages::PARTY_TWICE));
                continue;
            }
            let contribution = contribution(place, party, fields);
            let mut title = None;
            let words = party.title.clone().map_or(MaybeUndefined::Null, MaybeUndefined::Value);
            fields.text(&format!("parties.{place}.title"), &words, MAX_NAME, &mut title);
            kept.push(partnership_party::Model {
                partnership_id: id,
                position: i32::try_from(place).unwrap_or(i32::MAX),
                organization_id,
                role: name_of(party.role).to_owned(),
                title,
                contribution_amount: contribution.map(|money| money.amount().to_string()),
                contribution_currency: contribution.map(|money| money.currency().to_string()),
                confirmed_at: None,
                starts_key: String::new(),
                declined_at: None,
            });
        }
        // An answer stays valid as long as the terms of the party stay the same.
        for party in &mut kept {
            if let Some(before) = partnership.parties.iter().find(|had| consent::same_terms(had, party)) {
                (party.confirmed_at, party.declined_at) = (before.confirmed_at, before.declined_at);
            }
        }
        partnership.parties = kept;
    }
    let key = starts_key(&partnership.model);
    partnership.parties.iter_mut().for_each(|party| party.starts_key.clone_from(&key));
    add_up(partnership);
}

/// Sets what the contributions add up to.
pub(super) fn add_up(partnership: &mut Row) {
    let total = total(&partnership.parties);
    partnership.model.total_amount = total.map(|money| money.amount().to_string());
    partnership.model.total_currency = total.map(|money| money.currency().to_string());
}

/// The contribution of a party, checked.
fn contribution(place: usize, party: &PartnershipPartyInput, fields: &mut Fields<'_>) -> Option<Money> {
    let given = party.contribution.as_ref()?;
    let path = format!("parties.{place}.contribution");
    let amount = *fields.read(&format!("{path}.amount"), &given.amount)?;
    let currency: Result<Currency, _> = given.currency.parse();
    match currency.and_then(|currency| Money::new(amount, currency)) {
        Ok(money) if money.amount() >= Decimal::ZERO => Some(money),
        Ok(_) => {
            fields.problems.add(Problem::new(path, &messages::CONTRIBUTION_BELOW_ZERO));
            None
        }
        Err(error) => {
            fields.problems.add(Problem::value(path, &error));
            None
        }
    }
}
