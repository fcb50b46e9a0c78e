//! Unions and interfaces without a selected field of the actual type.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

/// A value of a union or an interface. If no fragment applies to its type, it resolves to an empty object (GraphQL
/// specification, October 2021, section 6.3). async-graphql alone resolves to null, which is an error where the type is
/// non-null.
#[derive(Clone, Debug)]
pub struct Abstract<T>(pub T);

impl<T: OutputType> OutputType for Abstract<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Ok(match self.0.resolve(ctx, field).await? {
            Value::Null => Value::Object(async_graphql::indexmap::IndexMap::new()),
            value => value,
        })
    }
}
