//! Proposals in the schema.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::store::{self, Proposal};
use super::{KEPT_DAYS, ProposalState};
use crate::organization::OrganizationNode;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::node::by_ids;
use kernel::page::{PageArguments, PageOf};
use kernel::read::{Selected, Selection};
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::value::DateTime;

connection!(ProposalConnection, ProposalEdge, ProposalNode, "proposals");

/// Prefix of the ids of proposals.
pub(super) const PREFIX: &str = "proposal";
/// Name of the type in the schema.
const TYPE: &str = "Proposal";
const _: () = assert!(KEPT_DAYS == 90, "the description of `proposals` says so");

/// A proposal in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct ProposalNode {
    row: Proposal,
    own: bool,
    organization: Option<Box<OrganizationNode>>,
}

impl ProposalNode {
    /// Reads what is wanted around proposals: the organizations in one keyed read.
    async fn all(reader: &Reader, rows: Vec<Proposal>, want: &Selection) -> Result<Vec<Self>, DomainError> {
        let organizations = match want.below(TYPE, "organization") {
            Some(below) => {
                let ids: Vec<_> = rows.iter().map(|row| row.organization).collect();
                by_ids(reader, &ids, &below).await?.collect()
            }
            None => rows.iter().map(|_| None).collect::<Vec<_>>(),
        };
        let nodes = rows.into_iter().zip(organizations).map(|(row, organization)| Self {
            own: row.proposed_by.is_some() && row.proposed_by == reader.viewer.account,
            row,
            organization: organization.map(Box::new),
        });
        Ok(nodes.collect())
    }

    /// The proposal of an id, filled; nothing where the viewer does not see it.
    pub(super) async fn find(
        reader: &Reader,
        id: uuid::Uuid,
        want: &Selection,
    ) -> Result<Option<Self>, DomainError> {
        let found = store::find(reader, id).await?.into_iter().collect();
        Ok(Self::all(reader, found, want).await?.pop())
    }
}

/// One field that a proposal would set.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProposedChange {
    /// The field, named as in `OrganizationInput`.
    pub field: String,
    /// What it would become, as JSON in the form of `OrganizationInput`; `null` clears it.
    pub value: String,
}

/// A change of an organization that one of its members proposes.
#[Object(name = "Proposal")]
impl ProposalNode {
    /// Opaque id.
    async fn id(&self) -> ID {
        graphql_id(PREFIX, self.row.id)
    }

    /// The organization as it is now; null where the viewer may not see it any more.
    async fn organization(&self) -> Option<&OrganizationNode> {
        self.organization.as_deref()
    }

    /// Where the proposal stands.
    async fn state(&self) -> ProposalState {
        self.row.state
    }

    /// What would change.
    async fn changes(&self) -> Vec<ProposedChange> {
        let fields = self.row.change.as_object().into_iter().flatten();
        fields
            .map(|(field, value)| ProposedChange { field: field.clone(), value: value.to_string() })
            .collect()
    }

    /// The revision of the organization for which it was proposed.
    async fn base_revision(&self) -> i32 {
        self.row.base_revision
    }

    /// Why, in the proposer's words.
    async fn comment(&self) -> Option<&str> {
        self.row.comment.as_deref()
    }

    /// Whether it is the viewer's own.
    async fn own(&self) -> bool {
        self.own
    }

    /// When it was proposed.
    async fn proposed_at(&self) -> DateTime {
        self.row.proposed_at
    }

    /// When it was accepted, refused or withdrawn; null before.
    async fn decided_at(&self) -> Option<DateTime> {
        self.row.decided_at
    }

    /// Why it was decided so, in the words of who has decided.
    async fn decision(&self) -> Option<&str> {
        self.row.decision.as_deref()
    }
}

/// Which proposals. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProposalFilter {
    /// Those for this organization.
    pub organization: Option<ID>,
    /// Those that stand so.
    pub states: Option<Vec<ProposalState>>,
}

/// Queries of proposals.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProposalQuery;

/// Queries of proposals.
#[Object]
impl ProposalQuery {
    /// Changes of organizations that their members propose, the newest first: those for the regions whose records the
    /// viewer writes, and the viewer's own. A proposal is deleted 90 days after it was decided, and with its organization.
    async fn proposals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that fit.")] filter: Option<ProposalFilter>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<ProposalConnection> {
        let arguments = PageArguments { first, after, last, before };
        page(Reader::of(ctx)?, &Selection::root(ctx), filter.unwrap_or_default(), &arguments).await.graphql()
    }
}

async fn page(
    reader: &Reader,
    field: &Selected,
    filter: ProposalFilter,
    arguments: &PageArguments,
) -> Result<ProposalConnection, DomainError> {
    let organization = filter
        .organization
        .as_ref()
        .map(|id| id::decode("filter.organization", "organization", id))
        .transpose()?;
    let (list, row) = store::list(reader, organization, filter.states.as_ref());
    let page = list.page(arguments, std::slice::from_ref(&row))?;
    let total = total_wanted(field, "ProposalConnection");
    let pages = list.read(&reader.db, vec![row], &page, &store::fetch(), total, store::read).await?;
    let (pages, rows) = PageOf::apart(pages);
    let want = nodes_wanted(field, "ProposalConnection", "ProposalEdge");
    let nodes = ProposalNode::all(reader, rows, &want).await?;
    let page = PageOf::together(pages, nodes).pop();
    page.map(ProposalConnection::new).ok_or_else(|| DomainError::Stored("no page".into()))
}
