//! Regions and territories: entries of the vocabulary that lead to the records of a place.
//!
//! A region can be met anywhere in an answer. Where only its own facts are asked, nothing is read; where its
//! lists or figures are, they are read once for all regions of that level.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::organization::graphql::OrganizationConnection;
use crate::statistics::{self, Statistics};
use crate::talent::graphql::TalentConnection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::node::{Node, of_regions};
use kernel::read::Selection;
use kernel::reader::{ByKey, Reader, put_each};
use kernel::vocabulary::{Region, Territory, vocabularies};

pub mod graphql;

use graphql::{OrganizationsArguments, TalentsArguments};

/// A region in an answer, with what was read of it.
#[derive(Clone, Debug)]
pub struct RegionNode {
    entry: &'static Region,
    read: Option<Arc<Read>>,
}

/// A region, as far as it was read.
#[derive(Debug, Default)]
struct Read {
    organizations: ByKey<OrganizationConnection>,
    talents: ByKey<TalentConnection>,
    statistics: Option<Statistics>,
    successor: Regions,
    territories: Regions,
}

/// The regions of one place in the tree, as far as something was read of them.
#[derive(Clone, Debug, Default)]
pub struct Regions(Option<Arc<HashMap<&'static str, RegionNode>>>);

impl Regions {
    /// The region of a slug, with what was read of it; none where the vocabulary does not know it.
    pub fn get(&self, slug: &str) -> Option<RegionNode> {
        let read = self.0.as_ref().and_then(|regions| regions.get(slug)).cloned();
        read.or_else(|| vocabularies().regions.get(slug).map(|entry| RegionNode { entry, read: None }))
    }
}

/// A territory in an answer.
#[derive(Clone, Debug)]
pub struct TerritoryNode {
    entry: &'static Territory,
    regions: Regions,
}

impl TerritoryNode {
    /// The territory of a stored slug.
    pub fn new(slug: &str, regions: &Regions) -> Option<Self> {
        let entry = vocabularies().territories.get(slug)?;
        Some(Self { entry, regions: regions.clone() })
    }
}

/// The selection of regions of territories, at any depth.
pub fn wanted_of_territories(territory: &Selection) -> Selection {
    let own = territory.below("Territory", "region").unwrap_or_default();
    match territory.below("Territory", "parent") {
        Some(parent) => own.union(&wanted_of_territories(&parent)),
        None => own,
    }
}

/// Whether anything below a region must be read.
fn reads(want: &Selection) -> bool {
    want.has("Region", &["organizations", "talents", "statistics"])
        || want.below("Region", "successor").is_some_and(|below| reads(&below))
        || want.below("Region", "territories").is_some_and(|below| reads(&wanted_of_territories(&below)))
}

/// Reads what is wanted of the regions of these slugs.
///
/// # Errors
/// [`DomainError::Database`]. Refusals of arguments are kept for their own fields.
pub fn read<'a, 's>(
    reader: &'a Reader,
    slugs: impl IntoIterator<Item = &'s str>,
    want: &Selection,
) -> BoxFuture<'a, Result<Regions, DomainError>> {
    let mut entries: Vec<&'static Region> = Vec::new();
    if reads(want) {
        for region in slugs.into_iter().filter_map(|slug| vocabularies().regions.get(slug)) {
            if !entries.iter().any(|entry| entry.term.slug == region.term.slug) {
                entries.push(region);
            }
        }
    }
    let want = want.clone();
    Box::pin(async move {
        if entries.is_empty() {
            return Ok(Regions::default());
        }
        read_all(reader, entries, &want).await
    })
}

/// The slugs of the regions that a field of a node leads to.
pub type Slugs<N> = fn(&N) -> Vec<&str>;

/// Reads the regions that a field of nodes leads to, and puts them into each; nothing where the field is not selected.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn fill<N: Node>(
    reader: &Reader,
    nodes: &mut [N],
    (want, field): (&Selection, &str),
    slugs: Slugs<N>,
    slot: impl Fn(&mut N) -> &mut Regions,
) -> Result<(), DomainError> {
    if let Some(below) = want.below(N::NAME, field) {
        let regions = read(reader, nodes.iter().flat_map(slugs), &below).await?;
        for node in nodes {
            *slot(node) = regions.clone();
        }
    }
    Ok(())
}

/// Reads the regions of the territories that the field `territory` of nodes leads to, as [`fill`] does.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn fill_territories<N: Node>(
    reader: &Reader,
    nodes: &mut [N],
    want: &Selection,
    territories: Slugs<N>,
    slot: impl Fn(&mut N) -> &mut Regions,
) -> Result<(), DomainError> {
    if let Some(below) = want.below(N::NAME, "territory") {
        let slugs = regions_of_territories(nodes.iter().flat_map(territories));
        let regions = read(reader, slugs, &wanted_of_territories(&below)).await?;
        for node in nodes {
            *slot(node) = regions.clone();
        }
    }
    Ok(())
}

async fn read_all(
    reader: &Reader,
    entries: Vec<&'static Region>,
    want: &Selection,
) -> Result<Regions, DomainError> {
    let slugs: Vec<&str> = entries.iter().map(|entry| entry.term.slug.as_str()).collect();
    let mut all: Vec<Read> = slugs.iter().map(|_| Read::default()).collect();
    for field in want.each("Region", "organizations") {
        let OrganizationsArguments { page, filter, order_by } = OrganizationsArguments::of(&field);
        let answers = of_regions(reader, &slugs, filter, order_by, (&page, &field)).await?;
        put_each(&mut all, &field, answers, |read| &mut read.organizations);
    }
    for field in want.each("Region", "talents") {
        let TalentsArguments { page, filter, order_by } = TalentsArguments::of(&field);
        let answers = of_regions(reader, &slugs, filter, order_by, (&page, &field)).await?;
        put_each(&mut all, &field, answers, |read| &mut read.talents);
    }
    if let Some(below) = want.below("Region", "statistics") {
        for (read, answer) in all.iter_mut().zip(statistics::of_regions(reader, &slugs, &below).await?) {
            read.statistics = Some(answer);
        }
    }
    if let Some(below) = want.below("Region", "successor") {
        let successors = entries.iter().filter_map(|entry| entry.successor.as_deref());
        let successors = self::read(reader, successors, &below).await?;
        for read in &mut all {
            read.successor = successors.clone();
        }
    }
    if let Some(below) = want.below("Region", "territories") {
        let below = wanted_of_territories(&below);
        let regions = self::read(reader, slugs.iter().copied(), &below).await?;
        for read in &mut all {
            read.territories = regions.clone();
        }
    }
    let nodes = entries
        .into_iter()
        .zip(all)
        .map(|(entry, read)| (entry.term.slug.as_str(), RegionNode { entry, read: Some(Arc::new(read)) }));
    Ok(Regions(Some(Arc::new(nodes.collect()))))
}

/// The region of a stored slug.
///
/// # Errors
/// [`DomainError::Stored`] for a slug that the vocabulary does not have.
pub fn known(regions: &Regions, slug: &str) -> GraphqlResult<RegionNode> {
    regions.get(slug).ok_or_else(|| DomainError::Stored(format!("unknown region {slug}"))).graphql()
}

/// The regions in which the territories of stored slugs lie.
pub fn regions_of_territories<'a>(territories: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let known = territories.filter_map(|slug| vocabularies().territories.get(slug));
    known.map(|entry| entry.region.as_str()).collect()
}
