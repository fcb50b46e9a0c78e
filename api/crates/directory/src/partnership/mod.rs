//! Partnerships: two or more organizations with roles, contributions and a period.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::affiliation::Period;
use crate::call_for_projects::CallForProjectsNode;
use crate::event::EventNode;
use crate::organization::OrganizationNode;
use crate::region::{self, Regions, Slugs};
use kernel::error::DomainError;
use kernel::group;
use kernel::list::same_list;
use kernel::node::{Around, ColumnGroups as _, Node as _, by_ids, pages};
use kernel::page::PageArguments;
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::{Group, KeyRow, Row, Selected, Selection};
use kernel::reader::Reader;
use kernel::value::{DateTime, Decimal, LocalizedText, Money};
use kernel::{Head, Times};

mod consent;
pub mod document;
pub mod graph;
pub mod graphql;
pub mod merging;
pub mod mutation;
mod replica;
pub mod store;
pub mod write;

use graphql::{PartnershipConnection, PartnershipFilter};

/// Where a partnership stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartnershipStatus {
    /// Not yet confirmed by all parties.
    Proposed,
    /// It runs.
    Active,
    /// It is over.
    Ended,
    /// A party has declined.
    Declined,
}

/// What a party does in a partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartyRole {
    /// Leads it.
    Lead,
    /// Takes part on equal terms.
    Partner,
    /// Founded what it made.
    Founder,
    /// Belongs to what it made.
    Member,
    /// Gives money.
    Funder,
    /// Gives the place.
    Host,
    /// Organizes it.
    Organizer,
    /// Provides a service.
    Provider,
    /// Supports it.
    Supporter,
    /// Receives the service or the money.
    Beneficiary,
    /// Something else; see the title.
    Other,
}

/// A partnership as the database has it, with the groups of columns that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Partnership {
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
    /// The columns that a card about a partnership shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// Slug of its kind.
        kind: String = Row::get [kind] => kind;
        /// Where it stands.
        status: PartnershipStatus = Row::name [status] => status;
        /// From when to when.
        period: Period = Period::read [starts_on ends_on] => period;
        /// Slugs of its sectors.
        sectors: Vec<String> = Row::json [sectors] => sectors;
        /// Whether its parties are of two countries or more.
        cross_border: bool = Row::get [cross_border] => crossBorder;
        /// Slugs of the regions that answer for its parties.
        party_regions: Vec<String> = Row::json [party_regions] => regions;
        /// The sum of the contributions.
        total_contribution: Option<Money> = read_money [total_amount total_currency] => totalContribution;
        /// The call for projects that it is about.
        call_id: Option<Uuid> = Row::get [call_id] => call;
        /// The event that it is about.
        event_id: Option<Uuid> = Row::get [event_id] => event;
    }
}

/// Reads an amount and its currency.
pub(crate) fn read_money(row: &mut Row) -> Result<Option<Money>, DomainError> {
    let (amount, currency): (Option<Decimal>, _) = (row.parsed()?, row.parsed()?);
    let stored = amount.zip(currency).map(|(amount, currency)| Money::new(amount, currency));
    stored.transpose().map_err(|error| DomainError::Stored(error.to_string()))
}

group! {
    /// The columns that only detailed views of a partnership ask for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Details {
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

/// A party as the database has it.
#[derive(Clone, Debug)]
pub struct PartyNode {
    organization: OrganizationNode,
    role: PartyRole,
    terms: Group<Terms>,
}

group! {
    /// The contribution of a party, and its answer.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Terms {
        /// The source's wording of what it does.
        title: Option<String> = Row::get [title] => title;
        /// What it gives.
        contribution: Option<Money> = read_money [contribution_amount contribution_currency] => contribution;
        /// When it confirmed.
        confirmed_at: Option<DateTime> = Row::optional_time [confirmed_at] => confirmedAt;
        /// When it declined.
        declined_at: Option<DateTime> = Row::optional_time [declined_at] => declinedAt;
    }
}

/// A partnership in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct PartnershipNode {
    /// The row, as far as it was read.
    pub row: Partnership,
    around: Relations,
}

/// The records that were read around a partnership.
#[derive(Clone, Debug, Default)]
struct Relations {
    region: Regions,
    regions: Regions,
    parties: Vec<PartyNode>,
    call: Option<Box<CallForProjectsNode>>,
    event: Option<Box<EventNode>>,
}

impl Around for PartnershipNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        let own: Slugs<Self> = |node| vec![node.row.head.region.as_str()];
        region::fill(reader, nodes, (want, "region"), own, |node| &mut node.around.region).await?;
        let parties: Slugs<Self> = |node| node.row.card.party_regions.iter().map(String::as_str).collect();
        region::fill(reader, nodes, (want, "regions"), parties, |node| &mut node.around.regions).await?;
        if let Some(below) = want.below(Self::NAME, "parties") {
            let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
            let groups = store::parties(reader, &ids, store::PartyColumns::of(&below)).await?;
            let below = below.below("PartnershipParty", "organization").unwrap_or_default();
            fill_parties(reader, nodes, groups, &below).await?;
        }
        if let Some(below) = want.below(Self::NAME, "call") {
            let found = subjects(reader, nodes, |node| node.row.card.call_id, &below).await?;
            nodes.iter_mut().zip(found).for_each(|(node, call)| node.around.call = call.map(Box::new));
        }
        if let Some(below) = want.below(Self::NAME, "event") {
            let found = subjects(reader, nodes, |node| node.row.card.event_id, &below).await?;
            nodes.iter_mut().zip(found).for_each(|(node, event)| node.around.event = event.map(Box::new));
        }
        Ok(())
    }
}

/// Reads for each partnership, in order, the record that it is about; none where it is about none, or about one that is
/// hidden.
async fn subjects<N: kernel::node::Node>(
    reader: &Reader,
    nodes: &[PartnershipNode],
    of: fn(&PartnershipNode) -> Option<Uuid>,
    want: &Selection,
) -> Result<Vec<Option<N>>, DomainError> {
    let ids: Vec<Uuid> = nodes.iter().filter_map(of).collect();
    let mut found = by_ids::<N>(reader, &ids, want).await?;
    Ok(nodes.iter().map(|node| of(node).and_then(|_| found.next().flatten())).collect())
}

/// Fills the organizations of all parties together, and gives each partnership its own.
async fn fill_parties(
    reader: &Reader,
    nodes: &mut [PartnershipNode],
    groups: Vec<Vec<store::Party>>,
    want: &Selection,
) -> Result<(), DomainError> {
    let mut organizations = Vec::new();
    let rests: Vec<Vec<_>> = groups
        .into_iter()
        .map(|group| {
            let apart = group.into_iter().map(|party| {
                organizations.push(party.organization);
                (party.role, party.terms)
            });
            apart.collect()
        })
        .collect();
    OrganizationNode::fill(reader, &mut organizations, want).await?;
    let mut organizations = organizations.into_iter();
    for (node, rest) in nodes.iter_mut().zip(rests) {
        let together = rest.into_iter().zip(organizations.by_ref());
        node.around.parties =
            together.map(|((role, terms), organization)| PartyNode { organization, role, terms }).collect();
    }
    Ok(())
}

/// The page of the partnerships of each organization that a field asks for. Each key row is an
/// organization's id.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_organizations(
    reader: &Reader,
    parents: &[KeyRow],
    filter: &PartnershipFilter,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<PartnershipConnection, DomainError>>, DomainError> {
    let lists = parents.iter().map(|parent| store::list_of_organization(reader, filter, parent.clone()));
    let lists: Result<Vec<_>, _> = lists.collect();
    pages(reader, lists.and_then(same_list), arguments, field, parents.len()).await
}
