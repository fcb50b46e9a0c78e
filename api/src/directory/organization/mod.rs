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
use crate::record::list::same_list;
use crate::record::node::{Node as _, by_ids, fill_groups, group, pages};
use crate::record::page::PageArguments;
use crate::record::provenance::{Claim, ExternalId, Source};
use crate::record::read::{Group, KeyRow, KeyValue, Row, Selected, Selection};
use crate::record::reader::{ByKey, Reader};
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

group! {
    /// What a card about an organization shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// Slug of its main kind.
        kind: String = Row::get [kind] => kind;
        /// Whether it still exists.
        status: OrganizationStatus = Row::name [status] => status;
        /// The organization that continues it.
        successor_id: Option<Uuid> = Row::get [successor_id] => successor;
        /// Short form of the name.
        acronym: Option<String> = Row::get [acronym] => acronym;
        /// Slug of the region of its seat.
        seat_region: Option<String> = Row::get [seat_region] => seatRegion;
        /// Slug of the territory of its seat.
        territory: Option<String> = Row::get [territory] => territory;
        /// When it began.
        founded_on: Option<PartialDate> = Row::parsed [founded_on] => foundedOn;
        /// When it ended.
        dissolved_on: Option<PartialDate> = Row::parsed [dissolved_on] => dissolvedOn;
    }
}

group! {
    /// What only detailed views of an organization ask for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Details {
        /// Slugs of its other kinds.
        other_kinds: Vec<String> = Row::json [other_kinds] => otherKinds;
        /// Former names, names in other languages.
        other_names: Vec<String> = Row::json [other_names] => otherNames;
        /// Its address.
        address: Option<Address> = Row::optional_json [address] => address;
        /// Slugs of the regions where it works.
        served_regions: Vec<String> = Row::json [served_regions] => servedRegions;
        /// Its website.
        website: Option<Url> = Row::parsed [website] => website;
        /// People employed.
        employee_count: Option<i32> = Row::get [employee_count] => employeeCount;
        /// Students.
        student_count: Option<i32> = Row::get [student_count] => studentCount;
        /// Working languages.
        languages: Vec<Language> = Row::json [languages] => languages;
        /// Official identifiers.
        identifiers: Vec<Identifier> = Row::json [identifiers] => identifiers;
        /// Descriptions, the original first.
        descriptions: Vec<LocalizedText> = Row::json [descriptions] => description descriptions;
        /// Where the facts come from.
        sources: Vec<Source> = Row::json [sources] => sources;
        /// Statements by source.
        claims: Vec<Claim> = Row::json [claims] => claims;
        /// The id in the system that owns it, which is joined to the row.
        external_id: Option<ExternalId> = ExternalId::read [] => externalId;
    }
}

group! {
    /// How to reach it.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Contact {
        /// E-mail address.
        email: Option<EmailAddress> = Row::parsed [email] => email;
        /// Phone number.
        phone: Option<String> = Row::get [phone] => phone;
    }
}

/// An organization in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct OrganizationNode {
    /// The row, as far as it was read.
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
const TYPE: &str = OrganizationNode::NAME;

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
        let mut found = by_ids::<OrganizationNode>(reader, &successors, &below).await?;
        for node in nodes.iter_mut().filter(|node| node.row.card.successor_id.is_some()) {
            node.successor = found.next().flatten().map(Box::new);
        }
    }
    if let Some(below) = want.below(TYPE, "predecessors") {
        let found = store::predecessors(reader, &ids, OrganizationNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.predecessors = found;
        }
    }
    if let Some(below) = want.below(TYPE, "memberOf") {
        let found = store::member_of(reader, &ids, OrganizationNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.member_of = found;
        }
    }
    Ok(())
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
    pages(reader, lists.and_then(same_list), &PageArguments::of(field), field, regions.len()).await
}

/// The page of the members of each organization that a field asks for.
async fn members(
    reader: &Reader,
    parents: Vec<KeyRow>,
    field: &Selected,
) -> Result<Vec<Result<OrganizationConnection, DomainError>>, DomainError> {
    let count = parents.len();
    pages(reader, Ok((store::members(reader), parents)), &PageArguments::of(field), field, count).await
}
