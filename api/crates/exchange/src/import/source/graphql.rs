//! Sources in the schema.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{Registered, id_of, of_regions, register_for};
use directory::region::{self, RegionNode, Regions};
use identity::api_key::Maker;
use identity::caller::Call;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::graphql_id;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, outcome};
use kernel::value::DateTime;
use kernel::vocabulary::vocabularies;
use records::audit::Subject;
use records::write::Source;

/// A source in a response, with the regions that were read for it.
#[derive(Clone, Debug)]
pub struct RecordSourceNode {
    found: Registered,
    regions: Regions,
}

impl RecordSourceNode {
    async fn read(
        reader: &Reader,
        found: Vec<Registered>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let below = want.below("RecordSource", "region").unwrap_or_default();
        let slugs = found.iter().map(|found| found.source.region.as_str());
        let regions = region::read(reader, slugs, &below).await?;
        Ok(found.into_iter().map(|found| Self { found, regions: regions.clone() }).collect())
    }
}

/// A system that owns records, such as the database of a region: it alone pushes them.
#[Object(name = "RecordSource")]
impl RecordSourceNode {
    /// Opaque id, for its `history`.
    async fn id(&self) -> ID {
        let id = id_of(&self.found.source.name);
        graphql_id(Subject::Source(id).prefix(), id)
    }

    /// Its name, as in `ExternalId.source`.
    async fn name(&self) -> &str {
        &self.found.source.name
    }

    /// The region whose records it owns.
    async fn region(&self) -> GraphqlResult<RegionNode> {
        let slug = &self.found.source.region;
        let unknown = || DomainError::Stored(format!("unknown region {slug}"));
        self.regions.get(slug).ok_or_else(unknown).graphql()
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        self.found.created_at
    }
}

/// A source that is to be registered.
#[derive(Clone, Debug, InputObject)]
pub struct RegisterSourceInput {
    /// Its name, which no other source of this deployment has: lower-case letters, digits, `-`, `_` and `.`, 64 at most.
    pub name: String,
    /// Slug of the region whose records it owns.
    pub region: String,
}

/// The source, or why it was not registered.
#[derive(Default, SimpleObject)]
pub struct RegisterSourcePayload {
    /// The source, also where it was registered before.
    pub source: Option<RecordSourceNode>,
    /// Why it was not registered; empty where it is.
    pub user_errors: Vec<UserError>,
}

/// Queries of sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceQuery;

/// Queries of sources.
#[Object]
impl SourceQuery {
    /// The systems that own records of the regions whose staff the viewer belongs to, or for whose systems it calls, by
    /// name; empty for everybody else.
    async fn sources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of a region: only its systems.")] region: Option<String>,
    ) -> GraphqlResult<Vec<RecordSourceNode>> {
        let reader = Reader::of(ctx)?;
        if let Some(slug) = &region {
            vocabularies().regions.find("region", "region", slug).graphql()?;
        }
        let viewer = &reader.viewer;
        let shown = |slug: &&str| {
            region.as_deref().is_none_or(|region| region == *slug)
                && (viewer.is_staff_of_any([*slug].into_iter()) || viewer.pushes_for(slug))
        };
        let slugs = vocabularies().regions.all.iter().map(|region| region.term.slug.as_str());
        let found = of_regions(&reader.db, slugs.filter(shown)).await.graphql()?;
        RecordSourceNode::read(reader, found, &Selection::of(ctx)).await.graphql()
    }
}

/// Registering sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceMutation;

/// Registering sources.
#[Object]
impl SourceMutation {
    /// Registers a system that owns records of a region, so that they can be pushed. Only the administrators of the region
    /// may, signed in with their account. Registering it again changes nothing.
    async fn register_source(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The source that is wanted.")] input: RegisterSourceInput,
    ) -> GraphqlResult<RegisterSourcePayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let new = Source { name: input.name, region: input.region };
        let done = register_for(&call.identity, Maker::Caller(call.known.as_deref()), new).await;
        match outcome(done, &reader.languages).graphql()? {
            Ok(found) => {
                let want = Selection::of(ctx).below("RegisterSourcePayload", "source").unwrap_or_default();
                let source = RecordSourceNode::read(reader, vec![found], &want).await.graphql()?.pop();
                Ok(RegisterSourcePayload { source, user_errors: Vec::new() })
            }
            Err(user_errors) => Ok(RegisterSourcePayload { source: None, user_errors }),
        }
    }
}
