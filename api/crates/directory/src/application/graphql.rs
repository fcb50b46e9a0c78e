//! Applications in the schema.

use async_graphql::{ID, Object};

use super::{ApplicationNode, ApplicationStatus, DecisionNode, PREFIX};
use crate::call_for_projects::CallForProjectsNode;
use crate::organization::OrganizationNode;
use crate::talent::Link;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::value::{DateTime, Decimal, Money};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{TermNode, term_node};

connection!(ApplicationConnection, ApplicationEdge, ApplicationNode, "applications");

/// An application of an organization to a call for projects. The members of that organization see it, and once it was
/// submitted the staff of the regions whose organizations fund the call. It is in no search and in no feed.
#[Object(name = "Application")]
impl ApplicationNode {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        graphql_id(PREFIX, self.row.id)
    }

    /// The call that it answers.
    async fn call(&self) -> GraphqlResult<&CallForProjectsNode> {
        let missing = || DomainError::Stored("an application without its call".into());
        self.call.as_deref().ok_or_else(missing).graphql()
    }

    /// The genre of the project, which names the lot; null in a draft that does not say it yet.
    async fn genre(&self) -> GraphqlResult<Option<TermNode>> {
        self.row.genre.as_deref().map(|slug| term_node(Vocabulary::CallGenre, slug)).transpose()
    }

    /// Title of the project.
    async fn project_title(&self) -> &str {
        &self.row.project_title
    }

    /// What the project is, in the words of the applicant.
    async fn summary(&self) -> Option<&str> {
        self.row.summary.as_deref()
    }

    /// The organization that applies.
    async fn applicant(&self) -> GraphqlResult<&OrganizationNode> {
        let missing = || DomainError::Stored("an application without its applicant".into());
        self.applicant.as_deref().ok_or_else(missing).graphql()
    }

    /// Other organizations that make the project with it, as far as this viewer sees them.
    async fn partners(&self) -> &[OrganizationNode] {
        &self.partners
    }

    /// The amount that is asked for; null in a draft that does not say it yet.
    async fn requested(&self) -> Option<Money> {
        self.row.requested
    }

    /// What all its awards add up to; null where there is none.
    async fn awarded(&self) -> GraphqlResult<Option<Money>> {
        self.total().graphql()
    }

    /// Where it stands.
    async fn status(&self) -> ApplicationStatus {
        self.row.status
    }

    /// When it was submitted; null for a draft.
    async fn submitted_at(&self) -> Option<DateTime> {
        self.row.submitted_at
    }

    /// When it became AWARDED or REJECTED; null before.
    async fn decided_at(&self) -> Option<DateTime> {
        self.row.decided_at
    }

    /// Grows by one with each change. Pass it as `baseRevision` to write only over what was read.
    async fn revision(&self) -> i32 {
        self.row.revision
    }

    /// The budget of the whole project.
    async fn project_budget(&self) -> Option<Money> {
        self.row.budget
    }

    /// Number of episodes of a series.
    async fn episodes(&self) -> Option<i32> {
        self.row.episodes
    }

    /// Minutes of one episode, or of the whole work where it has no episodes.
    async fn minutes(&self) -> Option<Decimal> {
        self.row.minutes
    }

    /// Where its documents are: file, showreel. They stay where the applicant keeps them.
    async fn links(&self) -> &[Link] {
        &self.row.links
    }

    /// What each funder has decided, in the order of the decisions.
    async fn decisions(&self) -> &[DecisionNode] {
        &self.decisions
    }
}

/// What one funder has decided on an application. Each funder of the lot decides for itself.
#[Object(name = "FunderDecision")]
impl DecisionNode {
    /// The organization that has decided.
    async fn funder(&self) -> GraphqlResult<&OrganizationNode> {
        let missing = || DomainError::Stored("a decision without its funder".into());
        self.0.funder.as_ref().ok_or_else(missing).graphql()
    }

    /// AWARDED or REJECTED.
    async fn status(&self) -> ApplicationStatus {
        self.0.status
    }

    /// How much it gives; null where it rejects.
    async fn amount(&self) -> Option<Money> {
        self.0.amount
    }

    /// When it has decided.
    async fn decided_at(&self) -> DateTime {
        self.0.decided_at
    }

    /// Why, in words for the applicant.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }
}
