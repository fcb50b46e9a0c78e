//! The executable form of an operation, with its cost and the use of its variables.

use std::collections::HashMap;

use apollo_compiler::{ExecutableDocument, executable};
use async_graphql::parser::types as form;
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use super::super::conditional;
use super::super::cost::{self, Cost, Formula, Prices, Size, TypePrice};
use super::super::refusal::RequestError;
use super::collect::{Argument, Collector};
use super::syntax::Positions;
use super::value::{self, Unfit};
use super::{Schema, kind};
use kernel::error::Code;

/// The executable form of an operation. It has no named fragments and no directives, and each object type has each
/// response key once.
#[derive(Debug)]
pub(crate) struct Plan {
    operation: Positioned<form::OperationDefinition>,
    /// Its cost, as a formula over variables.
    pub cost: Formula,
    /// Whether anonymous answers depend on the change log alone, so that they can have an `ETag`.
    pub cacheable: bool,
    /// The number of its fields and fragments.
    pub size: u64,
    /// The number of arguments that contain variables.
    pub uses: u64,
    /// The sizes of the requested pages.
    pub pages: Vec<(Size, Pos)>,
    /// The first use of each variable: its path from the argument, and the position of the argument.
    usages: HashMap<Name, (String, Pos)>,
    /// The arguments that contain both custom scalars and variables.
    judged: Vec<Argument>,
    /// The first error in scalar literals of the document.
    problem: Option<RequestError>,
}

/// Makes the executable form of an operation. `included` returns the values of the variables of conditions.
///
/// # Errors
/// `QUERY_TOO_COMPLEX` if it would be too large.
pub(super) fn make(
    schema: &Schema,
    prices: &Prices,
    document: &ExecutableDocument,
    operation: &executable::Operation,
    positions: &Positions<'_>,
    included: &dyn Fn(&str) -> bool,
) -> Result<Plan, RequestError> {
    let mut collector = Collector::new(schema, document, positions, included);
    let set = collector.root(operation)?;
    let Collector { arguments, size, .. } = collector;

    let mut pages = Vec::new();
    let cost = measure(&set, prices.of(&operation.selection_set.ty), prices, &mut pages).of_root();
    let told = |item: &Positioned<form::Selection>| match &item.node {
        form::Selection::Field(field) => conditional::TOLD.contains(&field.node.name.node.as_str()),
        _ => false,
    };
    let cacheable = operation.is_query() && set.items.iter().all(told) && !selects_local(&set);

    let mut plan = Plan {
        operation: Positioned::new(definition(operation, set, positions), Pos::default()),
        cost,
        cacheable,
        size,
        uses: 0,
        pages,
        usages: HashMap::new(),
        judged: Vec::new(),
        problem: None,
    };
    for argument in arguments {
        plan.take(schema, argument);
    }
    Ok(plan)
}

/// Whether one of the fields that depend on more than the log is selected, at any level.
fn selects_local(set: &form::SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        form::Selection::Field(field) => {
            conditional::LOCAL.contains(&field.node.name.node.as_str())
                || selects_local(&field.node.selection_set.node)
        }
        form::Selection::InlineFragment(fragment) => selects_local(&fragment.node.selection_set.node),
        // The form has no named fragments.
        form::Selection::FragmentSpread(_) => true,
    })
}

impl Plan {
    /// Notes the variables of an argument, and checks or keeps its scalars.
    fn take(&mut self, schema: &Schema, argument: Argument) {
        let mut has_variables = false;
        value::each_variable(&argument.value, argument.name.as_str(), &mut |name, path| {
            has_variables = true;
            self.usages.entry(name.clone()).or_insert((path, argument.at));
        });
        self.uses += u64::from(has_variables);
        if argument.of_mutation || !schema.holds_judged(argument.of_type.inner_named_type()) {
            return;
        }
        if has_variables {
            self.judged.push(argument);
        } else if self.problem.is_none() {
            let constant = argument.value.clone().into_const();
            self.problem = constant.and_then(|value| judge(schema, &argument, &value).err());
        }
    }

    /// The document to execute with these variables.
    pub(crate) fn document(&self, variables: &Variables) -> form::ExecutableDocument {
        let mut operation = self.operation.clone();
        let definitions = &operation.node.variable_definitions;
        if definitions.iter().any(|one| !variables.contains_key(&one.node.name.node)) {
            leave_out_absent(&mut operation.node.selection_set.node, variables);
        }
        form::ExecutableDocument {
            operations: form::DocumentOperations::Single(operation),
            fragments: HashMap::new(),
        }
    }

    /// The root selection set.
    pub(crate) fn root(&self) -> &form::SelectionSet {
        &self.operation.node.selection_set.node
    }

    /// The error of an invalid variable, at the argument that uses it, or else at the variable's definition.
    pub(super) fn wrong_variable(
        &self,
        variable: &Name,
        path: &str,
        message: &str,
        defined: Pos,
    ) -> RequestError {
        let (argument, at) = match self.usages.get(variable) {
            Some((argument, at)) => (argument.as_str(), *at),
            None => (variable.as_str(), defined),
        };
        wrong_argument(&value::joined(argument, path), message, at)
    }

    /// Validates the texts of custom scalars in arguments of queries.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for the first invalid text.
    pub(super) fn check_scalars(&self, schema: &Schema, variables: &Variables) -> Result<(), RequestError> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        for argument in &self.judged {
            let mut value = argument.value.clone();
            if value::without_absent(&mut value, variables) {
                let resolve = |name: Name| Ok::<_, ()>(variables.get(&name).cloned().unwrap_or_default());
                if let Ok(value) = value.into_const_with(resolve) {
                    judge(schema, argument, &value)?;
                }
            }
        }
        Ok(())
    }
}

fn judge(schema: &Schema, argument: &Argument, value: &Value) -> Result<(), RequestError> {
    value::judge_all(schema, &argument.of_type, value).map_err(|Unfit { path, message }| {
        wrong_argument(&value::joined(&argument.name, &path), &message, argument.at)
    })
}

fn wrong_argument(path: &str, message: &str, at: Pos) -> RequestError {
    let message = format!("Invalid value for argument \"{path}\", {message}");
    RequestError { argument: Some(path.to_owned()), ..RequestError::at(Code::BadUserInput, message, at) }
}

/// Removes arguments and input fields whose variable has no value.
fn leave_out_absent(set: &mut form::SelectionSet, variables: &Variables) {
    for item in &mut set.items {
        match &mut item.node {
            form::Selection::Field(field) => {
                let field = &mut field.node;
                field.arguments.retain_mut(|(_, value)| value::without_absent(&mut value.node, variables));
                leave_out_absent(&mut field.selection_set.node, variables);
            }
            form::Selection::InlineFragment(fragment) => {
                leave_out_absent(&mut fragment.node.selection_set.node, variables);
            }
            form::Selection::FragmentSpread(_) => {}
        }
    }
}

fn definition(
    operation: &executable::Operation,
    set: form::SelectionSet,
    positions: &Positions<'_>,
) -> form::OperationDefinition {
    let variables = operation.variables.iter().map(|one| {
        let at = positions.of(one.location());
        let definition = form::VariableDefinition {
            name: Positioned::new(Name::new(one.name.as_str()), at),
            var_type: Positioned::new(type_of(&one.ty), at),
            directives: Vec::new(),
            // The variables were coerced already, which includes their defaults.
            default_value: None,
        };
        Positioned::new(definition, at)
    });
    form::OperationDefinition {
        ty: kind(operation.operation_type),
        variable_definitions: variables.collect(),
        directives: Vec::new(),
        selection_set: Positioned::new(set, Pos::default()),
    }
}

fn type_of(of_type: &executable::Type) -> form::Type {
    use executable::Type;
    let base = match of_type {
        Type::Named(name) | Type::NonNullNamed(name) => form::BaseType::Named(Name::new(name.as_str())),
        Type::List(item) | Type::NonNullList(item) => form::BaseType::List(Box::new(type_of(item))),
    };
    form::Type { base, nullable: !of_type.is_non_null() }
}

/// Computes the cost of a selection set, and collects its pages.
fn measure<'a>(
    set: &'a form::SelectionSet,
    parent: Option<&TypePrice>,
    prices: &Prices,
    pages: &mut Vec<(Size, Pos)>,
) -> Cost<'a> {
    let mut cost = Cost::default();
    for item in &set.items {
        match &item.node {
            form::Selection::Field(field) => {
                let field = &field.node;
                pages.extend(cost::page(parent, field).map(|page| (page, item.pos)));
                let type_below = prices.below(parent, &field.name.node);
                let below = measure(&field.selection_set.node, type_below, prices, pages);
                cost.add_field(prices, parent, field, below);
            }
            form::Selection::InlineFragment(fragment) => {
                let fragment = &fragment.node;
                let condition = fragment.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                let on = condition.map_or(parent, |condition| prices.of(condition));
                let below = measure(&fragment.selection_set.node, on, prices, pages);
                cost.add_fragment(prices, condition, parent, &below);
            }
            form::Selection::FragmentSpread(_) => {}
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::parser::parse_schema;
    use async_graphql::value;

    use super::super::super::limits::Limits;
    use super::super::Compiler;
    use super::*;

    const SDL: &str = r#"
        directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT
        directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
        type Query {
            list(first: Int, last: Int): ItemConnection!
                @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes", "edges"])
            heavy: Item @cost(weight: "10")
            nodes(ids: [ID!]!): [Node]! @listSize(slicingArguments: ["ids"])
            some: [Item!]! @listSize(assumedSize: 3)
            more(first: Int = 7): [Item!]! @listSize(slicingArguments: ["first"])
            count: Int! @cost(weight: "0.3")
        }
        type ItemConnection { nodes: [Item!]! edges: [ItemEdge!]! totalCount: Int! @cost(weight: "1") }
        type ItemEdge @cost(weight: "0.1") { node: Item! }
        interface Node { id: ID! }
        type Item implements Node { id: ID! light: Light list: ItemConnection! some: [Item!]! @listSize(assumedSize: 3) }
        type Other implements Node { id: ID! item: Item! @cost(weight: "4") }
        type Light @cost(weight: "0.1") { x: Int }
    "#;

    fn points(text: &str, variables: Value) -> u64 {
        let prices = Arc::new(Prices::new(&parse_schema(SDL).unwrap()));
        let compiler = Compiler::new(Arc::new(Schema::new(SDL)), prices, Limits::default(), true);
        let document = compiler.compile(text).unwrap();
        assert!(document.invalid.is_empty(), "{text}: {:?}", document.invalid);
        let operation = document.operations.values().next().unwrap();
        let (plan, variables) =
            compiler.plan(&document, operation, Variables::from_value(variables)).unwrap();
        plan.cost.points(&|name| variables.get(name))
    }

    #[test]
    fn lists_cost_as_much_as_they_are_long() {
        for (text, expected) in [
            ("{ __typename }", 0),
            ("{ list { totalCount } }", 2),
            ("{ list { nodes { id } } }", 21),
            ("{ list(first: 5) { nodes { id } } }", 6),
            ("{ list(last: 5) { nodes { id } } }", 6),
            ("{ list(first: null) { nodes { id } } }", 21),
            ("{ list(first: 5, last: 9) { nodes { id } } }", 10),
            ("{ list(first: 10) { edges { node { id } } } }", 12),
            ("{ list(first: 10) { nodes { list { totalCount } } } }", 1 + 10 * (1 + 2)),
            ("{ list(first: 10) { nodes { list { nodes { id } } } } }", 1 + 10 * (1 + 1 + 20)),
            ("{ list(first: 10) { nodes { light { x } } } }", 1 + 10 + 1),
            ("{ list(first: 1) { nodes { light { x } } } }", 3),
            (
                "{ ...L } fragment L on Query { list(first: 5) { ...C } } fragment C on ItemConnection { nodes { id } }",
                6,
            ),
            ("{ heavy { id } }", 11),
            ("{ some { some { id } } }", 3 * (1 + 3)),
            ("{ more { id } }", 7),
            ("{ more(first: 2) { id } a: more(first: 3) { id } }", 5),
            ("{ nodes(ids: [1, 2, 3]) { id } }", 3),
            ("{ nodes(ids: []) { id } }", 0),
            (
                "{ nodes(ids: [1, 2]) { ... on Item { some { id } } ... on Other { item { id } } } }",
                2 * (1 + 5),
            ),
            (
                "{ nodes(ids: [1]) { ...A ...B } } fragment A on Item { some { id } a: some { id } } fragment B on Other { item { id } }",
                1 + 6,
            ),
            ("{ count }", 1),
            ("{ some @skip(if: true) { id } heavy @include(if: true) { id } }", 11),
            ("{ __schema { types { name } } __type(name: \"x\") { name } }", 520),
            // Fields with equal response keys are one field.
            ("{ heavy { id } heavy { light { x } } ...H } fragment H on Query { heavy { id } }", 12),
            ("{ more { id } ... @skip(if: true) { more { light { x } } } }", 7),
        ] {
            assert_eq!(points(text, value!({})), expected, "{text}");
        }
    }

    #[test]
    fn variables_say_how_long_lists_are() {
        let text = "query($n: Int, $l: [ID!]!, $b: Boolean!) {
            list(first: $n) { nodes { id } } nodes(ids: $l) @include(if: $b) { id } }";
        let with = |n: Value, l: usize, b: bool| points(text, value!({"n": n, "l": vec!["x"; l], "b": b}));
        assert_eq!(with(3.into(), 2, true), 1 + 3 + 2);
        assert_eq!(with(3.into(), 2, false), 1 + 3);
        assert_eq!(with(Value::Null, 0, true), 1 + 20);
        assert_eq!(with((-5).into(), 0, true), 1);
        assert_eq!(points("query($i: ID!) { nodes(ids: [$i, $i]) { id } }", value!({"i": 1})), 2);
        let defaults = "query($n: Int = 3, $b: Boolean = true) { list(first: $n) { nodes { id } } heavy @skip(if: $b) { id } }";
        assert_eq!(points(defaults, value!({})), 1 + 3);
        assert_eq!(points(defaults, value!({"b": false, "n": 2.0})), 1 + 2 + 11);
    }
}
