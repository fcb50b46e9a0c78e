//! The root of the schema: the queries, mutations and subscriptions of all parts, and the schema as SDL.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use async_graphql::{MergedObject, MergedSubscription, Request, Response, SDLExportOptions, ValidationMode};
use futures::future::BoxFuture;

use accounts::administration::graphql::{AdministrationMutation, AdministrationQuery};
use accounts::api_key::{ApiKeyMutation, ApiKeyQuery};
use accounts::calendar_address::CalendarMutation;
use accounts::export::graphql::ExportQuery;
use accounts::invitation::graphql::{InvitationMutation, InvitationQuery};
use accounts::recovery::RecoveryMutation;
use accounts::session::SessionMutation;
use accounts::viewer::ViewerQuery;
use directory::application::mutation::ApplicationMutation;
use directory::call_for_projects::compare::CallComparisonQuery;
use directory::history::HistoryQuery;
use directory::partnership::graph::PartnershipGraphQuery;
use directory::proposal::graphql::ProposalQuery;
use directory::proposal::mutation::ProposalMutation;
use directory::region::graphql::RegionQuery;
use directory::registration::mutation::RegistrationMutation;
use directory::statistics::StatisticsQuery;
use directory::talent::consent::graphql::ConsentQuery;
use directory::talent::erasing::graphql::ErasureMutation;
use directory::talent::own::OwnTalentMutation;
use exchange::import::source::graphql::{SourceMutation, SourceQuery};
use exchange::node::{NodeQuery, Record};
use exchange::push::mutation::PushMutation;
use exchange::sync::digest::DigestQuery;
use exchange::sync::feed::graphql::FeedQuery;
use exchange::sync::feed::subscription::FeedSubscription;
use exchange::sync::feed::watch::WatchSubscription;
use exchange::sync::status::graphql::StatusQuery;
use kernel::records;
use kernel::vocabulary::graphql::VocabularyQuery;
use search::graphql::SearchQuery;
use search::matching::graphql::MatchQuery;
use server::app::App;
use server::{self, Contract, Server, Settings};

pub mod cost;

macro_rules! make_roots {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write $write:tt, read $read:tt, record $record:tt, search $search:tt,
            root([$($query:ident)?], $mutation:ident),
        }
    )*) => {
        /// The queries of record types.
        #[derive(Clone, Copy, Debug, Default, MergedObject)]
        pub struct RecordQuery($($(directory::$module::graphql::$query,)?)*);

        /// The mutations of record types.
        #[derive(Clone, Copy, Debug, Default, MergedObject)]
        pub struct RecordMutation($(directory::$module::mutation::$mutation,)*);
    };
}

records!(make_roots);

/// Everything that can be read.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct Query(
    NodeQuery,
    VocabularyQuery,
    RegionQuery,
    RecordQuery,
    ConsentQuery,
    PartnershipGraphQuery,
    CallComparisonQuery,
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
    CalendarMutation,
    AdministrationMutation,
    InvitationMutation,
    RecordMutation,
    OwnTalentMutation,
    ErasureMutation,
    ProposalMutation,
    ApplicationMutation,
    RegistrationMutation,
    PushMutation,
    SourceMutation,
);

/// Everything that can be followed, over a WebSocket (`graphql-transport-ws`) at /graphql or as events at
/// /graphql/stream. A subscription asks for one field.
#[derive(Clone, Copy, Debug, Default, MergedSubscription)]
pub struct Subscription(FeedSubscription, WatchSubscription);

/// The schema that the server runs.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema, which is built once.
///
/// The library's limits are not used: they count introspection as well, and come after the work that they should
/// prevent. The server measures a document before it is executed. There are no extensions, and none should be added:
/// each one slows down every field of every request.
pub fn schema() -> Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        Schema::build(Query::default(), Mutation::default(), Subscription::default())
            .register_output_type::<Record>()
            // Documents are validated before they are executed.
            .validation_mode(ValidationMode::Fast)
            // The server has a lower limit of depth. This one must not apply first, because its error has no code.
            .limit_recursive_depth(64)
            .finish()
    });
    SCHEMA.clone()
}

/// Takes an address for a server that answers with the schema of the program.
///
/// # Errors
/// Fails where the address is in use or not one of this machine.
pub async fn bind(app: App, address: SocketAddr, settings: Settings) -> std::io::Result<Server> {
    static CONTRACT: LazyLock<Arc<Contract>> = LazyLock::new(|| Arc::new(Contract::new(sdl().to_owned())));
    Server::bind(app, server::Schema::new(schema(), Arc::clone(&CONTRACT)), address, settings).await
}

/// A function that executes operations of the schema without the server.
pub fn run() -> impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync {
    let schema = schema();
    move |request| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    }
}

/// The schema as SDL with the cost directives, in an order that does not depend on the order of the code.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

    use super::*;
    use directory::call_for_projects::store::ContributionColumns;
    use directory::partnership::store::PartyColumns;
    use kernel::node::{ColumnGroups, Node};
    use kernel::{RecordType, all_of};

    macro_rules! make_fields {
        ($(
            $(#[$doc:meta])*
            $name:ident $module:ident {
                is $is:tt, write $write:tt, read($node:ident), $($rest:tt)*
            }
        )*) => {
            /// For each record type, for parties and for contributions: the name in the schema, and the fields that groups of columns answer.
            fn answered() -> Vec<(&'static str, &'static [&'static [&'static str]])> {
                vec![("PartnershipParty", <PartyColumns as ColumnGroups>::FIELDS),
                ("Contribution", <ContributionColumns as ColumnGroups>::FIELDS), $((
                    <directory::$module::$node as Node>::NAME,
                    <<directory::$module::$node as Node>::Columns as ColumnGroups>::FIELDS,
                ),)*]
            }
        };
    }

    records!(make_fields);

    #[test]
    fn every_field_of_a_record_is_in_a_group_of_columns() {
        let document = parse_schema(sdl()).expect("the schema is GraphQL");
        for (name, groups) in answered() {
            let of = document.definitions.iter().find_map(|definition| match definition {
                TypeSystemDefinition::Type(of) if of.node.name.node == name => match &of.node.kind {
                    TypeKind::Object(object) => Some(&object.fields),
                    _ => None,
                },
                _ => None,
            });
            let fields = of.unwrap_or_else(|| panic!("the schema has no type {name}"));
            let of: BTreeSet<&str> = fields.iter().map(|field| field.node.name.node.as_str()).collect();
            let read: BTreeSet<&str> = groups.iter().flat_map(|group| group.iter().copied()).collect();
            let missing: Vec<_> = of.difference(&read).collect();
            assert!(missing.is_empty(), "{name}: no group of columns answers {missing:?}");
            let gone: Vec<_> = read.difference(&of).collect();
            assert!(gone.is_empty(), "{name}: the schema has no fields {gone:?}");
        }
    }
    #[test]
    fn whoever_may_be_erased_has_a_mutation_for_it() {
        for of in all_of::<RecordType>().filter(|of| of.is_erasable()) {
            let of = of.field();
            let mutation = format!("erase{}{}(", of[..1].to_uppercase(), &of[1..]);
            assert!(sdl().contains(&mutation), "the schema has no mutation {mutation}..)");
        }
    }
}
