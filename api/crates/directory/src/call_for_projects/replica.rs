//! Calls for projects as instances tell of them: replicated fields to a row with its parts, and back.

use std::collections::BTreeSet;

use entity::call_for_projects::Model;
use entity::{
    call_for_projects_contribution as contribution, call_for_projects_lot as lot,
    call_for_projects_lot_funder as lot_funder, call_for_projects_organizer as organizer,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Regulation;
use super::status::CallStatus;
use super::write::{Row, derive};
use crate::replicated::{Field as _, Json, Level, Named, Slug, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::{Claim, Source};
use kernel::value::{Currency, Decimal, LocalizedText, TimeZone};
use kernel::vocabulary::{Vocabulary, vocabularies};
use kernel::{RecordType, id as ids};
use records::write::replica::{self, InvalidRevision, Refers, Replicated};

replicated! {
    /// The replicated fields of a call.
    pub struct Fields of Model {
        slug: Slug,
        region: String,
        #[serde(rename = "visibility")]
        declared_visibility: Level,
        status: Named<CallStatus>,
        titles: Json<Vec<LocalizedText>>,
        descriptions: Json<Vec<LocalizedText>>,
        time_zone: Text<TimeZone>,
        opens_at: Option<i64>,
        closes_at: Option<i64>,
        draft: bool,
        closed: bool,
        decided: bool,
        awarded_at: Option<i64>,
        regulations: Json<Vec<Regulation>>,
        sectors: Json<Vec<String>>,
        currency: Option<Text<Currency>>,
        contributions: Vec<Contribution> = by_hand,
        lots: Vec<Lot> = by_hand,
        organizers: Vec<String> = by_hand,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

/// The replicated fields of a contribution.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Contribution {
    organization: String,
    amount: Text<Decimal>,
    confirmed: bool,
    confirmed_at: Option<i64>,
    declined_at: Option<i64>,
}

/// The replicated fields of the funder of a lot.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Funder {
    organization: String,
    amount: Text<Decimal>,
}

/// The replicated fields of a lot.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Lot {
    genre: String,
    titles: Json<Vec<LocalizedText>>,
    ceiling: Option<Text<Decimal>>,
    funders: Vec<Funder>,
    min_episodes: Option<i32>,
    max_episodes: Option<i32>,
    min_minutes: Option<Text<Decimal>>,
    max_minutes: Option<Text<Decimal>>,
    max_aid_share: Option<Text<Decimal>>,
    eligible_regions: Json<Vec<String>>,
    territorial_spend_share: Option<Text<Decimal>>,
}

fn told(organization: Uuid) -> String {
    ids::encode(RecordType::Organization.prefix(), organization)
}

/// The organization that a field names.
fn named(path: &str, text: &str) -> Result<Uuid, InvalidRevision> {
    replica::id(path, RecordType::Organization, text)
}

/// A place in a list, as its row has it.
fn position(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}

/// Refuses a list that has an entry twice.
fn once<T: Ord>(path: &str, entries: impl Iterator<Item = T>) -> Result<(), InvalidRevision> {
    let mut seen = BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry) {
            return Err(InvalidRevision::new(path, "an entry of the list occurs twice"));
        }
    }
    Ok(())
}

impl Contribution {
    fn of(row: &contribution::Model) -> Self {
        Self {
            organization: told(row.organization_id),
            amount: Text::of(&row.amount),
            confirmed: row.confirmed,
            confirmed_at: row.confirmed_at,
            declined_at: row.declined_at,
        }
    }

    fn row(&self, call_id: Uuid, place: usize) -> Result<contribution::Model, InvalidRevision> {
        Ok(contribution::Model {
            call_id,
            position: position(place),
            organization_id: named("contributions", &self.organization)?,
            amount: self.amount.column(),
            region: String::new(),
            confirmed: self.confirmed,
            confirmed_at: self.confirmed_at,
            declined_at: self.declined_at,
        })
    }
}

impl Lot {
    fn of(row: &lot::Model, funders: &[lot_funder::Model]) -> Self {
        let own = funders.iter().filter(|funder| funder.lot == row.position);
        let funder = |funder: &lot_funder::Model| Funder {
            organization: told(funder.organization_id),
            amount: Text::of(&funder.amount),
        };
        Self {
            genre: row.genre.clone(),
            titles: Json::of(&row.titles),
            ceiling: Option::of(&row.ceiling),
            funders: own.map(funder).collect(),
            min_episodes: row.min_episodes,
            max_episodes: row.max_episodes,
            min_minutes: Option::of(&row.min_minutes),
            max_minutes: Option::of(&row.max_minutes),
            max_aid_share: Option::of(&row.max_aid_share),
            eligible_regions: Json::of(&row.eligible_regions),
            territorial_spend_share: Option::of(&row.territorial_spend_share),
        }
    }

    fn row(&self, call_id: Uuid, place: usize) -> lot::Model {
        lot::Model {
            call_id,
            position: position(place),
            genre: self.genre.clone(),
            titles: self.titles.column(),
            ceiling: self.ceiling.column(),
            budget: None,
            min_episodes: self.min_episodes,
            max_episodes: self.max_episodes,
            min_minutes: self.min_minutes.column(),
            max_minutes: self.max_minutes.column(),
            max_aid_share: self.max_aid_share.column(),
            eligible_regions: self.eligible_regions.column(),
            territorial_spend_share: self.territorial_spend_share.column(),
        }
    }

    fn funders(&self, call_id: Uuid, place: usize) -> Result<Vec<lot_funder::Model>, InvalidRevision> {
        once("lots", self.funders.iter().map(|funder| &funder.organization))?;
        let row = |(at, funder): (usize, &Funder)| {
            Ok(lot_funder::Model {
                call_id,
                lot: position(place),
                position: position(at),
                organization_id: named("lots", &funder.organization)?,
                amount: funder.amount.column(),
            })
        };
        self.funders.iter().enumerate().map(row).collect()
    }
}

impl Replicated for Fields {
    type Row = Row;

    fn of(row: &Row) -> Result<Self, DomainError> {
        Ok(Self::of_columns(
            &row.model,
            row.contributions.iter().map(Contribution::of).collect(),
            row.lots.iter().map(|lot| Lot::of(lot, &row.funders)).collect(),
            row.organizers.iter().map(|one| told(one.organization_id)).collect(),
        ))
    }

    fn fill(&self, row: &mut Row) -> Result<(), InvalidRevision> {
        let all = vocabularies();
        known("region", "region", &all.regions, [&self.region])?;
        known("sectors", "sector", &all.sectors, self.sectors.entries())?;
        let genres = all.terms(Vocabulary::CallGenre);
        known("lots", "genre", genres, self.lots.iter().map(|lot| &lot.genre))?;
        let eligible = self.lots.iter().flat_map(|lot| lot.eligible_regions.entries());
        known("lots", "region", &all.regions, eligible)?;
        once("lots", self.lots.iter().map(|lot| &lot.genre))?;
        once("contributions", self.contributions.iter().map(|one| &one.organization))?;
        once("organizers", self.organizers.iter())?;
        self.fill_columns(&mut row.model);
        let id = row.model.id;
        let each = self.contributions.iter().enumerate();
        row.contributions = each.map(|(place, one)| one.row(id, place)).collect::<Result<_, _>>()?;
        row.lots = self.lots.iter().enumerate().map(|(place, lot)| lot.row(id, place)).collect();
        let each = self.lots.iter().enumerate().map(|(place, lot)| lot.funders(id, place));
        row.funders = each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let organizer = |(place, text): (usize, &String)| {
            let organization_id = named("organizers", text)?;
            Ok(organizer::Model { call_id: id, position: position(place), organization_id })
        };
        row.organizers =
            self.organizers.iter().enumerate().map(organizer).collect::<Result<_, InvalidRevision>>()?;
        derive(row);
        Ok(())
    }

    /// The organizations that contribute, and those that organize.
    fn refers(row: &Row) -> Result<Vec<Refers>, DomainError> {
        let to = RecordType::Organization;
        let refers = |path| move |id: Uuid| Refers { path, to, id };
        let contributions = row.contributions.iter().map(|one| one.organization_id);
        let funders = row.funders.iter().map(|one| one.organization_id);
        let organizers = row.organizers.iter().map(|one| one.organization_id);
        let all = contributions.map(refers("contributions")).chain(funders.map(refers("lots")));
        Ok(all.chain(organizers.map(refers("organizers"))).collect())
    }
}
