//! Calls for projects, as they are written.

use async_graphql::{ID, InputObject, MaybeUndefined};
use serde::Deserialize;

use crate::partnership::write::MoneyInput;
use kernel::RecordType;
use kernel::input::LocalizedTextInput;
use kernel::policy::Visibility;
use kernel::provenance::{ClaimInput, SourceInput};
use kernel::value::{DateTime, Decimal, Given, Language, PartialDate, Url};
use records::input_fields;
use records::write::{InputFields, Reference};

/// A regulation in one language and version, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegulationInput {
    /// The language that it is written in.
    pub language: Language,
    /// The name of the version. Two texts in one language need different ones.
    pub version: Option<String>,
    /// Where it can be read.
    pub url: Option<Given<Url>>,
    /// The day from which it holds, as precisely as known.
    pub valid_from: Option<Given<PartialDate>>,
}

/// What an organization contributes to a call or to a lot, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct ContributionInput {
    /// The organization, by its id, its slug, or `source:externalId`.
    pub organization: ID,
    /// What it gives: above zero, and in the one currency of the call.
    pub amount: MoneyInput,
}

/// A lot of a call, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallLotInput {
    /// Slug of its genre (`terms(vocabulary: CALL_GENRE)`), which one lot of the call has.
    pub genre: String,
    /// Its title, the original first. The genre's name stands for it where there is none.
    pub titles: Option<Vec<LocalizedTextInput>>,
    /// What one project may get at most.
    pub ceiling: Option<MoneyInput>,
    /// Who funds it, each with a share of what it contributes to the call. A lot without funders shares the fund.
    pub funders: Option<Vec<ContributionInput>>,
    /// Least number of episodes.
    pub min_episodes: Option<i32>,
    /// Greatest number of episodes.
    pub max_episodes: Option<i32>,
    /// Least minutes of one episode.
    pub min_minutes: Option<Given<Decimal>>,
    /// Greatest minutes of one episode.
    pub max_minutes: Option<Given<Decimal>>,
    /// The share of a project's budget that aid may reach, from 0 to 1: "0.50".
    pub max_aid_share: Option<Given<Decimal>>,
    /// Slugs of the regions whose organizations may apply; those of all regions where none is given.
    pub eligible_regions: Option<Vec<String>>,
    /// The share of the aid that is to be spent in the funders' territories, from 0 to 1.
    pub territorial_spend_share: Option<Given<Decimal>>,
}

/// A call for projects, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallForProjectsInput {
    /// Readable name for addresses; made from the title where it is not given. Digits are added to one that is not free, where
    /// you cannot see which record has it.
    pub slug: MaybeUndefined<String>,
    /// Its title, the original first.
    pub titles: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// What it is about, the original first.
    pub descriptions: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the region that answers for it.
    pub region: MaybeUndefined<String>,
    /// The first instant at which it is open. Without it, it is open as soon as it is no draft.
    pub opens_at: MaybeUndefined<Given<DateTime>>,
    /// The last instant that is accepted.
    pub closes_at: MaybeUndefined<Given<DateTime>>,
    /// IANA name of the time zone that the regulation means; that of the region where it is not given.
    pub time_zone: MaybeUndefined<String>,
    /// Whether it is being prepared: nobody but the staff of its region and of its funders' regions sees it.
    pub draft: MaybeUndefined<bool>,
    /// Whether it closed at an instant that is not known; refused beside `closesAt`.
    pub closed: MaybeUndefined<bool>,
    /// The regulation that all funders share, by language and version.
    pub regulations: MaybeUndefined<Vec<RegulationInput>>,
    /// The organizations that organize it, by their id, their slug, or `source:externalId`.
    pub organizers: MaybeUndefined<Vec<ID>>,
    /// Slugs of its sectors.
    pub sectors: MaybeUndefined<Vec<String>>,
    /// What each organization contributes. That of an organization of another region counts once its side has confirmed
    /// it; imports and pushes say it as confirmed.
    pub contributions: MaybeUndefined<Vec<ContributionInput>>,
    /// Its lots, one for each genre.
    pub lots: MaybeUndefined<Vec<CallLotInput>>,
    /// Who may see it; PUBLIC where it is not given.
    pub visibility: MaybeUndefined<Visibility>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
    /// Statements by source, where sources differ or are unsure.
    pub claims: MaybeUndefined<Vec<ClaimInput>>,
}

impl InputFields for CallForProjectsInput {
    input_fields!(slug region);

    fn references(&self, into: &mut Vec<Reference>) {
        let organizers = self.organizers.as_opt_ref().flatten().into_iter().flatten();
        let contributions = self.contributions.as_opt_ref().flatten().into_iter().flatten();
        let lots = self.lots.as_opt_ref().flatten().into_iter().flatten();
        let funders = lots.flat_map(|lot| lot.funders.iter().flatten());
        let organizations = organizers.chain(contributions.chain(funders).map(|one| &one.organization));
        let to = RecordType::Organization;
        into.extend(organizations.map(|id| Reference { to, text: id.0.clone() }));
    }
}
