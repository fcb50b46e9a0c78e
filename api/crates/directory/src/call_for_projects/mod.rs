//! Calls for projects: what several funders give together, for which genres, by which criteria, and until when.
//!
//! A call belongs to the region that answers for it, and has funders of several regions. What an organization of another
//! region contributes counts once its side has confirmed it (`consent.rs`); until then only those who write the call
//! and those who may confirm see it. Where a call stands follows from the clock (`status.rs`).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::application;
use crate::application::award::{self, AwardConnection};
use crate::application::graphql::ApplicationConnection;
use crate::organization::OrganizationNode;
use crate::partnership::read_money;
use crate::region::{self, Regions, Slugs};
use kernel::error::DomainError;
use kernel::group;
use kernel::list::filled;
use kernel::node::{Around, ColumnGroups as _, Node as _};
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::{Group, Row, Selection};
use kernel::reader::{ByKey, Reader, put_each};
use kernel::value::{Currency, DateTime, Decimal, Language, LocalizedText, Money, PartialDate, Url};
use kernel::{Head, Times};

pub mod compare;
mod consent;
pub mod document;
mod format;
pub mod funding;
pub mod graphql;
pub mod input;
pub mod lots;
pub mod merging;
pub mod mutation;
mod replica;
pub mod status;
pub mod store;
pub mod turn;
pub mod write;

use graphql::ApplicationsArguments;
use status::Schedule;

/// A regulation in one language and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regulation {
    /// The language that it is written in.
    pub language: Language,
    /// The name of the version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<Url>,
    /// The day from which it holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid_from: Option<PartialDate>,
}

/// A call as the database has it, with the groups of columns that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct CallForProjects {
    /// The columns that every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// Titles, the original first.
    pub titles: Vec<LocalizedText>,
    /// The columns that a card about it shows.
    pub card: Group<Card>,
    /// The columns that only detailed views ask for.
    pub details: Group<Details>,
}

group! {
    /// The columns that a card about a call shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// The facts that its status follows from.
        schedule: Schedule = Schedule::read [draft closed decided opens_at closes_at] => status opensAt closesAt;
        /// The sum of the contributions that count.
        fund: Option<Money> = read_money [fund_amount currency] => fund;
        /// Slugs of its sectors.
        sectors: Vec<String> = Row::json [sectors] => sectors;
        /// The name of the status that its newest revision says.
        told: String = Row::get [status] => ;
        /// The facets under which it is listed.
        facets: Vec<String> = Row::json [facets] => ;
        /// The regions under which it is listed.
        list_regions: Vec<String> = Row::json [list_regions] => ;
    }
}

group! {
    /// The columns that only detailed views of a call ask for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Details {
        /// IANA name of its time zone.
        time_zone: String = Row::get [time_zone] => timeZone;
        /// The regulation, by language and version.
        regulations: Vec<Regulation> = Row::json [regulations] => regulations;
        /// Descriptions, the original first.
        descriptions: Vec<LocalizedText> = Row::json [descriptions] => description descriptions;
        /// Where the facts come from.
        sources: Vec<Source> = Row::json [sources] => sources;
        /// Statements by source.
        claims: Vec<Claim> = Row::json [claims] => claims;
        /// The id in the system that owns it, which is joined to the row.
        external_id: Option<ExternalId> = ExternalId::read [] joined by ExternalId::fetch => externalId;
    }
}

/// The contribution of an organization to a call, or its share in a lot.
#[derive(Clone, Debug)]
pub struct ContributionNode {
    organization: OrganizationNode,
    amount: Money,
    confirmed: bool,
    confirmed_at: Option<DateTime>,
    declined_at: Option<DateTime>,
}

/// The criteria of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    /// What one project may get at most.
    pub ceiling: Option<Money>,
    /// Least number of episodes.
    pub min_episodes: Option<i32>,
    /// Greatest number of episodes.
    pub max_episodes: Option<i32>,
    /// Least minutes of one episode.
    pub min_minutes: Option<Decimal>,
    /// Greatest minutes of one episode.
    pub max_minutes: Option<Decimal>,
    /// The share of a project's budget that aid may reach.
    pub max_aid_share: Option<Decimal>,
    /// Slugs of the regions whose organizations may apply; empty where those of all may.
    pub eligible_regions: Vec<String>,
    /// The share of the aid that is spent in the funders' territories.
    pub territorial_spend_share: Option<Decimal>,
}

/// A lot as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Place in the list of lots.
    pub position: i32,
    /// Slug of its genre.
    pub genre: String,
    /// Titles, the original first.
    pub titles: Vec<LocalizedText>,
    /// The sum of the shares of its funders that count.
    pub budget: Option<Money>,
    /// Its criteria.
    pub criteria: Criteria,
    /// The currency of the call.
    pub currency: Option<Currency>,
}

/// A lot in an answer, with its funders.
#[derive(Clone, Debug)]
pub struct LotNode {
    /// The row.
    pub lot: Lot,
    eligible_regions: Regions,
    funders: Vec<ContributionNode>,
    /// What was awarded so far, as far as the viewer sees it; nothing where it was not read.
    awarded: Decimal,
}

/// A call in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct CallForProjectsNode {
    /// The row, as far as it was read.
    pub row: CallForProjects,
    around: Relations,
}

/// What was read around a call.
#[derive(Clone, Debug, Default)]
struct Relations {
    region: Regions,
    contributions: Vec<ContributionNode>,
    lots: Vec<LotNode>,
    organizers: Vec<OrganizationNode>,
    applications: ByKey<ApplicationConnection>,
    awards: ByKey<AwardConnection>,
}

impl CallForProjectsNode {
    /// The lots that were read.
    pub fn lots(&self) -> &[LotNode] {
        &self.around.lots
    }
}

/// Name of the type in the schema.
const TYPE: &str = CallForProjectsNode::NAME;

impl Around for CallForProjectsNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        let own: Slugs<Self> = |node| vec![node.row.head.region.as_str()];
        region::fill(reader, nodes, (want, "region"), own, |node| &mut node.around.region).await?;
        let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
        if let Some(below) = want.below(TYPE, "contributions") {
            let columns = store::ContributionColumns::of(&below);
            let found = store::contributions(reader, &ids, columns).await?;
            let below = below.below(CONTRIBUTION, "organization").unwrap_or_default();
            for (node, found) in nodes.iter_mut().zip(with_organizations(reader, found, &below).await?) {
                node.around.contributions = found;
            }
        }
        if let Some(below) = want.below(TYPE, "lots") {
            for (node, lots) in nodes.iter_mut().zip(lots_of(reader, &ids, &below).await?) {
                node.around.lots = lots;
            }
        }
        if let Some(below) = want.below(TYPE, "organizers") {
            let found = store::organizers(reader, &ids, OrganizationNode::columns(&below)).await?;
            let found = kernel::node::fill_groups(reader, found, &below).await?;
            for (node, found) in nodes.iter_mut().zip(found) {
                node.around.organizers = found;
            }
        }
        for field in want.each(TYPE, "applications") {
            let ApplicationsArguments { page, statuses } = ApplicationsArguments::of(&field);
            let statuses = filled(statuses.as_ref());
            let answers = application::of_calls(reader, &ids, statuses, (&page, &field)).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.applications);
        }
        for field in want.each(TYPE, "awards") {
            let answers = award::of_calls(reader, &ids, &field).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.awards);
        }
        Ok(())
    }
}

/// Name of the type of contributions in the schema.
const CONTRIBUTION: &str = "Contribution";
/// Name of the type of lots in the schema.
const LOT: &str = "CallLot";

/// Reads the lots of each of these calls, with what is selected below them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn lots_of(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Vec<LotNode>>, DomainError> {
    let found = store::lots(reader, ids).await?;
    let regions = match want.below(LOT, "eligibleRegions") {
        Some(below) => {
            let slugs = found.iter().flatten().flat_map(|lot| &lot.criteria.eligible_regions);
            region::read(reader, slugs.map(String::as_str), &below).await?
        }
        None => Regions::default(),
    };
    let mut funders: HashMap<(usize, i32), Vec<ContributionNode>> = HashMap::new();
    if let Some(below) = want.below(LOT, "funders") {
        let columns = store::ContributionColumns::of(&below);
        let (places, rows) = store::lot_funders(reader, ids, columns).await?;
        let below = below.below(CONTRIBUTION, "organization").unwrap_or_default();
        let rows = with_organizations(reader, vec![rows], &below).await?.into_iter().flatten();
        for (place, funder) in places.into_iter().zip(rows) {
            funders.entry(place).or_default().push(funder);
        }
    }
    let awarded = if want.has(LOT, &["awarded"]) {
        award::store::awarded_by_genre(reader, ids).await?
    } else {
        ids.iter().map(|_| Vec::new()).collect()
    };
    let of_call = |(place, lots): (usize, Vec<Lot>)| {
        let of_lot = |lot: Lot| {
            let funders = funders.remove(&(place, lot.position)).unwrap_or_default();
            let awarded = awarded[place].iter().find(|(genre, _)| *genre == lot.genre);
            let awarded = awarded.map_or(Decimal::ZERO, |(_, amount)| *amount);
            LotNode { lot, eligible_regions: regions.clone(), funders, awarded }
        };
        lots.into_iter().map(of_lot).collect()
    };
    Ok(found.into_iter().enumerate().map(of_call).collect())
}

/// Reads what is selected of the organizations of all contributions together.
async fn with_organizations(
    reader: &Reader,
    groups: Vec<Vec<ContributionNode>>,
    want: &Selection,
) -> Result<Vec<Vec<ContributionNode>>, DomainError> {
    let mut organizations: Vec<OrganizationNode> =
        groups.iter().flatten().map(|contribution| contribution.organization.clone()).collect();
    OrganizationNode::fill(reader, &mut organizations, want).await?;
    let mut organizations = organizations.into_iter();
    let filled = groups.into_iter().map(|group| {
        let each = group.into_iter().zip(organizations.by_ref());
        each.map(|(contribution, organization)| ContributionNode { organization, ..contribution }).collect()
    });
    Ok(filled.collect())
}
