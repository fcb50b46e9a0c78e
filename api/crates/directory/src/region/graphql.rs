//! Regions and territories in the schema.

use async_graphql::{Context, ID, Object};

use super::{RegionNode, Regions, TerritoryNode, read, wanted_of_territories};
use crate::organization::graphql::{OrganizationConnection, OrganizationFilter, OrganizationOrder};
use crate::relations;
use crate::statistics::Statistics;
use crate::talent::graphql::{TalentConnection, TalentFilter, TalentOrder};
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{Language, PartialDate};
use kernel::vocabulary::graphql::label;
use kernel::vocabulary::{RegionRole, vocabularies};

/// The error for a selected field that the tree lacks, which is a defect of the server.
fn not_read() -> DomainError {
    DomainError::Stored("a region was answered without what was selected of it".into())
}

/// A region that takes part in the directory, or that others refer to.
#[Object(name = "Region")]
impl RegionNode {
    /// Opaque id, the same on every deployment.
    pub async fn id(&self) -> ID {
        graphql_id("region", self.entry.term.id)
    }

    /// Stable name for filters and inputs.
    async fn slug(&self) -> &str {
        &self.entry.term.slug
    }

    /// What readers see.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Language of the answer; else the request's, else the region's first official one."
        )]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        label(ctx, language, &self.entry.term.labels)
    }

    /// Country, as ISO 3166-1 alpha-2.
    async fn country(&self) -> &str {
        &self.entry.country
    }

    /// How it takes part.
    async fn role(&self) -> RegionRole {
        self.entry.role
    }

    /// Code in the European classification NUTS 2024.
    async fn nuts_code(&self) -> Option<&str> {
        self.entry.nuts_code.as_deref()
    }

    /// Time zone, as its IANA name.
    async fn time_zone(&self) -> &str {
        &self.entry.time_zone
    }

    /// Last day of a region that has been merged into its successor.
    async fn valid_until(&self) -> Option<PartialDate> {
        self.entry.valid_until
    }

    /// The region that continues it.
    async fn successor(&self) -> Option<RegionNode> {
        let around = self.read.as_ref().map(|read| read.successor.clone()).unwrap_or_default();
        around.get(self.entry.successor.as_deref()?)
    }

    /// Official languages, the first being that of its name.
    async fn languages(&self) -> &[Language] {
        &self.entry.languages
    }

    /// Its territories: departments, provinces, urban communities, towns.
    async fn territories(&self) -> Vec<TerritoryNode> {
        let regions = self.read.as_ref().map(|read| read.territories.clone()).unwrap_or_default();
        let own = vocabularies().territories.all.iter().filter(|t| t.region == self.entry.term.slug);
        own.map(|entry| TerritoryNode { entry, regions: regions.clone() }).collect()
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> RegionRelations<'_> {
        RegionRelations(self)
    }

    /// Figures of the region, as this viewer may see it.
    async fn statistics(&self) -> GraphqlResult<&Statistics> {
        let statistics = self.read.as_ref().and_then(|read| read.statistics.as_ref());
        statistics.ok_or_else(not_read).graphql()
    }
}

relations! {
    /// The nested connections of a region.
    RegionRelations of RegionNode {
        /// Organizations that it answers for or that serve it.
        organizations as OrganizationsArguments {
            filter: OrganizationFilter = "Only those that fit.",
            order_by: OrganizationOrder = "Order of the list; by name where it is not given.", ..
        } -> OrganizationConnection = |node| Ok(&node.read.as_ref().ok_or_else(not_read)?.organizations);
        /// Talents that it answers for.
        talents as TalentsArguments {
            filter: TalentFilter = "Only those that fit.",
            order_by: TalentOrder = "Order of the list; by name where it is not given.", ..
        } -> TalentConnection = |node| Ok(&node.read.as_ref().ok_or_else(not_read)?.talents);
    }
}

/// A territory below a region: a department, a province, an urban community, a town. A territory in a filter
/// stands for those within it as well.
#[Object(name = "Territory")]
impl TerritoryNode {
    /// Opaque id, the same on every deployment.
    pub async fn id(&self) -> ID {
        graphql_id("territory", self.entry.term.id)
    }

    /// Stable name for filters and inputs.
    async fn slug(&self) -> &str {
        &self.entry.term.slug
    }

    /// What readers see.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Language of the answer; else the request's, else the region's first official one."
        )]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        label(ctx, language, &self.entry.term.labels)
    }

    /// The region that it lies in.
    async fn region(&self) -> GraphqlResult<RegionNode> {
        self.regions.get(&self.entry.region).ok_or_else(not_read).graphql()
    }

    /// The territory that it is part of; null directly below the region.
    async fn parent(&self) -> Option<TerritoryNode> {
        TerritoryNode::new(self.entry.parent.as_deref()?, &self.regions)
    }

    /// Code in the European classification NUTS 2024, where it has one.
    async fn nuts_code(&self) -> Option<&str> {
        self.entry.nuts_code.as_deref()
    }
}

/// The regions of these slugs, with the fields of `want`.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn nodes(
    reader: &Reader,
    slugs: &[&str],
    want: &Selection,
) -> Result<Vec<RegionNode>, DomainError> {
    let regions = read(reader, slugs.iter().copied(), want).await?;
    Ok(slugs.iter().filter_map(|slug| regions.get(slug)).collect())
}

/// The territory of a slug, with the fields of `want` of its region.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn territory(
    reader: &Reader,
    slug: &str,
    want: &Selection,
) -> Result<Option<TerritoryNode>, DomainError> {
    let Some(node) = TerritoryNode::new(slug, &Regions::default()) else { return Ok(None) };
    // The parents lie in the same region.
    let regions = read(reader, [node.entry.region.as_str()], &wanted_of_territories(want)).await?;
    Ok(TerritoryNode::new(slug, &regions))
}

/// Queries of places.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegionQuery;

/// Queries of places.
#[Object]
impl RegionQuery {
    /// All regions: members, associated ones, and those that others refer to.
    async fn regions(&self, ctx: &Context<'_>) -> GraphqlResult<Vec<RegionNode>> {
        let slugs: Vec<&str> = vocabularies().regions.all.iter().map(|r| r.term.slug.as_str()).collect();
        nodes(Reader::of(ctx)?, &slugs, &Selection::of(ctx)).await.graphql()
    }

    /// The region of a slug; null where there is none.
    async fn region(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For example `wallonie`.")] slug: String,
    ) -> GraphqlResult<Option<RegionNode>> {
        Ok(nodes(Reader::of(ctx)?, &[&slug], &Selection::of(ctx)).await.graphql()?.pop())
    }

    /// The territory of a slug; null where there is none.
    async fn territory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For example `valenciennes`.")] slug: String,
    ) -> GraphqlResult<Option<TerritoryNode>> {
        territory(Reader::of(ctx)?, &slug, &Selection::of(ctx)).await.graphql()
    }
}
