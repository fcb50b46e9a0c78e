//! Corrections to the responses of async-graphql.
//!
//! Three things violate the GraphQL specification: fields come in the order in which they were resolved; a field that
//! failed is left out, where it or its parent should be null; an object with an empty selection set is null.

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, Field, Selection, SelectionSet, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, PathSegment, Positioned, Response, ServerError, Value};

use super::compile::EMPTY;
use super::refusal::{RequestError, set_code};
use kernel::error::Code;

/// The maximum length of a message in characters: those of a parser quote the whole line.
const MAX_MESSAGE: usize = 1000;

/// The built-in scalars of every schema.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// The types of all fields of the schema.
#[derive(Debug)]
pub(super) struct FieldTypes {
    /// The fields of each object type and interface.
    fields: HashMap<String, HashMap<String, Type>>,
}

impl FieldTypes {
    /// The types of a schema in SDL.
    pub(super) fn new(document: ServiceDocument) -> Self {
        let mut fields = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            let of_type = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => continue,
            };
            let of_type =
                of_type.into_iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node));
            fields.insert(name, of_type.collect());
        }
        Self { fields }
    }

    fn of(&self, parent: &str, field: &str) -> Option<&Type> {
        self.fields.get(parent)?.get(field)
    }
}

/// Sorts the fields of all objects into the order of their selection, and removes the placeholder [`EMPTY`], so that an
/// object with an empty selection set stays as an object without fields.
pub(super) fn put_in_order(value: &mut Value, set: &SelectionSet) {
    match value {
        Value::Object(object) => {
            let of_type =
                set.items.last().filter(|item| is_empty(item)).and_then(|_| object.shift_remove(EMPTY));
            let mut fields = Vec::with_capacity(object.len());
            collect_fields(set, of_type.as_ref(), &mut fields);
            let keys = fields.iter().map(|field| &field.response_key().node);
            if !object.keys().eq(keys.clone()) {
                let place: HashMap<&Name, usize> =
                    keys.enumerate().map(|(place, key)| (key, place)).collect();
                object.sort_by_cached_key(|key, _| place.get(key).copied().unwrap_or(usize::MAX));
            }
            for (place, field) in fields.iter().enumerate() {
                let (key, set) = (&field.response_key().node, &field.selection_set.node);
                if set.items.is_empty() {
                    continue;
                }
                // Each field is at its index, unless one is missing.
                let value = match object.get_index_mut(place) {
                    Some((found, value)) if found == key => Some(value),
                    _ => object.get_mut(key),
                };
                if let Some(value) = value {
                    put_in_order(value, set);
                }
            }
        }
        Value::List(items) => {
            for item in items {
                put_in_order(item, set);
            }
        }
        _ => {}
    }
}

/// Whether this is the placeholder [`EMPTY`] of an empty selection set, which also yields the object's type for
/// fragments.
fn is_empty(item: &Positioned<Selection>) -> bool {
    match &item.node {
        Selection::Field(field) => field.node.alias.as_ref().is_some_and(|alias| alias.node == EMPTY),
        _ => false,
    }
}

/// Collects the fields that are selected on an object of this type.
fn collect_fields<'a>(set: &'a SelectionSet, of_type: Option<&Value>, fields: &mut Vec<&'a Field>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(_) if is_empty(item) => {}
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(fragment) => {
                let condition =
                    fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                let applies = match (of_type, condition) {
                    (Some(Value::String(name)), Some(condition)) => condition == name,
                    _ => true,
                };
                if applies {
                    collect_fields(&fragment.node.selection_set.node, of_type, fields);
                }
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// The executed operation: the text of its document, its root selection set, and the name of the root type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executed<'a> {
    pub text: &'a str,
    pub set: &'a SelectionSet,
    pub root: &'a str,
    /// Whether messages must not reveal names of the schema that are not in the document.
    pub discreet: bool,
}

/// Corrects a response with errors, of which it keeps at most `max_errors`. Returns whether the request was executed.
pub(super) fn mend(
    response: &mut Response,
    executed: Executed<'_>,
    shapes: &FieldTypes,
    max_errors: usize,
) -> bool {
    let was_executed =
        response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    if !was_executed {
        response.errors.truncate(max_errors);
    }
    for error in &mut response.errors {
        if give_code(error) {
            tell(&mut error.message, executed.text, executed.discreet);
        }
    }
    if was_executed {
        let mender = ResponseRepair { shapes };
        mender.mend(&mut response.data, &response.errors, (executed.root, executed.set));
    }
    response.errors.truncate(max_errors);
    for error in &mut response.errors {
        shorten(&mut error.message);
    }
    was_executed
}

/// Prepares a message for the client: shortens it, and if `discreet`, conceals names of the schema.
pub(super) fn tell(message: &mut String, document: &str, discreet: bool) {
    if discreet {
        conceal(message, document);
    }
    shorten(message);
}

/// Truncates a message that is too long.
pub(super) fn shorten(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
}

/// Adds a code to an error of the library. Returns false if the error has a code already.
fn give_code(error: &mut ServerError) -> bool {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
        return false;
    }
    // For example a nullable variable that is null, used for a non-null argument.
    let is_input = error.message.starts_with("Failed to parse \"")
        || error.message.starts_with("Expected input type \"")
        || error.message.contains("(occurred while parsing \"");
    let code = if is_input {
        Code::BadUserInput
    } else {
        // All errors of this program have a code. So this is an internal error, and its text may hold confidential
        // data.
        tracing::error!(error = %error.message, path = ?error.path, "request failed without a code");
        error.message = RequestError::fault().message;
        Code::InternalServerError
    };
    set_code(error, code);
    true
}

/// Removes names from a message that are not in the document, so that callers without introspection cannot find out the
/// schema by guessing.
fn conceal(message: &mut String, document: &str) {
    /// The text before the name of the expected type.
    const WITHIN: &str = "(occurred while parsing \"";
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let suggestion = message.find(" Did you mean ");
    message.truncate(suggestion.unwrap_or(message.len()));
    let said: HashSet<&str> = document.split(|c| !is_name(c)).collect();
    let may_be_told = |name: &str| {
        let known = ["Query", "Mutation", "Subscription"].contains(&name) || BUILT_IN.contains(&name);
        known || said.contains(name) || name.chars().all(|c| c.is_ascii_digit())
    };
    let mut told = String::with_capacity(message.len());
    // A quoted value may contain quotation marks, so the text after it is processed separately.
    for (number, piece) in message.split(WITHIN).enumerate() {
        if number > 0 {
            told.push_str(WITHIN);
        }
        for (place, part) in piece.split('"').enumerate() {
            if place > 0 {
                told.push('"');
            }
            // Text in quotation marks comes from the schema or the document.
            if (place % 2 == 0) == (number == 0) {
                told.push_str(part);
                continue;
            }
            let mut rest = part;
            while let Some(first) = rest.chars().next() {
                let named = is_name(first);
                let end = rest.find(|c| is_name(c) != named).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                told.push_str(if named && !may_be_told(word) { "…" } else { word });
                rest = after;
            }
        }
    }
    *message = told;
}

/// The selection sets that are merged for one object, each with the type on which it is written.
type Sets<'a> = Vec<(&'a str, &'a SelectionSet)>;

struct ResponseRepair<'a> {
    shapes: &'a FieldTypes,
}

impl<'a> ResponseRepair<'a> {
    /// Follows the path of each error to the failed field, and sets null where the specification requires it.
    fn mend(&self, data: &mut Value, errors: &[ServerError], root: (&'a str, &'a SelectionSet)) {
        // Paths already set to null, so that a second error below them does not restore an object.
        let mut nulls: Vec<&[PathSegment]> = Vec::new();
        for error in errors.iter().filter(|error| !error.path.is_empty()) {
            if nulls.iter().any(|null| error.path.starts_with(null)) {
                continue;
            }
            if let Some(length) = self.follow(data, &error.path, vec![root])
                && let Some(place) = error.path.get(..length)
            {
                set_null(data, place);
                nulls.push(place);
            }
        }
    }

    /// The length of the prefix of `path` that must be set to null because the field at its end failed; `None` if the
    /// data is already right.
    fn follow(&self, data: &mut Value, path: &[PathSegment], root: Sets<'a>) -> Option<usize> {
        let mut sets = root;
        let mut value = data;
        let mut nullable_until = 0;
        let mut at = 0;
        while let Some(PathSegment::Field(key)) = path.get(at) {
            let fields = Self::fields(&sets, key);
            let (parent, first) = fields.first()?;
            let mut shape = self.shapes.of(parent, &first.name.node)?;
            // The library leaves null for an object of which every field failed.
            if *value == Value::Null {
                *value = Value::Object(IndexMap::new());
            }
            let Value::Object(object) = value else { return None };
            let missing = !object.contains_key(key.as_str());
            at += 1;
            if shape.nullable {
                nullable_until = at;
            }
            if missing {
                if !shape.nullable {
                    return Some(nullable_until);
                }
                object.insert(Name::new(key), Value::Null);
                return None;
            }
            value = object.get_mut(key.as_str())?;
            while let (BaseType::List(item), Some(PathSegment::Index(index))) = (&shape.base, path.get(at)) {
                let Value::List(items) = value else { return None };
                shape = item;
                at += 1;
                if shape.nullable {
                    nullable_until = at;
                }
                value = items.get_mut(*index)?;
            }
            let BaseType::Named(name) = &shape.base else {
                return None;
            };
            sets = fields.iter().map(|(_, field)| (name.as_str(), &field.selection_set.node)).collect();
        }
        None
    }

    /// The fields with this response key, each with the type on which it is selected.
    fn fields(sets: &Sets<'a>, key: &str) -> Vec<(&'a str, &'a Field)> {
        let mut found = Vec::new();
        for (parent, set) in sets {
            fields_with(parent, set, key, &mut found);
        }
        found
    }
}

fn fields_with<'a>(parent: &'a str, set: &'a SelectionSet, key: &str, found: &mut Vec<(&'a str, &'a Field)>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) if field.node.response_key().node == key => {
                found.push((parent, &field.node));
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                fields_with(parent, &fragment.node.selection_set.node, key, found);
            }
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
}

fn set_null(data: &mut Value, place: &[PathSegment]) {
    let mut value = data;
    for segment in place {
        let next = match (value, segment) {
            (Value::Object(object), PathSegment::Field(key)) => object.get_mut(key.as_str()),
            (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        let Some(next) = next else { return };
        value = next;
    }
    *value = Value::Null;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::parser::parse_schema;
    use async_graphql::{Variables, value};

    use super::super::compile;
    use super::super::cost::Prices;
    use super::super::limits::Limits;
    use super::*;

    const SDL: &str =
        "type Query { a: A b: A! list: [A!]! holes: [A]! } type A { x: Int! y: Int a: A b: A! }";

    fn mended(query: &str, data: Value, paths: &[&str]) -> Value {
        let mut response = Response::new(data);
        for path in paths {
            let mut error = ServerError::new("no", None);
            error.path = path
                .split('.')
                .map(|part| part.parse().map_or_else(|_| PathSegment::Field(part.into()), PathSegment::Index))
                .collect();
            set_code(&mut error, Code::BadUserInput);
            response.errors.push(error);
        }
        let schema = compile::Schema::new(SDL);
        let prices = Prices::default();
        let compiler = compile::Compiler::new(Arc::new(schema), Arc::new(prices), Limits::default(), true);
        let document = compiler.compile(query).unwrap();
        let operation = &document.operations[&None];
        let (plan, _) = compiler.plan(&document, operation, Variables::default()).unwrap();
        let executed = Executed { text: query, set: plan.root(), root: "Query", discreet: false };
        let shapes = FieldTypes::new(parse_schema(SDL).unwrap());
        assert!(mend(&mut response, executed, &shapes, 20));
        put_in_order(&mut response.data, plan.root());
        response.data
    }

    #[test]
    fn a_nullable_field_that_failed_is_null() {
        let data = value!({"a": {"y": 1}});
        assert_eq!(mended("{ a { a { x } y } }", data, &["a.a"]), value!({"a": {"a": null, "y": 1}}));
        assert_eq!(mended("{ a { y } }", value!(null), &["a"]), value!({"a": null}));
        assert_eq!(mended("{ a { k: y } }", value!({"a": null}), &["a.k"]), value!({"a": {"k": null}}));
    }

    #[test]
    fn a_field_that_may_not_be_null_makes_null_what_holds_it() {
        assert_eq!(mended("{ a { x } }", value!({"a": {"y": 1}}), &["a.x"]), value!({"a": null}));
        assert_eq!(mended("{ b { x } a { y } }", value!({"a": {"y": 1}}), &["b"]), value!(null));
        assert_eq!(mended("{ b { b { x } } }", value!({"b": {"b": null}}), &["b.b.x"]), value!(null));
        let data = value!({"list": [{"x": 1}, {"y": 2}]});
        assert_eq!(mended("{ list { x y } }", data, &["list.1.x"]), value!(null));
        let data = value!({"holes": [{"x": 1}, {"y": 2}]});
        assert_eq!(
            mended("{ holes { ...F } } fragment F on A { x y }", data, &["holes.1.x"]),
            value!({"holes": [{"x": 1}, null]})
        );
    }

    #[test]
    fn what_is_null_stays_null() {
        let data = value!({"a": {"y": 1}});
        assert_eq!(mended("{ a { x a { y } y } }", data, &["a.x", "a.a"]), value!({"a": null}));
    }
}
