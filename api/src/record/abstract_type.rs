//! Values of unions and interfaces of which nothing is selected.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

/// A value of a union or an interface. Where no fragment is about its type, it is answered as an object without
/// fields (GraphQL specification, October 2021, section 6.3): the library answers null, which says that it is not
/// there, and is not allowed where the schema says that it must be.
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
