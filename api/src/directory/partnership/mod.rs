//! Partnerships: two or more organizations with roles, contributions and a period.

use async_graphql::Enum;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::affiliation::Period;
use crate::directory::organization::{self, OrganizationNode};
use crate::directory::region::{self, Regions};
use crate::record::error::DomainError;
use crate::record::list::{Listed, same_list};
use crate::record::lookup::Key;
use crate::record::page::{PageArguments, PageOf};
use crate::record::provenance::{Claim, ExternalId, Source};
use crate::record::read::{Group, KeyRow, Selected, Selection};
use crate::record::reader::{Reader, nodes_wanted, total_wanted};
use crate::record::value::{DateTime, LocalizedText, Money};
use crate::record::{Head, Times};

mod consent;
pub mod document;
pub mod graph;
pub mod graphql;
pub(crate) mod merging;
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
    /// What every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// Titles, the original first.
    pub titles: Vec<LocalizedText>,
    /// What a card about it shows.
    pub card: Group<Card>,
    /// What only detailed views ask for.
    pub details: Group<Details>,
}

/// What a card about a partnership shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// When it was written.
    pub times: Times,
    /// Slug of its kind.
    pub kind: String,
    /// Where it stands.
    pub status: PartnershipStatus,
    /// From when to when.
    pub period: Period,
    /// Slugs of its sectors.
    pub sectors: Vec<String>,
    /// Whether its parties are of two countries or more.
    pub cross_border: bool,
    /// Slugs of the regions that answer for its parties.
    pub party_regions: Vec<String>,
    /// The sum of the contributions.
    pub total_contribution: Option<Money>,
}

/// What only detailed views of a partnership ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Descriptions, the original first.
    pub descriptions: Vec<LocalizedText>,
    /// Where the facts come from.
    pub sources: Vec<Source>,
    /// Statements by source.
    pub claims: Vec<Claim>,
    /// The id in the system that owns it.
    pub external_id: Option<ExternalId>,
}

/// A party as the database has it.
#[derive(Clone, Debug)]
pub struct PartyNode {
    organization: OrganizationNode,
    role: PartyRole,
    terms: Group<Terms>,
}

/// What a party brings, and whether it has agreed.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The source's wording of what it does.
    pub title: Option<String>,
    /// What it gives.
    pub contribution: Option<Money>,
    /// When it confirmed.
    pub confirmed_at: Option<DateTime>,
    /// When it declined.
    pub declined_at: Option<DateTime>,
}

/// A partnership in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct PartnershipNode {
    pub(crate) row: Partnership,
    region: Regions,
    regions: Regions,
    parties: Vec<PartyNode>,
}

/// Name of the type in the schema.
const TYPE: &str = "Partnership";

impl From<Partnership> for PartnershipNode {
    fn from(row: Partnership) -> Self {
        Self { row, region: Regions::default(), regions: Regions::default(), parties: Vec::new() }
    }
}

/// Reads what is wanted around these partnerships: one keyed read per relation.
fn fill<'a>(
    reader: &'a Reader,
    nodes: &'a mut [PartnershipNode],
    want: &'a Selection,
) -> BoxFuture<'a, Result<(), DomainError>> {
    Box::pin(async move {
        if nodes.is_empty() || want.is_empty() {
            return Ok(());
        }
        if let Some(below) = want.below(TYPE, "region") {
            let slugs = nodes.iter().map(|node| node.row.head.region.as_str());
            let regions = region::read(reader, slugs, &below).await?;
            for node in nodes.iter_mut() {
                node.region = regions.clone();
            }
        }
        if let Some(below) = want.below(TYPE, "regions") {
            let slugs = nodes.iter().flat_map(|node| node.row.card.party_regions.iter().map(String::as_str));
            let regions = region::read(reader, slugs, &below).await?;
            for node in nodes.iter_mut() {
                node.regions = regions.clone();
            }
        }
        if let Some(below) = want.below(TYPE, "parties") {
            let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
            let groups = store::parties(reader, &ids, store::PartyColumns::of(&below)).await?;
            let below = below.below("PartnershipParty", "organization").unwrap_or_default();
            fill_parties(reader, nodes, groups, &below).await?;
        }
        Ok(())
    })
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
                organizations.push(OrganizationNode::from(party.organization));
                (party.role, party.terms)
            });
            apart.collect()
        })
        .collect();
    organization::fill(reader, &mut organizations, want).await?;
    let mut organizations = organizations.into_iter();
    for (node, rest) in nodes.iter_mut().zip(rests) {
        let together = rest.into_iter().zip(organizations.by_ref());
        node.parties =
            together.map(|((role, terms), organization)| PartyNode { organization, role, terms }).collect();
    }
    Ok(())
}

/// The partnerships of these keys, in their order, filled. All keys are of one kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    keys: Vec<Key>,
    want: &Selection,
) -> Result<std::vec::IntoIter<Option<PartnershipNode>>, DomainError> {
    let found = store::find(reader, keys, store::Columns::of(want)).await?;
    let places: Vec<bool> = found.iter().map(Option::is_some).collect();
    let mut nodes: Vec<PartnershipNode> = found.into_iter().flatten().map(Into::into).collect();
    fill(reader, &mut nodes, want).await?;
    let mut nodes = nodes.into_iter();
    let answer: Vec<_> = places.into_iter().map(|there| if there { nodes.next() } else { None }).collect();
    Ok(answer.into_iter())
}

/// The page that a field asks for of a list, for each parent; a refusal of its arguments is an answer.
async fn listed(
    reader: &Reader,
    list: Result<Listed, DomainError>,
    field: &Selected,
    count: usize,
) -> Result<Vec<Result<PartnershipConnection, DomainError>>, DomainError> {
    let checked =
        list.and_then(|(list, parents)| Ok((list.page(&PageArguments::of(field), &parents)?, list, parents)));
    let (page, list, parents) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return Ok((0..count).map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "PartnershipConnection", "PartnershipEdge");
    let columns = store::Columns::of(&want);
    let total = total_wanted(field, "PartnershipConnection");
    let read = |row: &mut _| columns.read(row);
    let pages = list.read(&reader.db, parents, &page, &columns.fetch(), total, read).await?;
    let (pages, rows) = PageOf::apart(pages);
    let mut nodes: Vec<PartnershipNode> = rows.into_iter().map(Into::into).collect();
    fill(reader, &mut nodes, &want).await?;
    Ok(PageOf::together(pages, nodes).into_iter().map(|page| Ok(PartnershipConnection::new(page))).collect())
}

/// The page of all partnerships that a field asks for.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn all(reader: &Reader, field: &Selected) -> Result<PartnershipConnection, DomainError> {
    let (filter, order) = (field.argument("filter").unwrap_or_default(), field.argument("orderBy"));
    let list = store::list(reader, &filter, order).map(|(list, row)| (list, vec![row]));
    listed(reader, list, field, 1).await?.pop().unwrap_or_else(|| Err(DomainError::Stored("no page".into())))
}

/// The page of the partnerships of each organization that a field asks for. Each key row is an
/// organization's id.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_organizations(
    reader: &Reader,
    parents: &[KeyRow],
    field: &Selected,
) -> Result<Vec<Result<PartnershipConnection, DomainError>>, DomainError> {
    let filter: PartnershipFilter = field.argument("filter").unwrap_or_default();
    let lists: Result<Vec<_>, _> =
        parents.iter().map(|parent| store::list_of_organization(reader, &filter, parent.clone())).collect();
    listed(reader, lists.and_then(same_list), field, parents.len()).await
}
