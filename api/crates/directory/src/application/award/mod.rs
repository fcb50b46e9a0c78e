//! Awards: the decisions by which funders give money to projects. They are public once their call is AWARDED.

use async_graphql::{ID, Object};
use uuid::Uuid;

use super::store as applications;
use crate::organization::OrganizationNode;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::node::by_ids;
use kernel::page::{PageArguments, PageOf};
use kernel::read::{KeyValue, Selected, Selection};
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::value::{Date, Money, TimeZone};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{TermNode, term_node};
use store::Award;

pub mod store;

connection!(AwardConnection, AwardEdge, AwardNode, "awards");

/// Prefix of the ids of awards.
pub const PREFIX: &str = "award";
/// Name of the type in the schema.
const TYPE: &str = "Award";

/// An award in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct AwardNode {
    pub(super) row: Award,
    pub(super) applicant: Option<Box<OrganizationNode>>,
    pub(super) funder: Option<Box<OrganizationNode>>,
    pub(super) partners: Vec<OrganizationNode>,
}

impl AwardNode {
    /// An award with nothing read around it.
    pub(super) fn bare(row: Award) -> Self {
        Self { row, applicant: None, funder: None, partners: Vec::new() }
    }

    /// The day of the decision in the time zone of the call.
    pub(super) fn day(&self) -> Result<Date, DomainError> {
        let zone: Option<TimeZone> = self.row.time_zone.parse().ok();
        let at = self.row.decided_at;
        let day = zone.map_or_else(|| at.to_utc().date_naive(), |zone| zone.day(at));
        Date::try_from(day).map_err(|error| DomainError::Stored(error.to_string()))
    }

    /// Reads what is wanted around awards that the viewer sees.
    async fn all(reader: &Reader, rows: Vec<Award>, want: &Selection) -> Result<Vec<Self>, DomainError> {
        let mut nodes: Vec<Self> = rows.into_iter().map(Self::bare).collect();
        if nodes.is_empty() {
            return Ok(nodes);
        }
        if let Some(below) = want.below(TYPE, "applicant") {
            let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.applicant).collect();
            for (node, found) in nodes.iter_mut().zip(by_ids(reader, &ids, &below).await?) {
                node.applicant = found.map(Box::new);
            }
        }
        if let Some(below) = want.below(TYPE, "funder") {
            let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.funder).collect();
            for (node, found) in nodes.iter_mut().zip(by_ids(reader, &ids, &below).await?) {
                node.funder = found.map(Box::new);
            }
        }
        if let Some(below) = want.below(TYPE, "partners") {
            let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.application).collect();
            for (node, found) in nodes.iter_mut().zip(applications::partners(reader, &ids, &below).await?) {
                node.partners = found;
            }
        }
        Ok(nodes)
    }
}

/// For each id, in order, the award if the viewer sees it, with its selected relations.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Option<AwardNode>>, DomainError> {
    let found = store::awards_by_ids(reader, ids).await?;
    let places: Vec<bool> = found.iter().map(Option::is_some).collect();
    let mut nodes = AwardNode::all(reader, found.into_iter().flatten().collect(), want).await?.into_iter();
    Ok(places.into_iter().map(|there| if there { nodes.next() } else { None }).collect())
}

/// The page of the awards of each of these calls, which the viewer sees, that a field asks for.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_calls(
    reader: &Reader,
    calls: &[Uuid],
    field: &Selected,
) -> Result<Vec<Result<AwardConnection, DomainError>>, DomainError> {
    let list = store::list_of_awards(reader);
    let parents: Vec<_> = calls.iter().map(|call| vec![KeyValue::Id(*call)]).collect();
    let page = match list.page(&PageArguments::of(field), &parents) {
        Ok(page) => page,
        Err(refusal) => return Ok(calls.iter().map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "AwardConnection", "AwardEdge");
    let total = total_wanted(field, "AwardConnection");
    let fetch = store::fetch_award(reader.dialect());
    let pages = list.read(&reader.db, parents, &page, &fetch, total, store::read_award).await?;
    let (pages, rows) = PageOf::apart(pages);
    let nodes = AwardNode::all(reader, rows, &want).await?;
    Ok(PageOf::together(pages, nodes).into_iter().map(|page| Ok(AwardConnection::new(page))).collect())
}

/// Money that a funder gives to a project. It is public once its call is AWARDED; before, those who see the application
/// see it.
#[Object(name = "Award")]
impl AwardNode {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        graphql_id(PREFIX, self.row.id)
    }

    /// Title of the project.
    async fn project_title(&self) -> &str {
        &self.row.project_title
    }

    /// The organization that gets the money; null where this viewer does not see it.
    async fn applicant(&self) -> Option<&OrganizationNode> {
        self.applicant.as_deref()
    }

    /// Other organizations that make the project with it, as far as this viewer sees them.
    async fn partners(&self) -> &[OrganizationNode] {
        &self.partners
    }

    /// The genre of the project.
    async fn genre(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::CallGenre, &self.row.genre)
    }

    /// How much the funder gives.
    async fn amount(&self) -> Money {
        self.row.amount
    }

    /// The day on which it was decided, in the time zone of the call.
    async fn decided_on(&self) -> GraphqlResult<Date> {
        self.day().graphql()
    }

    /// The organization that gives the money; null where this viewer does not see it.
    async fn funder(&self) -> Option<&OrganizationNode> {
        self.funder.as_deref()
    }
}
