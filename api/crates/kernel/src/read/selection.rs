//! The fields that a request selects below a root field, walked once.
//!
//! Fragments are expanded, type conditions kept, arguments resolved. `@skip` and `@include` have been resolved before.

use std::sync::Arc;

use async_graphql::parser::types::{Field, Selection as Node, SelectionSet};
use async_graphql::{Context, InputType, Name, Positioned, Value};
use async_graphql_value::Value as InputValue;

/// The selected fields of one level.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    fields: Arc<Vec<Selected>>,
}

/// One selected field, under its response key.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The response key: alias, else name.
    pub key: Name,
    /// The field's name in the schema.
    pub name: Name,
    /// Arguments with variables replaced. Omitted arguments are absent.
    pub arguments: Vec<(Name, Value)>,
    /// The selection below it.
    pub selection: Selection,
    /// For each type condition around it, the object types that it matches.
    only_on: Vec<Arc<Vec<String>>>,
}

impl Selected {
    fn applies_to(&self, object: &str) -> bool {
        self.only_on.iter().all(|types| types.iter().any(|name| name == object))
    }

    /// The value of an argument by its name in the schema or in Rust (`orderBy` or `order_by`); null and absent are both
    /// `None`.
    ///
    /// Values were validated before execution. A value that does not parse counts as absent.
    pub fn argument<T: InputType>(&self, name: &str) -> Option<T> {
        let same = |given: &str| {
            let letters = name.split('_').enumerate().flat_map(|(place, word)| {
                let upper = place > 0;
                word.chars()
                    .enumerate()
                    .map(move |(at, c)| if upper && at == 0 { c.to_ascii_uppercase() } else { c })
            });
            letters.eq(given.chars())
        };
        let (_, value) = self.arguments.iter().find(|(given, _)| same(given))?;
        Option::<T>::parse(Some(value.clone())).ok().flatten()
    }
}

impl Selection {
    /// The selection below the field that `ctx` resolves.
    pub fn of(ctx: &Context<'_>) -> Self {
        Self::root(ctx).selection
    }

    /// The field that `ctx` resolves, with its arguments.
    pub fn root(ctx: &Context<'_>) -> Selected {
        let walk = Walk { ctx, depth: 0 };
        walk.field(ctx.item, &[])
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether any of `names` is selected where the object is of type `object`.
    pub fn has(&self, object: &str, names: &[&str]) -> bool {
        self.fields.iter().any(|f| names.contains(&f.name.as_str()) && f.applies_to(object))
    }

    /// Each selection of the field `name` of an `object`: one per response key and arguments.
    pub fn each(&self, object: &str, name: &str) -> Vec<Selected> {
        let mut each = Vec::new();
        for field in self.fields.iter().filter(|f| f.name == name && f.applies_to(object)) {
            merge(&mut each, Selected { only_on: Vec::new(), ..field.clone() });
        }
        each
    }

    /// The selection below the field `name`, under all its response keys together.
    pub fn below(&self, object: &str, name: &str) -> Option<Selection> {
        let mut each = self.fields.iter().filter(|f| f.name == name && f.applies_to(object));
        let first = each.next()?.selection.clone();
        Some(each.fold(first, |sum, next| sum.union(&next.selection)))
    }

    /// The union of two selections: for `nodes` and `edges { node }`.
    #[must_use]
    pub fn union(&self, other: &Selection) -> Selection {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let mut fields = Vec::clone(&self.fields);
        for field in other.fields.iter() {
            merge(&mut fields, field.clone());
        }
        Selection { fields: Arc::new(fields) }
    }
}

/// Adds a field, or joins it with the one of the same response key, name, arguments and conditions.
fn merge(fields: &mut Vec<Selected>, field: Selected) {
    let same = fields.iter_mut().find(|f| {
        f.key == field.key
            && f.name == field.name
            && f.arguments == field.arguments
            && f.only_on == field.only_on
    });
    match same {
        Some(present) => present.selection = present.selection.union(&field.selection),
        None => fields.push(field),
    }
}

/// The arguments of the field that `ctx` resolves, with variables replaced.
pub fn arguments_of(ctx: &Context<'_>) -> Vec<(Name, Value)> {
    Walk { ctx, depth: 0 }.arguments(ctx.item)
}

struct Walk<'a, 'c> {
    ctx: &'a Context<'c>,
    depth: usize,
}

/// Deeper selections are not walked: the depth limit has refused them before.
const MAX_DEPTH: usize = 64;

impl Walk<'_, '_> {
    fn collect(&self, set: &SelectionSet, only_on: &[Arc<Vec<String>>], fields: &mut Vec<Selected>) {
        if self.depth > MAX_DEPTH {
            return;
        }
        let deeper = Walk { ctx: self.ctx, depth: self.depth + 1 };
        for item in &set.items {
            match &item.node {
                Node::Field(field) => merge(fields, deeper.field(field, only_on)),
                Node::InlineFragment(fragment) => {
                    let inner = &fragment.node.selection_set.node;
                    match &fragment.node.type_condition {
                        Some(condition) => {
                            deeper.collect(inner, &self.with(only_on, &condition.node.on.node), fields);
                        }
                        None => deeper.collect(inner, only_on, fields),
                    }
                }
                Node::FragmentSpread(spread) => {
                    if let Some(fragment) = self.ctx.query_env.fragments.get(&spread.node.fragment_name.node)
                    {
                        let only = self.with(only_on, &fragment.node.type_condition.node.on.node);
                        deeper.collect(&fragment.node.selection_set.node, &only, fields);
                    }
                }
            }
        }
    }

    fn field(&self, field: &Positioned<Field>, only_on: &[Arc<Vec<String>>]) -> Selected {
        let mut below = Vec::new();
        self.collect(&field.node.selection_set.node, &[], &mut below);
        Selected {
            key: field.node.response_key().node.clone(),
            name: field.node.name.node.clone(),
            arguments: self.arguments(field),
            selection: Selection { fields: Arc::new(below) },
            only_on: only_on.to_vec(),
        }
    }

    fn arguments(&self, field: &Positioned<Field>) -> Vec<(Name, Value)> {
        let resolved =
            field.node.arguments.iter().map(|(name, value)| (name.node.clone(), self.value(&value.node)));
        resolved.collect()
    }

    /// Replaces variables. A missing variable counts as null, as for a nullable argument.
    fn value(&self, value: &InputValue) -> Value {
        value
            .clone()
            .into_const_with(|name| Ok::<_, std::convert::Infallible>(self.variable(&name)))
            .unwrap_or(Value::Null)
    }

    fn variable(&self, name: &Name) -> Value {
        let env = self.ctx.query_env;
        env.variables
            .get(name)
            .cloned()
            .or_else(|| {
                let definitions = &env.operation.node.variable_definitions;
                let definition = definitions.iter().find(|d| d.node.name.node == *name)?;
                definition.node.default_value().cloned()
            })
            .unwrap_or(Value::Null)
    }

    /// The type conditions around a fragment, with the fragment's own.
    fn with(&self, only_on: &[Arc<Vec<String>>], condition: &str) -> Vec<Arc<Vec<String>>> {
        let mut all = only_on.to_vec();
        let possible = self.ctx.schema_env.registry.types.get(condition).and_then(|t| t.possible_types());
        let types = match possible {
            Some(types) => types.iter().cloned().collect(),
            None => vec![condition.to_owned()],
        };
        all.push(Arc::new(types));
        all
    }
}
