//! Organizations: companies, schools, laboratories, funds, public bodies, associations, venues.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::affiliation::graphql::AffiliationConnection;
use crate::partnership::graphql::PartnershipConnection;
use crate::region::{self, Regions, Slugs};
use crate::{affiliation, partnership};
use kernel::error::DomainError;
use kernel::group;
use kernel::node::{Around, Node as _, by_ids, fill_groups, pages};
use kernel::page::PageArguments;
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::{Group, KeyRow, KeyValue, Row, Selection};
use kernel::reader::{ByKey, Reader, put_each};
use kernel::value::{EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use kernel::{Head, Times};

pub mod document;
pub mod graphql;
pub mod merging;
pub mod mutation;
pub mod name;
mod replica;
pub mod store;
mod succession;
pub mod write;

use graphql::{AffiliationsArguments, OrganizationConnection, PartnershipsArguments};

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
    /// The columns that every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its sectors.
    pub sectors: Group<Sectors>,
    /// The columns that a card about it shows.
    pub card: Group<Card>,
    /// The columns that only detailed views ask for.
    pub details: Group<Details>,
    /// How to reach it; empty where the viewer may not see it.
    pub contact: Group<Contact>,
}

group! {
    /// The sectors of an organization.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Sectors {
        /// Their slugs.
        slugs: Vec<String> = Row::json [sectors] => sectors;
    }
}

group! {
    /// The columns that a card about an organization shows.
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
    /// The columns that only detailed views of an organization ask for.
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
        external_id: Option<ExternalId> = ExternalId::read [] joined by ExternalId::fetch => externalId;
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
    pub row: Organization,
    around: Relations,
}

/// The records that were read around an organization.
#[derive(Clone, Debug, Default)]
struct Relations {
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

impl Around for OrganizationNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        fill_regions(reader, nodes, want).await?;
        fill_relatives(reader, nodes, want).await?;
        let parents: Vec<KeyRow> = nodes.iter().map(|node| vec![KeyValue::Id(node.row.head.id)]).collect();
        for field in want.each(TYPE, "members") {
            let (list, page) = (Ok((store::members(reader), parents.clone())), PageArguments::of(&field));
            let answers = pages(reader, list, &page, &field, parents.len()).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.members);
        }
        for field in want.each(TYPE, "affiliations") {
            let AffiliationsArguments { page, current } = AffiliationsArguments::of(&field);
            let (side, parents) = (affiliation::Side::Organization, parents.clone());
            let answers = affiliation::of(reader, side, parents, current, (&page, &field)).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.affiliations);
        }
        for field in want.each(TYPE, "partnerships") {
            let PartnershipsArguments { page, filter } = PartnershipsArguments::of(&field);
            let filter = filter.unwrap_or_default();
            let answers = partnership::of_organizations(reader, &parents, &filter, (&page, &field)).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.partnerships);
        }
        Ok(())
    }
}

async fn fill_regions(
    reader: &Reader,
    nodes: &mut [OrganizationNode],
    want: &Selection,
) -> Result<(), DomainError> {
    let own: Slugs<OrganizationNode> = |node| vec![node.row.head.region.as_str()];
    region::fill(reader, nodes, (want, "region"), own, |node| &mut node.around.region).await?;
    let seat: Slugs<OrganizationNode> = |node| node.row.card.seat_region.as_deref().into_iter().collect();
    region::fill(reader, nodes, (want, "seatRegion"), seat, |node| &mut node.around.seat_region).await?;
    let served: Slugs<OrganizationNode> =
        |node| node.row.details.served_regions.iter().map(String::as_str).collect();
    region::fill(reader, nodes, (want, "servedRegions"), served, |node| &mut node.around.served_regions)
        .await?;
    let territory: Slugs<OrganizationNode> = |node| node.row.card.territory.as_deref().into_iter().collect();
    region::fill_territories(reader, nodes, want, territory, |node| &mut node.around.territory_regions).await
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
            node.around.successor = found.next().flatten().map(Box::new);
        }
    }
    if let Some(below) = want.below(TYPE, "predecessors") {
        let found = store::predecessors(reader, &ids, OrganizationNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.around.predecessors = found;
        }
    }
    if let Some(below) = want.below(TYPE, "memberOf") {
        let found = store::member_of(reader, &ids, OrganizationNode::columns(&below)).await?;
        for (node, found) in nodes.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            node.around.member_of = found;
        }
    }
    Ok(())
}
