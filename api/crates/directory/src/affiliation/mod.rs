//! Affiliations: talents' roles in organizations.

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};

use crate::organization::OrganizationNode;
use crate::region::{self, Regions, Slugs};
use crate::talent::TalentNode;
use kernel::error::DomainError;
use kernel::group;
use kernel::node::{Around, Node, pages};
use kernel::page::PageArguments;
use kernel::provenance::{ExternalId, Source};
use kernel::read::{Group, KeyRow, KeyValue, Row, Selected, Selection};
use kernel::reader::Reader;
use kernel::value::{DateTime, LocalizedText, PartialDate};
use kernel::{Head, Times};

mod assertion;
pub mod graphql;
pub mod merging;
pub mod mutation;
mod replica;
pub mod store;
pub mod write;

use graphql::AffiliationConnection;

/// Who says that an affiliation exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssertedBy {
    /// The talent.
    Talent,
    /// The organization.
    Organization,
    /// One of them, confirmed by the other.
    Both,
    /// A source, such as an article.
    Source,
}

/// From when to when, as precisely as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SimpleObject)]
pub struct Period {
    /// The beginning; null where it is not known.
    pub starts_on: Option<PartialDate>,
    /// The end; null where there is none or it is not known.
    pub ends_on: Option<PartialDate>,
}

impl Period {
    /// Reads the columns `starts_on` and `ends_on`.
    ///
    /// # Errors
    /// [`DomainError::Stored`] for a text that is no partial date.
    pub fn read(row: &mut Row) -> Result<Self, DomainError> {
        Ok(Self { starts_on: row.parsed()?, ends_on: row.parsed()? })
    }
}

/// An affiliation as the database has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Affiliation {
    /// The columns that every record has.
    pub head: Head,
    /// Roles by language, the original first.
    pub roles: Vec<LocalizedText>,
    /// The rest, where it was asked for.
    pub card: Group<Card>,
    /// The id in the system that owns it.
    pub external_id: Option<ExternalId>,
}

group! {
    /// The columns, beside the role, that a card about an affiliation shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// Slug of the occupation.
        occupation: Option<String> = Row::get [occupation] => occupation;
        /// From when to when.
        period: Period = Period::read [starts_on ends_on] => period;
        /// When a source reported it.
        as_of: Option<PartialDate> = Row::parsed [as_of] => asOf;
        /// Who says so.
        asserted_by: AssertedBy = Row::name [asserted_by] => assertedBy;
        /// Where the facts come from.
        sources: Vec<Source> = Row::json [sources] => sources;
        /// Since when one of the sides disputes it.
        disputed_at: Option<DateTime> = Row::optional_time [disputed_at] => disputedAt;
    }
}

/// An affiliation in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct AffiliationNode {
    /// The row, as far as it was read.
    pub row: Affiliation,
    region: Regions,
    talent: Option<Box<TalentNode>>,
    organization: Option<Box<OrganizationNode>>,
}

/// The side from which affiliations are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those of a talent.
    Talent,
    /// Those in an organization.
    Organization,
}

impl Around for AffiliationNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        let own: Slugs<Self> = |node| vec![node.row.head.region.as_str()];
        region::fill(reader, nodes, (want, "region"), own, |node| &mut node.region).await?;
        fill_side(reader, nodes, (want, "talent"), |node| &mut node.talent).await?;
        fill_side(reader, nodes, (want, "organization"), |node| &mut node.organization).await
    }
}

/// Reads what is wanted around the records on one side of affiliations.
async fn fill_side<N: Node>(
    reader: &Reader,
    nodes: &mut [AffiliationNode],
    (want, field): (&Selection, &str),
    slot: impl Fn(&mut AffiliationNode) -> &mut Option<Box<N>>,
) -> Result<(), DomainError> {
    let Some(below) = want.below(AffiliationNode::NAME, field) else { return Ok(()) };
    let taken = nodes.iter_mut().filter_map(|node| slot(node).take().map(|record| *record));
    let mut records: Vec<N> = taken.collect();
    N::fill(reader, &mut records, &below).await?;
    nodes.iter_mut().zip(records).for_each(|(node, record)| *slot(node) = Some(Box::new(record)));
    Ok(())
}

/// The page of the affiliations of each parent that a field asks for. Each key row is a parent's id.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of(
    reader: &Reader,
    side: Side,
    mut parents: Vec<KeyRow>,
    current: Option<bool>,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<AffiliationConnection, DomainError>>, DomainError> {
    let (count, list) = (parents.len(), store::list(reader, side, current));
    if current.is_some() {
        let today = KeyValue::Text(reader.today.format("%Y-%m-%d").to_string());
        for row in &mut parents {
            row.push(today.clone());
        }
    }
    pages(reader, Ok((list, parents)), arguments, field, count).await
}
