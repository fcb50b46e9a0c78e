//! The partnerships of the directory as a network, and how often regions work together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::graphql::PartnershipFilter;
use super::store;
use crate::organization::OrganizationNode;
use crate::region::{self, RegionNode};
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::node::by_ids;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{Currency, Decimal, Money};

/// Organizations in one drawing at most.
const MAX_NODES: i32 = 2000;
/// Organizations in one drawing where the client does not say.
const DEFAULT_NODES: i32 = 500;

/// The network of partnerships, ready for a graph drawing.
#[derive(Clone, Debug)]
pub struct PartnershipGraph {
    nodes: Vec<PartnershipGraphNode>,
    links: Vec<PartnershipGraphLink>,
    truncated: bool,
}

/// An organization in the network.
#[derive(Clone, Debug)]
pub struct PartnershipGraphNode {
    organization: OrganizationNode,
    degree: i32,
}

/// Two organizations that work together.
#[derive(Clone, Debug)]
pub struct PartnershipGraphLink {
    source: Uuid,
    target: Uuid,
    partnership_count: i32,
    cross_border: bool,
}

/// The network of partnerships, ready for a graph drawing.
#[Object]
impl PartnershipGraph {
    /// Organizations, those with most partners first.
    async fn nodes(&self) -> &[PartnershipGraphNode] {
        &self.nodes
    }

    /// Pairs of organizations among `nodes` that work together.
    async fn links(&self) -> &[PartnershipGraphLink] {
        &self.links
    }

    /// Whether organizations were left out because of `maxNodes`.
    async fn truncated(&self) -> bool {
        self.truncated
    }
}

/// An organization in the network.
#[Object]
impl PartnershipGraphNode {
    /// The organization.
    async fn organization(&self) -> &OrganizationNode {
        &self.organization
    }

    /// Number of organizations that it works with, drawn or not.
    async fn degree(&self) -> i32 {
        self.degree
    }
}

/// Two organizations that work together.
#[Object]
impl PartnershipGraphLink {
    /// Id of one organization.
    async fn source(&self) -> ID {
        graphql_id("organization", self.source)
    }

    /// Id of the other.
    async fn target(&self) -> ID {
        graphql_id("organization", self.target)
    }

    /// Number of partnerships that both are parties of.
    async fn partnership_count(&self) -> i32 {
        self.partnership_count
    }

    /// Whether the two sit in different countries.
    async fn cross_border(&self) -> bool {
        self.cross_border
    }
}

/// Two regions whose organizations work together.
#[derive(Clone, Debug)]
pub struct RegionPair {
    first: RegionNode,
    second: RegionNode,
    partnership_count: i32,
    total_contribution: Option<Money>,
}

/// How often two regions work together: a cell of the border's heat map.
#[Object]
impl RegionPair {
    /// One region.
    async fn first(&self) -> &RegionNode {
        &self.first
    }

    /// The other region.
    async fn second(&self) -> &RegionNode {
        &self.second
    }

    /// Number of partnerships with parties of both.
    async fn partnership_count(&self) -> i32 {
        self.partnership_count
    }

    /// Sum of the contributions to these partnerships; null where none states one, or in several currencies.
    async fn total_contribution(&self) -> Option<&Money> {
        self.total_contribution.as_ref()
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Reads the network of the partnerships that fit.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn graph(
    reader: &Reader,
    filter: &PartnershipFilter,
    max_nodes: i32,
    want: &Selection,
) -> Result<PartnershipGraph, DomainError> {
    if !(1..=MAX_NODES).contains(&max_nodes) {
        let message = format!("`maxNodes` is {max_nodes}: it must lie between 1 and {MAX_NODES}.");
        return Err(DomainError::bad_input("maxNodes", message));
    }
    let joins = "JOIN partnership_party AS gp ON gp.partnership_id = o.id \
                 JOIN organization AS go ON go.id = gp.organization_id";
    let rows =
        store::over_all(reader, filter, "o.id, go.id, go.country", joins, "ORDER BY o.id, gp.position")
            .await?;
    let mut countries: HashMap<Uuid, String> = HashMap::new();
    let mut parties: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for mut row in rows {
        let (partnership, organization): (Uuid, Uuid) = (row.get()?, row.get()?);
        countries.insert(organization, row.get()?);
        parties.entry(partnership).or_default().push(organization);
    }
    let mut links: BTreeMap<(Uuid, Uuid), usize> = BTreeMap::new();
    let mut partners: BTreeMap<Uuid, BTreeSet<Uuid>> =
        countries.keys().map(|id| (*id, BTreeSet::new())).collect();
    for group in parties.values() {
        for (place, one) in group.iter().enumerate() {
            for other in &group[place + 1..] {
                *links.entry((*one.min(other), *one.max(other))).or_default() += 1;
                partners.entry(*one).or_default().insert(*other);
                partners.entry(*other).or_default().insert(*one);
            }
        }
    }
    let mut ranked: Vec<(Uuid, usize)> =
        partners.into_iter().map(|(id, partners)| (id, partners.len())).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let room = usize::try_from(max_nodes).unwrap_or(0);
    let truncated = ranked.len() > room;
    ranked.truncate(room);
    let below = want.below("PartnershipGraph", "nodes").unwrap_or_default();
    let below = below.below("PartnershipGraphNode", "organization").unwrap_or_default();
    let ids: Vec<Uuid> = ranked.iter().map(|(id, _)| *id).collect();
    let found = by_ids(reader, &ids, &below).await?;
    let nodes = found.zip(&ranked).filter_map(|(organization, (_, degree))| {
        Some(PartnershipGraphNode { organization: organization?, degree: count(*degree) })
    });
    let nodes = nodes.collect();
    let drawn: BTreeSet<Uuid> = ranked.iter().map(|(id, _)| *id).collect();
    let links = links
        .into_iter()
        .filter(|((source, target), _)| drawn.contains(source) && drawn.contains(target))
        .map(|((source, target), partnerships)| PartnershipGraphLink {
            source,
            target,
            partnership_count: count(partnerships),
            cross_border: countries.get(&source) != countries.get(&target),
        });
    Ok(PartnershipGraph { nodes, links: links.collect(), truncated })
}

/// Counts how often regions work together in the partnerships that fit.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn region_pairs(
    reader: &Reader,
    filter: &PartnershipFilter,
    want: &Selection,
) -> Result<Vec<RegionPair>, DomainError> {
    let select = "o.party_regions, o.total_amount, o.total_currency";
    let rows = store::over_all(reader, filter, select, "", "ORDER BY o.id").await?;
    let mut pairs: BTreeMap<(String, String), (usize, BTreeMap<Currency, Decimal>)> = BTreeMap::new();
    for mut row in rows {
        let mut regions: Vec<String> = row.json()?;
        regions.sort_unstable();
        let (amount, currency): (Option<Decimal>, Option<Currency>) = (row.parsed()?, row.parsed()?);
        for (place, first) in regions.iter().enumerate() {
            for second in &regions[place + 1..] {
                let (number, sums) = pairs.entry((first.clone(), second.clone())).or_default();
                *number += 1;
                if let Some((amount, currency)) = amount.zip(currency) {
                    let sum = sums.entry(currency).or_insert(Decimal::ZERO);
                    let too_much = || DomainError::Stored("a sum of contributions is too large".into());
                    *sum = sum.checked_add(amount).ok_or_else(too_much)?;
                }
            }
        }
    }
    let below = |name| want.below("RegionPair", name).unwrap_or_default();
    let slugs: BTreeSet<&str> = pairs.keys().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
    let regions = region::read(reader, slugs, &below("first").union(&below("second"))).await?;
    let answer = pairs.iter().filter_map(|((first, second), (number, sums))| {
        let total = sums.iter().next().filter(|_| sums.len() == 1);
        Some(RegionPair {
            first: regions.get(first)?,
            second: regions.get(second)?,
            partnership_count: count(*number),
            total_contribution: total.and_then(|(currency, sum)| Money::new(*sum, *currency).ok()),
        })
    });
    let mut answer: Vec<RegionPair> = answer.collect();
    answer.sort_by_key(|pair| std::cmp::Reverse(pair.partnership_count));
    Ok(answer)
}

/// Queries of the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartnershipGraphQuery;

/// Queries of the network.
#[Object]
impl PartnershipGraphQuery {
    /// The network of the partnerships that this viewer may see.
    async fn partnership_graph(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only partnerships that fit.")] filter: Option<PartnershipFilter>,
        #[graphql(
            desc = "Organizations drawn at most, those with most partners first: from 1 to 2000.",
            default_with = "Some(DEFAULT_NODES)"
        )]
        max_nodes: Option<i32>,
    ) -> GraphqlResult<PartnershipGraph> {
        let reader = Reader::of(ctx)?;
        let max_nodes = max_nodes.unwrap_or(DEFAULT_NODES);
        graph(reader, &filter.unwrap_or_default(), max_nodes, &Selection::of(ctx)).await.graphql()
    }

    /// How often each pair of regions works together, the most often first. Partnerships within one region are
    /// no pair.
    async fn region_pairs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only partnerships that fit.")] filter: Option<PartnershipFilter>,
    ) -> GraphqlResult<Vec<RegionPair>> {
        region_pairs(Reader::of(ctx)?, &filter.unwrap_or_default(), &Selection::of(ctx)).await.graphql()
    }
}
