//! Affiliations in the schema.

use async_graphql::{Context, ID, Object};

use super::{AffiliationNode, AssertedBy, Period};
use crate::organization::OrganizationNode;
use crate::region::{RegionNode, known};
use crate::talent::TalentNode;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::policy::Visibility;
use kernel::provenance::{ExternalId, Source};
use kernel::reader::Reader;
use kernel::value::{DateTime, Language, PartialDate};
use kernel::vocabulary::graphql::OccupationNode;
use kernel::vocabulary::vocabularies;

connection!(AffiliationConnection, AffiliationEdge, AffiliationNode, "affiliations");

/// A talent's role in an organization. It is seen by those who see the talent, the talent's group AFFILIATIONS
/// and the organization.
#[Object(name = "Affiliation")]
impl AffiliationNode {
    /// Opaque id, the same on every deployment.
    pub async fn id(&self) -> ID {
        graphql_id("affiliation", self.row.head.id)
    }

    /// The region that answers for the record: the talent's.
    async fn region(&self) -> GraphqlResult<RegionNode> {
        known(&self.region, &self.row.head.region)
    }

    /// Who may see the record: the strictest of its talent, that group of the talent's fields, and its
    /// organization.
    async fn visibility(&self) -> Visibility {
        self.row.head.visibility
    }

    /// Grows by one with each accepted change.
    async fn revision(&self) -> i32 {
        self.row.head.revision
    }

    /// When the record was first written here.
    async fn created_at(&self) -> DateTime {
        self.row.card.times.created_at
    }

    /// When the record was last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.card.times.updated_at
    }

    /// Where the facts come from.
    async fn sources(&self) -> &[Source] {
        &self.row.card.sources
    }

    /// The id in the system that owns the record; null where it was made here.
    async fn external_id(&self) -> Option<&ExternalId> {
        self.row.external_id.as_ref()
    }

    /// The person.
    async fn talent(&self) -> GraphqlResult<&TalentNode> {
        let missing = || DomainError::Stored("an affiliation without its talent".into());
        self.talent.as_deref().ok_or_else(missing).graphql()
    }

    /// The organization.
    async fn organization(&self) -> GraphqlResult<&OrganizationNode> {
        let missing = || DomainError::Stored("an affiliation without its organization".into());
        self.organization.as_deref().ok_or_else(missing).graphql()
    }

    /// What the person is or was there, in the asked language or the nearest that there is.
    async fn role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        let missing = || DomainError::Stored("an affiliation without a role".into());
        Reader::of(ctx)?.text(ctx, language, &self.row.roles).ok_or_else(missing).graphql()
    }

    /// The occupation that the role belongs to.
    async fn occupation(&self) -> Option<OccupationNode> {
        vocabularies().occupations.get(self.row.card.occupation.as_deref()?).map(OccupationNode)
    }

    /// From when to when.
    async fn period(&self) -> Period {
        self.row.card.period
    }

    /// When a source reported the role, where the period is not known.
    async fn as_of(&self) -> Option<PartialDate> {
        self.row.card.as_of
    }

    /// Who says so: BOTH once the other side has confirmed.
    async fn asserted_by(&self) -> AssertedBy {
        self.row.card.asserted_by
    }

    /// Since when the talent or the organization says that it is not so; null where neither does. While it is
    /// disputed, only the two sides and the staff of their regions see it.
    async fn disputed_at(&self) -> Option<DateTime> {
        self.row.card.disputed_at
    }
}
