//! Macros that declare what every record type has in the schema, so that a type says only what is its own.
//!
//! | macro | declares |
//! |---|---|
//! | `record_object!` | the fields that all records share |
//! | `relations!` | nested connections: their arguments, and where their pages are kept |
//! | `order!` | the order of a list |
//! | `record_by!` | the ways to name a record that has identifiers |
//! | `record_queries!` | the query of one record and that of the list |
//! | `record_mutations!` | the mutations that create, update, delete and merge, and their payload |
//!
//! What is a type's own is in an object whose fields are taken into the declared one (`flatten`).

/// Declares the object of a record type with the fields that all records share. Its other fields are those of the object
/// `rest`, which derefs to the node.
///
/// `times in` names the group of columns that has the times. A method named by `noted by` sees the claims that are
/// answered.
#[macro_export]
macro_rules! record_object {
    (
        $(#[$doc:meta])*
        $node:ident named $name:literal of $prefix:literal {
            $(#[$slug_doc:meta])* slug,
            $(#[$visibility_doc:meta])* visibility,
            times in $times:ident,
            $(#[$claims_doc:meta])* claims($field_desc:literal) $(noted by $noted:ident)?,
            rest $rest:ident,
        }
    ) => {
        $(#[$doc])*
        #[allow(clippy::missing_errors_doc, reason = "these docs are the descriptions of the schema")]
        #[async_graphql::Object(name = $name)]
        impl $node {
            /// Opaque id, the same on every deployment.
            pub async fn id(&self) -> async_graphql::ID {
                kernel::id::graphql_id($prefix, self.row.head.id)
            }

            $(#[$slug_doc])*
            pub async fn slug(&self) -> &str {
                &self.row.slug
            }

            /// The region that answers for the record.
            pub async fn region(
                &self,
            ) -> kernel::error::GraphqlResult<$crate::region::RegionNode> {
                $crate::region::known(&self.around.region, &self.row.head.region)
            }

            $(#[$visibility_doc])*
            pub async fn visibility(&self) -> kernel::policy::Visibility {
                self.row.head.visibility
            }

            /// Grows by one with each accepted change. Pass it as `baseRevision` to write only over what was read.
            pub async fn revision(&self) -> i32 {
                self.row.head.revision
            }

            /// When the record was first written here.
            pub async fn created_at(&self) -> kernel::value::DateTime {
                self.row.$times.times.created_at
            }

            /// When the record was last changed.
            pub async fn updated_at(&self) -> kernel::value::DateTime {
                self.row.$times.times.updated_at
            }

            /// Where the facts come from.
            pub async fn sources(&self) -> &[kernel::provenance::Source] {
                &self.row.details.sources
            }

            /// The id in the system that owns the record; null where it was made here.
            pub async fn external_id(&self) -> Option<&kernel::provenance::ExternalId> {
                self.row.details.external_id.as_ref()
            }

            $(#[$claims_doc])*
            pub async fn claims(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = $field_desc)] field: Option<String>,
            ) -> Vec<&kernel::provenance::Claim> {
                let claims = self.row.details.claims.iter();
                let claims = claims.filter(|claim| field.as_ref().is_none_or(|name| claim.field == *name));
                let claims: Vec<_> = claims.collect();
                let _ = ctx;
                $(self.$noted(ctx, &claims);)?
                claims
            }

            #[graphql(flatten)]
            async fn rest(&self) -> $rest<'_> {
                $rest(self)
            }
        }

        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $rest<'a>(&'a $node);

        impl std::ops::Deref for $rest<'_> {
            type Target = $node;

            fn deref(&self) -> &$node {
                self.0
            }
        }
    };
}

/// Declares nested connections of a node, as an object whose fields are taken into that of the node.
///
/// A line is `field as Arguments { own: Type = "description", .., own: Type = "description" } -> Connection = slot;`. The
/// paging arguments are at `..`. The read path takes the struct of the arguments from a selection; the resolver finds the
/// page in the slot, by response key and arguments. A field without arguments of its own needs no struct.
#[macro_export]
macro_rules! relations {
    (
        $(#[$doc:meta])*
        $relations:ident of $node:ident {
            $(
                $(#[$field_doc:meta])*
                $field:ident $(as $arguments:ident {
                    $($own:ident: $own_type:ty = $own_desc:literal,)* .. $(, $last_own:ident: $last_type:ty = $last_desc:literal)?
                })? -> $connection:ty = $slot:expr;
            )*
        }
    ) => {
        $($(
            /// The arguments of a nested connection, as the read path takes them.
            #[derive(Clone, Debug)]
            pub struct $arguments {
                /// Which page.
                pub page: kernel::page::PageArguments,
                $(#[doc = $own_desc] pub $own: Option<$own_type>,)*
                $(#[doc = $last_desc] pub $last_own: Option<$last_type>,)?
            }

            impl $arguments {
                /// Those of a selected field.
                pub fn of(field: &kernel::read::Selected) -> Self {
                    Self {
                        page: kernel::page::PageArguments::of(field),
                        $($own: field.argument(stringify!($own)),)*
                        $($last_own: field.argument(stringify!($last_own)),)?
                    }
                }
            }
        )?)*

        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $relations<'a>(pub &'a $node);

        $(#[$doc])*
        #[async_graphql::Object]
        impl $relations<'_> {
            $(
                $(#[$field_doc])*
                #[allow(clippy::too_many_arguments, reason = "the arguments of a connection; read from the selection")]
                async fn $field(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    $($(#[graphql(desc = $own_desc)] $own: Option<$own_type>,)*)?
                    #[graphql(
                        desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
                    )]
                    first: Option<i32>,
                    #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
                    #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")]
                    last: Option<i32>,
                    #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
                    $($(#[graphql(desc = $last_desc)] $last_own: Option<$last_type>,)?)?
                ) -> kernel::error::GraphqlResult<&$connection> {
                    // The read path has taken them from the selection.
                    let _ = ($($($own,)*)? first, after, last, before $($(, $last_own)?)?);
                    let slot: fn(
                        &$node,
                    ) -> Result<&kernel::reader::ByKey<$connection>, kernel::error::DomainError> = $slot;
                    kernel::error::IntoGraphql::graphql(slot(self.0))?.get(ctx)
                }
            )*
        }
    };
}

/// Declares the order of a list: what it can be ordered by, each with its sort key.
#[macro_export]
macro_rules! order {
    (
        $(#[$doc:meta])* $order:ident,
        $(#[$field_doc:meta])* $field:ident {
            $($(#[$value_doc:meta])* $value:ident => $key:expr,)*
        }
    ) => {
        $(#[$field_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, async_graphql::Enum)]
        pub enum $field {
            $($(#[$value_doc])* $value,)*
        }

        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, async_graphql::InputObject)]
        pub struct $order {
            /// What the list is ordered by.
            pub field: $field,
            /// In which direction; ascending where it is not given.
            #[graphql(default_with = "kernel::list::OrderDirection::Asc")]
            pub direction: kernel::list::OrderDirection,
        }

        impl From<$order> for kernel::list::Sort {
            fn from(order: $order) -> Self {
                let key = match order.field {
                    $($field::$value => $key,)*
                };
                let descending = order.direction == kernel::list::OrderDirection::Desc;
                Self { name: kernel::name_of(order.field), key, descending }
            }
        }
    };
}

/// Declares the ways to name one record of a type that has official identifiers.
#[macro_export]
macro_rules! record_by {
    ($(#[$doc:meta])* $by:ident, $(#[$identifier_doc:meta])* Identifier) => {
        $(#[$doc])*
        #[derive(Clone, Debug, async_graphql::OneofObject)]
        pub enum $by {
            /// By its id, or that of a duplicate that was merged into it.
            Id(async_graphql::ID),
            /// By its slug, or a former one.
            Slug(String),
            $(#[$identifier_doc])*
            Identifier(kernel::input::IdentifierInput),
            /// By its id in the system that owns the record.
            ExternalId(kernel::provenance::ExternalIdInput),
        }

        impl kernel::lookup::By for $by {
            fn key(
                self,
                of: kernel::RecordType,
            ) -> Result<kernel::lookup::Key, kernel::error::DomainError> {
                use kernel::lookup::RecordBy;
                match self {
                    Self::Id(id) => RecordBy::Id(id).key(of),
                    Self::Slug(slug) => RecordBy::Slug(slug).key(of),
                    Self::Identifier(identifier) => identifier.key(),
                    Self::ExternalId(by) => RecordBy::ExternalId(by).key(of),
                }
            }
        }
    };
}

/// Declares the queries of a record type: one record, and the list of those that fit a filter.
#[macro_export]
macro_rules! record_queries {
    (
        $(#[$doc:meta])*
        $query:ident of $node:ident {
            $(#[$one_doc:meta])* $one:ident($by:ty),
            $(#[$all_doc:meta])* $all:ident($order_desc:literal) -> $connection:ident,
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $query;

        $(#[$doc])*
        #[async_graphql::Object]
        impl $query {
            $(#[$one_doc])*
            async fn $one(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = "The one way in which you name it.")] by: $by,
            ) -> kernel::error::GraphqlResult<Option<$node>> {
                kernel::node::one(ctx, by).await
            }

            $(#[$all_doc])*
            #[allow(clippy::too_many_arguments, reason = "the arguments of a connection")]
            async fn $all(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = "Only those that fit.")] filter: Option<
                    <$node as kernel::node::Listable>::Filter,
                >,
                #[graphql(desc = $order_desc)] order_by: Option<<$node as kernel::node::Listable>::Order>,
                #[graphql(
                    desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
                )]
                first: Option<i32>,
                #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
                #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")]
                last: Option<i32>,
                #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
            ) -> kernel::error::GraphqlResult<$connection> {
                let page = kernel::page::PageArguments { first, after, last, before };
                kernel::node::all(ctx, filter, order_by, &page).await
            }
        }
    };
}

/// Declares the payload of the mutations of a record type, and those that all types have. Further mutations are those of
/// the object `also`. A type whose `update` or `merge` is not the common one leaves it out. With `with warnings` the payload tells
/// of values that were taken and are worth a look.
#[macro_export]
macro_rules! record_mutations {
    (
        $(#[$doc:meta])*
        $mutation:ident of $kind:ident,
        $(#[$payload_doc:meta])*
        $payload:ident { $(#[$field_doc:meta])* $field:ident: $node:ty } $(with $warns:ident)?
        create { $(#[$create_doc:meta])* $create:ident }
        $(update { $(#[$update_doc:meta])* $update:ident($update_desc:literal) })?
        delete { $(#[$delete_doc:meta])* $delete:ident($delete_desc:literal) }
        $(merge { $(#[$merge_doc:meta])* $merge:ident })?
        $(also $also:ident)?
    ) => {
        $(#[$payload_doc])*
        #[derive(Clone, Debug, async_graphql::SimpleObject)]
        pub struct $payload {
            $(#[$field_doc])*
            pub $field: Option<$node>,
            $(
                #[doc = $crate::warnings_of!($warns)]
                pub warnings: Vec<kernel::user_error::Warning>,
            )?
            /// All that is wrong with the input, at once. Nothing was written then; empty where all went well.
            pub user_errors: Vec<kernel::user_error::UserError>,
        }

        impl records::mutation::Payload for $payload {
            const NAME: &'static str = stringify!($payload);
            const FIELD: &'static str = <$node as kernel::node::Node>::TYPE.field();
            type Node = $node;

            fn new(
                $field: Option<$node>,
                warnings: Vec<kernel::user_error::Warning>,
                user_errors: Vec<kernel::user_error::UserError>,
            ) -> Self {
                $crate::payload!($field warnings user_errors $($warns)?)
            }
        }

        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $mutation;

        $(#[$doc])*
        #[async_graphql::Object]
        impl $mutation {
            $(#[$create_doc])*
            async fn $create(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = "What is known of it.")] input: <$kind as records::write::Kind>::Input,
                #[graphql(
                    desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the record that it made first. With another input it is a CONFLICT."
                )]
                idempotency_key: Option<String>,
            ) -> kernel::error::GraphqlResult<$payload> {
                records::mutation::create::<$kind, _>(ctx, input, idempotency_key).await
            }

            $(
                $(#[$update_doc])*
                async fn $update(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = $update_desc)] id: async_graphql::ID,
                    #[graphql(
                        desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the record as it is. Without it you write over what others have changed."
                    )]
                    base_revision: Option<i32>,
                    #[graphql(desc = "What changes.")] input: <$kind as records::write::Kind>::Input,
                ) -> kernel::error::GraphqlResult<$payload> {
                    records::mutation::update::<$kind, _>(ctx, &id, base_revision, input).await
                }
            )?

            $(#[$delete_doc])*
            async fn $delete(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = $delete_desc)] id: async_graphql::ID,
                #[graphql(
                    desc = "The revision that you have read. Where another is present, nothing is deleted: CONFLICT."
                )]
                base_revision: Option<i32>,
            ) -> kernel::error::GraphqlResult<records::mutation::DeletePayload> {
                let of = <$kind as records::write::Kind>::TYPE;
                records::mutation::Mutator::of(ctx)?.delete(&id, base_revision, of).await
            }

            $(
                $(#[$merge_doc])*
                async fn $merge(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = "The one that stays.")] survivor: async_graphql::ID,
                    #[graphql(desc = "The one that goes.")] duplicate: async_graphql::ID,
                    #[graphql(
                        desc = "The revision of the survivor that you have read. Where another is present, nothing is written: CONFLICT, with the survivor as it is."
                    )]
                    base_revision: Option<i32>,
                    #[graphql(desc = "The same for the duplicate.")] duplicate_revision: Option<i32>,
                ) -> kernel::error::GraphqlResult<$payload> {
                    let (survivor, duplicate) = (&survivor, &duplicate);
                    let asked = records::mutation::MergeArguments {
                        survivor,
                        duplicate,
                        base_revision,
                        duplicate_revision,
                    };
                    records::mutation::merged::<$kind, _>(ctx, &asked).await
                }
            )?

            $(
                #[graphql(flatten)]
                async fn also(&self) -> $also {
                    $also
                }
            )?
        }
    };
}

/// The payload that [`record_mutations!`] makes of its members. Only types that warn have warnings.
#[doc(hidden)]
#[macro_export]
macro_rules! payload {
    ($field:ident $warnings:ident $user_errors:ident) => {{
        let _ = $warnings;
        Self { $field, $user_errors }
    }};
    ($field:ident $warnings:ident $user_errors:ident $warns:ident) => {
        Self { $field, $warnings, $user_errors }
    };
}

/// The description of the warnings of a payload.
#[doc(hidden)]
#[macro_export]
macro_rules! warnings_of {
    (warnings) => {
        "Values that were taken, and are worth a look; empty where nothing was written."
    };
}
