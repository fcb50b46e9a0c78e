//! The root of the schema: every concept's queries joined, and its text as clients read it.

use std::sync::LazyLock;

use async_graphql::{MergedObject, MergedSubscription, Request, Response, SDLExportOptions, ValidationMode};
use futures::future::BoxFuture;

use crate::directory::affiliation::mutation::AffiliationMutation;
use crate::directory::history::HistoryQuery;
use crate::directory::node::{NodeQuery, Record};
use crate::directory::organization::graphql::OrganizationQuery;
use crate::directory::organization::mutation::OrganizationMutation;
use crate::directory::partnership::graph::PartnershipGraphQuery;
use crate::directory::partnership::graphql::PartnershipQuery;
use crate::directory::partnership::mutation::PartnershipMutation;
use crate::directory::proposal::graphql::ProposalQuery;
use crate::directory::proposal::mutation::ProposalMutation;
use crate::directory::region::graphql::RegionQuery;
use crate::directory::statistics::StatisticsQuery;
use crate::directory::talent::consent::graphql::ConsentQuery;
use crate::directory::talent::erasing::graphql::ErasureMutation;
use crate::directory::talent::graphql::TalentQuery;
use crate::directory::talent::mutation::TalentMutation;
use crate::directory::talent::own::OwnTalentMutation;
use crate::directory::vocabulary::graphql::VocabularyQuery;
use crate::identity::administration::graphql::{AdministrationMutation, AdministrationQuery};
use crate::identity::api_key::graphql::{ApiKeyMutation, ApiKeyQuery};
use crate::identity::export::graphql::ExportQuery;
use crate::identity::graphql::ViewerQuery;
use crate::identity::invitation::graphql::{InvitationMutation, InvitationQuery};
use crate::identity::recovery::graphql::RecoveryMutation;
use crate::identity::session::graphql::SessionMutation;
use crate::import::source::graphql::{SourceMutation, SourceQuery};
use crate::push::mutation::PushMutation;
use crate::search::graphql::SearchQuery;
use crate::search::matching::graphql::MatchQuery;
use crate::sync::digest::DigestQuery;
use crate::sync::feed::graphql::FeedQuery;
use crate::sync::feed::subscription::FeedSubscription;
use crate::sync::status::graphql::StatusQuery;

pub(crate) mod cost;

/// Everything that can be read.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct Query(
    NodeQuery,
    VocabularyQuery,
    RegionQuery,
    OrganizationQuery,
    TalentQuery,
    ConsentQuery,
    PartnershipQuery,
    PartnershipGraphQuery,
    StatisticsQuery,
    SearchQuery,
    MatchQuery,
    ViewerQuery,
    ApiKeyQuery,
    ProposalQuery,
    HistoryQuery,
    AdministrationQuery,
    InvitationQuery,
    ExportQuery,
    FeedQuery,
    DigestQuery,
    StatusQuery,
    SourceQuery,
);

/// Everything that can be changed. Each mutation answers a payload with `userErrors`: what is wrong with its input,
/// of which nothing was written then. Several mutations of one document run one after the other.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct Mutation(
    SessionMutation,
    RecoveryMutation,
    ApiKeyMutation,
    AdministrationMutation,
    InvitationMutation,
    OrganizationMutation,
    TalentMutation,
    OwnTalentMutation,
    ErasureMutation,
    AffiliationMutation,
    PartnershipMutation,
    ProposalMutation,
    PushMutation,
    SourceMutation,
);

/// Everything that can be followed, over a WebSocket (`graphql-transport-ws`) at /graphql or as events at
/// /graphql/stream. A subscription asks for one field.
#[derive(Clone, Copy, Debug, Default, MergedSubscription)]
pub struct Subscription(FeedSubscription);

/// The schema that the server runs.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema, which is built once.
///
/// Limits are not set here: the server measures a document before it is executed, because the limits of the
/// library count introspection as well and come after the work they should prevent. No extension is added, and
/// none should be: each one costs every field of every request.
pub fn schema() -> Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        Schema::build(Query::default(), Mutation::default(), Subscription::default())
            .register_output_type::<Record>()
            // What is executed has been validated.
            .validation_mode(ValidationMode::Fast)
            // The server has refused what nests deeper; this one must not come first, as it has no code.
            .limit_recursive_depth(64)
            .finish()
    });
    SCHEMA.clone()
}

/// Runs operations of the schema, for those who are no server.
pub fn run() -> impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync {
    let schema = schema();
    move |request| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    }
}

/// The schema in GraphQL's own language, in an order that does not depend on the order of the code, with what
/// everything costs.
pub fn sdl() -> &'static str {
    static SDL: LazyLock<String> = LazyLock::new(|| {
        let options = SDLExportOptions::new()
            .sorted_fields()
            .sorted_arguments()
            .sorted_enum_items()
            .include_specified_by()
            .use_space_ident();
        cost::priced(&schema().sdl_with_options(options))
    });
    &SDL
}
