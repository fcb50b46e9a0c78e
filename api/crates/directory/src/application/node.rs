//! Applications in an answer: one keyed read for each relation that is selected.

use uuid::Uuid;

use super::graphql::ApplicationConnection;
use super::store::{self, Application, Decision};
use super::{ApplicationStatus, rules};
use crate::call_for_projects::CallForProjectsNode;
use crate::organization::OrganizationNode;
use kernel::error::DomainError;
use kernel::list::List;
use kernel::node::by_ids;
use kernel::page::{PageArguments, PageInfo, PageOf};
use kernel::read::{KeyRow, Selected, Selection};
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::value::Money;

/// Name of the type in the schema.
const TYPE: &str = "Application";

/// An application in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct ApplicationNode {
    /// The row.
    pub(super) row: Application,
    pub(super) call: Option<Box<CallForProjectsNode>>,
    pub(super) applicant: Option<Box<OrganizationNode>>,
    pub(super) partners: Vec<OrganizationNode>,
    pub(super) decisions: Vec<DecisionNode>,
}

/// A decision of a funder in an answer.
#[derive(Clone, Debug)]
pub struct DecisionNode(pub(super) Decision);

impl ApplicationNode {
    fn new(row: Application) -> Self {
        Self { row, call: None, applicant: None, partners: Vec::new(), decisions: Vec::new() }
    }

    /// What all its awards add up to; none where there is none.
    pub(super) fn total(&self) -> Result<Option<Money>, DomainError> {
        let awards: Vec<Money> = self.decisions.iter().filter_map(|decision| decision.0.amount).collect();
        let Some(first) = awards.first() else { return Ok(None) };
        let amounts: Vec<_> = awards.iter().map(|money| money.amount()).collect();
        let sum = rules::total(amounts.iter()).and_then(|sum| Money::new(sum, first.currency()).ok());
        sum.map(Some).ok_or_else(|| DomainError::Stored("awards above any amount".into()))
    }

    /// Reads what is wanted around applications that the viewer sees.
    async fn all(
        reader: &Reader,
        rows: Vec<Application>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let mut nodes: Vec<Self> = rows.into_iter().map(Self::new).collect();
        if nodes.is_empty() || want.is_empty() {
            return Ok(nodes);
        }
        let ids: Vec<Uuid> = nodes.iter().map(|node| node.row.id).collect();
        if let Some(below) = want.below(TYPE, "call") {
            let calls: Vec<Uuid> = nodes.iter().map(|node| node.row.call).collect();
            for (node, call) in nodes.iter_mut().zip(by_ids(reader, &calls, &below).await?) {
                node.call = call.map(Box::new);
            }
        }
        if let Some(below) = want.below(TYPE, "applicant") {
            for (node, applicant) in nodes.iter_mut().zip(store::applicants(reader, &ids, &below).await?) {
                node.applicant = Some(Box::new(applicant));
            }
        }
        if let Some(below) = want.below(TYPE, "partners") {
            for (node, partners) in nodes.iter_mut().zip(store::partners(reader, &ids, &below).await?) {
                node.partners = partners;
            }
        }
        if want.has(TYPE, &["decisions", "awarded"]) {
            let decisions = want.below(TYPE, "decisions").unwrap_or_default();
            let funder = decisions.below("FunderDecision", "funder");
            let found = store::decisions(reader, &ids, funder.as_ref()).await?;
            for (node, decisions) in nodes.iter_mut().zip(found) {
                node.decisions = decisions.into_iter().map(DecisionNode).collect();
            }
        }
        Ok(nodes)
    }
}

/// For each id, in order, the application if the viewer sees it, with its selected relations.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Option<ApplicationNode>>, DomainError> {
    let found = store::by_ids(reader, ids).await?;
    let places: Vec<bool> = found.iter().map(Option::is_some).collect();
    let mut nodes =
        ApplicationNode::all(reader, found.into_iter().flatten().collect(), want).await?.into_iter();
    Ok(places.into_iter().map(|there| if there { nodes.next() } else { None }).collect())
}

/// The page of the applications to each of these calls that a field asks for.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_calls(
    reader: &Reader,
    calls: &[Uuid],
    statuses: Option<&[ApplicationStatus]>,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<ApplicationConnection, DomainError>>, DomainError> {
    let (list, key_row) = store::list_of_call(reader, statuses);
    pages(reader, &list, calls.iter().map(|call| key_row(*call)).collect(), (arguments, field)).await
}

/// The page of the applications of the viewer's own organizations that a field asks for.
///
/// # Errors
/// [`DomainError::Database`]. A refusal of arguments is an answer.
pub async fn of_viewer(
    reader: &Reader,
    field: &Selected,
) -> Result<Result<ApplicationConnection, DomainError>, DomainError> {
    let (list, row) = store::list_of_viewer(reader);
    let arguments = PageArguments::of(field);
    if reader.viewer.owns.is_empty() {
        if let Err(refusal) = list.page(&arguments, &[row]) {
            return Ok(Err(refusal));
        }
        let nothing = PageOf { items: Vec::new(), info: PageInfo::default(), total: Some(0) };
        return Ok(Ok(ApplicationConnection::new(nothing)));
    }
    let mut found = pages(reader, &list, vec![row], (&arguments, field)).await?;
    found.pop().ok_or_else(|| DomainError::Stored("no page".into()))
}

async fn pages(
    reader: &Reader,
    list: &List,
    parents: Vec<KeyRow>,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<ApplicationConnection, DomainError>>, DomainError> {
    let page = match list.page(arguments, &parents) {
        Ok(page) => page,
        Err(refusal) => return Ok(parents.iter().map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, "ApplicationConnection", "ApplicationEdge");
    let total = total_wanted(field, "ApplicationConnection");
    let pages = list.read(&reader.db, parents, &page, &store::fetch(), total, store::read).await?;
    let (pages, rows) = PageOf::apart(pages);
    let nodes = ApplicationNode::all(reader, rows, &want).await?;
    Ok(PageOf::together(pages, nodes).into_iter().map(|page| Ok(ApplicationConnection::new(page))).collect())
}
