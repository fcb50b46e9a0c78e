//! Validation: the rules of apollo-compiler, and rules that it lacks or that differ from the specification.

use std::collections::HashSet;

use apollo_compiler::ast::{self, Type};
use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::executable::{self, Field, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node};
use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::{Pos, ServerError};

use super::super::limits;
use super::collect::{MAX_VISITED, Reach, each_selection};
use super::syntax::Positions;
use super::{Schema, invalid, suggest, value};

/// The maximum number of errors taken from the library: each costs time to format, and no response has as many.
const MAX_ERRORS: usize = 50;

/// Validates a document.
///
/// # Errors
/// All violated rules, each as `GRAPHQL_VALIDATION_FAILED`.
pub(super) fn validate(
    schema: &Schema,
    syntax: &ast::Document,
    positions: &Positions<'_>,
) -> Result<Valid<ExecutableDocument>, Vec<ServerError>> {
    let (document, errors) = match syntax.to_executable_validate(&schema.definitions) {
        Ok(valid) => (valid.into_inner(), Vec::new()),
        Err(failed) => {
            let errors = failed.errors.iter().filter_map(|diagnostic| {
                let name = diagnostic.error.unstable_error_name();
                // The library does not merge equal response keys. `one_field_of_subscription` checks this rule instead.
                if name == Some("SubscriptionUsesMultipleFields") {
                    return None;
                }
                let at = positions.of(diagnostic.error.location());
                let message = diagnostic.error.unstable_compat_message();
                let message =
                    worded(message.unwrap_or_else(|| diagnostic.error.to_string().replace('`', "\"")), name);
                let hint = hint(schema, name, &message);
                Some((message + &hint, at))
            });
            let errors: IndexSet<(String, Pos)> = errors.take(MAX_ERRORS).collect();
            (failed.partial, errors.into_iter().map(|(message, at)| invalid(message, at)).collect())
        }
    };
    let mut rules =
        Rules { schema, document: &document, positions, errors, compared: HashSet::new(), visited: 0 };
    rules.check();
    let errors = rules.errors;
    if errors.is_empty() { Ok(Valid::assume_valid(document)) } else { Err(errors) }
}

/// Rewords a message of the library.
fn worded(message: String, rule: Option<&str>) -> String {
    match rule {
        Some("UndefinedField") => message.replacen("Cannot query field", "Unknown field", 1),
        // The type of the argument is left out, as callers without introspection must not learn it.
        Some("RequiredArgument") => match message.split_once(" of type ") {
            Some((named, _)) => format!("{named} is required, but it was not provided."),
            None => message,
        },
        // The library writes the name of the type first, without quotes.
        Some("UnsupportedValueType") => match message.split_once(" cannot represent value: ") {
            Some((of_type, value)) => format!("Expected value of type \"{of_type}\", found {value}."),
            None => message,
        },
        // The library's message lacks two quotation marks.
        Some("ConflictingFieldType") => message.replacen(" and \"", "\" and \"", 1),
        _ => message,
    }
}

/// Suggests similar names for the names that a message of the library has in quotation marks.
fn hint(schema: &Schema, rule: Option<&str>, message: &str) -> String {
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let types = &schema.definitions.types;
    let definition = |name: &str| types.get(name);
    match (rule, quoted.as_slice()) {
        (Some("UndefinedField"), [field, of_type, ..]) => match definition(of_type) {
            Some(ExtendedType::Object(object)) => {
                suggest::suggestion(field, object.fields.keys().map(Name::as_str))
            }
            Some(ExtendedType::Interface(interface)) => {
                suggest::suggestion(field, interface.fields.keys().map(Name::as_str))
            }
            _ => String::new(),
        },
        (Some("UndefinedArgument"), [argument, coordinate, ..]) => {
            let arguments = match coordinate.split_once('.') {
                Some((of_type, field)) => schema
                    .definitions
                    .type_field(of_type, field)
                    .map(|field| field.arguments.as_slice())
                    .unwrap_or_default(),
                None => schema
                    .definitions
                    .directive_definitions
                    .get(coordinate.trim_start_matches('@'))
                    .map(|directive| directive.arguments.as_slice())
                    .unwrap_or_default(),
            };
            suggest::suggestion(argument, arguments.iter().map(|one| one.name.as_str()))
        }
        (Some("UndefinedInputValue"), [field, of_type, ..]) => match definition(of_type) {
            Some(ExtendedType::InputObject(object)) => {
                suggest::suggestion(field, object.fields.keys().map(Name::as_str))
            }
            _ => String::new(),
        },
        (Some("UndefinedEnumValue"), [value, of_type, ..]) => match definition(of_type) {
            Some(ExtendedType::Enum(of)) => suggest::suggestion(value, of.values.keys().map(Name::as_str)),
            _ => String::new(),
        },
        (
            Some(
                "UndefinedDefinition"
                | "UndefinedTypeInNamedFragmentTypeCondition"
                | "UndefinedTypeInInlineFragmentTypeCondition",
            ),
            [name, ..],
        ) => suggest::suggestion(name, types.keys().map(Name::as_str)),
        (Some("UndefinedDirective"), [name, ..]) => {
            let known = schema.definitions.directive_definitions.keys().map(Name::as_str);
            suggest::suggestion(name.trim_start_matches('@'), known)
        }
        _ => String::new(),
    }
}

/// The rules that the library lacks.
struct Rules<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    positions: &'a Positions<'a>,
    errors: Vec<ServerError>,
    /// The groups of fields already compared, so that none is compared twice.
    compared: HashSet<Vec<*const Field>>,
    visited: usize,
}

impl<'a> Rules<'a> {
    fn check(&mut self) {
        let document = self.document;
        for operation in document.operations.iter() {
            for variable in &operation.variables {
                if let Some(default) = &variable.default_value {
                    self.literal(&variable.ty, default);
                }
            }
            self.directives(&operation.directives);
            self.literals(&operation.selection_set);
            self.one_field_of_subscription(operation);
            self.null_defaults(operation);
        }
        for fragment in document.fragments.values() {
            self.directives(&fragment.directives);
            self.literals(&fragment.selection_set);
        }
        // The library finds fields that cannot be merged, except for list arguments with a common beginning.
        if self.errors.is_empty() {
            for operation in document.operations.iter() {
                self.equal_arguments(&[&operation.selection_set]);
            }
        }
    }

    fn fail(&mut self, message: impl Into<String>, at: Pos) {
        self.errors.push(invalid(message, at));
    }

    /// The rules Values of Correct Type, for custom scalars, and Input Object Field Uniqueness.
    fn literals(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(defined) = field.definition.argument_by_name(&argument.name) {
                            self.literal(&defined.ty, &argument.value);
                        }
                    }
                    if let Some(set) = &field.selection_set {
                        self.literals(set);
                    }
                }
                Selection::InlineFragment(fragment) => self.literals(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn directives(&mut self, directives: &'a ast::DirectiveList) {
        for directive in directives {
            let Some(definition) = self.schema.definitions.directive_definitions.get(&directive.name) else {
                continue;
            };
            for argument in &directive.arguments {
                if let Some(defined) = definition.argument_by_name(&argument.name) {
                    self.literal(&defined.ty, &argument.value);
                }
            }
        }
    }

    fn literal(&mut self, of_type: &Type, value: &Node<ast::Value>) {
        let name = of_type.inner_named_type();
        match &**value {
            ast::Value::Null | ast::Value::Variable(_) | ast::Value::String(_) => {}
            ast::Value::List(items) if of_type.is_list() => {
                for item in items {
                    self.literal(of_type.item_type(), item);
                }
            }
            ast::Value::Object(members) => {
                let mut seen = HashSet::new();
                for (key, _) in members {
                    if !seen.insert(key) {
                        let message = format!("There can be only one input field named \"{key}\".");
                        self.fail(message, self.positions.of(key.location()));
                    }
                }
                let Some(ExtendedType::InputObject(object)) = self.schema.definitions.types.get(name) else {
                    return self.text_scalar(name, value);
                };
                for (key, value) in members {
                    if let Some(field) = object.fields.get(key) {
                        self.literal(&field.ty, value);
                    }
                }
            }
            ast::Value::Int(_) if name == "Decimal" => {}
            _ => self.text_scalar(name, value),
        }
    }

    /// Refuses a literal that is not a string where a text scalar is expected.
    fn text_scalar(&mut self, name: &Name, value: &Node<ast::Value>) {
        if value::is_text_scalar(name) {
            let message = format!("Expected value of type \"{name}\", which is a string.");
            self.fail(message, self.positions.of(value.location()));
        }
    }

    /// The rule Single Root Field. Fields with equal response keys count as one.
    fn one_field_of_subscription(&mut self, operation: &'a executable::Operation) {
        if !operation.is_subscription() {
            return;
        }
        let mut keys = HashSet::new();
        each_selection(self.document, &operation.selection_set, Reach::Set, &mut |selection| {
            if let Selection::Field(field) = selection {
                keys.insert(field.response_name());
            }
        });
        if keys.len() > 1 {
            let first = operation.selection_set.selections.first();
            let at = self.positions.of(first.and_then(|selection| match selection {
                Selection::Field(field) => field.location(),
                Selection::InlineFragment(fragment) => fragment.location(),
                Selection::FragmentSpread(fragment) => fragment.location(),
            }));
            self.fail("A subscription has one field at its root. Send one subscription for each.", at);
        }
    }

    /// The rule All Variable Usages Are Allowed: a default of null does not permit a variable in a non-null position.
    fn null_defaults(&mut self, operation: &'a executable::Operation) {
        let nullable: Vec<&Node<ast::VariableDefinition>> = operation
            .variables
            .iter()
            .filter(|one| one.default_value.as_ref().is_some_and(|default| default.is_null()))
            .collect();
        if nullable.is_empty() {
            return;
        }
        each_selection(self.document, &operation.selection_set, Reach::Below, &mut |selection| {
            for directive in selection.directives() {
                let definition = self.schema.definitions.directive_definitions.get(&directive.name);
                for argument in &directive.arguments {
                    let defined = definition.and_then(|one| one.argument_by_name(&argument.name));
                    self.null_default(&nullable, defined, &argument.value);
                }
            }
            if let Selection::Field(field) = selection {
                for argument in &field.arguments {
                    let defined = field.definition.argument_by_name(&argument.name);
                    self.null_default(&nullable, defined, &argument.value);
                }
            }
        });
    }

    fn null_default(
        &mut self,
        nullable: &[&Node<ast::VariableDefinition>],
        defined: Option<&Node<ast::InputValueDefinition>>,
        value: &Node<ast::Value>,
    ) {
        if let Some(defined) = defined {
            self.null_default_at(nullable, &defined.ty, defined.default_value.is_some(), value);
        }
    }

    fn null_default_at(
        &mut self,
        nullable: &[&Node<ast::VariableDefinition>],
        of_type: &Type,
        has_default: bool,
        value: &Node<ast::Value>,
    ) {
        match &**value {
            ast::Value::Variable(name) => {
                let Some(variable) = nullable.iter().find(|one| one.name == *name) else { return };
                if of_type.is_non_null() && !has_default {
                    let message = format!(
                        "Variable \"${name}\" of type \"{}\" used in position expecting type \"{of_type}\".",
                        variable.ty
                    );
                    self.fail(message, self.positions.of(value.location()));
                }
            }
            ast::Value::List(items) if of_type.is_list() => {
                for item in items {
                    self.null_default_at(nullable, of_type.item_type(), false, item);
                }
            }
            ast::Value::Object(members) => {
                let of = self.schema.definitions.types.get(of_type.inner_named_type());
                let Some(ExtendedType::InputObject(object)) = of else { return };
                for (key, value) in members {
                    let Some(field) = object.fields.get(key) else { continue };
                    // The field of a `@oneOf` object is never null.
                    let of_type =
                        if object.is_one_of() { (*field.ty).clone().non_null() } else { (*field.ty).clone() };
                    self.null_default_at(nullable, &of_type, field.default_value.is_some(), value);
                }
            }
            _ => {}
        }
    }

    /// The part of the rule Field Selection Merging that the library lacks: lists of different lengths are different
    /// arguments.
    fn equal_arguments(&mut self, sets: &[&'a SelectionSet]) {
        let mut by_key: IndexMap<&Name, Vec<(&Name, &'a Node<Field>)>> = IndexMap::new();
        let mut spread = HashSet::new();
        for set in sets {
            self.expand(set, &mut spread, &mut by_key);
        }
        for fields in by_key.into_values() {
            // Fields of two different object types are never merged. All others may be.
            let mut by_parent: IndexMap<&Name, Vec<&'a Node<Field>>> = IndexMap::new();
            let (of_objects, of_abstract): (Vec<_>, Vec<_>) =
                fields.into_iter().partition(|(parent, _)| !self.schema.is_abstract(parent));
            for (parent, field) in of_objects {
                by_parent.entry(parent).or_default().push(field);
            }
            let of_abstract: Vec<&'a Node<Field>> = of_abstract.into_iter().map(|(_, field)| field).collect();
            let groups: Vec<Vec<&'a Node<Field>>> = if by_parent.is_empty() {
                vec![of_abstract]
            } else {
                by_parent
                    .into_values()
                    .map(|own| own.into_iter().chain(of_abstract.iter().copied()).collect())
                    .collect()
            };
            for group in groups {
                self.equal_in_group(&group);
                let sets: Vec<&'a SelectionSet> =
                    group.iter().filter_map(|field| field.selection_set.as_ref()).collect();
                let fields: Vec<*const Field> =
                    group.iter().map(|field| std::ptr::from_ref::<Field>(field)).collect();
                if !sets.is_empty() && self.compared.insert(fields) {
                    self.equal_arguments(&sets);
                }
                if !self.errors.is_empty() {
                    return;
                }
            }
        }
    }

    fn expand(
        &mut self,
        set: &'a SelectionSet,
        spread: &mut HashSet<&'a Name>,
        by_key: &mut IndexMap<&'a Name, Vec<(&'a Name, &'a Node<Field>)>>,
    ) {
        for selection in &set.selections {
            self.visited += 1;
            if self.visited > MAX_VISITED {
                if self.errors.is_empty() {
                    self.errors.push(limits::too_much_written().into_server_error());
                }
                return;
            }
            match selection {
                Selection::Field(field) => {
                    by_key.entry(field.response_name()).or_default().push((&set.ty, field));
                }
                Selection::InlineFragment(fragment) => self.expand(&fragment.selection_set, spread, by_key),
                Selection::FragmentSpread(fragment) => {
                    if spread.insert(&fragment.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&fragment.fragment_name)
                    {
                        self.expand(&fragment.selection_set, spread, by_key);
                    }
                }
            }
        }
    }

    fn equal_in_group(&mut self, group: &[&'a Node<Field>]) {
        let Some((first, rest)) = group.split_first() else { return };
        for field in rest {
            if first.ptr_eq(field) {
                continue;
            }
            let differs = first.arguments.iter().any(|argument| {
                let other = field.arguments.iter().find(|other| other.name == argument.name);
                other.is_some_and(|other| !same_value(&argument.value, &other.value))
            });
            if differs {
                let message = format!(
                    "Fields \"{}\" conflict because they have differing arguments. Use different aliases on the fields to \
                     fetch both if this was intentional.",
                    first.response_name()
                );
                self.fail(message, self.positions.of(field.location()));
                return;
            }
        }
    }
}

/// Whether two values are equal, regardless of the order of object fields.
fn same_value(one: &ast::Value, other: &ast::Value) -> bool {
    match (one, other) {
        (ast::Value::List(one), ast::Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (ast::Value::Object(one), ast::Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    let found = other.iter().find(|(name, _)| name == key);
                    found.is_some_and(|(_, other)| same_value(value, other))
                })
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;

    const SDL: &str = "type Query { find(by: By, in: In, ids: [ID!], date: Date, name: String!): Node }
        type Subscription { a: Int b: Int }
        interface Node { id: ID! find(ids: [ID!]): Node }
        type A implements Node { id: ID! find(ids: [ID!]): Node }
        type B implements Node { id: ID! find(ids: [ID!]): Node }
        scalar Date
        input By @oneOf { id: ID slug: String }
        input In { a: Int! = 1 b: [Int!] name: String! = \"x\" date: Date in: In }
        schema { query: Query subscription: Subscription }";

    fn refused(schema: &Schema, text: &str) -> Vec<String> {
        let positions = Positions::new(text);
        let parsed = syntax::parse(text, &positions).unwrap();
        let errors = validate(schema, &parsed, &positions).err().unwrap_or_default();
        errors.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn what_the_library_passes_over_is_refused() {
        let schema = Schema::new(SDL);
        let find = |arguments: &str| format!("{{ find(name: \"a\", {arguments}) {{ id }} }}");
        for (text, says) in [
            (find("in: {a: 1, a: 2}"), "only one input field named \"a\""),
            (find("in: {in: {b: 1, b: 2}}"), "only one input field named \"b\""),
            (find("date: 5"), "\"Date\""),
            (find("in: {date: {a: 1}}"), "\"Date\""),
            ("query($n: String = null) { find(name: $n) { id } }".into(), "used in position expecting"),
            (
                "query($n: ID = null) { find(name: \"a\", ids: [$n]) { id } }".into(),
                "used in position expecting",
            ),
            (
                "query($n: ID = null) { find(name: \"a\", by: {id: $n}) { id } }".into(),
                "used in position expecting",
            ),
            (
                "{ find(name: \"a\", ids: [1]) { id } find(name: \"a\", ids: [1, 2]) { id } }".into(),
                "differing arguments",
            ),
            (
                "{ find(name: \"a\") { ... on A { x: find(ids: [1]) { id } } x: find(ids: [1, 2]) { id } } }"
                    .into(),
                "differing arguments",
            ),
            ("subscription { a b }".into(), "one field at its root"),
            ("subscription { ...F a } fragment F on Subscription { b }".into(), "one field at its root"),
            ("{ fnd { id } }".into(), "Unknown field \"fnd\" on type \"Query\". Did you mean \"find\"?"),
            (find("dates: 1"), "Did you mean \"date\""),
        ] {
            let errors = refused(&schema, &text);
            assert!(errors.iter().any(|error| error.contains(says)), "{text}: {errors:?}");
        }
    }

    #[test]
    fn what_is_valid_is_taken() {
        let schema = Schema::new(SDL);
        for text in [
            "query($n: String = \"a\") { find(name: $n) { id } }",
            "query($n: String = null) { find(name: \"a\", in: {name: $n}) { id } }",
            "query($i: Int = null) { find(name: \"a\", in: {a: $i}) { id } }",
            "{ find(name: \"a\", date: \"no date\") { id } }",
            "subscription { a a ...F } fragment F on Subscription { a }",
            "{ find(name: \"a\") { ... on A { x: find(ids: [1]) { id } } ... on B { x: find(ids: [1, 2]) { id } } } }",
            "{ find(name: \"a\", ids: [1, 2]) { id } find(ids: [1, 2], name: \"a\") { __typename } }",
        ] {
            assert_eq!(refused(&schema, text), [""; 0], "{text}");
        }
    }
}
