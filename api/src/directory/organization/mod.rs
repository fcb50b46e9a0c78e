//! Organizations: companies, schools, laboratories, funds, public bodies, associations, venues.

use async_graphql::Enum;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::affiliation::graphql::AffiliationConnection;
use crate::directory::partnership::graphql::PartnershipConnection;
use crate::directory::region::{self, Regions};
use crate::directory::{affiliation, partnership};
use crate::record::error::DomainError;
use crate::record::list::{Listed, same_list};
use crate::record::lookup::Key;
use crate::record::page::{PageArguments, PageOf};
use crate::record::provenance::{Claim, ExternalId, Source};
use crate::record::read::{Group, KeyRow, KeyValue, Selected, Selection};
use crate::record::reader::{ByKey, Reader, nodes_wanted, total_wanted};
use crate::record::value::{EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use crate::record::{Head, Times};

pub mod document;
pub mod graphql;
pub(crate) mod merging;
pub mod mutation;
pub mod name;
mod replica;
pub mod store;
mod succession;
pub mod write;

use graphql::{OrganizationConnection, OrganizationFilter, OrganizationOrder};

/// Whether an organization still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrganizationStatus {
    /// It works.
    Active,
    /// It has ended.
    Dissolved,
    /// It has become part of its successor.
    Merged,
    /// Nobody has said.
    Unknown,
}

/// A place on earth, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, async_graphql::SimpleObject)]
pub struct GeoPoint {
    /// Degrees north, from -90 to 90.
    pub latitude: f64,
    /// Degrees east, from -180 to 180.
    pub longitude: f64,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Street and number, building, floor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Country, as ISO 3166-1 alpha-2.
    pub country: String,
    /// The point on the map, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<GeoPoint>,
}

/// An organization as the database has it, with the groups of columns that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// What every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Slugs of its sectors; empty where they were not asked for.
    pub sectors: Vec<String>,
    /// What a card about it shows.
    pub card: Group<Card>,
    /// What only detailed views ask for.
    pub details: Group<Details>,
    /// How to reach it; empty where the viewer may not see it.
    pub contact: Group<Contact>,
}

/// What a card about an organization shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// When it was written.
    pub times: Times,
    /// Slug of its main kind.
    pub kind: String,
    /// Whether it still exists.
    pub status: OrganizationStatus,
    /// The organization that continues it.
    pub successor_id: Option<Uuid>,
    /// Short form of the name.
    pub acronym: Option<String>,
    /// Slug of the region of its seat.
    pub seat_region: Option<String>,
    /// Slug of the territory of its seat.
    pub territory: Option<String>,
    /// When it began.
    pub founded_on: Option<PartialDate>,
    /// When it ended.
    pub dissolved_on: Option<PartialDate>,
}

/// What only detailed views of an organization ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Slugs of its other kinds.
    pub other_kinds: Vec<String>,
    /// Former names, names in other languages.
    pub other_names: Vec<String>,
    /// Its address.
    pub address: Option<Address>,
    /// Slugs of the regions where it works.
    pub served_regions: Vec<String>,
    /// Its website.
    pub website: Option<Url>,
    /// People employed.
    pub employee_count: Option<i32>,
    /// Students.
    pub student_count: Option<i32>,
    /// Working languages.
    pub languages: Vec<Language>,
    /// Official identifiers.
    pub identifiers: Vec<Identifier>,
    /// Descriptions, the original first.
    pub descriptions: Vec<LocalizedText>,
    /// Where the facts come from.
    pub sources: Vec<Source>,
    /// Statements by source.
    pub claims: Vec<Claim>,
    /// The id in the system that owns it.
    pub external_id: Option<ExternalId>,
}

/// How to reach it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Phone number.
    pub phone: Option<String>,
}

/// An organization in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct OrganizationNode {
    pub(crate) row: Organization,
    region: Regions,
    seat_region: Regions,
    served_regions: Regions,
    territory_regions: Regions,
    successor: Option<Box<OrganizationNode>>,
    predecessors: Vec<OrganizationNode>,
    member_of: Vec<OrganizationNode>,
    members: ByKey<OrganizationConnection>,
    affiliations: ByKey<AffiliationConnection>,
    partnerships: ByKey<PartnershipConnection>,
}

/// Name of the type in the schema.
const TYPE: &str = "Organization";

impl From<Organization> for OrganizationNode {
    fn from(row: Organization) -> Self {
        Self {
            row,
            region: Regions::default(),
            seat_region: Regions::default(),
            served_regions: Regions::default(),
            territory_regions: Regions::default(),
            successor: None,
            predecessors: Vec::new(),
            member_of: Vec::new(),
            members: ByKey::default(),
            affiliations: ByKey::default(),
            partnerships: ByKey::default(),
        }
    }
}

/// Reads what is wanted around these organizations: one keyed read per relation.
///
/// # Errors
/// [`DomainError::Database`]. Refusals of arguments are kept for their own fields.
pub fn fill<'a>(
    reader: &'a Reader,
    nodes: &'a mut [OrganizationNode],
    want: &'a Selection,
) -> BoxFuture<'a, Result<(), DomainError>> {
    Box::pin(async move {
        if nodes.is_empty() || want.is_empty() {
            return Ok(());
        }
        fill_regions(reader, nodes, want).await?;
        fill_relatives(reader, nodes, want).await?;
        let parents: Vec<KeyRow> = nodes.iter().map(|node| vec![KeyValue::Id(node.row.head.id)]).collect();
        for field in want.each(TYPE, "members") {
            let answers = members(reader, parents.clone(), &field).await?;
            nodes.iter_mut().zip(answers).for_each(|(node, answer)| node.members.put(&field, answer));
        }
        for field in want.each(TYPE, "affiliations") {
            let answers =
                affiliation::of(reader, affiliation::Side::Organization, parents.clone(), &field).await?;
            nodes.iter_mut().zip(answers).for_each(|(node, answer)| node.affiliations.put(&field, answer));
        }
        for field in want.each(TYPE, "partnerships") {
            let answers = partnership::of_organizations(reader, &parents, &field).await?;
            nodes.iter_mut().zip(answers).for_each(|(node, answer)| node.partnerships.put(&field, answer));
        }
        Ok(())
    })
}

async fn fill_regions(
    reader: &Reader,
    nodes: &mut [OrganizationNode],
    want: &Selection,
) -> Result<(), DomainError> {
    if let Some(below) = want.below(TYPE, "region") {
        let regions = region::read(reader, nodes.iter().map(|n| n.row.head.region.as_str()), &below).await?;
        for node in nodes.iter_mut() {
            node.region = regions.clone();
        }
    }
    if let Some(below) = want.below(TYPE, "seatRegion") {
        let slugs = nodes.iter().filter_map(|n| n.row.card.seat_region.as_deref());
        let regions = region::read(reader, slugs, &below).await?;
        for node in nodes.iter_mut() {
            node.seat_region = regions.clone();
        }
    }
    if let Some(below) = want.below(TYPE, "servedRegions") {
        let slugs = nodes.iter().flat_map(|n| n.row.details.served_regions.iter().map(String::as_str));
        let regions = region::read(reader, slugs, &below).await?;
        for node in nodes.iter_mut() {
            node.served_regions = regions.clone();
        }
    }
    if let Some(below) = want.below(TYPE, "territory") {
        let territories = nodes.iter().filter_map(|n| n.row.card.territory.as_deref());
        let slugs = region::regions_of_territories(territories);
        let regions = region::read(reader, slugs, &region::wanted_of_territories(&below)).await?;
        for node in nodes.iter_mut() {
            node.territory_regions = regions.clone();
        }
    }
    Ok(())
}

async fn fill_relatives(
    reader: &Reader,
    nodes: &mut [OrganizationNode],
    want: &Selection,
) -> Result<(), DomainError> {
    let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.head.id).collect();
    if let Some(below) = want.below(TYPE, "successor") {
        let successors: Vec<Uuid> = nodes.iter().filter_map(|node| node.row.card.successor_id).collect();
        let mut found = by_ids(reader, &successors, &below).await?;
        for node in nodes.iter_mut().filter(|node| node.row.card.successor_id.is_some()) {
            node.successor = found.next().flatten().map(Box::new);
        }
    }
    if let Some(below) = want.below(TYPE, "predecessors") {
        let found = store::predecessors(reader, &ids, &store::Columns::of(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.predecessors = found;
        }
    }
    if let Some(below) = want.below(TYPE, "memberOf") {
        let found = store::member_of(reader, &ids, &store::Columns::of(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.member_of = found;
        }
    }
    Ok(())
}

/// Fills the organizations of several parents together.
async fn fill_groups(
    reader: &Reader,
    groups: Vec<Vec<Organization>>,
    want: &Selection,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let mut nodes: Vec<OrganizationNode> = groups.into_iter().flatten().map(Into::into).collect();
    fill(reader, &mut nodes, want).await?;
    let mut nodes = nodes.into_iter();
    Ok(sizes.into_iter().map(|size| nodes.by_ref().take(size).collect()).collect())
}

/// The organizations of these ids, in their order, filled.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_ids(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<std::vec::IntoIter<Option<OrganizationNode>>, DomainError> {
    let keys = ids.iter().map(|id| Key::Id(*id)).collect();
    find(reader, keys, want).await
}

/// The organizations of these keys, in their order, filled.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    keys: Vec<Key>,
    want: &Selection,
) -> Result<std::vec::IntoIter<Option<OrganizationNode>>, DomainError> {
    let found = store::find(reader, keys, &store::Columns::of(want)).await?;
    let places: Vec<bool> = found.iter().map(Option::is_some).collect();
    let mut nodes: Vec<OrganizationNode> = found.into_iter().flatten().map(Into::into).collect();
    fill(reader, &mut nodes, want).await?;
    let mut nodes = nodes.into_iter();
    let answer: Vec<_> = places.into_iter().map(|there| if there { nodes.next() } else { None }).collect();
    Ok(answer.into_iter())
}

/// Fills the organizations of several pages together.
async fn connections(
    reader: &Reader,
    pages: Vec<PageOf<Organization>>,
    want: &Selection,
) -> Result<Vec<OrganizationConnection>, DomainError> {
    let (pages, rows) = PageOf::apart(pages);
    let mut nodes: Vec<OrganizationNode> = rows.into_iter().map(Into::into).collect();
    fill(reader, &mut nodes, want).await?;
    Ok(PageOf::together(pages, nodes).into_iter().map(OrganizationConnection::new).collect())
}

/// The page that a field asks for of a list, for each parent; a refusal of its arguments is an answer.
async fn listed(
    reader: &Reader,
    list: Result<Listed, DomainError>,
    field: &Selected,
    count: usize,
) -> Result<Vec<Result<OrganizationConnection, DomainError>>, DomainError> {
    let checked =
        list.and_then(|(list, parents)| Ok((list.page(&PageArguments::of(field), &parents)?, list, parents)));
    let (page, list, parents) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return Ok((0..count).map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "OrganizationConnection", "OrganizationEdge");
    let columns = store::Columns::of(&want);
    let total = total_wanted(field, "OrganizationConnection");
    let pages = store::pages(reader, &list, parents, &page, &columns, total).await?;
    Ok(connections(reader, pages, &want).await?.into_iter().map(Ok).collect())
}

/// The page of all organizations that a field asks for.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn all(reader: &Reader, field: &Selected) -> Result<OrganizationConnection, DomainError> {
    let (filter, order) = (field.argument("filter").unwrap_or_default(), field.argument("orderBy"));
    let list = store::list(reader, &filter, order, None).map(|(list, row)| (list, vec![row]));
    listed(reader, list, field, 1).await?.pop().unwrap_or_else(|| Err(DomainError::Stored("no page".into())))
}

/// The page of the organizations of each region that a field asks for.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_regions(
    reader: &Reader,
    regions: &[&str],
    field: &Selected,
) -> Result<Vec<Result<OrganizationConnection, DomainError>>, DomainError> {
    let filter: OrganizationFilter = field.argument("filter").unwrap_or_default();
    let order: Option<OrganizationOrder> = field.argument("orderBy");
    let lists: Result<Vec<_>, _> =
        regions.iter().map(|region| store::list(reader, &filter, order, Some(region))).collect();
    let list = lists.and_then(same_list);
    listed(reader, list, field, regions.len()).await
}

/// The page of the members of each organization that a field asks for.
async fn members(
    reader: &Reader,
    parents: Vec<KeyRow>,
    field: &Selected,
) -> Result<Vec<Result<OrganizationConnection, DomainError>>, DomainError> {
    let count = parents.len();
    listed(reader, Ok((store::members(reader), parents)), field, count).await
}
