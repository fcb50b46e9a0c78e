//! Selection sets in executable form: `@skip` and `@include` resolved, fragments inlined, fields of equal response keys
//! merged for each type (`CollectFields`, `CollectSubfields`).

use std::collections::HashSet;

use apollo_compiler::ast::{self, Type};
use apollo_compiler::executable::{self, Field, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name, Node};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types as form;
use async_graphql::{Name as FormName, Pos, Positioned};
use async_graphql_value::Value as Written;

use super::super::limits;
use super::super::refusal::RequestError;
use super::syntax::Positions;
use super::{Schema, value};

/// The response key of a placeholder field `__typename`, which no document can use. It is the last field of an empty
/// selection set, so that the answer is an object. It is also added where object types have different fields, so that
/// the answer has the object's type.
pub(crate) const EMPTY: &str = "";

/// The maximum number of visited selections, over all types, before a document is refused.
pub(super) const MAX_VISITED: usize = 200_000;

/// The variables used by `@skip` and `@include` in an operation.
pub(super) fn conditions(document: &ExecutableDocument, operation: &executable::Operation) -> Vec<Name> {
    let mut found = Vec::new();
    each_selection(document, &operation.selection_set, Reach::Below, &mut |selection| {
        for directive in selection.directives().iter().filter(|one| wanted(one).is_some()) {
            if let Some(name) =
                directive.specified_argument_by_name("if").and_then(|value| value.as_variable())
                && !found.contains(name)
            {
                found.push(name.clone());
            }
        }
    });
    found
}

/// The depth to which [`each_selection`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The fields of the set itself.
    Set,
    /// All fields below it as well.
    Below,
}

/// Calls `see` with each selection of a set and of its fragments. Each named fragment is walked once.
pub(super) fn each_selection<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    reach: Reach,
    see: &mut dyn FnMut(&'a Selection),
) {
    let mut spread = HashSet::new();
    let mut rest = vec![set];
    while let Some(set) = rest.pop() {
        for selection in &set.selections {
            see(selection);
            match selection {
                Selection::Field(field) if reach == Reach::Below => rest.extend(&field.selection_set),
                Selection::Field(_) => {}
                Selection::InlineFragment(fragment) => rest.push(&fragment.selection_set),
                Selection::FragmentSpread(fragment) => {
                    if spread.insert(&fragment.fragment_name) {
                        let fragment = document.fragments.get(&fragment.fragment_name);
                        rest.extend(fragment.map(|fragment| &fragment.selection_set));
                    }
                }
            }
        }
    }
}

/// The value of `if` with which a directive includes its selection; `None` for other directives.
fn wanted(directive: &ast::Directive) -> Option<bool> {
    match directive.name.as_str() {
        "skip" => Some(false),
        "include" => Some(true),
        _ => None,
    }
}

/// An argument of an executed field.
#[derive(Debug)]
pub(super) struct Argument {
    pub name: FormName,
    pub of_type: Node<Type>,
    pub value: Written,
    pub at: Pos,
    /// Whether it is an argument of a mutation field, whose input the write path validates.
    pub of_mutation: bool,
}

/// The fields of one response key, never empty.
type Group<'a> = Vec<&'a Node<Field>>;
/// The fields of an object by response key, in the order of their selection.
type Groups<'a> = IndexMap<&'a Name, Group<'a>>;

/// Collects the fields of one operation.
pub(super) struct Collector<'a> {
    pub schema: &'a Schema,
    pub document: &'a ExecutableDocument,
    pub positions: &'a Positions<'a>,
    /// Whether a variable is true.
    pub included: &'a dyn Fn(&str) -> bool,
    /// Whether root fields are mutations.
    pub of_mutation: bool,
    /// The arguments of all fields.
    pub arguments: Vec<Argument>,
    /// Fields and fragments of the form.
    pub size: u64,
    visited: usize,
}

impl<'a> Collector<'a> {
    /// A collector that is empty.
    pub(super) fn new(
        schema: &'a Schema,
        document: &'a ExecutableDocument,
        positions: &'a Positions<'a>,
        included: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            schema,
            document,
            positions,
            included,
            of_mutation: false,
            arguments: Vec::new(),
            size: 0,
            visited: 0,
        }
    }

    /// Collects the root selection set of the operation.
    ///
    /// # Errors
    /// `QUERY_TOO_COMPLEX` if it would be too large.
    pub(super) fn root(
        &mut self,
        operation: &'a executable::Operation,
    ) -> Result<form::SelectionSet, RequestError> {
        self.of_mutation = operation.is_mutation();
        let set = &operation.selection_set;
        let groups = self.collect(&set.ty, &[set])?;
        if groups.is_empty() {
            return Ok(form::SelectionSet { items: vec![empty()] });
        }
        let mut items = Vec::with_capacity(groups.len());
        for group in groups.into_values() {
            items.push(self.field(Some(&set.ty), &group, self.of_mutation)?);
        }
        Ok(form::SelectionSet { items })
    }

    /// Merges selection sets on a value of this type.
    fn set(&mut self, parent: &Name, sets: &[&'a SelectionSet]) -> Result<form::SelectionSet, RequestError> {
        let schema = self.schema;
        let mut by_type = Vec::new();
        for object in schema.possible_types(parent) {
            by_type.push((object, self.collect(object, sets)?));
        }
        let mut items = Vec::new();
        let Some((object, first)) = by_type.first() else { return Ok(form::SelectionSet { items }) };
        // An abstract type can be asked only for fields that it has itself.
        let has = |group: &Group<'_>| {
            group.iter().all(|field| schema.definitions.type_field(parent, &field.name).is_ok())
        };
        if by_type.iter().skip(1).all(|(_, groups)| same(first, groups)) && first.values().all(has) {
            let object = (!schema.is_abstract(parent)).then_some(*object);
            for group in first.values() {
                items.push(self.field(object, group, false)?);
            }
            if items.is_empty() {
                items.push(empty());
            }
            return Ok(form::SelectionSet { items });
        }
        for (object, groups) in by_type.iter().filter(|(_, groups)| !groups.is_empty()) {
            let mut own = Vec::with_capacity(groups.len());
            for group in groups.values() {
                own.push(self.field(Some(object), group, false)?);
            }
            self.count()?;
            items.push(on(object, own));
        }
        // The placeholder yields the object's type, so that the answer is sorted into the order of this type.
        items.push(empty());
        Ok(form::SelectionSet { items })
    }

    fn count(&mut self) -> Result<(), RequestError> {
        self.size += 1;
        limits::check_written(self.size)
    }

    /// `CollectFields`: the fields that these sets select on an object type.
    fn collect(&mut self, object: &Name, sets: &[&'a SelectionSet]) -> Result<Groups<'a>, RequestError> {
        let mut groups = Groups::default();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect_into(object, set, &mut spread, &mut groups)?;
        }
        Ok(groups)
    }

    fn collect_into(
        &mut self,
        object: &Name,
        set: &'a SelectionSet,
        spread: &mut HashSet<&'a Name>,
        groups: &mut Groups<'a>,
    ) -> Result<(), RequestError> {
        for selection in &set.selections {
            self.visited += 1;
            if self.visited > MAX_VISITED {
                return Err(limits::too_much_written());
            }
            if !self.is_included(selection) {
                continue;
            }
            match selection {
                Selection::Field(field) => groups.entry(field.response_name()).or_default().push(field),
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(|on| self.applies(object, on)) {
                        self.collect_into(object, &fragment.selection_set, spread, groups)?;
                    }
                }
                Selection::FragmentSpread(fragment) => {
                    if let Some(fragment) = self.document.fragments.get(&fragment.fragment_name)
                        && spread.insert(&fragment.name)
                        && self.applies(object, fragment.type_condition())
                    {
                        self.collect_into(object, &fragment.selection_set, spread, groups)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn applies(&self, object: &Name, condition: &Name) -> bool {
        self.schema.possible_types(condition).contains(object)
    }

    fn is_included(&self, selection: &Selection) -> bool {
        selection.directives().iter().all(|directive| {
            let Some(wanted) = wanted(directive) else { return true };
            match directive.specified_argument_by_name("if").map(|value| &**value) {
                Some(ast::Value::Boolean(value)) => *value == wanted,
                Some(ast::Value::Variable(name)) => (self.included)(name) == wanted,
                _ => true,
            }
        })
    }

    /// Makes one field of an object, or of an abstract type, from all fields of its response key.
    fn field(
        &mut self,
        object: Option<&Name>,
        group: &Group<'a>,
        of_mutation: bool,
    ) -> Result<Positioned<form::Selection>, RequestError> {
        self.count()?;
        // Groups are never empty.
        let Some(field) = group.first() else { return Ok(empty()) };
        let definition =
            object.and_then(|object| self.schema.definitions.type_field(object, &field.name).ok());
        let definition = definition.unwrap_or(&field.definition);
        let sets: Vec<&SelectionSet> =
            group.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        let selection_set = if sets.is_empty() {
            form::SelectionSet::default()
        } else {
            self.set(definition.ty.inner_named_type(), &sets)?
        };
        let mut arguments = Vec::with_capacity(field.arguments.len());
        for argument in &field.arguments {
            let (name, at) = (FormName::new(argument.name.as_str()), self.positions.of(argument.location()));
            let defined = definition.argument_by_name(&argument.name);
            let value = match defined {
                Some(defined) => value::typed(self.schema, &defined.ty, &argument.value),
                None => value::written(&argument.value),
            };
            if let Some(defined) = defined {
                self.arguments.push(Argument {
                    name: name.clone(),
                    of_type: defined.ty.clone(),
                    value: value.clone(),
                    at,
                    of_mutation,
                });
            }
            let value = Positioned::new(value, self.positions.of(argument.value.location()));
            arguments.push((Positioned::new(name, at), value));
        }
        let at = self.positions.of(field.location());
        let named = |name: &Name| Positioned::new(FormName::new(name.as_str()), at);
        let field = form::Field {
            alias: field.alias.as_ref().map(named),
            name: named(&field.name),
            arguments,
            directives: Vec::new(),
            selection_set: Positioned::new(selection_set, at),
        };
        Ok(Positioned::new(form::Selection::Field(Positioned::new(field, at)), at))
    }
}

/// The placeholder field with the response key [`EMPTY`].
fn empty() -> Positioned<form::Selection> {
    let at = Pos::default();
    let field = form::Field {
        alias: Some(Positioned::new(FormName::new(EMPTY), at)),
        name: Positioned::new(FormName::new("__typename"), at),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(form::SelectionSet::default(), at),
    };
    Positioned::new(form::Selection::Field(Positioned::new(field, at)), at)
}

/// Whether the same fields are selected in the same order.
fn same(one: &Groups<'_>, other: &Groups<'_>) -> bool {
    let same_fields = |one: &Group<'_>, other: &Group<'_>| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.ptr_eq(other))
    };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((key, one), (other_key, other))| key == other_key && same_fields(one, other))
}

/// A fragment on an object type.
fn on(object: &Name, items: Vec<Positioned<form::Selection>>) -> Positioned<form::Selection> {
    let at = items.first().map_or_else(Pos::default, |first| first.pos);
    let condition = form::TypeCondition { on: Positioned::new(FormName::new(object.as_str()), at) };
    let fragment = form::InlineFragment {
        type_condition: Some(Positioned::new(condition, at)),
        directives: Vec::new(),
        selection_set: Positioned::new(form::SelectionSet { items }, at),
    };
    Positioned::new(form::Selection::InlineFragment(Positioned::new(fragment, at)), at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::{Value, Variables, value};
    use proptest::prelude::*;

    use super::super::super::cost::Prices;
    use super::super::super::limits::Limits;
    use super::super::{Compiler, Plan};
    use super::*;

    const SDL: &str = "type Query { a: A b: B node: Node any: Any }
        interface Node { x: Int y: Int node: Node }
        type A implements Node { x: Int y: Int node: Node a: A }
        type B implements Node { x: Int y: Int node: Node b: B any: Any }
        type C { z: Int }
        union Any = A | C";

    /// The shape of a selection set: response keys in order, each with the shape below it for each possible type.
    #[derive(Debug, PartialEq, Eq)]
    struct Shape(Vec<(String, Vec<(String, Shape)>)>);

    fn compiler() -> Compiler {
        let limits = Limits {
            document: 1_000_000,
            tokens: 100_000,
            aliases: 10_000,
            directives: 10_000,
            depth: 31,
            ..Limits::default()
        };
        Compiler::new(Arc::new(Schema::new(SDL)), Arc::new(Prices::default()), limits, true)
    }

    /// The shape that the specification requires, by a literal implementation of its algorithm.
    fn specified(
        schema: &Schema,
        document: &ExecutableDocument,
        truths: &dyn Fn(&str) -> bool,
        object: &str,
        sets: &[&SelectionSet],
    ) -> Shape {
        fn walk<'a>(
            schema: &Schema,
            document: &'a ExecutableDocument,
            truths: &dyn Fn(&str) -> bool,
            object: &str,
            set: &'a SelectionSet,
            found: &mut Vec<(&'a Name, Vec<&'a Node<Field>>)>,
        ) {
            let applies = |on: &Name| on == object || schema.definitions.is_subtype(on, object);
            for selection in &set.selections {
                let is = |name: &str| {
                    let directive = selection.directives().get(name)?;
                    match &**directive.specified_argument_by_name("if")? {
                        ast::Value::Boolean(value) => Some(*value),
                        ast::Value::Variable(name) => Some(truths(name)),
                        _ => None,
                    }
                };
                if is("skip") == Some(true) || is("include") == Some(false) {
                    continue;
                }
                match selection {
                    Selection::Field(field) => {
                        match found.iter_mut().find(|(key, _)| *key == field.response_name()) {
                            Some((_, fields)) => fields.push(field),
                            None => found.push((field.response_name(), vec![field])),
                        }
                    }
                    Selection::InlineFragment(fragment) => {
                        if fragment.type_condition.as_ref().is_none_or(applies) {
                            walk(schema, document, truths, object, &fragment.selection_set, found);
                        }
                    }
                    Selection::FragmentSpread(fragment) => {
                        let fragment = &document.fragments[&fragment.fragment_name];
                        if applies(fragment.type_condition()) {
                            walk(schema, document, truths, object, &fragment.selection_set, found);
                        }
                    }
                }
            }
        }
        let mut found = Vec::new();
        for set in sets {
            walk(schema, document, truths, object, set, &mut found);
        }
        let fields = found.into_iter().map(|(key, fields)| {
            let of = fields[0].definition.ty.inner_named_type();
            let sets: Vec<&SelectionSet> =
                fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
            let possible = if sets.is_empty() { &[][..] } else { schema.possible_types(of) };
            let below =
                possible.iter().map(|of| (of.to_string(), specified(schema, document, truths, of, &sets)));
            (key.to_string(), below.collect())
        });
        Shape(fields.collect())
    }

    /// The shape of an executable form.
    fn executed(schema: &Schema, parent: &str, object: &str, set: &form::SelectionSet) -> Shape {
        let mut fields = Vec::new();
        for item in &set.items {
            match &item.node {
                form::Selection::Field(field) => {
                    let name = &field.node.name.node;
                    assert!(
                        schema.definitions.type_field(parent, name).is_ok(),
                        "{parent} does not answer {name}"
                    );
                    fields.push(&field.node);
                }
                form::Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    assert!(fragment.directives.is_empty());
                    let on = &fragment.type_condition.as_ref().expect("it has a condition").node.on.node;
                    if on == object {
                        fields.extend(fragment.selection_set.node.items.iter().map(
                            |item| match &item.node {
                                form::Selection::Field(field) => &field.node,
                                _ => panic!("there is a fragment in a fragment"),
                            },
                        ));
                    }
                }
                form::Selection::FragmentSpread(_) => panic!("there is a fragment of a name"),
            }
        }
        assert!(!fields.is_empty(), "a selection set must not be empty");
        let mut keys = HashSet::new();
        let mut shape = Vec::new();
        for field in fields {
            let key = field.response_key().node.to_string();
            assert!(keys.insert(key.clone()), "{key} is there twice");
            assert!(field.directives.is_empty());
            if key == EMPTY {
                continue;
            }
            let set = &field.selection_set.node;
            let of = schema.definitions.type_field(object, &field.name.node).unwrap().ty.inner_named_type();
            let possible = if set.items.is_empty() { &[][..] } else { schema.possible_types(of) };
            let below = possible.iter().map(|object| (object.to_string(), executed(schema, of, object, set)));
            shape.push((key, below.collect()));
        }
        Shape(shape)
    }

    /// A strategy for selections on a type, as text.
    fn selections(of: &'static str, depth: u32) -> BoxedStrategy<String> {
        let fields: &[(&str, Option<&'static str>)] = match of {
            "Query" => &[("a", Some("A")), ("b", Some("B")), ("node", Some("Node")), ("any", Some("Any"))],
            "A" => &[("x", None), ("y", None), ("node", Some("Node")), ("a", Some("A"))],
            "B" => {
                &[("x", None), ("y", None), ("node", Some("Node")), ("b", Some("B")), ("any", Some("Any"))]
            }
            "Node" => &[("x", None), ("y", None), ("node", Some("Node"))],
            "C" => &[("z", None)],
            _ => &[],
        };
        let within: &[&'static str] = match of {
            "Node" => &["A", "B", "Node"],
            "Any" => &["A", "C", "Any", "Node"],
            "A" => &["A", "Node", "Any"],
            other => &[other],
        };
        let condition = prop_oneof![
            4 => Just(String::new()),
            1 => prop::sample::select(vec!["skip", "include"]).prop_flat_map(|name| {
                let values = prop::sample::select(vec!["true", "false", "$p", "$q"]);
                values.prop_map(move |value| format!(" @{name}(if: {value})"))
            }),
        ];
        let mut one = vec![Just("__typename".to_owned()).boxed()];
        for (name, below) in fields.iter().copied() {
            let alias = prop_oneof![3 => Just(String::new()), 1 => Just(format!("k_{name}: "))];
            let below = match below {
                Some(_) if depth == 0 => continue,
                Some(below) => selections(below, depth - 1).prop_map(|set| format!(" {{ {set} }}")).boxed(),
                None => Just(String::new()).boxed(),
            };
            let field = (alias, condition.clone(), below)
                .prop_map(move |(alias, condition, below)| format!("{alias}{name}{condition}{below}"));
            one.push(field.boxed());
        }
        if depth > 0 {
            let fragment = prop::sample::select(within.to_vec())
                .prop_flat_map(move |on| selections(on, depth - 1).prop_map(move |set| (on, set)));
            let fragment = (fragment, condition)
                .prop_map(|((on, set), condition)| format!("... on {on}{condition} {{ {set} }}"));
            one.push(fragment.boxed());
        }
        prop::collection::vec(prop::strategy::Union::new(one), 1..5).prop_map(|all| all.join(" ")).boxed()
    }

    fn plan(compiler: &Compiler, text: &str, variables: Value) -> Arc<Plan> {
        let document = compiler.compile(text).unwrap();
        assert!(document.invalid.is_empty(), "{text}: {:?}", document.invalid);
        let operation = &document.operations[&None];
        compiler.plan(&document, operation, Variables::from_value(variables)).unwrap().0
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
        #[test]
        fn a_form_is_what_the_specification_says(set in selections("Query", 3), p in any::<bool>(), q in any::<bool>()) {
            // Both variables must be used for the document to be valid.
            let text = format!("query($p: Boolean!, $q: Boolean = {q}) {{ a @skip(if: $p) {{ x }} b @include(if: $q) {{ x }} {set} }}");
            let compiler = compiler();
            let plan = plan(&compiler, &text, value!({ "p": p }));
            let schema = &compiler.schema;
            let document = ExecutableDocument::parse_and_validate(&schema.definitions, &text, "x").unwrap();
            let operation = document.operations.get(None).unwrap();
            let truths = |name: &str| if name == "p" { p } else { q };
            let specified = specified(schema, &document, &truths, "Query", &[&operation.selection_set]);
            prop_assert_eq!(executed(schema, "Query", "Query", plan.root()), specified, "{}", text);
        }
    }

    #[test]
    fn a_form_that_would_grow_beyond_bounds_is_refused() {
        // On each level two types select different fields below a field that both have.
        let mut text = String::from("x");
        for _ in 0..12 {
            text = format!("node {{ ... on A {{ y node {{ x }} }} ... on B {{ x node {{ y }} }} {text} }}");
        }
        let compiler = compiler();
        let document = compiler.compile(&format!("{{ {text} }}")).unwrap();
        assert!(document.invalid.is_empty(), "{:?}", document.invalid);
        let refused = compiler.plan(&document, &document.operations[&None], Variables::default());
        assert_eq!(refused.unwrap_err().code, kernel::error::Code::QueryTooComplex);
    }
}
